/* arch/x86_64/trap.h: between entry.S, trap.c and the set-up of each CPU. */
#pragma once

#include "arch/x86_64/entry.h"

/* Did the registers come from program code (entry.S's own instructions on the program's stack
 * included, and what the program did at an address of the kernel's)? */
bool regs_from_program(const struct regs *regs);

/* mm/ serves page faults in the lower half of the current thread's space: 0, or a negative errno
 * and *code (see address_space_fault). Called with interrupts on; may sleep. access:
 * FAULT_ACCESS_*. */
enum { FAULT_ACCESS_WRITE = 1, FAULT_ACCESS_EXEC = 2, FAULT_ACCESS_PROTECTION = 4 };
extern int (*page_fault_hook)(uintptr_t addr, unsigned access, int *code);

/* Put a call into the table (linux/table.c at boot). */
void syscall_register(unsigned nr, syscall_fn_t *fn, bool full_regs);
extern syscall_fn_t *syscall_real[SYSCALLS_MAX + 1];

/* entry.S */
__noreturn void program_enter_at(struct regs *regs);
void trap_handler(struct regs *regs);
void trap_on_ist_handler(struct regs *regs);
void program_exit_work(struct regs *regs);
int64_t syscall_trace(struct regs *regs);
void irq_dispatch(unsigned vector);
