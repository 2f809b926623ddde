/* The mutex follows Gidenstam and Papatriantafilou, "LFthreads: a lock-free thread library" (2007),
 * with its "responsibility hand-off".
 *
 * `count` says how many threads hold the mutex or want it. Whoever takes it from 0 has the mutex.
 * Others queue up and sleep, and the unlocker gives the mutex to the first of the queue: exactly
 * one thread at a time is responsible for the queue (pops from it), the holder or the thread that
 * is unlocking. The one gap is a locker that has increased `count` and is not in the queue yet
 * while the unlocker finds the queue empty. The unlocker does not wait for it: it leaves a number
 * in `handoff` and looks at the queue again. The locker, once it is in the queue, looks at
 * `handoff`. As each writes one and then reads the other, at least one sees the other's; whoever
 * changes `handoff` from that number back to 0 is responsible. The numbers differ, so that a slow
 * locker cannot take an offer that is not the one it saw. */
#include "core/mutex.h"

#include "core/panic.h"
#include "core/thread.h"

struct mutex_waiter {
    struct mutex_waiter *next;
    _Atomic(struct thread *) thread; /* NULL: it has been given the mutex */
};

static void enqueue(struct mutex *mutex, struct mutex_waiter *waiter)
{
    struct mutex_waiter *newest = atomic_load_explicit(&mutex->incoming, memory_order_relaxed);

    do
        waiter->next = newest;
    while (!atomic_compare_exchange_weak(&mutex->incoming, &newest, waiter));
}

/* The longest waiter, or NULL. Only for whoever is responsible. */
static struct mutex_waiter *dequeue(struct mutex *mutex)
{
    struct mutex_waiter *first = mutex->outgoing;

    if (!first) {
        struct mutex_waiter *newest = atomic_exchange(&mutex->incoming, NULL);

        while (newest) {
            struct mutex_waiter *next = newest->next;

            newest->next = first;
            first = newest;
            newest = next;
        }
    }
    if (first)
        mutex->outgoing = first->next;
    return first;
}

/* The waiter is gone once its thread field is NULL; its thread is not before the next quiescent
 * state of this CPU (core/rcu.h). */
static void give(struct mutex_waiter *waiter)
{
    struct thread *thread = atomic_load_explicit(&waiter->thread, memory_order_relaxed);

    atomic_store_explicit(&waiter->thread, NULL, memory_order_release);
    thread_wake(thread);
}

static void sleep_until_given(struct mutex_waiter *waiter)
{
    for (;;) {
        thread_set_state(THREAD_SLEEPING);
        if (!atomic_load_explicit(&waiter->thread, memory_order_acquire))
            break;
        schedule();
    }
    thread_set_state(THREAD_RUNNABLE);
}

static bool take_offer(struct mutex *mutex)
{
    unsigned offer = atomic_load(&mutex->handoff);

    return offer && atomic_compare_exchange_strong(&mutex->handoff, &offer, 0);
}

static void lock_contended(struct mutex *mutex)
{
    struct mutex_waiter self = {.thread = current}, *first;

    assert(!in_interrupt(), "mutex_lock in an interrupt handler");
    assert(!mutex_is_mine(mutex), "mutex_lock by its holder");
    enqueue(mutex, &self);
    if (take_offer(mutex)) {
        first = dequeue(mutex); /* there is one: nobody else was responsible since we came */
        if (first == &self)
            return;
        give(first);
    }
    sleep_until_given(&self);
}

void mutex_lock(struct mutex *mutex)
{
    if (unlikely(atomic_fetch_add_explicit(&mutex->count, 1, memory_order_seq_cst)))
        lock_contended(mutex);
    atomic_store_explicit(&mutex->owner, current, memory_order_relaxed);
}

bool mutex_trylock(struct mutex *mutex)
{
    int zero = 0;

    if (!atomic_compare_exchange_strong(&mutex->count, &zero, 1)) {
        if (!take_offer(mutex))
            return false;
        atomic_fetch_add(&mutex->count, 1); /* the slow locker queues up behind us */
    }
    atomic_store_explicit(&mutex->owner, current, memory_order_relaxed);
    return true;
}

static bool queue_empty(const struct mutex *mutex)
{
    return !mutex->outgoing && !atomic_load(&mutex->incoming);
}

static void unlock_contended(struct mutex *mutex)
{
    for (;;) {
        struct mutex_waiter *first = dequeue(mutex);
        unsigned offer;

        if (first) {
            give(first);
            return;
        }
        offer = ++mutex->sequence;
        if (!offer)
            offer = ++mutex->sequence;
        atomic_store(&mutex->handoff, offer);
        if (queue_empty(mutex) || !atomic_compare_exchange_strong(&mutex->handoff, &offer, 0))
            return;
    }
}

void mutex_unlock(struct mutex *mutex)
{
    assert(mutex_is_mine(mutex), "mutex_unlock by another thread than its holder");
    atomic_store_explicit(&mutex->owner, NULL, memory_order_relaxed);
    if (unlikely(atomic_fetch_sub_explicit(&mutex->count, 1, memory_order_seq_cst) != 1))
        unlock_contended(mutex);
}

bool mutex_is_mine(const struct mutex *mutex)
{
    return atomic_load_explicit(&mutex->owner, memory_order_relaxed) == current;
}
