/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the arguments of a probed function are, and the prototypes that we
 * believe them to have. A prototype that is not one of these does not build.
 */
#ifndef TWAIT_HOOK_ARGS_H
#define TWAIT_HOOK_ARGS_H

#include <linux/build_bug.h>
#include <linux/ptrace.h>
#include <net/tcp.h>

#include "compat.h"

#define TWAIT_IS_PROTOTYPE(fn, ret, ...) \
	__builtin_types_compatible_p(typeof(fn), ret(__VA_ARGS__))

/**
 * twait_arg_pointer() - a pointer argument at a function's entry
 * @regs: registers at the entry
 * @n: which, from 0; up to 5 are in registers on x86-64 and arm64 alike
 */
static inline void *twait_arg_pointer(struct pt_regs *regs, unsigned int n)
{
	return (void *)regs_get_kernel_argument(regs, n);
}

/* An int argument: the upper half of its register is not defined. */
static inline int twait_arg_int(struct pt_regs *regs, unsigned int n)
{
	return (int)regs_get_kernel_argument(regs, n);
}

/* The function gets another argument than its caller gave. */
static inline void twait_arg_set(struct pt_regs *regs, unsigned int n,
				 unsigned long value)
{
#if defined(CONFIG_X86_64)
	unsigned long * const arg[] = {
		&regs->di, &regs->si, &regs->dx, &regs->cx, &regs->r8, &regs->r9,
	};

	*arg[n] = value;
#elif defined(CONFIG_ARM64)
	regs->regs[n] = value;
#else
#error "timewait does not know where this architecture has its arguments"
#endif
}

static inline int twait_return_int(struct pt_regs *regs)
{
	return (int)regs_return_value(regs);
}

#endif
