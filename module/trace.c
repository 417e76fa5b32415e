// SPDX-License-Identifier: GPL-2.0-only
/* Makes the tracepoints that trace.h declares. */
#include <linux/string.h>

#define CREATE_TRACE_POINTS
#include "trace.h"
