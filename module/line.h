/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One line of text, key=value by key=value. Pure: compiles on the host too.
 */
#ifndef TWAIT_LINE_H
#define TWAIT_LINE_H

#include <linux/types.h>

/**
 * struct twait_line - a line that is being written
 * @text: where to
 * @size: bytes there
 * @len: bytes written; never more than @size
 */
struct twait_line {
	char *text;
	unsigned int size;
	unsigned int len;
};

void twait_line_char(struct twait_line *line, char c);
void twait_line_text(struct twait_line *line, const char *text);
void twait_line_number(struct twait_line *line, __u64 value);
void twait_line_escaped(struct twait_line *line, const char *text);
void twait_line_key_text(struct twait_line *line, const char *key,
			 const char *text);
void twait_line_key_number(struct twait_line *line, const char *key,
			   __u64 value);

#endif
