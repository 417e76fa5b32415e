# SPDX-License-Identifier: GPL-2.0-only
# Closes that should have left a TIME_WAIT and did not.

load ../lib.bash

# bats test_tags=scenario,linger-zero
@test "linger: SO_LINGER with 0 leaves no wait, and who did it is told" {
	load_timewait
	capture_lo 'tcp portrange 7000-7001'
	# The peer reads what was sent, and then ECONNRESET.
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
	for port in 7000 7001; do
		wire_shows 5 $port 'left R[.]?'
		wire_shows 0 $port '.*F.*'
	done
	balanced
}

# What looks like it and is not: each of these must count nothing.
# bats test_tags=scenario,linger-zero
@test "linger: not {1,5}, not {0,0}, not with data unread, not a RST received" {
	load_timewait
	capture_lo 'tcp portrange 7040-7041'
	for at in "127.0.0.1 7040" "::1 7041"; do
		$python - $at <<-'END'
	import socket, struct, sys
	host, port = sys.argv[1], int(sys.argv[2])
	family = socket.AF_INET6 if ":" in host else socket.AF_INET
	l = socket.create_server((host, port), family=family)
	def pair(onoff, secs):
	    c = socket.create_connection((host, port))
	    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", onoff, secs))
	    return c, l.accept()[0]
	# Closed first, with a time to linger, or a time and no word to linger: a FIN,
	# and a wait.
	for linger in (1, 5), (0, 0), (0, 5):
	    c, s = pair(*linger)
	    c.close(); assert s.recv(1) == b""; s.close()
	# Closed second.
	c, s = pair(1, 5)
	s.shutdown(socket.SHUT_WR); c.recv(1); c.close(); s.close()
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
		read -r host port <<<"$at"
		equal "waits of who closed first" "$(count_rows connections "dport=$port" \
			"dst=$host" comm=python3 state=time_wait)" expected 3
	done
	expect avoided_linger_total 0
	expect avoided_unread_total 2
	# Those three, who closed second, and who had sent it when the RST came.
	captured 5 7041 'left F[.]'
	wire_shows 5 7040 'left F[.]'
	wire_shows 5 7041 'left F[.]'
	balanced
}

# bats test_tags=scenario,overflow
@test "overflow: tcp_max_tw_buckets is reached" {
	sysctl -qw net.ipv4.tcp_max_tw_buckets=50
	load_timewait
	capture_lo 'tcp portrange 7000-7001'
	"$traffic" active 80 >"$BATS_TEST_TMPDIR/v4"
	"$traffic" -6 -p 7001 active 20 >"$BATS_TEST_TMPDIR/v6"
	expect waiting 50
	expect avoided_overflow_total 50
	equal TCPTimeWaitOverflow "$(mib_since_load TCPTimeWaitOverflow)" expected 50
	pid=$(key pid "$(cat "$BATS_TEST_TMPDIR/v4")")
	[ "$(count_rows assassinations avoid=overflow dport=7000 src=127.0.0.1 "pid=$pid")" = 30 ]
	[ "$(count_rows assassinations avoid=overflow dport=7001 src=::1)" = 20 ]
	# Nobody else can tell: each was closed as any other.
	captured 20 7001 'left F[.]'
	wire_shows 80 7000 'left F[.]'
	wire_shows 20 7001 'left F[.]'
	wire_shows 0 7000 '.*R.*'
	balanced
	recorded
}

# bats test_tags=scenario,unread-data
@test "unread: closed with data that nobody had read" {
	load_timewait
	capture_lo 'tcp port 7040'
	base=$(mib TCPAbortOnClose)
	for host in 127.0.0.1 ::1; do
		$python - $host <<-'END'
	import errno, socket, sys
	host = sys.argv[1]
	l = socket.create_server((host, 7040), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
	def pair():
	    c = socket.create_connection((host, 7040))
	    return c, l.accept()[0]
	def is_reset(s):
	    try:
	        s.send(b"x")
	        raise SystemExit("closed, and not reset")
	    except (ConnectionResetError, BrokenPipeError):
	        pass
	    s.close()
	# All of it, or a part.
	for n in 0, 1:
	    c, s = pair()
	    s.send(b"xyz")
	    c.recv(1, socket.MSG_PEEK)
	    c.recv(n)
	    c.close()
	    is_reset(s)
	# Having closed its own half before.
	c, s = pair()
	c.shutdown(socket.SHUT_WR)
	s.recv(1)
	s.send(b"x")
	c.recv(1, socket.MSG_PEEK)
	c.close()
	is_reset(s)
	# None of these: all read; nothing came; what came is the FIN, and it was the
	# other side that closed first.
	c, s = pair()
	s.send(b"x"); c.recv(1); c.close(); s.recv(1); s.close()
	c, s = pair()
	c.close(); s.recv(1); s.close()
	c, s = pair()
	s.send(b"x"); s.close(); c.recv(1, socket.MSG_PEEK); c.close()
	END
	done
	expect avoided_unread_total 6
	# The kernel counts those too that the other side had closed before.
	wire_shows 8 7040 'left R[.]?'
	equal TCPAbortOnClose "$(($(mib TCPAbortOnClose) - base))" expected 8
	expect avoided_linger_total 0
	expect avoided_orphan_total 0
	[ "$(count_rows assassinations avoid=unread src=127.0.0.1 dport=7040 comm=python3)" = 3 ]
	[ "$(count_rows assassinations avoid=unread src=::1 dport=7040 comm=python3)" = 3 ]
	balanced
}

# An orphan in FIN_WAIT2 stays a whole socket while tcp_fin_timeout has more than a
# minute to go. The kernel's count of orphans is a tenth of a second old, and older on
# a CPU that has nothing to do: that timer does not wake it.
@test "orphan: tcp_max_orphans is reached" {
	sysctl -qw net.ipv4.tcp_fin_timeout=120
	load_timewait
	max=$(sysctl -n net.ipv4.tcp_max_orphans)
	base=$(mib TCPAbortOnMemory)
	for host in 127.0.0.1 ::1; do
		$python - $host <<-'END'
	import socket, sys, time
	host = sys.argv[1]
	l = socket.create_server((host, 7041), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
	def orphan():
	    c = socket.create_connection((host, 7041))
	    s = l.accept()[0]
	    c.close()
	    return s
	def limit(n):
	    with open("/proc/sys/net/ipv4/tcp_max_orphans", "w") as f:
	        f.write(str(n))
	held = [orphan() for _ in range(12)]
	limit(4)
	deadline = time.monotonic() + 60
	resets = 0
	while resets < 3:
	    assert time.monotonic() < deadline, "closed, and not reset"
	    held.append(orphan())
	    try:
	        held[-1].send(b"x")
	        time.sleep(0.1)
	    except (ConnectionResetError, BrokenPipeError):
	        resets += 1
	limit(4096)
	END
	done
	sysctl -qw "net.ipv4.tcp_max_orphans=$max"
	expect avoided_orphan_total 6
	equal TCPAbortOnMemory "$(($(mib TCPAbortOnMemory) - base))" expected 6
	[ "$(count_rows assassinations avoid=orphan src=127.0.0.1 dport=7041 comm=python3)" = 3 ]
	[ "$(count_rows assassinations avoid=orphan src=::1 dport=7041 comm=python3)" = 3 ]
	balanced
}
