#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154

load helper

# rows N: a header and N rows
rows() {
	[ "$status" -eq 0 ] || { echo "status $status: $stderr"; return 1; }
	[ "${#lines[@]}" -eq $(($1 + 1)) ] || { echo "$output"; return 1; }
	[[ ${lines[0]} == LOCAL* ]]
}

@test "one row a flow" {
	twstat list
	rows 6
	[ -z "$stderr" ]
	has "LOCAL REMOTE STATE AGE LEFT SEGS PROCESS" \
		"10.0.0.1:40002 10.0.0.9:443 time_wait 1.2s 58.8s 2 nginx[812]" \
		"10.0.0.1:40003 10.0.0.9:443 fin_wait2 203ms 59.8s 0 nginx[812]" \
		"[2001:db8::1]:8080 [2001:db8::2]:51000 time_wait 30.0s"
}

@test "a name is unescaped, and then made harmless for the terminal" {
	twstat list --pid 99
	rows 1
	has "Web Content\\134x\\012\\033[31m[99]"
}

@test "who is not known and who is outside the namespace" {
	twstat list --sport 8080
	rows 3
	has "51001 time_wait 30.0s 30.0s 0 -" "51002 time_wait 30.0s 30.0s 0 redis[?]"
}

@test "--state" {
	twstat list --state fin_wait2
	rows 1
	has 40003
	twstat list --state time_wait
	rows 5
}

@test "--way" {
	twstat list --way adopted
	rows 1
	has 51001
	twstat list --way fin_wait2
	rows 2
}

@test "--pid" {
	twstat list --pid 812
	rows 2
	twstat list --pid 0
	rows 1
	has redis
	twstat list --pid 81
	rows 0
}

@test "--comm takes the name as the process has it" {
	twstat list --comm nginx
	rows 3
	twstat list --comm $'Web Content\\x\n\e[31m'
	rows 1
	twstat list --comm ngin
	rows 0
	twstat list --comm -
	rows 0
	[ -z "$stderr" ]
	# As ps and pgrep, which see no more of it either.
	twstat list --comm systemd-resolved
	[ "$status" -eq 0 ]
	rows 0
	[ "$stderr" = "twstat: the kernel keeps the first 15 bytes of a name: try --comm 'systemd-resolve'" ]
}

@test "--dst compares addresses, not their spelling" {
	twstat list --dst 10.0.0.9
	rows 3
	twstat list --dst ::ffff:10.0.0.9
	rows 3
	twstat list --dst 2001:DB8:0:0::2
	rows 1
	twstat list --dst 10.0.0.1
	rows 0
}

@test "--dport and --sport" {
	twstat list --dport 443
	rows 3
	twstat list --sport 40003
	rows 1
	twstat list --sport 443
	rows 0
}

@test "filters are all to be met" {
	twstat list --dport 443 --pid 812 --state time_wait
	rows 1
	has 40002
}

@test "--limit counts what is shown" {
	twstat list --limit 2 --sport 8080
	rows 2
	has 51000 51001
	has_not 51002
}

@test "--raw is the file itself, by lines" {
	twstat list --raw
	[ "$output" = "$(<"$DATA/host/net/timewait/connections")" ]
	twstat list --raw --way adopted
	[ "${#lines[@]}" -eq 2 ]
	[ "${lines[0]}" = '# timewait connections 1' ]
	[ "${lines[1]}" = "$(grep way=adopted "$DATA/host/net/timewait/connections")" ]
}

@test "keys of tomorrow, missing ones and another order do no harm" {
	copy_host
	{
		echo '# timewait connections 1'
		printf 'src=::7 sport=7 dst=::7 dport=7 tomorrow=%05000d\n' 0
		echo 'dport=1 tomorrow=a=b dst=::1 sport=2 src=::2 state=ghost'
	} >"$DIR/connections"
	twstat list --state ghost
	rows 1
	has "[::2]:2 [::1]:1 ghost - - - -"
	[ -z "$stderr" ]
	sed -i s/ghost/tomorrow/ "$DIR/connections"
	twstat list
	rows 2
	has "[::2]:2 [::1]:1 tomorrow - - - -"
	[ -z "$stderr" ]
}

@test "a ghost waits no more" {
	copy_host
	echo 'src=::1 sport=7 dst=::1 dport=8 state=ghost age_ms=7000' >>"$DIR/connections"
	twstat list
	rows 6
	has_not ghost
	twstat list --raw
	has_not ghost
	twstat list --state ghost
	rows 1
	has "[::1]:7 [::1]:8 ghost 7.0s"
}

@test "times in the unit that suits them" {
	copy_host
	for pair in 0:0ms 999:999ms 1000:1.0s 1949:1.9s 1950:2.0s 59999:60.0s \
		240000:240.0s 600000:10m00s 3599999:59m59s 3600000:1h00m; do
		{
			echo '# timewait connections 1'
			echo "src=::1 sport=1 dst=::1 dport=1 age_ms=${pair%%:*} left_ms=-"
		} >"$DIR/connections"
		twstat list
		has "[::1]:1 - ${pair#*:} - -"
	done
}

@test "malformed lines are left out, counted and said" {
	copy_host
	{
		echo '# timewait connections 1'
		echo
		echo 'hello'
		echo 'src=::1 sport=1 dst=::1'
		echo 'src=- sport=1 dst=::1 dport=1'
		echo 'src=::1 sport=x dst=::1 dport=1'
		echo 'src=::1 sport=1 dst=::1 dport=1 =3'
		echo 'src=::1 sport=1 dst=::1 dport=1 pid=-1'
		printf 'src=::1 sport=1 dst=::1 dport=1 state=\e[2J\n'
		printf 'src=::1 sport=1 dst=::1 dport=1\0 pid=4\n'
		printf 'src=::1 sport=1 dst=::1 dport=1 comm=%070000d\n' 0
		echo 'src=::1 sport=7 dst=::1 dport=7'
		printf 'src=::1 sport=1 dst=::1 dport=1 pid=4'
	} >"$DIR/connections"
	twstat list
	[ "$status" -eq 0 ]
	rows 1
	has "[::1]:7 [::1]:7"
	[[ $stderr == *"connections: 11 malformed lines left out"* ]]
	twstat
	[[ $stderr == *"connections: 11 malformed lines left out"* ]]
	has "7 1 100.0%"
}

@test "a backslash that escapes nothing stays" {
	copy_host
	# shellcheck disable=SC1003
	name='a\000b\40\400\08\019\x\"\'
	printf '%s\n' '# timewait connections 1' \
		"src=::1 sport=1 dst=::1 dport=1 comm=$name" >"$DIR/connections"
	twstat list --comm "$name"
	rows 1
}
