// SPDX-License-Identifier: GPL-2.0-only
/* A wait begins, or is met without having been seen to begin. */
#include <linux/ktime.h>

#include "flow.h"
#include "lifecycle.h"
#include "netns.h"
#include "note.h"
#include "story.h"
#include "trace.h"
#include "tuning.h"
#include "wait.h"

static void flow_init(struct twait_flow *flow,
		      const struct inet_timewait_sock *tw,
		      struct twait_net *tnet)
{
	flow->tw = tw;
	flow->space = tnet;
	flow->offer = TWAIT_FATE_NONE;
	flow->offer_context = 0;
	flow->settled = false;
	flow->by_kind = TWAIT_KIND_MAX;
	flow->acked_kind = TWAIT_KIND_MAX;
	flow->walk = 0;
}

static void flow_insert(struct twait_flow *flow, u64 hash)
{
	struct twait_net *tnet = flow->space;
	struct twait_flow *ghost = NULL;

	if (twait_flow_insert(flow, hash, &ghost))
		twait_count(&tnet->stats, TWAIT_COUNT_TUPLES_FORGOTTEN);
	if (unlikely(ghost))
		twait_net_drop_ghost(ghost);
	/* Before there is no room for a wait; of many one may ask. */
	if (READ_ONCE(twait_has_ghosts) && !(hash & 0xf0000) &&
	    twait_flow_fills(TWAIT_GHOSTS_GO))
		twait_ghosts_make_room();
	twait_count(&tnet->stats, TWAIT_COUNT_RECORDED);
}

static enum twait_way way_of(enum twait_state state, const struct sock *sk)
{
	if (state == TWAIT_STATE_FIN_WAIT2)
		return TWAIT_WAY_FIN_WAIT2;
	return sk->sk_state == TCP_CLOSING ? TWAIT_WAY_SIMULTANEOUS :
					     TWAIT_WAY_ACTIVE;
}

/*
 * Which rule does a new wait fall under, and how long does it last for that? Return:
 * jiffies, or -1 if its timer is armed already, and set anew by us.
 */
static int tune(const struct twait_policy *policy, struct twait_info *info,
		u64 hash, struct inet_timewait_sock *tw, int timeo)
{
	const struct twait_rule *rule = twait_rule_of(policy, info, hash);
	u32 length_ms;

	if (rule)
		info->rule = rule->id;
	length_ms = twait_values_of(policy, info->rule)->of[TWAIT_VALUE_LENGTH_MS];
	/* In FIN_WAIT2 it is tcp_fin_timeout, which is not ours. */
	if (info->state != TWAIT_STATE_TIME_WAIT ||
	    length_ms == TWAIT_LENGTH_MS_DEFAULT)
		return timeo;
	info->length_ms = length_ms;
	if (timeo >= 0)
		return msecs_to_jiffies(length_ms);
	mod_timer_pending(&tw->tw_timer, jiffies + msecs_to_jiffies(length_ms));
	return timeo;
}

/*
 * For how long has the kernel armed the timer? Where it did so before we see it, a
 * jiffy may have passed; but tcp_time_wait() has one length only for a TIME_WAIT.
 */
static u32 armed_ms(const struct twait_info *info,
		    const struct inet_timewait_sock *tw, int timeo)
{
	if (timeo >= 0)
		return jiffies_to_msecs(timeo);
	return info->state == TWAIT_STATE_TIME_WAIT ? TWAIT_LENGTH_MS_DEFAULT :
						      twait_wait_left_ms(tw);
}

/**
 * twait_entered() - a wait begins
 * @tw: the minisock, complete, not yet to be found by anybody
 * @sk: the socket that it replaces, in the state that it leaves
 * @timeo: how long it will wait, in jiffies; -1 if its timer is armed already
 *
 * Context: the socket locked; BH off up to 6.11, since then perhaps on.
 * Return: how long it is to wait; @timeo unless that is tuned.
 */
int twait_entered(struct inet_timewait_sock *tw, const struct sock *sk,
		  int timeo)
{
	const struct twait_policy *policy;
	struct net *net = twsk_net(tw);
	struct twait_net *tnet = twait_net_here(net);
	struct twait_info *info;
	struct twait_flow *flow;
	u64 hash;

	this_cpu_write(twait_last.entered[twait_context_slot()], sk);
	if (!tnet) {
		twait_note_take(sk, NULL);
		return timeo;
	}
	flow = twait_flow_take();
	info = flow ? &flow->info : this_cpu_ptr(&twait_last.info);
	twait_info_of_sock(info, sk);
	info->state = twait_wait_state(tw);
	info->way = way_of(info->state, sk);
	info->entered_ns = ktime_get_ns();
	hash = twait_flow_hash(&info->tuple, net);
	policy = twait_policy_of(tnet);
	if (unlikely(policy))
		timeo = tune(policy, info, hash, tw, timeo);
	if (likely(!info->length_ms))
		info->length_ms = armed_ms(info, tw, timeo);
	twait_note_take(sk, &info->owner);

	twait_count(&tnet->stats, TWAIT_COUNT_ENTERED_ACTIVE + info->way);
	twait_count_peak(&tnet->stats, twait_kernel_waiting(net) +
				       TWAIT_HASHDANCE_SCHEDULES);
	if (flow) {
		flow_init(flow, tw, tnet);
		flow->expires = timeo < 0 ? READ_ONCE(tw->tw_timer.expires) :
					    jiffies + timeo;
		flow->true_at = jiffies;
		/* Before anybody can count its end. */
		twait_rule_count(tnet, info->rule, TWAIT_RULE_HITS);
		flow_insert(flow, hash);
	} else {
		twait_count(&tnet->stats, TWAIT_COUNT_RECORDS_LOST);
		atomic_inc(&tnet->unrecorded);
		twait_ghosts_make_room();
	}
	trace_timewait_enter(tnet->inum, info);
	if (twait_is_watched(tnet))
		twait_emit(tnet, TWAIT_EVENT_ENTER, info, info->length_ms);
	return timeo;
}

static void info_adopted(struct twait_info *info,
			 const struct inet_timewait_sock *tw,
			 enum twait_state state)
{
	s64 left_ms = twait_wait_left_ms(tw);

	twait_info_of_wait(info, tw);
	info->state = state;
	info->way = TWAIT_WAY_ADOPTED;
	info->entered_ns = ktime_get_ns();
	info->length_ms = left_ms;
	if (state == TWAIT_STATE_TIME_WAIT) {
		info->length_ms = jiffies_to_msecs(TCP_TIMEWAIT_LEN);
		info->entered_ns -= max_t(s64, 0, info->length_ms - left_ms) *
				    NSEC_PER_MSEC;
	}
}

/**
 * twait_adopted() - a wait is there, perhaps one that nobody saw begin
 * @tw: the minisock, in the kernel's hash table
 * @walk: number of the walk that met it
 * @resync: not the first walk: a wait without a record may be a counted one
 *
 * Its age is told from its timer, as if it had never been re-armed; who closed
 * it, nobody knows any more.
 *
 * Context: process, the bucket of the kernel's hash table locked.
 */
void twait_adopted(const struct inet_timewait_sock *tw, u16 walk, bool resync)
{
	struct twait_net *tnet = twait_net_of(twsk_net(tw));
	enum twait_state state = twait_wait_state(tw);
	struct twait_flow *flow;
	unsigned long flags;
	u64 hash;

	if (!tnet)
		return;
	hash = twait_wait_hash(tw);
	flow = twait_flow_lock(hash, tw, &flags);
	if (flow)
		flow->walk = walk;
	twait_flow_unlock(hash, flags);
	if (flow)
		return;
	if (!resync || atomic_dec_if_positive(&tnet->unrecorded) < 0) {
		twait_count(&tnet->stats, TWAIT_COUNT_ADOPTED);
		if (state == TWAIT_STATE_FIN_WAIT2)
			twait_count(&tnet->stats,
				    TWAIT_COUNT_ADOPTED_IN_FIN_WAIT2);
		if (resync) {
			twait_count(&tnet->stats, TWAIT_COUNT_RESYNCED);
			tnet->mended++;
		}
	}
	flow = twait_flow_take();
	if (!flow) {
		if (!resync)
			twait_count(&tnet->stats, TWAIT_COUNT_RECORDS_LOST);
		atomic_inc(&tnet->unrecorded);
		return;
	}
	flow_init(flow, tw, tnet);
	flow->walk = walk;
	flow->expires = READ_ONCE(tw->tw_timer.expires);
	info_adopted(&flow->info, tw, state);
	/* As if it had lasted as long as others do. */
	flow->true_at = state == TWAIT_STATE_TIME_WAIT ?
			flow->expires - TCP_TIMEWAIT_LEN : jiffies;
	flow_insert(flow, hash);
}

/**
 * twait_lost() - the end of a wait was missed
 * @flow: its record, in its locked bucket; given back
 *
 * Context: process.
 */
void twait_lost(struct twait_flow *flow)
{
	enum twait_fate fate = flow->settled ? flow->info.fate :
					       TWAIT_FATE_UNKNOWN;
	struct twait_net *tnet = flow->space;

	twait_flow_remove(flow);
	if (flow->info.state == TWAIT_STATE_FIN_WAIT2)
		twait_count(&tnet->stats, TWAIT_COUNT_ENDED_IN_FIN_WAIT2);
	twait_count(&tnet->stats, TWAIT_COUNT_ENDED_EXPIRED + fate);
	twait_rule_count(tnet, flow->info.rule, TWAIT_RULE_ENDED_EXPIRED + fate);
	twait_count(&tnet->stats, TWAIT_COUNT_RESYNCED);
	tnet->mended--;
	twait_flow_give(flow);
	twait_count(&tnet->stats, TWAIT_COUNT_FORGOTTEN);
}
