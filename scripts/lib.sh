# shellcheck shell=sh disable=SC1091,SC2034,SC2154 # its variables are its caller's
# SPDX-License-Identifier: GPL-2.0-only
#
# What the scripts share; to be sourced by one that has set $me and $scripts.

project=$(cd "$scripts/.." && pwd -P)

# An account without a home (a daemon's) must name the folder itself.
if [ -n "${TIMEWAIT_CACHE-}" ]; then
	cache=$TIMEWAIT_CACHE
elif [ -n "${XDG_CACHE_HOME-}" ]; then
	cache=$XDG_CACHE_HOME/timewait
elif [ -n "${HOME-}" ]; then
	cache=$HOME/.cache/timewait
else
	echo "$me: no HOME: set TIMEWAIT_CACHE to a folder for kernels and builds" >&2
	exit 1
fi

case $cache in
/*) ;;
*)	cache=$PWD/$cache
	export TIMEWAIT_CACHE="$cache" ;;
esac
# Where depmod and modprobe are; a user's path may lack it.
PATH=$PATH:/usr/sbin:/sbin

# say TEXT: progress, only where something takes long
say() {
	echo "$me: $*" >&2
}

# die STATUS TEXT
die() {
	status=$1
	shift
	say "$@"
	exit "$status"
}

# usage_error TEXT
usage_error() {
	die 2 "$* (see $0 --help)"
}

# kernel_rows: the rows of kernels.txt, each looked at
kernel_rows() {
	awk '
		/^[[:space:]]*(#|$)/ { next }
		NF < 8 { bad = "has " NF " columns and not 8"; exit 1 }
		$2 != "amd64" && $2 != "arm64" { bad = "has an arch that is neither amd64 nor arm64"; exit 1 }
		$6 !~ /^(all|smoke|scenario[+]smoke)$/ { bad = "has tests that are neither all nor smoke nor scenario+smoke"; exit 1 }
		$7 !~ /^[1-9][0-9]*$/ { bad = "has no number for mib"; exit 1 }
		seen[$1]++ { bad = "is there twice"; exit 1 }
		{ $1 = $1; print }
		END {
			if (bad == "") exit !NR
			print "scripts/kernels.txt, line " NR ": the row of " $1 " " bad >"/dev/stderr"
			exit 1
		}
	' "$scripts/kernels.txt"
}

kernel_names() {
	# A row that is wrong makes it fail, and not only end early.
	rows=$(kernel_rows) || exit
	echo "$rows" | cut -d ' ' -f 1
}

# kernel_row NAME: sets arch suites image headers tests mib append
kernel_row() {
	rows=$(kernel_rows) || exit
	arch=''
	while read -r row arch suites image headers tests mib append; do
		[ "$row" = "$1" ] && return
	done <<-END
	$rows
	END
	usage_error "no kernel '$1' in scripts/kernels.txt, which has:" \
		"$(kernel_names | paste -sd ' ')"
}

# cross_prefix: what comes before the names of the compiler for $arch
cross_prefix() {
	[ "$arch" = amd64 ] || echo aarch64-linux-gnu-
}

# build_helpers: the programs that make traffic for tests, demo and bench, for
# the machine of $arch, into build/tests/MACHINE. Several may be at it at once.
build_helpers() {
	[ "$arch" = arm64 ] && machine=aarch64 || machine=x86_64
	helpers=$project/build/tests/$machine
	mkdir -p "$helpers"
	(
		flock 9
		build_helper traffic scripts/tests/traffic.c &&
			build_helper craft scripts/tests/craft.c scripts/tests/raw.c &&
			build_helper reap scripts/tests/reap.c scripts/tests/raw.c &&
			build_helper reading scripts/bench/reading.c
	) 9>"$helpers/lock"
}

# build_helper NAME SOURCE...: linked statically, for what an emulated machine would
# spend on the dynamic linker is more than the rest of them
build_helper() {
	out=$helpers/$1
	shift
	(cd "$project" && "$(cross_prefix)gcc" -O2 -static -Wall -Wextra -Werror \
		-o "$out.new" "$@" && mv "$out.new" "$out")
}

# deps_of_kernel: the sets of scripts/deps for a kernel of $arch
deps_of_kernel() {
	echo vm
	[ "$arch" = amd64 ] || echo cross
	[ "$headers" != - ] || echo debug
}

# sync_sources DIR: makes the sources in DIR equal to the project's, touching
# only files whose content differs, so that make sees what has changed, what
# has gone, and nothing else.
sync_sources() {
	mkdir -p "$1"
	(cd "$1" && list_sources) | while read -r file; do
		[ -e "$project/$file" ] || rm -f "$1/$file"
	done
	(cd "$project" && list_sources) | while read -r file; do
		cmp -s "$project/$file" "$1/$file" && continue
		mkdir -p "$1/${file%/*}"
		cp "$project/$file" "$1/$file" || exit
	done
}

# Sources below the current folder. The .mod.c files are kbuild's own.
list_sources() {
	find . -path './.*' -prune -o -type f \
		\( -path './Kbuild' -o -path './module/*' -o -path './tools/*' \) \
		\( -name '*.[chS]' -o -name Kbuild -o -name 'Makefile*' \) \
		! -name '*.mod.c' -print
}

# build_dir WHAT: where this checkout's WHAT is built, outside the checkout
build_dir() {
	echo "$cache/build/$(printf %s "$project" | sha256sum | cut -c1-12)/$1"
}

# The mirror that this machine's own release comes from: it carries the other
# suites too. apt knows it in whichever of its file formats it is written.
mirror() {
	if [ -n "${TIMEWAIT_MIRROR-}" ]; then
		echo "$TIMEWAIT_MIRROR"
		return
	fi
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
	# shellcheck disable=SC2016 # for apt
	uri=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' |
		sed -n "s/^\($codename\|stable\) main //p" | sed -n 1p)
	[ -n "$uri" ] || die 1 "found no Debian mirror in this machine's apt sources:" \
		'set TIMEWAIT_MIRROR to one'
	echo "$uri"
}

# apt_setup DIR SUITE [ARCH]: an apt of its own, that knows one suite and no
# packages, for $arch if not told
apt_setup() {
	apt_arch=${3-$arch}
	mkdir -p "$1/state/lists/partial" "$1/cache/archives/partial"
	: >"$1/status"
	# Backports need the suite that they are for.
	for part in "${2%-backports}" "$2"; do
		echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]' \
			"$mirror $part main"
	done | uniq >"$1/sources.list"
	# Valid-Until: sid's index can be older than it says it may be. The
	# cleared hooks are the machine's, meant for its own package state.
	cat >"$1/apt.conf" <<-END
	Dir::State "$1/state";
	Dir::State::status "$1/status";
	Dir::Cache "$1/cache";
	Dir::Etc::sourcelist "$1/sources.list";
	Dir::Etc::sourceparts "/dev/null";
	Dir::Etc::preferences "/dev/null";
	Dir::Etc::preferencesparts "/dev/null";
	APT::Architecture "$apt_arch";
	#clear APT::Architectures;
	APT::Architectures { "$apt_arch"; };
	APT::Default-Release "$2";
	APT::Install-Recommends "false";
	APT::Sandbox::User "";
	Acquire::Check-Valid-Until "false";
	APT::Update::Error-Mode "any";
	Acquire::Languages "none";
	#clear APT::Update::Post-Invoke;
	#clear APT::Update::Post-Invoke-Success;
	#clear DPkg::Post-Invoke;
	END
}
