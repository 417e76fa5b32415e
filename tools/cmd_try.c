// SPDX-License-Identifier: GPL-2.0-only
/*
 * twstat try: set values and rules for a while, watch what comes of it, and restore
 * what was before, whatever becomes of us.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../module/line.h"
#include "../module/policy.h"
#include "cmd.h"
#include "model.h"
#include "options.h"
#include "out_text.h"
#include "parse.h"
#include "read.h"
#include "stats_file.h"

enum { TRY_FOR = 1, TRY_BASELINE };

#define TRY_RULES_MAX	16
#define TRY_TEXT_MAX	1024

#define RULES	"net/" TWAIT_PROC_DIR "/" TWAIT_FILE_RULES

/*
 * struct attempt - what is to be tried
 *
 * Rules are named try-PID-N, and nobody else's. A rule that gives nothing keeps what it
 * matches from those behind it; as the last one it does nothing.
 */
struct attempt {
	char *value[TWAIT_VALUE_MAX];	/* NULL: stays as it is */
	char before[TWAIT_VALUE_MAX][TWAIT_VALUE_TEXT_MAX];
	const char *rule[TRY_RULES_MAX];
	size_t rules;
	const char *bare;		/* a rule that gives nothing; or NULL */
	bool bare_last;			/* the last one does so */
	uint64_t for_s;
	uint64_t baseline_s;
	char words[TRY_TEXT_MAX];	/* all of it, for people */
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = stop };
	struct sigaction before;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	/* nohup: it is to go on when the terminal has gone. */
	sigaction(SIGHUP, NULL, &before);
	if (before.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &action, NULL);
}

static int find_value(const char *word, size_t len)
{
	int i;

	for (i = 0; i < TWAIT_VALUE_MAX; i++)
		if (strlen(twait_value_word(i)) == len &&
		    !memcmp(twait_value_word(i), word, len))
			return i;
	return -1;
}

static int complain(const struct cmd *cmd, const struct twait_complaint *complaint)
{
	return usage_error(cmd, "refused at '%s': it takes %s",
			   complaint->word, complaint->wants);
}

/* Is it what the module would take? */
static int check_rule(const struct cmd *cmd, const char *word,
		      struct attempt *attempt)
{
	struct twait_complaint complaint;
	struct twait_policy *policy;
	char text[TRY_TEXT_MAX];
	int err;

	if (strchr(word, '\n') ||
	    snprintf(text, sizeof(text), "add try %s", word) >= (int)sizeof(text))
		return usage_error(cmd, "a rule is one line, of less than %d bytes",
				   TRY_TEXT_MAX - 8);
	policy = calloc(1, sizeof(*policy) + sizeof(policy->rule[0]));
	if (!policy)
		return usage_error(cmd, "out of memory");
	twait_policy_init(policy, 1);
	err = twait_policy_apply(policy, text, strlen(text), &complaint);
	attempt->bare_last = !err && !policy->rule[0].given;
	if (attempt->bare_last)
		attempt->bare = word;
	free(policy);
	return err ? complain(cmd, &complaint) : 0;
}

/*
 * "remote=10.0.0.0/8 length_ms=2000" without its quotes is two things to try: a rule
 * that gives nothing, and a length for everybody.
 */
static int check_quotes(const struct cmd *cmd, const struct attempt *attempt)
{
	int i;

	for (i = 0; attempt->bare && i < TWAIT_VALUE_MAX; i++)
		if (attempt->value[i])
			return usage_error(cmd, "%s=%s would be for all, and the rule '%s' gives nothing: put both into one pair of quotes, '%s %s=%s'",
					   twait_value_word(i), attempt->value[i],
					   attempt->bare, attempt->bare,
					   twait_value_word(i), attempt->value[i]);
	if (attempt->bare_last)
		return usage_error(cmd, "the rule '%s' gives nothing: add what it is to give, as in '%s length_ms=5000'",
				   attempt->bare, attempt->bare);
	return 0;
}

static int take_value(const struct cmd *cmd, const char *word, size_t len,
		      struct attempt *attempt)
{
	int value = find_value(word, len);
	struct twait_complaint complaint;
	uint32_t number;

	if (attempt->value[value])
		return usage_error(cmd, "'%s': each value once", word);
	if (twait_value_parse(value, word + len + 1, &number, &complaint))
		return complain(cmd, &complaint);
	attempt->value[value] = strdup(word + len + 1);
	return attempt->value[value] ? 0 : usage_error(cmd, "out of memory");
}

/* VALUE=... is for the namespace; anything with another key, or a space, a rule. */
static int take_word(const struct cmd *cmd, const char *word, void *ctx)
{
	struct attempt *attempt = ctx;
	size_t len = strcspn(word, "=");
	size_t used = strlen(attempt->words);

	snprintf(attempt->words + used, sizeof(attempt->words) - used, "%s%s",
		 used ? ", " : "", word);
	if (word[len] && !strchr(word, ' ') && find_value(word, len) >= 0)
		return take_value(cmd, word, len, attempt);
	if (attempt->rules == TRY_RULES_MAX)
		return usage_error(cmd, "at most %d rules", TRY_RULES_MAX);
	attempt->rule[attempt->rules++] = word;
	return check_rule(cmd, word, attempt);
}

static int take(const struct cmd *cmd, const struct opt *opt, const char *value,
		void *ctx)
{
	struct attempt *attempt = ctx;
	size_t len = strlen(value);
	char number[32];
	uint64_t n;

	/* 60 and 60s are one. */
	if (len && len < sizeof(number) && value[len - 1] == 's') {
		snprintf(number, sizeof(number), "%.*s", (int)len - 1, value);
		if (parse_u64(number, &n))
			value = number;
	}
	return options_number(cmd, opt, value, 1, 86400,
			      opt->id == TRY_FOR ? &attempt->for_s :
						   &attempt->baseline_s);
}

static void value_file(char file[128], int value)
{
	snprintf(file, 128, "sys/" TWAIT_SYSCTL_DIR "/%s",
		 twait_value_word(value));
}

/* A value as it is now. Return: READ_OK, or why it could not be read. */
static enum read_result read_value(struct reader *reader, int value,
				   char text[TWAIT_VALUE_TEXT_MAX])
{
	enum read_result result;
	char file[128];

	value_file(file, value);
	result = reader_open_kernel(reader, file);
	if (result != READ_OK)
		return result;
	result = reader_next(reader);
	if (result == READ_OK)
		snprintf(text, TWAIT_VALUE_TEXT_MAX, "%s", reader->line);
	reader_close(reader);
	return result;
}

/* Return: 0, or the exit code, said why. */
static int read_before(struct attempt *attempt)
{
	static struct reader reader;
	enum read_result result;
	int i;

	for (i = 0; i < TWAIT_VALUE_MAX; i++) {
		result = read_value(&reader, i, attempt->before[i]);
		if (result != READ_OK)
			return reader_explain(&reader, result, "twstat try");
	}
	return 0;
}

/* May we? To be known before somebody waits. Return: 0, or the exit code, said why. */
static int check_rights(const struct attempt *attempt, struct reader *reader)
{
	enum read_result result = READ_OK;
	char file[128];
	int i;

	for (i = 0; i < TWAIT_VALUE_MAX && result == READ_OK; i++) {
		if (!attempt->value[i])
			continue;
		value_file(file, i);
		result = reader_try_write(reader, file);
	}
	if (attempt->rules && result == READ_OK)
		result = reader_try_write(reader, RULES);
	return result == READ_OK ? 0 :
	       reader_explain(reader, result, "twstat try");
}

/*
 * Of two at a time one would restore what the other has set, for ever. The namespace's
 * own file is one and the same in all mounts of proc. The lock is held until the last
 * of us ends: who restores has it too.
 *
 * Return: 0, or the exit code, said why.
 */
static int lock_namespace(void)
{
	int fd = read_lock("self/ns/net");

	if (fd >= 0)
		return 0;
	if (fd == -EWOULDBLOCK)
		fputs("twstat: another 'twstat try' is at work in this network namespace: wait until it has ended, or end it (it restores what was)\n",
		      stderr);
	else
		fprintf(stderr, "twstat: cannot lock this network namespace: %s\n",
			strerror(-fd));
	return TWSTAT_FAILED;
}

/* As a line. Return: 0, or a negative errno. */
static int set_value(int value, const char *text)
{
	char line[TWAIT_VALUE_TEXT_MAX + 1];
	char file[128];

	value_file(file, value);
	snprintf(line, sizeof(line), "%s\n", text);
	return read_write(file, line);
}

static void rule_name(char name[TWAIT_RULE_NAME_BYTES], pid_t pid, size_t i)
{
	snprintf(name, TWAIT_RULE_NAME_BYTES, "try-%d-%u", (int)pid,
		 (unsigned int)(i % TRY_RULES_MAX) + 1);
}

/* Set back. Return: whether it is what it was. */
static bool restore_value(const struct attempt *attempt, int value)
{
	static struct reader reader;
	char now[TWAIT_VALUE_TEXT_MAX];
	int error = set_value(value, attempt->before[value]);

	/* Nothing is tuned any more where the module is gone. */
	if (!error || error == -ENOENT)
		return true;
	return read_value(&reader, value, now) == READ_OK &&
	       !strcmp(now, attempt->before[value]);
}

/* Is there a rule of this name? If that is not known there may be. */
static bool may_have_rule(const char *name)
{
	static struct reader reader;
	enum read_result result = reader_open(&reader, TWAIT_FILE_RULES);
	char begin[TWAIT_RULE_NAME_BYTES + 8];
	bool found = false;

	if (result != READ_OK)
		return true;
	snprintf(begin, sizeof(begin), "rule=%s ", name);
	while (!found && (result = reader_next(&reader)) == READ_OK)
		found = !strncmp(reader.line, begin, strlen(begin));
	reader_close(&reader);
	return found || result != READ_END;
}

/* Taken away. Return: whether it is not there. */
static bool delete_rule(const char *name)
{
	char text[64];
	int error;

	snprintf(text, sizeof(text), "delete %s\n", name);
	error = read_write(RULES, text);
	/* EINVAL: somebody has cleared them. */
	return !error || error == -ENOENT || error == -EINVAL ||
	       !may_have_rule(name);
}

/* Return: whether all is as it was. */
static bool restore(const struct attempt *attempt, pid_t pid)
{
	char name[TWAIT_RULE_NAME_BYTES];
	bool fine = true;
	size_t i;

	for (i = 0; i < TWAIT_VALUE_MAX; i++)
		if (attempt->value[i] && !restore_value(attempt, (int)i))
			fine = false;
	for (i = 0; i < attempt->rules; i++) {
		rule_name(name, pid, i);
		if (!delete_rule(name))
			fine = false;
	}
	return fine;
}

/*
 * A process of its own that restores what was, as soon as the other end of the pipe
 * is closed: by us when we are done, or by the kernel when we are killed.
 */
static pid_t guard(const struct attempt *attempt, int *end)
{
	pid_t pid, parent = getpid();
	ssize_t got;
	int fds[2];
	char c;

	if (pipe(fds))
		return -1;
	fflush(NULL);
	pid = fork();
	if (pid) {
		close(fds[0]);
		*end = fds[1];
		return pid;
	}
	close(fds[1]);
	setsid();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	while ((got = read(fds[0], &c, 1)) > 0 || (got < 0 && errno == EINTR))
		;
	_exit(restore(attempt, parent) ? 0 : 1);
}

/* Return: 0, or the exit code, said why. */
static int apply(const struct attempt *attempt)
{
	char name[TWAIT_RULE_NAME_BYTES];
	char text[TRY_TEXT_MAX + 64];
	size_t i;
	int error;

	for (i = 0; i < TWAIT_VALUE_MAX; i++) {
		if (!attempt->value[i])
			continue;
		error = set_value((int)i, attempt->value[i]);
		if (error) {
			/* Of what it refuses, not of who may not. */
			fprintf(stderr, "twstat: cannot set net.timewait.%s=%s: %s%s\n",
				twait_value_word(i), attempt->value[i],
				strerror(-error),
				error == -EINVAL || error == -EOPNOTSUPP ?
				"; the kernel log says more" : "");
			return TWSTAT_FAILED;
		}
	}
	for (i = 0; i < attempt->rules; i++) {
		rule_name(name, getpid(), i);
		snprintf(text, sizeof(text), "add %s %s\n", name, attempt->rule[i]);
		error = read_write(RULES, text);
		if (error) {
			fprintf(stderr,
				"twstat: cannot add the rule '%s': %s; the kernel log says more\n",
				attempt->rule[i], strerror(-error));
			return TWSTAT_FAILED;
		}
	}
	return 0;
}

/* struct window - what happened in some time */
struct window {
	struct stats begin;
	struct stats end;
	uint64_t most;		/* waits at one time, of those looked at */
	double seconds;
};

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static enum read_result snapshot(struct reader *reader, struct stats *stats)
{
	uint64_t malformed = 0;

	memset(stats, 0, sizeof(*stats));
	return stats_read(reader, stats, &malformed);
}

/* By how much a number grew; not known where the module cannot know it. */
static struct count growth(const struct window *window, const char *name)
{
	struct count grown;
	uint64_t begin;

	grown.known = stats_get(&window->begin, name, &begin) &&
		      stats_get(&window->end, name, &grown.n);
	grown.n -= grown.known ? begin : 0;
	return grown;
}

static const char *count(char buf[OUT_NUMBER_MAX], struct count count)
{
	return count.known ? out_thousands(buf, count.n) : "-";
}

static void show_progress(const char *what, double passed, uint64_t of,
			  const struct window *window)
{
	char waiting[OUT_NUMBER_MAX], late[OUT_NUMBER_MAX];

	if (!isatty(STDERR_FILENO) && (uint64_t)passed % 10)
		return;
	fprintf(stderr, "%s%s: %.0f s of %" PRIu64 ", %s waiting, %s late segments%s",
		isatty(STDERR_FILENO) ? "\r" : "", what, passed, of,
		out_thousands(waiting, stats_number(&window->end, "waiting")),
		count(late, growth(window, "late_total")),
		isatty(STDERR_FILENO) ? "   " : "\n");
}

/*
 * What the module has seen, again. Loaded anew it has begun to count anew, and what
 * was set is gone.
 *
 * Return: READ_END, or why it could not go on.
 */
static enum read_result look_again(struct reader *reader, struct window *window)
{
	uint64_t before_ms = stats_number(&window->end, "observed_ms");
	enum read_result result = snapshot(reader, &window->end);

	if (result != READ_END)
		return result;
	if (stats_number(&window->end, "observed_ms") < before_ms)
		return READ_RELOADED;
	if (stats_number(&window->end, "waiting") > window->most)
		window->most = stats_number(&window->end, "waiting");
	return result;
}

/* Return: READ_END, or why it could not go on. */
static enum read_result watch(struct reader *reader, const char *what,
			      uint64_t seconds, struct window *window)
{
	const struct timespec second = { .tv_sec = 1 };
	enum read_result result = snapshot(reader, &window->begin);
	double begun = now_s();

	window->end = window->begin;
	window->most = 0;
	window->seconds = 0;
	while (result == READ_END && !stopped && window->seconds < (double)seconds) {
		nanosleep(&second, NULL);
		result = look_again(reader, window);
		window->seconds = now_s() - begun;
		if (result == READ_END)
			show_progress(what, window->seconds, seconds, window);
	}
	if (isatty(STDERR_FILENO))
		fputc('\n', stderr);
	return result;
}

static void print_counts(const char *label, struct count before,
			 struct count after)
{
	char a[OUT_NUMBER_MAX], b[OUT_NUMBER_MAX];

	printf("%-34s %14s %14s\n", label, count(a, before), count(b, after));
}

/* A number that is always known. */
static struct count known(uint64_t n)
{
	return (struct count){ .known = true, .n = n };
}

static void report(const struct attempt *attempt, const struct window *before,
		   const struct window *after)
{
	static const struct {
		const char *name;
		const char *label;
	} rows[] = {
		{ "entered_total", "began to wait" },
		{ "ended_total", "ended" },
		{ "refused_connect_total", "connect() without a port" },
		{ "refused_connect_by_waits_total", "  for waits" },
		{ "avoided_overflow_total", "too many waits (overflow)" },
		{ "late_total", "segments that came too late" },
		{ "late_harm_total", "  that did harm" },
		{ "late_suspect_total", "  perhaps taken by a new connection" },
	};
	size_t i;

	printf("tried: %s\n\n%-34s %12.0f s %12.0f s\n", attempt->words, "",
	       before->seconds, after->seconds);
	printf("%-34s %14s %14s\n", "", "before", "tried");
	print_counts("waiting at the end",
		     known(stats_number(&before->end, "waiting")),
		     known(stats_number(&after->end, "waiting")));
	print_counts("  at most", known(before->most), known(after->most));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		print_counts(rows[i].label, growth(before, rows[i].name),
			     growth(after, rows[i].name));
}

/* The guard restores. Return: whether it could. */
static bool dismiss(pid_t guardian, int end)
{
	int status;

	close(end);
	while (waitpid(guardian, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

static int try(struct attempt *attempt, struct reader *reader)
{
	static struct window before, after;
	enum read_result result;
	pid_t guardian;
	int code, end;

	result = watch(reader, "before", attempt->baseline_s, &before);
	if (result != READ_END)
		return reader_explain(reader, result, "twstat try");
	if (stopped)
		return TWSTAT_OK;
	/* Now: somebody may have changed something while we looked. */
	code = read_before(attempt);
	if (code)
		return code;
	guardian = guard(attempt, &end);
	if (guardian < 0) {
		fprintf(stderr, "twstat: cannot start what restores: %s; nothing is changed\n",
			strerror(errno));
		return TWSTAT_FAILED;
	}
	code = apply(attempt);
	if (!code) {
		result = watch(reader, "tried", attempt->for_s, &after);
		if (result != READ_END)
			code = reader_explain(reader, result, "twstat try");
	}
	if (!dismiss(guardian, end)) {
		fputs("twstat: what was before could not be restored in full: look at 'sysctl net.timewait' and the rules\n",
		      stderr);
		return TWSTAT_FAILED;
	}
	if (code)
		return code;
	report(attempt, &before, &after);
	puts("\nrestored: all is set as it was; waits under way run out as they were given");
	return TWSTAT_OK;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	static struct attempt attempt = { .for_s = 60 };
	static struct reader reader;
	struct stats stats;
	enum read_result result;
	int code;

	code = options_parse(cmd, argc, argv, take, &attempt);
	if (code != OPTIONS_RUN)
		return code;
	if (!*attempt.words)
		return usage_error(cmd, "what is to be tried? a value like length_ms=5000, or a rule");
	code = check_quotes(cmd, &attempt);
	if (code)
		return code;
	if (!attempt.baseline_s)
		attempt.baseline_s = attempt.for_s < 60 ? (attempt.for_s + 3) / 4 : 15;
	result = snapshot(&reader, &stats);
	if (result != READ_END)
		return reader_explain(&reader, result, "twstat try");
	if (!read_has("sys/net")) {
		fputs("twstat: nothing can be set: no sys/net below --proc-root. In process PID's namespace: 'sudo nsenter -t PID -n twstat try ...'\n",
		      stderr);
		return TWSTAT_FAILED;
	}
	code = check_rights(&attempt, &reader);
	if (!code)
		code = lock_namespace();
	if (code)
		return code;
	catch_signals();
	return try(&attempt, &reader);
}

static const struct opt opts[] = {
	{ TRY_FOR, "for", "SECONDS", "how long (60)" },
	{ TRY_BASELINE, "baseline", "SECONDS",
	  "how long to look before (a quarter, up to 15)" },
	{ 0, NULL, NULL, NULL }
};

const struct cmd cmd_try = {
	.name = "try",
	.brief = "tune for a while, see what comes of it, restore",
	.about =
	"Words are values for the whole namespace, or rules in quotes (see the file\n"
	"rules). It looks for a moment, sets them, watches, restores what was before,\n"
	"and reports both. What was before is restored on ^C too, and when it is killed.\n"
	"One at a time: a second one in the same network namespace is refused.\n",
	.examples =
	"  sudo twstat try length_ms=5000\n"
	"  sudo twstat try 'share=10% length_ms=5000' --for 600\n"
	"  sudo twstat try 'remote=10.0.0.0/8 length_ms=2000' reuse=allow --for 300\n",
	.opts = opts,
	.take_word = take_word,
	.run = run,
};
