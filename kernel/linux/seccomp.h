/* linux/seccomp.h: what system calls a thread may make (man 2 seccomp). Threads without filters pay
 * nothing: the table of calls is changed when the first filter comes (arch/x86_64/entry.h). */
#pragma once

#include "linux/task.h"

/* A new task has what the current one has; under its process->lock. */
void seccomp_inherit(struct task *task);
void seccomp_free(struct task *task);
int seccomp_mode(const struct task *task); /* 0 none, 1 strict, 2 filters */
unsigned seccomp_count(const struct task *task);
/* Is the current task to make this call? Else *result is what it returns. */
bool seccomp_check(struct regs *regs, int64_t *result);
/* PTRACE_SECCOMP_GET_FILTER and GET_METADATA. */
int64_t seccomp_get_filter(const struct task *task, uint64_t n, uintptr_t to);
int64_t seccomp_get_metadata(const struct task *task, uint64_t size, uintptr_t to);
/* prctl(PR_SET_SECCOMP). */
int64_t seccomp_set(uint64_t mode, uintptr_t program);
