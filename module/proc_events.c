// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files "events", "reuse" and "assassinations". The first follows the
 * stream by the rules of /dev/kmsg, one whole record a read. The others end
 * where the stream is now and are read as any text, with buffers of any size.
 */
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "netns.h"
#include "proc.h"
#include "proc_line.h"

/**
 * struct events_reader - one open file
 * @lock: guards the rest: readers of one file description take turns
 * @tnet: whose file it is
 * @name: of the file, for its first line
 * @follows: blocks for what is to come, instead of ending
 * @header_done: the first line has been read
 * @end: where to end, if it does not follow
 * @cursor: how far it is
 * @event: the one that is being read
 * @len: bytes in @text
 * @at: how many of them have been read
 * @text: the line that is being read
 */
struct events_reader {
	struct mutex lock;	/* one reader at a time */
	const struct twait_net *tnet;
	const char *name;
	bool follows;
	bool header_done;
	u64 end;
	struct twait_cursor cursor;
	struct twait_event event;
	unsigned int len;
	unsigned int at;
	char text[TWAIT_LINE_MAX];
};

static int events_open(struct inode *inode, struct file *file,
		       enum twait_ring_id ring, const char *name)
{
	struct twait_net *tnet = pde_data(inode);
	struct events_reader *reader;
	u64 lost;
	int err;

	err = twait_proc_refuse_write(file);
	if (err)
		return err;
	reader = kzalloc(sizeof(*reader), GFP_KERNEL);
	if (!reader)
		return -ENOMEM;
	mutex_init(&reader->lock);
	reader->tnet = tnet;
	reader->name = name;
	reader->follows = ring == TWAIT_RING_EVENTS;
	reader->cursor.ring = &twait_rings[ring];
	reader->cursor.stream = &tnet->stream[ring];
	reader->cursor.space = tnet->id;
	if (reader->follows) {
		twait_cursor_follow(&reader->cursor);
	} else {
		twait_stream_totals(reader->cursor.ring, reader->cursor.stream,
				    &reader->end, &lost);
		twait_cursor_rewind(&reader->cursor);
	}
	file->private_data = reader;
	return stream_open(inode, file);
}

static int stream_events_open(struct inode *inode, struct file *file)
{
	return events_open(inode, file, TWAIT_RING_EVENTS, TWAIT_FILE_EVENTS);
}

static int reuse_open(struct inode *inode, struct file *file)
{
	return events_open(inode, file, TWAIT_RING_REUSE, TWAIT_FILE_REUSE);
}

static int assassinations_open(struct inode *inode, struct file *file)
{
	return events_open(inode, file, TWAIT_RING_ASSASSINATIONS,
			   TWAIT_FILE_ASSASSINATIONS);
}

static int events_release(struct inode *inode, struct file *file)
{
	struct events_reader *reader = file->private_data;

	if (reader->follows)
		twait_cursor_unfollow(&reader->cursor);
	kfree(reader);
	return 0;
}

/*
 * The next event. Of what a file that ends has lost to newer ones, the numbers
 * tell. Return: 1; 0 at the end; -EPIPE after a loss, -EAGAIN, -ERESTARTSYS.
 */
static int next_event(struct events_reader *reader, bool nonblock)
{
	struct twait_cursor *cursor = &reader->cursor;
	int ret;

	for (;;) {
		if (!reader->follows && cursor->seq >= reader->end)
			return 0;
		ret = twait_cursor_next(cursor, &reader->event);
		if (ret == -EPIPE && !reader->follows)
			continue;
		if (ret || !reader->follows ||
		    READ_ONCE(cursor->stream->closed))
			return ret;
		if (nonblock)
			return -EAGAIN;
		ret = wait_event_interruptible(*cursor->ring->readers,
					       twait_cursor_has_next(cursor));
		if (ret)
			return ret;
	}
}

static ssize_t read_line(struct events_reader *reader, struct file *file,
			 struct twait_line *line)
{
	struct twait_viewer viewer;
	int ret;

	if (!reader->header_done) {
		line->len = scnprintf(line->text, line->size,
				      "# timewait %s %d\n", reader->name,
				      TWAIT_FORMAT_VERSION);
		return line->len;
	}
	ret = next_event(reader, file->f_flags & O_NONBLOCK);
	if (ret <= 0)
		return ret;
	twait_viewer_init(&viewer, file, reader->tnet);
	twait_line_event(line, &reader->event, &viewer);
	twait_line_char(line, '\n');
	return line->len;
}

static ssize_t events_read(struct file *file, char __user *to, size_t size,
			   loff_t *pos)
{
	struct events_reader *reader = file->private_data;
	struct twait_line line = { reader->text, sizeof(reader->text) };
	ssize_t ret;

	/*
	 * A record of the stream is read whole or not at all, so there has to be
	 * room for the longest: asked before it is taken.
	 */
	if (reader->follows && size < TWAIT_LINE_MAX)
		return -EINVAL;
	ret = mutex_lock_interruptible(&reader->lock);
	if (ret)
		return ret;
	if (reader->at == reader->len) {
		ret = read_line(reader, file, &line);
		if (ret <= 0)
			goto out_unlock;
		reader->header_done = true;
		reader->len = line.len;
		reader->at = 0;
	}
	ret = min_t(size_t, size, reader->len - reader->at);
	if (copy_to_user(to, reader->text + reader->at, ret))
		ret = -EFAULT;
	else
		reader->at += ret;
out_unlock:
	mutex_unlock(&reader->lock);
	return ret;
}

static __poll_t events_poll(struct file *file, poll_table *wait)
{
	struct events_reader *reader = file->private_data;
	struct twait_cursor *cursor = &reader->cursor;

	if (!reader->follows)
		return EPOLLIN | EPOLLRDNORM;
	/* Before all else: epoll waits where its first look has led it, or nowhere. */
	poll_wait(file, cursor->ring->readers, wait);
	if (!READ_ONCE(reader->header_done))
		return EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(cursor->stream->closed))
		return EPOLLIN | EPOLLRDNORM | EPOLLHUP;
	return twait_cursor_has_next(cursor) ? EPOLLIN | EPOLLRDNORM : 0;
}

const struct proc_ops twait_proc_events_ops = {
	.proc_open = stream_events_open,
	.proc_read = events_read,
	.proc_poll = events_poll,
	.proc_release = events_release,
};

const struct proc_ops twait_proc_reuse_ops = {
	.proc_open = reuse_open,
	.proc_read = events_read,
	.proc_poll = events_poll,
	.proc_release = events_release,
};

const struct proc_ops twait_proc_assassinations_ops = {
	.proc_open = assassinations_open,
	.proc_read = events_read,
	.proc_poll = events_poll,
	.proc_release = events_release,
};
