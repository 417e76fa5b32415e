// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hooks: candidates, found, armed; needed or not; what is lost without.
 *
 * A kernel is asked for a symbol, never for its version. What cannot be had is
 * named: in the kernel log if the module cannot do without, in the file "hooks"
 * in any case.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "hook.h"

/*
 * Return probes at work at once. The probed functions run with BH off, so one
 * a CPU, and on PREEMPT_RT some more that were preempted.
 */
static int maxactive(void)
{
	return max_t(int, 64, 4 * num_possible_cpus());
}

/* One who arms or disarms at a time. */
static DEFINE_MUTEX(demand_lock);

/* Optional hooks that could not be had; written with demand_lock held. */
static unsigned int unarmed;

static int arm_kprobe_at(struct twait_hook *hook, const char *symbol)
{
	memset(&hook->kp, 0, sizeof(hook->kp));
	hook->kp.symbol_name = symbol;
	hook->kp.pre_handler = hook->enter;
	return register_kprobe(&hook->kp);
}

static int arm_kretprobe_at(struct twait_hook *hook, const char *symbol)
{
	memset(&hook->rp, 0, sizeof(hook->rp));
	hook->rp.kp.symbol_name = symbol;
	hook->rp.entry_handler = hook->call;
	hook->rp.handler = hook->answer;
	hook->rp.data_size = hook->data_bytes;
	hook->rp.maxactive = maxactive();
	return register_kretprobe(&hook->rp);
}

struct tracepoint_search {
	const char *name;
	struct tracepoint *found;
};

static void match_tracepoint(struct tracepoint *tp, void *arg)
{
	struct tracepoint_search *search = arg;

	if (!strcmp(tp->name, search->name))
		search->found = tp;
}

/* By name: tracepoints of the network stack are not exported. */
static int arm_tracepoint_at(struct twait_hook *hook, const char *symbol)
{
	struct tracepoint_search search = { .name = symbol };

	for_each_kernel_tracepoint(match_tracepoint, &search);
	if (!search.found)
		return -ENOENT;
	hook->tp = search.found;
	return tracepoint_probe_register(hook->tp, hook->probe, NULL);
}

static int arm_at(struct twait_hook *hook, const char *symbol)
{
	switch (hook->kind) {
	case TWAIT_HOOK_KPROBE:
		return arm_kprobe_at(hook, symbol);
	case TWAIT_HOOK_KRETPROBE:
		return arm_kretprobe_at(hook, symbol);
	case TWAIT_HOOK_TRACEPOINT:
		return arm_tracepoint_at(hook, symbol);
	}
	return -EINVAL;
}

static void say_unavailable(const struct twait_hook *hook)
{
	char tried[128] = "";
	unsigned int i;

	for (i = 0; hook->symbols[i]; i++) {
		if (i)
			strlcat(tried, ", ", sizeof(tried));
		strlcat(tried, hook->symbols[i], sizeof(tried));
	}
	if (hook->forbidden && hook->required)
		pr_err("cannot load: the required hook '%s' is forbidden: take it out of the parameter forbid_hooks\n",
		       hook->name);
	else if (hook->forbidden)
		pr_notice("going on without the hook '%s', as told by the parameter forbid_hooks; lost: %s\n",
			  hook->name, hook->loses);
	else if (hook->required)
		pr_err("cannot load: the required hook '%s' is not to be had, tried %s (error %d); this kernel is not one that the module knows\n",
		       hook->name, tried, hook->error);
	else
		pr_warn("going on without the hook '%s', tried %s (error %d); lost: %s\n",
			hook->name, tried, hook->error, hook->loses);
}

static int hook_arm(struct twait_hook *hook)
{
	bool again = hook->state == TWAIT_HOOK_IDLE;
	enum twait_hook_state state = TWAIT_HOOK_MISSING;
	unsigned int i;

	hook->error = -ENOENT;
	if (hook->forbidden) {
		state = TWAIT_HOOK_FORBIDDEN;
		hook->error = -EPERM;
	}
	for (i = 0; hook->symbols[i] && !hook->forbidden; i++) {
		int err = arm_at(hook, hook->symbols[i]);

		if (!err) {
			hook->symbol = hook->symbols[i];
			hook->error = 0;
			hook->missed_before = hook->missed_at_rest;
			/* Files are read meanwhile: from here on by what is armed. */
			smp_store_release(&hook->state, TWAIT_HOOK_ARMED);
			return 0;
		}
		if (err != -ENOENT) {
			state = TWAIT_HOOK_FAILED;
			hook->error = err;
		}
	}
	hook->symbol = NULL;
	WRITE_ONCE(hook->state, state);
	say_unavailable(hook);
	if (!hook->required) {
		if (hook->without && !again)
			hook->without();
		unarmed++;
		return 0;
	}
	/* insmod says of ENOENT that a symbol of the module is unknown. */
	return hook->error == -ENOENT ? -EOPNOTSUPP : hook->error;
}

/* @state: what it is from now on */
static void hook_disarm(struct twait_hook *hook, enum twait_hook_state state)
{
	switch (hook->kind) {
	case TWAIT_HOOK_KPROBE:
		unregister_kprobe(&hook->kp);
		break;
	case TWAIT_HOOK_KRETPROBE:
		unregister_kretprobe(&hook->rp);
		break;
	case TWAIT_HOOK_TRACEPOINT:
		tracepoint_probe_unregister(hook->tp, hook->probe, NULL);
		tracepoint_synchronize_unregister();
		break;
	}
	hook->missed_at_rest = twait_hook_missed(hook);
	/* Files are read meanwhile: from here on by what was armed. */
	smp_store_release(&hook->state, state);
}

static void disarm_first(unsigned int n)
{
	while (n) {
		struct twait_hook *hook = twait_hooks[--n];

		if (hook->state == TWAIT_HOOK_ARMED)
			hook_disarm(hook, TWAIT_HOOK_MISSING);
		/* Who asks for it from now on does not get it. */
		if (hook->state == TWAIT_HOOK_IDLE)
			hook->state = TWAIT_HOOK_MISSING;
	}
}

/**
 * twait_hooks_exit() - free what the files read of the hooks
 *
 * Context: process; the files are gone.
 */
void twait_hooks_exit(void)
{
	unsigned int i;

	for (i = 0; i < twait_hooks_count; i++)
		free_percpu(twait_hooks[i]->hits);
}

/**
 * twait_hooks_init() - make what the files read of the hooks
 *
 * Context: process, may sleep; before there are files.
 * Return: 0 or -ENOMEM, with nothing left to free.
 */
int twait_hooks_init(void)
{
	unsigned int i;

	for (i = 0; i < twait_hooks_count; i++) {
		twait_hooks[i]->hits = alloc_percpu(unsigned long);
		if (!twait_hooks[i]->hits) {
			twait_hooks_exit();
			return -ENOMEM;
		}
	}
	return 0;
}

/**
 * twait_hook_forbid() - do not use a hook
 * @name: its name
 *
 * Context: process, before the hooks are armed.
 * Return: 0, or -EINVAL if there is none of that name, with those that there are
 * in the kernel log.
 */
int twait_hook_forbid(const char *name)
{
	char names[256] = "";
	unsigned int i;

	for (i = 0; i < twait_hooks_count; i++) {
		if (!strcmp(twait_hooks[i]->name, name)) {
			twait_hooks[i]->forbidden = true;
			return 0;
		}
		strlcat(names, i ? ", " : "", sizeof(names));
		strlcat(names, twait_hooks[i]->name, sizeof(names));
	}
	pr_err("forbid_hooks: there is no hook '%s', only: %s\n", name, names);
	return -EINVAL;
}

/* A "*" at the end of an item stands for anything. */
static bool list_has(const char *list, const char *word)
{
	while (*list) {
		size_t len = strcspn(list, ",");

		if (len && list[len - 1] == '*' ?
		    !strncmp(list, word, len - 1) :
		    len == strlen(word) && !strncmp(list, word, len))
			return true;
		list += len + (list[len] == ',');
	}
	return false;
}

/**
 * twait_hooks_lose() - is this lost, for lack of a hook?
 * @word: a name in stats or a key in lines
 *
 * Context: any.
 */
bool twait_hooks_lose(const char *word)
{
	unsigned int i;

	if (likely(!unarmed))
		return false;
	for (i = 0; i < twait_hooks_count; i++)
		if (twait_hooks[i]->state != TWAIT_HOOK_ARMED &&
		    twait_hooks[i]->state != TWAIT_HOOK_IDLE &&
		    list_has(twait_hooks[i]->loses, word))
			return true;
	return false;
}

/**
 * twait_hooks_arm() - arm every hook that this kernel has
 *
 * Context: process, may sleep.
 * Return: 0; or the error of a required hook that cannot be had, with none
 * armed and the reason in the kernel log.
 */
int twait_hooks_arm(void)
{
	unsigned int i;
	int err = 0;

	mutex_lock(&demand_lock);
	for (i = 0; i < twait_hooks_count; i++) {
		err = hook_arm(twait_hooks[i]);
		if (err) {
			disarm_first(i + 1);
			break;
		}
		/* It can be had: that is all there is to know now. */
		if (twait_hooks[i]->on_demand &&
		    twait_hooks[i]->state == TWAIT_HOOK_ARMED)
			hook_disarm(twait_hooks[i], TWAIT_HOOK_IDLE);
	}
	mutex_unlock(&demand_lock);
	return err;
}

/**
 * twait_hooks_demand() - arm or disarm what is armed on demand
 * @is_wanted: is there something for them to see? Asked when nobody else can arm or
 *             disarm: what it was a moment before is nothing to go by
 * @may_rest: if not, they are to go
 *
 * Context: process, may sleep. Before twait_hooks_arm() and after
 * twait_hooks_disarm() it does nothing.
 */
void twait_hooks_demand(bool (*is_wanted)(void), bool may_rest)
{
	unsigned int i;
	bool wanted;

	mutex_lock(&demand_lock);
	wanted = is_wanted();
	for (i = 0; i < twait_hooks_count; i++) {
		struct twait_hook *hook = twait_hooks[i];

		if (!hook->on_demand)
			continue;
		if (wanted && hook->state == TWAIT_HOOK_IDLE)
			hook_arm(hook);
		else if (!wanted && may_rest && hook->state == TWAIT_HOOK_ARMED)
			hook_disarm(hook, TWAIT_HOOK_IDLE);
	}
	mutex_unlock(&demand_lock);
}

/**
 * twait_hooks_disarm() - take every hook off again
 *
 * Context: process, may sleep. No handler runs any more when it returns.
 */
void twait_hooks_disarm(void)
{
	mutex_lock(&demand_lock);
	disarm_first(twait_hooks_count);
	mutex_unlock(&demand_lock);
}

u64 twait_hook_hits(const struct twait_hook *hook)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(*per_cpu_ptr(hook->hits, cpu));
	return sum;
}

/**
 * twait_hook_missed() - calls that passed the hook without a handler
 * @hook: the hook
 *
 * A kprobe is skipped if another one's handler is at work on the same CPU, a
 * return probe also if too many calls are under way. A tracepoint never is.
 *
 * Return: calls missed.
 */
u64 twait_hook_missed(const struct twait_hook *hook)
{
	/* Pairs with who arms and disarms. */
	if (smp_load_acquire(&hook->state) != TWAIT_HOOK_ARMED)
		return READ_ONCE(hook->missed_at_rest);
	switch (hook->kind) {
	case TWAIT_HOOK_KPROBE:
		return hook->missed_before + READ_ONCE(hook->kp.nmissed);
	case TWAIT_HOOK_KRETPROBE:
		return hook->missed_before + READ_ONCE(hook->rp.nmissed) +
		       READ_ONCE(hook->rp.kp.nmissed);
	case TWAIT_HOOK_TRACEPOINT:
		break;
	}
	return hook->missed_before;
}

u64 twait_hooks_missed(void)
{
	unsigned int i;
	u64 sum = 0;

	for (i = 0; i < twait_hooks_count; i++)
		sum += twait_hook_missed(twait_hooks[i]);
	return sum;
}
