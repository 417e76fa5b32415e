/* SPDX-License-Identifier: GPL-2.0-only */
/* The story of a wait, a verb for each thing that can happen. */
#ifndef TWAIT_LIFECYCLE_H
#define TWAIT_LIFECYCLE_H

#include <linux/types.h>

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
 * @effects: TWAIT_SEGMENT_*
 * @fin: FIN is set
 * @rst: RST is set
 * @fin_wait2: the wait was in FIN_WAIT2
 */
struct twait_visit {
	const struct inet_timewait_sock *tw;
	struct net *net;
	u32 hash;
	u8 effects;
	bool fin;
	bool rst;
	bool fin_wait2;
};

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
