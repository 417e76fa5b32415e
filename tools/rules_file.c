// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "parse.h"
#include "rules_file.h"

/* The number of KEY=NUMBER in a line of words. */
static struct count number_of(const char *line, const char *key)
{
	struct count count = { .known = false };
	size_t len = strlen(key);
	const char *word;
	char text[32];

	for (word = line; *word; word += strcspn(word, " ")) {
		word += strspn(word, " ");
		if (strncmp(word, key, len) || word[len] != '=')
			continue;
		word += len + 1;
		if (strcspn(word, " ") >= sizeof(text))
			break;
		memcpy(text, word, strcspn(word, " "));
		text[strcspn(word, " ")] = '\0';
		count.known = parse_u64(text, &count.n);
		break;
	}
	return count;
}

static void add_rule(struct rules *rules, const char *line)
{
	struct count length_ms = number_of(line, "length_ms");
	struct count quiet_ms = number_of(line, "quiet_ms");

	rules->count++;
	if (length_ms.known && (!rules->length_max_ms.known ||
				length_ms.n > rules->length_max_ms.n))
		rules->length_max_ms = length_ms;
	if (quiet_ms.known && (!rules->quiet_min_ms.known ||
			       quiet_ms.n < rules->quiet_min_ms.n))
		rules->quiet_min_ms = quiet_ms;
}

/**
 * rules_read() - what the rules say
 * @reader: closed or never used; closed again
 * @rules: set
 *
 * Return: READ_END, or why they could not be read: they are for root.
 */
enum read_result rules_read(struct reader *reader, struct rules *rules)
{
	enum read_result result = reader_open(reader, TWAIT_FILE_RULES);

	memset(rules, 0, sizeof(*rules));
	if (result != READ_OK)
		return result;
	while ((result = reader_next(reader)) == READ_OK)
		add_rule(rules, reader->line);
	reader_close(reader);
	return result;
}
