/* linux/syscall.h: one table of all x86-64 system calls.
 *
 * A family's file defines its calls as
 *     SYSCALL(read, SYSCALL_WHOLE, "", 3) -> static int64_t sys_read(args...)
 * and SYSCALL() puts number, name, state and what lacks into the section from which the table of
 * entry.h is filled at boot, --strace prints, and docs/abi.md is generated (tools in
 * linux/table.c). */
#pragma once

#include "arch/x86_64/entry.h"
#include "linux/numbers.h"

/* What answers ENOSYS: MISSING is to come (and says so, but where a libc always asks), NONE is
 * ENOSYS in every Linux 6.x on x86-64, ABSENT in one that is built without the named option. */
enum syscall_state {
    SYSCALL_WHOLE,
    SYSCALL_PARTIAL,
    SYSCALL_MISSING,
    SYSCALL_NONE,
    SYSCALL_ABSENT,
    SYSCALL_FULL_REGS = 16 /* flag */
};

struct syscall_entry {
    uint16_t nr;
    uint8_t state, nargs;
    const char *lacks;
    syscall_fn_t *fn;
};

/* In the table, which has no gaps. */
#define SYSCALL_ENTRY __used __section(".syscalls") __attribute__((aligned(8)))

/* Define and register a call: SYSCALL(close, 1, SYSCALL_WHOLE, "") { int fd = (int)a0; ... } The
 * body gets a0 to a5 as uint64_t. */
#define SYSCALL(call, args, how, missing)                                                          \
    static int64_t sys_##call(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);         \
    static const struct syscall_entry syscall_entry_##call SYSCALL_ENTRY = {NR_##call, how, args,  \
                                                                            missing, sys_##call};  \
    static int64_t sys_##call(__unused uint64_t a0, __unused uint64_t a1, __unused uint64_t a2,    \
                              __unused uint64_t a3, __unused uint64_t a4, __unused uint64_t a5)
