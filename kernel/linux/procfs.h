/* linux/procfs.h: what the files of /proc/PID and /proc/PID/task/TID share. */
#pragma once

#include "fs/procfs.h"
#include "linux/task.h"

/* A reader's hold on a process and one of its threads: process->lock, which a thread takes on its
 * way out, keeps both. */
struct subject {
    struct process *process;
    struct task *task;
};

/* Whom a file is about, held until subject_put(). -ESRCH: it has ended. */
int subject_get(const struct pseudo *self, struct subject *s);
/* With zombies: its task is NULL. */
int subject_get_any(const struct pseudo *self, struct subject *s);
void subject_put(struct subject *s);
/* The memory of a process, with a reference; NULL: it has none any more. */
struct address_space *subject_space(const struct pseudo *self);
/* For pseudo_special.allows: a process sees its own files, whoever it has become. */
bool proc_own_folder(const struct pseudo *self);

/* What has called whom where a thread sleeps, the innermost first: how many; 0: it runs. Takes no
 * lock. */
enum { PROC_CALLERS = 64 };
unsigned proc_sleeps_in(const struct thread *thread, uintptr_t callers[PROC_CALLERS]);
/* The innermost of them that is none of core/; n: all are. */
unsigned proc_beyond_core(const uintptr_t *callers, unsigned n);
/* The program's registers, by the call's number in vector_or_nr or -1, of a thread that sleeps or
 * asks itself, or that has ended (none); false: it runs. */
bool proc_find_call(const struct thread *t, struct regs *regs);

/* Of the process's memory: for those that may trace it. */
#define PROC_GUARDED(file, permission, fn)                                                         \
    {                                                                                              \
        .name = (file), .mode = S_IFREG | (permission), .flags = INODE_GUARDED, .show = (fn)       \
    }
#define PROC_SECRET(file, fn)                                                                      \
    {                                                                                              \
        .name = (file), .mode = S_IFREG | 0400, .show = (fn)                                       \
    }
