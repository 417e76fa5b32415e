# SPDX-License-Identifier: GPL-2.0-only
# Segments that break the rules, and waits that are not TCP's: they count for what
# the kernel makes of them, and for no more.

load ../lib.bash

# wait_at PORT KIND [HOST]: one wait; sets host, port, client and rcv_nxt
wait_at() {
	port=$1 host=${3-127.0.0.1}
	local v6=
	[[ $host != *:* ]] || v6=-6
	"$traffic" $v6 -p "$port" "$2" 1
	client=$(key sport "$(wait_rows "dport=$port")")
	rcv_nxt=$(next_of "$host" "$port" "$client")
}

# send [OPTION...] FLAGS SEQ: from the peer to the wait
send() {
	local -a options=("${@:1:$#-2}")
	"$craft" "${options[@]}" "$host" "$port" "$host" "$client" "${@: -2:1}" \
		"$((${*: -1} & 0xffffffff))" 1
}

# counts KIND SEGMENT...: what is sent is of this kind, or of none
counts() {
	local kind=$1 before after
	shift
	before=$(segments)
	send "$@"
	after=$(segments)
	[ "$kind" != none ] || {
		equal "after $*" "$after" before "$before"
		return
	}
	equal "after $*" "$after" expected "$(awk -v kind="segments_${kind}_total" \
		'$1 == kind { $2 += 1 } { print $1, $2 }' <<<"$before")"
}

segments() {
	grep '^segments_' "$twait/stats"
}

@test "what the stack drops before it looks for a wait counts nothing" {
	load_timewait
	for at in "127.0.0.1 7400" "::1 7401"; do
		read -r host port <<<"$at"
		wait_at "$port" active "$host"
		errors=$(snmp InErrs)
		# A wrong checksum; a header that is too short; cut off in the header, or a
		# header longer than the segment, which the kernel drops without a word.
		counts none -b A "$rcv_nxt"
		counts none -d 4 R "$rcv_nxt"
		equal InErrs "$(snmp InErrs)" expected $((errors + 2))
		counts none -c 8 R "$rcv_nxt"
		counts none -c 19 R "$rcv_nxt"
		counts none -d 15 R "$rcv_nxt"
	done
	expect waiting 2
	balanced
}

# snmp NAME: a counter of TCP, for both address families
snmp() {
	awk -v name="$1" '$1 == "Tcp:" && !head { split($0, names); head = 1; next }
		$1 == "Tcp:" { for (i in names) if (names[i] == name) print $i }' /proc/net/snmp
}

@test "flags, windows and options that make no sense" {
	sysctl -qw net.ipv4.tcp_rfc1337=1 net.ipv4.tcp_invalid_ratelimit=0
	load_timewait
	for at in "127.0.0.1 7400" "::1 7401"; do
		read -r host port <<<"$at"
		wait_at "$port" active "$host"
		# RSTs that come with more: what makes them one wins. The ACK that an answer
		# is, is answered with a RST by a peer that has gone: none is sent here.
		counts rst SR "$rcv_nxt"
		counts rst FR "$rcv_nxt"
		counts rst SFRPA "$rcv_nxt"
		counts rst_stray SR $((rcv_nxt + 9))
		counts rst_stray FR $((rcv_nxt - 9))
		# On rcv_nxt and empty: a bare ACK, with or without the flag, whatever its
		# window, and with options that end in the middle of one, that claim no
		# length, the length of the kind itself, or one beyond the header.
		counts ack A "$rcv_nxt"
		counts ack - "$rcv_nxt"
		counts ack P "$rcv_nxt"
		counts ack -w 0 A "$rcv_nxt"
		for options in 08 0800 0801 080a 08ff 0101080a00 ff00ffff 00000000 \
			0101080a0000 020405b4 030e 050affffffffffffffff; do
			counts ack -o $options A "$rcv_nxt"
		done
		# A timestamp of a wrong length is none: PAWS does not reject by it.
		counts ack -o 0808000000010000 A "$rcv_nxt"
	done
	expect waiting 2
	expect rearmed_total 34
	expect answers_ack_total 0
	balanced
}

# The SYN that these are takes the wait; that it also has a FIN, the listener minds.
@test "SYN with FIN: a SYN to the wait" {
	# Else the RST that answers an ACK ends the wait.
	sysctl -qw net.ipv4.tcp_rfc1337=1
	load_timewait
	for host in 127.0.0.1 ::1; do
		$python "$BATS_TEST_DIRNAME/../port.py" $host 7402 server 20 >/dev/null 3>&- &
		server=$!
		eventually 10 is_waiting
		client=$(key dport "$(wait_rows sport=7402)")
		# Of two numbers that far apart one is newer and the other is not.
		"$craft" $host "$client" $host 7402 SF 1 0
		"$craft" $host "$client" $host 7402 SF $((0x80000001)) 0
		kill $server
		run wait $server
		end_waits
		eventually 5 no_wait
	done
	expect reuse_syn_allowed_seq_total 2
	equal segments_syn_total "$(stat segments_syn_total)" "taken and refused" \
		$((2 + $(stat reuse_syn_refused_old_seq_total)))
	expect ended_syn_total 2
	balanced
}

is_waiting() {
	[ -n "$(wait_rows sport=7402)" ]
}

# Any flags, any options, any numbers: nothing to check but what always holds, and
# there is much of that.
@test "300 random segments: no decision unexplained, nothing unknown" {
	local n=$((thin > 1 ? 60 : 300))
	# Else the first ACK that is answered with a RST ends a wait.
	sysctl -qw net.ipv4.tcp_rfc1337=1
	load_timewait
	"$traffic" -p 7403 active 10 >/dev/null
	"$traffic" -6 -p 7404 orphan 10 >/dev/null
	"$traffic" -p 7405 stuck 10 >"$BATS_TEST_TMPDIR/stuck" 3>&- &
	eventually 10 test -s "$BATS_TEST_TMPDIR/stuck"
	mapfile -t waits < <(grep ^src= "$twait/connections" |
		awk '{ for (i = 1; i <= 4; i++) sub(/.*=/, "", $i); print $1, $2, $3, $4 }')
	[ ${#waits[@]} -ge 20 ]
	RANDOM=1337
	local -a flags=(A R S F FA SA RA SF SR - P FPA) options=(08 080a 0101080a ff00 020405b4)
	for i in $(seq "$n"); do
		read -r src sport dst dport <<<"${waits[RANDOM % ${#waits[@]}]}"
		option=
		((RANDOM % 3)) || option="-o ${options[RANDOM % ${#options[@]}]}"
		((RANDOM % 4)) || option="$option -l $((RANDOM % 100))"
		# shellcheck disable=SC2086 # options
		"$craft" $option "$dst" "$dport" "$src" "$sport" "${flags[RANDOM % ${#flags[@]}]}" \
			$((RANDOM * 131072 + RANDOM)) 1
	done
	expect ended_unknown_total 0
	[ "$(awk '/^segments_/ { n += $2 } END { print n }' "$twait/stats")" -ge $((n / 2)) ]
	balanced
}

@test "waits of DCCP are not TCP's" {
	modprobe dccp_ipv4 2>/dev/null || skip "this kernel has no DCCP"
	load_timewait
	before=$(key hits "$(rows hooks hook=enter)")
	# In a namespace that goes with them: TcpExtTW counts them too, a minute later.
	ip netns add dccp
	ip -n dccp link set lo up
	nsenter --net=/run/netns/dccp $python - <<-'END'
	import socket
	def dccp():
	    s = socket.socket(socket.AF_INET, 6, 33)
	    s.setsockopt(269, 2, b"\0\0\0\1")	# DCCP_SOCKOPT_SERVICE
	    return s
	l = dccp(); l.bind(("127.0.0.1", 7405)); l.listen(5)
	for _ in range(3):
	    c = dccp(); c.connect(("127.0.0.1", 7405))
	    s, _ = l.accept()
	    s.close(); c.close()
	END
	# There are some: the kernel passed our hook.
	eventually 10 dccp_waits
	nsenter --net=/run/netns/dccp cat "$twait/stats" >"$BATS_TEST_TMPDIR/stats"
	ip netns del dccp
	[ "$(grep -cE '^(entered_total|adopted_total|waiting) 0$' "$BATS_TEST_TMPDIR/stats")" = 3 ]
	balanced
}

dccp_waits() {
	[ "$(key hits "$(rows hooks hook=enter)")" -gt "$before" ]
}
