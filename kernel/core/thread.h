/* core/thread.h: threads and the scheduler.
 *
 * Preemptive for program code, never inside the kernel (core/cpu.h). Fair by run time weighted by
 * nice, SCHED_FIFO/RR above it, per-CPU run queues with balancing; tickless: a timer runs only
 * while somebody waits for the CPU. From boot phase BUS on. */
#pragma once

#include "arch/x86_64/layout.h"
#include "core/cpu.h"
#include "core/rcu.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "lib/types.h"

struct address_space;

enum thread_state { THREAD_RUNNABLE, THREAD_SLEEPING, THREAD_INTERRUPTIBLE, THREAD_DEAD };

/* Bits of thread->work: things to do before the thread runs program code again. Setting one with
 * thread_post_work() also ends an interruptible sleep. */
enum {
    WORK_SIGNAL = 1,  /* look at pending signals (linux/) */
    WORK_EXIT = 2,    /* the process is ending: leave (linux/) */
    WORK_NOTIFY = 4,  /* other linux/ business: rseq, tracing, setuid on all threads */
    WORK_RESCHED = 8, /* the time slice ended while in the kernel: see entry.S; no interruption */
    WORK_URING = 32,  /* requests of io_uring to look at (linux/) */
    WORK_MOVED = 16,  /* preempted or moved since (only with notify_moved, for rseq); whoever acts
                         on it clears it; no interruption */
};

/* Bits of thread->watched: who looks at its system calls first. */
enum { WATCH_SECCOMP = 1, WATCH_PTRACE = 2, WATCH_DISPATCH = 4 };

enum sched_policy {
    POLICY_FAIR,
    POLICY_FIFO,
    POLICY_RR,
    POLICY_BATCH,
    POLICY_IDLE = 5,
    POLICY_DEADLINE /* may run for `runtime` in each `period`, before its `deadline` in it */
};
enum { PRIORITY_DEADLINE = 100 }; /* rt_priority of POLICY_DEADLINE: above FIFO and RR */

/* man 7 sched, SCHED_DEADLINE: nanoseconds, 0 < runtime <= deadline <= period. */
struct deadline_params {
    nsec_t runtime, deadline, period;
    bool reclaim;      /* it may use what nobody has reserved, too */
    bool tell_overrun; /* thread_overrun_hook when it has used up its runtime */
};
/* A thread's state by them, in TSC cycles; the scheduler's own. */
struct deadline_state {
    uint64_t runtime, deadline, period;
    int64_t left;    /* of the runtime in this period */
    uint64_t until;  /* end of its deadline: whose is earliest runs */
    uint64_t sleeps; /* switches_voluntary when it was enqueued last */
    bool waits;      /* used up: it waits in rq->spent for its next period */
    bool reclaim, tell_overrun;
};

struct thread {
    uintptr_t kstack_top;        /* offset 0: entry.S */
    uintptr_t saved_rsp;         /* offset 8: context_switch() */
    atomic_uint work;            /* offset 16: entry.S tests it on the way out */
    atomic_uint watched;         /* offset 20: its system calls are looked at first */
    void *fpu;                   /* extended state, 64-byte aligned; NULL for kernel threads */
    uint64_t fs_base;            /* valid while the thread is off its CPU */
    struct address_space *space; /* NULL for kernel threads */
    uint64_t gs_base; /* offset 48: of the program; 0: it has none, and GS stays the kernel's */

    _Atomic(enum thread_state) state;
    struct cpu *_Atomic cpu;  /* runs there, or last did, or will */
    cpuset_t affinity;        /* change with thread_set_affinity() */
    enum sched_policy policy; /* as it runs now */
    int nice;                 /* -20 to 19 */
    int rt_priority;          /* as it runs now: 1 to 99 for FIFO and RR, PRIORITY_DEADLINE, or 0 */
    enum sched_policy own_policy; /* without what it has inherited */
    int own_priority;
    int inherited; /* priority of somebody who waits for what it holds; 0: nobody */
    struct deadline_state dl;
    bool notify_moved; /* post WORK_MOVED when it was preempted or moved */
    bool fresh;        /* never ran yet */

    /* The scheduler's own from here (core/sched.h says who may touch what when). */
    atomic_bool queued;       /* somebody is enqueueing it, or it is in a CPU's incoming stack */
    atomic_bool on_rq;        /* runs on thread->cpu or is queued there */
    struct thread *wake_next; /* in a CPU's incoming stack */
    uint64_t weight;          /* by nice */
    uint64_t vruntime;        /* weighted; this and all times below in TSC cycles */
    uint64_t runtime, started;
    const struct thread *woken; /* the last one that it woke; only compared */
    uint64_t woke_at;   /* its last wake-up of another thread, if it has not slept since; or 0 */
    unsigned handovers; /* how often in a row it slept right after waking one thread */
    struct rb_node run_node;
    struct list run_link;
    struct cpu *fpu_cpu; /* whose registers held its extended state last */
    uint64_t switches_voluntary, switches_forced;
    uint32_t ticks_program, ticks_kernel; /* core/tick.h */

    void *kstack;          /* lowest address, above its guard page; NULL: not ours to free */
    void (*entry)(void *); /* kernel threads */
    void *arg;
    void (*destroy)(struct thread *); /* frees the thread after its last switch and after all RCU
                                         readers; called from a kernel thread, may sleep */
    struct rcu_head rcu;
    char name[16];
};

/* Prepare a thread (zeroed memory of the caller, usually inside a larger struct): kernel stack,
 * state, the creator's affinity, policy and nice. It starts at entry(arg) on its kernel stack with
 * interrupts on, when thread_start() is called. -ENOMEM leaves nothing behind. */
int thread_init(struct thread *thread, const char *name, void (*entry)(void *), void *arg);
/* Give up a thread that was prepared and never started. */
void thread_discard(struct thread *thread);
void thread_start(struct thread *thread);
/* Create and start a kernel thread; NULL when memory is short. It is freed when it ends. */
struct thread *kthread_start(const char *name, void (*entry)(void *), void *arg);
/* End the current thread; its destroy() runs later. */
__noreturn void thread_exit(void);

/* Sleep: set the state, look once more at the condition, then call schedule(). Prefer
 * core/waitqueue.h. thread_wake() between the two makes schedule() return at once. */
void thread_set_state(enum thread_state state);
void schedule(void);
/* The same, but the deadline (monotonic) ends the sleep too: true if it has passed. */
bool schedule_with_alarm(nsec_t deadline);
static inline bool schedule_until(nsec_t deadline)
{
    if (deadline != NSEC_FOREVER)
        return schedule_with_alarm(deadline);
    schedule();
    return false;
}
/* Make a sleeping thread runnable; true if it slept. Any context, lock-free towards other CPUs. */
bool thread_wake(struct thread *thread);
/* Post work bits and end an interruptible sleep, or kick the thread out of program code. */
void thread_post_work(struct thread *thread, unsigned bits);
static inline bool thread_interrupted(const struct thread *thread)
{
    return atomic_load_explicit(&thread->work, memory_order_acquire) &
           ~(unsigned)(WORK_RESCHED | WORK_MOVED);
}

/* To the end of its row: let others of its urgency run. With no spinlock held. */
void thread_yield(void);
/* Let others run if the time slice is over: for long loops in the kernel that hold no spinlock. */
void thread_resched_point(void);
/* Sleep until the deadline (monotonic). 0, or -EINTR if interruptible and interrupted. */
int thread_sleep_until(nsec_t deadline, bool interruptible);

/* -EINVAL for a set without a present CPU. Moves the thread if it must; the caller may be it. */
int thread_set_affinity(struct thread *thread, cpuset_t set);
int thread_set_policy(struct thread *thread, enum sched_policy policy, int rt_priority);
/* POLICY_DEADLINE; the caller has checked that there is so much to give. */
void thread_set_deadline(struct thread *thread, const struct deadline_params *params);
/* Of a thread that was prepared and not started: SCHED_RESET_ON_FORK. */
void thread_reset_policy(struct thread *thread); /* fair, nice 0 */
void thread_reset_nice(struct thread *thread);
/* Let it run at this priority if its own is lower (0: no longer); with PRIORITY_DEADLINE by
 * `donor`'s deadline, which is on its own. */
void thread_inherit(struct thread *thread, int priority, const struct thread *donor);
/* The running thread of POLICY_DEADLINE has done its work in this period. */
void thread_end_period(void);
/* It has used up its runtime and has asked to be told; interrupts are off. linux/ fills it in. */
extern void (*thread_overrun_hook)(struct thread *thread);
/* Of all threads with POLICY_DEADLINE, for those that reclaim: the share of the CPUs that is
 * reserved, in 1/2^20. */
extern uint64_t deadline_reserved;
void thread_set_nice(struct thread *thread, int nice);
nsec_t thread_runtime(const struct thread *thread); /* including the current slice */

/* --- set-up, and for the interrupt paths ---------------------------------------------------------
 */

enum { KSTACK_SIZE = KSTACK_BYTES };

/* What the boot CPU runs from the first instruction on: an ordinary kernel thread once sched_init()
 * is through; it may end with thread_exit(). */
extern struct thread boot_thread;

/* Boot phase THREADS, on the boot CPU: run queue, idle thread, RCU. */
int sched_init(void);
/* On a running CPU, before `cpu` is started: its run queue, timers and idle thread. The new CPU
 * starts with cpu->current = cpu->idle_thread on that thread's kernel stack. -ENOMEM. */
int sched_cpu_init(struct cpu *cpu);
/* On the new CPU, as its idle thread, interrupts off, local APIC ready: the idle loop. */
__noreturn void sched_cpu_start(void);
/* From the interrupt return path with interrupts off, when the interrupted code was the program's,
 * and from the way out of a system call with WORK_RESCHED; clears need_resched and WORK_RESCHED. */
void sched_preempt(void);
/* The handler of VECTOR_KICK (sched_init() installs it). */
void sched_kicked(void);
/* How many threads are runnable or running, machine-wide (loadavg). */
unsigned sched_runnable(void);

/* mm/ fills these in. A CPU switches to a thread of another space than the last (interrupts off);
 * leaves idle, before anything else runs on it (interrupts off). */
extern void (*space_switch_hook)(struct cpu *cpu, struct address_space *space);
extern void (*idle_exit_hook)(struct cpu *cpu);
