// SPDX-License-Identifier: GPL-2.0-only
/*
 * twstat summary: how many connections wait, how they came, how they ended,
 * and who makes them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "options.h"
#include "out_text.h"
#include "parse.h"
#include "read.h"
#include "stats_file.h"
#include "top.h"
#include "words.h"

/*
 * In plain words, up to 46 characters. A word that abi.h gains has to be
 * explained here before this compiles.
 */
#define MEANS_WAY_ACTIVE	"this side closed first"
#define MEANS_WAY_SIMULTANEOUS "both ends closed at once: the FINs crossed"
#define MEANS_WAY_FIN_WAIT2	"closed first and let go, waits for the FIN"
#define MEANS_WAY_ADOPTED	"were there before the module"

#define MEANS_FATE_EXPIRED	"their time ran out"
#define MEANS_FATE_RST	"assassinated by a RST (RFC 1337)"
#define MEANS_FATE_SYN	"a new incoming SYN took the connection over"
#define MEANS_FATE_CONNECT	"reused by an outgoing connect()"
#define MEANS_FATE_KILLED	"killed by an administrator (ss -K)"
#define MEANS_FATE_RESET	"the kernel answered with a RST"
#define MEANS_FATE_PURGED	"their network namespace went away"
#define MEANS_FATE_UNKNOWN	"no hook saw why"

#define MEANS_AVOID_LINGER	"SO_LINGER with 0: the close sent a RST"
#define MEANS_AVOID_OVERFLOW	"over tcp_max_tw_buckets, or no memory"

#define MEANS_AVOID_UNREAD	"closed with data unread: RST"
#define MEANS_AVOID_ORPHAN	"over tcp_max_orphans, or no memory: RST"

/* By reason: it stands in one line with who asked and what the kernel said. */
#define MEANS_REASON_REPAIR	"the socket is in TCP_REPAIR"
#define MEANS_REASON_BOUND	"bind() first: that skips tcp_tw_reuse"
#define MEANS_REASON_TIMESTAMPS	"tcp_tw_reuse, made safe by timestamps"
#define MEANS_REASON_FIN_WAIT2	"still waits for the peer's FIN"
#define MEANS_REASON_OFF	"tcp_tw_reuse is 0"
#define MEANS_REASON_NOT_LOOPBACK "tcp_tw_reuse is 2: for loopback only"
#define MEANS_REASON_NO_TIMESTAMPS "no timestamps: reuse would not be safe"
#define MEANS_REASON_TOO_YOUNG	"younger than tcp_tw_reuse_delay, mostly 1 s"
#define MEANS_REASON_SEQ	"its sequence number is beyond the old ones"
#define MEANS_REASON_TIMESTAMP	"its timestamp is newer"
#define MEANS_REASON_PAWS	"its timestamp is too old (PAWS)"
#define MEANS_REASON_OLD_SEQ	"an old sequence number, no newer timestamp"
#define MEANS_REASON_NO_LISTENER "nobody listens on the port"
#define MEANS_REASON_TUNED	"as net.timewait.reuse says, or a rule"
#define MEANS_REASON_UNEXPLAINED "not by any rule we know: please report"

#define MEANS_LATE_FIN		"the peer's FIN: its close was reset"
#define MEANS_LATE_DATA		"data: the peer's connection was reset"
#define MEANS_LATE_ACK		"an ACK, answered with RST"
#define MEANS_LATE_SYN		"a SYN"
#define MEANS_LATE_RST		"a RST: nothing comes of it"
#define MEANS_LATE_PAWS		"for a new connection, too old for it (PAWS)"
#define MEANS_LATE_WINDOW	"for a new connection, outside its window"
#define MEANS_LATE_SUSPECT	"for a new connection, which may have taken it"

#define MEANS_SEGMENT_PAWS	"its timestamp was too old (PAWS)"
#define MEANS_SEGMENT_RST	"a RST just where it kills"
#define MEANS_SEGMENT_RST_STRAY	"a RST elsewhere: ignored"
#define MEANS_SEGMENT_SYN	"somebody wants to connect anew"
#define MEANS_SEGMENT_WINDOW	"neither old nor next in sequence"
#define MEANS_SEGMENT_FIN	"the peer's FIN, mostly again"
#define MEANS_SEGMENT_DATA	"data, mostly old"
#define MEANS_SEGMENT_ACK	"an ACK and nothing else"

/* struct row - a number of stats, and how the summary shows it */
struct row {
	const char *name;	/* in the file */
	const char *label;
	const char *what;
	bool always;		/* also when it is 0 */
};

#define WAY_ROW(id, word) \
	{ "entered_" #word "_total", #word, MEANS_WAY_##id, true },
static const struct row ways[] = {
	TWAIT_WAYS(WAY_ROW)
	{ "adopted_total", TWAIT_WAY_WORD_ADOPTED, MEANS_WAY_ADOPTED, false },
};

/* To run out is how a wait should end: of that also none tells something. */
#define FATE_ROW(id, word) \
	{ "ended_" #word "_total", #word, MEANS_FATE_##id, \
	  FATE_##id == FATE_EXPIRED },
static const struct row fates[] = { TWAIT_FATES(FATE_ROW) };

#define AVOID_ROW(id, word) \
	{ "avoided_" #word "_total", #word, MEANS_AVOID_##id, false },
static const struct row avoids[] = { TWAIT_AVOIDS(AVOID_ROW) };

#define REUSE_ROW(PATH, path, VERDICT, verdict, REASON, reason) \
	{ "reuse_" #path "_" #verdict "_" #reason "_total", \
	  #path " " #verdict, MEANS_REASON_##REASON, false },
static const struct row reuses[] = { TWAIT_REUSES(REUSE_ROW) };

static const struct row refusals[] = {
	{ "refused_connect_total", "connect()",
	  "EADDRNOTAVAIL: no port was free", false },
	{ "refused_connect_by_waits_total", "  for waits",
	  "waits towards the same destination had some", false },
	{ "refused_bind_total", "bind(), listen()",
	  "EADDRINUSE: the port was taken", false },
	{ "refused_bind_by_waits_total", "  for waits",
	  "nothing but waits had it", false },
};

#define LATE_ROW(id, word) \
	{ "late_" #word "_total", #word, MEANS_LATE_##id, false },
static const struct row lates[] = { TWAIT_LATES(LATE_ROW) };

#define SEGMENT_ROW(id, word) \
	{ "segments_" #word "_total", #word, MEANS_SEGMENT_##id, false },
static const struct row segments[] = { TWAIT_SEGMENTS(SEGMENT_ROW) };

static const struct row between[] = {
	{ "advanced_total", "advanced", "FIN_WAIT2s that got their FIN", false },
	{ "rearmed_total", "rearmed", "set back to full length by a segment",
	  false },
};

/* Numbers that are 0 in a good run, and what is wrong with the rest if not. */
static const struct row warnings[] = {
	{ "ended_unknown_total", NULL,
	  "waits ended and no hook saw why", false },
	{ "records_lost_total", NULL,
	  "waits had no room for a record: no table shows them", false },
	{ "owners_lost_total", NULL,
	  "closes had no room to note the process", false },
	{ "refusals_lost_total", NULL,
	  "refused ports, and nobody can say for whom", false },
	{ "events_lost_total", NULL,
	  "events were overwritten before they were read", false },
	{ "reuse_unexplained_total", NULL,
	  "reuse decisions were not by any rule we know", false },
	{ "probes_missed_total", NULL,
	  "times the kernel passed a hook over: see 'hooks'", false },
};

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))
#define ROWS(rows)	rows, COUNT(rows)

static void print_number(const char *label, int indent, uint64_t n,
			 const char *what)
{
	char number[OUT_NUMBER_MAX];

	printf("%*s%-*s %12s%s%s\n", indent, "", 19 - indent, label,
	       out_thousands(number, n), *what ? "  " : "", what);
}

/* Is there anything to show of these rows? */
static bool any(const struct stats *stats, const struct row *rows, size_t count)
{
	uint64_t n;
	size_t i;

	for (i = 0; i < count; i++)
		if (stats_get(stats, rows[i].name, &n) && n)
			return true;
	return false;
}

static uint64_t print_rows(const struct stats *stats, const struct row *rows,
			   size_t count)
{
	uint64_t n, sum = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		if (stats_get(stats, rows[i].name, &n) && (n || rows[i].always))
			print_number(rows[i].label, 2, n, rows[i].what);
		sum += n;
	}
	return sum;
}

static void print_waiting(const struct stats *stats)
{
	uint64_t n, fin_wait2, time_wait;
	char what[128] = "", a[OUT_NUMBER_MAX], b[OUT_NUMBER_MAX];

	if (stats_get(stats, "waiting_time_wait", &time_wait) &&
	    stats_get(stats, "waiting_fin_wait2", &fin_wait2))
		snprintf(what, sizeof(what), "%s in TIME_WAIT, %s in FIN_WAIT2",
			 out_thousands(a, time_wait),
			 out_thousands(b, fin_wait2));
	if (stats_get(stats, "waiting", &n))
		print_number("waiting now", 0, n, what);
	if (stats_get(stats, "waiting_peak", &n))
		print_number("most at one time", 0, n, "");
}

static void print_stats(const struct stats *stats)
{
	uint64_t n, known;

	print_waiting(stats);

	if (stats_get(stats, "entered_total", &n)) {
		putchar('\n');
		print_number("began to wait", 0, n, "");
	}
	print_rows(stats, ROWS(ways));
	print_rows(stats, ROWS(between));

	if (stats_get(stats, "ended_total", &n)) {
		putchar('\n');
		print_number("ended", 0, n, "");
	}
	known = print_rows(stats, ROWS(fates));
	/* Fates are only ever added: a newer module may know more. */
	if (n > known)
		print_number("other", 2, n - known,
			     "in ways that this twstat does not know");

	if (any(stats, ROWS(avoids))) {
		puts("\nclosed without a wait");
		print_rows(stats, ROWS(avoids));
	}
	if (any(stats, ROWS(reuses))) {
		puts("\nwanted again while waiting");
		print_rows(stats, ROWS(reuses));
	}
	if (any(stats, ROWS(refusals))) {
		puts("\nports wanted in vain: who, and why, 'sudo twstat events --recent'");
		print_rows(stats, ROWS(refusals));
	}
	if (any(stats, ROWS(segments))) {
		puts("\nsegments that reached a wait");
		print_rows(stats, ROWS(segments));
	}
	if (any(stats, ROWS(lates))) {
		puts("\nsegments for waits that had ended early");
		print_rows(stats, ROWS(lates));
	}
}

static enum read_result read_flows(struct reader *reader, struct top *top,
				   uint64_t *malformed)
{
	enum read_result result = reader_open(reader, TWAIT_FILE_CONNECTIONS);
	struct flow flow;

	if (result != READ_OK)
		return result;
	while ((result = reader_next(reader)) == READ_OK || result == READ_CUT) {
		if (result == READ_OK &&
		    parse_flow(reader->line, reader->len, &flow))
			top_add(top, &flow);
		else
			++*malformed;
	}
	reader_close(reader);
	return result;
}

/* The tables of who makes the waits. Return: the exit code. */
static int show_flows(struct reader *reader)
{
	enum read_result result;
	uint64_t malformed = 0;
	struct top top;
	int code = TWSTAT_OK;

	if (!top_init(&top)) {
		top_free(&top);
		fputs("twstat: out of memory\n", stderr);
		return TWSTAT_FAILED;
	}
	result = read_flows(reader, &top, &malformed);
	if (result == READ_END)
		top_print(&top);
	else if (result == READ_DENIED)
		puts("\nWhich processes and addresses: for root only ('sudo twstat').");
	else
		code = reader_explain(reader, result, "twstat");
	reader_malformed(reader, malformed);
	top_free(&top);
	return code;
}

/* A comma-separated list as words, on as many lines as it takes. */
static void print_list(const char *list)
{
	size_t width = 0;

	while (*list) {
		size_t len = strcspn(list, ",");

		if (width && width + 1 + len > 78) {
			putchar('\n');
			width = 0;
		}
		width += (size_t)printf("%s%.*s", width ? " " : "  ", (int)len,
					list);
		list += len + (list[len] == ',');
	}
	putchar('\n');
}

/* What is not counted because a hook could not be set. */
static void warn_of_hooks(struct reader *reader)
{
	struct hook hook;

	if (reader_open(reader, TWAIT_FILE_HOOKS) != READ_OK)
		return;
	while (reader_next(reader) == READ_OK) {
		int state;

		if (!parse_hook(reader->line, reader->len, &hook) || !hook.state)
			continue;
		state = words_find(words_hook_states, hook.state,
				   strlen(hook.state));
		if (state < 0 || state == HOOK_ARMED || state == HOOK_IDLE)
			continue;
		out_begin_warning();
		printf("hook '%s' is %s; without it these are not known:\n",
		       hook.hook, hook.state);
		print_list(hook.loses ? hook.loses : "-");
	}
	reader_close(reader);
}

static void warn_of_losses(const struct stats *stats)
{
	size_t i;

	for (i = 0; i < COUNT(warnings); i++) {
		char number[OUT_NUMBER_MAX];
		uint64_t n;

		if (!stats_get(stats, warnings[i].name, &n) || !n)
			continue;
		out_begin_warning();
		printf("%s %s\n", out_thousands(number, n), warnings[i].what);
	}
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	static struct reader reader;
	static struct stats stats;
	enum read_result result;
	uint64_t malformed = 0;
	int code;

	code = options_parse(cmd, argc, argv, NULL, NULL);
	if (code != OPTIONS_RUN)
		return code;

	result = stats_read(&reader, &stats, &malformed);
	if (result != READ_END)
		return reader_explain(&reader, result, "twstat");
	reader_malformed(&reader, malformed);
	print_stats(&stats);
	code = show_flows(&reader);
	warn_of_hooks(&reader);
	warn_of_losses(&stats);
	return code;
}

static const struct opt opts[] = {
	{ 0, NULL, NULL, NULL }
};

const struct cmd cmd_summary = {
	.name = "summary",
	.brief = "how many wait, how they came, how they ended",
	.about =
	"Numbers count since the module was loaded, in this network namespace. The\n"
	"tables of processes and addresses need root; the rest does not.\n",
	.examples =
	"  sudo twstat\n"
	"  sudo ip netns exec blue twstat summary\n"
	"  sudo nsenter -t 4711 -n twstat          as process 4711 sees it\n",
	.opts = opts,
	.run = run,
};
