// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is tuned: which rule a flow falls under, and what follows from a set of
 * rules once it is complete.
 */
#include "policy.h"

#define TWAIT_SHARE_ALL		10000

const struct twait_values twait_values_default = {
	.of = {
		[TWAIT_VALUE_LENGTH_MS] = TWAIT_LENGTH_MS_DEFAULT,
		[TWAIT_VALUE_QUIET_MS] = TWAIT_LENGTH_MS_DEFAULT,
		[TWAIT_VALUE_REUSE] = TWAIT_REUSE_MODE_KERNEL,
		[TWAIT_VALUE_REUSE_DELAY_MS] = 0,
		[TWAIT_VALUE_RST] = TWAIT_RST_MODE_KERNEL,
		[TWAIT_VALUE_EVENTS] = TWAIT_EVENTS_ALL,
	},
};

static bool values_are_default(const struct twait_values *values)
{
	unsigned int i;

	for (i = 0; i < TWAIT_VALUE_MAX; i++)
		if (values->of[i] != twait_values_default.of[i])
			return false;
	return true;
}

/* Is it as if nobody had ever tuned anything? */
bool twait_policy_is_default(const struct twait_policy *policy)
{
	return !policy->count && !policy->inherit &&
	       values_are_default(&policy->values);
}

/**
 * twait_policy_init() - nothing is tuned
 * @policy: filled
 * @room: rules that it has memory for
 */
void twait_policy_init(struct twait_policy *policy, unsigned int room)
{
	unsigned int i;

	policy->values = twait_values_default;
	policy->inherit = false;
	policy->tunes_reuse = false;
	policy->last_id = 0;
	policy->count = 0;
	policy->room = room;
	for (i = 0; i < TWAIT_RULE_PLACES; i++)
		policy->place[i] = 0;
}

/* @share of ten thousand as a length on the ring of 2^32. */
static __u32 share_to_lot(__u32 share)
{
	return (__u32)(((__u64)share << 32) / TWAIT_SHARE_ALL);
}

static bool values_tune_reuse(const struct twait_values *values)
{
	return values->of[TWAIT_VALUE_REUSE] != TWAIT_REUSE_MODE_KERNEL ||
	       values->of[TWAIT_VALUE_REUSE_DELAY_MS];
}

/**
 * twait_policy_settle() - after values or rules have changed
 * @policy: its values, and its rules but for what follows from them
 *
 * Shares lie side by side on the ring of all flows, in the order of the rules, so
 * that two rules of 10 % each are about different flows. Where they come to more
 * than all, they begin anew.
 *
 * Context: any.
 */
void twait_policy_settle(struct twait_policy *policy)
{
	unsigned int i, v;
	__u32 shared = 0;

	for (i = 0; i < TWAIT_RULE_PLACES; i++)
		policy->place[i] = 0;
	policy->tunes_reuse = values_tune_reuse(&policy->values);
	for (i = 0; i < policy->count; i++) {
		struct twait_rule *rule = &policy->rule[i];

		policy->place[rule->id % TWAIT_RULE_PLACES] = i + 1;
		for (v = 0; v < TWAIT_VALUE_MAX; v++)
			if (!(rule->given & (1U << v)))
				rule->values.of[v] = policy->values.of[v];
		if (values_tune_reuse(&rule->values))
			policy->tunes_reuse = true;
		rule->lot_first = share_to_lot(shared);
		rule->lot_span = share_to_lot(rule->share);
		if (rule->looks_at & TWAIT_LOOKS_AT_SHARE)
			shared = (shared + rule->share) % TWAIT_SHARE_ALL;
	}
}

static bool has_prefix(const __u64 address[2], const struct twait_prefix *prefix)
{
	return !(((address[0] ^ prefix->bits[0]) & prefix->mask[0]) |
		 ((address[1] ^ prefix->bits[1]) & prefix->mask[1]));
}

/* All but the ports. */
static bool fits(const struct twait_rule *rule,
		 const struct twait_subject *subject)
{
	unsigned int at = rule->looks_at;

	if (at & TWAIT_LOOKS_AT_UID && subject->uid != rule->uid)
		return false;
	if (at & TWAIT_LOOKS_AT_REMOTE &&
	    !has_prefix(subject->remote, &rule->remote))
		return false;
	if (at & TWAIT_LOOKS_AT_LOCAL &&
	    !has_prefix(subject->local, &rule->local))
		return false;
	if (at & TWAIT_LOOKS_AT_LOOPBACK && !subject->loopback)
		return false;
	if (at & TWAIT_LOOKS_AT_MARK && subject->mark != rule->mark)
		return false;
	if (at & TWAIT_LOOKS_AT_CGROUP && subject->cgroup_id != rule->cgroup_id)
		return false;
	return !(at & TWAIT_LOOKS_AT_SHARE) || !rule->lot_span ||
	       subject->lot - rule->lot_first < rule->lot_span;
}

/**
 * twait_policy_match() - which rule does a flow fall under?
 * @policy: the rules
 * @subject: the flow
 *
 * Every wait that begins looks at every rule until one matches: a rule that does
 * not costs a dozen instructions.
 *
 * Context: any; reads only.
 * Return: the first that matches, or NULL.
 */
const struct twait_rule *twait_policy_match(const struct twait_policy *policy,
					    const struct twait_subject *subject)
{
	const struct twait_rule *rule = policy->rule;
	const struct twait_rule *end = rule + policy->count;
	__u16 local_port = subject->local_port;
	__u16 remote_port = subject->remote_port;
	__u64 remote = subject->remote[1];

	for (; rule < end; rule++) {
		if ((__u16)(remote_port - rule->remote_port_first) >
		    rule->remote_port_span)
			continue;
		if ((__u16)(local_port - rule->local_port_first) >
		    rule->local_port_span)
			continue;
		/* Of any address nothing is masked; IPv4 is all in this half. */
		if ((remote ^ rule->remote.bits[1]) & rule->remote.mask[1])
			continue;
		if (!rule->looks_at || fits(rule, subject))
			return rule;
	}
	return (const struct twait_rule *)0;
}
