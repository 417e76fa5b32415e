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
#include <linux/version.h>
#include <net/inet_timewait_sock.h>
#include <net/net_namespace.h>
#include <net/sock.h>

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
 * ends a wait for ss -K nor spares one in FIN_WAIT2, 6.1 does both. They are
 * shown to the user and decide nothing.
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

#endif
