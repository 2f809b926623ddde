/* linux/io_uring_work.c: what has happened to requests reaches the thread that submitted them. */
#include "linux/io_uring.h"

#include "core/clock.h"

/* COOP_TASKRUN: the thread need not be torn out of its program for it. */
static void notify_owner(const struct uring_task *owner, bool cooperative)
{
    struct thread *thread = &owner->task->thread;
    if (!cooperative) {
        thread_post_work(thread, WORK_URING);
        return;
    }
    atomic_fetch_or(&thread->work, WORK_URING);
    if (atomic_load(&thread->state) == THREAD_INTERRUPTIBLE)
        thread_wake(thread);
}

void work_signal(struct timer *timer)
{
    struct uring *ring = container_of(timer, struct uring, signal);
    waitqueue_wake(&ring->cq_wait, 0, POLLIN | POLLRDNORM);
    cq_signal_eventfd(ring);
}

/* The submitter takes it when it asks for completions. Those who watch the ring are told from
 * elsewhere: the caller may hold the lock of the ring's own queue, or of one that watches it. And
 * later where it is the ring's own signal that brought the work. The ring stays while the request
 * is in its list. Under the owner's lock; false: the ring goes. */
static bool add_local(struct uring *ring, struct request *req)
{
    uint64_t flags = spin_lock_irq(&ring->work_lock);
    bool first = list_empty(&ring->local_work), dying = ring->dying;
    if (!dying)
        list_add_tail(&ring->local_work, &req->link);
    if (!dying && first) {
        if (ring->flags & SETUP_TASKRUN_FLAG)
            atomic_fetch_or(&ring->page->sq_flags, SQ_TASKRUN);
        notify_owner(req->owner, true);
        if (ring->eventfd || !list_empty(&ring->cq_wait.waiters))
            timer_start(&ring->signal,
                        ring->signals_on == this_cpu() ? clock_monotonic() + 1000000 : 0);
    }
    spin_unlock_irq(&ring->work_lock, flags);
    return !dying;
}

/* Under the ring's lock. */
static void do_work(struct request *req)
{
    switch (req->state) {
    case STATE_POLL:
        poll_work(req);
        break;
    case STATE_TIMER:
        timeout_work(req);
        break;
    default:
        request_issue(req);
        break;
    }
}

/* Nobody is left whose work it would be. */
static void do_orphan_work(struct rcu_head *head)
{
    struct request *req = container_of(head, struct request, orphan_work);
    struct uring *ring = req->ring;
    uring_get(ring);
    uring_lock(ring);
    do_work(req);
    uring_unlock(ring);
    uring_put(ring);
}

/* The submitter does it on its next way through the kernel. Under its lock. */
static void add_own(struct uring_task *owner, struct request *req)
{
    unsigned how = req->ring->flags;
    bool first = list_empty(&owner->work);

    list_add_tail(&owner->work, &req->link);
    if (how & SETUP_TASKRUN_FLAG)
        atomic_fetch_or(&req->ring->page->sq_flags, SQ_TASKRUN);
    if (first)
        notify_owner(owner, how & SETUP_COOP_TASKRUN);
}

void work_add(struct request *req)
{
    struct uring_task *owner = req->owner;
    struct uring *ring = req->ring;
    bool defers = ring->flags & SETUP_DEFER_TASKRUN && ring->submitter == owner;
    uint64_t flags = spin_lock_irq(&owner->work_lock);
    bool orphan = !owner->task;
    if (!orphan && !(defers && add_local(ring, req)))
        add_own(owner, req);
    spin_unlock_irq(&owner->work_lock, flags);
    if (orphan)
        rcu_call(&req->orphan_work, do_orphan_work);
}

static struct request *take(struct spinlock *lock, struct list *list)
{
    struct request *req = NULL;
    uint64_t flags = spin_lock_irq(lock);
    if (!list_empty(list)) {
        req = list_first(list, struct request, link);
        list_del(&req->link);
    }
    spin_unlock_irq(lock, flags);
    return req;
}

/* The ring stays locked while its requests follow each other. */
static void run(struct spinlock *lock, struct list *list, unsigned n)
{
    struct uring *locked = NULL;
    struct request *req;
    while (n-- && (req = take(lock, list))) {
        if (req->ring != locked) {
            if (locked) {
                uring_unlock(locked);
                uring_put(locked);
            }
            locked = req->ring;
            uring_get(locked);
            uring_lock(locked);
            if (locked->flags & SETUP_TASKRUN_FLAG)
                atomic_fetch_and(&locked->page->sq_flags, ~(unsigned)SQ_TASKRUN);
        }
        do_work(req);
    }
    if (locked) {
        uring_unlock(locked);
        uring_put(locked);
    }
}

enum { WORK_MOST = 4096 }; /* at a time: others want the thread, too */

void work_run(void)
{
    struct uring_task *owner = current_task()->uring;
    atomic_fetch_and_explicit(&current->work, ~(unsigned)WORK_URING, memory_order_acq_rel);
    if (list_empty(&owner->work))
        return;
    run(&owner->work_lock, &owner->work, WORK_MOST);
    if (!list_empty(&owner->work))
        thread_post_work(current, WORK_URING);
}

bool work_run_local(struct uring *ring)
{
    if (list_empty(&ring->local_work))
        return false;
    run(&ring->work_lock, &ring->local_work, WORK_MOST);
    return true;
}

bool work_pending(struct uring *ring)
{
    return !list_empty(&ring->local_work);
}
