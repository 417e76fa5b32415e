// SPDX-License-Identifier: GPL-2.0-only
/* The file "histograms". */
#include <linux/seq_file.h>

#include "compat.h"
#include "hook.h"
#include "netns.h"
#include "proc.h"

#define X(upper, lower) #lower,
static const char * const names[] = { TWAIT_HISTOGRAMS(X) };
#undef X

/* Bucket n is of what needs n bits: from 2^(n-1) up to below 2^n. */
static void show_bucket(struct seq_file *m, const char *name, unsigned int n,
			u64 count)
{
	seq_printf(m, "histogram=%s from_ms=%lu below_ms=", name,
		   n ? 1UL << (n - 1) : 0);
	if (n < TWAIT_HISTOGRAM_BUCKETS - 1)
		seq_printf(m, "%lu", 1UL << n);
	else
		seq_puts(m, "-");
	if (twait_hooks_lose(name))
		seq_puts(m, " count=-\n");
	else
		seq_printf(m, " count=%llu\n", count);
}

static int histograms_show(struct seq_file *m, void *v)
{
	const struct twait_net *tnet = m->private;
	u64 bucket[TWAIT_HISTOGRAM_BUCKETS];
	unsigned int i, n;

	seq_printf(m, "# timewait " TWAIT_FILE_HISTOGRAMS " %d\n",
		   TWAIT_FORMAT_VERSION);
	for (i = 0; i < TWAIT_HISTOGRAM_MAX; i++) {
		twait_histogram_fold(&tnet->stats, i, bucket);
		for (n = 0; n < TWAIT_HISTOGRAM_BUCKETS; n++)
			show_bucket(m, names[i], n, bucket[n]);
	}
	return 0;
}

static int histograms_open(struct inode *inode, struct file *file)
{
	return twait_proc_refuse_write(file) ?:
	       single_open(file, histograms_show, pde_data(inode));
}

const struct proc_ops twait_proc_histograms_ops = {
	.proc_open = histograms_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
};
