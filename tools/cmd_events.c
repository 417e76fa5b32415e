// SPDX-License-Identifier: GPL-2.0-only
/*
 * twstat events: follow the stream of events.
 */
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "options.h"
#include "out_text.h"
#include "parse.h"
#include "read.h"
#include "words.h"

enum { EVENTS_COUNT = 1, EVENTS_TYPE, EVENTS_FOR, EVENTS_RECENT, EVENTS_RAW };

/* struct follow - what is asked for, and how far it has come */
struct follow {
	struct count count;		/* events to show */
	struct count seconds;		/* to follow for */
	bool types[EVENT_COUNT];
	bool with_types;
	bool recent;
	bool raw;

	uint64_t read;
	uint64_t shown;
	uint64_t malformed;
	uint64_t lost;			/* as far as it is known */
	bool lost_more;			/* and some that no gap tells of */
	bool overrun;			/* READ_LOST, not yet told */
	struct count last_seq;
};

static volatile sig_atomic_t stopped;

/*
 * A signal that comes after the look at 'stopped' and before the poll(2)
 * would leave it waiting for the next event: the alarm ends it then.
 */
static void stop(int sig)
{
	(void)sig;
	stopped = 1;
	alarm(1);
}

static void catch_signals(void)
{
	/*
	 * A write(2) that waits for who reads us goes on: what was read would be lost.
	 * A second signal ends us there. Of poll(2) each is the end.
	 */
	struct sigaction action = { .sa_handler = stop, .sa_flags = SA_RESTART };

	sigaction(SIGALRM, &action, NULL);
	action.sa_flags |= (int)SA_RESETHAND;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static int take_types(const struct cmd *cmd, const char *value,
		      struct follow *follow)
{
	for (;;) {
		size_t len = strcspn(value, ",");
		int type = words_find(words_events, value, len);

		if (type < 0)
			return usage_error(cmd, "no event '%.*s'; there are"
					   WORDS_SPACED(TWAIT_EVENTS),
					   (int)len, value);
		follow->types[type] = true;
		follow->with_types = true;
		if (!value[len])
			return 0;
		value += len + 1;
	}
}

/* Only the rare ones are kept; of the others it would show nothing. */
static int check_kept(const struct cmd *cmd, const struct follow *follow)
{
	static const bool kept[EVENT_COUNT] = {
		[EVENT_END] = true, [EVENT_AVOID] = true, [EVENT_REUSE] = true,
		[EVENT_REFUSAL] = true, [EVENT_LATE] = true,
	};
	int type;

	for (type = 0; type < EVENT_COUNT; type++)
		if (follow->types[type] && !kept[type])
			return usage_error(cmd, "--recent has no '%s': kept are end avoid reuse refusal late; without --recent all are shown as they come",
					   words_events[type]);
	return 0;
}

static int take(const struct cmd *cmd, const struct opt *opt,
		const char *value, void *ctx)
{
	struct follow *follow = ctx;

	switch (opt->id) {
	case EVENTS_COUNT:
		follow->count.known = true;
		return options_number(cmd, opt, value, 1, UINT64_MAX,
				      &follow->count.n);
	case EVENTS_FOR:
		follow->seconds.known = true;
		return options_number(cmd, opt, value, 1, INT_MAX,
				      &follow->seconds.n);
	case EVENTS_TYPE:
		return take_types(cmd, value, follow);
	case EVENTS_RECENT:
		follow->recent = true;
		return 0;
	default:
		follow->raw = true;
		return 0;
	}
}

/* Local time to the millisecond, as long as the clock was before year 10000. */
static const char *when(char *buf, size_t size, struct count time_ns)
{
	time_t s = (time_t)(time_ns.n / 1000000000);
	struct tm tm;
	size_t at;

	if (!time_ns.known || !localtime_r(&s, &tm))
		return "-";
	at = strftime(buf, size, "%H:%M:%S", &tm);
	snprintf(buf + at, size - at, ".%03u",
		 (unsigned int)(time_ns.n / 1000000 % 1000));
	return buf;
}

static const char *or_dash(const char *word)
{
	return word ? word : "-";
}

static void what_end(char *buf, size_t size, const struct flow *flow)
{
	char age[OUT_NUMBER_MAX], left[OUT_NUMBER_MAX];
	const char *fate = or_dash(flow->fate);
	size_t at;

	snprintf(buf, size, "%.32s after %s", fate,
		 out_duration(age, flow->age_ms));
	/* A timer may fire a tick before its time: that is not early. */
	if (words_find(words_fates, fate, strlen(fate)) == FATE_EXPIRED ||
	    !flow->left_ms.n)
		return;
	at = strlen(buf);
	snprintf(buf + at, size - at, ", %s early",
		 out_duration(left, flow->left_ms));
	/* RFC 1337: what assassinates is the answer to an ACK of the wait's own. */
	if (words_find(words_fates, fate, strlen(fate)) != FATE_RST ||
	    !flow->acked_kind || !flow->acked_ms.known)
		return;
	at = strlen(buf);
	snprintf(buf + at, size - at, ", %s after it had ACKed: %.32s",
		 out_duration(age, flow->acked_ms), flow->acked_kind);
}

/*
 * Who was in the way, and what helps. Live sockets are the reason where there are
 * any: then the waits are not.
 */
static void what_refusal(char *buf, size_t size, const struct flow *flow)
{
	char held[OUT_NUMBER_MAX], more[OUT_NUMBER_MAX];
	bool helps = flow->reuseaddr_helps && !strcmp(flow->reuseaddr_helps, "yes");
	/* Not all sockets of the port were looked at. */
	bool partial = flow->partial && !strcmp(flow->partial, "yes");

	out_thousands(held, flow->held.n);
	if (!flow->path || strcmp(flow->path, "bind") != 0)
		snprintf(buf, size,
			 "EADDRNOTAVAIL: waits to there hold %s of %s ports",
			 held, out_thousands(more, flow->ports.n));
	else if (!flow->held.known)
		snprintf(buf, size, "EADDRINUSE: no port of the range is free");
	else if (flow->live.n)
		snprintf(buf, size,
			 "EADDRINUSE: %s live socket%s on the port, TIME_WAIT is not to blame",
			 out_thousands(more, flow->live.n),
			 flow->live.n == 1 ? "" : "s");
	else if (flow->held.n)
		snprintf(buf, size,
			 "EADDRINUSE: %s%s wait%s on the port, SO_REUSEADDR %s",
			 partial ? "at least " : "", held,
			 flow->held.n == 1 ? "" : "s",
			 !helps ? "does not help: the old sockets lacked it" :
			 partial ? "may help" : "would have helped");
	else
		snprintf(buf, size, "EADDRINUSE: whoever had the port is gone");
}

/* What it met, and whether that did harm: see TWAIT_LATES. */
static void what_late(char *buf, size_t size, const struct flow *flow)
{
	static const char *const met[LATE_COUNT] = {
		[LATE_FIN] = ", nobody was there and RST the answer: harm",
		[LATE_DATA] = ", nobody was there and RST the answer: harm",
		[LATE_ACK] = ", nobody was there and RST the answer",
		[LATE_SYN] = ", nobody was there: no harm",
		[LATE_RST] = ", nobody was there: no harm",
		[LATE_PAWS] = ", a new connection dropped it for its timestamp",
		[LATE_WINDOW] = ", a new connection dropped it for its sequence number",
		[LATE_SUSPECT] = ", a new connection may have taken it: harm",
	};
	const char *word = or_dash(flow->late);
	int late = words_find(words_lates, word, strlen(word));
	char age[OUT_NUMBER_MAX];

	snprintf(buf, size, "%.32s %s after the wait began%s", word,
		 out_duration(age, flow->age_ms), late < 0 ? "" : met[late]);
}

/* What happened, in words; an event that we do not know has none. */
static void what(char *buf, size_t size, const struct flow *flow)
{
	char age[OUT_NUMBER_MAX], left[OUT_NUMBER_MAX];

	out_duration(age, flow->age_ms);
	out_duration(left, flow->left_ms);
	buf[0] = '\0';
	switch (words_find(words_events, flow->event, strlen(flow->event))) {
	case EVENT_ENTER:
		snprintf(buf, size, "came by %.32s, %s to go",
			 or_dash(flow->way), left);
		break;
	case EVENT_ADVANCE:
		snprintf(buf, size, "got its FIN after %s, %s to go", age, left);
		break;
	case EVENT_REARM:
		snprintf(buf, size, "a segment set it back to %s", left);
		break;
	case EVENT_END:
		what_end(buf, size, flow);
		break;
	case EVENT_AVOID:
		snprintf(buf, size, "no wait: %.32s", or_dash(flow->avoid));
		break;
	case EVENT_REUSE:
		snprintf(buf, size, "%.32s %.32s after %s: %.32s",
			 or_dash(flow->path), or_dash(flow->verdict), age,
			 or_dash(flow->reason));
		break;
	case EVENT_REFUSAL:
		what_refusal(buf, size, flow);
		break;
	case EVENT_SEGMENT:
		snprintf(buf, size, "%.32s after %s, answered: %.32s",
			 or_dash(flow->kind), age, or_dash(flow->answer));
		break;
	case EVENT_LATE:
		what_late(buf, size, flow);
		break;
	}
}

static void print_event(const struct flow *flow)
{
	char local[OUT_ENDPOINT_MAX], remote[OUT_ENDPOINT_MAX];
	char process[OUT_PROCESS_MAX];
	char time[64], text[160];

	what(text, sizeof(text), flow);
	printf("%s %-7s %s > %s  %s  %s\n",
	       when(time, sizeof(time), flow->time_ns), flow->event,
	       out_endpoint(local, flow->src, flow->sport),
	       out_endpoint(remote, flow->dst, flow->dport), text,
	       out_process(process, flow));
}

/**
 * tell_loss() - say that the kernel overwrote events before we read them
 * @follow: counts them
 * @seq: of the event behind the gap; not known if none came
 *
 * A gap without an overrun is no loss: sequence numbers may be shared with
 * others than this reader.
 */
static void tell_loss(struct follow *follow, struct count seq)
{
	FILE *to = follow->raw ? stderr : stdout;
	char n[OUT_NUMBER_MAX];

	if (!follow->overrun)
		return;
	follow->overrun = false;
	if (seq.known && follow->last_seq.known &&
	    seq.n > follow->last_seq.n + 1) {
		uint64_t gap = seq.n - follow->last_seq.n - 1;

		follow->lost += gap;
		fprintf(to, "-- %s event%s lost here\n", out_thousands(n, gap),
			gap == 1 ? " was" : "s were");
	} else {
		follow->lost_more = true;
		fputs("-- some events were lost here\n", to);
	}
}

static void take_event(struct follow *follow, const struct reader *reader)
{
	char copy[READ_LINE_MAX];
	struct flow flow;
	int type;

	memcpy(copy, reader->line, reader->len + 1);
	if (!parse_flow(copy, reader->len, &flow) || !flow.event ||
	    !flow.seq.known) {
		follow->malformed++;
		return;
	}
	tell_loss(follow, flow.seq);
	follow->last_seq = flow.seq;
	follow->read++;

	type = words_find(words_events, flow.event, strlen(flow.event));
	if (follow->with_types && (type < 0 || !follow->types[type]))
		return;
	if (follow->raw)
		puts(reader->line);
	else
		print_event(&flow);
	follow->shown++;
}

/* Return: what ended it; READ_STOPPED also when all that was wanted is shown. */
static enum read_result follow_events(struct follow *follow,
				      struct reader *reader)
{
	while (!stopped) {
		enum read_result result = reader_next(reader);

		if (result == READ_LOST)
			follow->overrun = true;
		else if (result == READ_CUT)
			follow->malformed++;
		else if (result == READ_OK)
			take_event(follow, reader);
		else if (result != READ_STOPPED)
			return result;
		/* A line must be seen when it happens, not a buffer later. */
		fflush(stdout);
		if (out_failed() ||
		    (follow->count.known && follow->shown == follow->count.n))
			break;
	}
	return READ_STOPPED;
}

static void print_totals(const struct follow *follow)
{
	char read[OUT_NUMBER_MAX], lost[OUT_NUMBER_MAX];
	const char *more = "";

	out_thousands(lost, follow->lost);
	if (follow->lost_more && follow->lost)
		more = "more than ";
	else if (follow->lost_more)
		strcpy(lost, "some");
	fprintf(stderr, "twstat: %s event%s read, %s%s lost\n",
		out_thousands(read, follow->read), follow->read == 1 ? "" : "s",
		more, lost);
}

/* What the module keeps of the rare events, one file after the other. */
static int show_recent(struct follow *follow, struct reader *reader)
{
	static const char *const files[] = {
		TWAIT_FILE_REUSE, TWAIT_FILE_ASSASSINATIONS,
	};
	enum read_result result;
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		result = reader_open(reader, files[i]);
		if (result == READ_OK) {
			if (follow->raw)
				puts(reader->line);
			follow->last_seq.known = false;
			result = follow_events(follow, reader);
			reader_close(reader);
		}
		if (result == READ_STOPPED)
			break;
		if (result != READ_END)
			return reader_explain(reader, result,
					      "twstat events --recent");
	}
	reader_malformed(reader, follow->malformed);
	return TWSTAT_OK;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	static struct reader reader;
	struct follow follow = { 0 };
	enum read_result result;
	int code;

	code = options_parse(cmd, argc, argv, take, &follow);
	if (code != OPTIONS_RUN)
		return code;
	if (follow.recent && follow.seconds.known)
		return usage_error(cmd, "--for and --recent: that ends by itself");
	if (follow.recent && check_kept(cmd, &follow))
		return TWSTAT_USAGE;

	catch_signals();
	if (follow.recent)
		return show_recent(&follow, &reader);
	if (follow.seconds.known)
		alarm((unsigned int)follow.seconds.n);
	result = reader_open(&reader, TWAIT_FILE_EVENTS);
	if (result != READ_OK && result != READ_STOPPED)
		return reader_explain(&reader, result, "twstat events");
	if (result == READ_OK) {
		if (follow.raw)
			puts(reader.line);
		fflush(stdout);
		result = follow_events(&follow, &reader);
		reader_close(&reader);
	}
	tell_loss(&follow, (struct count){ 0 });
	reader_malformed(&reader, follow.malformed);
	/* An open file of a module that has gone answers with either. */
	if (result == READ_END || result == READ_ABSENT)
		fputs("twstat: the module was unloaded\n", stderr);
	else if (result != READ_STOPPED)
		return reader_explain(&reader, result, "twstat events");
	print_totals(&follow);
	return TWSTAT_OK;
}

static const struct opt opts[] = {
	{ EVENTS_TYPE, "type", "WORD[,WORD]", "only some, of these kinds:\n"
	  "                     " WORDS_SPACED(TWAIT_EVENTS) },
	{ EVENTS_COUNT, "count", "N", "stop after N events" },
	{ EVENTS_FOR, "for", "SECONDS", "stop after this time" },
	{ EVENTS_RECENT, "recent", NULL,
	  "what is kept of reuse, refusals and early ends" },
	{ EVENTS_RAW, "raw", NULL, "print the lines as the module writes them" },
	{ 0, NULL, NULL, NULL }
};

const struct cmd cmd_events = {
	.name = "events",
	.brief = "follow what happens to them, as it happens",
	.about =
	"One line an event: local time, event, local and remote end, what happened,\n"
	"process. Begins with what happens from now on, and ends with ^C or when the\n"
	"module is unloaded. Events that the kernel had to overwrite before they\n"
	"were read are counted and said. With --recent it shows, and ends with, what is\n"
	"kept: first who wanted a four-tuple or a port again and what came of it, then\n"
	"waits that ended before their time, closes that left none and what came too\n"
	"late. Needs root.\n",
	.examples =
	"  sudo twstat events --type end\n"
	"  sudo twstat events --type avoid,reuse --for 60\n"
	"  sudo twstat events --recent --type refusal\n"
	"  sudo twstat events --count 1000 --raw > events.txt\n",
	.opts = opts,
	.run = run,
};
