/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of records: one for each flow that waits. */
#ifndef TWAIT_FLOW_H
#define TWAIT_FLOW_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/hash.h>
#include <linux/list.h>
#include <linux/types.h>
#include <net/sock.h>

#include "types.h"

struct inet_timewait_sock;

/**
 * struct twait_flow - the record of one wait, or of what was one: a ghost
 * @node: in its bucket
 * @tw: the minisock; compared, never followed; NULL for a ghost
 * @space: whose namespace it is
 * @info: what is told of it
 * @expires: when its timer should fire, or the ghost is to go, in jiffies
 * @hash: of its four-tuple and namespace
 * @true_at: of a wait: when it became a TIME_WAIT, or began, in jiffies
 * @by_seq: of a wait: first sequence number of the segment that @offer is of
 * @by_end_seq: of a wait: the one after its last
 * @acked_at: of a wait: when it last sent an ACK, low bits of jiffies
 * @incarnation: of a ghost: socket of the next connection; compared, never followed
 * @old_rcv_nxt: of a ghost: what the old connection expected last
 * @old_rcv_wnd: of a ghost: the window that it had, in bytes
 * @ehash: of a ghost: &struct sock.sk_hash of whatever has its four-tuple
 * @offer_context: who made @offer, to know it again
 * @offer: fate that the last segment offered, or TWAIT_FATE_NONE; it becomes
 *         the wait's fate if the kernel lets go of the wait at once
 * @settled: a decision fell, info.fate says which; the kernel still holds
 *           references
 * @by_kind: enum twait_segment_kind of that segment
 * @acked_kind: enum twait_segment_kind of what the last ACK answered;
 *              %TWAIT_KIND_MAX before the first
 * @walk: low bits of the number of the last walk that met the minisock
 *
 * All but @hash is guarded by the bucket's lock.
 */
struct twait_flow {
	struct hlist_node node;
	const struct inet_timewait_sock *tw;
	void *space;
	struct twait_info info;
	unsigned long expires;
	union {
		struct {
			unsigned long true_at;
			u32 by_seq;
			u32 by_end_seq;
			u32 acked_at;
		};
		struct {
			const struct sock *incarnation;
			u32 old_rcv_nxt;
			u32 old_rcv_wnd;
			u32 ehash;
		};
	};
	u32 hash;
	u32 offer_context;
	u8 offer;
	bool settled;
	u8 by_kind;
	u8 acked_kind;
	u16 walk;
};

#define TWAIT_FLOW_BYTES_MAX	216

/*
 * Every connection that begins, and every segment of one, asks whether it has the
 * four-tuple of a ghost. For most of them the answer is in one word: how many ghosts
 * there are with such a hash of the four-tuple, and how many whose next connection's
 * socket has such a hash of its address.
 */
#define TWAIT_GHOST_BITS	14
#define TWAIT_INCARNATION_BITS	10

extern atomic_t twait_ghosts_by_hash[1 << TWAIT_GHOST_BITS];
extern atomic_t twait_incarnations_by_hash[1 << TWAIT_INCARNATION_BITS];

static inline atomic_t *twait_ghosts_of(u32 ehash)
{
	return &twait_ghosts_by_hash[ehash & (BIT(TWAIT_GHOST_BITS) - 1)];
}

static inline atomic_t *twait_incarnations_of(const struct sock *sk)
{
	return &twait_incarnations_by_hash[hash_ptr(sk, TWAIT_INCARNATION_BITS)];
}

/**
 * twait_flow_may_be_ghost() - may there be a ghost of a socket's four-tuple?
 * @sk: the socket, in the kernel's hash table
 *
 * Context: any.
 * Return: false if surely not.
 */
static inline bool twait_flow_may_be_ghost(const struct sock *sk)
{
	return atomic_read(twait_ghosts_of(sk->sk_hash));
}

/**
 * twait_flow_is_incarnation() - may a socket have the four-tuple of a ghost?
 * @sk: the socket
 *
 * Context: any.
 * Return: false if surely not.
 */
static inline bool twait_flow_is_incarnation(const struct sock *sk)
{
	return atomic_read(twait_incarnations_of(sk));
}

int twait_flow_init(unsigned int max_records);
void twait_flow_exit(void);
unsigned int twait_flow_max(void);

u64 twait_flow_hash(const struct twait_tuple *tuple, const struct net *net);

void twait_flow_replenish(void);
struct twait_flow *twait_flow_take(void);
void twait_flow_give(struct twait_flow *flow);
bool twait_flow_insert(struct twait_flow *flow, u64 hash,
		       struct twait_flow **ghost);
struct twait_flow *twait_flow_keep(struct twait_flow *ghost);
bool twait_flow_fills(unsigned int eighths);
void twait_flow_remove(struct twait_flow *flow);

struct twait_flow *twait_flow_lock(u32 hash,
				   const struct inet_timewait_sock *tw,
				   unsigned long *flags) __acquires(bucket);
struct twait_flow *twait_flow_lock_ghost(u32 hash,
					 const struct twait_tuple *tuple,
					 const void *space,
					 unsigned long *flags) __acquires(bucket);
void twait_flow_unlock(u32 hash, unsigned long flags) __releases(bucket);

void twait_flow_vanish(struct twait_flow *ghost);
void twait_flow_set_incarnation(struct twait_flow *ghost,
				const struct sock *sk);

unsigned int twait_flow_buckets(void);
bool twait_flow_bucket_is_empty(unsigned int bucket);
void twait_flow_bucket_visit(unsigned int bucket,
			     void (*visit)(struct twait_flow *flow, void *arg),
			     void *arg);
void twait_flow_visit_ghosts(void (*visit)(struct twait_flow *flow, void *arg),
			     void *arg);
void twait_flow_visit_all(void (*visit)(struct twait_flow *flow, void *arg),
			  void *arg);

#endif
