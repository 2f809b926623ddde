/* linux/io_uring_timeout.c: TIMEOUT, LINK_TIMEOUT and TIMEOUT_REMOVE. A timer that fires (interrupt
 * context) claims its request like a wake-up does (io_uring_poll.c). */
#include "linux/io_uring.h"

#include "core/clock.h"
#include "linux/time.h"

enum {
    TIMEOUT_ABS = 1,
    TIMEOUT_UPDATE = 2,
    TIMEOUT_BOOTTIME = 4,
    TIMEOUT_REALTIME = 8,
    LINK_TIMEOUT_UPDATE = 16,
    TIMEOUT_ETIME_SUCCESS = 32,
    TIMEOUT_CLOCKS = TIMEOUT_BOOTTIME | TIMEOUT_REALTIME,
};

static bool claim(struct request *req)
{
    return !atomic_exchange_explicit(&req->queued, true, memory_order_acq_rel);
}

static void fired(struct timer *timer)
{
    struct request *req = container_of(timer, struct request, timer);
    if (claim(req)) {
        req->res = -ETIME;
        work_add(req);
    }
}

/* A span or a point, as the flags say, becomes a deadline of the monotonic clock when it starts. */
static void start(struct request *req, unsigned flags)
{
    nsec_t deadline = req->span;
    if (!(flags & TIMEOUT_ABS))
        deadline = nsec_add(clock_monotonic(), deadline);
    else if (flags & TIMEOUT_REALTIME)
        deadline = time_realtime_to_monotonic(deadline);
    atomic_store_explicit(&req->queued, false, memory_order_release);
    request_arm(req, STATE_TIMER);
    timer_init(&req->timer, fired);
    timer_start(&req->timer, deadline);
}

/* What a request in `timeouts` counts. */
static void count_on(struct request *req)
{
    struct uring *ring = req->ring;
    uint64_t flags = spin_lock_irq(&ring->timeout_lock);
    req->timeout_target = ring->cq_tail - ring->timeouts_done + (uint32_t)req->sqe.off;
    list_add_tail(&ring->timeouts, &req->timeout_link);
    spin_unlock_irq(&ring->timeout_lock, flags);
}

static void count_off(struct request *req)
{
    uint64_t flags = spin_lock_irq(&req->ring->timeout_lock);
    list_del(&req->timeout_link);
    spin_unlock_irq(&req->ring->timeout_lock, flags);
}

void timeouts_count(struct uring *ring)
{
    uint64_t flags = spin_lock_irq(&ring->timeout_lock);
    list_for_each_safe (link, next, &ring->timeouts) {
        struct request *req = list_entry(link, struct request, timeout_link);
        if ((int32_t)(ring->cq_tail - ring->timeouts_done - req->timeout_target) < 0)
            continue;
        list_del(&req->timeout_link);
        if (claim(req)) {
            req->res = 0;
            work_add(req);
        }
    }
    spin_unlock_irq(&ring->timeout_lock, flags);
}

bool timeout_claim(struct request *req)
{
    if (!claim(req))
        return false;
    timer_cancel(&req->timer);
    count_off(req);
    return true;
}

/* --- TIMEOUT */

/* Any spans that are not negative; the nanoseconds may be more than a second. */
static int get_span(uintptr_t from, nsec_t *span)
{
    struct timespec ts;
    if (user_read(&ts, from, sizeof(ts)) < 0)
        return -EFAULT;
    if (ts.sec < 0 || ts.nsec < 0)
        return -EINVAL;
    nsec_t whole = ts.sec > NSEC_FOREVER / NSEC_PER_SEC ? NSEC_FOREVER : ts.sec * NSEC_PER_SEC;
    *span = nsec_add(whole, ts.nsec);
    return 0;
}

static bool too_many_clocks(unsigned flags)
{
    return (flags & TIMEOUT_CLOCKS) == TIMEOUT_CLOCKS;
}

int prep_timeout(struct request *req)
{
    const struct request *last = req->ring->chain_last;
    unsigned flags = req->sqe.op_flags;
    if (req->sqe.len != 1)
        return -EINVAL;
    if (req->sqe.opcode == OP_LINK_TIMEOUT && req->sqe.off)
        return -EINVAL;
    if (flags & ~(unsigned)(TIMEOUT_CLOCKS | TIMEOUT_ABS | TIMEOUT_ETIME_SUCCESS) ||
        too_many_clocks(flags))
        return -EINVAL;
    int err = get_span(req->sqe.addr, &req->span);
    if (err || req->sqe.opcode != OP_LINK_TIMEOUT)
        return err;
    return !last || last->sqe.opcode == OP_LINK_TIMEOUT ? -EINVAL : 0;
}

URING_ISSUE(issue_timeout)
{
    if (req->sqe.opcode == OP_LINK_TIMEOUT)
        return -ECANCELED; /* there is nothing that it guards any more */
    start(req, req->sqe.op_flags);
    if ((uint32_t)req->sqe.off)
        count_on(req);
    return URING_LATER;
}

/* --- LINK_TIMEOUT */

void timeout_arm_link(struct request *req)
{
    struct request *timeout = req->next;
    if (!timeout || timeout->sqe.opcode != OP_LINK_TIMEOUT || timeout->partner ||
        timeout->flags & REQ_FAIL)
        return;
    timeout->partner = req;
    req->partner = timeout;
    start(timeout, timeout->sqe.op_flags);
}

/* Take it out of the chain. NULL: there is none, or its work is on its way (and finds nothing left
 * to guard). */
struct request *timeout_unlink(struct request *guarded)
{
    struct request *timeout = guarded->next;
    if (!timeout || timeout->sqe.opcode != OP_LINK_TIMEOUT)
        return NULL;
    guarded->next = timeout->next;
    guarded->partner = timeout->next = NULL;
    if (!timeout->partner)
        return timeout;
    timeout->partner = NULL;
    if (!timeout_claim(timeout))
        return NULL;
    request_disarm(timeout);
    return timeout;
}

static void link_timeout_over(struct request *req)
{
    struct request *guarded = req->partner;
    int err = 0;
    if (guarded) {
        guarded->next = req->next;
        req->next = req->partner = guarded->partner = NULL;
        err = cancel_request(guarded);
    }
    req->flags |= REQ_EXPECTED;
    request_complete(req, err ? err : -ETIME);
}

void timeout_work(struct request *req)
{
    timer_cancel(&req->timer);
    count_off(req);
    if (req->sqe.opcode == OP_LINK_TIMEOUT) {
        link_timeout_over(req);
        return;
    }
    int res = req->flags & REQ_CANCELLED ? -ECANCELED : req->res;
    if (res == -ETIME && req->sqe.op_flags & TIMEOUT_ETIME_SUCCESS)
        req->flags |= REQ_EXPECTED;
    request_complete(req, res);
}

/* --- TIMEOUT_REMOVE */

int prep_timeout_remove(struct request *req)
{
    unsigned flags = req->sqe.op_flags, update = flags & (TIMEOUT_UPDATE | LINK_TIMEOUT_UPDATE);
    if (req->sqe.flags & (SQE_FIXED_FILE | SQE_BUFFER_SELECT))
        return -EINVAL;
    if (!update)
        return flags ? -EINVAL : 0;
    if (too_many_clocks(flags) ||
        flags & ~(unsigned)(TIMEOUT_UPDATE | LINK_TIMEOUT_UPDATE | TIMEOUT_ABS | TIMEOUT_CLOCKS))
        return -EINVAL;
    return get_span(req->sqe.off, &req->span);
}

static bool is_timeout(const struct request *req)
{
    return req->state == STATE_TIMER && req->sqe.opcode == OP_TIMEOUT;
}

static bool is_link_timeout(const struct request *req)
{
    return req->state == STATE_TIMER && req->sqe.opcode == OP_LINK_TIMEOUT;
}

URING_ISSUE(issue_timeout_remove)
{
    unsigned flags = req->sqe.op_flags;
    struct request *timeout = cancel_find(
        req->ring, req->sqe.addr, flags & LINK_TIMEOUT_UPDATE ? is_link_timeout : is_timeout);
    if (!timeout)
        return -ENOENT;
    if (!timeout_claim(timeout))
        return -EALREADY;
    if (flags & (TIMEOUT_UPDATE | LINK_TIMEOUT_UPDATE)) {
        timeout->span = req->span;
        start(timeout, flags);
    } else {
        request_complete(timeout, -ECANCELED);
    }
    return 0;
}
