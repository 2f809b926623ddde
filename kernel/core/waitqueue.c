#include "core/waitqueue.h"

#include "core/clock.h"
#include "lib/errno.h"

/* Exclusive waiters stand behind all others, in the order in which they came. */
static inline void add(struct waitqueue *queue, struct waiter *waiter)
{
    uint64_t flags = spin_lock_irq(&queue->lock);

    list_add(waiter->exclusive ? queue->waiters.prev : &queue->waiters, &waiter->link);
    spin_unlock_irq(&queue->lock, flags);
}

void waitqueue_add(struct waitqueue *queue, struct waiter *waiter)
{
    add(queue, waiter);
}

void waitqueue_remove(struct waitqueue *queue, struct waiter *waiter)
{
    uint64_t flags = spin_lock_irq(&queue->lock);

    if (waiter->link.next)
        list_del(&waiter->link);
    spin_unlock_irq(&queue->lock, flags);
}

/* A sleeping thread is taken off the queue with its wake-up: it finds its link empty and need not
 * take the lock. It may be gone as soon as it sees that. One that does not sleep stays: it may be
 * about to find its condition false again. */
static inline bool notify(struct waiter *waiter, unsigned events)
{
    if (waiter->notify)
        return waiter->notify(waiter, events);
    if (!thread_wake(waiter->thread))
        return false;
    waiter->link.prev->next = waiter->link.next;
    waiter->link.next->prev = waiter->link.prev;
    __atomic_store_n(&waiter->link.next, NULL, __ATOMIC_RELEASE);
    return true;
}

static __attribute__((noinline)) unsigned wake_some(struct waitqueue *queue, unsigned count,
                                                    unsigned events)
{
    unsigned took = 0, exclusive = 0;
    uint64_t flags = spin_lock_irq(&queue->lock);

    list_for_each_safe (link, next, &queue->waiters) {
        struct waiter *waiter = list_entry(link, struct waiter, link);
        bool is_exclusive = waiter->exclusive;

        if (!notify(waiter, events))
            continue;
        took++;
        if (is_exclusive && ++exclusive == count)
            break;
    }
    spin_unlock_irq(&queue->lock, flags);
    return took;
}

unsigned waitqueue_wake(struct waitqueue *queue, unsigned count, unsigned events)
{
    /* Between the caller's condition and the look at the list; wait_prepare() has its barrier
     * between list and condition. */
    atomic_thread_fence(memory_order_seq_cst);
    return list_empty(&queue->waiters) ? 0 : wake_some(queue, count, events);
}

void wait_prepare(struct waitqueue *queue, struct waiter *waiter, unsigned flags)
{
    struct thread *self = current;

    waiter->thread = self;
    waiter->exclusive = flags & WAIT_EXCLUSIVE;
    add(queue, waiter);
    /* A full barrier before the condition is read. */
    atomic_store(&self->state, flags & WAIT_INTERRUPTIBLE ? THREAD_INTERRUPTIBLE : THREAD_SLEEPING);
}

int wait_sleep(unsigned flags, nsec_t deadline)
{
    bool over;

    if (flags & WAIT_INTERRUPTIBLE && thread_interrupted(current)) {
        thread_set_state(THREAD_RUNNABLE);
        return -EINTR;
    }
    over = schedule_until(deadline);
    if (flags & WAIT_INTERRUPTIBLE && thread_interrupted(current))
        return -EINTR;
    return over ? -ETIMEDOUT : 0;
}

void wait_finish(struct waitqueue *queue, struct waiter *waiter)
{
    atomic_store_explicit(&current->state, THREAD_RUNNABLE, memory_order_release);
    if (__atomic_load_n(&waiter->link.next, __ATOMIC_ACQUIRE))
        waitqueue_remove(queue, waiter);
}
