/* linux/futex.h: what other parts ask of futexes. Threads only. */
#pragma once

#include "lib/types.h"

struct task;

/* Wake one waiter on a private or shared word (CLONE_CHILD_CLEARTID). */
void futex_wake_word(uintptr_t word);
/* The task has another priority: perhaps it waits for somebody who inherits it. */
void futex_pi_priority_changed(const struct task *task);
/* The current task ends (or calls execve): mark the robust futexes that it holds, give up those
 * with priority inheritance. */
void futex_task_exit(struct task *task);
