#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154
# twstat try: sets, watches, restores, whatever happens.

load helper

setup() {
	copy_host
	SYS=$ROOT/sys/net/timewait
	mkdir -p "$SYS"
	echo 60000 >"$SYS/length_ms"
	echo 60000 >"$SYS/quiet_ms"
	echo kernel >"$SYS/reuse"
	echo 0 >"$SYS/reuse_delay_ms"
	echo kernel >"$SYS/rst"
	echo all >"$SYS/events"
	echo untouched >"$DIR/rules"
}

is() {
	[ "$(cat "$1")" = "$2" ]
}

@test "a value: set for a while, and restored" {
	"$TWSTAT" --proc-root "$ROOT" try length_ms=5000 --for 2 --baseline 1 >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" &
	wait_until is "$SYS/length_ms" 5000
	is "$SYS/reuse" kernel
	wait $!
	is "$SYS/length_ms" 60000
	is "$DIR/rules" untouched
	output=$(cat "$BATS_TEST_TMPDIR/out")
	has "tried: length_ms=5000" "before tried" "waiting at the end" "restored: all is set as it was"
}

@test "a rule: added, and deleted by its name" {
	"$TWSTAT" --proc-root "$ROOT" try 'rport=443 share=10% length_ms=2000' --for 2 --baseline 1 >"$BATS_TEST_TMPDIR/out" 2>&1 &
	pid=$!
	wait_until is "$DIR/rules" "add try-$pid-1 rport=443 share=10% length_ms=2000"
	wait $pid
	is "$DIR/rules" "delete try-$pid-1"
	is "$SYS/length_ms" 60000
}

@test "^C, and being ended: restored, and what was seen is told" {
	for signal in INT TERM HUP; do
		# A shell's children in the background do not hear INT unless told to.
		env --default-signal=INT "$TWSTAT" --proc-root "$ROOT" try reuse=allow --for 600 --baseline 1 \
			>"$BATS_TEST_TMPDIR/out" 2>/dev/null &
		wait_until is "$SYS/reuse" allow
		kill -s $signal $!
		wait $! || false
		is "$SYS/reuse" kernel
		grep -q "restored" "$BATS_TEST_TMPDIR/out"
	done
}

@test "killed: restored all the same" {
	"$TWSTAT" --proc-root "$ROOT" try length_ms=5000 rst=ignore --for 600 --baseline 1 >/dev/null 2>&1 3>&- &
	wait_until is "$SYS/rst" ignore
	kill -KILL $!
	wait_until is "$SYS/rst" kernel
	wait_until is "$SYS/length_ms" 60000
}

@test "before anything is set: ^C changes nothing" {
	env --default-signal=INT "$TWSTAT" --proc-root "$ROOT" try length_ms=5000 --for 600 --baseline 600 >/dev/null 2>&1 &
	sleep 1.5
	kill -INT $!
	wait $!
	is "$SYS/length_ms" 60000
}

@test "what makes no sense is refused before anything is written" {
	twstat try
	fails_with 2 "what is to be tried"
	twstat try length_ms=999
	fails_with 2 "'999'"
	twstat try length_ms=5000 length_ms=6000
	fails_with 2 "each value once"
	twstat try length_ms=5000 reuse=maybe
	fails_with 2 "'maybe'"
	twstat try 'lport=x length_ms=5000'
	fails_with 2 "'lport=x'"
	twstat try sesame
	fails_with 2 "'sesame'"
	twstat try length_ms=5000 --for 0
	fails_with 2 "'0'"
	twstat try length_ms=5000 --for a
	fails_with 2 "'a'"
	for value in length_ms reuse rst; do
		[ "$(cat "$SYS/$value")" = "$(case $value in length_ms) echo 60000 ;; *) echo kernel ;; esac)" ]
	done
	is "$DIR/rules" untouched
}

@test "no module: how to load it; not root: how to be" {
	rm -r "$DIR"
	twstat try length_ms=5000
	fails_with 3 "not loaded"
	copy_host
	mkdir -p "$SYS"
	for value in length_ms quiet_ms reuse reuse_delay_ms rst events; do echo 1 >"$SYS/$value"; done
	open_to_nobody "$ROOT"
	run --separate-stderr as_nobody "$TWSTAT" --proc-root "$ROOT" try length_ms=5000 --for 1 --baseline 1
	[ "$status" -eq 1 ]
	[[ $stderr == *"cannot set net.timewait.length_ms=5000: Permission denied"* ]]
}
