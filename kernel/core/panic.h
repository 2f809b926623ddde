/* core/panic.h: the end of the machine when the kernel cannot go on. Any context. */
#pragma once

#include "lib/types.h"

struct regs;

/* Print message, registers (the caller's, or *regs), backtrace of kernel and program and the
 * mapping at the fault; then end the VM as `panic=` says (docs/host-guest.md). */
__noreturn void panic(const char *fmt, ...) __printf(1, 2);
__noreturn void panic_regs(const struct regs *regs, const char *fmt, ...) __printf(2, 3);

/* An NMI: somebody outside, or another CPU for him, asks what all do. Each CPU prints where it is,
 * the last line names the threads that sleep; then the VM ends as after a panic. Returns if there
 * is a panic already. */
void panic_asked(const struct regs *regs);

/* An impossible state. The message, a plain text, should help whoever sees it. */
#define assert(cond, ...)                                                                          \
    do {                                                                                           \
        if (unlikely(!(cond)))                                                                     \
            panic("%s", __FILE__ ": assertion failed: " #cond " " __VA_ARGS__);                    \
    } while (0)

/* Served by other layers: show the program's backtrace and the mapping at the fault (regs: the
 * kernel's or program's at the panic, or NULL); stop the other CPUs; send them an NMI; tell
 * where each thread sleeps; end the machine as `panic=` says. */
extern void (*panic_program_hook)(const struct regs *regs);
extern void (*panic_stop_cpus_hook)(void);
extern void (*panic_ask_cpus_hook)(void);
extern void (*panic_threads_hook)(void);
extern __noreturn void (*panic_end_hook)(void);
