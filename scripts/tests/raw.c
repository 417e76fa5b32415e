// SPDX-License-Identifier: GPL-2.0-only
/* One TCP segment on its way past the stack: what no stack would send. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "raw.h"

#ifndef IPV6_HDRINCL
#define IPV6_HDRINCL 36
#endif

void check(int ret, const char *what)
{
	if (ret >= 0)
		return;
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
		strerror(errno));
	exit(1);
}

static uint32_t sum16(const void *data, size_t bytes, uint32_t sum)
{
	const uint8_t *p = data;

	for (; bytes > 1; bytes -= 2, p += 2)
		sum += p[0] << 8 | p[1];
	return bytes ? sum + (p[0] << 8) : sum;
}

/* RFC 9293, 3.1: over the addresses, the protocol, the length and the segment. */
static uint16_t checksum(const struct tcphdr *th, size_t bytes, const void *src,
			 const void *dst, size_t address_bytes)
{
	uint32_t sum = IPPROTO_TCP + bytes;

	sum = sum16(src, address_bytes, sum);
	sum = sum16(dst, address_bytes, sum);
	sum = sum16(th, bytes, sum);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

static int raw_socket(int family)
{
	int fd = socket(family, SOCK_RAW, IPPROTO_RAW);

	check(fd, "raw socket");
	if (family == AF_INET6)
		check(setsockopt(fd, IPPROTO_IPV6, IPV6_HDRINCL, &(int){ 1 },
				 sizeof(int)), "IPV6_HDRINCL");
	return fd;
}

/* NOP, NOP, timestamp: kind 8, 10 bytes (RFC 7323, 3.2, appendix A). */
static void fill_timestamp(uint8_t *options, uint32_t tsval)
{
	static const uint8_t head[] = { 1, 1, 8, 10 };

	tsval = htonl(tsval);
	memcpy(options, head, sizeof(head));
	memcpy(options + sizeof(head), &tsval, sizeof(tsval));
}

static size_t fill_tcp(struct tcphdr *th, const struct raw_segment *segment)
{
	size_t options = segment->option_bytes ?: segment->tsval ? 12 : 0;
	size_t bytes = sizeof(*th) + options + segment->data_bytes;

	memset(th, 0, bytes);
	if (segment->option_bytes)
		memcpy(th + 1, segment->options, options);
	else if (options)
		fill_timestamp((uint8_t *)(th + 1), segment->tsval);
	th->source = segment->from.port;
	th->dest = segment->to.port;
	th->seq = htonl(segment->seq);
	th->ack_seq = htonl(segment->ack_seq);
	th->doff = segment->doff ?: (sizeof(*th) + options) / 4;
	th->th_flags = segment->flags;
	th->window = htons(segment->window);
	if (segment->cut_bytes && segment->cut_bytes < bytes)
		bytes = segment->cut_bytes;
	return bytes;
}

static void send_v4(const struct raw_segment *segment)
{
	static int fd = -1;
	struct {
		struct iphdr ip;
		struct tcphdr th;
		char more[1024 + 40];
	} packet;
	struct sockaddr_in to = { .sin_family = AF_INET };
	size_t bytes = fill_tcp(&packet.th, segment);

	if (fd < 0)
		fd = raw_socket(AF_INET);
	packet.ip = (struct iphdr){
		.version = 4,
		.ihl = sizeof(packet.ip) / 4,
		.tot_len = htons(sizeof(packet.ip) + bytes),
		.ttl = 64,
		.protocol = IPPROTO_TCP,
		.saddr = segment->from.address.s6_addr32[3],
		.daddr = segment->to.address.s6_addr32[3],
	};
	packet.th.check = checksum(&packet.th, bytes, &packet.ip.saddr,
				   &packet.ip.daddr, 4) ^ segment->bad_checksum;
	to.sin_addr.s_addr = packet.ip.daddr;
	check(sendto(fd, &packet, sizeof(packet.ip) + bytes, 0,
		     (struct sockaddr *)&to, sizeof(to)), "sendto");
}

static void send_v6(const struct raw_segment *segment)
{
	static int fd = -1;
	struct {
		struct ip6_hdr ip;
		struct tcphdr th;
		char more[1024 + 40];
	} packet;
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 };
	size_t bytes = fill_tcp(&packet.th, segment);

	if (fd < 0)
		fd = raw_socket(AF_INET6);
	packet.ip = (struct ip6_hdr){
		.ip6_flow = htonl(6U << 28),
		.ip6_plen = htons(bytes),
		.ip6_nxt = IPPROTO_TCP,
		.ip6_hlim = 64,
		.ip6_src = segment->from.address,
		.ip6_dst = segment->to.address,
	};
	packet.th.check = checksum(&packet.th, bytes, &packet.ip.ip6_src,
				   &packet.ip.ip6_dst, 16) ^ segment->bad_checksum;
	to.sin6_addr = segment->to.address;
	check(sendto(fd, &packet, sizeof(packet.ip) + bytes, 0,
		     (struct sockaddr *)&to, sizeof(to)), "sendto");
}

void raw_send(const struct raw_segment *segment)
{
	if (IN6_IS_ADDR_V4MAPPED(&segment->from.address))
		send_v4(segment);
	else
		send_v6(segment);
}
