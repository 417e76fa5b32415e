// SPDX-License-Identifier: GPL-2.0-only
/* The files "stats" and "hooks". */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/seq_file.h>

#include "compat.h"
#include "flow.h"
#include "hook.h"
#include "lifecycle.h"
#include "netns.h"
#include "proc.h"
#include "reuse.h"

/* What is lost for lack of a hook is "-", for a 0 would be a lie. */
static void put(struct seq_file *m, const char *name, u64 value)
{
	seq_puts(m, name);
	if (twait_hooks_lose(name))
		seq_puts(m, " -");
	else
		seq_put_decimal_ull(m, " ", value);
	seq_putc(m, '\n');
}

static void show_ended(struct seq_file *m, const char *prefix, const u64 *count)
{
#define X(upper, lower)							\
	seq_puts(m, prefix);						\
	put(m, "ended_" #lower "_total", count[TWAIT_COUNT_ENDED_##upper]);
	TWAIT_FATES(X)
#undef X
}

struct reuse_name {
	const char *sum;
	const char *name;
};

#define X(PATH, path, VERDICT, verdict, REASON, reason)			\
	{ "reuse_" #path "_" #verdict "_total",				\
	  "reuse_" #path "_" #verdict "_" #reason "_total" },
static const struct reuse_name reuse_names[] = { TWAIT_REUSES(X) };
#undef X

static u64 reuse_sum(const u64 *reuse, const char *sum)
{
	unsigned int i;
	u64 n = 0;

	for (i = 0; i < TWAIT_REUSE_MAX; i++)
		if (!strcmp(reuse_names[i].sum, sum))
			n += reuse[i];
	return n;
}

static bool is_first_of_sum(unsigned int reuse)
{
	unsigned int i;

	for (i = 0; i < reuse; i++)
		if (!strcmp(reuse_names[i].sum, reuse_names[reuse].sum))
			return false;
	return true;
}

static u64 reuse_unexplained(const u64 *count)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < TWAIT_REUSE_MAX; i++)
		if (twait_reuse_is_unexplained(i))
			sum += count[TWAIT_COUNT_REUSE + i];
	return sum;
}

/* Decisions by path, verdict and reason; before them those of all reasons. */
static void show_reuses(struct seq_file *m, const u64 *count)
{
	const u64 *reuse = count + TWAIT_COUNT_REUSE;
	unsigned int i;

	for (i = 0; i < TWAIT_REUSE_MAX; i++) {
		if (is_first_of_sum(i))
			put(m, reuse_names[i].sum,
			    reuse_sum(reuse, reuse_names[i].sum));
		put(m, reuse_names[i].name, reuse[i]);
	}
	put(m, "reuse_unexplained_total", reuse_unexplained(count));
}

/* What came too late: all, what did harm, and by kind. */
static void show_lates(struct seq_file *m, const u64 *count)
{
	u64 all = 0;
	unsigned int i;

	for (i = 0; i < TWAIT_LATE_MAX; i++)
		all += count[TWAIT_COUNT_LATE_FIN + i];
	put(m, "late_total", all);
	put(m, "late_harm_total", count[TWAIT_COUNT_LATE_HARM]);
#define X(upper, lower) \
	put(m, "late_" #lower "_total", count[TWAIT_COUNT_LATE_##upper]);
	TWAIT_LATES(X)
#undef X
}

/*
 * What the namespaces counted that went away, their purged waits above all:
 * they have no file any more that could tell.
 */
static void show_gone(struct seq_file *m)
{
	u64 count[TWAIT_COUNT_MAX];
	u64 entered = 0, ended = 0;
	u64 namespaces = twait_nets_gone(count);
	unsigned int i;

	for (i = 0; i < TWAIT_WAY_MAX; i++)
		entered += count[TWAIT_COUNT_ENTERED_ACTIVE + i];
	for (i = 0; i < TWAIT_FATE_MAX; i++)
		ended += count[TWAIT_COUNT_ENDED_EXPIRED + i];
	put(m, "gone_namespaces_total", namespaces);
	put(m, "gone_entered_total", entered);
	put(m, "gone_adopted_total", count[TWAIT_COUNT_ADOPTED]);
	put(m, "gone_ended_total", ended);
	show_ended(m, "gone_", count);
	put(m, "gone_reuse_unexplained_total", reuse_unexplained(count));
}

static int stats_show(struct seq_file *m, void *v)
{
	struct twait_net *tnet = m->private;
	struct twait_totals totals;
	const u64 *count = totals.count;
	u64 emitted, lost;

	twait_stats_fold(&tnet->stats, &totals);
	twait_stream_totals(&twait_rings[TWAIT_RING_EVENTS],
			    &tnet->stream[TWAIT_RING_EVENTS], &emitted, &lost);

	seq_printf(m, "# timewait stats %d\n", TWAIT_FORMAT_VERSION);
	put(m, "waiting", totals.waiting);
	put(m, "waiting_fin_wait2", totals.waiting_fin_wait2);
	put(m, "waiting_time_wait", totals.waiting - totals.waiting_fin_wait2);
	put(m, "waiting_peak", totals.peak);
	put(m, "entered_total", totals.entered);
#define X(upper, lower) \
	put(m, "entered_" #lower "_total", count[TWAIT_COUNT_ENTERED_##upper]);
	TWAIT_WAYS(X)
#undef X
	put(m, "advanced_total", count[TWAIT_COUNT_ADVANCED]);
	put(m, "rearmed_total", count[TWAIT_COUNT_REARMED]);
	put(m, "adopted_total", count[TWAIT_COUNT_ADOPTED]);
	put(m, "ended_total", totals.ended);
	show_ended(m, "", count);
	put(m, "avoided_linger_total", count[TWAIT_COUNT_AVOIDED_LINGER]);
	put(m, "avoided_overflow_total", twait_overflows(tnet));
	put(m, "avoided_unread_total", count[TWAIT_COUNT_AVOIDED_UNREAD]);
	put(m, "avoided_orphan_total", count[TWAIT_COUNT_AVOIDED_ORPHAN]);
	show_reuses(m, count);
	put(m, "refused_connect_total", count[TWAIT_COUNT_REFUSED_CONNECT]);
	put(m, "refused_connect_by_waits_total",
	    count[TWAIT_COUNT_REFUSED_CONNECT_BY_WAITS]);
	put(m, "refused_bind_total", count[TWAIT_COUNT_REFUSED_BIND]);
	put(m, "refused_bind_by_waits_total",
	    count[TWAIT_COUNT_REFUSED_BIND_BY_WAITS]);
#define X(upper, lower) \
	put(m, "segments_" #lower "_total", count[TWAIT_COUNT_SEGMENT_##upper]);
	TWAIT_SEGMENTS(X)
#undef X
#define X(upper, lower) \
	put(m, "answers_" #lower "_total", count[TWAIT_COUNT_ANSWER_##upper]);
	TWAIT_ANSWERS(X)
#undef X
	put(m, "rst_ignored_by_rfc1337_total", count[TWAIT_COUNT_RST_RFC1337]);
	put(m, "rst_ignored_by_tuning_total", count[TWAIT_COUNT_RST_SHIELDED]);
	put(m, "ghosts", totals.ghosts);
	put(m, "ghosts_total", count[TWAIT_COUNT_GHOSTED]);
	put(m, "ghosts_lost_total", count[TWAIT_COUNT_GHOSTS_LOST]);
	show_lates(m, count);
	put(m, "length_ms_total", count[TWAIT_COUNT_LENGTH_MS]);
	put(m, "length_max_ms",
	    twait_histogram_max_ms(&tnet->stats, TWAIT_HISTOGRAM_LENGTH));
	put(m, "segment_age_max_ms",
	    twait_histogram_max_ms(&tnet->stats, TWAIT_HISTOGRAM_SEGMENT_AGE));
	put(m, "late_age_max_ms",
	    twait_histogram_max_ms(&tnet->stats, TWAIT_HISTOGRAM_LATE_AGE));
	put(m, "observed_ms",
	    div_u64(ktime_get_ns() - tnet->begun_ns, NSEC_PER_MSEC));
	put(m, "records", totals.records);
	put(m, "records_max", twait_flow_max());
	put(m, "records_lost_total", count[TWAIT_COUNT_RECORDS_LOST]);
	put(m, "owners_lost_total", count[TWAIT_COUNT_OWNERS_LOST]);
	put(m, "refusals_lost_total", count[TWAIT_COUNT_REFUSALS_LOST]);
	put(m, "tuples_forgotten_total", count[TWAIT_COUNT_TUPLES_FORGOTTEN]);
	put(m, "events_total", emitted);
	put(m, "events_lost_total", lost);
	put(m, "probes_missed_total", twait_hooks_missed());
	put(m, "resynced_total", count[TWAIT_COUNT_RESYNCED]);
	if (tnet->is_init)
		show_gone(m);
	return 0;
}

static int stats_open(struct inode *inode, struct file *file)
{
	return twait_proc_refuse_write(file) ?:
	       single_open(file, stats_show, pde_data(inode));
}

const struct proc_ops twait_proc_stats_ops = {
	.proc_open = stats_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
};

static const char *kind_word(enum twait_hook_kind kind)
{
	switch (kind) {
	case TWAIT_HOOK_KPROBE:
		return "kprobe";
	case TWAIT_HOOK_KRETPROBE:
		return "kretprobe";
	case TWAIT_HOOK_TRACEPOINT:
		return "tracepoint";
	}
	return "-";
}

static const char *state_word(enum twait_hook_state state)
{
#define X(upper, lower) [TWAIT_HOOK_##upper] = #lower,
	static const char * const words[] = { TWAIT_HOOK_STATES(X) };
#undef X
	return words[state];
}

/* A list of words, "-" if there is none. */
static void put_words(struct seq_file *m, const char *key,
		      const char * const *words)
{
	unsigned int i;

	seq_printf(m, " %s=%s", key, words[0] ?: "-");
	for (i = 1; words[0] && words[i]; i++)
		seq_printf(m, ",%s", words[i]);
}

static int hooks_show(struct seq_file *m, void *v)
{
	unsigned int i;

	seq_printf(m, "# timewait hooks %d\n", TWAIT_FORMAT_VERSION);
	for (i = 0; i < twait_hooks_count; i++) {
		const struct twait_hook *hook = twait_hooks[i];

		seq_printf(m, "hook=%s symbol=%s kind=%s need=%s state=%s",
			   hook->name, hook->symbol ?: "-",
			   kind_word(hook->kind),
			   hook->required ? "required" : "optional",
			   state_word(hook->state));
		seq_printf(m, " hits=%llu missed=%llu",
			   twait_hook_hits(hook), twait_hook_missed(hook));
		put_words(m, "tried", hook->symbols);
		seq_printf(m, " loses=%s", hook->loses);
		put_words(m, "note", hook->notes);
		seq_putc(m, '\n');
	}
	return 0;
}

static int hooks_open(struct inode *inode, struct file *file)
{
	return twait_proc_refuse_write(file) ?:
	       single_open(file, hooks_show, NULL);
}

const struct proc_ops twait_proc_hooks_ops = {
	.proc_open = hooks_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
};
