/* core/deadline.c: POLICY_DEADLINE: earliest deadline first, each thread within the time that it
 * has reserved (the constant bandwidth server; man 7 sched, SCHED_DEADLINE). Waiting threads stand
 * in the list of PRIORITY_DEADLINE in the order of their deadlines. */
#include "core/clock.h"
#include "core/sched.h"

uint64_t deadline_reserved;
void (*thread_overrun_hook)(struct thread *thread);

static uint64_t next_period(const struct thread *thread)
{
    return thread->dl.until - thread->dl.deadline + thread->dl.period;
}

/* It has slept. What is left of its time must not let it use more of the CPU than it has reserved:
 * if it would, or its deadline is over, a new period begins now. */
static void wake(struct thread *thread, uint64_t now)
{
    struct deadline_state *dl = &thread->dl;
    int64_t span = (int64_t)(dl->until - now);

    if (span <= 0 && dl->deadline < dl->period && (int64_t)(next_period(thread) - now) > 0) {
        dl->left = 0; /* until its next period */
        return;
    }
    if (span > 0 && (dl->left <= 0 || (unsigned __int128)dl->left * dl->deadline <=
                                          (unsigned __int128)dl->runtime * (uint64_t)span))
        return;
    dl->until = now + dl->deadline;
    dl->left = (int64_t)dl->runtime;
}

static void arm_refill(struct runqueue *rq, uint64_t now)
{
    uint64_t first = UINT64_MAX;

    list_for_each_entry (struct thread, thread, &rq->spent, run_link)
        first = MIN(first, next_period(thread));
    if (first != UINT64_MAX)
        timer_start(&rq->refill, clock_monotonic() +
                                     clock_tsc_to_ns((int64_t)(first - now) > 0 ? first - now : 0));
}

bool deadline_enqueue(struct runqueue *rq, struct thread *thread)
{
    uint64_t now = sched_cycles();

    if (!thread_has_budget(thread))
        return true;
    if (thread->dl.sleeps != thread->switches_voluntary) {
        thread->dl.sleeps = thread->switches_voluntary;
        wake(thread, now);
    }
    if (thread->dl.left > 0)
        return true;
    thread->dl.waits = true;
    list_add_tail(&rq->spent, &thread->run_link);
    arm_refill(rq, now);
    return false;
}

void deadline_leave(struct runqueue *rq, struct thread *thread)
{
    thread->dl.waits = false;
    list_del(&thread->run_link);
}

void deadline_pay(struct thread *thread, uint64_t ran)
{
    if (thread->dl.reclaim)
        ran = ran * MIN(__atomic_load_n(&deadline_reserved, __ATOMIC_RELAXED), 1ul << 20) >> 20;
    thread->dl.left -= (int64_t)ran;
}

/* --- the next period begins --- */

static void refill(struct thread *thread, uint64_t now)
{
    struct deadline_state *dl = &thread->dl;

    while (dl->left <= 0) {
        dl->until += dl->period;
        dl->left += (int64_t)dl->runtime;
    }
    if ((int64_t)(dl->until - now) <= 0) { /* far behind: begin anew */
        dl->until = now + dl->deadline;
        dl->left = (int64_t)dl->runtime;
    }
}

static void refill_fire(struct timer *timer)
{
    struct runqueue *rq = container_of(timer, struct runqueue, refill);
    struct thread *running = rq->cpu->running;
    uint64_t now = sched_cycles();

    list_for_each_safe (p, next, &rq->spent) {
        struct thread *thread = list_entry(p, struct thread, run_link);

        if ((int64_t)(next_period(thread) - now) > 0)
            continue;
        deadline_leave(rq, thread);
        refill(thread, now);
        if (!rq->waiting)
            rq->waiting_since = now;
        rq_add_sorted(rq, thread, false);
        if (running != rq->cpu->idle_thread && rq_preempts(thread, running)) {
            rq->resched = true;
            sched_look(rq->cpu);
        }
    }
    arm_refill(rq, now);
}

void deadline_init(struct runqueue *rq)
{
    list_init(&rq->spent);
    timer_init(&rq->refill, refill_fire);
}
