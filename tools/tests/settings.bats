#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154,SC2030,SC2031

load helper

RECYCLE=net.ipv4.tcp_tw_recycle

setup() {
	ETC=$BATS_TEST_TMPDIR/image
	mkdir -p "$ETC"
}

teardown() {
	chmod -R u+rwX "$BATS_TEST_TMPDIR"
}

# settings ARGUMENTS...: on $ROOT and on the image $ETC, empty at first.
settings() {
	twstat settings --etc-root "$ETC" "$@"
}

# with NAME VALUE: a copy of the host where this sysctl of IPv4 has this value
with() {
	[ -n "${ROOT-}" ] || copy_host
	echo "$2" >"$ROOT/sys/net/ipv4/$1"
}

# conf FILE LINES...: makes this file of the image
conf() {
	mkdir -p "$ETC/${1%/*}"
	printf '%s\n' "${@:2}" >"$ETC/$1"
}

# finds N: so many lines that set tcp_tw_recycle
finds() {
	[ "$(grep -c "tcp_tw_recycle does nothing since 4.12" <<<"$output")" -eq "$1" ] ||
		{ echo "$output"; return 1; }
}

# below NAME: the line below the setting
below() {
	grep -F -A 1 "net.ipv4.$1 =" <<<"$output" | sed -n '2s/^    //p'
}

@test "each setting with its value and what it does" {
	settings
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	has "net.ipv4.tcp_fin_timeout = 60" "not TIME_WAIT, that lasts 60 s" \
		"net.ipv4.tcp_tw_reuse = 2" "0: no, 1: yes, 2: on the loopback only" \
		"net.ipv4.tcp_tw_reuse_delay = 1000" \
		"net.ipv4.tcp_timestamps = 1" "0: off, and then tcp_tw_reuse refuses" \
		"net.ipv4.tcp_max_tw_buckets = 131072" \
		"net.ipv4.tcp_rfc1337 = 0" "1: no RST kills a wait, 0: one may" \
		"net.ipv4.tcp_max_orphans = 131072" \
		"net.ipv4.tcp_invalid_ratelimit = 500" \
		"net.ipv4.ip_local_port_range = 32768 60999" \
		"28,232 ports / 60 s = 470 connections a second towards one destination" \
		"net.netfilter.nf_conntrack_tcp_timeout_time_wait = 120" \
		"the sockets' lasts 60 s" "net.netfilter.nf_conntrack_tcp_loose = 1" \
		"$RECYCLE = -" "gone since Linux 4.12: it broke every client behind NAT"
	[ "${#lines[@]}" -eq 24 ]
	has_not warning
}

@test "it needs no module" {
	copy_host
	rm -r "$ROOT/net"
	settings
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 24 ]
	[ -z "$stderr" ]
}

# tuned LENGTH_MS: a copy of the host with the module's values
tuned() {
	[ -n "${ROOT-}" ] || copy_host
	local values=$ROOT/sys/net/timewait word

	mkdir -p "$values"
	for word in $(${CC:-cc} -E -P -x c - <<-EOF
		#include "$BATS_TEST_DIRNAME/../../module/abi.h"
		#define WORD(id, word) word
		TWAIT_VALUES(WORD) inherit
	EOF
	); do
		echo kernel >"$values/$word"
	done
	echo "$1" >"$values/length_ms"
}

@test "a TIME_WAIT lasts as long as the module has it" {
	tuned 5000
	settings
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	has "not TIME_WAIT, that lasts 5 s" "28,232 ports / 5 s = 5,646 connections a second" \
		"the sockets' lasts 5 s" "net.timewait.length_ms = 5000" \
		"net.timewait.rst = kernel" "net.timewait.inherit = kernel"
	has_not "60 s" warning
	for value in "$ROOT"/sys/net/timewait/*; do
		has "net.timewait.${value##*/} = "
	done
	[ "$(wc -L <<<"$output")" -le 80 ]
	tuned 1500
	settings
	has "28,232 ports / 1.5 s = 18,821 connections a second"
	tuned 240000
	settings
	has "nf_conntrack_tcp_timeout_time_wait is 120: conntrack, and with it NAT," "still wait (240 s)"
}

@test "that rules say otherwise is said where there are any" {
	tuned 60000
	echo '# timewait rules 1' >"$DIR/rules"
	settings
	has_not rules
	echo 'rule=a length_ms=5000 hits=0' >>"$DIR/rules"
	settings
	has "1 rule says otherwise for some connections: /proc/net/timewait/rules"
	echo 'rule=b length_ms=5000 hits=0' >>"$DIR/rules"
	settings
	has "2 rules say otherwise for some connections: /proc/net/timewait/rules"
	rm "$DIR/rules"
	settings
	has "A rule may say otherwise for some: /proc/net/timewait/rules, for root"
}

@test "a setting that is not here is '-' with the reason" {
	copy_host
	rm "$ROOT"/sys/net/ipv4/tcp_{tw_reuse_delay,max_orphans,rfc1337} \
		"$ROOT/sys/net/ipv4/ip_local_port_range"
	rm -r "$ROOT/sys/net/netfilter"
	settings
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	has "tcp_tw_reuse_delay = -" "tcp_max_orphans = -" "tcp_rfc1337 = -" \
		"ip_local_port_range = -"
	[ "$(below tcp_tw_reuse_delay)" = "not here: only since Linux 6.14; before, it is 1 s" ]
	[ "$(below tcp_max_orphans)" = "not here: one for all, only in the initial network namespace" ]
	[ "$(below tcp_rfc1337)" = "not here: this kernel does not have it" ]
	[ "$(below ip_local_port_range)" = "not here: this kernel does not have it" ]
	has "nf_conntrack_tcp_timeout_time_wait = -" "nf_conntrack_tcp_loose = -"
	[ "$(grep -c 'not here: the kernel module nf_conntrack is not loaded' <<<"$output")" -eq 2 ]
	has_not warning
}

@test "a namespace of another process has no settings below its folder" {
	ROOT=$BATS_TEST_TMPDIR/empty
	mkdir -p "$ROOT/net"
	settings
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	has "no sys/net below --proc-root" "'sudo nsenter -t PID -n twstat settings'"
	has_not "net.ipv4" warning
}

@test "the ports, and how many connections a second they are good for" {
	with ip_local_port_range $'1024\t65535'
	settings
	has "ip_local_port_range = 1024 65535" \
		"64,512 ports / 60 s = 1,075 connections a second"
	has_not ip_local_reserved_ports
	with ip_local_reserved_ports 8080,9000-9010
	settings
	has "less the ports in net.ipv4.ip_local_reserved_ports"
	with ip_local_port_range $'60999\t32768'
	settings
	has "0 ports / 60 s = 0 connections"
}

@test "a value that is not the number it should be is '-', and said" {
	for value in '' x '1 2' 0x1 -- - 1. 99999999999999999999 $'60\e[2J'; do
		with tcp_fin_timeout "$value"
		settings
		[ "$status" -eq 0 ]
		[ "$(below tcp_fin_timeout)" = "not a number" ]
		has "tcp_fin_timeout = -"
		[ "$stderr" = "twstat: $ROOT/sys/net/ipv4/tcp_fin_timeout: 1 malformed line left out" ]
	done
	printf 60 >"$ROOT/sys/net/ipv4/tcp_fin_timeout"
	settings
	has "tcp_fin_timeout = -"
	: >"$ROOT/sys/net/ipv4/tcp_fin_timeout"
	settings
	has "tcp_fin_timeout = -"
	[[ $stderr == *"1 malformed line left out" ]]
	with tcp_fin_timeout 60
	with ip_local_port_range 1024
	settings
	has "ip_local_port_range = -"
}

@test "a negative number is one" {
	with tcp_max_orphans -1
	settings
	has "tcp_max_orphans = -1"
	[ -z "$stderr" ]
}

@test "without root; and a value that root alone may see" {
	with tcp_max_orphans 4096
	chmod 000 "$ROOT/sys/net/ipv4/tcp_max_orphans"
	conf etc/sysctl.d/a.conf "$RECYCLE = 1"
	conf etc/sysctl.d/b.conf "$RECYCLE = 1"
	chmod 000 "$ETC/etc/sysctl.d/a.conf"
	mkdir -m 0 "$ETC/run" "$ETC/usr"
	open_to_nobody "$ROOT/sys/net/ipv4/tcp_fin_timeout"
	run --separate-stderr as_nobody "$TWSTAT" --proc-root "$ROOT" settings \
		--etc-root "$ETC"
	[ "$status" -eq 0 ]
	has "tcp_fin_timeout = 60" "tcp_max_orphans = -" "b.conf:1: "
	[ "$(below tcp_max_orphans)" = "for root only ('sudo twstat settings')" ]
	finds 1
	[ "${stderr_lines[0]}" = "twstat: not looked through: $ETC/etc/sysctl.d/a.conf: Permission denied" ]
	[ "${stderr_lines[1]}" = "twstat: not looked through: $ETC/run/sysctl.d: Permission denied" ]
	[ "${#stderr_lines[@]}" -eq 4 ]
}

# warns FILE VALUE WORDS: with this value in sys/net/FILE, this warning alone
warns() {
	copy_host
	echo "$2" >"$ROOT/sys/net/$1"
	settings
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	has "warning: $3"
	[ "$(grep -c ^warning: <<<"$output")" -eq 1 ]
	[ "$(wc -L <<<"$output")" -le 80 ]
}

@test "old advice is warned of" {
	warns ipv4/tcp_fin_timeout 15 \
		"tcp_fin_timeout is 15: that changes FIN_WAIT2 only, no TIME_WAIT"
	warns ipv4/tcp_timestamps 0 \
		"tcp_timestamps is 0: tcp_tw_reuse refuses every wait"
	warns ipv4/tcp_tw_reuse_delay 999 "tcp_tw_reuse_delay is 999, below 1000"
	warns ipv4/tcp_max_tw_buckets 28231 \
		"tcp_max_tw_buckets is 28231, fewer than the 28,232 local ports"
	warns netfilter/nf_conntrack_tcp_timeout_time_wait 59 \
		"nf_conntrack_tcp_timeout_time_wait is 59: conntrack"
}

@test "values that are as good are not warned of" {
	with tcp_tw_reuse 1
	with tcp_timestamps 2
	with tcp_max_tw_buckets 28232
	with tcp_tw_reuse_delay 1000
	with tcp_rfc1337 1
	echo 60 >"$ROOT/sys/net/netfilter/nf_conntrack_tcp_timeout_time_wait"
	settings
	has_not warning
}

@test "tcp_tw_recycle on a kernel that still has it" {
	with tcp_tw_recycle 0
	settings
	[ "$(below tcp_tw_recycle)" = "must be 0: it breaks clients behind NAT, and Linux 4.12 removed it" ]
	has_not warning
	with tcp_tw_recycle 1
	settings
	has "warning: tcp_tw_recycle is on: set it to 0"
}

@test "a file that sets tcp_tw_recycle: where, why it is gone, what to do" {
	conf etc/sysctl.conf '# from the net' '' "$RECYCLE = 1"
	settings
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	finds 1
	has "warning: $ETC/etc/sysctl.conf:3: tcp_tw_recycle does nothing since 4.12" \
		"behind NAT" "net.ipv4.tcp_tw_reuse = 1, with net.ipv4.tcp_timestamps = 1" \
		"net.ipv4.ip_local_port_range" "keep-alive, connection pools" \
		"'sudo twstat' shows who makes the waits"
}

@test "every folder is looked through, in order, and explained once" {
	# Made in another order than they are to be told in.
	for name in 40-d 10-a 50-e 30-c 20-b; do
		conf etc/sysctl.d/$name.conf ''
	done
	for file in etc/sysctl.conf etc/sysctl.d/10-a.conf etc/sysctl.d/20-b.conf \
		etc/sysctl.d/30-c.conf etc/sysctl.d/40-d.conf etc/sysctl.d/50-e.conf \
		run/sysctl.d/r.conf usr/local/lib/sysctl.d/l.conf \
		usr/lib/sysctl.d/u.conf lib/sysctl.d/x.conf; do
		conf $file "$RECYCLE = 1"
		echo "$ETC/$file:1"
	done >"$BATS_TEST_TMPDIR/expected"
	settings
	finds 10
	sed -n 's/^warning: \(.*\): tcp_tw.*/\1/p' <<<"$output" |
		diff "$BATS_TEST_TMPDIR/expected" -
	[ "$(grep -c NAT: <<<"$output")" -eq 1 ]
}

@test "each way to write it" {
	conf etc/sysctl.conf "$RECYCLE=1" 'net/ipv4/tcp_tw_recycle=1' \
		"-$RECYCLE = 1" "  - net/ipv4/tcp_tw_recycle	=	1" \
		"	 $RECYCLE	=0"
	printf '%s' "$RECYCLE = 1" >>"$ETC/etc/sysctl.conf"
	settings
	finds 6
	has "sysctl.conf:1:" "sysctl.conf:6:"
}

@test "what does not set it" {
	conf etc/sysctl.conf "# $RECYCLE = 1" "; $RECYCLE = 1" "#$RECYCLE = 1" \
		"${RECYCLE}d = 1" "x$RECYCLE = 1" "-$RECYCLE" "$RECYCLE" \
		'net.ipv4.tcp_tw_reuse = 1' 'netxipv4.tcp_tw_recycle = 1' '' \
		"kernel.core_pattern = $RECYCLE = 1"
	conf etc/sysctl.d/README "$RECYCLE = 1"
	conf etc/sysctl.d/a.conf.bak "$RECYCLE = 1"
	conf etc/sysctl.d/a.config "$RECYCLE = 1"
	conf etc/sysctl.d/.hidden.conf "$RECYCLE = 1"
	conf etc/sysctl.d/folder.conf/a.conf "$RECYCLE = 1"
	ln -s /dev/null "$ETC/etc/sysctl.d/null.conf"
	ln -s nowhere "$ETC/etc/sysctl.d/gone.conf"
	mkfifo "$ETC/etc/sysctl.d/fifo.conf"
	: >"$ETC/etc/sysctl.d/empty.conf"
	run --separate-stderr timeout 30 "$TWSTAT" --proc-root "$DATA/host" settings \
		--etc-root "$ETC"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	finds 0
	has_not warning "What does the job"
}

@test "the number of a line behind one of any length" {
	conf etc/sysctl.conf "# $(printf '%010000d' 0)" "$RECYCLE = 1" \
		"# $(printf '%04093d' 0)$RECYCLE = 1" "$RECYCLE = 1"
	settings
	finds 2
	has "sysctl.conf:2:" "sysctl.conf:4:"
}

@test "one file by two names is told once" {
	conf usr/lib/sysctl.d/a.conf "$RECYCLE = 1" "$RECYCLE = 0"
	conf etc/sysctl.conf "$RECYCLE = 1"
	ln -s usr/lib "$ETC/lib"
	mkdir -p "$ETC/etc/sysctl.d"
	ln -s ../sysctl.conf "$ETC/etc/sysctl.d/99-sysctl.conf"
	settings
	finds 3
	has "/etc/sysctl.conf:1:" "/usr/lib/sysctl.d/a.conf:1:" "/usr/lib/sysctl.d/a.conf:2:"
}

@test "a link does not lead out of the image" {
	echo "$RECYCLE = 1" >"$BATS_TEST_TMPDIR/outside"
	mkdir -p "$ETC/etc/sysctl.d"
	ln -s "$BATS_TEST_TMPDIR/outside" "$ETC/etc/sysctl.d/a.conf"
	# A name that begins like the image's is not inside it either.
	echo "$RECYCLE = 1" >"${ETC}x"
	ln -s "${ETC}x" "$ETC/etc/sysctl.d/b.conf"
	settings
	finds 0
	ETC=$ETC/../image
	conf etc/sysctl.conf "$RECYCLE = 1"
	settings
	finds 1
}

@test "a name of a file is made harmless for the terminal" {
	conf $'etc/sysctl.d/\e[31m.conf' "$RECYCLE = 1"
	settings
	finds 1
	has '/etc/sysctl.d/\033[31m.conf:1:'
}

@test "an image that is not there is an error" {
	settings --etc-root "$BATS_TEST_TMPDIR/none"
	fails_with 1 "--etc-root $BATS_TEST_TMPDIR/none: No such file"
	[ -z "$output" ]
	settings --etc-root /dev/null
	fails_with 1 "--etc-root /dev/null: Not a directory"
	[ -z "$output" ]
	# Not the host's own.
	settings --etc-root ''
	fails_with 2 "--etc-root takes a folder, not ''"
}

@test "a wrong command line is 2, one line, and names the word" {
	twstat settings extra
	fails_with 2 "settings: unexpected argument 'extra'"
	twstat settings --raw
	fails_with 2 "'--raw'; it takes --etc-root --proc-root --help"
	twstat settings --etc-root
	fails_with 2 "--etc-root needs a value"
	[ -z "$output" ]
}

@test "it fits 80 columns of plain ASCII" {
	with tcp_tw_recycle 1
	with ip_local_reserved_ports 8080
	ETC=$(mktemp -d /tmp/XXXXXX)
	conf etc/sysctl.conf "$RECYCLE = 1"
	settings
	rm -r "$ETC"
	finds 1
	longest=$(wc -L <<<"$output")
	echo "longest line: $longest"
	[ "$longest" -le 80 ]
	LC_ALL=C run ! grep -q '[^ -~]' <<<"$output"
}

@test "a pipe that is closed early ends it quietly" {
	run --separate-stderr into_closed_pipe "$TWSTAT" --proc-root "$DATA/host" settings
	[ "$status" -eq 141 ]
	[ -z "$stderr" ]
	run --separate-stderr into_closed_pipe_without_signal \
		"$TWSTAT" --proc-root "$DATA/host" settings
	[ "$status" -eq 1 ]
	[ -z "$stderr" ]
}
