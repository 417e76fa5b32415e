/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the reader makes of the lines under /proc/net/timewait/.
 */
#ifndef TWSTAT_MODEL_H
#define TWSTAT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../module/abi.h"

/* A number that a line may lack or give as '-'. */
struct count {
	bool known;
	uint64_t n;
};

/*
 * The keys of a flow or an event that some command shows or filters by, in
 * the order of the line. A key that is not here is passed over, as are the
 * keys that later versions of the module add.
 *
 * NUMBER	decimal, unsigned 64 bit
 * WORD		printable ASCII
 * NAME		any bytes, chosen by whoever named the process
 */
#define FLOW_KEYS(NUMBER, WORD, NAME) \
	NUMBER(seq)		\
	NUMBER(time_ns)		\
	WORD(event)		\
	WORD(src)		\
	NUMBER(sport)		\
	WORD(dst)		\
	NUMBER(dport)		\
	WORD(state)		\
	WORD(way)		\
	NUMBER(age_ms)		\
	NUMBER(left_ms)		\
	NUMBER(segments)	\
	NUMBER(pid)		\
	NAME(comm)		\
	NUMBER(length_ms)	\
	WORD(fate)		\
	WORD(avoid)		\
	WORD(path)		\
	WORD(verdict)		\
	WORD(reason)		\
	NUMBER(ports)		\
	NUMBER(held)		\
	NUMBER(live)		\
	WORD(reuseaddr_helps)	\
	WORD(partial)		\
	WORD(kind)		\
	WORD(answer)		\
	WORD(acked_kind)	\
	NUMBER(acked_ms)	\
	WORD(late)

#define HOOK_KEYS(NUMBER, WORD, NAME) \
	WORD(hook)		\
	WORD(state)		\
	WORD(loses)

#define MODEL_NUMBER(key)	struct count key;
#define MODEL_TEXT(key)		const char *key;

/*
 * struct flow - one line of connections or events
 *
 * A text is NULL and a number not known when the line lacks it or has '-'.
 * The texts point into the line that was parsed.
 */
struct flow {
	FLOW_KEYS(MODEL_NUMBER, MODEL_TEXT, MODEL_TEXT)
};

/* struct hook - one line of hooks */
struct hook {
	HOOK_KEYS(MODEL_NUMBER, MODEL_TEXT, MODEL_TEXT)
};

/* Far above the names that a module writes today: names are only added. */
#define STATS_MAX	512

/* struct stats - the file stats, names in the order of the file */
struct stats {
	size_t used;
	struct {
		char name[64];
		uint64_t n;
	} rows[STATS_MAX];
};

#endif
