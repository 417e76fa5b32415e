/* SPDX-License-Identifier: GPL-2.0-only */
/* A flow as a line of text: one hand for connections and events. */
#ifndef TWAIT_PROC_LINE_H
#define TWAIT_PROC_LINE_H

#include "line.h"
#include "types.h"

struct file;
struct pid_namespace;
struct twait_net;
struct user_namespace;

/**
 * struct twait_viewer - who reads: pids and uids are told as they see them
 * @user_ns: of the credentials that opened the file
 * @pid_ns: of the process that reads
 * @tnet: whose file it is
 */
struct twait_viewer {
	struct user_namespace *user_ns;
	struct pid_namespace *pid_ns;
	const struct twait_net *tnet;
};

void twait_viewer_init(struct twait_viewer *viewer, const struct file *file,
		       const struct twait_net *tnet);
void twait_line_flow(struct twait_line *line, const struct twait_info *info,
		     u64 age_ns, s64 left_ms, const struct twait_viewer *viewer);
void twait_line_event(struct twait_line *line, const struct twait_event *event,
		      const struct twait_viewer *viewer);

#endif
