#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154

load helper

# A FIFO in place of events: descriptor 5 keeps it open and writes to it.
setup_fifo() {
	copy_host
	rm "$DIR/events"
	mkfifo "$DIR/events"
	exec 5<>"$DIR/events"
	OUT=$BATS_TEST_TMPDIR/out
	ERR=$BATS_TEST_TMPDIR/err
}

# follow: twstat events in the background, until it has begun.
follow() {
	"$TWSTAT" --proc-root "$ROOT" events 5<&- >"$OUT" 2>"$ERR" 3>&- &
	pid=$!
	sed -n '1,2p' "$DATA/host/net/timewait/events" >&5
	wait_until grep -q enter "$OUT"
}

# ended SIGNAL: it ends well when it gets this, and soon.
ended() {
	kill "-$1" "$pid"
	wait_until gone
	wait "$pid"
}

gone() {
	! kill -0 "$pid" 2>/dev/null
}

teardown() {
	[ -z "${pid-}" ] || kill -KILL "$pid" 2>/dev/null || true
}

@test "each event is a line that says what happened" {
	twstat events
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 7 ]
	has "22:13:20.123 enter 10.0.0.1:40002 > 10.0.0.9:443 came by fin_wait2, 60.0s to go nginx[812]" \
		"22:13:21.323 advance 10.0.0.1:40002 > 10.0.0.9:443 got its FIN after 1.2s" \
		"22:13:22.000 rearm 10.0.0.1:40002 > 10.0.0.9:443 a segment set it back to 60.0s" \
		"22:13:23.000 end 10.0.0.1:40002 > 10.0.0.9:443 rst after 2.9s, 59.0s early, 4ms after it had ACKed: window nginx[812]" \
		"avoid [2001:db8::1]:40005 > [2001:db8::2]:443 no wait: linger Web Content[900]" \
		"reuse 10.0.0.1:40006 > 10.0.0.9:443 connect allowed after 3.0s" \
		"tomorrow 10.0.0.1:40006 > 10.0.0.9:443"
}

@test "a wait that ran out did not end early" {
	copy_host
	sed -i 's/fate=rst/fate=expired/' "$DIR/events"
	twstat events --type end
	has "expired after 2.9s nginx[812]"
}

@test "a RST that came by itself answers none of its ACKs" {
	copy_host
	sed -i 's/acked_kind=window acked_ms=4/acked_kind=- acked_ms=-/' "$DIR/events"
	twstat events --type end
	has "59.0s early nginx[812]"
}

@test "local time follows TZ" {
	TZ=EST5 twstat events --count 1
	has "17:13:20.123 enter"
}

@test "the end of the file means that the module was unloaded" {
	twstat events
	[ "$status" -eq 0 ]
	[ "${stderr_lines[0]}" = "twstat: the module was unloaded" ]
	[ "${stderr_lines[1]}" = "twstat: 7 events read, 0 lost" ]
}

@test "so does EIO, which procfs gives when the file has gone" {
	copy_host
	sed -i '3i !EIO' "$DIR/events"
	twstat_with_errors events
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 1 ]
	[ "${stderr_lines[0]}" = "twstat: the module was unloaded" ]
	sed -i '3i !EIO' "$DIR/connections"
	twstat_with_errors list
	[ "$status" -eq 3 ]
}

@test "--type" {
	twstat events --type end
	[ "${#lines[@]}" -eq 1 ]
	has "rst after"
	twstat events --type reuse,avoid
	[ "${#lines[@]}" -eq 2 ]
	[[ $stderr == *"7 events read"* ]]
}

@test "--count counts what is shown" {
	twstat events --count 2 --type enter,end
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 2 ]
	[ "$stderr" = "twstat: 4 events read, 0 lost" ]
}

@test "--raw is the file itself" {
	twstat events --raw
	[ "$output" = "$(<"$DATA/host/net/timewait/events")" ]
}

@test "a loss is told where it happened, by the gap" {
	copy_host
	sed -i -e '4i !EPIPE' -e '4,$s/^seq=/seq=123/' "$DIR/events"
	twstat_with_errors events
	[ "$status" -eq 0 ]
	[[ ${lines[1]} == *advance* ]]
	[ "${lines[2]}" = "-- 1,230 events were lost here" ]
	[[ ${lines[3]} == *rearm* ]]
	[[ $stderr == *"7 events read, 1,230 lost"* ]]
	sed -i '4,$s/^seq=1233/seq=4/' "$DIR/events"
	twstat_with_errors events
	[ "${lines[2]}" = "-- 1 event was lost here" ]
}

@test "a loss without a gap to count is told all the same" {
	copy_host
	sed -i '2i !EPIPE' "$DIR/events"
	twstat_with_errors events
	[ "${lines[0]}" = "-- some events were lost here" ]
	[[ $stderr == *"7 events read, some lost"* ]]
	echo '!EPIPE' >>"$DIR/events"
	twstat_with_errors events --type end
	[ "${lines[2]}" = "-- some events were lost here" ]
	sed -i '4i !EPIPE' "$DIR/events"
	sed -i '5,$s/^seq=/seq=1/' "$DIR/events"
	twstat_with_errors events --type end
	[[ $stderr == *"7 events read, more than 10 lost"* ]]
}

@test "a gap without an overrun is no loss" {
	copy_host
	sed -i 4d "$DIR/events"
	twstat events
	has_not lost
	[[ $stderr == *"6 events read, 0 lost"* ]]
}

@test "--raw keeps the notes of loss out of the data" {
	copy_host
	sed -i '4i !EPIPE' "$DIR/events"
	twstat_with_errors events --raw
	[ "${#lines[@]}" -eq 8 ]
	has_not "lost here"
	[[ ${stderr_lines[0]} == *"lost here" ]]
}

@test "an event is seen when it happens, and ^C ends it well" {
	setup_fifo
	follow
	[ "$(wc -l <"$OUT")" -eq 1 ]
	ended INT
	[ "$(<"$ERR")" = "twstat: 1 event read, 0 lost" ]
	[ "$(wc -l <"$OUT")" -eq 1 ]
}

@test "SIGTERM ends it as well" {
	setup_fifo
	follow
	ended TERM
	[ "$(<"$ERR")" = "twstat: 1 event read, 0 lost" ]
}

@test "a line that comes in pieces is one line" {
	setup_fifo
	follow
	printf 'seq=2 time_ns=0 event=end src=::1 spo' >&5
	sleep 0.2
	printf 'rt=1 dst=::1 dport=2 fate=syn\n' >&5
	wait_until grep -q 'end *\[::1\]:1 > \[::1\]:2  syn' "$OUT"
	ended INT
	[ "$(<"$ERR")" = "twstat: 2 events read, 0 lost" ]
}

@test "--for ends it though nothing happens" {
	setup_fifo
	echo '# timewait events 1' >&5
	run --separate-stderr timeout 30 "$TWSTAT" --proc-root "$ROOT" events --for 1
	[ "$status" -eq 0 ]
	[ "$stderr" = "twstat: 0 events read, 0 lost" ]
}

# many_events: more than a pipe holds, in the background, and nobody reads the pipe
many_events() {
	copy_host
	line=$(sed -n 2p "$DIR/events")
	for ((seq = 1; seq <= 3000; seq++)); do
		echo "seq=$seq ${line#* }"
	done >"$BATS_TEST_TMPDIR/lines"
	sed -i 1q "$DIR/events"
	cat "$BATS_TEST_TMPDIR/lines" >>"$DIR/events"
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	# Both ends, so that its open waits for nobody.
	exec 6<>"$BATS_TEST_TMPDIR/pipe"
	rm "$BATS_TEST_TMPDIR/pipe"
	ERR=$BATS_TEST_TMPDIR/err
	# A shell's children in the background do not hear INT unless told to.
	env --default-signal=INT "$TWSTAT" --proc-root "$ROOT" events "$@" >&6 2>"$ERR" 6<&- 3>&- &
	pid=$!
	# Until the pipe is full.
	sleep 1
}

@test "what was read is written, though the time is over or ^C came while nobody reads" {
	many_events --for 2
	sleep 1.5
	lines_are_told
	many_events
	kill -INT "$pid"
	sleep 0.2
	lines_are_told
	# Twice, and it ends where it is.
	many_events
	kill -INT "$pid"
	sleep 0.2
	kill -INT "$pid"
	wait_until gone
}

# lines_are_told: now somebody reads; it ends, and wrote as many lines as it has read
lines_are_told() {
	cat <&6 >"$BATS_TEST_TMPDIR/out" 3>&- &
	reader=$!
	wait "$pid"
	[ "$(wc -l <"$ERR")" -eq 1 ]
	told=$(sed -n 's/^twstat: \([0-9,]*\) events read, 0 lost$/\1/p' "$ERR" | tr -d ,)
	[ "$told" -gt 100 ]
	[ "$told" -lt 3000 ]
	wait_until written "$told"
	kill "$reader"
}

written() {
	[ "$(wc -l <"$BATS_TEST_TMPDIR/out")" -eq "$1" ]
}

@test "malformed events are counted and said" {
	copy_host
	{
		echo 'src=::1 sport=1 dst=::1 dport=1'
		echo 'seq=8 src=::1 sport=1 dst=::1 dport=1'
		echo 'event=end src=::1 sport=1 dst=::1 dport=1'
		printf 'seq=9 event=end src=::1 sport=1 dst=::1 dport=1'
	} >>"$DIR/events"
	twstat events
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 7 ]
	[[ $stderr == *"events: 4 malformed lines left out"* ]]
}

@test "what is kept: refusals in words, then early ends, and it stops" {
	twstat events --recent
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	has "connect refused after 3.0s: off" \
		"EADDRNOTAVAIL: waits to there hold 28,232 of 28,232 ports nginx[812]" \
		"EADDRINUSE: 12 waits on the port, SO_REUSEADDR would have helped" \
		"EADDRINUSE: 1 live socket on the port, TIME_WAIT is not to blame" \
		"EADDRINUSE: no port of the range is free" \
		"no wait: unread" \
		"late 10.0.0.1:40006 > 10.0.0.9:443 suspect 7.0s after the wait began, a new connection may have taken it: harm nginx[812]"
	[ "${#lines[@]}" -eq 7 ]
	# Not all that were on the port were looked at.
	copy_host
	sed -i 's/reuseaddr_helps=yes/reuseaddr_helps=yes partial=yes/' "$DIR/reuse"
	twstat events --recent --type refusal
	has "EADDRINUSE: at least 12 waits on the port, SO_REUSEADDR may help"
}

@test "what came too late: each kind, and whether it did harm" {
	copy_host
	late=$(sed -n /event=late/p "$DIR/assassinations")
	sed -i /event=late/d "$DIR/assassinations"
	words=$(${CC:-cc} -E -P -x c - <<-EOF
		#include "$BATS_TEST_DIRNAME/../../module/abi.h"
		#define WORD(id, word) word
		TWAIT_LATES(WORD)
	EOF
	)
	for word in $words tomorrow; do
		echo "${late/late=suspect/late=$word}" >>"$DIR/assassinations"
	done
	twstat events --recent --type late
	[ "$status" -eq 0 ]
	has "fin 7.0s after the wait began, nobody was there and RST the answer: harm nginx" \
		"data 7.0s after the wait began, nobody was there and RST the answer: harm nginx" \
		"ack 7.0s after the wait began, nobody was there and RST the answer nginx" \
		"syn 7.0s after the wait began, nobody was there: no harm nginx" \
		"rst 7.0s after the wait began, nobody was there: no harm nginx" \
		"paws 7.0s after the wait began, a new connection dropped it for its timestamp nginx" \
		"window 7.0s after the wait began, a new connection dropped it for its sequence number nginx" \
		"tomorrow 7.0s after the wait began nginx"
	[ "$(grep -c ': harm' <<<"$output")" -eq 3 ]
	has_not "(null)"
}

@test "what is kept, of some types only, and where there is no such file" {
	copy_host
	twstat events --recent --type avoid
	[ "${#lines[@]}" -eq 1 ]
	for type in enter advance rearm segment; do
		twstat events --recent --type avoid,$type
		fails_with 2 "--recent has no '$type': kept are end avoid reuse refusal late"
		[ -z "$output" ]
	done
	rm "$DIR/reuse"
	twstat events --recent
	[ "$status" -ne 0 ]
	[[ $stderr == *reuse* ]]
}
