# SPDX-License-Identifier: GPL-2.0-only
# What reaches a wait, of what kind it is, and what the kernel answers: counted,
# in the stream and in a capture alike.

load ../lib.bash

# Nobody is left behind by a test that fails.
reader=
holder=
teardown() {
	[ -z "$reader" ] || kill "$reader" 2>/dev/null || :
	[ -z "$holder" ] || kill "$holder" 2>/dev/null || :
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

# wait_of HOST PORT: one wait there, captured; sets client, and rcv_nxt by a first
# segment from nowhere near
wait_of() {
	host=$1 port=$2
	local v6=
	[[ $host != *:* ]] || v6=-6
	capture here "$BATS_TEST_TMPDIR/$port.pcap" "tcp port $port"
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
	"$craft" "${options[@]}" "$host" "$port" "$host" "$client" "${@: -2:1}" \
		"$((${*: -1} & 0xffffffff))" 1
}

told() {
	grep -q "$1" "$BATS_TEST_TMPDIR/events"
}

# answered KIND ANSWER COUNT: so many in the stream, of this port
answered() {
	[ "$(grep -c "event=segment .*dport=$port .*kind=$1 .*answer=$2\$" \
		"$BATS_TEST_TMPDIR/events")" = "$3" ]
}

# text [WHOSE]: of the capture what the peer sent (src), or what it got (dst), a line
# a segment
text() {
	read_capture -nS "$BATS_TEST_TMPDIR/$port.pcap" "${1-src} port $port"
}

captured() {
	text | wc -l
}

all_captured() {
	[ $(($(captured) - before)) = "$1" ]
}

# acks_since_fin: how many ACKs and nothing else the wait has sent, but for that of the
# FIN by which it began
acks_since_fin() {
	text dst | awk '/Flags \[F/ { n = -1; next } /Flags \[[.]\]/ { n++ } END { print n }'
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
		equal "ACKs on the wire" "$(acks_since_fin)" "answers that were ACKs" 6
		row=$(wait_rows "dport=$port")
		equal segments "$(key segments "$row")" captured $(($(captured) - before))
		equal "RSTs ignored" "$(key rst_ignored "$row")" expected 8
	done
	expect segments_window_total 4
	expect segments_ack_total 2
	expect segments_data_total 2
	expect segments_fin_total 2
	expect segments_rst_total 14
	expect rst_ignored_by_rfc1337_total 14
	expect segments_rst_stray_total 2
	expect segments_syn_total 2
	expect segments_paws_total 2
	expect answers_ack_total 12
	expect answers_none_total 18
	expect answers_limited_total 0
	equal "in the histogram" "$(in_histogram segment_age)" segments 30
	stop "$reader"
	balanced
}

# bats test_tags=scenario,stray-data
@test "an ACK that is withheld by the rate limit" {
	prepare
	for at in "127.0.0.1 7000" "::1 7001"; do
		sysctl -qw net.ipv4.tcp_invalid_ratelimit=0
		# shellcheck disable=SC2086 # host and port
		wait_of $at
		sysctl -qw net.ipv4.tcp_invalid_ratelimit=60000
		# The first one, of just now, was ACKed.
		for i in 1 2 3 4; do
			send A $((rcv_nxt - 10))
		done
		eventually 10 answered window limited 4
		equal "ACKs on the wire" "$(acks_since_fin)" expected 1
		# Data is answered all the same.
		send -l 10 A $((rcv_nxt - 10))
		eventually 10 answered data ack 1
		eventually 10 has_acked 2
		stop_captures
		equal "ACKs on the wire" "$(acks_since_fin)" expected 2
	done
	expect answers_limited_total 8
	expect answers_ack_total 4
	stop "$reader"
	balanced
}

has_acked() {
	[ "$(acks_since_fin)" -ge "$1" ]
}

# in_histogram NAME [FROM_MS BELOW_MS]: how many; of those not below FROM_MS and surely
# below BELOW_MS
in_histogram() {
	awk -F '[ =]' -v name="$1" -v from="${2-0}" -v below="${3-0}" '
		$2 == name && $4 >= from && (!below || $6 != "-" && $6 <= below) { n += $8 }
		END { print n + 0 }' "$twait/histograms"
}

# bats test_tags=scenario,stray-data
@test "ages: of segments and of waits, where they belong in the histograms" {
	load_timewait
	local begun=$SECONDS
	for at in "127.0.0.1 7000" "::1 7001"; do
		read -r host port <<<"$at"
		[[ $host != *:* ]] && v6='' || v6=-6
		"$traffic" $v6 -p "$port" active 1
	done
	sleep 2.1
	for at in "127.0.0.1 7000" "::1 7001"; do
		read -r host port <<<"$at"
		client=$(key sport "$(wait_rows "dport=$port")")
		# From nowhere near, a RST: nothing comes of it.
		send R 1
	done
	most=$(((SECONDS - begun + 1) * 1000))
	expect segments_rst_stray_total 2
	equal "segments of two seconds and more" "$(in_histogram segment_age 2048)" expected 2
	equal "of any age" "$(in_histogram segment_age)" expected 2
	between 2100 "$(stat segment_age_max_ms)" "$most"
	end_waits
	eventually 5 no_wait
	most=$(((SECONDS - begun + 1) * 1000))
	equal "waits of two seconds and more" "$(in_histogram length 2048)" expected 2
	equal "of any length" "$(in_histogram length)" expected 2
	between 2100 "$(stat length_max_ms)" "$most"
	between 4200 "$(stat length_ms_total)" $((2 * most))
	balanced
}

# between LEAST NUMBER MOST
between() {
	[ "$1" -le "$2" ] && [ "$2" -le "$3" ] || {
		echo "$2 is not from $1 to $3" >&2
		return 1
	}
}

# answer_of_fin_wait2 [OPTION...] FLAGS OFFSET -- KIND ANSWER FATE: what the peer sends,
# so far from rcv_nxt, to a FIN_WAIT2 that nothing else was sent to, is of this kind,
# and answered so; FATE is how that ends, or none
answer_of_fin_wait2() {
	local -a segment=()
	local sent
	while [ "$1" != -- ]; do
		segment+=("$1")
		shift
	done
	client=${clients[0]}
	clients=("${clients[@]:1}")
	rcv_nxt=$(next_of "$host" "$port" "$client")
	sent=$(((rcv_nxt + segment[-1]) & 0xffffffff))
	send "${segment[@]:0:${#segment[@]}-1}" "$sent"
	eventually 10 told "event=segment .*sport=$client .*kind=$2 seg_seq=$sent .*rcv_nxt=$rcv_nxt answer=$3\$" || {
		grep "sport=$client " "$BATS_TEST_TMPDIR/events" >&2
		return 1
	}
	if [ "$4" = none ]; then
		[ "$(count_rows connections "sport=$client" state=fin_wait2)" = 1 ]
	else
		row=$(rows assassinations "fate=$4" "sport=$client" state=fin_wait2)
		equal "its number" "$(key seg_seq "$row")" sent "$sent"
		equal "what was expected" "$(key rcv_nxt "$row")" told "$rcv_nxt"
		equal kind "$(key kind "$row")" sent "$2"
	fi
}

# bats test_tags=scenario,stray-data
@test "to a FIN_WAIT2: each kind and its answer, as the capture shows" {
	prepare
	for at in "127.0.0.1 7100" "::1 7101"; do
		read -r host port <<<"$at"
		# shellcheck disable=SC2046 # eight of them
		$python "$BATS_TEST_DIRNAME/../port.py" "$host" "$port" \
			$(printf 'fin_wait2 %.0s' {1..8}) 120 >/dev/null 3>&- &
		holder=$!
		eventually 60 eight_in_fin_wait2
		mapfile -t clients < <(wait_rows "dport=$port" | grep -o 'sport=[0-9]*' | cut -d = -f 2)
		capture here "$BATS_TEST_TMPDIR/$port.pcap" "tcp port $port"
		# In the window, though not on rcv_nxt; and outside of it.
		answer_of_fin_wait2 R 5 -- rst none rst
		answer_of_fin_wait2 R -5 -- rst_stray ack none
		answer_of_fin_wait2 S 1 -- syn rst reset
		answer_of_fin_wait2 A 0 -- ack none none
		answer_of_fin_wait2 A -5 -- window ack none
		answer_of_fin_wait2 -l 10 A 0 -- data rst reset
		answer_of_fin_wait2 -l 10 A 10 -- data rst reset
		answer_of_fin_wait2 -l 5 FA 0 -- fin rst reset
		# To each the RST of next_of came first, which is ACKed.
		eventually 10 has_answered 10 4
		equal "RSTs on the wire" "$(text dst | grep -c 'Flags \[R')" expected 4
		# The peer's own FINs. A crafted one would begin a war of ACKs: the peer knows
		# nothing of it.
		kill "$holder"
		run wait "$holder"
		holder=''
		# To those that are no more, the host answers RST.
		eventually 10 has_answered 13 9
		stop_captures
		equal "ACKs on the wire" "$(text dst | grep -c 'Flags \[[.]\]')" expected 13
		equal "RSTs on the wire" "$(text dst | grep -c 'Flags \[R')" expected 9
		[ "$(count_rows connections "dport=$port" state=time_wait way=fin_wait2 segments=3)" = 3 ]
	done
	expect segments_rst_total 2
	expect segments_rst_stray_total 18
	expect segments_syn_total 2
	expect segments_ack_total 2
	expect segments_window_total 2
	expect segments_data_total 4
	expect segments_fin_total 8
	expect answers_ack_total 26
	expect answers_rst_total 8
	expect answers_none_total 4
	expect reuse_syn_refused_fin_wait2_total 2
	expect advanced_total 6
	# What never came to be a TIME_WAIT leaves no ghost.
	expect late_total 0
	stop "$reader"
	balanced
}

eight_in_fin_wait2() {
	[ "$(count_rows connections "dport=$port" state=fin_wait2)" = 8 ]
}

# has_answered ACKS RSTS
has_answered() {
	[ "$(text dst | grep -c 'Flags \[[.]\]')" -ge "$1" ] &&
		[ "$(text dst | grep -c 'Flags \[R')" -ge "$2" ]
}

# bats test_tags=scenario,rst-assassination
@test "an assassination is one story: the old duplicate, the ACK, the RST" {
	sysctl -qw net.ipv4.tcp_rfc1337=0
	load_timewait
	for at in "127.0.0.1 7000" "::1 7001"; do
		read -r host port <<<"$at"
		[[ $host != *:* ]] && v6='' || v6=-6
		capture here "$BATS_TEST_TMPDIR/$port.pcap" "tcp port $port"
		"$traffic" $v6 -p "$port" active 1
		client=$(key sport "$(wait_rows "dport=$port")")
		# The peer has sent a SYN and a FIN, each of which counts one.
		eventually 10 has_captured F
		rcv_nxt=$(text | awk '/Flags \[S/ { sub(/.* seq /, ""); printf "%.0f", $1 + 2; exit }')
		before=$(captured)
		send -l 10 A $((rcv_nxt - 11))
		eventually 10 all_captured 2
		stop_captures
		# On the wire: it, the ACK, and the RST with the number that the ACK called for.
		equal "what it came to" "$(read_capture -nS "$BATS_TEST_TMPDIR/$port.pcap" | tail -n 3 |
			sed -n "s/.*[.]$port > .*Flags \\[\\([^]]*\\).*/from \\1/p
				s/.*[.]$port: Flags \\[\\([^]]*\\).*/to \\1/p" | paste -s -d ' ')" \
			expected "from . to . from R"
		sent=$(text | tail -n 1 | sed 's/.* seq \([0-9]*\).*/\1/')
		row=$(rows assassinations fate=rst "dport=$port")
		equal "RST's number" "$(key seg_seq "$row")" "on the wire" "$sent"
		equal rcv_nxt "$(key rcv_nxt "$row")" captured $((rcv_nxt & 0xffffffff))
		equal "number and rcv_nxt" "$(key seg_seq "$row")" "one" "$(key rcv_nxt "$row")"
		equal kind "$(key kind "$row")" expected rst
		# What our ACK answered.
		equal acked_kind "$(key acked_kind "$row")" expected data
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
	equal "reused within a second" "$(in_histogram length)" ended 5
	end_waits
	eventually 10 expect waiting 0 2>/dev/null
	equal ended "$(in_histogram length)" expected 8
}
