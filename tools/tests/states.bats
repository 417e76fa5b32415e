#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154
# The files tcp, tcp6 and nf_conntrack are those of one network namespace, where
# sockets were put into each state but CLOSE; six of the waits that conntrack
# holds are older than 60 s.

load helper

# bare: no module, no conntrack, no IPv6, no settings; only what the test adds.
bare() {
	ROOT=$BATS_TEST_TMPDIR/proc
	mkdir -p "$ROOT/net"
	head -n 1 "$DATA/host/net/tcp" >"$ROOT/net/tcp"
}

# socket STATE: a line of net/tcp
socket() {
	echo "   0: 0100007F:1B58 0900000A:01BB $1 00000000:00000000 00:00000000 00000000     0        0 138936 1 00000000ff6051da 100 0 0 10 0"
}

# tracked STATE: a line of net/nf_conntrack
tracked() {
	echo "ipv4     2 tcp      6 119 $1 src=127.0.0.1 dst=127.0.0.1 sport=40006 dport=7000 src=127.0.0.1 dst=127.0.0.1 sport=7000 dport=40006 [ASSURED] mark=0 use=1"
}

@test "each state with its sockets, in the order of a connection's life" {
	twstat states
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	expected='all IPv4 IPv6 -
		LISTEN 3 2 1
		SYN_SENT 2 2 0
		SYN_RECV 1 1 0
		ESTABLISHED 11 8 3
		FIN_WAIT1 1 1 0
		FIN_WAIT2 5 3 2
		CLOSING 1 1 0
		TIME_WAIT 10 7 3
		CLOSE_WAIT 3 1 2
		LAST_ACK 1 1 0
		CLOSE 0 0 0
		total 38 27 11'
	head -n 13 <<<"$output" | awk '{ print $1, $2, $3, (NR > 1 ? $4 : "-") }' |
		diff <(tr -d '\t' <<<"$expected") -
}

@test "the table is that of awk" {
	twstat states
	for pair in 0A:LISTEN 01:ESTABLISHED 05:FIN_WAIT2 06:TIME_WAIT 08:CLOSE_WAIT; do
		n=$(awk -v st="${pair%:*}" '$4 == st' "$DATA"/host/net/tcp{,6} | wc -l)
		echo "$pair $n"
		[ "$(awk -v name="${pair#*:}" '$1 == name { print $2 }' <<<"$output")" = "$n" ]
	done
}

@test "each state says what it means and who has to act" {
	twstat states
	has "LISTEN 3 2 1 waits for others to connect" \
		"FIN_WAIT2 5 3 2 closed here; the peer must close too" \
		"CLOSE_WAIT 3 1 2 peer closed; the program here must" \
		"this side's program has not: look for a leak"
	bare
	twstat states
	has "CLOSE_WAIT 0"
	has_not leak
}

@test "NEW_SYN_RECV is a SYN_RECV, and what nobody knows is told as other" {
	bare
	for st in 03 0C 0c 07 0D FF; do
		socket "$st"
	done >>"$ROOT/net/tcp"
	twstat states
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	has "SYN_RECV 3 3" "CLOSE 1 1" "other 2 2 - this twstat does not know them" \
		"total 6 6 -"
}

@test "without the module, without IPv6 and without conntrack" {
	copy_host
	rm -r "$DIR" "$ROOT"/net/{tcp6,nf_conntrack} "$ROOT/sys/net/netfilter"
	twstat states
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	has "LISTEN 2 2 - waits" "CLOSE 0 0 -" "total 27 27 -" \
		"IPv6: there is no net/tcp6: this kernel has IPv6 off" \
		"conntrack: none: the kernel module nf_conntrack is not loaded"
	[ "$(grep -c ^conntrack <<<"$output")" -eq 1 ]
}

@test "nobody is in any state: all rows are there" {
	bare
	cp "$ROOT/net/tcp" "$ROOT/net/tcp6"
	twstat states
	[ "$status" -eq 0 ]
	[ "$(grep -c ' 0  *0  *0' <<<"$output")" -eq 12 ]
	has_not "this twstat does not know"
}

@test "conntrack has its own TIME_WAIT: it says so when the two disagree" {
	twstat states
	has "conntrack 17 13 4 in TIME_WAIT; its timer: 120 s" \
		"conntrack holds 17 in TIME_WAIT, the sockets 10: its own timer is 120 s" \
		"(nf_conntrack_tcp_timeout_time_wait), the sockets' 60 s."
	copy_host
	rm -r "$ROOT/sys"
	twstat states
	has "conntrack 17 13 4 in TIME_WAIT" "sockets 10: it has a timer of its own."
	has_not "120"
}

@test "a TIME_WAIT is kept as long as the module has it" {
	twstat states
	has "done; kept 60 s, nobody must act"
	copy_host
	mkdir -p "$ROOT/sys/net/timewait"
	for ms in 5000:5 1234:1.234 240000:240; do
		echo "${ms%:*}" >"$ROOT/sys/net/timewait/length_ms"
		twstat states
		has "done; kept ${ms#*:} s, nobody must act" "the sockets' ${ms#*:} s."
		[ "$(wc -L <<<"$output")" -le 80 ]
	done
	# As below /proc/PID.
	rm -r "$ROOT/sys"
	twstat states
	has "done; kept a while, nobody must act"
}

@test "conntrack holds as many, or fewer" {
	bare
	for _ in 1 2 3; do
		socket 06
	done >>"$ROOT/net/tcp"
	for state in TIME_WAIT ESTABLISHED CLOSE_WAIT TIME_WAIT TIME_WAIT; do
		tracked $state
	done >"$ROOT/net/nf_conntrack"
	twstat states
	has "conntrack 3 3 0 in TIME_WAIT"
	has_not holds
	sed -i 1d "$ROOT/net/nf_conntrack"
	twstat states
	has "conntrack holds 2 in TIME_WAIT, the sockets 3: it does not track"
	: >"$ROOT/net/nf_conntrack"
	twstat states
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	has "conntrack 0 0 0" "conntrack holds 0 in TIME_WAIT, the sockets 3"
}

@test "what conntrack has besides TCP with a state is no malformed line" {
	bare
	{
		tracked TIME_WAIT
		tracked TIME_WAIT | sed 's/119 TIME_WAIT //; s/ASSURED/OFFLOAD/'
		echo 'ipv4     2 udp      17 29 src=10.0.0.9 dst=10.0.0.9 sport=45569 dport=53 [UNREPLIED] src=10.0.0.9 dst=10.0.0.9 sport=53 dport=45569 mark=0 use=2'
		echo 'ipv6     10 icmpv6   58 29 src=::1 dst=::1 type=128 code=0 id=1 src=::1 dst=::1 type=129 code=0 id=1 mark=0 use=1'
		echo 'unknown  7 unknown  253 599 src=0.0.0.0 dst=0.0.0.0 mark=0 use=1'
	} >"$ROOT/net/nf_conntrack"
	twstat states
	[ -z "$stderr" ]
	has "conntrack 1 1 0"
}

@test "why there is nothing of conntrack" {
	copy_host
	rm "$ROOT/net/nf_conntrack"
	twstat states
	[ "$status" -eq 0 ]
	has "conntrack: unknown: this kernel is without CONFIG_NF_CONNTRACK_PROCFS"
	rm -r "$ROOT/sys"
	twstat states
	[ "$status" -eq 0 ]
	has "conntrack: no net/nf_conntrack: module not loaded, or kernel without"
	[ -z "$stderr" ]
}

@test "without root: all but conntrack" {
	copy_host
	chmod 000 "$ROOT/net/nf_conntrack"
	open_to_nobody "$ROOT/net/tcp"
	run --separate-stderr as_nobody "$TWSTAT" --proc-root "$ROOT" states
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	has "TIME_WAIT 10 7 3" "conntrack: for root only ('sudo twstat states')"
	has_not holds
	chmod 000 "$ROOT/net/tcp6"
	run --separate-stderr as_nobody "$TWSTAT" --proc-root "$ROOT" states
	fails_with 1 "net/tcp6: Permission denied; run it as root: 'sudo twstat states'"
	[ -z "$output" ]
}

@test "no table of sockets is an error, and an empty one is no table" {
	bare
	: >"$ROOT/net/tcp"
	twstat states
	fails_with 1 "net/tcp has no header line"
	socket 01 >"$ROOT/net/tcp"
	twstat states
	fails_with 1 "net/tcp has no header line"
	bare
	: >"$ROOT/net/tcp6"
	twstat states
	fails_with 1 "net/tcp6 has no header line"
	rm "$ROOT/net/tcp"
	twstat states
	fails_with 1 "cannot read $ROOT/net/tcp: No such file"
	mkdir "$ROOT/net/tcp"
	twstat states
	fails_with 1 "cannot read $ROOT/net/tcp: Is a directory"
}

@test "malformed lines are left out, counted and said" {
	bare
	{
		echo
		echo 'hello'
		socket 0
		socket 0G
		socket 001
		socket 01 | sed 's/0:/0/'
		socket 01 | sed 's/:1B58/:1B5/'
		socket 01 | sed 's/01BB.*/01BB/'
		printf '   0: 0100007F:1B58 0900000A:01BB 01 \0\n'
		printf '   0: 0100007F:1B58 0900000A:01BB 01 %070000d\n' 0
		socket 01
		socket 01 | tr -d '\n'
	} >>"$ROOT/net/tcp"
	{
		tracked TIME_WAIT
		echo
		echo 'hello'
		echo 'ipv4 2 tcp'
		echo 'ipv4 x udp 17 29 src=1'
		echo 'ipv4 2 tcp 6'
		echo 'ipv4 2 tcp 6 119'
		echo 'ipv4 2 tcp 6 119 TIME_WAIT'
		tracked '' | tr -s ' '
		tracked TIME_WAIT | sed 's/119/-1/'
		tracked TIME_WAIT | sed 's/ 2 / 7 /'
		tracked TIME_WAIT | tr -d '\n'
	} >"$ROOT/net/nf_conntrack"
	twstat states
	[ "$status" -eq 0 ]
	has "ESTABLISHED 1 1" "total 1 1" "conntrack 1 1 0"
	[ "${#stderr_lines[@]}" -eq 2 ]
	[ "${stderr_lines[0]}" = "twstat: $ROOT/net/tcp: 11 malformed lines left out" ]
	[ "${stderr_lines[1]}" = "twstat: $ROOT/net/nf_conntrack: 11 malformed lines left out" ]
}

@test "a timer that is no number is said, and not shown" {
	copy_host
	timer=$ROOT/sys/net/netfilter/nf_conntrack_tcp_timeout_time_wait
	for value in '' soon '120 60' 99999999999999999999; do
		echo "$value" >"$timer"
		twstat states
		[ "$status" -eq 0 ]
		[ "$stderr" = "twstat: $timer: 1 malformed line left out" ]
		has_not "its timer"
	done
}

@test "a wrong command line is 2, one line, and names the word" {
	twstat states extra
	fails_with 2 "states: unexpected argument 'extra'"
	twstat states --raw
	fails_with 2 "'--raw'; it takes --proc-root --help"
	twstat states --etc-root /
	fails_with 2 "'--etc-root'"
	[ -z "$output" ]
}

@test "it fits 80 columns of plain ASCII" {
	twstat states
	copy_host
	longest=$(wc -L <<<"$output")
	for kept in tcp6 nf_conntrack; do
		rm "$ROOT/net/$kept"
		twstat states
		longest="$longest $(wc -L <<<"$output")"
	done
	echo "$longest"
	for width in $longest; do
		[ "$width" -le 80 ]
	done
	LC_ALL=C run ! grep -q '[^ -~]' <<<"$output"
}

@test "200,000 sockets and entries: right, soon and in little memory" {
	skip_if_instrumented
	bare
	# shellcheck disable=SC2016
	many='{ for (i = 0; i < 200000; i++) print }'
	socket 06 | awk "$many" >>"$ROOT/net/tcp"
	tracked TIME_WAIT | awk "$many" >"$ROOT/net/nf_conntrack"
	ulimit -v 65536
	run --separate-stderr timeout 30 "$TWSTAT" --proc-root "$ROOT" states
	[ "$status" -eq 0 ]
	has "TIME_WAIT 200,000 200,000 -" "conntrack 200,000 200,000 0"
}

@test "a pipe that is closed early ends it quietly" {
	run --separate-stderr into_closed_pipe "$TWSTAT" --proc-root "$DATA/host" states
	[ "$status" -eq 141 ]
	[ -z "$stderr" ]
	run --separate-stderr into_closed_pipe_without_signal \
		"$TWSTAT" --proc-root "$DATA/host" states
	[ "$status" -eq 1 ]
	[ -z "$stderr" ]
}
