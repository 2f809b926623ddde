/* core/waitqueue.h: threads that wait for a condition, and callbacks that watch for it (epoll).
 * Wake-ups in any context; waiting in threads only. Initialise with waitqueue_init() or {}-zeroed
 * memory plus waitqueue_init(). */
#pragma once

#include "core/spinlock.h"
#include "core/thread.h"
#include "lib/list.h"

struct waitqueue {
    struct spinlock lock;
    struct list waiters;
};

struct waiter {
    struct thread *thread; /* first: with 16 bytes at its head gcc would align each on a stack */
    struct list link;
    /* Called by the waker with the queue's lock held, interrupts off; returns true if this waiter
     * took the wake-up (counts against `count` when exclusive). NULL: wake thread. */
    bool (*notify)(struct waiter *waiter, unsigned events);
    bool exclusive;
    void *data;
};

enum { WAIT_INTERRUPTIBLE = 1, WAIT_EXCLUSIVE = 2 };

static inline void waitqueue_init(struct waitqueue *queue)
{
    queue->lock = (struct spinlock){};
    list_init(&queue->waiters);
}

/* Watch with a callback until waitqueue_remove(). */
void waitqueue_add(struct waitqueue *queue, struct waiter *waiter);
void waitqueue_remove(struct waitqueue *queue, struct waiter *waiter);

/* Wake all non-exclusive waiters and up to `count` exclusive ones (0: all). events are poll(2)
 * bits handed to callbacks (0: unknown, look). Returns how many took it. */
unsigned waitqueue_wake(struct waitqueue *queue, unsigned count, unsigned events);
static inline void wake_all(struct waitqueue *queue)
{
    waitqueue_wake(queue, 0, 0);
}

/* The three parts of a wait, which WAIT_EVENT puts together:
 * wait_prepare() enqueues and sets the thread's state; then check the condition; then
 * wait_sleep() sleeps: 0 woken, -EINTR, -ETIMEDOUT; wait_finish() takes it off the queue. */
void wait_prepare(struct waitqueue *queue, struct waiter *waiter, unsigned flags);
int wait_sleep(unsigned flags, nsec_t deadline);
void wait_finish(struct waitqueue *queue, struct waiter *waiter);

/* Wait until cond is true: 0; or -EINTR (WAIT_INTERRUPTIBLE), -ETIMEDOUT (deadline on the
 * monotonic clock). cond is evaluated without the queue's lock, several times. */
#define WAIT_EVENT(queue, cond, flags, deadline)                                                   \
    ({                                                                                             \
        struct waiter w_ = {};                                                                     \
        int r_ = 0;                                                                                \
        while (!(cond)) {                                                                          \
            wait_prepare((queue), &w_, (flags));                                                   \
            if ((cond)) {                                                                          \
                wait_finish((queue), &w_);                                                         \
                r_ = 0;                                                                            \
                break;                                                                             \
            }                                                                                      \
            r_ = wait_sleep((flags), (deadline));                                                  \
            wait_finish((queue), &w_);                                                             \
            if (r_ < 0) {                                                                          \
                if ((cond))                                                                        \
                    r_ = 0;                                                                        \
                break;                                                                             \
            }                                                                                      \
        }                                                                                          \
        r_;                                                                                        \
    })
