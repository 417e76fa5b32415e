// SPDX-License-Identifier: GPL-2.0-only
/* The kernel lets go of a wait, and it ends. */
#include <linux/ktime.h>
#include <linux/math64.h>

#include "flow.h"
#include "lifecycle.h"
#include "netns.h"
#include "story.h"
#include "trace.h"
#include "tuning.h"
#include "wait.h"

/*
 * Nobody offered anything: then it was neither the wire nor connect(), if we look at
 * those; but what the wire brings is dealt with in softirq, ss -K is not. (Out of
 * softirq, and unseen, a SYN is taken by nf_tproxy_handle_time_wait4() and 6.)
 */
static enum twait_fate fate_from_outside(const struct inet_timewait_sock *tw)
{
	if (!check_net(twsk_net(tw)))
		return TWAIT_FATE_PURGED;
	if (TWAIT_NOT_KILLABLE || in_serving_softirq() ||
	    !twait_sees_segments || !twait_sees_connects)
		return TWAIT_FATE_UNKNOWN;
	return TWAIT_FATE_KILLED;
}

static void descheduled_without_record(const struct inet_timewait_sock *tw,
				       bool by_syn)
{
	enum twait_fate fate = fate_from_outside(tw);

	if (by_syn)
		fate = TWAIT_FATE_SYN;
	else if (this_cpu_read(twait_last.tw) == tw)
		fate = this_cpu_read(twait_last.fate);
	twait_offer_unrecorded(tw, fate);
}

/**
 * twait_descheduled() - the kernel lets go of a wait before its time
 * @tw: the minisock; the caller holds a reference
 *
 * Context: BH off. After an offer or, for ss -K, TPROXY and a namespace that goes
 * away, out of the blue.
 */
void twait_descheduled(const struct inet_timewait_sock *tw)
{
	bool by_syn = twait_syn_took_over(tw);
	u32 hash = twait_wait_hash(tw);
	struct twait_flow *flow;
	unsigned long flags;

	flow = twait_flow_lock(hash, tw, &flags);
	if (!flow) {
		descheduled_without_record(tw, by_syn);
	} else if (by_syn) {
		/* As with connect(): see note_decision(). */
		flow->settled = true;
		flow->info.fate = TWAIT_FATE_SYN;
	} else if (!flow->settled) {
		flow->settled = true;
		/*
		 * Two CPUs may have a segment each that ends it: then the first to do
		 * so finds the offer of the other one.
		 */
		flow->info.fate = flow->offer != TWAIT_FATE_NONE ?
				  flow->offer : fate_from_outside(tw);
	}
	twait_flow_unlock(hash, flags);
}

/*
 * Why did it end, if nobody settled it? By its timer, or by a purge that 5.10
 * and 6.1 have inlined past inet_twsk_deschedule_put().
 */
static enum twait_fate fate_unsettled(const struct twait_net *tnet, s64 left_ms)
{
	if (!left_ms)
		return TWAIT_FATE_EXPIRED;
	/*
	 * A purge takes the waits of all namespaces that die, also of those whose turn
	 * has not come yet. Before we are told of it a namespace is there, and for a
	 * grace period more: see twait_net_leave().
	 */
	return READ_ONCE(tnet->leaves) || !check_net(tnet->net) ?
	       TWAIT_FATE_PURGED : TWAIT_FATE_UNKNOWN;
}

static void ended_without_record(const struct inet_timewait_sock *tw)
{
	struct twait_net *tnet = twait_net_living(twsk_net(tw));
	s64 left_ms = twait_wait_left_ms(tw);
	enum twait_fate fate = TWAIT_FATE_NONE;

	if (tnet)
		fate = fate_unsettled(tnet, left_ms);
	if (this_cpu_read(twait_last.tw) == tw) {
		/* An offer that nobody took does not outlive the timer. */
		if (left_ms)
			fate = this_cpu_read(twait_last.fate);
		this_cpu_write(twait_last.tw, NULL);
	}
	/*
	 * Not every wait without a record is one that was counted: while a load
	 * is still adopting, it may be one that nobody knows of yet.
	 */
	if (!tnet || atomic_dec_if_positive(&tnet->unrecorded) < 0)
		return;
	if (twait_wait_state(tw) == TWAIT_STATE_FIN_WAIT2)
		twait_count(&tnet->stats, TWAIT_COUNT_ENDED_IN_FIN_WAIT2);
	twait_count(&tnet->stats, TWAIT_COUNT_ENDED_EXPIRED + fate);
}

static bool is_assassination(enum twait_fate fate)
{
	return fate == TWAIT_FATE_RST || fate == TWAIT_FATE_KILLED ||
	       fate == TWAIT_FATE_RESET;
}

/* The segment that ended it, and the ACK of ours that may have called for it. */
static void evidence_of(struct twait_evidence *evidence,
			const struct twait_flow *flow,
			const struct inet_timewait_sock *tw)
{
	const struct tcp_timewait_sock *tcptw = tcp_twsk((struct sock *)tw);

	*evidence = (struct twait_evidence){
		.seq = flow->by_seq,
		.end_seq = flow->by_end_seq,
		.rcv_nxt = READ_ONCE(tcptw->tw_rcv_nxt),
		.acked_ms = jiffies_to_msecs((u32)jiffies - flow->acked_at),
		.kind = flow->by_kind,
		/* It came by itself, and was not ACKed by the wait. */
		.acked_kind = flow->info.fate == TWAIT_FATE_SYN ?
			      TWAIT_KIND_MAX : flow->acked_kind,
	};
}

static void emit_end(struct twait_net *tnet, const struct twait_flow *flow,
		     const struct inet_timewait_sock *tw, s64 left_ms)
{
	struct twait_event event;

	twait_event_init(&event, TWAIT_EVENT_END, &flow->info, left_ms);
	if (flow->info.fate == TWAIT_FATE_RST ||
	    flow->info.fate == TWAIT_FATE_RESET ||
	    flow->info.fate == TWAIT_FATE_SYN)
		evidence_of(&event.evidence, flow, tw);
	if (is_assassination(flow->info.fate))
		twait_emit_rare(tnet, TWAIT_RING_ASSASSINATIONS, &event);
	else
		twait_event_emit(tnet, TWAIT_RING_EVENTS, &event);
}

/**
 * twait_ended() - the last reference to a wait is gone
 * @tw: the minisock; its memory goes when we return
 *
 * Its namespace may be freed memory: on new kernels what a wait sends has a
 * reference to it (skb_set_owner_edemux() in ip_send_unicast_reply()), and may lie in
 * the queue of another namespace's device for longer than its own namespace lives.
 *
 * Context: softirq, or process context with BH off or on.
 */
void twait_ended(const struct inet_timewait_sock *tw)
{
	s64 left_ms = twait_wait_left_ms(tw);
	u32 hash = twait_wait_hash(tw);
	struct twait_flow *flow;
	struct twait_net *tnet;
	unsigned long flags;
	u64 age_ns, age_ms;

	flow = twait_flow_lock(hash, tw, &flags);
	if (!flow) {
		twait_flow_unlock(hash, flags);
		ended_without_record(tw);
		return;
	}
	twait_flow_remove(flow);
	twait_flow_unlock(hash, flags);
	/* From here the record is ours alone. */
	tnet = flow->space;
	age_ns = ktime_get_ns() - flow->info.entered_ns;
	age_ms = div_u64(age_ns, NSEC_PER_MSEC);
	if (!flow->settled)
		flow->info.fate = fate_unsettled(tnet, left_ms);
	/* The FIN may have been seen by a probe that was missed. */
	if (flow->info.state != twait_wait_state(tw)) {
		flow->info.state = TWAIT_STATE_TIME_WAIT;
		twait_count(&tnet->stats, TWAIT_COUNT_ADVANCED);
		if (twait_sees_segments)
			twait_count(&tnet->stats, TWAIT_COUNT_RESYNCED);
	}
	if (flow->info.state == TWAIT_STATE_FIN_WAIT2)
		twait_count(&tnet->stats, TWAIT_COUNT_ENDED_IN_FIN_WAIT2);
	twait_count(&tnet->stats, TWAIT_COUNT_ENDED_EXPIRED + flow->info.fate);
	twait_rule_count(tnet, flow->info.rule,
			 TWAIT_RULE_ENDED_EXPIRED + flow->info.fate);
	if (trace_timewait_end_enabled())
		trace_timewait_end(tnet->inum, &flow->info, age_ns, left_ms);
	/* How long an adopted one has waited before, nobody knows. */
	if (flow->info.way != TWAIT_WAY_ADOPTED) {
		twait_histogram_add_ms(&tnet->stats, TWAIT_HISTOGRAM_LENGTH,
				       age_ms);
		twait_count_add(&tnet->stats, TWAIT_COUNT_LENGTH_MS, age_ms);
	}
	if (is_assassination(flow->info.fate) || twait_is_watched(tnet))
		emit_end(tnet, flow, tw, left_ms);
	if (twait_ghost_of_wait(flow, tw, age_ms))
		return;
	twait_flow_give(flow);
	/* Last: a retired namespace is freed when this adds up. */
	twait_count(&tnet->stats, TWAIT_COUNT_FORGOTTEN);
}
