# SPDX-License-Identifier: GPL-2.0-only
# Who wants the four-tuple of a wait again, what the kernel says, and why. The
# reason must be the one that was arranged, and the verdict the kernel's.

load ../lib.bash

# Nobody is left behind by a test that fails.
helpers_of_test=
teardown() {
	# shellcheck disable=SC2086 # numbers or none
	[ -z "$helpers_of_test" ] || kill $helpers_of_test 2>/dev/null || :
	teardown_timewait
}

# All connections of these tests come from one port, so that the wait is in the
# way of the next one. An address that is not of loopback, though it is here.
one_port() {
	sysctl -qw net.ipv4.ip_local_port_range='20000 20000'
	ip address replace 10.9.9.1/32 dev lo
	ip address replace fd09::1/128 dev lo nodad
}

# port HOST ACTION...: sets said, in one line
port() {
	said=$($python "$BATS_TEST_DIRNAME/../port.py" "$1" 7100 "${@:2}" | tr '\n' ' ')
	echo "$* said: $said" >&2
}

# decided PATH VERDICT REASON HOST: just so, once, on both records; then no wait
decided() {
	expect "reuse_$1_$2_$3_total" 1
	expect "reuse_$1_$2_total" 1
	row=$(rows reuse event=reuse "path=$1" "verdict=$2" "reason=$3")
	equal "lines in reuse" "$(wc -l <<<"$row")" expected 1
	balanced
	end_waits
	eventually 5 no_wait
	rmmod timewait
}

# bats test_tags=scenario,connect-reuse
@test "connect, refused: off" {
	one_port
	for host in 127.0.0.1 ::1; do
		load_timewait
		capture_lo 'tcp port 7100'
		port $host tcp_tw_reuse=0 wait 2.1 again
		[ "$said" = "ok ok ok EADDRNOTAVAIL " ]
		# That of the first connection.
		wire_shows 1 7100 'left S'
		decided connect refused off
		[ "$(key tw_reuse "$row")" = 0 ]
		[ "$(key src "$row")" = $host ]
		[ "$(key refused "$row")" = 1 ]
	done
}

# bats test_tags=scenario,connect-reuse
@test "connect, refused: not_loopback" {
	one_port
	for host in 10.9.9.1 fd09::1; do
		load_timewait
		capture_lo 'tcp port 7100'
		port $host tcp_tw_reuse=2 wait 2.1 again
		[ "$said" = "ok ok ok EADDRNOTAVAIL " ]
		wire_shows 1 7100 'left S'
		decided connect refused not_loopback
	done
}

# The kernel's default.
# bats test_tags=scenario,connect-reuse
@test "connect, allowed: over loopback, where tcp_tw_reuse is 2" {
	one_port
	for at in "127.0.0.1 127.0.0.1" "::1 ::1" "::ffff:127.0.0.1 127.0.0.1" \
			"10.9.9.1 10.9.9.1 on_lo" "fd09::1 fd09::1 on_lo"; do
		read -r host shown actions <<<"$at"
		load_timewait
		capture_lo 'tcp port 7100'
		# shellcheck disable=SC2086 # one or none
		port $host tcp_tw_reuse=2 $actions wait 2.1 again
		[ "$said" = "ok ok ${actions:+ok }ok ok " ]
		wire_shows 2 7100 'left S'
		decided connect allowed timestamps
		[ "$(key tw_reuse "$row")" = 2 ]
		[ "$(key dst "$row")" = "$shown" ]
	done
}

# bats test_tags=scenario,connect-reuse
@test "connect, refused: no_timestamps" {
	one_port
	for host in 127.0.0.1 ::1; do
		load_timewait
		capture_lo 'tcp port 7100'
		port $host tcp_tw_reuse=1 tcp_timestamps=0 wait tcp_timestamps=1 2.1 again
		[ "$said" = "ok ok ok ok ok EADDRNOTAVAIL " ]
		wire_shows 1 7100 'left S'
		decided connect refused no_timestamps
		[ "$(key ts_recent "$row")" = - ]
	done
}

# Bound first, and without timestamps: that too is refused.
# bats test_tags=scenario,connect-reuse
@test "connect, refused: no_timestamps, though bound" {
	one_port
	for host in 127.0.0.1 ::1; do
		load_timewait
		capture_lo 'tcp port 7100'
		port $host tcp_timestamps=0 reusable tcp_timestamps=1 bound
		[ "$said" = "ok ok ok EADDRNOTAVAIL " ]
		wire_shows 1 7100 'left S'
		expect refused_connect_total 1
		expect refused_connect_by_waits_total 1
		[ "$(count_rows reuse event=refusal path=connect "dst=$host" held=1)" = 1 ]
		decided connect refused no_timestamps
	done
}

@test "connect: never asked, where bind() refuses the port before" {
	one_port
	load_timewait
	# The old socket lacked SO_REUSEADDR.
	port 127.0.0.1 wait bound
	[ "$said" = "ok EADDRINUSE " ]
	expect reuse_connect_refused_total 0
	expect refused_connect_total 0
	expect refused_bind_total 1
}

# bats test_tags=scenario,connect-reuse
@test "connect, refused: too_young, and allowed when it is old enough" {
	one_port
	for host in 127.0.0.1 10.9.9.1 ::1 fd09::1; do
		load_timewait
		# Up to 6.13 the kernel looks at whole seconds.
		port $host tcp_tw_reuse=1 young
		[ "$said" = "ok EADDRNOTAVAIL " ]
		decided connect refused too_young
		[ "$(key delay_ms "$row")" = 1000 ]
		[ "$(key ts_age_s "$row")" -le 1 ]

		load_timewait
		capture_lo 'tcp port 7100'
		port $host wait 2.1 again
		[ "$said" = "ok ok ok " ]
		wire_shows 2 7100 'left S'
		decided connect allowed timestamps
		# It begins beyond all that the old one can have sent.
		equal "first number" "$(key seg_seq "$row")" "snd_nxt + 65537" \
			$((($(key snd_nxt "$row") + 65537) & 0xffffffff))
	done
}

# bats test_tags=scenario,connect-reuse
@test "connect: tcp_tw_reuse_delay, where the kernel has it" {
	[ -e /proc/sys/net/ipv4/tcp_tw_reuse_delay ] || skip "since 6.14"
	one_port
	for host in 127.0.0.1 ::1; do
		load_timewait
		capture_lo 'tcp port 7100'
		port $host tcp_tw_reuse=1 tcp_tw_reuse_delay=60000 wait 2.1 again
		put 1000 tcp_tw_reuse_delay
		[ "$said" = "ok ok ok ok EADDRNOTAVAIL " ]
		wire_shows 1 7100 'left S'
		decided connect refused too_young
		[ "$(key delay_ms "$row")" = 60000 ]
	done
}

# bats test_tags=scenario,connect-reuse
@test "connect: fin_wait2, where the kernel looks at it" {
	one_port
	for host in 127.0.0.1 ::1; do
		load_timewait
		capture_lo 'tcp port 7100'
		port $host tcp_tw_reuse=1 fin_wait2 2.1 again
		if kernel_is 5.10; then
			[ "$said" = "ok ok ok ok " ]
			# The peer is still in CLOSE_WAIT, and answers the second one with an ACK.
			wire_shows 3 7100 'left S'
			[ "$(key note "$(rows hooks hook=connect)")" = fin_wait2_reusable,whole_seconds ]
			expect reuse_connect_allowed_timestamps_total 1
			[ "$(key state "$(rows reuse reason=timestamps)")" = fin_wait2 ]
		else
			[ "$said" = "ok ok ok EADDRNOTAVAIL " ]
			wire_shows 1 7100 'left S'
			expect reuse_connect_refused_fin_wait2_total 1
			[ "$(key state "$(rows reuse reason=fin_wait2)")" = fin_wait2 ]
		fi
		balanced
		end_waits
		eventually 5 no_wait
		rmmod timewait
	done
}

# bind() before connect() skips tcp_tw_reuse and the delay.
# bats test_tags=scenario,connect-reuse
@test "connect, allowed: bound, whatever tcp_tw_reuse says" {
	load_timewait
	sysctl -qw net.ipv4.tcp_tw_reuse=0
	capture_lo 'tcp portrange 7000-7001'
	"$traffic" connect 5
	"$traffic" -6 -p 7001 connect 5
	expect reuse_connect_allowed_bound_total 10
	expect reuse_connect_allowed_total 10
	[ "$(count_rows reuse verdict=allowed reason=bound tw_reuse=0)" = 10 ]
	# Each twice.
	captured 10 7001 'left S'
	wire_shows 10 7000 'left S'
	wire_shows 10 7001 'left S'
	balanced
}

@test "connect, allowed: repair" {
	load_timewait
	for at in "127.0.0.1 7100" "::1 7101"; do
		$python - $at <<-'END'
	import socket, sys
	host, port = sys.argv[1], int(sys.argv[2])
	family = socket.AF_INET6 if ":" in host else socket.AF_INET
	l = socket.create_server((host, port), family=family)
	def client(local=0):
	    c = socket.socket(family)
	    c.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
	    c.bind((host, local))
	    return c
	c = client()
	c.connect((host, port))
	s, _ = l.accept()
	c.shutdown(socket.SHUT_WR); s.recv(1); s.close(); c.recv(1)
	local = c.getsockname()[1]
	c.close()
	c = client(local)
	c.setsockopt(socket.IPPROTO_TCP, 19, 1)
	c.connect((host, port))
	c.close()
	END
	done
	expect reuse_connect_allowed_repair_total 2
	expect reuse_connect_allowed_total 2
	# The numbers are those that the socket was given: none.
	balanced
}

# capture_syns: those towards the server
capture_syns() {
	local is_syn='tcp[tcpflags] & tcp-syn != 0'
	# tcpdump does not look into the TCP header of IPv6 by name.
	[ $host != ::1 ] || is_syn='ip6[53] & 2 != 0'
	capture here "$BATS_TEST_TMPDIR/pcap" "dst port 7100 and $is_syn"
}

# rcv_nxt_of PORT: what a wait expects next of a peer that sent a SYN and a FIN
rcv_nxt_of() {
	eventually 5 is_captured "$1" && read_capture -nS "$BATS_TEST_TMPDIR/pcap" "src port $1" |
		awk '{ sub(/.* seq /, ""); printf "%.0f\n", $1 + 2; exit }'
}

is_captured() {
	read_capture -n "$BATS_TEST_TMPDIR/pcap" "src port $1" | grep -q .
}

# captured_syns COUNT
captured_syns() {
	[ "$(read_capture -n "$BATS_TEST_TMPDIR/pcap" | wc -l)" -ge "$1" ]
}

# syn [-t TSVAL] PORT SEQ: to the wait, from the peer. It is on loopback: it has
# been dealt with when craft has ended.
syn() {
	local -a options=("${@:1:$#-2}")
	"$craft" "${options[@]}" $host "${@: -2:1}" $host 7100 S "$((${*: -1} & 0xffffffff))" 0
}

# refused_syn PORT REASON COUNT
refused_syn() {
	equal "SYNs refused for $2" "$(count_rows reuse path=syn verdict=refused \
		"dport=$1" "reason=$2")" expected "$3"
}

# Three waits of the server, that SYNs of ours reach.
# bats test_tags=scenario,syn-takeover
@test "syn: refused old_seq and paws, allowed timestamp and seq; as captured" {
	# Else the RST that answers an ACK ends the wait.
	sysctl -qw net.ipv4.tcp_rfc1337=1 net.ipv4.tcp_invalid_ratelimit=0
	load_timewait
	for host in 127.0.0.1 ::1; do
		capture_syns
		$python "$BATS_TEST_DIRNAME/../port.py" $host 7100 server server server 60 \
			>/dev/null 3>&- &
		server=$!
		helpers_of_test="$helpers_of_test $server"
		eventually 30 three_wait
		n=0
		for client in $(wait_rows sport=7100 | grep -o 'dport=[0-9]*' | cut -d = -f 2); do
			rcv_nxt=$(rcv_nxt_of "$client")
			syn "$client" $((rcv_nxt - 1000))
			refused_syn "$client" old_seq 1
			row=$(rows reuse path=syn "dport=$client")
			equal rcv_nxt "$(key rcv_nxt "$row")" captured "$((rcv_nxt & 0xffffffff))"
			ts_recent=$(key ts_recent "$row")
			syn -t $(((ts_recent - 1000) & 0xffffffff)) "$client" $((rcv_nxt + 1000))
			refused_syn "$client" paws 1
			case $((n++)) in
			0)	# Old by its number, but with a newer timestamp.
				syn -t $(((ts_recent + 1000) & 0xffffffff)) "$client" $((rcv_nxt - 1000))
				row=$(rows reuse path=syn "dport=$client" verdict=allowed reason=timestamp)
				equal tsval "$(key tsval "$row")" sent $(((ts_recent + 1000) & 0xffffffff)) ;;
			1)	syn "$client" $((rcv_nxt + 1000))
				row=$(rows reuse path=syn "dport=$client" verdict=allowed reason=seq)
				equal seg_seq "$(key seg_seq "$row")" sent $(((rcv_nxt + 1000) & 0xffffffff))
				[ "$(key tsval "$row")" = - ] ;;
			2)	# On rcv_nxt itself is not beyond.
				syn "$client" "$rcv_nxt"
				refused_syn "$client" old_seq 2 ;;
			esac
		done
		kill "$server"
		run wait "$server"
		eventually 10 captured_syns 12 2>/dev/null || :
		stop_captures
		# Three that made the connections, and nine of ours.
		equal "captured SYNs" "$(read_capture -n "$BATS_TEST_TMPDIR/pcap" | wc -l)" \
			expected 12
		end_waits
		eventually 5 no_wait
	done
	expect reuse_syn_refused_old_seq_total 8
	expect reuse_syn_refused_paws_total 6
	expect reuse_syn_refused_total 14
	expect reuse_syn_allowed_timestamp_total 2
	expect reuse_syn_allowed_seq_total 2
	expect ended_syn_total 4
	expect segments_syn_total 12
	balanced
}

three_wait() {
	[ "$(count_rows connections sport=7100 state=time_wait)" = 3 ]
}

# bats test_tags=scenario,syn-takeover
@test "syn, refused: no_listener, told though nothing else happens" {
	sysctl -qw net.ipv4.tcp_rfc1337=1
	load_timewait
	for at in "127.0.0.1 1" "::1 2"; do
		read -r host n <<<"$at"
		capture_syns
		$python "$BATS_TEST_DIRNAME/../port.py" $host 7100 server
		client=$(key dport "$(wait_rows sport=7100)")
		rcv_nxt=$(rcv_nxt_of "$client")
		syn "$client" $((rcv_nxt + 1000))
		eventually 5 told_no_listener
		expect reuse_syn_refused_no_listener_total "$n"
		equal seg_seq "$(key seg_seq "$row")" sent $(((rcv_nxt + 1000) & 0xffffffff))
		expect waiting 1
		stop_captures
		balanced
		end_waits
		eventually 5 no_wait
	done
	expect reuse_syn_allowed_total 0
	expect answers_listen_total 2
}

told_no_listener() {
	row=$(rows reuse path=syn verdict=refused reason=no_listener "src=$host")
	[ -n "$row" ]
}

@test "syn, refused: fin_wait2" {
	load_timewait
	for at in "127.0.0.1 1" "::1 2"; do
		read -r host n <<<"$at"
		$python "$BATS_TEST_DIRNAME/../port.py" $host 7100 fin_wait2 20 >/dev/null 3>&- &
		holder=$!
		helpers_of_test="$helpers_of_test $holder"
		eventually 10 waits_in_fin_wait2
		client=$(key sport "$(wait_rows state=fin_wait2)")
		"$craft" $host 7100 $host "$client" S 1 0
		expect reuse_syn_refused_fin_wait2_total "$n"
		kill "$holder"
		run wait "$holder"
		end_waits
		eventually 5 no_wait
	done
	expect reuse_syn_allowed_total 0
	balanced
}

waits_in_fin_wait2() {
	[ "$(stat waiting_fin_wait2)" = 1 ]
}

@test "how often a four-tuple has waited" {
	one_port
	load_timewait
	port 127.0.0.1 tcp_tw_reuse=1 wait 2.1 wait 2.1 wait
	[ "$said" = "ok ok ok ok ok ok " ]
	[ "$(key waits "$(wait_rows dport=7100)")" = 3 ]
	# Also when its wait is over.
	end_waits
	eventually 5 no_wait
	port 127.0.0.1 wait
	[ "$(key waits "$(wait_rows dport=7100)")" = 4 ]
	port ::1 wait
	[ "$(key waits "$(wait_rows dport=7100 src=::1)")" = 1 ]
	expect tuples_forgotten_total 0
	balanced
}
