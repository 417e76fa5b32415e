/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lines that the kernel writes without the module.
 */
#ifndef TWSTAT_KERNEL_LINE_H
#define TWSTAT_KERNEL_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* struct conntrack - what we want to know of a line of nf_conntrack */
struct conntrack {
	bool ipv6;		/* set for TCP only */
	bool time_wait;		/* TCP in conntrack's own TIME_WAIT */
};

bool kernel_line_is_header(const char *line);
bool kernel_line_socket(char *line, size_t len, unsigned int *state);
bool kernel_line_conntrack(char *line, size_t len, struct conntrack *entry);
bool kernel_line_sysctl(char *line, size_t len, int64_t *numbers, size_t count);

#endif
