// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who makes the waits: the processes, destinations and local ports that have
 * most of them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "out_text.h"
#include "top.h"
#include "words.h"

#define TOP_ROWS	5

/* Widths of the columns; a line of all of them stays below 80. */
#define KEY_WIDTH	48
#define NUMBER_WIDTH	12

bool top_init(struct top *top)
{
	memset(top, 0, sizeof(*top));
	return tally_init(&top->comms) && tally_init(&top->pids) &&
	       tally_init(&top->remotes) && tally_init(&top->ports);
}

void top_free(struct top *top)
{
	tally_free(&top->comms);
	tally_free(&top->pids);
	tally_free(&top->remotes);
	tally_free(&top->ports);
}

static void add_process(struct top *top, const struct flow *flow)
{
	char key[TWAIT_LINE_MAX * 8 + OUT_NUMBER_MAX];
	size_t len;
	struct tally_row *comm, *pid;

	if (!flow->comm) {
		top->nobodys++;
		return;
	}
	comm = tally_add(&top->comms, flow->comm, strlen(flow->comm));
	if (!comm || !flow->pid.known || !flow->pid.n)
		return;
	len = (size_t)snprintf(key, sizeof(key), "%" PRIu64 " %s", flow->pid.n,
			       flow->comm);
	pid = tally_add(&top->pids, key, len);
	if (!pid)
		comm->unsure = true;
	else if (pid->n == 1) {
		comm->members++;
		comm->last = flow->pid.n;
	}
}

/**
 * top_add() - count a flow, if it waits
 * @top: where
 * @flow: a line of connections
 *
 * The file also holds flows whose wait is over, ghosts, which are not counted; nor
 * are states that a later version may have.
 */
void top_add(struct top *top, const struct flow *flow)
{
	char remote[OUT_ENDPOINT_MAX], port[OUT_NUMBER_MAX];

	if (flow->state && words_find(words_substates, flow->state,
				      strlen(flow->state)) < 0)
		return;
	top->flows++;
	add_process(top, flow);
	out_endpoint(remote, flow->dst, flow->dport);
	tally_add(&top->remotes, remote, strlen(remote));
	snprintf(port, sizeof(port), "%" PRIu64, flow->sport.n);
	tally_add(&top->ports, port, strlen(port));
}

static void print_row(const struct top *top, const char *key, int width,
		      uint64_t n)
{
	char waits[OUT_NUMBER_MAX], share[OUT_NUMBER_MAX];

	printf("  %-*s %*s %7s\n", width, key, NUMBER_WIDTH,
	       out_thousands(waits, n), out_share(share, n, top->flows));
}

static void print_missed(const struct tally *tally)
{
	char n[OUT_NUMBER_MAX], max[OUT_NUMBER_MAX];

	if (tally->missed)
		printf("  (%s more waits not told apart: only %s keys are kept)\n",
		       out_thousands(n, tally->missed),
		       out_thousands(max, TALLY_MAX));
}

static void print_processes(const struct top *top)
{
	const struct tally_row *rows[TOP_ROWS];
	size_t i, count = tally_top(&top->comms, rows, TOP_ROWS);

	printf("\n%-34s %-15s %*s   share\n", "top processes", "pid",
	       NUMBER_WIDTH, "waits");
	for (i = 0; i < count; i++) {
		char name[OUT_PROCESS_MAX], pid[OUT_NUMBER_MAX], key[128];

		out_name(name, sizeof(name), tally_key(&top->comms, rows[i]));
		/* Of some there was no room to see whether they are one. */
		if (rows[i]->unsure)
			snprintf(pid, sizeof(pid), "%" PRIu64 "+ pids",
				 rows[i]->members ? rows[i]->members : 1);
		else if (rows[i]->members == 1)
			snprintf(pid, sizeof(pid), "%" PRIu64, rows[i]->last);
		else if (rows[i]->members)
			snprintf(pid, sizeof(pid), "%" PRIu64 " pids",
				 rows[i]->members);
		else
			strcpy(pid, "?");
		snprintf(key, sizeof(key), "%-32.64s %s", name, pid);
		print_row(top, key, KEY_WIDTH, rows[i]->n);
	}
	if (top->nobodys)
		print_row(top, "(process not known)", KEY_WIDTH, top->nobodys);
	print_missed(&top->comms);
}

static void print_keys(const struct top *top, const char *title,
		       const struct tally *tally)
{
	const struct tally_row *rows[TOP_ROWS];
	size_t i, count = tally_top(tally, rows, TOP_ROWS);

	printf("\n%-*s %*s   share\n", KEY_WIDTH + 2, title, NUMBER_WIDTH,
	       "waits");
	/* The side that is no service: ephemeral ports, each used once. */
	if (count && rows[0]->n == 1 && tally->used > TOP_ROWS)
		puts("  (no two waits share one)");
	for (i = 0; i < count && (rows[i]->n > 1 || tally->used <= TOP_ROWS);
	     i++)
		print_row(top, tally_key(tally, rows[i]), KEY_WIDTH,
			  rows[i]->n);
	print_missed(tally);
}

/**
 * top_print() - the three tables
 * @top: what was gathered
 *
 * Both destinations and local ports, since a wait does not tell which end
 * was the service: the side with few keys and many waits is it.
 */
void top_print(const struct top *top)
{
	if (!top->flows)
		return;
	print_processes(top);
	print_keys(top, "top destinations (remote address:port)",
		   &top->remotes);
	print_keys(top, "top local ports", &top->ports);
}
