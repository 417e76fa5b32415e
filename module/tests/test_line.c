// SPDX-License-Identifier: GPL-2.0-only
/* Lines of key=value: numbers, escapes, and a buffer that is too small. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../line.h"

static char text[64];

static struct twait_line fresh(void)
{
	memset(text, '#', sizeof(text));
	return (struct twait_line){ text, sizeof(text), 0 };
}

static void expect_line(const struct twait_line *line, const char *expected)
{
	assert_int_equal(line->len, strlen(expected));
	assert_memory_equal(line->text, expected, line->len);
	assert_int_equal(text[line->len], '#');
}

static void numbers(void **state)
{
	struct twait_line line = fresh();

	twait_line_key_number(&line, "a", 0);
	twait_line_key_number(&line, "b", 1203);
	twait_line_key_number(&line, "c", UINT64_MAX);
	expect_line(&line, "a=0 b=1203 c=18446744073709551615");
}

static void words(void **state)
{
	struct twait_line line = fresh();

	twait_line_key_text(&line, "comm", "");
	twait_line_escaped(&line, "a b=c\\\n\x7f\xff");
	twait_line_key_text(&line, "x", "-");
	expect_line(&line, "comm=a\\040b\\075c\\134\\012\\177\\377 x=-");
}

static void lone_dash(void **state)
{
	struct twait_line line = fresh();

	twait_line_escaped(&line, "-");
	twait_line_char(&line, ' ');
	twait_line_escaped(&line, "-x");
	expect_line(&line, "\\055 -x");
}

static void full(void **state)
{
	struct twait_line line = fresh();

	line.size = 5;
	twait_line_key_text(&line, "abc", "defgh");
	twait_line_key_number(&line, "n", 7);
	expect_line(&line, "abc=d");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(words),
		cmocka_unit_test(lone_dash),
		cmocka_unit_test(full),
	};

	return cmocka_run_group_tests_name("line", tests, NULL, NULL);
}
