#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The guest's part of scripts/bench/run. One nanosecond is one instruction here.

set -eu

traffic=$PWD/build/tests/$(uname -m)/traffic
craft=$PWD/build/tests/$(uname -m)/craft
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

# flood NAME FLAGS: instructions a segment, of those that hit a wait again and again
flood() {
	port=$(ss -Htan state time-wait "dport = :7000" | sed -n 's/.*:\([0-9]*\) *127.*/\1/p')
	ns=$("$craft" -n 100000 127.0.0.1 7000 127.0.0.1 "$port" "$2" 1 0 | sed 's/elapsed_ns=//')
	echo "$1 $((ns / 100000))"
}

# No flow of ours falls under any: by port, by prefix, by user, by cgroup.
rules() {
	for i in $(seq 64); do
		echo "add port$i rport=$i length_ms=1000"
		echo "add ports$i lport=80-90 rport=7000 length_ms=1000"
		echo "add net$i remote=10.$i.0.0/16 length_ms=1000"
		echo "add user$i uid=$((1000 + i)) length_ms=1000"
	done
}

case $1 in
connection)
	[ -z "${2-}" ] || insmod "$TIMEWAIT_KO"
	case ${2-} in
	length) sysctl -qw net.timewait.length_ms=50000 ;;
	rules) rules >$twait/rules ;;
	esac
	# So that what is armed for the first ghost is: a reused wait leaves one.
	"$traffic" -p 7009 linger 1 >/dev/null
	elapsed 3000 >/dev/null
	echo $(($(elapsed 20000) / 20000)) ;;
flood)
	# Else the first answer from the peer, who has gone, ends the wait. And each SYN
	# is answered with an ACK, and that with a RST.
	sysctl -qw net.ipv4.tcp_rfc1337=1 net.ipv4.tcp_invalid_ratelimit=0
	[ -z "${2-}" ] || insmod "$TIMEWAIT_KO"
	"$traffic" active 1 >/dev/null
	flood rst R
	flood syn S ;;
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
