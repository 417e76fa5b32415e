// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sends a TCP segment that no stack would send, or not any more.
 *
 *   craft [OPTION...] SRC SPORT DST DPORT FLAGS SEQ ACK
 *
 * FLAGS: letters of F, S, R, P, A, or - for none.
 *
 *   -l BYTES   with data
 *   -t TSVAL   with a timestamp
 *   -w WINDOW  the window that it offers (65535)
 *   -n COUNT   so many of them, and prints elapsed_ns=
 *
 * Malformed:
 *   -o HEX     these options, filled up with zeros
 *   -d WORDS   it claims a header of this length
 *   -c BYTES   cut off after these, from the begin of its header
 *   -b         with a wrong checksum
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "raw.h"

static struct raw_end end_of(const char *address, const char *port)
{
	struct raw_end end = { .port = htons(atoi(port)) };
	char mapped[INET6_ADDRSTRLEN + 8];

	snprintf(mapped, sizeof(mapped), "%s%s",
		 strchr(address, ':') ? "" : "::ffff:", address);
	check(inet_pton(AF_INET6, mapped, &end.address) - 1, address);
	return end;
}

static void take_options(struct raw_segment *segment, const char *hex)
{
	unsigned int byte, n = 0;

	for (; sscanf(hex, "%2x", &byte) == 1; hex += 2) {
		if (n == sizeof(segment->options) || !hex[1]) {
			fputs("craft: -o wants up to 40 bytes of two digits\n", stderr);
			exit(2);
		}
		segment->options[n++] = byte;
	}
	segment->option_bytes = (n + 3) / 4 * 4;
}

int main(int argc, char **argv)
{
	static const char letters[] = "FSRPA";
	struct raw_segment segment = { .window = 0xffff };
	struct timespec begin, end;
	unsigned long count = 1;
	const char *letter;
	int opt;

	while ((opt = getopt(argc, argv, "+l:t:w:n:o:d:c:b")) != -1) {
		switch (opt) {
		case 'w':
			segment.window = strtoul(optarg, NULL, 10);
			break;
		case 'n':
			count = strtoul(optarg, NULL, 10);
			break;
		case 'o':
			take_options(&segment, optarg);
			break;
		case 'd':
			segment.doff = strtoul(optarg, NULL, 10);
			break;
		case 'c':
			segment.cut_bytes = strtoul(optarg, NULL, 10);
			break;
		case 'b':
			segment.bad_checksum = 1;
			break;
		case 'l':
			segment.data_bytes = strtoul(optarg, NULL, 10);
			break;
		case 't':
			segment.tsval = strtoul(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	}
	argv += optind - 1;
	if (argc - optind != 7 || segment.data_bytes > 1024) {
		fprintf(stderr, "usage: craft [OPTION...] SRC SPORT DST DPORT FLAGS SEQ ACK\n");
		return 2;
	}
	segment.from = end_of(argv[1], argv[2]);
	segment.to = end_of(argv[3], argv[4]);
	for (const char *p = argv[5]; *p && *p != '-'; p++) {
		letter = strchr(letters, *p);
		if (!letter) {
			fprintf(stderr, "craft: no flag '%c', only %s\n", *p, letters);
			return 2;
		}
		segment.flags |= 1U << (letter - letters);
	}
	segment.seq = strtoul(argv[6], NULL, 10);
	segment.ack_seq = strtoul(argv[7], NULL, 10);
	if (count == 1) {
		raw_send(&segment);
		return 0;
	}
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (unsigned long i = 0; i < count; i++)
		raw_send(&segment);
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("elapsed_ns=%lld\n", (end.tv_sec - begin.tv_sec) * 1000000000LL +
	       end.tv_nsec - begin.tv_nsec);
	return 0;
}
