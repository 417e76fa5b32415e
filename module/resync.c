// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watching that our count of waits is the kernel's, and mending it.
 *
 * A kprobe can be missed: it is skipped on a CPU where another one's handler,
 * perhaps of perf or bpftrace, was interrupted; and a 0 in kernel.ftrace_enabled
 * (on x86) or in /sys/kernel/debug/kprobes/enabled stops them all without a word.
 * Then a wait began or ended unseen, and our count stays away from the kernel's own.
 * So the two are compared now and then, and if they differ for longer than a wait
 * takes from the one count to the other, the kernel's table is walked: what is there
 * and not recorded is adopted, what is recorded and not there ended as "unknown". All
 * that is counted as resynced.
 */
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/rcupdate.h>
#include <linux/workqueue.h>

#include "adopt.h"
#include "compat.h"
#include "flow.h"
#include "lifecycle.h"
#include "netns.h"
#include "resync.h"

#define TWAIT_RESYNC_PERIOD	(2 * HZ)
#define TWAIT_DRIFT_LOOKS	5
#define TWAIT_DRIFT_PAUSE_MS	20
/*
 * Longer than a wait is out of the kernel's table before it has ended; but see
 * twait_ended(): where what it sent lies in a queue for longer, it ends here.
 */
#define TWAIT_LIMBO_MS		500

static void resync_work_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(resync_work, resync_work_fn);
static u16 last_walk = 1;	/* written by resync_work only */

/**
 * struct sweep - looking for records whose waits have gone
 * @walk: what the records carry that were met
 * @begun_ns: when the walk began: younger ones need not have been met
 */
struct sweep {
	u16 walk;
	u64 begun_ns;
};

static s64 drift_now(const struct twait_net *tnet)
{
	struct twait_totals totals;

	twait_stats_fold(&tnet->stats, &totals);
	return totals.waiting - twait_kernel_waiting(tnet->net);
}

/*
 * The drift that stays. A wait is in the one count a moment before it is in the
 * other, so with traffic each look is off by a few, to either side; what all
 * looks agree on is no passing thing. Return: 0 if they do not agree.
 */
static s64 drift_that_stays(const struct twait_net *tnet)
{
	if (tnet->drift_least > 0)
		return tnet->drift_least;
	return tnet->drift_most < 0 ? tnet->drift_most : 0;
}

/* Return: whether the looks of any namespace agree so far. */
static bool look_once(bool first)
{
	struct twait_net *tnet;
	bool any = false;
	s64 drift;

	mutex_lock(&twait_nets_lock);
	list_for_each_entry(tnet, &twait_nets, list) {
		/* One that has come since the first look agrees with none. */
		if (!first && !drift_that_stays(tnet))
			continue;
		drift = drift_now(tnet);
		tnet->drift_least = first ? drift : min(tnet->drift_least, drift);
		tnet->drift_most = first ? drift : max(tnet->drift_most, drift);
		any |= drift_that_stays(tnet);
	}
	mutex_unlock(&twait_nets_lock);
	return any;
}

/*
 * Who is between the kernel's count and ours with BH off has gone on after this, even
 * if a hypervisor has taken the CPU away from under him.
 */
static void await_handlers(void)
{
	synchronize_rcu();
}

/*
 * All namespaces in each look, and nobody who makes or removes one waits for us
 * between two. Return: whether any namespace drifts.
 */
static bool look_for_drift(void)
{
	bool any = look_once(true);
	int i;

	for (i = 1; i < TWAIT_DRIFT_LOOKS && any; i++) {
		msleep(TWAIT_DRIFT_PAUSE_MS);
		await_handlers();
		any = look_once(false);
	}
	return any;
}

static void sweep_one(struct twait_flow *flow, void *arg)
{
	const struct twait_net *tnet = flow->space;
	const struct sweep *sweep = arg;

	/* One that goes gets no wait any more, and its own are purged in time. */
	if (flow->info.state != TWAIT_STATE_GHOST &&
	    flow->walk != sweep->walk &&
	    flow->info.entered_ns < sweep->begun_ns &&
	    !READ_ONCE(tnet->leaves))
		twait_lost(flow);
}

/*
 * Two walks with a pause, and a record goes only if neither met its wait: one
 * that was just on its way out at the first has ended by itself at the second.
 */
static void walk_and_sweep(void)
{
	struct sweep sweep = {
		.walk = ++last_walk ?: ++last_walk,
		.begun_ns = ktime_get_ns(),
	};

	await_handlers();
	twait_readopt_all(sweep.walk);
	msleep(TWAIT_LIMBO_MS);
	await_handlers();
	twait_readopt_all(sweep.walk);
	twait_flow_visit_all(sweep_one, &sweep);
}

/*
 * Of the drift that was there before the walk, what that has not mended and what is
 * still there: waits without a record, of which nobody knows which have ended. What
 * has come since the walk may have a record, or be about to get one: the next walk
 * tells.
 */
static s64 drift_without_record(const struct twait_net *tnet)
{
	s64 left = tnet->drift_before + tnet->mended;
	s64 now = drift_that_stays(tnet);

	if (left > 0 && now > 0)
		return min(left, now);
	return left < 0 && now < 0 ? max(left, now) : 0;
}

static void mend_counts(struct twait_net *tnet, s64 drift)
{
	if (drift > 0) {
		twait_count_add(&tnet->stats, TWAIT_COUNT_ENDED_UNKNOWN, drift);
		twait_count_add(&tnet->stats, TWAIT_COUNT_RESYNCED, drift);
		atomic_sub(min_t(s64, drift, atomic_read(&tnet->unrecorded)),
			   &tnet->unrecorded);
	} else if (drift < 0) {
		twait_count_add(&tnet->stats, TWAIT_COUNT_ADOPTED, -drift);
		twait_count_add(&tnet->stats, TWAIT_COUNT_RESYNCED, -drift);
		atomic_add(-drift, &tnet->unrecorded);
	}
}

/* Those for whose sake the tables were walked. */
static void remember_drifting(void)
{
	struct twait_net *tnet;

	mutex_lock(&twait_nets_lock);
	list_for_each_entry(tnet, &twait_nets, list) {
		tnet->drift_before = drift_that_stays(tnet);
		tnet->mended = 0;
	}
	mutex_unlock(&twait_nets_lock);
}

static void mend_drifting(void)
{
	struct twait_net *tnet;

	mutex_lock(&twait_nets_lock);
	list_for_each_entry(tnet, &twait_nets, list)
		if (tnet->drift_before)
			mend_counts(tnet, drift_without_record(tnet));
	mutex_unlock(&twait_nets_lock);
}

static void resync_work_fn(struct work_struct *work)
{
	if (look_for_drift()) {
		remember_drifting();
		walk_and_sweep();
		if (look_for_drift())
			mend_drifting();
	}
	schedule_delayed_work(&resync_work, TWAIT_RESYNC_PERIOD);
}

/**
 * twait_resync_start() - begin to watch
 *
 * Context: process; the hooks are armed, what was there is adopted.
 */
void twait_resync_start(void)
{
	schedule_delayed_work(&resync_work, TWAIT_RESYNC_PERIOD);
}

/**
 * twait_resync_stop() - watch no more
 *
 * Context: process, may sleep.
 */
void twait_resync_stop(void)
{
	cancel_delayed_work_sync(&resync_work);
}
