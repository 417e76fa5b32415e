/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the verbs of lifecycle.h share, and nobody else uses.
 *
 * A wait without a record (max_records, or memory) is still counted, and its
 * fate told: what a record would remember from one verb to the next stands in
 * struct twait_last then, as long as it takes the same CPU to get there.
 */
#ifndef TWAIT_STORY_H
#define TWAIT_STORY_H

#include <linux/percpu.h>

#include "netns.h"
#include "reuse.h"
#include "types.h"

struct inet_timewait_sock;
struct sock;
struct twait_flow;
struct twait_visit;

/* So many tasks and destinations at once are news: who has more has told enough. */
#define TWAIT_NEWS_KEPT		8

/**
 * struct twait_news - what was told last, not to tell it at once again
 * @of: each of them
 * @of.remote: the destination
 * @of.port: its port, network byte order
 * @of.task: who wanted to connect; 0 is nobody
 * @of.until: when it is news again, in jiffies
 */
struct twait_news {
	struct {
		struct in6_addr remote;
		__be16 port;
		pid_t task;
		unsigned long until;
	} of[TWAIT_NEWS_KEPT];
};

/* Half a ring: who writes more alone, pushes out what is older than two seconds. */
#define TWAIT_KEPT_MAX		512

/**
 * struct twait_kept - what this CPU has put into a ring
 * @until: end of the second that it is about, in jiffies
 * @count: how much came in it
 */
struct twait_kept {
	unsigned long until;
	unsigned int count;
};

/*
 * On PREEMPT_RT a task at work on a wait may be preempted by another one that is,
 * on the same CPU: what is left from one verb for the next has a place for each.
 */
#define TWAIT_CONTEXTS		(IS_ENABLED(CONFIG_PREEMPT_RT) ? 4 : 1)

/**
 * struct twait_last - the last things that happened on this CPU
 * @entered: the socket whose wait began, by context; compared, not followed
 * @tw: a wait without record that @fate is about
 * @fate: offered or, when the kernel let go of it, settled
 * @refused: a wait that connect() was refused
 * @failed: a connect() that found no port
 * @kept: by ring
 * @info: of a wait that begins and has no record
 * @syns_until: end of the second that @syns is about, in jiffies
 * @syns: SYNs refused in it
 */
struct twait_last {
	const struct sock *entered[TWAIT_CONTEXTS];
	const struct inet_timewait_sock *tw;
	enum twait_fate fate;
	struct twait_news refused;
	struct twait_news failed;
	struct twait_kept kept[TWAIT_RING_MAX];
	struct twait_info info;
	unsigned long syns_until;
	unsigned int syns;
};

DECLARE_PER_CPU(struct twait_last, twait_last);

/* Written while loading, before the first wait is counted. */
extern bool twait_sees_segments;
extern bool twait_sees_connects;
extern bool twait_sees_closes;
extern bool twait_sees_descheduling;

u64 twait_wait_hash(const struct inet_timewait_sock *tw);
u32 twait_this_context(void);

void twait_info_of_sock(struct twait_info *info, const struct sock *sk);
void twait_info_of_wait(struct twait_info *info,
			const struct inet_timewait_sock *tw);

void twait_event_init(struct twait_event *event, enum twait_event_type type,
		      const struct twait_info *info, s64 left_ms);
void twait_event_emit(struct twait_net *tnet, enum twait_ring_id ring,
		      struct twait_event *event);
void twait_emit(struct twait_net *tnet, enum twait_event_type type,
		const struct twait_info *info, s64 left_ms);
void twait_emit_rare(struct twait_net *tnet, enum twait_ring_id ring,
		     struct twait_event *event);

/* Does somebody follow the stream? */
static inline bool twait_is_watched(const struct twait_net *tnet)
{
	return twait_stream_is_watched(&tnet->stream[TWAIT_RING_EVENTS]);
}

/* Context: preemption off. */
static inline unsigned int twait_context_slot(void)
{
	return TWAIT_CONTEXTS > 1 ? twait_this_context() % TWAIT_CONTEXTS : 0;
}

void twait_ghosts_make_room(void);
bool twait_ghost_of_wait(struct twait_flow *flow,
			 const struct inet_timewait_sock *tw, s64 age_ms);
void twait_ghost_of_sock(const struct sock *sk, struct twait_net *tnet,
			 const struct twait_owner *owner);
void twait_offer(struct twait_flow *flow, enum twait_fate fate);
void twait_offer_unrecorded(const struct inet_timewait_sock *tw,
			    enum twait_fate fate);

bool twait_is_news(struct twait_news *news, const struct twait_tuple *tuple);
void twait_count_reuse(struct twait_net *tnet, enum twait_reuse reuse);
void twait_decision_of_wait(struct twait_decision *decision,
			    const struct inet_timewait_sock *tw);
void twait_syn_visits(struct twait_visit *visit,
		      const struct inet_timewait_sock *tw);
void twait_syn_decided(struct twait_net *tnet, const struct twait_visit *visit,
		       bool offered);
bool twait_syn_took_over(const struct inet_timewait_sock *tw);
void twait_syn_untaken(const struct inet_timewait_sock *tw);

#endif
