#include "core/tick.h"

#include "core/clock.h"
#include "core/sched.h"
#include "core/spinlock.h"

enum { LOAD_ONE = 1 << LOAD_SHIFT };
#define LOAD_PERIOD_NS 5000000000ll

/* --- load --- */

/* e^(-5 s / 1, 5, 15 min) with LOAD_SHIFT binary places. */
static const uint64_t decay[3] = {1884, 2014, 2037};

static struct {
    struct spinlock lock;
    uint64_t loads[3];
    nsec_t next;
} load = {.next = LOAD_PERIOD_NS};

/* Up, if it grows, so that it gets where it goes to. */
static void decay_once(uint64_t threads)
{
    for (unsigned i = 0; i < 3; i++) {
        uint64_t active = threads << LOAD_SHIFT;
        uint64_t sum = load.loads[i] * decay[i] + active * (LOAD_ONE - decay[i]);

        if (active >= load.loads[i])
            sum += LOAD_ONE - 1;
        load.loads[i] = sum >> LOAD_SHIFT;
    }
}

/* Since when there has been work without a break, as far as is known: at least since `since`, and
 * since a CPU's tick was set that is not over yet, however late it comes (on a host that is busy).
 */
static nsec_t busy_since(nsec_t since)
{
    for (unsigned i = 0; i < ncpus; i++) {
        const struct timer *tick = cpus[i] && cpus[i]->rq ? &cpus[i]->rq->tick : NULL;
        if (tick && timer_armed(tick))
            since = MIN(since, __atomic_load_n(&tick->deadline, __ATOMIC_RELAXED) - TICK_PERIOD_NS);
    }
    return since;
}

/* Count the periods that have ended. Those that ended before `since` found no work. */
static void catch_up(nsec_t now, nsec_t since)
{
    if (load.next <= now)
        since = busy_since(since);
    while (load.next <= now) {
        bool idle = load.next < since;

        if (idle && !(load.loads[0] | load.loads[1] | load.loads[2])) {
            load.next += (since - load.next) / LOAD_PERIOD_NS * LOAD_PERIOD_NS;
            idle = load.next < since;
        }
        decay_once(idle ? 0 : sched_runnable());
        load.next += LOAD_PERIOD_NS;
    }
}

void tick_load(uint64_t loads[3])
{
    uint64_t flags = spin_lock_irq(&load.lock);
    nsec_t now = clock_monotonic();

    catch_up(now, now);
    for (unsigned i = 0; i < 3; i++)
        loads[i] = load.loads[i];
    spin_unlock_irq(&load.lock, flags);
}

static void look_at_load(nsec_t now, nsec_t since)
{
    if (now < __atomic_load_n(&load.next, __ATOMIC_RELAXED))
        return;
    spin_lock(&load.lock);
    catch_up(now, since);
    spin_unlock(&load.lock);
}

/* --- what runs --- */

static void fire(struct timer *timer)
{
    struct runqueue *rq = container_of(timer, struct runqueue, tick);
    struct cpu *cpu = rq->cpu;
    struct thread *running = cpu->running;
    nsec_t now = clock_monotonic();

    look_at_load(now, timer->deadline - TICK_PERIOD_NS);
    if (running == cpu->idle_thread)
        return;
    if (cpu->irq_in_program) {
        running->ticks_program++;
        cpu->ticks_program++;
    } else {
        running->ticks_kernel++;
        cpu->ticks_kernel++;
    }
    timer_start(timer, now + TICK_PERIOD_NS);
}

void tick_init(struct runqueue *rq)
{
    timer_init(&rq->tick, fire);
}

void tick_start(struct runqueue *rq)
{
    if (!timer_armed(&rq->tick))
        timer_start(&rq->tick, clock_monotonic() + TICK_PERIOD_NS);
}
