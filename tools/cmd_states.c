// SPDX-License-Identifier: GPL-2.0-only
/*
 * twstat states: how many sockets are in each TCP state, and whether conntrack
 * agrees about TIME_WAIT.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "kernel_line.h"
#include "model.h"
#include "options.h"
#include "out_text.h"
#include "read.h"
#include "sysctl.h"

#define CONNTRACK_TIMEOUT "net.netfilter.nf_conntrack_tcp_timeout_time_wait"

/* Any two hex digits; include/net/tcp_states.h gives a dozen a meaning. */
#define STATES_MAX	256

#define SYN_RECV	0x03
#define TIME_WAIT	0x06
#define CLOSE_WAIT	0x08
#define NEW_SYN_RECV	0x0c

/* In the order of a connection's life: first who asks, then who closes. */
static const struct state {
	unsigned int st;	/* in the file */
	const char *name;	/* as netstat spells it */
	const char *what;	/* up to 37 characters; %s: how long a TIME_WAIT lasts */
} states[] = {
	{ 0x0a, "LISTEN", "waits for others to connect" },
	{ 0x02, "SYN_SENT", "asked to connect; no answer yet" },
	{ SYN_RECV, "SYN_RECV", "was asked; the peer must ACK" },
	{ 0x01, "ESTABLISHED", "open both ways" },
	{ 0x04, "FIN_WAIT1", "closed here; the peer must ACK that" },
	{ 0x05, "FIN_WAIT2", "closed here; the peer must close too" },
	{ 0x0b, "CLOSING", "both closed at once; an ACK is due" },
	{ TIME_WAIT, "TIME_WAIT", "done; kept %s, nobody must act" },
	{ CLOSE_WAIT, "CLOSE_WAIT", "peer closed; the program here must" },
	{ 0x09, "LAST_ACK", "both closed; the peer must ACK that" },
	{ 0x07, "CLOSE", "not connected" },
};

#define STATES	(sizeof(states) / sizeof(states[0]))

/* struct sockets - one file of sockets */
struct sockets {
	bool known;
	uint64_t total;
	uint64_t in[STATES_MAX];
};

/* struct waits - conntrack's TIME_WAITs */
struct waits {
	uint64_t ipv4, ipv6;
	struct count timeout_s;
};

/* Return: READ_END, or why the file could not be read to its end. */
static enum read_result count_sockets(struct reader *reader, const char *file,
				      struct sockets *sockets)
{
	enum read_result result = reader_open_kernel(reader, file);
	uint64_t malformed = 0;
	bool with_header = false;

	if (result != READ_OK)
		return result;
	while ((result = reader_next(reader)) == READ_OK || result == READ_CUT) {
		unsigned int st;

		if (result == READ_OK && kernel_line_is_header(reader->line)) {
			with_header = true;
			continue;
		}
		if (result == READ_CUT ||
		    !kernel_line_socket(reader->line, reader->len, &st)) {
			malformed++;
			continue;
		}
		/* The kernel's word for a SYN_RECV that is not a socket yet. */
		if (st == NEW_SYN_RECV)
			st = SYN_RECV;
		sockets->in[st]++;
		sockets->total++;
	}
	reader_close(reader);
	reader_malformed(reader, malformed);
	sockets->known = result == READ_END;
	/* Something else in its place must not pass for "no sockets". */
	return sockets->known && !with_header ? READ_FOREIGN : result;
}

static int explain(const struct reader *reader, enum read_result result)
{
	if (result != READ_FOREIGN)
		return reader_explain(reader, result, "twstat states");
	fprintf(stderr,
		"twstat: %s has no header line: it is not the kernel's table of sockets\n",
		reader->path);
	return TWSTAT_FAILED;
}

/* A row of the table; what the kernel has no table of is "-". */
static void print_row(const char *name, uint64_t ipv4, uint64_t ipv6,
		      bool with_ipv6, const char *what)
{
	char all[OUT_NUMBER_MAX], v4[OUT_NUMBER_MAX], v6[OUT_NUMBER_MAX] = "-";

	if (with_ipv6)
		out_thousands(v6, ipv6);
	printf("%-11s %9s %9s %9s%s%s\n", name,
	       out_thousands(all, ipv4 + ipv6), out_thousands(v4, ipv4), v6,
	       *what ? "  " : "", what);
}

static void print_sockets(const struct sockets *ipv4,
			  const struct sockets *ipv6, const char *length)
{
	uint64_t other4 = ipv4->total, other6 = ipv6->total;
	char what[64];
	size_t i;

	printf("%-11s %9s %9s %9s\n", "", "all", "IPv4", "IPv6");
	for (i = 0; i < STATES; i++) {
		unsigned int st = states[i].st;

		snprintf(what, sizeof(what), states[i].what, length);
		print_row(states[i].name, ipv4->in[st], ipv6->in[st],
			  ipv6->known, what);
		other4 -= ipv4->in[st];
		other6 -= ipv6->in[st];
	}
	if (other4 + other6)
		print_row("other", other4, other6, ipv6->known,
			  "this twstat does not know them");
	print_row("total", ipv4->total, ipv6->total, ipv6->known, "");
}

static void print_hints(const struct sockets *ipv4, const struct sockets *ipv6)
{
	if (!ipv6->known)
		puts("\nIPv6: there is no net/tcp6: this kernel has IPv6 off");
	if (ipv4->in[CLOSE_WAIT] + ipv6->in[CLOSE_WAIT])
		puts("\nCLOSE_WAIT: the peer has closed, this side's program has not: look for a leak\n"
		     "there if they stay. 'sudo ss -tnp state close-wait' names the program.");
}

static enum read_result count_waits(struct reader *reader, struct waits *waits)
{
	enum read_result result = reader_open_kernel(reader, "net/nf_conntrack");
	uint64_t malformed = 0;

	if (result != READ_OK)
		return result;
	while ((result = reader_next(reader)) == READ_OK || result == READ_CUT) {
		struct conntrack entry;

		if (result == READ_CUT ||
		    !kernel_line_conntrack(reader->line, reader->len, &entry))
			malformed++;
		else if (entry.time_wait && entry.ipv6)
			waits->ipv6++;
		else if (entry.time_wait)
			waits->ipv4++;
	}
	reader_close(reader);
	reader_malformed(reader, malformed);
	return result;
}

/*
 * Why the two differ; nothing to say if they do not. A socket waits only where
 * the first FIN came from, conntrack wherever the segments pass.
 */
static void compare(const struct waits *waits, uint64_t sockets,
		    const char *length)
{
	char held[OUT_NUMBER_MAX], here[OUT_NUMBER_MAX];
	uint64_t n = waits->ipv4 + waits->ipv6;

	if (n == sockets)
		return;
	printf("conntrack holds %s in TIME_WAIT, the sockets %s: ",
	       out_thousands(held, n), out_thousands(here, sockets));
	if (n > sockets) {
		if (waits->timeout_s.known)
			printf("its own timer is %" PRIu64 " s\n"
			       "(nf_conntrack_tcp_timeout_time_wait), the sockets' %s. ",
			       waits->timeout_s.n, length);
		else
			puts("it has a timer of its own.");
		puts("It also counts\n"
		     "those that the peer closed first, and those that are only forwarded.");
	} else {
		puts("it does not track\n"
		     "them all (no rule here asks for it, or notrack), or forgets them sooner.");
	}
}

/* One line: what is missing, and how to get it. */
static void print_without(enum read_result result, bool with_timeout)
{
	if (result == READ_DENIED)
		puts("conntrack: for root only ('sudo twstat states')");
	else if (with_timeout)
		puts("conntrack: unknown: this kernel is without CONFIG_NF_CONNTRACK_PROCFS");
	else if (read_has("sys/net"))
		puts("conntrack: none: the kernel module nf_conntrack is not loaded");
	else
		puts("conntrack: no net/nf_conntrack: module not loaded, or kernel without\n"
		     "CONFIG_NF_CONNTRACK_PROCFS");
}

/* Return: the exit code. */
static int show_conntrack(struct reader *reader, uint64_t sockets,
			  const char *length)
{
	char what[OUT_NUMBER_MAX + 32] = "in TIME_WAIT";
	struct waits waits = { 0 };
	enum read_result result;
	int64_t timeout_s;

	if (sysctl_read(reader, CONNTRACK_TIMEOUT, &timeout_s, 1) == READ_OK &&
	    timeout_s >= 0) {
		waits.timeout_s = (struct count){ true, (uint64_t)timeout_s };
		snprintf(what, sizeof(what), "in TIME_WAIT; its timer: %" PRId64
			 " s", timeout_s);
	}
	result = count_waits(reader, &waits);
	putchar('\n');
	if (result == READ_ABSENT || result == READ_DENIED) {
		print_without(result, waits.timeout_s.known);
		return TWSTAT_OK;
	}
	if (result != READ_END)
		return explain(reader, result);
	print_row("conntrack", waits.ipv4, waits.ipv6, true, what);
	compare(&waits, sockets, length);
	return TWSTAT_OK;
}

/* How long a TIME_WAIT lasts here. Below /proc/PID there is no sys that told. */
static const char *time_wait_length(struct reader *reader,
				    char buf[OUT_NUMBER_MAX])
{
	uint64_t ms;

	if (!sysctl_length_ms(reader, &ms) && read_has("net/" TWAIT_PROC_DIR) &&
	    !read_has("sys/net"))
		return "a while";
	return out_seconds(buf, ms);
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	static struct sockets ipv4, ipv6;
	static struct reader reader;
	char buf[OUT_NUMBER_MAX];
	enum read_result result;
	const char *length;
	int code;

	code = options_parse(cmd, argc, argv, NULL, NULL);
	if (code != OPTIONS_RUN)
		return code;

	result = count_sockets(&reader, "net/tcp", &ipv4);
	if (result != READ_END)
		return explain(&reader, result);
	result = count_sockets(&reader, "net/tcp6", &ipv6);
	if (result != READ_END && result != READ_ABSENT)
		return explain(&reader, result);
	length = time_wait_length(&reader, buf);
	print_sockets(&ipv4, &ipv6, length);
	print_hints(&ipv4, &ipv6);
	return show_conntrack(&reader, ipv4.in[TIME_WAIT] + ipv6.in[TIME_WAIT],
			      length);
}

static const struct opt opts[] = {
	{ 0, NULL, NULL, NULL }
};

const struct cmd cmd_states = {
	.name = "states",
	.brief = "how many sockets are in each TCP state",
	.about =
	"What 'netstat -ant | awk' counts, in the order of a connection's life, in\n"
	"this network namespace. A socket of a program that listens on [::] is in the\n"
	"column IPv6 though it may speak IPv4. Below, how many connections conntrack\n"
	"holds in its own TIME_WAIT, and why these are not as many: that needs root.\n"
	"The rest needs neither root nor the module.\n",
	.examples =
	"  twstat states\n"
	"  sudo twstat states                     with conntrack\n"
	"  watch -n 1 twstat states\n"
	"  twstat --proc-root /proc/4711 states   in the namespace of process 4711\n",
	.opts = opts,
	.run = run,
};
