// SPDX-License-Identifier: GPL-2.0-only
/* connect() wants the four-tuple of a wait. */
#include <linux/ipv6.h>

#include "flow.h"
#include "lifecycle.h"
#include "netns.h"
#include "note.h"
#include "reuse.h"
#include "story.h"
#include "tuning.h"
#include "wait.h"

/**
 * twait_is_news() - is it the first of its kind for a second?
 * @news: what was told last; changed if this is news
 * @tuple: towards where
 *
 * A process that is out of ports is refused again and again, a port at a time
 * and a connect() at a time. All are counted, and all are in the stream for those
 * who read it, but the recent ones keep one a second of a task and a destination,
 * and no more than %TWAIT_NEWS_KEPT a second of all on this CPU.
 *
 * Context: process, preemption off.
 */
bool twait_is_news(struct twait_news *news, const struct twait_tuple *tuple)
{
	unsigned int i, place = TWAIT_NEWS_KEPT;

	for (i = 0; i < TWAIT_NEWS_KEPT; i++) {
		if (!news->of[i].task || !time_before(jiffies, news->of[i].until))
			place = i;
		else if (news->of[i].task == current->pid &&
			 news->of[i].port == tuple->remote_port &&
			 ipv6_addr_equal(&news->of[i].remote, &tuple->remote))
			return false;
	}
	if (place == TWAIT_NEWS_KEPT)
		return false;
	news->of[place].task = current->pid;
	news->of[place].port = tuple->remote_port;
	news->of[place].remote = tuple->remote;
	news->of[place].until = jiffies + HZ;
	return true;
}

/**
 * twait_count_reuse() - a reuse decision fell
 * @tnet: where
 * @reuse: which
 */
void twait_count_reuse(struct twait_net *tnet, enum twait_reuse reuse)
{
	twait_count(&tnet->stats, TWAIT_COUNT_REUSE + reuse);
}

/**
 * twait_decision_of_wait() - what a wait brings to a decision
 * @decision: filled; what who asks for it brings is 0
 * @tw: the minisock
 */
void twait_decision_of_wait(struct twait_decision *decision,
			    const struct inet_timewait_sock *tw)
{
	const struct tcp_timewait_sock *tcptw = tcp_twsk((struct sock *)tw);
	const struct net *net = twsk_net(tw);
	u32 stamp = READ_ONCE(tcptw->tw_ts_recent_stamp);

	*decision = (struct twait_decision){
		.reuse = TWAIT_REUSE_MAX,
		.sysctl_reuse = READ_ONCE(net->ipv4.sysctl_tcp_tw_reuse),
		.delay_ms = twait_reuse_delay_ms(net),
		.rcv_nxt = READ_ONCE(tcptw->tw_rcv_nxt),
		.snd_nxt = tcptw->tw_snd_nxt,
		.timestamps = stamp,
		.ts_recent = READ_ONCE(tcptw->tw_ts_recent),
		.ts_age_s = (u32)ktime_get_seconds() - stamp,
	};
}

static bool is_loopback(const struct inet_timewait_sock *tw)
{
	if (tw->tw_bound_dev_if == LOOPBACK_IFINDEX)
		return true;
#if IS_ENABLED(CONFIG_IPV6)
	if (tw->tw_family == AF_INET6)
		return ipv6_addr_loopback(&tw->tw_v6_daddr) ||
		       ipv6_addr_v4mapped_loopback(&tw->tw_v6_daddr) ||
		       ipv6_addr_loopback(&tw->tw_v6_rcv_saddr) ||
		       ipv6_addr_v4mapped_loopback(&tw->tw_v6_rcv_saddr);
#endif
	return ipv4_is_loopback(tw->tw_daddr) ||
	       ipv4_is_loopback(tw->tw_rcv_saddr);
}

/* As it is now. */
static struct twait_connect_attempt attempt_now(const struct inet_timewait_sock *tw,
						const struct sock *sk,
						bool bound)
{
	const struct tcp_timewait_sock *tcptw = tcp_twsk((struct sock *)tw);

	return (struct twait_connect_attempt){
		.sysctl_reuse = READ_ONCE(twsk_net(tw)->ipv4.sysctl_tcp_tw_reuse),
		.bound = bound,
		.repair = tcp_sk(sk)->repair,
		.fin_wait2 = !TWAIT_FIN_WAIT2_REUSABLE &&
			     twait_wait_state(tw) == TWAIT_STATE_FIN_WAIT2,
		.loopback = is_loopback(tw),
		.timestamps = READ_ONCE(tcptw->tw_ts_recent_stamp),
		.old_enough = time_after32(twait_reuse_clock(),
					   twait_reuse_threshold(tw)),
		.unborn = !refcount_read(&tw->tw_refcnt),
	};
}

/*
 * Under which rule did the wait begin, and when did it become a TIME_WAIT? Return:
 * whether that is known: not without a record, nor of one that was there before us.
 */
static bool look_up(const struct inet_timewait_sock *tw, u32 *rule,
		    unsigned long *true_at)
{
	u32 hash = twait_wait_hash(tw);
	struct twait_flow *flow;
	unsigned long flags;
	bool known = false;

	flow = twait_flow_lock(hash, tw, &flags);
	if (flow) {
		known = flow->info.way != TWAIT_WAY_ADOPTED;
		*rule = flow->info.rule;
		*true_at = flow->true_at;
	}
	twait_flow_unlock(hash, flags);
	return known;
}

static enum twait_reuse_tuned tune(const struct twait_policy *policy,
				   struct twait_ask *ask)
{
	unsigned long true_at = jiffies;
	bool old_enough = ask->attempt.old_enough;
	const struct twait_values *values;
	u32 rule = 0;
	bool known;
	u32 delay_ms;

	known = look_up(ask->tw, &rule, &true_at);
	values = twait_values_of(policy, rule);
	/* 5.10 does not look at that, and would give it away. */
	if (twait_wait_state(ask->tw) == TWAIT_STATE_FIN_WAIT2 &&
	    values->of[TWAIT_VALUE_REUSE] != TWAIT_REUSE_MODE_REFUSE)
		return TWAIT_REUSE_TUNED_NOT;
	delay_ms = values->of[TWAIT_VALUE_REUSE_DELAY_MS];
	if (values->of[TWAIT_VALUE_REUSE] == TWAIT_REUSE_MODE_ALLOW)
		ask->sysctl_reuse = 1;
	/* Without a record nobody knows how old it is but the kernel. */
	if (delay_ms && known) {
		ask->delay_ms = delay_ms;
		old_enough = time_after(jiffies,
					true_at + msecs_to_jiffies(delay_ms));
	}
	return twait_reuse_tune(&ask->attempt, values->of[TWAIT_VALUE_REUSE],
				old_enough);
}

/**
 * twait_reuse_asked() - the kernel is about to decide
 * @ask: filled, for twait_reuse_decided()
 * @tw: the minisock
 * @sk: the socket that wants its four-tuple
 * @bound: it comes with a local port
 *
 * Context: process, the bucket of the kernel's hash table locked, BH off.
 * Return: whether tuning decides instead, and how.
 */
enum twait_reuse_tuned twait_reuse_asked(struct twait_ask *ask,
					 const struct inet_timewait_sock *tw,
					 const struct sock *sk, bool bound)
{
	const struct twait_net *tnet = twait_net_here(twsk_net(tw));
	const struct twait_policy *policy = tnet ? twait_policy_of(tnet) : NULL;

	ask->tw = tw;
	ask->sk = sk;
	ask->attempt = attempt_now(tw, sk, bound);
	ask->delay_ms = twait_reuse_delay_ms(twsk_net(tw));
	ask->sysctl_reuse = ask->attempt.sysctl_reuse;
	if (unlikely(policy) && policy->tunes_reuse)
		ask->attempt.tuned = tune(policy, ask);
	return ask->attempt.tuned;
}

/*
 * tcp_twsk_unique() looked at some time between the call and the return. The clock
 * goes on meanwhile, sysctls are written, and the wait may get a segment: then one
 * of the two explains what the other does not.
 */
static enum twait_reuse explain(const struct twait_ask *ask, bool allowed)
{
	struct twait_connect_attempt try = ask->attempt;
	bool assumed = ask->sysctl_reuse != try.sysctl_reuse;
	enum twait_reuse reuse;

	/* What tuning put aside is no reason. */
	if (unlikely(assumed))
		try.sysctl_reuse = ask->sysctl_reuse;
	reuse = twait_reuse_by_connect(&try, allowed);
	if (likely(!twait_reuse_is_unexplained(reuse)))
		return reuse;
	try = attempt_now(ask->tw, ask->sk, ask->attempt.bound);
	try.tuned = ask->attempt.tuned;
	if (assumed)
		try.sysctl_reuse = ask->sysctl_reuse;
	return twait_reuse_by_connect(&try, allowed);
}

/*
 * By itself, and not inlined: an event is large, and some kernels clear what a function
 * has on its stack, whether it comes to be used or not.
 */
static noinline void tell_decision(struct twait_net *tnet,
				   const struct twait_ask *ask,
				   enum twait_reuse reuse, bool allowed,
				   u32 hash, bool is_news)
{
	const struct inet_timewait_sock *tw = ask->tw;
	struct twait_event event;
	struct twait_info info;
	struct twait_flow *flow;
	unsigned long flags;

	flow = twait_flow_lock(hash, tw, &flags);
	if (flow)
		info = flow->info;
	else
		twait_info_of_wait(&info, tw);
	twait_flow_unlock(hash, flags);
	info.fate = TWAIT_FATE_NONE;
	twait_event_init(&event, TWAIT_EVENT_REUSE, &info,
			 twait_wait_left_ms(tw));
	twait_decision_of_wait(&event.decision, tw);
	event.decision.reuse = reuse;
	event.decision.delay_ms = ask->delay_ms;
	if (allowed)
		event.decision.seq = READ_ONCE(tcp_sk(ask->sk)->write_seq);
	if (is_news)
		twait_emit_rare(tnet, TWAIT_RING_REUSE, &event);
	else
		twait_event_emit(tnet, TWAIT_RING_EVENTS, &event);
}

/* Context: the record locked. Return: the rule that the wait began under. */
static u32 note_decision(struct twait_flow *flow, bool allowed)
{
	if (!allowed) {
		flow->info.refused++;
	} else {
		/* Who was about to end it, and has not taken it out yet, is too late. */
		flow->settled = true;
		flow->info.fate = TWAIT_FATE_CONNECT;
	}
	return flow->info.rule;
}

/**
 * twait_reuse_decided() - connect() wanted the four-tuple of a wait
 * @ask: from twait_reuse_asked()
 * @allowed: what tcp_twsk_unique() said; if so the kernel lets go of the wait
 *           next, with TcpExtTWRecycled counted
 *
 * Context: as twait_reuse_asked().
 */
void twait_reuse_decided(const struct twait_ask *ask, bool allowed)
{
	const struct inet_timewait_sock *tw = ask->tw;
	struct twait_net *tnet = twait_net_here(twsk_net(tw));
	enum twait_reuse reuse;
	struct twait_tuple tuple;
	struct twait_flow *flow;
	unsigned long flags;
	bool is_news;
	u32 rule = 0;
	u32 hash;

	if (!tnet)
		return;
	reuse = explain(ask, allowed);
	twait_count_reuse(tnet, reuse);
	if (!allowed && twait_sees_closes && !twait_note_refused(ask->sk))
		twait_count(&tnet->stats, TWAIT_COUNT_REFUSALS_LOST);
	twait_wait_tuple(tw, &tuple);
	hash = twait_flow_hash(&tuple, twsk_net(tw));
	flow = twait_flow_lock(hash, tw, &flags);
	if (flow)
		rule = note_decision(flow, allowed);
	else if (allowed)
		twait_offer_unrecorded(tw, TWAIT_FATE_CONNECT);
	twait_flow_unlock(hash, flags);
	if (!allowed)
		twait_rule_count(tnet, rule, TWAIT_RULE_REFUSED);
	/* Who is out of ports comes here for each of them. */
	is_news = allowed ||
		  twait_is_news(this_cpu_ptr(&twait_last.refused), &tuple);
	if (is_news || twait_is_watched(tnet))
		tell_decision(tnet, ask, reuse, allowed, hash, is_news);
}
