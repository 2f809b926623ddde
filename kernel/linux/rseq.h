/* linux/rseq.h: restartable sequences (rseq(2)). The task concerned only. */
#pragma once

struct task;
struct regs;

/* A signal's frame is about to be made: leave a critical section first. */
void rseq_signal(struct task *task, struct regs *regs);
/* The task was moved or preempted: tell the program its CPU, leave a critical section. */
void rseq_resume(struct task *task, struct regs *regs);
/* execve: forget the registration. */
void rseq_reset(struct task *task);
