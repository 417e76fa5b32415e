// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sends one TCP segment that no stack would send any more: an old duplicate.
 *
 *   craft SRC SPORT DST DPORT FLAGS SEQ ACK
 *
 * FLAGS: letters of F, S, R, P, A. No options, no data, a window of 65535.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void check(int ret, const char *what)
{
	if (ret >= 0)
		return;
	fprintf(stderr, "craft: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint32_t sum16(const void *data, size_t bytes, uint32_t sum)
{
	const uint8_t *p = data;

	for (; bytes > 1; bytes -= 2, p += 2)
		sum += p[0] << 8 | p[1];
	return sum;
}

/* RFC 9293, 3.1: over the addresses, the protocol, the length and the header. */
static uint16_t checksum(const struct tcphdr *th, const void *src,
			 const void *dst, size_t address_bytes)
{
	uint32_t sum = IPPROTO_TCP + sizeof(*th);

	sum = sum16(src, address_bytes, sum);
	sum = sum16(dst, address_bytes, sum);
	sum = sum16(th, sizeof(*th), sum);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

int main(int argc, char **argv)
{
	struct sockaddr_in6 src6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in6 dst6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in src = { .sin_family = AF_INET };
	struct sockaddr_in dst = { .sin_family = AF_INET };
	struct tcphdr th = { .doff = sizeof(th) / 4, .window = 0xffff };
	int v6, fd;

	if (argc != 8) {
		fprintf(stderr, "usage: craft SRC SPORT DST DPORT FLAGS SEQ ACK\n");
		return 2;
	}
	v6 = !!strchr(argv[1], ':');
	check(inet_pton(v6 ? AF_INET6 : AF_INET, argv[1],
			v6 ? (void *)&src6.sin6_addr : &src.sin_addr) - 1, argv[1]);
	check(inet_pton(v6 ? AF_INET6 : AF_INET, argv[3],
			v6 ? (void *)&dst6.sin6_addr : &dst.sin_addr) - 1, argv[3]);
	th.source = htons(atoi(argv[2]));
	th.dest = htons(atoi(argv[4]));
	th.fin = !!strchr(argv[5], 'F');
	th.syn = !!strchr(argv[5], 'S');
	th.rst = !!strchr(argv[5], 'R');
	th.psh = !!strchr(argv[5], 'P');
	th.ack = !!strchr(argv[5], 'A');
	th.seq = htonl(strtoul(argv[6], NULL, 10));
	th.ack_seq = htonl(strtoul(argv[7], NULL, 10));
	th.check = v6 ? checksum(&th, &src6.sin6_addr, &dst6.sin6_addr, 16) :
			checksum(&th, &src.sin_addr, &dst.sin_addr, 4);

	fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_RAW, IPPROTO_TCP);
	check(fd, "raw socket");
	if (v6) {
		check(bind(fd, (struct sockaddr *)&src6, sizeof(src6)), "bind");
		check(sendto(fd, &th, sizeof(th), 0, (struct sockaddr *)&dst6,
			     sizeof(dst6)), "sendto");
	} else {
		check(bind(fd, (struct sockaddr *)&src, sizeof(src)), "bind");
		check(sendto(fd, &th, sizeof(th), 0, (struct sockaddr *)&dst,
			     sizeof(dst)), "sendto");
	}
	return 0;
}
