// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who holds a local port: the kernel's table of bound ports, where sockets and
 * waits stand side by side.
 */
#include <net/inet_hashtables.h>
#include <net/ipv6.h>

#include "bound.h"
#include "compat.h"

/* Sockets and waits begin with the same. */
static void local_address(const struct sock *sk, struct in6_addr *address)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6) {
		*address = sk->sk_v6_rcv_saddr;
		return;
	}
#endif
	ipv6_addr_set_v4mapped(sk->sk_rcv_saddr, address);
}

static bool is_any(const struct in6_addr *address)
{
	return ipv6_addr_any(address) ||
	       (ipv6_addr_v4mapped(address) && !address->s6_addr32[3]);
}

/**
 * twait_bind_of_sock() - what a socket wants of a port
 * @bind: filled
 * @sk: the socket, locked
 * @port: the port, host byte order
 *
 * Context: any.
 */
void twait_bind_of_sock(struct twait_bind *bind, const struct sock *sk,
			u16 port)
{
	local_address(sk, &bind->address);
	bind->port = port;
	bind->device = READ_ONCE(sk->sk_bound_dev_if);
	bind->uid = twait_sock_uid(sk);
	bind->reuse = sk->sk_reuse;
	bind->reuseport = sk->sk_reuseport;
}

/* May they not both have the port? inet_bind_conflict(), as bind() asks it. */
static bool blocks(const struct sock *sk, const struct twait_bind *bind)
{
	int device = READ_ONCE(sk->sk_bound_dev_if);
	struct in6_addr address;

	if (bind->device && device && bind->device != device)
		return false;
	local_address(sk, &address);
	if (!is_any(&address) && !is_any(&bind->address) &&
	    !ipv6_addr_equal(&address, &bind->address))
		return false;
	if (bind->reuse && sk->sk_reuse && sk->sk_state != TCP_LISTEN)
		return false;
	return !bind->reuseport || !sk->sk_reuseport ||
	       (sk->sk_state != TCP_TIME_WAIT &&
		twait_sock_uid(sk) != bind->uid);
}

static void blame(const struct sock *sk, const struct twait_bind *bind,
		  struct twait_shortage *shortage)
{
	if (!blocks(sk, bind))
		return;
	if (sk->sk_state == TCP_TIME_WAIT)
		shortage->held++;
	else
		shortage->live++;
	/* It takes two. */
	if (!sk->sk_reuse || sk->sk_state == TCP_LISTEN)
		shortage->reuseaddr = false;
}

static void blame_bucket(struct inet_bind_bucket *tb,
			 const struct twait_bind *bind,
			 struct twait_shortage *shortage)
{
	struct sock *sk;
#ifdef TWAIT_HAVE_BIND_BUCKET_BHASH2
	struct inet_bind2_bucket *tb2;

	hlist_for_each_entry(tb2, &tb->bhash2, bhash_node)
		sk_for_each_bound(sk, &tb2->owners)
			blame(sk, bind, shortage);
#else
	sk_for_each_bound(sk, &tb->owners)
		blame(sk, bind, shortage);
#endif
}

/**
 * twait_bound_blame() - who is in the way of a bind()
 * @net: its namespace
 * @bind: what it wants
 * @shortage: held, live and reuseaddr are filled
 *
 * A minisock in FIN_WAIT2 is a wait too: its state there is TCP_TIME_WAIT.
 *
 * Context: process.
 */
void twait_bound_blame(struct net *net, const struct twait_bind *bind,
		       struct twait_shortage *shortage)
{
	struct inet_hashinfo *hashinfo = net->ipv4.tcp_death_row.hashinfo;
	struct inet_bind_hashbucket *head =
		&hashinfo->bhash[inet_bhashfn(net, bind->port,
					      hashinfo->bhash_size)];
	struct inet_bind_bucket *tb;

	shortage->held = 0;
	shortage->live = 0;
	shortage->reuseaddr = !bind->reuse;
	spin_lock_bh(&head->lock);
	inet_bind_bucket_for_each(tb, &head->chain)
		if (net_eq(ib_net(tb), net) && tb->port == bind->port)
			blame_bucket(tb, bind, shortage);
	spin_unlock_bh(&head->lock);
	if (!shortage->held && !shortage->live)
		shortage->reuseaddr = false;
}
