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
	LOCK=$ROOT/self/ns/net
	mkdir -p "${LOCK%/*}"
	touch "$LOCK"
}

# It has looked whether it may, and is at work until it has restored. To try the lock
# would be to have it.
at_work() {
	grep -q ":$(stat -c %i "$LOCK") " /proc/locks
}

at_rest() {
	! at_work
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

@test "what cannot be known is no 0" {
	printf '%s -\n' late_total late_suspect_total >>"$DIR/stats"
	echo 'late_harm_total 0' >>"$DIR/stats"
	twstat try length_ms=5000 --for 1 --baseline 1
	[ "$status" -eq 0 ]
	has "segments that came too late - -" "that did harm 0 0" "taken by a new connection - -" \
		"ended 0 0"
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

@test "one at a time: the second is refused, until the first has restored" {
	"$TWSTAT" --proc-root "$ROOT" try length_ms=5000 --for 600 --baseline 1 >/dev/null 2>&1 3>&- &
	pid=$!
	wait_until at_work
	twstat try length_ms=6000 --for 1 --baseline 1
	fails_with 1 "another 'twstat try' is at work in this network namespace: wait until it has ended, or end it"
	wait_until is "$SYS/length_ms" 5000
	twstat try rst=ignore --for 1 --baseline 1
	fails_with 1 "another 'twstat try'"
	is "$SYS/rst" kernel
	# Who restores has the lock, whoever was killed.
	guard=$(cat /proc/$pid/task/$pid/children)
	# shellcheck disable=SC2086 # it is one
	kill -STOP $guard
	kill -KILL $pid
	wait_until gone $pid
	twstat try length_ms=6000 --for 1 --baseline 1
	fails_with 1 "another 'twstat try'"
	is "$SYS/length_ms" 5000
	# shellcheck disable=SC2086
	kill -CONT $guard
	wait_until at_rest
	is "$SYS/length_ms" 60000
	twstat try length_ms=6000 --for 1 --baseline 1
	[ "$status" -eq 0 ]
	is "$SYS/length_ms" 60000
}

gone() {
	! kill -0 "$1" 2>/dev/null
}

@test "what somebody changes while it looks is what was before" {
	"$TWSTAT" --proc-root "$ROOT" try length_ms=5000 --for 1 --baseline 3 >/dev/null 2>&1 3>&- &
	wait_until at_work
	echo 30000 >"$SYS/length_ms"
	wait_until is "$SYS/length_ms" 5000
	wait $!
	is "$SYS/length_ms" 30000
}

@test "before anything is set: ^C changes nothing" {
	env --default-signal=INT "$TWSTAT" --proc-root "$ROOT" try length_ms=5000 --for 600 --baseline 600 >/dev/null 2>&1 &
	wait_until at_work
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
	# A quote forgotten would tune all there is.
	twstat try share=10% length_ms=5000
	fails_with 2 "length_ms=5000 would be for all, and the rule 'share=10%' gives nothing: put both into one pair of quotes, 'share=10% length_ms=5000'"
	twstat try rst=ignore 'lport=80' 'lport=81 length_ms=5000'
	fails_with 2 "rst=ignore would be for all, and the rule 'lport=80' gives nothing"
	twstat try lport=80
	fails_with 2 "the rule 'lport=80' gives nothing: add what it is to give, as in 'lport=80 length_ms=5000'"
	for value in s xs ss 1.5s ''; do
		twstat try length_ms=5000 --for "$value"
		fails_with 2 "not '$value'"
	done
	for value in length_ms reuse rst; do
		[ "$(cat "$SYS/$value")" = "$(case $value in length_ms) echo 60000 ;; *) echo kernel ;; esac)" ]
	done
	is "$DIR/rules" untouched
}

@test "a rule that gives nothing is an exception from those behind it" {
	# A file keeps the last line that was written only.
	"$TWSTAT" --proc-root "$ROOT" try lport=80 'share=10% length_ms=2000' --for 2 --baseline 1 >/dev/null 2>&1 &
	pid=$!
	wait_until is "$DIR/rules" "add try-$pid-2 share=10% length_ms=2000"
	wait $pid
	is "$DIR/rules" "delete try-$pid-2"
}

@test "nohup: it goes on when the terminal has gone" {
	nohup "$TWSTAT" --proc-root "$ROOT" try length_ms=5000 --for 3 --baseline 1 \
		>"$BATS_TEST_TMPDIR/out" 2>/dev/null &
	wait_until is "$SYS/length_ms" 5000
	kill -HUP $!
	wait $!
	is "$SYS/length_ms" 60000
	output=$(cat "$BATS_TEST_TMPDIR/out")
	has " 1 s 3 s"
}

@test "without standard files: until the time is over, all the same" {
	"$TWSTAT" --proc-root "$ROOT" try length_ms=5000 --for 12 --baseline 1 <&- >&- 2>&- 3>&- &
	pid=$!
	wait_until is "$SYS/length_ms" 5000
	# Progress is told each 10 s, to where nobody is.
	sleep 10.5
	is "$SYS/length_ms" 5000
	wait_until gone $pid
	wait_until is "$SYS/length_ms" 60000
}

@test "the module loaded anew: what was tried is gone, and no number is made of it" {
	echo 'observed_ms 90000' >>"$DIR/stats"
	"$TWSTAT" --proc-root "$ROOT" try length_ms=5000 --for 20 --baseline 1 >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" &
	wait_until is "$SYS/length_ms" 5000
	sed 's/^\(observed_ms\|entered_total\) .*/\1 7/' "$DIR/stats" >"$BATS_TEST_TMPDIR/stats"
	mv "$BATS_TEST_TMPDIR/stats" "$DIR/stats"
	wait $! || status=$?
	[ "$status" -eq 1 ]
	[ ! -s "$BATS_TEST_TMPDIR/out" ]
	[[ $(tail -n 1 "$BATS_TEST_TMPDIR/err") == *"the module was loaded anew meanwhile: what was set is gone with the old one"* ]]
}

@test "below /proc/PID nothing can be set" {
	rm -r "$ROOT/sys" "$ROOT/self"
	twstat try length_ms=5000
	fails_with 1 "no sys/net below --proc-root. In process PID's namespace: 'sudo nsenter -t PID -n twstat try ...'"
	twstat try 'lport=80 length_ms=5000'
	fails_with 1 "nsenter"
}

@test "no module: how to load it; not root: how to be" {
	rm -r "$DIR"
	twstat try length_ms=5000
	fails_with 3 "not loaded"
	copy_host
	mkdir -p "$SYS"
	for value in length_ms quiet_ms reuse reuse_delay_ms rst events; do echo 1 >"$SYS/$value"; done
	open_to_nobody "$ROOT"
	# At once, and not when it has looked for a while.
	try_as_nobody timeout 20 "$TWSTAT" --proc-root "$ROOT" try length_ms=5000 --for 1 --baseline 600
	fails_with 1 "cannot open $SYS/length_ms: Permission denied; run it as root: 'sudo twstat try'"
	[ -z "$output" ]
	echo '# timewait rules 1' >"$DIR/rules"
	try_as_nobody timeout 20 "$TWSTAT" --proc-root "$ROOT" try 'share=10% rst=ignore' --for 1 --baseline 600
	fails_with 1 "cannot open $DIR/rules: Permission denied; run it as root"
}

try_as_nobody() {
	run --separate-stderr as_nobody "$@"
}

@test "what could not be set has not to be restored" {
	open_to_nobody "$ROOT"
	echo '# timewait rules 1' >"$DIR/rules"
	chmod a+w "$SYS"/* "$DIR/rules"
	as_nobody "$TWSTAT" --proc-root "$ROOT" try 'share=10% rst=ignore' rst=ignore length_ms=5000 --for 1 --baseline 4 \
		>/dev/null 2>"$BATS_TEST_TMPDIR/err" &
	wait_until at_work
	chmod a-w "$SYS"/* "$DIR/rules"
	wait $! || status=$?
	[ "$status" -eq 1 ]
	[ "$(cat "$BATS_TEST_TMPDIR/err")" = "twstat: cannot set net.timewait.length_ms=5000: Permission denied" ]
	is "$SYS/rst" kernel
}
