#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154
# Much to read, and nowhere to write to.

load helper

# huge LINES: that many waits, each to an address and port of its own.
huge() {
	copy_host
	awk -v lines="$1" 'BEGIN {
		print "# timewait connections 1"
		for (i = 0; i < lines; i++)
			printf "src=10.0.0.1 sport=443 dst=10.%d.%d.%d dport=%d state=time_wait way=active age_ms=1 left_ms=2 waits=- segments=0 refins=0 rearms=0 rst_ignored=0 refused=0 pid=%d comm=%s uid=33 cgroup=1374 mark=0 length_ms=60000 rule=- fate=-\n",
				i / 65536, i / 256 % 256, i % 256, 1024 + i % 60000,
				i % 4 ? 100 + i % 8 : 100000 + i, i % 4 ? "nginx" : "php"
	}' >"$DIR/connections"
}

to_full() {
	"$TWSTAT" "$@" >/dev/full
}

# first_line: list into a pipe that is closed after a line. Return: its status.
first_line() {
	"$TWSTAT" --proc-root "$ROOT" list | head -1
	return "${PIPESTATUS[0]}"
}

first_line_without_signal() {
	(
		trap '' PIPE
		first_line
	)
}

@test "200,000 waits: right, soon and in little memory" {
	skip_if_instrumented
	huge 200000
	ulimit -v 65536
	run --separate-stderr timeout 30 "$TWSTAT" --proc-root "$ROOT"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	has "nginx 6 pids 150,000 75.0%" "php 50000 pids 50,000 25.0%" \
		"(no two waits share one)" "443 200,000 100.0%"
	run --separate-stderr timeout 30 "$TWSTAT" --proc-root "$ROOT" list --pid 101
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 25001 ]
}

@test "more keys than are kept: the rest is said" {
	huge 70000
	# Two that share a destination, or the table would be left out.
	twin=$(sed -n 2p "$DIR/connections")
	echo "$twin" >>"$DIR/connections"
	twstat
	[ "$status" -eq 0 ]
	has "10.0.0.0:1024 2 0.0%" \
		"(4,464 more waits not told apart: only 65,536 keys are kept)"
}

@test "a full disk is an error of every command" {
	[ -c /dev/full ] || skip "no /dev/full"
	export TWSTAT_PROC_ROOT=$DATA/host
	for command in summary list 'list --raw' events 'events --raw' states \
		settings help 'help list' 'help states' --version; do
		# shellcheck disable=SC2086
		run --separate-stderr to_full $command
		echo "$command: $status: $stderr"
		[ "$status" -eq 1 ]
		[[ $stderr == *"twstat: cannot write: No space left on device"* ]]
	done
}

@test "a pipe that is closed early ends it quietly" {
	huge 20000
	run --separate-stderr first_line
	[ "$status" -eq 141 ]
	[ -z "$stderr" ]
	run --separate-stderr first_line_without_signal
	[ "$status" -eq 1 ]
	[ -z "$stderr" ]
}
