// SPDX-License-Identifier: GPL-2.0-only
/* All hooks, in the order of arming. */
#include <linux/kernel.h>

#include "hook.h"

/*
 * Ends before beginnings: a wait that begins while we are arming is recorded,
 * and its end must not be missed then. Beginnings last of all: what is counted
 * as begun has had every other hook from the start. Those for what comes after the
 * end are tried first, and stay idle until there is one.
 */
struct twait_hook * const twait_hooks[] = {
	&twait_hook_late_v4,
	&twait_hook_late_v6,
	&twait_hook_incarnation,
	&twait_hook_end,
	&twait_hook_deschedule,
	&twait_hook_segment,
	&twait_hook_connect,
	&twait_hook_bind,
	&twait_hook_close,
	&twait_hook_enter,
};

const unsigned int twait_hooks_count = ARRAY_SIZE(twait_hooks);
