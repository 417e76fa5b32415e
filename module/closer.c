// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which process closed a socket, until its wait begins.
 *
 * The FIN goes out in the context of the process that closed; the wait begins
 * a round trip later, mostly in softirq, where current is anybody. So a note is
 * left under the socket's address when the FIN goes, and taken when the wait
 * begins or the socket is closed without one.
 */
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>

#include "closer.h"
#include "pool.h"

#define TWAIT_CLOSER_BITS_MIN	10
#define TWAIT_CLOSER_BITS_MAX	18

/**
 * struct twait_note - one closed socket
 * @node: in its bucket
 * @sk: the socket; compared, not followed
 * @owner: who closed it
 */
struct twait_note {
	struct hlist_node node;
	const struct sock *sk;
	struct twait_owner owner;
};

struct twait_note_bucket {
	raw_spinlock_t lock;
	struct hlist_head notes;	/* guarded by @lock */
};

static struct twait_note_bucket *buckets;
static unsigned int bucket_bits;
static struct twait_pool pool;

static struct twait_note_bucket *bucket_of(const struct sock *sk)
{
	return &buckets[hash_ptr(sk, bucket_bits)];
}

/**
 * twait_closer_init() - make room for notes
 * @max_notes: bound on sockets whose FIN is out and whose wait has not begun
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int twait_closer_init(unsigned int max_notes)
{
	unsigned int i;
	int err;

	/* Four in a bucket if peers that never answer have filled them all. */
	bucket_bits = clamp_t(unsigned int, ilog2(max_notes) - 2,
			      TWAIT_CLOSER_BITS_MIN, TWAIT_CLOSER_BITS_MAX);
	buckets = kvmalloc_array(1U << bucket_bits, sizeof(*buckets),
				 GFP_KERNEL);
	if (!buckets)
		return -ENOMEM;
	for (i = 0; i < 1U << bucket_bits; i++) {
		raw_spin_lock_init(&buckets[i].lock);
		INIT_HLIST_HEAD(&buckets[i].notes);
	}
	err = twait_pool_init(&pool, sizeof(struct twait_note), max_notes);
	if (err)
		kvfree(buckets);
	return err;
}

void twait_closer_exit(void)
{
	twait_pool_exit(&pool);
	kvfree(buckets);
}

/**
 * twait_closer_current() - who is running
 * @owner: filled with the current process
 *
 * Context: process context; does not sleep.
 */
void twait_closer_current(struct twait_owner *owner)
{
	const struct pid_namespace *pidns = task_active_pid_ns(current);

	owner->pid = current->tgid;
	/* Gone already while the last files of a process are closed. */
	owner->own_pid = pidns == &init_pid_ns ? current->tgid :
			 task_tgid_vnr(current);
	owner->own_pidns = pidns ? pidns->ns.inum : 0;
	/*
	 * The leader's name is the process' name. A rename at this very moment
	 * may be seen half done; the last byte is NUL all the same.
	 */
	memcpy(owner->comm, current->group_leader->comm, sizeof(owner->comm));
	owner->comm[sizeof(owner->comm) - 1] = '\0';
}

static struct twait_note *note_unlink(struct twait_note_bucket *bucket,
				      const struct sock *sk)
{
	struct twait_note *note;
	unsigned long flags;

	/*
	 * Most sockets that close have no note, and most buckets are empty. A
	 * note that matters to us was left in this socket's own past, which
	 * the socket's lock orders before us.
	 */
	if (!READ_ONCE(bucket->notes.first))
		return NULL;
	raw_spin_lock_irqsave(&bucket->lock, flags);
	hlist_for_each_entry(note, &bucket->notes, node)
		if (note->sk == sk) {
			__hlist_del(&note->node);
			break;
		}
	raw_spin_unlock_irqrestore(&bucket->lock, flags);
	return note;
}

/**
 * twait_closer_note() - the current process closes a socket
 * @sk: the socket, locked by its owner
 *
 * Context: process context; does not sleep.
 * Return: false if there was no memory for the note.
 */
bool twait_closer_note(const struct sock *sk)
{
	struct twait_note_bucket *bucket = bucket_of(sk);
	struct twait_note *note;
	unsigned long flags;

	/* A note from before: of a socket that left by a way unknown to us. */
	note = note_unlink(bucket, sk);
	if (!note)
		note = twait_pool_take(&pool);
	if (!note)
		return false;
	note->sk = sk;
	twait_closer_current(&note->owner);
	raw_spin_lock_irqsave(&bucket->lock, flags);
	hlist_add_head(&note->node, &bucket->notes);
	raw_spin_unlock_irqrestore(&bucket->lock, flags);
	return true;
}

/**
 * twait_closer_take() - take the note of a socket, if there is one
 * @sk: the socket
 * @owner: filled if there is; may be NULL
 *
 * Context: any but NMI.
 * Return: whether there was one.
 */
bool twait_closer_take(const struct sock *sk, struct twait_owner *owner)
{
	struct twait_note *note = note_unlink(bucket_of(sk), sk);

	if (!note)
		return false;
	if (owner)
		*owner = note->owner;
	twait_pool_give(&pool, note);
	return true;
}
