/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is tuned: the values of a namespace, and rules that give other values to
 * some flows. Pure: compiles on the host too, for the tests and for twstat.
 */
#ifndef TWAIT_POLICY_H
#define TWAIT_POLICY_H

#include <linux/types.h>

#include "abi.h"

enum twait_value {
#define X(upper, lower) TWAIT_VALUE_##upper,
	TWAIT_VALUES(X)
#undef X
	TWAIT_VALUE_MAX,
};

enum twait_reuse_mode {
#define X(upper, lower) TWAIT_REUSE_MODE_##upper,
	TWAIT_REUSE_MODES(X)
#undef X
	TWAIT_REUSE_MODE_MAX,
};

enum twait_rst_mode {
#define X(upper, lower) TWAIT_RST_MODE_##upper,
	TWAIT_RST_MODES(X)
#undef X
	TWAIT_RST_MODE_MAX,
};

/* Kinds of events by number, as enum twait_event_type, which the host has not. */
enum twait_event_number {
#define X(upper, lower) TWAIT_EVENT_IS_##upper,
	TWAIT_EVENTS(X)
#undef X
	TWAIT_EVENT_NUMBERS,
};

#define TWAIT_EVENTS_ALL	((1U << TWAIT_EVENT_NUMBERS) - 1)

/* Longest value of a namespace in text: every kind of events, and a NUL. */
#define TWAIT_VALUE_TEXT_MAX	128

/**
 * struct twait_values - all that can be tuned
 * @of: by enum twait_value: milliseconds; enum twait_reuse_mode; enum
 *      twait_rst_mode; a bit for each kind of events
 */
struct twait_values {
	__u32 of[TWAIT_VALUE_MAX];
};

/**
 * struct twait_prefix - addresses that begin alike
 * @bits: the address as it is in memory, IPv4 as ::ffff:a.b.c.d, masked
 * @mask: likewise
 */
struct twait_prefix {
	__u64 bits[2];
	__u64 mask[2];
};

/**
 * struct twait_subject - a flow as rules look at it
 * @local: our address, as in &struct twait_prefix
 * @remote: the peer's, likewise
 * @cgroup_id: cgroup v2 id of the socket
 * @mark: the socket's SO_MARK
 * @uid: owner of the socket
 * @lot: where on the ring of all flows it lies, by a keyed hash
 * @local_port: our port, host byte order
 * @remote_port: the peer's port, host byte order
 * @loopback: an end of it is a loopback address
 */
struct twait_subject {
	__u64 local[2];
	__u64 remote[2];
	__u64 cgroup_id;
	__u32 mark;
	__u32 uid;
	__u32 lot;
	__u16 local_port;
	__u16 remote_port;
	bool loopback;
};

/* What a rule looks at, ports apart: bits of &twait_rule.looks_at. */
#define TWAIT_LOOKS_AT_LOCAL	0x01
#define TWAIT_LOOKS_AT_REMOTE	0x02
#define TWAIT_LOOKS_AT_LOOPBACK	0x04
#define TWAIT_LOOKS_AT_MARK	0x08
#define TWAIT_LOOKS_AT_UID	0x10
#define TWAIT_LOOKS_AT_CGROUP	0x20
#define TWAIT_LOOKS_AT_SHARE	0x40

/**
 * struct twait_rule - values for some flows
 * @local_port_first: lowest of our ports, host byte order
 * @local_port_span: how many more
 * @remote_port_first: lowest of the peer's ports, host byte order
 * @remote_port_span: how many more
 * @looks_at: TWAIT_LOOKS_AT_*
 * @lot_first: where its share of the ring begins
 * @lot_span: how long that is; 0 is all of it
 * @remote: the peer's addresses
 * @local: our addresses
 * @cgroup_id: cgroup v2 id
 * @mark: value of the mark
 * @uid: owner of the socket, in the initial user namespace
 * @share: flows out of ten thousand
 * @id: never used again in its namespace; 0 is none
 * @given: a bit for each enum twait_value that it gives
 * @values: these, and for the rest those of the namespace
 * @name: NUL-terminated
 * @counts: its caller's
 *
 * What most rules differ in comes first, and so does what a flow fails by.
 */
struct twait_rule {
	__u16 local_port_first;
	__u16 local_port_span;
	__u16 remote_port_first;
	__u16 remote_port_span;
	__u16 looks_at;
	__u32 lot_first;
	__u32 lot_span;
	struct twait_prefix remote;
	struct twait_prefix local;
	__u64 cgroup_id;
	__u32 mark;
	__u32 uid;
	__u32 share;
	__u32 id;
	__u32 given;
	struct twait_values values;
	char name[TWAIT_RULE_NAME_BYTES];
	void *counts;
};

/* Ids that differ by this do not live together: see twait_policy_rule(). */
#define TWAIT_RULE_PLACES	512

/**
 * struct twait_policy - all that is tuned in a namespace
 * @values: of flows that no rule matches
 * @inherit: a new namespace begins with these values
 * @tunes_reuse: some flow may be given another reuse or reuse_delay_ms than the
 *               kernel's own; from twait_policy_settle(), as @place
 * @last_id: of the last rule that was made
 * @count: of rules
 * @room: for rules
 * @place: by id, modulo TWAIT_RULE_PLACES: the rule's number, counted from 1; 0
 *         is none
 * @rule: in the order in which they are looked at
 */
struct twait_policy {
	struct twait_values values;
	bool inherit;
	bool tunes_reuse;
	__u32 last_id;
	__u16 count;
	__u16 room;
	__u16 place[TWAIT_RULE_PLACES];
	struct twait_rule rule[];
};

/**
 * struct twait_complaint - what is wrong with a text
 * @line: number of the line, from 1; 0 is not known
 * @word: the word, or as much of it as fits
 * @wants: what should be there
 */
struct twait_complaint {
	unsigned int line;
	char word[48];
	const char *wants;
};

struct twait_line;

extern const struct twait_values twait_values_default;

bool twait_policy_is_default(const struct twait_policy *policy);
void twait_policy_init(struct twait_policy *policy, unsigned int room);
void twait_policy_settle(struct twait_policy *policy);
const struct twait_rule *twait_policy_match(const struct twait_policy *policy,
					    const struct twait_subject *subject);
int twait_policy_apply(struct twait_policy *policy, const char *text,
		       unsigned int len, struct twait_complaint *complaint);

int twait_value_parse(enum twait_value value, const char *text, __u32 *number,
		      struct twait_complaint *complaint);
void twait_value_print(struct twait_line *line, enum twait_value value,
		       __u32 number);
const char *twait_value_word(enum twait_value value);
void twait_rule_print(struct twait_line *line, const struct twait_rule *rule);

/**
 * twait_policy_rule() - a rule by its id
 * @policy: where
 * @id: of a rule that there is or was; 0 is none
 *
 * Return: NULL if there is none (any more).
 */
static inline const struct twait_rule *
twait_policy_rule(const struct twait_policy *policy, __u32 id)
{
	__u16 place = policy->place[id % TWAIT_RULE_PLACES];
	const struct twait_rule *rule;

	if (!id || !place)
		return (const struct twait_rule *)0;
	rule = &policy->rule[place - 1];
	return rule->id == id ? rule : (const struct twait_rule *)0;
}

#endif
