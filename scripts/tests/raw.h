/* SPDX-License-Identifier: GPL-2.0-only */
/* One TCP segment on its way past the stack: what no stack would send. */
#ifndef RAW_H
#define RAW_H

#include <netinet/in.h>
#include <stdint.h>

enum raw_flag {
	RAW_FIN = 0x01,
	RAW_SYN = 0x02,
	RAW_RST = 0x04,
	RAW_PSH = 0x08,
	RAW_ACK = 0x10,
};

/* An end of a connection; IPv4 as ::ffff:a.b.c.d, all in network byte order. */
struct raw_end {
	struct in6_addr address;
	in_port_t port;
};

struct raw_segment {
	struct raw_end from, to;
	uint32_t seq, ack_seq;		/* host byte order */
	unsigned int flags;
	unsigned int data_bytes;	/* of zeros, up to 1024 */
	uint32_t tsval;			/* RFC 7323; no option if 0 */
	uint16_t window;		/* host byte order */

	/* What makes it malformed; none if 0. */
	unsigned int doff;		/* length of the header that it claims, in words */
	unsigned int cut_bytes;		/* it ends after these */
	unsigned int option_bytes;	/* of options, in place of a timestamp: a multiple of 4 */
	uint8_t options[40];
	unsigned int bad_checksum;
};

/* Ends the program with a word of why, as this does: */
void check(int ret, const char *what);

/* Sends a segment. Needs CAP_NET_RAW. */
void raw_send(const struct raw_segment *segment);

#endif
