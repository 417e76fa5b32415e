/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TWSTAT_PARSE_H
#define TWSTAT_PARSE_H

#include "model.h"

bool parse_flow(char *line, size_t len, struct flow *flow);
bool parse_hook(char *line, size_t len, struct hook *hook);
bool parse_stat(const char *line, size_t len, struct stats *stats);
bool parse_u64(const char *text, uint64_t *n);

bool stats_get(const struct stats *stats, const char *name, uint64_t *n);

#endif
