/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TWSTAT_TALLY_H
#define TWSTAT_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Distinct keys that a tally keeps; what a reader needs is bounded by it. */
#define TALLY_MAX	65536

/* struct tally_row - one key and how often it came */
struct tally_row {
	uint64_t n;
	uint64_t members;	/* the caller's */
	uint64_t last;		/* the caller's */
	bool unsure;		/* the caller's */
	uint32_t hash;
	uint32_t key_len;	/* in bytes */
	size_t key_at;		/* in tally.keys; NUL-terminated there */
};

struct tally {
	struct tally_row *rows;
	uint32_t *slots;	/* index in rows + 1; 0: free */
	size_t used;		/* rows */
	char *keys;
	size_t keys_used, keys_room;	/* in bytes */
	uint64_t missed;	/* adds that found no room */
	uint32_t seed;
};

bool tally_init(struct tally *tally);
void tally_free(struct tally *tally);
struct tally_row *tally_add(struct tally *tally, const void *key, size_t len);
size_t tally_top(const struct tally *tally, const struct tally_row **top,
		 size_t want);
const char *tally_key(const struct tally *tally, const struct tally_row *row);

#endif
