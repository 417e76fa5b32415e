// SPDX-License-Identifier: GPL-2.0-only
/*
 * twstat advise: what a shorter wait would have saved, and what it would have
 * missed, told from what the module has seen.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "model.h"
#include "options.h"
#include "out_text.h"
#include "parse.h"
#include "read.h"
#include "rules_file.h"
#include "stats_file.h"
#include "sysctl.h"

enum { ADVISE_LENGTH = 1 };

/* Less than this is too little to say anything from. */
#define WAITS_MIN	1000
#define OBSERVED_MIN_MS	(10 * 60 * 1000)

#define BUCKETS_MAX	128

/* struct histogram - one of the file */
struct histogram {
	uint64_t sum;			/* of the counts */
	size_t used;
	struct {
		uint64_t from_ms;
		uint64_t below_ms;	/* UINT64_MAX: the last bucket is open */
		uint64_t count;
	} bucket[BUCKETS_MAX];
};

/* struct seen - what the module has seen */
struct seen {
	struct histogram lengths;	/* of waits that ended, seen from their beginning */
	struct histogram reached;	/* how old they were when a segment came */
	struct histogram late;		/* and when one came that was too late */
	uint64_t lengths_ms;		/* the lengths added up */
	uint64_t observed_ms;
	uint64_t oldest_ms;		/* the age at which the latest segment came */
	uint64_t waiting;		/* now */
	struct count in_fin_wait2;	/* of those */
	struct count rearmed;		/* waits that a segment set back */
	uint64_t tuned_ms;		/* how long a TIME_WAIT lasts now, at most */
	uint64_t quiet_ms;		/* how long one that ended early is watched, at least */
	uint64_t unwatched;		/* waits without a record, or without a ghost */
	bool ages_known;		/* of segments */
};

/* A line of the histogram @name: "histogram=NAME "; other lines are none of ours. */
static bool parse_bucket(const char *line, const char *name,
			 struct histogram *histogram)
{
	unsigned long long from, below, count;

	if (strncmp(line, name, strlen(name)))
		return true;
	line += strlen(name);
	/* It is not known: the file stats says so too. */
	if (strstr(line, " count=-"))
		return true;
	if (histogram->used == BUCKETS_MAX)
		return false;
	if (sscanf(line, "from_ms=%llu below_ms=- count=%llu", &from, &count) == 2)
		below = UINT64_MAX;
	else if (sscanf(line, "from_ms=%llu below_ms=%llu count=%llu", &from,
			&below, &count) != 3)
		return false;
	histogram->bucket[histogram->used].from_ms = from;
	histogram->bucket[histogram->used].below_ms = below;
	histogram->bucket[histogram->used++].count = count;
	histogram->sum += count;
	return true;
}

static enum read_result read_histograms(struct reader *reader, struct seen *seen,
					uint64_t *malformed)
{
	enum read_result result = reader_open(reader, TWAIT_FILE_HISTOGRAMS);

	if (result != READ_OK)
		return result;
	while ((result = reader_next(reader)) == READ_OK || result == READ_CUT)
		if (result == READ_CUT ||
		    !parse_bucket(reader->line, "histogram=length ", &seen->lengths) ||
		    !parse_bucket(reader->line, "histogram=segment_age ",
				  &seen->reached) ||
		    !parse_bucket(reader->line, "histogram=late_age ", &seen->late))
			++*malformed;
	reader_close(reader);
	return result;
}

/* At most so many were longer than this: a bucket counts whole. */
static uint64_t longer_than(const struct histogram *histogram, uint64_t ms)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < histogram->used; i++)
		if (histogram->bucket[i].below_ms > ms)
			n += histogram->bucket[i].count;
	return n;
}

/* At most so many segments came later than this. */
static uint64_t later_than(const struct seen *seen, uint64_t length_ms)
{
	if (seen->oldest_ms <= length_ms)
		return 0;
	return longer_than(&seen->reached, length_ms) +
	       longer_than(&seen->late, length_ms);
}

/* At least so many waits were watched for longer than this. */
static uint64_t watched_longer(const struct seen *seen, uint64_t length_ms)
{
	uint64_t n = 0;
	size_t i;

	if (seen->quiet_ms > length_ms)
		return seen->lengths.sum;
	for (i = 0; i < seen->lengths.used; i++)
		if (seen->lengths.bucket[i].from_ms >= length_ms)
			n += seen->lengths.bucket[i].count;
	return n;
}

/* At most so many milliseconds of all waits, had none lasted longer than this. */
static double lengths_up_to(const struct seen *seen, uint64_t length_ms)
{
	const struct histogram *lengths = &seen->lengths;
	double sum = 0;
	size_t i;

	for (i = 0; i < lengths->used; i++) {
		uint64_t below_ms = lengths->bucket[i].below_ms;

		sum += (double)lengths->bucket[i].count *
		       (double)(below_ms < length_ms ? below_ms : length_ms);
	}
	return sum;
}

/*
 * At most so many waits at one time, with a length that is shorter than that in force.
 * By Little's law there are as many fewer as all of them together last shorter. One
 * that is set back lasts a length more; a FIN_WAIT2 has a time of its own.
 *
 * What lasted longer than the length in force did so before that was set.
 */
static uint64_t would_hold(const struct seen *seen, uint64_t length_ms)
{
	double then_ms = lengths_up_to(seen, length_ms) +
			 (double)seen->rearmed.n * (double)length_ms;
	double now_ms = lengths_up_to(seen, seen->tuned_ms);
	double held;

	if (now_ms > (double)seen->lengths_ms)
		now_ms = (double)seen->lengths_ms;
	if (then_ms >= now_ms)
		return seen->waiting;
	held = (double)seen->waiting * then_ms / now_ms + (double)seen->in_fin_wait2.n;
	if (held >= (double)seen->waiting)
		return seen->waiting;
	return (uint64_t)held + (held > (double)(uint64_t)held);
}

static const char *duration(char buf[OUT_NUMBER_MAX], uint64_t ms)
{
	return out_duration(buf, (struct count){ .known = true, .n = ms });
}

static void print_waits(const struct seen *seen, uint64_t length_ms)
{
	uint64_t held = would_hold(seen, length_ms);
	char then[OUT_NUMBER_MAX], now[OUT_NUMBER_MAX];

	out_thousands(now, seen->waiting);
	if (length_ms >= seen->tuned_ms)
		printf("no fewer than the %s waits of now", now);
	else if (!seen->in_fin_wait2.known || !seen->rearmed.known)
		printf("a number of waits that is not known here");
	else if (held == seen->waiting)
		printf("up to the %s waits of now", now);
	else
		printf("at most %s instead of %s waits", out_thousands(then, held), now);
}

static void print_later(const struct seen *seen, uint64_t length_ms)
{
	uint64_t watched = watched_longer(seen, length_ms);
	uint64_t late = later_than(seen, length_ms);
	char n[OUT_NUMBER_MAX];

	if (late)
		printf("; at most %s segments came later than that",
		       out_thousands(n, late));
	else if (watched >= WAITS_MIN)
		printf("; no segment came later than that");
	else
		printf("; only %s waits were watched for longer: too few to tell what comes later",
		       out_thousands(n, watched));
	if (watched < seen->lengths.sum && (late || watched >= WAITS_MIN))
		printf(", for the %s waits watched so long",
		       out_thousands(n, watched));
}

static void print_length(const struct seen *seen, uint64_t length_ms)
{
	char length[OUT_NUMBER_MAX];

	printf("%s would hold ", duration(length, length_ms));
	print_waits(seen, length_ms);
	if (seen->ages_known)
		print_later(seen, length_ms);
	putchar('\n');
}

static void print_segments(const struct seen *seen)
{
	char reached[OUT_NUMBER_MAX], late[OUT_NUMBER_MAX], oldest[OUT_NUMBER_MAX];

	printf(", and %s segments that reached one",
	       out_thousands(reached, seen->reached.sum));
	if (seen->late.sum)
		printf(" and %s that came when it had ended",
		       out_thousands(late, seen->late.sum));
	if (seen->reached.sum + seen->late.sum)
		printf(", the latest %s after its beginning",
		       duration(oldest, seen->oldest_ms));
}

static void print_seen(const struct seen *seen)
{
	char waits[OUT_NUMBER_MAX], time[OUT_NUMBER_MAX];

	printf("seen: %s waits in %s", out_thousands(waits, seen->lengths.sum),
	       duration(time, seen->observed_ms));
	if (seen->ages_known)
		print_segments(seen);
	else
		printf("; numbers of segments are not known here, look at /proc/net/"
		       TWAIT_PROC_DIR "/" TWAIT_FILE_HOOKS);
	putchar('\n');
	if (seen->unwatched)
		printf("not watched to their end, for want of room (max_records): %s waits;\n"
		       "numbers of segments may be too low by what came for those\n",
		       out_thousands(waits, seen->unwatched));
}

static bool is_too_little(const struct seen *seen)
{
	char waits[OUT_NUMBER_MAX], time[OUT_NUMBER_MAX];

	if (seen->lengths.sum >= WAITS_MIN && seen->observed_ms >= OBSERVED_MIN_MS)
		return false;
	printf("That is too little to advise on: at least %s waits in %s are. Ask again later.\n",
	       out_thousands(waits, WAITS_MIN), duration(time, OBSERVED_MIN_MS));
	return true;
}

static void print_advice(const struct seen *seen, uint64_t length_ms)
{
	static const uint64_t lengths_ms[] = { 1000, 2000, 5000, 10000, 30000 };
	size_t i;

	putchar('\n');
	if (length_ms) {
		print_length(seen, length_ms);
	} else {
		for (i = 0; i < sizeof(lengths_ms) / sizeof(lengths_ms[0]); i++)
			print_length(seen, lengths_ms[i]);
	}
	puts("\nNumbers of waits are right if those to come are like those that have ended.\n"
	     "A segment that comes later than the wait is answered with RST, or meets the\n"
	     "next connection. What has not been seen may still come: try a shorter length\n"
	     "on a share of the flows first, and look at what comes late:\n"
	     "  sudo twstat try 'share=10% length_ms=5000' --for 600");
}

static int take(const struct cmd *cmd, const struct opt *opt, const char *value,
		void *ctx)
{
	return options_number(cmd, opt, value, TWAIT_LENGTH_MS_MIN,
			      TWAIT_LENGTH_MS_MAX, ctx);
}

static struct count number(const struct stats *stats, const char *name)
{
	struct count count;

	count.known = stats_get(stats, name, &count.n);
	return count;
}

/* A number stands only where all that it is made of was counted. */
static bool ages_are_known(const struct stats *stats)
{
	return number(stats, "segment_age_max_ms").known &&
	       number(stats, "segments_data_total").known &&
	       number(stats, "late_age_max_ms").known &&
	       number(stats, "late_total").known;
}

static void take_stats(struct seen *seen, const struct stats *stats)
{
	uint64_t late_ms = stats_number(stats, "late_age_max_ms");

	seen->lengths_ms = stats_number(stats, "length_ms_total");
	seen->observed_ms = stats_number(stats, "observed_ms");
	seen->waiting = stats_number(stats, "waiting");
	seen->in_fin_wait2 = number(stats, "waiting_fin_wait2");
	seen->rearmed = number(stats, "rearmed_total");
	seen->unwatched = stats_number(stats, "records_lost_total") +
			  stats_number(stats, "ghosts_lost_total");
	seen->ages_known = ages_are_known(stats);
	/* Waits that are shortened already are missed by what is late for them. */
	seen->oldest_ms = stats_number(stats, "segment_age_max_ms");
	if (seen->oldest_ms < late_ms)
		seen->oldest_ms = late_ms;
}

/*
 * What is in force. Below /proc/PID there is no sys. Which waits are a rule's is not
 * known: so each may be.
 */
static void read_tuned(struct reader *reader, struct seen *seen)
{
	int64_t quiet_ms = TWAIT_LENGTH_MS_DEFAULT;
	struct rules rules;

	if (!sysctl_length_ms(reader, &seen->tuned_ms) ||
	    sysctl_read(reader, SYSCTL_QUIET, &quiet_ms, 1) != READ_OK)
		puts("net.timewait cannot be read here: taken is that nothing is tuned");
	seen->quiet_ms = quiet_ms > 0 ? (uint64_t)quiet_ms : 0;
	if (rules_read(reader, &rules) != READ_END)
		puts("the rules cannot be read, they are for root: taken is that none gives a length_ms\n"
		     "or a quiet_ms");
	if (rules.length_max_ms.known && rules.length_max_ms.n > seen->tuned_ms)
		seen->tuned_ms = rules.length_max_ms.n;
	if (rules.quiet_min_ms.known && rules.quiet_min_ms.n < seen->quiet_ms)
		seen->quiet_ms = rules.quiet_min_ms.n;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	static struct reader reader;
	static struct stats stats;
	static struct seen seen;
	enum read_result result;
	uint64_t malformed = 0, length_ms = 0;
	int code;

	code = options_parse(cmd, argc, argv, take, &length_ms);
	if (code != OPTIONS_RUN)
		return code;
	result = stats_read(&reader, &stats, &malformed);
	if (result == READ_END)
		result = read_histograms(&reader, &seen, &malformed);
	if (result != READ_END)
		return reader_explain(&reader, result, "twstat advise");
	reader_malformed(&reader, malformed);
	take_stats(&seen, &stats);
	read_tuned(&reader, &seen);
	print_seen(&seen);
	if (!is_too_little(&seen))
		print_advice(&seen, length_ms);
	return TWSTAT_OK;
}

static const struct opt opts[] = {
	{ ADVISE_LENGTH, "length", "MS", "only of this length (1000 to 240000)" },
	{ 0, NULL, NULL, NULL }
};

const struct cmd cmd_advise = {
	.name = "advise",
	.brief = "would a shorter wait have been safe here?",
	.about =
	"For some lengths of TIME_WAIT: how many waits there would be at most, and how\n"
	"many of the segments that were seen to reach a wait, or came when it had ended\n"
	"early, came later than that. It is said how much was seen, and what was not; of\n"
	"too little nothing is said. No number is too low for what was watched: ages are\n"
	"kept in powers of 2.\n",
	.examples =
	"  twstat advise\n"
	"  twstat advise --length 5000\n",
	.opts = opts,
	.run = run,
};
