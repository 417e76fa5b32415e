// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules as text, and which of them a flow falls under.
 *
 * Needs: module/policy_text.c module/line.c
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../line.h"
#include "../policy.h"

static struct twait_policy *policy_new(void)
{
	struct twait_policy *policy =
		calloc(1, sizeof(*policy) +
			  TWAIT_RULES_MAX * sizeof(policy->rule[0]));

	assert_non_null(policy);
	twait_policy_init(policy, TWAIT_RULES_MAX);
	return policy;
}

static int apply(struct twait_policy *policy, const char *text,
		 struct twait_complaint *complaint)
{
	memset(complaint, 0, sizeof(*complaint));
	return twait_policy_apply(policy, text, strlen(text), complaint);
}

static void expect_fine(struct twait_policy *policy, const char *text)
{
	struct twait_complaint complaint;

	if (apply(policy, text, &complaint))
		fail_msg("'%s' was refused at '%s': wants %s", text,
			 complaint.word, complaint.wants);
}

/* The text is refused, with the word that is wrong. */
static void expect_refused(const char *text, int err, unsigned int line,
			   const char *word)
{
	struct twait_policy *policy = policy_new();
	struct twait_complaint complaint;

	assert_int_equal(apply(policy, text, &complaint), err);
	assert_int_equal(complaint.line, line);
	assert_string_equal(complaint.word, word);
	assert_non_null(complaint.wants);
	free(policy);
}

static const char *printed(const struct twait_policy *policy, unsigned int i)
{
	static char text[1024];
	struct twait_line line = {
		.text = text, .size = sizeof(text) - 1,
	};

	twait_rule_print(&line, &policy->rule[i]);
	text[line.len] = '\0';
	return text;
}

static void expect_printed(const char *words, const char *as)
{
	struct twait_policy *policy = policy_new();
	char text[1200];

	snprintf(text, sizeof(text), "add a %s\n", words);
	expect_fine(policy, text);
	assert_string_equal(printed(policy, 0), as);
	free(policy);
}

static struct twait_subject subject_of(const char *local, unsigned int lport,
				       const char *remote, unsigned int rport)
{
	struct twait_subject subject = {
		.local_port = lport, .remote_port = rport,
	};
	char text[64];

	snprintf(text, sizeof(text), "%s%s", strchr(local, ':') ? "" : "::ffff:",
		 local);
	assert_int_equal(inet_pton(AF_INET6, text, subject.local), 1);
	snprintf(text, sizeof(text), "%s%s", strchr(remote, ':') ? "" : "::ffff:",
		 remote);
	assert_int_equal(inet_pton(AF_INET6, text, subject.remote), 1);
	return subject;
}

static const char *match(const struct twait_policy *policy,
			 const struct twait_subject *subject)
{
	const struct twait_rule *rule = twait_policy_match(policy, subject);

	return rule ? rule->name : "";
}

static void rules_are_printed_as_they_are_taken(void **state)
{
	expect_printed("", "");
	expect_printed("lport=80", "lport=80");
	expect_printed("rport=1024-65535 length_ms=5000",
		       "rport=1024-65535 length_ms=5000");
	expect_printed("lport=0-0", "lport=0");
	expect_printed("remote=10.0.0.0/8", "remote=10.0.0.0/8");
	expect_printed("local=10.1.2.3", "local=10.1.2.3/32");
	expect_printed("remote=0.0.0.0/0", "remote=0.0.0.0/0");
	expect_printed("remote=::/0", "remote=::/0");
	expect_printed("remote=FD00:0::/8", "remote=fd00::/8");
	expect_printed("local=::1", "local=::1/128");
	expect_printed("loopback", "loopback");
	expect_printed("mark=0x1F uid=33 cgroup=1374",
		       "mark=31 uid=33 cgroup=1374");
	expect_printed("cgroup=18446744073709551615",
		       "cgroup=18446744073709551615");
	expect_printed("share=10%", "share=10%");
	expect_printed("share=0.5%", "share=0.5%");
	expect_printed("share=0.05%", "share=0.05%");
	expect_printed("share=99.99%", "share=99.99%");
	expect_printed("share=100%", "share=100%");
	expect_printed("reuse=allow reuse_delay_ms=100 rst=ignore",
		       "reuse=allow reuse_delay_ms=100 rst=ignore");
	expect_printed("events=end,enter", "events=enter,end");
	expect_printed("events=none", "events=none");
	expect_printed("\t length_ms=1000\tquiet_ms=0 \r",
		       "length_ms=1000 quiet_ms=0");
}

static void what_is_wrong_is_named(void **state)
{
	expect_refused("ad a", -EINVAL, 1, "ad");
	expect_refused("add", -EINVAL, 1, "");
	expect_refused("add -", -EINVAL, 1, "-");
	expect_refused("add a/b", -EINVAL, 1, "a/b");
	expect_refused("add abcdefghijklmnopqrstuvwx", -EINVAL, 1,
		       "abcdefghijklmnopqrstuvwx");
	expect_refused("add a lport", -EINVAL, 1, "lport");
	expect_refused("add a lport=", -EINVAL, 1, "lport=");
	expect_refused("add a lport=65536", -EINVAL, 1, "lport=65536");
	expect_refused("add a lport=2-1", -EINVAL, 1, "lport=2-1");
	expect_refused("add a lport=-1", -EINVAL, 1, "lport=-1");
	expect_refused("add a lport=1 lport=2", -EINVAL, 1, "lport=2");
	expect_refused("add a loopback loopback", -EINVAL, 1, "loopback");
	expect_refused("add a remote=10.0.0.1/8", -EINVAL, 1, "remote=10.0.0.1/8");
	expect_refused("add a remote=10.0.0.0/33", -EINVAL, 1,
		       "remote=10.0.0.0/33");
	expect_refused("add a remote=10.0.0.0/", -EINVAL, 1, "remote=10.0.0.0/");
	expect_refused("add a remote=example", -EINVAL, 1, "remote=example");
	expect_refused("add a share=0%", -EINVAL, 1, "share=0%");
	expect_refused("add a share=100.01%", -EINVAL, 1, "share=100.01%");
	expect_refused("add a share=10", -EINVAL, 1, "share=10");
	expect_refused("add a share=1.%", -EINVAL, 1, "share=1.%");
	expect_refused("add a mark=4294967296", -EINVAL, 1, "mark=4294967296");
	expect_refused("add a cgroup=18446744073709551616", -EINVAL, 1,
		       "cgroup=18446744073709551616");
	expect_refused("add a length_ms=999", -EINVAL, 1, "length_ms=999");
	expect_refused("add a length_ms=240001", -EINVAL, 1, "length_ms=240001");
	expect_refused("add a length_ms=5s", -EINVAL, 1, "length_ms=5s");
	expect_refused("add a reuse=yes", -EINVAL, 1, "reuse=yes");
	expect_refused("add a events=enter,", -EINVAL, 1, "events=enter,");
	expect_refused("add a events=", -EINVAL, 1, "events=");
	expect_refused("add a\nadd b x=1\nadd c", -EINVAL, 2, "x=1");
	expect_refused("add a\nadd a", -EINVAL, 2, "a");
	expect_refused("replace a lport=1", -EINVAL, 1, "a");
	expect_refused("delete a", -EINVAL, 1, "a");
	expect_refused("add a\ndelete a b", -EINVAL, 2, "b");
	expect_refused("clear all", -EINVAL, 1, "all");
	expect_refused("add a l\x01\x80port=1", -EINVAL, 1, "l??port=1");
}

static void many_lines_at_once(void **state)
{
	struct twait_policy *policy = policy_new();

	expect_fine(policy, "# what we try\n\nadd a lport=1\nadd b lport=2\n"
			    "add c lport=3\n");
	assert_int_equal(policy->count, 3);
	expect_fine(policy, "replace b lport=22\ndelete a\n");
	assert_int_equal(policy->count, 2);
	assert_string_equal(policy->rule[0].name, "b");
	assert_string_equal(printed(policy, 0), "lport=22");
	assert_string_equal(policy->rule[1].name, "c");
	expect_fine(policy, "clear\nadd d\n");
	assert_int_equal(policy->count, 1);
	free(policy);
}

static void a_text_that_is_cut(void **state)
{
	struct twait_policy *policy = policy_new();

	expect_fine(policy, "add a rport=443");
	expect_refused("add b\nadd c rport=44", -EINVAL, 2, "rport=44");
	expect_fine(policy, "add b\nadd c rport=44\n");
	free(policy);
}

static void as_many_rules_as_there_is_room(void **state)
{
	struct twait_policy *policy = policy_new();
	struct twait_complaint complaint;
	char text[64];
	int i;

	for (i = 0; i < TWAIT_RULES_MAX; i++) {
		snprintf(text, sizeof(text), "add r%d", i);
		expect_fine(policy, text);
	}
	assert_int_equal(apply(policy, "add more", &complaint), -E2BIG);
	assert_string_equal(complaint.word, "more");
	free(policy);
}

/* An id is found for as long as its rule is there, and never another one by it. */
static void rules_are_found_by_id(void **state)
{
	struct twait_policy *policy = policy_new();
	unsigned int i, round, first, gone;
	char text[64];

	for (i = 0; i < TWAIT_RULES_MAX; i++) {
		snprintf(text, sizeof(text), "add r%u", i);
		expect_fine(policy, text);
	}
	first = policy->rule[0].id;
	for (round = 0; round < 3 * 65536; round += 200) {
		for (i = 1; i <= 200; i++)
			policy->last_id++;
		expect_fine(policy, "replace r7 lport=7\n");
		for (i = 0; i < policy->count; i++) {
			assert_int_not_equal(policy->rule[i].id, 0);
			assert_ptr_equal(twait_policy_rule(policy,
							   policy->rule[i].id),
					 &policy->rule[i]);
		}
	}
	assert_ptr_equal(twait_policy_rule(policy, first), &policy->rule[0]);
	expect_fine(policy, "delete r0\n");
	assert_null(twait_policy_rule(policy, first));
	assert_null(twait_policy_rule(policy, 0));
	/* A wait of a rule that is gone is none of one that came much later. */
	gone = policy->rule[0].id;
	snprintf(text, sizeof(text), "delete %s\n", policy->rule[0].name);
	expect_fine(policy, text);
	policy->last_id = gone + 65535;
	expect_fine(policy, "add late\n");
	assert_null(twait_policy_rule(policy, gone));
	free(policy);
}

static void the_first_that_matches(void **state)
{
	struct twait_policy *policy = policy_new();
	struct twait_subject subject;

	expect_fine(policy,
		    "add web rport=80-89 remote=10.0.0.0/8\n"
		    "add v6 local=fd00::/8\n"
		    "add user uid=33\n"
		    "add marked mark=7\n"
		    "add group cgroup=1374\n"
		    "add lo loopback\n"
		    "add port lport=5000\n");
	subject = subject_of("192.0.2.1", 40000, "10.255.0.1", 80);
	assert_string_equal(match(policy, &subject), "web");
	subject.remote_port = 89;
	assert_string_equal(match(policy, &subject), "web");
	subject.remote_port = 79;
	assert_string_equal(match(policy, &subject), "");
	subject.remote_port = 90;
	assert_string_equal(match(policy, &subject), "");
	subject = subject_of("192.0.2.1", 40000, "11.0.0.1", 80);
	assert_string_equal(match(policy, &subject), "");
	subject.uid = 33;
	assert_string_equal(match(policy, &subject), "user");
	subject.uid = 34;
	subject.mark = 7;
	assert_string_equal(match(policy, &subject), "marked");
	subject.mark = 8;
	subject.cgroup_id = 1374;
	assert_string_equal(match(policy, &subject), "group");
	subject.cgroup_id = 1;
	subject.loopback = true;
	assert_string_equal(match(policy, &subject), "lo");
	subject.loopback = false;
	subject.local_port = 5000;
	assert_string_equal(match(policy, &subject), "port");
	subject = subject_of("fd01::1", 5000, "fd01::2", 80);
	assert_string_equal(match(policy, &subject), "v6");
	subject = subject_of("fe00::1", 5001, "fd01::2", 80);
	assert_string_equal(match(policy, &subject), "");
	free(policy);
}

static void values_of_the_namespace_where_a_rule_gives_none(void **state)
{
	struct twait_policy *policy = policy_new();

	expect_fine(policy, "add a length_ms=5000\n");
	assert_int_equal(policy->rule[0].values.of[TWAIT_VALUE_LENGTH_MS], 5000);
	assert_int_equal(policy->rule[0].values.of[TWAIT_VALUE_QUIET_MS], 60000);
	policy->values.of[TWAIT_VALUE_LENGTH_MS] = 1000;
	policy->values.of[TWAIT_VALUE_QUIET_MS] = 7;
	twait_policy_settle(policy);
	assert_int_equal(policy->rule[0].values.of[TWAIT_VALUE_LENGTH_MS], 5000);
	assert_int_equal(policy->rule[0].values.of[TWAIT_VALUE_QUIET_MS], 7);
	assert_false(policy->tunes_reuse);
	expect_fine(policy, "add b reuse_delay_ms=1\n");
	assert_true(policy->tunes_reuse);
	expect_fine(policy, "delete b\n");
	assert_false(policy->tunes_reuse);
	free(policy);
}

/* Of @n flows spread over the ring, how many fall under which rule? */
static void count_shares(const struct twait_policy *policy, unsigned int n,
			 unsigned int *count)
{
	struct twait_subject subject = subject_of("10.0.0.1", 1, "10.0.0.2", 2);
	unsigned int i;

	memset(count, 0, (policy->count + 1) * sizeof(*count));
	for (i = 0; i < n; i++) {
		const struct twait_rule *rule;

		subject.lot = (uint32_t)(((uint64_t)i << 32) / n);
		rule = twait_policy_match(policy, &subject);
		count[rule ? rule - policy->rule : policy->count]++;
	}
}

static void shares_lie_side_by_side(void **state)
{
	struct twait_policy *policy = policy_new();
	unsigned int count[5];

	expect_fine(policy, "add a share=10%\nadd b share=10%\nadd c share=0.5%\n");
	count_shares(policy, 10000, count);
	assert_in_range(count[0], 999, 1001);
	assert_in_range(count[1], 999, 1001);
	assert_in_range(count[2], 49, 51);
	expect_fine(policy, "clear\nadd a share=50%\nadd b share=50%\n");
	count_shares(policy, 10000, count);
	assert_in_range(count[0], 4999, 5001);
	assert_int_equal(count[0] + count[1], 10000);
	expect_fine(policy, "clear\nadd a share=100%\n");
	count_shares(policy, 1000, count);
	assert_int_equal(count[0], 1000);
	/* Other flows: each is about its own. */
	expect_fine(policy, "clear\nadd a rport=9 share=80%\nadd b rport=2 share=80%\n");
	count_shares(policy, 10000, count);
	assert_int_equal(count[0], 0);
	assert_in_range(count[1], 7999, 8001);
	free(policy);
}

static void values_are_printed_as_they_are_taken(void **state)
{
	static const struct {
		enum twait_value value;
		const char *text;
		const char *as;
	} fine[] = {
		{ TWAIT_VALUE_LENGTH_MS, "1000", "1000" },
		{ TWAIT_VALUE_LENGTH_MS, " 240000 ", "240000" },
		{ TWAIT_VALUE_QUIET_MS, "0", "0" },
		{ TWAIT_VALUE_REUSE, "refuse", "refuse" },
		{ TWAIT_VALUE_RST, "kernel", "kernel" },
		{ TWAIT_VALUE_EVENTS, "all", "all" },
		{ TWAIT_VALUE_EVENTS, "late,end", "end,late" },
	};
	static const struct {
		enum twait_value value;
		const char *text;
	} wrong[] = {
		{ TWAIT_VALUE_LENGTH_MS, "0" },
		{ TWAIT_VALUE_LENGTH_MS, "" },
		{ TWAIT_VALUE_LENGTH_MS, "5000 6000" },
		{ TWAIT_VALUE_LENGTH_MS, "4294967296000" },
		{ TWAIT_VALUE_LENGTH_MS, "-1" },
		{ TWAIT_VALUE_REUSE_DELAY_MS, "240001" },
		{ TWAIT_VALUE_REUSE, "1" },
		{ TWAIT_VALUE_RST, "ignored" },
		{ TWAIT_VALUE_EVENTS, "end,all" },
	};
	struct twait_complaint complaint;
	__u32 number;
	unsigned int i;

	for (i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		char text[TWAIT_VALUE_TEXT_MAX];
		struct twait_line line = {
			.text = text, .size = sizeof(text) - 1,
		};

		assert_int_equal(twait_value_parse(fine[i].value, fine[i].text,
						   &number, &complaint), 0);
		twait_value_print(&line, fine[i].value, number);
		text[line.len] = '\0';
		assert_string_equal(text, fine[i].as);
	}
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(twait_value_parse(wrong[i].value, wrong[i].text,
						   &number, &complaint), -EINVAL);
		assert_non_null(strstr(complaint.wants,
				       twait_value_word(wrong[i].value)));
	}
}

/* All kinds of events fit where a value is printed. */
static void the_longest_value_fits(void **state)
{
	char text[TWAIT_VALUE_TEXT_MAX];
	struct twait_line line = {
		.text = text, .size = sizeof(text),
	};

	twait_value_print(&line, TWAIT_VALUE_EVENTS, TWAIT_EVENTS_ALL & ~1U);
	assert_true(line.len < sizeof(text) - sizeof("enter,"));
}

/* Each is taken, and prints as what is taken again and prints the same; or not. */
static void random_lines(void **state)
{
	static const char * const pieces[] = {
		"add", "replace", "delete", "clear", "a", "b", "-", "lport=",
		"rport=", "local=", "remote=", "loopback", "mark=", "uid=",
		"cgroup=", "share=", "length_ms=", "quiet_ms=", "reuse=",
		"reuse_delay_ms=", "rst=", "events=", "1", "80", "5000",
		"65536", "1-2", "10%", "0x10", "10.0.0.0/8", "fd00::/8", "allow",
		"ignore", "all", "enter,end", " ", " ", " ", "\n", "=", "%", "\t",
		"\x80", "#",
	};
	struct twait_complaint complaint;
	unsigned int i, j, taken = 0;

	srandom(1);
	for (i = 0; i < 20000; i++) {
		struct twait_policy *policy = policy_new();
		char text[512] = "add a";
		unsigned int n = random() % 10;

		for (j = 0; j < n; j++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text),
				 "%s%s", random() % 3 ? "" : " ",
				 pieces[random() % (sizeof(pieces) /
						    sizeof(pieces[0]))]);
		if (!apply(policy, text, &complaint)) {
			taken++;
			for (j = 0; j < policy->count; j++) {
				char once[512];

				snprintf(once, sizeof(once), "%s",
					 printed(policy, j));
				expect_printed(once, once);
			}
		} else {
			assert_non_null(complaint.wants);
			assert_true(complaint.line);
		}
		free(policy);
	}
	assert_in_range(taken, 1000, 19000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_printed_as_they_are_taken),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(many_lines_at_once),
		cmocka_unit_test(a_text_that_is_cut),
		cmocka_unit_test(as_many_rules_as_there_is_room),
		cmocka_unit_test(rules_are_found_by_id),
		cmocka_unit_test(the_first_that_matches),
		cmocka_unit_test(values_of_the_namespace_where_a_rule_gives_none),
		cmocka_unit_test(shares_lie_side_by_side),
		cmocka_unit_test(values_are_printed_as_they_are_taken),
		cmocka_unit_test(the_longest_value_fits),
		cmocka_unit_test(random_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
