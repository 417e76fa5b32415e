/* SPDX-License-Identifier: GPL-2.0-only */
/* The words of abi.h by number. */
#ifndef TWAIT_WORDS_H
#define TWAIT_WORDS_H

/* Each: the word, or "-" for a number that is none of the list. */
const char *twait_fate_word(unsigned int fate);
const char *twait_way_word(unsigned int way);
const char *twait_avoid_word(unsigned int avoid);
const char *twait_state_word(unsigned int state);
const char *twait_event_word(unsigned int type);
const char *twait_kind_word(unsigned int kind);
const char *twait_answer_word(unsigned int answer);
const char *twait_late_word(unsigned int late);
const char *twait_path_word(unsigned int path);
const char *twait_reuse_path_word(unsigned int reuse);
const char *twait_reuse_verdict_word(unsigned int reuse);
const char *twait_reuse_reason_word(unsigned int reuse);

#endif
