/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The words of the files under /proc/net/timewait/, shared with tools/.
 *
 * Each vocabulary is one X-macro list: it makes the enum, the words in the
 * files, the names in the tracepoints and the words that the reader knows.
 * Lists only ever grow, at their end; the format version moves only when a
 * line that an older reader understands would come to mean something else.
 *
 * Includes nothing, so that it compiles in the kernel and on the host alike.
 */
#ifndef TWAIT_ABI_H
#define TWAIT_ABI_H

#define TWAIT_FORMAT_VERSION	1

#define TWAIT_PROC_DIR		"timewait"
#define TWAIT_FILE_STATS	"stats"
#define TWAIT_FILE_CONNECTIONS	"connections"
#define TWAIT_FILE_EVENTS	"events"
#define TWAIT_FILE_REUSE	"reuse"
#define TWAIT_FILE_ASSASSINATIONS "assassinations"
#define TWAIT_FILE_HOOKS	"hooks"

/* Longest line of any file, the newline and the terminating NUL included. */
#define TWAIT_LINE_MAX		768

/*
 * Why a wait ended.
 *
 * expired	its timer ran out
 * rst		a RST ended it: RFC 1337 assassination, or a RST in the window
 *		of a FIN_WAIT2
 * syn		a new incoming SYN took the four-tuple over
 * connect	an outgoing connect() reused it
 * killed	SOCK_DESTROY (ss -K)
 * reset	the kernel answered a segment for a FIN_WAIT2 with RST
 * purged	its namespace went away
 * unknown	it is gone and nothing told why
 */
#define TWAIT_FATES(X)		\
	X(EXPIRED, expired)	\
	X(RST, rst)		\
	X(SYN, syn)		\
	X(CONNECT, connect)	\
	X(KILLED, killed)	\
	X(RESET, reset)		\
	X(PURGED, purged)	\
	X(UNKNOWN, unknown)

/*
 * How a wait came to be: the way its socket went.
 *
 * active	FIN_WAIT1, FIN_WAIT2, TIME_WAIT: this side closed first
 * simultaneous	FIN_WAIT1, CLOSING, TIME_WAIT: the FINs crossed
 * fin_wait2	an orphan in FIN_WAIT2 became a minisock that waits for the FIN
 */
#define TWAIT_WAYS(X)		\
	X(ACTIVE, active)	\
	X(SIMULTANEOUS, simultaneous) \
	X(FIN_WAIT2, fin_wait2)

/* The way of a wait that was there before the module: nobody saw it come. */
#define TWAIT_WAY_WORD_ADOPTED	"adopted"

/*
 * A close that should have left a TIME_WAIT and did not.
 *
 * linger	SO_LINGER with a time of 0: the close sent a RST
 * overflow	tcp_max_tw_buckets was reached, or there was no memory
 */
#define TWAIT_AVOIDS(X)		\
	X(LINGER, linger)	\
	X(OVERFLOW, overflow)

/* The substate of a wait, as struct inet_timewait_sock::tw_substate has it. */
#define TWAIT_STATES(X)		\
	X(FIN_WAIT2, fin_wait2)	\
	X(TIME_WAIT, time_wait)

/*
 * What an event line tells.
 *
 * enter	a wait began
 * advance	a FIN_WAIT2 got its FIN and is a TIME_WAIT now
 * rearm	a segment set the timer back to its full length
 * end		a wait ended, by fate=
 * avoid	a close left no wait, by avoid=
 * reuse	somebody wanted the four-tuple again, by path= and verdict=
 */
#define TWAIT_EVENTS(X)		\
	X(ENTER, enter)		\
	X(ADVANCE, advance)	\
	X(REARM, rearm)		\
	X(END, end)		\
	X(AVOID, avoid)		\
	X(REUSE, reuse)

/* Who wanted the four-tuple of a wait again: connect() or an incoming SYN. */
#define TWAIT_PATHS(X)		\
	X(CONNECT, connect)	\
	X(SYN, syn)

#define TWAIT_VERDICTS(X)	\
	X(ALLOWED, allowed)	\
	X(REFUSED, refused)

/* The state of a hook. */
#define TWAIT_HOOK_STATES(X)	\
	X(MISSING, missing)	\
	X(ARMED, armed)		\
	X(FAILED, failed)

#endif
