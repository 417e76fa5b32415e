# SPDX-License-Identifier: GPL-2.0-only
# Each scenario that README.md promises has a test, and each that a test is tagged with
# stands there.

cd_tests() {
	cd "$BATS_TEST_DIRNAME/.." || return
}

promised() {
	sed -n 's/^| `\([a-z0-9-]*\)` |.*/\1/p' README.md | sort -u
}

tagged() {
	sed -n 's/^# bats test_tags=.*scenario,\([a-z0-9-]*\).*/\1/p' guest/*.bats | sort -u
}

@test "the scenarios of the README are those of the tests" {
	cd_tests
	[ "$(promised | wc -l)" -gt 20 ]
	diff <(promised) <(tagged)
}
