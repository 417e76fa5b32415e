# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154
#
# What all the tests share. They run the twstat that TWSTAT names, on recorded
# files in place of /proc.

bats_require_minimum_version 1.5.0

: "${TWSTAT:=$BATS_TEST_DIRNAME/../twstat}"
DATA=$BATS_TEST_DIRNAME/data
export TZ=UTC LC_ALL=C
unset TWSTAT_PROC_ROOT

# A copy of the recorded files, for a test to change: $ROOT, its folder $DIR.
copy_host() {
	ROOT=$BATS_TEST_TMPDIR/proc
	DIR=$ROOT/net/timewait
	mkdir -p "$ROOT"
	cp -r "$DATA/host/." "$ROOT"
}

# twstat ARGUMENTS... on $ROOT; by bats' run: $status, $output, $stderr.
twstat() {
	run --separate-stderr "$TWSTAT" --proc-root "${ROOT:-$DATA/host}" "$@"
}

# fails_with STATUS WORDS: this exit code, one line on stderr that holds WORDS.
fails_with() {
	[ "$status" -eq "$1" ] || { echo "status $status, not $1"; return 1; }
	[ "${#stderr_lines[@]}" -eq 1 ] || { echo "stderr: $stderr"; return 1; }
	[[ $stderr == *"$2"* ]] || { echo "stderr: $stderr"; return 1; }
}

# has WORDS...: each is somewhere in the output, blanks counting as one.
has() {
	local flat words

	flat=$(tr -s ' ' <<<"$output")
	for words; do
		[[ $flat == *"$words"* ]] || {
			printf 'no "%s" in:\n%s\n' "$words" "$output"
			return 1
		}
	done
}

has_not() {
	local flat words

	flat=$(tr -s ' ' <<<"$output")
	for words; do
		[[ $flat != *"$words"* ]] || {
			printf '"%s" is in:\n%s\n' "$words" "$output"
			return 1
		}
	done
}

# To run a command that writes when nobody reads any more: the reader closes its
# end of the pipe and opens the gate, and only then the command begins.
# into_closed_pipe COMMAND...: its status; 141 if SIGPIPE ended it.
into_closed_pipe() {
	local gate=$BATS_TEST_TMPDIR/gate

	[ -p "$gate" ] || mkfifo "$gate"
	{
		read -r <"$gate"
		"$@"
	} | {
		exec <&-
		echo >"$gate"
	}
	return "${PIPESTATUS[0]}"
}

into_closed_pipe_without_signal() {
	(
		trap '' PIPE
		into_closed_pipe "$@"
	)
}

# For a test with as_nobody: others must reach the files and the program.
open_to_nobody() {
	[ "$(id -u)" -ne 0 ] || command -v setpriv >/dev/null || skip "no setpriv"
	cp "$TWSTAT" "$BATS_TEST_TMPDIR/twstat"
	TWSTAT=$BATS_TEST_TMPDIR/twstat
	chmod a+x "$BATS_RUN_TMPDIR" "${BATS_TEST_TMPDIR%/*}" "$BATS_TEST_TMPDIR"
	as_nobody test -r "$1" || skip "nobody cannot reach $1"
}

# wait_until COMMAND...: until it succeeds, 20 s at most.
wait_until() {
	local try

	for ((try = 0; try < 400; try++)); do
		"$@" && return
		sleep 0.05
	done
	echo "waited in vain for: $*"
	return 1
}

# Sanitizers and valgrind need more time and memory than twstat does.
skip_if_instrumented() {
	[ -z "${TWSTAT_INSTRUMENTED-}" ] || skip "limits do not fit an instrumented twstat"
}

# Builds read_errors.so: a file of the module whose line "!EPIPE" is that errno.
build_read_errors() {
	READ_ERRORS=$BATS_FILE_TMPDIR/read_errors.so
	[ -e "$READ_ERRORS" ] || ${CC:-cc} -shared -fPIC -O1 -o "$READ_ERRORS" \
		"$BATS_TEST_DIRNAME/read_errors.c" -ldl
}

# As twstat(), with read_errors.so in it.
twstat_with_errors() {
	build_read_errors
	run --separate-stderr env LD_PRELOAD="$READ_ERRORS" \
		ASAN_OPTIONS="verify_asan_link_order=0:${ASAN_OPTIONS-}" \
		"$TWSTAT" --proc-root "$ROOT" "$@"
}

# as_nobody COMMAND...: without the rights of root, for what modes forbid.
as_nobody() {
	if [ "$(id -u)" -ne 0 ]; then
		"$@"
	else
		setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	fi
}
