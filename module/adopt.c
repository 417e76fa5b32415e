// SPDX-License-Identifier: GPL-2.0-only
/*
 * Meeting the kernel's waits where they stand: in the hash table of established
 * sockets, which a minisock enters when its wait begins.
 */
#include <net/inet_hashtables.h>

#include "adopt.h"
#include "flow.h"
#include "lifecycle.h"
#include "netns.h"
#include "wait.h"

static void walk_bucket(struct inet_hashinfo *hashinfo, unsigned int bucket,
			u16 walk, bool resync)
{
	struct inet_ehash_bucket *head = &hashinfo->ehash[bucket];
	spinlock_t *lock = inet_ehash_lockp(hashinfo, bucket);
	struct hlist_nulls_node *node;
	struct sock *sk;

	spin_lock_bh(lock);
	/* In the chain and under its lock: its end is yet to come. */
	sk_nulls_for_each(sk, node, &head->chain)
		if (sk->sk_state == TCP_TIME_WAIT &&
		    twait_is_tcp(inet_twsk(sk)))
			twait_adopted(inet_twsk(sk), walk, resync);
	spin_unlock_bh(lock);
}

static void walk_table(struct inet_hashinfo *hashinfo, u16 walk, bool resync)
{
	unsigned int i;

	for (i = 0; i <= hashinfo->ehash_mask; i++) {
		if (!hlist_nulls_empty(&hashinfo->ehash[i].chain)) {
			/* A walk takes records faster than others end. */
			twait_flow_replenish();
			walk_bucket(hashinfo, i, walk, resync);
		}
		cond_resched();
	}
}

/* Most namespaces share one table; some have their own (since 6.1). */
static void walk_all(u16 walk, bool resync)
{
	struct inet_hashinfo *shared = init_net.ipv4.tcp_death_row.hashinfo;
	struct twait_net *tnet;

	mutex_lock(&twait_nets_lock);
	walk_table(shared, walk, resync);
	list_for_each_entry(tnet, &twait_nets, list)
		if (tnet->net->ipv4.tcp_death_row.hashinfo != shared)
			walk_table(tnet->net->ipv4.tcp_death_row.hashinfo,
				   walk, resync);
	mutex_unlock(&twait_nets_lock);
}

/**
 * twait_adopt_all() - take over the waits that were there before us
 *
 * Context: process, may sleep. The hooks are armed: what begins meanwhile is
 * recorded already and known again by its minisock, what ends meanwhile and
 * was not met yet has not been counted.
 */
void twait_adopt_all(void)
{
	walk_all(1, false);
}

/**
 * twait_readopt_all() - meet all waits once more
 * @walk: a number; records that are met carry it afterwards
 *
 * Waits that have no record and were not counted are adopted, and counted as
 * resynced.
 *
 * Context: process, may sleep.
 */
void twait_readopt_all(u16 walk)
{
	walk_all(walk, true);
}
