/* linux/ipc_exit.h: what is left of a process in System V semaphores, asynchronous I/O and the like
 * when it ends (its last thread, before the space goes) or becomes another program. */
#pragma once

#include "lib/types.h"

struct process;
struct task;
struct file;

/* SEM_UNDO takes effect (linux/sysv_sem.c). */
void sem_process_exit(struct process *process);
/* Has it something to undo? Only compares the pointer. */
bool sem_has_undo(const struct process *process);
/* Contexts of io_setup(2) end (linux/aio.c): exit and execve. */
void aio_process_exit(struct process *process);
/* Requests of a thread that used io_uring end, and its workers (linux/io_uring.c): exit and execve,
 * where task->uring is not NULL. all: polls and timeouts, too. */
void uring_task_exit(struct task *task, bool all);
/* And what else of a process serves rings. */
void uring_process_exit(struct process *process);
bool uring_file_is(const struct file *file);
