// SPDX-License-Identifier: GPL-2.0-only
/*
 * For LD_PRELOAD: read(2) on a file of the module as the kernel does it. One
 * line a read, as events has it, and a line "!EPIPE" or "!EIO" is no line but
 * this error: no ordinary file would give them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static ssize_t (*real_read)(int fd, void *buf, size_t size);

static int is_ours(int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return 0;
	path[len] = '\0';
	return !!strstr(path, "/net/timewait/");
}

ssize_t read(int fd, void *buf, size_t size)
{
	char *line = buf;
	size_t len = 0;

	if (!real_read)
		real_read = (ssize_t (*)(int, void *, size_t))
			dlsym(RTLD_NEXT, "read");
	if (!is_ours(fd))
		return real_read(fd, buf, size);

	while (len < size && real_read(fd, line + len, 1) == 1)
		if (line[len++] == '\n')
			break;
	if (len == 7 && !memcmp(line, "!EPIPE\n", 7)) {
		errno = EPIPE;
		return -1;
	}
	if (len == 5 && !memcmp(line, "!EIO\n", 5)) {
		errno = EIO;
		return -1;
	}
	return (ssize_t)len;
}
