// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who holds a local port: the kernel's table of bound ports, where sockets and
 * waits stand side by side.
 */
#include <net/inet_hashtables.h>
#include <net/ipv6.h>

#include "bound.h"
#include "compat.h"

/* More on one port are not looked at: their bucket is locked meanwhile. */
#define TWAIT_OWNERS_MAX	4096

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
	memset(bind, 0, sizeof(*bind));
	bind->self = sk;
	local_address(sk, &bind->address);
	bind->port = port;
	bind->device = READ_ONCE(sk->sk_bound_dev_if);
	bind->uid = twait_sock_uid(sk);
	bind->reuse = sk->sk_reuse;
	bind->reuseport = sk->sk_reuseport;
	bind->ipv6only = sk->sk_ipv6only;
}

/* Do two sockets, in one namespace, want the same? Then the answer is the same. */
bool twait_bind_is_same(const struct twait_bind *a, const struct twait_bind *b)
{
	return a->port == b->port && a->device == b->device &&
	       a->uid == b->uid && a->reuse == b->reuse &&
	       a->reuseport == b->reuseport && a->ipv6only == b->ipv6only &&
	       ipv6_addr_equal(&a->address, &b->address);
}

/* Have they an address in common? inet_rcv_saddr_equal(), wildcards included. */
static bool shares_address(const struct sock *sk, const struct twait_bind *bind)
{
	const struct in6_addr *wanted = &bind->address;
	bool wanted_v4 = ipv6_addr_v4mapped(wanted);
	struct in6_addr held;
	bool held_v4;

	local_address(sk, &held);
	held_v4 = ipv6_addr_v4mapped(&held);
	if (wanted_v4 && held_v4)
		return !sk->sk_ipv6only &&
		       (!wanted->s6_addr32[3] || !held.s6_addr32[3] ||
			wanted->s6_addr32[3] == held.s6_addr32[3]);
	if (ipv6_addr_any(&held) && !(sk->sk_ipv6only && wanted_v4))
		return true;
	if (ipv6_addr_any(wanted) && !(bind->ipv6only && held_v4))
		return true;
	return ipv6_addr_equal(wanted, &held);
}

/* May they not both have the port? inet_bind_conflict(), as bind() asks it. */
static bool blocks(const struct sock *sk, const struct twait_bind *bind)
{
	int device = READ_ONCE(sk->sk_bound_dev_if);

	if (sk == bind->self)
		return false;
	if (bind->device && device && bind->device != device)
		return false;
	if (bind->reuse && sk->sk_reuse && sk->sk_state != TCP_LISTEN)
		return false;
	if (bind->reuseport && sk->sk_reuseport &&
	    (sk->sk_state == TCP_TIME_WAIT || twait_sock_uid(sk) == bind->uid))
		return false;
	return shares_address(sk, bind);
}

/* Return: whether to go on. */
static bool blame(const struct sock *sk, const struct twait_bind *bind,
		  struct twait_shortage *shortage, unsigned int *looked_at)
{
	if (++*looked_at > TWAIT_OWNERS_MAX) {
		shortage->partial = true;
		return false;
	}
	if (!blocks(sk, bind))
		return true;
	if (sk->sk_state == TCP_TIME_WAIT)
		shortage->held++;
	else
		shortage->live++;
	/* It takes two. */
	if (!sk->sk_reuse || sk->sk_state == TCP_LISTEN)
		shortage->reuseaddr = false;
	return true;
}

static void blame_bucket(struct inet_bind_bucket *tb,
			 const struct twait_bind *bind,
			 struct twait_shortage *shortage,
			 unsigned int *looked_at)
{
	struct sock *sk;
#ifdef TWAIT_HAVE_BIND_BUCKET_BHASH2
	struct inet_bind2_bucket *tb2;

	hlist_for_each_entry(tb2, &tb->bhash2, bhash_node)
		sk_for_each_bound(sk, &tb2->owners)
			if (!blame(sk, bind, shortage, looked_at))
				return;
#else
	sk_for_each_bound(sk, &tb->owners)
		if (!blame(sk, bind, shortage, looked_at))
			return;
#endif
}

/**
 * twait_bound_blame() - who is in the way of a bind()
 * @net: its namespace
 * @bind: what it wants
 * @shortage: held, live, reuseaddr and partial are filled
 *
 * A minisock in FIN_WAIT2 is a wait too: its state there is TCP_TIME_WAIT. Of a
 * socket without a device the buckets of VRFs are not in the way.
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
	unsigned int looked_at = 0;

	shortage->held = 0;
	shortage->live = 0;
	shortage->reuseaddr = !bind->reuse;
	shortage->partial = false;
	spin_lock_bh(&head->lock);
	inet_bind_bucket_for_each(tb, &head->chain)
		if (net_eq(ib_net(tb), net) && tb->port == bind->port &&
		    (bind->device || !tb->l3mdev))
			blame_bucket(tb, bind, shortage, &looked_at);
	spin_unlock_bh(&head->lock);
	if (!shortage->held && !shortage->live)
		shortage->reuseaddr = false;
}
