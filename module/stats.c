// SPDX-License-Identifier: GPL-2.0-only
/* Counters of one namespace, per CPU, folded on reading. */
#include <linux/gfp.h>
#include <linux/minmax.h>

#include "stats.h"

int twait_stats_init(struct twait_stats *stats)
{
	stats->cpu = alloc_percpu_gfp(struct twait_stats_cpu,
				      GFP_KERNEL | __GFP_ZERO);
	return stats->cpu ? 0 : -ENOMEM;
}

void twait_stats_exit(struct twait_stats *stats)
{
	free_percpu(stats->cpu);
}

static u64 fold_one(const struct twait_stats *stats, unsigned int counter)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(stats->cpu, cpu)->count[counter]);
	return sum;
}

/**
 * twait_stats_fold() - sum the counters of all CPUs
 * @stats: the counters; others go on counting
 * @totals: filled; cheap or dear by the number of CPUs, not of waits
 *
 * A wait may end on another CPU than it began on. If the beginnings were read
 * first, this could happen:
 *
 *   1. we read CPU 0's beginnings
 *   2. a wait begins on CPU 0, and ends on CPU 1
 *   3. we read CPU 1's ends, and have one end too many
 *
 * So one counter is read on all CPUs before the next, ends first: then every
 * end that is summed has its beginning summed too, and what goes on meanwhile
 * can only look as if it waited a moment longer.
 *
 * Context: any.
 */
void twait_stats_fold(const struct twait_stats *stats,
		      struct twait_totals *totals)
{
	const u64 *count = totals->count;
	unsigned int i;
	int cpu;

	memset(totals, 0, sizeof(*totals));
	for (i = 0; i < TWAIT_COUNT_MAX; i++) {
		totals->count[i] = fold_one(stats, i);
		/* Step 3 must not be done before step 1. */
		smp_rmb();
	}
	for (i = 0; i < TWAIT_FATE_MAX; i++)
		totals->ended += count[TWAIT_COUNT_ENDED_EXPIRED + i];
	for (i = 0; i < TWAIT_WAY_MAX; i++)
		totals->entered += count[TWAIT_COUNT_ENTERED_ACTIVE + i];
	totals->waiting = totals->entered + count[TWAIT_COUNT_ADOPTED] -
			  totals->ended;
	totals->waiting_fin_wait2 = count[TWAIT_COUNT_ENTERED_FIN_WAIT2] +
				    count[TWAIT_COUNT_ADOPTED_IN_FIN_WAIT2] -
				    count[TWAIT_COUNT_ADVANCED] -
				    count[TWAIT_COUNT_ENDED_IN_FIN_WAIT2];
	/*
	 * Should a probe have been missed, an end may be one too many until the
	 * resync; that is no reason to print a number near 2^64.
	 */
	totals->waiting = max_t(s64, totals->waiting, 0);
	totals->waiting_fin_wait2 = clamp_t(s64, totals->waiting_fin_wait2, 0,
					    totals->waiting);
	totals->ghosts = max_t(s64, count[TWAIT_COUNT_GHOSTED] -
				    count[TWAIT_COUNT_UNGHOSTED], 0);
	totals->records = count[TWAIT_COUNT_RECORDED] -
			  count[TWAIT_COUNT_FORGOTTEN];
	for_each_possible_cpu(cpu)
		totals->peak = max_t(u64, totals->peak,
				     READ_ONCE(per_cpu_ptr(stats->cpu, cpu)->peak));
	totals->peak = max(totals->peak, totals->waiting);
}

/**
 * twait_histogram_max_ms() - the most that was ever added to a histogram
 * @stats: where it is
 * @histogram: which
 *
 * Context: any.
 */
u64 twait_histogram_max_ms(const struct twait_stats *stats,
			   enum twait_histogram histogram)
{
	u64 most = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		most = max_t(u64, most,
			     READ_ONCE(per_cpu_ptr(stats->cpu,
						   cpu)->max_ms[histogram]));
	return most;
}

/**
 * twait_histogram_fold() - sum a histogram of all CPUs
 * @stats: where it is
 * @histogram: which
 * @bucket: filled
 *
 * Context: any.
 */
void twait_histogram_fold(const struct twait_stats *stats,
			  enum twait_histogram histogram,
			  u64 bucket[TWAIT_HISTOGRAM_BUCKETS])
{
	unsigned int i;
	int cpu;

	memset(bucket, 0, TWAIT_HISTOGRAM_BUCKETS * sizeof(*bucket));
	for_each_possible_cpu(cpu)
		for (i = 0; i < TWAIT_HISTOGRAM_BUCKETS; i++)
			bucket[i] += READ_ONCE(per_cpu_ptr(stats->cpu,
							   cpu)->histogram[histogram][i]);
}
