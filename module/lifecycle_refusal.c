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

/* Of more bind() at once it is only counted that they were refused, and lost. */
#define TWAIT_BINDS_MAX		64

/**
 * struct refused_bind - a bind() whose port is yet to be looked at
 * @net: its namespace, with a reference
 * @bind: what it wanted
 * @info: the socket and the process
 * @times: how often it wanted that
 */
struct refused_bind {
	struct net *net;
	struct twait_bind bind;
	struct twait_info info;
	unsigned int times;
};

/**
 * struct told_bind - the one that was looked at last, not to look again at once
 * @inum: inode number of its namespace
 * @bind: what it wanted
 * @pid: of the process
 * @until: when to look again, in jiffies
 * @by_waits: nothing but waits were in its way
 */
struct told_bind {
	u32 inum;
	struct twait_bind bind;
	u32 pid;
	unsigned long until;
	bool by_waits;
};

static DEFINE_RAW_SPINLOCK(binds_lock);
static struct refused_bind binds[TWAIT_BINDS_MAX];	/* by binds_lock */
static unsigned int binds_count;			/* by binds_lock */
static struct told_bind told;				/* by binds_lock */

static void binds_blame(struct work_struct *work);
static DECLARE_WORK(binds_work, binds_blame);

/* Context: preemption off, or @tnet cannot go away. */
static void emit_refusal(struct twait_net *tnet, const struct twait_info *info,
			 const struct twait_shortage *shortage, bool rare)
{
	struct twait_event event;

	if (!rare && !twait_is_watched(tnet))
		return;
	twait_event_init(&event, TWAIT_EVENT_REFUSAL, info, -1);
	event.shortage = *shortage;
	if (rare)
		twait_emit_rare(tnet, TWAIT_RING_REUSE, &event);
	else
		twait_event_emit(tnet, TWAIT_RING_EVENTS, &event);
}

/*
 * Did connect() fail, and for want of a port? tcp_v4_connect() goes back to
 * TCP_CLOSE with the socket its own, no error on it and nothing sent. Other
 * failures there come after a port was found: then the socket has one, which it
 * had not before. What it had before says nothing: it may be left from an earlier
 * connect(); and of a socket that comes with one, only a wait that refused it tells.
 */
static bool is_out_of_ports(const struct sock *sk, unsigned int refused,
			    __be16 port_before)
{
	return sock_owned_by_user_nocheck(sk) && !READ_ONCE(sk->sk_err) &&
	       !READ_ONCE(sk->sk_shutdown) && !sock_flag(sk, SOCK_DEAD) &&
	       !tcp_sk(sk)->packets_out &&
	       inet_sk(sk)->inet_sport == port_before &&
	       (refused || !port_before);
}

/* Apart, for each connect() that succeeds would set its stack up too. */
static noinline void connect_refused(const struct sock *sk,
				     unsigned int refused)
{
	struct twait_net *tnet = twait_net_here(sock_net(sk));
	struct twait_info info;
	struct twait_shortage shortage = {
		.path = TWAIT_PATH_CONNECT,
		.held = refused,
	};

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
	__be16 port_before = 0;
	unsigned int refused = twait_note_take_refused(sk, &port_before);

	if (failed && is_out_of_ports(sk, refused, port_before))
		connect_refused(sk, refused);
}

/*
 * Is it known already, from what was looked at last, or will it be? Context:
 * binds_lock held.
 */
static bool is_known_bind(struct twait_net *tnet, const struct twait_bind *bind)
{
	unsigned int i;

	for (i = 0; i < binds_count; i++)
		if (binds[i].net == tnet->net &&
		    binds[i].info.owner.pid == current->tgid &&
		    twait_bind_is_same(&binds[i].bind, bind)) {
			binds[i].times++;
			return true;
		}
	if (told.inum != tnet->inum || told.pid != current->tgid ||
	    !time_before(jiffies, told.until) ||
	    !twait_bind_is_same(&told.bind, bind))
		return false;
	if (told.by_waits)
		twait_count(&tnet->stats, TWAIT_COUNT_REFUSED_BIND_BY_WAITS);
	return true;
}

/**
 * twait_bind_failed() - a port was refused to bind() or listen()
 * @sk: the socket
 * @port: the port, host byte order; 0 if any would have done
 *
 * Who holds it is looked at a moment later, for that takes a lock that we may not
 * take here; of a process that asks again and again, once a second.
 *
 * Context: process, the socket locked, preemption off.
 */
void twait_bind_failed(const struct sock *sk, u16 port)
{
	struct twait_net *tnet = twait_net_here(sock_net(sk));
	struct refused_bind *refused;
	struct twait_bind bind;
	unsigned long flags;
	bool known, added = false;

	if (!tnet)
		return;
	twait_count(&tnet->stats, TWAIT_COUNT_REFUSED_BIND);
	twait_bind_of_sock(&bind, sk, port);
	raw_spin_lock_irqsave(&binds_lock, flags);
	known = is_known_bind(tnet, &bind);
	if (!known && binds_count < TWAIT_BINDS_MAX &&
	    maybe_get_net(sock_net(sk))) {
		refused = &binds[binds_count++];
		refused->net = sock_net(sk);
		refused->bind = bind;
		refused->times = 1;
		twait_info_of_sock(&refused->info, sk);
		refused->info.tuple.local = bind.address;
		refused->info.tuple.local_port = htons(port);
		twait_owner_current(&refused->info.owner);
		added = true;
	}
	raw_spin_unlock_irqrestore(&binds_lock, flags);
	if (added)
		schedule_work(&binds_work);
	else if (!known)
		twait_count(&tnet->stats, TWAIT_COUNT_REFUSALS_LOST);
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

static void remember_told(const struct refused_bind *refused, bool by_waits)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&binds_lock, flags);
	told = (struct told_bind){
		.inum = refused->net->ns.inum,
		.bind = refused->bind,
		.pid = refused->info.owner.pid,
		.until = jiffies + HZ,
		.by_waits = by_waits,
	};
	raw_spin_unlock_irqrestore(&binds_lock, flags);
}

/* Context: process; @refused keeps the namespace, and so @tnet. */
static void bind_blame(struct twait_net *tnet,
		       const struct refused_bind *refused)
{
	struct twait_shortage shortage = {
		.path = TWAIT_PATH_BIND,
		.ports = twait_local_ports(refused->net),
	};
	bool by_waits;

	if (refused->bind.port)
		twait_bound_blame(refused->net, &refused->bind, &shortage);
	by_waits = shortage.held && !shortage.live;
	if (by_waits)
		twait_count_add(&tnet->stats, TWAIT_COUNT_REFUSED_BIND_BY_WAITS,
				refused->times);
	remember_told(refused, by_waits);
	emit_refusal(tnet, &refused->info, &shortage, true);
}

static void binds_blame(struct work_struct *work)
{
	struct refused_bind refused;
	struct twait_net *tnet;

	while (next_refused_bind(&refused)) {
		tnet = twait_net_of(refused.net);
		if (tnet)
			bind_blame(tnet, &refused);
		put_net(refused.net);
		cond_resched();
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
