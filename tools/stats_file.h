/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TWSTAT_STATS_FILE_H
#define TWSTAT_STATS_FILE_H

#include "model.h"
#include "read.h"

enum read_result stats_read(struct reader *reader, struct stats *stats,
			    uint64_t *malformed);
uint64_t stats_number(const struct stats *stats, const char *name);

#endif
