# SPDX-License-Identifier: GPL-2.0-only
# Very many segments for one wait: all counted, no memory taken, and what a reader
# is too slow for is lost countedly.

load ../lib.bash

prepare() {
	n=$((20000 / thin))
	# Else the first answer of the peer, who has gone, ends the wait.
	sysctl -qw net.ipv4.tcp_rfc1337=1 net.ipv4.tcp_invalid_ratelimit=0
	load_timewait
	"$traffic" active 1
	"$traffic" -6 -p 7001 active 1
}

# flood HOST PORT FLAGS SEQ: n of them
flood() {
	"$craft" -n "$n" "$1" "$2" "$1" "$(key sport "$(wait_rows "dport=$2")")" "$3" "$4" 0
}

unreclaimable_kib() {
	awk '$1 == "SUnreclaim:" { print $2 }' /proc/meminfo
}

# little_more BEFORE: what the kernel itself takes and gives back; a record or an
# event a segment would be ten times as much
little_more() {
	local now
	now=$(unreclaimable_kib)
	echo "unreclaimable: $1 KiB before, $now KiB after $n segments" >&2
	# KASAN keeps what was freed, of which there is more than a record for each.
	[ "$thin" -gt 1 ] ||
		[ $((now - $1)) -le $((n * 20 / 1024 + 2048)) ]
}

@test "RSTs: each counted, nothing kept" {
	prepare
	flood 127.0.0.1 7000 R 1
	before=$(unreclaimable_kib)
	flood 127.0.0.1 7000 R 1
	flood ::1 7001 R 1
	little_more "$before"
	expect segments_rst_stray_total $((3 * n))
	expect answers_none_total $((3 * n))
	expect records 2
	expect records_lost_total 0
	equal "RSTs ignored" "$(key rst_ignored "$(wait_rows dport=7001)")" sent "$n"
	[ "$(count_rows assassinations)" = 0 ]
	balanced
}

@test "SYNs: each decided and counted, of the refused few are kept" {
	prepare
	begin=$SECONDS
	flood 127.0.0.1 7000 S 1
	before=$(unreclaimable_kib)
	flood 127.0.0.1 7000 S 1
	flood ::1 7001 S 1
	took=$((SECONDS - begin + 2))
	little_more "$before"
	expect segments_syn_total $((3 * n))
	eventually 5 all_decided
	expect reuse_syn_allowed_total 0
	expect waiting 2
	# 32 a second and CPU.
	[ "$(count_rows reuse path=syn verdict=refused)" -le $((took * 2 * 32)) ]
	[ "$(count_rows reuse path=syn verdict=refused)" -ge 32 ]
	balanced
}

all_decided() {
	[ "$(stat reuse_syn_refused_total)" = $((3 * n)) ]
}

@test "events of a flood: read and lost are what was emitted" {
	prepare
	client=$(key sport "$(wait_rows dport=7000)")
	before=$(stat events_total)
	run -0 $python - "$craft" "$n" "$client" <<-'END'
	import errno, os, subprocess, sys
	craft, n, client = sys.argv[1:]
	fd = os.open("/proc/net/timewait/events", os.O_RDONLY | os.O_NONBLOCK)
	os.read(fd, 4096)
	subprocess.run([craft, "-n", n, "127.0.0.1", "7000", "127.0.0.1", client, "R", "1", "0"],
	               check=True, stdout=subprocess.DEVNULL)
	read = 0
	while True:
	    try:
	        os.read(fd, 4096)
	        read += 1
	    except OSError as e:
	        if e.errno == errno.EAGAIN:
	            break
	        assert e.errno == errno.EPIPE, e
	print(read)
	END
	equal "read and lost" "$((output + $(stat events_lost_total)))" \
		emitted "$(($(stat events_total) - before))"
	equal emitted "$(($(stat events_total) - before))" segments "$n"
	balanced
}
