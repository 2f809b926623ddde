/* linux/cputime.h: CPU time of threads and processes, in program and in kernel code.
 *
 * The sum is exact. How it splits is looked at when a tick comes (core/tick.h), so that a system
 * call costs nothing; neither part ever goes back. */
#pragma once

#include "lib/types.h"

struct process;
struct task;

struct cpu_times {
    nsec_t user, system;
};

/* Any context. */
struct cpu_times task_times(struct task *task);
struct cpu_times process_times(struct process *process);
/* With the process's signal_lock held. */
struct cpu_times task_times_locked(struct task *task);
struct cpu_times process_times_locked(struct process *process);
