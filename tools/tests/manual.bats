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

@test "the man page tells every option" {
	for command in summary list events states settings advise try; do
		for option in $("$TWSTAT" help $command | grep -o '^  --[a-z-]*'); do
			echo "$command $option"
			grep -q -- "${option//-/\\\\-}" "$MANUAL"
		done
	done
}

@test "the man page is clean roff" {
	command -v man >/dev/null || skip "no man"
	run --separate-stderr man -l --warnings=w -Tutf8 "$MANUAL"
	[ "$status" -eq 0 ]
	echo "$stderr"
	[ -z "$stderr" ]
}
