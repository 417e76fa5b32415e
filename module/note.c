// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is remembered of a socket from one probe to the next, under its address.
 *
 * Which process closed it: the FIN goes out in the context of the process that
 * closed; the wait begins a round trip later, mostly in softirq, where current is
 * anybody. So a note is left when the FIN goes, and taken when the wait begins or
 * the socket is closed without one.
 *
 * How many waits refused it a port: connect() asks one after the other; whether
 * it found one in the end is seen when the socket leaves SYN_SENT.
 */
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <net/inet_sock.h>

#include "note.h"
#include "pool.h"

#define TWAIT_NOTE_BITS_MIN	10
#define TWAIT_NOTE_BITS_MAX	18

struct note {
	struct hlist_node node;		/* in its bucket */
	const struct sock *sk;		/* compared, not followed */
	struct twait_owner owner;	/* who closed it; pid 0 if nobody did */
	u32 refused;			/* by waits, while it wanted a port */
	__be16 port;			/* that it had when the first refused */
};

struct note_bucket {
	raw_spinlock_t lock;
	struct hlist_head notes;	/* guarded by @lock */
};

static struct note_bucket *buckets;
static unsigned int bucket_bits;
static struct twait_pool pool;

static struct note_bucket *bucket_of(const struct sock *sk)
{
	return &buckets[hash_ptr(sk, bucket_bits)];
}

/**
 * twait_notes_init() - make room for notes
 * @max_notes: bound on sockets that there is a note of
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int twait_notes_init(unsigned int max_notes)
{
	unsigned int i;
	int err;

	/* Four in a bucket if peers that never answer have filled them all. */
	bucket_bits = clamp_t(unsigned int, ilog2(max_notes) - 2,
			      TWAIT_NOTE_BITS_MIN, TWAIT_NOTE_BITS_MAX);
	buckets = kvmalloc_array(1U << bucket_bits, sizeof(*buckets),
				 GFP_KERNEL);
	if (!buckets)
		return -ENOMEM;
	for (i = 0; i < 1U << bucket_bits; i++) {
		raw_spin_lock_init(&buckets[i].lock);
		INIT_HLIST_HEAD(&buckets[i].notes);
	}
	err = twait_pool_init(&pool, sizeof(struct note), max_notes);
	if (err)
		kvfree(buckets);
	return err;
}

void twait_notes_exit(void)
{
	twait_pool_exit(&pool);
	kvfree(buckets);
}

/**
 * twait_owner_current() - who is running
 * @owner: filled with the current process
 *
 * Context: process context; does not sleep.
 */
void twait_owner_current(struct twait_owner *owner)
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

static struct note *note_unlink(struct note_bucket *bucket,
				const struct sock *sk)
{
	struct note *note;
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

/*
 * The note of a socket, out of its bucket, or an empty one; NULL if there is no
 * memory. Context: the socket locked, so that nobody else writes one of it.
 */
static struct note *note_begin(struct note_bucket *bucket,
			       const struct sock *sk)
{
	struct note *note = note_unlink(bucket, sk);

	if (note)
		return note;
	note = twait_pool_take(&pool);
	if (note) {
		note->sk = sk;
		note->owner.pid = 0;
		note->refused = 0;
	}
	return note;
}

static void note_end(struct note_bucket *bucket, struct note *note)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&bucket->lock, flags);
	hlist_add_head(&note->node, &bucket->notes);
	raw_spin_unlock_irqrestore(&bucket->lock, flags);
}

/**
 * twait_note_closer() - the current process closes a socket
 * @sk: the socket, locked by its owner
 *
 * Context: process context; does not sleep.
 * Return: false if there was no memory for the note.
 */
bool twait_note_closer(const struct sock *sk)
{
	struct note_bucket *bucket = bucket_of(sk);
	struct note *note = note_begin(bucket, sk);

	if (!note)
		return false;
	twait_owner_current(&note->owner);
	note_end(bucket, note);
	return true;
}

/**
 * twait_note_refused() - a wait refused a port to connect()
 * @sk: the socket that wants one, locked by its owner
 *
 * Context: process context, the bucket of the kernel's hash table locked.
 * Return: false if there was no memory for the note.
 */
bool twait_note_refused(const struct sock *sk)
{
	struct note_bucket *bucket = bucket_of(sk);
	struct note *note = note_begin(bucket, sk);

	if (!note)
		return false;
	if (!note->refused++)
		note->port = inet_sk(sk)->inet_sport;
	note_end(bucket, note);
	return true;
}

/**
 * twait_note_take() - take the note of a socket that leaves us
 * @sk: the socket
 * @owner: filled with who closed it, if that is noted; may be NULL
 *
 * Context: any but NMI.
 * Return: whether it is noted.
 */
bool twait_note_take(const struct sock *sk, struct twait_owner *owner)
{
	struct note *note = note_unlink(bucket_of(sk), sk);
	bool noted;

	if (!note)
		return false;
	noted = note->owner.pid;
	if (owner && noted)
		*owner = note->owner;
	twait_pool_give(&pool, note);
	return noted;
}

/**
 * twait_note_take_refused() - take the note of a socket that wanted a port
 * @sk: the socket, not closed yet
 * @port: set to the port that it had before, if waits refused it one
 *
 * Context: any but NMI.
 * Return: how many waits refused it one.
 */
unsigned int twait_note_take_refused(const struct sock *sk, __be16 *port)
{
	struct note *note = note_unlink(bucket_of(sk), sk);
	unsigned int refused;

	if (!note)
		return 0;
	refused = note->refused;
	*port = note->port;
	twait_pool_give(&pool, note);
	return refused;
}
