// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files that set sysctls at boot: sysctl.conf(5), sysctl.d(5).
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "out_text.h"
#include "sysctl_conf.h"

/* Only files that set the name; beyond it, one may be told twice. */
#define FOUND_MAX	64

/* struct search - what is looked for, and the files where it was found */
struct search {
	const char *root;		/* stands before every path; "": none */
	const char *name;
	sysctl_conf_fn found;
	struct {
		dev_t dev;
		ino_t ino;
	} files[FOUND_MAX];
	size_t used;
};

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " \t");
}

/*
 * Does this line set the name? A '-' before it says that errors do not matter,
 * and a slash is as good as a dot. Without '=' it is no setting: systemd takes
 * "-NAME" for one that a pattern is not to set.
 */
static bool sets(const char *line, const char *name)
{
	line = skip_blanks(line);
	if (*line == '-')
		line = skip_blanks(line + 1);
	for (; *name; name++, line++)
		if (*line != *name && !(*name == '.' && *line == '/'))
			return false;
	return *skip_blanks(line) == '=';
}

/* The same file may be there by two names: /lib is /usr/lib mostly. */
static bool told_before(struct search *search, const struct stat *st)
{
	size_t i;

	for (i = 0; i < search->used; i++)
		if (search->files[i].dev == st->st_dev &&
		    search->files[i].ino == st->st_ino)
			return true;
	if (search->used < FOUND_MAX) {
		search->files[search->used].dev = st->st_dev;
		search->files[search->used].ino = st->st_ino;
		search->used++;
	}
	return false;
}

/* In an image, an absolute link leads to a file of the host's, not its own. */
static bool leads_out(const struct search *search, const char *path)
{
	char root[PATH_MAX], file[PATH_MAX];
	size_t len;

	if (!*search->root)
		return false;
	if (!realpath(search->root, root) || !realpath(path, file))
		return true;
	len = strcmp(root, "/") ? strlen(root) : 0;
	return strncmp(file, root, len) || file[len] != '/';
}

/* Why a file or folder that is there cannot be read. */
static void not_looked_through(const char *path)
{
	int error = errno;
	char name[4 * PATH_MAX];

	if (error != ENOENT && error != ENOTDIR)
		fprintf(stderr, "twstat: not looked through: %s: %s\n",
			out_name(name, sizeof(name), path), strerror(error));
}

static void search_file(struct search *search, const char *path)
{
	bool begin = true, met = false;
	unsigned long number = 0;
	char line[4096];
	struct stat st;
	FILE *file;

	if (stat(path, &st)) {
		not_looked_through(path);
		return;
	}
	/* A FIFO would keep us waiting; /dev/null is there to mask a file. */
	if (!S_ISREG(st.st_mode) || leads_out(search, path))
		return;
	file = fopen(path, "re");
	if (!file) {
		not_looked_through(path);
		return;
	}
	while (fgets(line, sizeof(line), file)) {
		/* What did not fit in the buffer is still the same line. */
		number += begin;
		if (begin && sets(line, search->name)) {
			if (!met && told_before(search, &st))
				break;
			met = true;
			search->found(path, number);
		}
		begin = strchr(line, '\n');
	}
	if (ferror(file))
		not_looked_through(path);
	fclose(file);
}

static int is_conf(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return *entry->d_name != '.' && dot && !strcmp(dot, ".conf");
}

static void search_dir(struct search *search, const char *dir)
{
	struct dirent **entries;
	char path[PATH_MAX];
	int i, count;

	if (snprintf(path, sizeof(path), "%s%s", search->root, dir) >= PATH_MAX)
		return;
	count = scandir(path, &entries, is_conf, alphasort);
	if (count < 0) {
		not_looked_through(path);
		return;
	}
	for (i = 0; i < count; i++) {
		if (snprintf(path, sizeof(path), "%s%s/%s", search->root, dir,
			     entries[i]->d_name) < PATH_MAX)
			search_file(search, path);
		free(entries[i]);
	}
	free(entries);
}

/**
 * sysctl_conf_search() - which lines set a sysctl at boot?
 * @root: stands before the paths; "" for none
 * @name: of the sysctl, with dots
 * @found: gets each line, file by file
 *
 * A file that another masks by the same name is looked through as well: what
 * is masked today may count tomorrow. What cannot be read is said on stderr.
 */
void sysctl_conf_search(const char *root, const char *name,
			sysctl_conf_fn found)
{
	static const char *const dirs[] = {
		"/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d",
		"/usr/lib/sysctl.d", "/lib/sysctl.d",
	};
	struct search search = { .root = root, .name = name, .found = found };
	char path[PATH_MAX];
	size_t i;

	if (snprintf(path, sizeof(path), "%s/etc/sysctl.conf", root) < PATH_MAX)
		search_file(&search, path);
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		search_dir(&search, dirs[i]);
}
