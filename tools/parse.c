// SPDX-License-Identifier: GPL-2.0-only
/*
 * From lines to structs. A line is taken whole or not at all: half a line
 * would put wrong numbers into right-looking tables.
 */
#include <string.h>

#include "parse.h"

enum kind { KIND_NUMBER, KIND_WORD, KIND_NAME };

struct key {
	const char *name;
	enum kind kind;
	size_t at;		/* offset in the struct */
};

#define FLOW_NUMBER(key) { #key, KIND_NUMBER, offsetof(struct flow, key) },
#define FLOW_WORD(key)	 { #key, KIND_WORD, offsetof(struct flow, key) },
#define FLOW_NAME(key)	 { #key, KIND_NAME, offsetof(struct flow, key) },
#define HOOK_NUMBER(key) { #key, KIND_NUMBER, offsetof(struct hook, key) },
#define HOOK_WORD(key)	 { #key, KIND_WORD, offsetof(struct hook, key) },
#define HOOK_NAME(key)	 { #key, KIND_NAME, offsetof(struct hook, key) },

static const struct key flow_keys[] = {
	FLOW_KEYS(FLOW_NUMBER, FLOW_WORD, FLOW_NAME)
};

static const struct key hook_keys[] = {
	HOOK_KEYS(HOOK_NUMBER, HOOK_WORD, HOOK_NAME)
};

#define KEYS(keys)	keys, sizeof(keys) / sizeof((keys)[0])

/**
 * parse_u64() - read a decimal number
 * @text: digits and nothing else
 * @n: set if it is one
 *
 * Why: strtoull() takes blanks, signs and "-1".
 *
 * Return: whether it is a number that fits in 64 bits.
 */
bool parse_u64(const char *text, uint64_t *n)
{
	uint64_t sum = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		unsigned int digit = (unsigned char)*text - '0';

		if (digit > 9 || sum > (UINT64_MAX - digit) / 10)
			return false;
		sum = sum * 10 + digit;
	}
	*n = sum;
	return true;
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/**
 * unescape() - undo \ooo as in /proc/mounts, in place
 * @text: ends up shorter or the same
 *
 * A backslash without three octal digits stays as it is. So does \000: no
 * name holds a NUL, and taking it would cut the name short.
 */
static void unescape(char *text)
{
	char *to = text;

	while (*text) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' &&
		    is_octal(text[2]) && is_octal(text[3])) {
			char c = (char)((text[1] - '0') << 6 |
					(text[2] - '0') << 3 |
					(text[3] - '0'));

			if (c) {
				*to++ = c;
				text += 4;
				continue;
			}
		}
		*to++ = *text++;
	}
	*to = '\0';
}

static bool is_word(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

static bool set_value(const struct key *key, char *value, void *into)
{
	char *field = (char *)into + key->at;

	if (!strcmp(value, "-"))
		return true;
	switch (key->kind) {
	case KIND_NUMBER: {
		struct count *count = (void *)field;

		count->known = parse_u64(value, &count->n);
		return count->known;
	}
	case KIND_WORD:
		if (!is_word(value))
			return false;
		break;
	case KIND_NAME:
		unescape(value);
		break;
	}
	*(const char **)(void *)field = value;
	return true;
}

/**
 * parse_line() - take a line of key=value apart
 * @line: without its newline; cut up in place, the struct points into it
 * @len: its length in bytes: a NUL within it makes it malformed
 * @keys: the keys to take; the others are passed over
 * @count: how many
 * @into: the struct they go to, all zero
 *
 * Return: false if some part has no '=' or a value is not of its key's kind.
 */
static bool parse_line(char *line, size_t len, const struct key *keys,
		       size_t count, void *into)
{
	size_t hint = 0;
	char *part;

	if (strlen(line) != len)
		return false;
	while ((part = strsep(&line, " "))) {
		char *value = strchr(part, '=');
		size_t i;

		if (!*part)
			continue;
		if (!value || value == part)
			return false;
		*value++ = '\0';
		/* Lines keep the order of the keys: the next is mostly it. */
		for (i = 0; i < count; i++) {
			const struct key *key = &keys[(hint + i) % count];

			if (strcmp(key->name, part))
				continue;
			if (!set_value(key, value, into))
				return false;
			hint += i + 1;
			break;
		}
	}
	return true;
}

/**
 * parse_flow() - take a line of connections or of events
 * @line: see parse_line()
 * @len: its length in bytes
 * @flow: overwritten
 *
 * Return: false for a line that cannot be trusted. A line without a
 * four-tuple is one in every file of flows.
 */
bool parse_flow(char *line, size_t len, struct flow *flow)
{
	memset(flow, 0, sizeof(*flow));
	return parse_line(line, len, KEYS(flow_keys), flow) &&
	       flow->src && flow->dst && flow->sport.known && flow->dport.known;
}

bool parse_hook(char *line, size_t len, struct hook *hook)
{
	memset(hook, 0, sizeof(*hook));
	return parse_line(line, len, KEYS(hook_keys), hook) && hook->hook;
}

/**
 * parse_stat() - take a line of stats and keep it
 * @line: "name value", without the newline
 * @len: its length in bytes
 * @stats: gets a row more; a name too long or one row too many is left out,
 *	since no command can ask for it, and so is one whose number is "-",
 *	since the module cannot know it
 *
 * Return: false if it is not a name, a space and a number or "-".
 */
bool parse_stat(const char *line, size_t len, struct stats *stats)
{
	const char *space = strchr(line, ' ');
	size_t name_len;
	uint64_t n;

	if (strlen(line) != len || !space || space == line)
		return false;
	if (!strcmp(space + 1, "-"))
		return true;
	if (!parse_u64(space + 1, &n))
		return false;
	name_len = (size_t)(space - line);
	if (name_len >= sizeof(stats->rows[0].name) || stats->used == STATS_MAX)
		return true;
	memcpy(stats->rows[stats->used].name, line, name_len);
	stats->rows[stats->used].name[name_len] = '\0';
	stats->rows[stats->used].n = n;
	stats->used++;
	return true;
}

/**
 * stats_get() - a number by its name
 * @stats: what was read
 * @name: the name
 * @n: set if it is there, else 0
 *
 * Return: whether it is there. Absent is not 0: this module does not count it.
 */
bool stats_get(const struct stats *stats, const char *name, uint64_t *n)
{
	size_t i;

	*n = 0;
	for (i = 0; i < stats->used; i++) {
		if (!strcmp(stats->rows[i].name, name)) {
			*n = stats->rows[i].n;
			return true;
		}
	}
	return false;
}
