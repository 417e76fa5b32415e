// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only file that opens anything under /proc: a root of recorded files
 * takes its place in the tests.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "cmd.h"
#include "parse.h"
#include "read.h"

static const char *proc_root;

/**
 * read_set_root() - read recorded files instead of the kernel's
 * @root: stands for /proc; goes before the environment
 */
void read_set_root(const char *root)
{
	proc_root = root;
}

static const char *read_root(void)
{
	const char *root = proc_root;

	if (!root)
		root = getenv("TWSTAT_PROC_ROOT");
	return root && *root ? root : "/proc";
}

static bool read_path(char path[PATH_MAX], const char *file)
{
	return snprintf(path, PATH_MAX, "%s/net/" TWAIT_PROC_DIR "%s%s",
			read_root(), *file ? "/" : "", file) < PATH_MAX;
}

static bool read_kernel_path(char path[PATH_MAX], const char *file)
{
	return snprintf(path, PATH_MAX, "%s/%s", read_root(), file) < PATH_MAX;
}

/**
 * read_has() - is there a file or folder of this name?
 * @file: below /proc
 */
bool read_has(const char *file)
{
	char path[PATH_MAX];

	return read_kernel_path(path, file) && access(path, F_OK) == 0;
}

static bool module_is_there(void)
{
	char dir[PATH_MAX];

	return read_path(dir, "") && access(dir, F_OK) == 0;
}

/* The kernel's own files neither go away nor tell of losses. */
static enum read_result kernel_error(int error)
{
	switch (error) {
	case EINTR:
		return READ_STOPPED;
	case EACCES:
	case EPERM:
		return READ_DENIED;
	case ENOENT:
	case ENOTDIR:
		return READ_ABSENT;
	default:
		return READ_FAILED;
	}
}

/**
 * read_error() - what an errno from the reader's file means
 * @reader: remembers it
 * @error: from open(2) or read(2)
 *
 * Why: once the module has gone, fs/proc/inode.c:proc_reg_read() answers
 * with EIO on a file that is still open.
 */
static enum read_result read_error(struct reader *reader, int error)
{
	reader->error = error;
	if (reader->kernels)
		return kernel_error(error);
	switch (error) {
	case EINTR:
		return READ_STOPPED;
	case EACCES:
	case EPERM:
		return READ_DENIED;
	case EPIPE:
		return READ_LOST;
	case EIO:
		return READ_ABSENT;
	case ENOENT:
	case ENOTDIR:
		return module_is_there() ? READ_FAILED : READ_ABSENT;
	default:
		return READ_FAILED;
	}
}

/**
 * check_first_line() - is this file ours, in a format that we understand?
 * @reader: its line is the first one, "# timewait NAME VERSION"
 * @file: NAME
 */
static enum read_result check_first_line(struct reader *reader,
					 const char *file)
{
	static const char ours[] = "# " TWAIT_PROC_DIR " ";
	size_t name_len = strlen(file);
	const char *at = reader->line;
	uint64_t version;

	if (strncmp(at, ours, sizeof(ours) - 1))
		return READ_FOREIGN;
	at += sizeof(ours) - 1;
	if (strncmp(at, file, name_len) || at[name_len] != ' ')
		return READ_FOREIGN;
	if (!parse_u64(at + name_len + 1, &version) || !version)
		return READ_FOREIGN;
	reader->version = version;
	return version > TWAIT_FORMAT_VERSION ? READ_NEWER : READ_OK;
}

/*
 * Open what reader->path names. So that it is poll(2) that waits for the next event,
 * which a signal ends; write(2) goes on after one. Return: READ_OK, or why not.
 */
static enum read_result open_path(struct reader *reader)
{
	reader->error = 0;
	reader->from = 0;
	reader->to = 0;
	reader->fd = open(reader->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return reader->fd < 0 ? read_error(reader, errno) : READ_OK;
}

/**
 * reader_open_kernel() - open a file that is there without the module
 * @reader: closed or never used
 * @file: below /proc: "net/tcp"
 *
 * Return: READ_OK, with no line read yet, or why not; then there is nothing to
 * close.
 */
enum read_result reader_open_kernel(struct reader *reader, const char *file)
{
	reader->fd = -1;
	reader->kernels = true;
	if (!read_kernel_path(reader->path, file))
		return read_error(reader, ENAMETOOLONG);
	return open_path(reader);
}

/**
 * reader_try_write() - could a file be written? Nothing is
 * @reader: closed or never used; closed again
 * @file: below /proc
 *
 * Return: READ_OK, or why not.
 */
enum read_result reader_try_write(struct reader *reader, const char *file)
{
	enum read_result result;

	reader->kernels = true;
	if (!read_kernel_path(reader->path, file))
		return read_error(reader, ENAMETOOLONG);
	reader->fd = open(reader->path, O_WRONLY | O_CLOEXEC);
	result = reader->fd < 0 ? read_error(reader, errno) : READ_OK;
	reader_close(reader);
	return result;
}

/**
 * read_lock() - be the only one of us, for as long as the file is open
 * @file: below /proc; it stands for what is locked
 *
 * Why: a lock of flock(2) is that of the open file: a child has it too, and it is gone
 * with the last of them, however that ends.
 *
 * Return: a descriptor, to be left open; -EWOULDBLOCK: somebody else is; or another
 * negative errno.
 */
int read_lock(const char *file)
{
	char path[PATH_MAX];
	int fd, error;

	if (!read_kernel_path(path, file))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

/**
 * read_write() - write to a file, in one write
 * @file: below /proc
 * @text: all of it, or nothing
 *
 * Return: 0, or a negative errno.
 */
int read_write(const char *file, const char *text)
{
	size_t len = strlen(text);
	char path[PATH_MAX];
	ssize_t written;
	int fd, error;

	if (!read_kernel_path(path, file))
		return -ENAMETOOLONG;
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	written = write(fd, text, len);
	error = written < 0 ? -errno : (size_t)written < len ? -EIO : 0;
	if (close(fd) && !error)
		error = -errno;
	return error;
}

/**
 * reader_open() - open a file of the module and check its first line
 * @reader: closed or never used
 * @file: one of TWAIT_FILE_*
 *
 * Return: READ_OK, or why not; then there is nothing to close.
 */
enum read_result reader_open(struct reader *reader, const char *file)
{
	enum read_result result;

	reader->fd = -1;
	reader->kernels = false;
	if (!read_path(reader->path, file))
		return read_error(reader, ENAMETOOLONG);
	result = open_path(reader);
	if (result != READ_OK)
		return result;

	do
		result = reader_next(reader);
	while (result == READ_LOST);
	if (result == READ_OK)
		result = check_first_line(reader, file);
	else if (result == READ_END || result == READ_CUT)
		result = READ_FOREIGN;
	if (result != READ_OK)
		reader_close(reader);
	return result;
}

/* As read(2), but waits if there is nothing yet. */
static ssize_t read_or_wait(struct reader *reader, size_t from)
{
	struct pollfd pollfd = { .fd = reader->fd, .events = POLLIN };

	for (;;) {
		ssize_t got = read(reader->fd, reader->buf + from,
				   sizeof(reader->buf) - from);

		if (got >= 0 || errno != EAGAIN)
			return got;
		if (poll(&pollfd, 1, -1) < 0)
			return -1;
	}
}

/* Drop what is left of a line that is too long for us. */
static enum read_result skip_line(struct reader *reader)
{
	for (;;) {
		ssize_t got = read_or_wait(reader, 0);
		char *end;

		reader->from = 0;
		reader->to = 0;
		if (got < 0 && errno == EINTR)
			return READ_STOPPED;
		if (got <= 0)
			return READ_CUT;
		end = memchr(reader->buf, '\n', (size_t)got);
		if (end) {
			reader->from = (size_t)(end + 1 - reader->buf);
			reader->to = (size_t)got;
			return READ_CUT;
		}
	}
}

/**
 * reader_next() - the next line
 * @reader: gets line and len, good until the next call
 *
 * The file events gives one record a read(2); a buffer that holds several
 * lines serves it as well as the files that give many.
 */
enum read_result reader_next(struct reader *reader)
{
	for (;;) {
		char *start = reader->buf + reader->from;
		size_t held = reader->to - reader->from;
		char *end = memchr(start, '\n', held);
		ssize_t got;

		if (end) {
			*end = '\0';
			reader->line = start;
			reader->len = (size_t)(end - start);
			reader->from += reader->len + 1;
			return reader->len < READ_LINE_MAX ? READ_OK : READ_CUT;
		}
		if (held >= READ_LINE_MAX)
			return skip_line(reader);
		memmove(reader->buf, start, held);
		reader->from = 0;
		reader->to = held;

		got = read_or_wait(reader, held);
		if (got < 0)
			return read_error(reader, errno);
		if (got == 0) {
			reader->to = 0;
			return held ? READ_CUT : READ_END;
		}
		reader->to += (size_t)got;
	}
}

void reader_close(struct reader *reader)
{
	if (reader->fd >= 0)
		close(reader->fd);
	reader->fd = -1;
}

/**
 * reader_malformed() - say on stderr that lines were left out
 * @reader: the file
 * @lines: how many; 0 says nothing
 */
void reader_malformed(const struct reader *reader, uint64_t lines)
{
	if (lines)
		fprintf(stderr,
			"twstat: %s: %" PRIu64 " malformed line%s left out\n",
			reader->path, lines, lines == 1 ? "" : "s");
}

/**
 * reader_explain() - say on stderr why a file cannot be read
 * @reader: the file
 * @result: what opening or reading it gave
 * @command: the words that would do it as root
 *
 * Return: the exit code that goes with it.
 */
int reader_explain(const struct reader *reader, enum read_result result,
		   const char *command)
{
	char dir[PATH_MAX] = "";

	/* Of the kernel's files, errno says it. */
	if (reader->kernels && result == READ_ABSENT)
		result = READ_FAILED;
	switch (result) {
	case READ_RELOADED:
		fprintf(stderr,
			"timewait: the module was loaded anew meanwhile: what was set is gone with the old one, begin again ('%s')\n",
			command);
		return TWSTAT_FAILED;
	case READ_ABSENT:
		if (access(read_root(), F_OK)) {
			fprintf(stderr,
				"twstat: no %s: is there such a folder, or process?\n",
				read_root());
			return TWSTAT_FAILED;
		}
		read_path(dir, "");
		fprintf(stderr,
			"timewait: the module is not loaded in this kernel; load it with 'insmod timewait.ko' or 'make load' (no %s)\n",
			dir);
		return TWSTAT_ABSENT;
	case READ_NEWER:
		fprintf(stderr,
			"timewait: %s speaks format %lu, this twstat understands %d: use the twstat of the module's version\n",
			reader->path, reader->version, TWAIT_FORMAT_VERSION);
		return TWSTAT_ABSENT;
	case READ_FOREIGN:
		fprintf(stderr,
			"timewait: %s does not begin with '# " TWAIT_PROC_DIR " %s %d': it is not this module's\n",
			reader->path, strrchr(reader->path, '/') + 1,
			TWAIT_FORMAT_VERSION);
		return TWSTAT_ABSENT;
	case READ_DENIED:
		fprintf(stderr,
			"twstat: cannot open %s: %s; run it as root: 'sudo %s'\n",
			reader->path, strerror(reader->error), command);
		return TWSTAT_FAILED;
	default:
		fprintf(stderr, "twstat: cannot read %s: %s\n", reader->path,
			strerror(reader->error));
		return TWSTAT_FAILED;
	}
}
