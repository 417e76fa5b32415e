# SPDX-License-Identifier: GPL-2.0-only
# Who closed is noted when the FIN goes out, until the wait begins; which waits refused
# a port, until connect() has one or fails. There is room for as many notes as for
# records.

load ../lib.bash

closers() {
	$python "$BATS_TEST_DIRNAME/../closers.py" "$@"
}

@test "more sockets close than there are notes: the rest is counted, and has no owner" {
	load_timewait max_records=1024
	# Of the connections too: all on one CPU, so that none is in the stock of another.
	pid=$(closers refuse 7000 1100)
	expect entered_total 1101
	expect owners_lost_total 76
	# After the one in the way the youngest waited first, and have the records.
	expect records 1024
	equal "waits with an owner" "$(count_rows connections "pid=$pid" comm=python3)" \
		expected $((1024 - 76))
	equal "waits without" "$(count_rows connections pid=- comm=-)" expected 76
	# There was none left for what the wait in the way refused either.
	expect refused_connect_total 1
	expect reuse_connect_refused_off_total 1
	expect refusals_lost_total 1
	expect refused_connect_by_waits_total 0
	# All notes were given back; up to 64 to the stock of another CPU.
	closers close 7000 900
	expect entered_total 2001
	expect owners_lost_total 76
	expect refusals_lost_total 1
}

@test "what a wait refused is noted no longer than the socket lives, whose SYNs crossed" {
	# Not more at once than there is room for. A leak shows only with so many: who
	# comes to the address of a socket that left its note takes that one over.
	local each=525
	# A debug kernel makes no more waits than that before the first runs out.
	[ "$thin" = 1 ] || each=150
	load_timewait max_records=1024
	capture_lo "tcp port 7102 and tcp[tcpflags] & tcp-syn != 0"
	closers cross 20000 "$each"
	closers cross 21000 "$each"
	expect entered_total $((4 * each))
	expect reuse_connect_refused_off_total $((2 * each))
	# It answers the other's SYN, and not the SYN that it was sent.
	wire_shows $((2 * each)) 7102 'right S[.]'
	put '1025 65000' ip_local_port_range
	closers close 7000 900
	expect owners_lost_total 0
}
