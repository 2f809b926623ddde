/* linux/dispatch.h: system calls from outside a range of code go to the program itself, as SIGSYS
 * (PR_SET_SYSCALL_USER_DISPATCH). */
#pragma once

#include "linux/task.h"

enum { DISPATCH_OFF, DISPATCH_ON };

/* Of the current task or one that stands still. -EINVAL, -EFAULT. */
int dispatch_set(struct task *task, uint64_t mode, uint64_t offset, uint64_t length,
                 uintptr_t selector);
/* A call of the current task goes to the program: *result is what stays in rax. */
bool dispatch_call(struct task *task, struct regs *regs, int64_t *result);
/* PTRACE_SET_ and GET_SYSCALL_USER_DISPATCH_CONFIG. */
int dispatch_config(struct task *task, uint64_t size, uintptr_t addr, bool set);
