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
# or, after two_hosts, with a wire between them that can be cut, and a module that
# tells of each by itself (at HOST COMMAND...):
#
#      left  10.1.0.1  <---- veth ----> 10.1.0.2  right
#            fd01::1                    fd01::2
#
# A test loads the module, makes something happen, and asks all three.

bats_require_minimum_version 1.5.0

net=/proc/net
twait=$net/timewait
helpers=$BATS_TEST_DIRNAME/../../../build/tests/$HOSTTYPE
kmemleak=/sys/kernel/debug/kmemleak
! grep -qw kmemleak=off /proc/cmdline || kmemleak=/nonexistent
release=$(</proc/sys/kernel/osrelease)
traffic=$helpers/traffic
craft=$helpers/craft
# One CPU delivers segments in the order in which they were sent; see traffic.c. As
# a variable it is one process, which can be killed.
python='taskset 1 python3 -IS'

# A kernel that looks twice at everything takes a hundred times as long for it:
# there is a tenth of the traffic there.
thin=1
[[ $release != *-debug ]] || thin=10

# Bats looks at each command of a test, which makes a loop of the shell dearer
# than a program: hence awk. Of what is in here it looks at the calls only (setup).

# mib NAME: a counter of TcpExt.
mib() {
	awk -v name="$1" '
		$1 == "TcpExt:" && !head { split($0, names); head = 1; next }
		$1 == "TcpExt:" { for (i in names) if (names[i] == name) print $i }
	' "$net/netstat"
}

# mib_since_load NAME: its growth since the module was loaded.
mib_since_load() {
	local -n base=base_$1
	echo $(($(mib "$1") - base))
}

sockstat_tw() {
	local all=''
	read -r -d '' all </proc/net/sockstat || :
	[[ $all =~ \ tw\ ([0-9]+) ]] && echo "${BASH_REMATCH[1]}"
}

# stat NAME: a number of stats. The first line there is a heading.
stat() {
	local all='' number
	read -r -d '' all <"$twait/stats" || :
	number=${all#*$'\n'"$1 "}
	[ "$number" != "$all" ] || {
		echo "no $1 in stats" >&2
		return 1
	}
	echo "${number%%$'\n'*}"
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
	local rest=" ${2//$'\n'/ }"
	[[ $rest = *" $1="* ]] || {
		echo "no $1= in: $2" >&2
		return 1
	}
	rest=${rest#*" $1="}
	echo "${rest%% *}"
}

# two_hosts: makes them, namespaces that tear_down_hosts takes away again
two_hosts() {
	local host
	declare -gA net_of=()
	for host in left right; do
		ip netns add $host
		# Somebody has to be there, for his /proc/PID/net to be looked at.
		nsenter --net=/run/netns/$host sleep infinity 3>&- &
		net_of[$host]=/proc/$!/net
		disown $!
	done
	ip link add wire netns left type veth peer name wire netns right
	set_up_host left 1
	set_up_host right 2
	# The hosts are themselves when the sleepers are in there.
	eventually 5 hosts_are_apart
}

# set_up_host HOST NUMBER
set_up_host() {
	ip -n "$1" -batch - <<-END
		link set lo up
		link set wire up
		address add 10.1.0.$2/24 dev wire
		address add fd01::$2/64 dev wire nodad
	END
	on "$1" sysctl -qw net.ipv4.tcp_tw_reuse=0
}

hosts_are_apart() {
	grep -q wire "${net_of[left]}/dev" && grep -q wire "${net_of[right]}/dev"
}

tear_down_hosts() {
	local host pid
	for host in "${!net_of[@]}"; do
		pid=${net_of[$host]#/proc/}
		kill "${pid%/net}" 2>/dev/null || :
		ip netns del "$host"
	done
	net_of=()
}

# on HOST COMMAND...: there, a program
on() {
	nsenter --net="/run/netns/$1" "${@:2}"
}

# at HOST COMMAND...: a function of ours, that looks at the files there. The module
# was there before the host: all that the kernel counted is ours.
at() {
	local net=${net_of[$1]} twait=${net_of[$1]}/timewait
	# shellcheck disable=SC2034 # by reference
	local base_TW=0 base_TWKilled=0 base_TWRecycled=0 base_TCPTimeWaitOverflow=0
	shift
	"$@"
}

# follow_events FILE OPTION...: twstat events into it, in the background, as $reader;
# what happens from now on is in there
follow_events() {
	# What is in there from before does not tell that it reads.
	: >"$1"
	twstat events --raw "${@:2}" >"$1" 2>>"$1.log" 3>&- &
	reader=$!
	eventually 20 test -s "$1"
}

# next_of HOST PORT CLIENT: the number that the wait of client's port CLIENT expects
# next. A segment from nowhere near tells, a RST: it changes nothing
next_of() {
	local file=$BATS_TEST_TMPDIR/next reader
	follow_events "$file" --type segment --count 1 --for 20 || return
	"$craft" "$1" "$2" "$1" "$3" R 1 0
	wait "$reader"
	key rcv_nxt "$(tail -n 1 "$file")"
}

# capture HOST FILE FILTER...: of the wire, from there, or HOST here: of lo;
# stop_captures ends them. Headers only: each packet takes as much of the buffer as the
# longest may have, and of whole ones 8 MiB hold a hundred.
capture() {
	local via=(nsenter "--net=/run/netns/$1") device=wire file=$2
	[ "$1" != here ] || via=() device=lo
	shift 2
	# What is in there from before does not tell that it listens.
	: >"$file.log"
	# As root: where Debian's packages are only unpacked there is no user tcpdump.
	"${via[@]}" tcpdump -Z root -i $device -w "$file" -s 160 -U -B 8192 --immediate-mode \
		"$@" >"$file.log" 2>&1 3>&- &
	captures="$captures $!"
	capture_logs+=("$file.log")
	eventually 20 grep -q "listening on" "$file.log"
}

# read_capture OPTION FILE [FILTER...]: as text; as root, for the same reason
read_capture() {
	tcpdump -Z root "$1" -r "${@:2}" 2>"$BATS_TEST_TMPDIR/tcpdump" || {
		cat "$BATS_TEST_TMPDIR/tcpdump" >&2
		return 1
	}
}

stop_captures() {
	# shellcheck disable=SC2086 # numbers
	[ -z "$captures" ] || { kill -INT $captures; wait $captures; }
	captures=''
	# One that has missed some proves nothing.
	! grep -E '^[1-9][0-9]* packets? dropped' /dev/null "${capture_logs[@]}" >&2
}

# Load the module, make both hosts, and see what is on their wire.
begin_on_wire() {
	load_timewait
	two_hosts
	capture left "$BATS_TEST_TMPDIR/pcap" tcp
}

# talk HOST PORT SCRIPT: from left to HOST, which is right's; see hosts.py
talk() {
	$python "$BATS_TEST_DIRNAME/../hosts.py" left "$1" "$2" "$3"
}

# capture_lo FILTER: for seen and wire_shows. Not on the debug kernel, which takes
# minutes for it, and whose wire is that of 6.12.
capture_lo() {
	[ "$thin" -gt 1 ] || capture here "$BATS_TEST_TMPDIR/pcap" "$@"
}

# seen PORT: of the capture of begin_on_wire or capture_lo a line a segment: sender,
# right being who has that port, and flags by tcpdump's letters
seen() {
	read_capture -n "$BATS_TEST_TMPDIR/pcap" "tcp port $1" |
		awk -v port="$1" '{
			from = $3 ~ ("[.]" port "$") ? "right" : "left"
			match($0, /Flags \[[^]]*/)
			print from, substr($0, RSTART + 7, RLENGTH - 7)
		}'
}

# captured COUNT PORT PATTERN: waits for so many lines of seen, each the pattern; for what
# wire_shows is asked after another port, and the capture ended
captured() {
	[ "$thin" -gt 1 ] || eventually 10 is_on_wire "$@"
}

# wire_shows COUNT PORT PATTERN: so many lines of seen, each the pattern; as soon as
# they are captured, and then no more of them. Ends the capture
wire_shows() {
	[ "$thin" = 1 ] || return 0
	eventually 10 is_on_wire "$@" 2>/dev/null || :
	stop_captures
	equal "$3 on port $2 of the wire" "$(seen "$2" | grep -cxE "$3")" expected "$1"
}

is_on_wire() {
	[ "$(seen "$2" | grep -cxE "$3")" -ge "$1" ]
}

# rows FILE PATTERN...: the lines of a file that have all the patterns, each of
# which is an extended regular expression for a whole word.
rows() {
	pick 0 "$@"
}

count_rows() {
	pick 1 "$@"
}

# wait_rows PATTERN...: of those that wait, not of ghosts
wait_rows() {
	pick 0 connections 'state=(fin_wait2|time_wait|-)' "$@"
}

# pick COUNT FILE PATTERN...: the lines, or how many they are
pick() {
	local count=$1 file=$2 awk=awk
	shift 2
	# Busybox prepares a pattern anew for each line.
	[ "$(stat records)" -lt 300 ] || awk=mawk
	$awk -v count="$count" '
		BEGIN {
			for (i = 1; i < ARGC - 1; i++) {
				pattern[i] = "(^| )" ARGV[i] "( |$)"
				delete ARGV[i]
			}
		}
		/^#/ { next }
		{
			for (i in pattern) if ($0 !~ pattern[i]) next
			if (count) n++; else print
		}
		END { if (count) print n + 0 }
	' "$@" "$twait/$file"
}

# load_timewait [PARAMETER...]
load_timewait() {
	eval "$(awk '
		$1 == "TcpExt:" && !head { split($0, names); head = 1; next }
		$1 == "TcpExt:" {
			for (i in names)
				if (names[i] ~ /^(TW|TWKilled|TWRecycled|TCPTimeWaitOverflow)$/)
					print "base_" names[i] "=" $i
		}
	' /proc/net/netstat)"
	insmod "$TIMEWAIT_KO" "$@"
}

# balanced [MISSED]: at rest the module and the kernel agree, in every way that is
# known, and nothing was missed.
balanced() {
	invariants && missed_at_most "${1:-0}"
}

# missed_at_most COUNT: not 0 only where there are tens of thousands of connections. A
# softirq that interrupts the handler of a hook whose function runs with BH on
# (softirqs_on in hooks) misses its probes, by chance and seldom. What was missed has
# to be mended.
missed_at_most() {
	awk -v most="$1" '
		{ n[$1] = $2 }
		END {
			exit n["owners_lost_total"] || n["refusals_lost_total"] ||
				n["probes_missed_total"] > most ||
				n["resynced_total"] > n["probes_missed_total"] ||
				n["ended_unknown_total"] > n["probes_missed_total"]
		}
	' "$twait/stats" || {
		grep -E '^(ended_unknown|probes_missed|resynced|(owners|refusals)_lost)_total' "$twait/stats" >&2
		cat "$twait/hooks" >&2
		return 1
	}
}

# invariants: those of invariants.awk, as soon as the machine is at rest.
invariants() {
	eventually 10 check_invariants 2>/dev/null || {
		check_invariants
		grep -v ' 0$' "$twait/stats" >&2
		return 1
	}
}

check_invariants() {
	local at_expiry=0 kernel=1
	! kernel_is 5.10 || at_expiry=1
	[ -z "$loaded_under_traffic" ] || kernel=0
	# shellcheck disable=SC2154 # set by load_timewait
	awk -f "$BATS_TEST_DIRNAME/../invariants.awk" \
		-v base_TW="$base_TW" -v base_TWKilled="$base_TWKilled" \
		-v base_TWRecycled="$base_TWRecycled" \
		-v base_TCPTimeWaitOverflow="$base_TCPTimeWaitOverflow" \
		-v at_expiry="$at_expiry" -v kernel="$kernel" \
		"$net/sockstat" "$net/netstat" "$twait/stats" >&2
}

# kernel_is VERSION: of this major and minor number.
kernel_is() {
	[[ $release = "$1".* ]]
}

# The kernel's count and ours are one, in one look: between two some waits end.
at_rest() {
	awk '$1 == "TCP:" { for (i = 2; i < NF; i++) if ($i == "tw") tw = $(i + 1) }
		$1 == "waiting" { waiting = $2 }
		END { exit tw != waiting }' "$net/sockstat" "$twait/stats"
}

# The module keeps no record too many and none too few: as soon as no wait runs out
# between two looks.
recorded() {
	eventually 10 recorded_now 2>/dev/null || recorded_now
}

# In one look: between two some waits run out.
recorded_now() {
	awk '
		/^# timewait / { file = $3; next }
		file == "stats" { stat[$1] = $2; next }
		{ rows++; if (/ state=ghost /) ghosts++ }
		function equal(what, is, other, should) {
			if (is + 0 == should + 0) return
			print what " is " is + 0 ", but " other " is " should + 0
			bad = 1
		}
		END {
			equal("records", stat["records"], "waiting and ghosts",
				stat["waiting"] + stat["ghosts"])
			equal("rows of ghosts", ghosts, "ghosts", stat["ghosts"])
			equal("rows of connections", rows, "records", stat["records"])
			equal("records_lost_total", stat["records_lost_total"], "what it must be", 0)
			exit bad
		}
	' "$twait/stats" "$twait/connections" >&2
}

equal() {
	[ "$2" = "$4" ] || {
		echo "$1 is $2, but $3 is $4" >&2
		[ ! -e "$twait/stats" ] || grep -v ' 0$' "$twait/stats" >&2
		return 1
	}
}

# is_quiet SAID: by the kernel
is_quiet() {
	# What others are told: bpftrace where tracefs was, and who loads DCCP.
	[ -z "$1" ] || ! grep -vE 'Automounting of tracing|DCCP is deprecated' <<<"$1" |
		grep -wE 'BUG|WARNING|Oops|Call Trace|suspicious|stalls?|stalled|leaks?|sleeping function|UBSAN|KASAN|ODEBUG|deprecated'
}

kernel_is_quiet() {
	is_quiet "$(dmesg)"
}

setup_file() {
	dmesg -C
	[ ! -e "$kmemleak" ] || echo clear >"$kmemleak"
}

# What a test has lost is found after it has gone: once a file, for it takes time.
teardown_file() {
	[ -e "$kmemleak" ] || return 0
	# What is younger than 5 s is not called a leak.
	sleep 6
	echo scan >"$kmemleak"
	echo scan >"$kmemleak"
	! grep . "$kmemleak"
}

# put VALUE FILE: of /proc/sys/net/ipv4
put() {
	echo "$1" >"/proc/sys/net/ipv4/$2"
}

setup() {
	# Of all that a test calls bats would look at each command too, and take
	# longer than that does.
	set +T
	declare -ft "$BATS_TEST_NAME"
	loaded_under_traffic='' captures='' capture_logs=()
	declare -gA net_of=()
	# What was said since the last test is about that one.
	is_quiet "$(dmesg -c)" || return
	put 262144 tcp_max_tw_buckets
	put '1025 65000' ip_local_port_range
	# By default a connect() to loopback takes the port of any wait older than a
	# second, which a test gets to on a slow machine only.
	put 0 tcp_tw_reuse
	put 0 tcp_rfc1337
	put 60 tcp_fin_timeout
	put 1 tcp_timestamps
	put 500 tcp_invalid_ratelimit
	[ ! -e /proc/sys/kernel/ftrace_enabled ] || echo 1 >/proc/sys/kernel/ftrace_enabled
	[ ! -e /sys/kernel/debug/kprobes/enabled ] || echo 1 >/sys/kernel/debug/kprobes/enabled
}

# No test leaves anything for the next one: no module, no wait, no word from the
# kernel. And the design's invariants hold after each.
teardown() {
	teardown_timewait
}

teardown_timewait() {
	local bad=0 host
	[ -n "$BATS_TEST_COMPLETED" ] || show_all || :
	# shellcheck disable=SC2086 # numbers
	[ -z "$captures" ] || kill $captures 2>/dev/null || :
	for host in "${!net_of[@]}"; do
		[ ! -e "${net_of[$host]}/timewait" ] || at "$host" invariants || bad=1
	done
	tear_down_hosts
	if [ -e "$twait" ]; then
		invariants || bad=1
		rmmod timewait || return
	fi
	# There is nothing to be learnt from their end.
	no_wait || { end_waits && eventually 10 no_wait; } || return
	kernel_is_quiet && [ "$bad" = 0 ]
}

# What was there when a test failed.
show_all() {
	local host file
	[ ! -e "$twait" ] || show_files
	for host in "${!net_of[@]}"; do
		echo "on $host:"
		[ ! -e "${net_of[$host]}/timewait" ] || at "$host" show_files
	done
	for file in "$BATS_TEST_TMPDIR"/*pcap; do
		[ ! -s "$file" ] || { echo "${file##*/}:"; read_capture -nS "$file" | tail -n 40; }
	done
} >&2

show_files() {
	local file
	grep -v ' 0$' "$twait/stats"
	for file in connections reuse assassinations; do
		echo "$file:"
		tail -n 10 "$twait/$file"
	done
}

# What end_waits makes of a wait. 5.10 does not let ss -K end one.
end_fate=killed
[[ $release != 5.10.* ]] || end_fate=rst

# end_waits [PORT]: at once, those towards the port only.
end_waits() {
	if [ "$end_fate" = killed ]; then
		ss -HtanK state time-wait state fin-wait-2 ${1:+dport = :$1} >/dev/null
	else
		local protected
		protected=$(sysctl -n net.ipv4.tcp_rfc1337)
		sysctl -qw net.ipv4.tcp_rfc1337=0
		"$helpers/reap" "$@"
		sysctl -qw "net.ipv4.tcp_rfc1337=$protected"
	fi
}

no_wait() {
	[ "$(sockstat_tw)" = 0 ]
}
