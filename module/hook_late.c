// SPDX-License-Identifier: GPL-2.0-only
/*
 * A segment comes for a wait that has ended early: nobody has its four-tuple any
 * more, or another connection has. Armed only while there is such a wait, or may be.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <net/dst.h>
#include <trace/events/tcp.h>

#include "flow.h"
#include "hook.h"
#include "hook_args.h"
#include "lifecycle.h"
#include "wait.h"

/*
 * Where did it come to? A listener has the port, but not the four-tuple. Return:
 * NULL if the segment is another connection's.
 */
static const struct net *net_of(const struct sock *sk, const struct sk_buff *skb)
{
	if (sk)
		return sk->sk_state == TCP_LISTEN ? sock_net(sk) : NULL;
	return skb_dst(skb) ? dev_net(skb_dst(skb)->dev) : NULL;
}

/**
 * late_v4_handler() - a RST is about to be sent for a segment over IPv4
 * @kp: unused
 * @regs: registers at the entry
 *
 * The kernel's function is static, so nothing asserts its prototype: its first two
 * arguments are a socket or NULL, and the segment, from 2.6 on.
 *
 * Hooks: tcp_v4_send_reset(), all kernels; called for a RST too, which it does not
 * answer.
 * Context: softirq.
 * Return: 0, to go on.
 */
static int late_v4_handler(struct kprobe *kp, struct pt_regs *regs)
{
	const struct sk_buff *skb = twait_arg_pointer(regs, 1);
	const struct net *net = net_of(twait_arg_pointer(regs, 0), skb);
	struct twait_tuple tuple;

	twait_hook_hit(&twait_hook_late_v4);
	if (!net)
		return 0;
	twait_tuple_set_v4(&tuple, ip_hdr(skb)->daddr, ip_hdr(skb)->saddr);
	tuple.local_port = tcp_hdr(skb)->dest;
	tuple.remote_port = tcp_hdr(skb)->source;
	twait_came_late(net, &tuple, skb);
	return 0;
}
NOKPROBE_SYMBOL(late_v4_handler);

/**
 * late_v6_handler() - the same over IPv6
 * @kp: unused
 * @regs: registers at the entry
 *
 * Hooks: tcp_v6_send_reset(), all kernels.
 * Context: softirq.
 * Return: 0, to go on.
 */
static int late_v6_handler(struct kprobe *kp, struct pt_regs *regs)
{
	const struct sk_buff *skb = twait_arg_pointer(regs, 1);
	const struct net *net = net_of(twait_arg_pointer(regs, 0), skb);
	struct twait_tuple tuple;

	twait_hook_hit(&twait_hook_late_v6);
	if (!net)
		return 0;
	tuple.local = ipv6_hdr(skb)->daddr;
	tuple.remote = ipv6_hdr(skb)->saddr;
	tuple.local_port = tcp_hdr(skb)->dest;
	tuple.remote_port = tcp_hdr(skb)->source;
	twait_came_late(net, &tuple, skb);
	return 0;
}
NOKPROBE_SYMBOL(late_v6_handler);

/**
 * incarnation_probe() - an established connection gets a segment
 * @data: unused
 * @sk: its socket
 * @skb: the segment
 *
 * A tracepoint and not a kprobe on tcp_validate_incoming(): it passes there also
 * what the fast path takes, and costs a look at a table for the many connections
 * that have no ghost.
 *
 * Hooks: tracepoint tcp:tcp_probe, all kernels.
 * Context: softirq or process, the socket locked.
 */
static void incarnation_probe(void *data, struct sock *sk,
			      TWAIT_PROBE_SKB_CONST struct sk_buff *skb)
{
	if (likely(!twait_flow_is_incarnation(sk)))
		return;
	preempt_disable_notrace();
	twait_hook_hit(&twait_hook_incarnation);
	twait_came_to_incarnation(sk, skb);
	preempt_enable_notrace();
}

/* Stops the build if the tracepoint's arguments have changed. */
static void __maybe_unused incarnation_probe_prototype(void)
{
	check_trace_callback_type_tcp_probe(incarnation_probe);
}

#define TWAIT_LOSES_LATE \
	"late_fin_total,late_data_total,late_ack_total,late_syn_total,late_rst_total,late_total,late_harm_total,late_age,late_age_max_ms"

struct twait_hook twait_hook_late_v4 = {
	.name = "late_v4",
	.kind = TWAIT_HOOK_KPROBE,
	.on_demand = true,
	.loses = TWAIT_LOSES_LATE,
	.symbols = { "tcp_v4_send_reset" },
	.enter = late_v4_handler,
};

struct twait_hook twait_hook_late_v6 = {
	.name = "late_v6",
	.kind = TWAIT_HOOK_KPROBE,
	.on_demand = true,
	.loses = TWAIT_LOSES_LATE,
	.symbols = { "tcp_v6_send_reset" },
	.enter = late_v6_handler,
};

struct twait_hook twait_hook_incarnation = {
	.name = "incarnation",
	.kind = TWAIT_HOOK_TRACEPOINT,
	.on_demand = true,
	.loses = "late_paws_total,late_window_total,late_suspect_total,late_total,late_harm_total,late_age,late_age_max_ms",
	.symbols = { "tcp_probe" },
	.probe = incarnation_probe,
};
