// SPDX-License-Identifier: GPL-2.0-only
/*
 * A wait that ended early stays as a ghost for as long as it would have been needed,
 * and what comes too late for it is told.
 *
 * A ghost is a record without a minisock. It keeps the window that the old connection
 * had last, and the socket of the next connection with its four-tuple, should there
 * be one. Ghosts are swept now and then, and are the first to go when there is no
 * more room for records.
 */
#include <linux/ipv6.h>
#include <linux/ktime.h>
#include <linux/workqueue.h>
#include <net/tcp.h>

#include "flow.h"
#include "lifecycle.h"
#include "netns.h"
#include "story.h"
#include "trace.h"
#include "tuning.h"
#include "wait.h"

/* A sweep looks at the whole table; what has to go meanwhile is seen as gone. */
#define TWAIT_SWEEP_PERIOD	(4 * HZ)

/*
 * Where ghosts have to make room they go down to so many eighths, so that not each new
 * record needs a sweep; and there are no more sweeps than this allows.
 */
#define TWAIT_GHOSTS_LEAVE	6
#define TWAIT_SWEEP_PAUSE	(HZ / 10)

/*
 * To arm a kprobe the kernel looks for its symbol, up to 6.1 in one after the other of
 * all that it has, and waits for a grace period to disarm it: not for each ghost anew.
 */
#define TWAIT_REST_DELAY	(300 * HZ)

/* Of more segments for one ghost than these the recent ones keep none. */
#define TWAIT_LATES_KEPT	4

bool twait_has_ghosts __read_mostly;

static void (*demand)(bool (*is_wanted)(void), bool may_rest); /* set while loading */
static atomic_t tuned = ATOMIC_INIT(0);	/* namespaces */
static bool scarce;			/* somebody found no room */
static unsigned long swept_at = INITIAL_JIFFIES; /* the last sweep, in jiffies */
static bool made;			/* a ghost, since the last sweep began */

static void demand_fn(struct work_struct *work);
static DECLARE_WORK(demand_work, demand_fn);
static void rest_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(rest_work, rest_fn);
static void sweep_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(sweep_work, sweep_fn);

static bool is_wanted(void)
{
	return READ_ONCE(twait_has_ghosts) || atomic_read(&tuned);
}

static void demand_fn(struct work_struct *work)
{
	demand(is_wanted, false);
}

/* Long after the last one, unless there are some again. */
static void rest_fn(struct work_struct *work)
{
	demand(is_wanted, true);
}

/*
 * Before there can be any. @arm is called when there may be something to see, and, with
 * may_rest, long after there was; in process context, may sleep.
 */
void twait_ghosts_init(void (*arm)(bool (*is_wanted)(void), bool may_rest))
{
	demand = arm;
}

/**
 * twait_ghosts_exit() - there will be no more
 *
 * Context: process, may sleep; the hooks that make ghosts are off. To be called once
 * more when no namespace is left that could be tuned. Ghosts that are left go with the
 * table.
 */
void twait_ghosts_exit(void)
{
	cancel_delayed_work_sync(&sweep_work);
	cancel_delayed_work_sync(&rest_work);
	cancel_work_sync(&demand_work);
	WRITE_ONCE(twait_has_ghosts, false);
}

/**
 * twait_ghosts_expect() - a namespace is tuned, or is no more
 * @delta: 1 or -1
 *
 * What will come too late is to be seen from the first on, so it waits until it can.
 *
 * Context: process, may sleep.
 */
void twait_ghosts_expect(int delta)
{
	atomic_add(delta, &tuned);
	if (delta < 0) {
		mod_delayed_work(TWAIT_SYSTEM_WQ, &rest_work, TWAIT_REST_DELAY);
	} else {
		schedule_work(&demand_work);
		flush_work(&demand_work);
	}
}

/* What a sweep is about. */
struct sweep {
	bool evicts;
	bool found;
};

static void sweep_one(struct twait_flow *flow, void *arg)
{
	struct sweep *sweep = arg;
	struct twait_net *tnet = flow->space;

	if (flow->info.state != TWAIT_STATE_GHOST)
		return;
	if (sweep->evicts && twait_flow_fills(TWAIT_GHOSTS_LEAVE)) {
		twait_count(&tnet->stats, TWAIT_COUNT_GHOSTS_LOST);
	} else if (time_before(jiffies, flow->expires)) {
		sweep->found = true;
		return;
	}
	twait_flow_remove(flow);
	twait_net_drop_ghost(flow);
}

static void sweep_fn(struct work_struct *work)
{
	struct sweep sweep = { .evicts = READ_ONCE(scarce) };

	WRITE_ONCE(scarce, false);
	WRITE_ONCE(made, false);
	/* Who is not found has said that he is made, or does so after this. */
	smp_mb();
	twait_flow_visit_ghosts(sweep_one, &sweep);
	WRITE_ONCE(swept_at, jiffies);
	if (!sweep.found && !READ_ONCE(made)) {
		WRITE_ONCE(twait_has_ghosts, false);
		/* See announce(): of the two of us one sees what the other says. */
		smp_mb();
		if (READ_ONCE(made))
			WRITE_ONCE(twait_has_ghosts, true);
	}
	if (READ_ONCE(twait_has_ghosts))
		schedule_delayed_work(&sweep_work, TWAIT_SWEEP_PERIOD);
	else
		mod_delayed_work(TWAIT_SYSTEM_WQ, &rest_work, TWAIT_REST_DELAY);
}

/**
 * twait_ghosts_make_room() - there was no record for a wait
 *
 * Context: any but NMI.
 */
void twait_ghosts_make_room(void)
{
	unsigned long next = READ_ONCE(swept_at) + TWAIT_SWEEP_PAUSE;

	if (!READ_ONCE(twait_has_ghosts) || READ_ONCE(scarce))
		return;
	WRITE_ONCE(scarce, true);
	mod_delayed_work(TWAIT_SYSTEM_WQ, &sweep_work,
			 time_before(jiffies, next) ? TWAIT_SWEEP_PAUSE : 0);
}

/* There is one more. Context: it is in the table. */
static void announce(void)
{
	/* The table, then what is said, then what is asked: see sweep_fn(). */
	smp_mb();
	if (!READ_ONCE(made)) {
		WRITE_ONCE(made, true);
		/* As above. */
		smp_mb();
	}
	if (likely(READ_ONCE(twait_has_ghosts)))
		return;
	WRITE_ONCE(twait_has_ghosts, true);
	schedule_work(&demand_work);
	schedule_delayed_work(&sweep_work, TWAIT_SWEEP_PERIOD);
}

/* Into the table. Context: @flow is its caller's alone, and is no more. */
static void ghost_begin(struct twait_flow *flow, struct twait_net *tnet,
			u32 ehash, u32 rcv_nxt, u32 rcv_wnd,
			unsigned long expires)
{
	struct twait_flow *older;

	flow->tw = NULL;
	flow->info.state = TWAIT_STATE_GHOST;
	flow->info.segments = 0;
	flow->expires = expires;
	flow->incarnation = NULL;
	flow->old_rcv_nxt = rcv_nxt;
	flow->old_rcv_wnd = rcv_wnd;
	flow->ehash = ehash;
	twait_count(&tnet->stats, TWAIT_COUNT_GHOSTED);
	if (!tnet->is_init)
		atomic_inc(&tnet->ghosts);
	older = twait_flow_keep(flow);
	if (older)
		twait_net_drop_ghost(older);
	announce();
}

/*
 * Is there room? What remembers is the first that goes without, and a container that
 * closes with SO_LINGER all day is not to take all there is.
 */
static bool has_room(struct twait_net *tnet)
{
	bool scarce_here = !tnet->is_init &&
			   atomic_read(&tnet->ghosts) >= twait_flow_max() / 8;

	if (likely(!scarce_here && !twait_flow_fills(TWAIT_GHOSTS_GO)))
		return true;
	twait_count(&tnet->stats, TWAIT_COUNT_GHOSTS_LOST);
	if (!scarce_here)
		twait_ghosts_make_room();
	return false;
}

static u32 quiet_ms_of(const struct twait_net *tnet, u32 rule)
{
	return twait_values_of(twait_policy_of(tnet),
			       rule)->of[TWAIT_VALUE_QUIET_MS];
}

/**
 * twait_ghost_of_wait() - a wait has ended; is it remembered?
 * @flow: its record, out of its bucket
 * @tw: the minisock
 * @age_ms: how long it has waited
 *
 * Only what came to be a TIME_WAIT: one that ends in FIN_WAIT2 has not had its peer's
 * FIN, and would have been no longer there for it.
 *
 * Context: any but NMI, preemption off.
 * Return: false if not: the record is still the caller's.
 */
bool twait_ghost_of_wait(struct twait_flow *flow,
			 const struct inet_timewait_sock *tw, s64 age_ms)
{
	const struct tcp_timewait_sock *tcptw = tcp_twsk((struct sock *)tw);
	struct twait_net *tnet = flow->space;
	s64 quiet_ms;

	if (flow->info.state != TWAIT_STATE_TIME_WAIT ||
	    flow->info.fate == TWAIT_FATE_PURGED ||
	    flow->info.fate == TWAIT_FATE_UNKNOWN || READ_ONCE(tnet->leaves))
		return false;
	quiet_ms = quiet_ms_of(tnet, flow->info.rule) - age_ms;
	if (quiet_ms <= 0 || !has_room(tnet))
		return false;
	ghost_begin(flow, tnet, tw->tw_hash, READ_ONCE(tcptw->tw_rcv_nxt),
		    tcptw->tw_rcv_wnd, jiffies + msecs_to_jiffies(quiet_ms));
	return true;
}

/**
 * twait_ghost_of_sock() - a close left no wait
 * @sk: the socket, locked
 * @tnet: its namespace
 * @owner: who closed it
 *
 * Context: process, preemption off.
 */
void twait_ghost_of_sock(const struct sock *sk, struct twait_net *tnet,
			 const struct twait_owner *owner)
{
	u32 quiet_ms = quiet_ms_of(tnet, 0);
	struct twait_flow *flow;

	if (!quiet_ms || READ_ONCE(tnet->leaves) || !has_room(tnet))
		return;
	flow = twait_flow_take();
	if (!flow) {
		twait_count(&tnet->stats, TWAIT_COUNT_GHOSTS_LOST);
		return;
	}
	flow->space = tnet;
	twait_info_of_sock(&flow->info, sk);
	flow->info.owner = *owner;
	flow->info.entered_ns = ktime_get_ns();
	flow->hash = twait_flow_hash(&flow->info.tuple, sock_net(sk));
	twait_count(&tnet->stats, TWAIT_COUNT_RECORDED);
	ghost_begin(flow, tnet, sk->sk_hash, READ_ONCE(tcp_sk(sk)->rcv_nxt),
		    tcp_receive_window(tcp_sk(sk)),
		    jiffies + msecs_to_jiffies(quiet_ms));
}

/**
 * twait_established() - a connection begins, perhaps with the four-tuple of a ghost
 * @sk: its socket, locked
 *
 * Context: process or softirq, preemption off.
 */
void twait_established(const struct sock *sk)
{
	struct twait_net *tnet = twait_net_here(sock_net(sk));
	struct twait_tuple tuple;
	struct twait_flow *flow;
	unsigned long flags;
	u32 hash;

	if (!tnet)
		return;
	twait_sock_tuple(sk, &tuple);
	hash = twait_flow_hash(&tuple, sock_net(sk));
	flow = twait_flow_lock_ghost(hash, &tuple, tnet, &flags);
	if (flow)
		twait_flow_set_incarnation(flow, sk);
	twait_flow_unlock(hash, flags);
}

/* Where does a segment lie that no socket takes? */
static enum twait_late late_kind(const struct tcphdr *th,
				 const struct twait_late_evidence *evidence)
{
	if (th->rst)
		return TWAIT_LATE_RST;
	if (th->syn)
		return TWAIT_LATE_SYN;
	if (th->fin)
		return TWAIT_LATE_FIN;
	return evidence->seq == evidence->end_seq ? TWAIT_LATE_ACK :
						    TWAIT_LATE_DATA;
}

/* Has the peer, or who has the four-tuple now, been done harm? */
static bool is_harm(enum twait_late late)
{
	return late == TWAIT_LATE_FIN || late == TWAIT_LATE_DATA ||
	       late == TWAIT_LATE_SUSPECT;
}

static void count_late(struct twait_net *tnet, const struct twait_info *info,
		       enum twait_late late)
{
	twait_count(&tnet->stats, TWAIT_COUNT_LATE_FIN + late);
	twait_rule_count(tnet, info->rule, TWAIT_RULE_LATE);
	if (is_harm(late)) {
		twait_count(&tnet->stats, TWAIT_COUNT_LATE_HARM);
		twait_rule_count(tnet, info->rule, TWAIT_RULE_LATE_HARM);
	}
	twait_histogram_add(&tnet->stats, TWAIT_HISTOGRAM_LATE_AGE,
			    ktime_get_ns() - info->entered_ns);
}

/* A segment that came too late, and what there is to tell of it. */
struct lateness {
	struct twait_late_evidence evidence;
	struct twait_info info;		/* of the wait */
	unsigned long expires;		/* of its ghost, in jiffies */
	bool anew;			/* it need not lie where the wait looked */
};

/* Does it lie in the window of the wait? What the peer numbers anew begins elsewhere. */
static bool is_in_old_window(const struct twait_late_evidence *evidence,
			     const struct twait_flow *flow)
{
	return !before(evidence->seq, flow->old_rcv_nxt - flow->old_rcv_wnd) &&
	       !after(evidence->seq, flow->old_rcv_nxt);
}

/*
 * Does it lie behind the FIN that the wait had from its peer? Then it is of a newer
 * connection: of one that never came to be a socket here, or has none any more.
 */
static bool is_beyond_old(const struct twait_late_evidence *evidence,
			  const struct twait_flow *flow)
{
	return flow->info.way != TWAIT_WAY_NONE &&
	       after(evidence->seq, flow->old_rcv_nxt);
}

/*
 * Is there a ghost for it? The old window is filled in. @incarnation: the socket that
 * the segment came to, NULL if it came to none. Once the four-tuple has had another
 * connection, be it gone or not, only what lies in the old window is an old segment.
 */
static bool is_for_ghost(struct lateness *lateness, const struct net *net,
			 struct twait_net *tnet,
			 const struct twait_tuple *tuple,
			 const struct sock *incarnation)
{
	struct twait_late_evidence *evidence = &lateness->evidence;
	u32 hash = twait_flow_hash(tuple, net);
	struct twait_flow *flow;
	unsigned long flags;

	flow = twait_flow_lock_ghost(hash, tuple, tnet, &flags);
	if (flow && time_after(jiffies, flow->expires))
		flow = NULL;
	if (flow && incarnation && flow->incarnation != incarnation)
		flow = NULL;
	if (flow && flow->incarnation && !is_in_old_window(evidence, flow))
		flow = NULL;
	if (flow && !lateness->anew && is_beyond_old(evidence, flow))
		flow = NULL;
	if (flow) {
		flow->info.segments++;
		evidence->rcv_nxt = flow->old_rcv_nxt;
		evidence->rcv_wnd = flow->old_rcv_wnd;
		lateness->expires = flow->expires;
		lateness->info = flow->info;
	}
	twait_flow_unlock(hash, flags);
	return flow;
}

static void tell_late(struct twait_net *tnet, const struct lateness *lateness)
{
	const struct twait_late_evidence *evidence = &lateness->evidence;
	const struct twait_info *info = &lateness->info;
	struct twait_event event;
	bool kept = info->segments <= TWAIT_LATES_KEPT;

	count_late(tnet, info, evidence->late);
	trace_timewait_late(tnet->inum, info, evidence->late,
			    ktime_get_ns() - info->entered_ns);
	if (!kept && !twait_is_watched(tnet))
		return;
	twait_event_init(&event, TWAIT_EVENT_LATE, info,
			 twait_left_ms(lateness->expires));
	event.lateness = *evidence;
	if (kept)
		twait_emit_rare(tnet, TWAIT_RING_ASSASSINATIONS, &event);
	else
		twait_event_emit(tnet, TWAIT_RING_EVENTS, &event);
}

/**
 * twait_came_late() - a segment came that no connection takes
 * @net: where
 * @tuple: its four-tuple, as ours would be
 * @skb: the segment, its transport header set
 *
 * Context: softirq.
 */
void twait_came_late(const struct net *net, const struct twait_tuple *tuple,
		     const struct sk_buff *skb)
{
	struct twait_net *tnet = twait_net_here(net);
	struct lateness lateness;

	if (!tnet || !READ_ONCE(twait_has_ghosts))
		return;
	lateness.evidence = (struct twait_late_evidence){
		.seq = TCP_SKB_CB(skb)->seq,
		.end_seq = TCP_SKB_CB(skb)->end_seq,
	};
	lateness.anew = tcp_hdr(skb)->syn || tcp_hdr(skb)->rst;
	if (!is_for_ghost(&lateness, net, tnet, tuple, NULL))
		return;
	lateness.evidence.late = late_kind(tcp_hdr(skb), &lateness.evidence);
	tell_late(tnet, &lateness);
}

/*
 * The check of RFC 7323, 5.3, with what the new connection has seen, as
 * tcp_validate_incoming() does it: it takes a RST whatever its timestamp.
 */
static bool is_paws_rejected(const struct sock *sk, const struct sk_buff *skb)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_options_received opt = { .saw_tstamp = 0 };

	if (!tp->rx_opt.ts_recent_stamp || tcp_hdr(skb)->rst ||
	    tcp_hdr(skb)->doff <= sizeof(struct tcphdr) / 4)
		return false;
	tcp_parse_options(sock_net(sk), skb, &opt, 0, NULL);
	opt.ts_recent = tp->rx_opt.ts_recent;
	opt.ts_recent_stamp = tp->rx_opt.ts_recent_stamp;
	return opt.saw_tstamp && !tcp_paws_check(&opt, TCP_PAWS_WINDOW);
}

/*
 * tcp_sequence() of net/ipv4/tcp_input.c. New kernels drop some of what is in it, if
 * it reaches out of the window: that may be taken is all that is said here.
 */
static bool is_in_new_window(const struct tcp_sock *tp,
			     const struct twait_late_evidence *evidence)
{
	return !before(evidence->end_seq, tp->rcv_wup) &&
	       !after(evidence->seq, evidence->new_rcv_nxt + evidence->new_rcv_wnd);
}

/**
 * twait_came_to_incarnation() - a segment came to the next connection of a ghost
 * @sk: its socket, locked
 * @skb: the segment, not dealt with yet
 *
 * Where it lies in the window of the new connection as in that of the old, nothing
 * but a timestamp tells the one from the other.
 *
 * Context: softirq, or process while the socket's backlog is dealt with; preemption
 * off.
 */
void twait_came_to_incarnation(const struct sock *sk, const struct sk_buff *skb)
{
	struct twait_net *tnet = twait_net_here(sock_net(sk));
	const struct tcp_sock *tp = tcp_sk(sk);
	struct lateness lateness;
	struct twait_late_evidence *evidence = &lateness.evidence;
	struct twait_tuple tuple;

	if (!tnet)
		return;
	*evidence = (struct twait_late_evidence){
		.seq = TCP_SKB_CB(skb)->seq,
		.end_seq = TCP_SKB_CB(skb)->end_seq,
		.new_rcv_nxt = tp->rcv_nxt,
		.new_rcv_wnd = twait_receive_window(tp),
		.has_new = true,
	};
	lateness.anew = false;
	twait_sock_tuple(sk, &tuple);
	if (!is_for_ghost(&lateness, sock_net(sk), tnet, &tuple, sk))
		return;
	if (is_paws_rejected(sk, skb))
		evidence->late = TWAIT_LATE_PAWS;
	else
		evidence->late = is_in_new_window(tp, evidence) ?
				 TWAIT_LATE_SUSPECT : TWAIT_LATE_WINDOW;
	tell_late(tnet, &lateness);
}
