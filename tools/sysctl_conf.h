/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TWSTAT_SYSCTL_CONF_H
#define TWSTAT_SYSCTL_CONF_H

/* Gets each line that sets the name. */
typedef void (*sysctl_conf_fn)(const char *path, unsigned long line);

void sysctl_conf_search(const char *root, const char *name,
			sysctl_conf_fn found);

#endif
