/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of records: one for each flow that waits. */
#ifndef TWAIT_FLOW_H
#define TWAIT_FLOW_H

#include <linux/list.h>
#include <linux/types.h>

#include "types.h"

/**
 * struct twait_flow - the record of one wait
 * @node: in its bucket
 * @tw: the minisock; compared, never followed
 * @space: whose namespace it is
 * @info: what is told of it
 * @expires: when its timer should fire, in jiffies
 * @hash: of its four-tuple and namespace
 * @by_seq: first sequence number of the segment that @offer is of
 * @by_end_seq: the one after its last
 * @acked_at: when the wait last sent an ACK, low bits of jiffies
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
	u32 hash;
	u32 offer_context;
	u32 by_seq;
	u32 by_end_seq;
	u32 acked_at;
	u8 offer;
	bool settled;
	u8 by_kind;
	u8 acked_kind;
	u16 walk;
};

#define TWAIT_FLOW_BYTES_MAX	208

int twait_flow_init(unsigned int max_records);
void twait_flow_exit(void);
unsigned int twait_flow_max(void);

u64 twait_flow_hash(const struct twait_tuple *tuple, u32 space_id);

void twait_flow_replenish(void);
struct twait_flow *twait_flow_take(void);
void twait_flow_give(struct twait_flow *flow);
bool twait_flow_insert(struct twait_flow *flow, u64 hash);
void twait_flow_remove(struct twait_flow *flow);

struct twait_flow *twait_flow_lock(u32 hash,
				   const struct inet_timewait_sock *tw,
				   unsigned long *flags) __acquires(bucket);
void twait_flow_unlock(u32 hash, unsigned long flags) __releases(bucket);

unsigned int twait_flow_buckets(void);
bool twait_flow_bucket_is_empty(unsigned int bucket);
void twait_flow_bucket_visit(unsigned int bucket,
			     void (*visit)(struct twait_flow *flow, void *arg),
			     void *arg);

#endif
