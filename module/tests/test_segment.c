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
	expect_effects(seg, TWAIT_SEGMENT_REARMS);
}

static void old_data_rearms_with_ack_only(void **state)
{
	struct twait_segment seg = time_wait(RCV_NXT - 200, 100);

	expect_effects(seg, TWAIT_SEGMENT_REARMS);
	seg.ack = false;
	expect_effects(seg, 0);
	/* Unless its timestamp is what was wrong with it. */
	seg.paws_reject = true;
	expect_effects(seg, TWAIT_SEGMENT_REARMS);
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
	expect_effects(seg, TWAIT_SEGMENT_REARMS);
	/* An old number, and then a newer timestamp with it. */
	seg = time_wait(RCV_NXT - 100, 1);
	seg.syn = true;
	seg.ack = false;
	expect_effects(seg, 0);
	seg.newer_timestamp = true;
	expect_effects(seg, TWAIT_SEGMENT_TAKES_OVER);
	/* A SYN with ACK is none that opens. */
	seg.ack = true;
	expect_effects(seg, TWAIT_SEGMENT_REARMS);
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
	expect_effects(seg, 0);
}

static void fin_wait2_gets_its_fin(void **state)
{
	struct twait_segment seg = fin_wait2(RCV_NXT, 1);

	seg.fin = true;
	expect_effects(seg, TWAIT_SEGMENT_ADVANCES);
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
	expect_effects(seg, 0);
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
	expect_effects(seg, 0);
	seg.seq = RCV_NXT - 1;
	seg.end_seq = seg.seq;
	expect_effects(seg, 0);
	seg.seq = RCV_NXT;
	seg.end_seq = seg.seq;
	seg.paws_reject = true;
	expect_effects(seg, 0);
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
	};

	return cmocka_run_group_tests_name("segment", tests, NULL, NULL);
}
