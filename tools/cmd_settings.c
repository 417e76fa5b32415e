// SPDX-License-Identifier: GPL-2.0-only
/*
 * twstat settings: the sysctls that bear upon TIME_WAIT, what they do, and
 * which of them follow advice that never was right or no longer is.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd.h"
#include "model.h"
#include "options.h"
#include "out_text.h"
#include "read.h"
#include "rules_file.h"
#include "sysctl.h"
#include "sysctl_conf.h"

enum { SETTINGS_ETC_ROOT = 1 };

#define NUMBERS_MAX	2

/* TCP_FIN_TIMEOUT */
#define FIN_TIMEOUT_S	60

enum setting_id {
	FIN_TIMEOUT, TW_REUSE, TW_REUSE_DELAY, TIMESTAMPS, MAX_TW_BUCKETS,
	RFC1337, MAX_ORPHANS, INVALID_RATELIMIT, PORT_RANGE, CONNTRACK_TIME_WAIT,
	CONNTRACK_LOOSE, TW_RECYCLE, SETTINGS,
};

#define NO_CONNTRACK	"not here: the kernel module nf_conntrack is not loaded"

/*
 * struct setting - a sysctl and what it does, in up to 76 characters
 *
 * tcp_rfc1337: Documentation/networking/ip-sysctl.rst says that 0 is what
 * prevents assassination; net/ipv4/tcp_minisocks.c:tcp_timewait_state_process()
 * lets a RST end the wait with 0, and not with 1.
 */
static const struct setting {
	const char *name;
	size_t numbers;
	const char *what;	/* %s: how long a TIME_WAIT lasts */
	const char *absent;	/* why; NULL: this kernel does not have it */
} settings[SETTINGS] = {
	[FIN_TIMEOUT] = { "net.ipv4.tcp_fin_timeout", 1,
		"s in FIN_WAIT2, waiting for the peer; not TIME_WAIT, that lasts %s", NULL },
	[TW_REUSE] = { "net.ipv4.tcp_tw_reuse", 1,
		"may connect() take a wait over? 0: no, 1: yes, 2: on the loopback only", NULL },
	[TW_REUSE_DELAY] = { "net.ipv4.tcp_tw_reuse_delay", 1,
		"ms that a wait must be old before connect() may take it over",
		"not here: only since Linux 6.14; before, it is 1 s" },
	[TIMESTAMPS] = { "net.ipv4.tcp_timestamps", 1,
		"1: on, 2: on, not randomised, 0: off, and then tcp_tw_reuse refuses", NULL },
	[MAX_TW_BUCKETS] = { "net.ipv4.tcp_max_tw_buckets", 1,
		"most waits at one time; those beyond are dropped and protect nothing", NULL },
	[RFC1337] = { "net.ipv4.tcp_rfc1337", 1,
		"1: no RST kills a wait, 0: one may (the kernel's text has it reversed)", NULL },
	[MAX_ORPHANS] = { "net.ipv4.tcp_max_orphans", 1,
		"most sockets that no process holds; beyond, a close sends a RST",
		"not here: one for all, only in the initial network namespace" },
	[INVALID_RATELIMIT] = { "net.ipv4.tcp_invalid_ratelimit", 1,
		"ms between two ACKs of a wait to stray segments; 0: ACKs them all", NULL },
	[PORT_RANGE] = { "net.ipv4.ip_local_port_range", 2, NULL, NULL },
	[CONNTRACK_TIME_WAIT] = { "net.netfilter.nf_conntrack_tcp_timeout_time_wait", 1,
		"s of conntrack's own TIME_WAIT; the sockets' lasts %s", NO_CONNTRACK },
	[CONNTRACK_LOOSE] = { "net.netfilter.nf_conntrack_tcp_loose", 1,
		"1: conntrack takes connections up midway, 0: calls them INVALID", NO_CONNTRACK },
	[TW_RECYCLE] = { "net.ipv4.tcp_tw_recycle", 1,
		"must be 0: it breaks clients behind NAT, and Linux 4.12 removed it",
		"gone since Linux 4.12: it broke every client behind NAT" },
};

/* struct value - a setting's, if known */
struct value {
	bool known;
	int64_t n[NUMBERS_MAX];
};

static uint64_t ports(const struct value *range)
{
	return range->known && range->n[0] <= range->n[1] ?
		(uint64_t)(range->n[1] - range->n[0]) + 1 : 0;
}

/* Ports that connect() passes over; mostly there are none. */
static bool any_reserved(struct reader *reader)
{
	bool any;

	if (reader_open_kernel(reader, "sys/net/ipv4/ip_local_reserved_ports") != READ_OK)
		return false;
	any = reader_next(reader) == READ_OK && reader->len;
	reader_close(reader);
	return any;
}

static void print_ports(struct reader *reader, const struct value *range,
			uint64_t length_ms)
{
	char count[OUT_NUMBER_MAX], rate[OUT_NUMBER_MAX], length[OUT_NUMBER_MAX];
	uint64_t n = ports(range);

	printf("    %s ports / %s = %s connections a second towards one destination\n",
	       out_thousands(count, n), out_seconds(length, length_ms),
	       out_thousands(rate, n * 1000 / length_ms));
	if (any_reserved(reader))
		puts("    less the ports in net.ipv4.ip_local_reserved_ports");
}

static const char *why_not(const struct setting *setting,
			   enum read_result result, int error)
{
	switch (result) {
	case READ_ABSENT:
		return setting->absent ? setting->absent :
			"not here: this kernel does not have it";
	case READ_DENIED:
		return "for root only ('sudo twstat settings')";
	case READ_FOREIGN:
		return "not a number";
	default:
		return strerror(error);
	}
}

static void show(struct reader *reader, const struct setting *setting,
		 struct value *value, uint64_t length_ms)
{
	char length[OUT_NUMBER_MAX];
	enum read_result result;
	size_t i;

	result = sysctl_read(reader, setting->name, value->n, setting->numbers);
	value->known = result == READ_OK;
	printf("%s =", setting->name);
	if (!value->known) {
		printf(" -\n    %s\n", why_not(setting, result, reader->error));
		return;
	}
	for (i = 0; i < setting->numbers; i++)
		printf(" %" PRId64, value->n[i]);
	putchar('\n');
	if (!setting->what) {
		print_ports(reader, value, length_ms);
		return;
	}
	printf("    ");
	printf(setting->what, out_seconds(length, length_ms));
	putchar('\n');
}

/* struct tuned - a value of the module, by its name below net.timewait */
static const struct tuned {
	const char *name;
	const char *what;
} tuned[] = {
	{ "length_ms", "ms of a TIME_WAIT; 60000 is the kernel's own length" },
	{ "quiet_ms", "ms from its beginning that a wait which ended early is remembered" },
	{ "reuse", "may connect() take a wait over? kernel: as tcp_tw_reuse says; allow, refuse" },
	{ "reuse_delay_ms", "ms that a TIME_WAIT must be old for that; 0: the kernel's own rule" },
	{ "rst", "what does a RST to a TIME_WAIT? kernel: as tcp_rfc1337 says; ignore: nothing" },
	{ "events", "the kinds that are recorded" },
	{ "inherit", "1: a new namespace begins with these values" },
};

static void show_rules(struct reader *reader)
{
	struct rules rules;

	if (rules_read(reader, &rules) != READ_END)
		puts("A rule may say otherwise for some: /proc/net/timewait/rules, for root");
	else if (rules.count)
		printf("%" PRIu64 " rule%s otherwise for some connections: /proc/net/timewait/rules\n",
		       rules.count, rules.count == 1 ? " says" : "s say");
}

/* What the module has tuned; without the module there is nothing to say. */
static void show_tuned(struct reader *reader)
{
	char file[128], text[4 * READ_LINE_MAX];
	size_t i;

	if (!read_has("sys/" TWAIT_SYSCTL_DIR))
		return;
	for (i = 0; i < sizeof(tuned) / sizeof(tuned[0]); i++) {
		snprintf(file, sizeof(file), "sys/" TWAIT_SYSCTL_DIR "/%s",
			 tuned[i].name);
		if (reader_open_kernel(reader, file) != READ_OK)
			continue;
		if (reader_next(reader) == READ_OK)
			printf("net.timewait.%s = %s\n    %s\n", tuned[i].name,
			       out_name(text, sizeof(text), reader->line),
			       tuned[i].what);
		reader_close(reader);
	}
	show_rules(reader);
}

/* Values that follow advice which does harm, or not what it says. */
static void warn_of_values(const struct value values[SETTINGS],
			   uint64_t length_ms)
{
	const struct value *value = &values[FIN_TIMEOUT];
	uint64_t range = ports(&values[PORT_RANGE]);
	char n[OUT_NUMBER_MAX];

	if (value->known && value->n[0] != FIN_TIMEOUT_S) {
		out_begin_warning();
		printf("tcp_fin_timeout is %" PRId64 ": that changes FIN_WAIT2 only, no TIME_WAIT\n",
		       value->n[0]);
	}
	value = &values[TIMESTAMPS];
	if (value->known && !value->n[0]) {
		out_begin_warning();
		puts("tcp_timestamps is 0: tcp_tw_reuse refuses every wait, and no PAWS\n"
		     "  keeps old segments out of a new connection");
	}
	value = &values[TW_REUSE_DELAY];
	if (value->known && value->n[0] < 1000) {
		out_begin_warning();
		printf("tcp_tw_reuse_delay is %" PRId64 ", below 1000: reuse is not safe towards a\n"
		       "  peer whose timestamps tick slower than that\n",
		       value->n[0]);
	}
	value = &values[MAX_TW_BUCKETS];
	if (value->known && value->n[0] < (int64_t)range) {
		out_begin_warning();
		printf("tcp_max_tw_buckets is %" PRId64 ", fewer than the %s local ports: it is\n"
		       "  a guard against attacks, no way to be rid of waits. How many were dropped:\n"
		       "  'nstat -az TcpExtTCPTimeWaitOverflow'\n",
		       value->n[0], out_thousands(n, range));
	}
	value = &values[CONNTRACK_TIME_WAIT];
	if (value->known && value->n[0] < (int64_t)((length_ms + 999) / 1000)) {
		out_begin_warning();
		printf("nf_conntrack_tcp_timeout_time_wait is %" PRId64 ": conntrack, and with it NAT,\n"
		       "  forgets connections whose sockets still wait (%s)\n",
		       value->n[0], out_seconds(n, length_ms));
	}
	value = &values[TW_RECYCLE];
	if (value->known && value->n[0]) {
		out_begin_warning();
		puts("tcp_tw_recycle is on: set it to 0, clients behind NAT cannot connect");
	}
}

static unsigned int recycles;

static void found_recycle(const char *path, unsigned long line)
{
	char name[4 * PATH_MAX];

	recycles++;
	out_begin_warning();
	printf("%s:%lu: tcp_tw_recycle does nothing since 4.12\n",
	       out_name(name, sizeof(name), path), line);
}

/* What Linux 4.12 and 4.10 did: commits 4396e46187ca and 95a22caee396. */
static void warn_of_recycle(const char *etc_root)
{
	sysctl_conf_search(etc_root, settings[TW_RECYCLE].name, found_recycle);
	if (!recycles)
		return;
	puts("  Linux 4.12 removed it because it broke every client behind NAT: it compared\n"
	     "  timestamps per address, and timestamps are per host (and since 4.10 begin at\n"
	     "  random). What does the job today:\n"
	     "  - for connect(): net.ipv4.tcp_tw_reuse = 1, with net.ipv4.tcp_timestamps = 1\n"
	     "  - more ports (net.ipv4.ip_local_port_range), more addresses to connect from,\n"
	     "    more addresses or ports to connect to\n"
	     "  - fewer closes: keep-alive, connection pools\n"
	     "  'sudo twstat' shows who makes the waits.");
}

static int take(const struct cmd *cmd, const struct opt *opt,
		const char *value, void *ctx)
{
	const char **etc_root = ctx;

	(void)opt;
	if (!*value)
		return usage_error(cmd, "--etc-root takes a folder, not ''");
	*etc_root = value;
	return 0;
}

/* Return: whether it is one; errno says what is wrong. */
static bool is_folder(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return false;
	errno = ENOTDIR;
	return S_ISDIR(st.st_mode);
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	static struct reader reader;
	struct value values[SETTINGS] = { 0 };
	const char *etc_root = "";
	uint64_t length_ms;
	int code, i;

	code = options_parse(cmd, argc, argv, take, &etc_root);
	if (code != OPTIONS_RUN)
		return code;
	/* A slip of the pen must not pass for "nothing found". */
	if (*etc_root && !is_folder(etc_root)) {
		fprintf(stderr, "twstat: --etc-root %s: %s\n", etc_root,
			strerror(errno));
		return TWSTAT_FAILED;
	}

	sysctl_length_ms(&reader, &length_ms);
	if (read_has("sys/net")) {
		for (i = 0; i < SETTINGS; i++)
			show(&reader, &settings[i], &values[i], length_ms);
		show_tuned(&reader);
	} else {
		puts("No settings: no sys/net below --proc-root. Those of process PID's namespace:\n"
		     "'sudo nsenter -t PID -n twstat settings'");
	}
	warn_of_values(values, length_ms);
	warn_of_recycle(etc_root);
	return TWSTAT_OK;
}

static const struct opt opts[] = {
	{ SETTINGS_ETC_ROOT, "etc-root", "DIR",
	  "stands before /etc, /run, /usr and /lib" },
	{ 0, NULL, NULL, NULL }
};

const struct cmd cmd_settings = {
	.name = "settings",
	.brief = "the sysctls about TIME_WAIT, and old advice",
	.about =
	"Each sysctl that bears upon TIME_WAIT, its present value and what it does, in\n"
	"this network namespace; - stands for one that is not here. Where the module is\n"
	"loaded, what it has tuned. Then a warning for each value that follows bad\n"
	"advice, and for each line of sysctl.conf and of sysctl.d that sets\n"
	"tcp_tw_recycle, which is gone. Needs neither root nor the module.\n",
	.examples =
	"  twstat settings\n"
	"  sudo nsenter -t 4711 -n twstat settings   as process 4711 has them\n"
	"  twstat settings --etc-root /mnt/image     what an image would set\n",
	.opts = opts,
	.run = run,
};
