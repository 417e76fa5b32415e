#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What scripts/demo does in the guest: each command is shown before its output.

set -eu

traffic=$PWD/build/tests/$(uname -m)/traffic
craft=$PWD/build/tests/$(uname -m)/craft
twait=/proc/net/timewait

title() {
	printf '\n\033[1m== %s\033[0m\n' "$*"
}

# show COMMAND: as one would type it
show() {
	printf '\n# %s\n' "$1"
	sh -c "$1"
}

# quietly COMMAND...: shown only if it fails
quietly() {
	"$@" >/tmp/quiet 2>&1 || {
		cat /tmp/quiet
		return 1
	}
}

title "Load the module ($(uname -r))"
show "insmod \$TIMEWAIT_KO"
show "cut -d' ' -f1-5 $twait/hooks"

title "A web server that closes first: 300 requests, no keep-alive"
mkdir -p /tmp/www /var/log/nginx /var/lib/nginx
echo hello >/tmp/www/index.html
cat >/tmp/nginx.conf <<END
user www-data;
pid /tmp/nginx.pid;
error_log /tmp/nginx.err;
events { worker_connections 512; }
http {
	access_log off;
	keepalive_timeout 0;
	server { listen 80; listen [::]:80; root /tmp/www; }
}
END
quietly nginx -c /tmp/nginx.conf
quietly ab -n 200 -c 4 http://127.0.0.1/
quietly ab -n 100 -c 4 'http://[::1]/'

title "Clients that close first: 100 connections to another server"
"$traffic" -p 5432 active 60 >/dev/null
"$traffic" -p 5432 orphan 40 >/dev/null

title "Who left which TIME_WAIT?"
show "twstat"
show "twstat list --limit 5"

title "An assassination (RFC 1337)"
echo "An old duplicate of the peer reaches the wait. The wait answers it with an ACK;"
echo "the peer, who has forgotten the connection, answers that with a RST."
"$traffic" -p 6000 active 1 >/dev/null
port=$(sed -n 's/.* sport=\([0-9]*\) .* dport=6000 .*/\1/p' $twait/connections)
show "grep 'dport=6000 ' $twait/connections"
"$craft" 127.0.0.1 6000 127.0.0.1 "$port" A 1 1
show "grep fate=rst $twait/assassinations"

title "A close that avoids TIME_WAIT: SO_LINGER with 0"
"$traffic" -p 6001 linger 1 >/dev/null
show "grep avoid=linger $twait/assassinations"

title "A reuse: connect() takes the four-tuple of a wait"
"$traffic" -p 6002 connect 1 >/dev/null
show "grep path=connect $twait/reuse | tail -n 1"

title "In sum"
show "grep -v ' 0\$' $twait/stats"
show "grep TCP: /proc/net/sockstat"

title "Unload"
quietly nginx -c /tmp/nginx.conf -s stop
show "rmmod timewait"
