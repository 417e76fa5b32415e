/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TWSTAT_RULES_FILE_H
#define TWSTAT_RULES_FILE_H

#include "model.h"
#include "read.h"

/* struct rules - what the rules of a namespace say, all of them together */
struct rules {
	uint64_t count;
	struct count length_max_ms;	/* known if any gives it */
	struct count quiet_min_ms;	/* likewise */
};

enum read_result rules_read(struct reader *reader, struct rules *rules);

#endif
