// SPDX-License-Identifier: GPL-2.0-only
/*
 * A socket is closed: by whom, and whether it leaves a wait. Or it never got to be
 * one, for want of a port. Or it begins, with the four-tuple of a wait that has ended
 * early.
 */
#include <trace/events/sock.h>

#include "flow.h"
#include "hook.h"
#include "lifecycle.h"

/**
 * close_probe() - a socket changes its state
 * @data: unused
 * @sk: the socket, of any protocol of the inet family
 * @old_state: the state it leaves
 * @new_state: the state it enters
 *
 * A tracepoint and not a kprobe on tcp_close() or tcp_set_state(): those run
 * with BH on, and a kprobe whose handler a softirq interrupts costs that
 * softirq every kprobe it runs into. A tracepoint costs nobody anything.
 *
 * Hooks: tracepoint sock:inet_sock_set_state, all kernels.
 * Context: process or softirq, the socket locked.
 */
static void close_probe(void *data, const struct sock *sk, const int old_state,
			const int new_state)
{
	bool begins;

	if (!(BIT(new_state) & (TCPF_FIN_WAIT1 | TCPF_CLOSE | TCPF_ESTABLISHED)))
		return;
	begins = new_state == TCP_ESTABLISHED && READ_ONCE(twait_has_ghosts) &&
		 twait_flow_may_be_ghost(sk);
	if (new_state == TCP_ESTABLISHED && old_state != TCP_SYN_SENT && !begins)
		return;
	if (sk->sk_protocol != IPPROTO_TCP)
		return;
	/* Newer kernels call a tracepoint's probes with preemption on. */
	preempt_disable_notrace();
	twait_hook_hit(&twait_hook_close);
	if (unlikely(begins))
		twait_established(sk);
	if (old_state == TCP_SYN_SENT)
		twait_connect_ended(sk, new_state == TCP_CLOSE);
	else if (new_state == TCP_CLOSE)
		twait_closed(sk, old_state);
	else if (new_state == TCP_FIN_WAIT1 && !in_serving_softirq())
		/* In softirq the process that runs has nothing to do with it. */
		twait_closing(sk);
	preempt_enable_notrace();
}

/* Stops the build if the tracepoint's arguments have changed. */
static void __maybe_unused close_probe_prototype(void)
{
	check_trace_callback_type_inet_sock_set_state(close_probe);
}

struct twait_hook twait_hook_close = {
	.name = "close",
	.kind = TWAIT_HOOK_TRACEPOINT,
	.loses = "pid,comm,owners_lost_total,avoided_linger_total,avoided_unread_total,avoided_orphan_total,refused_connect_total,refused_connect_by_waits_total",
	.symbols = { "inet_sock_set_state" },
	.probe = close_probe,
	.without = twait_go_without_closes,
};
