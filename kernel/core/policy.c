/* Changing how and where a thread is scheduled. What a run queue is ordered by is changed on the
 * CPU that owns the queue, while the thread is out of it. */
#include "arch/x86_64/irqflags.h"
#include "core/clock.h"
#include "core/sched.h"
#include "lib/errno.h"

struct change {
    struct thread *thread;
    void (*apply)(const struct change *change);
    cpuset_t affinity;
    enum sched_policy policy;
    int number; /* nice or rt_priority */
    const struct deadline_params *deadline;
    const struct thread *donor;
    bool done;
};

/* On the thread's CPU, interrupts off. */
static void apply_here(struct change *change, struct cpu *cpu)
{
    struct thread *thread = change->thread;
    struct runqueue *rq = cpu->rq;
    bool running = thread == cpu->running;
    bool waits = !running && atomic_load_explicit(&thread->on_rq, memory_order_relaxed);

    if (waits)
        rq_remove(rq, thread);
    change->apply(change);
    if (waits && thread_allowed(thread, cpu))
        rq_add(rq, thread, false);
    else if (waits)
        atomic_store_explicit(&thread->on_rq, false, memory_order_release);
    sched_settle(thread); /* sends it to where it is allowed now */
    if (running || waits) {
        rq->resched = true;
        sched_look(cpu);
    }
    change->done = true;
}

static __cold void try_here(void *arg)
{
    struct change *change = arg;
    struct thread *thread = change->thread;
    struct cpu *cpu = this_cpu();

    sched_drain(cpu->rq); /* it may be in there */
    if (thread->cpu != cpu || atomic_exchange(&thread->queued, true))
        return; /* it is on the move: again */
    if (thread->cpu == cpu)
        apply_here(change, cpu);
    else
        sched_place(thread, NULL);
}

/* A thread that has ended keeps `queued` for good: nothing is to be changed any more. */
static bool ended(const struct thread *thread)
{
    return atomic_load_explicit(&thread->state, memory_order_acquire) == THREAD_DEAD;
}

static __cold void change_thread(struct change *change)
{
    while (!change->done && !ended(change->thread)) {
        struct cpu *cpu = change->thread->cpu;

        if (cpu == this_cpu()) {
            uint64_t flags = irq_save();

            try_here(change);
            irq_restore(flags);
        } else {
            cpus_call(cpuset_of(cpu->id), try_here, change);
        }
    }
}

static void apply_affinity(const struct change *change)
{
    __atomic_store_n(&change->thread->affinity.bits, change->affinity.bits, __ATOMIC_RELAXED);
}

__cold int thread_set_affinity(struct thread *thread, cpuset_t set)
{
    struct change change = {.thread = thread, .apply = apply_affinity, .affinity = set};

    if (!(set.bits & atomic_load(&sched_online)))
        return -EINVAL;
    change_thread(&change);
    if (thread == current)
        thread_resched_point(); /* moves it, if it must */
    return 0;
}

/* What it runs as: its own policy, or what it has inherited, if that is more. */
static void take_effect(struct thread *thread)
{
    thread->policy = thread->own_policy;
    thread->rt_priority = thread->own_priority;
    if (thread->inherited > thread->own_priority) {
        thread->rt_priority = thread->inherited;
        if (thread->inherited == PRIORITY_DEADLINE)
            thread->policy = POLICY_DEADLINE;
        else if (thread->policy != POLICY_RR)
            thread->policy = POLICY_FIFO;
    }
    thread_weigh(thread);
}

static void apply_policy(const struct change *change)
{
    change->thread->own_policy = change->policy;
    change->thread->own_priority = change->number;
    take_effect(change->thread);
}

static __cold void apply_deadline(const struct change *change)
{
    struct thread *thread = change->thread;
    const struct deadline_params *params = change->deadline;
    struct deadline_state *dl = &thread->dl;

    dl->runtime = clock_ns_to_tsc(params->runtime);
    dl->deadline = clock_ns_to_tsc(params->deadline);
    dl->period = clock_ns_to_tsc(params->period);
    dl->reclaim = params->reclaim;
    dl->tell_overrun = params->tell_overrun;
    dl->until = sched_cycles() + dl->deadline;
    dl->left = (int64_t)dl->runtime;
    dl->sleeps = thread->switches_voluntary;
    apply_policy(change);
}

static __cold void apply_inheritance(const struct change *change)
{
    struct thread *thread = change->thread;

    thread->inherited = change->number;
    if (change->donor && change->number == PRIORITY_DEADLINE &&
        thread->own_policy != POLICY_DEADLINE)
        thread->dl.until = change->donor->dl.until;
    take_effect(thread);
}

__cold int thread_set_policy(struct thread *thread, enum sched_policy policy, int rt_priority)
{
    struct change change = {
        .thread = thread, .apply = apply_policy, .policy = policy, .number = rt_priority};
    bool rt = policy == POLICY_FIFO || policy == POLICY_RR;

    if (rt ? rt_priority < 1 || rt_priority >= RT_PRIORITIES : rt_priority != 0)
        return -EINVAL;
    if (!rt && policy != POLICY_FAIR && policy != POLICY_BATCH && policy != POLICY_IDLE)
        return -EINVAL;
    change_thread(&change);
    return 0;
}

__cold void thread_set_deadline(struct thread *thread, const struct deadline_params *params)
{
    struct change change = {.thread = thread,
                            .apply = apply_deadline,
                            .policy = POLICY_DEADLINE,
                            .number = PRIORITY_DEADLINE,
                            .deadline = params};

    change_thread(&change);
    if (thread == current)
        thread_resched_point(); /* its budget is watched from the next switch on */
}

void thread_inherit(struct thread *thread, int priority, const struct thread *donor)
{
    struct change change = {
        .thread = thread, .apply = apply_inheritance, .number = priority, .donor = donor};

    change_thread(&change);
}

static void apply_nice(const struct change *change)
{
    change->thread->nice = change->number;
    thread_weigh(change->thread);
}

__cold void thread_set_nice(struct thread *thread, int nice)
{
    struct change change = {
        .thread = thread, .apply = apply_nice, .number = MAX(-20, MIN(nice, 19))};

    change_thread(&change);
}
