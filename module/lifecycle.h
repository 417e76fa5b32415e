/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The story of a wait, a verb for each thing that can happen.
 *
 * The only place that writes records, counters, events and tracepoints, so
 * that they tell the same. Every verb is called by a probe handler: preemption
 * is off, nothing sleeps, nothing is allocated, and the only locks are raw
 * ones of our own.
 */
#ifndef TWAIT_LIFECYCLE_H
#define TWAIT_LIFECYCLE_H

#include "reuse.h"
#include "types.h"

struct inet_timewait_sock;
struct net;
struct sk_buff;
struct sock;
struct tcphdr;
struct twait_flow;
struct twait_net;

/**
 * struct twait_visit - a segment at a wait, kept from the call to the return
 * @tw: the minisock; at the return perhaps no longer there
 * @net: its namespace
 * @hash: where its record stands
 * @info: the flow, if @watched or @asks
 * @decision: what the wait brings to a decision, if @asks
 * @left_ms: what was left of it, if @asks
 * @seq: first sequence number, host byte order
 * @end_seq: the one after the last
 * @rcv_nxt: what the wait expected next
 * @tsval: the segment's timestamp, if @has_tsval
 * @effects: TWAIT_SEGMENT_*
 * @kind: enum twait_segment_kind
 * @watched: somebody reads the stream
 * @fin: FIN is set
 * @rst: RST is set
 * @fin_wait2: the wait was in FIN_WAIT2
 * @asks: it is a SYN that would open the four-tuple anew
 * @has_tsval: both it and the old connection have timestamps
 * @paws_reject: its timestamp is older than the last one seen
 * @newer_timestamp: its timestamp is newer
 * @shielded: a RST that the kernel would let end the wait, and must not
 */
struct twait_visit {
	const struct inet_timewait_sock *tw;
	struct net *net;
	struct twait_info info;
	struct twait_decision decision;
	s64 left_ms;
	u32 hash;
	u32 seq;
	u32 end_seq;
	u32 rcv_nxt;
	u32 tsval;
	u8 effects;
	u8 kind;
	bool watched;
	bool fin;
	bool rst;
	bool fin_wait2;
	bool asks;
	bool has_tsval;
	bool paws_reject;
	bool newer_timestamp;
	bool shielded;
};

/**
 * struct twait_ask - connect() asks for a wait, kept from the call to the return
 * @tw: the minisock
 * @sk: the socket that wants its four-tuple
 * @attempt: as it is at the call
 * @delay_ms: how old the wait has to be
 * @sysctl_reuse: what tcp_tw_reuse is taken to be
 */
struct twait_ask {
	const struct inet_timewait_sock *tw;
	const struct sock *sk;
	struct twait_connect_attempt attempt;
	u32 delay_ms;
	u8 sysctl_reuse;
};

/* There are waits that ended early and are remembered. */
extern bool twait_has_ghosts;

/* With more than so many eighths of all records in use, ghosts make room. */
#define TWAIT_GHOSTS_GO		7

void twait_go_without_segments(void);
void twait_go_without_connects(void);
void twait_go_without_closes(void);
void twait_go_without_descheduling(void);
void twait_closing(const struct sock *sk);
void twait_closed(const struct sock *sk, int old_state);
int twait_entered(struct inet_timewait_sock *tw, const struct sock *sk,
		  int timeo);
void twait_adopted(const struct inet_timewait_sock *tw, u16 walk, bool resync);
void twait_lost(struct twait_flow *flow);
bool twait_visited(struct twait_visit *visit,
		   const struct inet_timewait_sock *tw,
		   const struct sk_buff *skb, const struct tcphdr *th);
void twait_answered(const struct twait_visit *visit, int answer);
enum twait_reuse_tuned twait_reuse_asked(struct twait_ask *ask,
					 const struct inet_timewait_sock *tw,
					 const struct sock *sk, bool bound);
void twait_reuse_decided(const struct twait_ask *ask, bool allowed);
void twait_connect_ended(const struct sock *sk, bool failed);
void twait_bind_failed(const struct sock *sk, u16 port);
void twait_binds_exit(void);
void twait_syns_init(void);
void twait_syns_exit(void);
void twait_syns_forget(const struct twait_net *tnet);
void twait_descheduled(const struct inet_timewait_sock *tw);
void twait_ended(const struct inet_timewait_sock *tw);
void twait_ghosts_init(void (*arm)(bool (*is_wanted)(void), bool may_rest));
void twait_ghosts_exit(void);
void twait_established(const struct sock *sk);
void twait_came_late(const struct net *net, const struct twait_tuple *tuple,
		     const struct sk_buff *skb);
void twait_came_to_incarnation(const struct sock *sk, const struct sk_buff *skb);
void twait_overflows_baseline(struct twait_net *tnet);
u64 twait_overflows(const struct twait_net *tnet);

#endif
