/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TWSTAT_CMD_H
#define TWSTAT_CMD_H

#include <stdint.h>

enum twstat_exit {
	TWSTAT_OK	= 0,
	TWSTAT_FAILED	= 1,	/* I/O, permission */
	TWSTAT_USAGE	= 2,	/* the command line is wrong */
	TWSTAT_ABSENT	= 3,	/* no module, or not one that we understand */
};

/* struct opt - one long option; a list of them ends with name NULL */
struct opt {
	int id;			/* > 0, of the command's own choice */
	const char *name;
	const char *arg;	/* what it takes, for the help; NULL: nothing */
	const char *what;	/* for the help */
};

/* struct cmd - one subcommand: what runs it and what the help says of it */
struct cmd {
	const char *name;
	const char *brief;	/* one line of 'twstat help' */
	const char *about;	/* paragraphs of 'twstat help NAME' */
	const char *examples;	/* lines, indented */
	const struct opt *opts;
	/* Takes a word that is no option; NULL: there are none. 0, or it is said. */
	int (*take_word)(const struct cmd *cmd, const char *word, void *ctx);
	int (*run)(const struct cmd *cmd, int argc, char **argv);
};

extern const struct cmd cmd_summary;
extern const struct cmd cmd_list;
extern const struct cmd cmd_events;
extern const struct cmd cmd_states;
extern const struct cmd cmd_settings;
extern const struct cmd cmd_advise;
extern const struct cmd cmd_try;

void cmd_help(const struct cmd *cmd);

#endif
