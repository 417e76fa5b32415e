// SPDX-License-Identifier: GPL-2.0-only
/*
 * twstat - show what happens to TCP connections after they are closed
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../module/abi.h"
#include "cmd.h"
#include "options.h"
#include "out_text.h"

static int run_help(const struct cmd *cmd, int argc, char **argv);

static const struct cmd cmd_of_help = {
	.name = "help",
	.brief = "help COMMAND: the options of one command",
	.run = run_help,
};

/* The first one runs when no command is named. */
static const struct cmd *const cmds[] = {
	&cmd_summary,
	&cmd_list,
	&cmd_events,
	&cmd_states,
	&cmd_settings,
	&cmd_advise,
	&cmd_try,
	&cmd_of_help,
};

#define CMDS	(sizeof(cmds) / sizeof(cmds[0]))

static const struct cmd *find_cmd(const char *name)
{
	size_t i;

	for (i = 0; i < CMDS; i++)
		if (!strcmp(cmds[i]->name, name))
			return cmds[i];
	return NULL;
}

static int unknown_cmd(const char *name)
{
	char list[256] = "";
	size_t i, at = 0;

	for (i = 0; i < CMDS && at < sizeof(list); i++)
		at += (size_t)snprintf(list + at, sizeof(list) - at, " %s",
				       cmds[i]->name);
	return usage_error(NULL, "unknown command '%s'; there are%s", name,
			   list);
}

static void print_opts(const struct opt *opt)
{
	char left[64];

	for (; opt && opt->name; opt++) {
		snprintf(left, sizeof(left), "--%s%s%s", opt->name,
			 opt->arg ? " " : "", opt->arg ? opt->arg : "");
		printf("  %-20s %s\n", left, opt->what);
	}
}

/**
 * cmd_help() - print the help of one command
 * @cmd: the command
 */
void cmd_help(const struct cmd *cmd)
{
	printf("twstat %s: %s\n\n%s\nOPTIONS\n", cmd->name, cmd->brief,
	       cmd->about);
	print_opts(cmd->opts);
	print_opts(options_common);
	printf("\nEXAMPLES\n%s", cmd->examples);
}

static void help(void)
{
	size_t i;

	puts("twstat: show what happens to TCP connections after they are closed\n"
	     "\n"
	     "USAGE\n"
	     "  twstat [COMMAND] [OPTIONS]\n"
	     "\n"
	     "COMMANDS");
	for (i = 0; i < CMDS; i++)
		printf("  %-20s %s%s\n", cmds[i]->name, cmds[i]->brief,
		       i ? "" : " (default)");
	puts("\nOPTIONS");
	print_opts(options_common);
	puts("  --version            show version and format\n"
	     "\n"
	     "EXIT CODES\n"
	     "  0 fine   1 error, or not permitted   2 wrong command line\n"
	     "  3 the module is not loaded, or speaks a newer format\n"
	     "\n"
	     "EXAMPLES\n"
	     "  sudo twstat                        how many wait, and who made them\n"
	     "  sudo twstat list --dport 443       the waits toward port 443\n"
	     "  sudo twstat events --type end      each wait as it ends, and why\n"
	     "  twstat states                      how many sockets in each TCP state\n"
	     "  twstat settings                    sysctls, and old advice that harms\n"
	     "  twstat advise                      would a shorter wait have been safe?\n"
	     "  sudo twstat try length_ms=5000     try it for a minute, and see\n"
	     "  twstat help list                   the options of one command");
}

static bool is_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h");
}

static int run_help(const struct cmd *cmd, int argc, char **argv)
{
	const struct cmd *about;

	(void)cmd;
	if (argc < 2 || (argc == 2 && is_help(argv[1]))) {
		help();
		return TWSTAT_OK;
	}
	if (argv[1][0] == '-')
		return usage_error(NULL, "help takes a command, not '%s'", argv[1]);
	about = find_cmd(argv[1]);
	if (!about)
		return unknown_cmd(argv[1]);
	if (argc > 2)
		return usage_error(about, "help takes one command, not '%s' too",
				   argv[2]);
	if (about == &cmd_of_help)
		help();
	else
		cmd_help(about);
	return TWSTAT_OK;
}

static int run_version(int argc, char **argv)
{
	if (argc > 2)
		return usage_error(NULL, "--version takes no more words, not '%s'",
				   argv[2]);
	printf("twstat %s (format %d)\n", TWSTAT_VERSION, TWAIT_FORMAT_VERSION);
	return TWSTAT_OK;
}

/*
 * A file that we open must not come to be what output is written to. What is closed
 * fails as before: these are open for the other direction only.
 */
static void open_standard_files(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
	const struct cmd *cmd = cmds[0];
	int taken;

	open_standard_files();
	taken = options_leading(argc, argv);

	if (taken < 0)
		return TWSTAT_USAGE;
	argc -= taken;
	argv += taken;
	if (argc > 1 && !strcmp(argv[1], "--version"))
		return out_finish(run_version(argc, argv));
	if (argc > 1 && (argv[1][0] != '-' || is_help(argv[1]))) {
		cmd = is_help(argv[1]) ? &cmd_of_help : find_cmd(argv[1]);
		if (!cmd)
			return unknown_cmd(argv[1]);
		argc--;
		argv++;
	}
	return out_finish(cmd->run(cmd, argc, argv));
}
