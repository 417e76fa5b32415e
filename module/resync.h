/* SPDX-License-Identifier: GPL-2.0-only */
/* Watching that our count of waits is the kernel's, and mending it. */
#ifndef TWAIT_RESYNC_H
#define TWAIT_RESYNC_H

void twait_resync_start(void);
void twait_resync_stop(void);

#endif
