#include "core/waitqueue.h"

#include "core/clock.h"
#include "lib/errno.h"

/* Exclusive waiters stand behind all others, in the order in which they came. */
static void enqueue(struct waitqueue *queue, struct waiter *waiter)
{
    if (waiter->exclusive)
        list_add_tail(&queue->waiters, &waiter->link);
    else
        list_add(&queue->waiters, &waiter->link);
}

void waitqueue_add(struct waitqueue *queue, struct waiter *waiter)
{
    uint64_t flags = spin_lock_irq(&queue->lock);

    enqueue(queue, waiter);
    spin_unlock_irq(&queue->lock, flags);
}

void waitqueue_remove(struct waitqueue *queue, struct waiter *waiter)
{
    uint64_t flags = spin_lock_irq(&queue->lock);

    if (waiter->link.next)
        list_del(&waiter->link);
    spin_unlock_irq(&queue->lock, flags);
}

static bool notify(struct waiter *waiter, unsigned events)
{
    return waiter->notify ? waiter->notify(waiter, events) : thread_wake(waiter->thread);
}

unsigned waitqueue_wake(struct waitqueue *queue, unsigned count, unsigned events)
{
    unsigned took = 0, exclusive = 0;
    uint64_t flags;

    /* Between the caller's condition and the look at the list; wait_prepare() has its barrier
     * between list and condition. */
    atomic_thread_fence(memory_order_seq_cst);
    if (list_empty(&queue->waiters))
        return 0;
    flags = spin_lock_irq(&queue->lock);
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

void wait_prepare(struct waitqueue *queue, struct waiter *waiter, unsigned flags)
{
    waiter->thread = current;
    waiter->exclusive = flags & WAIT_EXCLUSIVE;
    waitqueue_add(queue, waiter);
    thread_set_state(flags & WAIT_INTERRUPTIBLE ? THREAD_INTERRUPTIBLE : THREAD_SLEEPING);
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
    thread_set_state(THREAD_RUNNABLE);
    waitqueue_remove(queue, waiter);
}
