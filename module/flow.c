// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of records: one for each flow that waits.
 *
 * A record is found by the hash of its four-tuple and recognised by its
 * minisock's address. It is inserted before the minisock can be looked up by
 * anybody (inet_twsk_hashdance() begins) and removed when nobody can any more
 * (tcp_twsk_destructor()), so the address is never ambiguous.
 *
 * Each bucket has a lock of its own, held for a few instructions: no line is
 * shared by all CPUs, and a record goes back to the stock at once, without a
 * grace period. The locks are raw and taken with interrupts off, because the
 * probed code runs in softirq and, on PREEMPT_RT, under raw locks.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/siphash.h>
#include <linux/spinlock.h>
#include <net/ipv6.h>
#include <net/sock.h>

#include "flow.h"
#include "pool.h"

/*
 * How often a four-tuple has waited, for those that waited last: the upper 48
 * bits of its hash, and below them the count, which stays at its highest. 0 is
 * nobody. Kept here and not in a table of its own, for line and lock are at hand.
 */
#define TWAIT_PAST_TUPLES	2
#define TWAIT_PAST_COUNT_BITS	16
#define TWAIT_PAST_COUNT_MAX	(BIT(TWAIT_PAST_COUNT_BITS) - 1)

struct twait_bucket {
	raw_spinlock_t lock;
	unsigned int ghosts;		/* how many of @flows, guarded by @lock */
	struct hlist_head flows;	/* guarded by @lock */
	u64 past[TWAIT_PAST_TUPLES];	/* guarded by @lock, the last one first */
};

static struct twait_bucket *buckets;
static unsigned int bucket_mask;
static struct twait_pool pool;
/* Four-tuples are the attacker's choice; where they fall must not be. */
static hsiphash_key_t hash_key __read_mostly __aligned(HSIPHASH_ALIGNMENT);

static struct twait_bucket *bucket_of(u32 hash)
{
	return &buckets[hash & bucket_mask];
}

/**
 * twait_flow_init() - make the table
 * @max_records: never more records than this
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int twait_flow_init(unsigned int max_records)
{
	unsigned int n = roundup_pow_of_two(max_records);
	unsigned int i;
	int err;

	BUILD_BUG_ON(sizeof(struct twait_flow) > TWAIT_FLOW_BYTES_MAX);

	/* It is compared byte by byte. */
	BUILD_BUG_ON(sizeof(struct twait_tuple) !=
		     2 * sizeof(struct in6_addr) + 2 * sizeof(__be16));

	get_random_bytes(&hash_key, sizeof(hash_key));
	buckets = kvcalloc(n, sizeof(*buckets), GFP_KERNEL);
	if (!buckets)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		raw_spin_lock_init(&buckets[i].lock);
		INIT_HLIST_HEAD(&buckets[i].flows);
	}
	bucket_mask = n - 1;
	err = twait_pool_init(&pool, sizeof(struct twait_flow), max_records);
	if (err)
		kvfree(buckets);
	return err;
}

void twait_flow_exit(void)
{
	twait_pool_exit(&pool);
	kvfree(buckets);
}

unsigned int twait_flow_max(void)
{
	return pool.objects_max;
}

/* What hsiphash() is fed: no hole in it, and aligned to its liking. */
struct flow_key {
	struct in6_addr local;
	struct in6_addr remote;
	u32 ports;
	u32 space_id;
} __aligned(HSIPHASH_ALIGNMENT);

/**
 * twait_flow_hash() - where a flow's record stands
 * @tuple: the flow
 * @net: its namespace
 *
 * Of the namespace nothing but its address is taken: one that dies leads nowhere any
 * more, but the records of its waits must still be found; and on new kernels what a
 * wait has sent holds the wait and may outlive the namespace.
 *
 * Context: any.
 * Return: keyed hash, of 32 bits worth; the same for the life of the module. Its low
 * half tells the bucket, its upper half is spread evenly.
 */
u64 twait_flow_hash(const struct twait_tuple *tuple, const struct net *net)
{
	u32 space_id = (unsigned long)net >> L1_CACHE_SHIFT;
	u16 local_port = (__force u16)tuple->local_port;
	u16 remote_port = (__force u16)tuple->remote_port;
	u32 ports = (u32)local_port << 16 | remote_port;
	u32 hash;

	/* Half the rounds for IPv4: all its addresses begin alike. */
	if (ipv6_addr_v4mapped(&tuple->local)) {
		hash = hsiphash_4u32((__force u32)tuple->local.s6_addr32[3],
				     (__force u32)tuple->remote.s6_addr32[3],
				     ports, space_id, &hash_key);
	} else {
		struct flow_key key = {
			.local = tuple->local,
			.remote = tuple->remote,
			.ports = ports,
			.space_id = space_id,
		};

		hash = hsiphash(&key, sizeof(key), &hash_key);
	}
	/* Of tuples that it does not tell apart the ports most likely do. */
	return (u64)hash << 32 |
	       (hash ^ (u32)(u16)(local_port * 31 + remote_port) << 16);
}

/* Before many records are taken: see twait_pool_replenish(). */
void twait_flow_replenish(void)
{
	twait_pool_replenish(&pool);
}

/**
 * twait_flow_take() - a fresh record
 *
 * Context: any but NMI.
 * Return: the record, its content undefined, or NULL if there is none.
 */
struct twait_flow *twait_flow_take(void)
{
	return twait_pool_take(&pool);
}

void twait_flow_give(struct twait_flow *flow)
{
	twait_pool_give(&pool, flow);
}

static bool is_past(u64 past, u64 hash)
{
	return past && (past ^ hash) >> TWAIT_PAST_COUNT_BITS == 0;
}

/*
 * Counts one more wait of a four-tuple. Context: the bucket locked. Return: how
 * many it is; @forgets is set if that pushed out another one's count.
 */
static unsigned int count_past(struct twait_bucket *bucket, u64 hash,
			       bool *forgets)
{
	u64 *past = bucket->past;
	u64 now = hash & ~(u64)TWAIT_PAST_COUNT_MAX;

	if (is_past(past[0], hash)) {
		now = past[0];
	} else {
		if (is_past(past[1], hash))
			now = past[1];
		else
			*forgets = past[1];
		past[1] = past[0];
	}
	if ((now & TWAIT_PAST_COUNT_MAX) < TWAIT_PAST_COUNT_MAX)
		now++;
	past[0] = now;
	return now & TWAIT_PAST_COUNT_MAX;
}

atomic_t twait_ghosts_by_hash[1 << TWAIT_GHOST_BITS];
atomic_t twait_incarnations_by_hash[1 << TWAIT_INCARNATION_BITS];

static void forget_incarnation(struct twait_flow *ghost)
{
	if (ghost->incarnation)
		atomic_dec(twait_incarnations_of(ghost->incarnation));
	ghost->incarnation = NULL;
}

/**
 * twait_flow_set_incarnation() - a new connection has the four-tuple of a ghost
 * @ghost: in its locked bucket
 * @sk: its socket; compared, never followed
 */
void twait_flow_set_incarnation(struct twait_flow *ghost, const struct sock *sk)
{
	forget_incarnation(ghost);
	ghost->incarnation = sk;
	atomic_inc(twait_incarnations_of(sk));
}

/**
 * twait_flow_vanish() - a ghost is no more
 * @ghost: out of its bucket; the caller gives it back
 */
void twait_flow_vanish(struct twait_flow *ghost)
{
	forget_incarnation(ghost);
	atomic_dec(twait_ghosts_of(ghost->ehash));
}

static bool is_ghost_of(const struct twait_flow *flow, u32 hash,
			const struct twait_tuple *tuple, const void *space)
{
	return flow->info.state == TWAIT_STATE_GHOST && flow->hash == hash &&
	       flow->space == space &&
	       !memcmp(&flow->info.tuple, tuple, sizeof(*tuple));
}

/* Context: the bucket locked. */
static struct twait_flow *find_ghost(struct twait_bucket *bucket, u32 hash,
				     const struct twait_tuple *tuple,
				     const void *space)
{
	struct twait_flow *flow;

	hlist_for_each_entry(flow, &bucket->flows, node)
		if (is_ghost_of(flow, hash, tuple, space))
			return flow;
	return NULL;
}

/* Takes out the ghost that has the same four-tuple. Context: the bucket locked. */
static struct twait_flow *evict_ghost(struct twait_bucket *bucket,
				      const struct twait_flow *by)
{
	struct twait_flow *ghost = find_ghost(bucket, by->hash,
					      &by->info.tuple, by->space);

	if (ghost) {
		__hlist_del(&ghost->node);
		bucket->ghosts--;
	}
	return ghost;
}

/**
 * twait_flow_insert() - put a record into the table
 * @flow: complete but for its hash, and how often its four-tuple has waited
 * @hash: from twait_flow_hash()
 * @ghost: set to the ghost of this four-tuple, taken out, if there is one
 *
 * Context: any but NMI.
 * Return: whether it was forgotten of another four-tuple how often it waited.
 */
bool twait_flow_insert(struct twait_flow *flow, u64 hash,
		       struct twait_flow **ghost)
{
	struct twait_bucket *bucket = bucket_of(hash);
	bool forgets = false;
	unsigned long flags;

	flow->hash = hash;
	raw_spin_lock_irqsave(&bucket->lock, flags);
	flow->info.waits = count_past(bucket, hash, &forgets);
	if (unlikely(bucket->ghosts))
		*ghost = evict_ghost(bucket, flow);
	hlist_add_head(&flow->node, &bucket->flows);
	raw_spin_unlock_irqrestore(&bucket->lock, flags);
	return forgets;
}

/**
 * twait_flow_keep() - put a ghost into the table
 * @ghost: complete, its hash too
 *
 * Context: any but NMI.
 * Return: the one that had its four-tuple before, taken out, or NULL.
 */
struct twait_flow *twait_flow_keep(struct twait_flow *ghost)
{
	struct twait_bucket *bucket = bucket_of(ghost->hash);
	struct twait_flow *older;
	unsigned long flags;

	atomic_inc(twait_ghosts_of(ghost->ehash));
	raw_spin_lock_irqsave(&bucket->lock, flags);
	older = evict_ghost(bucket, ghost);
	hlist_add_head(&ghost->node, &bucket->flows);
	bucket->ghosts++;
	raw_spin_unlock_irqrestore(&bucket->lock, flags);
	return older;
}

/**
 * twait_flow_fills() - are more records in use than so many eighths?
 * @eighths: of all that there may be
 *
 * Context: any.
 */
bool twait_flow_fills(unsigned int eighths)
{
	return twait_pool_in_use(&pool) > pool.objects_max / 8 * eighths;
}

/**
 * twait_flow_remove() - take a record out of the table
 * @flow: the record
 *
 * Context: its bucket is locked by twait_flow_lock(); the caller unlocks, and
 * gives the record back.
 */
void twait_flow_remove(struct twait_flow *flow)
{
	struct twait_bucket *bucket = bucket_of(flow->hash);

	lockdep_assert_held(&bucket->lock);
	__hlist_del(&flow->node);
	if (flow->info.state == TWAIT_STATE_GHOST)
		bucket->ghosts--;
}

/**
 * twait_flow_lock() - lock the bucket of a minisock and look for its record
 * @hash: twait_flow_hash() of the minisock's four-tuple
 * @tw: the minisock; compared, not followed
 * @flags: for twait_flow_unlock()
 *
 * Context: any but NMI. Interrupts are off until twait_flow_unlock().
 * Return: the record, or NULL if there is none; the bucket is locked either way.
 */
struct twait_flow *twait_flow_lock(u32 hash,
				   const struct inet_timewait_sock *tw,
				   unsigned long *flags)
	__acquires(bucket)
{
	struct twait_bucket *bucket = bucket_of(hash);
	struct twait_flow *flow;

	raw_spin_lock_irqsave(&bucket->lock, *flags);
	hlist_for_each_entry(flow, &bucket->flows, node)
		if (flow->tw == tw && flow->hash == hash)
			return flow;
	return NULL;
}

/**
 * twait_flow_lock_ghost() - lock the bucket of a four-tuple and look for its ghost
 * @hash: twait_flow_hash() of it
 * @tuple: the four-tuple
 * @space: whose namespace it is
 * @flags: for twait_flow_unlock()
 *
 * Context: any but NMI. Interrupts are off until twait_flow_unlock().
 * Return: the ghost, or NULL if there is none; the bucket is locked either way.
 */
struct twait_flow *twait_flow_lock_ghost(u32 hash,
					 const struct twait_tuple *tuple,
					 const void *space,
					 unsigned long *flags)
	__acquires(bucket)
{
	struct twait_bucket *bucket = bucket_of(hash);

	raw_spin_lock_irqsave(&bucket->lock, *flags);
	return find_ghost(bucket, hash, tuple, space);
}

void twait_flow_unlock(u32 hash, unsigned long flags)
	__releases(bucket)
{
	raw_spin_unlock_irqrestore(&bucket_of(hash)->lock, flags);
}

unsigned int twait_flow_buckets(void)
{
	return bucket_mask + 1;
}

/* Without the lock: a reader who comes a moment later sees the same. */
bool twait_flow_bucket_is_empty(unsigned int bucket)
{
	return !READ_ONCE(buckets[bucket].flows.first);
}

/**
 * twait_flow_bucket_visit() - look at every record of a bucket
 * @bucket: below twait_flow_buckets()
 * @visit: called with the bucket locked and interrupts off; may remove the
 *         record, must not sleep
 * @arg: for @visit
 *
 * Context: process or softirq.
 */
void twait_flow_bucket_visit(unsigned int bucket,
			     void (*visit)(struct twait_flow *flow, void *arg),
			     void *arg)
{
	struct hlist_node *next;
	struct twait_flow *flow;
	unsigned long flags;

	raw_spin_lock_irqsave(&buckets[bucket].lock, flags);
	hlist_for_each_entry_safe(flow, next, &buckets[bucket].flows, node)
		visit(flow, arg);
	raw_spin_unlock_irqrestore(&buckets[bucket].lock, flags);
}

/**
 * twait_flow_visit_ghosts() - look at every record where there are ghosts
 * @visit: see twait_flow_bucket_visit()
 * @arg: for @visit
 *
 * Context: process, may sleep.
 */
void twait_flow_visit_ghosts(void (*visit)(struct twait_flow *flow, void *arg),
			     void *arg)
{
	unsigned int i;

	for (i = 0; i <= bucket_mask; i++) {
		if (READ_ONCE(buckets[i].ghosts))
			twait_flow_bucket_visit(i, visit, arg);
		if (!(i & 0xfff))
			cond_resched();
	}
}

/**
 * twait_flow_visit_all() - look at every record there is
 * @visit: see twait_flow_bucket_visit()
 * @arg: for @visit
 *
 * Context: process, may sleep.
 */
void twait_flow_visit_all(void (*visit)(struct twait_flow *flow, void *arg),
			  void *arg)
{
	unsigned int i;

	for (i = 0; i <= bucket_mask; i++) {
		if (READ_ONCE(buckets[i].flows.first))
			twait_flow_bucket_visit(i, visit, arg);
		if (!(i & 0xfff))
			cond_resched();
	}
}
