/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TWSTAT_OPTIONS_H
#define TWSTAT_OPTIONS_H

#include "cmd.h"

/* The command line is fine and the command is to run. */
#define OPTIONS_RUN	(-1)

/* Takes one option into ctx. Return: 0; else the error is said. */
typedef int (*options_take_fn)(const struct cmd *cmd, const struct opt *opt,
			       const char *value, void *ctx);

/* What every command takes; also what may stand before the command. */
extern const struct opt options_common[];

int options_parse(const struct cmd *cmd, int argc, char **argv,
		  options_take_fn take, void *ctx);
int options_leading(int argc, char **argv);
int options_number(const struct cmd *cmd, const struct opt *opt,
		   const char *value, uint64_t min, uint64_t max, uint64_t *n);
int usage_error(const struct cmd *cmd, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
