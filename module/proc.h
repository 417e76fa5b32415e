/* SPDX-License-Identifier: GPL-2.0-only */
/* The files under /proc/net/timewait/. */
#ifndef TWAIT_PROC_H
#define TWAIT_PROC_H

#include <linux/proc_fs.h>

struct twait_net;

extern const struct proc_ops twait_proc_stats_ops;
extern const struct proc_ops twait_proc_hooks_ops;
extern const struct proc_ops twait_proc_histograms_ops;
extern const struct proc_ops twait_proc_connections_ops;
extern const struct proc_ops twait_proc_events_ops;
extern const struct proc_ops twait_proc_reuse_ops;
extern const struct proc_ops twait_proc_assassinations_ops;
extern const struct proc_ops twait_proc_rules_ops;

int twait_proc_init(struct twait_net *tnet);
void twait_proc_exit(struct twait_net *tnet);
int twait_proc_refuse_write(const struct file *file);

#endif
