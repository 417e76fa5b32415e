/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TWSTAT_READ_H
#define TWSTAT_READ_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../module/abi.h"

/* Room for lines that later versions make longer by new keys. */
#define READ_LINE_MAX	(8 * TWAIT_LINE_MAX)

/* How opening a file or reading a line came out. */
enum read_result {
	READ_OK,		/* open: its first line fits; next: a line */
	READ_END,		/* nothing more; of events: unloaded */
	READ_LOST,		/* events were overwritten; read on */
	READ_CUT,		/* a line without its end, or too long; read on */
	READ_STOPPED,		/* a signal came */
	READ_ABSENT,		/* the module, or the kernel's file, is not there */
	READ_RELOADED,		/* the module went, and is there again */
	READ_FOREIGN,		/* not what belongs there, by its first line */
	READ_NEWER,		/* the format is newer than this reader */
	READ_DENIED,		/* not permitted */
	READ_FAILED,		/* anything else, in error */
};

/* struct reader - an open file of the module or the kernel, a line at a time */
struct reader {
	int fd;
	bool kernels;		/* there without the module */
	int error;		/* errno, of all that are in error */
	unsigned long version;	/* that the first line gave */
	char path[PATH_MAX];
	char *line;		/* the last line, without its newline */
	size_t len;		/* its length in bytes */
	size_t from, to;	/* what is in buf and not yet taken */
	char buf[64 * 1024];
};

void read_set_root(const char *root);
bool read_has(const char *file);
enum read_result reader_open(struct reader *reader, const char *file);
enum read_result reader_open_kernel(struct reader *reader, const char *file);
enum read_result reader_try_write(struct reader *reader, const char *file);
enum read_result reader_next(struct reader *reader);
void reader_close(struct reader *reader);
int read_lock(const char *file);
int read_write(const char *file, const char *text);
void reader_malformed(const struct reader *reader, uint64_t lines);
int reader_explain(const struct reader *reader, enum read_result result,
		   const char *command);

#endif
