/* linux/io_uring.c: rings and their memory, the threads that use them, io_uring_setup(2) and
 * io_uring_enter(2). */
#include "linux/io_uring.h"

#include "core/boot.h"
#include "lib/string.h"
#include "linux/groups.h"
#include "linux/ipc_exit.h"
#include "linux/syscall.h"
#include "linux/time.h"

#define OFF_SQ_RING 0ull
#define OFF_CQ_RING 0x8000000ull
#define OFF_SQES    0x10000000ull

enum {
    FEATURES = 0x1fff, /* all of Linux 6.1: SINGLE_MMAP to LINKED_FILE */
    ENTER_GETEVENTS = 1,
    ENTER_SQ_WAKEUP = 2,
    ENTER_SQ_WAIT = 4,
    ENTER_EXT_ARG = 8,
    ENTER_REGISTERED_RING = 16,
    ENTER_ALL = 31,
};

/* struct io_uring_params */
struct params {
    uint32_t sq_entries, cq_entries, flags, sq_thread_cpu, sq_thread_idle, features;
    int32_t wq_fd;
    uint32_t resv[3];
    struct {
        uint32_t head, tail, ring_mask, ring_entries, flags, dropped, array, resv1;
        uint64_t resv2;
    } sq;
    struct {
        uint32_t head, tail, ring_mask, ring_entries, overflow, cqes, flags, resv1;
        uint64_t resv2;
    } cq;
};
_Static_assert(sizeof(struct params) == 120, "uapi");

static struct mutex rings_lock;
static struct list rings = LIST_INIT(rings);
static struct kcache ring_cache = {.name = "io_uring", .size = sizeof(struct uring)};
static const struct file_ops uring_file_ops;

struct uring *uring_of(const struct file *file)
{
    return file->ops == &uring_file_ops ? file->data : NULL;
}

/* --- memory that the program shares */

static struct ring_memory *memory_of(struct mem_object *object)
{
    return container_of(object, struct ring_memory, object);
}

static void memory_get(struct mem_object *object)
{
    atomic_fetch_add_explicit(&memory_of(object)->refs, 1, memory_order_relaxed);
}

static void memory_put(struct mem_object *object)
{
    struct ring_memory *memory = memory_of(object);
    if (atomic_fetch_sub_explicit(&memory->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (unsigned i = 0; i < memory->npages; i++)
        frame_put(memory->frames[i]);
    kfree(memory);
}

static int memory_page(struct mem_object *object, uint64_t index, bool write, paddr_t *frame,
                       bool *writable)
{
    struct ring_memory *memory = memory_of(object);
    if (index >= memory->npages)
        return -EFAULT;
    *frame = memory->frames[index];
    frame_get(*frame);
    *writable = true;
    return 0;
}

static void memory_name(struct mem_object *object, void *file, char *buf, size_t size)
{
    strlcpy(buf, "anon_inode:[io_uring]", size);
}

static const struct mem_object_ops memory_ops = {
    .page = memory_page,
    .get = memory_get,
    .put = memory_put,
    .name = memory_name,
};

static struct ring_memory *memory_create(size_t size)
{
    unsigned npages = (unsigned)(ALIGN_UP(size, PAGE_SIZE) >> PAGE_SHIFT);
    struct ring_memory *memory = kzalloc(sizeof(*memory) + npages * sizeof(memory->frames[0]));
    if (!memory)
        return NULL;
    mem_object_init(&memory->object, &memory_ops);
    atomic_init(&memory->refs, 1);
    for (; memory->npages < npages; memory->npages++) {
        paddr_t frame = frame_alloc(0, FRAME_ZERO | FRAME_USER);
        if (!frame) {
            memory_put(&memory->object);
            return NULL;
        }
        memory->frames[memory->npages] = frame;
    }
    return memory;
}

static int uring_mmap(struct file *file, struct map_request *request)
{
    struct uring *ring = file->data;
    uint64_t offset = request->object_page << PAGE_SHIFT;
    struct ring_memory *memory;
    if (offset == OFF_SQES)
        memory = ring->sqes;
    else if (offset == OFF_SQ_RING || offset == OFF_CQ_RING)
        memory = ring->rings;
    else
        return -EINVAL;
    if (request->length > (size_t)memory->npages << PAGE_SHIFT)
        return -EINVAL;
    request->object = &memory->object;
    request->object_page = 0;
    return 0;
}

/* --- rings */

void uring_get(struct uring *ring)
{
    atomic_fetch_add_explicit(&ring->refs, 1, memory_order_relaxed);
}

static void free_overflow(struct uring *ring)
{
    list_for_each_safe (link, next, &ring->overflow)
        kfree(list_entry(link, struct overflow, link));
}

static void free_ring(struct uring *ring)
{
    timer_cancel(&ring->signal);
    free_overflow(ring);
    if (ring->rings)
        memory_put(&ring->rings->object);
    if (ring->sqes)
        memory_put(&ring->sqes->object);
    if (ring->submitter)
        uring_task_put(ring->submitter);
    if (ring->eventfd)
        file_put(ring->eventfd);
    for (unsigned i = 0; i < PERSONALITIES; i++)
        credentials_free(ring->personalities[i]);
    credentials_free(ring->sq_cred);
    kcache_free(&ring_cache, ring);
}

void uring_put(struct uring *ring)
{
    if (atomic_fetch_sub_explicit(&ring->refs, 1, memory_order_acq_rel) == 1)
        free_ring(ring);
}

void uring_lock(struct uring *ring)
{
    mutex_lock(&ring->lock);
}

void uring_unlock(struct uring *ring)
{
    while (!list_empty(&ring->ready)) {
        struct request *req = list_first(&ring->ready, struct request, link);
        list_del(&req->link);
        request_issue(req);
    }
    mutex_unlock(&ring->lock);
    if (atomic_load_explicit(&ring->posted, memory_order_relaxed))
        cq_tell(ring);
}

void uring_each(bool (*fn)(struct uring *ring, void *arg), void *arg)
{
    struct uring *last = NULL;
    bool more = true;
    mutex_lock(&rings_lock);
    struct list *link = rings.next;
    while (more && link != &rings) {
        struct uring *ring = list_entry(link, struct uring, all);
        uring_get(ring);
        mutex_unlock(&rings_lock);
        if (last)
            uring_put(last);
        last = ring;
        more = fn(ring, arg);
        mutex_lock(&rings_lock);
        /* A ring that left the list meanwhile points at itself: begin again, with what is left. */
        link = list_empty(&ring->all) ? rings.next : ring->all.next;
    }
    mutex_unlock(&rings_lock);
    if (last)
        uring_put(last);
}

static void init_lists(struct uring *ring)
{
    list_init(&ring->all);
    list_init(&ring->overflow);
    list_init(&ring->deferred);
    list_init(&ring->ready);
    list_init(&ring->retired);
    list_init(&ring->local_work);
    list_init(&ring->timeouts);
    waitqueue_init(&ring->cq_wait);
    timer_init(&ring->signal, work_signal);
    for (unsigned i = 0; i < BUCKETS; i++)
        list_init(&ring->armed[i]);
    for (unsigned i = 0; i < BUFFER_BUCKETS; i++)
        list_init(&ring->groups[i]);
}

static int make_memory(struct uring *ring)
{
    ring->cqe_size = ring->flags & SETUP_CQE32 ? 32 : 16;
    ring->sqe_size = ring->flags & SETUP_SQE128 ? 128 : 64;
    ring->cqes_at = ALIGN_UP(sizeof(struct ring_page), 64ul);
    ring->array_at = ring->cqes_at + ring->cq_entries * ring->cqe_size;
    ring->rings = memory_create(ring->array_at + ring->sq_entries * sizeof(uint32_t));
    ring->sqes = memory_create(ring->sq_entries * ring->sqe_size);
    if (!ring->rings || !ring->sqes)
        return -ENOMEM;
    ring->page = ring_memory_at(ring->rings, 0);
    ring->page->sq_mask = ring->sq_entries - 1;
    ring->page->cq_mask = ring->cq_entries - 1;
    ring->page->sq_entries = ring->sq_entries;
    ring->page->cq_entries = ring->cq_entries;
    return 0;
}

/* With one reference. */
static int create(const struct params *params, struct uring **made)
{
    struct uring *ring = kcache_alloc(&ring_cache);
    if (!ring)
        return -ENOMEM;
    init_lists(ring);
    atomic_init(&ring->refs, 1);
    ring->flags = params->flags;
    ring->disabled = params->flags & SETUP_R_DISABLED;
    ring->sq_entries = params->sq_entries;
    ring->cq_entries = params->cq_entries;
    ring->creator = current_process();
    int err = make_memory(ring);
    if (err) {
        uring_put(ring);
        return err;
    }
    *made = ring;
    return 0;
}

/* Work that has come to the ring's list until now is done here; none will come any more. */
static void refuse_work(struct uring *ring)
{
    uring_lock(ring);
    uint64_t flags = spin_lock_irq(&ring->work_lock);
    ring->dying = true;
    spin_unlock_irq(&ring->work_lock, flags);
    uring_unlock(ring);
    cancel_owner(ring, NULL);
    while (work_run_local(ring))
        ;
}

static void tear_down(struct uring *ring)
{
    mutex_lock(&rings_lock);
    list_del(&ring->all);
    mutex_unlock(&rings_lock);
    refuse_work(ring);
    uring_lock(ring);
    files_unregister(ring);
    buffers_unregister(ring);
    provided_free(ring);
    uring_unlock(ring);
    uring_put(ring);
}

static void tear_down_later(struct rcu_head *head)
{
    struct uring *ring = container_of(head, struct uring, release);
    (void)sq_stop(ring, true);
    tear_down(ring);
}

/* The last descriptor and the last mapping are gone. The last reference may have been that of a
 * request, of this ring or of another, whose lock its user holds: so nothing is waited for here. */
static void uring_release(struct file *file)
{
    struct uring *ring = file->data;
    bool can = sq_stop(ring, false) && mutex_trylock(&ring->lock);
    if (!can) {
        rcu_call(&ring->release, tear_down_later);
        return;
    }
    mutex_unlock(&ring->lock);
    tear_down(ring);
}

static unsigned uring_poll(struct file *file, struct poll_table *table)
{
    struct uring *ring = file->data;
    unsigned events = 0;
    poll_wait(table, &ring->cq_wait);
    uint32_t used = atomic_load(&ring->page->sq_tail) - ring->sq_head;
    if (used < ring->sq_entries)
        events |= POLLOUT | POLLWRNORM;
    if (cq_ready(ring) || !list_empty(&ring->overflow) || work_pending(ring))
        events |= POLLIN | POLLRDNORM;
    return events;
}

static int uring_fdinfo(struct file *file, char *buf, size_t size)
{
    struct uring *ring = file->data;
    struct ring_page *page = ring->page;
    return snprintf(buf, size,
                    "SqMask:\t0x%x\nSqHead:\t%u\nSqTail:\t%u\nCachedSqHead:\t%u\nCqMask:\t0x%x\n"
                    "CqHead:\t%u\nCqTail:\t%u\nCachedCqTail:\t%u\nUserFiles:\t%u\nUserBufs:\t%u\n",
                    ring->sq_entries - 1, page->sq_head, page->sq_tail, ring->sq_head,
                    ring->cq_entries - 1, page->cq_head, page->cq_tail, ring->cq_tail,
                    ring->files.n, ring->buffers.n);
}

static const struct file_ops uring_file_ops = {
    .poll = uring_poll,
    .mmap = uring_mmap,
    .release = uring_release,
    .fdinfo = uring_fdinfo,
};

/* --- threads that submit */

struct uring_task *uring_current(void)
{
    struct task *task = current_task();
    if (task->uring)
        return task->uring;
    struct uring_task *owner = kzalloc(sizeof(*owner));
    if (!owner)
        return NULL;
    atomic_init(&owner->refs, 1);
    owner->task = task;
    owner->process = task->process;
    waitqueue_init(&owner->idle);
    list_init(&owner->work);
    task->uring = owner;
    return owner;
}

void uring_task_put(struct uring_task *owner)
{
    if (atomic_fetch_sub_explicit(&owner->refs, 1, memory_order_acq_rel) == 1)
        kfree(owner);
}

bool uring_is_current(const struct uring_task *owner)
{
    return is_task(current) && current_task()->uring == owner;
}

static bool run_local_in(struct uring *ring, void *owner)
{
    if (ring->submitter == owner)
        work_run_local(ring);
    return true;
}

static bool cancel_in(struct uring *ring, void *arg)
{
    struct uring_task *owner = arg;
    cancel_owner(ring, owner);
    if (ring->submitter == owner)
        work_run_local(ring);
    return true;
}

/* Nothing may be left that knows of the thread's memory or files. */
static void end_requests(struct uring_task *owner)
{
    while (atomic_load_explicit(&owner->requests, memory_order_acquire)) {
        uring_each(cancel_in, owner);
        work_run();
        (void)WAIT_EVENT(&owner->idle, !owner->requests || !list_empty(&owner->work), 0,
                         clock_monotonic() + 10000000);
    }
}

void uring_task_exit(struct task *task, bool all)
{
    struct uring_task *owner = task->uring;
    owner->ends_all = all;
    atomic_store(&owner->dying, true);
    end_requests(owner);
    workers_end(owner);
    for (unsigned i = 0; i < RING_FDS; i++) {
        if (owner->rings[i])
            file_put(owner->rings[i]);
    }
    uint64_t flags = spin_lock_irq(&owner->work_lock);
    owner->task = NULL;
    spin_unlock_irq(&owner->work_lock, flags);
    work_run(); /* of timeouts that fired in time */
    uring_each(run_local_in, owner);
    task->uring = NULL;
    atomic_fetch_and(&task->thread.work, ~(unsigned)WORK_URING);
    uring_task_put(owner);
}

void uring_process_exit(struct process *process)
{
    sq_process_exit(process);
}

bool uring_file_is(const struct file *file)
{
    return uring_of(file) != NULL;
}

/* --- io_uring_setup */

static uint32_t power_of_two(uint32_t n)
{
    return n <= 1 ? 1 : 1u << (32 - __builtin_clz(n - 1));
}

static int choose_sizes(struct params *p)
{
    bool clamp = p->flags & SETUP_CLAMP;
    if (!p->sq_entries || (p->sq_entries > URING_ENTRIES_MAX && !clamp))
        return -EINVAL;
    p->sq_entries = power_of_two(MIN(p->sq_entries, (uint32_t)URING_ENTRIES_MAX));
    if (!(p->flags & SETUP_CQSIZE)) {
        p->cq_entries = 2 * p->sq_entries;
        return 0;
    }
    if (!p->cq_entries || (p->cq_entries > URING_CQ_ENTRIES_MAX && !clamp))
        return -EINVAL;
    p->cq_entries = power_of_two(MIN(p->cq_entries, (uint32_t)URING_CQ_ENTRIES_MAX));
    return p->cq_entries < p->sq_entries ? -EINVAL : 0;
}

static int check_flags(unsigned flags)
{
    if (flags & ~(unsigned)SETUP_ALL)
        return -EINVAL;
    if (flags & SETUP_SQPOLL &&
        flags & (SETUP_COOP_TASKRUN | SETUP_TASKRUN_FLAG | SETUP_DEFER_TASKRUN))
        return -EINVAL;
    if (flags & SETUP_TASKRUN_FLAG && !(flags & (SETUP_COOP_TASKRUN | SETUP_DEFER_TASKRUN)))
        return -EINVAL;
    if (flags & SETUP_DEFER_TASKRUN && !(flags & SETUP_SINGLE_ISSUER))
        return -EINVAL;
    return flags & SETUP_SQ_AFF && !(flags & SETUP_SQPOLL) ? -EINVAL : 0;
}

static void describe(struct params *p, const struct uring *ring)
{
    memset(&p->sq, 0, sizeof(p->sq));
    memset(&p->cq, 0, sizeof(p->cq));
    p->sq.head = offsetof(struct ring_page, sq_head);
    p->sq.tail = offsetof(struct ring_page, sq_tail);
    p->sq.ring_mask = offsetof(struct ring_page, sq_mask);
    p->sq.ring_entries = offsetof(struct ring_page, sq_entries);
    p->sq.flags = offsetof(struct ring_page, sq_flags);
    p->sq.dropped = offsetof(struct ring_page, sq_dropped);
    p->sq.array = (uint32_t)ring->array_at;
    p->cq.head = offsetof(struct ring_page, cq_head);
    p->cq.tail = offsetof(struct ring_page, cq_tail);
    p->cq.ring_mask = offsetof(struct ring_page, cq_mask);
    p->cq.ring_entries = offsetof(struct ring_page, cq_entries);
    p->cq.overflow = offsetof(struct ring_page, cq_overflow);
    p->cq.cqes = (uint32_t)ring->cqes_at;
    p->cq.flags = offsetof(struct ring_page, cq_flags);
    p->features = FEATURES;
}

/* The ring whose workers are to be shared must be one. */
static int check_attach(const struct params *p)
{
    if (!(p->flags & SETUP_ATTACH_WQ))
        return 0;
    struct fd_ref ref = fd_borrow(p->wq_fd);
    if (!ref.file)
        return -ENXIO;
    int err = uring_of(ref.file) ? 0 : -EINVAL;
    fd_return(ref);
    return err;
}

static int open_ring(struct uring *ring, struct file **file)
{
    int err = file_anonymous("anon_inode:[io_uring]", &uring_file_ops, 0600, O_RDWR, ring, file);
    if (err) {
        uring_put(ring);
        return err;
    }
    mutex_lock(&rings_lock);
    list_add_tail(&rings, &ring->all);
    mutex_unlock(&rings_lock);
    return 0;
}

static int start_ring(struct uring *ring, const struct params *p)
{
    struct uring_task *owner = uring_current();
    if (!owner)
        return -ENOMEM;
    if (ring->flags & SETUP_SINGLE_ISSUER && !ring->disabled && !(ring->flags & SETUP_SQPOLL)) {
        atomic_fetch_add(&owner->refs, 1);
        ring->submitter = owner;
    }
    if (!(ring->flags & SETUP_SQPOLL))
        return 0;
    unsigned cpu = ring->flags & SETUP_SQ_AFF ? p->sq_thread_cpu : UINT32_MAX;
    if (cpu != UINT32_MAX && cpu >= ncpus)
        return -EINVAL;
    return sq_start(ring, cpu, p->sq_thread_idle, ring->flags & SETUP_ATTACH_WQ ? p->wq_fd : -1);
}

static int64_t set_up(struct params *p, uintptr_t to)
{
    struct uring *ring = NULL;
    struct file *file = NULL;
    int err = check_flags(p->flags);
    if (!err)
        err = choose_sizes(p);
    if (!err)
        err = check_attach(p);
    if (!err)
        err = create(p, &ring);
    if (err)
        return err;
    describe(p, ring);
    err = open_ring(ring, &file);
    if (err)
        return err;
    err = start_ring(ring, p);
    if (!err && user_write(to, p, sizeof(*p)) < 0)
        err = -EFAULT;
    int fd = err ? err : fd_install(file, true, 0);
    if (fd < 0)
        file_put(file);
    return fd;
}

SYSCALL(io_uring_setup, 2, SYSCALL_WHOLE, "")
{
    struct params p;
    if (user_read(&p, a1, sizeof(p)) < 0)
        return -EFAULT;
    if (p.resv[0] || p.resv[1] || p.resv[2])
        return -EINVAL;
    p.sq_entries = (uint32_t)a0;
    return set_up(&p, a1);
}

/* --- io_uring_enter */

/* struct io_uring_getevents_arg */
struct enter_arg {
    uint64_t sigmask;
    uint32_t sigmask_size, pad;
    uint64_t ts;
};

static int get_arg(struct enter_arg *arg, unsigned flags, uintptr_t from, size_t size)
{
    *arg = (struct enter_arg){.sigmask = from, .sigmask_size = (uint32_t)size};
    if (!(flags & ENTER_EXT_ARG))
        return 0;
    if (size != sizeof(*arg))
        return -EINVAL;
    return user_read(arg, from, sizeof(*arg)) < 0 ? -EFAULT : arg->pad ? -EINVAL : 0;
}

static int wait_masked(struct uring *ring, const struct enter_arg *arg, struct enter_wait *wait)
{
    uint64_t mask;
    struct timespec ts;
    wait->deadline = NSEC_FOREVER;
    if (arg->ts) {
        if (user_read(&ts, arg->ts, sizeof(ts)) < 0)
            return -EFAULT;
        nsec_t span =
            ts.sec < 0 ? 0
                       : nsec_add(MIN(ts.sec, NSEC_FOREVER / NSEC_PER_SEC) * (nsec_t)NSEC_PER_SEC,
                                  MAX(ts.nsec, 0l));
        wait->deadline = nsec_add(clock_monotonic(), span);
    }
    if (!arg->sigmask)
        return cq_wait(ring, wait);
    if (arg->sigmask_size != sizeof(mask))
        return -EINVAL;
    if (user_get64(arg->sigmask, &mask) < 0)
        return -EFAULT;
    signal_set_temporary_mask(mask);
    int err = cq_wait(ring, wait);
    signal_restore_mask(err == -EINTR);
    return err;
}

static int get_events(struct uring *ring, unsigned least, unsigned flags, uintptr_t from,
                      size_t size)
{
    struct enter_arg arg;
    struct enter_wait wait = {.least = MIN(least, ring->cq_entries)};
    int err = get_arg(&arg, flags, from, size);
    if (err)
        return err;
    if (ring->flags & SETUP_IOPOLL) {
        cq_flush_overflow(ring);
        return 0;
    }
    return wait_masked(ring, &arg, &wait);
}

static int64_t poke_sq_thread(struct uring *ring, unsigned n, unsigned flags)
{
    if (sq_dead(ring))
        return -EOWNERDEAD;
    cq_flush_overflow(ring);
    if (flags & ENTER_SQ_WAKEUP)
        sq_wake(ring);
    int err = flags & ENTER_SQ_WAIT ? sq_wait_room(ring) : 0;
    return err ? err : (int64_t)n;
}

static int64_t submit(struct uring *ring, unsigned n)
{
    struct uring_task *owner = uring_current();
    if (!owner)
        return -ENOMEM;
    if (ring->flags & SETUP_SINGLE_ISSUER && ring->submitter != owner)
        return -EEXIST;
    uring_lock(ring);
    int64_t done = uring_submit(ring, n);
    uring_unlock(ring);
    return done;
}

static int64_t enter(struct uring *ring, const uint64_t args[6])
{
    unsigned n = (unsigned)args[1], least = (unsigned)args[2], flags = (unsigned)args[3];
    int64_t done = 0;
    if (ring->disabled)
        return -EBADFD;
    if (ring->flags & SETUP_SQPOLL)
        done = poke_sq_thread(ring, n, flags);
    else if (n)
        done = submit(ring, n);
    if (done < 0 || (n && done != n) || !(flags & ENTER_GETEVENTS))
        return done;
    if (ring->flags & SETUP_DEFER_TASKRUN && !uring_is_current(ring->submitter))
        return -EEXIST;
    int err = get_events(ring, least, flags, args[4], args[5]);
    return done ? done : err;
}

static int64_t enter_registered(const uint64_t args[6])
{
    struct uring_task *owner = current_task()->uring;
    if (!owner || args[0] >= RING_FDS)
        return -EINVAL;
    struct file *file = owner->rings[args[0]];
    if (!file)
        return -EBADF;
    file_get(file);
    int64_t result = enter(file->data, args);
    file_put(file);
    return result;
}

SYSCALL(io_uring_enter, 6, SYSCALL_WHOLE, "")
{
    const uint64_t args[6] = {(uint32_t)a0, a1, a2, a3, a4, a5};
    if (current_task()->uring)
        work_run();
    if (a3 & ~(uint64_t)ENTER_ALL & UINT32_MAX)
        return -EINVAL;
    if (a3 & ENTER_REGISTERED_RING)
        return enter_registered(args);
    struct file *file = fd_get((int)a0);
    if (!file)
        return -EBADF;
    int64_t result = uring_of(file) ? enter(file->data, args) : -EOPNOTSUPP;
    file_put(file);
    return result;
}
