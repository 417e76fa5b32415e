# SPDX-License-Identifier: GPL-2.0-only
# What make says of headers that will not do, before the compiler says it.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../../.."
	headers=$BATS_TEST_TMPDIR/headers
	made=
}

teardown() {
	[ -z "$made" ] || rmdir "$made"
}

# prepared DIR: what headers have, with make's own words as their Makefile
prepared() {
	mkdir -p "$1/include/generated" "$1/include/config"
	printf 'modules:\n\t@echo compiling\n' >"$1/Makefile"
	touch "$1/include/generated/autoconf.h"
	echo 6.1.0-50-amd64 >"$1/include/config/kernel.release"
	echo CONFIG_KRETPROBES=y >"$1/include/config/auto.conf"
}

# refused TEXT: make fails, says it, and does not compile
refused() {
	[ "$status" -ne 0 ]
	[[ $output = *"$1"* ]]
	[[ $output != *compiling* ]]
}

@test "no headers: which package" {
	run make module KDIR="$headers"
	refused "no kernel headers in $headers: install the package linux-headers-$(uname -r)"
}

@test "headers that are not prepared" {
	prepared "$headers"
	rm "$headers/include/generated/autoconf.h"
	run make module KDIR="$headers"
	refused "the headers in $headers are not prepared"
}

@test "headers of another kernel" {
	# In a name space where /lib/modules is ours.
	prepared "$headers"
	modules=$BATS_TEST_TMPDIR/modules/6.1.0-49-amd64
	mkdir -p "$modules"
	ln -s "$headers" "$modules/build"
	# A machine without modules may not have the place.
	[ -e /lib/modules ] || made=/lib/modules
	[ -z "$made" ] || mkdir "$made"
	map=
	[ "$(id -u)" -eq 0 ] || map=-r
	run unshare $map -m sh -c 'mount --bind "$1" "$(readlink -f /lib/modules)" &&
		make module KDIR=/lib/modules/6.1.0-49-amd64/build' sh "$BATS_TEST_TMPDIR/modules"
	refused "are of 6.1.0-50-amd64, the kernel is 6.1.0-49-amd64"
	[[ $output = *"linux-headers-6.1.0-49-amd64"* ]]
}

@test "a kernel that cannot be hooked" {
	prepared "$headers"
	echo CONFIG_NET=y >"$headers/include/config/auto.conf"
	run make module KDIR="$headers"
	refused "has no CONFIG_KPROBES and CONFIG_KRETPROBES"
}

@test "headers that will do" {
	prepared "$headers"
	run make module KDIR="$headers"
	[ "$status" -eq 0 ]
	[[ $output = *compiling* ]]
}
