// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line: one table of options a command serves getopt_long(), the
 * help and the error that names what would have been accepted.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "parse.h"
#include "read.h"

enum { OPT_PROC_ROOT = 1000, OPT_HELP };

#define OPTIONS_MAX	24

const struct opt options_common[] = {
	{ OPT_PROC_ROOT, "proc-root", "DIR",
	  "stands for /proc (or set TWSTAT_PROC_ROOT)" },
	{ OPT_HELP, "help", NULL, "show this help" },
	{ 0, NULL, NULL, NULL }
};

/**
 * usage_error() - say on one line what is wrong with the command line
 * @cmd: the command it is about; NULL: there is none yet
 * @format: what is wrong and what would be accepted
 *
 * Return: TWSTAT_USAGE, for the caller to exit with.
 */
int usage_error(const struct cmd *cmd, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "twstat: %s%s", cmd ? cmd->name : "", cmd ? ": " : "");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "; try 'twstat help%s%s'\n", cmd ? " " : "",
		cmd ? cmd->name : "");
	return TWSTAT_USAGE;
}

/**
 * options_number() - the number that an option takes
 * @cmd: for the error
 * @opt: for the error
 * @value: what stands on the command line
 * @min: least accepted
 * @max: most accepted
 * @n: set if it is one
 *
 * Return: 0, or -1 after saying what is accepted.
 */
int options_number(const struct cmd *cmd, const struct opt *opt,
		   const char *value, uint64_t min, uint64_t max, uint64_t *n)
{
	if (parse_u64(value, n) && *n >= min && *n <= max)
		return 0;
	if (max == UINT64_MAX)
		usage_error(cmd, "--%s takes a number from %" PRIu64
			    " on, not '%s'", opt->name, min, value);
	else
		usage_error(cmd, "--%s takes a number from %" PRIu64 " to %"
			    PRIu64 ", not '%s'", opt->name, min, max, value);
	return -1;
}

/* Nothing in its place would be the kernel's own. Return: 0, or TWSTAT_USAGE. */
static int take_root(const struct cmd *cmd, const char *root)
{
	if (!*root)
		return usage_error(cmd, "--proc-root takes a folder, not ''");
	read_set_root(root);
	return 0;
}

/**
 * options_leading() - take --proc-root before the command
 * @argc: as main() has it
 * @argv: as main() has it
 *
 * Any other option there is the default command's, or wrong, as that says.
 *
 * Return: how many words behind the first it took; -1 after saying what is wrong.
 */
int options_leading(int argc, char **argv)
{
	const char *name = options_common[0].name;
	size_t len = strlen(name);
	int at = 1;

	while (at < argc && !strncmp(argv[at], "--", 2) &&
	       !strncmp(argv[at] + 2, name, len)) {
		char *value = argv[at] + 2 + len;

		if (*value == '=')
			value++;
		else if (!*value && at + 1 < argc)
			value = argv[++at];
		else
			break;
		if (take_root(NULL, value))
			return -1;
		at++;
	}
	return at - 1;
}

/* getopt_long() wants its own table, with the index of ours as the value. */
static size_t fill(const struct opt **known, struct option *longs, size_t used,
		   const struct opt *opts)
{
	for (; opts && opts->name && used < OPTIONS_MAX; opts++, used++) {
		known[used] = opts;
		longs[used] = (struct option) {
			.name = opts->name,
			.has_arg = opts->arg ? required_argument : no_argument,
			.val = (int)used + 1,
		};
	}
	return used;
}

static int unknown_option(const struct cmd *cmd, const char *word,
			  const struct opt *const *known, size_t count)
{
	const char letter[] = { '-', (char)optopt, '\0' };
	char list[512] = "";
	size_t i, at = 0;

	/* Of letters in one word, only optopt tells which it was. */
	if (optopt)
		word = letter;

	for (i = 0; i < count && at < sizeof(list); i++)
		at += (size_t)snprintf(list + at, sizeof(list) - at, " --%s",
				       known[i]->name);
	return usage_error(cmd, "unknown or ambiguous option '%s'; it takes%s",
			   word, list);
}

/**
 * options_parse() - take a command's options
 * @cmd: the command
 * @argc: with its name at 0
 * @argv: with its name at 0
 * @take: gets each option that is the command's own; NULL if it has none
 * @ctx: handed to @take
 *
 * Return: OPTIONS_RUN, or the exit code: the help was asked for, or something
 * is wrong and has been said.
 */
int options_parse(const struct cmd *cmd, int argc, char **argv,
		  options_take_fn take, void *ctx)
{
	struct option longs[OPTIONS_MAX + 1] = { 0 };
	const struct opt *known[OPTIONS_MAX];
	size_t count;
	int got;

	count = fill(known, longs, 0, cmd->opts);
	count = fill(known, longs, count, options_common);

	/* The colon keeps getopt_long() from printing errors of its own. */
	while ((got = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
		const struct opt *opt;

		if (got == 'h')
			got = (int)count;	/* --help stands last */
		if (got == ':')
			return usage_error(cmd, "%s needs a value", argv[optind - 1]);
		if (got == '?') {
			if (optopt > 0 && (size_t)optopt <= count)
				return usage_error(cmd, "--%s takes no value: '%s'",
						   known[optopt - 1]->name,
						   argv[optind - 1]);
			return unknown_option(cmd, argv[optind - 1], known,
					      count);
		}
		opt = known[got - 1];
		if (opt->id == OPT_HELP) {
			cmd_help(cmd);
			return TWSTAT_OK;
		}
		if (opt->id == OPT_PROC_ROOT ? take_root(cmd, optarg) :
					       take(cmd, opt, optarg, ctx))
			return TWSTAT_USAGE;
	}
	for (; cmd->take_word && optind < argc; optind++)
		if (cmd->take_word(cmd, argv[optind], ctx))
			return TWSTAT_USAGE;
	if (optind < argc)
		return usage_error(cmd, "unexpected argument '%s'; it takes only options",
				   argv[optind]);
	return OPTIONS_RUN;
}
