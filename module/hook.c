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

/* Optional hooks that could not be had; written while loading only. */
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
	unsigned int i;

	hook->state = TWAIT_HOOK_MISSING;
	hook->symbol = NULL;
	hook->error = -ENOENT;
	if (hook->forbidden) {
		hook->state = TWAIT_HOOK_FORBIDDEN;
		hook->error = -EPERM;
	}
	for (i = 0; hook->symbols[i] && !hook->forbidden; i++) {
		int err = arm_at(hook, hook->symbols[i]);

		if (!err) {
			hook->state = TWAIT_HOOK_ARMED;
			hook->symbol = hook->symbols[i];
			hook->error = 0;
			return 0;
		}
		if (err != -ENOENT) {
			hook->state = TWAIT_HOOK_FAILED;
			hook->error = err;
		}
	}
	say_unavailable(hook);
	if (!hook->required) {
		if (hook->without)
			hook->without();
		unarmed++;
		return 0;
	}
	/* insmod says of ENOENT that a symbol of the module is unknown. */
	return hook->error == -ENOENT ? -EOPNOTSUPP : hook->error;
}

static void hook_disarm(struct twait_hook *hook)
{
	if (hook->state == TWAIT_HOOK_ARMED) {
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
		hook->state = TWAIT_HOOK_MISSING;
	}
}

static void disarm_first(unsigned int n)
{
	while (n)
		hook_disarm(twait_hooks[--n]);
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
	char names[128] = "";
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
	int err;

	for (i = 0; i < twait_hooks_count; i++) {
		err = hook_arm(twait_hooks[i]);
		if (err) {
			disarm_first(i + 1);
			return err;
		}
	}
	return 0;
}

/**
 * twait_hooks_disarm() - take every hook off again
 *
 * Context: process, may sleep. No handler runs any more when it returns.
 */
void twait_hooks_disarm(void)
{
	disarm_first(twait_hooks_count);
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
	if (hook->state != TWAIT_HOOK_ARMED)
		return 0;
	switch (hook->kind) {
	case TWAIT_HOOK_KPROBE:
		return READ_ONCE(hook->kp.nmissed);
	case TWAIT_HOOK_KRETPROBE:
		return READ_ONCE(hook->rp.nmissed) +
		       READ_ONCE(hook->rp.kp.nmissed);
	case TWAIT_HOOK_TRACEPOINT:
		break;
	}
	return 0;
}

u64 twait_hooks_missed(void)
{
	unsigned int i;
	u64 sum = 0;

	for (i = 0; i < twait_hooks_count; i++)
		sum += twait_hook_missed(twait_hooks[i]);
	return sum;
}
