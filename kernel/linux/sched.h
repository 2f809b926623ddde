/* linux/sched.h: who may change how whom is scheduled; what a reservation of the CPU costs. */
#pragma once

#include "lib/types.h"

struct task;

/* The task of a number (0: the caller), or NULL. Under rcu_read_lock. */
struct task *sched_task_of(int tid);
bool sched_owns(const struct task *task); /* by its user, or CAP_SYS_NICE */
/* 0, or -EPERM: not without CAP_SYS_NICE or RLIMIT_NICE. */
int sched_may_be_nice(const struct task *task, int nice);

/* clone: what the child is scheduled as. -EAGAIN: a reservation cannot be shared. */
int sched_may_fork(const struct task *from);
void sched_fork(struct task *child, const struct task *from);
/* The task ends: what it has reserved is free. */
void sched_task_exit(struct task *task);
