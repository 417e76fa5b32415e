// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers, times and names as people read them; and the end of the output.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "out_text.h"

/**
 * out_thousands() - a number with a comma before each three digits
 * @buf: where to
 * @n: the number
 *
 * Why: printf's ' flag depends on the locale, and the C locale has none.
 */
const char *out_thousands(char buf[OUT_NUMBER_MAX], uint64_t n)
{
	char digits[OUT_NUMBER_MAX];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	char *to = buf;
	int i;

	for (i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return buf;
}

/**
 * out_duration() - a time span in the unit that suits it
 * @buf: where to
 * @ms: in milliseconds
 */
const char *out_duration(char buf[OUT_NUMBER_MAX], struct count ms)
{
	uint64_t s = ms.n / 1000;

	if (!ms.known)
		snprintf(buf, OUT_NUMBER_MAX, "-");
	else if (s == 0)
		snprintf(buf, OUT_NUMBER_MAX, "%" PRIu64 "ms", ms.n);
	else if (s < 600)
		snprintf(buf, OUT_NUMBER_MAX, "%" PRIu64 ".%" PRIu64 "s",
			 (ms.n + 50) / 1000, (ms.n + 50) % 1000 / 100);
	else if (s < 3600)
		snprintf(buf, OUT_NUMBER_MAX, "%" PRIu64 "m%02" PRIu64 "s",
			 s / 60, s % 60);
	else
		snprintf(buf, OUT_NUMBER_MAX, "%" PRIu64 "h%02" PRIu64 "m",
			 s / 3600, s % 3600 / 60);
	return buf;
}

/**
 * out_seconds() - a time span as it was set, in seconds: "60 s", "1.5 s"
 * @buf: where to
 * @ms: in milliseconds
 */
const char *out_seconds(char buf[OUT_NUMBER_MAX], uint64_t ms)
{
	snprintf(buf, OUT_NUMBER_MAX, "%.10g s", (double)ms / 1000);
	return buf;
}

/**
 * out_share() - a part in percent, to a tenth, rounded
 * @buf: where to
 * @part: at most @whole
 * @whole: 0 gives "-"
 */
const char *out_share(char buf[OUT_NUMBER_MAX], uint64_t part, uint64_t whole)
{
	if (!whole) {
		snprintf(buf, OUT_NUMBER_MAX, "-");
	} else {
		uint64_t tenths = (part * 1000 + whole / 2) / whole;

		snprintf(buf, OUT_NUMBER_MAX, "%" PRIu64 ".%" PRIu64 "%%",
			 tenths / 10, tenths % 10);
	}
	return buf;
}

const char *out_endpoint(char buf[OUT_ENDPOINT_MAX], const char *addr,
			 struct count port)
{
	bool ipv6 = strchr(addr, ':');

	snprintf(buf, OUT_ENDPOINT_MAX, "%s%.*s%s:%" PRIu64, ipv6 ? "[" : "",
		 TWAIT_LINE_MAX, addr, ipv6 ? "]" : "", port.n);
	return buf;
}

/**
 * out_name() - the name of a process, safe for a terminal
 * @buf: where to
 * @size: in bytes; four a byte of @name hold all of it
 * @name: as the process has it, any bytes
 *
 * A process names itself, with escape sequences for the reader's terminal if
 * it likes. All but printable ASCII goes out as \ooo, and so does the
 * backslash, so that what is shown stands for one name only.
 */
const char *out_name(char *buf, size_t size, const char *name)
{
	size_t at = 0;

	for (; *name && at + 4 < size; name++) {
		unsigned char c = (unsigned char)*name;

		if (c < ' ' || c > '~' || c == '\\')
			at += (size_t)snprintf(buf + at, size - at, "\\%03o", c);
		else
			buf[at++] = (char)c;
	}
	buf[at] = '\0';
	return buf;
}

/**
 * out_process() - the process that closed a connection
 * @buf: where to
 * @flow: whose
 *
 * Return: "NAME[PID]"; "NAME[?]" for a process outside the reader's pid
 * namespace, which the kernel gives as 0; "-" if nobody saw it close.
 */
const char *out_process(char buf[OUT_PROCESS_MAX], const struct flow *flow)
{
	size_t at;

	if (!flow->comm && !flow->pid.known) {
		strcpy(buf, "-");
		return buf;
	}
	out_name(buf, OUT_PROCESS_MAX - OUT_NUMBER_MAX,
		 flow->comm ? flow->comm : "-");
	at = strlen(buf);
	if (flow->pid.known && flow->pid.n)
		snprintf(buf + at, OUT_NUMBER_MAX, "[%" PRIu64 "]", flow->pid.n);
	else if (flow->pid.known)
		strcpy(buf + at, "[?]");
	return buf;
}

/* The begin of a warning; the first stands apart from what is above it. */
void out_begin_warning(void)
{
	static bool begun;

	printf("%swarning: ", begun ? "" : "\n");
	begun = true;
}

/* errno of the first write that failed; stdio forgets it. */
static int write_error;

/**
 * out_failed() - did writing fail?
 *
 * Asked after each line of a long output, to end early and while errno is
 * still that of the write.
 */
int out_failed(void)
{
	if (ferror(stdout) && !write_error)
		write_error = errno ? errno : EIO;
	return write_error;
}

/**
 * out_finish() - hand over what stdio still holds, and say if that failed
 * @code: the exit code if all is well
 *
 * A closed pipe is how 'twstat list | head' ends: no message.
 *
 * Return: @code, or TWSTAT_FAILED.
 */
int out_finish(int code)
{
	errno = 0;
	if (fflush(stdout) && !write_error)
		write_error = errno;
	if (!out_failed())
		return code;
	if (write_error != EPIPE)
		fprintf(stderr, "twstat: cannot write: %s\n",
			strerror(write_error));
	return TWSTAT_FAILED;
}
