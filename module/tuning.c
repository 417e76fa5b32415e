// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is tuned in a namespace, and what came of each rule.
 *
 * A policy is never changed while somebody may look at it: a changed copy takes
 * its place, whole or not at all. Where nothing is tuned there is none, and a
 * handler pays for one pointer that is NULL.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/nsproxy.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include <linux/uidgid.h>
#include <net/ipv6.h>

#include "line.h"
#include "tuning.h"

#define HOOKS_PATH	"/proc/net/" TWAIT_PROC_DIR "/" TWAIT_FILE_HOOKS

static unsigned int in_vain __read_mostly;	/* a bit for each enum twait_value */

/* A rule's counters, whose type the pure part does not know. */
static struct twait_rule_counts __percpu *counts_of(const struct twait_rule *rule)
{
	return (struct twait_rule_counts __force __percpu *)rule->counts;
}

static bool is_loopback(const struct in6_addr *address)
{
	return ipv6_addr_loopback(address) ||
	       ipv6_addr_v4mapped_loopback(address);
}

/**
 * twait_rule_of() - the rule that a flow falls under
 * @policy: from twait_policy_of()
 * @info: the flow
 * @hash: of its four-tuple, from twait_flow_hash(); its upper half is the lot
 *
 * Context: preemption off.
 * Return: NULL if there is none.
 */
const struct twait_rule *twait_rule_of(const struct twait_policy *policy,
				       const struct twait_info *info, u64 hash)
{
	struct twait_subject subject;

	if (!policy->count)
		return NULL;
	BUILD_BUG_ON(sizeof(subject.local) != sizeof(info->tuple.local));
	memcpy(subject.local, &info->tuple.local, sizeof(subject.local));
	memcpy(subject.remote, &info->tuple.remote, sizeof(subject.remote));
	subject.cgroup_id = info->cgroup_id;
	subject.mark = info->mark;
	subject.uid = info->uid;
	subject.lot = hash >> 32;
	subject.local_port = ntohs(info->tuple.local_port);
	subject.remote_port = ntohs(info->tuple.remote_port);
	subject.loopback = is_loopback(&info->tuple.local) ||
			   is_loopback(&info->tuple.remote);
	return twait_policy_match(policy, &subject);
}

void twait_rule_count_slowly(const struct twait_net *tnet, u32 rule,
			     enum twait_rule_counter counter)
{
	const struct twait_policy *policy = twait_policy_of(tnet);
	const struct twait_rule *found;

	if (!policy)
		return;
	found = twait_policy_rule(policy, rule);
	if (found)
		this_cpu_inc(counts_of(found)->of[counter]);
}

/**
 * twait_rule_fold() - what came of a rule, on all CPUs
 * @rule: the rule
 * @count: filled
 *
 * Context: any; the rule's policy cannot go away.
 */
void twait_rule_fold(const struct twait_rule *rule,
		     u64 count[TWAIT_RULE_COUNTER_MAX])
{
	unsigned int i;
	int cpu;

	for (i = 0; i < TWAIT_RULE_COUNTER_MAX; i++) {
		count[i] = 0;
		for_each_possible_cpu(cpu)
			count[i] += READ_ONCE(per_cpu_ptr(counts_of(rule),
							  cpu)->of[i]);
		/* As in twait_stats_fold(): an end has its beginning. */
		smp_rmb();
	}
}

static struct twait_policy *policy_now(struct twait_net *tnet)
{
	return rcu_dereference_protected(tnet->policy,
					 lockdep_is_held(&tnet->tuning_lock));
}

/* A copy with room for rules, of nothing if nothing is tuned. May sleep. */
static struct twait_policy *policy_copy(const struct twait_policy *from,
					unsigned int room, u32 last_id)
{
	unsigned int count = from ? from->count : 0;
	struct twait_policy *policy;

	room = max(room, count);
	policy = kvzalloc(struct_size(policy, rule, room), GFP_KERNEL_ACCOUNT);
	if (!policy)
		return NULL;
	twait_policy_init(policy, room);
	if (from)
		memcpy(policy, from, struct_size(from, rule, count));
	policy->room = room;
	policy->last_id = last_id;
	return policy;
}

/* Frees counters of the rules of one policy that the other one has not. */
static void free_counts(const struct twait_policy *policy,
			const struct twait_policy *other)
{
	unsigned int i;

	for (i = 0; policy && i < policy->count; i++) {
		const struct twait_rule *rule = &policy->rule[i];
		const struct twait_rule *same = other ?
			twait_policy_rule(other, rule->id) : NULL;

		/* Ids may come round within one write: the counters tell. */
		if (!same || same->counts != rule->counts)
			free_percpu(counts_of(rule));
	}
}

/*
 * The new policy in place of the old one, which nobody looks at any more when this
 * returns. Context: tuning_lock held, or nobody else knows @tnet; may sleep.
 */
static void policy_publish(struct twait_net *tnet, struct twait_policy *policy)
{
	struct twait_policy *old = rcu_dereference_protected(tnet->policy, true);

	if (policy) {
		tnet->last_rule_id = policy->last_id;
		if (twait_policy_is_default(policy)) {
			kvfree(policy);
			policy = NULL;
		}
	}
	rcu_assign_pointer(tnet->policy, policy);
	if (!old != !policy)
		twait_ghosts_expect(policy ? 1 : -1);
	if (!old)
		return;
	synchronize_rcu();
	free_counts(old, policy);
	kvfree(old);
}

/**
 * twait_tuning_init() - a namespace begins
 * @tnet: our part of it; nobody else knows it yet
 *
 * With what its creator has, if that says so: the values, not the rules, which
 * count what is the creator's own.
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int twait_tuning_init(struct twait_net *tnet)
{
	struct net *creators = current->nsproxy->net_ns;
	const struct twait_policy *policy;
	struct twait_policy *own = NULL;
	const struct twait_net *creator;
	struct twait_values values;
	bool inherits = false;

	mutex_init(&tnet->tuning_lock);
	if (net_eq(creators, tnet->net))
		return 0;
	/*
	 * That of the process; so it stays. While we are being loaded it may
	 * have no slot.
	 */
	creator = twait_net_find(creators);
	rcu_read_lock();
	policy = creator ? rcu_dereference(creator->policy) : NULL;
	if (policy && policy->inherit) {
		values = policy->values;
		inherits = true;
	}
	rcu_read_unlock();
	if (!inherits)
		return 0;
	own = policy_copy(NULL, 0, 0);
	if (!own)
		return -ENOMEM;
	own->values = values;
	own->inherit = true;
	twait_policy_settle(own);
	policy_publish(tnet, own);
	return 0;
}

/**
 * twait_tuning_withdraw() - a namespace ends: nothing is tuned there any more
 * @tnet: our part of it; nobody tunes it any more
 *
 * Context: process, may sleep.
 * Return: true if there was something, which handlers may look at for a grace period
 * more; then twait_tuning_free().
 */
bool twait_tuning_withdraw(struct twait_net *tnet)
{
	tnet->withdrawn = rcu_replace_pointer(tnet->policy, NULL, true);
	if (!tnet->withdrawn)
		return false;
	twait_ghosts_expect(-1);
	return true;
}

/* What twait_tuning_withdraw() has left. Context: process, a grace period later. */
void twait_tuning_free(struct twait_net *tnet)
{
	free_counts(tnet->withdrawn, NULL);
	kvfree(tnet->withdrawn);
	tnet->withdrawn = NULL;
}

static void complain(const char *what, const struct twait_complaint *complaint)
{
	char line[sizeof(" (line 4294967295)")] = "";

	if (complaint->line)
		snprintf(line, sizeof(line), " (line %u)", complaint->line);
	pr_notice_ratelimited("%s: refused at '%s'%s: it takes %s; nothing is changed\n",
			      what, complaint->word, line, complaint->wants);
}

/**
 * twait_tuning_go_without() - a value can change nothing, for lack of a hook
 * @value: which
 *
 * Context: process, while loading.
 */
void twait_tuning_go_without(enum twait_value value)
{
	in_vain |= BIT(value);
}

/* Would it change nothing? The kernel's own way can be had at all times. */
static bool is_in_vain(enum twait_value value, u32 number)
{
	return (in_vain & BIT(value)) &&
	       number != twait_values_default.of[value];
}

/**
 * twait_tuning_set() - set a value of a namespace
 * @tnet: the namespace
 * @value: which
 * @text: as it was written
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL or -EOPNOTSUPP with the reason in the kernel log; -ENOMEM.
 */
int twait_tuning_set(struct twait_net *tnet, enum twait_value value,
		     const char *text)
{
	struct twait_complaint complaint;
	struct twait_policy *policy;
	u32 number;
	int err;

	err = twait_value_parse(value, text, &number, &complaint);
	if (err) {
		complain(twait_value_word(value), &complaint);
		return err;
	}
	if (is_in_vain(value, number)) {
		pr_notice_ratelimited("%s: refused: the hook that it needs is not there, see %s; nothing is changed\n",
				      twait_value_word(value), HOOKS_PATH);
		return -EOPNOTSUPP;
	}
	mutex_lock(&tnet->tuning_lock);
	policy = policy_copy(policy_now(tnet), 0, tnet->last_rule_id);
	if (policy) {
		policy->values.of[value] = number;
		twait_policy_settle(policy);
		policy_publish(tnet, policy);
	}
	mutex_unlock(&tnet->tuning_lock);
	return policy ? 0 : -ENOMEM;
}

/* The same for whether new namespaces begin with these values. */
int twait_tuning_set_inherit(struct twait_net *tnet, bool inherit)
{
	struct twait_policy *policy;

	mutex_lock(&tnet->tuning_lock);
	policy = policy_copy(policy_now(tnet), 0, tnet->last_rule_id);
	if (policy) {
		policy->inherit = inherit;
		policy_publish(tnet, policy);
	}
	mutex_unlock(&tnet->tuning_lock);
	return policy ? 0 : -ENOMEM;
}

/* Context: process. */
u32 twait_tuning_get(struct twait_net *tnet, enum twait_value value)
{
	const struct twait_policy *policy;
	u32 number;

	rcu_read_lock();
	policy = rcu_dereference(tnet->policy);
	number = policy ? policy->values.of[value] :
			  twait_values_default.of[value];
	rcu_read_unlock();
	return number;
}

/* Context: process. */
bool twait_tuning_get_inherit(struct twait_net *tnet)
{
	const struct twait_policy *policy;
	bool inherit;

	rcu_read_lock();
	policy = rcu_dereference(tnet->policy);
	inherit = policy && policy->inherit;
	rcu_read_unlock();
	return inherit;
}

/**
 * twait_tuning_begin() - look at what is tuned, for as long as it takes
 * @tnet: the namespace
 *
 * Context: process, may sleep.
 * Return: NULL if nothing is; it stays as it is until twait_tuning_end().
 */
const struct twait_policy *twait_tuning_begin(struct twait_net *tnet)
{
	mutex_lock(&tnet->tuning_lock);
	return policy_now(tnet);
}

void twait_tuning_end(struct twait_net *tnet)
{
	mutex_unlock(&tnet->tuning_lock);
}

/* Does it give a value in vain? Then @complaint says which. */
static bool gives_in_vain(const struct twait_rule *rule,
			  struct twait_complaint *complaint)
{
	struct twait_line word = {
		.text = complaint->word,
		.size = sizeof(complaint->word) - 1,
	};
	unsigned int i;

	for (i = 0; i < TWAIT_VALUE_MAX; i++) {
		if (!(rule->given & BIT(i)) || !is_in_vain(i, rule->values.of[i]))
			continue;
		complaint->wants = "a hook that is not there, see " HOOKS_PATH;
		twait_line_key_text(&word, twait_value_word(i), "");
		twait_value_print(&word, i, rule->values.of[i]);
		complaint->word[word.len] = '\0';
		return true;
	}
	return false;
}

/*
 * What a new rule needs that the pure part could not give it: counters, and the
 * user as the kernel knows him. Those of before have both. May sleep.
 */
static int complete_rule(struct twait_rule *rule,
			 struct twait_complaint *complaint)
{
	struct twait_line word = {
		.text = complaint->word,
		.size = sizeof(complaint->word) - 1,
	};
	struct twait_rule_counts __percpu *counts;
	kuid_t uid;

	if (rule->counts)
		return 0;
	complaint->line = 0;
	if (gives_in_vain(rule, complaint))
		return -EOPNOTSUPP;
	if (rule->looks_at & TWAIT_LOOKS_AT_UID) {
		uid = make_kuid(current_user_ns(), rule->uid);
		if (!uid_valid(uid)) {
			complaint->wants = "the uid of a user that this user namespace knows";
			twait_line_key_number(&word, "uid", rule->uid);
			complaint->word[word.len] = '\0';
			return -EINVAL;
		}
		rule->uid = __kuid_val(uid);
	}
	counts = alloc_percpu_gfp(struct twait_rule_counts, GFP_KERNEL_ACCOUNT);
	if (!counts)
		return -ENOMEM;
	rule->counts = (void __force *)counts;
	return 0;
}

static int complete_rules(struct twait_policy *policy,
			  struct twait_complaint *complaint)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < policy->count && !err; i++)
		err = complete_rule(&policy->rule[i], complaint);
	/* Those that were not reached have nothing to be freed. */
	return err;
}

/**
 * twait_tuning_apply() - change the rules of a namespace
 * @tnet: the namespace
 * @text: lines, as they were written
 * @len: bytes of it
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL, -E2BIG or -EOPNOTSUPP with the reason in the kernel log, or
 * -ENOMEM: then nothing is changed.
 */
int twait_tuning_apply(struct twait_net *tnet, const char *text, size_t len)
{
	struct twait_complaint complaint;
	struct twait_policy *policy, *old, *fit = NULL;
	int err;

	mutex_lock(&tnet->tuning_lock);
	old = policy_now(tnet);
	policy = policy_copy(old, TWAIT_RULES_MAX, tnet->last_rule_id);
	if (!policy) {
		err = -ENOMEM;
		goto out_unlock;
	}
	err = twait_policy_apply(policy, text, len, &complaint);
	if (err) {
		complain(TWAIT_FILE_RULES, &complaint);
		goto out_free;
	}
	err = complete_rules(policy, &complaint);
	if (err && err != -ENOMEM)
		complain(TWAIT_FILE_RULES, &complaint);
	if (err)
		goto out_counts;
	/* For as long as it lives in no more memory than it needs. */
	fit = policy_copy(policy, 0, policy->last_id);
	if (!fit) {
		err = -ENOMEM;
		goto out_counts;
	}
	policy_publish(tnet, fit);
	goto out_free;

out_counts:
	free_counts(policy, old);
out_free:
	kvfree(policy);
out_unlock:
	mutex_unlock(&tnet->tuning_lock);
	return err;
}
