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
#define TWAIT_FILE_HISTOGRAMS	"histograms"
#define TWAIT_FILE_RULES	"rules"

/* Where the values of a namespace are, below /proc/sys/. */
#define TWAIT_SYSCTL_DIR	"net/timewait"

/* Longest line of any file, the newline and the terminating NUL included. */
#define TWAIT_LINE_MAX		1024

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
 * unread	there was data that nobody had read: the close sent a RST
 * orphan	tcp_max_orphans was reached, or tcp_mem: the close sent a RST
 */
#define TWAIT_AVOIDS(X)		\
	X(LINGER, linger)	\
	X(OVERFLOW, overflow)	\
	X(UNREAD, unread)	\
	X(ORPHAN, orphan)

/*
 * The substate of a wait, as struct inet_timewait_sock::tw_substate has it.
 *
 * ghost	the wait ended early, and is remembered for quiet_ms
 */
#define TWAIT_STATES(X)		\
	X(FIN_WAIT2, fin_wait2)	\
	X(TIME_WAIT, time_wait)	\
	X(GHOST, ghost)

/*
 * What an event line tells.
 *
 * enter	a wait began
 * advance	a FIN_WAIT2 got its FIN and is a TIME_WAIT now
 * rearm	a segment set the timer back to its full length
 * end		a wait ended, by fate=
 * avoid	a close left no wait, by avoid=
 * reuse	somebody wanted the four-tuple again, by path= and verdict=
 * segment	a segment reached a wait: kind= and the kernel's answer=
 * refusal	connect() found no port, or bind() not the one it wanted: path=
 * late		a segment came for a wait that had ended early: late=
 */
#define TWAIT_EVENTS(X)		\
	X(ENTER, enter)		\
	X(ADVANCE, advance)	\
	X(REARM, rearm)		\
	X(END, end)		\
	X(AVOID, avoid)		\
	X(REUSE, reuse)		\
	X(SEGMENT, segment)	\
	X(REFUSAL, refusal)	\
	X(LATE, late)

/*
 * What kind of segment reached a wait. Each is of the first kind that fits.
 *
 * paws		its timestamp is older than the last one seen (RFC 7323)
 * rst		a RST that ends the wait: on rcv_nxt, or in the window of a
 *		FIN_WAIT2; also where tcp_rfc1337 protects from it
 * rst_stray	a RST elsewhere
 * syn		a SYN
 * window	neither old nor next: beyond rcv_nxt, or an empty one before it; in
 *		FIN_WAIT2 one that does not touch the window
 * fin		the peer's FIN, mostly again
 * data		data, mostly old
 * ack		an ACK and nothing else
 */
#define TWAIT_SEGMENTS(X)	\
	X(PAWS, paws)		\
	X(RST, rst)		\
	X(RST_STRAY, rst_stray)	\
	X(SYN, syn)		\
	X(WINDOW, window)	\
	X(FIN, fin)		\
	X(DATA, data)		\
	X(ACK, ack)

/*
 * What the kernel answered.
 *
 * none		nothing: the segment was taken in, or dropped
 * ack		an ACK
 * limited	an ACK was due, and withheld by tcp_invalid_ratelimit
 * rst		a RST, which ends a FIN_WAIT2
 * listen	nothing yet: the SYN goes on to a listener, if there is one
 */
#define TWAIT_ANSWERS(X)	\
	X(NONE, none)		\
	X(ACK, ack)		\
	X(LIMITED, limited)	\
	X(RST, rst)		\
	X(LISTEN, listen)

/*
 * A segment for a wait that had ended early. Where nobody has the four-tuple any
 * more:
 *
 * fin		the peer's FIN: answered with RST, its close was reset
 * data		data: answered with RST, the peer's connection was reset
 * ack		an ACK and nothing else: answered with RST
 * syn		a SYN
 * rst		a RST: nothing comes of it
 *
 * Where a new connection has it:
 *
 * paws		rejected, for its timestamp is old (RFC 7323)
 * window	rejected, for its sequence numbers are elsewhere
 * suspect	in the old window and in the new one: it may have been taken for new
 */
#define TWAIT_LATES(X)		\
	X(FIN, fin)		\
	X(DATA, data)		\
	X(ACK, ack)		\
	X(SYN, syn)		\
	X(RST, rst)		\
	X(PAWS, paws)		\
	X(WINDOW, window)	\
	X(SUSPECT, suspect)

/*
 * Histograms, in powers of 2 of a millisecond.
 *
 * length	how long waits lasted, however they ended
 * segment_age	how old a wait was when a segment reached it
 * late_age	how long ago a wait had begun when a segment came too late for it
 */
#define TWAIT_HISTOGRAMS(X)	\
	X(LENGTH, length)	\
	X(SEGMENT_AGE, segment_age) \
	X(LATE_AGE, late_age)

/*
 * Who wanted the four-tuple of a wait again, or its port.
 *
 * connect	connect(), which looks for a port or comes with one
 * syn		an incoming SYN
 * bind		bind(), or listen() without one
 */
#define TWAIT_PATHS(X)		\
	X(CONNECT, connect)	\
	X(SYN, syn)		\
	X(BIND, bind)

#define TWAIT_VERDICTS(X)	\
	X(ALLOWED, allowed)	\
	X(REFUSED, refused)

/*
 * Reuse decisions: who, the kernel's verdict, and its reason, which is the first
 * of these that holds.
 *
 * connect allowed
 *   repair	the socket is in TCP_REPAIR, and keeps the numbers it was given
 *   bound	bind() came before connect(): that skips tcp_tw_reuse
 *   timestamps	tcp_tw_reuse lets it, and timestamps keep the two apart
 * connect refused
 *   fin_wait2	the wait is in FIN_WAIT2 (5.10 does not look)
 *   off	tcp_tw_reuse is 0
 *   not_loopback tcp_tw_reuse is 2, and no end of it is on loopback
 *   no_timestamps the connection had none, so nothing keeps the two apart
 *   too_young	the last timestamp, or the wait, is not yet older than
 *		tcp_tw_reuse_delay
 * syn allowed
 *   seq	its sequence number is beyond what the wait expected
 *   timestamp	its timestamp is newer than the last one
 * syn refused
 *   fin_wait2	the wait is in FIN_WAIT2
 *   paws	its timestamp is older than the last one
 *   old_seq	its sequence number is not beyond, and no timestamp is newer
 *   no_listener it could have taken over, but nobody listens
 *
 * unexplained	the kernel's verdict is not what these rules come to
 * tuned	net.timewait.reuse decided, and not the kernel's own rules; where
 *		reuse_delay_ms did, a refusal is too_young
 */
#define TWAIT_REUSES(X)								\
	X(CONNECT, connect, ALLOWED, allowed, REPAIR, repair)			\
	X(CONNECT, connect, ALLOWED, allowed, BOUND, bound)			\
	X(CONNECT, connect, ALLOWED, allowed, TIMESTAMPS, timestamps)		\
	X(CONNECT, connect, ALLOWED, allowed, UNEXPLAINED, unexplained)		\
	X(CONNECT, connect, REFUSED, refused, FIN_WAIT2, fin_wait2)		\
	X(CONNECT, connect, REFUSED, refused, OFF, off)				\
	X(CONNECT, connect, REFUSED, refused, NOT_LOOPBACK, not_loopback)	\
	X(CONNECT, connect, REFUSED, refused, NO_TIMESTAMPS, no_timestamps)	\
	X(CONNECT, connect, REFUSED, refused, TOO_YOUNG, too_young)		\
	X(CONNECT, connect, REFUSED, refused, UNEXPLAINED, unexplained)		\
	X(SYN, syn, ALLOWED, allowed, SEQ, seq)					\
	X(SYN, syn, ALLOWED, allowed, TIMESTAMP, timestamp)			\
	X(SYN, syn, ALLOWED, allowed, UNEXPLAINED, unexplained)			\
	X(SYN, syn, REFUSED, refused, FIN_WAIT2, fin_wait2)			\
	X(SYN, syn, REFUSED, refused, PAWS, paws)				\
	X(SYN, syn, REFUSED, refused, OLD_SEQ, old_seq)				\
	X(SYN, syn, REFUSED, refused, NO_LISTENER, no_listener)			\
	X(SYN, syn, REFUSED, refused, UNEXPLAINED, unexplained)			\
	X(CONNECT, connect, ALLOWED, allowed, TUNED, tuned)			\
	X(CONNECT, connect, REFUSED, refused, TUNED, tuned)

/*
 * What can be tuned, for a namespace by sysctl or for some flows by a rule.
 *
 * length_ms	how long a TIME_WAIT lasts
 * quiet_ms	how long after its beginning a wait that ended early is remembered,
 *		to see what comes too late for it; 0 is not at all
 * reuse	what connect() may do with a wait: TWAIT_REUSE_MODES
 * reuse_delay_ms how old a TIME_WAIT has to be for that; 0 is the kernel's own rule
 * rst		what a RST on rcv_nxt does to a TIME_WAIT: TWAIT_RST_MODES
 * events	which kinds are recorded: TWAIT_EVENTS, or all, or none
 */
#define TWAIT_VALUES(X)			\
	X(LENGTH_MS, length_ms)		\
	X(QUIET_MS, quiet_ms)		\
	X(REUSE, reuse)			\
	X(REUSE_DELAY_MS, reuse_delay_ms) \
	X(RST, rst)			\
	X(EVENTS, events)

#define TWAIT_LENGTH_MS_MIN	1000	/* as Solaris has it */
#define TWAIT_LENGTH_MS_MAX	240000	/* 2MSL of RFC 9293 */
#define TWAIT_LENGTH_MS_DEFAULT	60000	/* TCP_TIMEWAIT_LEN */

/*
 * kernel	as tcp_tw_reuse says
 * allow	as if tcp_tw_reuse were 1
 * refuse	never, not even a port that bind() chose
 */
#define TWAIT_REUSE_MODES(X)	\
	X(KERNEL, kernel)	\
	X(ALLOW, allow)		\
	X(REFUSE, refuse)

/*
 * kernel	as tcp_rfc1337 says
 * ignore	nothing
 */
#define TWAIT_RST_MODES(X)	\
	X(KERNEL, kernel)	\
	X(IGNORE, ignore)

/* Words for all kinds of events, and for none. */
#define TWAIT_EVENTS_WORD_ALL	"all"
#define TWAIT_EVENTS_WORD_NONE	"none"

/* Rules: how many, how long a name is with its NUL, and how long what is written. */
#define TWAIT_RULES_MAX		256
#define TWAIT_RULE_NAME_BYTES	24
#define TWAIT_RULES_TEXT_MAX	65536

/*
 * The state of a hook.
 *
 * missing	the kernel has none of its symbols
 * armed	at work
 * failed	the symbol is there, but cannot be hooked
 * forbidden	the module was loaded not to use it
 * idle		to be had, and armed as soon as there is something to see
 */
#define TWAIT_HOOK_STATES(X)	\
	X(MISSING, missing)	\
	X(ARMED, armed)		\
	X(FAILED, failed)	\
	X(FORBIDDEN, forbidden)	\
	X(IDLE, idle)

/*
 * What is particular of this kernel at a hook: the key note= of the file hooks.
 *
 * counted_at_expiry	TcpExtTW and TcpExtTWKilled count a wait when its timer
 *			ends it, and so miss each that ended early
 * softirqs_on		a softirq may interrupt the hooked function: then it
 *			misses its own hooks
 * not_killable		ss -K does not end waits
 * fin_wait2_reusable	connect() may reuse a wait in FIN_WAIT2 too
 * whole_seconds	tcp_tw_reuse wants more than a second, in whole ones; later
 *			kernels ask tcp_tw_reuse_delay
 */
#define TWAIT_NOTE_COUNTED_AT_EXPIRY	"counted_at_expiry"
#define TWAIT_NOTE_SOFTIRQS_ON		"softirqs_on"
#define TWAIT_NOTE_NOT_KILLABLE		"not_killable"
#define TWAIT_NOTE_FIN_WAIT2_REUSABLE	"fin_wait2_reusable"
#define TWAIT_NOTE_WHOLE_SECONDS	"whole_seconds"

#endif
