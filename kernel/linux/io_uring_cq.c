/* linux/io_uring_cq.c: the completion queue. What finds no room waits in a list, in order. */
#include "linux/io_uring.h"

#include "lib/string.h"
#include "linux/eventfd.h"

uint32_t cq_ready(struct uring *ring)
{
    uint32_t ready = atomic_load_explicit(&ring->page->cq_tail, memory_order_acquire) -
                     atomic_load_explicit(&ring->page->cq_head, memory_order_relaxed);
    return MIN(ready, ring->cq_entries);
}

/* Under cq_lock. The head is the program's: a wild one makes the queue look full. */
static bool has_room(const struct uring *ring)
{
    uint32_t head = atomic_load_explicit(&ring->page->cq_head, memory_order_acquire);
    return ring->cq_tail - head < ring->cq_entries;
}

static void put(struct uring *ring, const struct cqe *cqe)
{
    size_t at = ring->cqes_at + (ring->cq_tail & (ring->cq_entries - 1)) * ring->cqe_size;
    struct cqe *slot = ring_memory_at(ring->rings, at);
    memcpy(slot, cqe, sizeof(*cqe));
    if (ring->flags & SETUP_CQE32)
        memset(slot + 1, 0, sizeof(*cqe));
    atomic_store_explicit(&ring->page->cq_tail, ++ring->cq_tail, memory_order_release);
}

static bool put_aside(struct uring *ring, const struct cqe *cqe)
{
    struct overflow *overflow = kmalloc(sizeof(*overflow));
    if (!overflow) {
        atomic_fetch_add(&ring->page->cq_overflow, 1);
        ring->dropped = true;
        return false;
    }
    overflow->cqe = *cqe;
    list_add_tail(&ring->overflow, &overflow->link);
    atomic_fetch_or(&ring->page->sq_flags, SQ_CQ_OVERFLOW);
    return true;
}

static bool post(struct uring *ring, const struct cqe *cqe, bool may_overflow)
{
    uint64_t flags = spin_lock_irq(&ring->cq_lock);
    bool posted = list_empty(&ring->overflow) && has_room(ring);
    if (posted)
        put(ring, cqe);
    else if (may_overflow)
        posted = put_aside(ring, cqe);
    spin_unlock_irq(&ring->cq_lock, flags);
    if (posted)
        atomic_store_explicit(&ring->posted, true, memory_order_release);
    if (posted && !list_empty(&ring->timeouts))
        timeouts_count(ring);
    return posted;
}

void cq_post(struct uring *ring, uint64_t user_data, int32_t res, uint32_t flags)
{
    post(ring, &(struct cqe){user_data, res, flags}, true);
}

bool cq_post_more(struct uring *ring, uint64_t user_data, int32_t res, uint32_t flags)
{
    return post(ring, &(struct cqe){user_data, res, flags | CQE_MORE}, false);
}

/* Move what was put aside into the queue, as far as it goes. */
void cq_flush_overflow(struct uring *ring)
{
    if (list_empty(&ring->overflow))
        return;
    bool moved = false;
    uint64_t flags = spin_lock_irq(&ring->cq_lock);
    while (!list_empty(&ring->overflow) && has_room(ring)) {
        struct overflow *overflow = list_first(&ring->overflow, struct overflow, link);
        put(ring, &overflow->cqe);
        list_del(&overflow->link);
        kfree(overflow);
        moved = true;
    }
    if (list_empty(&ring->overflow))
        atomic_fetch_and(&ring->page->sq_flags, ~(unsigned)SQ_CQ_OVERFLOW);
    spin_unlock_irq(&ring->cq_lock, flags);
    if (moved)
        waitqueue_wake(&ring->cq_wait, 0, POLLIN | POLLRDNORM);
}

/* --- telling */

void cq_signal_eventfd(struct uring *ring)
{
    if (!ring->eventfd || atomic_load(&ring->page->cq_flags) & CQ_EVENTFD_DISABLED)
        return;
    if (ring->eventfd_async && !worker_is_current())
        return;
    uint64_t flags = spin_lock_irq(&ring->eventfd_lock);
    ring->signals_on = this_cpu();
    if (ring->eventfd)
        eventfd_signal(ring->eventfd);
    ring->signals_on = NULL;
    spin_unlock_irq(&ring->eventfd_lock, flags);
}

void cq_tell(struct uring *ring)
{
    if (!atomic_exchange_explicit(&ring->posted, false, memory_order_acq_rel))
        return;
    waitqueue_wake(&ring->cq_wait, 0, POLLIN | POLLRDNORM);
    cq_signal_eventfd(ring);
}

/* --- waiting */

static bool signal_came(void)
{
    unsigned work = atomic_load_explicit(&current->work, memory_order_acquire);
    return work & ~(unsigned)(WORK_RESCHED | WORK_MOVED | WORK_URING);
}

static void look(struct uring *ring)
{
    if (current_task()->uring)
        work_run();
    if (ring->flags & SETUP_DEFER_TASKRUN)
        work_run_local(ring);
    cq_flush_overflow(ring);
}

/* 0, 1: look again; -EINTR, -ETIME, -EBADR. */
static int sleep_once(struct uring *ring, const struct enter_wait *wait, uint32_t timeouts)
{
    struct waiter waiter = {};
    int err = 1;
    wait_prepare(&ring->cq_wait, &waiter, WAIT_INTERRUPTIBLE);
    if (cq_ready(ring) < wait->least && ring->timeouts_done == timeouts && !work_pending(ring)) {
        if (signal_came())
            err = -EINTR;
        else if (wait_sleep(WAIT_INTERRUPTIBLE, wait->deadline) == -ETIMEDOUT)
            err = -ETIME;
    }
    wait_finish(&ring->cq_wait, &waiter);
    return err;
}

/* A timeout ends the wait, however many completions there are. */
int cq_wait(struct uring *ring, const struct enter_wait *wait)
{
    uint32_t timeouts = ring->timeouts_done;
    int err = 1;
    for (;;) {
        look(ring);
        if (cq_ready(ring) >= wait->least || ring->timeouts_done != timeouts)
            return 0;
        if (ring->dropped) {
            ring->dropped = false;
            return -EBADR;
        }
        if (err < 0)
            return cq_ready(ring) ? 0 : err;
        err = sleep_once(ring, wait, timeouts);
    }
}
