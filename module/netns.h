/* SPDX-License-Identifier: GPL-2.0-only */
/* One of each part, for each network namespace. */
#ifndef TWAIT_NETNS_H
#define TWAIT_NETNS_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "events.h"
#include "policy.h"
#include "stats.h"

struct ctl_table;
struct ctl_table_header;
struct proc_dir_entry;
struct twait_flow;

/* The rings, and with them the streams of a namespace. */
enum twait_ring_id {
	TWAIT_RING_EVENTS,	/* everything, while somebody reads */
	TWAIT_RING_REUSE,	/* the last reuse decisions */
	TWAIT_RING_ASSASSINATIONS, /* the last early deaths and avoided waits */
	TWAIT_RING_MAX,
};

/**
 * struct twait_net - what the module keeps for a network namespace
 * @net: the namespace; valid until it is retired
 * @list: in twait_nets, guarded by twait_nets_lock
 * @living: by the address of @net, until it is retired; guarded likewise, read under RCU
 * @id: tells namespaces apart in the flow table's keys; never used again
 * @inum: inode number of the namespace, as in /proc/PID/ns/net
 * @is_init: the initial namespace, which also tells of those that are gone
 * @proc: its directory under /proc/net
 * @stats: its counters
 * @stream: what it put into each ring
 * @overflows_before: TCPTimeWaitOverflow when we began
 * @drift_least: by how much the module's count was above the kernel's, of some looks
 *               the least; below 0 if it was under it; guarded by twait_nets_lock
 * @drift_most: the most, likewise
 * @drift_before: what they agreed on before the kernel's table was walked, likewise
 * @mended: what the walk has added to the module's count; below 0 if it took away.
 *          Written by the work of resync.c only
 * @unrecorded: waits that are counted but for which there was no record
 * @policy: what is tuned; NULL if nothing is. Written with @tuning_lock held, read
 *          under RCU
 * @withdrawn: what was tuned, while the namespace goes
 * @tuning_lock: whoever tunes
 * @last_rule_id: of the last rule that there was, guarded by @tuning_lock
 * @sysctl: its entries under /proc/sys/net
 * @sysctl_table: memory of these
 * @leaves: it makes no ghosts any more
 * @ghosts: how many it has; of the initial namespace nobody asks
 * @begun_ns: when we began to look after it, CLOCK_MONOTONIC, in ns
 * @retire_tries: how often its last records were waited for
 */
struct twait_net {
	struct net *net;
	struct list_head list;
	struct hlist_node living;
	u32 id;
	u32 inum;
	bool is_init;
	struct proc_dir_entry *proc;
	struct twait_stats stats;
	struct twait_stream stream[TWAIT_RING_MAX];
	u64 overflows_before;
	s64 drift_least;
	s64 drift_most;
	s64 drift_before;
	s64 mended;
	atomic_t unrecorded;
	struct twait_policy __rcu *policy;
	struct twait_policy *withdrawn;
	struct mutex tuning_lock;	/* one who tunes at a time */
	u32 last_rule_id;
	struct ctl_table_header *sysctl;
	struct ctl_table *sysctl_table;
	bool leaves;
	atomic_t ghosts;
	u64 begun_ns;
	unsigned int retire_tries;
};

/* What net_generic() keeps for us. */
struct twait_net_slot {
	struct twait_net *tnet;		/* NULL once the namespace is dying */
};

extern unsigned int twait_net_id;
extern struct list_head twait_nets;
extern struct mutex twait_nets_lock;
extern struct twait_ring twait_rings[TWAIT_RING_MAX];

/**
 * twait_net_of() - our part of a namespace
 * @net: the namespace
 *
 * Not while we are being loaded, when a namespace may have no slot yet: then what is
 * behind its others, or left there by who had ours, would be taken for one.
 *
 * Context: a namespace that cannot go away meanwhile.
 * Return: NULL if it has none: not made yet, or dying.
 */
static inline struct twait_net *twait_net_of(const struct net *net)
{
	const struct twait_net_slot *slot = net_generic(net, twait_net_id);

	/* A namespace that is still being set up has no slot yet. */
	return slot ? READ_ONCE(slot->tnet) : NULL;
}

/**
 * twait_net_here() - the same in a handler, several times for each connection
 * @net: the namespace
 *
 * Why: net_generic() takes the RCU lock, which is there already.
 *
 * Context: preemption off.
 * Return: as twait_net_of().
 */
static inline struct twait_net *twait_net_here(const struct net *net)
{
	const struct net_generic *gen = rcu_dereference_sched(net->gen);
	const struct twait_net_slot *slot = gen->ptr[twait_net_id];

	return slot ? READ_ONCE(slot->tnet) : NULL;
}

int twait_rings_init(void);
void twait_rings_exit(void);
int twait_net_init(struct net *net);
struct twait_net *twait_net_find(const struct net *net);
struct twait_net *twait_net_living(const struct net *net);
void twait_net_leave(struct twait_net *tnet);
void twait_net_retire(struct net *net);
void twait_nets_flush(void);
void twait_net_drop_ghost(struct twait_flow *flow);
u64 twait_nets_gone(u64 count[TWAIT_COUNT_MAX]);

#endif
