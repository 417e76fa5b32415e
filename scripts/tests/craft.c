// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sends one TCP segment that no stack would send any more: an old duplicate.
 *
 *   craft [-l BYTES] [-t TSVAL] SRC SPORT DST DPORT FLAGS SEQ ACK
 *
 * FLAGS: letters of F, S, R, P, A. -l: with data, -t: with a timestamp.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

int main(int argc, char **argv)
{
	static const char letters[] = "FSRPA";
	struct raw_segment segment = {};
	const char *letter;
	int opt;

	while ((opt = getopt(argc, argv, "+l:t:")) != -1) {
		switch (opt) {
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
		fprintf(stderr, "usage: craft [-l BYTES] [-t TSVAL] SRC SPORT DST DPORT FLAGS SEQ ACK\n");
		return 2;
	}
	segment.from = end_of(argv[1], argv[2]);
	segment.to = end_of(argv[3], argv[4]);
	for (const char *p = argv[5]; *p; p++) {
		letter = strchr(letters, *p);
		if (!letter) {
			fprintf(stderr, "craft: no flag '%c', only %s\n", *p, letters);
			return 2;
		}
		segment.flags |= 1U << (letter - letters);
	}
	segment.seq = strtoul(argv[6], NULL, 10);
	segment.ack_seq = strtoul(argv[7], NULL, 10);
	raw_send(&segment);
	return 0;
}
