/* linux/eventfd.c: eventfd(2): a counter that can be waited for. */
#include "linux/eventfd.h"

#include "lib/string.h"
#include "linux/fd.h"
#include "linux/syscall.h"
#include "mm/heap.h"

enum { EFD_SEMAPHORE = 1 };
#define COUNT_MAX (UINT64_MAX - 1)

struct eventfd {
    struct spinlock lock;
    bool semaphore;
    _Atomic uint64_t count;
    struct waitqueue wait;
};

static struct kcache eventfd_cache = {.name = "eventfd", .size = sizeof(struct eventfd)};

/* Take the count, or one of a semaphore's; false: it is 0. */
static bool take(struct eventfd *event, uint64_t *value)
{
    uint64_t flags = spin_lock_irq(&event->lock);
    uint64_t count = event->count;
    *value = event->semaphore && count ? 1 : count;
    event->count = count - *value;
    spin_unlock_irq(&event->lock, flags);
    return count != 0;
}

static bool give(struct eventfd *event, uint64_t value)
{
    uint64_t flags = spin_lock_irq(&event->lock);
    bool fits = value <= COUNT_MAX - event->count;
    if (fits)
        event->count += value;
    spin_unlock_irq(&event->lock, flags);
    return fits;
}

static bool must_not_wait(const struct file *file, const struct io *io)
{
    return atomic_load_explicit(&file->flags, memory_order_relaxed) & O_NONBLOCK || io->nowait;
}

static ssize_t eventfd_read(struct file *file, struct io *io, off_t *pos)
{
    struct eventfd *event = file->data;
    uint64_t value;
    if (io->left < sizeof(value))
        return -EINVAL;
    if (!take(event, &value)) {
        if (must_not_wait(file, io))
            return -EAGAIN;
        if (WAIT_EVENT(&event->wait, take(event, &value), WAIT_INTERRUPTIBLE, NSEC_FOREVER) < 0)
            return -ERESTARTSYS;
    }
    waitqueue_wake(&event->wait, 0, POLLOUT);
    return io_put(io, &value, sizeof(value)) == sizeof(value) ? (ssize_t)sizeof(value) : -EFAULT;
}

static ssize_t eventfd_write(struct file *file, struct io *io, off_t *pos)
{
    struct eventfd *event = file->data;
    uint64_t value;
    if (io->left != sizeof(value))
        return -EINVAL;
    if (io_get(io, &value, sizeof(value)) != sizeof(value))
        return -EFAULT;
    if (value == UINT64_MAX)
        return -EINVAL;
    if (!give(event, value)) {
        if (must_not_wait(file, io))
            return -EAGAIN;
        if (WAIT_EVENT(&event->wait, give(event, value), WAIT_INTERRUPTIBLE, NSEC_FOREVER) < 0)
            return -ERESTARTSYS;
    }
    waitqueue_wake(&event->wait, 0, POLLIN);
    return sizeof(value);
}

static unsigned eventfd_poll(struct file *file, struct poll_table *table)
{
    struct eventfd *event = file->data;
    poll_wait(table, &event->wait);
    uint64_t count = event->count;
    unsigned events = count ? POLLIN : 0;
    if (count < COUNT_MAX)
        events |= POLLOUT;
    return events;
}

static void eventfd_release(struct file *file)
{
    kcache_free(&eventfd_cache, file->data);
}

static int eventfd_fdinfo(struct file *file, char *buf, size_t size)
{
    struct eventfd *event = file->data;
    return snprintf(buf, size, "eventfd-count: %16lx\neventfd-semaphore: %d\n", event->count,
                    event->semaphore);
}

static const struct file_ops eventfd_ops = {
    .seek = file_seek_nowhere,
    .read = eventfd_read,
    .write = eventfd_write,
    .poll = eventfd_poll,
    .release = eventfd_release,
    .fdinfo = eventfd_fdinfo,
};

bool eventfd_is(const struct file *file)
{
    return file->ops == &eventfd_ops;
}

void eventfd_signal(struct file *file)
{
    struct eventfd *event = file->data;
    (void)give(event, 1);
    waitqueue_wake(&event->wait, 0, POLLIN);
}

static int open_eventfd(uint64_t count, int flags, struct file **file)
{
    struct eventfd *event = kcache_alloc(&eventfd_cache);
    if (!event)
        return -ENOMEM;
    event->count = count;
    event->semaphore = flags & EFD_SEMAPHORE;
    waitqueue_init(&event->wait);
    int err = file_anonymous("anon_inode:[eventfd]", &eventfd_ops, 0600,
                             O_RDWR | (flags & O_NONBLOCK), event, file);
    if (err)
        kcache_free(&eventfd_cache, event);
    return err;
}

static int64_t create(uint32_t count, int flags)
{
    if (flags & ~(EFD_SEMAPHORE | O_NONBLOCK | O_CLOEXEC))
        return -EINVAL;
    int fd = fd_reserve(0);
    if (fd < 0)
        return fd;
    struct file *file = NULL;
    int err = open_eventfd(count, flags, &file);
    return fd_finish(fd, err, file, flags & O_CLOEXEC);
}

SYSCALL(eventfd, 1, SYSCALL_WHOLE, "")
{
    return create((uint32_t)a0, 0);
}

SYSCALL(eventfd2, 2, SYSCALL_WHOLE, "")
{
    return create((uint32_t)a0, (int)a1);
}
