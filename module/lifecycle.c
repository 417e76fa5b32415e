// SPDX-License-Identifier: GPL-2.0-only
/*
 * The story of a wait, a verb for each thing that can happen.
 *
 * The only place that writes records, counters, events and tracepoints, so
 * that they tell the same. Every verb is called by a probe handler: preemption
 * is off, nothing sleeps, nothing is allocated, and the only locks are raw
 * ones of our own.
 *
 * A wait without a record (max_records, or memory) is still counted, and its
 * fate told: what a record would remember from one verb to the next stands in
 * struct twait_last then, as long as it takes the same CPU to get there.
 */
#include <linux/cgroup.h>
#include <linux/timekeeping.h>
#include <net/tcp.h>

#include "closer.h"
#include "flow.h"
#include "lifecycle.h"
#include "netns.h"
#include "segment.h"
#include "trace.h"
#include "wait.h"

/**
 * struct twait_refusal - whom connect() refused last
 * @remote: the destination
 * @port: its port, network byte order
 * @task: who wanted to connect
 * @until: when it is news again, in jiffies
 */
struct twait_refusal {
	struct in6_addr remote;
	__be16 port;
	pid_t task;
	unsigned long until;
};

/**
 * struct twait_last - the last things that happened on this CPU
 * @entered: the socket whose wait began; compared, not followed
 * @tw: a wait without record that @fate is about
 * @fate: offered or, when the kernel let go of it, settled
 * @refusal: by connect()
 */
struct twait_last {
	const struct sock *entered;
	const struct inet_timewait_sock *tw;
	enum twait_fate fate;
	struct twait_refusal refusal;
};

static DEFINE_PER_CPU(struct twait_last, last);

/*
 * The namespace's inode number and not twait_net.id: a dying namespace leads
 * nowhere any more, and the records of its waits must still be found.
 */
static u32 wait_hash(const struct inet_timewait_sock *tw)
{
	struct twait_tuple tuple;

	twait_wait_tuple(tw, &tuple);
	return twait_flow_hash(&tuple, twsk_net(tw)->ns.inum);
}

static void event_emit(struct twait_net *tnet, enum twait_ring_id ring,
		       struct twait_event *event)
{
	event->space = tnet->id;
	twait_ring_emit(&twait_rings[ring], &tnet->stream[ring], event);
}

static bool is_watched(const struct twait_net *tnet)
{
	return twait_stream_is_watched(&tnet->stream[TWAIT_RING_EVENTS]);
}

static void event_init(struct twait_event *event, enum twait_event_type type,
		       const struct twait_info *info, s64 left_ms)
{
	event->time_ns = ktime_get_real_ns();
	event->age_ns = info->entered_ns ? ktime_get_ns() - info->entered_ns : 0;
	event->left_ms = left_ms;
	event->type = type;
	event->avoid = TWAIT_AVOID_MAX;
	event->path = TWAIT_PATH_MAX;
	event->verdict = TWAIT_VERDICT_MAX;
	event->info = *info;
}

/* An event of a frequent kind: only while somebody reads. */
static void emit(struct twait_net *tnet, enum twait_event_type type,
		 const struct twait_info *info, s64 left_ms)
{
	struct twait_event event;

	event_init(&event, type, info, left_ms);
	event_emit(tnet, TWAIT_RING_EVENTS, &event);
}

/*
 * An event of a rare and telling kind: kept in a ring of its own, whoever
 * reads, and in the stream for those who do.
 */
static void emit_rare(struct twait_net *tnet, enum twait_ring_id ring,
		      struct twait_event *event)
{
	event_emit(tnet, ring, event);
	if (is_watched(tnet))
		event_emit(tnet, TWAIT_RING_EVENTS, event);
}

static u64 sock_cgroup_id(const struct sock *sk)
{
#ifdef CONFIG_SOCK_CGROUP_DATA
	const struct cgroup *cgrp =
		sock_cgroup_ptr((struct sock_cgroup_data *)&sk->sk_cgrp_data);

	return cgrp ? cgroup_id(cgrp) : 0;
#else
	return 0;
#endif
}

/* What the socket tells of the flow. */
static void info_of_sock(struct twait_info *info, const struct sock *sk)
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

static void avoided(struct twait_net *tnet, const struct sock *sk,
		    enum twait_avoid avoid, const struct twait_owner *owner)
{
	struct twait_event event;
	struct twait_info info;

	info_of_sock(&info, sk);
	if (owner)
		info.owner = *owner;
	trace_timewait_avoid(tnet->inum, &info, avoid);
	event_init(&event, TWAIT_EVENT_AVOID, &info, -1);
	event.avoid = avoid;
	emit_rare(tnet, TWAIT_RING_ASSASSINATIONS, &event);
}

/**
 * twait_closing() - the current process sends a FIN
 * @sk: its socket, locked by it
 *
 * Context: process context.
 */
void twait_closing(const struct sock *sk)
{
	struct twait_net *tnet = twait_net_of(sock_net(sk));

	if (!twait_closer_note(sk) && tnet)
		twait_count(&tnet->stats, TWAIT_COUNT_OWNERS_LOST);
}

/*
 * Was it SO_LINGER with 0? tcp_close() sets both halves of sk_shutdown, and
 * then, if all data was read, disconnects before it orphans the socket. Other
 * ways to TCP_CLOSE in process context: a RST or time-out out of the backlog
 * sets sk_err first; data that was never read is another story; tcp_repair
 * says nothing to the peer.
 */
static bool is_linger_abort(const struct sock *sk, int old_state)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	/* From elsewhere it would not have left a TIME_WAIT on this side. */
	if (!((1 << old_state) & (TCPF_ESTABLISHED | TCPF_SYN_RECV |
				  TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2)))
		return false;
	return sock_flag(sk, SOCK_LINGER) && !READ_ONCE(sk->sk_lingertime) &&
	       !sock_flag(sk, SOCK_DEAD) && !READ_ONCE(sk->sk_err) &&
	       READ_ONCE(sk->sk_shutdown) == SHUTDOWN_MASK &&
	       !in_serving_softirq() && !tp->repair &&
	       READ_ONCE(tp->copied_seq) == READ_ONCE(tp->rcv_nxt);
}

/* TCPTimeWaitOverflow as this CPU has counted it. */
static unsigned long kernel_overflows(const struct net *net)
{
	return this_cpu_read(net->mib.net_statistics->mibs[LINUX_MIB_TCPTIMEWAITOVERFLOW]);
}

/*
 * How many waits were refused on this CPU since we last looked.
 *
 * tcp_time_wait() counts a refusal and goes straight on to tcp_done(), so what
 * has been added when TCP_CLOSE is announced was added for this socket, but for
 * the rare task that moves to another CPU in between. So this tells whose wait
 * it was; how many there were, the files read from the kernel's own counter. It
 * saves the return probe on inet_twsk_alloc() that every wait would pay for.
 */
static unsigned long new_overflows(struct twait_net *tnet,
				   const struct net *net)
{
	unsigned long flags, now, seen;

	local_irq_save(flags);
	seen = this_cpu_read(tnet->stats.cpu->overflows_seen);
	now = kernel_overflows(net);
	if (now != seen)
		this_cpu_write(tnet->stats.cpu->overflows_seen, now);
	local_irq_restore(flags);
	return now - seen;
}

/**
 * twait_closed() - a socket is in TCP_CLOSE
 * @sk: the socket
 * @old_state: the state it comes from
 *
 * Context: process or softirq, the socket locked.
 */
void twait_closed(const struct sock *sk, int old_state)
{
	struct twait_net *tnet = twait_net_of(sock_net(sk));
	unsigned long overflows = 0;
	struct twait_owner owner;
	bool noted;

	/* tcp_time_wait() ends with tcp_done(): its wait has just begun. */
	if (this_cpu_read(last.entered) == sk) {
		this_cpu_write(last.entered, NULL);
		return;
	}
	noted = twait_closer_take(sk, &owner);
	if (!tnet)
		return;
	/* The states that tcp_time_wait() is called from. */
	if (old_state == TCP_FIN_WAIT2 || old_state == TCP_CLOSING)
		overflows = new_overflows(tnet, sock_net(sk));
	if (overflows) {
		avoided(tnet, sk, TWAIT_AVOID_OVERFLOW, noted ? &owner : NULL);
	} else if (is_linger_abort(sk, old_state)) {
		twait_closer_current(&owner);
		twait_count(&tnet->stats, TWAIT_COUNT_AVOIDED_LINGER);
		avoided(tnet, sk, TWAIT_AVOID_LINGER, &owner);
	}
}

/* TCPTimeWaitOverflow of all CPUs. */
static u64 all_overflows(const struct net *net)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(net->mib.net_statistics,
					     cpu)->mibs[LINUX_MIB_TCPTIMEWAITOVERFLOW]);
	return sum;
}

/**
 * twait_overflows_baseline() - what was refused before does not count
 * @tnet: the namespace
 *
 * Context: process; the tracepoint is not yet registered.
 */
void twait_overflows_baseline(struct twait_net *tnet)
{
	int cpu;

	for_each_possible_cpu(cpu)
		per_cpu_ptr(tnet->stats.cpu, cpu)->overflows_seen =
			per_cpu_ptr(tnet->net->mib.net_statistics,
				    cpu)->mibs[LINUX_MIB_TCPTIMEWAITOVERFLOW];
	tnet->overflows_before = all_overflows(tnet->net);
}

/**
 * twait_overflows() - waits refused for tcp_max_tw_buckets or lack of memory
 * @tnet: the namespace
 *
 * Return: growth of TcpExtTCPTimeWaitOverflow since we look after @tnet.
 */
u64 twait_overflows(const struct twait_net *tnet)
{
	return all_overflows(tnet->net) - tnet->overflows_before;
}

static void flow_init(struct twait_flow *flow,
		      const struct inet_timewait_sock *tw,
		      struct twait_net *tnet, u32 hash)
{
	flow->tw = tw;
	flow->space = tnet;
	flow->hash = hash;
	flow->offer = TWAIT_FATE_NONE;
	flow->offer_context = 0;
	flow->settled = false;
	flow->walk = 0;
}

static enum twait_way way_of(enum twait_state state, const struct sock *sk)
{
	if (state == TWAIT_STATE_FIN_WAIT2)
		return TWAIT_WAY_FIN_WAIT2;
	return sk->sk_state == TCP_CLOSING ? TWAIT_WAY_SIMULTANEOUS :
					     TWAIT_WAY_ACTIVE;
}

/**
 * twait_entered() - a wait begins
 * @tw: the minisock, complete, not yet to be found by anybody
 * @sk: the socket that it replaces, in the state that it leaves
 * @timeo: how long it will wait, in jiffies; -1 if its timer is armed already
 *
 * Context: the socket locked; BH off up to 6.11, since then perhaps on.
 */
void twait_entered(const struct inet_timewait_sock *tw, const struct sock *sk,
		   int timeo)
{
	struct net *net = twsk_net(tw);
	struct twait_net *tnet = twait_net_of(net);
	struct twait_info fallback, *info;
	struct twait_flow *flow;

	this_cpu_write(last.entered, sk);
	if (!tnet) {
		twait_closer_take(sk, NULL);
		return;
	}
	flow = twait_flow_take();
	info = flow ? &flow->info : &fallback;
	info_of_sock(info, sk);
	info->state = twait_wait_state(tw);
	info->way = way_of(info->state, sk);
	info->entered_ns = ktime_get_ns();
	info->length_ms = timeo < 0 ? twait_wait_left_ms(tw) :
				      jiffies_to_msecs(timeo);
	twait_closer_take(sk, &info->owner);

	twait_count(&tnet->stats, TWAIT_COUNT_ENTERED_ACTIVE + info->way);
	twait_count_peak(&tnet->stats, twait_kernel_waiting(net) +
				       TWAIT_HASHDANCE_SCHEDULES);
	if (flow) {
		flow_init(flow, tw, tnet,
			  twait_flow_hash(&info->tuple, net->ns.inum));
		flow->expires = timeo < 0 ? READ_ONCE(tw->tw_timer.expires) :
					    jiffies + timeo;
		twait_flow_insert(flow);
		twait_count(&tnet->stats, TWAIT_COUNT_RECORDED);
	} else {
		twait_count(&tnet->stats, TWAIT_COUNT_RECORDS_LOST);
		atomic_inc(&tnet->unrecorded);
	}
	trace_timewait_enter(tnet->inum, info);
	if (is_watched(tnet))
		emit(tnet, TWAIT_EVENT_ENTER, info, info->length_ms);
}

/* What little can be told of a wait that has no record. */
static void info_without_record(struct twait_info *info,
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

static void info_adopted(struct twait_info *info,
			 const struct inet_timewait_sock *tw,
			 enum twait_state state)
{
	s64 left_ms = twait_wait_left_ms(tw);

	info_without_record(info, tw);
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
	u32 hash;

	if (!tnet)
		return;
	hash = wait_hash(tw);
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
		if (resync)
			twait_count(&tnet->stats, TWAIT_COUNT_RESYNCED);
	}
	flow = twait_flow_take();
	if (!flow) {
		if (!resync)
			twait_count(&tnet->stats, TWAIT_COUNT_RECORDS_LOST);
		atomic_inc(&tnet->unrecorded);
		return;
	}
	flow_init(flow, tw, tnet, hash);
	flow->walk = walk;
	flow->expires = READ_ONCE(tw->tw_timer.expires);
	info_adopted(&flow->info, tw, state);
	twait_flow_insert(flow);
	twait_count(&tnet->stats, TWAIT_COUNT_RECORDED);
}

/**
 * twait_lost() - the end of a wait was missed
 * @flow: its record, in its locked bucket; given back
 *
 * Context: process.
 */
void twait_lost(struct twait_flow *flow)
{
	struct twait_net *tnet = flow->space;

	twait_flow_remove(flow);
	if (flow->info.state == TWAIT_STATE_FIN_WAIT2)
		twait_count(&tnet->stats, TWAIT_COUNT_ENDED_IN_FIN_WAIT2);
	twait_count(&tnet->stats, TWAIT_COUNT_ENDED_UNKNOWN);
	twait_count(&tnet->stats, TWAIT_COUNT_RESYNCED);
	twait_flow_give(flow);
	twait_count(&tnet->stats, TWAIT_COUNT_FORGOTTEN);
}

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
static unsigned int effects_of(const struct inet_timewait_sock *tw,
			       const struct sk_buff *skb,
			       const struct tcphdr *th)
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

	if (has_timestamp(tw, skb, th, &opt)) {
		seg.paws_reject = tcp_paws_reject(&opt, th->rst);
		seg.newer_timestamp = (s32)(opt.ts_recent - opt.rcv_tsval) < 0;
	}
	return twait_segment_effects(&seg);
}

/*
 * Who is at work on a wait: a CPU in softirq, or a task (a threaded NAPI, tun;
 * on PREEMPT_RT always, where one task in softirq may preempt another).
 */
static u32 this_context(void)
{
	if (in_serving_softirq() && !IS_ENABLED(CONFIG_PREEMPT_RT))
		return BIT(31) | smp_processor_id();
	return current->pid;
}

/*
 * What the kernel may do to the wait next. It holds for the context that it was
 * made in only: another that lets go of the wait has reasons of its own.
 */
static void offer(struct twait_flow *flow, enum twait_fate fate)
{
	u32 context = this_context();

	/* Two CPUs may be at it: the other one's offer is not ours to take back. */
	if (fate == TWAIT_FATE_NONE && flow->offer_context != context)
		return;
	flow->offer = fate;
	flow->offer_context = context;
}

static void offer_without_record(const struct inet_timewait_sock *tw,
				 enum twait_fate fate)
{
	this_cpu_write(last.tw, tw);
	this_cpu_write(last.fate, fate);
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
	struct twait_flow *flow;
	unsigned long flags;

	if (!twait_net_of(twsk_net(tw)))
		return false;
	visit->tw = tw;
	visit->net = twsk_net(tw);
	visit->hash = wait_hash(tw);
	visit->fin = th->fin;
	visit->rst = th->rst;
	visit->fin_wait2 = twait_wait_state(tw) == TWAIT_STATE_FIN_WAIT2;
	visit->effects = effects_of(tw, skb, th);

	flow = twait_flow_lock(visit->hash, tw, &flags);
	if (flow) {
		flow->info.segments++;
		if (visit->effects & TWAIT_SEGMENT_KILLS)
			offer(flow, TWAIT_FATE_RST);
	} else if (visit->effects & TWAIT_SEGMENT_KILLS) {
		offer_without_record(tw, TWAIT_FATE_RST);
	}
	twait_flow_unlock(visit->hash, flags);
	return true;
}

/* What the answer of tcp_timewait_state_process() lets the caller do next. */
static enum twait_fate fate_offered(int answer)
{
	switch (answer) {
	case TCP_TW_SYN:
		return TWAIT_FATE_SYN;
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
		offer_without_record(visit->tw, fate);
	else if (this_cpu_read(last.tw) == visit->tw)
		this_cpu_write(last.tw, NULL);
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

/* What a segment changed, in the words of twait_answered(). */
struct change {
	bool advanced;
	bool rearmed;
};

/* Context: the record locked, the wait not ended. */
static void answer_apply(struct twait_flow *flow,
			 const struct twait_visit *visit, int answer,
			 struct change *change)
{
	struct twait_info *info = &flow->info;

	/* An offer that was taken has settled the wait in between. */
	offer(flow, fate_offered(answer));
	if (visit->rst && !flow->settled)
		info->rst_ignored++;
	/* Two CPUs may process the same FIN: it advances the wait once. */
	if (visit->effects & TWAIT_SEGMENT_ADVANCES && is_ack(answer) &&
	    info->state == TWAIT_STATE_FIN_WAIT2) {
		info->state = TWAIT_STATE_TIME_WAIT;
		change->advanced = true;
	} else if (visit->fin && !visit->fin_wait2 && is_ack(answer)) {
		info->refins++;
	}
	if (visit->effects & TWAIT_SEGMENT_REARMS) {
		info->rearms++;
		change->rearmed = true;
	}
	if (change->advanced || change->rearmed) {
		info->length_ms = jiffies_to_msecs(TCP_TIMEWAIT_LEN);
		flow->expires = jiffies + TCP_TIMEWAIT_LEN;
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
	struct twait_net *tnet = twait_net_of(visit->net);
	struct change change = {};
	struct twait_info info;
	struct twait_flow *flow;
	unsigned long flags;
	bool watched;

	if (!tnet)
		return;
	flow = twait_flow_lock(visit->hash, visit->tw, &flags);
	if (!flow) {
		twait_flow_unlock(visit->hash, flags);
		answered_without_record(tnet, visit, answer);
		return;
	}
	answer_apply(flow, visit, answer, &change);
	watched = is_watched(tnet);
	if (watched)
		info = flow->info;
	twait_flow_unlock(visit->hash, flags);

	if (change.advanced)
		twait_count(&tnet->stats, TWAIT_COUNT_ADVANCED);
	if (change.rearmed)
		twait_count(&tnet->stats, TWAIT_COUNT_REARMED);
	if (watched && change.advanced)
		emit(tnet, TWAIT_EVENT_ADVANCE, &info, info.length_ms);
	if (watched && change.rearmed)
		emit(tnet, TWAIT_EVENT_REARM, &info, info.length_ms);
}

/*
 * One connect() that is out of ports is refused once for each of them, tens of
 * thousands of times. All are counted, and all are in the stream for those who
 * read it, but the recent ones keep one a second of a task and a destination.
 */
static bool is_first_refusal(const struct twait_info *info)
{
	struct twait_refusal *seen = this_cpu_ptr(&last.refusal);

	if (seen->task == current->pid &&
	    seen->port == info->tuple.remote_port &&
	    ipv6_addr_equal(&seen->remote, &info->tuple.remote) &&
	    time_before(jiffies, seen->until))
		return false;
	seen->task = current->pid;
	seen->port = info->tuple.remote_port;
	seen->remote = info->tuple.remote;
	seen->until = jiffies + HZ;
	return true;
}

static void reuse_emit(struct twait_net *tnet, const struct twait_info *info,
		       s64 left_ms, enum twait_path path,
		       enum twait_verdict verdict)
{
	struct twait_event event;

	event_init(&event, TWAIT_EVENT_REUSE, info, left_ms);
	event.path = path;
	event.verdict = verdict;
	if (verdict == TWAIT_VERDICT_ALLOWED || is_first_refusal(info))
		emit_rare(tnet, TWAIT_RING_REUSE, &event);
	else if (is_watched(tnet))
		event_emit(tnet, TWAIT_RING_EVENTS, &event);
}

/**
 * twait_reuse_decided() - connect() wanted the four-tuple of a wait
 * @tw: the minisock
 * @allowed: what tcp_twsk_unique() said; if so the kernel lets go of the wait
 *           next, with TcpExtTWRecycled counted
 *
 * Context: the bucket of the kernel's hash table locked, BH off.
 */
void twait_reuse_decided(const struct inet_timewait_sock *tw, bool allowed)
{
	struct twait_net *tnet = twait_net_of(twsk_net(tw));
	struct twait_info info;
	struct twait_flow *flow;
	unsigned long flags;
	u32 hash;

	if (!tnet)
		return;
	twait_count(&tnet->stats, allowed ? TWAIT_COUNT_REUSE_CONNECT_ALLOWED :
					    TWAIT_COUNT_REUSE_CONNECT_REFUSED);
	hash = wait_hash(tw);
	flow = twait_flow_lock(hash, tw, &flags);
	if (flow) {
		if (!allowed) {
			flow->info.refused++;
		} else if (!flow->settled) {
			flow->settled = true;
			flow->info.fate = TWAIT_FATE_CONNECT;
		}
		info = flow->info;
	} else {
		if (allowed)
			offer_without_record(tw, TWAIT_FATE_CONNECT);
		info_without_record(&info, tw);
	}
	twait_flow_unlock(hash, flags);
	info.fate = TWAIT_FATE_NONE;
	reuse_emit(tnet, &info, twait_wait_left_ms(tw), TWAIT_PATH_CONNECT,
		   allowed ? TWAIT_VERDICT_ALLOWED : TWAIT_VERDICT_REFUSED);
}

/* Nobody offered anything: then it was not the wire. */
static enum twait_fate fate_from_outside(const struct inet_timewait_sock *tw)
{
	return check_net(twsk_net(tw)) ? TWAIT_FATE_KILLED : TWAIT_FATE_PURGED;
}

static void syn_took_over(struct twait_net *tnet,
			  const struct inet_timewait_sock *tw,
			  struct twait_info *info)
{
	twait_count(&tnet->stats, TWAIT_COUNT_REUSE_SYN_ALLOWED);
	info->fate = TWAIT_FATE_NONE;
	reuse_emit(tnet, info, twait_wait_left_ms(tw), TWAIT_PATH_SYN,
		   TWAIT_VERDICT_ALLOWED);
}

static void descheduled_without_record(const struct inet_timewait_sock *tw)
{
	struct twait_net *tnet = twait_net_of(twsk_net(tw));
	enum twait_fate fate = fate_from_outside(tw);
	struct twait_info info;

	if (this_cpu_read(last.tw) == tw)
		fate = this_cpu_read(last.fate);
	offer_without_record(tw, fate);
	/* One that was not adopted yet has no beginning, and gets no end. */
	if (!tnet || fate != TWAIT_FATE_SYN || !atomic_read(&tnet->unrecorded))
		return;
	info_without_record(&info, tw);
	syn_took_over(tnet, tw, &info);
}

/**
 * twait_descheduled() - the kernel lets go of a wait before its time
 * @tw: the minisock; the caller holds a reference
 *
 * Context: BH off. From an offer of the very same context, or, for ss -K and
 * a namespace that goes away, out of the blue.
 */
void twait_descheduled(const struct inet_timewait_sock *tw)
{
	u32 hash = wait_hash(tw);
	struct twait_info info;
	struct twait_flow *flow;
	unsigned long flags;
	struct twait_net *tnet;

	flow = twait_flow_lock(hash, tw, &flags);
	if (!flow) {
		twait_flow_unlock(hash, flags);
		descheduled_without_record(tw);
		return;
	}
	if (flow->settled) {
		twait_flow_unlock(hash, flags);
		return;
	}
	flow->settled = true;
	/* A SYN that found no listener leaves its offer behind. */
	if (flow->offer != TWAIT_FATE_NONE &&
	    flow->offer_context == this_context())
		flow->info.fate = flow->offer;
	else
		flow->info.fate = fate_from_outside(tw);
	info = flow->info;
	tnet = flow->space;
	twait_flow_unlock(hash, flags);
	/* Until the caller puts its reference the record keeps @tnet. */
	if (info.fate == TWAIT_FATE_SYN)
		syn_took_over(tnet, tw, &info);
}

/*
 * Why did it end, if nobody settled it? By its timer, or by a purge that 5.10
 * and 6.1 have inlined past inet_twsk_deschedule_put().
 */
static enum twait_fate fate_unsettled(const struct inet_timewait_sock *tw,
				      s64 left_ms)
{
	if (!left_ms)
		return TWAIT_FATE_EXPIRED;
	return check_net(twsk_net(tw)) ? TWAIT_FATE_UNKNOWN : TWAIT_FATE_PURGED;
}

static void ended_without_record(const struct inet_timewait_sock *tw)
{
	struct twait_net *tnet = twait_net_of(twsk_net(tw));
	s64 left_ms = twait_wait_left_ms(tw);
	enum twait_fate fate = fate_unsettled(tw, left_ms);

	if (this_cpu_read(last.tw) == tw) {
		/* An offer that nobody took does not outlive the timer. */
		if (left_ms)
			fate = this_cpu_read(last.fate);
		this_cpu_write(last.tw, NULL);
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

/**
 * twait_ended() - the last reference to a wait is gone
 * @tw: the minisock; its memory goes when we return
 *
 * Context: softirq, or process context with BH off or on.
 */
void twait_ended(const struct inet_timewait_sock *tw)
{
	s64 left_ms = twait_wait_left_ms(tw);
	u32 hash = wait_hash(tw);
	struct twait_event event;
	struct twait_flow *flow;
	struct twait_net *tnet;
	unsigned long flags;

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
	if (!flow->settled)
		flow->info.fate = fate_unsettled(tw, left_ms);
	/* The FIN may have been seen by a probe that was missed. */
	if (flow->info.state != twait_wait_state(tw)) {
		flow->info.state = TWAIT_STATE_TIME_WAIT;
		twait_count(&tnet->stats, TWAIT_COUNT_ADVANCED);
		twait_count(&tnet->stats, TWAIT_COUNT_RESYNCED);
	}
	if (flow->info.state == TWAIT_STATE_FIN_WAIT2)
		twait_count(&tnet->stats, TWAIT_COUNT_ENDED_IN_FIN_WAIT2);
	twait_count(&tnet->stats, TWAIT_COUNT_ENDED_EXPIRED + flow->info.fate);
	if (trace_timewait_end_enabled())
		trace_timewait_end(tnet->inum, &flow->info,
				   ktime_get_ns() - flow->info.entered_ns,
				   left_ms);
	if (is_assassination(flow->info.fate)) {
		event_init(&event, TWAIT_EVENT_END, &flow->info, left_ms);
		emit_rare(tnet, TWAIT_RING_ASSASSINATIONS, &event);
	} else if (is_watched(tnet)) {
		emit(tnet, TWAIT_EVENT_END, &flow->info, left_ms);
	}
	twait_flow_give(flow);
	/* Last: a retired namespace is freed when this adds up. */
	twait_count(&tnet->stats, TWAIT_COUNT_FORGOTTEN);
}
