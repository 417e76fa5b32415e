// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes connections of the local TCP stack to itself and closes them in a given
 * way, so that a test knows what must be counted.
 *
 *   traffic [-6] [-p PORT] [-s SOURCES] KIND COUNT
 *
 * KIND, and what one of them leaves behind (client side: C, server side: S):
 *   active     C shuts down first and holds on: an active wait at C
 *   orphan     C closes first, S later: FIN_WAIT2 at C, then TIME_WAIT. So it is
 *              surely if asked for by itself; in a mix C is let go of before its
 *              FIN is ACKed, and may keep a whole socket if that comes too soon
 *   stuck      C closes first, S when we exit: a FIN_WAIT2 at C until then
 *   rst        as orphan, but S closes with a RST: it kills the FIN_WAIT2
 *   reset      as orphan, but S sends data first: C's kernel answers with RST
 *   simultaneous  both shut down at once; where the way takes longer than that,
 *              the FINs cross: a wait at C and one at S
 *   linger     C closes with SO_LINGER 0: no wait
 *   connect    as active, then C binds the same port and connects again: reuse.
 *              The new connection is closed as linger
 *   syn        S shuts down first: a wait at S; C connects from the same port:
 *              its SYN takes the wait over. The new one is closed as linger
 *   refused    C finds no port and must be refused one; no connection
 *   sustained  as active, but where there is no port C asks again until there is one;
 *              prints "made_us=US" for each, of a clock that begins anywhere
 *   mix        each of active, orphan, rst, reset, linger, connect, syn in turn
 *   loop       connect, accept, close, close: the shortest life; for measuring
 *
 * Prints "pid=PID connections=N elapsed_ns=NS" when done, N counting the second
 * connections of connect and syn too. Exits with 1 and the failed call on any
 * error.
 */
#define _GNU_SOURCE	/* sched_getcpu() */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct pair {
	int client;
	int server;
};

static int family = AF_INET;
static int listener;
static unsigned int port = 7000;
static unsigned int sources = 1;
static unsigned long connections;
static bool surely;	/* make what was asked for, and not something like it */
static bool patient;	/* wait for a port */

static void check(int ret, const char *what)
{
	if (ret >= 0)
		return;
	fprintf(stderr, "traffic: %s: %s (after %lu connections)\n", what,
		strerror(errno), connections);
	exit(1);
}

static socklen_t address(struct sockaddr_storage *ss, unsigned int host,
			 unsigned int p)
{
	memset(ss, 0, sizeof(*ss));
	if (family == AF_INET) {
		struct sockaddr_in *sin = (struct sockaddr_in *)ss;

		sin->sin_family = AF_INET;
		sin->sin_port = htons(p);
		/* All of 127/8 is local. */
		sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK + host);
		return sizeof(*sin);
	}
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;

	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = htons(p);
	sin6->sin6_addr = in6addr_loopback;
	return sizeof(*sin6);
}

static int tcp_socket(void)
{
	int one = 1, fd = socket(family, SOCK_STREAM, 0);

	check(fd, "socket");
	check(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)),
	      "SO_REUSEADDR");
	return fd;
}

static unsigned long long now_ns(void)
{
	struct timespec ts;

	check(clock_gettime(CLOCK_MONOTONIC, &ts), "clock_gettime");
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void serve(void)
{
	struct sockaddr_storage ss;
	socklen_t len;

	listener = tcp_socket();
	len = address(&ss, 0, port);
	check(bind(listener, (struct sockaddr *)&ss, len), "bind listener");
	check(listen(listener, 128), "listen");
}

/* Source port 0: whichever is free. */
static struct pair pair_from(unsigned int source_port)
{
	struct sockaddr_storage ss;
	struct pair p;
	socklen_t len;

	p.client = tcp_socket();
	if (source_port || sources > 1) {
		int one = 1;

		if (!source_port)
			check(setsockopt(p.client, IPPROTO_IP,
					 IP_BIND_ADDRESS_NO_PORT, &one,
					 sizeof(one)), "BIND_ADDRESS_NO_PORT");
		len = address(&ss, connections % sources, source_port);
		check(bind(p.client, (struct sockaddr *)&ss, len), "bind");
	}
	len = address(&ss, 0, port);
	while (connect(p.client, (struct sockaddr *)&ss, len)) {
		if (!patient || errno != EADDRNOTAVAIL)
			check(-1, "connect");
		usleep(1000);
	}
	p.server = accept(listener, NULL, NULL);
	check(p.server, "accept");
	connections++;
	return p;
}

static unsigned int source_port_of(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	check(getsockname(fd, (struct sockaddr *)&ss, &len), "getsockname");
	return ntohs(family == AF_INET ? ((struct sockaddr_in *)&ss)->sin_port :
					 ((struct sockaddr_in6 *)&ss)->sin6_port);
}

static void read_end(int fd)
{
	char c;

	if (read(fd, &c, 1) != 0) {
		fprintf(stderr, "traffic: expected end of file\n");
		exit(1);
	}
}

static void abort_close(int fd)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	check(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)),
	      "SO_LINGER");
	close(fd);
}

/* @first closes first and stays until it has seen the other's FIN. */
static void close_in_turn(int first, int second)
{
	check(shutdown(first, SHUT_WR), "shutdown");
	read_end(second);
	close(second);
	read_end(first);
	close(first);
}

static void close_active(struct pair p)
{
	close_in_turn(p.client, p.server);
}

/* The kernel would keep the ACK of a FIN back, to send it with its own FIN. */
static void ack_at_once(int fd)
{
	int one = 1;

	check(setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one)),
	      "TCP_QUICKACK");
}

static int state_of(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	check(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), "TCP_INFO");
	return info.tcpi_state;
}

/*
 * C is let go of and becomes a FIN_WAIT2 minisock. One that is closed first and
 * gets its ACK then does so mostly, but not if the ACK comes while close() is
 * still at it, nor if data is quicker than the ACK: hence @surely.
 */
static void close_to_fin_wait2(struct pair p)
{
	if (!surely) {
		close(p.client);
		read_end(p.server);
		ack_at_once(p.server);
		return;
	}
	check(shutdown(p.client, SHUT_WR), "shutdown");
	read_end(p.server);
	ack_at_once(p.server);
	while (state_of(p.client) != TCP_FIN_WAIT2)
		usleep(1000);
	close(p.client);
}

static void close_orphan(struct pair p)
{
	close_to_fin_wait2(p);
	close(p.server);
}

static void close_rst(struct pair p)
{
	close_to_fin_wait2(p);
	abort_close(p.server);
}

static void close_reset(struct pair p)
{
	close_to_fin_wait2(p);
	check(write(p.server, "x", 1), "write");
	close(p.server);
}

static void close_linger(struct pair p)
{
	char byte;

	abort_close(p.client);
	if (read(p.server, &byte, 1) != -1 || errno != ECONNRESET) {
		fputs("traffic: the peer of a linger was not reset\n", stderr);
		exit(1);
	}
	close(p.server);
}

static void close_simultaneous(struct pair p)
{
	check(shutdown(p.client, SHUT_WR), "shutdown");
	check(shutdown(p.server, SHUT_WR), "shutdown");
	read_end(p.client);
	read_end(p.server);
	close(p.client);
	close(p.server);
}

static void close_connect(struct pair p)
{
	unsigned int source_port = source_port_of(p.client);

	close_in_turn(p.client, p.server);
	close_linger(pair_from(source_port));
}

static void close_syn(struct pair p)
{
	unsigned int source_port = source_port_of(p.client);

	close_in_turn(p.server, p.client);
	close_linger(pair_from(source_port));
}

static void close_sustained(struct pair p)
{
	printf("made_us=%llu\n", now_ns() / 1000);
	close_active(p);
}

static void close_loop(struct pair p)
{
	close(p.client);
	close(p.server);
}

/* One connect() that is out of ports asks for each of them. */
static void be_refused(void)
{
	struct sockaddr_storage ss;
	int fd = tcp_socket();
	socklen_t len = address(&ss, 0, port);

	if (!connect(fd, (struct sockaddr *)&ss, len) || errno != EADDRNOTAVAIL) {
		fprintf(stderr, "traffic: there was a port\n");
		exit(1);
	}
	close(fd);
}

static const struct kind {
	const char *name;
	void (*close)(struct pair p);
} kinds[] = {
	/* The first seven make a mix. */
	{ "active", close_active }, { "orphan", close_orphan },
	{ "rst", close_rst },       { "reset", close_reset },
	{ "linger", close_linger }, { "connect", close_connect },
	{ "syn", close_syn },       { "stuck", close_to_fin_wait2 },
	{ "loop", close_loop },     { "simultaneous", close_simultaneous },
	{ "sustained", close_sustained },
};

#define MIX 7

/*
 * One CPU delivers segments in the order in which they were sent. Where C's FIN and
 * S's come from two, S's ACK of the former may come after the latter: to a wait,
 * which answers it, and is ended by the RST that this brings. So it is in a mix.
 */
static void stay_on_this_cpu(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	check(sched_setaffinity(0, sizeof(cpus), &cpus), "sched_setaffinity");
}

static void make(const char *name, unsigned long count)
{
	bool mix = !strcmp(name, "mix");
	unsigned long i;
	unsigned int k;

	if (!strcmp(name, "refused")) {
		for (i = 0; i < count; i++)
			be_refused();
		return;
	}
	for (k = 0; !mix && k < sizeof(kinds) / sizeof(kinds[0]); k++)
		if (!strcmp(kinds[k].name, name))
			break;
	if (!mix && k == sizeof(kinds) / sizeof(kinds[0])) {
		fprintf(stderr, "traffic: no such kind: %s\n", name);
		exit(2);
	}
	surely = !mix;
	if (surely)
		stay_on_this_cpu();
	patient = !mix && kinds[k].close == close_sustained;
	for (i = 0; i < count; i++)
		kinds[mix ? i % MIX : k].close(pair_from(0));
}

int main(int argc, char **argv)
{
	unsigned long long begun_ns;
	int opt;

	while ((opt = getopt(argc, argv, "6p:s:")) != -1) {
		switch (opt) {
		case '6':
			family = AF_INET6;
			break;
		case 'p':
			port = strtoul(optarg, NULL, 10);
			break;
		case 's':
			sources = strtoul(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 2) {
		fprintf(stderr, "usage: traffic [-6] [-p PORT] [-s SOURCES] KIND COUNT\n");
		return 2;
	}
	serve();
	begun_ns = now_ns();
	make(argv[optind], strtoul(argv[optind + 1], NULL, 10));
	printf("pid=%d connections=%lu elapsed_ns=%llu\n", getpid(), connections,
	       now_ns() - begun_ns);
	return 0;
}
