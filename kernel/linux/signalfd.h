/* linux/signalfd.h: signals as a file (man 2 signalfd). */
#pragma once

#include "linux/task.h"

/* Wakes a queue that is about to be freed: who watches it (epoll of a signalfd, which hooks on the
 * reader's process) leaves it at once, and touches it no more once present RCU readers have ended.
 */
enum { POLLFREE = 0x4000 };

/* Nobody will read signals of this process again; before rcu_synchronize() and freeing it. */
static inline void signalfd_process_gone(struct process *process)
{
    waitqueue_wake(&process->signal_wait, 0, POLLFREE);
}
