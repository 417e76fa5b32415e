// SPDX-License-Identifier: GPL-2.0-only
/* The file "connections". */
#include <linux/ktime.h>
#include <linux/seq_file.h>

#include "compat.h"
#include "flow.h"
#include "netns.h"
#include "proc.h"
#include "proc_line.h"
#include "wait.h"

/* More flows in one bucket than this are shown in turns. */
#define TWAIT_ROWS	16

/* One flow, copied from under its lock. */
struct row {
	struct twait_info info;
	s64 left_ms;
};

/**
 * struct flows_iter - one open file
 * @tnet: whose flows
 * @bucket: the one that @row is a copy of, counted from 1; 0 before the first
 * @first: number of the first row in its bucket
 * @skip: flows of the bucket still to be passed over
 * @rows: how many are in @row
 * @row: flows of one bucket
 * @text: a line that is being written
 *
 * A position in the file is a bucket and a flow in it. A bucket's flows are
 * copied at once and shown from the copy, however many reads that takes, so a
 * flow that stays is shown once, and one that comes or goes meanwhile once or
 * not at all. (Should more than TWAIT_ROWS share a bucket, that holds of each
 * turn by itself.)
 */
struct flows_iter {
	const struct twait_net *tnet;
	unsigned int bucket;
	unsigned int first;
	unsigned int skip;
	unsigned int rows;
	struct row row[TWAIT_ROWS];
	char text[TWAIT_LINE_MAX];
};

#define POSITION_BUCKET(pos)	((unsigned int)((pos) >> 16))
#define POSITION_ROW(pos)	((unsigned int)((pos) & 0xffff))
#define POSITION(bucket, row)	((loff_t)(bucket) << 16 | (row))

static void copy_row(struct twait_flow *flow, void *arg)
{
	struct flows_iter *iter = arg;
	struct row *row;

	if (flow->space != iter->tnet || iter->rows == TWAIT_ROWS)
		return;
	if (iter->skip) {
		iter->skip--;
		return;
	}
	row = &iter->row[iter->rows++];
	row->info = flow->info;
	/* A wait that is let go of tells why only when it has ended. */
	if (row->info.state != TWAIT_STATE_GHOST)
		row->info.fate = TWAIT_FATE_NONE;
	row->left_ms = twait_left_ms(flow->expires);
}

/*
 * The flow at a position, or the next there is. Position 0 is the header, so
 * bucket n stands at n + 1.
 */
static void *flows_seek(struct flows_iter *iter, loff_t *pos)
{
	unsigned int bucket = POSITION_BUCKET(*pos);
	unsigned int nth = POSITION_ROW(*pos);

	for (; bucket <= twait_flow_buckets(); bucket++, nth = 0) {
		if (!(bucket & 0xfff))
			cond_resched();
		if (twait_flow_bucket_is_empty(bucket - 1))
			continue;
		iter->rows = 0;
		iter->bucket = bucket;
		iter->first = nth;
		iter->skip = nth;
		twait_flow_bucket_visit(bucket - 1, copy_row, iter);
		if (iter->rows) {
			*pos = POSITION(bucket, nth);
			return &iter->row[0];
		}
	}
	return NULL;
}

static void *flows_start(struct seq_file *m, loff_t *pos)
{
	struct flows_iter *iter = m->private;
	unsigned int row = POSITION_ROW(*pos) - iter->first;

	if (!*pos)
		return SEQ_START_TOKEN;
	if (!POSITION_BUCKET(*pos))
		*pos = POSITION(1, 0);
	if (POSITION_BUCKET(*pos) == iter->bucket && row < iter->rows)
		return &iter->row[row];
	return flows_seek(iter, pos);
}

static void *flows_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct flows_iter *iter = m->private;
	struct row *row = v;

	if (v == SEQ_START_TOKEN) {
		*pos = POSITION(1, 0);
		return flows_seek(iter, pos);
	}
	++*pos;
	if (++row < &iter->row[iter->rows])
		return row;
	if (iter->rows < TWAIT_ROWS)
		*pos = POSITION(POSITION_BUCKET(*pos) + 1, 0);
	return flows_seek(iter, pos);
}

static void flows_stop(struct seq_file *m, void *v)
{
}

static int flows_show(struct seq_file *m, void *v)
{
	struct flows_iter *iter = m->private;
	struct twait_line line = { iter->text, sizeof(iter->text) };
	struct twait_viewer viewer;
	const struct row *row = v;

	if (v == SEQ_START_TOKEN) {
		seq_printf(m, "# timewait connections %d\n",
			   TWAIT_FORMAT_VERSION);
		return 0;
	}
	twait_viewer_init(&viewer, m->file, iter->tnet);
	twait_line_flow(&line, &row->info,
			ktime_get_ns() - row->info.entered_ns, row->left_ms,
			&viewer);
	twait_line_char(&line, '\n');
	seq_write(m, line.text, line.len);
	return 0;
}

static const struct seq_operations flows_seq_ops = {
	.start = flows_start,
	.next = flows_next,
	.stop = flows_stop,
	.show = flows_show,
};

static int flows_open(struct inode *inode, struct file *file)
{
	struct flows_iter *iter;
	int err = twait_proc_refuse_write(file);

	if (err)
		return err;
	iter = __seq_open_private(file, &flows_seq_ops, sizeof(*iter));
	if (!iter)
		return -ENOMEM;
	iter->tnet = pde_data(inode);
	return 0;
}

const struct proc_ops twait_proc_connections_ops = {
	.proc_open = flows_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = seq_release_private,
};
