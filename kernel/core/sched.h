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

enum { RT_PRIORITIES = PRIORITY_DEADLINE + 1 };
enum switch_fate { FATE_STAY, FATE_SLEEP, FATE_MOVE, FATE_DEAD };

enum { NICE_0_WEIGHT = 1024, RR_SLICE_NS = 100000000 /* as sched_rr_get_interval(2) says */ };

/* Time is counted in cycles of this CPU's TSC, which takes three instructions to read. */
struct sched_times {
    uint64_t slice;     /* before others get their turn */
    uint64_t slice_min; /* what is left at least when a competitor arrives */
    uint64_t rr_slice;
    uint64_t sleeper_bonus; /* a woken thread is put so far before the others at most */
    uint64_t wake_gran;     /* and preempts if it is so far before the running one */
    uint64_t balance;       /* between looks at the others' load */
    uint64_t starve;        /* fair threads wait so long for real-time ones, */
    uint64_t fair_turn;     /* and go first for so long then */
};
extern struct sched_times sched_times;

/* How long a thread waits beside the one that woke it before an idle CPU gets it: as long as it
 * takes an idle CPU to come, as seen of late (balance.c). Any CPU may change it. */
extern uint64_t sched_handover;
static inline uint64_t sched_handover_time(void)
{
    return __atomic_load_n(&sched_handover, __ATOMIC_RELAXED);
}

static inline uint64_t sched_cycles(void)
{
    uint32_t low, high;

    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

struct runqueue {
    struct cpu *cpu;
    struct thread *prev; /* the one switched away from, for sched_finish() */
    enum switch_fate fate;
    bool resched;    /* the running thread has to give way */
    bool slice_over; /* because it has used up its slice */

    /* Enqueued and not running: one fair thread alone is in `lone`, else the fair ones are in
     * the tree. Others read the first two. */
    unsigned waiting;
    uint64_t waiting_weight; /* of the fair ones */
    struct thread *lone;
    struct rb_tree fair;   /* by vruntime */
    struct rb_node *first; /* its leftmost */
    uint64_t rt_bitmap[2]; /* priorities with waiting threads */
    struct list rt[RT_PRIORITIES];

    uint64_t min_vruntime;          /* grows only; others read it when they move a thread here */
    uint64_t waiting_since;         /* the first that waits, or since the last switch */
    uint64_t seen_waiting;          /* waiting_since as the slice's timer saw it last */
    uint64_t balanced;              /* last look at the others' load */
    uint64_t slice_end, slice_look; /* what the slice's timer is armed for, if it is */
    struct timer slice;
    /* Fair threads that wait for real-time ones: min_vruntime, which does not grow, since when
     * that is, and when it was last looked at. */
    uint64_t starved_at, starved_since, starved_seen;
    uint64_t fair_turn;  /* until then they go first; 0: they do not */
    struct list spent;   /* of POLICY_DEADLINE: they wait for their next period */
    struct timer refill; /* its beginning, of the first of them */
    struct timer tick;   /* core/tick.h */

    alignas(64) _Atomic(struct thread *) incoming; /* newest first */
    atomic_bool asked;                             /* an idle CPU asks for work */
    uint64_t roused;                               /* when it was kicked while idle; or 0 */
};

extern _Atomic uint64_t sched_online, sched_idle; /* one bit a CPU */

static inline bool thread_is_rt(const struct thread *thread)
{
    return thread->rt_priority > 0;
}
/* Is its time counted? Not while it runs for somebody else. */
static inline bool thread_has_budget(const struct thread *thread)
{
    return thread->policy == POLICY_DEADLINE && thread->own_policy == POLICY_DEADLINE &&
           thread->inherited < PRIORITY_DEADLINE;
}
static inline bool thread_allowed(const struct thread *thread, const struct cpu *cpu)
{
    return __atomic_load_n(&thread->affinity.bits, __ATOMIC_RELAXED) >> cpu->id & 1;
}
/* After a change of policy or nice. */
void thread_weigh(struct thread *thread);

/* --- runqueue.c: pure bookkeeping of one queue, its owner only
 * -------------------------------------- */

/* rq_add() and rq_take() where there is more than one thread, or one of real time. */
void rq_init(struct runqueue *rq, struct cpu *cpu);
void rq_add_sorted(struct runqueue *rq, struct thread *thread, bool head);
struct thread *rq_take_sorted(struct runqueue *rq);

/* In front of its equals where `head`. */
static inline void rq_add(struct runqueue *rq, struct thread *thread, bool head)
{
    if (rq->waiting || thread_is_rt(thread)) {
        rq_add_sorted(rq, thread, head);
        return;
    }
    rq->lone = thread;
    rq->waiting = 1;
    rq->waiting_weight = thread->weight;
}

/* Take out the thread that should run; NULL: none waits. */
static inline struct thread *rq_take(struct runqueue *rq)
{
    struct thread *thread = rq->lone;

    if (!thread)
        return rq->waiting ? rq_take_sorted(rq) : NULL;
    rq->lone = NULL;
    rq->waiting = 0;
    rq->waiting_weight = 0;
    return thread;
}

/* Take out a thread that waits here. */
void rq_remove(struct runqueue *rq, struct thread *thread);
/* Account the running thread's time up to now. */
void rq_pay(struct runqueue *rq, struct thread *running, uint64_t ran);
static inline void rq_account(struct runqueue *rq, struct thread *running, uint64_t now)
{
    uint64_t ran = now - running->started;

    running->started = now;
    running->runtime += ran;
    rq_pay(rq, running, ran);
}
/* Does somebody fair wait? */
bool rq_fair_waits(const struct runqueue *rq);
/* Should `thread`, just enqueued, run at once instead of the running one? */
bool rq_preempts_by_policy(const struct thread *thread, const struct thread *running);
static inline bool rq_preempts(const struct thread *thread, const struct thread *running)
{
    if (unlikely((thread->policy | running->policy) != POLICY_FAIR))
        return rq_preempts_by_policy(thread, running);
    return (int64_t)(running->vruntime - thread->vruntime) > (int64_t)sched_times.wake_gran;
}
/* The running thread lets its equals go first. */
void rq_yield(struct runqueue *rq, struct thread *running);
/* A waiting thread that `cpu` may run, of at most max_weight (fair ones); NULL: none. */
struct thread *rq_movable(struct runqueue *rq, const struct cpu *cpu, uint64_t max_weight);

/* What other CPUs may ask, without a lock: how many threads wait or run, their weight, the priority
 * of the running thread (0: not real-time). The answer may be old when it comes. */
unsigned rq_threads(const struct runqueue *rq);
uint64_t rq_weight(const struct runqueue *rq);
int rq_priority(const struct runqueue *rq);

/* --- sched.c -------------------------------------------------------------------------------------
 */

/* Interrupts off in all of these. The caller holds thread->queued; it is given up. place: choose
 * the CPU and hand it over (waker: the current thread, where it wakes it; or NULL); settle: enqueue
 * it here, on thread->cpu. */
void sched_place(struct thread *thread, struct thread *waker);
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

/* --- deadline.c: POLICY_DEADLINE, its owner only
 * ---------------------------------------------------- */

/* Before the queue is used. */
void deadline_init(struct runqueue *rq);
/* About to wait for the CPU: false if it has to wait for its next period first (it is in rq->spent
 * then). */
bool deadline_enqueue(struct runqueue *rq, struct thread *thread);
void deadline_leave(struct runqueue *rq, struct thread *thread); /* out of rq->spent */
void deadline_pay(struct thread *thread, uint64_t ran);

/* --- balance.c
 * ------------------------------------------------------------------------------------ */

/* Where a thread that is off its CPU should be enqueued. waker: as sched_place(). */
struct cpu *balance_choose(struct thread *thread, struct thread *waker);
/* The running thread goes to sleep. */
void balance_slept(struct thread *thread, uint64_t now);
/* This CPU was idle and comes because it was kicked at rq->roused. */
void balance_roused(struct runqueue *rq);
/* Once, when the clock is there. */
void balance_init(void);
/* Take a waiting thread out of rq and send it to cpu. */
bool balance_move(struct runqueue *rq, struct thread *thread, struct cpu *cpu);
/* From the slice's timer, with others waiting: send some to CPUs with less to do. */
void balance_tick(struct runqueue *rq, uint64_t now);
/* This CPU has nothing to do: ask one that has too much. */
void balance_ask(struct runqueue *rq);

/* --- thread.c
 * ------------------------------------------------------------------------------------- */

void thread_reap(struct thread *thread); /* after its last switch; any context */
