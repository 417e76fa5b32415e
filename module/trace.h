/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints, for perf, trace-cmd and bpftrace. Words are in the events as
 * text, so that a filter can say fate == "rst" without knowing a number; padded,
 * because bpftrace counts what stands behind the NUL as part of the word.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM timewait

#if !defined(TWAIT_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define TWAIT_TRACE_H

#include <linux/tracepoint.h>

#include "types.h"
#include "words.h"

#define TWAIT_TRACE_WORD_BYTES 16

DECLARE_EVENT_CLASS(timewait_flow,
	TP_PROTO(u32 netns, const struct twait_info *info),

	TP_ARGS(netns, info),

	TP_STRUCT__entry(
		__array(__u8, saddr, 16)
		__array(__u8, daddr, 16)
		__field(__u16, sport)
		__field(__u16, dport)
		__field(__u32, netns)
		__field(__u32, pid)
		__field(__u32, uid)
		__array(char, comm, TASK_COMM_LEN)
		__array(char, state, TWAIT_TRACE_WORD_BYTES)
		__array(char, way, TWAIT_TRACE_WORD_BYTES)
	),

	TP_fast_assign(
		memcpy(__entry->saddr, &info->tuple.local, 16);
		memcpy(__entry->daddr, &info->tuple.remote, 16);
		__entry->sport = ntohs(info->tuple.local_port);
		__entry->dport = ntohs(info->tuple.remote_port);
		__entry->netns = netns;
		__entry->pid = info->owner.pid;
		__entry->uid = info->uid;
		memcpy(__entry->comm, info->owner.comm, TASK_COMM_LEN);
		strscpy_pad(__entry->state, twait_state_word(info->state),
			    TWAIT_TRACE_WORD_BYTES);
		strscpy_pad(__entry->way, twait_way_word(info->way),
			    TWAIT_TRACE_WORD_BYTES);
	),

	TP_printk("src=%pI6c sport=%u dst=%pI6c dport=%u state=%s way=%s pid=%u comm=%s uid=%u netns=%u",
		  __entry->saddr, __entry->sport, __entry->daddr, __entry->dport,
		  __entry->state, __entry->way, __entry->pid, __entry->comm,
		  __entry->uid, __entry->netns)
);

DEFINE_EVENT(timewait_flow, timewait_enter,
	TP_PROTO(u32 netns, const struct twait_info *info),
	TP_ARGS(netns, info)
);

TRACE_EVENT(timewait_end,
	TP_PROTO(u32 netns, const struct twait_info *info, u64 age_ns,
		 s64 left_ms),

	TP_ARGS(netns, info, age_ns, left_ms),

	TP_STRUCT__entry(
		__array(__u8, saddr, 16)
		__array(__u8, daddr, 16)
		__field(__u16, sport)
		__field(__u16, dport)
		__field(__u32, netns)
		__field(__u32, pid)
		__field(__u64, age_ns)
		__field(__s64, left_ms)
		__array(char, comm, TASK_COMM_LEN)
		__array(char, state, TWAIT_TRACE_WORD_BYTES)
		__array(char, fate, TWAIT_TRACE_WORD_BYTES)
	),

	TP_fast_assign(
		memcpy(__entry->saddr, &info->tuple.local, 16);
		memcpy(__entry->daddr, &info->tuple.remote, 16);
		__entry->sport = ntohs(info->tuple.local_port);
		__entry->dport = ntohs(info->tuple.remote_port);
		__entry->netns = netns;
		__entry->pid = info->owner.pid;
		__entry->age_ns = age_ns;
		__entry->left_ms = left_ms;
		memcpy(__entry->comm, info->owner.comm, TASK_COMM_LEN);
		strscpy_pad(__entry->state, twait_state_word(info->state),
			    TWAIT_TRACE_WORD_BYTES);
		strscpy_pad(__entry->fate, twait_fate_word(info->fate),
			    TWAIT_TRACE_WORD_BYTES);
	),

	TP_printk("src=%pI6c sport=%u dst=%pI6c dport=%u state=%s fate=%s age_ns=%llu left_ms=%lld pid=%u comm=%s netns=%u",
		  __entry->saddr, __entry->sport, __entry->daddr, __entry->dport,
		  __entry->state, __entry->fate, __entry->age_ns,
		  __entry->left_ms, __entry->pid, __entry->comm, __entry->netns)
);

TRACE_EVENT(timewait_avoid,
	TP_PROTO(u32 netns, const struct twait_info *info, u8 avoid),

	TP_ARGS(netns, info, avoid),

	TP_STRUCT__entry(
		__array(__u8, saddr, 16)
		__array(__u8, daddr, 16)
		__field(__u16, sport)
		__field(__u16, dport)
		__field(__u32, netns)
		__field(__u32, pid)
		__field(__u32, uid)
		__array(char, comm, TASK_COMM_LEN)
		__array(char, avoid, TWAIT_TRACE_WORD_BYTES)
	),

	TP_fast_assign(
		memcpy(__entry->saddr, &info->tuple.local, 16);
		memcpy(__entry->daddr, &info->tuple.remote, 16);
		__entry->sport = ntohs(info->tuple.local_port);
		__entry->dport = ntohs(info->tuple.remote_port);
		__entry->netns = netns;
		__entry->pid = info->owner.pid;
		__entry->uid = info->uid;
		memcpy(__entry->comm, info->owner.comm, TASK_COMM_LEN);
		strscpy_pad(__entry->avoid, twait_avoid_word(avoid),
			    TWAIT_TRACE_WORD_BYTES);
	),

	TP_printk("src=%pI6c sport=%u dst=%pI6c dport=%u avoid=%s pid=%u comm=%s uid=%u netns=%u",
		  __entry->saddr, __entry->sport, __entry->daddr, __entry->dport,
		  __entry->avoid, __entry->pid, __entry->comm, __entry->uid,
		  __entry->netns)
);

TRACE_EVENT(timewait_late,
	TP_PROTO(u32 netns, const struct twait_info *info, u8 late, u64 age_ns),

	TP_ARGS(netns, info, late, age_ns),

	TP_STRUCT__entry(
		__array(__u8, saddr, 16)
		__array(__u8, daddr, 16)
		__field(__u16, sport)
		__field(__u16, dport)
		__field(__u32, netns)
		__field(__u32, pid)
		__field(__u64, age_ns)
		__array(char, comm, TASK_COMM_LEN)
		__array(char, fate, TWAIT_TRACE_WORD_BYTES)
		__array(char, late, TWAIT_TRACE_WORD_BYTES)
	),

	TP_fast_assign(
		memcpy(__entry->saddr, &info->tuple.local, 16);
		memcpy(__entry->daddr, &info->tuple.remote, 16);
		__entry->sport = ntohs(info->tuple.local_port);
		__entry->dport = ntohs(info->tuple.remote_port);
		__entry->netns = netns;
		__entry->pid = info->owner.pid;
		__entry->age_ns = age_ns;
		memcpy(__entry->comm, info->owner.comm, TASK_COMM_LEN);
		strscpy_pad(__entry->fate, twait_fate_word(info->fate),
			    TWAIT_TRACE_WORD_BYTES);
		strscpy_pad(__entry->late, twait_late_word(late),
			    TWAIT_TRACE_WORD_BYTES);
	),

	TP_printk("src=%pI6c sport=%u dst=%pI6c dport=%u late=%s fate=%s age_ns=%llu pid=%u comm=%s netns=%u",
		  __entry->saddr, __entry->sport, __entry->daddr, __entry->dport,
		  __entry->late, __entry->fate, __entry->age_ns, __entry->pid,
		  __entry->comm, __entry->netns)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
