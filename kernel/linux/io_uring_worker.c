/* linux/io_uring_worker.c: threads for requests that have to wait and whose files cannot be
 * watched. Each thread that submits has its own, made when they are needed and ended when they were
 * idle for a while. */
#include "linux/groups.h"
#include "linux/io_uring.h"

#include "core/clock.h"

enum { BOUNDED, UNBOUNDED, KINDS, BOUNDED_PER_CPU = 4, UNBOUNDED_MOST = 256 };
#define IDLE_NS 5000000000ll

struct pool {
    struct list queue; /* of requests */
    struct list busy;  /* workers that have one */
    struct waitqueue wait;
    unsigned n, idle, limit;
};
struct workers {
    struct spinlock lock;
    struct pool pools[KINDS];
    unsigned n;
    bool ending;
    cpuset_t affinity;
    struct waitqueue ended;
    struct uring_task *owner; /* no reference: it ends them */
};
struct worker {
    struct list link; /* in pool->busy */
    struct workers *workers;
    struct pool *pool;
    struct task *task;
    struct request *req;
};

static void worker_main(void *arg);

bool worker_is_current(void)
{
    return current->entry == worker_main;
}

static struct workers *workers_of(struct uring_task *owner)
{
    struct workers *workers = owner->workers;
    if (workers)
        return workers;
    workers = kzalloc(sizeof(*workers));
    if (!workers)
        return NULL;
    for (unsigned i = 0; i < KINDS; i++) {
        struct pool *pool = &workers->pools[i];
        list_init(&pool->queue);
        list_init(&pool->busy);
        waitqueue_init(&pool->wait);
    }
    workers->pools[BOUNDED].limit = BOUNDED_PER_CPU * ncpus;
    workers->pools[UNBOUNDED].limit = UNBOUNDED_MOST;
    workers->affinity.bits = ~0ull;
    workers->owner = owner;
    waitqueue_init(&workers->ended);
    owner->workers = workers;
    return workers;
}

/* --- a worker's life */

/* The next request; NULL: none for now. */
static struct request *take(struct worker *worker)
{
    struct pool *pool = worker->pool;
    struct request *req = NULL;
    uint64_t flags = spin_lock_irq(&worker->workers->lock);
    if (!list_empty(&pool->queue)) {
        req = list_first(&pool->queue, struct request, link);
        list_del(&req->link);
        req->state = STATE_WORKER;
        req->worker = worker;
        worker->req = req;
        list_add_tail(&pool->busy, &worker->link);
        /* What ended its last one; from here on it can be cancelled. */
        atomic_fetch_and(&current->work, ~(unsigned)WORK_SIGNAL);
    }
    spin_unlock_irq(&worker->workers->lock, flags);
    return req;
}

/* The ring is locked: nobody can cancel the request through its worker from here on. */
static void leave(struct worker *worker)
{
    struct request *req = worker->req;
    uint64_t flags = spin_lock_irq(&worker->workers->lock);
    req->worker = NULL;
    worker->req = NULL;
    list_del(&worker->link);
    spin_unlock_irq(&worker->workers->lock, flags);
    request_disarm(req);
}

static void finish(struct request *req, int64_t res)
{
    struct uring *ring = req->ring;
    if (!(ring->flags & SETUP_DEFER_TASKRUN) || ring->submitter != req->owner) {
        request_complete(req, res);
        return;
    }
    req->res = (int32_t)res;
    req->flags |= REQ_DONE;
    work_add(req);
}

static bool is_watchable(const struct request *req)
{
    return req->op->poll && req->file && req->file->ops->poll && !(req->flags & REQ_MUST_WAIT);
}

static void carry_out(struct worker *worker, struct request *req)
{
    struct uring *ring = req->ring;
    bool watchable = is_watchable(req);
    int64_t res = 0;
    uring_get(ring);
    if (!watchable)
        res = request_try(req, true);
    uring_lock(ring);
    leave(worker);
    if (watchable)
        request_issue(req); /* as far as it goes; then it watches its file */
    else
        finish(req, uring_result(res));
    uring_unlock(ring);
    uring_put(ring);
}

/* Something to do, or the end: true. */
static bool wait_for_request(struct worker *worker)
{
    struct pool *pool = worker->pool;
    __atomic_add_fetch(&pool->idle, 1, __ATOMIC_SEQ_CST);
    int err = WAIT_EVENT(&pool->wait, !list_empty(&pool->queue) || worker->workers->ending,
                         WAIT_EXCLUSIVE, clock_monotonic() + IDLE_NS);
    __atomic_sub_fetch(&pool->idle, 1, __ATOMIC_SEQ_CST);
    return !err;
}

/* Unless something has come in the meantime. */
static bool may_end(struct worker *worker)
{
    struct workers *workers = worker->workers;
    uint64_t flags = spin_lock_irq(&workers->lock);
    bool empty = list_empty(&worker->pool->queue);
    if (empty)
        worker->pool->n--;
    spin_unlock_irq(&workers->lock, flags);
    return empty;
}

/* After that the owner may free everything, its process included. */
static void say_ended(struct workers *workers)
{
    uint64_t flags = spin_lock_irq(&workers->lock);
    workers->n--;
    wake_all(&workers->ended);
    spin_unlock_irq(&workers->lock, flags);
}

static void worker_main(void *arg)
{
    struct worker *worker = arg;
    struct request *req;
    for (;;) {
        while ((req = take(worker)))
            carry_out(worker, req);
        if ((worker->workers->ending || !wait_for_request(worker)) && may_end(worker))
            break;
    }
    current_task()->uring = NULL;
    task_worker_leave();
    say_ended(worker->workers);
    kfree(worker);
    task_worker_exit();
}

/* One more worker; its place is counted already. */
static int add_worker(struct workers *workers, struct pool *pool)
{
    struct worker *worker = kzalloc(sizeof(*worker));
    if (!worker)
        return -ENOMEM;
    *worker = (struct worker){.workers = workers, .pool = pool};
    list_init(&worker->link);
    worker->task = task_create_worker("iou-wrk", worker_main, worker);
    if (!worker->task) {
        kfree(worker);
        return -ENOMEM;
    }
    worker->task->uring = workers->owner;
    if (workers->affinity.bits != ~0ull)
        worker->task->thread.affinity = workers->affinity;
    thread_start(&worker->task->thread);
    return 0;
}

/* --- handing over */

static struct pool *pool_for(struct workers *workers, const struct request *req)
{
    bool bounded = req->file && (req->file->inode->mode & S_IFMT) == S_IFREG;
    return &workers->pools[bounded ? BOUNDED : UNBOUNDED];
}

static int take_credentials(struct request *req)
{
    if (req->cred)
        return 0;
    req->cred = credentials_clone(&current_task()->cred);
    return req->cred ? 0 : -ENOMEM;
}

/* True: there is nobody to take it, so somebody has to be made. */
static bool enqueue(struct workers *workers, struct pool *pool, struct request *req)
{
    uint64_t flags = spin_lock_irq(&workers->lock);
    list_add_tail(&pool->queue, &req->link);
    bool need = !pool->idle && (pool->n < pool->limit || !pool->n);
    if (need) {
        pool->n++;
        workers->n++;
    }
    spin_unlock_irq(&workers->lock, flags);
    return need;
}

/* Nobody could be made: false if another worker will see to the request all the same. */
static bool give_up(struct workers *workers, struct pool *pool, struct request *req)
{
    uint64_t flags = spin_lock_irq(&workers->lock);
    workers->n--;
    bool alone = --pool->n == 0 && req->state == STATE_QUEUED;
    if (alone)
        list_del(&req->link);
    spin_unlock_irq(&workers->lock, flags);
    return alone;
}

int worker_queue(struct request *req)
{
    struct workers *workers = workers_of(req->owner);
    int err = workers ? take_credentials(req) : -ENOMEM;
    if (err)
        return err;
    struct pool *pool = pool_for(workers, req);
    request_arm(req, STATE_QUEUED);
    if (!enqueue(workers, pool, req)) {
        waitqueue_wake(&pool->wait, 1, 0);
        return 0;
    }
    err = add_worker(workers, pool);
    if (!err || !give_up(workers, pool, req))
        return 0;
    request_disarm(req);
    return err;
}

bool worker_cancel(struct request *req)
{
    struct workers *workers = req->owner->workers;
    uint64_t flags = spin_lock_irq(&workers->lock);
    bool waits = req->state == STATE_QUEUED;
    if (waits)
        list_del(&req->link);
    else if (req->worker)
        thread_post_work(&req->worker->task->thread, WORK_SIGNAL);
    spin_unlock_irq(&workers->lock, flags);
    return waits;
}

void workers_end(struct uring_task *owner)
{
    struct workers *workers = owner->workers;
    if (!workers)
        return;
    uint64_t flags = spin_lock_irq(&workers->lock);
    workers->ending = true;
    spin_unlock_irq(&workers->lock, flags);
    for (unsigned i = 0; i < KINDS; i++)
        wake_all(&workers->pools[i].wait);
    (void)WAIT_EVENT(&workers->ended, !workers->n, 0, NSEC_FOREVER);
    flags = spin_lock_irq(&workers->lock); /* the last one has left it */
    spin_unlock_irq(&workers->lock, flags);
    owner->workers = NULL;
    kfree(workers);
}

/* --- limits */

/* Set those that are not 0, and tell what they were. */
int workers_limit(struct uring_task *owner, uint32_t limits[2])
{
    struct workers *workers = workers_of(owner);
    if (!workers)
        return -ENOMEM;
    for (unsigned i = 0; i < KINDS; i++) {
        unsigned old = workers->pools[i].limit;
        if (limits[i])
            workers->pools[i].limit = MIN(limits[i], (uint32_t)UNBOUNDED_MOST);
        limits[i] = old;
    }
    return 0;
}

int workers_affinity(struct uring_task *owner, cpuset_t set)
{
    struct workers *workers = workers_of(owner);
    if (!workers)
        return -ENOMEM;
    workers->affinity = set; /* of those that are made from now on */
    return 0;
}
