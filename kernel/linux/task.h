/* linux/task.h: processes and their threads as Linux has them.
 *
 * struct task is a Linux thread (it has a tid); struct process is what its threads share. Locks:
 * process->lock (mutex) over threads, children, limits; the spinlock signal_lock over pending
 * signals and handlers; order: tasks_lock -> process->lock -> signal_lock. */
#pragma once

#include "core/thread.h"
#include "core/timer.h"
#include "fs/vfs.h"
#include "linux/signal.h"

enum { RLIMITS = 16, FDS_MAX = 1048576 };

struct fd_entry {
    struct file *file;
    bool cloexec;
};
struct fd_table {
    atomic_uint refs;
    struct mutex lock;
    struct fd_entry *entries; /* grown under lock; read under RCU */
    unsigned size, lowest_free;
};
/* What clone's CLONE_FS shares. */
struct fs_context {
    atomic_uint refs;
    struct mutex lock;
    struct path root, cwd;
    uint32_t umask;
};

struct process {
    int pid, pgid, sid;
    struct process *parent;
    struct list children, siblings; /* under tasks_lock */
    struct list threads;            /* task.process_link */
    unsigned nthreads;
    struct task *leader;
    struct address_space *space;
    struct mutex lock;
    struct signal_actions *actions;
    struct spinlock signal_lock;
    struct signal_queue pending;
    struct waitqueue signal_wait; /* signalfd, sigtimedwait */
    struct waitqueue child_wait;  /* wait4 in the parent */
    uint64_t limits[RLIMITS][2];  /* soft, hard */
    struct file *executable;
    char *exe_name;
    uint64_t auxv[64]; /* for /proc/PID/auxv; pairs */
    unsigned auxv_words;
    atomic_bool exiting;
    int exit_code; /* as wait4 gives it: status << 8, or signal */
    bool zombie, dumpable, did_exec;
    nsec_t start_time, dead_user_ns; /* run time of threads that have ended */
    uint64_t dead_switches;
    void *itimers, *posix_timers; /* linux/timers.c */
    void *tty;                    /* controlling terminal (struct tty) */
    uint32_t personality, keyring;
    void *patch_area; /* linux/patch.c: stubs of patched system calls */
    uintptr_t vdso, vdso_sigreturn;
};

struct task {
    struct thread thread; /* first: current_task() casts */
    int tid;
    struct process *process;
    struct list process_link;
    struct fd_table *fds;
    struct fs_context *fs;
    struct credentials cred;
    uint64_t signal_mask, saved_mask;
    bool restore_mask;           /* sigsuspend, ppoll: put saved_mask back at exit */
    struct signal_queue pending; /* thread-directed; under process->signal_lock */
    uintptr_t altstack_base;
    size_t altstack_size;
    unsigned altstack_flags;
    uintptr_t clear_child_tid, robust_list;
    size_t robust_list_size;
    uintptr_t rseq_area;
    uint32_t rseq_size, rseq_sig;
    int64_t (*restart)(struct task *); /* restart_syscall(2) */
    uint64_t restart_args[6];
    struct vfs_caller caller;
    struct list futex_pi;
    uint32_t exit_signal;
    bool vfork_child;
    void *ptrace;
    nsec_t timer_slack_ns;
    uint64_t minor_faults;
    int exit_code;
};

static inline struct task *current_task(void)
{
    return (struct task *)current;
}
static inline struct process *current_process(void)
{
    return current_task()->process;
}

extern struct mutex tasks_lock;
extern struct process *first_process; /* pid 1 */
struct task *task_find(int tid);      /* under rcu_read_lock or tasks_lock; NULL */
struct process *process_find(int pid);
/* The last thread's exit status of the program reaches whoever runs the machine. */
void process_exit_group(int code) __noreturn; /* code as wait4 gives it */
__noreturn void task_exit(int code);

/* --- descriptors (linux/fd.c)
 * ------------------------------------------------------------------------- */
/* The open file of a descriptor with a reference, or NULL (-EBADF). O_PATH files only with
 * fd_get_any(). */
struct file *fd_get(int fd);
struct file *fd_get_any(int fd);
/* Install (takes over the caller's reference) at the lowest free number >= from; the number, or
 * -EMFILE, -ENOMEM (the caller keeps the reference then). */
int fd_install(struct file *file, bool cloexec, unsigned from);
int fd_install_at(int fd, struct file *file, bool cloexec); /* dup2: closes what was there */
int fd_close(int fd);
struct fd_table *fd_table_create(void);
struct fd_table *fd_table_copy(struct fd_table *table);
void fd_table_put(struct fd_table *table);
void fd_close_on_exec(struct fd_table *table);
/* Iterate (for /proc/self/fd): the file at or above *fd with a reference; *fd is set. NULL at the
 * end. */
struct file *fd_next(struct fd_table *table, unsigned *fd);

/* --- running programs (linux/exec.c)
 * -------------------------------------------------------------------- */
/* Load a program into the current task's space, replacing what is there. argv, envp: kernel
 * strings. On failure before the point of no return a negative errno; after it the process is
 * killed. Fills *regs. */
struct regs;
int exec_program(const char *path, char *const argv[], char *const envp[], struct regs *regs);
