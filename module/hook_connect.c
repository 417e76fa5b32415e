// SPDX-License-Identifier: GPL-2.0-only
/* connect() wants the four-tuple of a wait. */
#include "hook.h"
#include "hook_args.h"
#include "lifecycle.h"
#include "wait.h"

static_assert(TWAIT_IS_PROTOTYPE(tcp_twsk_unique, int, struct sock *,
				 struct sock *, void *));

/*
 * A wait that has seen no timestamp, which tcp_twsk_unique() never lets anybody
 * have: shown to it instead of one that tuning keeps. It takes a reference only of
 * a wait that it gives away, so nothing is to be given back.
 */
static const struct tcp_timewait_sock without_timestamps;

/**
 * connect_called() - the kernel is about to decide
 * @ri: keeps who asks for what
 * @regs: registers at the entry
 *
 * Hooks: tcp_twsk_unique(), all kernels.
 * Context: BH off, the bucket of the kernel's hash table locked, with the
 * minisock in it.
 * Return: 0 to see the decision too.
 *
 * Where tuning decides, the function gets other arguments, and goes its own way:
 * without the third it asks neither tcp_tw_reuse nor how old the wait is.
 */
static int connect_called(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	enum twait_reuse_tuned tuned;

	twait_hook_hit(&twait_hook_connect);
	tuned = twait_reuse_asked((struct twait_ask *)ri->data,
				  twait_arg_pointer(regs, 1),
				  twait_arg_pointer(regs, 0),
				  !twait_arg_pointer(regs, 2));
	if (unlikely(tuned == TWAIT_REUSE_TUNED_ALLOW))
		twait_arg_set(regs, 2, 0);
	else if (unlikely(tuned != TWAIT_REUSE_TUNED_NOT))
		twait_arg_set(regs, 1, (unsigned long)&without_timestamps);
	return 0;
}
NOKPROBE_SYMBOL(connect_called);

/**
 * connect_answered() - the kernel has decided
 * @ri: from connect_called()
 * @regs: registers at the return; 1 is allowed
 *
 * Hooks: as connect_called().
 * Context: as connect_called(): the lock keeps the minisock alive.
 * Return: 0.
 */
static int connect_answered(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	twait_reuse_decided((struct twait_ask *)ri->data,
			    twait_return_int(regs));
	return 0;
}
NOKPROBE_SYMBOL(connect_answered);

struct twait_hook twait_hook_connect = {
	.name = "connect",
	.kind = TWAIT_HOOK_KRETPROBE,
	.loses = "reuse_connect_*,ended_connect_total,ended_killed_total,refused_connect_by_waits_total,refused,net.timewait.reuse*",
#if TWAIT_FIN_WAIT2_REUSABLE
	.notes = { TWAIT_NOTE_FIN_WAIT2_REUSABLE, TWAIT_NOTE_WHOLE_SECONDS },
#elif TWAIT_REUSE_IN_WHOLE_SECONDS
	.notes = { TWAIT_NOTE_WHOLE_SECONDS },
#endif
	.symbols = { "tcp_twsk_unique" },
	.call = connect_called,
	.answer = connect_answered,
	.data_bytes = sizeof(struct twait_ask),
	.without = twait_go_without_connects,
};
