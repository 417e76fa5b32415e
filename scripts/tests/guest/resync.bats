# SPDX-License-Identifier: GPL-2.0-only
# Probes can be missed. Then the counts are mended, and it is told.

load ../lib.bash

# In hundredths of a second.
uptime_cs() {
	awk '{ printf "%d\n", $1 * 100 }' /proc/uptime
}

# probes 0|1: 0 keeps all kprobes silent, without a word
probes() {
	case $HOSTTYPE in
	x86_64) sysctl -qw "kernel.ftrace_enabled=$1" ;;
	# They are breakpoints there, which are none of ftrace's.
	*) echo "$1" >/sys/kernel/debug/kprobes/enabled ;;
	esac
}

settled() {
	at_rest && [ "$(stat records)" = "$(stat waiting)" ]
}

@test "nothing is mended while nothing is missed" {
	load_timewait
	"$traffic" mix 1000
	sleep 5
	balanced
	recorded
}

@test "beginnings and ends that went unseen are found again" {
	load_timewait
	begun=$(uptime_cs)
	"$traffic" active 30
	"$traffic" -6 -p 7001 active 20
	probes 0
	"$traffic" -p 7002 active 40
	end_waits 7000
	end_waits 7001
	probes 1
	took=$(($(uptime_cs) - begun))
	[ "$(sockstat_tw)" = 40 ]
	eventually 15 settled
	expect waiting 40
	# The counts are looked at every 2 s. Where that fell in between, some were mended
	# both ways.
	if [ "$took" -lt 180 ]; then
		expect adopted_total 40
		expect ended_unknown_total 50
	fi
	equal "ended unseen, but for those that began so" \
		$(($(stat ended_unknown_total) - $(stat adopted_total))) in_all 10
	expect resynced_total $(($(stat adopted_total) + $(stat ended_unknown_total)))
	[ "$(count_rows connections dport=7002 way=adopted)" = 40 ]
	[ "$(count_rows connections)" = 40 ]
	# And on as ever.
	"$traffic" -p 7003 active 5
	expect entered_total 55
	end_waits
	expect "ended_${end_fate}_total" 45
	expect waiting 0
}

# Between two walks, and between a walk and the next look at the counts.
@test "what begins or ends unseen while it is looked for is found the next time" {
	load_timewait
	probes 0
	for port in {7000..7015}; do
		"$traffic" -p "$port" active 10 >/dev/null
		sleep 0.3
	done
	probes 1
	eventually 15 settled
	expect waiting 160
	expect adopted_total 160
	expect resynced_total 160
	expect ended_unknown_total 0
	[ "$(count_rows connections way=adopted)" = 160 ]
	probes 0
	for port in {7000..7015}; do
		end_waits "$port"
		sleep 0.3
	done
	probes 1
	eventually 15 settled
	expect waiting 0
	expect adopted_total 160
	expect ended_unknown_total 160
	expect resynced_total 320
}

@test "a FIN_WAIT2 that went unseen was not avoided" {
	load_timewait
	probes 0
	"$traffic" orphan 20
	probes 1
	eventually 15 settled
	[ "$(stat waiting)" -ge 15 ]
	expect avoided_orphan_total 0
}

@test "also where there is no record for each wait" {
	load_timewait max_records=1024
	"$traffic" active 1500
	probes 0
	end_waits 7000
	"$traffic" -p 7001 active 1200
	probes 1
	eventually 20 at_rest
	sleep 6
	expect waiting 1200
	[ "$(stat records)" -le 1024 ]
	end_waits
	eventually 20 at_rest
	expect waiting 0
}
