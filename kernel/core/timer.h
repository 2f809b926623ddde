/* core/timer.h: call a function at a time (nanoseconds). Per-CPU queues ordered by deadline. */
#pragma once

#include "lib/rbtree.h"
#include "lib/types.h"

struct timer {
    struct rb_node node;
    nsec_t deadline;
    void (*fire)(struct timer *timer); /* interrupt context, no lock held; may re-arm the timer */
    struct cpu *_Atomic cpu;           /* whose queue it is in; NULL: not armed */
    bool running;
};

void timer_init(struct timer *timer, void (*fire)(struct timer *));
/* Arm or re-arm for the deadline (monotonic) on this CPU. Any context. */
void timer_start(struct timer *timer, nsec_t deadline);
/* After this fire() is not running and will not; true if it was armed. Any context but fire(). */
bool timer_cancel(struct timer *timer);
