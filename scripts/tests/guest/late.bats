# SPDX-License-Identifier: GPL-2.0-only
# A wait that ended early is remembered, and what comes too late for it is told: to
# nobody, or to another connection.

load ../lib.bash

export CRAFT=$craft

ends=("10.1.0.2 7600" "fd01::2 7601")

hooks_are() {
	local hook
	for hook in late_v4 late_v6 incarnation; do
		[ "$(key state "$(rows hooks "hook=$hook")")" = "$1" ] || return
	done
}

# bats test_tags=scenario,last-ack-lost-no-wait
@test "last ACK lost, and the wait too short: the peer's close is reset" {
	begin_on_wire
	on left sysctl -qw net.timewait.length_ms=1000
	for end in "${ends[@]}"; do
		read -r host port <<<"$end"
		talk "$host" "$port" 'if True:
		l = listen()
		c = connect(); s = accept(l)
		c.shutdown(socket.SHUT_WR); assert s.recv(1) == b""
		time.sleep(0.2)
		lose(f"tcp dport {port} tcp flags & (fin|syn|rst|ack) == ack")
		s.shutdown(socket.SHUT_WR)
		assert c.recv(1) == b""; c.close()
		# Its FIN comes again and again, at longer and longer intervals.
		end = now() + 30
		error = 0
		while not error:
		    assert now() < end, "its close was clean"
		    time.sleep(0.1)
		    error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
		import errno
		assert error == errno.ECONNRESET, error
		lose_no_more()
		'
		row=$(at left rows assassinations event=late late=fin "dport=$port")
		equal "late FINs on record" "$(wc -l <<<"$row")" expected 1
		[ "$(key fate "$row")" = expired ]
		[ "$(key state "$row")" = ghost ]
		[ "$(key length_ms "$row")" = 1000 ]
		[ "$(key comm "$row")" = python3 ]
		[ "$(key age_ms "$row")" -ge 1000 ]
		# It is the FIN that the wait had had before.
		equal "end of the FIN" "$(key seg_end_seq "$row")" rcv_nxt "$(key rcv_nxt "$row")"
		equal "RSTs captured" "$(seen "$port" | grep -c '^left R')" expected 1
	done
	at left expect late_total 2
	at left expect late_fin_total 2
	at left expect late_harm_total 2
	at left balanced
	equal "ages in the histogram" \
		"$(at left rows histograms histogram=late_age | awk -F= '{ n += $NF } END { print n }')" \
		expected 2
	[ "$(at left stat late_age_max_ms)" -ge 1000 ]
}

# reopened HOST PORT SCRIPT: the left host has closed first; from the same port it
# connects again, and goes on with SCRIPT, which finds what the first one's wait
# expected next as rcv_nxt, and old(FLAGS, SEQ, OPTION...) that sends an old segment
reopened() {
	talk "$1" "$2" "if True:
	def old(flags, seq, *options, ack=1):
	    craft('right', *options, host, port, ours, local, flags, seq & 0xffffffff, ack)
	    time.sleep(0.3)
	l = listen()
	c = connect(); s = accept(l)
	ours, local = c.getsockname()[:2]
	c.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
	s.send(b'x' * 100); assert c.recv(100) == b'x' * 100
	c.shutdown(socket.SHUT_WR); assert s.recv(1) == b''
	s.close(); assert c.recv(1) == b''
	c.close()
	$3"
}

# rcv_nxt is in the event of the old connection's end, or of its reuse.
# bats test_tags=scenario,stray-data-stolen
@test "stray data, stolen: PAWS drops it" {
	begin_on_wire
	for end in "${ends[@]}"; do
		read -r host port <<<"$end"
		reopened "$host" "$port" 'c = connect(local); s = accept(l)
	in_ns("left")
	time.sleep(1)
	row = [r for r in open("/proc/thread-self/net/timewait/reuse") if f" dport={port} " in r][-1]
	rcv_nxt, ts_recent = (int(row.split(f" {key}=")[1].split()[0]) for key in ("rcv_nxt", "ts_recent"))
	stale = (ts_recent - 10) & 0xffffffff
	old("PA", rcv_nxt - 50, "-l", 10, "-t", stale)
	# The stack takes a RST whatever its timestamp: its number drops that one.
	old("R", rcv_nxt - 50, "-t", stale)
	s.send(b"new"); assert c.recv(100) == b"new"
	# With unread data, for then the socket leaves no ghost of its own: of what
	# comes now only what lies where the wait looked is from before it.
	s.send(b"unread")
	time.sleep(0.3)
	c.close()
	time.sleep(0.3)
	old("PA", rcv_nxt + (1 << 30), "-l", 10)
	old("PA", rcv_nxt - 20, "-l", 20)
	abort(s)
	'
		row=$(at left rows assassinations event=late "dport=$port")
		equal "late segments on record" "$(wc -l <<<"$row")" expected 3
		equal "fates before them" "$(grep -c ' fate=connect ' <<<"$row")" expected 3
		for late in paws:10 window:0 data:20; do
			found=$(grep " late=${late%:*} " <<<"$row")
			equal "length of ${late%:*}" $(($(key seg_end_seq "$found") - $(key seg_seq "$found"))) \
				expected "${late#*:}"
		done
	done
	for kind in paws window data; do
		at left expect late_${kind}_total 2
	done
	at left expect late_total 6
	at left expect late_harm_total 2
	[ "$(key hits "$(rows hooks hook=incarnation)")" -ge 2 ]
}

# bats test_tags=scenario,stray-data-stolen
@test "stray data, stolen: without timestamps its number drops it, or nothing does" {
	begin_on_wire
	for host in left right; do
		on $host sysctl -qw net.ipv4.tcp_timestamps=0
	done
	on left sysctl -qw net.timewait.length_ms=1000
	for end in "${ends[@]}"; do
		read -r host port <<<"$end"
		# The peer numbers anew beyond all it had sent; an old segment is elsewhere.
		reopened "$host" "$port" 'in_ns("left")
	files = "/proc/thread-self/net/timewait/"
	end = now() + 30
	while not [r for r in open(files + "connections") if f" dport={port} state=ghost " in r]:
	    assert now() < end, "it waits on"
	    time.sleep(0.1)
	# What it had expected next is told by any segment that comes for it.
	old("R", 1)
	row = [r for r in open(files + "assassinations") if f" dport={port} " in r and " late=rst " in r][-1]
	rcv_nxt = int(row.split(" rcv_nxt=")[1].split()[0])
	c = connect(local); s = accept(l)
	time.sleep(1)
	old("PA", rcv_nxt - 50, "-l", 10)
	s.send(b"new"); assert c.recv(100) == b"new"
	# It is left no ghost of its own, so that the first is still there.
	abort(s)
	time.sleep(0.3)
	c.close()
	l.close()
	# And where the new numbers are by bad luck where the old ones were, what is old
	# is taken for new. (The peer has no such connection, and is not to hear of it.)
	lose(f"tcp dport {port}")
	c = connect_as_if(local, rcv_nxt - 50)
	time.sleep(1)
	old("PA", rcv_nxt - 50, "-l", 10, ack=0)
	stolen = c.recv(100)
	assert len(stolen) == 10, stolen
	abort(c)
	lose_no_more()
	'
		at left rows assassinations "dport=$port" >&2
		row=$(at left rows assassinations event=late late=window "dport=$port")
		equal "rejected by number" "$(wc -l <<<"$row")" expected 1
		[ "$(key fate "$row")" = expired ]
		row=$(at left rows assassinations event=late late=suspect "dport=$port")
		equal "taken perhaps" "$(wc -l <<<"$row")" expected 1
		equal "what the new one expects" "$(key new_rcv_nxt "$row")" \
			"the segment's number" "$(key seg_seq "$row")"
		[ "$(key new_rcv_wnd "$row")" -gt 0 ]
		[ "$(key rcv_wnd "$row")" -gt 50 ]
	done
	at left expect late_window_total 2
	at left expect late_suspect_total 2
	at left expect late_harm_total 2
}

@test "each kind that comes too late, and what it meets" {
	load_timewait
	printf 'add four rport=7001 length_ms=1000\nadd rest length_ms=1000\n' >"$twait/rules"
	"$traffic" -p 7001 active 1
	"$traffic" -6 -p 7002 active 1
	sport4=$(key sport "$(rows connections dport=7001)")
	sport6=$(key sport "$(rows connections dport=7002)")
	eventually 10 no_wait
	eventually 5 expect ghosts 2 2>/dev/null
	for end in "127.0.0.1 7001 $sport4" "::1 7002 $sport6"; do
		read -r host port sport <<<"$end"
		"$craft" "$host" "$port" "$host" "$sport" R 1 0
		next=$(key rcv_nxt "$(rows assassinations late=rst "sport=$sport")")
		late FA $((next - 1))
		late -l 5 PA $((next - 6))
		late A "$next"
		late S 1
		# Behind the peer's FIN there is nothing of this connection.
		late -l 5 PA $((next + 1))
		late FA $((next + 70000))
		# Not of this four-tuple.
		port=$((port + 1)) late A "$next"
	done
	for kind in fin data ack syn rst; do
		expect late_${kind}_total 2
	done
	expect late_total 10
	expect late_harm_total 4
	# The first few of each are kept, all are counted.
	[ "$(count_rows assassinations event=late)" = 8 ]
	[ "$(count_rows connections state=ghost segments=5 fate=expired)" = 2 ]
	# Each rule counts those of its own.
	[ "$(count_rows rules hits=1 late=5 late_harm=2)" = 2 ]
	# A server's wait: its port has a listener, but the segment is none of his.
	capture here "$BATS_TEST_TMPDIR/pcap" 'dst port 7100'
	$python "$BATS_TEST_DIRNAME/../port.py" 127.0.0.1 7100 server 20 >/dev/null 3>&- &
	server=$!
	eventually 30 has_ghost 7100
	host=127.0.0.1 sport=7100
	port=$(key dport "$(rows connections sport=7100)")
	# A RST is nothing to a listener. The client has sent a SYN and a FIN.
	next=$(eventually 5 syn_to_7100)
	late A $((next + 2))
	kill "$server"
	run wait "$server"
	expect late_ack_total 3
	[ "$(count_rows rules rule=rest hits=2 late=6)" = 1 ]
}

# syn_to_7100: its number
syn_to_7100() {
	read_capture -nS "$BATS_TEST_TMPDIR/pcap" | awk '
		/Flags \[S\]/ { sub(/.* seq /, ""); printf "%.0f", $1; found = 1; exit }
		END { exit !found }'
}

# late [OPTION...] FLAGS SEQ: from the peer, to who is no more
late() {
	local -a options=("${@:1:$#-2}")
	"$craft" "${options[@]}" "$host" "$port" "$host" "$sport" "${@: -2:1}" \
		"$((${*: -1} & 0xffffffff))" 1
}

has_ghost() {
	[ -n "$(rows connections "sport=$1" state=ghost)" ]
}

@test "a ghost goes in time, and the hooks with the last one" {
	load_timewait
	hooks_are idle
	sysctl -qw net.timewait.quiet_ms=3000
	hooks_are armed
	"$traffic" -p 7001 linger 5
	expect ghosts 5
	[ "$(count_rows connections state=ghost way=- fate=- dport=7001 comm=traffic)" = 5 ]
	recorded
	eventually 10 expect ghosts 0 2>/dev/null
	expect ghosts_total 5
	expect ghosts_lost_total 0
	expect records 0
	hooks_are armed
	# They rest minutes after the last one, or after something was tuned; but are not
	# armed from the start, nor by what is no ghost.
	rmmod timewait
	load_timewait
	"$traffic" -p 7001 active 3
	hooks_are idle
	"$traffic" -p 7001 linger 1
	eventually 5 hooks_are armed
	sysctl -qw net.timewait.quiet_ms=0
	"$traffic" -p 7002 linger 1
	expect ghosts 1
}

@test "the next wait of a four-tuple takes the place of its ghost" {
	load_timewait
	sysctl -qw net.ipv4.ip_local_port_range='20000 20000' net.timewait.length_ms=1000
	"$traffic" -p 7001 active 1
	eventually 10 expect ghosts 1 2>/dev/null
	sysctl -qw net.timewait.length_ms=60000
	"$traffic" -p 7001 active 1
	[ "$(count_rows connections dport=7001 state=time_wait)" = 1 ]
	[ "$(count_rows connections)" = 1 ]
	expect ghosts 0
	expect ghosts_total 1
	end_waits
	eventually 10 expect ghosts 1 2>/dev/null
	expect ghosts_total 2
	recorded
}

@test "ghosts are the first to go when there is no more room" {
	# No RST of those is to end a wait.
	sysctl -qw net.ipv4.tcp_rfc1337=1
	load_timewait max_records=1024
	# None goes by itself meanwhile.
	sysctl -qw net.timewait.quiet_ms=240000 net.timewait.length_ms=240000
	"$traffic" -p 7001 linger 800
	# A port that was had twice has one ghost.
	ports=$(rows connections state=ghost dport=7001 | grep -o ' sport=[0-9]*' | sort -u | wc -l)
	replaced=$((800 - ports))
	expect ghosts_total 800
	expect ghosts "$ports"
	"$traffic" -p 7002 active 300
	sleep 1
	"$traffic" -p 7003 active 300
	expect waiting 600
	# Of the waits none goes without a record but those that began before the sweep.
	[ "$(stat ghosts_lost_total)" -gt 100 ]
	[ "$(stat records_lost_total)" -le 100 ]
	# A sweep may still be under way.
	eventually 10 add_up "$replaced" 2>/dev/null || add_up "$replaced"
}

add_up() {
	equal "ghosts" "$(stat ghosts)" "those made and not given up" \
		$(($(stat ghosts_total) - $(stat ghosts_lost_total) - $1))
}

@test "ghosts leave an eighth of all records to the waits" {
	# No RST of those is to end a wait.
	sysctl -qw net.ipv4.tcp_rfc1337=1
	load_timewait max_records=1024
	sysctl -qw net.timewait.quiet_ms=240000
	"$traffic" -p 7001 linger 1500
	ghosts=$(stat ghosts)
	echo "$ghosts ghosts, $(stat ghosts_lost_total) lost" >&2
	# Seven eighths, and the one that is too many; a sweep leaves six. It frees 32 at
	# a time, and what lies in the stock of a CPU, 64 at most, counts as in use.
	[ "$ghosts" -le 897 ]
	[ "$ghosts" -gt $((768 - 32 - 64 * $(nproc))) ]
	[ "$(stat ghosts_lost_total)" -gt 100 ]
	# So there is room at once, no sweep has to be waited for.
	# (Three magazines are there for any CPU; the rest may be in the stock of another.)
	"$traffic" -p 7002 active 90
	expect waiting 90
	expect records_lost_total 0
}

@test "a namespace has an eighth of all records for its ghosts, and no more" {
	load_timewait max_records=1024
	unshare -n sh -c "ip link set lo up; '$traffic' -p 7001 linger 300
		cat /proc/net/timewait/stats" >"$BATS_TEST_TMPDIR/stats"
	awk '{ n[$1] = $2 }
		END { exit n["ghosts"] != 128 || n["ghosts_total"] + n["ghosts_lost_total"] != 300 }
	' "$BATS_TEST_TMPDIR/stats" || {
		grep ghosts "$BATS_TEST_TMPDIR/stats" >&2
		return 1
	}
	# Those of others are no worse off.
	expect ghosts_lost_total 0
	"$traffic" -p 7002 linger 5
	expect ghosts 5
}

@test "a namespace that goes takes its ghosts with it" {
	load_timewait
	unshare -n sh -c "ip link set lo up; '$traffic' -p 7001 linger 20
		grep -q '^ghosts 20$' /proc/net/timewait/stats"
	eventually 20 gone_with_all
	[ "$(stat records)" = 0 ]
}

gone_with_all() {
	[ "$(stat gone_namespaces_total)" = 1 ]
}
