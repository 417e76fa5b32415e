// SPDX-License-Identifier: GPL-2.0-only
/* bind() or listen() wants a port. */
#include <net/inet_connection_sock.h>

#include "hook.h"
#include "hook_args.h"
#include "lifecycle.h"

static_assert(TWAIT_IS_PROTOTYPE(inet_csk_get_port, int, struct sock *,
				 unsigned short));

/* What is kept from the call to the return. */
struct asked {
	const struct sock *sk;
	u16 port;
};

/**
 * bind_called() - a socket wants a port
 * @ri: keeps which
 * @regs: registers at the entry
 *
 * Hooks: inet_csk_get_port(), all kernels.
 * Context: process, the socket locked, BH on: a softirq that interrupts us
 * misses its probes, which the resync finds. So no more is done than must be.
 * Return: 0 to see the answer too, 1 if it is not TCP's.
 */
static int bind_called(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct asked *asked = (struct asked *)ri->data;

	asked->sk = twait_arg_pointer(regs, 0);
	asked->port = twait_arg_int(regs, 1);
	return asked->sk->sk_protocol != IPPROTO_TCP;
}
NOKPROBE_SYMBOL(bind_called);

/**
 * bind_answered() - the port is given, or refused
 * @ri: from bind_called()
 * @regs: registers at the return: 0 if it was given; 5.10 says 1 if not, later
 *        ones -EADDRINUSE
 *
 * Hooks: as bind_called().
 * Context: as bind_called().
 * Return: 0.
 */
static int bind_answered(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const struct asked *asked = (const struct asked *)ri->data;

	twait_hook_hit(&twait_hook_bind);
	if (twait_return_int(regs))
		twait_bind_failed(asked->sk, asked->port);
	return 0;
}
NOKPROBE_SYMBOL(bind_answered);

struct twait_hook twait_hook_bind = {
	.name = "bind",
	.kind = TWAIT_HOOK_KRETPROBE,
	.loses = "refused_bind_total,refused_bind_by_waits_total",
	.notes = { TWAIT_NOTE_SOFTIRQS_ON },
	.symbols = { "inet_csk_get_port" },
	.call = bind_called,
	.answer = bind_answered,
	.data_bytes = sizeof(struct asked),
};
