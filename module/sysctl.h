/* SPDX-License-Identifier: GPL-2.0-only */
/* net.timewait.*: what is tuned for all flows of a namespace. */
#ifndef TWAIT_SYSCTL_H
#define TWAIT_SYSCTL_H

struct twait_net;

int twait_sysctl_init(struct twait_net *tnet);
void twait_sysctl_exit(struct twait_net *tnet);

#endif
