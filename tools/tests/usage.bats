#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154,SC2030,SC2031
# The command line, the exit codes and the one line that explains each.

load helper

@test "no command is the summary" {
	twstat
	[ "$status" -eq 0 ]
	default=$output
	twstat summary
	[ "$output" = "$default" ]
	has "waiting now 6"
}

@test "the root comes from the environment, and the option goes before it" {
	TWSTAT_PROC_ROOT=$DATA/host run "$TWSTAT" list
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 7 ]
	TWSTAT_PROC_ROOT=/nonexistent twstat list
	[ "$status" -eq 0 ]
	TWSTAT_PROC_ROOT=$DATA/host run --separate-stderr "$TWSTAT" list --proc-root /nonexistent
	fails_with 1 "no /nonexistent: is there such a folder, or process?"
	run "$TWSTAT" --proc-root="$DATA/host" list --dport 443
	[ "${#lines[@]}" -eq 4 ]
}

@test "help, --help and --version are no errors" {
	for words in help --help -h 'help list' 'help help' 'list --help' \
		'summary -h' 'events --help' 'states --help' 'settings -h' \
		'help states' 'help settings' '--help events'; do
		# shellcheck disable=SC2086
		run --separate-stderr "$TWSTAT" $words
		echo "$words: $status"
		[ "$status" -eq 0 ]
		[ -z "$stderr" ]
		has EXAMPLES OPTIONS
	done
	run --separate-stderr "$TWSTAT" --version
	[ "$status" -eq 0 ]
	[[ $output =~ ^twstat\ [0-9.]+\ \(format\ 1\)$ ]]
}

@test "the help tells every command and fits a terminal" {
	run "$TWSTAT" help
	has summary list events states settings help
	for command in '' summary list events states settings; do
		run "$TWSTAT" help $command
		longest=$(wc -L <<<"$output")
		echo "$command: $longest"
		[ "$longest" -le 80 ]
	done
}

@test "the help lists the words of abi.h" {
	run "$TWSTAT" help list
	has "fin_wait2 time_wait" "active simultaneous fin_wait2 adopted"
	run "$TWSTAT" help events
	has "enter advance rearm end avoid reuse"
}

@test "a wrong command line is 2, one line, and names the word" {
	twstat nosuch
	fails_with 2 "unknown command 'nosuch'; there are summary list events states settings advise try help; try 'twstat help'"
	twstat help nosuch
	fails_with 2 "'nosuch'"
	twstat list --nosuch
	fails_with 2 "'--nosuch'; it takes --state"
	twstat list --s x
	fails_with 2 "ambiguous option '--s'"
	twstat list -xy
	fails_with 2 "'-x'"
	twstat --nosuch
	fails_with 2 "'--nosuch'"
	twstat list extra
	fails_with 2 "'extra'"
	twstat help list events
	fails_with 2 "'events'"
	twstat list --raw=3
	fails_with 2 "--raw takes no value"
	twstat list --dport
	fails_with 2 "--dport needs a value"
}

@test "what would be passed over is refused" {
	for words in '--version junk' '--version --help' '--help nosuch' '-h nosuch' \
		'help --nosuch' 'help -x' '--help list --raw' 'help --version'; do
		# shellcheck disable=SC2086
		run --separate-stderr "$TWSTAT" $words
		echo "$words"
		fails_with 2 "'${words##* }'"
		[ -z "$output" ]
	done
	run --separate-stderr "$TWSTAT" --help list
	has "--dport" "twstat list:"
	for command in list events states; do
		run --separate-stderr "$TWSTAT" --proc-root '' $command
		fails_with 2 "--proc-root takes a folder, not ''"
		run --separate-stderr "$TWSTAT" --proc-root= $command
		fails_with 2 "--proc-root takes a folder, not ''"
		run --separate-stderr "$TWSTAT" $command --proc-root ''
		fails_with 2 "--proc-root takes a folder, not ''"
	done
	twstat events --recent --for 1
	fails_with 2 "--for and --recent"
}

@test "a wrong value is 2, and says what is accepted" {
	twstat list --state spirit
	fails_with 2 "'spirit'; there are fin_wait2 time_wait ghost"
	twstat list --way out
	fails_with 2 "'out'; there are active simultaneous fin_wait2 adopted"
	twstat list --dst 10.0.0.0/8
	fails_with 2 "'10.0.0.0/8'"
	twstat list --dst example.org
	fails_with 2 "'example.org'"
	for n in 0 65536 -1 +1 ' 1' 1x 0x1 '' 18446744073709551617; do
		twstat list --dport "$n"
		fails_with 2 "--dport takes a number from 1 to 65535, not '$n'"
		twstat list --sport "$n"
		fails_with 2 "--sport takes a number from 1 to 65535, not '$n'"
	done
	twstat list --pid nginx
	fails_with 2 "--pid takes a number"
	twstat list --pid ''
	fails_with 2 "--pid takes a number"
	twstat list --limit 0
	fails_with 2 "--limit takes a number from 1"
	twstat events --count 0
	fails_with 2 "--count takes a number from 1"
	twstat events --for 1.5
	fails_with 2 "--for takes a number from 1"
	for types in ghost end,ghost 'end,' ',' ''; do
		twstat events --type "$types"
		fails_with 2 "there are enter advance rearm end avoid reuse"
	done
}

@test "no module is 3 and says how to load it" {
	ROOT=$BATS_TEST_TMPDIR
	for command in summary list events; do
		twstat $command
		fails_with 3 "the module is not loaded in this kernel; load it with 'insmod timewait.ko' or 'make load'"
		[[ $stderr == timewait:* ]]
		[ -z "$output" ]
	done
}

@test "a module without the file is an error, but not an absent module" {
	copy_host
	rm "$DIR"/{stats,connections,events}
	for command in summary list events; do
		twstat $command
		fails_with 1 "No such file"
	done
}

@test "a newer format is 3 and names both" {
	copy_host
	sed -i '1s/1$/2/' "$DIR"/{stats,connections,events}
	for command in summary list events; do
		twstat $command
		fails_with 3 "speaks format 2, this twstat understands 1: use the twstat of the module's version"
	done
}

@test "a first line that is not ours is 3" {
	copy_host
	for first in '' 'hello' '# timewait stats' '# timewait stats x' \
		'# timewait stats 0' '# timewait hooks 1' '# timewait stats 1 2' \
		'# timewait statsx 1' '# timewait statsx1'; do
		echo "$first" >"$DIR/stats"
		twstat
		fails_with 3 "does not begin with '# timewait stats 1'"
	done
	: >"$DIR/connections"
	twstat list
	fails_with 3 "does not begin with '# timewait connections 1'"
	printf '# timewait events 1' >"$DIR/events"
	twstat events
	fails_with 3 "does not begin with"
}

@test "without root: the summary tells what it may, the rest is 1" {
	copy_host
	chmod 000 "$DIR"/{connections,events}
	open_to_nobody "$DIR/stats"
	run --separate-stderr as_nobody "$TWSTAT" --proc-root "$ROOT"
	[ "$status" -eq 0 ]
	has "waiting now 6" "for root only ('sudo twstat')"
	has_not nginx
	[ -z "$stderr" ]
	run --separate-stderr as_nobody "$TWSTAT" --proc-root "$ROOT" list
	fails_with 1 "net/timewait/connections: Permission denied; run it as root: 'sudo twstat list'"
	run --separate-stderr as_nobody "$TWSTAT" --proc-root "$ROOT" events
	fails_with 1 "run it as root: 'sudo twstat events'"
}
