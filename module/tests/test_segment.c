// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of tcp_timewait_state_process(), case by case. Expected values are
 * read from the kernel's function and the RFCs, not from segment.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../segment.h"

#define RCV_NXT	1000u
#define RCV_WND	500u
#define ACKED	TWAIT_SEGMENT_ACKED

static struct twait_segment time_wait(__u32 seq, __u32 len)
{
	return (struct twait_segment){
		.seq = seq, .end_seq = seq + len, .ack = true,
		.rcv_nxt = RCV_NXT, .rcv_wnd = RCV_WND,
	};
}

static struct twait_segment fin_wait2(__u32 seq, __u32 len)
{
	struct twait_segment seg = time_wait(seq, len);

	seg.fin_wait2 = true;
	return seg;
}

#define expect_effects(seg, effects) \
	assert_int_equal(twait_segment_effects(&(seg)), (effects))

static void bare_ack_rearms(void **state)
{
	struct twait_segment seg = time_wait(RCV_NXT, 0);

	expect_effects(seg, TWAIT_SEGMENT_REARMS);
}

static void fin_again_rearms(void **state)
{
	struct twait_segment seg = time_wait(RCV_NXT - 1, 1);

	seg.fin = true;
	expect_effects(seg, ACKED | TWAIT_SEGMENT_REARMS);
}

static void old_data_rearms_with_ack_only(void **state)
{
	struct twait_segment seg = time_wait(RCV_NXT - 200, 100);

	expect_effects(seg, ACKED | TWAIT_SEGMENT_REARMS);
	seg.ack = false;
	expect_effects(seg, ACKED);
	/* Unless its timestamp is what was wrong with it. */
	seg.paws_reject = true;
	expect_effects(seg, ACKED | TWAIT_SEGMENT_REARMS);
}

static void rst_kills_at_rcv_nxt_only(void **state)
{
	struct twait_segment seg = time_wait(RCV_NXT, 0);

	seg.rst = true;
	expect_effects(seg, TWAIT_SEGMENT_KILLS);
	seg.rfc1337 = true;
	expect_effects(seg, 0);
	seg.rfc1337 = false;
	seg.paws_reject = true;
	expect_effects(seg, 0);
	seg = time_wait(RCV_NXT + 1, 0);
	seg.rst = true;
	expect_effects(seg, 0);
	seg = time_wait(RCV_NXT - 1, 0);
	seg.rst = true;
	expect_effects(seg, 0);
}

static void syn_takes_over(void **state)
{
	struct twait_segment seg = time_wait(RCV_NXT + 1, 1);

	seg.syn = true;
	seg.ack = false;
	expect_effects(seg, TWAIT_SEGMENT_TAKES_OVER);
	seg.paws_reject = true;
	expect_effects(seg, ACKED | TWAIT_SEGMENT_REARMS);
	/* An old number, and then a newer timestamp with it. */
	seg = time_wait(RCV_NXT - 100, 1);
	seg.syn = true;
	seg.ack = false;
	expect_effects(seg, ACKED);
	seg.newer_timestamp = true;
	expect_effects(seg, TWAIT_SEGMENT_TAKES_OVER);
	/* A SYN with ACK is none that opens. */
	seg.ack = true;
	expect_effects(seg, ACKED | TWAIT_SEGMENT_REARMS);
	seg.rst = true;
	expect_effects(seg, 0);
}

static void sequence_numbers_wrap(void **state)
{
	struct twait_segment seg = time_wait(5, 1);

	seg.rcv_nxt = 0xfffffff0u;
	seg.syn = true;
	seg.ack = false;
	expect_effects(seg, TWAIT_SEGMENT_TAKES_OVER);
	seg.rcv_nxt = 5;
	seg.seq = 0xfffffff0u;
	expect_effects(seg, ACKED);
}

static void fin_wait2_gets_its_fin(void **state)
{
	struct twait_segment seg = fin_wait2(RCV_NXT, 1);

	seg.fin = true;
	expect_effects(seg, ACKED | TWAIT_SEGMENT_ADVANCES);
	/* A FIN with data, or after a hole, is new data: nobody is there. */
	seg = fin_wait2(RCV_NXT, 11);
	seg.fin = true;
	expect_effects(seg, TWAIT_SEGMENT_RESETS);
	seg = fin_wait2(RCV_NXT + 10, 1);
	seg.fin = true;
	expect_effects(seg, TWAIT_SEGMENT_RESETS);
}

static void fin_wait2_resets_on_data(void **state)
{
	struct twait_segment seg = fin_wait2(RCV_NXT, 10);

	expect_effects(seg, TWAIT_SEGMENT_RESETS);
	seg.ack = false;
	expect_effects(seg, 0);
	seg = fin_wait2(RCV_NXT - 10, 10);
	expect_effects(seg, ACKED);
	seg = fin_wait2(RCV_NXT, 0);
	expect_effects(seg, 0);
}

static void fin_wait2_rst_in_window(void **state)
{
	struct twait_segment seg = fin_wait2(RCV_NXT, 0);

	seg.rst = true;
	/* tcp_rfc1337 is about TIME_WAIT. */
	seg.rfc1337 = true;
	expect_effects(seg, TWAIT_SEGMENT_KILLS);
	seg.seq = RCV_NXT + RCV_WND;
	seg.end_seq = seg.seq;
	expect_effects(seg, TWAIT_SEGMENT_KILLS);
	seg.seq = RCV_NXT + RCV_WND + 1;
	seg.end_seq = seg.seq;
	expect_effects(seg, ACKED);
	seg.seq = RCV_NXT - 1;
	seg.end_seq = seg.seq;
	expect_effects(seg, ACKED);
	seg.seq = RCV_NXT;
	seg.end_seq = seg.seq;
	seg.paws_reject = true;
	expect_effects(seg, ACKED);
}

static void fin_wait2_syn(void **state)
{
	struct twait_segment seg = fin_wait2(RCV_NXT, 1);

	seg.syn = true;
	seg.ack = false;
	expect_effects(seg, TWAIT_SEGMENT_RESETS);
	/* An old one in a segment that reaches into the window. */
	seg = fin_wait2(RCV_NXT - 1, 3);
	seg.syn = true;
	seg.ack = false;
	expect_effects(seg, 0);
}

#define expect_kind(seg, kind) \
	assert_int_equal(twait_segment_kind(&(seg)), TWAIT_SEGMENT_IS_##kind)

static void kinds_in_time_wait(void **state)
{
	struct twait_segment seg = time_wait(RCV_NXT, 0);

	expect_kind(seg, ACK);
	/* A keepalive's number. */
	seg = time_wait(RCV_NXT - 1, 0);
	expect_kind(seg, WINDOW);
	seg = time_wait(RCV_NXT + 1, 0);
	expect_kind(seg, WINDOW);
	seg = time_wait(RCV_NXT - 100, 100);
	expect_kind(seg, DATA);
	/* It reaches beyond the FIN. */
	seg = time_wait(RCV_NXT - 100, 101);
	expect_kind(seg, WINDOW);
	seg = time_wait(RCV_NXT, 1);
	expect_kind(seg, WINDOW);
	seg = time_wait(RCV_NXT - 1, 1);
	seg.fin = true;
	expect_kind(seg, FIN);
	seg = time_wait(RCV_NXT - 101, 101);
	seg.fin = true;
	expect_kind(seg, FIN);
	seg = time_wait(RCV_NXT, 1);
	seg.fin = true;
	expect_kind(seg, WINDOW);
}

static void kinds_in_fin_wait2(void **state)
{
	struct twait_segment seg = fin_wait2(RCV_NXT, 1);

	seg.fin = true;
	expect_kind(seg, FIN);
	seg = fin_wait2(RCV_NXT, 10);
	expect_kind(seg, DATA);
	seg = fin_wait2(RCV_NXT, 0);
	expect_kind(seg, ACK);
	seg = fin_wait2(RCV_NXT - 10, 10);
	expect_kind(seg, WINDOW);
	seg = fin_wait2(RCV_NXT + RCV_WND, 1);
	expect_kind(seg, WINDOW);
}

static void kinds_by_flag(void **state)
{
	struct twait_segment seg = time_wait(RCV_NXT, 0);

	seg.rst = true;
	expect_kind(seg, RST);
	seg.rfc1337 = true;
	expect_kind(seg, RST);
	seg.seq = RCV_NXT + 1;
	seg.end_seq = seg.seq;
	expect_kind(seg, RST_STRAY);
	/* There a RST is heeded in all of the window. */
	seg.fin_wait2 = true;
	expect_kind(seg, RST);
	seg.seq = RCV_NXT - 1;
	seg.end_seq = seg.seq;
	expect_kind(seg, RST_STRAY);
	/* With both it is the RST that counts. */
	seg.syn = true;
	expect_kind(seg, RST_STRAY);
	seg.rst = false;
	expect_kind(seg, SYN);
	/* Its old timestamp comes before all else. */
	seg.paws_reject = true;
	expect_kind(seg, PAWS);
	seg.rst = true;
	expect_kind(seg, PAWS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bare_ack_rearms),
		cmocka_unit_test(fin_again_rearms),
		cmocka_unit_test(old_data_rearms_with_ack_only),
		cmocka_unit_test(rst_kills_at_rcv_nxt_only),
		cmocka_unit_test(syn_takes_over),
		cmocka_unit_test(sequence_numbers_wrap),
		cmocka_unit_test(fin_wait2_gets_its_fin),
		cmocka_unit_test(fin_wait2_resets_on_data),
		cmocka_unit_test(fin_wait2_rst_in_window),
		cmocka_unit_test(fin_wait2_syn),
		cmocka_unit_test(kinds_in_time_wait),
		cmocka_unit_test(kinds_in_fin_wait2),
		cmocka_unit_test(kinds_by_flag),
	};

	return cmocka_run_group_tests_name("segment", tests, NULL, NULL);
}
