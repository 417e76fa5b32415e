# SPDX-License-Identifier: GPL-2.0-only
# Closes that should have left a TIME_WAIT and did not.

load ../lib.bash

@test "linger: SO_LINGER with 0 leaves no wait, and who did it is told" {
	load_timewait
	"$traffic" linger 5 >"$BATS_TEST_TMPDIR/v4"
	"$traffic" -6 -p 7001 linger 5 >"$BATS_TEST_TMPDIR/v6"
	expect avoided_linger_total 10
	expect entered_total 0
	pid=$(key pid "$(cat "$BATS_TEST_TMPDIR/v4")")
	pid6=$(key pid "$(cat "$BATS_TEST_TMPDIR/v6")")
	[ "$(count_rows assassinations event=avoid avoid=linger src=127.0.0.1 \
		dport=7000 "pid=$pid" comm=traffic)" = 5 ]
	[ "$(count_rows assassinations event=avoid avoid=linger src=::1 \
		dport=7001 "pid=$pid6" comm=traffic)" = 5 ]
	balanced
}

# What looks like it and is not: each of these must count nothing.
@test "linger: not {1,5}, not {0,0}, not with data unread, not a RST received" {
	load_timewait
	python3 - <<-'END'
	import socket, struct
	l = socket.create_server(("127.0.0.1", 7040))
	def pair(onoff, secs):
	    c = socket.create_connection(("127.0.0.1", 7040))
	    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", onoff, secs))
	    return c, l.accept()[0]
	c, s = pair(1, 5)
	s.shutdown(socket.SHUT_WR); c.recv(1); c.close(); s.close()
	c, s = pair(0, 0)
	c.close(); s.close()
	# Unread data: the kernel asks for that first.
	c, s = pair(1, 0)
	s.send(b"x"); c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 1, 0))
	c.recv(1, socket.MSG_PEEK); c.close(); s.close()
	# The peer's RST came first, while we were not looking.
	c, s = pair(1, 0)
	s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
	c.shutdown(socket.SHUT_RDWR); s.close(); c.close()
	# The peer had closed: this side would not have waited.
	c, s = pair(1, 0)
	s.close(); c.recv(1); c.close()
	END
	expect avoided_linger_total 0 || {
		rows assassinations >&2
		false
	}
}

@test "overflow: tcp_max_tw_buckets is reached" {
	sysctl -qw net.ipv4.tcp_max_tw_buckets=50
	load_timewait
	"$traffic" active 80 >"$BATS_TEST_TMPDIR/v4"
	"$traffic" -6 -p 7001 active 20 >"$BATS_TEST_TMPDIR/v6"
	expect waiting 50
	expect avoided_overflow_total 50
	equal TCPTimeWaitOverflow "$(mib_since_load TCPTimeWaitOverflow)" expected 50
	pid=$(key pid "$(cat "$BATS_TEST_TMPDIR/v4")")
	[ "$(count_rows assassinations avoid=overflow dport=7000 src=127.0.0.1 "pid=$pid")" = 30 ]
	[ "$(count_rows assassinations avoid=overflow dport=7001 src=::1)" = 20 ]
	balanced
	recorded
}
