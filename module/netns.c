// SPDX-License-Identifier: GPL-2.0-only
/*
 * One of each part, for each network namespace.
 *
 * A namespace's waits outlive our exit method: methods run in the reverse
 * order of registration, so TCP purges the waits after we were told. What is
 * counted then still needs a place, so struct twait_net is retired first and
 * freed when its last record is gone.
 */
#include <linux/hashtable.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "flow.h"
#include "netns.h"

#define TWAIT_EVENTS_SLOTS	8192
#define TWAIT_RECENT_SLOTS	1024
#define TWAIT_RETIRE_DELAY	(HZ / 10)
/* cleanup_net() may have many namespaces to take down before it purges waits. */
#define TWAIT_RETIRE_TRIES	3000

unsigned int twait_net_id;
LIST_HEAD(twait_nets);
DEFINE_MUTEX(twait_nets_lock);	/* guards twait_nets and all that is retired */
struct twait_ring twait_rings[TWAIT_RING_MAX];

/* By address: written with twait_nets_lock held, read under RCU. */
static DEFINE_HASHTABLE(living, 8);
static LIST_HEAD(retired);			/* guarded by twait_nets_lock */
static u64 gone_count[TWAIT_COUNT_MAX];		/* likewise */
static u64 gone_namespaces;			/* likewise */
static atomic_t last_id = ATOMIC_INIT(0);

static void retire_work_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(retire_work, retire_work_fn);

int twait_rings_init(void)
{
	int i, err;

	for (i = 0; i < TWAIT_RING_MAX; i++) {
		err = twait_ring_init(&twait_rings[i],
				      i == TWAIT_RING_EVENTS ? TWAIT_EVENTS_SLOTS :
				      TWAIT_RECENT_SLOTS);
		if (err)
			goto out_exit;
	}
	return 0;

out_exit:
	while (--i >= 0)
		twait_ring_exit(&twait_rings[i]);
	return err;
}

void twait_rings_exit(void)
{
	int i;

	for (i = TWAIT_RING_MAX - 1; i >= 0; i--)
		twait_ring_exit(&twait_rings[i]);
}

static struct twait_net_slot *slot_of(struct net *net)
{
	return net_generic(net, twait_net_id);
}

/**
 * twait_net_init() - begin to count for a namespace
 * @net: the namespace
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int twait_net_init(struct net *net)
{
	struct twait_net *tnet;
	int err;

	tnet = kzalloc(sizeof(*tnet), GFP_KERNEL);
	if (!tnet)
		return -ENOMEM;
	err = twait_stats_init(&tnet->stats);
	if (err) {
		kfree(tnet);
		return err;
	}
	tnet->net = net;
	tnet->id = atomic_inc_return(&last_id);
	tnet->inum = net->ns.inum;
	tnet->is_init = net_eq(net, &init_net);
	tnet->begun_ns = ktime_get_ns();
	mutex_lock(&twait_nets_lock);
	list_add_tail(&tnet->list, &twait_nets);
	hash_add_rcu(living, &tnet->living, (unsigned long)net);
	mutex_unlock(&twait_nets_lock);
	WRITE_ONCE(slot_of(net)->tnet, tnet);
	return 0;
}

/**
 * twait_net_find() - our part of a namespace, which may have none yet
 * @net: the namespace
 *
 * Context: process, may sleep; a namespace that cannot go away meanwhile.
 * Return: NULL if it has none.
 */
struct twait_net *twait_net_find(const struct net *net)
{
	struct twait_net *tnet, *found = NULL;

	mutex_lock(&twait_nets_lock);
	list_for_each_entry(tnet, &twait_nets, list)
		if (net_eq(tnet->net, net))
			found = tnet;
	mutex_unlock(&twait_nets_lock);
	return found;
}

/**
 * twait_net_living() - our part of a namespace that may be freed memory
 * @net: the namespace, of which nothing but the address is taken
 *
 * Another one may have taken its place: then that is found.
 *
 * Context: preemption off.
 * Return: NULL if there is none, or not any more.
 */
struct twait_net *twait_net_living(const struct net *net)
{
	struct twait_net *tnet;

	hash_for_each_possible_rcu(living, tnet, living, (unsigned long)net)
		if (tnet->net == net)
			return tnet;
	return NULL;
}

static void count_forgotten(struct twait_flow *flow, void *arg)
{
	struct twait_net *tnet = arg;

	if (flow->space != tnet)
		return;
	twait_flow_remove(flow);
	twait_flow_give(flow);
	twait_count(&tnet->stats, TWAIT_COUNT_FORGOTTEN);
	twait_count(&tnet->stats, TWAIT_COUNT_ENDED_UNKNOWN);
}

/**
 * twait_net_drop_ghost() - give a ghost back
 * @flow: the ghost, out of its bucket
 *
 * Context: any but NMI.
 */
void twait_net_drop_ghost(struct twait_flow *flow)
{
	struct twait_net *tnet = flow->space;

	twait_flow_vanish(flow);
	twait_flow_give(flow);
	if (!tnet->is_init)
		atomic_dec(&tnet->ghosts);
	twait_count(&tnet->stats, TWAIT_COUNT_UNGHOSTED);
	twait_count(&tnet->stats, TWAIT_COUNT_FORGOTTEN);
}

static void drop_ghost_of(struct twait_flow *flow, void *tnet)
{
	if (flow->space != tnet || flow->info.state != TWAIT_STATE_GHOST)
		return;
	twait_flow_remove(flow);
	twait_net_drop_ghost(flow);
}

/* Into the totals of those that are gone. Context: twait_nets_lock held. */
static void net_free(struct twait_net *tnet)
{
	struct twait_totals totals;
	int i;

	lockdep_assert_held(&twait_nets_lock);
	twait_stats_fold(&tnet->stats, &totals);
	/*
	 * The kernel purged every wait of the namespace. Those that had no
	 * record were not seen to go, since the namespace led nowhere any more.
	 */
	totals.count[TWAIT_COUNT_ENDED_PURGED] += totals.waiting;
	for (i = 0; i < TWAIT_COUNT_MAX; i++)
		gone_count[i] += totals.count[i];
	gone_namespaces++;
	list_del(&tnet->list);
	twait_stats_exit(&tnet->stats);
	kfree(tnet);
}

static void retire_work_fn(struct work_struct *work)
{
	struct twait_net *tnet, *next;
	struct twait_totals totals;
	LIST_HEAD(done);

	mutex_lock(&twait_nets_lock);
	/* Who found a namespace's part before it was retired has done with it. */
	synchronize_rcu();
	list_for_each_entry_safe(tnet, next, &retired, list) {
		twait_stats_fold(&tnet->stats, &totals);
		/* Nobody is there to see what would come too late. */
		if (totals.ghosts) {
			twait_flow_visit_ghosts(drop_ghost_of, tnet);
			twait_stats_fold(&tnet->stats, &totals);
		}
		if (totals.records &&
		    tnet->retire_tries++ == TWAIT_RETIRE_TRIES) {
			/* Their end was missed, long ago. */
			twait_flow_visit_all(count_forgotten, tnet);
			totals.records = 0;
		}
		if (!totals.records)
			list_move_tail(&tnet->list, &done);
	}
	if (!list_empty(&done)) {
		/* A handler may still be counting its last record's end. */
		synchronize_rcu();
		list_for_each_entry_safe(tnet, next, &done, list)
			net_free(tnet);
	}
	if (!list_empty(&retired))
		schedule_delayed_work(&retire_work, TWAIT_RETIRE_DELAY);
	mutex_unlock(&twait_nets_lock);
}

/**
 * twait_net_leave() - a namespace is about to go away
 * @tnet: ours of it; the namespace itself has to be there for a grace period more, for
 *        those who look at it because they were not told yet
 */
void twait_net_leave(struct twait_net *tnet)
{
	WRITE_ONCE(tnet->leaves, true);
}

/**
 * twait_net_retire() - a namespace goes away, or the module does
 * @net: the namespace
 *
 * Nobody finds our part of it from now on but by a record; it is freed when
 * the last of those is gone.
 *
 * Context: process, may sleep.
 */
void twait_net_retire(struct net *net)
{
	struct twait_net *tnet = slot_of(net)->tnet;

	twait_net_leave(tnet);
	WRITE_ONCE(slot_of(net)->tnet, NULL);
	mutex_lock(&twait_nets_lock);
	list_move_tail(&tnet->list, &retired);
	hash_del_rcu(&tnet->living);
	mutex_unlock(&twait_nets_lock);
	schedule_delayed_work(&retire_work, TWAIT_RETIRE_DELAY);
}

/**
 * twait_nets_flush() - free what is retired, now
 *
 * Context: process, may sleep; the hooks are off, all namespaces retired.
 */
void twait_nets_flush(void)
{
	struct twait_net *tnet, *next;

	cancel_delayed_work_sync(&retire_work);
	mutex_lock(&twait_nets_lock);
	list_for_each_entry_safe(tnet, next, &retired, list)
		net_free(tnet);
	mutex_unlock(&twait_nets_lock);
}

/**
 * twait_nets_gone() - what the namespaces counted that are no more
 * @count: filled, enum twait_counter
 *
 * Context: process, may sleep.
 * Return: how many namespaces that were.
 */
u64 twait_nets_gone(u64 count[TWAIT_COUNT_MAX])
{
	u64 namespaces;

	mutex_lock(&twait_nets_lock);
	memcpy(count, gone_count, sizeof(gone_count));
	namespaces = gone_namespaces;
	mutex_unlock(&twait_nets_lock);
	return namespaces;
}
