#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154

load helper

@test "the numbers of stats, with separators and in words" {
	twstat
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	has "waiting now 6 5 in TIME_WAIT, 1 in FIN_WAIT2" \
		"most at one time 1,717" \
		"began to wait 1,234,567" \
		"active 1,000,000 this side closed first" \
		"adopted 3" \
		"advanced 9" \
		"ended 1,234,564" \
		"expired 1,234,501" \
		"rst 12 assassinated by a RST (RFC 1337)" \
		"linger 4 SO_LINGER" \
		"unread 3 closed with data unread" \
		"connect allowed 7 tcp_tw_reuse, made safe by timestamps" \
		"connect allowed 4 bind() first" \
		"connect refused 200 tcp_tw_reuse is 0" \
		"syn allowed 40 its sequence number" \
		"syn refused 1 its timestamp is too old (PAWS)" \
		"connect() 6 EADDRNOTAVAIL" "for waits 5"
	has_not "bind(), listen()" "by any rule"
}

@test "a reuse that no rule explains is a warning" {
	copy_host
	sed -i 's/^reuse_unexplained_total .*/reuse_unexplained_total 3/' "$DIR/stats"
	twstat
	has "warning: 3 reuse decisions were not by any rule we know"
}

@test "a fate that never happened is not shown, expired always is" {
	copy_host
	twstat
	has_not killed purged unknown overflow rearmed
	sed -i 's/^ended_expired_total .*/ended_expired_total 0/' "$DIR/stats"
	twstat
	has "expired 0"
}

@test "separators stand right at every length" {
	copy_host
	for pair in 0:0 999:999 1000:1,000 12345:12,345 100000:100,000 \
		18446744073709551615:18,446,744,073,709,551,615; do
		sed -i "s/^waiting_peak .*/waiting_peak ${pair%%:*}/" "$DIR/stats"
		twstat
		has "most at one time ${pair#*:}"
	done
}

@test "a name that is missing is absent, not 0" {
	copy_host
	sed -i '/^entered_simultaneous_total/d; /^waiting_peak/d; /^ended_expired/d' "$DIR/stats"
	twstat
	[ "$status" -eq 0 ]
	has_not simultaneous "most at one time" expired
}

@test "names and fates of tomorrow do no harm" {
	copy_host
	twstat
	has_not tomorrow
	echo 'ended_tomorrow_total 5' >>"$DIR/stats"
	sed -i 's/^ended_total .*/ended_total 1234569/' "$DIR/stats"
	twstat
	[ "$status" -eq 0 ]
	has "other 5 in ways that this twstat does not know"
}

@test "processes with their pids and shares, names made harmless" {
	twstat
	has "nginx 2 pids 3 50.0%" \
		"Web Content\\134x\\012\\033[31m 99 1 16.7%" \
		"redis ? 1 16.7%" \
		"(process not known) 1 16.7%"
}

@test "of more processes than there is room for no pid is made up" {
	skip_if_instrumented
	copy_host
	{
		echo '# timewait connections 1'
		awk 'BEGIN {
			for (i = 1; i <= 65536; i++)
				print "src=::1 sport=1 dst=::1 dport=1 state=time_wait pid=" i " comm=curl"
			for (i = 0; i < 5; i++)
				print "src=::1 sport=1 dst=::1 dport=1 state=time_wait pid=77 comm=nginx"
		}'
	} >"$DIR/connections"
	twstat
	has "curl 65536 pids 65,536 100.0%" "nginx 1+ pids 5 0.0%"
	# One that is known, and one that may be another.
	sed -i '2s/curl/nginx/' "$DIR/connections"
	twstat
	has "curl 65535 pids 65,535" "nginx 1+ pids 6 0.0%"
}

@test "destinations and local ports" {
	twstat
	has "10.0.0.9:443 3 50.0%" "[2001:db8::2]:51000 1 16.7%" "8080 3 50.0%"
}

@test "five rows a table, and none where no two waits share a key" {
	copy_host
	head -1 "$DATA/host/net/timewait/connections" >"$DIR/connections"
	for i in 1 2 3 4 5 6 7; do
		for ((j = 0; j <= i; j++)); do
			echo "src=10.0.0.1 sport=80 dst=10.0.1.$i dport=$((5000 + 10 * i + j)) state=time_wait pid=$i comm=c$i"
		done
	done >>"$DIR/connections"
	twstat
	has "c7 7 8 22.9%" "c3 3 4 11.4%" "80 35 100.0%" "(no two waits share one)"
	has_not "c2 2 3" "10.0.1.7"
	# One that is shared: still no row for each of the others.
	sed -i '2s/dport=[0-9]*/dport=5076/; 2s/dst=[0-9.]*/dst=10.0.1.7/' "$DIR/connections"
	twstat
	has "10.0.1.7:5076 2 5.7%"
	has_not "(no two waits share one)" "10.0.1.7:5075"
}

@test "a flow that no longer waits is not counted in the tables" {
	copy_host
	sed -i '2s/state=time_wait/state=ghost/' "$DIR/connections"
	twstat
	has "nginx 2 pids 2 40.0%"
}

@test "nothing waits: no tables" {
	copy_host
	sed -i 1q "$DIR/connections"
	twstat
	[ "$status" -eq 0 ]
	has_not "top processes"
}

@test "each loss has its warning, a good run has none" {
	copy_host
	rm "$DIR/hooks"
	twstat
	has_not warning
	for name in ended_unknown records_lost owners_lost refusals_lost events_lost \
			probes_missed; do
		sed "s/^${name}_total .*/${name}_total 4321/" \
			"$DATA/host/net/timewait/stats" >"$DIR/stats"
		twstat
		[ "$(grep -c ^warning: <<<"$output")" -eq 1 ]
		has "warning: 4,321 "
	done
}

@test "a hook that is not there is a warning with what it loses" {
	twstat
	has "warning: hook 'syn' is missing; without it these are not known:" \
		"ended_syn_total reuse_syn_allowed_total"
	has_not "hook 'enter'"
	copy_host
	sed -i 's/state=missing/state=failed/; s/state=armed/state=tomorrow/' "$DIR/hooks"
	twstat
	has "hook 'syn' is failed"
	has_not "hook 'enter'"
}

@test "what cannot be known is neither 0 nor malformed" {
	copy_host
	sed -i 's/^\(rearmed_total\|avoided_linger_total\|entered_active_total\|waiting_time_wait\) .*/\1 -/' "$DIR/stats"
	twstat
	[ "$status" -eq 0 ]
	has "began to wait"
	has_not rearmed linger "active " malformed "in TIME_WAIT"
}

@test "the summary fits 80 columns of plain ASCII" {
	copy_host
	sed -i 's/ 0$/ 123456789/' "$DIR/stats"
	sed -i '2s/dst=10.0.0.9 /dst=2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff /; 2s/dport=443/dport=65535/' \
		"$DIR/connections"
	sed -i 's/loses=ended_syn_total/&,alpha_total,beta_total,gamma_total,delta_total,epsilon_total/' \
		"$DIR/hooks"
	twstat
	has "epsilon_total"
	has unknown purged overflow "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:65535 1"
	longest=$(wc -L <<<"$output")
	echo "longest line: $longest"
	[ "$longest" -le 80 ]
	LC_ALL=C run ! grep -q '[^ -~]' <<<"$output"
}

@test "a malformed line of stats is left out and said" {
	copy_host
	printf '%s\n' 'waiting' 'waiting  7' 'waiting -7' ' 7' 'waiting ' \
		'waiting 99999999999999999999' >>"$DIR/stats"
	twstat
	[ "$status" -eq 0 ]
	has "waiting now 6"
	[[ $stderr == *"stats: 6 malformed lines left out"* ]]
}

@test "a last line that is cut short is not taken for a number" {
	copy_host
	sed -i '/^waiting_peak/d' "$DIR/stats"
	printf 'waiting_peak 17' >>"$DIR/stats"
	twstat
	has_not "most at one time"
	[[ $stderr == *"stats: 1 malformed line left out"* ]]
}
