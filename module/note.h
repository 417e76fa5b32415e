/* SPDX-License-Identifier: GPL-2.0-only */
/* What is remembered of a socket from one probe to the next. */
#ifndef TWAIT_NOTE_H
#define TWAIT_NOTE_H

#include "types.h"

struct sock;

int twait_notes_init(unsigned int max_notes);
void twait_notes_exit(void);
void twait_owner_current(struct twait_owner *owner);
bool twait_note_closer(const struct sock *sk);
bool twait_note_refused(const struct sock *sk);
bool twait_note_take(const struct sock *sk, struct twait_owner *owner);
unsigned int twait_note_take_refused(const struct sock *sk, __be16 *port);

#endif
