/* core/thread.h: threads and the scheduler.
 *
 * Preemptive for program code, never inside the kernel (core/cpu.h). Fair by run time weighted by
 * nice, SCHED_FIFO/RR above it, per-CPU run queues with balancing; tickless: a timer runs only
 * while somebody waits for the CPU. From boot phase BUS on. */
#pragma once

#include "core/cpu.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "lib/types.h"

struct address_space;

enum thread_state { THREAD_RUNNABLE, THREAD_SLEEPING, THREAD_INTERRUPTIBLE, THREAD_DEAD };

/* Bits of thread->work: things to do before the thread runs program code again. Setting one with
 * thread_post_work() also ends an interruptible sleep. */
enum {
    WORK_SIGNAL = 1, /* look at pending signals (linux/) */
    WORK_EXIT = 2,   /* the process is ending: leave (linux/) */
    WORK_NOTIFY = 4, /* other linux/ business: rseq, tracing, setuid on all threads */
};

enum sched_policy { POLICY_FAIR, POLICY_FIFO, POLICY_RR, POLICY_BATCH, POLICY_IDLE = 5 };

struct thread {
    uintptr_t kstack_top; /* offset 0: entry.S */
    uintptr_t saved_rsp;  /* offset 8: context_switch() */
    atomic_uint work;     /* offset 16: entry.S tests it on the way out */
    unsigned pad;
    void *fpu;                   /* extended state, 64-byte aligned; NULL for kernel threads */
    uint64_t fs_base;            /* valid while the thread is off its CPU */
    struct address_space *space; /* NULL for kernel threads */

    _Atomic(enum thread_state) state;
    struct cpu *cpu; /* runs there, or last did */
    cpuset_t affinity;
    enum sched_policy policy;
    int nice;          /* -20 to 19 */
    int rt_priority;   /* 1 to 99 for FIFO and RR */
    uint64_t vruntime; /* scheduler's own from here */
    nsec_t runtime_ns, started_ns;
    struct rb_node run_node;
    struct list run_link;
    struct thread *wake_next; /* in a CPU's incoming queue */
    atomic_bool queued, on_cpu;
    uint64_t switches_voluntary, switches_forced;

    void *kstack;          /* lowest address, above its guard page */
    void (*entry)(void *); /* kernel threads */
    void *arg;
    void (*destroy)(struct thread *); /* frees the thread after its last switch; called from a
                                         kernel thread, may sleep */
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
/* Make a sleeping thread runnable; true if it slept. Any context, lock-free towards other CPUs. */
bool thread_wake(struct thread *thread);
/* Post work bits and end an interruptible sleep, or kick the thread out of program code. */
void thread_post_work(struct thread *thread, unsigned bits);
static inline bool thread_interrupted(const struct thread *thread)
{
    return atomic_load_explicit(&thread->work, memory_order_acquire) != 0;
}

void thread_yield(void);
/* Let others run if the time slice is over: for long loops in the kernel that hold no spinlock. */
void thread_resched_point(void);
/* Sleep until the deadline (monotonic). 0, or -EINTR if interruptible and interrupted. */
int thread_sleep_until(nsec_t deadline, bool interruptible);

/* -EINVAL for a set without a present CPU. Moves the thread if it must; the caller may be it. */
int thread_set_affinity(struct thread *thread, cpuset_t set);
int thread_set_policy(struct thread *thread, enum sched_policy policy, int rt_priority);
void thread_set_nice(struct thread *thread, int nice);
nsec_t thread_runtime(const struct thread *thread); /* including the current slice */

/* Scheduler set-up and entry of each CPU. sched_cpu_start() never returns: it is the idle loop. */
int sched_init(void);
__noreturn void sched_cpu_start(void);
/* From the interrupt return path with interrupts off, when the interrupted code was the program's.
 */
void sched_preempt(void);
/* How many threads are runnable or running, machine-wide (loadavg). */
unsigned sched_runnable(void);
