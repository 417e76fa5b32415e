# SPDX-License-Identifier: GPL-2.0-only
# What is tuned, by sysctl and by rules, acts where it should and nowhere else; and
# what makes no sense is refused whole.

load ../lib.bash

helpers_of_test=
teardown() {
	# shellcheck disable=SC2086 # numbers or none
	[ -z "$helpers_of_test" ] || kill $helpers_of_test 2>/dev/null || :
	[ ! -e /run/netns/heir ] || ip netns del heir
	teardown_timewait
}

tune() {
	sysctl -qw "net.timewait.$1"
}

rules() {
	printf '%s\n' "$@" >"$twait/rules"
}

value() {
	sysctl -n "net.timewait.$1"
}

# The values that a namespace begins with.
untuned() {
	[ "$(sysctl net.timewait | tr '\n' ';')" = "net.timewait.events = all;\
net.timewait.inherit = 0;net.timewait.length_ms = 60000;\
net.timewait.quiet_ms = 60000;net.timewait.reuse = kernel;\
net.timewait.reuse_delay_ms = 0;net.timewait.rst = kernel;" ]
}

# refused FILE TEXT ERROR WORD: the write fails so, the kernel log names the word and
# what is wanted, and nothing is changed
refused() {
	refused_once "$@" || return
	name_is_told "$4" && return
	# Of one kind the kernel says ten in 5 s.
	sleep 5.1
	refused_once "$@" || return
	name_is_told "$4" || {
		echo "the kernel log does not name '$4':" >&2
		dmesg >&2
		return 1
	}
}

name_is_told() {
	dmesg | grep -F "timewait: " | grep -qF "$1"
}

# refused_once FILE TEXT ERROR: and nothing is changed
refused_once() {
	local before after err=0
	before=$(sysctl net.timewait; cat "$twait/rules")
	dmesg -C
	$python - "$1" "$2" >"$BATS_TEST_TMPDIR/said" <<-'END' || err=1
	import errno, os, sys
	fd = os.open(sys.argv[1], os.O_WRONLY)
	try:
	    os.write(fd, os.fsencode(sys.argv[2]))
	    print("ok")
	except OSError as e:
	    print(errno.errorcode[e.errno])
	END
	after=$(sysctl net.timewait; cat "$twait/rules")
	equal "what writing '$2' came to" "$(cat "$BATS_TEST_TMPDIR/said")" expected "$3" || return
	equal "what is tuned after it" "$after" before "$before" || return
	[ "$err" = 0 ]
}

@test "values: set, shown, refused, and gone with the module" {
	load_timewait
	untuned
	for value in length_ms=1000 length_ms=240000 quiet_ms=0 quiet_ms=240000 \
			reuse=allow reuse=refuse reuse=kernel reuse_delay_ms=100 \
			rst=ignore rst=kernel events=none events=enter,end \
			events=all inherit=1; do
		tune "$value"
		[ "$(value "${value%%=*}")" = "${value#*=}" ]
	done
	sys=/proc/sys/net/timewait
	refused $sys/length_ms 999 EINVAL "length_ms=1000 to 240000"
	refused $sys/length_ms 240001 EINVAL "'240001'"
	refused $sys/length_ms "" EINVAL "length_ms: refused"
	refused $sys/length_ms "5000 1" EINVAL "'1'"
	refused $sys/length_ms -1 EINVAL "'-1'"
	refused $sys/length_ms $'2000\n999' EINVAL "one line"
	refused $sys/quiet_ms 240001 EINVAL "quiet_ms=0 to 240000"
	refused $sys/reuse on EINVAL "reuse=kernel, allow or refuse"
	refused $sys/reuse_delay_ms 1s EINVAL "'1s'"
	refused $sys/rst 1 EINVAL "rst=kernel or ignore"
	refused $sys/events enter,leave EINVAL "events=all, none"
	refused $sys/inherit 2 EINVAL "inherit: refused: it takes 0 or 1"
	refused $sys/events "$(printf 'enter,%.0s' {1..50})" EINVAL "less than"
	rmmod timewait
	[ ! -e $sys ]
	insmod "$TIMEWAIT_KO"
	untuned
}

@test "rules: set, shown, refused, and gone with the module" {
	load_timewait
	rules 'add web rport=80 remote=10.0.0.0/8 length_ms=5000' \
		'# half of them' 'add ab share=50% reuse=allow'
	[ "$(sed 1d "$twait/rules" | sed 's/ hits=.*//')" = "rule=web remote=10.0.0.0/8 rport=80 length_ms=5000
rule=ab share=50% reuse=allow" ]
	rules 'replace web uid=33 rst=ignore' 'delete ab' 'add c loopback'
	[ "$(sed 1d "$twait/rules" | sed 's/ hits=.*//')" = "rule=web uid=33 rst=ignore
rule=c loopback" ]
	file=$twait/rules
	refused "$file" 'ad x' EINVAL "'ad' (line 1)"
	refused "$file" $'add x\nadd y lport=x\nadd z' EINVAL "'lport=x' (line 2)"
	refused "$file" 'add c' EINVAL "'c'"
	refused "$file" 'delete x' EINVAL "the name of a rule that there is"
	refused "$file" 'add x remote=10.0.0.1/8' EINVAL "'remote=10.0.0.1/8'"
	for address in 10.0.0.1-10.0.0.9 10.0.0.1:443 10.0.0.1,10.0.0.2 10.0.0.1xyz \
			fe80::1%lo 10.0.0 10.0.0.1.2 ::1:: fd00:::1 10.0.0.1/0x8; do
		refused "$file" "add x remote=$address" EINVAL "'remote=$address'"
	done
	refused "$file" 'add x lport=0x50' EINVAL "'lport=0x50'"
	refused "$file" "$(printf 'add r%d\n' {1..255})" E2BIG "at most 256 rules"
	refused "$file" "$(printf '#%65536s' x)" E2BIG "at most 65536 bytes"
	rules clear "$(printf 'add r%d\n' {1..256})"
	[ "$(sed 1d "$file" | wc -l)" = 256 ]
	rules clear
	[ "$(sed 1d "$file" | wc -l)" = 0 ]
	rules 'add last'
	rmmod timewait
	load_timewait
	[ "$(sed 1d "$file" | wc -l)" = 0 ]
}

@test "who may tune: CAP_NET_ADMIN over the namespace, and nobody else" {
	load_timewait
	# Root by number, and without the capability.
	drop="setpriv --bounding-set=-net_admin --inh-caps=-net_admin"
	run $drop sysctl -w net.timewait.length_ms=5000
	[ "$status" -ne 0 ]
	run $drop bash -c "echo 'add x' >$twait/rules"
	[ "$status" -ne 0 ]
	echo "$output"
	[[ $output = *"not permitted"* ]]
	run setpriv --reuid=65534 --regid=65534 --clear-groups sh -c "echo 'add x' >$twait/rules"
	[ "$status" -ne 0 ]
	run setpriv --reuid=65534 --regid=65534 --clear-groups cat $twait/rules
	[ "$status" -ne 0 ]
	untuned
	# Of a namespace of its own somebody may. (In this order: the files are owned by
	# who is root there when it begins.)
	setpriv --reuid=65534 --regid=65534 --clear-groups unshare -r unshare -n sh -c "
		sysctl -w net.timewait.length_ms=5000 &&
		echo 'add x uid=0' >/proc/net/timewait/rules &&
		grep -q '^rule=x uid=0 ' /proc/net/timewait/rules &&
		! echo 'add y uid=7' >/proc/net/timewait/rules &&
		! grep -q '^rule=y' /proc/net/timewait/rules"
	untuned
}

@test "a new namespace: untuned, or what its creator has" {
	load_timewait
	tune length_ms=5000
	rules 'add x'
	[ "$(unshare -n sysctl -n net.timewait.length_ms)" = 60000 ]
	tune inherit=1
	[ "$(unshare -n sysctl -n net.timewait.length_ms)" = 5000 ]
	[ "$(unshare -n sysctl -n net.timewait.inherit)" = 1 ]
	unshare -n sh -c '[ "$(wc -l </proc/net/timewait/rules)" = 1 ] &&
		sysctl -qw net.timewait.length_ms=7000'
	[ "$(value length_ms)" = 5000 ]
	# What is inherited acts, and is not only shown.
	tune reuse=allow
	one_port
	ip netns add heir
	ip -n heir link set lo up
	ip netns exec heir sysctl -qw net.ipv4.ip_local_port_range='20000 20000'
	said=$(ip netns exec heir $python "$BATS_TEST_DIRNAME/../port.py" 127.0.0.1 7100 \
		tcp_tw_reuse=0 wait 2.1 again | tr '\n' ' ')
	[ "$said" = "ok ok ok ok " ]
	[ "$(ip netns exec heir awk '$1 == "reuse_connect_allowed_tuned_total" { print $2 }' \
		"$twait/stats")" = 1 ]
}

# lived PORT: how long the last wait towards it did, in ms; from the event of its end
lived() {
	awk -v port="dport=$1" '
		/ event=end / { for (i = 1; i <= NF; i++) if ($i == port) { line = $0; break } }
		END {
			n = split(line, word)
			for (i = 1; i <= n; i++)
				if (word[i] ~ /^age_ms=/) { print substr(word[i], 8); exit }
			exit 1
		}' "$BATS_TEST_TMPDIR/ends"
}

# in_step WHAT MS GIVEN [ARMED]: never less, and at most more by an eighth of what
# the timer was set to, and by what a busy machine is late.
in_step() {
	[ "$2" -ge "$3" ] && [ "$2" -le $(($3 + ${4:-$3} / 8 + 400 * thin)) ] || {
		echo "$1 lived $2 ms, and was given $3" >&2
		return 1
	}
}

follow_ends() {
	cat "$twait/events" >"$BATS_TEST_TMPDIR/ends" 3>&- &
	helpers_of_test="$helpers_of_test $!"
	eventually 20 test -s "$BATS_TEST_TMPDIR/ends"
}

ends() {
	[ "$(grep -c event=end "$BATS_TEST_TMPDIR/ends")" = "$1" ]
}

# bats test_tags=scenario,tuned-length
@test "length: of the first schedule, by sysctl and by rule; others keep 60 s" {
	load_timewait
	follow_ends
	rules 'add two rport=7002-7003 length_ms=2000' 'add long rport=7004 length_ms=240000'
	tune length_ms=1000
	"$traffic" -p 7001 active 3
	"$traffic" -6 -p 7002 active 3
	"$traffic" -p 7003 active 3
	"$traffic" -p 7004 active 3
	[ "$(count_rows connections dport=7001 length_ms=1000 rule=-)" = 3 ] || ends 3
	[ "$(count_rows connections dport=7004 length_ms=240000 rule=long state=time_wait)" = 3 ]
	tune length_ms=60000
	"$traffic" -p 7005 active 3
	[ "$(count_rows connections dport=7005 length_ms=60000 rule=-)" = 3 ]
	[ "$(count_rows connections dport=7004 'left_ms=23[0-9][0-9][0-9][0-9]')" = 3 ]
	eventually 20 ends 9
	expect ended_expired_total 9
	expect waiting 6
	# Where the kernel gets the length from us it counts those of up to 4 s apart.
	short=0
	[ "$(count_rows hooks hook=enter symbol=inet_twsk_hashdance_schedule)" = 0 ] || short=9
	equal TWKilled "$(mib_since_load TWKilled)" "those of up to 4 s" "$short"
	row=$(rows rules rule=two)
	[ "$(key hits "$row") $(key waiting "$row") $(key ended_expired "$row")" = "6 0 6" ]
	row=$(rows rules rule=long)
	[ "$(key hits "$row") $(key waiting "$row")" = "3 3" ]
	# What is armed runs out as armed; what the module did is gone with it.
	[ "$(ss -Htano state time-wait dport = :7004 | grep -c 'timer:(timewait,3min')" = 3 ]
	balanced
	tune length_ms=1000
	in_step_once 7001 1000
	in_step_once 7002 2000 -6
	in_step_once 7003 2000
}

# in_step_once PORT GIVEN [OPTION...]: those that were there are, or else new ones: a
# machine that has other things to do is late, and so may be the jiffies that timers go
# by; but not each time.
in_step_once() {
	local port=$1 given=$2 ended
	shift 2
	in_step "one of port $port" "$(lived "$port")" "$given" && return
	for _ in 1 2; do
		ended=$(grep -c event=end "$BATS_TEST_TMPDIR/ends")
		"$traffic" -p "$port" "$@" active 1
		eventually 20 ends $((ended + 1))
		in_step "another of port $port" "$(lived "$port")" "$given" && return
	done
	return 1
}

# bats test_tags=scenario,tuned-length
@test "length: from FIN_WAIT2 to TIME_WAIT, and of re-arms" {
	load_timewait
	follow_ends
	rules 'add short rport=7001 length_ms=3000' 'add longer rport=7002 length_ms=8000'
	for family in '' -6; do
		# shellcheck disable=SC2086 # a word or none
		"$traffic" $family -p 7001 orphan 3
	done
	expect entered_fin_wait2_total 6
	[ "$(count_rows connections dport=7001 way=fin_wait2 state=time_wait \
		length_ms=3000 rule=short)" = 6 ]
	eventually 20 ends 6
	# From the FIN on: it came at once.
	in_step "one that was in FIN_WAIT2" "$(lived 7001)" 3000

	# An ACK where the wait expects it sets the timer back: to what it was given.
	"$traffic" -p 7002 active 1
	sleep 1.5
	rearm_by_ack
	row=$(wait_rows dport=7002)
	[ "$(key rearms "$row")" = 1 ]
	[ "$(key length_ms "$row")" = 8000 ]
	[ $(($(key age_ms "$row") + $(key left_ms "$row"))) -ge 9500 ]
	# From then on: what is left of it the kernel tells by jiffies, which lag.
	eventually 5 rearmed_at
	[ "$(rearmed_at)" -ge 1500 ]
	given=$(($(rearmed_at) + 8000))
	eventually 30 ends 7
	in_step "one that was re-armed" "$(lived 7002)" $given 8000
	expect ended_expired_total 7
	balanced
}

# How old the wait was then.
rearmed_at() {
	key age_ms "$(grep 'event=segment .* dport=7002 .* rearms=1 ' "$BATS_TEST_TMPDIR/ends")"
}

# The peer's last ACK again: its number is in the SYN-ACK's, which nobody kept.
rearm_by_ack() {
	local sport next
	sport=$(key sport "$(wait_rows dport=7002)")
	next=$(next_of 127.0.0.1 7002 "$sport")
	"$craft" 127.0.0.1 7002 127.0.0.1 "$sport" A "$next" 1
}

# kill_by_rst PORT: a RST just where it kills, towards the wait of that port
kill_by_rst() {
	local sport next
	sport=$(key sport "$(wait_rows "dport=$1")")
	next=$(next_of "$2" "$1" "$sport")
	"$craft" "$2" "$1" "$2" "$sport" R "$next" 0
}

# bats test_tags=scenario,rst-assassination
@test "rst=ignore: no assassination, for all or for some" {
	load_timewait
	"$traffic" -p 7001 active 1
	"$traffic" -6 -p 7002 active 1
	"$traffic" -p 7003 active 1
	rules 'add safe rport=7004 rst=ignore'
	"$traffic" -p 7004 active 1
	kill_by_rst 7003 127.0.0.1
	expect ended_rst_total 1
	kill_by_rst 7004 127.0.0.1
	tune rst=ignore
	kill_by_rst 7001 127.0.0.1
	kill_by_rst 7002 ::1
	expect ended_rst_total 1
	expect waiting 3
	expect rst_ignored_by_tuning_total 3
	expect rst_ignored_by_rfc1337_total 0
	expect segments_rst_total 4
	expect segments_rst_stray_total 4
	[ "$(count_rows connections rst_ignored=2 rearms=0)" = 3 ]
	# One in FIN_WAIT2 is no assassination: the peer has gone.
	"$traffic" -p 7005 rst 1
	expect ended_rst_total 2
	balanced
}

port() {
	said=$($python "$BATS_TEST_DIRNAME/../port.py" "$1" 7100 "${@:2}" | tr '\n' ' ')
	echo "$* said: $said" >&2
}

one_port() {
	sysctl -qw net.ipv4.ip_local_port_range='20000 20000'
	ip address replace 10.9.9.1/32 dev lo
	ip address replace fd09::1/128 dev lo nodad
}

# decided VERDICT REASON: once, as wanted
decided() {
	expect "reuse_connect_$1_$2_total" 1
	expect "reuse_connect_$1_total" 1
	balanced
	end_waits
	eventually 5 no_wait
	rmmod timewait
}

# bats test_tags=scenario,connect-reuse
@test "reuse=allow: as if tcp_tw_reuse were 1, and no less safe" {
	one_port
	for host in 127.0.0.1 ::1 10.9.9.1 fd09::1; do
		load_timewait
		tune reuse=allow
		port $host tcp_tw_reuse=0 wait 2.1 again
		[ "$said" = "ok ok ok ok " ]
		expect reuse_connect_allowed_tuned_total 1
		row=$(rows reuse verdict=allowed reason=tuned)
		[ "$(key tw_reuse "$row") $(key src "$row")" = "0 $host" ]
		decided allowed tuned
	done
	# Without timestamps nothing keeps the two apart; a young one may still get its FIN.
	load_timewait
	tune reuse=allow
	port 127.0.0.1 tcp_tw_reuse=0 tcp_timestamps=0 wait tcp_timestamps=1 2.1 again
	[ "$said" = "ok ok ok ok ok EADDRNOTAVAIL " ]
	decided refused no_timestamps
	load_timewait
	rules 'add to loopback reuse=allow'
	port 127.0.0.1 tcp_tw_reuse=0 young
	[ "$said" = "ok EADDRNOTAVAIL " ]
	decided refused too_young
	# One in FIN_WAIT2 is the kernel's matter.
	load_timewait
	tune reuse=allow
	port 127.0.0.1 tcp_tw_reuse=0 fin_wait2 2.1 again
	[ "$said" = "ok ok ok EADDRNOTAVAIL " ]
	kernel_is 5.10 && reason=off || reason=fin_wait2
	expect "reuse_connect_refused_${reason}_total" 1
	expect reuse_unexplained_total 0
	balanced
}

# bats test_tags=scenario,connect-reuse
@test "reuse=refuse: never, and only where it is said" {
	one_port
	load_timewait
	tune reuse=refuse
	port 127.0.0.1 tcp_tw_reuse=1 wait 2.1 again
	[ "$said" = "ok ok ok EADDRNOTAVAIL " ]
	decided refused tuned
	load_timewait
	rules 'add not rport=7101 reuse=refuse'
	port 127.0.0.1 tcp_tw_reuse=1 wait 2.1 again
	[ "$said" = "ok ok ok ok " ]
	decided allowed timestamps
	# Not even where bind() chose the port.
	load_timewait
	rules 'add all reuse=refuse' 'add none'
	run "$traffic" -6 -p 7001 connect 1
	[ "$status" = 1 ]
	[[ $output = *"Cannot assign requested address"* ]]
	[ "$(count_rows rules rule=all hits=1 refused=1)" = 1 ]
	[ "$(count_rows rules rule=none hits=0 refused=0)" = 1 ]
	decided refused tuned
}

# bats test_tags=scenario,connect-reuse
@test "reuse_delay_ms: on every kernel what tcp_tw_reuse_delay is on the newest" {
	one_port
	for host in 127.0.0.1 ::1; do
		# Shorter than the kernel's own second. What a busy machine makes of 0.3 s,
		# the kernel may allow too: but not each time.
		for _ in 1 2 3; do
			load_timewait
			tune reuse_delay_ms=100
			tune reuse=allow
			port $host tcp_tw_reuse=0 wait 0.3 again
			[ "$said" = "ok ok ok ok " ]
			row=$(rows reuse verdict=allowed)
			[ "$(key delay_ms "$row")" = 100 ]
			age_ms=$(key age_ms "$row")
			[ "$age_ms" -ge 300 ]
			decided allowed tuned
			[ "$age_ms" -ge 1000 ] || break
		done
		[ "$thin" -gt 1 ] || [ "$age_ms" -lt 1000 ]
		# Longer.
		load_timewait
		tune reuse_delay_ms=60000
		port $host tcp_tw_reuse=1 wait 2.1 again
		[ "$said" = "ok ok ok EADDRNOTAVAIL " ]
		row=$(rows reuse verdict=refused reason=too_young)
		[ "$(key delay_ms "$row")" = 60000 ]
		decided refused too_young
		# So too where the kernel would not have allowed it at all.
		load_timewait
		tune reuse=allow
		tune reuse_delay_ms=60000
		port $host tcp_tw_reuse=0 wait 2.1 again
		[ "$said" = "ok ok ok EADDRNOTAVAIL " ]
		[ "$(key delay_ms "$(rows reuse verdict=refused reason=too_young)")" = 60000 ]
		decided refused too_young
	done
}

@test "events: only the kinds that are wanted" {
	load_timewait
	tune events=end
	rules 'add quiet rport=7002 events=none'
	timeout 20 cat "$twait/events" >"$BATS_TEST_TMPDIR/stream" 3>&- &
	helpers_of_test="$helpers_of_test $!"
	eventually 20 test -s "$BATS_TEST_TMPDIR/stream"
	"$traffic" -p 7001 rst 3
	"$traffic" -p 7002 rst 3
	expect ended_rst_total 6
	[ "$(count_rows assassinations)" = 3 ]
	rmmod timewait
	[ "$(grep -c event= "$BATS_TEST_TMPDIR/stream")" = 3 ]
	[ "$(grep -c event=end "$BATS_TEST_TMPDIR/stream")" = 3 ]
}

# rate CYCLES [OPTION...]: connections a second towards one destination, of so many
# $ports. Not by counting in a window, for ports come free in bursts, and it is chance
# how many bursts a window has; but from how long after a port's one connection its next
# one is. The first cycle has all ports to begin with, and is left out.
rate() {
	local cycles=$1
	shift
	"$traffic" "$@" sustained $((ports * (cycles + 2))) | awk -F= -v ports="$ports" '
		$1 == "made_us" { made[n++] = $2 }
		END {
			for (i = ports; i + ports < n; i++) sum += made[i + ports] - made[i]
			printf "%.3f\n", ports * 1e6 * (n - 2 * ports) / sum
		}'
}

# sustains LENGTH_MS CYCLES [OPTION...]: ports / length, within 5 %. A machine that has
# other things to do makes fewer, but not each time.
sustains() {
	local length_ms=$1
	shift
	tune "length_ms=$length_ms"
	for _ in 1 2 3; do
		within 5 "$(rate "$@")" $((ports * 1000 / length_ms)) && return
	done
	return 1
}

# within PERCENT IS SHOULD
within() {
	awk -v percent="$1" -v is="$2" -v should="$3" 'BEGIN {
		off = (is / should - 1) * 100
		if (off < 0) off = -off
		printf "%s and not %s: off by %.1f %%\n", is, should, off >"/dev/stderr"
		exit off > percent
	}'
}

# bats test_tags=scenario,ports-exhausted
@test "ports exhausted: the rate follows the length, 60, 5 and 1 s" {
	local said ports=200
	load_timewait
	sysctl -qw net.ipv4.ip_local_port_range='20000 20199'
	# At 60 s: 200 connections, and then none for a minute.
	said=$("$traffic" active 200)
	"$traffic" refused 5
	expect waiting 200
	row=$(rows reuse event=refusal path=connect | tail -n 1)
	[ "$(key held "$row") $(key ports "$row")" = "200 200" ]
	# Where it takes long to make a connection, and longer to find the port for it
	# among those that wait, that would be measured: fewer of them.
	if [ "$(key elapsed_ns "$said")" -gt 4000000000 ]; then
		ports=10
	elif [ "$(key elapsed_ns "$said")" -gt 150000000 ]; then
		ports=40
	fi
	sysctl -qw net.ipv4.ip_local_port_range="20000 $((19999 + ports))"
	echo "# $(key elapsed_ns "$said") ns for 200 connections: measured with $ports ports" >&3
	for v6 in '' -6; do
		end_waits
		# shellcheck disable=SC2086 # an option, or none
		sustains 5000 2 $v6
		eventually 20 no_wait
		# shellcheck disable=SC2086
		[ "$thin" -gt 1 ] || sustains 1000 6 $v6
		eventually 10 no_wait
	done
}

@test "share: 10 % of the flows, always the same ones" {
	load_timewait
	# Long ones: the first is to wait still when the last has begun.
	tune length_ms=200000
	rules 'add tenth share=10% length_ms=240000' 'add half share=50%'
	# As many flows that chance, whose deviation is their root's, is not felt: of
	# 10,000 one of a thousand keys would leave the tenth by more than a tenth.
	"$traffic" -s 4 active $((20000 / thin))
	hits=$(key hits "$(rows rules rule=tenth)")
	[ "$thin" -gt 1 ] || within 10 "$hits" 2000
	half=$(key hits "$(rows rules rule=half)")
	[ "$thin" -gt 1 ] || within 4 "$half" 10000
	equal "rows of the rule" "$(count_rows connections rule=tenth length_ms=240000)" hits "$hits"
	equal "rows of the other" "$(count_rows connections rule=half length_ms=200000)" hits "$half"
	end_waits
	# One flow, again and again.
	rules clear 'add half share=50%'
	one_port
	port 127.0.0.1 tcp_tw_reuse=0 wait
	rule=$(key rule "$(wait_rows dport=7100)")
	for _ in 1 2 3 4 5; do
		end_waits
		eventually 5 no_wait
		port 127.0.0.1 wait
		equal "its rule" "$(key rule "$(wait_rows dport=7100)")" before "$rule"
	done
}

# bats test_tags=scenario,experiment
@test "two shares are an experiment: each rule counts what came of it" {
	load_timewait
	rules 'add short share=50% length_ms=1000' 'add long share=50% length_ms=240000'
	"$traffic" active 200
	"$traffic" -6 -p 7001 rst 100
	sleep 3
	read -r hits_short expired_short rst_short < <(outcome short)
	read -r hits_long expired_long rst_long < <(outcome long)
	equal "flows of both" $((hits_short + hits_long)) "all that waited" 300
	[ "$hits_short" -gt 90 ]
	[ "$hits_long" -gt 90 ]
	# All of the one have run out, none of the other.
	equal "expired of the short" "$expired_short" "those not killed" $((hits_short - rst_short))
	equal "expired of the long" "$expired_long" expected 0
	equal "killed of both" $((rst_short + rst_long)) expected 100
	equal "waiting of the long" "$(key waiting "$(rows rules rule=long)")" stats "$(stat waiting)"
}

# outcome RULE: hits, expired, killed by RST
outcome() {
	local row
	row=$(rows rules "rule=$1")
	echo "$(key hits "$row") $(key ended_expired "$row") $(key ended_rst "$row")"
}

# bats test_tags=scenario,try-and-restore
@test "twstat try: set, watched, restored; also when it is killed" {
	load_timewait
	twstat try length_ms=1000 'rport=7002 length_ms=2000' --for 4 --baseline 1 \
		>"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
	pid=$!
	eventually 10 is_value length_ms 1000
	# One after the other.
	eventually 10 has_rules 1
	[ "$(count_rows rules "rule=try-$pid-1" rport=7002 length_ms=2000)" = 1 ]
	"$traffic" -p 7001 active 5
	wait $pid
	is_value length_ms 60000
	[ "$(count_rows rules)" = 0 ]
	grep -E '^began to wait +0 +5$' "$BATS_TEST_TMPDIR/said"
	grep -F 'restored' "$BATS_TEST_TMPDIR/said"
	twstat try rst=ignore 'loopback length_ms=2000' --for 600 --baseline 1 >/dev/null 2>&1 3>&- &
	pid=$!
	eventually 10 is_value rst ignore
	eventually 10 has_rules 1
	kill -KILL $pid
	eventually 10 is_value rst kernel
	eventually 10 has_rules 0
	untuned
}

is_value() {
	[ "$(value "$1")" = "$2" ]
}

has_rules() {
	[ "$(count_rows rules)" = "$1" ]
}

@test "1,000 writes of random bytes and 1,000 of random words: whole or not at all" {
	load_timewait
	$python "$BATS_TEST_DIRNAME/../random_rules.py" "$twait/rules" $((1000 / thin))
	kernel_is_quiet
	"$traffic" -p 7001 active 3
}
