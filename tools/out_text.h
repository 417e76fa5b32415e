/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TWSTAT_OUT_TEXT_H
#define TWSTAT_OUT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "model.h"

/* Room for any number with separators, any duration, any share. */
#define OUT_NUMBER_MAX		32
/* Room for "[IPv6]:port" and for "NAME[pid]", every byte of NAME escaped. */
#define OUT_ENDPOINT_MAX	(TWAIT_LINE_MAX + 32)
#define OUT_PROCESS_MAX		(4 * TWAIT_LINE_MAX + 32)

const char *out_thousands(char buf[OUT_NUMBER_MAX], uint64_t n);
const char *out_duration(char buf[OUT_NUMBER_MAX], struct count ms);
const char *out_seconds(char buf[OUT_NUMBER_MAX], uint64_t ms);
const char *out_share(char buf[OUT_NUMBER_MAX], uint64_t part, uint64_t whole);
const char *out_endpoint(char buf[OUT_ENDPOINT_MAX], const char *addr,
			 struct count port);
const char *out_name(char *buf, size_t size, const char *name);
const char *out_process(char buf[OUT_PROCESS_MAX], const struct flow *flow);

void out_begin_warning(void);
int out_failed(void);
int out_finish(int code);

#endif
