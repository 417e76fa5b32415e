// SPDX-License-Identifier: GPL-2.0-only
/* A segment reaches a wait. */
#include <linux/ktime.h>
#include <net/tcp.h>

#include "flow.h"
#include "lifecycle.h"
#include "netns.h"
#include "segment.h"
#include "story.h"
#include "tuning.h"
#include "wait.h"

static bool has_timestamp(const struct inet_timewait_sock *tw,
			  const struct sk_buff *skb, const struct tcphdr *th,
			  struct tcp_options_received *opt)
{
	const struct tcp_timewait_sock *tcptw = tcp_twsk((struct sock *)tw);

	opt->saw_tstamp = 0;
	if (th->doff <= sizeof(*th) / 4 || !READ_ONCE(tcptw->tw_ts_recent_stamp))
		return false;
	tcp_parse_options(twsk_net(tw), skb, opt, 0, NULL);
	opt->ts_recent = READ_ONCE(tcptw->tw_ts_recent);
	opt->ts_recent_stamp = READ_ONCE(tcptw->tw_ts_recent_stamp);
	return opt->saw_tstamp;
}

/* The first lines of tcp_timewait_state_process(). */
static void look_at(struct twait_visit *visit,
		    const struct inet_timewait_sock *tw,
		    const struct sk_buff *skb, const struct tcphdr *th)
{
	const struct tcp_timewait_sock *tcptw = tcp_twsk((struct sock *)tw);
	struct tcp_options_received opt;
	struct twait_segment seg = {
		.seq = TCP_SKB_CB(skb)->seq,
		.end_seq = TCP_SKB_CB(skb)->end_seq,
		.rcv_nxt = READ_ONCE(tcptw->tw_rcv_nxt),
		.rcv_wnd = tcptw->tw_rcv_wnd,
		.syn = th->syn,
		.fin = th->fin,
		.rst = th->rst,
		.ack = th->ack,
		.fin_wait2 = twait_wait_state(tw) == TWAIT_STATE_FIN_WAIT2,
		.rfc1337 = READ_ONCE(twsk_net(tw)->ipv4.sysctl_tcp_rfc1337),
	};

	visit->has_tsval = has_timestamp(tw, skb, th, &opt);
	if (visit->has_tsval) {
		seg.paws_reject = tcp_paws_reject(&opt, th->rst);
		seg.newer_timestamp = (s32)(opt.ts_recent - opt.rcv_tsval) < 0;
		visit->tsval = opt.rcv_tsval;
	}
	visit->paws_reject = seg.paws_reject;
	visit->newer_timestamp = seg.newer_timestamp;
	visit->asks = seg.syn && !seg.rst && !seg.ack;
	visit->seq = seg.seq;
	visit->end_seq = seg.end_seq;
	visit->rcv_nxt = seg.rcv_nxt;
	visit->fin = seg.fin;
	visit->rst = seg.rst;
	visit->fin_wait2 = seg.fin_wait2;
	visit->effects = twait_segment_effects(&seg);
	visit->kind = twait_segment_kind(&seg);
}

/* Is it a RST that would end a TIME_WAIT, and is that one protected by us? */
static bool is_shielded(const struct twait_net *tnet,
			const struct twait_visit *visit,
			const struct twait_flow *flow)
{
	const struct twait_policy *policy = twait_policy_of(tnet);

	return unlikely(policy) && visit->effects & TWAIT_SEGMENT_KILLS &&
	       !visit->fin_wait2 &&
	       twait_values_of(policy, flow ? flow->info.rule :
				       0)->of[TWAIT_VALUE_RST] ==
			TWAIT_RST_MODE_IGNORE;
}

/**
 * twait_visited() - a segment reached a wait
 * @visit: filled, for twait_answered()
 * @tw: the minisock; the caller holds a reference
 * @skb: the segment, its checksum good
 * @th: its header, the options linear
 *
 * Context: BH off.
 * Return: false if it is none of ours.
 */
bool twait_visited(struct twait_visit *visit,
		   const struct inet_timewait_sock *tw,
		   const struct sk_buff *skb, const struct tcphdr *th)
{
	struct twait_net *tnet = twait_net_here(twsk_net(tw));
	struct twait_flow *flow;
	unsigned long flags;
	u64 entered_ns = 0;

	if (!tnet)
		return false;
	visit->tw = tw;
	visit->net = twsk_net(tw);
	visit->hash = twait_wait_hash(tw);
	visit->watched = twait_is_watched(tnet);
	look_at(visit, tw, skb, th);
	twait_syn_untaken(tw);
	if (unlikely(visit->asks))
		twait_syn_visits(visit, tw);
	twait_count(&tnet->stats, TWAIT_COUNT_SEGMENT_PAWS + visit->kind);

	flow = twait_flow_lock(visit->hash, tw, &flags);
	if (visit->kind == TWAIT_SEGMENT_IS_RST &&
	    !(visit->effects & TWAIT_SEGMENT_KILLS))
		twait_count(&tnet->stats, TWAIT_COUNT_RST_RFC1337);
	visit->shielded = is_shielded(tnet, visit, flow);
	if (visit->shielded)
		visit->effects &= ~TWAIT_SEGMENT_KILLS;
	if (flow) {
		flow->info.segments++;
		entered_ns = flow->info.entered_ns;
		if (visit->effects & (TWAIT_SEGMENT_KILLS |
				      TWAIT_SEGMENT_RESETS |
				      TWAIT_SEGMENT_TAKES_OVER)) {
			flow->by_seq = visit->seq;
			flow->by_end_seq = visit->end_seq;
			flow->by_kind = visit->kind;
		}
		if (visit->effects & TWAIT_SEGMENT_KILLS)
			twait_offer(flow, TWAIT_FATE_RST);
		/* It may be gone when the answer is there. */
		if (visit->watched || visit->asks)
			visit->info = flow->info;
	} else {
		if (visit->effects & TWAIT_SEGMENT_KILLS)
			twait_offer_unrecorded(tw, TWAIT_FATE_RST);
		if (visit->watched || visit->asks)
			twait_info_of_wait(&visit->info, tw);
	}
	twait_flow_unlock(visit->hash, flags);
	if (visit->shielded)
		twait_count(&tnet->stats, TWAIT_COUNT_RST_SHIELDED);
	if (entered_ns)
		twait_histogram_add(&tnet->stats, TWAIT_HISTOGRAM_SEGMENT_AGE,
				    ktime_get_ns() - entered_ns);
	return true;
}

/* What the answer of tcp_timewait_state_process() lets the caller do next. */
static enum twait_fate fate_offered(int answer)
{
	switch (answer) {
	case TCP_TW_RST:
		return TWAIT_FATE_RESET;
	default:
		return TWAIT_FATE_NONE;
	}
}

static void answered_without_record(struct twait_net *tnet,
				    const struct twait_visit *visit, int answer)
{
	enum twait_fate fate = fate_offered(answer);

	if (fate != TWAIT_FATE_NONE)
		twait_offer_unrecorded(visit->tw, fate);
	else if (this_cpu_read(twait_last.tw) == visit->tw)
		this_cpu_write(twait_last.tw, NULL);
	if (!atomic_read(&tnet->unrecorded))
		return;
	if (visit->effects & TWAIT_SEGMENT_ADVANCES && answer == TCP_TW_ACK)
		twait_count(&tnet->stats, TWAIT_COUNT_ADVANCED);
	if (visit->effects & TWAIT_SEGMENT_REARMS)
		twait_count(&tnet->stats, TWAIT_COUNT_REARMED);
}

/* Is the answer an ACK, be it TCP_TW_ACK or the newer TCP_TW_ACK_OOW? */
static bool is_ack(int answer)
{
	return answer == TCP_TW_ACK || answer > TCP_TW_SYN;
}

/*
 * enum tcp_tw_status in words. Of an ACK that was due and is not the answer,
 * tcp_timewait_check_oow_rate_limit() thought that there were too many.
 */
static enum twait_answer answer_of(const struct twait_visit *visit, int answer)
{
	switch (answer) {
	case TCP_TW_SUCCESS:
		return visit->effects & TWAIT_SEGMENT_ACKED ?
		       TWAIT_ANSWER_LIMITED : TWAIT_ANSWER_NONE;
	case TCP_TW_RST:
		return TWAIT_ANSWER_RST;
	case TCP_TW_SYN:
		return TWAIT_ANSWER_LISTEN;
	default:
		return TWAIT_ANSWER_ACK;
	}
}

static void emit_segment(struct twait_net *tnet,
			 const struct twait_visit *visit,
			 const struct twait_info *info, s64 left_ms,
			 enum twait_answer answer)
{
	struct twait_event event;

	twait_event_init(&event, TWAIT_EVENT_SEGMENT, info, left_ms);
	event.evidence = (struct twait_evidence){
		.seq = visit->seq,
		.end_seq = visit->end_seq,
		.rcv_nxt = visit->rcv_nxt,
		.kind = visit->kind,
		.answer = answer,
		.acked_kind = TWAIT_KIND_MAX,
	};
	twait_event_emit(tnet, TWAIT_RING_EVENTS, &event);
}

/* What a segment changed, in the words of twait_answered(). */
struct change {
	bool advanced;
	bool rearmed;
};

/*
 * Is the minisock still the one of the record? It is, for the record goes before it
 * does; unless the probe on its end was missed. Then there is another one's in its
 * place, or nobody's: minisocks keep their type for as long as RCU readers look.
 */
static bool is_still(const struct inet_timewait_sock *tw,
		     const struct twait_flow *flow)
{
	struct twait_tuple tuple;

	if (!refcount_read(&tw->tw_refcnt))
		return false;
	twait_wait_tuple(tw, &tuple);
	return !memcmp(&tuple, &flow->info.tuple, sizeof(tuple));
}

/*
 * The kernel has just set the timer to its own length. Context: the record locked,
 * so the wait has not ended; where the kernel lets go of it meanwhile, its timer is
 * no more pending, and stays so.
 */
static void rearm(const struct twait_net *tnet, struct twait_flow *flow,
		  const struct twait_visit *visit)
{
	u32 length_ms = twait_values_of(twait_policy_of(tnet),
					flow->info.rule)->of[TWAIT_VALUE_LENGTH_MS];

	flow->info.length_ms = length_ms;
	flow->expires = jiffies + msecs_to_jiffies(length_ms);
	if (length_ms != TWAIT_LENGTH_MS_DEFAULT && is_still(visit->tw, flow))
		mod_timer_pending(&((struct inet_timewait_sock *)visit->tw)->tw_timer,
				  flow->expires);
}

/* Context: the record locked, the wait not ended. */
static void answer_apply(const struct twait_net *tnet, struct twait_flow *flow,
			 const struct twait_visit *visit, int answer,
			 struct change *change)
{
	struct twait_info *info = &flow->info;

	/* An offer that was taken has settled the wait in between. */
	twait_offer(flow, fate_offered(answer));
	if (visit->rst && !flow->settled)
		info->rst_ignored++;
	/* Two CPUs may process the same FIN: it advances the wait once. */
	if (visit->effects & TWAIT_SEGMENT_ADVANCES && is_ack(answer)) {
		if (info->state == TWAIT_STATE_FIN_WAIT2) {
			info->state = TWAIT_STATE_TIME_WAIT;
			flow->true_at = jiffies;
			change->advanced = true;
		}
		/* But both have set the timer. */
		rearm(tnet, flow, visit);
	} else if (visit->fin && !visit->fin_wait2 && is_ack(answer)) {
		info->refins++;
	}
	/* A SYN that no listener takes is answered with an ACK. */
	if (is_ack(answer) || answer == TCP_TW_SYN) {
		flow->acked_at = jiffies;
		flow->acked_kind = visit->kind;
	}
	if (visit->effects & TWAIT_SEGMENT_REARMS) {
		info->rearms++;
		change->rearmed = true;
		rearm(tnet, flow, visit);
	}
}

/**
 * twait_answered() - the kernel has dealt with a segment
 * @visit: from twait_visited()
 * @answer: enum tcp_tw_status
 *
 * The minisock may be gone; it is not read.
 *
 * Context: as twait_visited().
 */
void twait_answered(const struct twait_visit *visit, int answer)
{
	struct twait_net *tnet = twait_net_here(visit->net);
	enum twait_answer word = answer_of(visit, answer);
	struct change change = {};
	struct twait_info info;
	struct twait_flow *flow;
	unsigned long flags;
	s64 left_ms = 0;

	if (!tnet)
		return;
	twait_count(&tnet->stats, TWAIT_COUNT_ANSWER_NONE + word);
	if (unlikely(visit->asks))
		twait_syn_decided(tnet, visit, answer == TCP_TW_SYN);
	flow = twait_flow_lock(visit->hash, visit->tw, &flags);
	if (!flow) {
		twait_flow_unlock(visit->hash, flags);
		answered_without_record(tnet, visit, answer);
		if (visit->watched)
			emit_segment(tnet, visit, &visit->info, -1, word);
		return;
	}
	answer_apply(tnet, flow, visit, answer, &change);
	if (visit->watched) {
		info = flow->info;
		left_ms = twait_left_ms(flow->expires);
	}
	twait_flow_unlock(visit->hash, flags);

	if (change.advanced)
		twait_count(&tnet->stats, TWAIT_COUNT_ADVANCED);
	if (change.rearmed)
		twait_count(&tnet->stats, TWAIT_COUNT_REARMED);
	if (!visit->watched)
		return;
	emit_segment(tnet, visit, &info, left_ms, word);
	if (change.advanced)
		twait_emit(tnet, TWAIT_EVENT_ADVANCE, &info, info.length_ms);
	if (change.rearmed)
		twait_emit(tnet, TWAIT_EVENT_REARM, &info, info.length_ms);
}
