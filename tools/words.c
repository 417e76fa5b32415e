// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "words.h"

#define WORD(id, word)	#word,

const char *const words_states[] = { TWAIT_STATES(WORD) NULL };
const char *const words_substates[] = { "fin_wait2", "time_wait", NULL };
const char *const words_ways[] = {
	TWAIT_WAYS(WORD) TWAIT_WAY_WORD_ADOPTED, NULL
};
const char *const words_events[] = { TWAIT_EVENTS(WORD) NULL };
const char *const words_fates[] = { TWAIT_FATES(WORD) NULL };
const char *const words_lates[] = { TWAIT_LATES(WORD) NULL };
const char *const words_hook_states[] = { TWAIT_HOOK_STATES(WORD) NULL };

/**
 * words_find() - look a word up in a vocabulary
 * @words: the vocabulary, NULL at its end
 * @word: the word, not necessarily with a NUL behind it
 * @len: its length in bytes
 *
 * Return: its place, which is its value in the enum; -1 if it is not there.
 */
int words_find(const char *const *words, const char *word, size_t len)
{
	int i;

	for (i = 0; words[i]; i++)
		if (strlen(words[i]) == len && !memcmp(words[i], word, len))
			return i;
	return -1;
}
