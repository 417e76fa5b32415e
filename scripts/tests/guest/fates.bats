# SPDX-License-Identifier: GPL-2.0-only
# bats file_tags=smoke
# How waits come and how they end, one way after the other, IPv4 and IPv6.

load ../lib.bash

# both KIND COUNT: over IPv4 and over IPv6.
both() {
	"$traffic" "$1" "$2" >"$BATS_TEST_TMPDIR/v4" &&
		"$traffic" -6 -p 7001 "$1" "$2" >"$BATS_TEST_TMPDIR/v6" || return
	pid4=$(key pid "$(cat "$BATS_TEST_TMPDIR/v4")")
	pid6=$(key pid "$(cat "$BATS_TEST_TMPDIR/v6")")
}

@test "active: this side closed first" {
	load_timewait
	both active 5
	expect entered_active_total 10
	expect waiting_time_wait 10
	# The client waits, and the server does not.
	[ "$(count_rows connections src=127.0.0.1 dport=7000 state=time_wait \
		way=active "pid=$pid4" comm=traffic uid=0)" = 5 ]
	[ "$(count_rows connections src=::1 dport=7001 state=time_wait \
		way=active "pid=$pid6" comm=traffic uid=0)" = 5 ]
	balanced
	recorded
}

# How many FINs of the capture came from who had not got the other one.
crossed() {
	read_capture -nS "$BATS_TEST_TMPDIR/pcap" | awk '
		/Flags \[F/ {
			match($0, / seq [0-9]+/)
			seq = substr($0, RSTART + 5, RLENGTH - 5)
			match($0, / ack [0-9]+/)
			ack = substr($0, RSTART + 5, RLENGTH - 5)
			n += seen[ack, seq] * 2
			seen[seq, ack] = 1
		}
		END { print n + 0 }'
}

# bats test_tags=scenario,close-simultaneous
@test "simultaneous: the FINs crossed, both sides wait" {
	load_timewait
	capture_lo 'tcp portrange 7000-7001'
	# Longer than a vCPU stands still between the two shutdown().
	tc qdisc add dev lo root netem delay 200ms
	both simultaneous 2
	eventually 10 expect entered_simultaneous_total 8 2>/dev/null || :
	tc qdisc del dev lo root
	expect entered_simultaneous_total 8
	[ "$(count_rows connections dport=7000 way=simultaneous "pid=$pid4")" = 2 ]
	[ "$(count_rows connections sport=7000 way=simultaneous "pid=$pid4")" = 2 ]
	[ "$(count_rows connections dport=7001 way=simultaneous "pid=$pid6")" = 2 ]
	[ "$(count_rows connections sport=7001 way=simultaneous "pid=$pid6")" = 2 ]
	balanced
	wire_shows 2 7000 'left F[.]'
	wire_shows 2 7001 'right F[.]'
	# Neither has seen the other's: it ACKs all before it.
	[ "$thin" -gt 1 ] || equal "FINs that crossed" "$(crossed)" expected 8
}

@test "fin_wait2: let go of before the peer's FIN, then advanced" {
	load_timewait
	both orphan 5
	expect entered_fin_wait2_total 10
	expect advanced_total 10
	expect waiting_fin_wait2 0
	expect waiting_time_wait 10
	[ "$(count_rows connections state=time_wait way=fin_wait2 "pid=$pid4" \
		length_ms=60000 segments=1 refins=0 rearms=0)" = 5 ]
	[ "$(count_rows connections state=time_wait way=fin_wait2 "pid=$pid6" \
		length_ms=60000 segments=1 refins=0 rearms=0)" = 5 ]
	balanced
}

@test "a FIN_WAIT2 that gets no FIN expires after tcp_fin_timeout" {
	# Long enough for all five to be seen.
	local seconds=$((thin > 1 ? 50 : 8))
	sysctl -qw net.ipv4.tcp_fin_timeout=$seconds
	load_timewait
	# The server's side stays open.
	$python - "$BATS_TEST_TMPDIR/ready" <<-'END' &
	import socket, sys, time
	l = socket.create_server(("127.0.0.1", 7010))
	held = []
	for _ in range(5):
	    c = socket.create_connection(("127.0.0.1", 7010))
	    s, _ = l.accept()
	    c.close()
	    s.recv(1)
	    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
	    held.append(s)
	open(sys.argv[1], "w").close()
	time.sleep(60)
	END
	holder=$!
	eventually 120 test -e "$BATS_TEST_TMPDIR/ready"
	# The last ACK may still be on its way.
	eventually 5 five_in_fin_wait2
	row=$(wait_rows state=fin_wait2 dport=7010 | head -n 1)
	length=$(key length_ms "$row")
	[ "$length" -ge $((seconds * 1000 - 100)) ]
	[ "$length" -le $((seconds * 1000 + 100)) ]
	eventually $((seconds + 7)) gone 7010
	expect ended_expired_total 5
	kill $holder
}

five_in_fin_wait2() {
	[ "$(count_rows connections state=fin_wait2 dport=7010 comm=python3)" = 5 ]
}

gone() {
	[ "$(count_rows connections "dport=$1")" = 0 ]
}

@test "rst: kills a FIN_WAIT2" {
	load_timewait
	both rst 5
	expect ended_rst_total 10
	expect waiting 0
	[ "$(count_rows assassinations event=end fate=rst src=127.0.0.1 dport=7000 \
		state=fin_wait2 "pid=$pid4")" = 5 ]
	[ "$(count_rows assassinations event=end fate=rst src=::1 dport=7001 \
		state=fin_wait2 "pid=$pid6")" = 5 ]
	balanced
}

# The textbook case: an old duplicate reaches the wait, the wait ACKs it, the
# peer has no such connection any more and answers RST.
assassinate() {
	"$craft" "$1" "$2" "$1" "$(key sport "$(wait_rows "dport=$2" | head -n 1)")" A 1 1
}

# bats test_tags=scenario,rst-assassination
@test "rst: the RFC 1337 assassination of a TIME_WAIT" {
	load_timewait
	both active 1
	assassinate 127.0.0.1 7000
	assassinate ::1 7001
	expect ended_rst_total 2
	expect rst_ignored_by_rfc1337_total 0
	expect waiting 0
	row=$(rows assassinations fate=rst dport=7000 state=time_wait)
	[ "$(key pid "$row")" = "$pid4" ]
	# The old duplicate and the RST.
	[ "$(key segments "$row")" = 2 ]
	[ "$(key left_ms "$row")" -gt 50000 ]
	[ "$(count_rows assassinations fate=rst dport=7001 "pid=$pid6")" = 1 ]
	balanced
}

# bats test_tags=scenario,rst-assassination
@test "rst: ignored with tcp_rfc1337=1, the old duplicate re-arms" {
	sysctl -qw net.ipv4.tcp_rfc1337=1
	load_timewait
	both active 1
	sleep 1
	assassinate 127.0.0.1 7000
	assassinate ::1 7001
	expect ended_total 0
	expect rst_ignored_by_rfc1337_total 2
	expect rst_ignored_by_tuning_total 0
	expect rearmed_total 2
	for port in 7000 7001; do
		row=$(wait_rows "dport=$port")
		[ "$(key segments "$row")" = 2 ]
		[ "$(key rst_ignored "$row")" = 1 ]
		[ "$(key rearms "$row")" = 1 ]
		[ "$(($(key age_ms "$row") + $(key left_ms "$row")))" -gt 60900 ]
	done
	balanced
}

# bats test_tags=scenario,rst-out-of-window
@test "rst: away from rcv_nxt it is ignored" {
	load_timewait
	both active 1
	capture_lo 'tcp portrange 7000-7001'
	for port in 7000 7001; do
		[ "$port" = 7000 ] && host=127.0.0.1 || host=::1
		client=$(key sport "$(wait_rows "dport=$port")")
		"$craft" "$host" "$port" "$host" "$client" R 1 0
	done
	expect waiting 2
	[ "$(count_rows connections rst_ignored=1 segments=1 rearms=0)" = 2 ]
	balanced
	# Nobody answers.
	for port in 7000 7001; do
		wire_shows 1 $port 'right R'
		wire_shows 0 $port 'left .*'
	done
}

@test "reset: data for a FIN_WAIT2 is answered with RST" {
	load_timewait
	both reset 5
	expect ended_reset_total 10
	[ "$(count_rows assassinations fate=reset src=127.0.0.1 "pid=$pid4")" = 5 ]
	[ "$(count_rows assassinations fate=reset src=::1 "pid=$pid6")" = 5 ]
	balanced
}

@test "connect: an outgoing connect() reuses the four-tuple" {
	load_timewait
	both connect 5
	expect reuse_connect_allowed_total 10
	expect ended_connect_total 10
	[ "$(count_rows reuse path=connect verdict=allowed dport=7000 "pid=$pid4")" = 5 ]
	[ "$(count_rows reuse path=connect verdict=allowed dport=7001 "pid=$pid6")" = 5 ]
	balanced
}

@test "connect: refused, and the next port tried" {
	sysctl -qw net.ipv4.tcp_tw_reuse=0 net.ipv4.ip_local_port_range='20000 20019'
	load_timewait
	local begun=$SECONDS
	"$traffic" active 20
	run "$traffic" -p 7000 active 1
	local elapsed=$((thin > 1 ? SECONDS - begun : 0))
	[ "$status" = 1 ]
	[[ $output = *"Cannot assign requested address"* ]]
	[ "$(stat reuse_connect_refused_total)" -ge 20 ]
	expect reuse_connect_allowed_total 0
	[ "$(count_rows connections dport=7000 refused=0)" = 0 ]
	# One connect() was refused 20 times and more; of that the recent ones keep
	# a line a second and a CPU.
	lines=$(count_rows reuse path=connect verdict=refused dport=7000)
	[ "$lines" -ge 1 ]
	[ "$lines" -le $((2 * (elapsed + 2))) ]
	expect waiting 20
	balanced
}

@test "syn: a new SYN takes the wait over" {
	load_timewait
	both syn 5
	expect ended_syn_total 10
	expect reuse_syn_allowed_total 10
	[ "$(count_rows reuse path=syn verdict=allowed sport=7000 "pid=$pid4")" = 5 ]
	[ "$(count_rows reuse path=syn verdict=allowed sport=7001 "pid=$pid6")" = 5 ]
	balanced
}

# syn_without_listener HOST LOSES: for the port of a wait; LOSES=yes loses the RST
syn_without_listener() {
	$python - "$1" "$2" <<-'END'
	import socket, subprocess, sys, time
	host, loses = sys.argv[1], sys.argv[2] == "yes"
	family = socket.AF_INET6 if ":" in host else socket.AF_INET
	l = socket.create_server((host, 7020), family=family)
	c = socket.create_connection((host, 7020))
	s, _ = l.accept()
	l.close()
	s.shutdown(socket.SHUT_WR)
	c.recv(1)
	port = c.getsockname()[1]
	# Its ACK of that FIN has arrived, before its own: after it, an ACK so old
	# would be answered, and that with a RST.
	time.sleep(0.1)
	c.close()
	s.recv(1)
	s.close()
	# The wait answers the SYN with an ACK, which is answered with a RST, which
	# would end the wait: it is lost on the way.
	if loses:
	    subprocess.run(["nft", "-f", "-"], check=True, text=True, input="""
	table inet loss {
	  chain out {
	    type filter hook output priority 0
	    tcp flags & rst == rst drop
	  }
	}""")
	c = socket.socket(family)
	c.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
	c.bind((host, port))
	c.settimeout(2)
	try:
	    c.connect((host, 7020))
	    raise SystemExit("connected without a listener")
	except (TimeoutError, ConnectionError):
	    pass
	c.close()
	if loses:
	    subprocess.run(["nft", "delete", "table", "inet", "loss"], check=True)
	END
}

@test "syn: without a listener the ACK to it is answered with a RST, and that ends the wait" {
	load_timewait
	for host in 127.0.0.1 ::1; do
		syn_without_listener $host no
		row=$(rows assassinations fate=rst "src=$host" sport=7020)
		[ "$(key kind "$row") $(key acked_kind "$row")" = "rst syn" ]
	done
	eventually 5 expect reuse_syn_refused_no_listener_total 2 2>/dev/null
	expect reuse_syn_allowed_total 0
	expect ended_syn_total 0
	expect ended_rst_total 2
	expect waiting 0
	balanced
}

@test "syn: without a listener the wait goes on, and what ends it later is told" {
	load_timewait
	syn_without_listener 127.0.0.1 yes
	expect waiting 1
	[ "$(key segments "$(wait_rows sport=7020)")" -ge 1 ]
	end_waits
	expect reuse_syn_allowed_total 0
	expect ended_syn_total 0
	expect "ended_${end_fate}_total" 1
	balanced
}

@test "killed: ss -K, where the kernel lets it" {
	load_timewait
	both active 5
	run ss -HtanK state time-wait
	if kernel_is 5.10; then
		expect waiting 10
		expect ended_total 0
		balanced
		return
	fi
	[ "$status" = 0 ]
	expect ended_killed_total 10
	expect waiting 0
	[ "$(count_rows assassinations fate=killed src=127.0.0.1 "pid=$pid4")" = 5 ]
	[ "$(count_rows assassinations fate=killed src=::1 "pid=$pid6")" = 5 ]
	balanced
}

# A FIN whose ACK is lost comes again, and is ACKed again.
@test "rearm: the last ACK is lost, the peer's FIN comes again" {
	load_timewait
	for host in 127.0.0.1 ::1; do
		$python - "$host" <<-'END'
	import socket, subprocess, sys, time
	host = sys.argv[1]
	family = socket.AF_INET6 if ":" in host else socket.AF_INET
	l = socket.create_server((host, 7030), family=family)
	c = socket.create_connection((host, 7030))
	s, _ = l.accept()
	c.shutdown(socket.SHUT_WR)
	s.recv(1)
	time.sleep(0.2)
	subprocess.run(["nft", "-f", "-"], check=True, text=True, input="""
	table inet loss {
	  chain out {
	    type filter hook output priority 0
	    tcp dport 7030 tcp flags & (fin|syn|rst|ack) == ack drop
	  }
	}""")
	s.close()
	c.recv(1)
	c.close()
	time.sleep(1.5)
	subprocess.run(["nft", "delete", "table", "inet", "loss"], check=True)
	time.sleep(2)
	END
	done
	[ "$(stat rearmed_total)" -ge 4 ]
	for host in 127.0.0.1 ::1; do
		row=$(wait_rows dport=7030 "src=$host")
		[ "$(key refins "$row")" -ge 2 ]
		[ "$(key rearms "$row")" = "$(key refins "$row")" ]
		[ "$(key segments "$row")" = "$(key refins "$row")" ]
	done
	equal rearms "$(wait_rows dport=7030 | grep -o 'rearms=[0-9]*' |
		awk -F= '{ n += $2 } END { print n }')" rearmed_total "$(stat rearmed_total)"
	balanced
}
