/* fs/pipe.c: pipes and FIFOs: a ring of pages, or parts of pages, in the order written.
 *
 * Waiters look at head, tail and the counts without the lock, then again with it. */
#include "fs/pipe_ring.h"

#include "fs/file.h"
#include "fs/namei.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"

unsigned pipe_max_size = 1 << 20;

static struct kcache pipe_cache = {.name = "pipe", .size = sizeof(struct pipe)};
static struct mutex fifo_lock; /* over inode->data of FIFOs and pipe->files reaching 0 */

static const struct file_ops pipe_ops;

/* --- the ring (pipe->lock held) */

paddr_t pipe_take_frame(struct pipe *pipe)
{
    paddr_t frame = pipe->spare;
    pipe->spare = 0;
    return frame ? frame : frame_alloc(0, FRAME_USER);
}

static void drop_frame(struct pipe *pipe, paddr_t frame, bool own)
{
    if (own && !pipe->spare)
        pipe->spare = frame;
    else
        frame_put(frame);
}

void pipe_pop(struct pipe *pipe)
{
    struct pipe_buffer *b = pipe_slot(pipe, pipe_tail(pipe));
    drop_frame(pipe, b->frame, b->own);
    atomic_store_explicit(&pipe->tail, pipe_tail(pipe) + 1, memory_order_release);
}

void pipe_push(struct pipe *pipe, const struct pipe_buffer *b)
{
    *pipe_slot(pipe, pipe_head(pipe)) = *b;
    atomic_store_explicit(&pipe->head, pipe_head(pipe) + 1, memory_order_release);
}

static struct pipe *pipe_alloc(void)
{
    struct pipe *pipe = kcache_alloc(&pipe_cache);
    if (!pipe)
        return NULL;
    pipe->slots = pipe->first_slots;
    pipe->nslots = PIPE_SLOTS;
    waitqueue_init(&pipe->readable);
    waitqueue_init(&pipe->writable);
    return pipe;
}

static void pipe_free(struct pipe *pipe)
{
    while (!pipe_empty(pipe))
        pipe_pop(pipe);
    if (pipe->spare)
        frame_put(pipe->spare);
    if (pipe->slots != pipe->first_slots)
        kfree(pipe->slots);
    kcache_free(&pipe_cache, pipe);
}

/* --- reading */

static bool may_read(const struct pipe *pipe)
{
    return !pipe_empty(pipe) || !pipe_count(&pipe->writers);
}

/* Take what there is, up to io->left; lock held. */
static ssize_t read_some(struct pipe *pipe, struct io *io)
{
    size_t total = 0;
    while (io->left && !pipe_empty(pipe)) {
        struct pipe_buffer *b = pipe_slot(pipe, pipe_tail(pipe));
        size_t n = MIN(io->left, (size_t)b->len);
        size_t moved = io_put(io, (char *)phys_to_virt(b->frame) + b->offset, n);
        total += moved;
        b->offset += moved;
        b->len -= moved;
        if (moved < n)
            return total ? (ssize_t)total : -EFAULT;
        bool packet = b->packet;
        if (!b->len || packet)
            pipe_pop(pipe);
        if (packet)
            break;
    }
    return total;
}

static int sleep_readable(struct pipe *pipe)
{
    struct waiter waiter;
    int err = 0;
    waiter.notify = NULL;
    wait_prepare(&pipe->readable, &waiter, WAIT_INTERRUPTIBLE);
    if (!may_read(pipe))
        err = wait_sleep(WAIT_INTERRUPTIBLE, NSEC_FOREVER);
    wait_finish(&pipe->readable, &waiter);
    return unlikely(err < 0) && !may_read(pipe) ? -ERESTARTSYS : 0;
}

/* Until there is something: 1; the end: 0. */
static int wait_readable(struct pipe *pipe, bool nonblock)
{
    while (pipe_empty(pipe)) {
        if (!pipe_count(&pipe->writers))
            return !pipe_empty(pipe); /* the last one may have written after the first look */
        if (nonblock)
            return -EAGAIN;
        int err = sleep_readable(pipe);
        if (unlikely(err < 0))
            return err;
    }
    return 1;
}

static ssize_t pipe_read(struct file *file, struct io *io, off_t *pos)
{
    struct pipe *pipe = file->data;
    if (!io->left)
        return 0;
    for (;;) {
        int ready = wait_readable(pipe, file_nonblock(file) || io->nowait);
        if (ready <= 0)
            return ready;
        mutex_lock(&pipe->lock);
        bool was_full = pipe_full(pipe);
        ssize_t n = read_some(pipe, io);
        bool room = was_full && !pipe_full(pipe);
        mutex_unlock(&pipe->lock);
        if (room || (n > 0 && pipe->polled))
            waitqueue_wake(&pipe->writable, 0, POLLOUT | POLLWRNORM);
        if (n)
            return n;
    }
}

/* Small transfers, without sleeping: interrupts are off, so that a page of the program that is not
 * there ends the copy. Bytes; 0: nothing was done, the long way has to look. */
enum { SMALL = 512 };

/* From the oldest slot, where that is all there is or enough; lock held. */
static size_t take_small(struct pipe *pipe, uintptr_t buf, size_t n, bool *room)
{
    unsigned tail = pipe_tail(pipe), used = pipe_head(pipe) - tail;
    if (!used)
        return 0;
    struct pipe_buffer *b = pipe_slot(pipe, tail);
    size_t part = MIN(n, (size_t)b->len);
    if (part > SMALL || b->packet || (part < n && used > 1) ||
        user_write_partial(buf, (char *)phys_to_virt(b->frame) + b->offset, part))
        return 0;
    b->offset += part;
    b->len -= part;
    if (!b->len) {
        *room = used >= pipe_count(&pipe->nslots);
        pipe_pop(pipe);
    }
    return part;
}

static size_t read_small(struct pipe *pipe, uintptr_t buf, size_t n)
{
    bool room = false;
    uint64_t flags = irq_save();
    size_t done = 0;
    if (likely(mutex_trylock(&pipe->lock))) {
        done = take_small(pipe, buf, n, &room);
        mutex_unlock(&pipe->lock);
    }
    irq_restore(flags);
    if (unlikely(room || (done && pipe->polled)))
        waitqueue_wake(&pipe->writable, 0, POLLOUT | POLLWRNORM);
    return done;
}

static __attribute__((noinline)) ssize_t read_long(struct file *file, uintptr_t buf, size_t n)
{
    struct iovec iov;
    struct io io = io_user(&iov, buf, n);
    return pipe_read(file, &io, NULL);
}

static __attribute__((noinline)) ssize_t read_waiting(struct file *file, uintptr_t buf, size_t n)
{
    struct pipe *pipe = file->data;
    file_get(file);
    ssize_t result = n ? wait_readable(pipe, file_nonblock(file)) : 0;
    if (result > 0) {
        result = read_small(pipe, buf, n);
        if (!result)
            result = read_long(file, buf, n);
    }
    file_put(file);
    return result;
}

static ssize_t pipe_read_user(struct file *file, uintptr_t buf, size_t n)
{
    struct pipe *pipe = file->data;
    size_t done = pipe_empty(pipe) ? 0 : read_small(pipe, buf, n);
    return likely(done) ? (ssize_t)done : read_waiting(file, buf, n);
}

/* --- writing */

static bool may_write(const struct pipe *pipe)
{
    return !pipe_full(pipe) || !pipe_count(&pipe->readers);
}

/* The part of a write that is less than a page may join the last page, if it fits there whole: so a
 * write of up to PIPE_BUF is never torn. The first of packets may join what is none (as Linux). */
static ssize_t merge(struct pipe *pipe, struct io *io)
{
    size_t n = io->left & ~PAGE_MASK;
    if (!n || pipe_empty(pipe))
        return 0;
    struct pipe_buffer *b = pipe_slot(pipe, pipe_head(pipe) - 1);
    if (!b->own || b->packet || b->offset + b->len + n > PAGE_SIZE)
        return 0;
    size_t moved = io_get(io, (char *)phys_to_virt(b->frame) + b->offset + b->len, n);
    if (moved < n)
        return -EFAULT;
    b->len += n;
    return n;
}

static ssize_t write_page(struct pipe *pipe, struct io *io, bool packet)
{
    paddr_t frame = pipe_take_frame(pipe);
    if (!frame)
        return -ENOMEM;
    size_t n = MIN(io->left, PAGE_SIZE);
    size_t moved = io_get(io, phys_to_virt(frame), n);
    if (!moved) {
        drop_frame(pipe, frame, true);
        return -EFAULT;
    }
    pipe_push(pipe, &(struct pipe_buffer){frame, 0, moved, packet, true});
    return moved;
}

/* As much as there is room for; lock held. Bytes, or a negative errno if none. */
static ssize_t write_some(struct pipe *pipe, struct io *io, bool packet)
{
    size_t total = 0;
    ssize_t n = merge(pipe, io);
    while (n >= 0) {
        total += n;
        if (!io->left || pipe_full(pipe))
            return total;
        n = write_page(pipe, io, packet);
    }
    return total ? (ssize_t)total : n;
}

static ssize_t broken(ssize_t total)
{
    if (vfs_sigpipe_hook)
        vfs_sigpipe_hook();
    return total ? total : -EPIPE;
}

static ssize_t pipe_write(struct file *file, struct io *io, off_t *pos)
{
    struct pipe *pipe = file->data;
    bool packet = atomic_load_explicit(&file->flags, memory_order_relaxed) & O_DIRECT;
    ssize_t total = 0;
    if (!io->left)
        return 0;
    for (;;) {
        if (!pipe_count(&pipe->readers))
            return broken(total);
        mutex_lock(&pipe->lock);
        bool was_empty = pipe_empty(pipe);
        ssize_t n = write_some(pipe, io, packet);
        mutex_unlock(&pipe->lock);
        if (n > 0 && (was_empty || pipe->polled))
            waitqueue_wake(&pipe->readable, 0, POLLIN | POLLRDNORM);
        if (n > 0)
            total += n;
        if (n < 0 || !io->left)
            return total ? total : n;
        if (!pipe_full(pipe))
            continue;
        if (file_nonblock(file) || io->nowait)
            return total ? total : -EAGAIN;
        if (WAIT_EVENT(&pipe->writable, may_write(pipe), WAIT_INTERRUPTIBLE, NSEC_FOREVER) < 0)
            return total ? total : -ERESTARTSYS;
    }
}

/* Behind the newest slot, or in the page kept for that; lock held. */
static size_t add_small(struct pipe *pipe, uintptr_t buf, size_t n, bool was_empty)
{
    if (!was_empty) {
        struct pipe_buffer *b = pipe_slot(pipe, pipe_head(pipe) - 1);
        size_t end = b->offset + b->len;
        if (!b->own || b->packet || end + n > PAGE_SIZE ||
            user_read_partial((char *)phys_to_virt(b->frame) + end, buf, n))
            return 0;
        b->len += n;
        return n;
    }
    paddr_t frame = pipe->spare;
    if (!frame || user_read_partial(phys_to_virt(frame), buf, n))
        return 0;
    pipe->spare = 0;
    pipe_push(pipe, &(struct pipe_buffer){frame, 0, n, false, true});
    return n;
}

static size_t write_small(struct pipe *pipe, uintptr_t buf, size_t n)
{
    bool was_empty = false;
    uint64_t flags = irq_save();
    size_t done = 0;
    if (likely(mutex_trylock(&pipe->lock))) {
        was_empty = pipe_empty(pipe);
        done = add_small(pipe, buf, n, was_empty);
        mutex_unlock(&pipe->lock);
    }
    irq_restore(flags);
    if (done && (was_empty || pipe->polled))
        waitqueue_wake(&pipe->readable, 0, POLLIN | POLLRDNORM);
    return done;
}

static __attribute__((noinline)) ssize_t write_waiting(struct file *file, uintptr_t buf, size_t n)
{
    struct iovec iov;
    struct io io = io_user(&iov, buf, n);
    file_get(file);
    ssize_t result = pipe_write(file, &io, NULL);
    file_put(file);
    return result;
}

static ssize_t pipe_write_user(struct file *file, uintptr_t buf, size_t n)
{
    struct pipe *pipe = file->data;
    size_t done = 0;
    if (n - 1 < SMALL && pipe_count(&pipe->readers) &&
        !(atomic_load_explicit(&file->flags, memory_order_relaxed) & O_DIRECT))
        done = write_small(pipe, buf, n);
    return likely(done) ? (ssize_t)done : write_waiting(file, buf, n);
}

/* --- polling, sizes */

/* file->pos of a FIFO's reader: how many writers had come when it opened. */
static unsigned pipe_poll(struct file *file, struct poll_table *table)
{
    struct pipe *pipe = file->data;
    unsigned events = 0;
    if (table)
        pipe->polled = true;
    if (file_readable(file)) {
        poll_wait(table, &pipe->readable);
        if (!pipe_empty(pipe))
            events |= POLLIN | POLLRDNORM;
        if (!pipe_count(&pipe->writers) && file->pos != (off_t)pipe->writers_ever)
            events |= POLLHUP;
    }
    if (file_writable(file)) {
        poll_wait(table, &pipe->writable);
        if (!pipe_full(pipe))
            events |= POLLOUT | POLLWRNORM;
        if (!pipe_count(&pipe->readers))
            events |= POLLERR;
    }
    return events;
}

enum { FIONREAD = 0x541b };

static __cold int64_t pipe_ioctl(struct file *file, unsigned cmd, uintptr_t arg)
{
    struct pipe *pipe = file->data;
    uint32_t bytes = 0;
    if (cmd != FIONREAD)
        return -ENOTTY;
    mutex_lock(&pipe->lock);
    for (unsigned i = pipe_tail(pipe); i != pipe_head(pipe); i++)
        bytes += pipe_slot(pipe, i)->len;
    mutex_unlock(&pipe->lock);
    return user_put32(arg, bytes);
}

struct pipe *file_pipe(struct file *file)
{
    return file->ops == &pipe_ops ? file->data : NULL;
}

size_t pipe_size(const struct pipe *pipe)
{
    return pipe->nslots * PAGE_SIZE;
}

/* lock held */
static int replace_slots(struct pipe *pipe, unsigned nslots)
{
    unsigned used = pipe_head(pipe) - pipe_tail(pipe);
    if (used > nslots)
        return -EBUSY;
    struct pipe_buffer *slots = kcalloc(nslots, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    for (unsigned i = 0; i < used; i++)
        slots[i] = *pipe_slot(pipe, pipe_tail(pipe) + i);
    if (pipe->slots != pipe->first_slots)
        kfree(pipe->slots);
    pipe->slots = slots;
    atomic_store_explicit(&pipe->nslots, nslots, memory_order_relaxed);
    atomic_store_explicit(&pipe->tail, 0, memory_order_relaxed);
    atomic_store_explicit(&pipe->head, used, memory_order_release);
    return 0;
}

__cold ssize_t pipe_resize(struct pipe *pipe, size_t size)
{
    size_t rounded = PAGE_SIZE;
    if (size > 1ul << 31)
        return -EINVAL;
    while (rounded < size)
        rounded <<= 1;
    if (rounded > pipe_max_size && rounded > pipe_size(pipe) &&
        !cred_has(vfs_caller_hook()->cred, VFS_CAP_SYS_RESOURCE))
        return -EPERM;
    mutex_lock(&pipe->lock);
    int err = replace_slots(pipe, rounded / PAGE_SIZE);
    mutex_unlock(&pipe->lock);
    if (err < 0)
        return err;
    wake_all(&pipe->writable);
    return rounded;
}

/* --- opening and closing */

static void add_ends(struct pipe *pipe, const struct file *file)
{
    if (file_readable(file)) {
        atomic_fetch_add(&pipe->readers, 1);
        atomic_fetch_add(&pipe->readers_ever, 1);
    }
    if (file_writable(file)) {
        atomic_fetch_add(&pipe->writers, 1);
        atomic_fetch_add(&pipe->writers_ever, 1);
    }
}

static void drop_ends(struct pipe *pipe, const struct file *file)
{
    bool last = false;
    if (file_readable(file))
        last |= atomic_fetch_sub(&pipe->readers, 1) == 1;
    if (file_writable(file))
        last |= atomic_fetch_sub(&pipe->writers, 1) == 1;
    if (last) {
        waitqueue_wake(&pipe->readable, 0, POLLIN | POLLRDNORM | POLLHUP);
        waitqueue_wake(&pipe->writable, 0, POLLOUT | POLLWRNORM | POLLERR);
    }
}

static void put_file(struct inode *inode, struct pipe *pipe)
{
    mutex_lock(&fifo_lock);
    bool last = --pipe->files == 0;
    if (last)
        inode->data = NULL;
    mutex_unlock(&fifo_lock);
    if (last)
        pipe_free(pipe);
}

static void pipe_release(struct file *file)
{
    drop_ends(file->data, file);
    put_file(file->inode, file->data);
}

int pipe_create(int flags, struct file **rd, struct file **wr)
{
    struct pipe *pipe = pipe_alloc();
    if (!pipe)
        return -ENOMEM;
    int err = file_anonymous("pipe:[%ino]", &pipe_ops, S_IFIFO | 0600,
                             O_RDONLY | (flags & O_NONBLOCK), pipe, rd);
    if (err < 0) {
        pipe_free(pipe);
        return err;
    }
    pipe->files = 1;
    add_ends(pipe, *rd);
    (*rd)->pos = -1; /* a writer was there from the start: POLLHUP once it is gone */
    err =
        file_anonymous_pair(*rd, &pipe_ops, O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT)), pipe, wr);
    if (err < 0) {
        file_put(*rd);
        return err;
    }
    pipe->files = 2;
    add_ends(pipe, *wr);
    return 0;
}

/* The FIFO's pipe, made for the first that opens it. */
static struct pipe *get_fifo(struct inode *inode)
{
    mutex_lock(&fifo_lock);
    struct pipe *pipe = inode->data;
    if (!pipe)
        pipe = inode->data = pipe_alloc();
    if (pipe)
        pipe->files++;
    mutex_unlock(&fifo_lock);
    return pipe;
}

/* Wait for the other end (man 7 fifo). */
static int wait_for_other(struct pipe *pipe, struct file *file, unsigned readers, unsigned writers)
{
    struct waitqueue *queue = file_readable(file) ? &pipe->readable : &pipe->writable;
    atomic_uint *ever = file_readable(file) ? &pipe->writers_ever : &pipe->readers_ever;
    atomic_uint *now = file_readable(file) ? &pipe->writers : &pipe->readers;
    unsigned before = file_readable(file) ? writers : readers;
    if (pipe_count(now))
        return 0;
    return WAIT_EVENT(queue, pipe_count(now) || pipe_count(ever) != before, WAIT_INTERRUPTIBLE,
                      NSEC_FOREVER);
}

static __cold int fifo_open(struct inode *inode, struct file *file)
{
    bool rd = file_readable(file), wr = file_writable(file), nonblock = file_nonblock(file);
    if (!rd && !wr)
        return -EINVAL;
    struct pipe *pipe = get_fifo(inode);
    if (!pipe)
        return -ENOMEM;
    if (wr && !rd && nonblock && !pipe_count(&pipe->readers)) {
        put_file(inode, pipe);
        return -ENXIO;
    }
    unsigned readers = pipe_count(&pipe->readers_ever), writers = pipe_count(&pipe->writers_ever);
    file->ops = &pipe_ops;
    file->data = pipe;
    file->pos = pipe_count(&pipe->writers) ? -1 : (off_t)writers;
    add_ends(pipe, file);
    wake_all(rd ? &pipe->writable : &pipe->readable);
    if (rd && wr)
        wake_all(&pipe->readable);
    if ((rd && wr) || nonblock || file->path.dentry->anonymous)
        return 0;
    if (wait_for_other(pipe, file, readers, writers) < 0) {
        pipe_release(file);
        return -ERESTARTSYS;
    }
    if (rd)
        file->pos = -1;
    return 0;
}

static const struct file_ops pipe_ops = {
    .release = pipe_release,
    .read = pipe_read,
    .write = pipe_write,
    .read_user = pipe_read_user,
    .write_user = pipe_write_user,
    .poll = pipe_poll,
    .ioctl = pipe_ioctl,
};
const struct file_ops fifo_ops = {.open = fifo_open};
