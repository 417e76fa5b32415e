# SPDX-License-Identifier: GPL-2.0-only
#
# What the tests in guest/ share. They run in a guest of scripts/vm, with all of
# the machine to themselves:
#
#      traffic's client  C <---- lo (or veth) ----> S  traffic's server
#                             |              |
#   applications: traffic's   |   wire:      |    /proc/net/timewait/
#   own words                 |   captures   |    /proc/net/netstat, sockstat
#
# A test loads the module, makes something happen, and asks all three.

bats_require_minimum_version 1.5.0

twait=/proc/net/timewait
traffic=$BATS_TEST_DIRNAME/../../../build/tests/traffic
craft=$BATS_TEST_DIRNAME/../../../build/tests/craft

# Kernel counters, by name, since the module was loaded.
mib() {
	awk -v name="$1" '
		$1 == "TcpExt:" && !head { split($0, names); head = 1; next }
		$1 == "TcpExt:" { for (i in names) if (names[i] == name) print $i }
	' /proc/net/netstat
}

mib_since_load() {
	local -n base=base_$1
	echo $(($(mib "$1") - base))
}

sockstat_tw() {
	awk '$1 == "TCP:" { for (i = 2; i < NF; i++) if ($i == "tw") print $(i + 1) }' \
		/proc/net/sockstat
}

stat() {
	awk -v name="$1" '$1 == name { print $2; found = 1 } END { exit !found }' "$twait/stats" || {
		echo "no $1 in stats" >&2
		return 1
	}
}

# stats that begin with $1 and end with _total, added up.
stat_sum() {
	awk -v re="^$1.*_total\$" '$1 ~ re { sum += $2 } END { print sum + 0 }' "$twait/stats"
}

# expect NAME VALUE: what stats must say.
expect() {
	local is
	is=$(stat "$1") || return
	[ "$is" = "$2" ] || {
		echo "$1 is $is and not $2, in:" >&2
		grep -v ' 0$' "$twait/stats" >&2
		return 1
	}
}

# eventually SECONDS COMMAND...: until it succeeds.
eventually() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || {
			echo "not so in time: $*" >&2
			return 1
		}
		sleep 0.1
	done
}

# key NAME LINE: the value of NAME= in a line of key=value.
key() {
	local word
	for word in $2; do
		[ "${word%%=*}" != "$1" ] || {
			echo "${word#*=}"
			return
		}
	done
	echo "no $1= in: $2" >&2
	return 1
}

# rows FILE PATTERN...: the lines of a file that have all the patterns.
rows() {
	local file=$1 lines
	shift
	lines=$(grep -v '^#' "$twait/$file") || return 0
	for pattern in "$@"; do
		lines=$(grep -E -- "(^| )$pattern( |\$)" <<<"$lines") || return 0
	done
	echo "$lines"
}

count_rows() {
	local lines
	lines=$(rows "$@")
	[ -z "$lines" ] && echo 0 || wc -l <<<"$lines"
}

load_timewait() {
	local name
	for name in TW TWKilled TWRecycled TCPTimeWaitOverflow; do
		printf -v "base_$name" %s "$(mib "$name")"
	done
	insmod "$TIMEWAIT_KO" "$@"
}

# At rest the module and the kernel agree, in every way that is known.
balanced() {
	eventually 10 at_rest || return
	local waiting entered adopted ended
	waiting=$(stat waiting) entered=$(stat entered_total)
	adopted=$(stat adopted_total) ended=$(stat ended_total)
	equal "entered + adopted - ended" $((entered + adopted - ended)) waiting "$waiting" &&
		equal waiting "$waiting" "tw in sockstat" "$(sockstat_tw)" &&
		equal "ways" "$(stat_sum entered_.+)" entered_total "$entered" &&
		equal "fates" "$(stat_sum ended_.+)" ended_total "$ended" &&
		equal "substates" $(($(stat waiting_fin_wait2) + $(stat waiting_time_wait))) \
			waiting "$waiting" &&
		equal "reuse allowed" "$(stat reuse_connect_allowed_total)" \
			TWRecycled "$(mib_since_load TWRecycled)" &&
		equal "ended by connect" "$(stat ended_connect_total)" \
			"reuse allowed" "$(stat reuse_connect_allowed_total)" &&
		equal "ended by syn" "$(stat ended_syn_total)" \
			"SYNs allowed" "$(stat reuse_syn_allowed_total)" &&
		equal overflow "$(stat avoided_overflow_total)" \
			TCPTimeWaitOverflow "$(mib_since_load TCPTimeWaitOverflow)" &&
		equal entered "$entered" \
			"TW + TWKilled" $(($(mib_since_load TW) + $(mib_since_load TWKilled))) &&
		expect ended_unknown_total 0 &&
		expect probes_missed_total 0 &&
		expect resynced_total 0 &&
		expect owners_lost_total 0 &&
		peaked
}

at_rest() {
	[ "$(stat waiting)" = "$(sockstat_tw)" ]
}

peaked() {
	[ "$(stat waiting_peak)" -ge "$(stat waiting)" ]
}

# The module keeps no record too many and none too few.
recorded() {
	equal records "$(stat records)" waiting "$(stat waiting)" &&
		equal "rows of connections" "$(count_rows connections)" waiting "$(stat waiting)" &&
		expect records_lost_total 0
}

equal() {
	[ "$2" = "$4" ] || {
		echo "$1 is $2, but $3 is $4" >&2
		[ ! -e "$twait/stats" ] || grep -v ' 0$' "$twait/stats" >&2
		return 1
	}
}

kernel_is_quiet() {
	! dmesg | grep -E 'BUG|WARNING|Oops|Call Trace|suspicious|stall|leak|sleeping function'
}

setup() {
	dmesg -C
	sysctl -qw net.ipv4.tcp_max_tw_buckets=262144 \
		net.ipv4.ip_local_port_range='1025 65000' \
		net.ipv4.tcp_tw_reuse=2 net.ipv4.tcp_rfc1337=0 \
		net.ipv4.tcp_fin_timeout=60 net.ipv4.tcp_timestamps=1
}

# No test leaves anything for the next one: no module, no wait, no word from the
# kernel.
teardown() {
	[ ! -e "$twait" ] || rmmod timewait || return
	# Ends the waits at once; there is nothing to be learnt from their end.
	ss -HtanK state time-wait state fin-wait-2 >/dev/null || return
	eventually 10 no_wait || return
	kernel_is_quiet
}

no_wait() {
	[ "$(sockstat_tw)" = 0 ]
}
