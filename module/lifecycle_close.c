// SPDX-License-Identifier: GPL-2.0-only
/* A socket is closed: its owner is noted, or it leaves no wait. */
#include <net/tcp.h>

#include "lifecycle.h"
#include "netns.h"
#include "note.h"
#include "story.h"
#include "trace.h"

static void avoided(struct twait_net *tnet, const struct sock *sk,
		    enum twait_avoid avoid, const struct twait_owner *owner)
{
	struct twait_event event;
	struct twait_info info;

	twait_info_of_sock(&info, sk);
	if (owner)
		info.owner = *owner;
	trace_timewait_avoid(tnet->inum, &info, avoid);
	twait_event_init(&event, TWAIT_EVENT_AVOID, &info, -1);
	event.avoid = avoid;
	twait_emit_rare(tnet, TWAIT_RING_ASSASSINATIONS, &event);
}

/**
 * twait_closing() - the current process sends a FIN
 * @sk: its socket, locked by it
 *
 * Context: process context.
 */
void twait_closing(const struct sock *sk)
{
	struct twait_net *tnet = twait_net_here(sock_net(sk));

	if (!twait_note_closer(sk) && tnet)
		twait_count(&tnet->stats, TWAIT_COUNT_OWNERS_LOST);
}

/* Is there data that nobody has read? The peer's FIN has a number, but is none. */
static bool has_unread(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	return before(READ_ONCE(tp->copied_seq),
		      READ_ONCE(tp->rcv_nxt) - sock_flag(sk, SOCK_DONE));
}

/*
 * May tcp_close() take it, in FIN_WAIT2, for one orphan too many? Not one that is not
 * to wait at all, and not one that becomes a minisock: its wait is none that was
 * avoided, though nobody saw it begin.
 */
static bool may_be_orphan(const struct sock *sk)
{
	return tcp_sk(sk)->linger2 >= 0 && tcp_fin_time(sk) > TCP_TIMEWAIT_LEN;
}

/*
 * Did tcp_close() send a RST instead of a FIN, and why? It sets both halves of
 * sk_shutdown, and in this order
 *
 *   1. closes at once if data was not read (RFC 2525, 2.17)
 *   2. disconnects if SO_LINGER has a time of 0
 *   3. sends a FIN, orphans the socket, and looks what came meanwhile
 *   4. closes at once if there are too many orphans
 *
 * and all the while it owns the socket, which what arrives does not; but in 3. the
 * backlog, which has a length until all of it is dealt with. Other ways to TCP_CLOSE
 * for who owns it: a RST or a time-out sets sk_err first; a namespace goes away;
 * tcp_repair says nothing to the peer; TCP_LINGER2 below 0 does not wait for the
 * peer's FIN; what FIN_WAIT2 and CLOSING wait for, a FIN and the ACK of ours, makes
 * a wait of it at once, which another one's on this CPU may have made us forget. What
 * cannot be told apart is connect() to AF_UNSPEC after shutdown() of both halves: it
 * sends a RST too.
 *
 * Return: TWAIT_AVOID_MAX if it is none of these.
 */
static enum twait_avoid abort_reason(const struct sock *sk, int old_state)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (!sock_owned_by_user_nocheck(sk) || READ_ONCE(sk->sk_err) ||
	    READ_ONCE(sk->sk_shutdown) != SHUTDOWN_MASK || tp->repair ||
	    (old_state == TCP_FIN_WAIT2 && sock_flag(sk, SOCK_DONE)) ||
	    (old_state == TCP_CLOSING && tp->snd_una == tp->write_seq) ||
	    !check_net(sock_net(sk)))
		return TWAIT_AVOID_MAX;
	if (sock_flag(sk, SOCK_DEAD)) {
		if (sk->sk_backlog.len ||
		    (old_state == TCP_FIN_WAIT2 && !may_be_orphan(sk)))
			return TWAIT_AVOID_MAX;
		return TWAIT_AVOID_ORPHAN;
	}
	if (has_unread(sk))
		return TWAIT_AVOID_UNREAD;
	if (sock_flag(sk, SOCK_LINGER) && !READ_ONCE(sk->sk_lingertime))
		return TWAIT_AVOID_LINGER;
	return TWAIT_AVOID_MAX;
}

static void aborted(struct twait_net *tnet, const struct sock *sk,
		    enum twait_avoid avoid)
{
	static const enum twait_counter counter[] = {
		[TWAIT_AVOID_LINGER] = TWAIT_COUNT_AVOIDED_LINGER,
		[TWAIT_AVOID_UNREAD] = TWAIT_COUNT_AVOIDED_UNREAD,
		[TWAIT_AVOID_ORPHAN] = TWAIT_COUNT_AVOIDED_ORPHAN,
	};
	struct twait_owner owner;

	twait_owner_current(&owner);
	twait_count(&tnet->stats, counter[avoid]);
	avoided(tnet, sk, avoid, &owner);
	if (avoid == TWAIT_AVOID_LINGER)
		twait_ghost_of_sock(sk, tnet, &owner);
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
	struct twait_net *tnet = twait_net_here(sock_net(sk));
	unsigned long overflows = 0;
	enum twait_avoid avoid;
	struct twait_owner owner;
	bool noted;

	/*
	 * From elsewhere it would not have left a TIME_WAIT on this side. But there may
	 * be a note: waits refused it a port, and it left TCP_SYN_SENT for TCP_SYN_RECV.
	 */
	if (!(BIT(old_state) & (TCPF_ESTABLISHED | TCPF_SYN_RECV | TCPF_FIN_WAIT1 |
				TCPF_FIN_WAIT2 | TCPF_CLOSING))) {
		twait_note_take(sk, NULL);
		return;
	}
	/* tcp_time_wait() ends with tcp_done(): its wait has just begun. */
	if (this_cpu_read(twait_last.entered[twait_context_slot()]) == sk) {
		this_cpu_write(twait_last.entered[twait_context_slot()], NULL);
		return;
	}
	noted = twait_note_take(sk, &owner);
	if (!tnet)
		return;
	/* The states that tcp_time_wait() is called from. */
	if (old_state == TCP_FIN_WAIT2 || old_state == TCP_CLOSING)
		overflows = new_overflows(tnet, sock_net(sk));
	if (overflows) {
		avoided(tnet, sk, TWAIT_AVOID_OVERFLOW, noted ? &owner : NULL);
		return;
	}
	avoid = abort_reason(sk, old_state);
	if (avoid != TWAIT_AVOID_MAX)
		aborted(tnet, sk, avoid);
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
