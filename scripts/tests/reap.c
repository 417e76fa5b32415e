// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends all waits of the namespace, or those towards a port, on kernels where
 * ss -K cannot (5.10): by the book, that is by RFC 1337.
 *
 *   reap [PORT]
 *
 *   1. A byte of old data makes a wait answer with an ACK.
 *   2. The ACK tells its rcv_nxt: a RST just there ends it.
 *
 * Where the other end has no socket any more its host sends that RST by itself.
 * Answers are limited to two a second and wait, hence the rounds.
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "raw.h"

#define ROUNDS		20
#define WAITS_MAX	(1 << 18)
#define TIMER_OF_WAIT	3	/* the column "tr" of /proc/net/tcp */

struct wait {
	struct raw_end local, remote;
};

static struct wait waits[WAITS_MAX];
static size_t count;
static unsigned int only_port;	/* 0: any */

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct wait));
}

/* The address as /proc prints it: words of host byte order, in hex. */
static struct in6_addr parse_address(const char *hex)
{
	struct in6_addr address = { .s6_addr = { [10] = 0xff, [11] = 0xff } };
	int words = strlen(hex) / 8;
	int i;

	for (i = 0; i < words; i++)
		sscanf(hex + 8 * i, "%8x", &address.s6_addr32[4 - words + i]);
	return address;
}

static void read_table(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[512], local[33], remote[33];
	unsigned int lport, rport, timer;
	struct wait *wait;

	check(file ? 0 : -1, path);
	while (fgets(line, sizeof(line), file) && count < WAITS_MAX) {
		if (sscanf(line, " %*d: %32[0-9A-F]:%x %32[0-9A-F]:%x %*x %*x:%*x %x:",
			   local, &lport, remote, &rport, &timer) != 5 ||
		    timer != TIMER_OF_WAIT || (only_port && rport != only_port))
			continue;
		wait = &waits[count++];
		memset(wait, 0, sizeof(*wait));
		wait->local.address = parse_address(local);
		wait->local.port = htons(lport);
		wait->remote.address = parse_address(remote);
		wait->remote.port = htons(rport);
	}
	fclose(file);
}

static void read_waits(void)
{
	count = 0;
	read_table("/proc/net/tcp");
	if (!access("/proc/net/tcp6", R_OK))
		read_table("/proc/net/tcp6");
	qsort(waits, count, sizeof(*waits), compare);
}

/* Return: the header of a TCP segment that was sent, or NULL. */
static const struct tcphdr *parse(const char *packet, size_t bytes,
				  struct wait *from)
{
	const struct iphdr *ip = (const void *)packet;
	const struct ip6_hdr *ip6 = (const void *)packet;
	const struct tcphdr *th;

	memset(from, 0, sizeof(*from));
	if (bytes >= sizeof(*ip) + sizeof(*th) && ip->version == 4 &&
	    ip->protocol == IPPROTO_TCP) {
		from->local.address.s6_addr16[5] = 0xffff;
		from->local.address.s6_addr32[3] = ip->saddr;
		from->remote.address.s6_addr16[5] = 0xffff;
		from->remote.address.s6_addr32[3] = ip->daddr;
		th = (const void *)(packet + 4 * ip->ihl);
	} else if (bytes >= sizeof(*ip6) + sizeof(*th) && ip->version == 6 &&
		   ip6->ip6_nxt == IPPROTO_TCP) {
		from->local.address = ip6->ip6_src;
		from->remote.address = ip6->ip6_dst;
		th = (const void *)(packet + sizeof(*ip6));
	} else {
		return NULL;
	}
	from->local.port = th->source;
	from->remote.port = th->dest;
	return th;
}

/* A RST to each wait that has answered. */
static void kill_answerers(int fd)
{
	struct sockaddr_ll link;
	socklen_t link_bytes = sizeof(link);
	char packet[256];
	const struct tcphdr *th;
	struct wait from;
	ssize_t bytes;

	while ((bytes = recvfrom(fd, packet, sizeof(packet), MSG_DONTWAIT,
				 (struct sockaddr *)&link, &link_bytes)) >= 0) {
		if (link.sll_pkttype != PACKET_OUTGOING)
			continue;
		th = parse(packet, bytes, &from);
		if (th && th->ack && !th->rst &&
		    bsearch(&from, waits, count, sizeof(from), compare))
			raw_send(&(struct raw_segment){
				.from = from.remote, .to = from.local,
				.seq = ntohl(th->ack_seq), .flags = RAW_RST,
			});
	}
	check(errno == EAGAIN ? 0 : -1, "recv");
}

int main(int argc, char **argv)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL));
	int round;
	size_t i;

	if (argc > 1)
		only_port = atoi(argv[1]);
	check(fd, "packet socket");
	check(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &(int){ 1 << 26 },
			 sizeof(int)), "SO_RCVBUFFORCE");
	for (round = 0; round < ROUNDS; round++) {
		read_waits();
		if (!count)
			return 0;
		for (i = 0; i < count; i++) {
			raw_send(&(struct raw_segment){
				.from = waits[i].remote, .to = waits[i].local,
				.flags = RAW_ACK, .data_bytes = 1,
			});
			if (i % 64 == 63)
				kill_answerers(fd);
		}
		kill_answerers(fd);
		usleep(round ? 300000 : 1000);
	}
	fprintf(stderr, "reap: %zu waits do not end\n", count);
	return 1;
}
