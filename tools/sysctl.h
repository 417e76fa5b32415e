/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TWSTAT_SYSCTL_H
#define TWSTAT_SYSCTL_H

#include <stddef.h>
#include <stdint.h>

#include "read.h"

enum read_result sysctl_read(struct reader *reader, const char *name,
			     int64_t *numbers, size_t count);

#endif
