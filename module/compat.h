/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kernels between 5.10 and today name or lay out differently.
 *
 * The sources speak the newest kernel; this file lifts the older ones. What a
 * header can tell by a name, Kbuild looks up and passes as TWAIT_HAVE_*.
 */
#ifndef TWAIT_COMPAT_H
#define TWAIT_COMPAT_H

#include <linux/proc_fs.h>
#include <linux/sysctl.h>
#include <linux/version.h>
#include <net/inet_timewait_sock.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include <net/tcp.h>

/*
 * 6.11 made what a sysctl handler gets const. Since 6.6 the number of entries is
 * told; before, an empty one ends them, which later kernels do not take.
 */
#ifdef TWAIT_HAVE_CONST_CTL_TABLE
#define TWAIT_CTL_CONST		const
#else
#define TWAIT_CTL_CONST
#endif

static inline struct ctl_table_header *
twait_register_net_sysctl(struct net *net, const char *path,
			  struct ctl_table *table, size_t entries)
{
#ifdef TWAIT_HAVE_REGISTER_SYSCTL_SZ
	return register_net_sysctl_sz(net, path, table, entries);
#else
	return register_net_sysctl(net, path, table);
#endif
}

/* 6.15 made the segment const that the tracepoint tcp_probe gets. */
#ifdef TWAIT_HAVE_TCP_PROBE_CONST_SKB
#define TWAIT_PROBE_SKB_CONST	const
#else
#define TWAIT_PROBE_SKB_CONST
#endif

/* New kernels take what was ever in the window offered, though it has shrunk since. */
static inline u32 twait_receive_window(const struct tcp_sock *tp)
{
#ifdef TWAIT_HAVE_MAX_RECEIVE_WINDOW
	return tcp_max_receive_window(tp);
#else
	return tcp_receive_window(tp);
#endif
}

/* New kernels complain of the old name. */
#ifdef TWAIT_HAVE_SYSTEM_PERCPU_WQ
#define TWAIT_SYSTEM_WQ	system_percpu_wq
#else
#define TWAIT_SYSTEM_WQ	system_wq
#endif

/* 5.17 renamed PDE_DATA(). */
#ifndef TWAIT_HAVE_PDE_DATA
#define pde_data(inode) PDE_DATA(inode)
#endif

/*
 * 6.12 folded arming the timer into the hash dance: before, the timer and the
 * kernel's count of waits are set when inet_twsk_hashdance() begins; since,
 * inet_twsk_hashdance_schedule() does both itself and gets the time as its
 * fourth argument.
 */
#ifdef TWAIT_HAVE_HASHDANCE_SCHEDULE
#define TWAIT_HASHDANCE_SCHEDULES	1
#else
#define TWAIT_HASHDANCE_SCHEDULES	0
#endif

/*
 * While the minisock carried tw_kill, the timer counted it as TcpExtTW or
 * TcpExtTWKilled by it; since, __inet_twsk_schedule() does.
 */
#ifdef TWAIT_HAVE_TW_KILL
#define TWAIT_COUNTED_AT_EXPIRY		1
#else
#define TWAIT_COUNTED_AT_EXPIRY		0
#endif

/* 6.14 brought tcp_tw_reuse_delay. */
#ifdef TWAIT_HAVE_REUSE_DELAY
#define TWAIT_REUSE_IN_WHOLE_SECONDS	0
#else
#define TWAIT_REUSE_IN_WHOLE_SECONDS	1
#endif

/*
 * Inside tcp_abort() and tcp_twsk_unique(), where no name tells: 5.10 neither
 * ends a wait for ss -K nor spares one in FIN_WAIT2, 6.1 does both. The first is
 * shown to the user and decides nothing; were the second wrong, a decision would
 * be counted as unexplained.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#define TWAIT_NOT_KILLABLE		1
#define TWAIT_FIN_WAIT2_REUSABLE	1
#else
#define TWAIT_NOT_KILLABLE		0
#define TWAIT_FIN_WAIT2_REUSABLE	0
#endif

/**
 * twait_kernel_waiting() - the kernel's own count of waits in a namespace
 * @net: the namespace
 *
 * Why: struct inet_timewait_death_row. Since 5.17 a refcount_t that is one
 * more than the count; before, a plain atomic_t.
 *
 * Context: any.
 * Return: number of timewait minisocks of TCP, as "tw" in /proc/net/sockstat.
 */
static inline unsigned long twait_kernel_waiting(struct net *net)
{
#ifdef TWAIT_HAVE_TW_REFCOUNT
	int n = refcount_read(&net->ipv4.tcp_death_row.tw_refcount) - 1;
#else
	int n = atomic_read(&net->ipv4.tcp_death_row.tw_count);
#endif
	return n > 0 ? n : 0;
}

/**
 * twait_sock_uid() - the user that owns a socket
 * @sk: a full socket
 *
 * Context: any.
 * Return: the uid in the initial user namespace.
 */
static inline u32 twait_sock_uid(const struct sock *sk)
{
	return __kuid_val(READ_ONCE(sk->sk_uid));
}

/*
 * The clock by which tcp_twsk_unique() tells how old a wait is, and what it must
 * be after: whole seconds, and those of the last timestamp; with
 * tcp_tw_reuse_delay milliseconds, and that time after the wait began.
 */
#if TWAIT_REUSE_IN_WHOLE_SECONDS
static inline u32 twait_reuse_clock(void)
{
	return ktime_get_seconds();
}

static inline u32 twait_reuse_threshold(const struct inet_timewait_sock *tw)
{
	return READ_ONCE(tcp_twsk((struct sock *)tw)->tw_ts_recent_stamp);
}

static inline u32 twait_reuse_delay_ms(const struct net *net)
{
	return MSEC_PER_SEC;
}
#else
static inline u32 twait_reuse_clock(void)
{
	return tcp_clock_ms();
}

static inline u32 twait_reuse_threshold(const struct inet_timewait_sock *tw)
{
	return READ_ONCE(tw->tw_entry_stamp) +
	       READ_ONCE(twsk_net(tw)->ipv4.sysctl_tcp_tw_reuse_delay);
}

static inline u32 twait_reuse_delay_ms(const struct net *net)
{
	return READ_ONCE(net->ipv4.sysctl_tcp_tw_reuse_delay);
}
#endif

/**
 * twait_local_ports() - size of net.ipv4.ip_local_port_range
 * @net: the namespace
 *
 * Why: struct local_ports. Two numbers under a seqlock, whose lock may sleep on
 * PREEMPT_RT; since 6.8 both halves of one. A range that is being changed may be
 * seen half done.
 *
 * Context: any.
 */
static inline u32 twait_local_ports(const struct net *net)
{
	const void *range = &net->ipv4.ip_local_ports.range;
	u32 low, high;

	if (sizeof(net->ipv4.ip_local_ports.range) == sizeof(u32)) {
		u32 both = READ_ONCE(*(const u32 *)range);

		low = both & 0xffff;
		high = both >> 16;
	} else {
		low = READ_ONCE(((const u32 *)range)[0]);
		high = READ_ONCE(((const u32 *)range)[1]);
	}
	return high - low + 1;
}

#endif
