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
#include "stats_file.h"

enum { ADVISE_LENGTH = 1 };

/* Less than this is too little to say anything from. */
#define WAITS_MIN	1000
#define OBSERVED_MIN_MS	(10 * 60 * 1000)

#define BUCKETS_MAX	128

/* struct ages - how old waits were when a segment reached them, or came too late to */
struct ages {
	size_t used;
	struct {
		uint64_t below_ms;	/* UINT64_MAX: the last bucket is open */
		uint64_t count;
	} bucket[BUCKETS_MAX];
};

/* struct seen - what the module has seen */
struct seen {
	uint64_t waits;		/* that have ended */
	uint64_t waiting;	/* now */
	uint64_t mean_ms;	/* how long those that ended had lasted */
	uint64_t observed_ms;
	uint64_t segments;	/* that reached a wait */
	uint64_t late;		/* that came when it had ended */
	uint64_t oldest_ms;	/* the age at which the latest of either came */
	struct ages ages;
};

/* A line of the histogram @name: "histogram=NAME"; other lines are none of ours. */
static bool parse_bucket(const char *line, const char *name, struct ages *ages,
			 uint64_t *sum)
{
	unsigned long long from, below, count;

	if (strncmp(line, name, strlen(name)))
		return true;
	line += strlen(name);
	if (ages->used == BUCKETS_MAX)
		return false;
	if (sscanf(line, " from_ms=%llu below_ms=- count=%llu", &from, &count) == 2)
		below = UINT64_MAX;
	else if (sscanf(line, " from_ms=%llu below_ms=%llu count=%llu", &from,
			&below, &count) != 3)
		return false;
	ages->bucket[ages->used].below_ms = below;
	ages->bucket[ages->used++].count = count;
	*sum += count;
	return true;
}

static enum read_result read_ages(struct reader *reader, struct seen *seen,
				  uint64_t *malformed)
{
	enum read_result result = reader_open(reader, TWAIT_FILE_HISTOGRAMS);

	if (result != READ_OK)
		return result;
	while ((result = reader_next(reader)) == READ_OK || result == READ_CUT)
		if (result == READ_CUT ||
		    !parse_bucket(reader->line, "histogram=segment_age",
				  &seen->ages, &seen->segments) ||
		    !parse_bucket(reader->line, "histogram=late_age",
				  &seen->ages, &seen->late))
			++*malformed;
	reader_close(reader);
	return result;
}

/* At most so many segments came later than this. */
static uint64_t later_than(const struct seen *seen, uint64_t length_ms)
{
	uint64_t n = 0;
	size_t i;

	if (seen->oldest_ms <= length_ms)
		return 0;
	for (i = 0; i < seen->ages.used; i++)
		if (seen->ages.bucket[i].below_ms > length_ms)
			n += seen->ages.bucket[i].count;
	return n;
}

/* By Little's law, below the mean: as many fewer as each lasts shorter. */
static uint64_t would_hold(const struct seen *seen, uint64_t length_ms)
{
	return (uint64_t)((double)seen->waiting * (double)length_ms /
			  (double)seen->mean_ms);
}

static const char *duration(char buf[OUT_NUMBER_MAX], uint64_t ms)
{
	return out_duration(buf, (struct count){ .known = true, .n = ms });
}

static void print_length(const struct seen *seen, uint64_t length_ms)
{
	char length[OUT_NUMBER_MAX], then[OUT_NUMBER_MAX], now[OUT_NUMBER_MAX];
	char missed[OUT_NUMBER_MAX];
	uint64_t late = later_than(seen, length_ms);

	duration(length, length_ms);
	out_thousands(now, seen->waiting);
	if (length_ms < seen->mean_ms)
		printf("%s would hold %s instead of %s waits; ", length,
		       out_thousands(then, would_hold(seen, length_ms)), now);
	else
		printf("%s would hold no fewer than the %s waits of now; ", length, now);
	if (late)
		printf("at most %s segments came later than that\n",
		       out_thousands(missed, late));
	else
		puts("no segment came later than that");
}

static void print_seen(const struct seen *seen)
{
	char waits[OUT_NUMBER_MAX], time[OUT_NUMBER_MAX], segments[OUT_NUMBER_MAX];
	char late[OUT_NUMBER_MAX], oldest[OUT_NUMBER_MAX];

	printf("seen: %s waits in %s, and %s segments that reached one",
	       out_thousands(waits, seen->waits), duration(time, seen->observed_ms),
	       out_thousands(segments, seen->segments));
	if (seen->late)
		printf(" and %s that came when it had ended",
		       out_thousands(late, seen->late));
	if (seen->segments + seen->late)
		printf(", the latest %s after its beginning",
		       duration(oldest, seen->oldest_ms));
	putchar('\n');
}

static bool is_too_little(const struct seen *seen)
{
	char waits[OUT_NUMBER_MAX], time[OUT_NUMBER_MAX];

	if (seen->waits >= WAITS_MIN && seen->observed_ms >= OBSERVED_MIN_MS)
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
	puts("\nA segment that comes later than the wait is answered with RST, or meets the\n"
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

static int run(const struct cmd *cmd, int argc, char **argv)
{
	static struct reader reader;
	static struct stats stats;
	enum read_result result;
	uint64_t malformed = 0, length_ms = 0, late_ms;
	struct seen seen = { 0 };
	int code;

	code = options_parse(cmd, argc, argv, take, &length_ms);
	if (code != OPTIONS_RUN)
		return code;
	result = stats_read(&reader, &stats, &malformed);
	if (result == READ_END)
		result = read_ages(&reader, &seen, &malformed);
	if (result != READ_END)
		return reader_explain(&reader, result, "twstat advise");
	reader_malformed(&reader, malformed);
	seen.waits = stats_number(&stats, "ended_total");
	seen.waiting = stats_number(&stats, "waiting");
	seen.observed_ms = stats_number(&stats, "observed_ms");
	/* Waits that are shortened already are missed by what is late for them. */
	seen.oldest_ms = stats_number(&stats, "segment_age_max_ms");
	late_ms = stats_number(&stats, "late_age_max_ms");
	if (seen.oldest_ms < late_ms)
		seen.oldest_ms = late_ms;
	if (seen.waits)
		seen.mean_ms = stats_number(&stats, "length_ms_total") / seen.waits;
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
	"For some lengths of TIME_WAIT: how many waits there would be, and how many of\n"
	"the segments that were seen to reach a wait, or came when it had ended early,\n"
	"came later than that. It is said how much was seen; of too little nothing is\n"
	"said. Numbers of segments are never too low: ages are kept in powers of 2.\n",
	.examples =
	"  twstat advise\n"
	"  twstat advise --length 5000\n",
	.opts = opts,
	.run = run,
};
