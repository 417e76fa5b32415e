// SPDX-License-Identifier: GPL-2.0-only
/* A wait begins: the socket's place in the hash table goes to a minisock. */
#include "hook.h"
#include "hook_args.h"
#include "lifecycle.h"
#include "wait.h"

#if TWAIT_HASHDANCE_SCHEDULES
static_assert(TWAIT_IS_PROTOTYPE(inet_twsk_hashdance_schedule, void,
				 struct inet_timewait_sock *, struct sock *,
				 struct inet_hashinfo *, int));
#else
static_assert(TWAIT_IS_PROTOTYPE(inet_twsk_hashdance, void,
				 struct inet_timewait_sock *, struct sock *,
				 struct inet_hashinfo *));
#endif

/**
 * enter_handler() - a minisock is about to be hashed
 * @kp: unused
 * @regs: registers at the entry
 *
 * Hooks: inet_twsk_hashdance() up to 6.11, its timer armed before;
 * inet_twsk_hashdance_schedule() since, which arms it itself. Called by
 * tcp_time_wait() only (and dccp_time_wait() while there was DCCP).
 * Context: the socket locked; BH off up to 6.11, since then not if the segment
 * comes out of the backlog: a softirq that interrupts us then misses its probes,
 * which the resync finds. Nobody else knows the minisock yet.
 * Return: 0, to go on; with another time to wait, if that is tuned.
 */
static int enter_handler(struct kprobe *kp, struct pt_regs *regs)
{
	struct inet_timewait_sock *tw = twait_arg_pointer(regs, 0);
	const struct sock *sk = twait_arg_pointer(regs, 1);
	int timeo = TWAIT_HASHDANCE_SCHEDULES ? twait_arg_int(regs, 3) : -1;
	int tuned;

	twait_hook_hit(&twait_hook_enter);
	if (!twait_is_tcp(tw))
		return 0;
	tuned = twait_entered(tw, sk, timeo);
	if (tuned != timeo)
		twait_arg_set(regs, 3, tuned);
	return 0;
}
NOKPROBE_SYMBOL(enter_handler);

struct twait_hook twait_hook_enter = {
	.name = "enter",
	.kind = TWAIT_HOOK_KPROBE,
	.required = true,
	.loses = "entered_total,waiting,connections",
#if TWAIT_COUNTED_AT_EXPIRY
	.notes = { TWAIT_NOTE_COUNTED_AT_EXPIRY },
#elif TWAIT_HASHDANCE_SCHEDULES
	.notes = { TWAIT_NOTE_SOFTIRQS_ON },
#endif
#if TWAIT_HASHDANCE_SCHEDULES
	.symbols = { "inet_twsk_hashdance_schedule" },
#else
	.symbols = { "inet_twsk_hashdance" },
#endif
	.enter = enter_handler,
};
