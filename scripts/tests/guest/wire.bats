# SPDX-License-Identifier: GPL-2.0-only
# Two hosts and a wire between them: who closes first, what gets lost, and who
# passes by. The applications, a capture and the files of both hosts tell the same.

load ../lib.bash

# For IPv4 and IPv6: the address of the right host, and a port of its own.
ends=("10.1.0.2 7500" "fd01::2 7501")

# first_fin PORT: who sent it
first_fin() {
	seen "$1" | awk '$2 ~ /F/ { print $1; exit }'
}

# bats test_tags=scenario,close-active
@test "who closes first waits, and the other does not" {
	begin_on_wire
	for end in "${ends[@]}"; do
		read -r host port <<<"$end"
		talk "$host" "$port" 'if True:
		l = listen()
		c = connect(); s = accept(l)
		c.close(); assert s.recv(1) == b""; s.close()
		'
		equal "the first FIN is from" "$(first_fin "$port")" expected left
		[ "$(at left count_rows connections "dport=$port" way=active comm=python3)" = 1 ] ||
			[ "$(at left count_rows connections "dport=$port" way=fin_wait2 comm=python3)" = 1 ]
		[ "$(at right count_rows connections "sport=$port")" = 0 ]
	done
	for end in "10.1.0.2 7502" "fd01::2 7503"; do
		read -r host port <<<"$end"
		talk "$host" "$port" 'if True:
		l = listen()
		c = connect(); s = accept(l)
		s.shutdown(socket.SHUT_WR); assert c.recv(1) == b""; c.close()
		assert s.recv(1) == b""; s.close()
		'
		equal "the first FIN is from" "$(first_fin "$port")" expected right
		[ "$(at left count_rows connections "dport=$port")" = 0 ]
		[ "$(at right count_rows connections "sport=$port" way=active comm=python3)" = 1 ]
	done
	at left expect waiting 2
	at right expect waiting 2
	at left balanced
	at right balanced
}

# ends_so PORT STORY: from the first FIN on, bare ACKs left out
ends_so() {
	[ "$(seen "$1" | awk '$2 ~ /F/ { on = 1 } on && $2 != "." { printf "%s, ", $0 }')" = "$2" ]
}

# bats test_tags=scenario,close-halfway
@test "halfway: one side is done, the other goes on for a while" {
	begin_on_wire
	on left sysctl -qw net.ipv4.tcp_fin_timeout=20
	for end in "${ends[@]}"; do
		read -r host port <<<"$end"
		# The process holds on to its half: a whole socket in FIN_WAIT2, which takes
		# what comes, and a TIME_WAIT when the FIN does.
		talk "$host" "$port" 'if True:
		l = listen()
		c = connect(); s = accept(l)
		c.shutdown(socket.SHUT_WR); assert s.recv(1) == b""
		for word in b"one", b"two":
		    s.send(word)
		    assert c.recv(3) == word
		    time.sleep(0.2)
		s.close(); assert c.recv(1) == b""; c.close()
		'
		[ "$(at left count_rows connections "dport=$port" state=time_wait way=active \
			length_ms=60000)" = 1 ]
		# The first FIN is left's, two words come after it, and then the other FIN.
		eventually 5 ends_so "$port" 'left F., right P., right P., right F., '
		# It lets go: a minisock in FIN_WAIT2, for tcp_fin_timeout and no more; then the
		# FIN comes, and it is TIME_WAIT, for a minute, in the same record.
		talk "$host" $((port + 10)) 'if True:
		l = listen()
		c = connect(); s = accept(l)
		c.shutdown(socket.SHUT_WR); assert s.recv(1) == b""
		s.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
		time.sleep(0.5)
		c.close()
		time.sleep(0.5)
		in_ns("left")
		row = [r for r in open("/proc/thread-self/net/timewait/connections") if f" dport={port} " in r]
		assert len(row) == 1 and " state=fin_wait2 way=fin_wait2 " in row[0], row
		length = int(row[0].split(" length_ms=")[1].split()[0])
		assert 19900 <= length <= 20100, row
		s.close()
		time.sleep(0.5)
		'
		row=$(at left wait_rows "dport=$((port + 10))" state=time_wait way=fin_wait2 \
			length_ms=60000 segments=1 waits=1)
		[ -n "$row" ]
		eventually 5 ends_so $((port + 10)) 'left F., right F., '
		[ "$(key age_ms "$row")" -ge 900 ]
		[ "$(key left_ms "$row")" -gt 50000 ]
	done
	at left expect advanced_total 2
	at left expect waiting_fin_wait2 0
	at left balanced
}

# bats test_tags=scenario,last-ack-lost
@test "last ACK lost: the peer's FIN comes again, and its close is clean" {
	begin_on_wire
	for end in "${ends[@]}"; do
		read -r host port <<<"$end"
		talk "$host" "$port" 'if True:
		l = listen()
		c = connect(); s = accept(l)
		c.shutdown(socket.SHUT_WR); assert s.recv(1) == b""
		time.sleep(0.2)
		lose(f"tcp dport {port} tcp flags & (fin|syn|rst|ack) == ack")
		s.close()
		assert c.recv(1) == b""; c.close()
		time.sleep(1.5)
		lose_no_more()
		# In LAST_ACK until then, and closed without an error.
		end = now() + 8
		while has_state("right", "09"):
		    assert now() < end, "still in LAST_ACK"
		    time.sleep(0.1)
		'
		fins=$(seen "$port" | grep -c '^right .*F')
		[ "$fins" -ge 2 ]
		row=$(at left wait_rows "dport=$port")
		# The first FIN made the wait, the others reached it.
		equal refins "$(key refins "$row")" "captured, but the first" $((fins - 1))
		equal rearms "$(key rearms "$row")" refins "$(key refins "$row")"
		equal segments "$(key segments "$row")" refins "$(key refins "$row")"
		[ $(($(key age_ms "$row") + $(key left_ms "$row"))) -gt 60500 ]
	done
	at left expect segments_fin_total "$(at left stat rearmed_total)"
	at left balanced
}

# delay_of_second_syn PORT: in seconds, from the one before it, both of the connection
# after the first
delay_of_second_syn() {
	read_capture -ttn "$BATS_TEST_TMPDIR/pcap" "dst port $1" |
		awk '/Flags \[S\]/ && ++n >= 2 { at[n] = $1 } END { printf "%.6f", at[3] - at[2] }'
}

# RFC 9293, 3.10.7.4: the peer, in LAST_ACK, answers the SYN with an ACK of old, the
# new connection answers that with a RST, which ends the old one, and the SYN that
# comes again is taken: at once, or after a second where the kernel does not know
# that it may hurry.
# bats test_tags=scenario,passer-by
@test "passer-by: a new connection meets a peer that is still in LAST_ACK" {
	begin_on_wire
	for end in "${ends[@]}"; do
		read -r host port <<<"$end"
		said=$(talk "$host" "$port" 'if True:
		l = listen()
		c = connect(); s = accept(l)
		local = c.getsockname()[1]
		c.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		c.shutdown(socket.SHUT_WR); assert s.recv(1) == b""
		time.sleep(0.2)
		# The last ACK does not arrive, nor does a FIN that would ask for it again.
		lose(f"tcp dport {port} tcp flags & (fin|syn|rst|ack) == ack")
		s.close()
		assert c.recv(1) == b""; c.close()
		lose(f"tcp sport {port} tcp flags & fin == fin", "output")
		lose_no_more()
		assert has_state("right", "09")
		begun = now()
		c = connect(local)
		took = now() - begun
		assert took < 5, took
		print(took)
		s = accept(l)
		c.send(b"hello"); assert s.recv(5) == b"hello"
		abort(c, s)
		lose_no_more("output")
		')
		# The wait was reused, with the reason that its port was bound.
		row=$(at left rows reuse path=connect verdict=allowed reason=bound "dport=$port")
		[ -n "$row" ]
		# From the new SYN on: the old ACK, the RST, the SYN again and its answer.
		seen "$port" | awk '$2 == "S" { n++ } n >= 2' | head -n 5 >"$BATS_TEST_TMPDIR/story"
		grep -v 'right F' "$BATS_TEST_TMPDIR/story" | head -n 4 >"$BATS_TEST_TMPDIR/told"
		printf '%s\n' "left S" "right ." "left R" "left S" | diff - "$BATS_TEST_TMPDIR/told" >&2
		# How long that took is what the application waited, no less and hardly more.
		awk -v wire="$(delay_of_second_syn "$port")" -v took="$said" 'BEGIN {
			exit !(wire <= took && took < wire + 0.5)
		}' || {
			echo "the SYN came again after $(delay_of_second_syn "$port") s, and connect() took $said s" >&2
			false
		}
	done
	at left expect ended_connect_total 2
	at left balanced
	at right balanced
}
