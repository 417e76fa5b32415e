// SPDX-License-Identifier: GPL-2.0-only
/*
 * timewait: what happens to a TCP connection after it is closed.
 *
 * Two ladders: one for each network namespace, one for the module.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <net/net_namespace.h>

#include "adopt.h"
#include "flow.h"
#include "hook.h"
#include "lifecycle.h"
#include "netns.h"
#include "note.h"
#include "proc.h"
#include "resync.h"
#include "sysctl.h"
#include "tuning.h"

#define TWAIT_RECORDS_MIN	1024
#define TWAIT_RECORDS_MAX	(1U << 24)

static unsigned int max_records = 1U << 18;
module_param(max_records, uint, 0444);
MODULE_PARM_DESC(max_records,
		 "most waits to keep a record of, 1024 to 16777216 (default 262144; 208 bytes each, allocated as needed); more are counted only");

static char *forbid_hooks[16];
static int forbid_hooks_count;
module_param_array(forbid_hooks, charp, &forbid_hooks_count, 0444);
MODULE_PARM_DESC(forbid_hooks,
		 "hooks not to use, comma-separated, by their names in the file hooks: to see what works without");

static int __net_init timewait_net_init(struct net *net)
{
	struct twait_net *tnet;
	int err;

	err = twait_net_init(net);
	if (err)
		return err;
	tnet = twait_net_of(net);
	twait_overflows_baseline(tnet);
	err = twait_tuning_init(tnet);
	if (err)
		goto out_net;
	err = twait_sysctl_init(tnet);
	if (err)
		goto out_tuning;
	err = twait_proc_init(tnet);
	if (err)
		goto out_sysctl;
	return 0;

out_sysctl:
	twait_sysctl_exit(tnet);
out_tuning:
	if (twait_tuning_withdraw(tnet))
		synchronize_rcu();
	twait_tuning_free(tnet);
out_net:
	twait_net_retire(net);
	return err;
}

/* Of many at once, that they have one grace period for all. */
static void __net_exit timewait_net_exit(struct list_head *nets)
{
	struct net *net;

	list_for_each_entry(net, nets, exit_list) {
		struct twait_net *tnet = twait_net_of(net);

		twait_syns_forget(tnet);
		twait_proc_exit(tnet);
		twait_sysctl_exit(tnet);
		twait_tuning_withdraw(tnet);
		twait_net_leave(tnet);
	}
	synchronize_rcu();
	list_for_each_entry(net, nets, exit_list) {
		twait_tuning_free(twait_net_of(net));
		twait_net_retire(net);
	}
}

static struct pernet_operations timewait_net_ops = {
	.init = timewait_net_init,
	.exit_batch = timewait_net_exit,
	.id = &twait_net_id,
	.size = sizeof(struct twait_net_slot),
};

static int take_parameters(void)
{
	int err, i;

	if (max_records < TWAIT_RECORDS_MIN ||
	    max_records > TWAIT_RECORDS_MAX) {
		pr_err("max_records=%u is out of range: give %u to %u\n",
		       max_records, TWAIT_RECORDS_MIN, TWAIT_RECORDS_MAX);
		return -EINVAL;
	}
	for (i = 0; i < forbid_hooks_count; i++) {
		err = twait_hook_forbid(forbid_hooks[i]);
		if (err)
			return err;
	}
	return 0;
}

/* What the hooks have left to be done; they are disarmed. */
static void settle_last(void)
{
	twait_ghosts_exit();
	twait_syns_exit();
	twait_binds_exit();
}

static int __init timewait_init(void)
{
	int err;

	err = take_parameters();
	if (err)
		return err;
	err = twait_flow_init(max_records);
	if (err)
		return err;
	err = twait_notes_init(max_records);
	if (err)
		goto out_flow;
	err = twait_rings_init();
	if (err)
		goto out_notes;
	err = twait_hooks_init();
	if (err)
		goto out_rings;
	twait_syns_init();
	twait_ghosts_init(twait_hooks_demand);
	err = register_pernet_subsys(&timewait_net_ops);
	if (err)
		goto out_retired;
	err = twait_hooks_arm();
	if (err)
		goto out_hooks;
	/* Somebody may have tuned already. */
	twait_ghosts_expect(0);
	twait_adopt_all();
	twait_resync_start();
	return 0;

out_hooks:
	settle_last();
	unregister_pernet_subsys(&timewait_net_ops);
out_retired:
	/* What was tuned there meanwhile is no more. */
	twait_ghosts_exit();
	/* Also those whose namespaces were begun and given up again. */
	twait_nets_flush();
	twait_hooks_exit();
out_rings:
	twait_rings_exit();
out_notes:
	twait_notes_exit();
out_flow:
	twait_flow_exit();
	return err;
}

static void __exit timewait_exit(void)
{
	twait_resync_stop();
	twait_hooks_disarm();
	settle_last();
	unregister_pernet_subsys(&timewait_net_ops);
	twait_ghosts_exit();
	twait_nets_flush();
	twait_hooks_exit();
	twait_rings_exit();
	twait_notes_exit();
	twait_flow_exit();
	rcu_barrier();
}

module_init(timewait_init);
module_exit(timewait_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The timewait developers");
MODULE_DESCRIPTION("Shows the life of TCP TIME_WAIT sockets under /proc/net/timewait");
MODULE_VERSION("0.1");
