// SPDX-License-Identifier: GPL-2.0-only
/*
 * connect() found no port, or bind() did not get the one that it wanted: perhaps
 * because waits hold them.
 */
#include <linux/workqueue.h>
#include <net/tcp.h>

#include "bound.h"
#include "compat.h"
#include "lifecycle.h"
#include "netns.h"
#include "note.h"
#include "story.h"

/* Of more bind() at once it is only counted that they were refused. */
#define TWAIT_BINDS_MAX		64

/**
 * struct refused_bind - a bind() whose port is yet to be looked at
 * @net: its namespace, with a reference
 * @bind: what it wanted
 * @info: the socket and the process
 */
struct refused_bind {
	struct net *net;
	struct twait_bind bind;
	struct twait_info info;
};

static DEFINE_RAW_SPINLOCK(binds_lock);
static struct refused_bind binds[TWAIT_BINDS_MAX];	/* by binds_lock */
static unsigned int binds_count;			/* by binds_lock */

static void binds_blame(struct work_struct *work);
static DECLARE_WORK(binds_work, binds_blame);

/* Context: preemption off, or @tnet cannot go away. */
static void emit_refusal(struct twait_net *tnet, const struct twait_info *info,
			 const struct twait_shortage *shortage, bool rare)
{
	struct twait_event event;

	twait_event_init(&event, TWAIT_EVENT_REFUSAL, info, -1);
	event.shortage = *shortage;
	if (rare)
		twait_emit_rare(tnet, TWAIT_RING_REUSE, &event);
	else if (twait_is_watched(tnet))
		twait_event_emit(tnet, TWAIT_RING_EVENTS, &event);
}

/*
 * Did connect() fail, and for want of a port? tcp_v4_connect() goes back to
 * TCP_CLOSE in the caller's context, with no error on the socket and nothing
 * sent. Other failures there come after a port was found: then the socket has one.
 * A port that is left from an earlier connect() says nothing; then only waits that
 * refused can tell.
 */
static bool is_out_of_ports(const struct sock *sk, unsigned int refused)
{
	return !in_serving_softirq() && !READ_ONCE(sk->sk_err) &&
	       !READ_ONCE(sk->sk_shutdown) && !sock_flag(sk, SOCK_DEAD) &&
	       !tcp_sk(sk)->packets_out &&
	       (refused || !inet_sk(sk)->inet_sport);
}

/**
 * twait_connect_ended() - a socket leaves TCP_SYN_SENT
 * @sk: the socket
 * @failed: for TCP_CLOSE
 *
 * The kernel asked every wait that holds a port towards the destination, so how
 * many refused is how many do, but for those whose port bind() chose.
 *
 * Context: process or softirq, the socket locked, preemption off.
 */
void twait_connect_ended(const struct sock *sk, bool failed)
{
	unsigned int refused = twait_note_take_refused(sk);
	struct twait_net *tnet;
	struct twait_info info;
	struct twait_shortage shortage = {
		.path = TWAIT_PATH_CONNECT,
		.held = refused,
	};

	if (!failed || !is_out_of_ports(sk, refused))
		return;
	tnet = twait_net_of(sock_net(sk));
	if (!tnet)
		return;
	twait_count(&tnet->stats, TWAIT_COUNT_REFUSED_CONNECT);
	if (refused)
		twait_count(&tnet->stats, TWAIT_COUNT_REFUSED_CONNECT_BY_WAITS);
	shortage.ports = twait_local_ports(sock_net(sk));
	twait_info_of_sock(&info, sk);
	twait_owner_current(&info.owner);
	emit_refusal(tnet, &info, &shortage,
		     twait_is_news(this_cpu_ptr(&twait_last.failed),
				   &info.tuple));
}

/**
 * twait_bind_failed() - a port was refused to bind() or listen()
 * @sk: the socket
 * @port: the port, host byte order; 0 if any would have done
 *
 * Who holds it is looked at a moment later, for that takes a lock that we may not
 * take here.
 *
 * Context: process, the socket locked, preemption off.
 */
void twait_bind_failed(const struct sock *sk, u16 port)
{
	struct twait_net *tnet = twait_net_of(sock_net(sk));
	struct refused_bind *refused;
	unsigned long flags;

	if (!tnet)
		return;
	twait_count(&tnet->stats, TWAIT_COUNT_REFUSED_BIND);
	raw_spin_lock_irqsave(&binds_lock, flags);
	if (binds_count < TWAIT_BINDS_MAX && maybe_get_net(sock_net(sk))) {
		refused = &binds[binds_count++];
		refused->net = sock_net(sk);
		twait_bind_of_sock(&refused->bind, sk, port);
		twait_info_of_sock(&refused->info, sk);
		refused->info.tuple.local = refused->bind.address;
		refused->info.tuple.local_port = htons(port);
		twait_owner_current(&refused->info.owner);
	}
	raw_spin_unlock_irqrestore(&binds_lock, flags);
	queue_work(system_wq, &binds_work);
}

static bool next_refused_bind(struct refused_bind *refused)
{
	unsigned long flags;
	bool found;

	raw_spin_lock_irqsave(&binds_lock, flags);
	found = binds_count;
	if (found)
		*refused = binds[--binds_count];
	raw_spin_unlock_irqrestore(&binds_lock, flags);
	return found;
}

static void binds_blame(struct work_struct *work)
{
	struct refused_bind refused;
	struct twait_net *tnet;

	while (next_refused_bind(&refused)) {
		struct twait_shortage shortage = {
			.path = TWAIT_PATH_BIND,
			.ports = twait_local_ports(refused.net),
		};

		/* Our reference keeps it. */
		tnet = twait_net_of(refused.net);
		if (tnet) {
			if (refused.bind.port)
				twait_bound_blame(refused.net, &refused.bind,
						  &shortage);
			if (shortage.held && !shortage.live)
				twait_count(&tnet->stats,
					    TWAIT_COUNT_REFUSED_BIND_BY_WAITS);
			emit_refusal(tnet, &refused.info, &shortage, true);
		}
		put_net(refused.net);
	}
}

/**
 * twait_binds_exit() - no bind() is seen any more
 *
 * Context: process, may sleep.
 */
void twait_binds_exit(void)
{
	/* What was put there last has its work queued, and is done. */
	flush_work(&binds_work);
}
