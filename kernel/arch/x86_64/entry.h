/* arch/x86_64/entry.h: what the entry code (entry.S, trap.c) and the layers above agree on.
 *
 * core and mm fill in the hooks they serve; linux/ registers the rest at boot, so that the arrow of
 * dependence keeps pointing down. */
#pragma once

#include "arch/x86_64/regs.h"
#include "lib/types.h"

/* The system-call table: SYSCALLS_MAX entries, a function of six arguments each. entry.S calls
 * syscall_table[nr](rdi, rsi, rdx, r10, r8, r9); numbers beyond go to entry SYSCALLS_MAX. */
enum { SYSCALLS_MAX = 512 };
typedef int64_t syscall_fn_t(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
extern syscall_fn_t *syscall_table[SYSCALLS_MAX + 1];

/* In a system call: the caller's registers. Always valid: rip, rsp, rflags (IF set), rdi, rsi, rdx,
 * r10, r8, r9, number; callee-saved ones (rbx, rbp, r12-r15) only in calls marked in
 * syscall_full_regs[] (fork, clone, rt_sigreturn, execve, ...) and in the exit hook. The regs may
 * be changed; full ones take effect on return. */
struct regs *syscall_regs(void);
extern uint8_t syscall_full_regs[SYSCALLS_MAX + 1];

/* Everything after a system call or trap when thread->work or a trace is on: signals, exit.
 * regs->rax holds the result (a -ERESTART* for the hook to resolve), regs->vector_or_nr the call's
 * number or -1. */
extern void (*program_exit_hook)(struct regs *regs);
/* A fault of program code that is no page fault, or a page fault that address_space_fault refused:
 * make it a signal. signo, si_code, si_addr. */
extern void (*program_fault_hook)(struct regs *regs, int signo, int code, uintptr_t addr);
/* Called instead of the table when tracing (--strace): set syscall_trace to route every call
 * through it. */
extern int64_t (*syscall_trace_hook)(uint64_t nr, const uint64_t args[6]);
void syscall_trace_enable(void);
/* The same for threads with thread->watched only (WATCH_*): the hook says whether the call is to be
 * made; else *result is what it returns. regs->vector_or_nr has the number as the program gave it;
 * the hook may change it and the arguments.
 * Threads that are not watched pay nothing until somebody enables it, then three instructions. */
extern bool (*syscall_filter_hook)(struct regs *regs, int64_t *result);
/* And after it, with the result in regs->rax; a call that was not made comes here, too. */
extern void (*syscall_done_hook)(struct regs *regs);
void syscall_filter_enable(void);

/* Patch `mov $nr,%eax; syscall` sites on first execution (DESIGN.md, decision 2); off with
 * `nopatch`. The hook is called by the slow entry with the address behind the syscall instruction.
 */
extern void (*syscall_patch_hook)(uintptr_t return_address, uint64_t nr);
/* Where a patched site's stub jumps, with rax = nr and rcx = the return address. */
extern const char syscall_entry_fast[];
/* The same, and LSTAR, for programs with a GS base of their own: see gs_base_set(). */
extern const char syscall_entry_gs[];

/* Instruction addresses at which a program-memory access may fault, and where to go on. */
struct fixup {
    int32_t at, to; /* relative to the field itself */
};
#define FIXUP(at, to)                                                                              \
    ".pushsection .fixup, \"a\"\n"                                                                 \
    ".balign 4\n"                                                                                  \
    ".long " at " - .\n"                                                                           \
    ".long " to " - .\n"                                                                           \
    ".popsection\n"
