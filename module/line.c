// SPDX-License-Identifier: GPL-2.0-only
/*
 * One line of text, key=value by key=value.
 *
 * Why not seq_printf(): a table of 100,000 flows is two and a half million
 * small numbers, and format strings would be most of the time.
 */
#include "line.h"

void twait_line_char(struct twait_line *line, char c)
{
	if (line->len < line->size)
		line->text[line->len++] = c;
}

void twait_line_text(struct twait_line *line, const char *text)
{
	while (*text)
		twait_line_char(line, *text++);
}

void twait_line_number(struct twait_line *line, __u64 value)
{
	char digits[20];
	int n = 0;

	do {
		digits[n++] = '0' + (char)(value % 10);
		value /= 10;
	} while (value);
	while (n)
		twait_line_char(line, digits[--n]);
}

/**
 * twait_line_escaped() - a word that somebody else chose
 * @line: the line
 * @text: the word, NUL-terminated
 *
 * What would break the line at its spaces, or forge another key, goes out as
 * a backslash and three octal digits, as in /proc/mounts; so does a lone "-",
 * which would say that there is no word.
 */
void twait_line_escaped(struct twait_line *line, const char *text)
{
	bool is_absence = text[0] == '-' && !text[1];

	for (; *text; text++) {
		unsigned char c = *text;

		if (c > ' ' && c < 0x7f && c != '\\' && c != '=' &&
		    !is_absence) {
			twait_line_char(line, c);
			continue;
		}
		twait_line_char(line, '\\');
		twait_line_char(line, '0' + (c >> 6));
		twait_line_char(line, '0' + ((c >> 3) & 7));
		twait_line_char(line, '0' + (c & 7));
	}
}

static void line_key(struct twait_line *line, const char *key)
{
	if (line->len)
		twait_line_char(line, ' ');
	twait_line_text(line, key);
	twait_line_char(line, '=');
}

void twait_line_key_text(struct twait_line *line, const char *key,
			 const char *text)
{
	line_key(line, key);
	twait_line_text(line, text);
}

void twait_line_key_number(struct twait_line *line, const char *key,
			   __u64 value)
{
	line_key(line, key);
	twait_line_number(line, value);
}
