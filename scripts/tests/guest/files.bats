# SPDX-License-Identifier: GPL-2.0-only
# The files: formats, modes, what they refuse.

load ../lib.bash

@test "each file names its format and version in its first line" {
	load_timewait
	for file in stats connections reuse assassinations hooks histograms rules; do
		[ "$(head -n 1 "$twait/$file")" = "# timewait $file 1" ]
	done
	[ "$(dd if="$twait/events" bs=4096 count=1 2>/dev/null)" = "# timewait events 1" ]
	[ "$(ls "$twait" | wc -l)" = 8 ]
}

@test "totals are for everybody, flows and processes for root" {
	load_timewait
	for file in stats hooks histograms; do
		[ "$(command stat -c %a "$twait/$file")" = 444 ]
		setpriv --reuid=65534 --clear-groups cat "$twait/$file" >/dev/null
	done
	for file in connections events reuse assassinations; do
		[ "$(command stat -c %a "$twait/$file")" = 440 ]
		run setpriv --reuid=65534 --regid=65534 --clear-groups cat "$twait/$file"
		[ "$status" = 1 ]
		[[ $output = *"Permission denied"* ]]
	done
}

@test "writing is refused, for root too, and changes nothing" {
	load_timewait
	"$traffic" active 1
	before=$(unchanging)
	for file in stats connections events reuse assassinations hooks; do
		run sh -c "echo clear >$twait/$file"
		[ "$status" != 0 ]
		[[ $output = *"Permission denied"* ]]
	done
	[ "$(unchanging)" = "$before" ]
}

# All but how long we have been looking.
unchanging() {
	cat "$twait/stats" "$twait/hooks" | grep -v '^observed_ms '
}

@test "names in stats that others rely on" {
	load_timewait
	for name in waiting waiting_fin_wait2 waiting_time_wait waiting_peak \
		entered_total entered_active_total entered_simultaneous_total \
		entered_fin_wait2_total advanced_total rearmed_total adopted_total \
		ended_total ended_expired_total ended_rst_total ended_syn_total \
		ended_connect_total ended_killed_total ended_reset_total \
		ended_purged_total ended_unknown_total avoided_linger_total \
		avoided_overflow_total reuse_connect_allowed_total \
		reuse_connect_refused_total reuse_syn_allowed_total records \
		records_lost_total events_total events_lost_total \
		probes_missed_total resynced_total segments_paws_total \
		segments_rst_total segments_rst_stray_total segments_syn_total \
		segments_window_total segments_fin_total segments_data_total \
		segments_ack_total answers_none_total answers_ack_total \
		answers_limited_total answers_rst_total answers_listen_total \
		ghosts ghosts_total late_total late_harm_total late_fin_total \
		late_suspect_total length_ms_total observed_ms; do
		stat "$name" >/dev/null
	done
	# name value, and nothing else.
	! grep -vE '^(# timewait stats 1|[a-z0-9_]+ [0-9]+)$' "$twait/stats"
}

@test "a line of connections, key by key" {
	load_timewait
	"$traffic" active 1
	keys=$(wait_rows | tr ' ' '\n' | cut -d= -f1 | tr '\n' ' ')
	[ "$keys" = "src sport dst dport state way age_ms left_ms waits segments refins rearms rst_ignored refused pid comm uid cgroup mark length_ms rule fate " ]
}

@test "what another process chose cannot break a line" {
	load_timewait
	$python - <<-'END'
	import ctypes, socket
	libc = ctypes.CDLL(None)
	l = socket.create_server(("127.0.0.1", 7050))
	for name in (b"a b=c\\\n\xff", b"-", b"\x01" * 15):
	    libc.prctl(15, name, 0, 0, 0)
	    c = socket.create_connection(("127.0.0.1", 7050))
	    s, _ = l.accept()
	    c.shutdown(socket.SHUT_WR); s.recv(1); s.close(); c.recv(1); c.close()
	END
	[ "$(count_rows connections)" = 3 ]
	[ "$(wait_rows | grep -cF 'comm=a\040b\075c\134\012\377 ')" = 1 ]
	[ "$(wait_rows | grep -cF 'comm=\055 ')" = 1 ]
	[ "$(wait_rows | grep -cF 'comm=\001\001\001\001\001\001\001\001\001\001\001\001\001\001\001 ')" = 1 ]
	! rows connections | grep -vE '^src=\S+( [a-z0-9_]+=\S+)+$'
}

@test "mark, uid and cgroup of the socket are on its record" {
	load_timewait
	mkdir -p /sys/fs/cgroup/shop
	id=$(command stat -c %i /sys/fs/cgroup/shop)
	sh -c "echo \$\$ >/sys/fs/cgroup/shop/cgroup.procs; exec setpriv --reuid=1234 --clear-groups $traffic active 2"
	[ "$(count_rows connections uid=1234 "cgroup=$id" mark=0)" = 2 ]
	$python - <<-'END'
	import socket
	l = socket.create_server(("127.0.0.1", 7051))
	c = socket.socket()
	c.setsockopt(socket.SOL_SOCKET, 36, 77)
	c.connect(("127.0.0.1", 7051))
	s, _ = l.accept()
	c.shutdown(socket.SHUT_WR); s.recv(1); s.close(); c.recv(1); c.close()
	END
	[ "$(count_rows connections dport=7051 mark=77 uid=0)" = 1 ]
}

@test "IPv4 over an IPv6 socket is IPv4" {
	load_timewait
	$python - <<-'END'
	import socket
	l = socket.create_server(("::", 7052), family=socket.AF_INET6, dualstack_ipv6=True)
	c = socket.create_connection(("127.0.0.1", 7052))
	s, _ = l.accept()
	s.shutdown(socket.SHUT_WR); c.recv(1); c.close(); s.recv(1); s.close()
	END
	[ "$(count_rows connections sport=7052 src=127.0.0.1 dst=127.0.0.1)" = 1 ]
	balanced
}

@test "connections shows every flow once, however many share a bucket" {
	# 1024 records in 1024 buckets, and 3,000 reads of a few bytes.
	load_timewait max_records=1024
	"$traffic" active 800
	[ "$(dd if="$twait/connections" bs=61 2>/dev/null | grep -c '^src=')" = 800 ]
	[ "$(wait_rows | grep -o 'sport=[0-9]*' | sort -u | wc -l)" = 800 ]
}
