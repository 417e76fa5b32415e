# shellcheck shell=sh disable=SC2154 # its variables are its caller's
# SPDX-License-Identifier: GPL-2.0-only
#
# Makes the folder of a kernel; to be sourced by scripts/kernel after lib.sh.
#
# It is a small unpacked root of the kernel's suite: kernel, modules, headers and
# the compiler that goes with them. Building inside that root is what works for
# every suite: newer headers come with host programs that want a newer libc than
# this machine has. Nothing in it is ever configured by a package script.
#
# For another kind of machine than this one the compiler is of no use; then the
# root has what a guest runs instead, and this machine's cross compiler builds.

# Beside kernel and headers: what kbuild calls, and what makes a root a root.
# perl and python3 are for kernel-doc, which W=1 runs.
build_packages='make base-files dash coreutils sed grep findutils mawk perl python3 binutils'

# The same for a guest that cannot run this machine's programs: what the scripts
# in guest/ and the tests call.
guest_packages="base-files base-passwd bash coreutils dash diffutils findutils
	grep gzip hostname libc-bin mawk ncurses-bin perl-base procps sed tar
	util-linux busybox-static $("$scripts/deps" --list guest)"

# needs: what this kernel takes beside image and headers
needs() {
	[ "$arch" = amd64 ] && echo "$build_packages" || echo "$guest_packages"
}

# recipe: of what the folder is made; another one makes it be made again
recipe() {
	if [ "$headers" = - ]; then
		echo "$arch $suites $image $(sha256sum <"$scripts/debug-kernel.config")"
	else
		# shellcheck disable=SC2046 # in one line
		echo "$arch $suites $image $headers" $(needs)
	fi
}

# fetch NAME: makes $roots/NAME, which is there whole or not at all
fetch() {
	new=$(mktemp -d "$roots/.new.XXXXXX")
	trap 'rm -rf "$new"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	root=$new/root
	mkdir "$root"
	if [ "$headers" = - ]; then
		take_built
	else
		mirror=$(mirror)
		fetch_packages "$1"
	fi
	early_modules
	recipe >"$root/recipe"
	echo "$version" >"$root/version"
	rm -rf "${roots:?}/$1"
	mv "$root" "$roots/$1"
}

# take_built: the kernel that scripts/debug-kernel builds, no module needed
take_built() {
	built=$("$scripts/debug-kernel" ${refresh:+--refresh})
	version=$(cat "$built/include/config/kernel.release")
	cp "$built/arch/x86/boot/bzImage" "$root/vmlinuz"
	mkdir -p "$root/lib/modules/$version"
	ln -s "$built" "$root/lib/modules/$version/build"
}

fetch_packages() {
	tried=''
	for suite in $(echo "$suites" | tr , ' ') ''; do
		[ -n "$suite" ] || die 1 "no suite gave kernel $1$tried." \
			'Mend the network, or the row in scripts/kernels.txt'
		say "fetching kernel $1 from $suite (once; some 200 MB)"
		if download "$1"; then break; fi
	done
	unpack
	[ "$arch" = amd64 ] || host_programs
}

# first_word: what apt complained of first
first_word() {
	sed -n '/^[WE]: /{s///p;q}' "$new/log"
}

# download NAME: the packages from $suite, if it has that kernel. It is called
# as a condition, where set -e does not reach: every step says what if not.
download() {
	rm -rf "$new/apt"
	apt_setup "$new/apt" "$suite" || exit
	if ! apt-get -c "$new/apt/apt.conf" -qq update >"$new/log" 2>&1; then
		tried="$tried; $suite could not be reached at $mirror: $(first_word)"
		return 1
	fi
	found=$(apt-cache -c "$new/apt/apt.conf" policy "$image" |
		sed -n 's/^  Candidate: //p')
	case $found in
	"${1%%-*}".*) ;;
	*)
		tried="$tried; $suite has version ${found:-none} of $image"
		return 1 ;;
	esac
	# shellcheck disable=SC2046 # one word a package
	apt-get -c "$new/apt/apt.conf" -qq -y --download-only install \
		"$image" "$headers" $(needs) >"$new/log" 2>&1 || {
		tried="$tried; $suite did not give its packages: $(first_word)"
		return 1
	}
}

# unpack_all DEBS TO
unpack_all() {
	# shellcheck disable=SC2016 # for the inner shell
	find "$1" -name '*.deb' -print0 |
		xargs -0 -n 1 -P "$(nproc)" sh -c 'dpkg-deb -x "$1" "$0"' "$2"
}

# unpack: the downloaded packages become $root
unpack() {
	debs=$new/apt/cache/archives
	# base-files first: in newer suites its links make /bin be /usr/bin.
	dpkg-deb -x "$debs"/base-files_*.deb "$root"
	unpack_all "$debs" "$root"
	rm -rf "$debs" "$root/usr/share/doc" "$root/usr/share/man" \
		"$root/usr/share/locale"
	# What package scripts would have done, as far as it is needed here.
	ln -sf mawk "$root/usr/bin/awk"
	for table in passwd group; do
		[ ! -e "$root/usr/share/base-passwd/$table.master" ] ||
			cp "$root/usr/share/base-passwd/$table.master" "$root/etc/$table"
	done
	mkdir -p "$root/proc" "$root/sys" "$root/dev" "$root/run" "$root/tmp" "$root/w"

	set -- "$root"/lib/modules/*/kernel
	if [ $# -ne 1 ] || [ ! -d "$1" ]; then
		die 1 "expected one kernel in $image of $suite, found: $*." \
			'Mend the row in scripts/kernels.txt'
	fi
	version=$(basename "${1%/kernel}")
	if [ -f "$root/boot/vmlinuz-$version" ]; then
		mv "$root/boot/vmlinuz-$version" "$root/vmlinuz"
	else
		mv "$root/lib/modules/$version/vmlinuz" "$root/vmlinuz"
	fi
	depmod -b "$root" "$version"
}

# host_programs: kbuild's own programs in these headers are the other machine's;
# this machine's package of the same name has them for here.
host_programs() {
	kbuild=$(basename "$(readlink -f "$root"/usr/lib/linux-kbuild-*)")
	(
		rm -rf "$new/apt"
		apt_setup "$new/apt" "$suite" "$(dpkg --print-architecture)"
		apt-get -c "$new/apt/apt.conf" -qq update &&
			cd "$new/apt" &&
			apt-get -c "$new/apt/apt.conf" -qq download "$kbuild"
	) >"$new/log" 2>&1 || die 1 "$suite did not give $kbuild for this machine: $(first_word)"
	rm -rf "$root/usr/src/$kbuild" "$root/usr/lib/$kbuild"
	unpack_all "$new/apt" "$root"
	# Only usr/src is lent to this machine: the package has it in usr/lib, and
	# in usr/src at most a link to there.
	if [ ! -d "$root/usr/src/$kbuild" ] || [ -L "$root/usr/src/$kbuild" ]; then
		rm -f "$root/usr/src/$kbuild"
		mv "$root/usr/lib/$kbuild" "$root/usr/src/"
	fi
	for headers_dir in "$root"/usr/src/linux-headers-*; do
		for part in scripts tools; do
			[ ! -L "$headers_dir/$part" ] ||
				ln -sfn "../$kbuild/$part" "$headers_dir/$part"
		done
	done
}

# early_modules: what the guest needs before it sees its other files, as a cpio
# archive that only lacks /init
early_modules() {
	mkdir -p "$new/early/modules" "$new/early/bin"
	[ "$arch" = amd64 ] && busybox=/bin/busybox || busybox=$root/bin/busybox
	cp "$busybox" "$new/early/bin/"
	: >"$new/list"
	[ ! -d "$root/lib/modules/$version/kernel" ] ||
		for module in virtio_pci 9p 9pnet_virtio overlay; do
			modprobe -d "$root" -S "$version" --show-depends "$module" >>"$new/list"
		done
	n=10
	awk '$1 == "insmod" && !seen[$2]++ { print $2 }' "$new/list" |
	while read -r file; do
		to=$new/early/modules/$n-$(basename "$file" | sed 's/\.ko.*/.ko/')
		case $file in
		*.xz)	xz -dc "$file" >"$to" ;;
		*.zst)	zstd -qdc "$file" >"$to" ;;
		*)	cp "$file" "$to" ;;
		esac
		n=$((n + 1))
	done
	(cd "$new/early" && find . | cpio --quiet -o -H newc) >"$root/early.cpio"
}
