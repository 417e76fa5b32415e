// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel_line.h"
#include "parse.h"

/* The next word of the line, cut off in place; NULL at its end. */
static char *next_word(char **line)
{
	char *word;

	do
		word = strsep(line, " \t");
	while (word && !*word);
	return word;
}

/**
 * kernel_line_is_header() - is it the first line of net/tcp and net/tcp6?
 * @line: whole
 */
bool kernel_line_is_header(const char *line)
{
	return !strncmp(line + strspn(line, " "), "sl ", 3);
}

/* "HEX:HEX" of an address and a port, or "NUMBER:", as the first column is. */
static bool is_pair(const char *word, bool port)
{
	size_t len = word ? strspn(word, "0123456789ABCDEFabcdef") : 0;

	if (!len || word[len] != ':')
		return false;
	word += len + 1;
	len = strspn(word, "0123456789ABCDEFabcdef");
	return !word[len] && (port ? len == 4 : len == 0);
}

/**
 * kernel_line_socket() - the state of a socket in net/tcp or net/tcp6
 * @line: "SL: LOCAL:PORT REMOTE:PORT STATE ...", cut up in place
 * @len: its length in bytes
 * @state: set to that of include/net/tcp_states.h
 *
 * Why: net/ipv4/tcp_ipv4.c:get_tcp4_sock(), get_openreq4() and
 * get_timewait4_sock() write it, and their likes in net/ipv6/tcp_ipv6.c.
 *
 * Return: whether it is such a line.
 */
bool kernel_line_socket(char *line, size_t len, unsigned int *state)
{
	static const char hex[] = "0123456789ABCDEF";
	const char *high, *low;
	const char *word;

	if (strlen(line) != len || !is_pair(next_word(&line), false) ||
	    !is_pair(next_word(&line), true) || !is_pair(next_word(&line), true))
		return false;
	word = next_word(&line);
	if (!word || strlen(word) != 2)
		return false;
	high = strchr(hex, toupper((unsigned char)word[0]));
	low = strchr(hex, toupper((unsigned char)word[1]));
	if (!high || !low)
		return false;
	*state = (unsigned int)((high - hex) << 4 | (low - hex));
	return true;
}

/**
 * kernel_line_conntrack() - what a line of net/nf_conntrack tells of TIME_WAIT
 * @line: "ipv4 2 tcp 6 119 TIME_WAIT src=...", cut up in place
 * @len: its length in bytes
 * @entry: overwritten
 *
 * Why: net/netfilter/nf_conntrack_standalone.c:ct_seq_show() writes it. An
 * entry that a flowtable has taken over comes without timeout and state.
 *
 * Return: whether it is such a line, of whatever protocol.
 */
bool kernel_line_conntrack(char *line, size_t len, struct conntrack *entry)
{
	uint64_t family, protocol, timeout_s;
	const char *word, *state;

	memset(entry, 0, sizeof(*entry));
	if (strlen(line) != len || !next_word(&line))
		return false;
	word = next_word(&line);
	if (!word || !parse_u64(word, &family) || !next_word(&line))
		return false;
	word = next_word(&line);
	if (!word || !parse_u64(word, &protocol))
		return false;
	if (protocol != IPPROTO_TCP)
		return true;
	if (family != AF_INET && family != AF_INET6)
		return false;
	entry->ipv6 = family == AF_INET6;

	word = next_word(&line);
	if (!word)
		return false;
	if (!strncmp(word, "src=", 4))
		return true;
	state = next_word(&line);
	if (!parse_u64(word, &timeout_s) || !state)
		return false;
	word = next_word(&line);
	if (!word || strncmp(word, "src=", 4))
		return false;
	entry->time_wait = !strcmp(state, "TIME_WAIT");
	return true;
}

/**
 * kernel_line_sysctl() - the numbers of a sysctl
 * @line: cut up in place
 * @len: its length in bytes
 * @numbers: set if it has just these; may be negative
 * @count: how many there must be
 */
bool kernel_line_sysctl(char *line, size_t len, int64_t *numbers, size_t count)
{
	size_t i;

	if (strlen(line) != len)
		return false;
	for (i = 0; i < count; i++) {
		const char *word = next_word(&line);
		bool negative = word && *word == '-';
		uint64_t n;

		if (!word || !parse_u64(word + negative, &n) || n > INT64_MAX)
			return false;
		numbers[i] = negative ? -(int64_t)n : (int64_t)n;
	}
	return !next_word(&line);
}
