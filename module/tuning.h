/* SPDX-License-Identifier: GPL-2.0-only */
/* What is tuned in a namespace, and what came of each rule. */
#ifndef TWAIT_TUNING_H
#define TWAIT_TUNING_H

#include <linux/percpu.h>
#include <linux/rcupdate.h>

#include "netns.h"
#include "policy.h"
#include "types.h"

/*
 * What is counted for a rule; in the order of folding, as enum twait_counter: ends
 * before beginnings.
 */
enum twait_rule_counter {
#define X(upper, lower) TWAIT_RULE_ENDED_##upper,
	TWAIT_FATES(X)
#undef X
	TWAIT_RULE_HITS,		/* waits that began under it */
	TWAIT_RULE_REFUSED,		/* connect() was refused one of them */
	TWAIT_RULE_LATE,		/* segments that came too late for one */
	TWAIT_RULE_LATE_HARM,		/* of those: that did harm */
	TWAIT_RULE_COUNTER_MAX,
};

/* Of one CPU. */
struct twait_rule_counts {
	unsigned long of[TWAIT_RULE_COUNTER_MAX];
};

/**
 * twait_policy_of() - what is tuned in a namespace
 * @tnet: the namespace
 *
 * Context: preemption off; holds until it is on again.
 * Return: NULL if nothing is.
 */
static inline const struct twait_policy *
twait_policy_of(const struct twait_net *tnet)
{
	return rcu_dereference_sched(tnet->policy);
}

/**
 * twait_values_of() - the values that hold for a flow
 * @policy: from twait_policy_of()
 * @rule: id of the rule that it fell under, or 0
 */
static inline const struct twait_values *
twait_values_of(const struct twait_policy *policy, u32 rule)
{
	const struct twait_rule *found;

	if (likely(!policy))
		return &twait_values_default;
	found = twait_policy_rule(policy, rule);
	return found ? &found->values : &policy->values;
}

const struct twait_rule *twait_rule_of(const struct twait_policy *policy,
				       const struct twait_info *info, u64 hash);
void twait_rule_count_slowly(const struct twait_net *tnet, u32 rule,
			     enum twait_rule_counter counter);

/* Context: preemption off. */
static inline void twait_rule_count(const struct twait_net *tnet, u32 rule,
				    enum twait_rule_counter counter)
{
	if (unlikely(rule))
		twait_rule_count_slowly(tnet, rule, counter);
}

/* Of lifecycle_ghost.c. */
void twait_ghosts_expect(int delta);

int twait_tuning_init(struct twait_net *tnet);
bool twait_tuning_withdraw(struct twait_net *tnet);
void twait_tuning_free(struct twait_net *tnet);
void twait_tuning_go_without(enum twait_value value);
int twait_tuning_set(struct twait_net *tnet, enum twait_value value,
		     const char *text);
int twait_tuning_set_inherit(struct twait_net *tnet, bool inherit);
u32 twait_tuning_get(struct twait_net *tnet, enum twait_value value);
bool twait_tuning_get_inherit(struct twait_net *tnet);
int twait_tuning_apply(struct twait_net *tnet, const char *text, size_t len);
const struct twait_policy *twait_tuning_begin(struct twait_net *tnet);
void twait_tuning_end(struct twait_net *tnet);
void twait_rule_fold(const struct twait_rule *rule,
		     u64 count[TWAIT_RULE_COUNTER_MAX]);

#endif
