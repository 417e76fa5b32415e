// SPDX-License-Identifier: GPL-2.0-only
/* What the verbs of lifecycle.h share. */
#include <linux/cgroup.h>
#include <linux/ktime.h>

#include "flow.h"
#include "lifecycle.h"
#include "netns.h"
#include "story.h"
#include "tuning.h"
#include "wait.h"

DEFINE_PER_CPU(struct twait_last, twait_last);

bool twait_sees_segments __read_mostly = true;
bool twait_sees_connects __read_mostly = true;
bool twait_sees_closes __read_mostly = true;
bool twait_sees_descheduling __read_mostly = true;

/**
 * twait_go_without_segments() - nobody will call twait_visited()
 *
 * Context: process, before the first wait is counted.
 */
void twait_go_without_segments(void)
{
	twait_sees_segments = false;
	twait_tuning_go_without(TWAIT_VALUE_RST);
}

/**
 * twait_go_without_connects() - nobody will call twait_reuse_decided()
 *
 * Context: process, before the first wait is counted.
 */
void twait_go_without_connects(void)
{
	twait_sees_connects = false;
	twait_tuning_go_without(TWAIT_VALUE_REUSE);
	twait_tuning_go_without(TWAIT_VALUE_REUSE_DELAY_MS);
}

/**
 * twait_go_without_closes() - nobody will call twait_connect_ended()
 *
 * Context: process, before the first wait is counted.
 */
void twait_go_without_closes(void)
{
	twait_sees_closes = false;
}

/**
 * twait_go_without_descheduling() - nobody will call twait_descheduled()
 *
 * Context: process, before the first wait is counted.
 */
void twait_go_without_descheduling(void)
{
	twait_sees_descheduling = false;
}

/**
 * twait_wait_hash() - where the record of a wait stands
 * @tw: the minisock
 *
 * Return: see twait_flow_hash().
 */
u64 twait_wait_hash(const struct inet_timewait_sock *tw)
{
	struct twait_tuple tuple;

	twait_wait_tuple(tw, &tuple);
	return twait_flow_hash(&tuple, twsk_net(tw));
}

/* Into one ring, whoever reads; unless its kind is not to be recorded. */
void twait_event_emit(struct twait_net *tnet, enum twait_ring_id ring,
		      struct twait_event *event)
{
	const struct twait_policy *policy;
	bool recorded = true;

	rcu_read_lock();
	policy = rcu_dereference(tnet->policy);
	if (unlikely(policy))
		recorded = twait_values_of(policy, event->info.rule)->of[TWAIT_VALUE_EVENTS] &
			   BIT(event->type);
	rcu_read_unlock();
	if (!recorded)
		return;
	event->space = tnet->id;
	twait_ring_emit(&twait_rings[ring], &tnet->stream[ring], event);
}

/* What all events have; the rest is for the caller to set. */
void twait_event_init(struct twait_event *event, enum twait_event_type type,
		      const struct twait_info *info, s64 left_ms)
{
	event->time_ns = ktime_get_real_ns();
	event->age_ns = info->entered_ns ? ktime_get_ns() - info->entered_ns : 0;
	event->left_ms = left_ms;
	event->type = type;
	event->avoid = TWAIT_AVOID_MAX;
	event->evidence.kind = TWAIT_KIND_MAX;
	event->info = *info;
}

/**
 * twait_emit() - tell of something frequent: only while somebody reads
 * @tnet: whose reader
 * @type: what happened
 * @info: to which flow
 * @left_ms: what is left of the wait; -1 where there is none
 */
void twait_emit(struct twait_net *tnet, enum twait_event_type type,
		const struct twait_info *info, s64 left_ms)
{
	struct twait_event event;

	twait_event_init(&event, type, info, left_ms);
	twait_event_emit(tnet, TWAIT_RING_EVENTS, &event);
}

/* One more for the ring: is it one of those that it keeps? */
static bool is_kept(enum twait_ring_id ring)
{
	struct twait_kept *kept = &get_cpu_ptr(&twait_last)->kept[ring];
	bool is_kept;

	if (!time_before(jiffies, kept->until)) {
		kept->until = jiffies + HZ;
		kept->count = 0;
	}
	is_kept = ++kept->count <= TWAIT_KEPT_MAX;
	put_cpu_ptr(&twait_last);
	return is_kept;
}

/**
 * twait_emit_rare() - tell of something rare and telling
 * @tnet: whose
 * @ring: where it is kept, whoever reads; in the stream too for those who do
 * @event: from twait_event_init()
 *
 * Where each close sends a RST, or each connect() reuses, it is not so rare, and all
 * CPUs write to one ring: %TWAIT_KEPT_MAX a second of each CPU are kept there.
 *
 * Context: any but NMI.
 */
void twait_emit_rare(struct twait_net *tnet, enum twait_ring_id ring,
		     struct twait_event *event)
{
	if (is_kept(ring))
		twait_event_emit(tnet, ring, event);
	if (twait_is_watched(tnet))
		twait_event_emit(tnet, TWAIT_RING_EVENTS, event);
}

static u64 sock_cgroup_id(const struct sock *sk)
{
#ifdef CONFIG_SOCK_CGROUP_DATA
	struct cgroup *cgrp =
		sock_cgroup_ptr((struct sock_cgroup_data *)&sk->sk_cgrp_data);

	return cgrp ? cgroup_id(cgrp) : 0;
#else
	return 0;
#endif
}

/**
 * twait_info_of_sock() - what a socket tells of its flow
 * @info: filled; owner and times are not the socket's to tell
 * @sk: the socket, locked
 */
void twait_info_of_sock(struct twait_info *info, const struct sock *sk)
{
	memset(info, 0, sizeof(*info));
	twait_sock_tuple(sk, &info->tuple);
	info->cgroup_id = sock_cgroup_id(sk);
	info->uid = twait_sock_uid(sk);
	info->mark = READ_ONCE(sk->sk_mark);
	info->state = TWAIT_STATE_NONE;
	info->way = TWAIT_WAY_NONE;
	info->fate = TWAIT_FATE_NONE;
}

/**
 * twait_info_of_wait() - what little can be told of a wait that has no record
 * @info: filled
 * @tw: the minisock
 */
void twait_info_of_wait(struct twait_info *info,
			const struct inet_timewait_sock *tw)
{
	memset(info, 0, sizeof(*info));
	twait_wait_tuple(tw, &info->tuple);
	info->uid = (u32)-1;
	info->mark = tw->tw_mark;
	info->state = twait_wait_state(tw);
	info->way = TWAIT_WAY_NONE;
	info->fate = TWAIT_FATE_NONE;
}

/**
 * twait_this_context() - who is at work on a wait
 *
 * Return: a number for a CPU in softirq, or a task (a threaded NAPI, tun; on
 * PREEMPT_RT always, where one task in softirq may preempt another).
 */
u32 twait_this_context(void)
{
	if (in_serving_softirq() && !IS_ENABLED(CONFIG_PREEMPT_RT))
		return BIT(31) | smp_processor_id();
	return current->pid;
}

/**
 * twait_offer() - what the kernel may do to a wait next
 * @flow: its record, in its locked bucket
 * @fate: what the wait will have come to if the kernel lets go of it now
 *
 * It stands until the kernel lets go of the wait, or who made it has dealt with a
 * segment that does not end it.
 */
void twait_offer(struct twait_flow *flow, enum twait_fate fate)
{
	u32 context = twait_this_context();

	/* Two CPUs may be at it: the other one's offer is not ours to take back. */
	if (fate == TWAIT_FATE_NONE && flow->offer_context != context)
		return;
	flow->offer = fate;
	flow->offer_context = context;
}

/* The same for a wait without a record. */
void twait_offer_unrecorded(const struct inet_timewait_sock *tw,
			    enum twait_fate fate)
{
	this_cpu_write(twait_last.tw, tw);
	this_cpu_write(twait_last.fate, fate);
}
