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

/* Count the periods that have ended. Those that ended while nobody ticked found no work. */
static void catch_up(nsec_t now)
{
    while (load.next <= now) {
        bool idle = load.next < now - 2 * TICK_PERIOD_NS;

        if (idle && !(load.loads[0] | load.loads[1] | load.loads[2])) {
            load.next += (now - load.next) / LOAD_PERIOD_NS * LOAD_PERIOD_NS;
            idle = load.next < now - 2 * TICK_PERIOD_NS;
        }
        decay_once(idle ? 0 : sched_runnable());
        load.next += LOAD_PERIOD_NS;
    }
}

void tick_load(uint64_t loads[3])
{
    uint64_t flags = spin_lock_irq(&load.lock);

    catch_up(clock_monotonic());
    for (unsigned i = 0; i < 3; i++)
        loads[i] = load.loads[i];
    spin_unlock_irq(&load.lock, flags);
}

static void look_at_load(nsec_t now)
{
    if (now < __atomic_load_n(&load.next, __ATOMIC_RELAXED))
        return;
    spin_lock(&load.lock);
    catch_up(now);
    spin_unlock(&load.lock);
}

/* --- what runs --- */

static void fire(struct timer *timer)
{
    struct runqueue *rq = container_of(timer, struct runqueue, tick);
    struct cpu *cpu = rq->cpu;
    struct thread *running = cpu->running;
    nsec_t now = clock_monotonic();

    look_at_load(now);
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
