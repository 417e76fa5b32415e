// SPDX-License-Identifier: GPL-2.0-only
/* The words of abi.h by number. */
#include <linux/kernel.h>

#include "types.h"
#include "words.h"

#define X(upper, lower) #lower,
static const char * const fates[] = { TWAIT_FATES(X) };
static const char * const ways[] = { TWAIT_WAYS(X) TWAIT_WAY_WORD_ADOPTED };
static const char * const avoids[] = { TWAIT_AVOIDS(X) };
static const char * const states[] = { TWAIT_STATES(X) };
static const char * const events[] = { TWAIT_EVENTS(X) };
static const char * const kinds[] = { TWAIT_SEGMENTS(X) };
static const char * const answers[] = { TWAIT_ANSWERS(X) };
static const char * const paths[] = { TWAIT_PATHS(X) };
static const char * const lates[] = { TWAIT_LATES(X) };
#undef X

/* The words of a reuse decision. */
struct reuse_words {
	const char *path;
	const char *verdict;
	const char *reason;
};

#define X(PATH, path, VERDICT, verdict, REASON, reason) \
	{ #path, #verdict, #reason },
static const struct reuse_words reuses[] = { TWAIT_REUSES(X) };
#undef X

static const char *word(const char * const *words, unsigned int n,
			unsigned int i)
{
	return i < n ? words[i] : "-";
}

const char *twait_fate_word(unsigned int fate)
{
	return word(fates, ARRAY_SIZE(fates), fate);
}

const char *twait_way_word(unsigned int way)
{
	return word(ways, ARRAY_SIZE(ways), way);
}

const char *twait_avoid_word(unsigned int avoid)
{
	return word(avoids, ARRAY_SIZE(avoids), avoid);
}

const char *twait_late_word(unsigned int late)
{
	return word(lates, ARRAY_SIZE(lates), late);
}

const char *twait_state_word(unsigned int state)
{
	return word(states, ARRAY_SIZE(states), state);
}

const char *twait_event_word(unsigned int type)
{
	return word(events, ARRAY_SIZE(events), type);
}

const char *twait_kind_word(unsigned int kind)
{
	return word(kinds, ARRAY_SIZE(kinds), kind);
}

const char *twait_answer_word(unsigned int answer)
{
	return word(answers, ARRAY_SIZE(answers), answer);
}

const char *twait_path_word(unsigned int path)
{
	return word(paths, ARRAY_SIZE(paths), path);
}

const char *twait_reuse_path_word(unsigned int reuse)
{
	return reuse < ARRAY_SIZE(reuses) ? reuses[reuse].path : "-";
}

const char *twait_reuse_verdict_word(unsigned int reuse)
{
	return reuse < ARRAY_SIZE(reuses) ? reuses[reuse].verdict : "-";
}

const char *twait_reuse_reason_word(unsigned int reuse)
{
	return reuse < ARRAY_SIZE(reuses) ? reuses[reuse].reason : "-";
}
