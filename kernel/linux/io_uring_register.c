/* linux/io_uring_register.c: io_uring_register(2). */
#include "linux/groups.h"
#include "linux/io_uring.h"

#include "core/clock.h"
#include "lib/string.h"
#include "linux/eventfd.h"
#include "linux/path.h"
#include "linux/syscall.h"
#include "linux/time.h"

enum {
    REGISTER_BUFFERS,
    UNREGISTER_BUFFERS,
    REGISTER_FILES,
    UNREGISTER_FILES,
    REGISTER_EVENTFD,
    UNREGISTER_EVENTFD,
    REGISTER_FILES_UPDATE,
    REGISTER_EVENTFD_ASYNC,
    REGISTER_PROBE,
    REGISTER_PERSONALITY,
    UNREGISTER_PERSONALITY,
    REGISTER_RESTRICTIONS,
    REGISTER_ENABLE_RINGS,
    REGISTER_FILES2,
    REGISTER_FILES_UPDATE2,
    REGISTER_BUFFERS2,
    REGISTER_BUFFERS_UPDATE,
    REGISTER_IOWQ_AFF,
    UNREGISTER_IOWQ_AFF,
    REGISTER_IOWQ_MAX_WORKERS,
    REGISTER_RING_FDS,
    UNREGISTER_RING_FDS,
    REGISTER_PBUF_RING,
    UNREGISTER_PBUF_RING,
    REGISTER_SYNC_CANCEL,
    REGISTER_FILE_ALLOC_RANGE,
    REGISTERS,
};
enum { RSRC_SPARSE = 1, OP_SUPPORTED = 1 };

struct rsrc_register {
    uint32_t n, flags;
    uint64_t resv, data, tags;
};
struct rsrc_update {
    uint32_t at, resv;
    uint64_t data;
};
struct rsrc_update2 {
    uint32_t at, resv;
    uint64_t data, tags;
    uint32_t n, resv2;
};

/* --- files and buffers */

static int register_tagged(struct uring *ring, uintptr_t arg, size_t size, bool buffers)
{
    struct rsrc_register r;
    if (size != sizeof(r))
        return -EINVAL;
    if (user_read(&r, arg, sizeof(r)) < 0)
        return -EFAULT;
    bool sparse = r.flags & RSRC_SPARSE;
    if (!r.n || r.resv || r.flags & ~(uint32_t)RSRC_SPARSE || (sparse && r.data))
        return -EINVAL;
    return buffers ? buffers_register(ring, r.data, r.n, r.tags, sparse)
                   : files_register(ring, r.data, r.n, r.tags, sparse);
}

static int update_plain(struct uring *ring, uintptr_t arg, unsigned n)
{
    struct rsrc_update u;
    if (!n)
        return -EINVAL;
    if (user_read(&u, arg, sizeof(u)) < 0)
        return -EFAULT;
    return u.resv ? -EINVAL : files_update(ring, u.at, u.data, n, 0);
}

static int update_tagged(struct uring *ring, uintptr_t arg, size_t size, bool buffers)
{
    struct rsrc_update2 u;
    if (size != sizeof(u))
        return -EINVAL;
    if (user_read(&u, arg, sizeof(u)) < 0)
        return -EFAULT;
    if (!u.n || u.resv || u.resv2)
        return -EINVAL;
    return buffers ? buffers_update(ring, u.at, u.data, u.n, u.tags)
                   : files_update(ring, u.at, u.data, u.n, u.tags);
}

static int alloc_range(struct uring *ring, uintptr_t arg)
{
    struct {
        uint32_t from, n;
        uint64_t resv;
    } range;
    if (user_read(&range, arg, sizeof(range)) < 0)
        return -EFAULT;
    unsigned end;
    if (__builtin_add_overflow(range.from, range.n, &end))
        return -EOVERFLOW;
    return range.resv ? -EINVAL : files_alloc_range(ring, range.from, range.n);
}

/* --- eventfd */

static struct file *exchange_eventfd(struct uring *ring, struct file *file, bool async)
{
    uint64_t flags = spin_lock_irq(&ring->eventfd_lock);
    struct file *old = ring->eventfd;
    ring->eventfd = file;
    ring->eventfd_async = async;
    spin_unlock_irq(&ring->eventfd_lock, flags);
    return old;
}

static int register_eventfd(struct uring *ring, uintptr_t arg, bool async)
{
    uint32_t fd;
    if (ring->eventfd)
        return -EBUSY;
    if (user_get32(arg, &fd) < 0)
        return -EFAULT;
    struct file *file = fd_get((int)fd);
    if (!file)
        return -EBADF;
    if (!eventfd_is(file)) {
        file_put(file);
        return -EINVAL;
    }
    (void)exchange_eventfd(ring, file, async);
    return 0;
}

static int unregister_eventfd(struct uring *ring)
{
    struct file *old = exchange_eventfd(ring, NULL, false);
    if (old)
        file_put(old);
    return old ? 0 : -ENXIO;
}

/* --- probe */

struct probe_op {
    uint8_t op, resv;
    uint16_t flags;
    uint32_t resv2;
};
struct probe {
    uint8_t last_op, n;
    uint16_t resv;
    uint32_t resv2[3];
    struct probe_op ops[OPS];
};

static bool is_zero(const void *p, size_t n)
{
    const uint8_t *bytes = p;
    for (size_t i = 0; i < n; i++) {
        if (bytes[i])
            return false;
    }
    return true;
}

static int probe(uintptr_t arg, unsigned n)
{
    n = MIN(n, (unsigned)OPS);
    size_t size = offsetof(struct probe, ops) + n * sizeof(struct probe_op);
    struct probe *p = kzalloc(sizeof(*p));
    if (!p)
        return -ENOMEM;
    int err = user_read(p, arg, size);
    if (!err && !is_zero(p, size))
        err = -EINVAL;
    p->last_op = OPS - 1;
    p->n = (uint8_t)n;
    for (unsigned i = 0; i < n; i++)
        p->ops[i] = (struct probe_op){.op = (uint8_t)i, .flags = OP_SUPPORTED};
    if (!err)
        err = user_write(arg, p, size);
    kfree(p);
    return err;
}

/* --- personalities: whom requests act as */

static int register_personality(struct uring *ring)
{
    for (int id = 1; id < PERSONALITIES; id++) {
        if (ring->personalities[id])
            continue;
        ring->personalities[id] = credentials_clone(&current_task()->cred);
        return ring->personalities[id] ? id : -ENOMEM;
    }
    return -EBUSY;
}

static int unregister_personality(struct uring *ring, unsigned id)
{
    if (id >= PERSONALITIES || !ring->personalities[id])
        return -EINVAL;
    credentials_free(ring->personalities[id]);
    ring->personalities[id] = NULL;
    return 0;
}

/* --- restrictions */

enum {
    RESTRICT_REGISTER,
    RESTRICT_OP,
    RESTRICT_ALLOWED,
    RESTRICT_REQUIRED,
    RESTRICTIONS_MOST = 126
};

struct restriction {
    uint16_t what;
    uint8_t value, resv;
    uint32_t resv2[3];
};

static int restrict_one(struct restrictions *r, const struct restriction *one)
{
    switch (one->what) {
    case RESTRICT_REGISTER:
        r->registers |= one->value < REGISTERS ? 1ull << one->value : 0;
        return one->value < REGISTERS ? 0 : -EINVAL;
    case RESTRICT_OP:
        r->ops |= one->value < OPS ? 1ull << one->value : 0;
        return one->value < OPS ? 0 : -EINVAL;
    case RESTRICT_ALLOWED:
        r->allowed = one->value;
        return 0;
    case RESTRICT_REQUIRED:
        r->required = one->value;
        return 0;
    default:
        return -EINVAL;
    }
}

static int register_restrictions(struct uring *ring, uintptr_t arg, unsigned n)
{
    struct restrictions r = {.registered = true};
    if (!ring->disabled)
        return -EBADFD;
    if (ring->restrictions.registered)
        return -EBUSY;
    if (!arg || n > RESTRICTIONS_MOST)
        return -EINVAL;
    for (unsigned i = 0; i < n; i++) {
        struct restriction one;
        if (user_read(&one, arg + i * sizeof(one), sizeof(one)) < 0)
            return -EFAULT;
        int err = restrict_one(&r, &one);
        if (err)
            return err;
    }
    ring->restrictions = r;
    return 0;
}

static int enable(struct uring *ring)
{
    if (!ring->disabled)
        return -EBADFD;
    if (ring->flags & SETUP_SINGLE_ISSUER && !ring->submitter && !(ring->flags & SETUP_SQPOLL)) {
        struct uring_task *owner = uring_current();
        if (!owner)
            return -ENOMEM;
        atomic_fetch_add(&owner->refs, 1);
        ring->submitter = owner;
    }
    ring->restricted = ring->restrictions.registered;
    ring->disabled = false;
    sq_wake(ring);
    return 0;
}

/* --- workers */

static int set_affinity(struct uring_task *owner, uintptr_t arg, size_t size)
{
    cpuset_t set = {};
    if (!owner)
        return -EINVAL;
    if (user_read(&set, arg, MIN(size, sizeof(set))) < 0)
        return -EFAULT;
    return workers_affinity(owner, set);
}

static int set_limits(struct uring_task *owner, uintptr_t arg)
{
    uint32_t limits[2];
    if (user_read(limits, arg, sizeof(limits)) < 0)
        return -EFAULT;
    if (limits[0] > INT32_MAX || limits[1] > INT32_MAX)
        return -EINVAL;
    int err = owner ? workers_limit(owner, limits) : -ENOMEM;
    return err ? err : user_write(arg, limits, sizeof(limits));
}

/* --- the rings themselves, as numbers for io_uring_enter */

static int add_ring_fd(struct uring_task *owner, struct rsrc_update *u)
{
    unsigned from = u->at == UINT32_MAX ? 0 : u->at,
             end = u->at == UINT32_MAX ? RING_FDS : from + 1;
    if (u->resv || from >= RING_FDS)
        return -EINVAL;
    struct file *file = fd_get((int)u->data);
    if (!file)
        return -EBADF;
    int err = uring_of(file) ? -EBUSY : -EOPNOTSUPP;
    for (unsigned i = from; i < end && err == -EBUSY; i++) {
        if (owner->rings[i])
            continue;
        owner->rings[i] = file;
        u->at = i;
        err = 0;
    }
    if (err)
        file_put(file);
    return err;
}

static int remove_ring_fd(struct uring_task *owner, const struct rsrc_update *u)
{
    if (u->resv || u->data || u->at >= RING_FDS)
        return -EINVAL;
    struct file *file = owner->rings[u->at];
    owner->rings[u->at] = NULL;
    if (file)
        file_put(file);
    return 0;
}

static int ring_fds(struct uring_task *owner, uintptr_t arg, unsigned n, bool add)
{
    int err = !n || n > RING_FDS ? -EINVAL : owner ? 0 : -ENOMEM;
    unsigned done = 0;
    for (; done < n && !err; done += !err) {
        struct rsrc_update u;
        uintptr_t at = arg + done * sizeof(u);
        if (user_read(&u, at, sizeof(u)) < 0)
            err = -EFAULT;
        else
            err = add ? add_ring_fd(owner, &u) : remove_ring_fd(owner, &u);
        if (!err && add && user_write(at, &u, sizeof(u)) < 0)
            err = -EFAULT;
    }
    return done ? (int)done : err;
}

/* --- sync cancel */

struct sync_cancel {
    uint64_t addr;
    int32_t fd;
    uint32_t flags;
    struct timespec timeout;
    uint64_t pad[4];
};

static bool has_deadline(const struct timespec *ts)
{
    return ts->sec != -1 || ts->nsec != -1;
}

/* What was running already comes to its end within the time given: 0, -ETIME, -EINTR. */
static int wait_until_gone(struct uring *ring, const struct cancel *cancel, nsec_t deadline)
{
    for (;;) {
        int err = cancel_matching(ring, cancel);
        if (err != -EALREADY)
            return err == -ENOENT ? 0 : MIN(err, 0);
        uring_unlock(ring);
        work_run();
        nsec_t now = clock_monotonic();
        err = now >= deadline ? -ETIME : thread_sleep_until(MIN(deadline, now + 1000000), true);
        uring_lock(ring);
        unsigned work = atomic_load(&current->work);
        if (err == -ETIME || (err && work & ~(unsigned)(WORK_URING | WORK_RESCHED | WORK_MOVED)))
            return err;
    }
}

static int cancel_now(struct uring *ring, uintptr_t arg)
{
    struct sync_cancel c;
    if (user_read(&c, arg, sizeof(c)) < 0)
        return -EFAULT;
    if (c.flags & ~(uint32_t)(CANCEL_ALL | CANCEL_FD | CANCEL_ANY | CANCEL_FD_FIXED) ||
        !is_zero(c.pad, sizeof(c.pad)))
        return -EINVAL;
    struct cancel cancel = {.user_data = c.addr, .flags = c.flags};
    nsec_t deadline = NSEC_FOREVER, span;
    if (has_deadline(&c.timeout)) {
        if (time_from_timespec(&c.timeout, &span))
            return -EINVAL;
        deadline = nsec_add(clock_monotonic(), span);
    }
    if (c.flags & CANCEL_FD) {
        struct resource *fixed =
            (unsigned)c.fd < ring->files.n ? ring->files.slots[(unsigned)c.fd] : NULL;
        if (c.flags & CANCEL_FD_FIXED && fixed)
            file_get(fixed->file);
        cancel.file = c.flags & CANCEL_FD_FIXED ? fixed ? fixed->file : NULL : fd_get(c.fd);
        if (!cancel.file)
            return -EBADF;
    }
    int err = cancel_matching(ring, &cancel);
    if (err == -EALREADY)
        err = wait_until_gone(ring, &cancel, deadline);
    if (cancel.file)
        file_put(cancel.file);
    return err;
}

/* --- the call */

static int do_rsrc(struct uring *ring, unsigned what, uintptr_t arg, unsigned n)
{
    switch (what) {
    case REGISTER_BUFFERS:
        return arg ? buffers_register(ring, arg, n, 0, false) : -EFAULT;
    case UNREGISTER_BUFFERS:
        return arg || n ? -EINVAL : buffers_unregister(ring);
    case REGISTER_FILES:
        return arg ? files_register(ring, arg, n, 0, false) : -EFAULT;
    case UNREGISTER_FILES:
        return arg || n ? -EINVAL : files_unregister(ring);
    case REGISTER_FILES_UPDATE:
        return update_plain(ring, arg, n);
    case REGISTER_FILES2:
    case REGISTER_BUFFERS2:
        return register_tagged(ring, arg, n, what == REGISTER_BUFFERS2);
    case REGISTER_FILES_UPDATE2:
    case REGISTER_BUFFERS_UPDATE:
        return update_tagged(ring, arg, n, what == REGISTER_BUFFERS_UPDATE);
    case REGISTER_FILE_ALLOC_RANGE:
        return !arg || n ? -EINVAL : alloc_range(ring, arg);
    default:
        return !arg || n != 1 ? -EINVAL : provided_ring(ring, arg, what == REGISTER_PBUF_RING);
    }
}

static int do_register(struct uring *ring, unsigned what, uintptr_t arg, unsigned n)
{
    switch (what) {
    case REGISTER_EVENTFD:
    case REGISTER_EVENTFD_ASYNC:
        return n != 1 ? -EINVAL : register_eventfd(ring, arg, what == REGISTER_EVENTFD_ASYNC);
    case UNREGISTER_EVENTFD:
        return arg || n ? -EINVAL : unregister_eventfd(ring);
    case REGISTER_PROBE:
        return !arg || n > 256 ? -EINVAL : probe(arg, n);
    case REGISTER_PERSONALITY:
        return arg || n ? -EINVAL : register_personality(ring);
    case UNREGISTER_PERSONALITY:
        return arg ? -EINVAL : unregister_personality(ring, n);
    case REGISTER_RESTRICTIONS:
        return register_restrictions(ring, arg, n);
    case REGISTER_ENABLE_RINGS:
        return arg || n ? -EINVAL : enable(ring);
    case REGISTER_IOWQ_AFF:
        return !arg || !n ? -EINVAL : set_affinity(uring_current(), arg, n);
    case UNREGISTER_IOWQ_AFF:
        return arg || n ? -EINVAL : workers_affinity(uring_current(), (cpuset_t){~0ull});
    case REGISTER_IOWQ_MAX_WORKERS:
        return !arg || n != 2 ? -EINVAL : set_limits(uring_current(), arg);
    case REGISTER_RING_FDS:
    case UNREGISTER_RING_FDS:
        return ring_fds(uring_current(), arg, n, what == REGISTER_RING_FDS);
    case REGISTER_SYNC_CANCEL:
        return !arg || n != 1 ? -EINVAL : cancel_now(ring, arg);
    default:
        return do_rsrc(ring, what, arg, n);
    }
}

static int register_locked(struct uring *ring, unsigned what, uintptr_t arg, unsigned n)
{
    if (ring->submitter && !uring_is_current(ring->submitter))
        return -EEXIST;
    if (ring->restricted && !(ring->restrictions.registers >> what & 1))
        return -EACCES;
    return do_register(ring, what, arg, n);
}

SYSCALL(io_uring_register, 4, SYSCALL_WHOLE, "")
{
    unsigned what = (unsigned)a1;
    if (what >= REGISTERS)
        return -EINVAL;
    struct file *file = fd_get((int)a0);
    if (!file)
        return -EBADF;
    struct uring *ring = uring_of(file);
    int result = -EOPNOTSUPP;
    if (ring) {
        if (current_task()->uring)
            work_run();
        uring_lock(ring);
        result = register_locked(ring, what, a2, (unsigned)a3);
        uring_unlock(ring);
    }
    file_put(file);
    return result;
}
