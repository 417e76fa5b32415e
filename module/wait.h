/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading the kernel's timewait minisock. Only fields that exist from 5.10 on.
 *
 * The caller sees to it that the minisock lives: it was handed to the probed
 * function, or stands in the kernel's hash table under the bucket's lock. The
 * pointer in a record of ours is no such thing: should the probe on its end have
 * been missed, it leads nowhere.
 */
#ifndef TWAIT_WAIT_H
#define TWAIT_WAIT_H

#include <linux/jiffies.h>
#include <net/inet_timewait_sock.h>
#include <net/ipv6.h>
#include <net/tcp.h>

#include "compat.h"
#include "types.h"

/**
 * twait_is_tcp() - does a minisock belong to TCP?
 * @tw: the minisock
 *
 * Why: up to 6.12 DCCP shares the minisock code, with a death row of its own.
 */
static inline bool twait_is_tcp(const struct inet_timewait_sock *tw)
{
	return tw->tw_dr == &twsk_net(tw)->ipv4.tcp_death_row;
}

static inline enum twait_state twait_wait_state(const struct inet_timewait_sock *tw)
{
	return READ_ONCE(tw->tw_substate) == TCP_FIN_WAIT2 ?
	       TWAIT_STATE_FIN_WAIT2 : TWAIT_STATE_TIME_WAIT;
}

static inline void twait_tuple_set_v4(struct twait_tuple *tuple, __be32 local,
				      __be32 remote)
{
	ipv6_addr_set_v4mapped(local, &tuple->local);
	ipv6_addr_set_v4mapped(remote, &tuple->remote);
}

/**
 * twait_wait_tuple() - the four-tuple of a minisock
 * @tw: the minisock
 * @tuple: filled
 */
static inline void twait_wait_tuple(const struct inet_timewait_sock *tw,
				    struct twait_tuple *tuple)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (tw->tw_family == AF_INET6) {
		tuple->local = tw->tw_v6_rcv_saddr;
		tuple->remote = tw->tw_v6_daddr;
	} else
#endif
		twait_tuple_set_v4(tuple, tw->tw_rcv_saddr, tw->tw_daddr);
	tuple->local_port = tw->tw_sport;
	tuple->remote_port = tw->tw_dport;
}

/**
 * twait_sock_tuple() - the four-tuple of a full socket
 * @sk: the socket, connected
 * @tuple: filled
 *
 * inet_sport and not inet_num: tcp_set_state() has given the port back, and
 * cleared inet_num, when it announces TCP_CLOSE.
 */
static inline void twait_sock_tuple(const struct sock *sk,
				    struct twait_tuple *tuple)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6) {
		tuple->local = sk->sk_v6_rcv_saddr;
		tuple->remote = sk->sk_v6_daddr;
	} else
#endif
		twait_tuple_set_v4(tuple, sk->sk_rcv_saddr, sk->sk_daddr);
	tuple->local_port = inet_sk(sk)->inet_sport;
	tuple->remote_port = sk->sk_dport;
}

/**
 * twait_left_ms() - what is left of a wait
 * @expires: when its timer should fire, in jiffies
 *
 * The timer wheel fires late, by up to an eighth of the time at this
 * distance; until it does, 0 is left.
 *
 * Return: milliseconds, 0 or more.
 */
static inline s64 twait_left_ms(unsigned long expires)
{
	long left = expires - jiffies;

	return left > 0 ? jiffies_to_msecs(left) : 0;
}

/* The same of a minisock that the caller was handed, its timer armed. */
static inline s64 twait_wait_left_ms(const struct inet_timewait_sock *tw)
{
	return twait_left_ms(READ_ONCE(tw->tw_timer.expires));
}

#endif
