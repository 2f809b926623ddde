/* linux/seccomp.h: what system calls a thread may make (man 2 seccomp). Threads without filters pay
 * nothing: the table of calls is changed when the first filter comes (arch/x86_64/entry.h). */
#pragma once

#include "linux/task.h"

/* A new task has what the current one has; under its process->lock. */
void seccomp_inherit(struct task *task);
void seccomp_free(struct task *task);
int seccomp_mode(const struct task *task); /* 0 none, 1 strict, 2 filters */
unsigned seccomp_count(const struct task *task);
/* prctl(PR_SET_SECCOMP). */
int64_t seccomp_set(uint64_t mode, uintptr_t program);
