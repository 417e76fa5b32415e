// SPDX-License-Identifier: GPL-2.0-only
#include "parse.h"
#include "stats_file.h"

/**
 * stats_read() - the file stats
 * @reader: closed or never used; closed again
 * @stats: what it says is added
 * @malformed: lines that say nothing are added
 *
 * Return: READ_END, or why it could not be read.
 */
enum read_result stats_read(struct reader *reader, struct stats *stats,
			    uint64_t *malformed)
{
	enum read_result result = reader_open(reader, TWAIT_FILE_STATS);

	if (result != READ_OK)
		return result;
	while ((result = reader_next(reader)) == READ_OK || result == READ_CUT)
		if (result == READ_CUT ||
		    !parse_stat(reader->line, reader->len, stats))
			++*malformed;
	reader_close(reader);
	return result;
}

/* One of its numbers; 0 where the module does not have it. */
uint64_t stats_number(const struct stats *stats, const char *name)
{
	uint64_t n = 0;

	stats_get(stats, name, &n);
	return n;
}
