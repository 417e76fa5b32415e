// SPDX-License-Identifier: GPL-2.0-only
/* The file "rules": what is tuned for some flows, and what came of it. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uidgid.h>

#include "compat.h"
#include "hook.h"
#include "line.h"
#include "netns.h"
#include "proc.h"
#include "tuning.h"

/* Its key, and what it is lost with: see &twait_hook.loses. */
struct counter_name {
	const char *key;
	const char *lost_with;
};

static const struct counter_name counter_names[TWAIT_RULE_COUNTER_MAX] = {
#define X(upper, lower)							\
	[TWAIT_RULE_ENDED_##upper] = {					\
		"ended_" #lower, "ended_" #lower "_total"		\
	},
	TWAIT_FATES(X)
#undef X
	[TWAIT_RULE_HITS] = { "hits", "entered_total" },
	[TWAIT_RULE_REFUSED] = { "refused", "refused" },
	[TWAIT_RULE_LATE] = { "late", "late_total" },
	[TWAIT_RULE_LATE_HARM] = { "late_harm", "late_harm_total" },
};

static void show_count(struct seq_file *m, const struct counter_name *name,
		       u64 count)
{
	if (twait_hooks_lose(name->lost_with))
		seq_printf(m, " %s=-", name->key);
	else
		seq_printf(m, " %s=%llu", name->key, count);
}

static void show_counts(struct seq_file *m, const struct twait_rule *rule)
{
	u64 count[TWAIT_RULE_COUNTER_MAX];
	u64 ended = 0;
	unsigned int i;

	twait_rule_fold(rule, count);
	for (i = 0; i < TWAIT_FATE_MAX; i++)
		ended += count[i];
	seq_printf(m, " hits=%llu waiting=%llu", count[TWAIT_RULE_HITS],
		   max_t(s64, count[TWAIT_RULE_HITS] - ended, 0));
	for (i = 0; i < TWAIT_RULE_COUNTER_MAX; i++)
		if (i != TWAIT_RULE_HITS)
			show_count(m, &counter_names[i], count[i]);
	seq_putc(m, '\n');
}

static void show_rule(struct seq_file *m, const struct twait_rule *rule)
{
	char text[TWAIT_LINE_MAX];
	struct twait_line line = { .text = text, .size = sizeof(text) };
	struct twait_rule seen = *rule;

	seen.uid = from_kuid_munged(m->file->f_cred->user_ns,
				    KUIDT_INIT(rule->uid));
	twait_line_key_text(&line, "rule", rule->name);
	twait_rule_print(&line, &seen);
	seq_write(m, line.text, line.len);
	show_counts(m, rule);
}

static int rules_show(struct seq_file *m, void *v)
{
	struct twait_net *tnet = m->private;
	const struct twait_policy *policy;
	unsigned int i;

	seq_printf(m, "# timewait " TWAIT_FILE_RULES " %d\n",
		   TWAIT_FORMAT_VERSION);
	policy = twait_tuning_begin(tnet);
	for (i = 0; policy && i < policy->count; i++)
		show_rule(m, &policy->rule[i]);
	twait_tuning_end(tnet);
	return 0;
}

static int rules_open(struct inode *inode, struct file *file)
{
	return single_open(file, rules_show, pde_data(inode));
}

/**
 * rules_write() - change the rules
 * @file: the file
 * @user: lines; all of them are taken, or none
 * @len: bytes
 * @ppos: does not matter: each write is for itself
 *
 * Context: process, may sleep.
 * Return: @len; -EPERM; -EINVAL, -E2BIG or -EOPNOTSUPP with the reason in the
 * kernel log; -EFAULT or -ENOMEM.
 */
static ssize_t rules_write(struct file *file, const char __user *user,
			   size_t len, loff_t *ppos)
{
	struct twait_net *tnet = pde_data(file_inode(file));
	char *text;
	int err;

	if (!file_ns_capable(file, tnet->net->user_ns, CAP_NET_ADMIN))
		return -EPERM;
	if (len > TWAIT_RULES_TEXT_MAX) {
		pr_notice_ratelimited(TWAIT_FILE_RULES ": refused: it takes at most %d bytes in one write; nothing is changed\n",
				      TWAIT_RULES_TEXT_MAX);
		return -E2BIG;
	}
	text = memdup_user_nul(user, len);
	if (IS_ERR(text))
		return PTR_ERR(text);
	err = twait_tuning_apply(tnet, text, len);
	kfree(text);
	return err ?: len;
}

const struct proc_ops twait_proc_rules_ops = {
	.proc_open = rules_open,
	.proc_read = seq_read,
	.proc_write = rules_write,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
};
