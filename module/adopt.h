/* SPDX-License-Identifier: GPL-2.0-only */
/* Meeting the kernel's waits where they stand. */
#ifndef TWAIT_ADOPT_H
#define TWAIT_ADOPT_H

void twait_adopt_all(void);

#endif
