/* core/timer.h: call a function at a time (nanoseconds). Per-CPU queues ordered by deadline.
 * Usable from boot phase THREADS on. */
#pragma once

#include "lib/rbtree.h"
#include "lib/types.h"

struct cpu;

struct timer {
    struct rb_node node;
    nsec_t deadline;
    void (*fire)(struct timer *timer); /* interrupt context, no lock held; may re-arm the timer, or
                                          free it if nobody else knows it */
    struct cpu *_Atomic cpu;           /* whose queue it was put in last; NULL: none yet */
    bool armed;                        /* it is in that queue; under the queue's lock */
};

/* Before its first use; not armed. */
void timer_init(struct timer *timer, void (*fire)(struct timer *));
/* Arm or re-arm for the deadline (monotonic) on this CPU; NSEC_FOREVER: disarm. Any context. Calls
 * of timer_start for one timer must not run at the same time on several CPUs, fire() included
 * (cancel first). */
void timer_start(struct timer *timer, nsec_t deadline);
/* After this fire() is not running and will not; true if it was armed. Any context but fire(), and
 * not with a lock held that fire() takes. */
bool timer_cancel(struct timer *timer);
/* A look without a lock: exact only where nobody else starts, cancels or fires it. */
static inline bool timer_armed(const struct timer *timer)
{
    return __atomic_load_n(&timer->armed, __ATOMIC_RELAXED);
}

/* Give a CPU its queue, before it starts. -ENOMEM. */
int timer_cpu_init(struct cpu *cpu);
/* From the clock event's interrupt: fire what is due on this CPU, arm the event for the next. */
void timer_run(void);
