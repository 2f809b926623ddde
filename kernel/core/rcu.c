/* Each grace period has a number. A CPU reports the newest number that it has seen at a moment when
 * it is in no reader; the period is over when every CPU has reported it or is idle.
 *
 * Why that is enough: what readers must not find any more was unlinked before the number was
 * increased, which is a full barrier. A reader that starts after its CPU has seen the number
 * therefore does not find it, and all earlier readers of that CPU had ended when it reported. */
#include "core/rcu.h"

#include "core/clock.h"
#include "core/cpu.h"
#include "core/sched.h"
#include "lib/errno.h"

enum {
    BATCH_NS = 2000000,    /* callbacks are collected for so long */
    FIRST_POLL_NS = 50000, /* then twice as long each time */
    LAST_POLL_NS = 2000000,
};

_Atomic uint64_t rcu_period;
static _Atomic(struct rcu_head *) pending; /* newest first */
static struct thread *_Atomic thread;

bool rcu_wanted(const struct cpu *cpu)
{
    return cpu->rcu_quiescent != atomic_load_explicit(&rcu_period, memory_order_relaxed);
}

/* Idle outside of interrupt handlers is as good as a report. The look comes at least FIRST_POLL_NS
 * after the number was increased: a handler that began before that has long made its irq_depth
 * visible, and one that began after it finds nothing. */
static bool passed(const struct cpu *cpu, uint64_t number)
{
    if ((int64_t)(__atomic_load_n(&cpu->rcu_quiescent, __ATOMIC_ACQUIRE) - number) >= 0)
        return true;
    return atomic_load(&cpu->idle) && !__atomic_load_n(&cpu->irq_depth, __ATOMIC_ACQUIRE);
}

static uint64_t drop_passed(uint64_t set, uint64_t number)
{
    for (uint64_t left = set; left; left &= left - 1) {
        unsigned id = __builtin_ctzll(left);

        if (passed(cpus[id], number))
            set &= ~cpuset_of(id).bits;
    }
    return set;
}

void rcu_synchronize(void)
{
    /* This CPU runs us and so no reader. */
    uint64_t waiting = atomic_load(&sched_online) & ~cpuset_of(this_cpu()->id).bits;
    uint64_t number;
    nsec_t poll = FIRST_POLL_NS;
    bool kicked = false;

    if (!waiting)
        return;
    number = atomic_fetch_add(&rcu_period, 1) + 1;
    for (;;) {
        thread_sleep_until(clock_monotonic() + poll, false);
        waiting = drop_passed(waiting, number);
        if (!waiting)
            return;
        /* Those that stay in program code are asked to come in. */
        for (uint64_t left = kicked ? 0 : waiting; left; left &= left - 1)
            if (cpus[__builtin_ctzll(left)] != this_cpu())
                cpu_kick(cpus[__builtin_ctzll(left)]);
        if (kicked)
            poll = MIN(2 * poll, (nsec_t)LAST_POLL_NS);
        kicked = true;
    }
}

void rcu_call(struct rcu_head *head, void (*fn)(struct rcu_head *))
{
    struct rcu_head *newest = atomic_load_explicit(&pending, memory_order_relaxed);
    struct thread *caller;

    head->fn = fn;
    do
        head->next = newest;
    while (!atomic_compare_exchange_weak(&pending, &newest, head));
    caller = atomic_load_explicit(&thread, memory_order_acquire);
    if (!newest && caller)
        thread_wake(caller);
}

struct barrier {
    struct rcu_head rcu;
    atomic_bool reached;
};

static void reach(struct rcu_head *head)
{
    struct barrier *barrier = container_of(head, struct barrier, rcu);
    atomic_store_explicit(&barrier->reached, true, memory_order_release);
}

__cold void rcu_barrier(void)
{
    struct barrier barrier = {.reached = false};

    rcu_call(&barrier.rcu, reach);
    while (!atomic_load_explicit(&barrier.reached, memory_order_acquire))
        thread_sleep_until(clock_monotonic() + BATCH_NS, false);
}

static void wait_for_callbacks(void)
{
    for (;;) {
        thread_set_state(THREAD_SLEEPING);
        if (atomic_load(&pending))
            break;
        schedule();
    }
    thread_set_state(THREAD_RUNNABLE);
}

/* Oldest first. */
static struct rcu_head *take_callbacks(void)
{
    struct rcu_head *newest = atomic_exchange(&pending, NULL), *oldest = NULL;

    while (newest) {
        struct rcu_head *next = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

static void call_back(void *arg)
{
    for (;;) {
        struct rcu_head *head;

        wait_for_callbacks();
        thread_sleep_until(clock_monotonic() + BATCH_NS, false);
        head = take_callbacks();
        rcu_synchronize();
        while (head) {
            struct rcu_head *next = head->next;

            head->fn(head);
            head = next;
        }
    }
}

int rcu_init(void)
{
    struct thread *started = kthread_start("rcu", call_back, NULL);

    if (!started)
        return -ENOMEM;
    atomic_store_explicit(&thread, started, memory_order_release);
    return 0;
}
