# SPDX-License-Identifier: GPL-2.0-only
# Each network namespace sees its own, and leaves nothing when it goes.

load ../lib.bash

in_ns() {
	ip netns exec "$@"
}

@test "each namespace counts for itself" {
	load_timewait
	for ns in one two; do
		ip netns add $ns
		ip -n $ns link set lo up
	done
	in_ns one "$traffic" active 3
	in_ns two "$traffic" active 5
	"$traffic" active 7
	[ "$(in_ns one awk '$1 == "waiting" { print $2 }' "$twait/stats")" = 3 ]
	[ "$(in_ns two awk '$1 == "waiting" { print $2 }' "$twait/stats")" = 5 ]
	expect waiting 7
	[ "$(in_ns one grep -c ^src= "$twait/connections")" = 3 ]
	[ "$(in_ns two grep -c ^src= "$twait/connections")" = 5 ]
	[ "$(count_rows connections)" = 7 ]
	balanced
	ip netns del one
	ip netns del two
}

gone() {
	[ "$(stat gone_namespaces_total)" = "$1" ]
}

# bats test_tags=scenario,containers
@test "50 namespaces with traffic go away: purged, counted, nothing left" {
	# Where each takes seconds, fewer.
	local n=$((thin > 1 ? 10 : 50))
	load_timewait
	# Tuned from the beginning: they have that too to be rid of. And however slow the
	# machine is, no wait runs out by itself.
	sysctl -qw net.timewait.length_ms=240000 net.timewait.inherit=1
	for i in $(seq $n); do
		ip netns add ns$i
		ip -n ns$i link set lo up
		in_ns ns$i "$traffic" active 4 >/dev/null
		in_ns ns$i "$traffic" -6 -p 7001 connect 2 >/dev/null
	done
	"$traffic" active 3
	for i in $(seq $n); do
		ip netns del ns$i
	done
	eventually 60 gone $n
	expect gone_entered_total $((6 * n))
	expect gone_ended_connect_total $((2 * n))
	expect gone_ended_purged_total $((4 * n))
	expect gone_ended_unknown_total 0
	expect gone_reuse_unexplained_total 0
	expect gone_ended_total $((6 * n))
	balanced
	recorded
}

# shaped: the host's device, behind which "box" has its own and "peer" lives, sends
# 1,000 bytes a second
shaped() {
	ip netns add box
	ip netns add peer
	ip link add to_peer type veth peer name eth0 netns peer
	ip -n peer address add 10.5.0.2/24 dev eth0
	ip -n peer link set eth0 up
	ip address add 10.6.0.1/24 dev to_peer
	ip link set to_peer up
	ip neigh replace 10.6.0.9 lladdr 02:00:00:00:00:09 dev to_peer
	ip link add eth0 link to_peer netns box type macvlan mode bridge
	ip -n box address add 10.5.0.1/24 dev eth0
	ip -n box link set eth0 up
	tc qdisc add dev to_peer root tbf rate 8kbit burst 2000 limit 100000
}

# backlog: how many packets lie in the queue of the device
backlog() {
	tc -s qdisc show dev to_peer | sed -n 's/.* backlog .*b \([0-9]*\)p .*/\1/p'
}

nothing_queued() {
	[ "$(backlog)" = 0 ]
}

# On new kernels the ACK holds the wait, that then ends in a namespace that is gone.
# bats test_tags=scenario,containers
@test "a namespace goes while a wait's ACK lies in a queue of the host" {
	load_timewait
	shaped
	in_ns peer $python -c '
import socket
l = socket.create_server(("10.5.0.2", 7100))
open("'"$BATS_TEST_TMPDIR"'/ready", "w").close()
s = l.accept()[0]
s.recv(1)
' 3>&- &
	local peer=$!
	eventually 20 test -e "$BATS_TEST_TMPDIR/ready"
	in_ns box $python -c '
import socket
c = socket.create_connection(("10.5.0.2", 7100))
c.shutdown(socket.SHUT_WR)
c.recv(1)
'
	wait "$peer"
	local port
	port=$(in_ns box grep -o ' sport=[0-9]*' "$twait/connections" | cut -d = -f 2)
	# Some seconds of other packets, of the host's own, and then the ACK to a FIN.
	$python -c '
import socket
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range('"$((thin > 1 ? 20 : 5))"'):
    u.sendto(bytes(1400), ("10.6.0.9", 9))
'
	in_ns peer "$craft" 10.5.0.2 7100 10.5.0.1 "$port" FA 1 1
	[ "$(in_ns box awk '$1 == "answers_ack_total" { print $2 }' "$twait/stats")" = 1 ]
	ip netns del box
	echo "$(backlog) packets in the queue" >&2
	[ "$(backlog)" -ge 2 ]
	eventually 60 nothing_queued
	eventually 10 gone 1
	expect gone_entered_total 1
	expect gone_ended_purged_total 1
	expect gone_ended_total 1
	balanced
	ip link del to_peer
	ip netns del peer
}

# While it is registered, a namespace that was there has no place for us yet; or the one
# that was given back when we were unloaded last.
# bats test_tags=smoke
@test "loaded from within a namespace, and again" {
	ip netns add born
	ip -n born link set lo up
	load_timewait
	sysctl -qw net.timewait.length_ms=50000 net.timewait.inherit=1
	rmmod timewait
	for i in 1 2 3; do
		in_ns born insmod "$TIMEWAIT_KO"
		[ "$(in_ns born sysctl -n net.timewait.length_ms net.timewait.inherit | tr '\n' ' ')" = "60000 0 " ]
		[ "$(sysctl -n net.timewait.length_ms)" = 60000 ]
		in_ns born "$traffic" active 3
		# With those of before, that are adopted.
		[ "$(in_ns born awk '$1 == "waiting" { print $2 }' "$twait/stats")" = $((3 * i)) ]
		in_ns born sysctl -qw net.timewait.length_ms=1000 net.timewait.inherit=1
		[ "$i" = 3 ] || rmmod timewait
	done
	ip netns del born
}

@test "pids and uids as the reader sees them" {
	load_timewait
	unshare --pid --fork --mount-proc sh -c "
		$traffic active 2 >$BATS_TEST_TMPDIR/inside
		cat $twait/connections >$BATS_TEST_TMPDIR/seen"
	pid=$(key pid "$(cat "$BATS_TEST_TMPDIR/inside")")
	[ "$(grep -c " pid=$pid comm=traffic " "$BATS_TEST_TMPDIR/seen")" = 2 ]
	# From outside the same process has another number.
	[ "$(count_rows connections comm=traffic "pid=$pid")" = 0 ]
	[ "$(count_rows connections comm=traffic)" = 2 ]
	# A process that the reader cannot see.
	"$traffic" -p 7001 active 3
	[ "$(unshare --pid --fork --mount-proc cat $twait/connections | grep 'dport=7001' |
		grep -c ' pid=0 comm=traffic ')" = 3 ]
	# Root in a user namespace of its own is another uid outside.
	unshare --user --map-root-user --net sh -c "ip link set lo up; $traffic -p 7002 active 1
		grep -c ' uid=0 ' $twait/connections" >"$BATS_TEST_TMPDIR/userns"
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/userns")" = 1 ]
}
