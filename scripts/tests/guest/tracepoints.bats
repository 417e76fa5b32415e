# SPDX-License-Identifier: GPL-2.0-only
# The same story as tracepoints, for tracefs, perf and bpftrace.

load ../lib.bash

@test "tracefs: enter, end and avoid, with words that can be filtered by" {
	load_timewait
	trace=/sys/kernel/tracing
	echo 'fate == "rst"' >$trace/events/timewait/timewait_end/filter
	echo 1 >$trace/events/timewait/enable
	"$traffic" active 2 >"$BATS_TEST_TMPDIR/out"
	"$traffic" -6 -p 7001 rst 3
	"$traffic" -p 7002 connect 1
	echo 0 >$trace/events/timewait/enable
	pid=$(key pid "$(cat "$BATS_TEST_TMPDIR/out")")
	grep -c 'timewait_enter: .*dport=7000.*way=active' $trace/trace
	[ "$(grep -c "timewait_enter: src=::ffff:127.0.0.1 .*dport=7000 .*way=active pid=$pid comm=traffic" $trace/trace)" = 2 ]
	[ "$(grep -c 'timewait_end: src=::1 .*dport=7001 state=fin_wait2 fate=rst' $trace/trace)" = 3 ]
	[ "$(grep -c 'timewait_end: .*fate=connect' $trace/trace)" = 0 ]
	[ "$(grep -c 'timewait_avoid: .*dport=7002 avoid=linger' $trace/trace)" = 1 ]
	echo 0 >$trace/events/timewait/timewait_end/filter
	echo >$trace/trace
}

is_gone() {
	! kill -0 "$1" 2>/dev/null
}

@test "bpftrace" {
	load_timewait
	timeout 300 bpftrace -B none -e '
		BEGIN { printf("ready\n"); }
		tracepoint:timewait:timewait_enter { @enter[args->way] = count(); }
		tracepoint:timewait:timewait_end { @end[args->fate] = count(); }
		tracepoint:timewait:timewait_avoid { @avoid[args->avoid] = count(); }
	' >"$BATS_TEST_TMPDIR/out" 2>&1 &
	tracer=$!
	eventually 100 grep -q ready "$BATS_TEST_TMPDIR/out" || {
		cat "$BATS_TEST_TMPDIR/out"
		false
	}
	"$traffic" active 4
	"$traffic" -p 7001 linger 3
	"$traffic" -p 7002 syn 2
	# Asked in the moment before it waits for events, it waits for one more.
	kill -INT $tracer
	eventually 20 is_gone $tracer 2>/dev/null || kill -INT $tracer
	wait $tracer
	cat "$BATS_TEST_TMPDIR/out"
	grep -F '@enter[active]: 6' "$BATS_TEST_TMPDIR/out"
	grep -F '@avoid[linger]: 5' "$BATS_TEST_TMPDIR/out"
	grep -F '@end[syn]: 2' "$BATS_TEST_TMPDIR/out"
	expect probes_missed_total 0
	balanced
}
