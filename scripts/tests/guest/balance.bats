# SPDX-License-Identifier: GPL-2.0-only
# The counts balance and agree with the kernel's own, whatever goes on.

load ../lib.bash

# Connections on two CPUs, half of them IPv6, of all fates that traffic makes, 20,000
# or a part of that: 4 x 3990 in 7 kinds, of which two make a second connection.
mixed_traffic() {
	local pids=() pid
	"$traffic" -p 700 mix $((3990 / thin)) >"$BATS_TEST_TMPDIR/0" & pids+=($!)
	"$traffic" -6 -p 701 mix $((3990 / thin)) >"$BATS_TEST_TMPDIR/1" & pids+=($!)
	"$traffic" -p 702 mix $((3990 / thin)) >"$BATS_TEST_TMPDIR/2" & pids+=($!)
	"$traffic" -6 -p 703 mix $((3990 / thin)) >"$BATS_TEST_TMPDIR/3" & pids+=($!)
	for pid in "${pids[@]}"; do
		wait "$pid" || return
	done
	awk -v least=$((20000 / thin)) \
		'{ split($2, c, "="); sum += c[2] } END { exit sum < least }' "$BATS_TEST_TMPDIR"/?
}

# bats test_tags=smoke
@test "thousands of connections of mixed fates, then all expire" {
	# None of them may run out before it was looked at.
	local thin=$((thin > 1 ? 25 : 20000 / ${TIMEWAIT_CONNECTIONS:-20000}))
	load_timewait
	follow_events "$BATS_TEST_TMPDIR/events"
	mixed_traffic
	balanced 2
	recorded
	for fate in rst syn connect reset; do
		[ "$(stat "ended_${fate}_total")" -gt $((2000 / thin)) ]
	done
	# Two of seven are held on to, the rest is let go of.
	[ "$(stat entered_fin_wait2_total)" -gt $((6000 / thin)) ]
	# Every one of them was closed by a process, but for what was missed and adopted.
	# In one look: between two some run out on a slow machine.
	awk '
		/^# timewait / { file = $3; next }
		file == "stats" { stat[$1] = $2; next }
		/ way=adopted / { adopted++; next }
		{ n++; ours += / comm=traffic /; nobodys += / pid=- / }
		END {
			print n + 0 " rows, " ours + 0 " ours, " nobodys + 0 " nobody\047s, " \
				adopted + 0 " adopted"
			exit !n || n != ours || nobodys || adopted > stat["resynced_total"]
		}
	' "$twait/stats" "$twait/connections" >&2
	[ "$(count_rows connections 'src=::1')" -gt $((1500 / thin)) ]
	[ "$(count_rows connections 'src=127.0.0.1')" -gt $((1500 / thin)) ]

	# TIME_WAIT is 60 s, plus the timer wheel's step.
	eventually 70 expect waiting 0 2>/dev/null
	balanced 2
	recorded
	# One that was missed when it began is adopted.
	expect ended_total $(($(stat entered_total) + $(stat adopted_total)))
	[ "$(stat ended_expired_total)" -gt $((3500 / thin)) ]

	# What was read and what was lost is what was emitted.
	emitted=$(stat events_total)
	eventually 20 read_to_the_end "$emitted"
	kill -INT "$reader"
	wait "$reader"
	read=$(grep -c '^seq=' "$BATS_TEST_TMPDIR/events")
	equal "read + lost" $((read + $(stat events_lost_total))) emitted "$emitted"
	[ "$emitted" -ge $(($(stat entered_total) + $(stat ended_total))) ]
}

read_to_the_end() {
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/events" | grep -o '^seq=[0-9]*')" = "seq=$(($1 - 1))" ]
}

# bats test_tags=scenario,late-load
@test "waits that are there at load are adopted, and end as any other" {
	sysctl -qw net.ipv4.tcp_fin_timeout=3
	"$traffic" active $((500 / thin))
	"$traffic" -6 -p 7001 active $((500 / thin))
	"$traffic" -p 7002 stuck 20 & sleep 1
	before=$(sockstat_tw)
	load_timewait
	expect adopted_total "$before"
	expect waiting "$before"
	expect waiting_peak "$before"
	recorded
	equal "rows" "$(count_rows connections way=adopted pid=- uid=-)" adopted "$before"
	row=$(wait_rows state=time_wait | head -n 1)
	# 60 s and what has passed of it.
	[ "$(($(key age_ms "$row") + $(key left_ms "$row")))" -ge 59900 ]
	[ "$(($(key age_ms "$row") + $(key left_ms "$row")))" -le 60100 ]
	"$traffic" -p 7003 active 10
	expect entered_total 10
	end_waits
	eventually 10 expect waiting 0 2>/dev/null
	expect "ended_${end_fate}_total" $((before + 10))
	expect ended_unknown_total 0
}

# bats test_tags=smoke,scenario,late-load
@test "adopting while traffic goes on" {
	loaded_under_traffic=yes
	"$traffic" -p 7001 mix $((4000 / thin)) >/dev/null & pid=$!
	"$traffic" -6 -p 7002 mix $((4000 / thin)) >/dev/null & pid6=$!
	for i in 1 2 3; do
		# Anew, for on a slow machine the last ones may have run out.
		"$traffic" active $((1000 / thin)) >/dev/null
		load_timewait
		before=$(syns_without_end)
		[ "$(stat adopted_total)" -ge $((1000 / thin)) ]
		sleep 0.5
		[ "$i" = 3 ] || rmmod timewait
	done
	wait "$pid" "$pid6"
	eventually 10 at_rest
	recorded
	# A wait that was taken over before it was adopted has no end. Since then each has
	# one, and what each CPU had under way when we looked has got its own.
	after=$(syns_without_end)
	[ "$after" -le "$before" ] && [ "$after" -ge $((before - 2)) ] || {
		equal "SYNs allowed without an end" "$after" "after the load" "$before"
	}
	missed_at_most 0
}

# How many waits were taken over, and not counted as ended: in one look.
syns_without_end() {
	awk '{ n[$1] = $2 } END { print n["reuse_syn_allowed_total"] - n["ended_syn_total"] }' \
		"$twait/stats"
}

@test "more waits than records: counted exactly all the same" {
	local first=1500 each=100
	# The waits of the first minute have to be there still.
	[ "$thin" = 1 ] || first=1100 each=20
	load_timewait max_records=1024
	expect records_max 1024
	sysctl -qw net.ipv4.tcp_fin_timeout=2
	"$traffic" active "$first"
	# On one CPU no segment overtakes another.
	taskset -c 0 "$traffic" -6 -p 7001 mix $((7 * each))
	balanced
	[ "$(stat records)" -le 1024 ]
	equal "rows" "$(count_rows connections)" records "$(stat records)"
	[ "$(stat records_lost_total)" -ge $((first - 1024)) ]
	# Those without a record keep their fates apart. Of rst and reset, one or
	# the other may be so quick that there was no FIN_WAIT2 yet: no wait then.
	expect ended_syn_total "$each"
	expect ended_connect_total "$each"
	equal "ended by rst and reset" \
		$(($(stat ended_rst_total) + $(stat ended_reset_total))) \
		expected $((2 * each - (first + 6 * each - $(stat entered_total))))
	end_waits
	eventually 10 expect waiting 0 2>/dev/null
	balanced
	expect records "$(stat ghosts)"
	[ "$(stat "ended_${end_fate}_total")" -ge $((first + 2 * each)) ]
}
