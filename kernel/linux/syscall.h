/* linux/syscall.h: one table of all x86-64 system calls.
 *
 * A family's file defines its calls as
 *     SYSCALL(read, 3, SYSCALL_WHOLE, "") { ... }
 * and SYSCALL() puts number and function into the section from which the table of entry.h is
 * filled at boot (linux/table.c), and number, state and what lacks into one that stays on the host
 * with what a debugger reads: docs/abi.md is generated from it (host/abi). */
#pragma once

#include "arch/x86_64/entry.h"
#include "linux/numbers.h"

/* What answers ENOSYS: MISSING is to come (and says so, but where a libc always asks), NONE is
 * ENOSYS in every Linux 6.x on x86-64, ABSENT in one that is built without the named option. For
 * the assembler. */
#define SYSCALL_WHOLE     0
#define SYSCALL_PARTIAL   1
#define SYSCALL_MISSING   2
#define SYSCALL_NONE      3
#define SYSCALL_ABSENT    4
#define SYSCALL_FULL_REGS 16 /* flag */

struct syscall_entry {
    uint16_t nr : 15, full_regs : 1;
    int32_t distance; /* from this member to the function */
} __packed;

/* In both sections. */
#define SYSCALL_ENTRY(number, how, missing, function)                                              \
    asm(".pushsection .syscalls, \"a\"\n\t"                                                        \
        ".short " #number " | (" #how " & 16) << 11\n\t"                                           \
        ".long " #function " - .\n\t"                                                              \
        ".popsection\n\t"                                                                          \
        ".pushsection .debug_syscalls, \"\", @progbits\n\t"                                        \
        ".short " #number ", " #how "\n\t"                                                         \
        ".asciz " #missing "\n\t"                                                                  \
        ".popsection")
#define SYSCALL_EXPANDED(number, how, missing, function)                                           \
    SYSCALL_ENTRY(number, how, missing, function)

/* Define and register a call: SYSCALL(close, 1, SYSCALL_WHOLE, "") { int fd = (int)a0; ... } The
 * body gets a0 to a5 as uint64_t. */
#define SYSCALL(call, args, how, missing)                                                          \
    static int64_t sys_##call(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);         \
    SYSCALL_EXPANDED(NR_##call, how, missing, sys_##call);                                         \
    static __used int64_t sys_##call(__unused uint64_t a0, __unused uint64_t a1,                   \
                                     __unused uint64_t a2, __unused uint64_t a3,                   \
                                     __unused uint64_t a4, __unused uint64_t a5)
