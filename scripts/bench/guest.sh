#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The guest's part of scripts/bench/run. One nanosecond is one instruction here.

set -eu

traffic=$PWD/build/tests/$(uname -m)/traffic
twait=/proc/net/timewait

sysctl -qw net.ipv4.tcp_max_tw_buckets=262144 \
	net.ipv4.ip_local_port_range='1025 65000'

# elapsed_ns of the program's own clock, for COUNT connections
elapsed() {
	"$traffic" loop "$1" | sed 's/.*elapsed_ns=//'
}

# reading NAME FILE: instructions
reading() {
	echo "$1 $("build/tests/$(uname -m)/reading" "$2")"
}

# Waits enough, from as many source addresses as it takes: no two alike.
waits() {
	"$traffic" -p "$1" -s 4 active "$2" >/dev/null
}

case $1 in
connection)
	[ -z "${2-}" ] || insmod "$TIMEWAIT_KO"
	elapsed 3000 >/dev/null
	echo $(($(elapsed 20000) / 20000)) ;;
files)
	insmod "$TIMEWAIT_KO"
	reading stats_0 $twait/stats
	waits 7000 50000
	reading connections_50000 $twait/connections
	waits 7001 50000
	reading stats_100000 $twait/stats
	reading connections_100000 $twait/connections
	reading tcp_100000 /proc/net/tcp ;;
esac
