// SPDX-License-Identifier: GPL-2.0-only
/*
 * A SYN wants the four-tuple of a wait.
 *
 * tcp_timewait_state_process() refuses it, or offers it to a listener. Whether
 * there is one shows only in what comes next: the kernel lets go of the wait at
 * once, or it does not, and no function that could be hooked says so. As for
 * counting, what was offered and not taken was refused. As for telling, an offer
 * lies in a slot of its CPU until it is taken, another one comes, or a moment has
 * passed.
 */
#include <linux/workqueue.h>

#include "flow.h"
#include "lifecycle.h"
#include "netns.h"
#include "reuse.h"
#include "segment.h"
#include "story.h"
#include "wait.h"

/* Far longer than from the offer to the listener. */
#define TWAIT_SYN_SETTLE	(HZ / 50 + 1)

/* On PREEMPT_RT a task in softirq may be preempted by another between the two. */
#define TWAIT_SYN_SLOTS		(IS_ENABLED(CONFIG_PREEMPT_RT) ? 4 : 1)

/**
 * struct syn_slot - a SYN that was offered to a listener
 * @lock: guards the rest
 * @tnet: where; NULL if the slot is free
 * @tw: the minisock; compared, not followed
 * @at: when, in jiffies
 * @info: the flow
 * @left_ms: what was left of the wait
 * @decision: what it was decided on
 */
struct syn_slot {
	raw_spinlock_t lock;
	struct twait_net *tnet;
	const struct inet_timewait_sock *tw;
	unsigned long at;
	struct twait_info info;
	s64 left_ms;
	struct twait_decision decision;
};

struct syn_slots {
	struct syn_slot slot[TWAIT_SYN_SLOTS];
};

static DEFINE_PER_CPU(struct syn_slots, syn_slots);

static void syn_settle(struct work_struct *work);
static DECLARE_DELAYED_WORK(settle_work, syn_settle);

static void emit_syn(struct twait_net *tnet, const struct twait_info *info,
		     s64 left_ms, const struct twait_decision *decision)
{
	struct twait_event event;

	twait_event_init(&event, TWAIT_EVENT_REUSE, info, left_ms);
	event.info.fate = TWAIT_FATE_NONE;
	event.decision = *decision;
	twait_emit_rare(tnet, TWAIT_RING_REUSE, &event);
}

/* Nobody took it. Context: the slot locked. */
static void slot_refuse(struct syn_slot *slot)
{
	slot->decision.reuse = TWAIT_REUSE_SYN_REFUSED_NO_LISTENER;
	emit_syn(slot->tnet, &slot->info, slot->left_ms, &slot->decision);
	slot->tnet = NULL;
}

static struct syn_slot *slot_of_context(void)
{
	return &this_cpu_ptr(&syn_slots)->slot[twait_this_context() %
					       TWAIT_SYN_SLOTS];
}

static void slot_offer(struct twait_net *tnet, const struct twait_visit *visit,
		       const struct twait_info *info, s64 left_ms,
		       const struct twait_decision *decision)
{
	struct syn_slot *slot = slot_of_context();
	unsigned long flags;

	raw_spin_lock_irqsave(&slot->lock, flags);
	if (slot->tnet)
		slot_refuse(slot);
	slot->tnet = tnet;
	slot->tw = visit->tw;
	slot->at = jiffies;
	slot->info = *info;
	slot->left_ms = left_ms;
	slot->decision = *decision;
	raw_spin_unlock_irqrestore(&slot->lock, flags);
	if (!delayed_work_pending(&settle_work))
		queue_delayed_work(system_wq, &settle_work, TWAIT_SYN_SETTLE);
}

static void slot_take(const struct inet_timewait_sock *tw)
{
	struct syn_slot *slot = slot_of_context();
	unsigned long flags;

	raw_spin_lock_irqsave(&slot->lock, flags);
	if (slot->tw == tw)
		slot->tnet = NULL;
	raw_spin_unlock_irqrestore(&slot->lock, flags);
}

/* Calls for each slot, locked, that has something in it. */
static void slots_visit(void (*visit)(struct syn_slot *slot, void *arg),
			void *arg)
{
	unsigned long flags;
	unsigned int i;
	int cpu;

	for_each_possible_cpu(cpu)
		for (i = 0; i < TWAIT_SYN_SLOTS; i++) {
			struct syn_slot *slot =
				&per_cpu_ptr(&syn_slots, cpu)->slot[i];

			raw_spin_lock_irqsave(&slot->lock, flags);
			if (slot->tnet)
				visit(slot, arg);
			raw_spin_unlock_irqrestore(&slot->lock, flags);
		}
}

static void slot_settle(struct syn_slot *slot, void *arg)
{
	bool *again = arg;

	if (time_before(jiffies, slot->at + TWAIT_SYN_SETTLE / 2))
		*again = true;
	else
		slot_refuse(slot);
}

static void syn_settle(struct work_struct *work)
{
	bool again = false;

	slots_visit(slot_settle, &again);
	if (again)
		queue_delayed_work(system_wq, &settle_work, TWAIT_SYN_SETTLE);
}

static void slot_forget(struct syn_slot *slot, void *arg)
{
	if (slot->tnet == arg)
		slot_refuse(slot);
}

/**
 * twait_syns_init() - before any SYN is offered
 *
 * Context: process.
 */
void twait_syns_init(void)
{
	unsigned int i;
	int cpu;

	for_each_possible_cpu(cpu)
		for (i = 0; i < TWAIT_SYN_SLOTS; i++)
			raw_spin_lock_init(&per_cpu_ptr(&syn_slots,
							cpu)->slot[i].lock);
}

/**
 * twait_syns_forget() - a namespace goes away
 * @tnet: it gets no segments any more
 *
 * Context: process.
 */
void twait_syns_forget(const struct twait_net *tnet)
{
	slots_visit(slot_forget, (void *)tnet);
}

/**
 * twait_syns_exit() - no SYN is offered any more
 *
 * Context: process, may sleep.
 */
void twait_syns_exit(void)
{
	cancel_delayed_work_sync(&settle_work);
}

/**
 * twait_syn_visits() - a SYN reached a wait
 * @visit: the segment, complete but for @visit->decision, which is filled
 * @tw: the minisock, as the SYN finds it
 */
void twait_syn_visits(struct twait_visit *visit,
		      const struct inet_timewait_sock *tw)
{
	twait_decision_of_wait(&visit->decision, tw);
	visit->decision.seq = visit->seq;
	visit->decision.has_tsval = visit->has_tsval;
	visit->decision.tsval = visit->tsval;
	visit->left_ms = twait_wait_left_ms(tw);
}

/**
 * twait_syn_decided() - the kernel refused a SYN, or offers it to a listener
 * @tnet: where
 * @visit: the SYN
 * @info: the flow
 * @offered: it goes on to a listener
 *
 * Context: BH off.
 * Return: what the decision is, if a listener takes it.
 */
enum twait_reuse twait_syn_decided(struct twait_net *tnet,
				   const struct twait_visit *visit,
				   const struct twait_info *info, bool offered)
{
	const struct twait_syn_attempt try = {
		.fin_wait2 = visit->fin_wait2,
		.paws_reject = visit->paws_reject,
		.newer_seq = (s32)(visit->rcv_nxt - visit->seq) < 0,
		.newer_timestamp = visit->newer_timestamp,
	};
	struct twait_decision decision = visit->decision;

	decision.reuse = twait_reuse_by_syn(&try, offered);
	if (offered) {
		slot_offer(tnet, visit, info, visit->left_ms, &decision);
	} else {
		twait_count_reuse(tnet, decision.reuse);
		emit_syn(tnet, info, visit->left_ms, &decision);
	}
	return decision.reuse;
}

/**
 * twait_syn_took_over() - a listener takes a SYN, which has the four-tuple now
 * @tnet: where
 * @tw: the minisock, which the kernel lets go of
 * @info: the flow
 * @offer: what the SYN was, from twait_syn_decided()
 */
void twait_syn_took_over(struct twait_net *tnet,
			 const struct inet_timewait_sock *tw,
			 const struct twait_info *info,
			 const struct twait_syn_offer *offer)
{
	struct twait_decision decision;

	slot_take(tw);
	twait_decision_of_wait(&decision, tw);
	decision.reuse = offer->reuse;
	decision.seq = offer->seq;
	decision.has_tsval = offer->has_tsval;
	decision.tsval = offer->tsval;
	twait_count_reuse(tnet, decision.reuse);
	emit_syn(tnet, info, twait_wait_left_ms(tw), &decision);
}
