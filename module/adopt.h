/* SPDX-License-Identifier: GPL-2.0-only */
/* Meeting the kernel's waits where they stand. */
#ifndef TWAIT_ADOPT_H
#define TWAIT_ADOPT_H

#include <linux/types.h>

void twait_adopt_all(void);
void twait_readopt_all(u16 walk);

#endif
