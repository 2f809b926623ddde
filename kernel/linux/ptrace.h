/* linux/ptrace.h: tracing (man 2 ptrace). Who is not traced pays a look at task->ptrace where
 * something rare happens; its system calls pay nothing.
 *
 * struct ptrace is the bond between a tracer (a thread) and its tracee (a thread). It lives from
 * attach to detach, or until the tracer has waited for the end of the tracee, which it survives.
 * tasks_lock is over bonds being made and ended; the tracee's signal_lock over task->ptrace and the
 * state of stops. The bond is freed after RCU readers. */
#pragma once

#include "linux/task.h"

enum {
    PTRACE_EVENT_FORK = 1,
    PTRACE_EVENT_VFORK,
    PTRACE_EVENT_CLONE,
    PTRACE_EVENT_EXEC,
    PTRACE_EVENT_VFORK_DONE,
    PTRACE_EVENT_EXIT,
    PTRACE_EVENT_SECCOMP,
    PTRACE_EVENT_STOP = 128,
};
enum {
    PTRACE_O_TRACESYSGOOD = 1,
    PTRACE_O_EXITKILL = 1 << 20,
    PTRACE_O_SUSPEND_SECCOMP = 1 << 21,
    PTRACE_O_ALL = 0xff | PTRACE_O_EXITKILL | PTRACE_O_SUSPEND_SECCOMP
};
enum { PTRACE_MESSAGE_ENTRY = 1, PTRACE_MESSAGE_EXIT = 2 };

struct ptrace {
    atomic_uint refs;
    struct ptrace *next;         /* in the tracer's process->tracees */
    struct task *_Atomic tracer; /* NULL: unbound */
    struct task *task;           /* NULL: it has ended */
    struct process *process;     /* the tracee's; valid while the bond lasts */
    int tid, exit_code;
    uint32_t uid; /* of one that has ended */
    bool seized;
    atomic_uint options;   /* PTRACE_O_* */
    struct waitqueue wait; /* the tracee stands here */
    struct rcu_head rcu;

    /* Under the tracee's signal_lock. */
    bool stopped;     /* stands, and may be looked at */
    bool waitable;    /* and nobody has waited for it yet */
    bool listening;   /* PTRACE_LISTEN: not to be waited for */
    bool frozen;      /* the tracer is at it: not even SIGKILL wakes it */
    bool go;          /* leave the stop */
    bool trap_wanted; /* PTRACE_INTERRUPT, or attached to while stopped */
    bool trap_notify; /* SIGCONT came to one that is seized */
    bool group_stop;  /* its process stops: it has to stand still with it */
    bool counted;     /* it does, in process->nstopped */
    int code;         /* of the stop, as wait shows it: event << 8 | signal */
    int answer;       /* signal number from the tracer */
    bool has_info;
    struct siginfo info;
    uint64_t message; /* PTRACE_GETEVENTMSG */

    /* Set by the tracer while the tracee stands; read by the tracee. */
    bool trace_calls, emulate_calls, step, forced_tf;
    uint64_t dr6;          /* what the last debug trap was */
    uint16_t selectors[4]; /* DS, ES, FS, GS as the tracer has set them: of no effect in 64 bits */
};

static inline struct ptrace *ptrace_of(const struct task *task)
{
    return atomic_load_explicit(&((struct task *)task)->ptrace, memory_order_acquire);
}

/* --- in the tracee (ptrace_stop.c); may sleep --- */

/* A signal is about to be acted on: the number to go on with and its *info, or 0. */
int ptrace_signal(struct task *task, struct siginfo *info);
/* Stand still where the tracer or job control wants it; true if it did. */
bool ptrace_stand(struct task *task);
/* Is the event asked for? Then stand with it. */
bool ptrace_wants(const struct task *task, int event);
bool ptrace_event(struct task *task, int event, uint64_t message);
/* After execve: old_tid is what the thread's number was. */
void ptrace_exec(struct task *task, int old_tid);
/* PTRACE_O_SUSPEND_SECCOMP. */
bool ptrace_seccomp_suspended(const struct task *task);
/* Before and after a system call. false: it is not made. */
bool ptrace_call(struct task *task, struct regs *regs);
void ptrace_call_done(struct task *task, struct regs *regs);
/* A handler is entered: no more single steps, and true if there were; then, once the frame is made,
 * it stands with SIGTRAP. */
bool ptrace_end_steps(struct task *task, struct regs *regs);
void ptrace_stand_at_handler(struct task *task);

/* --- with the tracee's signal_lock --- */

/* It is to end now. */
void ptrace_wake_killed(struct task *task);
/* SIGCONT, or a stop, for the process: each of its threads. */
void ptrace_continued(struct task *task);
/* Let it leave its stop. */
void ptrace_let_go(struct ptrace *p, int answer);

/* --- bonds (ptrace_bond.c); may sleep --- */

/* May the current task look into the target, or trace it? 0 or -EPERM. Under rcu_read_lock or
 * tasks_lock. real: with its real ids, else those for files. */
int ptrace_access(const struct task *target, bool real);
bool may_watch(void); /* (process_memory.c) memory, but not more, nevertheless */
/* Make tracer trace task, which is stopped, not started yet or the current one; with tasks_lock.
 * -EPERM, -ENOMEM. */
int ptrace_bind(struct task *task, struct task *tracer, bool seized, unsigned options);
/* End the bond; with tasks_lock. The tracee goes on with this signal where it stands. */
void ptrace_unbind(struct ptrace *p, int answer);
/* A tracee makes a task, which is not published yet: trace that too? With tasks_lock. */
int ptrace_inherit(struct task *child, uint64_t clone_flags, bool wanted);
/* The tracee (the current task) is out of its process; with tasks_lock since before. */
void ptrace_tracee_ends(struct task *task);
/* The only thread left becomes the leader, whose bond is void; with tasks_lock. */
void ptrace_new_leader(struct task *task);
/* The current task ends: whom it traces is free. */
void ptrace_tracer_ends(struct task *task);
/* A process without threads is a zombie now. True: tracers have to wait for it or its threads
 * first. With tasks_lock. */
bool ptrace_holds(const struct process *process);
void ptrace_process_ends(struct process *process);
/* A bond with the dead has been waited for; with tasks_lock. p is gone afterwards. */
void ptrace_reap(struct ptrace *p);
void ptrace_put(struct ptrace *p);
/* Is the process's first thread traced by a thread of this process? With tasks_lock. */
bool ptrace_by_process(const struct process *process, const struct process *tracer);
/* A thread of the process that has ended and that its tracer has not waited for: the least number
 * above `after`; 0: none. Under tasks_lock. */
int ptrace_next_dead(const struct process *process, int after);
int ptrace_process_of_dead(int tid); /* the number of such a thread's process; 0 */
/* TracerPid. Under tasks_lock. */
int ptrace_tracer_pid(const struct task *task);

/* --- registers and memory of a task that stands (ptrace_regs.c) --- */

/* The words of struct user (sys/user.h). -EIO, -EINVAL. */
int ptrace_peek_user(struct ptrace *p, uint64_t offset, uint64_t *value);
int ptrace_poke_user(struct ptrace *p, uint64_t offset, uint64_t value);
enum { USER_REGS = 27, USER_REGS_SIZE = USER_REGS * 8 };
void ptrace_get_regs(struct ptrace *p, uint64_t regs[USER_REGS]);
int ptrace_set_regs(struct ptrace *p, const uint64_t *regs, unsigned n);
struct regs *ptrace_frame(struct ptrace *p);
/* PTRACE_GETREGSET and SETREGSET. */
int64_t ptrace_regset(struct ptrace *p, uint64_t type, uintptr_t iovec, bool set);
int64_t ptrace_fpregs(struct ptrace *p, uintptr_t addr, bool set); /* GETFPREGS, SETFPREGS */
/* The tracee goes on: selectors without a segment in Linux's table become null. */
void ptrace_load_selectors(struct ptrace *p);
/* Single steps from the next instruction on, or none. */
void ptrace_set_step(struct ptrace *p, bool step);
/* execve and the end of a thread. */
void ptrace_drop_debug(struct task *task);

/* --- memory of another process (remote.c) --- */

/* Move n bytes between buf and the space; bytes moved (short: a fault). force: as a debugger,
 * whatever the mapping's protection. */
size_t remote_read(struct address_space *space, uintptr_t addr, void *buf, size_t n, bool force);
size_t remote_write(struct address_space *space, uintptr_t addr, const void *buf, size_t n,
                    bool force);
