/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TWSTAT_WORDS_H
#define TWSTAT_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "../module/abi.h"

/* A vocabulary as one string, each word after a space: for help and errors. */
#define WORDS_SPACED_(id, word)	" " #word
#define WORDS_SPACED(list)	list(WORDS_SPACED_)

#define WORDS_EVENT_(id, word)	EVENT_##id,
enum event { TWAIT_EVENTS(WORDS_EVENT_) EVENT_COUNT };

#define WORDS_FATE_(id, word)	FATE_##id,
enum fate { TWAIT_FATES(WORDS_FATE_) FATE_COUNT };

#define WORDS_LATE_(id, word)	LATE_##id,
enum late { TWAIT_LATES(WORDS_LATE_) LATE_COUNT };

#define WORDS_HOOK_(id, word)	HOOK_##id,
enum hook_state { TWAIT_HOOK_STATES(WORDS_HOOK_) HOOK_COUNT };

/* Each ends with NULL. */
extern const char *const words_states[];
extern const char *const words_substates[];	/* of a wait: no ghost */
extern const char *const words_ways[];		/* "adopted" included */
extern const char *const words_events[];
extern const char *const words_fates[];
extern const char *const words_lates[];
extern const char *const words_hook_states[];

int words_find(const char *const *words, const char *word, size_t len);

#endif
