/* core/sched.h: what the files of the scheduler share (sched.c, runqueue.c, balance.c, thread.c).
 *
 * Every run queue belongs to one CPU. Only that CPU touches it, with interrupts off, so it has no
 * lock. Another CPU that wants a thread to run there pushes it on the lock-free stack `incoming`
 * and kicks; the owner settles it (sched_settle).
 *
 * Who may do what with a thread:
 * - state: the thread itself puts it to sleep; whoever changes SLEEPING or INTERRUPTIBLE to
 *   RUNNABLE (one compare-and-swap) has to see to it that it is enqueued.
 * - queued: held by whoever is enqueueing the thread, from a successful exchange(true) to the
 *   settling on thread->cpu. It covers wake_next and changes of thread->cpu. A waker that finds it
 *   taken may leave: the holder looks at the state again after giving it up.
 * - on_rq: set by thread->cpu when it enqueues the thread while holding `queued`; cleared by that
 *   CPU once it has switched away from the thread and its stack and registers are saved. While it
 *   is set, the thread does not move; while it is clear, the holder of `queued` may change
 *   thread->cpu.
 * So a wake-up may come at any time: for a thread that is still on its way to sleep it only changes
 * the state, which schedule() notices; for one that has just been switched away from it waits in
 * `incoming` until the owner, which does both, gets to it.
 *
 * A dead thread is handed to RCU by whoever gets `queued` after its last switch, and keeps it. */
#pragma once

#include "core/thread.h"
#include "core/timer.h"

enum { RT_PRIORITIES = 100 };
enum switch_fate { FATE_STAY, FATE_SLEEP, FATE_MOVE, FATE_DEAD };

enum {
    SLICE_NS = 3000000,         /* before others get their turn */
    SLICE_MIN_NS = 1000000,     /* what is left at least when a competitor arrives */
    RR_SLICE_NS = 100000000,    /* as Linux's sched_rr_get_interval() */
    SLEEPER_BONUS_NS = 3000000, /* a woken thread is put so far before the others at most */
    WAKE_GRAN_NS = 1000000,     /* and preempts if it is so far before the running one */
    HANDOVER_NS = 50000,        /* balance.c: a thread woken by one that will soon sleep waits */
    NICE_0_WEIGHT = 1024,
};

struct runqueue {
    struct cpu *cpu;
    struct thread *prev; /* the one switched away from, for sched_finish() */
    enum switch_fate fate;
    bool resched;    /* the running thread has to give way */
    bool slice_over; /* because it has used up its slice */

    struct rb_tree fair;   /* by vruntime; without the running thread */
    struct rb_node *first; /* its leftmost */
    uint64_t min_vruntime; /* grows only; others read it when they move a thread here */
    uint64_t rt_bitmap[2]; /* priorities with waiting threads */
    struct list rt[RT_PRIORITIES];
    nsec_t slice_end;
    struct timer slice;

    unsigned waiting;        /* enqueued, not running */
    nsec_t waiting_since;    /* the first of them, or since the last switch */
    nsec_t seen_waiting;     /* waiting_since as the slice's timer saw it last */
    uint64_t waiting_weight; /* of those that are fair */
    atomic_ulong load;       /* the same and the running one's; others read it */
    atomic_uint nr;          /* waiting and running; others read it */
    atomic_int rt_running;   /* priority of the running thread, 0: not real-time */
    nsec_t balanced;         /* last look at the others' load */

    alignas(64) _Atomic(struct thread *) incoming; /* newest first */
    _Atomic uint64_t pull_requests;                /* CPUs that ask for work */
};

extern _Atomic uint64_t sched_online, sched_idle; /* one bit a CPU */

static inline bool thread_is_rt(const struct thread *thread)
{
    return thread->policy == POLICY_FIFO || thread->policy == POLICY_RR;
}
static inline bool thread_allowed(const struct thread *thread, const struct cpu *cpu)
{
    return __atomic_load_n(&thread->affinity.bits, __ATOMIC_RELAXED) >> cpu->id & 1;
}

/* --- runqueue.c: pure bookkeeping of one queue, its owner only
 * -------------------------------------- */

void rq_init(struct runqueue *rq, struct cpu *cpu);
uint64_t thread_weight(const struct thread *thread);
/* In front of its equals where `head`. */
void rq_add(struct runqueue *rq, struct thread *thread, bool head);
void rq_remove(struct runqueue *rq, struct thread *thread);
/* Take out the thread that should run; NULL: none waits. */
struct thread *rq_take(struct runqueue *rq);
/* Account the running thread's time up to now. */
void rq_account(struct runqueue *rq, struct thread *running, nsec_t now);
/* The running thread lets its equals go first. */
void rq_yield(struct runqueue *rq, struct thread *running);
/* Should `thread`, just enqueued, run at once instead of the running one? */
bool rq_preempts(const struct thread *thread, const struct thread *running);
/* A waiting thread that `cpu` may run, of at most max_weight (fair ones); NULL: none. */
struct thread *rq_movable(struct runqueue *rq, const struct cpu *cpu, uint64_t max_weight);

/* --- sched.c -------------------------------------------------------------------------------------
 */

/* Interrupts off in all of these. The caller holds thread->queued; it is given up. place: choose
 * the CPU and hand it over; settle: enqueue it here, on thread->cpu. */
void sched_place(struct thread *thread);
void sched_settle(struct thread *thread);
void sched_push(struct cpu *cpu, struct thread *thread);
/* Name another CPU for a thread that is off its own; the caller hands it over. */
void sched_retarget(struct thread *thread, struct cpu *cpu);
/* Settle all that has come in. */
void sched_drain(struct runqueue *rq);
/* Make the running thread pass through sched_preempt(). */
void sched_look(struct cpu *cpu);
/* The first thing that a thread does after a switch to it, interrupts off. */
void sched_finish(void);

/* --- balance.c
 * ------------------------------------------------------------------------------------ */

/* Where a thread that is off its CPU should be enqueued. */
struct cpu *balance_choose(struct thread *thread);
/* The running thread goes to sleep. */
void balance_slept(struct thread *thread, nsec_t now);
/* Take a waiting thread out of rq and send it to cpu. */
bool balance_move(struct runqueue *rq, struct thread *thread, struct cpu *cpu);
/* Serve idle CPUs that asked. */
void balance_serve(struct runqueue *rq);
/* From the slice's timer, with others waiting: send some to CPUs with less to do. */
void balance_tick(struct runqueue *rq, nsec_t now);
/* This CPU has nothing to do: ask one that has too much. */
void balance_ask(struct runqueue *rq);

/* --- thread.c
 * ------------------------------------------------------------------------------------- */

void thread_reap(struct thread *thread); /* after its last switch; any context */
