/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters of one namespace, per CPU, folded on reading. */
#ifndef TWAIT_STATS_H
#define TWAIT_STATS_H

#include <linux/bitops.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/time64.h>

#include "types.h"

/*
 * What is counted. The order is the order of folding: what takes away before
 * what adds, so that no difference of a folded set is ever negative while
 * counting goes on (see twait_stats_fold()).
 */
enum twait_counter {
	/* Ended, one for each fate. */
#define X(upper, lower) TWAIT_COUNT_ENDED_##upper,
	TWAIT_FATES(X)
#undef X
	TWAIT_COUNT_ENDED_IN_FIN_WAIT2,	/* of those: still in FIN_WAIT2 */
	TWAIT_COUNT_ADVANCED,
	TWAIT_COUNT_REARMED,
	TWAIT_COUNT_UNGHOSTED,		/* ghosts that are gone */
	TWAIT_COUNT_GHOSTED,
	TWAIT_COUNT_FORGOTTEN,		/* records given back */
	/* Entered, one for each way. */
#define X(upper, lower) TWAIT_COUNT_ENTERED_##upper,
	TWAIT_WAYS(X)
#undef X
	TWAIT_COUNT_ADOPTED,
	TWAIT_COUNT_ADOPTED_IN_FIN_WAIT2, /* of those: in FIN_WAIT2 */
	TWAIT_COUNT_RECORDED,		/* records taken */
	TWAIT_COUNT_TUPLES_FORGOTTEN,	/* counts of waits pushed out by newer ones */
	TWAIT_COUNT_REUSE,		/* decisions, by enum twait_reuse */
	TWAIT_COUNT_REUSE_LAST = TWAIT_COUNT_REUSE
#define X(PATH, path, VERDICT, verdict, REASON, reason) + 1
		TWAIT_REUSES(X) - 1,
#undef X
	/* Segments, one for each kind, and their answers. */
#define X(upper, lower) TWAIT_COUNT_SEGMENT_##upper,
	TWAIT_SEGMENTS(X)
#undef X
#define X(upper, lower) TWAIT_COUNT_ANSWER_##upper,
	TWAIT_ANSWERS(X)
#undef X
	/* Segments that came too late, one for each kind. */
#define X(upper, lower) TWAIT_COUNT_LATE_##upper,
	TWAIT_LATES(X)
#undef X
	TWAIT_COUNT_LATE_HARM,		/* of those: that did harm */
	TWAIT_COUNT_GHOSTS_LOST,	/* for want of room */
	TWAIT_COUNT_LENGTH_MS,		/* how long the waits that have ended lasted */
	TWAIT_COUNT_RST_RFC1337,	/* RSTs that tcp_rfc1337 kept off */
	TWAIT_COUNT_RST_SHIELDED,	/* RSTs that net.timewait.rst kept off */
	TWAIT_COUNT_RECORDS_LOST,
	TWAIT_COUNT_OWNERS_LOST,
	TWAIT_COUNT_AVOIDED_LINGER,	/* overflows are counted by the kernel */
	TWAIT_COUNT_AVOIDED_UNREAD,
	TWAIT_COUNT_AVOIDED_ORPHAN,
	TWAIT_COUNT_REFUSED_CONNECT,
	TWAIT_COUNT_REFUSED_CONNECT_BY_WAITS, /* of those: for waits */
	TWAIT_COUNT_REFUSED_BIND,
	TWAIT_COUNT_REFUSED_BIND_BY_WAITS, /* of those: for waits alone */
	TWAIT_COUNT_REFUSALS_LOST,	/* nobody can say for whom */
	TWAIT_COUNT_RESYNCED,
	TWAIT_COUNT_MAX,
};

enum twait_histogram {
#define X(upper, lower) TWAIT_HISTOGRAM_##upper,
	TWAIT_HISTOGRAMS(X)
#undef X
	TWAIT_HISTOGRAM_MAX,
};

/* Below 1 ms, below 2, 4, ... and the last is open: 2^22 ms are 70 minutes. */
#define TWAIT_HISTOGRAM_BUCKETS	24

/**
 * struct twait_stats_cpu - the counters of one CPU; written by it alone
 * @count: enum twait_counter
 * @histogram: enum twait_histogram, by powers of 2 of a millisecond
 * @max_ms: enum twait_histogram, the most that was ever added
 * @peak: the most waits that the kernel had when this CPU added one
 * @overflows_seen: the kernel's TCPTimeWaitOverflow of this CPU when last read
 */
struct twait_stats_cpu {
	unsigned long count[TWAIT_COUNT_MAX];
	unsigned long histogram[TWAIT_HISTOGRAM_MAX][TWAIT_HISTOGRAM_BUCKETS];
	unsigned long max_ms[TWAIT_HISTOGRAM_MAX];
	unsigned long peak;
	unsigned long overflows_seen;
};

/**
 * struct twait_stats - the counters of one namespace
 * @cpu: per CPU
 */
struct twait_stats {
	struct twait_stats_cpu __percpu *cpu;
};

/**
 * struct twait_totals - counters folded over all CPUs
 * @count: enum twait_counter
 * @entered: all ways
 * @ended: all fates
 * @waiting: entered + adopted - ended
 * @waiting_fin_wait2: those of them in FIN_WAIT2
 * @records: records in use, ghosts included
 * @ghosts: waits that ended early and are remembered
 * @peak: the most waits at once
 */
struct twait_totals {
	u64 count[TWAIT_COUNT_MAX];
	u64 entered;
	u64 ended;
	u64 waiting;
	u64 waiting_fin_wait2;
	u64 records;
	u64 ghosts;
	u64 peak;
};

int twait_stats_init(struct twait_stats *stats);
void twait_stats_exit(struct twait_stats *stats);
void twait_stats_fold(const struct twait_stats *stats,
		      struct twait_totals *totals);
u64 twait_histogram_max_ms(const struct twait_stats *stats,
			   enum twait_histogram histogram);
void twait_histogram_fold(const struct twait_stats *stats,
			  enum twait_histogram histogram,
			  u64 bucket[TWAIT_HISTOGRAM_BUCKETS]);

static inline void twait_count(struct twait_stats *stats,
			       enum twait_counter counter)
{
	this_cpu_inc(stats->cpu->count[counter]);
}

/* One more of @ms milliseconds. Context: as twait_count_peak(). */
static inline void twait_histogram_add_ms(struct twait_stats *stats,
					  enum twait_histogram histogram,
					  u64 ms)
{
	unsigned int bucket = min_t(unsigned int, fls64(ms),
				    TWAIT_HISTOGRAM_BUCKETS - 1);

	this_cpu_inc(stats->cpu->histogram[histogram][bucket]);
	if (ms > this_cpu_read(stats->cpu->max_ms[histogram]))
		this_cpu_write(stats->cpu->max_ms[histogram], ms);
}

/* One more of @ns nanoseconds; below 0 counts as 0. Context: the same. */
static inline void twait_histogram_add(struct twait_stats *stats,
				       enum twait_histogram histogram, s64 ns)
{
	twait_histogram_add_ms(stats, histogram,
			       ns > 0 ? div_u64(ns, NSEC_PER_MSEC) : 0);
}

static inline void twait_count_add(struct twait_stats *stats,
				   enum twait_counter counter, unsigned long n)
{
	this_cpu_add(stats->cpu->count[counter], n);
}

/* Context: no migration between the read and the write; softirq or BH off. */
static inline void twait_count_peak(struct twait_stats *stats, unsigned long n)
{
	if (n > this_cpu_read(stats->cpu->peak))
		this_cpu_write(stats->cpu->peak, n);
}

#endif
