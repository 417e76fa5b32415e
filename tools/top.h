/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TWSTAT_TOP_H
#define TWSTAT_TOP_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"
#include "tally.h"

/* struct top - who makes the waits, gathered a flow at a time */
struct top {
	struct tally comms;	/* members: distinct pids; last: one of them */
	struct tally pids;	/* comm and pid, for comms' members */
	struct tally remotes;	/* "address:port" */
	struct tally ports;	/* local port */
	uint64_t flows;		/* all that were gathered */
	uint64_t nobodys;	/* without a known process */
};

bool top_init(struct top *top);
void top_free(struct top *top);
void top_add(struct top *top, const struct flow *flow);
void top_print(const struct top *top);

#endif
