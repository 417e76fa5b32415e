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
	expect gone_ended_total $((6 * n))
	balanced
	recorded
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
