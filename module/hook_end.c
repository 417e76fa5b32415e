// SPDX-License-Identifier: GPL-2.0-only
/* A wait ends: before its time, and at last. */
#include "hook.h"
#include "hook_args.h"
#include "lifecycle.h"
#include "wait.h"

static_assert(TWAIT_IS_PROTOTYPE(tcp_twsk_destructor, void, struct sock *));
static_assert(TWAIT_IS_PROTOTYPE(inet_twsk_deschedule_put, void,
				 struct inet_timewait_sock *));

/**
 * end_handler() - a minisock's last reference is gone
 * @kp: unused
 * @regs: registers at the entry
 *
 * Hooks: tcp_twsk_destructor(), all kernels; once for each wait of TCP.
 * Context: softirq (the timer, a segment) or process (connect(), ss -K, a
 * namespace that goes away). The memory is freed when the function returns.
 * Return: 0, to go on.
 */
static int end_handler(struct kprobe *kp, struct pt_regs *regs)
{
	const struct inet_timewait_sock *tw = twait_arg_pointer(regs, 0);

	twait_hook_hit(&twait_hook_end);
	twait_ended(tw);
	return 0;
}
NOKPROBE_SYMBOL(end_handler);

/**
 * deschedule_handler() - the kernel lets go of a wait before its time
 * @kp: unused
 * @regs: registers at the entry
 *
 * Hooks: inet_twsk_deschedule_put(), all kernels. 5.10 and 6.1 have a copy
 * inlined into inet_twsk_purge(), which does not pass here.
 * Context: BH off.
 * Return: 0, to go on.
 */
static int deschedule_handler(struct kprobe *kp, struct pt_regs *regs)
{
	const struct inet_timewait_sock *tw = twait_arg_pointer(regs, 0);

	twait_hook_hit(&twait_hook_deschedule);
	if (twait_is_tcp(tw))
		twait_descheduled(tw);
	return 0;
}
NOKPROBE_SYMBOL(deschedule_handler);

struct twait_hook twait_hook_end = {
	.name = "end",
	.kind = TWAIT_HOOK_KPROBE,
	.required = true,
	.loses = "ended_total,waiting,connections",
	.symbols = { "tcp_twsk_destructor" },
	.enter = end_handler,
};

struct twait_hook twait_hook_deschedule = {
	.name = "deschedule",
	.kind = TWAIT_HOOK_KPROBE,
	.loses = "ended_rst_total,ended_syn_total,ended_killed_total,ended_reset_total,reuse_syn_allowed_*,reuse_syn_refused_total,reuse_syn_refused_no_listener_total",
#if TWAIT_NOT_KILLABLE
	.notes = { TWAIT_NOTE_NOT_KILLABLE },
#endif
	.symbols = { "inet_twsk_deschedule_put" },
	.enter = deschedule_handler,
	.without = twait_go_without_descheduling,
};
