// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a segment does to a wait: the rules of tcp_timewait_state_process()
 * (net/ipv4/tcp_minisocks.c), told ahead. Most of what that function does
 * leaves no trace in what it returns: whether it set the timer back, for one.
 */
#include "segment.h"

/* a is before b in sequence space: before() of net/tcp.h. */
static bool seq_before(__u32 a, __u32 b)
{
	return (__s32)(a - b) < 0;
}

/* tcp_in_window() of net/ipv4/tcp_minisocks.c. */
static bool in_window(const struct twait_segment *seg)
{
	__u32 end = seg->rcv_nxt + seg->rcv_wnd;

	if (seg->seq == seg->rcv_nxt)
		return true;
	if (seq_before(seg->rcv_nxt, seg->end_seq) && seq_before(seg->seq, end))
		return true;
	return seg->seq == end && seg->seq == seg->end_seq;
}

static unsigned int fin_wait2_effects(const struct twait_segment *seg)
{
	if (seg->paws_reject || !in_window(seg))
		return TWAIT_SEGMENT_ACKED;
	if (seg->rst)
		return TWAIT_SEGMENT_KILLS;
	if (seg->syn && !seq_before(seg->seq, seg->rcv_nxt))
		return TWAIT_SEGMENT_RESETS;
	/* A bare or duplicate ACK. */
	if (!seg->ack || !seq_before(seg->rcv_nxt, seg->end_seq) ||
	    seg->end_seq == seg->seq)
		return 0;
	/*
	 * RFC 9293, 3.6.1: data after the process is gone cannot be delivered,
	 * and the peer should hear of it.
	 */
	if (!seg->fin || seg->end_seq != seg->rcv_nxt + 1)
		return TWAIT_SEGMENT_RESETS;
	return TWAIT_SEGMENT_ADVANCES | TWAIT_SEGMENT_ACKED;
}

static unsigned int time_wait_effects(const struct twait_segment *seg)
{
	if (!seg->paws_reject && seg->seq == seg->rcv_nxt &&
	    (seg->seq == seg->end_seq || seg->rst)) {
		if (!seg->rst)
			return TWAIT_SEGMENT_REARMS;
		/* RFC 1337: the assassination that tcp_rfc1337=1 prevents. */
		return seg->rfc1337 ? 0 : TWAIT_SEGMENT_KILLS;
	}
	/* RFC 9293, 3.10.7.4: a new SYN may reopen the connection. */
	if (seg->syn && !seg->rst && !seg->ack && !seg->paws_reject &&
	    (seq_before(seg->rcv_nxt, seg->seq) || seg->newer_timestamp))
		return TWAIT_SEGMENT_TAKES_OVER;
	/* A SYN without ACK may be a new one with an unlucky number. */
	if (seg->rst)
		return 0;
	return seg->paws_reject || seg->ack ?
	       TWAIT_SEGMENT_ACKED | TWAIT_SEGMENT_REARMS : TWAIT_SEGMENT_ACKED;
}

/**
 * twait_segment_effects() - what a segment does to the wait that it meets
 * @seg: both of them
 *
 * Why: tcp_timewait_state_process(), the same from 5.10 to 7.2.
 *
 * Context: any; reads only @seg.
 * Return: TWAIT_SEGMENT_* bits; 0 if the wait stays as it is.
 */
unsigned int twait_segment_effects(const struct twait_segment *seg)
{
	return seg->fin_wait2 ? fin_wait2_effects(seg) : time_wait_effects(seg);
}

/* Neither what was sent before nor what comes next? */
static bool is_elsewhere(const struct twait_segment *seg)
{
	if (seg->fin_wait2)
		return !in_window(seg);
	/* The peer's FIN was the last that it sends: nothing can be new. */
	if (seg->seq == seg->end_seq)
		return seg->seq != seg->rcv_nxt;
	return seq_before(seg->rcv_nxt, seg->end_seq);
}

/**
 * twait_segment_kind() - what kind of segment it is
 * @seg: it, and the wait that it meets
 *
 * Context: any; reads only @seg.
 * Return: the number of its kind in TWAIT_SEGMENTS.
 */
unsigned int twait_segment_kind(const struct twait_segment *seg)
{
	if (seg->paws_reject)
		return TWAIT_SEGMENT_IS_PAWS;
	if (seg->rst)
		return (seg->fin_wait2 ? in_window(seg) :
					 seg->seq == seg->rcv_nxt) ?
		       TWAIT_SEGMENT_IS_RST : TWAIT_SEGMENT_IS_RST_STRAY;
	if (seg->syn)
		return TWAIT_SEGMENT_IS_SYN;
	if (is_elsewhere(seg))
		return TWAIT_SEGMENT_IS_WINDOW;
	if (seg->fin)
		return TWAIT_SEGMENT_IS_FIN;
	return seg->seq == seg->end_seq ? TWAIT_SEGMENT_IS_ACK :
					  TWAIT_SEGMENT_IS_DATA;
}
