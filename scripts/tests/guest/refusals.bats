# SPDX-License-Identifier: GPL-2.0-only
# Ports that connect() and bind() wanted and did not get, and whether it was
# TIME_WAIT that had them.

load ../lib.bash

# few_ports COUNT
few_ports() {
	sysctl -qw net.ipv4.ip_local_port_range="20000 $((19999 + $1))"
}

# connects HOST COUNT: short ones, the client closes first; prints how many came
# about and what became of the others
connects() {
	$python - "$@" <<-'END'
	import collections, errno, socket, sys
	host, count = sys.argv[1], int(sys.argv[2])
	family = socket.AF_INET6 if ":" in host else socket.AF_INET
	l = socket.create_server((host, 7200), family=family)
	said = collections.Counter()
	for _ in range(count):
	    c = socket.socket(family)
	    try:
	        c.connect((host, 7200))
	    except OSError as e:
	        said[errno.errorcode[e.errno]] += 1
	        c.close()
	        continue
	    s, _ = l.accept()
	    c.shutdown(socket.SHUT_WR); s.recv(1); s.close(); c.recv(1); c.close()
	    said["ok"] += 1
	print(*(f"{name}={n}" for name, n in sorted(said.items())))
	END
}

# bats test_tags=scenario,ports-exhausted
@test "ports exhausted: 200 ports, 500 connections, all held by TIME_WAIT" {
	few_ports 200
	load_timewait
	capture_lo 'dst port 7200 and (tcp[tcpflags] == tcp-syn or ip6[53] == 2)'
	for at in "127.0.0.1 1" "::1 2"; do
		read -r host n <<<"$at"
		run connects $host 500
		equal "the application says" "$output" expected "EADDRNOTAVAIL=300 ok=200"
		expect refused_connect_total $((300 * n))
		expect refused_connect_by_waits_total $((300 * n))
		# A line a second, and each says the same.
		lines=$(count_rows reuse event=refusal path=connect "dst=$host" dport=7200 comm=python3)
		[ "$lines" -ge 1 ]
		equal "lines that say 200 of 200" "$(count_rows reuse event=refusal path=connect \
			"dst=$host" dport=7200 error=EADDRNOTAVAIL ports=200 held=200)" lines "$lines"
	done
	# Who is refused sends nothing.
	wire_shows 400 7200 'left S'
	# Each of them asked each wait, and some of the others some of them.
	asked=$(stat reuse_connect_refused_total)
	[ "$asked" -ge $((600 * 200)) ]
	expect reuse_connect_refused_off_total "$asked"
	equal "refused, over all waits" "$(grep -o ' refused=[0-9]*' "$twait/connections" |
		awk -F= '{ n += $2 } END { print n }')" reuse_connect_refused_total "$asked"
	twstat events --recent --type refusal | grep -F 'waits to there hold 200 of 200 ports  python3['
	twstat | grep -E 'connect\(\) +600  EADDRNOTAVAIL'
	balanced
}

@test "refused by many destinations at once: eight a second and CPU are kept" {
	few_ports 1
	load_timewait
	for port in {7201..7212}; do
		"$traffic" -p $port active 1
	done
	run $python - <<-'END'
	import os, socket, time
	os.sched_setaffinity(0, [0])
	begun = time.monotonic()
	for i in range(240):
	    c = socket.socket()
	    assert c.connect_ex(("127.0.0.1", 7201 + i % 12))
	    c.close()
	print(int(time.monotonic() - begun))
	END
	[ "$status" = 0 ]
	expect refused_connect_total 240
	expect reuse_connect_refused_total 240
	for event in reuse refusal; do
		kept=$(count_rows reuse event=$event path=connect)
		echo "$kept of event=$event kept in $output s" >&2
		[ "$kept" -ge 8 ]
		[ "$kept" -le $((8 * (output + 2))) ]
	done
}

@test "ports exhausted by live connections: not TIME_WAIT's doing" {
	few_ports 20
	load_timewait
	$python - <<-'END'
	import errno, socket
	l = socket.create_server(("127.0.0.1", 7200), backlog=100)
	held = [socket.create_connection(("127.0.0.1", 7200)) for _ in range(20)]
	for _ in range(3):
	    try:
	        socket.create_connection(("127.0.0.1", 7200))
	        raise SystemExit("there was a port")
	    except OSError as e:
	        assert e.errno == errno.EADDRNOTAVAIL, e
	END
	expect refused_connect_total 3
	expect refused_connect_by_waits_total 0
	[ "$(count_rows reuse event=refusal path=connect ports=20 held=0)" -ge 1 ]
}

@test "a connect() that fails for other reasons is none of these" {
	load_timewait
	$python - <<-'END'
	import errno, socket
	def fails(address, *errors, family=socket.AF_INET, timeout=None):
	    c = socket.socket(family)
	    c.settimeout(timeout)
	    try:
	        c.connect(address)
	        raise SystemExit(f"connected to {address}")
	    except socket.timeout:
	        assert timeout
	    except OSError as e:
	        assert errno.errorcode[e.errno] in errors, e
	    c.close()
	fails(("127.0.0.1", 7999), "ECONNREFUSED")
	fails(("::1", 7999), "ECONNREFUSED", family=socket.AF_INET6)
	fails(("203.0.113.1", 80), "ENETUNREACH", "EHOSTUNREACH")
	# Given up while under way: nobody answers.
	l = socket.socket(); l.bind(("127.0.0.1", 7201)); l.listen(0)
	full = [socket.socket() for _ in range(3)]
	for c in full:
	    c.setblocking(False)
	    try:
	        c.connect(("127.0.0.1", 7201))
	    except BlockingIOError:
	        pass
	fails(("127.0.0.1", 7201), timeout=0.5)
	# Disconnected while under way, and connected again.
	c = full[2]
	import ctypes, os
	libc = ctypes.CDLL(None, use_errno=True)
	assert libc.connect(c.fileno(), bytes(16), 16) == 0, os.strerror(ctypes.get_errno())
	END
	expect refused_connect_total 0
}

# bind HOST OPTION...: to 7300, as a server does that is started anew; says what
# came of it
rebind() {
	$python - "$@" <<-'END'
	import errno, socket, sys
	host = sys.argv[1]
	s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
	if "reuse" in sys.argv:
	    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
	try:
	    s.bind((host, 7300))
	    s.listen()
	    print("ok")
	except OSError as e:
	    print(errno.errorcode[e.errno])
	END
}

# served HOST COUNT OPTION...: a server that closes first, then is gone
served() {
	$python - "$@" <<-'END'
	import socket, sys
	host, count = sys.argv[1], int(sys.argv[2])
	family = socket.AF_INET6 if ":" in host else socket.AF_INET
	l = socket.socket(family)
	if "reuse" in sys.argv:
	    l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
	l.bind((host, 7300))
	l.listen()
	for _ in range(count):
	    c = socket.create_connection((host, 7300))
	    s, _ = l.accept()
	    s.shutdown(socket.SHUT_WR); c.recv(1); c.close(); s.recv(1); s.close()
	END
}

# refused_bind HELD LIVE HELPS: the last one said so
refused_bind() {
	eventually 5 refused_bind_told "$@" || {
		rows reuse event=refusal path=bind >&2
		return 1
	}
}

refused_bind_told() {
	[[ $(rows reuse event=refusal path=bind | tail -n 1) = *" sport=7300 "*" held=$1 live=$2 reuseaddr_helps=$3 partial=no" ]]
}

# bats test_tags=scenario,bind-in-use
@test "bind in use: a server that lacked SO_REUSEADDR is started again" {
	load_timewait
	n=0
	for host in 127.0.0.1 ::1; do
		served $host 5
		[ "$(rebind $host)" = EADDRINUSE ]
		refused_bind 5 0 no
		# It would have taken both of them.
		[ "$(rebind $host reuse)" = EADDRINUSE ]
		refused_bind 5 0 no
		expect refused_bind_total $((n += 2))
		eventually 5 expect refused_bind_by_waits_total $n
		end_waits
		eventually 5 no_wait
	done
	twstat events --recent --type refusal |
		grep -F 'EADDRINUSE: 5 waits on the port, SO_REUSEADDR does not help'
	balanced
}

# bats test_tags=scenario,bind-in-use
@test "bind in use: SO_REUSEADDR would have helped, and does" {
	load_timewait
	n=0
	for host in 127.0.0.1 ::1; do
		served $host 3 reuse
		[ "$(rebind $host)" = EADDRINUSE ]
		refused_bind 3 0 yes
		expect refused_bind_total $((n += 1))
		eventually 5 expect refused_bind_by_waits_total $n
		[ "$(rebind $host reuse)" = ok ]
		expect refused_bind_total $n
		end_waits
		eventually 5 no_wait
	done
	balanced
}

# bats test_tags=scenario,bind-in-use
@test "bind in use: by a live socket, and not by the waits beside it" {
	load_timewait
	for host in 127.0.0.1 ::1; do
		served $host 3 reuse
		$python - $host "$BATS_TEST_TMPDIR/ready$host" <<-'END' 3>&- &
	import socket, sys, time
	host = sys.argv[1]
	l = socket.create_server((host, 7300), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
	open(sys.argv[2], "w").close()
	time.sleep(60)
	END
		live=$!
		eventually 120 test -e "$BATS_TEST_TMPDIR/ready$host"
		# With SO_REUSEADDR only the listener is in the way; without, the waits too.
		[ "$(rebind $host reuse)" = EADDRINUSE ]
		refused_bind 0 1 no
		[ "$(rebind $host)" = EADDRINUSE ]
		refused_bind 3 1 no
		kill "$live"
		run wait "$live"
		end_waits
		eventually 5 no_wait
	done
	expect refused_bind_total 4
	expect refused_bind_by_waits_total 0
	twstat events --recent --type refusal |
		grep -F 'EADDRINUSE: 1 live socket on the port, TIME_WAIT is not to blame'
	balanced
}

@test "bind in use: other addresses and devices are not in the way" {
	load_timewait
	served 127.0.0.1 3
	$python - <<-'END'
	import socket
	for host in "127.0.0.2", "::1":
	    s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
	    s.bind((host, 7300))
	END
	expect refused_bind_total 0
	# Any address is also theirs.
	[ "$(rebind 0.0.0.0)" = EADDRINUSE ]
	refused_bind 3 0 no
	end_waits
}

@test "bind in use: IPv4 and IPv6, apart and together" {
	load_timewait
	served ::1 2
	# What listens on IPv6 only is not in the way of IPv4, nor are its waits.
	$python - "$BATS_TEST_TMPDIR/ready" <<-'END' 3>&- &
	import socket, sys, time
	l = socket.socket(socket.AF_INET6)
	l.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
	l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
	try:
	    l.bind(("::", 7300))
	    raise SystemExit("the waits were not in the way")
	except OSError:
	    pass
	four = socket.create_server(("127.0.0.1", 7300))
	open(sys.argv[1], "w").close()
	time.sleep(60)
	END
	live=$!
	eventually 120 test -e "$BATS_TEST_TMPDIR/ready"
	refused_bind 2 0 no
	# Any address of both families: all of them.
	[ "$(rebind ::)" = EADDRINUSE ]
	refused_bind 2 1 no
	# Any IPv4 address: the waits of ::1 do not matter.
	[ "$(rebind 0.0.0.0)" = EADDRINUSE ]
	refused_bind 0 1 no
	expect refused_bind_by_waits_total 1
	kill "$live"
	run wait "$live"
	end_waits
}

@test "bind in use: asked again and again, looked at once a second, counted each time" {
	load_timewait
	served 127.0.0.1 2
	$python - <<-'END'
	import errno, socket
	for _ in range(100):
	    s = socket.socket()
	    try:
	        s.bind(("127.0.0.1", 7300))
	        raise SystemExit("there is nobody")
	    except OSError as e:
	        assert e.errno == errno.EADDRINUSE, e
	END
	expect refused_bind_total 100
	eventually 5 expect refused_bind_by_waits_total 100 2>/dev/null
	[ "$(count_rows reuse event=refusal path=bind held=2)" -le 5 ]
	end_waits
}

@test "bind in use: more at once than are looked at: the rest is counted as lost" {
	load_timewait
	$python - <<-'END'
	import errno, os, socket
	ports = range(7301, 7381)
	for port in ports:
	    with socket.create_server(("127.0.0.1", port)) as l:
	        c = socket.create_connection(("127.0.0.1", port))
	        s, _ = l.accept()
	        s.shutdown(socket.SHUT_WR); c.recv(1); c.close(); s.recv(1); s.close()
	# Who looks has no CPU until we are done.
	os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
	for port in ports:
	    s = socket.socket()
	    try:
	        s.bind(("127.0.0.1", port))
	        raise SystemExit("there is nobody")
	    except OSError as e:
	        assert e.errno == errno.EADDRINUSE, e
	END
	expect refused_bind_total 80
	# 16; one or two less if we had to wait for a page of the interpreter.
	lost=$(stat refusals_lost_total)
	[ "$lost" -ge 1 ]
	[ "$lost" -le 16 ]
	eventually 5 expect refused_bind_by_waits_total $((80 - lost)) 2>/dev/null
	end_waits
}

@test "bind in use: any port would have done" {
	few_ports 3
	load_timewait
	$python - <<-'END'
	import errno, socket
	held = []
	try:
	    for _ in range(4):
	        s = socket.socket()
	        s.bind(("127.0.0.1", 0))
	        s.listen()
	        held.append(s)
	    raise SystemExit("there was a port")
	except OSError as e:
	    assert e.errno == errno.EADDRINUSE, e
	END
	expect refused_bind_total 1
	eventually 5 any_told
}

any_told() {
	[ "$(count_rows reuse event=refusal path=bind sport=0 ports=3 held=- live=-)" = 1 ]
}
