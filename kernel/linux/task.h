/* linux/task.h: processes and their threads as Linux has them.
 *
 * struct task is a Linux thread (it has a tid); struct process is what its threads share. Locks:
 * process->lock (mutex) over threads, children, limits; the spinlock signal_lock over pending
 * signals and handlers; order: tasks_lock -> process->lock -> signal_lock. The list of threads
 * changes under both process->lock and signal_lock, so either is enough to walk it. */
#pragma once

#include "arch/x86_64/regs.h"
#include "core/rcu.h"
#include "core/thread.h"
#include "core/timer.h"
#include "fs/vfs.h"
#include "linux/cputime.h"
#include "linux/signal.h"

enum { RLIMITS = 16, FDS_MAX = 1048576 };
enum {
    LIMIT_CPU,
    LIMIT_FSIZE,
    LIMIT_DATA,
    LIMIT_STACK,
    LIMIT_CORE,
    LIMIT_RSS,
    LIMIT_NPROC,
    LIMIT_NOFILE,
    LIMIT_MEMLOCK,
    LIMIT_AS,
    LIMIT_LOCKS,
    LIMIT_SIGPENDING,
    LIMIT_MSGQUEUE,
    LIMIT_NICE,
    LIMIT_RTPRIO,
    LIMIT_RTTIME
};
#define LIMIT_INFINITY (~0ull)

struct fd_entry {
    _Atomic(struct file *) file;
    bool cloexec;
};
struct fd_table { /* linux/fd.h has the fast ways in */
    atomic_uint refs;
    struct mutex lock;                  /* writers, where refs > 1 */
    _Atomic(struct fd_entry *) entries; /* read under RCU */
    atomic_uint size;                   /* never larger than what entries points to */
    uint64_t *used;                     /* one bit a number: taken, perhaps not open yet */
    unsigned lowest_free;               /* all numbers below are taken */
};
/* Bits of process->personality that something looks at (man 2 personality). */
enum {
    PERSONALITY_UNAME26 = 0x20000,
    PERSONALITY_NO_RANDOMIZE = 0x40000,
    PERSONALITY_MMAP_PAGE_ZERO = 0x100000,
    PERSONALITY_COMPAT_LAYOUT = 0x200000,
    PERSONALITY_READ_IMPLIES_EXEC = 0x400000,
    PERSONALITY_STICKY_TIMEOUTS = 0x4000000,
    /* What a set-user-ID program does not take over (Linux' PER_CLEAR_ON_SETID). */
    PERSONALITY_UNSAFE = PERSONALITY_NO_RANDOMIZE | PERSONALITY_MMAP_PAGE_ZERO |
                         PERSONALITY_COMPAT_LAYOUT | PERSONALITY_READ_IMPLIES_EXEC,
};
/* What clone's CLONE_FS shares. */
struct fs_context {
    atomic_uint refs;
    struct mutex lock;
    struct path root, cwd;
    struct mount_ns *mounts; /* what both are in; changes while refs is 1 */
    uint32_t umask;
    struct rcu_head rcu;
};

/* What a process has used up, for wait4(2) and getrusage(2). */
struct usage {
    struct cpu_times time;
    uint64_t faults, switches_voluntary, switches_forced, peak_pages;
};

struct core_dump;
struct process {
    int pid, pgid, sid;
    struct process *_Atomic parent; /* read under RCU; NULL: none */
    atomic_int ppid;                /* the parent's pid; 0: none */
    struct list children, siblings; /* under tasks_lock */
    struct list threads;            /* task.process_link */
    unsigned nthreads;
    struct task *leader;
    struct address_space *space; /* changes under lock; NULL: a zombie */
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
    bool zombie, did_exec;
    uint8_t dumpable;               /* DUMP_*: linux/core.h */
    atomic_uint closed;             /* by executions under way: nobody may look into it */
    int16_t oom_score_adj;          /* kept for /proc; nobody chooses victims by it */
    uint32_t loginuid, sessionid;   /* -1: not set; kept for /proc */
    uint16_t core_filter;           /* CORE_*: linux/core.h */
    struct core_dump *core;         /* one is being written (linux/core.h); under signal_lock */
    nsec_t start_time, dead_run_ns; /* run time of threads that have ended */
    uint64_t dead_switches, dead_switches_forced, dead_ticks_program, dead_ticks_kernel;
    struct cpu_times told;        /* under signal_lock: linux/cputime.c */
    void *itimers, *posix_timers; /* linux/timers.c */
    void *tty;                    /* controlling terminal (struct tty) */
    uint32_t personality;
    uintptr_t vdso, vdso_sigreturn;

    /* The family (linux/family.c), under tasks_lock. */
    int exit_signal;           /* to the parent at the end; 0: none */
    int parent_tid;            /* the parent's thread that made it or took it over */
    bool adopted;              /* an orphan of process 1, which never asked for it */
    atomic_uint child_events;  /* counts what a wait of this process may look for */
    struct usage children_use; /* of those that were waited for, and theirs */

    /* Job control, under signal_lock. */
    int stop_signal;   /* what stopped it last */
    unsigned nstopped; /* threads that stand still */
    bool stop_told;    /* all do, and the parent knows */
    bool stop_waitable, continue_waitable;

    struct rcu_head rcu;

    struct process *_Atomic hash_next;
    int helper_of;              /* the process whose core it takes, which may wait for its end; 0 */
    struct waitqueue exit_wait; /* execve: the other threads are gone; stopped: go on */
    struct task *exec_task;     /* the others are to end, this one goes on */
    bool stopped;               /* by SIGSTOP and its like */
    atomic_uint queued_signals; /* against RLIMIT_SIGPENDING */
    nsec_t cpu_limit_warned;    /* RLIMIT_CPU: run time of the last SIGXCPU */
    uint64_t dead_faults, dead_peak_pages;
    char dead_name[16]; /* a zombie's: its last thread's */
    uint32_t dead_uid, dead_gid;
    unsigned expedited;                        /* membarrier registrations */
    bool subreaper, no_huge_pages, io_flusher; /* prctl */
    struct ptrace *tracees;     /* of its threads (linux/ptrace.h), under tasks_lock */
    struct ptrace *leader_bond; /* of its first thread, which has ended */
    unsigned dead_tracees;      /* others that nobody has waited for */
    unsigned lock_future;       /* mlockall: MCL_FUTURE, MCL_ONFAULT */
};

/* PR_SET_SYSCALL_USER_DISPATCH (linux/dispatch.h). */
struct user_dispatch {
    uint64_t offset, length;
    uintptr_t selector;
};

enum { SECBIT_NOROOT = 1, SECBIT_NO_SETUID_FIXUP = 4, SECBIT_KEEP_CAPS = 16 };
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
    uintptr_t rseq_area; /* linux/rseq.c; 0: none */
    uint32_t rseq_sig;
    int64_t (*restart)(struct task *); /* restart_syscall(2) */
    uint64_t restart_args[6];
    struct vfs_caller caller;
    struct vfork *vfork;           /* whom to wake when this task leaves the memory it borrows */
    struct ptrace *_Atomic ptrace; /* who traces it (linux/ptrace.h) */
    struct debug_regs *debug;      /* its watchpoints; NULL: none ever */
    nsec_t timer_slack_ns;
    uint64_t minor_faults;
    struct cpu_times told; /* under signal_lock: linux/cputime.c */
    bool reset_on_fork;    /* linux/sched_policy.c */
    struct memory_policy memory_policy;
    uint16_t io_priority; /* linux/ioprio.c */
    struct deadline_params deadline;
    int exit_code;

    struct task *_Atomic hash_next;
    struct regs start_regs; /* of a new thread: what it enters the program with */
    uintptr_t set_child_tid;
    void (*begin)(struct task *task); /* fills in start_regs in the new thread; or NULL */
    bool exiting;                     /* takes no more signals */
    atomic_bool pi_contended;         /* somebody waits for a futex that this task owns */
    atomic_bool pi_exited;            /* ... and it hands none on any more */
    uint64_t trap_nr, trap_error;     /* of the last fault, for signal frames */
    uintptr_t trap_addr;
    unsigned parent_death_signal;
    bool no_new_privs;
    uint8_t mce_kill;             /* PR_MCE_KILL: what it answers, 0 for the default */
    uint32_t securebits;          /* SECBIT_* */
    void *_Atomic seccomp_filter; /* linux/seccomp.c */
    struct uring_task *uring;     /* linux/io_uring.h; NULL: it has nothing to do with that */
    uintptr_t kernel_names[2];    /* names that linux/path.c may take from kernel memory; or 0 */
    atomic_int seccomp_mode;
    struct user_dispatch dispatch;
    struct keyrings *keys; /* linux/keys.h; NULL: none */
};

static inline struct task *current_task(void)
{
    return (struct task *)current;
}
static inline struct process *current_process(void)
{
    return current_task()->process;
}
static inline bool current_personality(uint32_t bit)
{
    return current_process()->personality & bit;
}

extern struct mutex tasks_lock;
extern struct process *first_process; /* pid 1 */
struct task *task_find(int tid);      /* under rcu_read_lock or tasks_lock; NULL */
struct process *process_find(int pid);
bool is_task(const struct thread *thread); /* or a kernel thread */
/* A process without threads that has its parent's limits, group and session (NULL: the default, its
 * own), but is not yet its child. Takes over `actions`. wanted_pid 0: the next free number.
 * -ENOMEM, -EAGAIN (no number left), -EEXIST; actions are the caller's then. */
int process_create(struct process *parent, struct signal_actions *actions, int wanted_pid,
                   struct process **process);
/* Give up its number; it is freed when present RCU readers have ended. */
void process_free(struct process *process);
/* A thread of process, not started: number (wanted_tid 0: the next free one), kernel stack, a copy
 * of `from`'s credentials, mask and scheduling (NULL: root's and none). It begins in the program
 * with start_regs. -ENOMEM, -EAGAIN (no number), -EEXIST. */
int task_create(struct process *process, struct task *from, int wanted_tid, struct task **task);
void task_discard(struct task *task);
/* A kernel thread that works for the current task (io_uring): with its process, memory, files,
 * folders and credentials, but no thread of the process: it has no number and takes no signals. It
 * ends with task_worker_exit(), before the process does. Not started; NULL: no memory. */
struct task *task_create_worker(const char *name, void (*entry)(void *), void *arg);
/* Let go of all that it has of the process; task_worker_exit() does it, too. Whoever waits for the
 * thread may go on after this: from here on it is a kernel thread like others. */
void task_worker_leave(void);
__noreturn void task_worker_exit(void);
/* Give it its number and make it known; thread_start() lets it run. On failure (-EAGAIN: no number,
 * or the process is ending; -EEXIST) the caller discards it. */
int task_publish(struct task *task);
void task_unpublish(struct task *task); /* its number is free again; readers may still hold it */
/* The only thread left takes over the process's number (execve). */
void task_become_leader(struct task *task);
/* The lowest process of a group, or NULL. */
struct process *process_of_group(int pgid);
bool process_each(bool (*fn)(struct process *, void *), void *arg); /* stops when fn says false */
struct fs_context *fs_context_create(void);
struct fs_context *fs_context_copy(struct fs_context *fs);
void fs_context_put(struct fs_context *fs);
/* Give a context that nobody shares a copy of its mounts (CLONE_NEWNS). -ENOMEM, -ENOSPC. */
int fs_context_copy_mounts(struct fs_context *fs);
/* The task's root, working folder and mounts are these (takes over the reference). */
void task_use_folders(struct task *task, struct fs_context *fs);
/* All tasks whose root or working folder is `from` go to `to` (pivot_root). */
void fs_context_move_all(const struct path *from, const struct path *to);
nsec_t process_runtime(struct process *process); /* under signal_lock or process->lock */
/* What it has used itself; takes signal_lock. */
void process_usage(struct process *process, struct usage *usage);
void usage_add(struct usage *sum, const struct usage *more);
/* A process goes that nobody has waited for. Under tasks_lock. */
void usage_leave(struct process *process);
/* Of all processes that are and were, for /proc. Takes tasks_lock. */
struct proc_totals;
void usage_totals(struct proc_totals *totals);
/* A GS base for a task that is current or stands. -EINVAL: the processor has no FSGSBASE; -ENOMEM.
 */
int task_set_gs_base(struct task *task, uint64_t base);
/* Let the other threads end, keep the process (execve). -EAGAIN: it is ending, or another thread
 * was first. */
int process_end_other_threads(void);
/* Tell all threads to end with this wait status; any context. Only the first call counts. */
void process_kill(struct process *process, int status);
/* WORK_EXIT was seen by the current task: end it if it is meant. */
void task_check_exit(void);
/* The task leaves the memory that it borrowed from its maker (vfork) or shares: the word of
 * CLONE_CHILD_CLEARTID is cleared, the maker goes on. */
void task_leave_memory(struct task *task);

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
/* Another task's table with a reference, under rcu_read_lock; NULL: it is ending. Only for looking
 * with the functions below: its owner may be changing it without a lock. */
struct fd_table *fd_table_of(const struct task *task);
struct file *fd_look(struct fd_table *table, unsigned fd); /* with a reference, or NULL */
bool fd_look_cloexec(struct fd_table *table, unsigned fd);
/* Iterate (for /proc/self/fd): the file at or above *fd with a reference; *fd is set. NULL at the
 * end. */
struct file *fd_next(struct fd_table *table, unsigned *fd);

/* --- running programs (linux/exec.c)
 * -------------------------------------------------------------------- */
/* Load a program into the current task's space, replacing what is there. argv, envp: kernel
 * strings. On failure before the point of no return a negative errno; after it the process is
 * killed. Fills *regs. */
int exec_program(const char *path, char *const argv[], char *const envp[], struct regs *regs);
