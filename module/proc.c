// SPDX-License-Identifier: GPL-2.0-only
/* The directory /proc/net/timewait/ of a namespace and what is in it. */
#include <linux/fs.h>
#include <linux/uidgid.h>

#include "abi.h"
#include "netns.h"
#include "proc.h"

/*
 * Totals are for everybody. Who talks to whom and which process did it is for
 * the namespace's root.
 */
static const struct {
	const char *name;
	umode_t mode;
	const struct proc_ops *ops;
} files[] = {
	{ TWAIT_FILE_STATS, 0444, &twait_proc_stats_ops },
	{ TWAIT_FILE_HOOKS, 0444, &twait_proc_hooks_ops },
	{ TWAIT_FILE_HISTOGRAMS, 0444, &twait_proc_histograms_ops },
	{ TWAIT_FILE_CONNECTIONS, 0440, &twait_proc_connections_ops },
	{ TWAIT_FILE_EVENTS, 0440, &twait_proc_events_ops },
	{ TWAIT_FILE_REUSE, 0440, &twait_proc_reuse_ops },
	{ TWAIT_FILE_ASSASSINATIONS, 0440, &twait_proc_assassinations_ops },
	{ TWAIT_FILE_RULES, 0640, &twait_proc_rules_ops },
};

/* The namespace's root, as nf_conntrack does. */
static void set_owner(struct proc_dir_entry *entry, const struct net *net)
{
	kuid_t uid = make_kuid(net->user_ns, 0);
	kgid_t gid = make_kgid(net->user_ns, 0);

	if (uid_valid(uid) && gid_valid(gid))
		proc_set_user(entry, uid, gid);
}

/**
 * twait_proc_init() - make the files of a namespace
 * @tnet: our part of it
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int twait_proc_init(struct twait_net *tnet)
{
	struct proc_dir_entry *entry;
	unsigned int i;

	tnet->proc = proc_net_mkdir(tnet->net, TWAIT_PROC_DIR,
				    tnet->net->proc_net);
	if (!tnet->proc)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		entry = proc_create_data(files[i].name, files[i].mode,
					 tnet->proc, files[i].ops, tnet);
		if (!entry) {
			proc_remove(tnet->proc);
			return -ENOMEM;
		}
		set_owner(entry, tnet->net);
	}
	return 0;
}

/**
 * twait_proc_exit() - remove the files of a namespace
 * @tnet: our part of it
 *
 * Context: process, may sleep. Waits for readers that are inside; those
 * blocked in a stream are let go first.
 */
void twait_proc_exit(struct twait_net *tnet)
{
	int i;

	for (i = 0; i < TWAIT_RING_MAX; i++)
		twait_stream_close(&twait_rings[i], &tnet->stream[i]);
	proc_remove(tnet->proc);
}

/**
 * twait_proc_refuse_write() - the files are read-only, for root too
 * @file: being opened
 *
 * Root passes the mode; without this a write would fail later, with EIO.
 *
 * Return: 0 or -EACCES.
 */
int twait_proc_refuse_write(const struct file *file)
{
	return file->f_mode & FMODE_WRITE ? -EACCES : 0;
}
