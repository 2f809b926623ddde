/* linux/pidfd.h: a process as a file (man 2 pidfd_open). */
#pragma once

#include "linux/task.h"

/* The number of the process that the descriptor stands for; -EBADF: it is no pidfd. *nonblocking
 * (or NULL): its O_NONBLOCK. A process that is gone: -ESRCH. */
int pidfd_number(int fd, bool *nonblocking);
/* For clone(2): a file for a process that is about to start. */
int pidfd_file(const struct process *process, int flags, struct file **file);
/* A process has become a zombie. Any context. */
void pidfd_process_ended(void);
