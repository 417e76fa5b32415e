// SPDX-License-Identifier: GPL-2.0-only
/*
 * twstat list: one row a flow, as it comes from the file connections.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "options.h"
#include "out_text.h"
#include "parse.h"
#include "read.h"
#include "words.h"

enum {
	LIST_STATE = 1, LIST_WAY, LIST_PID, LIST_COMM, LIST_DST, LIST_DPORT,
	LIST_SPORT, LIST_LIMIT, LIST_RAW,
};

/* TASK_COMM_LEN, without its NUL */
#define COMM_MAX	15

/* struct filter - what a flow must be to be shown; NULL, not known: anything */
struct filter {
	const char *state;
	const char *way;
	const char *comm;
	bool with_dst;
	struct in6_addr dst;	/* IPv4 as v4-mapped */
	struct count pid, dport, sport;
	struct count limit;	/* rows */
	bool raw;
};

/* Compared as addresses, so that it does not matter how one writes them. */
static bool read_addr(const char *text, struct in6_addr *addr)
{
	struct in_addr v4;

	if (inet_pton(AF_INET6, text, addr) == 1)
		return true;
	if (inet_pton(AF_INET, text, &v4) != 1)
		return false;
	memset(addr, 0, sizeof(*addr));
	addr->s6_addr[10] = 0xff;
	addr->s6_addr[11] = 0xff;
	memcpy(&addr->s6_addr[12], &v4, sizeof(v4));
	return true;
}

static int take_number(const struct cmd *cmd, const struct opt *opt,
		       const char *value, uint64_t min, uint64_t max,
		       struct count *count)
{
	count->known = true;
	return options_number(cmd, opt, value, min, max, &count->n);
}

static int take(const struct cmd *cmd, const struct opt *opt,
		const char *value, void *ctx)
{
	struct filter *filter = ctx;

	switch (opt->id) {
	case LIST_STATE:
		filter->state = value;
		if (words_find(words_states, value, strlen(value)) < 0)
			return usage_error(cmd, "no state '%s'; there are"
					   WORDS_SPACED(TWAIT_STATES), value);
		return 0;
	case LIST_WAY:
		filter->way = value;
		if (words_find(words_ways, value, strlen(value)) < 0)
			return usage_error(cmd, "no way '%s'; there are"
					   WORDS_SPACED(TWAIT_WAYS) " "
					   TWAIT_WAY_WORD_ADOPTED, value);
		return 0;
	case LIST_COMM:
		filter->comm = value;
		return 0;
	case LIST_DST:
		filter->with_dst = true;
		if (!read_addr(value, &filter->dst))
			return usage_error(cmd, "--dst takes an IPv4 or IPv6 address without a prefix length, not '%s'",
					   value);
		return 0;
	case LIST_PID:
		return take_number(cmd, opt, value, 0, UINT32_MAX, &filter->pid);
	case LIST_DPORT:
		return take_number(cmd, opt, value, 1, UINT16_MAX,
				   &filter->dport);
	case LIST_SPORT:
		return take_number(cmd, opt, value, 1, UINT16_MAX,
				   &filter->sport);
	case LIST_LIMIT:
		return take_number(cmd, opt, value, 1, UINT64_MAX,
				   &filter->limit);
	default:
		filter->raw = true;
		return 0;
	}
}

static bool word_fits(const char *wanted, const char *word)
{
	return !wanted || (word && !strcmp(wanted, word));
}

static bool number_fits(struct count wanted, struct count n)
{
	return !wanted.known || (n.known && n.n == wanted.n);
}

static bool flow_fits(const struct filter *filter, const struct flow *flow)
{
	struct in6_addr dst;

	/* A ghost waits no more. */
	if (!filter->state && flow->state && !strcmp(flow->state, "ghost"))
		return false;
	if (!word_fits(filter->state, flow->state) ||
	    !word_fits(filter->way, flow->way) ||
	    !word_fits(filter->comm, flow->comm) ||
	    !number_fits(filter->pid, flow->pid) ||
	    !number_fits(filter->dport, flow->dport) ||
	    !number_fits(filter->sport, flow->sport))
		return false;
	return !filter->with_dst ||
	       (read_addr(flow->dst, &dst) &&
		!memcmp(&dst, &filter->dst, sizeof(dst)));
}

static void print_header(void)
{
	printf("%-22s %-22s %-9s %6s %6s %4s  %s\n", "LOCAL", "REMOTE",
	       "STATE", "AGE", "LEFT", "SEGS", "PROCESS");
}

static void print_flow(const struct flow *flow)
{
	char local[OUT_ENDPOINT_MAX], remote[OUT_ENDPOINT_MAX];
	char age[OUT_NUMBER_MAX], left[OUT_NUMBER_MAX];
	char segments[OUT_NUMBER_MAX] = "-";
	char process[OUT_PROCESS_MAX];

	if (flow->segments.known)
		snprintf(segments, sizeof(segments), "%" PRIu64,
			 flow->segments.n);
	printf("%-22s %-22s %-9s %6s %6s %4s  %s\n",
	       out_endpoint(local, flow->src, flow->sport),
	       out_endpoint(remote, flow->dst, flow->dport),
	       flow->state ? flow->state : "-",
	       out_duration(age, flow->age_ms),
	       out_duration(left, flow->left_ms), segments,
	       out_process(process, flow));
}

/* Return: what ended the reading; READ_END also when the limit was reached. */
static enum read_result print_flows(struct reader *reader,
				    const struct filter *filter,
				    uint64_t *shown, uint64_t *malformed)
{
	char copy[READ_LINE_MAX];
	enum read_result result;
	struct flow flow;

	while ((result = reader_next(reader)) == READ_OK ||
	       result == READ_CUT) {
		/* Parsing cuts the line up; --raw wants it whole. */
		if (result == READ_OK)
			memcpy(copy, reader->line, reader->len + 1);
		if (result == READ_CUT ||
		    !parse_flow(copy, reader->len, &flow)) {
			++*malformed;
			continue;
		}
		if (!flow_fits(filter, &flow))
			continue;
		if (filter->raw)
			puts(reader->line);
		else
			print_flow(&flow);
		++*shown;
		if (out_failed() ||
		    (filter->limit.known && *shown == filter->limit.n))
			return READ_END;
	}
	return result;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	static struct reader reader;
	struct filter filter = { 0 };
	enum read_result result;
	uint64_t shown = 0, malformed = 0;
	int code;

	code = options_parse(cmd, argc, argv, take, &filter);
	if (code != OPTIONS_RUN)
		return code;

	result = reader_open(&reader, TWAIT_FILE_CONNECTIONS);
	if (result != READ_OK)
		return reader_explain(&reader, result, "twstat list");
	if (filter.raw)
		puts(reader.line);
	else
		print_header();
	result = print_flows(&reader, &filter, &shown, &malformed);
	reader_close(&reader);
	reader_malformed(&reader, malformed);
	if (result != READ_END)
		return reader_explain(&reader, result, "twstat list");
	if (!shown && filter.comm && strlen(filter.comm) > COMM_MAX)
		fprintf(stderr, "twstat: the kernel keeps the first %d bytes of a name: try --comm '%.*s'\n",
			COMM_MAX, COMM_MAX, filter.comm);
	return TWSTAT_OK;
}

static const struct opt opts[] = {
	{ LIST_STATE, "state", "STATE", "only:" WORDS_SPACED(TWAIT_STATES) "\n"
	  "                     (ghost: no longer waits, still watched)" },
	{ LIST_WAY, "way", "WAY", "only:" WORDS_SPACED(TWAIT_WAYS) " "
	  TWAIT_WAY_WORD_ADOPTED },
	{ LIST_PID, "pid", "N", "only of the process with this id" },
	{ LIST_COMM, "comm", "NAME", "only of processes with this name" },
	{ LIST_DST, "dst", "ADDR", "only to this remote address" },
	{ LIST_DPORT, "dport", "N", "only to this remote port" },
	{ LIST_SPORT, "sport", "N", "only from this local port" },
	{ LIST_LIMIT, "limit", "N", "stop after N rows" },
	{ LIST_RAW, "raw", NULL, "print the lines as the module writes them" },
	{ 0, NULL, NULL, NULL }
};

const struct cmd cmd_list = {
	.name = "list",
	.brief = "the connections that wait, one a row",
	.about =
	"Options that select are all to be met. AGE counts from the begin of the\n"
	"wait, LEFT to its end; SEGS are the segments that have reached it.\n"
	"Ghosts, which ended early and wait no more, only with --state ghost.\n"
	"PROCESS closed the connection: NAME[?] is one outside this pid namespace,\n"
	"- one that nobody saw. Needs root.\n",
	.examples =
	"  sudo twstat list --dst 10.0.0.9 --dport 443\n"
	"  sudo twstat list --state fin_wait2 --limit 20\n"
	"  sudo twstat list --comm nginx --raw > waits.txt\n",
	.opts = opts,
	.run = run,
};
