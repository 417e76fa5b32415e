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

kernel_names() {
	sed -n 's/^\([^#[:space:]]*\)[[:space:]].*/\1/p' "$scripts/kernels.txt"
}

# kernel_row NAME: sets arch suites image headers
kernel_row() {
	arch=''
	while read -r row arch suites image headers; do
		[ "$row" = "$1" ] && return
	done <"$scripts/kernels.txt"
	usage_error "no kernel '$1' in scripts/kernels.txt, which has:" \
		"$(kernel_names | paste -sd ' ')"
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

# apt_setup DIR SUITE: an apt of its own, that knows one suite and no packages
apt_setup() {
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
	APT::Architecture "$arch";
	#clear APT::Architectures;
	APT::Architectures { "$arch"; };
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
