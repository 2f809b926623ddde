/* linux/io_uring_poll.c: requests that watch a file: POLL_ADD, and whatever must wait for one.
 *
 * A wake-up (any context, under the queue's lock) claims the request by setting `queued` and puts
 * it on its owner's work list. Whoever else wants it (cancellation, a timeout) has to claim it the
 * same way, or finds that it is on its way. What woke a POLL_ADD is told even if it does not hold
 * any more when the owner looks (`seen`); wake-ups that find the request claimed are gone. */
#include "linux/io_uring.h"

#include "linux/signalfd.h"

enum { QUEUES_MAX = 4, POLL_MULTI = 1, POLL_UPDATE_EVENTS = 2, POLL_UPDATE_DATA = 4 };
enum { POLL_ALWAYS = POLLERR | POLLHUP, TRIES_MAX = 128 };

struct poller {
    struct poll_table table;
    struct request *req;
    unsigned events, n, tries;
    unsigned seen; /* what the wake-up said that claimed the request */
    bool full;
    struct poller_hook {
        struct waiter waiter;
        struct waitqueue *_Atomic queue; /* NULL: it was freed */
    } hooks[QUEUES_MAX];
};

static bool claim(struct request *req)
{
    return !atomic_exchange_explicit(&req->queued, true, memory_order_acq_rel);
}

/* What the waker knows to hold; others only say that there may be something. */
static unsigned known(unsigned events)
{
    bool exact = events & (POLLRDNORM | POLLWRNORM) && !(events & (POLLHUP | POLLERR | POLLFREE));
    return exact ? events : 0;
}

/* The queue goes: until `queue` says so, unhook() waits for the queue's lock, which the waker has.
 */
static bool notify_freed(struct waiter *waiter, struct poller *poller)
{
    struct poller_hook *hook = container_of(waiter, struct poller_hook, waiter);
    list_del(&waiter->link);
    if (claim(poller->req))
        work_add(poller->req);
    atomic_store_explicit(&hook->queue, NULL, memory_order_release);
    return true;
}

static bool notify(struct waiter *waiter, unsigned events)
{
    struct poller *poller = waiter->data;
    if (unlikely(events & POLLFREE))
        return notify_freed(waiter, poller);
    if (events && !(events & poller->events))
        return false;
    if (claim(poller->req)) {
        poller->seen = known(events) & poller->events;
        work_add(poller->req);
    }
    return true;
}

static void hook_queue(struct poll_table *table, struct waitqueue *queue)
{
    struct poller *poller = container_of(table, struct poller, table);
    if (poller->n == QUEUES_MAX) {
        poller->full = true;
        return;
    }
    struct poller_hook *hook = &poller->hooks[poller->n++];
    hook->waiter = (struct waiter){.notify = notify, .data = poller};
    atomic_init(&hook->queue, queue);
    waitqueue_add(queue, &hook->waiter);
}

static void unhook(struct poller *poller)
{
    for (unsigned i = 0; i < poller->n; i++) {
        struct poller_hook *hook = &poller->hooks[i];
        rcu_read_lock(); /* a queue that says POLLFREE stays until readers have ended */
        struct waitqueue *queue = rcu_load(hook->queue);
        if (queue)
            waitqueue_remove(queue, &hook->waiter);
        rcu_read_unlock();
    }
    poller->n = 0;
    poller->full = false;
}

static int make_poller(struct request *req, unsigned events)
{
    if (!req->poller) {
        req->poller = kzalloc(sizeof(*req->poller));
        if (!req->poller)
            return -ENOMEM;
        req->poller->req = req;
        req->poller->table.wait = hook_queue;
    }
    req->poller->events = events | POLL_ALWAYS;
    req->poller->seen = 0;
    return 0;
}

int poll_arm(struct request *req, unsigned events)
{
    int err = make_poller(req, events);
    if (err)
        return err;
    struct poller *poller = req->poller;
    if (++poller->tries > TRIES_MAX && req->op->issue != issue_poll_add && !req->op->never_async) {
        req->flags |= REQ_MUST_WAIT; /* it is told that it may go on and cannot */
        return worker_queue(req);
    }
    atomic_store_explicit(&req->queued, false, memory_order_release);
    request_arm(req, STATE_POLL);
    unsigned now = file_poll(req->file, &poller->table) & poller->events;
    bool full = poller->full;
    if ((!now && !full) || !claim(req))
        return 0; /* if it could not be claimed the wake-up's work is on its way */
    unhook(poller);
    request_disarm(req);
    return full ? -ENOMEM : 1;
}

bool poll_claim(struct request *req)
{
    if (!claim(req))
        return false;
    unhook(req->poller);
    return true;
}

void poll_disarm(struct request *req)
{
    if (req->poller)
        unhook(req->poller);
}

/* --- POLL_ADD */

/* A multishot: tell what holds, and watch on: 0; or its last result, there was no room to tell. */
static int64_t tell_and_watch(struct request *req)
{
    unsigned seen = req->poller->seen;
    req->poller->seen = 0;
    atomic_store(&req->queued, false);
    unsigned now = file_poll(req->file, NULL) & req->poller->events ?: seen;
    if (!now || cq_post_more(req->ring, req->sqe.user_data, (int32_t)now, 0))
        return 0;
    if (!claim(req))
        return 0; /* more has come: its work finds the same */
    unhook(req->poller);
    return now;
}

/* Wait for it: URING_LATER; or what holds already. */
static int64_t watch_once(struct request *req)
{
    for (;;) {
        int ready = poll_arm(req, req->poll_events);
        if (ready <= 0)
            return ready ? ready : URING_LATER;
        unsigned now = file_poll(req->file, NULL) & (req->poll_events | POLL_ALWAYS);
        if (now)
            return now;
    }
}

static void poll_add_work(struct request *req)
{
    int64_t res;
    if (req->sqe.len & POLL_MULTI) {
        res = tell_and_watch(req) ?: URING_LATER;
    } else {
        unhook(req->poller);
        res = file_poll(req->file, NULL) & req->poller->events ?: req->poller->seen;
        if (!res)
            res = watch_once(req);
    }
    if (res != URING_LATER)
        request_complete(req, res);
}

void poll_work(struct request *req)
{
    struct uring *ring = req->ring;
    if (req->flags & REQ_CANCELLED || ring->dying || atomic_load(&req->owner->dying)) {
        unhook(req->poller);
        request_complete(req, -ECANCELED);
        return;
    }
    if (req->op->issue == issue_poll_add) {
        poll_add_work(req);
        return;
    }
    unhook(req->poller);
    request_disarm(req);
    req->flags |= REQ_POLLED;
    request_issue(req);
}

int prep_poll_add(struct request *req)
{
    unsigned flags = req->sqe.len;
    if (flags & ~(unsigned)POLL_MULTI) /* POLL_ADD_LEVEL has a number only: Linux 6.1, too */
        return -EINVAL;
    if (flags & POLL_MULTI && req->sqe.flags & SQE_CQE_SKIP)
        return -EINVAL;
    req->poll_events = req->sqe.op_flags & 0xffff;
    return 0;
}

/* What holds at first is told; a multishot goes on watching. */
URING_ISSUE(issue_poll_add)
{
    if (!req->file->ops->poll) /* a regular file: always ready, and nothing to wait for */
        return (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM) & (req->poll_events | POLL_ALWAYS);
    if (!(req->sqe.len & POLL_MULTI))
        return watch_once(req);
    int err = make_poller(req, req->poll_events);
    if (err)
        return err;
    atomic_store(&req->queued, true); /* wake-ups wait until the first look is over */
    request_arm(req, STATE_POLL);
    (void)file_poll(req->file, &req->poller->table);
    if (req->poller->full) {
        unhook(req->poller);
        return -ENOMEM;
    }
    return tell_and_watch(req) ?: URING_LATER;
}

/* --- POLL_REMOVE, which also updates */

int prep_poll_remove(struct request *req)
{
    unsigned flags = req->sqe.len;
    if (flags & ~(unsigned)(POLL_UPDATE_EVENTS | POLL_UPDATE_DATA | POLL_MULTI) ||
        flags == POLL_MULTI)
        return -EINVAL;
    if (!(flags & POLL_UPDATE_DATA) && req->sqe.off)
        return -EINVAL;
    return !(flags & POLL_UPDATE_EVENTS) && req->sqe.op_flags ? -EINVAL : 0;
}

static bool is_poll(const struct request *req)
{
    return req->op->issue == issue_poll_add && req->state == STATE_POLL;
}

/* It is claimed and idle: as if it had just been submitted with what is new. */
static void update(struct request *poll, const struct sqe *sqe)
{
    if (sqe->len & POLL_UPDATE_EVENTS) {
        poll->poll_events = sqe->op_flags & 0xffff;
        poll->sqe.len = (poll->sqe.len & ~(uint32_t)POLL_MULTI) | (sqe->len & POLL_MULTI);
    }
    if (sqe->len & POLL_UPDATE_DATA)
        poll->sqe.user_data = sqe->off;
    int64_t res = issue_poll_add(poll, false);
    if (res != URING_LATER)
        request_complete(poll, res);
}

URING_ISSUE(issue_poll_remove)
{
    struct request *poll = cancel_find(req->ring, req->sqe.addr, is_poll);
    if (!poll)
        return -ENOENT;
    bool updates = req->sqe.len & (POLL_UPDATE_EVENTS | POLL_UPDATE_DATA);
    if (!poll_claim(poll)) {
        if (!updates)
            poll->flags |= REQ_CANCELLED;
        return updates ? -EALREADY : 0;
    }
    request_disarm(poll);
    if (updates)
        update(poll, &req->sqe);
    else
        request_complete(poll, -ECANCELED);
    return 0;
}
