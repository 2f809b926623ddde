/* linux/timers.h: interval timers and POSIX timers of a process. */
#pragma once

#include "lib/types.h"

struct task;
struct process;

/* Stop and free them all (exit). */
void timers_process_exit(struct process *process);
/* POSIX timers go, interval timers stay (execve). */
void timers_exec(struct process *process);
/* The real-time clock was stepped: timers at points of it move. */
void timers_clock_was_set(void);
/* RLIMIT_CPU was set: look at it in time. */
void timers_cpu_limit_changed(struct process *process);
