# SPDX-License-Identifier: GPL-2.0-only
# What the reader says of the host around the waits, on sockets that are there.

load ../lib.bash

# said STATE: by twstat states, all
said() {
	awk -v state="$1" '$1 == state { print $2; exit }' "$BATS_TEST_TMPDIR/states"
}

# bats test_tags=scenario,state-summary
@test "the state of every socket, as ss counts it" {
	load_timewait
	$python - "$BATS_TEST_TMPDIR/ready" <<-'END' 3>&- &
	import socket, sys, time
	held = []
	for host in "127.0.0.1", "::1":
	    family = socket.AF_INET6 if ":" in host else socket.AF_INET
	    l = socket.create_server((host, 7600), family=family)
	    def pair():
	        c = socket.create_connection((host, 7600))
	        return c, l.accept()[0]
	    held += [l, pair(), pair()]			# LISTEN, ESTABLISHED
	    c, s = pair(); c.shutdown(socket.SHUT_WR); held += [c, s]	# FIN_WAIT2, CLOSE_WAIT
	    c, s = pair(); c.close(); held.append(s)	# a minisock in FIN_WAIT2
	    for _ in range(3):
	        c, s = pair(); c.shutdown(socket.SHUT_WR); s.close(); c.recv(1); c.close()
	    c, s = pair(); s.close(); held.append(c)	# CLOSE_WAIT
	open(sys.argv[1], "w").close()
	time.sleep(60)
	END
	holder=$!
	eventually 120 test -e "$BATS_TEST_TMPDIR/ready"
	sleep 1
	twstat states >"$BATS_TEST_TMPDIR/states"
	while read -r ss ours; do
		equal "$ours by twstat" "$(said "$ours")" "by ss" \
			"$(ss -Htan state "$ss" | wc -l)"
	done <<-END
	listening LISTEN
	established ESTABLISHED
	fin-wait-1 FIN_WAIT1
	fin-wait-2 FIN_WAIT2
	close-wait CLOSE_WAIT
	time-wait TIME_WAIT
	last-ack LAST_ACK
	closing CLOSING
	END
	[ "$(said TIME_WAIT)" = 6 ]
	[ "$(said CLOSE_WAIT)" = 6 ]
	equal "TIME_WAIT by twstat" "$(said TIME_WAIT)" waiting_time_wait "$(stat waiting_time_wait)"
	kill "$holder"
	run wait "$holder"
}

# bats test_tags=scenario,conntrack
@test "conntrack keeps a TIME_WAIT of its own" {
	modprobe nf_conntrack 2>/dev/null || :
	[ -e /proc/net/nf_conntrack ] || skip "this kernel has no /proc/net/nf_conntrack"
	nft 'table inet track { chain in { type filter hook input priority 0; ct state established accept; }; }'
	load_timewait
	"$traffic" active 5
	"$traffic" -6 -p 7001 active 5
	twstat states >"$BATS_TEST_TMPDIR/states"
	[ "$(said TIME_WAIT)" = 10 ]
	[ "$(said conntrack)" = 10 ]
	# The sockets' are over, and conntrack's are not.
	end_waits
	eventually 5 no_wait
	twstat states >"$BATS_TEST_TMPDIR/states"
	[ "$(said TIME_WAIT)" = 0 ]
	tracked=$(grep -c TIME_WAIT /proc/net/nf_conntrack || :)
	equal "conntrack's, by twstat" "$(said conntrack)" "in its file" "$tracked"
	if [ "$tracked" -gt 0 ]; then
		grep -F "conntrack holds $tracked in TIME_WAIT, the sockets 0" "$BATS_TEST_TMPDIR/states"
	fi
	nft delete table inet track
}

# bats test_tags=scenario,recycle-gone
@test "tcp_tw_recycle: gone, and what does its job" {
	[ ! -e /proc/sys/net/ipv4/tcp_tw_recycle ]
	mkdir -p "$BATS_TEST_TMPDIR/root/etc/sysctl.d"
	echo 'net.ipv4.tcp_tw_recycle = 1' >"$BATS_TEST_TMPDIR/root/etc/sysctl.d/99-old.conf"
	# As one who follows old advice does.
	run ! sysctl -w net.ipv4.tcp_tw_recycle=1
	run -0 twstat settings --etc-root "$BATS_TEST_TMPDIR/root"
	[[ $output = *"99-old.conf:1: tcp_tw_recycle does nothing since 4.12"* ]]
	[[ $output = *"behind NAT"* ]]
	[[ $output = *"net.ipv4.tcp_tw_reuse = 1, with net.ipv4.tcp_timestamps = 1"* ]]
	# And the values are this kernel's.
	[[ $output = *"net.ipv4.tcp_max_tw_buckets = 262144"* ]]
}
