// SPDX-License-Identifier: GPL-2.0-only
/*
 * Explains a reuse decision of the kernel from what it was decided on: the rules
 * of tcp_twsk_unique() (net/ipv4/tcp_ipv4.c) for connect(), and of
 * tcp_timewait_state_process() (net/ipv4/tcp_minisocks.c) for a SYN.
 */
#include "reuse.h"

/* Why would tcp_twsk_unique() refuse? TWAIT_REUSE_MAX: for no reason. */
static enum twait_reuse connect_refusal(const struct twait_connect_attempt *try)
{
	if (!try->bound) {
		if (try->fin_wait2)
			return TWAIT_REUSE_CONNECT_REFUSED_FIN_WAIT2;
		if (!try->sysctl_reuse)
			return TWAIT_REUSE_CONNECT_REFUSED_OFF;
		if (try->sysctl_reuse == 2 && !try->loopback)
			return TWAIT_REUSE_CONNECT_REFUSED_NOT_LOOPBACK;
	}
	if (!try->timestamps)
		return TWAIT_REUSE_CONNECT_REFUSED_NO_TIMESTAMPS;
	if (try->unborn || (!try->bound && !try->old_enough))
		return TWAIT_REUSE_CONNECT_REFUSED_TOO_YOUNG;
	return TWAIT_REUSE_MAX;
}

/**
 * twait_reuse_tune() - what tuning makes of a connect()
 * @try: what the kernel would decide on
 * @mode: net.timewait.reuse
 * @old_enough: older than net.timewait.reuse_delay_ms; where that is 0, than the
 *              kernel asks for
 *
 * What keeps two incarnations apart, timestamps, is asked for in any case, and who
 * comes with a port or with the numbers of TCP_REPAIR may have it as ever, but for
 * "refuse".
 *
 * Context: any; reads only @try.
 */
enum twait_reuse_tuned twait_reuse_tune(const struct twait_connect_attempt *try,
					enum twait_reuse_mode mode,
					bool old_enough)
{
	bool by_kernel = connect_refusal(try) == TWAIT_REUSE_MAX;
	struct twait_connect_attempt tuned = *try;
	enum twait_reuse refusal;

	if (mode == TWAIT_REUSE_MODE_REFUSE)
		return TWAIT_REUSE_TUNED_REFUSE;
	if (try->bound)
		return TWAIT_REUSE_TUNED_NOT;
	if (mode == TWAIT_REUSE_MODE_ALLOW)
		tuned.sysctl_reuse = 1;
	tuned.old_enough = old_enough;
	refusal = connect_refusal(&tuned);
	if (refusal == TWAIT_REUSE_MAX)
		return by_kernel ? TWAIT_REUSE_TUNED_NOT :
				   TWAIT_REUSE_TUNED_ALLOW;
	/* Else what the kernel says by its own rules would have no reason in ours. */
	if (refusal == TWAIT_REUSE_CONNECT_REFUSED_TOO_YOUNG && !old_enough)
		return TWAIT_REUSE_TUNED_TOO_YOUNG;
	return TWAIT_REUSE_TUNED_NOT;
}

/* Why did it come out so, where tuning said how? */
static enum twait_reuse tuned_by_connect(const struct twait_connect_attempt *try,
					 bool allowed)
{
	if (try->tuned == TWAIT_REUSE_TUNED_ALLOW) {
		if (allowed)
			return try->repair ? TWAIT_REUSE_CONNECT_ALLOWED_REPAIR :
					     TWAIT_REUSE_CONNECT_ALLOWED_TUNED;
		return try->unborn ? TWAIT_REUSE_CONNECT_REFUSED_TOO_YOUNG :
				     TWAIT_REUSE_CONNECT_REFUSED_UNEXPLAINED;
	}
	if (allowed)
		return TWAIT_REUSE_CONNECT_ALLOWED_UNEXPLAINED;
	return try->tuned == TWAIT_REUSE_TUNED_REFUSE ?
	       TWAIT_REUSE_CONNECT_REFUSED_TUNED :
	       TWAIT_REUSE_CONNECT_REFUSED_TOO_YOUNG;
}

/**
 * twait_reuse_by_connect() - why the kernel decided about a connect() as it did
 * @try: what it was decided on
 * @allowed: its verdict
 *
 * Why: tcp_twsk_unique(), the same from 5.10 to 7.2 but for what @try says.
 *
 * Context: any; reads only @try.
 * Return: verdict and reason; unexplained if the rules come to another verdict.
 */
enum twait_reuse twait_reuse_by_connect(const struct twait_connect_attempt *try,
					bool allowed)
{
	enum twait_reuse refusal = connect_refusal(try);

	if (try->tuned != TWAIT_REUSE_TUNED_NOT)
		return tuned_by_connect(try, allowed);
	if (!allowed)
		return refusal != TWAIT_REUSE_MAX ? refusal :
			TWAIT_REUSE_CONNECT_REFUSED_UNEXPLAINED;
	/* Not every kernel that is 6.1 by name looks at that. */
	if (refusal != TWAIT_REUSE_MAX &&
	    refusal != TWAIT_REUSE_CONNECT_REFUSED_FIN_WAIT2)
		return TWAIT_REUSE_CONNECT_ALLOWED_UNEXPLAINED;
	if (try->repair)
		return TWAIT_REUSE_CONNECT_ALLOWED_REPAIR;
	return try->bound ? TWAIT_REUSE_CONNECT_ALLOWED_BOUND :
			    TWAIT_REUSE_CONNECT_ALLOWED_TIMESTAMPS;
}

/**
 * twait_reuse_by_syn() - why the kernel decided about a SYN as it did
 * @try: what it was decided on
 * @allowed: whether it let the SYN go on to a listener; that there is one is
 *           not for the wait to decide
 *
 * Why: RFC 9293, 3.10.7.4, and RFC 6191 for the timestamp.
 *
 * Context: any; reads only @try.
 * Return: verdict and reason; unexplained if the rules come to another verdict.
 */
enum twait_reuse twait_reuse_by_syn(const struct twait_syn_attempt *try,
				    bool allowed)
{
	bool newer = try->newer_seq || try->newer_timestamp;

	if (allowed) {
		if (try->fin_wait2 || try->paws_reject || !newer)
			return TWAIT_REUSE_SYN_ALLOWED_UNEXPLAINED;
		return try->newer_seq ? TWAIT_REUSE_SYN_ALLOWED_SEQ :
					TWAIT_REUSE_SYN_ALLOWED_TIMESTAMP;
	}
	if (try->fin_wait2)
		return TWAIT_REUSE_SYN_REFUSED_FIN_WAIT2;
	if (try->paws_reject)
		return TWAIT_REUSE_SYN_REFUSED_PAWS;
	return newer ? TWAIT_REUSE_SYN_REFUSED_UNEXPLAINED :
		       TWAIT_REUSE_SYN_REFUSED_OLD_SEQ;
}
