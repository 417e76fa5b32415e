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

bench:			## measure what it costs
	scripts/bench/run

check:			## look at the sources: style, sparse, layers, scripts
	scripts/check

load: root		## insert the module into the running kernel
	@test -e timewait.ko || { echo "load: no timewait.ko: run 'make module' first" >&2; exit 1; }
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

root:
	@test $$(id -u) -eq 0 || { echo "$(MAKECMDGOALS): needs root: try sudo make $(MAKECMDGOALS)" >&2; exit 1; }

.PHONY: all module tools demo test bench check load unload clean help headers root
