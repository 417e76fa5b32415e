/* SPDX-License-Identifier: GPL-2.0-only */
/* Which process closed a socket, until its wait begins. */
#ifndef TWAIT_CLOSER_H
#define TWAIT_CLOSER_H

#include "types.h"

struct sock;

int twait_closer_init(unsigned int max_notes);
void twait_closer_exit(void);
void twait_closer_current(struct twait_owner *owner);
bool twait_closer_note(const struct sock *sk);
bool twait_closer_take(const struct sock *sk, struct twait_owner *owner);

#endif
