/* SPDX-License-Identifier: GPL-2.0-only */
/* Rings of events: one for all namespaces, each reader with its own cursor. */
#ifndef TWAIT_EVENTS_H
#define TWAIT_EVENTS_H

#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "types.h"

/**
 * struct twait_ring - the last events of all namespaces
 * @lock: guards @head, what is in @slots, and the &struct twait_stream that
 *        feed it
 * @head: events ever emitted; the next goes to slot head % (mask + 1)
 * @mask: number of slots - 1
 * @slots: the events
 * @readers: who waits for the next one; by itself, so that it can outlive us
 * @wake_work: wakes @readers, in process context: their number is not ours to
 *             choose, and on PREEMPT_RT a wait queue's lock sleeps
 */
struct twait_ring {
	raw_spinlock_t lock;
	u64 head;
	unsigned int mask;
	struct twait_event *slots;
	wait_queue_head_t *readers;
	struct work_struct wake_work;
};

/**
 * struct twait_stream - what one namespace has put into a ring
 * @next_seq: number of its next event, so also how many it emitted
 * @lost: events that a reader came too late for, summed over its readers
 * @watchers: readers that follow it; events of the frequent kinds are only
 *            emitted while there is one. Written with @lock held, read without
 * @closed: its namespace or the module goes away, readers get end of file
 *
 * Guarded by the ring's lock.
 */
struct twait_stream {
	u64 next_seq;
	u64 lost;
	unsigned int watchers;
	bool closed;
};

/**
 * struct twait_cursor - how far a reader is
 * @ring: read from
 * @stream: the reader's own
 * @space: number of its namespace, which its events carry
 * @pos: next slot to look at, counted as &twait_ring.head
 * @seq: number of the next event it expects
 */
struct twait_cursor {
	struct twait_ring *ring;
	struct twait_stream *stream;
	u32 space;
	u64 pos;
	u64 seq;
};

int twait_ring_init(struct twait_ring *ring, unsigned int slots);
void twait_ring_exit(struct twait_ring *ring);
void twait_ring_emit(struct twait_ring *ring, struct twait_stream *stream,
		     struct twait_event *event);
void twait_stream_close(struct twait_ring *ring, struct twait_stream *stream);
void twait_stream_totals(struct twait_ring *ring, struct twait_stream *stream,
			 u64 *emitted, u64 *lost);

void twait_cursor_follow(struct twait_cursor *cursor);
void twait_cursor_unfollow(struct twait_cursor *cursor);
void twait_cursor_rewind(struct twait_cursor *cursor);
bool twait_cursor_has_next(struct twait_cursor *cursor);
int twait_cursor_next(struct twait_cursor *cursor, struct twait_event *event);

static inline bool twait_stream_is_watched(const struct twait_stream *stream)
{
	return READ_ONCE(stream->watchers);
}

#endif
