/* SPDX-License-Identifier: GPL-2.0-only */
/* Hooks: candidates, found, armed; needed or not; what is lost without. */
#ifndef TWAIT_HOOK_H
#define TWAIT_HOOK_H

#include <linux/kprobes.h>
#include <linux/percpu.h>
#include <linux/tracepoint.h>

#include "abi.h"

#ifndef CONFIG_KRETPROBES
#error "timewait needs a kernel with CONFIG_KPROBES and CONFIG_KRETPROBES"
#endif

enum twait_hook_kind {
	TWAIT_HOOK_KPROBE,
	TWAIT_HOOK_KRETPROBE,
	TWAIT_HOOK_TRACEPOINT,
};

enum twait_hook_state {
#define X(upper, lower) TWAIT_HOOK_##upper,
	TWAIT_HOOK_STATES(X)
#undef X
};

#define TWAIT_HOOK_SYMBOLS_MAX	4
#define TWAIT_HOOK_NOTES_MAX	3

/**
 * struct twait_hook - one place in the kernel and what it tells us
 * @name: what for
 * @kind: how it is hooked
 * @required: the module does not load without it
 * @on_demand: armed only while there is something for it to see
 * @loses: what is lost without it, comma-separated: names in stats, keys in
 *         lines, histograms, which are all shown as "-" then; sysctls, which
 *         cannot be set then; "*" at their end for anything
 * @notes: what is particular of this kernel here; NULL-terminated
 * @symbols: candidates, tried in order; NULL-terminated
 * @enter: for a kprobe: at the function's entry
 * @call: for a kretprobe: at the entry; non-zero skips @answer for this call
 * @answer: for a kretprobe: at the return
 * @data_bytes: kept from @call to @answer
 * @probe: for a tracepoint: the function to call
 * @without: called while loading if the hook cannot be had; may be NULL
 * @forbidden: by the module's parameter
 * @state: where it stands; written while loading, or with demand_lock held, like
 *         all below
 * @symbol: the candidate that was found, or NULL
 * @error: negative errno for %TWAIT_HOOK_FAILED
 * @missed_before: calls missed until it was armed
 * @missed_at_rest: calls missed until it was disarmed
 * @hits: how often a handler ran, per CPU
 * @kp: the kprobe
 * @rp: the kretprobe
 * @tp: the tracepoint
 */
struct twait_hook {
	const char *name;
	enum twait_hook_kind kind;
	bool required;
	bool on_demand;
	const char *loses;
	const char *notes[TWAIT_HOOK_NOTES_MAX];
	const char *symbols[TWAIT_HOOK_SYMBOLS_MAX];
	kprobe_pre_handler_t enter;
	kretprobe_handler_t call;
	kretprobe_handler_t answer;
	size_t data_bytes;
	void *probe;
	void (*without)(void);

	bool forbidden;
	enum twait_hook_state state;
	const char *symbol;
	int error;
	unsigned long missed_before;
	unsigned long missed_at_rest;
	unsigned long __percpu *hits;
	union {
		struct kprobe kp;
		struct kretprobe rp;
		struct tracepoint *tp;
	};
};

/* In the order of arming: see hook_table.c. */
extern struct twait_hook * const twait_hooks[];
extern const unsigned int twait_hooks_count;

extern struct twait_hook twait_hook_late_v4;
extern struct twait_hook twait_hook_late_v6;
extern struct twait_hook twait_hook_incarnation;
extern struct twait_hook twait_hook_end;
extern struct twait_hook twait_hook_deschedule;
extern struct twait_hook twait_hook_segment;
extern struct twait_hook twait_hook_connect;
extern struct twait_hook twait_hook_bind;
extern struct twait_hook twait_hook_close;
extern struct twait_hook twait_hook_enter;

static inline void twait_hook_hit(const struct twait_hook *hook)
{
	this_cpu_inc(*hook->hits);
}

int twait_hooks_init(void);
void twait_hooks_exit(void);
int twait_hook_forbid(const char *name);
bool twait_hooks_lose(const char *word);
int twait_hooks_arm(void);
void twait_hooks_disarm(void);
void twait_hooks_demand(bool (*is_wanted)(void), bool may_rest);
u64 twait_hook_hits(const struct twait_hook *hook);
u64 twait_hook_missed(const struct twait_hook *hook);
u64 twait_hooks_missed(void);

#endif
