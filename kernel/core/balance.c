/* Where threads run. A woken thread goes to an idle CPU if its own is busy; a CPU that falls idle
 * asks a loaded one for work, which that one sends if it is still loaded a moment later (nobody
 * touches another's queue); and a CPU that shares its time between threads looks now and then for
 * one with less to do.
 *
 * Threads that hand work to and fro (wake one other, then sleep) are faster on one CPU than on two:
 * waking an idle CPU, worst in a virtual machine, costs more than a switch. So a thread that has
 * done so twice gets the next one that it wakes beside it; on a busy host, where a halted processor
 * is a thread that has to wait for its turn and comes after milliseconds, any thread does. If it
 * does not sleep after all, the slice's timer sends the woken thread to an idle CPU, after about as
 * long as that one took to come of late (0.05 ms at least): so it never waits much longer than if
 * it had gone there at once. */
#include "core/clock.h"
#include "core/memory.h"
#include "core/panic.h"
#include "core/sched.h"

static uint64_t allowed_cpus(const struct thread *thread)
{
    return __atomic_load_n(&thread->affinity.bits, __ATOMIC_RELAXED) &
           atomic_load_explicit(&sched_online, memory_order_relaxed);
}

/* Take an idle CPU for oneself, so that the next waker takes another. */
static bool claim(unsigned id)
{
    uint64_t bit = cpuset_of(id).bits;

    return atomic_fetch_and(&sched_idle, ~bit) & bit;
}

static struct cpu *claim_idle(uint64_t allowed, const struct cpu *home)
{
    uint64_t idle = atomic_load_explicit(&sched_idle, memory_order_relaxed) & allowed;

    if (idle >> home->id & 1 && claim(home->id))
        return cpus[home->id];
    while ((idle &= ~cpuset_of(home->id).bits)) {
        uint64_t above = idle & -(2ull << home->id); /* spread: the next one first */
        unsigned id = __builtin_ctzll(above ? above : idle);

        if (claim(id))
            return cpus[id];
        idle &= ~cpuset_of(id).bits;
    }
    return NULL;
}

/* The CPU of the set with the fewest threads; home if none has fewer. */
static struct cpu *least_loaded(uint64_t allowed, struct cpu *home)
{
    struct cpu *best = NULL;
    unsigned least = ~0u;

    if (allowed >> home->id & 1) {
        best = home;
        least = rq_threads(home->rq);
    }
    for (; allowed; allowed &= allowed - 1) {
        struct cpu *cpu = cpus[__builtin_ctzll(allowed)];
        unsigned nr = rq_threads(cpu->rq);

        if (nr < least) {
            least = nr;
            best = cpu;
        }
    }
    return best ? best : home;
}

/* For a real-time thread: a CPU whose running thread it may preempt. */
static struct cpu *preemptible(const struct thread *thread, uint64_t allowed, struct cpu *home)
{
    if (rq_priority(home->rq) < thread->rt_priority)
        return home;
    for (uint64_t left = allowed; left; left &= left - 1) {
        struct cpu *cpu = cpus[__builtin_ctzll(left)];

        if (rq_priority(cpu->rq) < thread->rt_priority)
            return cpu;
    }
    return home;
}

uint64_t sched_handover;

enum { HANDOVER_LEAST_NS = 50000, HANDOVER_MOST_NS = 4000000 };
static uint64_t handover_least __after_boot_readonly, handover_most __after_boot_readonly;

void balance_init(void)
{
    handover_least = sched_handover = clock_ns_to_tsc(HANDOVER_LEAST_NS);
    handover_most = clock_ns_to_tsc(HANDOVER_MOST_NS);
}

/* A mean that grows fast and falls slowly. */
void balance_roused(struct runqueue *rq)
{
    uint64_t took = sched_cycles() - rq->roused, mean = sched_handover_time();

    __atomic_store_n(&rq->roused, 0, __ATOMIC_RELAXED);
    if ((int64_t)took < 0) /* the TSCs differ */
        return;
    took = MIN(took, handover_most);
    if (took > mean)
        mean += (took - mean) >> 1;
    else
        mean -= (mean - took) >> 4;
    __atomic_store_n(&sched_handover, MAX(mean, handover_least), __ATOMIC_RELAXED);
}

enum { HANDOVERS_ENOUGH = 2, HANDOVERS_MOST = 8 };

/* Idle CPUs come so late that it is better to wait a while. */
static bool slow_to_rouse(void)
{
    return sched_handover_time() > 4 * handover_least;
}

/* The current thread wakes another. Will it sleep next? */
static bool hands_over(struct thread *waker, const struct thread *woken, const struct cpu *cpu)
{
    if (!waker || cpu->irq_depth || waker == cpu->idle_thread)
        return false;
    /* Not the only one that it wakes? The same one again has answered before the waker slept, as
     * it does where it preempts it, or where the host stopped the waker's processor. */
    if (waker->woke_at && waker->woken != woken)
        waker->handovers -= MIN(waker->handovers, 2u);
    waker->woken = woken;
    waker->woke_at = sched_cycles() | 1;
    return !cpu->rq->waiting && (waker->handovers >= HANDOVERS_ENOUGH || slow_to_rouse());
}

void balance_slept(struct thread *thread, uint64_t now)
{
    if (now - thread->woke_at <= sched_handover_time())
        thread->handovers += thread->handovers < HANDOVERS_MOST;
    else if (thread->handovers)
        thread->handovers--;
    thread->woke_at = 0;
}

struct cpu *balance_choose(struct thread *thread, struct thread *waker)
{
    struct cpu *home = thread->cpu, *idle;
    uint64_t allowed = allowed_cpus(thread);
    bool fresh = thread->fresh;

    thread->fresh = false;
    if (!(allowed & (allowed - 1))) /* the common case on one CPU, and for pinned threads */
        return allowed ? cpus[__builtin_ctzll(allowed)] : home;
    if (hands_over(waker, thread, this_cpu()) && allowed >> this_cpu()->id & 1)
        return this_cpu();
    idle = claim_idle(allowed, home);
    if (idle)
        return idle;
    if (fresh || !(allowed >> home->id & 1))
        home = least_loaded(allowed, home);
    return thread_is_rt(thread) ? preemptible(thread, allowed, home) : home;
}

bool balance_move(struct runqueue *rq, struct thread *thread, struct cpu *cpu)
{
    if (atomic_exchange(&thread->queued, true))
        return false; /* somebody is just waking it: it may move another time */
    rq_remove(rq, thread);
    sched_retarget(thread, cpu);
    atomic_store_explicit(&thread->on_rq, false, memory_order_release);
    sched_push(cpu, thread);
    return true;
}

/* Send a waiting thread of at most max_weight to cpu. */
static bool give(struct runqueue *rq, struct cpu *cpu, uint64_t max_weight)
{
    struct thread *thread = rq_movable(rq, cpu, max_weight);

    return thread && balance_move(rq, thread, cpu);
}

static struct cpu *least_weight(uint64_t set, uint64_t *least)
{
    struct cpu *best = NULL;

    for (; set; set &= set - 1) {
        struct cpu *cpu = cpus[__builtin_ctzll(set)];
        uint64_t load = rq_weight(cpu->rq);

        if (!best || load < *least) {
            best = cpu;
            *least = load;
        }
    }
    return best;
}

/* The running thread does not give way soon. That time has passed is not enough: perhaps it passed
 * while the hypervisor ran something else. */
static bool waits_in_vain(struct runqueue *rq, uint64_t now)
{
    bool seen = rq->seen_waiting == rq->waiting_since;

    rq->seen_waiting = rq->waiting_since;
    return seen && now - rq->waiting_since >= sched_handover_time();
}

void balance_tick(struct runqueue *rq, uint64_t now)
{
    uint64_t self = cpuset_of(rq->cpu->id).bits;
    uint64_t others = atomic_load_explicit(&sched_online, memory_order_relaxed) & ~self;
    uint64_t idle = atomic_load_explicit(&sched_idle, memory_order_relaxed) & others;
    uint64_t mine, least = 0;
    struct cpu *cpu;

    if (waits_in_vain(rq, now))
        for (; idle && rq->waiting; idle &= idle - 1)
            give(rq, cpus[__builtin_ctzll(idle)], UINT64_MAX);
    if (!rq->waiting || !others || now - rq->balanced < sched_times.balance)
        return;
    rq->balanced = now;
    mine = rq_weight(rq);
    cpu = least_weight(others, &least);
    if (mine > least + 1) /* the move must leave the other with less than we have now */
        give(rq, cpu, mine - least - 1);
}

void balance_ask(struct runqueue *rq)
{
    unsigned id = rq->cpu->id;
    uint64_t self = cpuset_of(id).bits;
    uint64_t busy = atomic_load_explicit(&sched_online, memory_order_relaxed) &
                    ~atomic_load_explicit(&sched_idle, memory_order_relaxed) & ~self;

    while (busy) {
        uint64_t above = busy & -(2ull << id);
        struct cpu *cpu = cpus[__builtin_ctzll(above ? above : busy)];

        busy &= ~cpuset_of(cpu->id).bits;
        if (rq_threads(cpu->rq) < 2)
            continue;
        if (!atomic_exchange(&cpu->rq->asked, true))
            cpu_kick(cpu);
        return;
    }
}
