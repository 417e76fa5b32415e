# SPDX-License-Identifier: GPL-2.0-only
# What reaches a wait, of what kind it is, and what the kernel answers: counted,
# in the stream and in a capture alike.

load ../lib.bash

# Nobody is left behind by a test that fails.
reader=
teardown() {
	[ -z "$reader" ] || kill "$reader" 2>/dev/null || :
	teardown_timewait
}

# Each ACK of a wait goes to a peer that has gone, whose host answers with a RST
# on rcv_nxt: of kind rst, and ignored with tcp_rfc1337=1.
prepare() {
	reader=''
	sysctl -qw net.ipv4.tcp_rfc1337=1 net.ipv4.tcp_invalid_ratelimit=0
	load_timewait
	follow_events "$BATS_TEST_TMPDIR/events"
}

# wait_of HOST PORT: one wait there, all that the peer sends captured; sets client,
# and rcv_nxt by a first segment from nowhere near
wait_of() {
	host=$1 port=$2
	local v6=
	[[ $host != *:* ]] || v6=-6
	capture here "$BATS_TEST_TMPDIR/$port.pcap" "src port $port"
	"$traffic" $v6 -p "$port" active 1
	client=$(key sport "$(wait_rows "dport=$port")")
	eventually 10 has_captured F
	before=$(captured)
	# The peer's last timestamp.
	tsval=$(text | grep -o 'TS val [0-9]*' | tail -n 1 | cut -d ' ' -f 3)
	send A 1
	eventually 10 told "event=segment .*dport=$port .*kind=window .*answer=ack"
	rcv_nxt=$(key rcv_nxt "$(grep "kind=window" <"$BATS_TEST_TMPDIR/events" |
		grep "dport=$port " | head -n 1)")
	[ "$rcv_nxt" -gt 0 ]
}

# send [OPTION...] FLAGS SEQ: from the peer to the wait
send() {
	local -a options=("${@:1:$#-2}")
	"$craft" "${options[@]}" "$host" "$port" "$host" "$client" "${@: -2:1}" "${@: -1}" 1
}

told() {
	grep -q "$1" "$BATS_TEST_TMPDIR/events"
}

# answered KIND ANSWER COUNT: so many in the stream, of this port
answered() {
	[ "$(grep -c "event=segment .*dport=$port .*kind=$1 .*answer=$2\$" \
		"$BATS_TEST_TMPDIR/events")" = "$3" ]
}

# text: the capture, a line a segment
text() {
	read_capture -n "$BATS_TEST_TMPDIR/$port.pcap"
}

captured() {
	text | wc -l
}

all_captured() {
	[ $(($(captured) - before)) = "$1" ]
}

# has_captured FLAG: as tcpdump prints it
has_captured() {
	text | grep -q "Flags \[[^]]*$1"
}

stop() {
	kill -INT "$1"
	wait "$1"
}

# bats test_tags=scenario,stray-data
@test "each kind and its answer, as the capture shows" {
	prepare
	for at in "127.0.0.1 7000" "::1 7001"; do
		# shellcheck disable=SC2086 # host and port
		wait_of $at
		send A "$rcv_nxt"
		send -l 10 A $((rcv_nxt - 11))
		send FA $((rcv_nxt - 1))
		send -l 10 A $((rcv_nxt + 5))
		send R $((rcv_nxt + 1))
		send R "$rcv_nxt"
		# Old by sequence number; so is its timestamp.
		send S $((rcv_nxt - 100))
		send -t $(((tsval - 1000) & 0xffffffff)) A "$rcv_nxt"
		# The first one and these: 6 ACKs, each of which a RST answers.
		eventually 10 answered rst none 7
		answered window ack 2
		answered ack none 1
		answered data ack 1
		answered fin ack 1
		answered rst_stray none 1
		answered syn ack 1
		answered paws ack 1
		eventually 10 all_captured 15
		stop_captures
		row=$(wait_rows "dport=$port")
		equal segments "$(key segments "$row")" captured $(($(captured) - before))
		equal "RSTs ignored" "$(key rst_ignored "$row")" expected 8
	done
	expect segments_window_total 4
	expect segments_ack_total 2
	expect segments_data_total 2
	expect segments_fin_total 2
	expect segments_rst_total 14
	expect segments_rst_stray_total 2
	expect segments_syn_total 2
	expect segments_paws_total 2
	expect answers_ack_total 12
	expect answers_none_total 18
	expect answers_limited_total 0
	# From a few seconds to less than a minute old.
	equal "in the histogram" "$(awk -F '[ =]' '/histogram=segment_age/ { n += $8 }
		END { print n }' "$twait/histograms")" segments 30
	stop "$reader"
	balanced
}

@test "an ACK that is withheld by the rate limit" {
	prepare
	wait_of 127.0.0.1 7000
	sysctl -qw net.ipv4.tcp_invalid_ratelimit=60000
	# The first one, of just now, was ACKed.
	for i in 1 2 3 4; do
		send A $((rcv_nxt - 10))
	done
	eventually 10 answered window limited 4
	expect answers_limited_total 4
	# Data is answered all the same.
	send -l 10 A $((rcv_nxt - 10))
	eventually 10 answered data ack 1
	stop_captures
	stop "$reader"
	sysctl -qw net.ipv4.tcp_invalid_ratelimit=500
}

# bats test_tags=scenario,rst-assassination
@test "an assassination is one story: the old duplicate, the ACK, the RST" {
	sysctl -qw net.ipv4.tcp_rfc1337=0
	load_timewait
	"$traffic" active 1
	"$traffic" -6 -p 7001 active 1
	for at in "127.0.0.1 7000" "::1 7001"; do
		read -r host port <<<"$at"
		client=$(key sport "$(wait_rows "dport=$port")")
		send -l 10 A 1
		row=$(rows assassinations fate=rst "dport=$port")
		equal kind "$(key kind "$row")" expected rst
		equal "RST's number" "$(key seg_seq "$row")" rcv_nxt "$(key rcv_nxt "$row")"
		# What our ACK answered was no retransmission: elsewhere, or old.
		[[ $(key acked_kind "$row") =~ ^(window|data)$ ]]
		[ "$(key acked_ms "$row")" -lt 5000 ]
		[ "$(key left_ms "$row")" -gt 0 ]
	done
	balanced
}

@test "how long waits lasted is in the histogram" {
	sysctl -qw net.ipv4.tcp_fin_timeout=2
	load_timewait
	"$traffic" connect 5
	"$traffic" -p 7001 active 3
	equal "reused within a second" "$(awk -F '[ =]' '/histogram=length/ { n += $8 }
		END { print n }' "$twait/histograms")" ended 5
	end_waits
	eventually 10 expect waiting 0 2>/dev/null
	equal ended "$(awk -F '[ =]' '/histogram=length/ { n += $8 }
		END { print n }' "$twait/histograms")" expected 8
}
