/* Changing how and where a thread is scheduled. What a run queue is ordered by is changed on the
 * CPU that owns the queue, while the thread is out of it. */
#include "arch/x86_64/irqflags.h"
#include "core/sched.h"
#include "lib/errno.h"

struct change {
    struct thread *thread;
    void (*apply)(const struct change *change);
    cpuset_t affinity;
    enum sched_policy policy;
    int number; /* nice or rt_priority */
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

static void try_here(void *arg)
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

static void change_thread(struct change *change)
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

int thread_set_affinity(struct thread *thread, cpuset_t set)
{
    struct change change = {.thread = thread, .apply = apply_affinity, .affinity = set};

    if (!(set.bits & atomic_load(&sched_online)))
        return -EINVAL;
    change_thread(&change);
    if (thread == current)
        thread_resched_point(); /* moves it, if it must */
    return 0;
}

static void apply_policy(const struct change *change)
{
    change->thread->policy = change->policy;
    change->thread->rt_priority = change->number;
    thread_weigh(change->thread);
}

int thread_set_policy(struct thread *thread, enum sched_policy policy, int rt_priority)
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

static void apply_nice(const struct change *change)
{
    change->thread->nice = change->number;
    thread_weigh(change->thread);
}

void thread_set_nice(struct thread *thread, int nice)
{
    struct change change = {
        .thread = thread, .apply = apply_nice, .number = MAX(-20, MIN(nice, 19))};

    change_thread(&change);
}
