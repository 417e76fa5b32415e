// SPDX-License-Identifier: GPL-2.0-only
/* A flow as a line of text: one hand for connections and events. */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/pid_namespace.h>
#include <linux/time64.h>
#include <linux/uidgid.h>
#include <net/ipv6.h>

#include "hook.h"
#include "proc_line.h"
#include "tuning.h"
#include "words.h"

#define TWAIT_UID_NONE	((u32)-1)

void twait_viewer_init(struct twait_viewer *viewer, const struct file *file,
		       const struct twait_net *tnet)
{
	viewer->tnet = tnet;
	viewer->user_ns = file->f_cred->user_ns;
	viewer->pid_ns = task_active_pid_ns(current);
}

static void key_address(struct twait_line *line, const char *key,
			const struct in6_addr *address)
{
	char text[sizeof("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")];
	int i;

	twait_line_key_text(line, key, "");
	if (!ipv6_addr_v4mapped(address)) {
		snprintf(text, sizeof(text), "%pI6c", address);
		twait_line_text(line, text);
		return;
	}
	for (i = 12; i < 16; i++) {
		if (i > 12)
			twait_line_char(line, '.');
		twait_line_number(line, address->s6_addr[i]);
	}
}

/* A number, or "-" where there is none. */
static void key_maybe(struct twait_line *line, const char *key, bool known,
		      u64 value)
{
	if (known)
		twait_line_key_number(line, key, value);
	else
		twait_line_key_text(line, key, "-");
}

/* A number that takes a hook to know. */
static void key_hooked(struct twait_line *line, const char *key, u64 value)
{
	key_maybe(line, key, !twait_hooks_lose(key), value);
}

/*
 * The pid as the viewer sees it. Of a process in another pid namespace than
 * the viewer's only the initial namespace's number is known, and that process
 * may be gone: then 0, as the kernel says of what is outside a namespace.
 */
static u32 viewed_pid(const struct twait_owner *owner,
		      const struct twait_viewer *viewer)
{
	if (viewer->pid_ns == &init_pid_ns)
		return owner->pid;
	if (viewer->pid_ns->ns.inum == owner->own_pidns)
		return owner->own_pid;
	return 0;
}

static void key_owner(struct twait_line *line, const struct twait_owner *owner,
		      const struct twait_viewer *viewer)
{
	key_maybe(line, "pid", owner->pid, viewed_pid(owner, viewer));
	twait_line_key_text(line, "comm", "");
	if (owner->pid)
		twait_line_escaped(line, owner->comm);
	else
		twait_line_char(line, '-');
}

/* Its name; "-" where there is none, or none any more. */
static void key_rule(struct twait_line *line, u32 id,
		     const struct twait_viewer *viewer)
{
	const struct twait_rule *rule = NULL;
	const struct twait_policy *policy;

	rcu_read_lock();
	policy = id ? rcu_dereference(viewer->tnet->policy) : NULL;
	if (policy)
		rule = twait_policy_rule(policy, id);
	twait_line_key_text(line, "rule", rule ? rule->name : "-");
	rcu_read_unlock();
}

/**
 * twait_line_flow() - the keys of a flow
 * @line: the line
 * @info: the flow
 * @age_ns: since the wait began
 * @left_ms: what is left of it; below 0 if there is none
 * @viewer: who reads
 *
 * Context: process.
 */
void twait_line_flow(struct twait_line *line, const struct twait_info *info,
		     u64 age_ns, s64 left_ms, const struct twait_viewer *viewer)
{
	key_address(line, "src", &info->tuple.local);
	twait_line_key_number(line, "sport", ntohs(info->tuple.local_port));
	key_address(line, "dst", &info->tuple.remote);
	twait_line_key_number(line, "dport", ntohs(info->tuple.remote_port));
	twait_line_key_text(line, "state",
			    info->state != TWAIT_STATE_GHOST &&
			    twait_hooks_lose("state") ? "-" :
			    twait_state_word(info->state));
	twait_line_key_text(line, "way", twait_way_word(info->way));
	key_maybe(line, "age_ms", info->entered_ns,
		  div_u64(age_ns, NSEC_PER_MSEC));
	key_maybe(line, "left_ms", left_ms >= 0 && !twait_hooks_lose("left_ms"),
		  left_ms);
	key_maybe(line, "waits", info->waits, info->waits);
	key_hooked(line, "segments", info->segments);
	key_hooked(line, "refins", info->refins);
	key_hooked(line, "rearms", info->rearms);
	key_hooked(line, "rst_ignored", info->rst_ignored);
	key_hooked(line, "refused", info->refused);
	key_owner(line, &info->owner, viewer);
	key_maybe(line, "uid", info->uid != TWAIT_UID_NONE,
		  from_kuid_munged(viewer->user_ns, KUIDT_INIT(info->uid)));
	key_maybe(line, "cgroup", info->cgroup_id, info->cgroup_id);
	twait_line_key_number(line, "mark", info->mark);
	key_maybe(line, "length_ms",
		  info->length_ms && !twait_hooks_lose("length_ms"),
		  info->length_ms);
	key_rule(line, info->rule, viewer);
	twait_line_key_text(line, "fate", twait_fate_word(info->fate));
}

static void key_evidence(struct twait_line *line,
			 const struct twait_event *event)
{
	const struct twait_evidence *evidence = &event->evidence;

	twait_line_key_text(line, "kind", twait_kind_word(evidence->kind));
	twait_line_key_number(line, "seg_seq", evidence->seq);
	twait_line_key_number(line, "seg_end_seq", evidence->end_seq);
	twait_line_key_number(line, "rcv_nxt", evidence->rcv_nxt);
	if (event->type == TWAIT_EVENT_SEGMENT) {
		twait_line_key_text(line, "answer",
				    twait_answer_word(evidence->answer));
		return;
	}
	twait_line_key_text(line, "acked_kind",
			    twait_kind_word(evidence->acked_kind));
	key_maybe(line, "acked_ms", evidence->acked_kind != TWAIT_KIND_MAX,
		  evidence->acked_ms);
}

static void key_decision(struct twait_line *line,
			 const struct twait_decision *decision)
{
	unsigned int reuse = decision->reuse;

	twait_line_key_text(line, "path", twait_reuse_path_word(reuse));
	twait_line_key_text(line, "verdict", twait_reuse_verdict_word(reuse));
	twait_line_key_text(line, "reason", twait_reuse_reason_word(reuse));
	twait_line_key_number(line, "tw_reuse", decision->sysctl_reuse);
	twait_line_key_number(line, "delay_ms", decision->delay_ms);
	key_maybe(line, "seg_seq", decision->seq, decision->seq);
	twait_line_key_number(line, "rcv_nxt", decision->rcv_nxt);
	twait_line_key_number(line, "snd_nxt", decision->snd_nxt);
	key_maybe(line, "tsval", decision->has_tsval, decision->tsval);
	key_maybe(line, "ts_recent", decision->timestamps, decision->ts_recent);
	key_maybe(line, "ts_age_s", decision->timestamps, decision->ts_age_s);
}

static void key_shortage(struct twait_line *line,
			 const struct twait_event *event)
{
	const struct twait_shortage *shortage = &event->shortage;
	bool is_bind = shortage->path == TWAIT_PATH_BIND;
	/* Of a bind() to any port it was not looked who holds them. */
	bool known = !is_bind || event->info.tuple.local_port;

	twait_line_key_text(line, "path", twait_path_word(shortage->path));
	twait_line_key_text(line, "error",
			    is_bind ? "EADDRINUSE" : "EADDRNOTAVAIL");
	twait_line_key_number(line, "ports", shortage->ports);
	key_maybe(line, "held", known, shortage->held);
	key_maybe(line, "live", known && is_bind, shortage->live);
	twait_line_key_text(line, "reuseaddr_helps", !known || !is_bind ? "-" :
			    shortage->reuseaddr ? "yes" : "no");
	/* Of very many on the port not all were looked at. */
	twait_line_key_text(line, "partial", shortage->partial ? "yes" : "no");
}

static void key_lateness(struct twait_line *line,
			 const struct twait_late_evidence *evidence)
{
	twait_line_key_text(line, "late", twait_late_word(evidence->late));
	twait_line_key_number(line, "seg_seq", evidence->seq);
	twait_line_key_number(line, "seg_end_seq", evidence->end_seq);
	twait_line_key_number(line, "rcv_nxt", evidence->rcv_nxt);
	twait_line_key_number(line, "rcv_wnd", evidence->rcv_wnd);
	key_maybe(line, "new_rcv_nxt", evidence->has_new, evidence->new_rcv_nxt);
	key_maybe(line, "new_rcv_wnd", evidence->has_new, evidence->new_rcv_wnd);
}

/**
 * twait_line_event() - an event
 * @line: the line
 * @event: the event
 * @viewer: who reads
 *
 * Context: process.
 */
void twait_line_event(struct twait_line *line, const struct twait_event *event,
		      const struct twait_viewer *viewer)
{
	twait_line_key_number(line, "seq", event->seq);
	twait_line_key_number(line, "time_ns", event->time_ns);
	twait_line_key_text(line, "event", twait_event_word(event->type));
	twait_line_flow(line, &event->info, event->age_ns, event->left_ms,
			viewer);
	if (event->type == TWAIT_EVENT_AVOID)
		twait_line_key_text(line, "avoid",
				    twait_avoid_word(event->avoid));
	else if (event->type == TWAIT_EVENT_REUSE)
		key_decision(line, &event->decision);
	else if (event->type == TWAIT_EVENT_REFUSAL)
		key_shortage(line, event);
	else if (event->type == TWAIT_EVENT_LATE)
		key_lateness(line, &event->lateness);
	else if (event->evidence.kind != TWAIT_KIND_MAX)
		key_evidence(line, event);
}
