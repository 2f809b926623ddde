/* linux/rseq.h: restartable sequences, for those who run and make threads. Threads only; may
 * sleep. */
#pragma once

struct regs;
struct task;

/* On the way to the program, of a thread with notify_moved that was preempted, moved or stopped:
 * leave its critical section, tell it its CPU, take WORK_MOVED away. */
void rseq_resume(struct task *task, struct regs *regs);
/* A handler is about to run. */
void rseq_signal(struct task *task, struct regs *regs);
/* A child with memory of its own is registered as its maker is. */
void rseq_fork(struct task *child, const struct task *from);
void rseq_forget(struct task *task); /* execve */
