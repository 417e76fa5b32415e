# SPDX-License-Identifier: GPL-2.0-only
# What the scripts say of kernels that there are not.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../../.."
}

@test "an unknown kernel: the known ones are named" {
	for command in 'vm -k 9.9 -- true' 'test -k 9.9' 'kernel root 9.9' \
		'build -k 9.9 /tmp' 'check -k 9.9' 'demo -k 9.9' 'bench/run -k 9.9'; do
		# shellcheck disable=SC2086 # words
		run scripts/$command
		[ "$status" -eq 2 ]
		[[ $output = *"no kernel '9.9' in scripts/kernels.txt, which has: 5.10 6.1 6.12 6.12-rt 7.2 6.1-arm64 6.12-debug"* ]]
	done
}

@test "a row of kernels.txt that is wrong: it is named, and nothing is run" {
	cp -r scripts "$BATS_TEST_TMPDIR/scripts"
	sed -i 's/^6\.12 \(.*\) smoke /6.12 \1 al /' "$BATS_TEST_TMPDIR/scripts/kernels.txt"
	for command in 'kernel list' 'test guest' 'kernel root 6.1' 'matrix --table'; do
		# shellcheck disable=SC2086 # words
		run "$BATS_TEST_TMPDIR/scripts/"$command
		[ "$status" -ne 0 ]
		[[ $output = *"the row of 6.12 has tests that are neither all nor smoke nor scenario+smoke"* ]]
		[[ $output != *passed* ]]
	done
}

@test "a mirror that cannot be reached: each suite is named, with what was tried" {
	TIMEWAIT_CACHE=$BATS_TEST_TMPDIR/cache TIMEWAIT_MIRROR=http://127.0.0.1:9/debian \
		run scripts/kernel root 7.2
	[ "$status" -eq 1 ]
	[[ $output = *"no suite gave kernel 7.2"* ]]
	[[ $output = *"sid could not be reached at http://127.0.0.1:9/debian"* ]]
	[[ $output = *"trixie-backports could not be reached"* ]]
	[ ! -e "$BATS_TEST_TMPDIR/cache/kernels/7.2" ]
}

@test "a suite that has moved on: what it has instead" {
	# Another row of the table, nothing else.
	cp -r scripts "$BATS_TEST_TMPDIR/scripts"
	sed -i 's/^7\.2 .*/1.0 amd64 bookworm linux-image-amd64 linux-headers-amd64 all 1024 -/' \
		"$BATS_TEST_TMPDIR/scripts/kernels.txt"
	TIMEWAIT_CACHE=$BATS_TEST_TMPDIR/cache run "$BATS_TEST_TMPDIR/scripts/kernel" root 1.0
	[ "$status" -eq 1 ]
	[[ $output = *"no suite gave kernel 1.0; bookworm has version 6.1."*" of linux-image-amd64"* ]]
	[ ! -e "$BATS_TEST_TMPDIR/cache/kernels/1.0" ]
}
