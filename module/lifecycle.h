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
 * @info: the flow, if @watched
 * @seq: first sequence number, host byte order
 * @end_seq: the one after the last
 * @rcv_nxt: what the wait expected next
 * @effects: TWAIT_SEGMENT_*
 * @kind: enum twait_segment_kind
 * @watched: somebody reads the stream
 * @fin: FIN is set
 * @rst: RST is set
 * @fin_wait2: the wait was in FIN_WAIT2
 */
struct twait_visit {
	const struct inet_timewait_sock *tw;
	struct net *net;
	struct twait_info info;
	u32 hash;
	u32 seq;
	u32 end_seq;
	u32 rcv_nxt;
	u8 effects;
	u8 kind;
	bool watched;
	bool fin;
	bool rst;
	bool fin_wait2;
};

void twait_go_without_segments(void);
void twait_go_without_connects(void);
void twait_closing(const struct sock *sk);
void twait_closed(const struct sock *sk, int old_state);
void twait_entered(const struct inet_timewait_sock *tw, const struct sock *sk,
		   int timeo);
void twait_adopted(const struct inet_timewait_sock *tw, u16 walk, bool resync);
void twait_lost(struct twait_flow *flow);
bool twait_visited(struct twait_visit *visit,
		   const struct inet_timewait_sock *tw,
		   const struct sk_buff *skb, const struct tcphdr *th);
void twait_answered(const struct twait_visit *visit, int answer);
void twait_reuse_decided(const struct inet_timewait_sock *tw, bool allowed);
void twait_descheduled(const struct inet_timewait_sock *tw);
void twait_ended(const struct inet_timewait_sock *tw);
void twait_overflows_baseline(struct twait_net *tnet);
u64 twait_overflows(const struct twait_net *tnet);

#endif
