/* core/panic.h: the end of the machine when the kernel cannot go on. Any context. */
#pragma once

#include "lib/types.h"

struct regs;

/* Print message, registers (the caller's, or *regs), backtrace of kernel and program and the
 * mapping at the fault; then end the VM as `panic=` says (docs/host-guest.md). */
__noreturn void panic(const char *fmt, ...) __printf(1, 2);
__noreturn void panic_regs(const struct regs *regs, const char *fmt, ...) __printf(2, 3);

/* An impossible state. The message should help whoever sees it. */
#define assert(cond, ...)                                                                          \
    do {                                                                                           \
        if (unlikely(!(cond)))                                                                     \
            panic(__FILE__ ": assertion failed: " #cond " " __VA_ARGS__);                          \
    } while (0)
