/* linux/ipc_exit.h: what is left of a process in System V semaphores, asynchronous I/O and the like
 * when it ends (its last thread, before the space goes) or becomes another program. */
#pragma once

struct process;

/* SEM_UNDO takes effect (linux/sysv_sem.c). */
void sem_process_exit(struct process *process);
/* Contexts of io_setup(2) end (linux/aio.c): exit and execve. */
void aio_process_exit(struct process *process);
