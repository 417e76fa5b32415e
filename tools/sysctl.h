/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TWSTAT_SYSCTL_H
#define TWSTAT_SYSCTL_H

#include <stddef.h>
#include <stdint.h>

#include "read.h"

#define SYSCTL_LENGTH	"net.timewait.length_ms"
#define SYSCTL_QUIET	"net.timewait.quiet_ms"

enum read_result sysctl_read(struct reader *reader, const char *name,
			     int64_t *numbers, size_t count);
bool sysctl_length_ms(struct reader *reader, uint64_t *ms);

#endif
