// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is tuned, as text: a rule a line, words and key=value.
 *
 *   add NAME [MATCH...] [VALUE...]	behind the others
 *   replace NAME [MATCH...] [VALUE...]	in its place
 *   delete NAME
 *   clear
 */
#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/inet.h>
#include <linux/kernel.h>
#include <linux/string.h>
#else
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#endif

#include "line.h"
#include "policy.h"

#define TWAIT_ADDRESS_BYTES	16
#define TWAIT_ADDRESS_TEXT	sizeof("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")

static const char * const value_words[] = {
#define X(upper, lower) #lower,
	TWAIT_VALUES(X)
#undef X
};

static const char * const reuse_words[] = {
#define X(upper, lower) #lower,
	TWAIT_REUSE_MODES(X)
#undef X
};

static const char * const rst_words[] = {
#define X(upper, lower) #lower,
	TWAIT_RST_MODES(X)
#undef X
};

static const char * const event_words[] = {
#define X(upper, lower) #lower,
	TWAIT_EVENTS(X)
#undef X
};

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

#define SPELL(number)	SPELL_(number)
#define SPELL_(number)	#number

static const char * const value_wants[TWAIT_VALUE_MAX] = {
	[TWAIT_VALUE_LENGTH_MS] = "length_ms=" SPELL(TWAIT_LENGTH_MS_MIN)
				  " to " SPELL(TWAIT_LENGTH_MS_MAX),
	[TWAIT_VALUE_QUIET_MS] = "quiet_ms=0 to " SPELL(TWAIT_LENGTH_MS_MAX),
	[TWAIT_VALUE_REUSE] = "reuse=kernel, allow or refuse",
	[TWAIT_VALUE_REUSE_DELAY_MS] = "reuse_delay_ms=0 (the kernel's own) to "
				       SPELL(TWAIT_LENGTH_MS_MAX),
	[TWAIT_VALUE_RST] = "rst=kernel or ignore",
	[TWAIT_VALUE_EVENTS] = "events=all, none, or of these with commas:"
#define X(upper, lower) " " #lower
			       TWAIT_EVENTS(X),
#undef X
};

/* The words of a line, one after the other. */
struct words {
	const char *at;
	const char *end;
	unsigned int line;
};

struct word {
	const char *text;
	unsigned int len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool next_word(struct words *words, struct word *word)
{
	while (words->at < words->end && is_blank(*words->at))
		words->at++;
	word->text = words->at;
	while (words->at < words->end && !is_blank(*words->at))
		words->at++;
	word->len = words->at - word->text;
	return word->len;
}

static int complain(struct twait_complaint *complaint, unsigned int line,
		    const struct word *word, const char *wants)
{
	struct twait_line text = {
		.text = complaint->word, .size = sizeof(complaint->word) - 1,
	};
	unsigned int i;

	complaint->line = line;
	complaint->wants = wants;
	/* It may be anything, and is going to be printed. */
	for (i = 0; i < word->len; i++)
		twait_line_char(&text, word->text[i] > ' ' && word->text[i] < 127 ?
				       word->text[i] : '?');
	complaint->word[text.len] = '\0';
	return -EINVAL;
}

static bool word_is(const struct word *word, const char *text)
{
	return word->len == strlen(text) && !memcmp(word->text, text, word->len);
}

static int find_word(const struct word *word, const char * const *list,
		     unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (word_is(word, list[i]))
			return i;
	return -1;
}

/* key=value: cuts it in two. */
static bool split(const struct word *word, char at, struct word *before,
		  struct word *after)
{
	const char *found = memchr(word->text, at, word->len);

	if (!found)
		return false;
	before->text = word->text;
	before->len = found - word->text;
	after->text = found + 1;
	after->len = word->len - before->len - 1;
	return true;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

/* The whole word is a number up to @max, in decimal or, if @hex, after 0x. */
static bool number_in(const struct word *word, bool hex, __u64 max, __u64 *number)
{
	__u64 most = hex ? ~0ULL / 16 : ~0ULL / 10;
	unsigned int base = hex ? 16 : 10;
	unsigned int i = hex ? 2 : 0;

	*number = 0;
	if (!word->len)
		return false;
	for (; i < word->len; i++) {
		unsigned int digit = digit_of(word->text[i]);

		if (digit >= base || *number > most ||
		    *number * base > ~0ULL - digit)
			return false;
		*number = *number * base + digit;
	}
	return *number <= max;
}

static bool number_of(const struct word *word, __u64 max, __u64 *number)
{
	return number_in(word, false, max, number);
}

static bool parse_mark(const struct word *word, __u32 *mark)
{
	bool hex = word->len > 2 && word->text[0] == '0' && word->text[1] == 'x';
	bool fine;
	__u64 n;

	fine = number_in(word, hex, 0xffffffff, &n);
	*mark = n;
	return fine;
}

static bool parse_port_range(const struct word *word, __u16 *first, __u16 *span)
{
	struct word from, to;
	__u64 low, high;

	if (split(word, '-', &from, &to)) {
		if (!number_of(&from, 65535, &low) ||
		    !number_of(&to, 65535, &high) || high < low)
			return false;
	} else {
		if (!number_of(word, 65535, &low))
			return false;
		high = low;
	}
	*first = low;
	*span = high - low;
	return true;
}

/* The whole text, which has no NUL but the one behind it. */
static bool text_to_address(const char *text, __u8 address[TWAIT_ADDRESS_BYTES],
			    bool *v4)
{
#ifdef __KERNEL__
	const char *end;
#endif
	static const __u8 v4mapped[12] = { [10] = 0xff, [11] = 0xff };

	memcpy(address, v4mapped, sizeof(v4mapped));
#ifdef __KERNEL__
	/* They end at what they do not know, and call that fine. */
	*v4 = in4_pton(text, -1, address + 12, -1, &end) && !*end;
	return *v4 || (in6_pton(text, -1, address, -1, &end) && !*end);
#else
	*v4 = inet_pton(AF_INET, text, address + 12) == 1;
	return *v4 || inet_pton(AF_INET6, text, address) == 1;
#endif
}

static void address_to_text(char text[TWAIT_ADDRESS_TEXT],
			    const __u8 address[TWAIT_ADDRESS_BYTES], bool v4)
{
#ifdef __KERNEL__
	snprintf(text, TWAIT_ADDRESS_TEXT, v4 ? "%pI4" : "%pI6c",
		 v4 ? address + 12 : address);
#else
	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? address + 12 : address, text,
		  TWAIT_ADDRESS_TEXT);
#endif
}

static void mask_of(__u8 mask[TWAIT_ADDRESS_BYTES], unsigned int len)
{
	unsigned int i;

	for (i = 0; i < TWAIT_ADDRESS_BYTES; i++) {
		unsigned int bits = len > i * 8 ? len - i * 8 : 0;

		mask[i] = bits >= 8 ? 0xff : (__u8)(0xff00 >> bits);
	}
}

/* ADDRESS or ADDRESS/LEN, with nothing set behind the length. */
static bool parse_prefix(const struct word *word, struct twait_prefix *prefix)
{
	__u8 address[TWAIT_ADDRESS_BYTES], mask[TWAIT_ADDRESS_BYTES];
	struct word before = *word, after = { NULL };
	char text[TWAIT_ADDRESS_TEXT];
	unsigned int i;
	__u64 len;
	bool v4;

	if (!split(word, '/', &before, &after))
		before = *word;
	if (before.len >= sizeof(text) || memchr(before.text, '\0', before.len))
		return false;
	memcpy(text, before.text, before.len);
	text[before.len] = '\0';
	if (!text_to_address(text, address, &v4))
		return false;
	len = v4 ? 32 : 128;
	if (after.text && !number_of(&after, len, &len))
		return false;
	mask_of(mask, v4 ? len + 96 : len);
	for (i = 0; i < TWAIT_ADDRESS_BYTES; i++)
		if (address[i] & ~mask[i])
			return false;
	memcpy(prefix->bits, address, sizeof(address));
	memcpy(prefix->mask, mask, sizeof(mask));
	return true;
}

/* N% or N.NN%, above 0 and up to 100: out of ten thousand. */
static bool parse_share(const struct word *word, __u32 *share)
{
	struct word whole, part = { "", 0 };
	struct word number = *word;
	__u64 n, hundredths = 0;

	if (word->len < 2 || word->text[word->len - 1] != '%')
		return false;
	number.len--;
	if (!split(&number, '.', &whole, &part))
		whole = number;
	else if (!part.len || part.len > 2 || !number_of(&part, 99, &hundredths))
		return false;
	if (part.len == 1)
		hundredths *= 10;
	if (!number_of(&whole, 100, &n))
		return false;
	n = n * 100 + hundredths;
	*share = n;
	return n && n <= 10000;
}

static bool parse_events(const struct word *word, __u32 *mask)
{
	struct word rest = *word, one, more;
	int found;

	*mask = TWAIT_EVENTS_ALL;
	if (word_is(word, TWAIT_EVENTS_WORD_ALL))
		return true;
	*mask = 0;
	if (word_is(word, TWAIT_EVENTS_WORD_NONE))
		return true;
	for (;;) {
		bool last = !split(&rest, ',', &one, &more);

		if (last)
			one = rest;
		found = find_word(&one, event_words, COUNT(event_words));
		if (found < 0)
			return false;
		*mask |= 1U << found;
		if (last)
			return true;
		rest = more;
	}
}

static bool parse_value_word(enum twait_value value, const struct word *word,
			     __u32 *number)
{
	__u64 n = 0;
	int found;

	switch (value) {
	case TWAIT_VALUE_LENGTH_MS:
		if (!number_of(word, TWAIT_LENGTH_MS_MAX, &n) ||
		    n < TWAIT_LENGTH_MS_MIN)
			return false;
		break;
	case TWAIT_VALUE_QUIET_MS:
	case TWAIT_VALUE_REUSE_DELAY_MS:
		if (!number_of(word, TWAIT_LENGTH_MS_MAX, &n))
			return false;
		break;
	case TWAIT_VALUE_REUSE:
		found = find_word(word, reuse_words, COUNT(reuse_words));
		if (found < 0)
			return false;
		n = found;
		break;
	case TWAIT_VALUE_RST:
		found = find_word(word, rst_words, COUNT(rst_words));
		if (found < 0)
			return false;
		n = found;
		break;
	case TWAIT_VALUE_EVENTS:
		return parse_events(word, number);
	default:
		return false;
	}
	*number = n;
	return true;
}

/**
 * twait_value_parse() - a value from its text
 * @value: which
 * @text: NUL-terminated; blanks around it do not count
 * @number: filled
 * @complaint: filled if it is none
 *
 * Return: 0 or -EINVAL.
 */
int twait_value_parse(enum twait_value value, const char *text, __u32 *number,
		      struct twait_complaint *complaint)
{
	struct words words = { text, text + strlen(text), 1 };
	struct word word, more;

	if (!next_word(&words, &word) ||
	    !parse_value_word(value, &word, number))
		return complain(complaint, 1, &word, value_wants[value]);
	if (next_word(&words, &more))
		return complain(complaint, 1, &more, value_wants[value]);
	return 0;
}

const char *twait_value_word(enum twait_value value)
{
	return value_words[value];
}

/* Sets what a rule looks at, and that it does. Return: false if it did already. */
static bool looks_at(struct twait_rule *rule, unsigned int what)
{
	bool anew = !(rule->looks_at & what);

	rule->looks_at |= what;
	return anew;
}

/* What a rule can say with key=value, and TWAIT_LOOKS_AT_* or 0. */
static const struct {
	const char *name;
	const char *wants;
	unsigned int looks_at;
} keys[] = {
	{ "local", "local=ADDRESS or ADDRESS/LENGTH, nothing set behind it",
	  TWAIT_LOOKS_AT_LOCAL },
	{ "remote", "remote=ADDRESS or ADDRESS/LENGTH, nothing set behind it",
	  TWAIT_LOOKS_AT_REMOTE },
	{ "lport", "lport=PORT or FIRST-LAST, up to 65535", 0 },
	{ "rport", "rport=PORT or FIRST-LAST, up to 65535", 0 },
	{ "mark", "mark=NUMBER, decimal or 0x", TWAIT_LOOKS_AT_MARK },
	{ "uid", "uid=NUMBER of a user", TWAIT_LOOKS_AT_UID },
	{ "cgroup", "cgroup=NUMBER, a cgroup's inode", TWAIT_LOOKS_AT_CGROUP },
	{ "share", "share=N%, above 0 and up to 100, two decimals",
	  TWAIT_LOOKS_AT_SHARE },
};

#define X(upper, lower) " " #lower "="
#define WANTS_KEY	"local= remote= lport= rport= loopback mark= uid= cgroup= share=" \
			TWAIT_VALUES(X)
#define WANTS_ONCE	"each key once in a rule"
#define WANTS_VERB	"add NAME ..., replace NAME ..., delete NAME or clear"
#define WANTS_NAME \
	"a name of up to 23 letters, digits, '_', '.' and '-', and not '-' alone"
#define WANTS_NEW	"a name that no rule has yet, or replace"
#define WANTS_KNOWN	"the name of a rule that there is"
#define WANTS_NOTHING	"nothing more on this line"
#define WANTS_END	"a line feed after the last of several lines: this may be half of it"
#define WANTS_FEWER	"at most " SPELL(TWAIT_RULES_MAX) " rules"

static bool is_range_given(__u16 first, __u16 span)
{
	return first || span != 65535;
}

/* Return: false if the text is not what the key wants. */
static bool parse_match(struct twait_rule *rule, unsigned int key,
			const struct word *text)
{
	__u64 n = 0;
	bool fine;

	switch (key) {
	case 0:
		return parse_prefix(text, &rule->local);
	case 1:
		return parse_prefix(text, &rule->remote);
	case 2:
		return parse_port_range(text, &rule->local_port_first,
					&rule->local_port_span);
	case 3:
		return parse_port_range(text, &rule->remote_port_first,
					&rule->remote_port_span);
	case 4:
		return parse_mark(text, &rule->mark);
	case 5:
		/* The last one is nobody. */
		fine = number_of(text, 0xfffffffe, &n);
		rule->uid = n;
		return fine;
	case 6:
		return number_of(text, ~0ULL, &rule->cgroup_id) &&
		       rule->cgroup_id;
	default:
		return parse_share(text, &rule->share);
	}
}

static int parse_rule_word(struct twait_rule *rule, const struct word *word,
			   unsigned int line, struct twait_complaint *complaint)
{
	struct word key, text;
	unsigned int i;
	int value;

	if (word_is(word, "loopback"))
		return looks_at(rule, TWAIT_LOOKS_AT_LOOPBACK) ? 0 :
			complain(complaint, line, word, WANTS_ONCE);
	if (!split(word, '=', &key, &text))
		return complain(complaint, line, word, WANTS_KEY);
	for (i = 0; i < COUNT(keys); i++) {
		if (!word_is(&key, keys[i].name))
			continue;
		if (keys[i].looks_at ? !looks_at(rule, keys[i].looks_at) :
		    i == 2 ? is_range_given(rule->local_port_first,
					    rule->local_port_span) :
			     is_range_given(rule->remote_port_first,
					    rule->remote_port_span))
			return complain(complaint, line, word, WANTS_ONCE);
		if (!parse_match(rule, i, &text))
			return complain(complaint, line, word, keys[i].wants);
		return 0;
	}
	value = find_word(&key, value_words, COUNT(value_words));
	if (value < 0)
		return complain(complaint, line, word, WANTS_KEY);
	if (rule->given & (1U << value))
		return complain(complaint, line, word, WANTS_ONCE);
	rule->given |= 1U << value;
	if (!parse_value_word(value, &text, &rule->values.of[value]))
		return complain(complaint, line, word, value_wants[value]);
	return 0;
}

static bool is_name(const struct word *word)
{
	unsigned int i;

	if (!word->len || word->len >= TWAIT_RULE_NAME_BYTES ||
	    word_is(word, "-"))
		return false;
	for (i = 0; i < word->len; i++) {
		char c = word->text[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '_' && c != '.' && c != '-')
			return false;
	}
	return true;
}

static int find_rule(const struct twait_policy *policy, const struct word *name)
{
	unsigned int i;

	for (i = 0; i < policy->count; i++)
		if (word_is(name, policy->rule[i].name))
			return i;
	return -1;
}

/* One that no rule has, nor one that shares its place. */
static __u32 new_id(struct twait_policy *policy)
{
	bool taken;
	unsigned int i;

	do {
		policy->last_id++;
		taken = !policy->last_id;
		for (i = 0; i < policy->count; i++)
			taken |= !((policy->rule[i].id ^ policy->last_id) %
				   TWAIT_RULE_PLACES);
	} while (taken);
	return policy->last_id;
}

static int parse_rule(struct twait_rule *rule, const struct word *name,
		      struct words *words, struct twait_complaint *complaint)
{
	struct word word;
	int err;

	memset(rule, 0, sizeof(*rule));
	rule->local_port_span = 65535;
	rule->remote_port_span = 65535;
	memcpy(rule->name, name->text, name->len);
	while (next_word(words, &word)) {
		err = parse_rule_word(rule, &word, words->line, complaint);
		if (err)
			return err;
	}
	return 0;
}

static int add_rule(struct twait_policy *policy, const struct word *name,
		    struct words *words, struct twait_complaint *complaint)
{
	struct twait_rule *rule;
	int err;

	if (find_rule(policy, name) >= 0)
		return complain(complaint, words->line, name, WANTS_NEW);
	if (policy->count >= policy->room) {
		complain(complaint, words->line, name, WANTS_FEWER);
		return -E2BIG;
	}
	rule = &policy->rule[policy->count];
	err = parse_rule(rule, name, words, complaint);
	if (err)
		return err;
	rule->id = new_id(policy);
	policy->count++;
	return 0;
}

static int replace_rule(struct twait_policy *policy, unsigned int i,
			const struct word *name, struct words *words,
			struct twait_complaint *complaint)
{
	int err = parse_rule(&policy->rule[i], name, words, complaint);

	if (!err)
		policy->rule[i].id = new_id(policy);
	return err;
}

static void delete_rule(struct twait_policy *policy, unsigned int i)
{
	policy->count--;
	memmove(&policy->rule[i], &policy->rule[i + 1],
		(policy->count - i) * sizeof(policy->rule[0]));
}

static int apply_line(struct twait_policy *policy, struct words *words,
		      struct twait_complaint *complaint)
{
	struct word verb, name, more;
	bool deletes;
	int i;

	if (!next_word(words, &verb) || verb.text[0] == '#')
		return 0;
	if (word_is(&verb, "clear")) {
		if (next_word(words, &more))
			return complain(complaint, words->line, &more,
					WANTS_NOTHING);
		policy->count = 0;
		return 0;
	}
	deletes = word_is(&verb, "delete");
	if (!deletes && !word_is(&verb, "add") && !word_is(&verb, "replace"))
		return complain(complaint, words->line, &verb, WANTS_VERB);
	next_word(words, &name);
	if (!is_name(&name))
		return complain(complaint, words->line, &name, WANTS_NAME);
	if (verb.text[0] == 'a')
		return add_rule(policy, &name, words, complaint);
	i = find_rule(policy, &name);
	if (i < 0)
		return complain(complaint, words->line, &name, WANTS_KNOWN);
	if (!deletes)
		return replace_rule(policy, i, &name, words, complaint);
	if (next_word(words, &more))
		return complain(complaint, words->line, &more, WANTS_NOTHING);
	delete_rule(policy, i);
	return 0;
}

/**
 * twait_policy_apply() - change the rules as a text says
 * @policy: changed; half done if there is an error, so of a copy
 * @text: lines
 * @len: bytes of it
 * @complaint: filled if there is an error
 *
 * A text that a program writes by the buffer is cut anywhere, and half a line may make
 * sense too: so the last of several lines has to have an end.
 *
 * Return: 0; -EINVAL with what is wrong in @complaint; -E2BIG for too many rules.
 */
int twait_policy_apply(struct twait_policy *policy, const char *text,
		       unsigned int len, struct twait_complaint *complaint)
{
	const char *end = text + len;
	struct words words = { .line = 1 };
	int err;

	while (text < end) {
		const char *newline = memchr(text, '\n', end - text);

		words.at = text;
		words.end = newline ? newline : end;
		err = apply_line(policy, &words, complaint);
		if (err)
			return err;
		if (!newline && words.line > 1) {
			struct word last = { .text = end };

			while (last.text > text && !is_blank(last.text[-1])) {
				last.text--;
				last.len++;
			}
			return complain(complaint, words.line, &last, WANTS_END);
		}
		text = words.end + 1;
		words.line++;
	}
	twait_policy_settle(policy);
	return 0;
}

/**
 * twait_value_print() - the text of a value, as twait_value_parse() takes it
 * @line: added to
 * @value: which
 * @number: the value
 */
void twait_value_print(struct twait_line *line, enum twait_value value,
		       __u32 number)
{
	bool first = true;
	unsigned int i;

	switch (value) {
	case TWAIT_VALUE_REUSE:
		twait_line_text(line, reuse_words[number]);
		return;
	case TWAIT_VALUE_RST:
		twait_line_text(line, rst_words[number]);
		return;
	case TWAIT_VALUE_EVENTS:
		break;
	default:
		twait_line_number(line, number);
		return;
	}
	if (number == TWAIT_EVENTS_ALL || !number) {
		twait_line_text(line, number ? TWAIT_EVENTS_WORD_ALL :
					       TWAIT_EVENTS_WORD_NONE);
		return;
	}
	for (i = 0; i < COUNT(event_words); i++) {
		if (!(number & (1U << i)))
			continue;
		if (!first)
			twait_line_char(line, ',');
		first = false;
		twait_line_text(line, event_words[i]);
	}
}

static void print_prefix(struct twait_line *line, const char *key,
			 const struct twait_prefix *prefix)
{
	const __u8 *bits = (const __u8 *)prefix->bits;
	const __u8 *mask = (const __u8 *)prefix->mask;
	char text[TWAIT_ADDRESS_TEXT];
	unsigned int i, len = 0;
	bool v4;

	for (i = 0; i < TWAIT_ADDRESS_BYTES * 8 &&
	     mask[i / 8] & (0x80 >> i % 8); i++)
		len++;
	v4 = len >= 96 && !prefix->bits[0] && bits[10] == 0xff &&
	     bits[11] == 0xff && !bits[8] && !bits[9];
	address_to_text(text, bits, v4);
	twait_line_key_text(line, key, text);
	twait_line_char(line, '/');
	twait_line_number(line, v4 ? len - 96 : len);
}

static void print_range(struct twait_line *line, const char *key, __u16 first,
			__u16 span)
{
	if (!is_range_given(first, span))
		return;
	twait_line_key_number(line, key, first);
	if (span) {
		twait_line_char(line, '-');
		twait_line_number(line, first + span);
	}
}

static void print_share(struct twait_line *line, __u32 share)
{
	twait_line_key_number(line, "share", share / 100);
	if (share % 100) {
		twait_line_char(line, '.');
		twait_line_number(line, share % 100 / 10);
		if (share % 10)
			twait_line_number(line, share % 10);
	}
	twait_line_char(line, '%');
}

/**
 * twait_rule_print() - what a rule says, as twait_policy_apply() takes it
 * @line: added to: a space before each word
 * @rule: the rule
 */
void twait_rule_print(struct twait_line *line, const struct twait_rule *rule)
{
	unsigned int at = rule->looks_at;
	unsigned int i;

	if (at & TWAIT_LOOKS_AT_LOCAL)
		print_prefix(line, "local", &rule->local);
	if (at & TWAIT_LOOKS_AT_REMOTE)
		print_prefix(line, "remote", &rule->remote);
	print_range(line, "lport", rule->local_port_first, rule->local_port_span);
	print_range(line, "rport", rule->remote_port_first,
		    rule->remote_port_span);
	if (at & TWAIT_LOOKS_AT_LOOPBACK) {
		if (line->len)
			twait_line_char(line, ' ');
		twait_line_text(line, "loopback");
	}
	if (at & TWAIT_LOOKS_AT_MARK)
		twait_line_key_number(line, "mark", rule->mark);
	if (at & TWAIT_LOOKS_AT_UID)
		twait_line_key_number(line, "uid", rule->uid);
	if (at & TWAIT_LOOKS_AT_CGROUP)
		twait_line_key_number(line, "cgroup", rule->cgroup_id);
	if (at & TWAIT_LOOKS_AT_SHARE)
		print_share(line, rule->share);
	for (i = 0; i < TWAIT_VALUE_MAX; i++) {
		if (!(rule->given & (1U << i)))
			continue;
		twait_line_key_text(line, value_words[i], "");
		twait_value_print(line, i, rule->values.of[i]);
	}
}
