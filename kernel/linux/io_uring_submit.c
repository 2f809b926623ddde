/* linux/io_uring_submit.c: the life of a request: taken from the submission queue, linked, drained,
 * issued, completed. ring->lock is held throughout. */
#include "linux/groups.h"
#include "linux/io_uring.h"

#include "lib/string.h"
#include "linux/path.h"

static struct kcache request_cache = {.name = "io_uring_request", .size = sizeof(struct request)};

/* --- life */

static struct request *request_create(struct uring *ring, struct uring_task *owner)
{
    struct request *req = kcache_alloc(&request_cache);
    if (!req)
        return NULL;
    req->ring = ring;
    uring_get(ring);
    req->owner = owner;
    atomic_fetch_add_explicit(&owner->refs, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&owner->requests, 1, memory_order_relaxed);
    list_init(&req->armed);
    list_init(&req->link);
    list_init(&req->timeout_link);
    return req;
}

void request_free(struct request *req)
{
    struct uring_task *owner = req->owner;
    struct uring *ring = req->ring;
    bool counted = !(req->flags & REQ_ORPHAN);
    if (req->op && req->op->cleanup)
        req->op->cleanup(req);
    kfree(req->data);
    kfree(req->poller);
    credentials_free(req->cred);
    if (req->file)
        file_put(req->file);
    if (req->flags & REQ_SELECTED)
        (void)provided_commit(req);
    resources_release(req);
    kcache_free(&request_cache, req);
    if (counted && atomic_fetch_sub_explicit(&owner->requests, 1, memory_order_acq_rel) == 1)
        wake_all(&owner->idle);
    uring_task_put(owner);
    uring_put(ring);
}

void request_arm(struct request *req, enum request_state state)
{
    struct list *bucket = &req->ring->armed[req->sqe.user_data % BUCKETS];
    req->state = state;
    if (list_empty(&req->armed))
        list_add_tail(bucket, &req->armed);
}

void request_disarm(struct request *req)
{
    req->state = STATE_IDLE;
    list_del(&req->armed);
}

/* --- completing */

void request_run(struct request *req)
{
    if (uring_is_current(req->owner) || atomic_load(&req->owner->dying))
        list_add_tail(&req->ring->ready, &req->link);
    else
        work_add(req);
}

static void tell(struct request *req)
{
    if (req->sqe.flags & SQE_CQE_SKIP)
        return;
    cq_post(req->ring, req->sqe.user_data, req->res, req->cqe_flags);
}

/* It and all that is linked behind it are through, with the results that they have. */
static void fail_links(struct request *req, bool silent)
{
    while (req) {
        struct request *next = req->next;
        if (!(req->flags & REQ_FAIL))
            req->res = -ECANCELED;
        if (!silent)
            cq_post(req->ring, req->sqe.user_data, req->res, 0);
        req->ring->ncompleted++;
        request_free(req);
        req = next;
    }
}

/* As on Linux a request that was to be silent speaks when it fails, and those behind it are. */
static bool has_failed(struct request *req)
{
    if ((req->res >= 0 || req->flags & REQ_EXPECTED) && !(req->flags & (REQ_PARTIAL | REQ_FAIL)))
        return false;
    if (req->sqe.flags & SQE_CQE_SKIP) {
        req->sqe.flags &= (uint8_t)~SQE_CQE_SKIP;
        req->flags |= REQ_SKIP_LINKS;
    }
    return true;
}

void request_release_drained(struct uring *ring)
{
    while (!list_empty(&ring->deferred)) {
        struct request *req = list_first(&ring->deferred, struct request, link);
        if (req->sqe.flags & SQE_DRAIN && ring->ncompleted < req->sequence)
            return;
        list_del(&req->link);
        request_run(req);
    }
    ring->drain_active = false;
}

/* Its LINK_TIMEOUT is over with it. */
static void finish_timeout(struct request *req)
{
    struct request *timeout = timeout_unlink(req);
    if (!timeout)
        return;
    if (!(timeout->flags & REQ_FAIL))
        timeout->res = -ECANCELED;
    timeout->flags |= REQ_FAIL;
    fail_links(timeout, req->flags & REQ_SKIP_LINKS || timeout->sqe.flags & SQE_CQE_SKIP);
}

void request_complete(struct request *req, int64_t res)
{
    struct uring *ring = req->ring;
    if (res < INT32_MIN || res > INT32_MAX)
        res = INT32_MAX;
    req->res = (int32_t)res;
    request_disarm(req);
    bool failed = has_failed(req);
    if (req->flags & REQ_SELECTED)
        req->cqe_flags |= provided_commit(req);
    ring->timeouts_done += req->sqe.opcode == OP_TIMEOUT;
    tell(req);
    ring->ncompleted++;
    finish_timeout(req);
    struct request *next = req->next;
    req->next = NULL;
    if (next && failed && !(req->sqe.flags & SQE_HARDLINK))
        fail_links(next, req->flags & REQ_SKIP_LINKS);
    else if (next)
        request_run(next);
    request_free(req);
    if (!list_empty(&ring->deferred))
        request_release_drained(ring);
}

/* --- issuing */

/* Its file, found when it is issued: one linked before it may have opened it. */
static bool find_file(struct request *req)
{
    if (req->file || !req->op->needs_file)
        return true;
    req->file = req->sqe.flags & SQE_FIXED_FILE ? files_get(req, (unsigned)req->sqe.fd)
                                                : fd_get(req->sqe.fd);
    return req->file != NULL;
}

int request_make_stable(struct request *req)
{
    if (req->flags & REQ_STABLE || !req->op->stable)
        return 0;
    int err = req->op->stable(req);
    if (!err)
        req->flags |= REQ_STABLE;
    return err;
}

/* It would have to wait: 0 somebody sees to it, 1 try again, or why that cannot be. */
static int wait_for_file(struct request *req)
{
    int err = request_make_stable(req);
    if (err)
        return err;
    if (req->op->poll && req->file && req->file->ops->poll && !(req->flags & REQ_MUST_WAIT))
        return poll_arm(req, req->poll_events ?: req->op->poll);
    return worker_queue(req);
}

int64_t request_try(struct request *req, bool may_wait)
{
    struct task *task = current_task();
    if (!req->cred)
        return req->op->issue(req, may_wait);
    struct credentials *own = kmalloc(sizeof(*own));
    if (!own)
        return -ENOMEM;
    *own = task->cred;
    task->cred = *req->cred;
    int64_t res = req->op->issue(req, may_wait);
    task->cred = *own;
    kfree(own);
    return res;
}

static bool is_over(struct request *req)
{
    if (req->flags & REQ_FAIL) /* was refused: all of its chain goes with it */
        req->sqe.flags &= (uint8_t)~SQE_HARDLINK;
    if (req->flags & (REQ_FAIL | REQ_DONE)) {
        request_complete(req, req->res);
        return true;
    }
    if (req->flags & REQ_CANCELLED || req->ring->dying || atomic_load(&req->owner->dying)) {
        request_complete(req, -ECANCELED);
        return true;
    }
    return false;
}

static bool is_forced(struct request *req)
{
    if (!(req->flags & REQ_FORCE_ASYNC) || req->op->never_async)
        return false;
    req->flags &= ~(unsigned)REQ_FORCE_ASYNC;
    return true;
}

void request_issue(struct request *req)
{
    int more = 1;
    if (is_over(req))
        return;
    if (!find_file(req)) {
        request_complete(req, -EBADF);
        return;
    }
    if (is_forced(req)) {
        int err = request_make_stable(req) ?: worker_queue(req);
        if (err)
            request_complete(req, err);
        else
            timeout_arm_link(req);
        return;
    }
    while (more > 0) {
        req->flags &= ~(unsigned)REQ_AGAIN;
        int64_t res = request_try(req, false);
        if (res == URING_LATER)
            break;
        if (res != -EAGAIN || !(req->flags & REQ_AGAIN) || req->flags & REQ_NOWAIT) {
            request_complete(req, uring_result(res));
            return;
        }
        more = wait_for_file(req);
        if (more < 0) {
            request_complete(req, more);
            return;
        }
    }
    timeout_arm_link(req);
}

/* --- submission */

static void chain_add(struct uring *ring, struct request *req)
{
    if (ring->chain)
        ring->chain_last->next = req;
    else
        ring->chain = req;
    ring->chain_last = req;
}

/* Requests behind the first keep what they need of the program's memory. */
static void make_chain_stable(struct request *req)
{
    for (; req; req = req->next) {
        int err = req->flags & REQ_FAIL ? 0 : request_make_stable(req);
        if (err) {
            req->flags |= REQ_FAIL;
            req->res = err;
        }
    }
}

static unsigned chain_length(const struct request *req)
{
    unsigned n = 0;
    for (; req; req = req->next)
        n++;
    return n;
}

/* A chain (or a request alone) is complete. */
static void start(struct uring *ring, struct request *head)
{
    uint64_t before = ring->sequence;
    ring->sequence += chain_length(head);
    if (ring->chain_drain || ring->next_drain)
        head->sqe.flags |= SQE_DRAIN;
    ring->next_drain = ring->chain_drain;
    ring->chain_drain = false;
    if (head->sqe.flags & SQE_DRAIN)
        ring->drain_active = true;
    if (ring->drain_active) {
        make_chain_stable(head);
        head->sequence = before;
        list_add_tail(&ring->deferred, &head->link);
        request_release_drained(ring);
        return;
    }
    make_chain_stable(head->next);
    list_add_tail(&ring->ready, &head->link);
}

static void start_chain(struct uring *ring)
{
    struct request *head = ring->chain;
    ring->chain = ring->chain_last = NULL;
    if (head)
        start(ring, head);
}

static bool allowed(const struct uring *ring, const struct sqe *sqe)
{
    const struct restrictions *r = &ring->restrictions;
    if (!ring->restricted)
        return true;
    return r->ops >> sqe->opcode & 1 && (sqe->flags & r->required) == r->required &&
           !(sqe->flags & ~(r->allowed | r->required));
}

/* Fields that the operation does not have must be zero. */
static int check_zero(const struct uring_op *op, const struct sqe *sqe)
{
    bool bad = (op->zero & ZERO_OFF && sqe->off) || (op->zero & ZERO_ADDR && sqe->addr) ||
               (op->zero & ZERO_LEN && sqe->len) || (op->zero & ZERO_FLAGS && sqe->op_flags) ||
               (op->zero & ZERO_BUF && sqe->buf_index) ||
               (op->zero & ZERO_FILE_INDEX && sqe->file_index) ||
               (op->zero & ZERO_ADDR3 && sqe->addr3) || (!op->ioprio && sqe->ioprio);
    return bad ? -EINVAL : 0;
}

static int take_personality(struct request *req)
{
    unsigned id = req->sqe.personality;
    if (!id)
        return 0;
    struct credentials *cred = id < PERSONALITIES ? req->ring->personalities[id] : NULL;
    if (!cred)
        return -EINVAL;
    req->cred = credentials_clone(cred);
    return req->cred ? 0 : -ENOMEM;
}

static int check_sqe_flags(struct uring *ring, const struct sqe *sqe)
{
    const struct uring_op *op = &uring_ops[sqe->opcode];
    if (sqe->flags & ~SQE_FLAGS)
        return -EINVAL;
    if (sqe->flags & SQE_BUFFER_SELECT && !op->select)
        return -EOPNOTSUPP;
    if (sqe->flags & SQE_CQE_SKIP)
        ring->drain_disabled = true;
    if (sqe->flags & SQE_DRAIN) {
        if (ring->drain_disabled)
            return -EOPNOTSUPP;
        if (ring->chain)
            ring->chain_drain = true;
    }
    return 0;
}

static int init(struct request *req)
{
    struct uring *ring = req->ring;
    struct sqe *sqe = &req->sqe;
    if (sqe->opcode >= OPS) {
        req->op = &uring_ops[OP_NOP];
        return -EINVAL;
    }
    const struct uring_op *op = req->op = &uring_ops[sqe->opcode];
    int err = check_sqe_flags(ring, sqe);
    if (!err && !allowed(ring, sqe))
        err = -EACCES;
    if (!err)
        err = check_zero(op, sqe);
    if (!err && ring->flags & SETUP_IOPOLL && !op->iopoll)
        err = -EINVAL;
    if (!err)
        err = take_personality(req);
    if (sqe->flags & SQE_ASYNC)
        req->flags |= REQ_FORCE_ASYNC;
    return err ?: op->prep ? op->prep(req) : 0;
}

static void fail(struct request *req, int err)
{
    req->flags |= REQ_FAIL;
    req->res = err;
    if (req->sqe.flags & SQE_CQE_SKIP) {
        req->sqe.flags &= (uint8_t)~SQE_CQE_SKIP;
        req->flags |= REQ_SKIP_LINKS;
    }
}

/* What was wrong with it, where it stands alone or ends a chain. */
static int submit_one(struct uring *ring, struct request *req)
{
    int err = init(req);
    struct request *head = ring->chain;
    bool links = req->sqe.flags & (SQE_LINK | SQE_HARDLINK);
    if (err) {
        fail(req, err);
        if (head && !(head->flags & REQ_FAIL))
            fail(head, -ECANCELED);
    }
    if (!head && !links) {
        start(ring, req);
        return err;
    }
    chain_add(ring, req);
    if (links)
        return 0;
    start_chain(ring);
    return err;
}

/* The next entry, read once; false: the program's index is wrong. */
static bool fetch(struct uring *ring, struct sqe *sqe)
{
    unsigned slot = ring->sq_head++ & (ring->sq_entries - 1);
    atomic_uint *index = ring_memory_at(ring->rings, ring->array_at + slot * sizeof(uint32_t));
    unsigned at = atomic_load_explicit(index, memory_order_relaxed);
    if (at >= ring->sq_entries) {
        atomic_fetch_add(&ring->page->sq_dropped, 1);
        return false;
    }
    memcpy(sqe, ring_memory_at(ring->sqes, at * ring->sqe_size), sizeof(*sqe));
    atomic_signal_fence(memory_order_seq_cst);
    return true;
}

static void run_ready(struct uring *ring)
{
    while (!list_empty(&ring->ready)) {
        struct request *req = list_first(&ring->ready, struct request, link);
        list_del(&req->link);
        request_issue(req);
    }
}

int64_t uring_submit(struct uring *ring, unsigned n)
{
    struct uring_task *owner = uring_current();
    unsigned there =
        atomic_load_explicit(&ring->page->sq_tail, memory_order_acquire) - ring->sq_head;
    int64_t done = 0;
    n = MIN(MIN(n, there), ring->sq_entries);
    while (done < n) {
        struct request *req = request_create(ring, owner);
        if (!req)
            break;
        if (!fetch(ring, &req->sqe)) {
            request_free(req);
            break;
        }
        done++;
        int err = submit_one(ring, req);
        run_ready(ring);
        if (err && !(ring->flags & SETUP_SUBMIT_ALL))
            break;
    }
    start_chain(ring);
    run_ready(ring);
    atomic_store_explicit(&ring->page->sq_head, ring->sq_head, memory_order_release);
    return done || !n ? done : -EAGAIN;
}
