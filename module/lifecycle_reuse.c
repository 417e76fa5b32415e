// SPDX-License-Identifier: GPL-2.0-only
/* Somebody wants the four-tuple of a wait. */
#include "flow.h"
#include "lifecycle.h"
#include "netns.h"
#include "story.h"
#include "wait.h"

/*
 * One connect() that is out of ports is refused once for each of them, tens of
 * thousands of times. All are counted, and all are in the stream for those who
 * read it, but the recent ones keep one a second of a task and a destination.
 */
static bool is_first_refusal(const struct twait_info *info)
{
	struct twait_refusal *seen = this_cpu_ptr(&twait_last.refusal);

	if (seen->task == current->pid &&
	    seen->port == info->tuple.remote_port &&
	    ipv6_addr_equal(&seen->remote, &info->tuple.remote) &&
	    time_before(jiffies, seen->until))
		return false;
	seen->task = current->pid;
	seen->port = info->tuple.remote_port;
	seen->remote = info->tuple.remote;
	seen->until = jiffies + HZ;
	return true;
}

static void reuse_emit(struct twait_net *tnet, const struct twait_info *info,
		       s64 left_ms, enum twait_path path,
		       enum twait_verdict verdict)
{
	struct twait_event event;

	twait_event_init(&event, TWAIT_EVENT_REUSE, info, left_ms);
	event.path = path;
	event.verdict = verdict;
	if (verdict == TWAIT_VERDICT_ALLOWED || is_first_refusal(info))
		twait_emit_rare(tnet, TWAIT_RING_REUSE, &event);
	else if (twait_is_watched(tnet))
		twait_event_emit(tnet, TWAIT_RING_EVENTS, &event);
}

/**
 * twait_reuse_decided() - connect() wanted the four-tuple of a wait
 * @tw: the minisock
 * @allowed: what tcp_twsk_unique() said; if so the kernel lets go of the wait
 *           next, with TcpExtTWRecycled counted
 *
 * Context: the bucket of the kernel's hash table locked, BH off.
 */
void twait_reuse_decided(const struct inet_timewait_sock *tw, bool allowed)
{
	struct twait_net *tnet = twait_net_of(twsk_net(tw));
	struct twait_info info;
	struct twait_flow *flow;
	unsigned long flags;
	u32 hash;

	if (!tnet)
		return;
	twait_count(&tnet->stats, allowed ? TWAIT_COUNT_REUSE_CONNECT_ALLOWED :
					    TWAIT_COUNT_REUSE_CONNECT_REFUSED);
	hash = twait_wait_hash(tw);
	flow = twait_flow_lock(hash, tw, &flags);
	if (flow) {
		if (!allowed) {
			flow->info.refused++;
		} else if (!flow->settled) {
			flow->settled = true;
			flow->info.fate = TWAIT_FATE_CONNECT;
		}
		info = flow->info;
	} else {
		if (allowed)
			twait_offer_unrecorded(tw, TWAIT_FATE_CONNECT);
		twait_info_of_wait(&info, tw);
	}
	twait_flow_unlock(hash, flags);
	info.fate = TWAIT_FATE_NONE;
	reuse_emit(tnet, &info, twait_wait_left_ms(tw), TWAIT_PATH_CONNECT,
		   allowed ? TWAIT_VERDICT_ALLOWED : TWAIT_VERDICT_REFUSED);
}

/**
 * twait_syn_took_over() - a new SYN has the four-tuple of a wait now
 * @tnet: whose
 * @tw: the minisock, which the kernel lets go of
 * @info: the flow
 */
void twait_syn_took_over(struct twait_net *tnet,
			 const struct inet_timewait_sock *tw,
			 struct twait_info *info)
{
	twait_count(&tnet->stats, TWAIT_COUNT_REUSE_SYN_ALLOWED);
	info->fate = TWAIT_FATE_NONE;
	reuse_emit(tnet, info, twait_wait_left_ms(tw), TWAIT_PATH_SYN,
		   TWAIT_VERDICT_ALLOWED);
}
