// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "kernel_line.h"
#include "sysctl.h"

/**
 * sysctl_read() - the present value of a sysctl that is one or more numbers
 * @reader: closed or never used; closed again
 * @name: with dots, as sysctl(8) has it
 * @numbers: set if it could be read
 * @count: how many it must be
 *
 * Return: READ_OK; READ_FOREIGN, which is said on stderr, if it is not so many
 * numbers; or why it could not be read, with errno in reader->error.
 */
enum read_result sysctl_read(struct reader *reader, const char *name,
			     int64_t *numbers, size_t count)
{
	enum read_result result;
	char file[128];
	char *at;

	snprintf(file, sizeof(file), "sys/%s", name);
	for (at = file; *at; at++)
		if (*at == '.')
			*at = '/';
	result = reader_open_kernel(reader, file);
	if (result != READ_OK)
		return result;
	result = reader_next(reader);
	if (result == READ_END || result == READ_CUT ||
	    (result == READ_OK && !kernel_line_sysctl(reader->line, reader->len,
						      numbers, count))) {
		result = READ_FOREIGN;
		reader_malformed(reader, 1);
	}
	reader_close(reader);
	return result;
}

/**
 * sysctl_length_ms() - how long a TIME_WAIT lasts here, unless a rule says otherwise
 * @reader: closed or never used; closed again
 * @ms: set; to the kernel's own length where the module has none to tell
 *
 * Return: whether the module told.
 */
bool sysctl_length_ms(struct reader *reader, uint64_t *ms)
{
	int64_t length_ms;

	*ms = TWAIT_LENGTH_MS_DEFAULT;
	if (sysctl_read(reader, SYSCTL_LENGTH, &length_ms, 1) != READ_OK ||
	    length_ms <= 0)
		return false;
	*ms = (uint64_t)length_ms;
	return true;
}
