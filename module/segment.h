/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a segment does to a wait. Pure: compiles on the host too.
 */
#ifndef TWAIT_SEGMENT_H
#define TWAIT_SEGMENT_H

#include <linux/types.h>

#include "abi.h"

/* By number as enum twait_segment_kind of types.h, which the host has not. */
enum twait_segment_kind_number {
#define X(upper, lower) TWAIT_SEGMENT_IS_##upper,
	TWAIT_SEGMENTS(X)
#undef X
};

/**
 * struct twait_segment - a segment and the wait that it meets
 * @seq: first sequence number
 * @end_seq: the one after the last, SYN and FIN counted
 * @rcv_nxt: what the wait expects next
 * @rcv_wnd: bytes from @rcv_nxt that it would still take, in FIN_WAIT2
 * @syn: SYN is set
 * @fin: FIN is set
 * @rst: RST is set
 * @ack: ACK is set
 * @fin_wait2: the wait is still in FIN_WAIT2
 * @paws_reject: its timestamp is too old (RFC 7323, 5.3)
 * @newer_timestamp: it has a timestamp, newer than the last one seen
 * @rfc1337: the sysctl tcp_rfc1337 is on
 *
 * Sequence numbers in host byte order.
 */
struct twait_segment {
	__u32 seq;
	__u32 end_seq;
	__u32 rcv_nxt;
	__u32 rcv_wnd;
	bool syn;
	bool fin;
	bool rst;
	bool ack;
	bool fin_wait2;
	bool paws_reject;
	bool newer_timestamp;
	bool rfc1337;
};

/* What the kernel will do with it; several may hold. */
#define TWAIT_SEGMENT_KILLS	0x01	/* a RST that ends the wait */
#define TWAIT_SEGMENT_RESETS	0x02	/* answered with RST, ends a FIN_WAIT2 */
#define TWAIT_SEGMENT_ADVANCES	0x04	/* FIN_WAIT2 becomes TIME_WAIT */
#define TWAIT_SEGMENT_REARMS	0x08	/* sets the timer back */
#define TWAIT_SEGMENT_TAKES_OVER 0x10	/* a SYN that may open anew */
#define TWAIT_SEGMENT_ACKED	0x20	/* answered with ACK, if the limit lets */

unsigned int twait_segment_effects(const struct twait_segment *seg);
unsigned int twait_segment_kind(const struct twait_segment *seg);

#endif
