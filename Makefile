# SPDX-License-Identifier: GPL-2.0-only
#
# For people. kbuild reads Kbuild.

KDIR ?= /lib/modules/$(shell uname -r)/build

all: module tools	## the module for the running kernel (or KDIR=), and twstat

module: headers		## the module; W=1 and C=1 as for every kernel module
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

tools:			## twstat
	$(MAKE) -C tools

demo:			## see it work, in a virtual machine
	scripts/demo

test:			## run the tests, in virtual machines
	scripts/test

matrix:			## run all tests on all kernels, and print a table (an hour and a half, or longer)
	scripts/matrix

bench:			## measure what it costs
	scripts/bench/run

check:			## look at the sources: style, sparse, layers, scripts
	scripts/check

load: root		## insert the module into the running kernel
	@test -e timewait.ko || { echo "load: no timewait.ko: run 'make module' first" >&2; exit 1; }
	@built=$$(modinfo -F vermagic ./timewait.ko | cut -d ' ' -f 1); \
	test "$$built" = "$$(uname -r)" || { \
		echo "load: timewait.ko is built for $$built, and this is $$(uname -r): run 'make module' again, without KDIR" >&2; \
		exit 1; }
	insmod timewait.ko

unload: root		## remove it again
	@test -d /sys/module/timewait || { echo "unload: timewait is not loaded: nothing to do" >&2; exit 1; }
	rmmod timewait

# By hand: it also works where the headers are gone.
clean:			## remove what was built
	$(MAKE) -C tools clean
	find . \( -path ./.git -o -path ./build \) -prune -o \( -name '*.o' -o -name '*.ko' \
		-o -name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' -o -name '*.o.d' \
		-o -name modules.order -o -name Module.symvers \) -exec rm -f {} +

help:			## this list
	@sed -n 's/^\([a-z]*\):[^#]*##/\1:/p' Makefile | while IFS=: read -r name text; do \
		printf '%-8s%s\n' "$$name" "$$text"; done

headers:
	@test -e $(KDIR)/Makefile || { \
		echo "module: no kernel headers in $(KDIR): install the package linux-headers-$$(uname -r)," >&2; \
		echo "or give KDIR=/lib/modules/VERSION/build of a kernel that has them" >&2; \
		exit 1; }
	@test -e $(KDIR)/include/generated/autoconf.h -a -e $(KDIR)/include/config/kernel.release || { \
		echo "module: the headers in $(KDIR) are not prepared: install the package linux-headers-VERSION," >&2; \
		echo "or, in a kernel's source, run 'make modules_prepare' there" >&2; \
		exit 1; }
	@are=$$(cat $(KDIR)/include/config/kernel.release); \
	for is in $(patsubst /lib/modules/%/build,%,$(filter /lib/modules/%/build,$(KDIR:/=))); do \
		test "$$are" = "$$is" || { \
			echo "module: the headers in $(KDIR) are of $$are, the kernel is $$is: no module built with them loads." >&2; \
			echo "Install the package linux-headers-$$is" >&2; \
			exit 1; }; \
	done
	@grep -qs '^CONFIG_KRETPROBES=y' $(KDIR)/include/config/auto.conf || { \
		echo "module: the kernel of $(KDIR) has no CONFIG_KPROBES and CONFIG_KRETPROBES: it cannot be hooked" >&2; \
		exit 1; }

root:
	@test $$(id -u) -eq 0 || { echo "$(MAKECMDGOALS): needs root: try sudo make $(MAKECMDGOALS)" >&2; exit 1; }

.PHONY: all module tools demo test matrix bench check load unload clean help headers root
