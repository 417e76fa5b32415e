// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of tcp_twsk_unique() and of a SYN in TIME_WAIT, case by case. Expected
 * values are read from the kernel's functions and the RFCs, not from reuse.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../reuse.h"

/* What the kernel allows: tcp_tw_reuse=1, timestamps, and old enough. */
static struct twait_connect_attempt allowed_one(void)
{
	return (struct twait_connect_attempt){
		.sysctl_reuse = 1, .timestamps = true, .old_enough = true,
	};
}

#define expect_connect(try, allowed, is) \
	assert_int_equal(twait_reuse_by_connect(&(try), allowed), \
			 TWAIT_REUSE_CONNECT_##is)
#define expect_syn(try, allowed, is) \
	assert_int_equal(twait_reuse_by_syn(&(try), allowed), \
			 TWAIT_REUSE_SYN_##is)

static void connect_is_allowed(void **state)
{
	struct twait_connect_attempt try = allowed_one();

	expect_connect(try, true, ALLOWED_TIMESTAMPS);
	try.bound = true;
	expect_connect(try, true, ALLOWED_BOUND);
	try.repair = true;
	expect_connect(try, true, ALLOWED_REPAIR);
	try.bound = false;
	expect_connect(try, true, ALLOWED_REPAIR);
}

static void connect_is_refused_for_one_reason(void **state)
{
	struct twait_connect_attempt try = allowed_one();

	try.fin_wait2 = true;
	expect_connect(try, false, REFUSED_FIN_WAIT2);
	try = allowed_one();
	try.sysctl_reuse = 0;
	expect_connect(try, false, REFUSED_OFF);
	try.sysctl_reuse = 2;
	expect_connect(try, false, REFUSED_NOT_LOOPBACK);
	try = allowed_one();
	try.timestamps = false;
	expect_connect(try, false, REFUSED_NO_TIMESTAMPS);
	try = allowed_one();
	try.old_enough = false;
	expect_connect(try, false, REFUSED_TOO_YOUNG);
	try = allowed_one();
	try.unborn = true;
	expect_connect(try, false, REFUSED_TOO_YOUNG);
}

static void loopback_only_is_for_loopback(void **state)
{
	struct twait_connect_attempt try = allowed_one();

	try.sysctl_reuse = 2;
	try.loopback = true;
	expect_connect(try, true, ALLOWED_TIMESTAMPS);
	/* With 1 nobody asks. */
	try.sysctl_reuse = 1;
	try.loopback = false;
	expect_connect(try, true, ALLOWED_TIMESTAMPS);
}

/* In the order in which the kernel looks. */
static void of_several_reasons_the_first_counts(void **state)
{
	struct twait_connect_attempt try = { .fin_wait2 = true };

	expect_connect(try, false, REFUSED_FIN_WAIT2);
	try.fin_wait2 = false;
	expect_connect(try, false, REFUSED_OFF);
	try.sysctl_reuse = 2;
	expect_connect(try, false, REFUSED_NOT_LOOPBACK);
	try.loopback = true;
	expect_connect(try, false, REFUSED_NO_TIMESTAMPS);
	try.timestamps = true;
	expect_connect(try, false, REFUSED_TOO_YOUNG);
}

/* It skips the sysctls, the age and the substate, and nothing else. */
static void bound_asks_for_timestamps_only(void **state)
{
	struct twait_connect_attempt try = {
		.bound = true, .fin_wait2 = true, .timestamps = true,
	};

	expect_connect(try, true, ALLOWED_BOUND);
	try.timestamps = false;
	expect_connect(try, false, REFUSED_NO_TIMESTAMPS);
	try.timestamps = true;
	try.unborn = true;
	expect_connect(try, false, REFUSED_TOO_YOUNG);
}

static void connect_against_the_rules_is_unexplained(void **state)
{
	struct twait_connect_attempt try = allowed_one();

	expect_connect(try, false, REFUSED_UNEXPLAINED);
	/* An older kernel does not look at it. */
	try.fin_wait2 = true;
	expect_connect(try, true, ALLOWED_TIMESTAMPS);
	try.fin_wait2 = false;
	try.timestamps = false;
	expect_connect(try, true, ALLOWED_UNEXPLAINED);
	try.repair = true;
	expect_connect(try, true, ALLOWED_UNEXPLAINED);
}

/* tcp_twsk_unique(), and how tuning has its way with it. */
static bool kernel_allows(const struct twait_connect_attempt *try)
{
	bool asks = !try->bound && try->tuned != TWAIT_REUSE_TUNED_ALLOW;

	if (try->tuned == TWAIT_REUSE_TUNED_REFUSE ||
	    try->tuned == TWAIT_REUSE_TUNED_TOO_YOUNG)
		return false;
	if (asks && (try->fin_wait2 || !try->sysctl_reuse || !try->old_enough ||
		     (try->sysctl_reuse == 2 && !try->loopback)))
		return false;
	return try->timestamps && !try->unborn;
}

/* What is to come of it: by the words of net.timewait.reuse and its delay. */
static bool is_to_be_allowed(const struct twait_connect_attempt *try,
			     enum twait_reuse_mode mode, bool old_enough)
{
	bool on = try->sysctl_reuse == 1 || (try->sysctl_reuse && try->loopback);

	if (mode == TWAIT_REUSE_MODE_REFUSE || !try->timestamps || try->unborn)
		return false;
	if (try->bound)
		return true;
	return !try->fin_wait2 && old_enough &&
	       (on || mode == TWAIT_REUSE_MODE_ALLOW);
}

static void tuned(unsigned int bits, unsigned int sysctl_reuse,
		  enum twait_reuse_mode mode)
{
	struct twait_connect_attempt try = {
		.sysctl_reuse = sysctl_reuse,
		.bound = bits & 1,
		.repair = bits & 2,
		.fin_wait2 = bits & 4,
		.loopback = bits & 8,
		.timestamps = bits & 16,
		.old_enough = bits & 32,
		.unborn = bits & 64,
	};
	bool old_enough = bits & 128;
	enum twait_reuse reuse;
	bool allowed;

	try.tuned = twait_reuse_tune(&try, mode, old_enough);
	allowed = kernel_allows(&try);
	assert_int_equal(allowed, is_to_be_allowed(&try, mode, old_enough));
	/* As who asks for the reason puts aside what tuning did. */
	if (mode == TWAIT_REUSE_MODE_ALLOW)
		try.sysctl_reuse = 1;
	reuse = twait_reuse_by_connect(&try, allowed);
	assert_false(twait_reuse_is_unexplained(reuse));
}

/* Whatever the wait, the sysctls and the socket. */
static void what_tuning_says_comes_true_and_is_explained(void **state)
{
	unsigned int bits, sysctl_reuse;

	for (bits = 0; bits < 256; bits++)
		for (sysctl_reuse = 0; sysctl_reuse < 3; sysctl_reuse++) {
			tuned(bits, sysctl_reuse, TWAIT_REUSE_MODE_KERNEL);
			tuned(bits, sysctl_reuse, TWAIT_REUSE_MODE_ALLOW);
			tuned(bits, sysctl_reuse, TWAIT_REUSE_MODE_REFUSE);
		}
}

static void syn_is_allowed(void **state)
{
	struct twait_syn_attempt try = { .newer_seq = true };

	expect_syn(try, true, ALLOWED_SEQ);
	try.newer_timestamp = true;
	expect_syn(try, true, ALLOWED_SEQ);
	try.newer_seq = false;
	expect_syn(try, true, ALLOWED_TIMESTAMP);
}

static void syn_is_refused(void **state)
{
	struct twait_syn_attempt try = { 0 };

	expect_syn(try, false, REFUSED_OLD_SEQ);
	try.newer_seq = true;
	try.paws_reject = true;
	expect_syn(try, false, REFUSED_PAWS);
	try.fin_wait2 = true;
	expect_syn(try, false, REFUSED_FIN_WAIT2);
}

static void syn_against_the_rules_is_unexplained(void **state)
{
	struct twait_syn_attempt try = { 0 };

	expect_syn(try, true, ALLOWED_UNEXPLAINED);
	try.newer_seq = true;
	expect_syn(try, false, REFUSED_UNEXPLAINED);
	try.paws_reject = true;
	expect_syn(try, true, ALLOWED_UNEXPLAINED);
	try.paws_reject = false;
	try.fin_wait2 = true;
	expect_syn(try, true, ALLOWED_UNEXPLAINED);
}

static void unexplained_ones_are_known(void **state)
{
	unsigned int i, n = 0;

	for (i = 0; i < TWAIT_REUSE_MAX; i++)
		n += twait_reuse_is_unexplained(i);
	assert_int_equal(n, 4);
	assert_false(twait_reuse_is_unexplained(TWAIT_REUSE_SYN_ALLOWED_SEQ));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connect_is_allowed),
		cmocka_unit_test(connect_is_refused_for_one_reason),
		cmocka_unit_test(loopback_only_is_for_loopback),
		cmocka_unit_test(of_several_reasons_the_first_counts),
		cmocka_unit_test(bound_asks_for_timestamps_only),
		cmocka_unit_test(connect_against_the_rules_is_unexplained),
		cmocka_unit_test(what_tuning_says_comes_true_and_is_explained),
		cmocka_unit_test(syn_is_allowed),
		cmocka_unit_test(syn_is_refused),
		cmocka_unit_test(syn_against_the_rules_is_unexplained),
		cmocka_unit_test(unexplained_ones_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
