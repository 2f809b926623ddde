// core/timer.h by a heap of deadlines; sim_step() fires them.
#include "sim.h"

static struct timer *timers[65536];
static unsigned ntimers;

void timer_init(struct timer *timer, void (*fire)(struct timer *))
{
    *timer = (struct timer){.fire = fire};
}

/* Where it is in the table is kept in a field that has no other use here. */
static unsigned place_of(struct timer *timer)
{
    return (unsigned)(uintptr_t)atomic_load(&timer->cpu);
}

static void put_at(struct timer *timer, unsigned place)
{
    timers[place] = timer;
    atomic_store(&timer->cpu, (struct cpu *)(uintptr_t)place);
}

/* A heap by deadline. */
static void sift(unsigned i)
{
    struct timer *timer = timers[i];
    unsigned child;

    for (; i && timer->deadline < timers[(i - 1) / 2]->deadline; i = (i - 1) / 2)
        put_at(timers[(i - 1) / 2], i);
    while ((child = 2 * i + 1) < ntimers) {
        if (child + 1 < ntimers && timers[child + 1]->deadline < timers[child]->deadline)
            child++;
        if (timers[child]->deadline >= timer->deadline)
            break;
        put_at(timers[child], i);
        i = child;
    }
    put_at(timer, i);
}

bool timer_cancel(struct timer *timer)
{
    unsigned place = place_of(timer);

    if (!timer->armed)
        return false;
    timer->armed = false;
    if (place != --ntimers) {
        put_at(timers[ntimers], place);
        sift(place);
    }
    return true;
}

void timer_start(struct timer *timer, nsec_t deadline)
{
    timer_cancel(timer);
    if (deadline == NSEC_FOREVER)
        return;
    timer->deadline = deadline;
    timer->armed = true;
    put_at(timer, ntimers++);
    sift(ntimers - 1);
}

struct timer *sim_first_timer(void)
{
    return ntimers ? timers[0] : NULL;
}
