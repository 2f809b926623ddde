#include "core/sched.h"

#include "arch/x86_64/irq.h"
#include "arch/x86_64/irqflags.h"
#include "arch/x86_64/switch.h"
#include "core/boot.h"
#include "core/clock.h"
#include "core/memory.h"
#include "core/panic.h"
#include "core/rcu.h"
#include "core/tick.h"
#include "core/trace.h"
#include "lib/errno.h"
#include "lib/string.h"

_Atomic uint64_t sched_online, sched_idle;
struct sched_times sched_times __after_boot_readonly;

void (*space_switch_hook)(struct cpu *cpu, struct address_space *space);
void (*idle_exit_hook)(struct cpu *cpu);

void sched_look(struct cpu *cpu)
{
    cpu->need_resched = true;
    atomic_fetch_or_explicit(&cpu->running->work, WORK_RESCHED, memory_order_relaxed);
}

/* --- time slices --- */

/* When fair threads will have waited for real-time ones for long enough; UINT64_MAX: none waits. It
 * is looked at meanwhile, so one that was long not looked at is another wait. */
static uint64_t starved(struct runqueue *rq, const struct thread *running, uint64_t now)
{
    if ((running->policy != POLICY_FIFO && running->policy != POLICY_RR) || !rq_fair_waits(rq))
        return UINT64_MAX;
    if (rq->starved_at != rq->min_vruntime || now - rq->starved_seen > 2 * sched_times.starve) {
        rq->starved_at = rq->min_vruntime;
        rq->starved_since = now;
    }
    rq->starved_seen = now;
    return rq->starved_since + sched_times.starve;
}

/* When somebody has to look at the threads that wait: at the end of the slice, and earlier if they
 * could run on an idle CPU. */
static uint64_t next_look(struct runqueue *rq, const struct thread *running, uint64_t now)
{
    uint64_t look = running->policy == POLICY_FIFO ? UINT64_MAX : rq->slice_end;

    if (unlikely(thread_is_rt(running)))
        look = MIN(look, starved(rq, running, now));
    if (unlikely(atomic_load_explicit(&sched_idle, memory_order_relaxed)))
        look = MIN(look, rq->waiting_since + sched_handover_time());
    return look;
}

static void look_at(struct runqueue *rq, uint64_t look, uint64_t now)
{
    rq->slice_look = look;
    timer_start(&rq->slice, clock_monotonic() + clock_tsc_to_ns(look - now));
}

static void slice_arm(struct runqueue *rq, const struct thread *running, uint64_t now)
{
    uint64_t look;

    if (running->policy != POLICY_DEADLINE)
        rq->slice_end = MAX(rq->slice_end, now + sched_times.slice_min);
    look = next_look(rq, running, now);
    if (look != UINT64_MAX && (!timer_armed(&rq->slice) || look < rq->slice_look))
        look_at(rq, MAX(look, now), now);
}

/* Somebody waits: let the slice end. An armed timer that is early is left alone: it looks and arms
 * itself again. So threads that wake each other do not touch the hardware. */
static inline void slice_watch(struct runqueue *rq, const struct thread *running, uint64_t now)
{
    if (unlikely(!timer_armed(&rq->slice) || rq->slice_look > rq->slice_end ||
                 atomic_load_explicit(&sched_idle, memory_order_relaxed)))
        slice_arm(rq, running, now);
}

/* Of a policy other than the two most used; one with a budget is watched even if nobody waits. */
static __attribute__((noinline)) void slice_begin_other(struct runqueue *rq,
                                                        const struct thread *next, uint64_t now)
{
    if (next->policy == POLICY_RR)
        rq->slice_end = now + sched_times.rr_slice;
    if (!thread_has_budget(next))
        return;
    rq->slice_end = now + (uint64_t)MAX(next->dl.left, 0l);
    look_at(rq, rq->slice_end, now);
}

static void slice_begin(struct runqueue *rq, const struct thread *next, uint64_t now)
{
    rq->slice_over = rq->resched = false;
    rq->slice_end = now + sched_times.slice;
    if (unlikely(next->policy > POLICY_FIFO))
        slice_begin_other(rq, next, now);
    if (rq->waiting && next != rq->cpu->idle_thread)
        slice_watch(rq, next, now);
}

/* The running thread's budget: used up, or look again. */
static void budget_fire(struct runqueue *rq, struct thread *running, uint64_t now)
{
    rq_account(rq, running, now);
    rq->slice_end = now + (uint64_t)MAX(running->dl.left, 0l);
    if (running->dl.left > 0) {
        look_at(rq, rq->slice_end, now);
        return;
    }
    if (running->dl.tell_overrun && thread_overrun_hook)
        thread_overrun_hook(running);
    rq->resched = rq->slice_over = true;
    sched_look(rq->cpu);
}

static void slice_fire(struct timer *timer)
{
    struct runqueue *rq = container_of(timer, struct runqueue, slice);
    struct thread *running = rq->cpu->running;
    uint64_t now = sched_cycles();

    if (unlikely(thread_has_budget(running))) {
        budget_fire(rq, running, now);
        return;
    }
    if (!rq->waiting || running == rq->cpu->idle_thread)
        return;
    balance_tick(rq, now);
    if (!rq->waiting)
        return;
    if (unlikely(starved(rq, running, now) <= now)) {
        rq->fair_turn = now + sched_times.fair_turn;
        rq->resched = true;
        sched_look(rq->cpu);
        return;
    }
    if (now < rq->slice_end || running->policy == POLICY_FIFO) {
        uint64_t look = next_look(rq, running, now);

        if (look != UINT64_MAX)
            look_at(rq, MAX(look, now + sched_handover_time()), now);
        return;
    }
    rq->resched = rq->slice_over = true;
    sched_look(rq->cpu);
}

/* --- enqueueing --- */

/* A thread that slept long does not make up for all of it at once. */
static void place_in_time(const struct runqueue *rq, struct thread *thread)
{
    uint64_t least = rq->min_vruntime - sched_times.sleeper_bonus;

    if ((int64_t)(thread->vruntime - least) < 0)
        thread->vruntime = least;
}

/* The running thread's time is brought up to date only if it has run for long: then what it has
 * not paid for would count as the sleeper's. */
static inline __attribute__((always_inline)) void enqueue(struct runqueue *rq,
                                                          struct thread *thread)
{
    struct thread *running = rq->cpu->running;
    bool idle = running == rq->cpu->idle_thread;
    uint64_t now = sched_cycles();

    if (!rq->waiting)
        rq->waiting_since = now;
    atomic_store_explicit(&thread->on_rq, true, memory_order_relaxed);
    if (!idle && now - running->started > sched_times.wake_gran / 2)
        rq_account(rq, running, now);
    place_in_time(rq, thread);
    rq_add(rq, thread, false);
    if (idle)
        return;
    if (unlikely(rq_preempts(thread, running))) {
        rq->resched = true;
        sched_look(rq->cpu);
    } else {
        slice_watch(rq, running, now);
    }
}

static bool asleep(const struct thread *thread)
{
    enum thread_state state = atomic_load_explicit(&thread->state, memory_order_acquire);

    return state == THREAD_SLEEPING || state == THREAD_INTERRUPTIBLE;
}

/* Another CPU for a thread that is off its own; its virtual time is relative to the queue. */
void sched_retarget(struct thread *thread, struct cpu *cpu)
{
    struct cpu *old = thread->cpu;

    thread->vruntime += __atomic_load_n(&cpu->rq->min_vruntime, __ATOMIC_RELAXED) -
                        __atomic_load_n(&old->rq->min_vruntime, __ATOMIC_RELAXED);
    if (thread->notify_moved)
        atomic_fetch_or_explicit(&thread->work, WORK_MOVED, memory_order_relaxed);
    atomic_store_explicit(&thread->cpu, cpu, memory_order_release);
}

void sched_push(struct cpu *cpu, struct thread *thread)
{
    struct runqueue *rq = cpu->rq;
    struct thread *newest = atomic_load_explicit(&rq->incoming, memory_order_relaxed);

    do
        thread->wake_next = newest;
    while (!atomic_compare_exchange_weak(&rq->incoming, &newest, thread));
    if (newest) /* whoever pushed first has kicked */
        return;
    if (atomic_load_explicit(&cpu->idle, memory_order_relaxed))
        __atomic_store_n(&rq->roused, sched_cycles(), __ATOMIC_RELAXED);
    cpu_kick(cpu);
    if (current->woke_at) /* what that cost does not count as its own */
        current->woke_at = sched_cycles() | 1;
}

void sched_place(struct thread *thread, struct thread *waker)
{
    struct cpu *cpu = thread->cpu;

    if (likely(!atomic_load_explicit(&thread->on_rq, memory_order_acquire) &&
               atomic_load_explicit(&thread->state, memory_order_relaxed) == THREAD_RUNNABLE)) {
        if (ncpus > 1) {
            struct cpu *better = balance_choose(thread, waker);

            if (better != cpu) {
                sched_retarget(thread, better);
                cpu = better;
            }
        }
        if (likely(cpu == this_cpu())) {
            enqueue(cpu->rq, thread);
            atomic_store_explicit(&thread->queued, false, memory_order_release);
            return;
        }
    }
    if (cpu == this_cpu())
        sched_settle(thread);
    else
        sched_push(cpu, thread);
}

/* Off its CPU and not asleep; `queued` is given up or handed on. */
static void settle_off_cpu(struct thread *thread)
{
    struct cpu *cpu = this_cpu();

    if (atomic_load_explicit(&thread->state, memory_order_acquire) == THREAD_DEAD) {
        thread_reap(thread);
        return;
    }
    if (!thread_allowed(thread, cpu)) {
        struct cpu *other = balance_choose(thread, NULL);

        if (other != cpu) {
            sched_retarget(thread, other);
            sched_push(other, thread);
            return;
        }
    }
    enqueue(cpu->rq, thread);
    atomic_store_explicit(&thread->queued, false, memory_order_release);
}

void sched_settle(struct thread *thread)
{
    for (;;) {
        if (!atomic_load_explicit(&thread->on_rq, memory_order_acquire) && !asleep(thread)) {
            settle_off_cpu(thread);
            return;
        }
        /* A waker that found `queued` taken relies on this second look. */
        atomic_exchange(&thread->queued, false);
        if (atomic_load_explicit(&thread->on_rq, memory_order_acquire) || asleep(thread) ||
            atomic_exchange(&thread->queued, true))
            return;
        if (thread->cpu != this_cpu()) {
            sched_push(thread->cpu, thread);
            return;
        }
    }
}

void sched_drain(struct runqueue *rq)
{
    struct thread *newest, *oldest = NULL;

    if (likely(!atomic_load_explicit(&rq->incoming, memory_order_relaxed)))
        return;
    newest = atomic_exchange(&rq->incoming, NULL);
    while (newest) {
        struct thread *next = newest->wake_next;

        newest->wake_next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct thread *next = oldest->wake_next;

        sched_settle(oldest);
        oldest = next;
    }
}

/* --- waking --- */

static void deliver(struct thread *thread)
{
    uint64_t flags = irq_save();

    if (!atomic_exchange(&thread->queued, true))
        sched_place(thread, current);
    irq_restore(flags);
}

bool thread_wake(struct thread *thread)
{
    enum thread_state state = THREAD_INTERRUPTIBLE;

    /* The first attempt is also the barrier between the caller's condition and the state. */
    while (!atomic_compare_exchange_strong(&thread->state, &state, THREAD_RUNNABLE))
        if (state != THREAD_SLEEPING && state != THREAD_INTERRUPTIBLE)
            return false;
    deliver(thread);
    return true;
}

void thread_start(struct thread *thread)
{
    thread->vruntime = this_cpu()->rq->min_vruntime;
    thread->cpu = this_cpu();
    thread->fresh = true;
    thread_wake(thread);
}

void thread_post_work(struct thread *thread, unsigned bits)
{
    enum thread_state state = THREAD_INTERRUPTIBLE;
    struct cpu *cpu;

    atomic_fetch_or(&thread->work, bits);
    if (atomic_compare_exchange_strong(&thread->state, &state, THREAD_RUNNABLE)) {
        deliver(thread);
        return;
    }
    /* A thread that is switched to after this sees the bits: context_switch() sets cpu->running
     * with a locked instruction before anything reads them. */
    cpu = thread->cpu;
    if (cpu && cpu != this_cpu() && __atomic_load_n(&cpu->running, __ATOMIC_RELAXED) == thread)
        cpu_kick(cpu);
}

/* --- switching --- */

static void finish_rarely(struct thread *prev, enum switch_fate fate)
{
    if (atomic_exchange(&prev->queued, true))
        return; /* whoever has it settles the thread here, and sees what has become of it */
    if (fate == FATE_DEAD)
        thread_reap(prev);
    else
        sched_place(prev, NULL);
}

static inline void finish(void)
{
    struct runqueue *rq = this_cpu()->rq;
    struct thread *prev = rq->prev;
    enum switch_fate fate = rq->fate;

    if (fate == FATE_STAY)
        return;
    atomic_store_explicit(&prev->on_rq, false, memory_order_release);
    if (unlikely(fate != FATE_SLEEP)) /* a wake-up that came meanwhile is in `incoming` */
        finish_rarely(prev, fate);
}

void sched_finish(void)
{
    finish();
}

/* Let another thread run, `prev` being the current one; returns when it runs again. Interrupts off.
 * first: if it stays, it comes before its equals. */
static void switch_from(struct runqueue *rq, struct thread *prev, enum switch_fate fate, bool first)
{
    struct thread *next, *idle = rq->cpu->idle_thread;
    uint64_t now = sched_cycles();

    rq_account(rq, prev, now);
    if (fate == FATE_STAY && prev != idle) {
        if (thread_allowed(prev, rq->cpu))
            rq_add(rq, prev, first);
        else
            fate = FATE_MOVE;
    }
    rq->waiting_since = now;
    next = rq_take(rq);
    if (!next)
        next = idle;
    slice_begin(rq, next, now);
    if (next == prev)
        return;
    next->started = now;
    rq->cpu->need_resched = false;
    if (atomic_load_explicit(&prev->work, memory_order_relaxed) & WORK_RESCHED)
        atomic_fetch_and_explicit(&prev->work, ~(unsigned)WORK_RESCHED, memory_order_relaxed);
    if (fate == FATE_SLEEP) {
        prev->switches_voluntary++;
        if (prev->woke_at)
            balance_slept(prev, now);
    } else {
        prev->switches_forced++;
    }
    if (prev->notify_moved && fate == FATE_STAY)
        atomic_fetch_or_explicit(&prev->work, WORK_MOVED, memory_order_relaxed);
    TRACE(sched_switch, "cpu %u: %s -> %s", rq->cpu->id, prev->name, next->name);
    rcu_quiescent();
    rq->prev = prev;
    rq->fate = fate;
    context_switch(prev, next);
    finish();
}

void thread_set_state(enum thread_state state)
{
    if (state == THREAD_RUNNABLE)
        atomic_store_explicit(&current->state, state, memory_order_release);
    else
        atomic_store(&current->state, state); /* a full barrier before the condition is read */
}

void schedule(void)
{
    uint64_t flags = irq_save();
    struct thread *self = current;
    struct runqueue *rq = this_cpu()->rq;

    assert(!in_interrupt(), "sleeping in an interrupt handler");
    sched_drain(rq);
    if (asleep(self))
        switch_from(rq, self, FATE_SLEEP, false);
    irq_restore(flags);
}

void thread_exit(void)
{
    irq_disable();
    atomic_store(&current->state, THREAD_DEAD);
    switch_from(this_cpu()->rq, current, FATE_DEAD, false);
    panic("sched: a dead thread was switched to");
}

void sched_preempt(void)
{
    struct cpu *cpu = this_cpu();
    struct runqueue *rq = cpu->rq;

    cpu->need_resched = false;
    atomic_fetch_and_explicit(&cpu->running->work, ~(unsigned)WORK_RESCHED, memory_order_relaxed);
    if (!rq)
        return;
    rcu_quiescent();
    sched_drain(rq);
    if (!rq->resched)
        return;
    /* One that is preempted before its slice is over keeps its place. */
    switch_from(rq, cpu->running, FATE_STAY, !rq->slice_over);
}

void sched_kicked(void)
{
    struct cpu *cpu = this_cpu();
    struct runqueue *rq = cpu->rq;

    if (!rq)
        return;
    sched_drain(rq);
    if (atomic_load_explicit(&rq->asked, memory_order_relaxed)) {
        atomic_store(&rq->asked, false);
        if (rq->waiting && cpu->running != cpu->idle_thread)
            slice_watch(rq, cpu->running, sched_cycles());
    }
    if (rcu_wanted(cpu))
        sched_look(cpu);
}

/* It waits for its next period, as if it had used up all of its time. */
void thread_end_period(void)
{
    uint64_t flags = irq_save();
    struct runqueue *rq = this_cpu()->rq;
    struct thread *self = current;

    sched_drain(rq);
    if (thread_has_budget(self)) {
        self->dl.left = 0;
        switch_from(rq, self, FATE_STAY, false);
    }
    irq_restore(flags);
}

void thread_yield(void)
{
    uint64_t flags = irq_save();
    struct runqueue *rq = this_cpu()->rq;
    struct thread *self = current;

    sched_drain(rq);
    if (rq->waiting) {
        rq_account(rq, self, sched_cycles());
        rq_yield(rq, self);
        switch_from(rq, self, FATE_STAY, false);
    }
    irq_restore(flags);
}

void thread_resched_point(void)
{
    uint64_t flags;

    if (!this_cpu()->need_resched)
        return;
    flags = irq_save();
    sched_preempt();
    irq_restore(flags);
}

/* --- idling --- */

static void wait_for_work(struct cpu *cpu)
{
    uint64_t bit = cpuset_of(cpu->id).bits;

    rcu_quiescent();
    cpu->need_resched = false;
    __atomic_store_n(&cpu->rq->roused, 0, __ATOMIC_RELAXED);
    atomic_store(&cpu->idle, true);
    atomic_fetch_or(&sched_idle, bit);
    balance_ask(cpu->rq);
    irq_wait();
    if (__atomic_load_n(&cpu->rq->roused, __ATOMIC_RELAXED))
        balance_roused(cpu->rq);
    atomic_fetch_and(&sched_idle, ~bit);
    atomic_store(&cpu->idle, false);
    if (idle_exit_hook)
        idle_exit_hook(cpu);
}

static __noreturn void idle_loop(void)
{
    struct cpu *cpu = this_cpu(); /* the idle thread never moves */
    struct runqueue *rq = cpu->rq;

    for (;;) {
        irq_disable();
        sched_drain(rq);
        if (rq->waiting) {
            tick_start(rq);
            switch_from(rq, cpu->idle_thread, FATE_STAY, false);
        } else if (!atomic_load(&rq->incoming)) {
            wait_for_work(cpu);
        }
    }
}

/* --- set-up --- */

static void idle_entry(void *arg)
{
    idle_loop();
}

static __cold int cpu_prepare(struct cpu *cpu)
{
    struct runqueue *rq = core_alloc(sizeof *rq);
    struct thread *idle = core_alloc(sizeof *idle);

    if (!rq || !idle || thread_init(idle, "idle", idle_entry, NULL) < 0) {
        core_free(rq);
        core_free(idle);
        return -ENOMEM;
    }
    idle->affinity = cpuset_of(cpu->id);
    idle->cpu = cpu;
    idle->state = THREAD_RUNNABLE;
    idle->on_rq = true;
    cpu->idle_thread = idle;
    rq_init(rq, cpu);
    timer_init(&rq->slice, slice_fire);
    tick_init(rq);
    deadline_init(rq);
    return 0;
}

int sched_cpu_init(struct cpu *cpu)
{
    int error = timer_cpu_init(cpu);

    return error ? error : cpu_prepare(cpu);
}

void sched_cpu_start(void)
{
    struct cpu *cpu = this_cpu();

    clock_cpu_init();
    cpu->idle_thread->started = sched_cycles();
    rcu_quiescent();
    atomic_fetch_or(&sched_online, cpuset_of(cpu->id).bits);
    atomic_store(&cpu->online, true);
    idle_loop();
}

static void kick_handler(void *arg)
{
    sched_kicked();
}

static void set_times(void)
{
    sched_times = (struct sched_times){
        .slice = clock_ns_to_tsc(3000000),
        .slice_min = clock_ns_to_tsc(1000000),
        .rr_slice = clock_ns_to_tsc(RR_SLICE_NS),
        .sleeper_bonus = clock_ns_to_tsc(3000000),
        .wake_gran = clock_ns_to_tsc(1000000),
        .balance = clock_ns_to_tsc(4000000),
        .starve = clock_ns_to_tsc(950000000),
        .fair_turn = clock_ns_to_tsc(50000000),
    };
    balance_init();
}

__cold int sched_init(void)
{
    struct cpu *cpu = this_cpu();
    int error = cpu_prepare(cpu);

    if (error)
        return error;
    set_times();
    boot_thread.cpu = cpu;
    boot_thread.on_rq = true;
    boot_thread.started = sched_cycles();
    atomic_store(&sched_online, cpuset_of(cpu->id).bits);
    atomic_store(&cpu->online, true);
    irq_vector_set(VECTOR_KICK, kick_handler, NULL);
    return rcu_init();
}
BOOT_STEP(PHASE_THREADS, "scheduler", sched_init);

unsigned sched_runnable(void)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < ncpus; i++)
        if (cpus[i] && cpus[i]->rq)
            sum += rq_threads(cpus[i]->rq);
    return sum;
}
