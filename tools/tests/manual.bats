#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154
# The man page keeps up with the words of abi.h and the options.

load helper

MANUAL=$BATS_TEST_DIRNAME/../twstat.8

@test "the man page explains every word of abi.h" {
	words=$(${CC:-cc} -E -P -x c - <<-EOF
		#include "$BATS_TEST_DIRNAME/../../module/abi.h"
		#define WORD(id, word) word
		TWAIT_FATES(WORD) TWAIT_WAYS(WORD) TWAIT_AVOIDS(WORD)
		TWAIT_STATES(WORD) TWAIT_EVENTS(WORD) TWAIT_LATES(WORD)
		#define REASON(P, p, V, v, R, reason) reason
		TWAIT_REUSES(REASON)
	EOF
	)
	[ "$(wc -w <<<"$words")" -ge 20 ]
	for word in $words; do
		echo "$word"
		grep -qE "^\.(B|BR) $word( |\$)" "$MANUAL"
	done
}

# section TITLE: what stands below .SH TITLE or .SS TITLE, up to the next of either
section() {
	awk -v title="$1" '/^\.S[HS] / { here = substr($0, 5) == title; next } here' "$MANUAL" | grep .
}

# synopsis COMMAND: its own lines of the SYNOPSIS
synopsis() {
	section SYNOPSIS | awk -v command="$1" '
		/^\.B twstat/ { here = $3 == command || (command == "summary" && NF == 2) }
		here' | grep .
}

commands() {
	"$TWSTAT" help | sed -n '/^COMMANDS/,/^$/s/^  \([a-z]*\) .*/\1/p' | grep .
}

# options COMMAND: its own
options() {
	"$TWSTAT" help "$1" | sed -n 's/^  --\([a-z-]*\) .*/\1/p' | grep -vxE 'proc-root|help|version'
}

# names TEXT OPTION: is it there, whole?
names() {
	grep -qE -- "\\\\-\\\\-${2/-/\\\\-}( |\$)" <<<"$1"
}

@test "the man page tells every command, in the SYNOPSIS too" {
	commands=$(commands)
	[ "$(wc -l <<<"$commands")" -ge 8 ]
	for command in $commands; do
		echo "$command"
		[ -n "$(section "$command")" ]
		[ -n "$(synopsis "$command")" ]
	done
	run ! section nosuch
	run ! synopsis nosuch
}

@test "the man page tells every option where its command stands" {
	found=0
	for command in $(commands); do
		for option in $(options "$command"); do
			echo "$command $option"
			names "$(section "$command")" "$option"
			names "$(synopsis "$command")" "$option"
			found=$((found + 1))
		done
	done
	[ "$found" -ge 18 ]
	for option in proc-root version; do
		names "$(section OPTIONS)" "$option"
	done
	names "$(section help)" help
	run ! names "$(section list)" recent
	run ! names "$(section events)" c
}

@test "the man page tells every file" {
	files=$(sed -n 's/^#define TWAIT_FILE_[A-Z]*[[:space:]]*"\(.*\)"$/\1/p' \
		"$BATS_TEST_DIRNAME/../../module/abi.h")
	[ "$(wc -l <<<"$files")" -ge 8 ]
	for file in $files; do
		echo "$file"
		section FILES | grep -qx "\.I /proc/net/timewait/$file"
	done
	section FILES | grep -qF /proc/sys/net/timewait/
}

@test "the man page is clean roff" {
	command -v man >/dev/null || skip "no man"
	run --separate-stderr man -l --warnings=w -Tutf8 "$MANUAL"
	[ "$status" -eq 0 ]
	echo "$stderr"
	[ -z "$stderr" ]
}
