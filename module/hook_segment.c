// SPDX-License-Identifier: GPL-2.0-only
/* A segment reaches a wait. */
#include "hook.h"
#include "hook_args.h"
#include "lifecycle.h"
#include "wait.h"

/* The first three arguments are the same throughout. */
#ifdef TWAIT_HAVE_STATE_PROCESS_REASON
static_assert(TWAIT_IS_PROTOTYPE(tcp_timewait_state_process, enum tcp_tw_status,
				 struct inet_timewait_sock *, struct sk_buff *,
				 const struct tcphdr *, u32 *,
				 enum skb_drop_reason *));
#else
static_assert(TWAIT_IS_PROTOTYPE(tcp_timewait_state_process, enum tcp_tw_status,
				 struct inet_timewait_sock *, struct sk_buff *,
				 const struct tcphdr *) ||
	      TWAIT_IS_PROTOTYPE(tcp_timewait_state_process, enum tcp_tw_status,
				 struct inet_timewait_sock *, struct sk_buff *,
				 const struct tcphdr *, u32 *));
#endif

/**
 * segment_called() - a segment is about to be dealt with
 * @ri: keeps what we need at the return
 * @regs: registers at the entry
 *
 * Hooks: tcp_timewait_state_process(), all kernels.
 * Context: BH off; the caller holds a reference to the minisock. No lock: two
 * CPUs may be here for one wait at once.
 * Return: 0 to see the answer too, 1 if it is not TCP's.
 */
static int segment_called(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const struct inet_timewait_sock *tw = twait_arg_pointer(regs, 0);
	struct twait_visit *visit = (struct twait_visit *)ri->data;
	struct sk_buff *skb = twait_arg_pointer(regs, 1);

	twait_hook_hit(&twait_hook_segment);
	if (!twait_is_tcp(tw) ||
	    !twait_visited(visit, tw, skb, twait_arg_pointer(regs, 2)))
		return 1;
	/*
	 * A RST that is not on rcv_nxt is dropped (RFC 5961, 3.2), by the function
	 * itself and with all that its callers rely on. The segment is the
	 * stack's alone, and this is the last that is made of it.
	 */
	if (unlikely(visit->shielded))
		TCP_SKB_CB(skb)->seq++;
	return 0;
}
NOKPROBE_SYMBOL(segment_called);

/**
 * segment_answered() - a segment has been dealt with
 * @ri: from segment_called()
 * @regs: registers at the return
 *
 * Hooks: as segment_called().
 * Context: as segment_called(), but the minisock may be gone.
 * Return: 0.
 */
static int segment_answered(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	twait_answered((struct twait_visit *)ri->data, twait_return_int(regs));
	return 0;
}
NOKPROBE_SYMBOL(segment_answered);

struct twait_hook twait_hook_segment = {
	.name = "segment",
	.kind = TWAIT_HOOK_KRETPROBE,
#define X(upper, lower) "segments_" #lower "_total,"
	.loses = TWAIT_SEGMENTS(X)
#undef X
#define X(upper, lower) "answers_" #lower "_total,"
		 TWAIT_ANSWERS(X)
#undef X
		 "waiting_fin_wait2,waiting_time_wait,advanced_total,rearmed_total,ended_rst_total,ended_syn_total,ended_reset_total,ended_killed_total,reuse_syn_*,state,left_ms,length_ms,segments,refins,rearms,rst_ignored,segment_age,segment_age_max_ms,rst_ignored_by_rfc1337_total,rst_ignored_by_tuning_total,net.timewait.rst",
	.symbols = { "tcp_timewait_state_process" },
	.call = segment_called,
	.answer = segment_answered,
	.data_bytes = sizeof(struct twait_visit),
	.without = twait_go_without_segments,
};
