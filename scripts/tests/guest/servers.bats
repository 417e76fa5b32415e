# SPDX-License-Identifier: GPL-2.0-only
# A web server and a reverse proxy, as they are run: who gets the waits, and what
# makes them go away.

load ../lib.bash

teardown() {
	[ ! -e "$BATS_TEST_TMPDIR/nginx.pid" ] || kill "$(cat "$BATS_TEST_TMPDIR/nginx.pid")"
	eventually 10 test ! -e "$BATS_TEST_TMPDIR/nginx.pid"
	[ -z "$upstream" ] || kill "$upstream" 2>/dev/null || :
	teardown_timewait
}

# serve LINE...: nginx, with these lines in its http block
serve() {
	upstream=''
	mkdir -p "$BATS_TEST_TMPDIR/www" /var/log/nginx /var/lib/nginx
	echo hello >"$BATS_TEST_TMPDIR/www/index.html"
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/www" "${BATS_TEST_TMPDIR%/*}" \
		"$BATS_RUN_TMPDIR"
	cat >"$BATS_TEST_TMPDIR/nginx.conf" <<-END
	user root;
	pid $BATS_TEST_TMPDIR/nginx.pid;
	error_log $BATS_TEST_TMPDIR/error.log;
	worker_processes 1;
	events { worker_connections 512; }
	http {
		access_log off;
		root $BATS_TEST_TMPDIR/www;
		$(printf '%s\n' "$@")
	}
	END
	nginx -c "$BATS_TEST_TMPDIR/nginx.conf"
	eventually 10 test -s "$BATS_TEST_TMPDIR/nginx.pid"
	eventually 10 has_worker
	worker=$(pgrep -P "$(cat "$BATS_TEST_TMPDIR/nginx.pid")")
}

# It tells its pid before it has made one.
has_worker() {
	pgrep -P "$(cat "$BATS_TEST_TMPDIR/nginx.pid")" >/dev/null
}

# ask N URL [OPTION...]: all are answered
ask() {
	ab -q -n "$1" -c 4 "${@:3}" "$2" >"$BATS_TEST_TMPDIR/ab" 2>&1 || {
		cat "$BATS_TEST_TMPDIR/ab" "$BATS_TEST_TMPDIR/error.log" >&2
		return 1
	}
	grep -qE 'Failed requests: +0$' "$BATS_TEST_TMPDIR/ab"
}

# connections to PORT that the capture has, IPv4 and IPv6
captured_connections() {
	read_capture -n "$BATS_TEST_TMPDIR/pcap" "dst port $1" |
		grep -c 'Flags \[S\]'
}

all_wait() {
	[ "$(stat entered_total)" = "$(captured_connections 8080)" ]
}

# bats test_tags=scenario,web-server
@test "web server: without keep-alive it waits for each request, with it for nearly none" {
	local n=$((200 / thin))
	# With 0 a slow client now and then assassinates one of these.
	sysctl -qw net.ipv4.tcp_rfc1337=1
	load_timewait
	serve 'keepalive_timeout 0;' 'server { listen 8080; listen [::]:8080; }'
	# The SYNs only: all of it is more than a slow machine can capture.
	capture here "$BATS_TEST_TMPDIR/pcap" \
		'dst port 8080 and (tcp[tcpflags] == tcp-syn or ip6[53] == 2)'
	ask $n http://127.0.0.1:8080/
	ask $n 'http://[::1]:8080/'
	# Each connection leaves one wait. Now and then ab has one too many, and closes
	# it without a word: that wait is its own.
	eventually 10 all_wait || {
		equal entered_total "$(stat entered_total)" captured "$(captured_connections 8080)" || :
		return 1
	}
	stop_captures
	equal "waits of the worker, IPv4" "$(count_rows connections src=127.0.0.1 sport=8080 \
		"pid=$worker" comm=nginx)" requests $n
	equal "waits of the worker, IPv6" "$(count_rows connections src=::1 sport=8080 \
		"pid=$worker" comm=nginx)" requests $n
	equal "captured connections" "$(captured_connections 8080)" "waits of nginx and ab" \
		$((2 * n + $(count_rows connections dport=8080 comm=ab)))
	twstat | grep -E "nginx +$worker +$((2 * n)) "
	balanced
	recorded

	kill "$(cat "$BATS_TEST_TMPDIR/nginx.pid")"
	eventually 10 test ! -e "$BATS_TEST_TMPDIR/nginx.pid"
	serve 'server { listen 8081; listen [::]:8081; }'
	ask $n http://127.0.0.1:8081/ -k
	ask $n 'http://[::1]:8081/' -k
	# 4 connections each, and it is ab that ends them.
	[ "$(count_rows connections sport=8081)" = 0 ]
	[ "$(count_rows connections dport=8081 comm=ab)" -le 8 ]
	balanced
}

all_upstream_wait() {
	[ "$(count_rows connections dport=9000)" -ge "$1" ]
}

# bats test_tags=scenario,proxy
@test "reverse proxy: it waits for each request to its upstream, unless it keeps alive" {
	local n=$((100 / thin))
	load_timewait
	# An upstream that lets the other side close first.
	$python - <<-'END' 3>&- &
	import socket, threading
	def answer(s):
	    with s:
	        while b"\r\n\r\n" in (request := s.recv(4096)):
	            s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")
	l = socket.create_server(("", 9000), backlog=500, family=socket.AF_INET6, dualstack_ipv6=True)
	while True:
	    threading.Thread(target=answer, args=[l.accept()[0]], daemon=True).start()
	END
	up=$!
	serve 'keepalive_timeout 0;' \
		'upstream kept { server 127.0.0.1:9000; keepalive 8; }' \
		'server { listen 8082; location / { proxy_pass http://127.0.0.1:9000; } }' \
		'server { listen 8083; location / { proxy_pass http://[::1]:9000; } }' \
		'server { listen 8084; location / { proxy_pass http://kept;' \
		'proxy_http_version 1.1; proxy_set_header Connection ""; } }'
	upstream=$up
	eventually 10 answers
	ask $n http://127.0.0.1:8082/
	ask $n http://127.0.0.1:8083/
	# The upstream closes a moment after the client has its answer.
	eventually 5 all_upstream_wait $((2 * n)) 2>/dev/null || :
	equal "waits towards the upstream, IPv4" "$(count_rows connections dst=127.0.0.1 \
		dport=9000 "pid=$worker" comm=nginx)" requests $n
	equal "waits towards the upstream, IPv6" "$(count_rows connections dst=::1 \
		dport=9000 "pid=$worker" comm=nginx)" requests $n
	twstat | grep -E "^ +127.0.0.1:9000 +$n "
	# And one for each request of its own clients.
	equal "waits towards its clients" "$(count_rows connections "pid=$worker" \
		'sport=808[23]')" requests $((2 * n))
	ask $n http://127.0.0.1:8084/
	equal "waits towards the upstream, kept alive" "$(count_rows connections dst=127.0.0.1 \
		dport=9000)" "as before" $n
	balanced
}

# The upstream is there: not by asking it, for that would leave a wait.
answers() {
	grep -q ':2328 ' /proc/net/tcp6
}
