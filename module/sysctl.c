// SPDX-License-Identifier: GPL-2.0-only
/* net.timewait.*: what is tuned for all flows of a namespace. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/capability.h>
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysctl.h>

#include "compat.h"
#include "line.h"
#include "netns.h"
#include "sysctl.h"
#include "tuning.h"

/* Behind the values: the one that is about new namespaces. */
#define INHERIT		TWAIT_VALUE_MAX
#define VALUES		(TWAIT_VALUE_MAX + 1)

static const char * const names[VALUES] = {
#define X(upper, lower) [TWAIT_VALUE_##upper] = #lower,
	TWAIT_VALUES(X)
#undef X
	[INHERIT] = "inherit",
};

static void print_value(struct twait_net *tnet, unsigned int value,
			struct twait_line *line)
{
	if (value == INHERIT)
		twait_line_number(line, twait_tuning_get_inherit(tnet));
	else
		twait_value_print(line, value, twait_tuning_get(tnet, value));
}

static int set_value(struct twait_net *tnet, unsigned int value, char *text)
{
	text = strim(text);
	if (value != INHERIT)
		return twait_tuning_set(tnet, value, text);
	if (strcmp(text, "0") && strcmp(text, "1")) {
		pr_notice_ratelimited("inherit: refused: it takes 0 or 1; nothing is changed\n");
		return -EINVAL;
	}
	return twait_tuning_set_inherit(tnet, text[0] == '1');
}

/* Is there nothing behind the first line? */
static bool is_one_line(const char *text, size_t len)
{
	size_t line = 0;

	while (line < len && text[line] && text[line] != '\n')
		line++;
	for (; line < len; line++)
		if (text[line] && !isspace(text[line]))
			return false;
	return true;
}

/**
 * value_handler() - a value is read or written
 * @table: its entry: data is the namespace, extra1 which value
 * @write: not 0 if it is written
 * @buffer: kernel memory
 * @lenp: bytes of it
 * @ppos: where in the file
 *
 * A value is written whole, in one write: half of it would be another one.
 *
 * Context: process, may sleep.
 * Return: 0; -EPERM; -EINVAL or -EOPNOTSUPP with the reason in the kernel log; -ENOMEM.
 */
static int value_handler(TWAIT_CTL_CONST struct ctl_table *table, int write,
			 void *buffer, size_t *lenp, loff_t *ppos)
{
	unsigned int value = (unsigned long)table->extra1;
	struct twait_net *tnet = table->data;
	char text[TWAIT_VALUE_TEXT_MAX] = "";
	struct twait_line line = { .text = text, .size = sizeof(text) - 1 };
	struct ctl_table whole = { .data = text, .maxlen = sizeof(text) };
	int err;

	if (!write) {
		print_value(tnet, value, &line);
		return proc_dostring(&whole, write, buffer, lenp, ppos);
	}
	if (!ns_capable(tnet->net->user_ns, CAP_NET_ADMIN))
		return -EPERM;
	if (*ppos || *lenp >= sizeof(text) || !is_one_line(buffer, *lenp)) {
		pr_notice_ratelimited("%s: refused: it takes one line of less than %zu bytes, in one write; nothing is changed\n",
				      names[value], sizeof(text));
		return -EINVAL;
	}
	err = proc_dostring(&whole, write, buffer, lenp, ppos);
	return err ?: set_value(tnet, value, text);
}

/**
 * twait_sysctl_init() - make the entries of a namespace
 * @tnet: our part of it
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int twait_sysctl_init(struct twait_net *tnet)
{
	struct ctl_table *table;
	unsigned int i;

	/* One more than there are: old kernels look for an empty last one. */
	table = kcalloc(VALUES + 1, sizeof(*table), GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	for (i = 0; i < VALUES; i++) {
		table[i].procname = names[i];
		table[i].mode = 0644;
		table[i].proc_handler = value_handler;
		table[i].data = tnet;
		table[i].extra1 = (void *)(unsigned long)i;
	}
	tnet->sysctl = twait_register_net_sysctl(tnet->net, TWAIT_SYSCTL_DIR,
						 table, VALUES);
	if (!tnet->sysctl) {
		kfree(table);
		return -ENOMEM;
	}
	tnet->sysctl_table = table;
	return 0;
}

/**
 * twait_sysctl_exit() - remove them
 * @tnet: our part of the namespace
 *
 * Context: process, may sleep. Waits for who is inside.
 */
void twait_sysctl_exit(struct twait_net *tnet)
{
	unregister_net_sysctl_table(tnet->sysctl);
	kfree(tnet->sysctl_table);
}
