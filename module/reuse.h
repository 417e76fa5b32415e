/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Explains a reuse decision of the kernel from what it was decided on. Pure: it
 * compiles on the host, and is tested there.
 */
#ifndef TWAIT_REUSE_H
#define TWAIT_REUSE_H

#include <linux/types.h>

#include "abi.h"
#include "policy.h"

enum twait_reuse {
#define X(PATH, path, VERDICT, verdict, REASON, reason) \
	TWAIT_REUSE_##PATH##_##VERDICT##_##REASON,
	TWAIT_REUSES(X)
#undef X
	TWAIT_REUSE_MAX,
};

/**
 * enum twait_reuse_tuned - what tuning makes of an attempt
 * @TWAIT_REUSE_TUNED_NOT: nothing: the kernel decides
 * @TWAIT_REUSE_TUNED_ALLOW: allowed, which the kernel would not
 * @TWAIT_REUSE_TUNED_REFUSE: refused, whatever the kernel would
 * @TWAIT_REUSE_TUNED_TOO_YOUNG: refused for its age, however old it is for the kernel
 */
enum twait_reuse_tuned {
	TWAIT_REUSE_TUNED_NOT,
	TWAIT_REUSE_TUNED_ALLOW,
	TWAIT_REUSE_TUNED_REFUSE,
	TWAIT_REUSE_TUNED_TOO_YOUNG,
};

/**
 * struct twait_connect_attempt - connect() wants the four-tuple of a wait
 * @sysctl_reuse: net.ipv4.tcp_tw_reuse
 * @bound: connect() came with a local port; the kernel then asks no sysctl
 * @repair: the socket is in TCP_REPAIR
 * @fin_wait2: the wait is in FIN_WAIT2, and this kernel looks at that
 * @loopback: an end of it is a loopback address, or it is bound to lo
 * @timestamps: the old connection had timestamps
 * @old_enough: older than the kernel asks for
 * @unborn: the kernel is just making the wait, and nobody may take it yet
 * @tuned: enum twait_reuse_tuned
 */
struct twait_connect_attempt {
	__u8 sysctl_reuse;
	bool bound;
	bool repair;
	bool fin_wait2;
	bool loopback;
	bool timestamps;
	bool old_enough;
	bool unborn;
	__u8 tuned;
};

/**
 * struct twait_syn_attempt - a SYN wants the four-tuple of a wait
 * @fin_wait2: the wait is in FIN_WAIT2
 * @paws_reject: its timestamp is older than the last one seen
 * @newer_seq: its sequence number is after what the wait expected
 * @newer_timestamp: its timestamp is newer than the last one seen
 */
struct twait_syn_attempt {
	bool fin_wait2;
	bool paws_reject;
	bool newer_seq;
	bool newer_timestamp;
};

enum twait_reuse_tuned twait_reuse_tune(const struct twait_connect_attempt *try,
					enum twait_reuse_mode mode,
					bool old_enough);
enum twait_reuse twait_reuse_by_connect(const struct twait_connect_attempt *try,
					bool allowed);
enum twait_reuse twait_reuse_by_syn(const struct twait_syn_attempt *try,
				    bool allowed);

static inline bool twait_reuse_is_unexplained(enum twait_reuse reuse)
{
	switch (reuse) {
	case TWAIT_REUSE_CONNECT_ALLOWED_UNEXPLAINED:
	case TWAIT_REUSE_CONNECT_REFUSED_UNEXPLAINED:
	case TWAIT_REUSE_SYN_ALLOWED_UNEXPLAINED:
	case TWAIT_REUSE_SYN_REFUSED_UNEXPLAINED:
		return true;
	default:
		return false;
	}
}

#endif
