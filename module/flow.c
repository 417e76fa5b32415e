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
#include <linux/siphash.h>
#include <linux/spinlock.h>
#include <net/ipv6.h>

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
	struct hlist_head flows;	/* guarded by @lock */
	u64 past[TWAIT_PAST_TUPLES];	/* guarded by @lock, the last one first */
};

static struct twait_bucket *buckets;
static unsigned int bucket_mask;
static struct twait_pool pool;
/* Four-tuples are the attacker's choice; where they fall must not be. */
static siphash_key_t hash_key __read_mostly __aligned(SIPHASH_ALIGNMENT);

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

/* What siphash() is fed: no hole in it, and aligned to its liking. */
struct flow_key {
	struct in6_addr local;
	struct in6_addr remote;
	u64 ports;
} __aligned(SIPHASH_ALIGNMENT);

/**
 * twait_flow_hash() - where a flow's record stands
 * @tuple: the flow
 * @space_id: its namespace
 *
 * Context: any.
 * Return: keyed hash; the same for the life of the module. Its low half tells
 * the bucket.
 */
u64 twait_flow_hash(const struct twait_tuple *tuple, u32 space_id)
{
	struct flow_key key = {
		.ports = (u64)space_id << 32 |
			 (u32)(__force u16)tuple->local_port << 16 |
			 (__force u16)tuple->remote_port,
	};

	/* Half the rounds for IPv4: all its addresses begin alike. */
	if (ipv6_addr_v4mapped(&tuple->local))
		return siphash_2u64((u64)(__force u32)tuple->local.s6_addr32[3] << 32 |
				    (__force u32)tuple->remote.s6_addr32[3],
				    key.ports, &hash_key);
	key.local = tuple->local;
	key.remote = tuple->remote;
	return siphash(&key, sizeof(key), &hash_key);
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

/**
 * twait_flow_insert() - put a record into the table
 * @flow: complete but for its hash, and how often its four-tuple has waited
 * @hash: from twait_flow_hash()
 *
 * Context: any but NMI.
 * Return: whether it was forgotten of another four-tuple how often it waited.
 */
bool twait_flow_insert(struct twait_flow *flow, u64 hash)
{
	struct twait_bucket *bucket = bucket_of(hash);
	bool forgets = false;
	unsigned long flags;

	flow->hash = hash;
	raw_spin_lock_irqsave(&bucket->lock, flags);
	flow->info.waits = count_past(bucket, hash, &forgets);
	hlist_add_head(&flow->node, &bucket->flows);
	raw_spin_unlock_irqrestore(&bucket->lock, flags);
	return forgets;
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
	lockdep_assert_held(&bucket_of(flow->hash)->lock);
	__hlist_del(&flow->node);
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
