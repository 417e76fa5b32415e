// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings of events: one for all namespaces, each reader with its own cursor.
 *
 * Memory is bounded by the ring, whoever emits how much. A namespace's events
 * are numbered without a hole, so a reader knows from the numbers alone how
 * many it lost, and is told of its own losses only.
 */
#include <linux/delay.h>
#include <linux/kmemleak.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "events.h"

/* Slots looked at under the lock before letting others have a turn. */
#define TWAIT_SCAN_SLOTS	128

/* How long the last pollers may take to go, in tenths of a second. */
#define TWAIT_DISMISS_TRIES	20

static void ring_wake(struct work_struct *work)
{
	struct twait_ring *ring = container_of(work, struct twait_ring,
					       wake_work);

	wake_up_all(ring->readers);
}

/**
 * struct readers - the wait queue of a ring, and what outlives us with it
 * @queue: who waits
 * @key: lockdep's class of its lock: a static one would go with the module,
 *       under the feet of a sleeper that stays
 * @name: of that class, likewise
 */
struct readers {
	wait_queue_head_t queue;
	struct lock_class_key key;
	char name[16];
};

static wait_queue_head_t *readers_alloc(void)
{
	struct readers *readers = kzalloc(sizeof(*readers), GFP_KERNEL);

	if (!readers)
		return NULL;
	strscpy(readers->name, "twait_readers", sizeof(readers->name));
	lockdep_register_key(&readers->key);
	__init_waitqueue_head(&readers->queue, readers->name, &readers->key);
	return &readers->queue;
}

static void readers_free(wait_queue_head_t *queue)
{
	struct readers *readers = container_of(queue, struct readers, queue);

	lockdep_unregister_key(&readers->key);
	kfree(readers);
}

/**
 * twait_ring_init() - make a ring
 * @ring: the ring
 * @slots: number of events it keeps, a power of two
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int twait_ring_init(struct twait_ring *ring, unsigned int slots)
{
	raw_spin_lock_init(&ring->lock);
	INIT_WORK(&ring->wake_work, ring_wake);
	ring->head = 0;
	ring->mask = slots - 1;
	ring->readers = readers_alloc();
	if (!ring->readers)
		return -ENOMEM;
	ring->slots = kvcalloc(slots, sizeof(*ring->slots), GFP_KERNEL);
	if (!ring->slots) {
		readers_free(ring->readers);
		return -ENOMEM;
	}
	return 0;
}

/*
 * An open file does not keep the module, and a poll() or epoll that was begun
 * on it hangs in our wait queue. The former leaves when it is woken, the latter
 * when it is told that the queue goes away (POLLFREE). But a select() for
 * exceptions alone sleeps on whatever it is told, for as long as it likes.
 */
static bool ring_dismiss_pollers(struct twait_ring *ring)
{
	int tries;

	for (tries = 0; wq_has_sleeper(ring->readers); tries++) {
		if (tries == TWAIT_DISMISS_TRIES)
			return false;
		__wake_up(ring->readers, TASK_NORMAL, 0,
			  poll_to_key(EPOLLHUP | POLLFREE));
		msleep(100);
	}
	/* The last to leave may still hold the lock. */
	spin_lock_irq(&ring->readers->lock);
	spin_unlock_irq(&ring->readers->lock);
	/* Epoll looks at the queue under RCU. */
	synchronize_rcu();
	return true;
}

/**
 * twait_ring_exit() - free a ring
 * @ring: nothing is emitted any more, and its files are removed
 *
 * Context: process, may sleep.
 */
void twait_ring_exit(struct twait_ring *ring)
{
	cancel_work_sync(&ring->wake_work);
	/* Where somebody stays, the queue stays with him, and is no mistake. */
	if (ring_dismiss_pollers(ring))
		readers_free(ring->readers);
	else
		kmemleak_not_leak(container_of(ring->readers, struct readers,
					       queue));
	kvfree(ring->slots);
}

/**
 * twait_ring_emit() - put an event into a ring
 * @ring: the ring
 * @stream: of the namespace that it belongs to
 * @event: complete but for its number, which it gets here
 *
 * Context: any but NMI. One lock for all CPUs: only for the rare kinds, or
 * while somebody reads.
 */
void twait_ring_emit(struct twait_ring *ring, struct twait_stream *stream,
		     struct twait_event *event)
{
	bool watched;
	unsigned long flags;

	raw_spin_lock_irqsave(&ring->lock, flags);
	event->seq = stream->next_seq++;
	ring->slots[ring->head++ & ring->mask] = *event;
	watched = stream->watchers;
	raw_spin_unlock_irqrestore(&ring->lock, flags);
	if (watched)
		schedule_work(&ring->wake_work);
}

/**
 * twait_stream_close() - let blocked readers go, with end of file
 * @ring: the ring
 * @stream: emits nothing more
 *
 * Context: process.
 */
void twait_stream_close(struct twait_ring *ring, struct twait_stream *stream)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&ring->lock, flags);
	WRITE_ONCE(stream->closed, true);
	raw_spin_unlock_irqrestore(&ring->lock, flags);
	wake_up_all(ring->readers);
}

void twait_stream_totals(struct twait_ring *ring, struct twait_stream *stream,
			 u64 *emitted, u64 *lost)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&ring->lock, flags);
	*emitted = stream->next_seq;
	*lost = stream->lost;
	raw_spin_unlock_irqrestore(&ring->lock, flags);
}

/**
 * twait_cursor_follow() - begin with the next event to come
 * @cursor: ring, stream and space set
 */
void twait_cursor_follow(struct twait_cursor *cursor)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&cursor->ring->lock, flags);
	cursor->pos = cursor->ring->head;
	cursor->seq = cursor->stream->next_seq;
	WRITE_ONCE(cursor->stream->watchers, cursor->stream->watchers + 1);
	raw_spin_unlock_irqrestore(&cursor->ring->lock, flags);
}

void twait_cursor_unfollow(struct twait_cursor *cursor)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&cursor->ring->lock, flags);
	WRITE_ONCE(cursor->stream->watchers, cursor->stream->watchers - 1);
	raw_spin_unlock_irqrestore(&cursor->ring->lock, flags);
}

static u64 ring_tail(const struct twait_ring *ring)
{
	return ring->head > ring->mask ? ring->head - ring->mask - 1 : 0;
}

/**
 * twait_cursor_rewind() - begin with the oldest event still there
 * @cursor: ring, stream and space set
 *
 * What was overwritten before is not a loss of this reader: the file promises
 * the recent events only.
 */
void twait_cursor_rewind(struct twait_cursor *cursor)
{
	struct twait_ring *ring = cursor->ring;
	unsigned long flags;
	u64 pos;

	raw_spin_lock_irqsave(&ring->lock, flags);
	cursor->pos = ring_tail(ring);
	cursor->seq = cursor->stream->next_seq;
	for (pos = cursor->pos; pos < ring->head; pos++) {
		const struct twait_event *slot = &ring->slots[pos & ring->mask];

		if (slot->space == cursor->space) {
			cursor->seq = slot->seq;
			break;
		}
	}
	raw_spin_unlock_irqrestore(&ring->lock, flags);
}

/**
 * twait_cursor_has_next() - would twait_cursor_next() have something to say?
 * @cursor: the reader's
 *
 * Context: any but NMI.
 */
bool twait_cursor_has_next(struct twait_cursor *cursor)
{
	return READ_ONCE(cursor->stream->next_seq) != cursor->seq ||
	       READ_ONCE(cursor->stream->closed);
}

/* The reader's next event within @slots, or NULL. Context: ring locked. */
static const struct twait_event *cursor_scan(struct twait_cursor *cursor,
					     unsigned int slots)
{
	struct twait_ring *ring = cursor->ring;

	for (; slots && cursor->pos < ring->head; slots--, cursor->pos++) {
		const struct twait_event *slot =
			&ring->slots[cursor->pos & ring->mask];

		if (slot->space == cursor->space && slot->seq >= cursor->seq)
			return slot;
	}
	return NULL;
}

/**
 * twait_cursor_next() - read one event
 * @cursor: the reader's; moved on
 * @event: filled if there is one
 *
 * Context: process; may be called again and again by a slow reader, holds the
 * lock for TWAIT_SCAN_SLOTS slots at most.
 * Return: 1 with an event; 0 if there is none yet; -EPIPE if some were
 * overwritten before they were read: said once and counted, then it goes on.
 */
int twait_cursor_next(struct twait_cursor *cursor, struct twait_event *event)
{
	struct twait_ring *ring = cursor->ring;
	const struct twait_event *slot;
	unsigned long flags;
	u64 next;

	for (;;) {
		raw_spin_lock_irqsave(&ring->lock, flags);
		cursor->pos = max(cursor->pos, ring_tail(ring));
		slot = cursor_scan(cursor, TWAIT_SCAN_SLOTS);
		if (slot || cursor->pos == ring->head)
			break;
		raw_spin_unlock_irqrestore(&ring->lock, flags);
		cond_resched();
	}
	/* What should come next, and what is there. */
	next = slot ? slot->seq : cursor->stream->next_seq;
	if (next != cursor->seq) {
		cursor->stream->lost += next - cursor->seq;
		cursor->seq = next;
		raw_spin_unlock_irqrestore(&ring->lock, flags);
		return -EPIPE;
	}
	if (slot) {
		*event = *slot;
		cursor->pos++;
		cursor->seq++;
	}
	raw_spin_unlock_irqrestore(&ring->lock, flags);
	return !!slot;
}
