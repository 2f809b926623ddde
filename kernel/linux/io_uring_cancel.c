/* linux/io_uring_cancel.c: ending requests that wait: ASYNC_CANCEL, REGISTER_SYNC_CANCEL, the end
 * of a thread or of a ring. */
#include "linux/io_uring.h"

static bool matches(const struct request *req, const struct cancel *cancel)
{
    if (req == cancel->self || req->sqe.opcode == OP_LINK_TIMEOUT)
        return false;
    if (cancel->owner && (req->owner != cancel->owner || req->flags & REQ_ORPHAN))
        return false;
    if (cancel->flags & CANCEL_ANY)
        return true;
    return cancel->flags & CANCEL_FD ? req->file == cancel->file
                                     : req->sqe.user_data == cancel->user_data;
}

struct request *cancel_find(struct uring *ring, uint64_t user_data,
                            bool (*fits)(const struct request *))
{
    list_for_each_entry (struct request, req, &ring->armed[user_data % BUCKETS], armed) {
        if (req->sqe.user_data == user_data && fits(req))
            return req;
    }
    return NULL;
}

int cancel_request(struct request *req)
{
    switch (req->state) {
    case STATE_POLL:
        if (!poll_claim(req)) {
            req->flags |= REQ_CANCELLED;
            return req->op->issue == issue_poll_add ? 0 : -EALREADY;
        }
        break;
    case STATE_TIMER:
        if (!timeout_claim(req))
            return -EALREADY;
        break;
    case STATE_QUEUED:
    case STATE_WORKER:
        if (!worker_cancel(req))
            return -EALREADY;
        break;
    default:
        return -EALREADY;
    }
    request_complete(req, -ECANCELED);
    return 0;
}

/* Those that match, moved aside first: a completion may start others that match, too. */
static int cancel_bucket(struct list *bucket, const struct cancel *cancel, int *found, bool *ran)
{
    struct list *link = bucket->next;
    while (link != bucket) {
        struct request *req = list_entry(link, struct request, armed);
        link = link->next;
        if (!matches(req, cancel))
            continue;
        if (link != bucket && list_entry(link, struct request, armed) == req->partner)
            link = link->next; /* it goes with it */
        int err = cancel_request(req);
        *found += !err;
        *ran |= err == -EALREADY;
        if (!(cancel->flags & (CANCEL_ALL | CANCEL_ANY)))
            return 1;
    }
    return 0;
}

int cancel_matching(struct uring *ring, const struct cancel *cancel)
{
    bool all = cancel->flags & (CANCEL_ALL | CANCEL_ANY), ran = false;
    int found = 0;
    if (!(cancel->flags & (CANCEL_FD | CANCEL_ANY))) {
        cancel_bucket(&ring->armed[cancel->user_data % BUCKETS], cancel, &found, &ran);
    } else {
        for (unsigned i = 0; i < BUCKETS; i++)
            if (cancel_bucket(&ring->armed[i], cancel, &found, &ran))
                break;
    }
    if (all)
        return found;
    return found ? 0 : ran ? -EALREADY : -ENOENT;
}

/* Requests that wait for others to complete. */
static void cancel_deferred(struct uring *ring, const struct uring_task *owner)
{
    list_for_each_safe (link, next, &ring->deferred) {
        struct request *req = list_entry(link, struct request, link);
        if (owner && req->owner != owner)
            continue;
        list_del(&req->link);
        list_init(&req->link);
        req->flags |= REQ_FAIL;
        req->res = -ECANCELED;
        list_add_tail(&ring->ready, &req->link);
    }
}

/* Timeouts need nothing of the thread that goes, and what watches a file will not be carried out:
 * as on Linux they stay until they are due. Not so what watches a ring, which it would keep. */
static bool may_stay(const struct request *req)
{
    if (req->next || req->flags & REQ_ORPHAN)
        return false;
    return req->sqe.opcode == OP_TIMEOUT || (req->state == STATE_POLL && !uring_of(req->file));
}

static void leave_orphans(struct uring *ring, struct uring_task *owner)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        list_for_each_entry (struct request, req, &ring->armed[i], armed) {
            if (req->owner != owner || !may_stay(req))
                continue;
            req->flags |= REQ_ORPHAN;
            atomic_fetch_sub_explicit(&owner->requests, 1, memory_order_relaxed);
        }
    }
}

void cancel_owner(struct uring *ring, struct uring_task *owner)
{
    const struct cancel cancel = {.flags = CANCEL_ANY, .owner = owner};
    uring_lock(ring);
    cancel_deferred(ring, owner);
    if (owner && !owner->ends_all)
        leave_orphans(ring, owner);
    (void)cancel_matching(ring, &cancel);
    uring_unlock(ring);
}

/* --- ASYNC_CANCEL */

int prep_cancel(struct request *req)
{
    unsigned flags = req->sqe.op_flags;
    if (flags & ~(unsigned)(CANCEL_ALL | CANCEL_FD | CANCEL_ANY | CANCEL_FD_FIXED))
        return -EINVAL;
    return flags & CANCEL_FD && flags & CANCEL_ANY ? -EINVAL : 0;
}

URING_ISSUE(issue_cancel)
{
    struct cancel cancel = {.user_data = req->sqe.addr, .flags = req->sqe.op_flags, .self = req};
    if (cancel.flags & CANCEL_FD) {
        bool fixed = cancel.flags & CANCEL_FD_FIXED || req->sqe.flags & SQE_FIXED_FILE;
        cancel.file = fixed ? files_get(req, (unsigned)req->sqe.fd) : fd_get(req->sqe.fd);
        if (!cancel.file)
            return -EBADF;
    }
    int result = cancel_matching(req->ring, &cancel);
    if (cancel.file)
        file_put(cancel.file);
    return result;
}
