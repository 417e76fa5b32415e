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

# load_without HOOK, and traffic of every kind.
load_without() {
	load_timewait "forbid_hooks=$1"
	"$traffic" mix 70
	"$traffic" -6 -p 7001 mix 70
	"$traffic" -p 7002 linger 5
	eventually 10 at_rest
}

# told_lost HOOK: "hooks" says so, "stats" has "-" for just what it names: names,
# and beginnings of names with a * behind.
told_lost() {
	local row
	row=$(rows hooks "hook=$1")
	equal state "$(key state "$row")" of forbidden
	equal hits "$(key hits "$row")" of 0
	awk -v loses="$(key loses "$row")" '
		BEGIN {
			n = split(loses, item, ",")
			for (i = 1; i <= n; i++)
				begins[i] = sub(/[*]$/, "", item[i])
		}
		/^#/ { next }
		{
			name = $1
			sub(/^gone_/, "", name)
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
	' "$twait/stats" >&2
	# What is armed on demand may be idle.
	equal "hooks that can be had" "$(count_rows hooks 'state=(armed|idle)')" "of 10 but" 9
	dmesg | grep -F "going on without the hook '$1'"
	twstat | grep -F "hook '$1' is forbidden"
}

# What holds without any optional hook.
still_balanced() {
	invariants && recorded && expect resynced_total 0
}

@test "without deschedule: early ends but reuse by connect() are unknown" {
	load_without deschedule
	told_lost deschedule
	still_balanced
	equal "ended by connect" "$(stat ended_connect_total)" TWRecycled "$(mib_since_load TWRecycled)"
	# 20 SYNs took a wait over, 40 RSTs came, most of them to a FIN_WAIT2.
	equal unknown "$(stat ended_unknown_total)" \
		"the rest" $(($(stat ended_total) - $(stat ended_connect_total)))
	[ "$(stat ended_unknown_total)" -ge 20 ]
	[ "$(count_rows connections rearms=0 segments=1)" -gt 0 ]
}

@test "without segment: what reached a wait is not told" {
	load_without segment
	told_lost segment
	still_balanced
	equal "ended by connect" "$(stat ended_connect_total)" TWRecycled "$(mib_since_load TWRecycled)"
	equal unknown "$(stat ended_unknown_total)" \
		"the rest" $(($(stat ended_total) - $(stat ended_connect_total)))
	[ "$(stat ended_unknown_total)" -ge 20 ]
	equal "rows that claim nothing" "$(count_rows connections segments=- refins=- \
		rearms=- rst_ignored=- state=- left_ms=- refused=0 comm=traffic)" \
		waiting "$(stat waiting)"
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
