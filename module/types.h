/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The things that all parts speak of: a four-tuple, the process that closed
 * it, what is told of a flow, and one event.
 */
#ifndef TWAIT_TYPES_H
#define TWAIT_TYPES_H

#include <linux/in6.h>
#include <linux/sched.h>
#include <linux/types.h>

#include "abi.h"

enum twait_fate {
#define X(upper, lower) TWAIT_FATE_##upper,
	TWAIT_FATES(X)
#undef X
	TWAIT_FATE_MAX,
	TWAIT_FATE_NONE = TWAIT_FATE_MAX,
};

enum twait_way {
#define X(upper, lower) TWAIT_WAY_##upper,
	TWAIT_WAYS(X)
#undef X
	TWAIT_WAY_MAX,
	TWAIT_WAY_ADOPTED = TWAIT_WAY_MAX,
	TWAIT_WAY_NONE,
};

enum twait_avoid {
#define X(upper, lower) TWAIT_AVOID_##upper,
	TWAIT_AVOIDS(X)
#undef X
	TWAIT_AVOID_MAX,
};

enum twait_state {
#define X(upper, lower) TWAIT_STATE_##upper,
	TWAIT_STATES(X)
#undef X
	TWAIT_STATE_MAX,
	TWAIT_STATE_NONE = TWAIT_STATE_MAX,
};

enum twait_event_type {
#define X(upper, lower) TWAIT_EVENT_##upper,
	TWAIT_EVENTS(X)
#undef X
	TWAIT_EVENT_MAX,
};

enum twait_segment_kind {
#define X(upper, lower) TWAIT_KIND_##upper,
	TWAIT_SEGMENTS(X)
#undef X
	TWAIT_KIND_MAX,
};

enum twait_answer {
#define X(upper, lower) TWAIT_ANSWER_##upper,
	TWAIT_ANSWERS(X)
#undef X
	TWAIT_ANSWER_MAX,
};

enum twait_late {
#define X(upper, lower) TWAIT_LATE_##upper,
	TWAIT_LATES(X)
#undef X
	TWAIT_LATE_MAX,
};

enum twait_path {
#define X(upper, lower) TWAIT_PATH_##upper,
	TWAIT_PATHS(X)
#undef X
	TWAIT_PATH_MAX,
};

/**
 * struct twait_tuple - a flow as it is on the wire
 * @local: our address; IPv4 as ::ffff:a.b.c.d, also for a dual-stack socket
 * @remote: the peer's address, likewise
 * @local_port: our port, network byte order
 * @remote_port: the peer's port, network byte order
 */
struct twait_tuple {
	struct in6_addr local;
	struct in6_addr remote;
	__be16 local_port;
	__be16 remote_port;
};

/**
 * struct twait_owner - the process that closed a connection
 * @pid: its thread group id in the initial pid namespace; 0 if none is known
 * @own_pid: the same as seen in its own pid namespace
 * @own_pidns: inode number of that pid namespace
 * @comm: name of the thread group's leader, NUL-terminated
 *
 * Numbers and not a struct pid: its reference count would bounce between the
 * CPUs that close connections of one process, and dropping the last reference
 * may free, which a probe handler must not do on PREEMPT_RT.
 */
struct twait_owner {
	u32 pid;
	u32 own_pid;
	u32 own_pidns;
	char comm[TASK_COMM_LEN];
};

/**
 * struct twait_info - what is told of a flow, in a file or in an event
 * @tuple: the flow
 * @owner: who closed it
 * @entered_ns: when the wait began, CLOCK_MONOTONIC, in ns
 * @cgroup_id: cgroup v2 id of the socket; 0 if none
 * @uid: owner of the socket, in the initial user namespace
 * @mark: the socket's SO_MARK
 * @length_ms: how long the timer was set, at first or when last re-armed
 * @waits: how often this four-tuple has waited, this time included; 0 if there
 *         is no count
 * @segments: segments that reached the wait
 * @refins: FINs that came again and were ACKed again
 * @rearms: times a segment set the timer back
 * @rst_ignored: RSTs that did not end the wait
 * @refused: times connect() wanted the four-tuple and was refused
 * @rule: id of the rule that it fell under when it began; 0 is none
 * @state: enum twait_state
 * @way: enum twait_way
 * @fate: enum twait_fate
 */
struct twait_info {
	struct twait_tuple tuple;
	struct twait_owner owner;
	u64 entered_ns;
	u64 cgroup_id;
	u32 uid;
	u32 mark;
	u32 length_ms;
	u32 waits;
	u32 segments;
	u32 refins;
	u32 rearms;
	u32 rst_ignored;
	u32 refused;
	u32 rule;
	u8 state;
	u8 way;
	u8 fate;
};

/**
 * struct twait_evidence - the segment that something is about
 * @seq: its first sequence number
 * @end_seq: the one after its last, SYN and FIN counted
 * @rcv_nxt: what the wait expected next
 * @acked_ms: how long ago the wait had last sent an ACK, in ms
 * @kind: enum twait_segment_kind; %TWAIT_KIND_MAX if there is no evidence
 * @answer: enum twait_answer
 * @acked_kind: to what kind of segment that ACK was; %TWAIT_KIND_MAX if none
 *
 * Sequence numbers in host byte order.
 */
struct twait_evidence {
	u32 seq;
	u32 end_seq;
	u32 rcv_nxt;
	u32 acked_ms;
	u8 kind;
	u8 answer;
	u8 acked_kind;
};

/**
 * struct twait_decision - what a reuse decision was made on
 * @reuse: enum twait_reuse of reuse.h: who, verdict and reason
 * @sysctl_reuse: net.ipv4.tcp_tw_reuse
 * @timestamps: the old connection had timestamps: @ts_recent and @ts_age_s hold
 * @has_tsval: the SYN has a timestamp
 * @delay_ms: how old a wait has to be for connect()
 * @seq: sequence number of the SYN; of an allowed connect() the one that it
 *       begins with; 0 if there is none
 * @rcv_nxt: what the wait expected next from its peer
 * @snd_nxt: what it would have sent next
 * @tsval: the SYN's timestamp
 * @ts_recent: the last timestamp from the peer
 * @ts_age_s: how long ago that was, in whole seconds
 *
 * All in host byte order.
 */
struct twait_decision {
	u8 reuse;
	u8 sysctl_reuse;
	bool timestamps;
	bool has_tsval;
	u32 delay_ms;
	u32 seq;
	u32 rcv_nxt;
	u32 snd_nxt;
	u32 tsval;
	u32 ts_recent;
	u32 ts_age_s;
};

/**
 * struct twait_shortage - connect() or bind() did not get a port
 * @path: enum twait_path
 * @ports: size of net.ipv4.ip_local_port_range
 * @held: ports towards the destination that are held by waits; of a bind(), waits
 *        that were in its way
 * @live: sockets that were in its way and are no waits
 * @reuseaddr: SO_REUSEADDR would have helped
 * @partial: there were too many to look at all
 */
struct twait_shortage {
	u8 path;
	bool reuseaddr;
	bool partial;
	u32 ports;
	u32 held;
	u32 live;
};

/**
 * struct twait_late_evidence - a segment that came too late
 * @late: enum twait_late
 * @has_new: another connection has the four-tuple
 * @seq: first sequence number
 * @end_seq: the one after the last, SYN and FIN counted
 * @rcv_nxt: what the old connection expected last
 * @rcv_wnd: how large its window was, in bytes
 * @new_rcv_nxt: what the new one expects, if @has_new
 * @new_rcv_wnd: how large its window is, in bytes
 *
 * Sequence numbers in host byte order.
 */
struct twait_late_evidence {
	u8 late;
	bool has_new;
	u32 seq;
	u32 end_seq;
	u32 rcv_nxt;
	u32 rcv_wnd;
	u32 new_rcv_nxt;
	u32 new_rcv_wnd;
};

/**
 * struct twait_event - one line of events, reuse or assassinations
 * @seq: number in its stream, from 0, without a hole; set when it is emitted
 * @time_ns: wall clock, CLOCK_REALTIME, in ns
 * @age_ns: since the wait began, in ns
 * @left_ms: what was left of the wait; -1 where there is no wait
 * @space: number of its namespace
 * @type: enum twait_event_type
 * @avoid: enum twait_avoid, for TWAIT_EVENT_AVOID
 * @evidence: for TWAIT_EVENT_SEGMENT, and TWAIT_EVENT_END if a segment ended it
 * @decision: for TWAIT_EVENT_REUSE
 * @shortage: for TWAIT_EVENT_REFUSAL
 * @lateness: for TWAIT_EVENT_LATE
 * @info: the flow
 */
struct twait_event {
	u64 seq;
	u64 time_ns;
	u64 age_ns;
	s64 left_ms;
	u32 space;
	u8 type;
	u8 avoid;
	union {
		struct twait_evidence evidence;
		struct twait_decision decision;
		struct twait_shortage shortage;
		struct twait_late_evidence lateness;
	};
	struct twait_info info;
};

#endif
