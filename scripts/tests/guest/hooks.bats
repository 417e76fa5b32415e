# SPDX-License-Identifier: GPL-2.0-only
# Every hook fires; without one that is optional, the rest works, and what is
# lost is told and not shown as 0.

load ../lib.bash

# bats test_tags=smoke
@test "all hooks are armed, and all of them fire" {
	load_timewait
	for kind in active orphan rst reset connect syn; do
		"$traffic" $kind 2
	done
	# Those for what comes too late have tests of their own: late.bats.
	[ "$(count_rows hooks)" = 10 ]
	grep -vE '^#|^hook=(late_v4|late_v6|incarnation) ' "$twait/hooks" >"$BATS_TEST_TMPDIR/hooks"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/hooks")" = 7 ]
	while read -r row; do
		[ "$(key state "$row")" = armed ]
		[ "$(key hits "$row")" -gt 0 ]
		[ "$(key missed "$row")" = 0 ]
	done <"$BATS_TEST_TMPDIR/hooks"
}

# bats test_tags=smoke
@test "what is particular of this kernel is noted at its hook" {
	load_timewait
	case $release in
	5.10.*) enter=counted_at_expiry deschedule=not_killable connect=fin_wait2_reusable,whole_seconds ;;
	6.1.*)	enter=- deschedule=- connect=whole_seconds ;;
	6.12.*)	enter=softirqs_on deschedule=- connect=whole_seconds ;;
	*)	enter=softirqs_on deschedule=- connect=- ;;
	esac
	for hook in enter deschedule connect; do
		equal "note of $hook" "$(key note "$(rows hooks "hook=$hook")")" expected "${!hook}"
	done
	[ "$(count_rows hooks note=-)" -ge 3 ]
}

# Of every kind, and at last an ACK that comes too late, of each family, and one in time.
all_kinds() {
	echo 'add short rport=7003-7004 length_ms=1000' >"$twait/rules"
	eventually 10 none_idle
	"$traffic" -p 7003 active 1
	"$traffic" -6 -p 7004 active 1
	"$traffic" -p 7005 active 1
	"$traffic" -p 7002 linger 5
	# On one CPU no segment overtakes another.
	taskset -c 0 "$traffic" mix 70
	taskset -c 0 "$traffic" -6 -p 7001 mix 70
	too_late 127.0.0.1 7003
	too_late ::1 7004
	# And one that a wait is there for, which has an age by now.
	"$craft" 127.0.0.1 7005 127.0.0.1 "$(key sport "$(rows connections dport=7005)")" A 1 1
	echo clear >"$twait/rules"
	eventually 10 at_rest
}

# too_late HOST PORT: an ACK, on the number that the wait expected: a RST, which may lie
# anywhere, tells that, if there is a hook for it
too_late() {
	local sport next
	eventually 10 has_ghost "$2"
	sport=$(key sport "$(rows connections state=ghost "dport=$2")")
	"$craft" "$1" "$2" "$1" "$sport" R 1 0
	next=$(key rcv_nxt "$(rows assassinations late=rst "dport=$2")" 2>/dev/null) || next=1
	"$craft" "$1" "$2" "$1" "$sport" A "$next" 1
}

has_ghost() {
	[ -n "$(rows connections state=ghost "dport=$1")" ]
}

none_idle() {
	[ "$(count_rows hooks state=idle)" = 0 ]
}

# What is above 0 in "stats" and "histograms" when every hook is there. What else than
# those ACKs comes too late, and what is missed, is another thing each time.
count_all() {
	load_timewait
	all_kinds
	counted | grep -vE '^(late_(fin|data|syn|rst|harm)|probes_missed|resynced|adopted)_' >"$BATS_FILE_TMPDIR/all"
	end_waits
	eventually 5 no_wait
	rmmod timewait
}

# NAME VALUE: "stats", and the sums of "histograms"
counted() {
	grep -v '^#' "$twait/stats"
	awk '/^#/ { next }
		{ sub(/.*=/, "", $1); sub(/.*=/, "", $4); sum[$1] = $4 == "-" ? "-" : sum[$1] + $4 }
		END { for (name in sum) print name, sum[name] }' "$twait/histograms"
}

# load_without HOOK, and traffic of every kind.
load_without() {
	[ -s "$BATS_FILE_TMPDIR/all" ] || count_all
	load_timewait "forbid_hooks=$1"
	all_kinds
}

# told_lost HOOK: "hooks" says so, "stats" and "histograms" have "-" for just what it
# names: names, and beginnings of names with a * behind. And no 0 is there for want of
# the hook: what all hooks count of the same traffic is above 0 or "-".
told_lost() {
	local row
	row=$(rows hooks "hook=$1")
	equal state "$(key state "$row")" of forbidden
	equal hits "$(key hits "$row")" of 0
	counted >"$BATS_TEST_TMPDIR/counted"
	awk -v loses="$(key loses "$row")" '
		FNR == NR { all[$1] = $2; next }
		BEGIN {
			n = split(loses, item, ",")
			for (i = 1; i <= n; i++)
				begins[i] = sub(/[*]$/, "", item[i])
		}
		{
			name = $1
			sub(/^gone_/, "", name)
			if ($2 == "0" && all[$1] > 0) {
				print $1 " is 0, and " all[$1] " with all hooks"
				failed = 1
			}
			is_lost = 0
			for (i = 1; i <= n; i++)
				if (begins[i] ? index(name, item[i]) == 1 : name == item[i])
					is_lost = 1
			if (is_lost != ($2 == "-")) {
				print $1 " is " $2 (is_lost ? ", though lost" : ", though not lost")
				failed = 1
			}
			lost += is_lost
		}
		END { exit failed || !lost }
	' "$BATS_FILE_TMPDIR/all" "$BATS_TEST_TMPDIR/counted" >&2
	# What is armed on demand may be idle.
	equal "hooks that can be had" "$(count_rows hooks 'state=(armed|idle)')" "of 10 but" 9
	dmesg | grep -F "going on without the hook '$1'"
	twstat | grep -F "hook '$1' is forbidden"
}

# What holds without any optional hook.
still_balanced() {
	invariants && recorded && expect resynced_total 0
}

# cannot_set SYSCTL VALUE DEFAULT: it needs the hook, for all flows and for some; what
# is the kernel's own way can be had
cannot_set() {
	dmesg -C
	run sysctl -qw "net.timewait.$1=$2"
	[ "$status" != 0 ] || return
	[[ $output = *'Operation not supported'* ]] || return
	dmesg | grep -F "timewait: $1: refused: the hook that it needs is not there, see /proc/net/timewait/hooks" || return
	sysctl -qw "net.timewait.$1=$3" || return
	echo 'add before' >"$twait/rules" || return
	run bash -c "echo 'add some $1=$2' >$twait/rules"
	[[ $output = *'Operation not supported'* ]] || return
	dmesg | grep -F "timewait: rules: refused at '$1=$2': it takes a hook that is not there" || return
	equal "rules after it" "$(count_rows rules)" "that before" 1 || return
	echo "replace before $1=$3" >"$twait/rules" || return
	echo clear >"$twait/rules"
}

@test "without deschedule: early ends but reuse by connect() are unknown" {
	load_without deschedule
	told_lost deschedule
	still_balanced
	equal "ended by connect" "$(stat ended_connect_total)" TWRecycled "$(mib_since_load TWRecycled)"
	# 20 SYNs took a wait over, 40 RSTs came, most of them to a FIN_WAIT2.
	equal unknown "$(stat ended_unknown_total)" "the rest" \
		$(($(stat ended_total) - $(stat ended_connect_total) - $(stat ended_expired_total)))
	[ "$(stat ended_unknown_total)" -ge 20 ]
	[ "$(count_rows connections rearms=0 segments=1)" -gt 0 ]
}

@test "without segment: what reached a wait is not told" {
	load_without segment
	told_lost segment
	still_balanced
	equal "ended by connect" "$(stat ended_connect_total)" TWRecycled "$(mib_since_load TWRecycled)"
	equal unknown "$(stat ended_unknown_total)" "the rest" \
		$(($(stat ended_total) - $(stat ended_connect_total) - $(stat ended_expired_total)))
	[ "$(stat ended_unknown_total)" -ge 20 ]
	equal "rows that claim nothing" "$(count_rows connections segments=- refins=- \
		rearms=- rst_ignored=- state=- left_ms=- refused=0 comm=traffic)" \
		waiting "$(stat waiting)"
	cannot_set rst ignore kernel
}

@test "without connect: reuse is not told" {
	load_without connect
	told_lost connect
	still_balanced
	[ "$(mib_since_load TWRecycled)" -ge 20 ]
	equal unknown "$(stat ended_unknown_total)" TWRecycled "$(mib_since_load TWRecycled)"
	expect ended_syn_total 20
	equal "rows that claim nothing" "$(count_rows connections "state=(fin_wait2|time_wait)" refused=- comm=traffic)" \
		waiting "$(stat waiting)"
	cannot_set reuse allow kernel
	cannot_set reuse_delay_ms 100 0
	echo 'add any' >"$twait/rules"
	[ "$(count_rows rules rule=any hits=0 refused=- late=0)" = 1 ]
}

@test "without late_v4, late_v6 or incarnation: of late segments none is told" {
	for hook in late_v4 late_v6 incarnation; do
		load_without $hook
		told_lost $hook
		still_balanced
		end_waits
		eventually 5 no_wait
		rmmod timewait
	done
}

@test "without bind: refused ports are not told" {
	load_without bind
	told_lost bind
	still_balanced
	expect ended_unknown_total 0
}

@test "without close: nobody knows who closed" {
	load_without close
	told_lost close
	still_balanced
	expect ended_unknown_total 0
	expect ended_syn_total 20
	equal "ended by connect" "$(stat ended_connect_total)" TWRecycled "$(mib_since_load TWRecycled)"
	equal "rows without a process" "$(count_rows connections "state=(fin_wait2|time_wait)" pid=- comm=- uid=0)" \
		waiting "$(stat waiting)"
	# Counted by the kernel itself.
	sysctl -qw net.ipv4.tcp_max_tw_buckets=1
	"$traffic" -p 7003 active 5
	expect avoided_overflow_total 5
}

# bats test_tags=smoke
@test "without all that is optional: waits are counted, and no more" {
	load_timewait forbid_hooks=deschedule,segment,connect,bind,close
	"$traffic" mix 70
	eventually 10 at_rest
	still_balanced
	equal unknown "$(stat ended_unknown_total)" ended "$(stat ended_total)"
	[ "$(count_rows hooks state=forbidden)" = 5 ]
}

# bats test_tags=smoke
@test "a required hook forbidden: the load fails and names it" {
	for hook in enter end; do
		run insmod "$TIMEWAIT_KO" "forbid_hooks=$hook"
		[ "$status" != 0 ]
		[ ! -e "$twait" ]
		dmesg | grep -F "timewait: cannot load: the required hook '$hook' is forbidden"
		[ -z "$(cat /sys/kernel/debug/kprobes/list)" ]
	done
	"$traffic" mix 7
}

# bats test_tags=smoke
@test "a hook that there is not: the load fails and names those that there are" {
	run insmod "$TIMEWAIT_KO" forbid_hooks=close,sesame
	[ "$status" != 0 ]
	[ ! -e "$twait" ]
	dmesg | grep -F "there is no hook 'sesame', only: late_v4, late_v6, incarnation, end, deschedule, segment, connect, bind, close, enter"
}
