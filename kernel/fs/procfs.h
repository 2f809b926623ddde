/* fs/procfs.h: /proc. The general files are procfs.c's; linux/ adds processes through a table. */
#pragma once

#include "core/boot.h"
#include "fs/pseudo.h"

/* A file of /proc itself (static memory, at boot): PHASE_BUS or later, before programs run. */
void proc_register(struct pseudo_entry *entry);
/* The folder for names like "sys/kernel" (made by procfs.c), or NULL. */
struct pseudo_entry *proc_folder(const char *path);
/* Files of every /proc/PID (process) and/or /proc/PID/task/TID (thread): one group of the same
 * table for each of the two folders. The callbacks get self->key = pid and self->subkey = tid (the
 * pid again in /proc/PID). */
enum { PROC_PROCESS = 1, PROC_THREAD = 2 };
void proc_pid_register_groups(struct pseudo_group groups[2], unsigned where);
/* Do that at boot (constants: array, PROC_*). */
#define PROC_PID_FILES(array, where)                                                               \
    static int register_##array(void)                                                              \
    {                                                                                              \
        static struct pseudo_group groups[2] = {{array, ARRAY_SIZE(array), NULL},                  \
                                                {array, ARRAY_SIZE(array), NULL}};                 \
        proc_pid_register_groups(groups, (where));                                                 \
        return 0;                                                                                  \
    }                                                                                              \
    BOOT_STEP(PHASE_FS, "/proc/PID", register_##array)

/* The process whose folder /proc/PID the file is; 0 for other files. */
int proc_pid_of(const struct file *file);

/* Since the boot; forks: processes and threads made, last: the number that was given last. */
struct proc_totals {
    uint64_t switches, faults, forks;
    int last;
};

/* Supplied by linux/. */
struct proc_source {
    bool (*exists)(int pid);
    int (*process_of)(int tid);   /* 0: no such thread */
    int (*next)(int pid);         /* the smallest pid greater than this one; 0: none */
    unsigned (*threads)(int pid); /* how many */
    bool (*thread_exists)(int pid, int tid);
    int (*next_thread)(int pid, int tid);
    void (*self)(int *pid, int *tid); /* of the caller */
    void (*owner)(int pid, struct attributes *attr);
    void (*totals)(struct proc_totals *totals);
    /* A thread's root folder and mounts, with references. -ESRCH. */
    int (*view)(const struct pseudo *self, struct path *root, struct mount_ns **mounts);
};
extern const struct proc_source *proc_source; /* NULL until linux/ sets it */

/* What was written to a number's file: at most `most`; base as in parse_u64(), or with 0 a number
 * with or without 0x. Blanks at the end do not count. -EINVAL, -ERANGE. */
int proc_parse_u64(const char *text, size_t len, unsigned base, uint64_t most, uint64_t *value);

/* What uname(2) and /proc/version say of the kernel: the Linux whose ABI this is. */
#define KERNEL_RELEASE "6.1.0-osprey"
#define KERNEL_VERSION "#1 SMP Osprey"
