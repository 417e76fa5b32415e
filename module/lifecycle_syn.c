// SPDX-License-Identifier: GPL-2.0-only
/*
 * A SYN wants the four-tuple of a wait.
 *
 * tcp_timewait_state_process() refuses it, or offers it to a listener. Whether
 * there is one shows only in what comes next: the kernel lets go of the wait at
 * once, or it does not, and no function that could be hooked says so. So an offer
 * lies in a slot of its CPU until it is taken, another one comes, or who made it has
 * done with the segment: then nobody took it.
 */
#include <linux/rcupdate.h>
#include <linux/workqueue.h>

#include "flow.h"
#include "lifecycle.h"
#include "netns.h"
#include "reuse.h"
#include "segment.h"
#include "story.h"
#include "wait.h"

/* How long an offer lies at least before it is looked after. */
#define TWAIT_SYN_SETTLE	max(HZ / 10, 1)

/* Of more refusals than these a second on a CPU the recent ones keep none. */
#define TWAIT_SYNS_KEPT		32

/**
 * struct syn_slot - a SYN that was offered to a listener
 * @lock: guards the rest
 * @tnet: where; NULL if the slot is free
 * @tw: the minisock; compared, not followed
 * @context: who offered it, of twait_this_context()
 * @seen: by the settling that is under way
 * @info: the flow
 * @left_ms: what was left of the wait
 * @decision: what it was decided on
 */
struct syn_slot {
	raw_spinlock_t lock;
	struct twait_net *tnet;
	const struct inet_timewait_sock *tw;
	u32 context;
	bool seen;
	struct twait_info info;
	s64 left_ms;
	struct twait_decision decision;
};

struct syn_slots {
	struct syn_slot slot[TWAIT_CONTEXTS];
};

static DEFINE_PER_CPU(struct syn_slots, syn_slots);

static void syn_settle(struct work_struct *work);
static DECLARE_DELAYED_WORK(settle_work, syn_settle);

/* Anybody can send SYNs: of those refused not all are kept. Context: BH off. */
static bool is_kept(const struct twait_decision *decision)
{
	struct twait_last *last = this_cpu_ptr(&twait_last);

	if (decision->reuse < TWAIT_REUSE_SYN_REFUSED_FIN_WAIT2)
		return true;
	if (!time_before(jiffies, last->syns_until)) {
		last->syns_until = jiffies + HZ;
		last->syns = 0;
	}
	return ++last->syns <= TWAIT_SYNS_KEPT;
}

static void count_and_emit(struct twait_net *tnet, const struct twait_info *info,
			   s64 left_ms, const struct twait_decision *decision)
{
	bool kept = is_kept(decision);
	struct twait_event event;

	twait_count_reuse(tnet, decision->reuse);
	if (!kept && !twait_is_watched(tnet))
		return;
	twait_event_init(&event, TWAIT_EVENT_REUSE, info, left_ms);
	event.info.fate = TWAIT_FATE_NONE;
	event.decision = *decision;
	if (kept)
		twait_emit_rare(tnet, TWAIT_RING_REUSE, &event);
	else
		twait_event_emit(tnet, TWAIT_RING_EVENTS, &event);
}

/* Nobody took it. Context: the slot locked. */
static void slot_refuse(struct syn_slot *slot)
{
	slot->decision.reuse = TWAIT_REUSE_SYN_REFUSED_NO_LISTENER;
	/* Without the hook nobody would be seen to take one. */
	if (twait_sees_descheduling)
		count_and_emit(slot->tnet, &slot->info, slot->left_ms,
			       &slot->decision);
	slot->tnet = NULL;
}

static struct syn_slot *slot_of_context(void)
{
	return &this_cpu_ptr(&syn_slots)->slot[twait_context_slot()];
}

static void slot_offer(struct twait_net *tnet, const struct twait_visit *visit,
		       const struct twait_decision *decision)
{
	struct syn_slot *slot = slot_of_context();
	unsigned long flags;

	raw_spin_lock_irqsave(&slot->lock, flags);
	if (slot->tnet)
		slot_refuse(slot);
	slot->tnet = tnet;
	slot->tw = visit->tw;
	slot->context = twait_this_context();
	slot->seen = false;
	slot->info = visit->info;
	slot->left_ms = visit->left_ms;
	slot->decision = *decision;
	raw_spin_unlock_irqrestore(&slot->lock, flags);
	if (!delayed_work_pending(&settle_work))
		schedule_delayed_work(&settle_work, TWAIT_SYN_SETTLE);
}

/* Is it of this very wait, offered by who asks? Context: the slot locked. */
static bool is_offer_of(const struct syn_slot *slot,
			const struct inet_timewait_sock *tw)
{
	return slot->tnet && slot->tw == tw &&
	       slot->context == twait_this_context();
}

/* Calls for each slot, locked, that has something in it. */
static void slots_visit(void (*visit)(struct syn_slot *slot, void *arg),
			void *arg)
{
	unsigned long flags;
	unsigned int i;
	int cpu;

	for_each_possible_cpu(cpu)
		for (i = 0; i < TWAIT_CONTEXTS; i++) {
			struct syn_slot *slot =
				&per_cpu_ptr(&syn_slots, cpu)->slot[i];

			raw_spin_lock_irqsave(&slot->lock, flags);
			if (slot->tnet)
				visit(slot, arg);
			raw_spin_unlock_irqrestore(&slot->lock, flags);
		}
}

static void slot_see(struct syn_slot *slot, void *arg)
{
	slot->seen = true;
}

static void slot_settle(struct syn_slot *slot, void *arg)
{
	bool *again = arg;

	if (slot->seen)
		slot_refuse(slot);
	else
		*again = true;
}

/*
 * No time is long enough for that: a hypervisor may take the CPU of who made the offer
 * away, and run ours. But all that he does with the segment, from the wait to the
 * listener, he does in one RCU read-side section (ip_protocol_deliver_rcu()).
 */
static void syn_settle(struct work_struct *work)
{
	bool again = false;

	slots_visit(slot_see, NULL);
	synchronize_rcu();
	slots_visit(slot_settle, &again);
	if (again)
		schedule_delayed_work(&settle_work, TWAIT_SYN_SETTLE);
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
		for (i = 0; i < TWAIT_CONTEXTS; i++)
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
 * @offered: it goes on to a listener
 *
 * Context: BH off.
 */
void twait_syn_decided(struct twait_net *tnet, const struct twait_visit *visit,
		       bool offered)
{
	const struct twait_syn_attempt try = {
		.fin_wait2 = visit->fin_wait2,
		.paws_reject = visit->paws_reject,
		.newer_seq = (s32)(visit->rcv_nxt - visit->seq) < 0,
		.newer_timestamp = visit->newer_timestamp,
	};
	struct twait_decision decision = visit->decision;

	decision.reuse = twait_reuse_by_syn(&try, offered);
	if (offered)
		slot_offer(tnet, visit, &decision);
	else
		count_and_emit(tnet, &visit->info, visit->left_ms, &decision);
}

/**
 * twait_syn_untaken() - a segment finds a wait still there
 * @tw: the minisock
 *
 * A SYN that was offered in this context before was taken by nobody: the kernel
 * would have let go of the wait before it does anything else here. Its ACK may well
 * be what has brought this segment, sooner than the offer is settled.
 *
 * Context: BH off.
 */
void twait_syn_untaken(const struct inet_timewait_sock *tw)
{
	struct syn_slot *slot = slot_of_context();
	unsigned long flags;

	if (likely(!READ_ONCE(slot->tnet)))
		return;
	raw_spin_lock_irqsave(&slot->lock, flags);
	if (is_offer_of(slot, tw))
		slot_refuse(slot);
	raw_spin_unlock_irqrestore(&slot->lock, flags);
}

/**
 * twait_syn_took_over() - did a listener take a SYN, which has the four-tuple now?
 * @tw: the minisock that the kernel lets go of
 *
 * Context: BH off, and if so, the very context that the SYN was offered in.
 */
bool twait_syn_took_over(const struct inet_timewait_sock *tw)
{
	struct syn_slot *slot = slot_of_context();
	unsigned long flags;
	bool took_over;

	/* Only who is in this context puts something there. */
	if (!READ_ONCE(slot->tnet))
		return false;
	raw_spin_lock_irqsave(&slot->lock, flags);
	took_over = is_offer_of(slot, tw);
	if (took_over) {
		count_and_emit(slot->tnet, &slot->info, slot->left_ms,
			       &slot->decision);
		slot->tnet = NULL;
	}
	raw_spin_unlock_irqrestore(&slot->lock, flags);
	return took_over;
}
