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

/* Of the process's memory: for those that may trace it. */
#define PROC_GUARDED(file, permission, fn)                                                         \
    {                                                                                              \
        .name = (file), .mode = S_IFREG | (permission), .flags = INODE_GUARDED, .show = (fn)       \
    }
#define PROC_SECRET(file, fn)                                                                      \
    {                                                                                              \
        .name = (file), .mode = S_IFREG | 0400, .show = (fn)                                       \
    }
