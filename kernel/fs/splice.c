/* fs/splice.c: splice(2) and tee(2) between pipes and files. Between two pipes pages change hands;
 * elsewhere they are copied once. */
#include "fs/file.h"
#include "fs/pipe_ring.h"
#include "mm/frame.h"

static int wait_data(struct pipe *pipe, bool nonblock)
{
    for (;;) {
        if (!pipe_empty(pipe))
            return 1;
        if (!pipe_count(&pipe->writers))
            return pipe_empty(pipe) ? 0 : 1;
        if (nonblock)
            return -EAGAIN;
        if (WAIT_EVENT(&pipe->readable, !pipe_empty(pipe) || !pipe_count(&pipe->writers),
                       WAIT_INTERRUPTIBLE, NSEC_FOREVER) < 0)
            return -ERESTARTSYS;
    }
}

static int wait_room(struct pipe *pipe, bool nonblock)
{
    for (;;) {
        if (!pipe_count(&pipe->readers)) {
            if (vfs_sigpipe_hook)
                vfs_sigpipe_hook();
            return -EPIPE;
        }
        if (!pipe_full(pipe))
            return 0;
        if (nonblock)
            return -EAGAIN;
        if (WAIT_EVENT(&pipe->writable, !pipe_full(pipe) || !pipe_count(&pipe->readers),
                       WAIT_INTERRUPTIBLE, NSEC_FOREVER) < 0)
            return -ERESTARTSYS;
    }
}

int pipe_wait_room(struct file *file)
{
    return wait_room(file_pipe(file), file_nonblock(file));
}

static void lock_both(struct pipe *a, struct pipe *b)
{
    mutex_lock(a < b ? &a->lock : &b->lock);
    mutex_lock(a < b ? &b->lock : &a->lock);
}

/* Share up to n bytes of in's pages with out; consume: take them from in. Both locked. */
static size_t share(struct pipe *in, struct pipe *out, size_t n, bool consume)
{
    size_t done = 0;
    unsigned at = pipe_tail(in);
    while (done < n && at != pipe_head(in) && !pipe_full(out)) {
        struct pipe_buffer *b = pipe_slot(in, at), copy = *b;
        copy.len = MIN((size_t)copy.len, n - done);
        copy.own = b->own = false;
        frame_get(copy.frame);
        pipe_push(out, &copy);
        done += copy.len;
        b->offset += consume ? copy.len : 0;
        b->len -= consume ? copy.len : 0;
        if (consume && !b->len)
            pipe_pop(in);
        at++;
    }
    return done;
}

static ssize_t between_pipes(struct pipe *in, struct pipe *out, size_t n, bool nonblock,
                             bool consume)
{
    if (in == out)
        return -EINVAL;
    for (;;) {
        int ready = wait_data(in, nonblock);
        if (ready < 0)
            return ready;
        int err = wait_room(out, nonblock); /* nobody to read it counts even if there is nothing */
        if (err < 0 || !ready)
            return err;
        lock_both(in, out);
        size_t done = share(in, out, n, consume);
        mutex_unlock(&in->lock);
        mutex_unlock(&out->lock);
        if (!done)
            continue;
        waitqueue_wake(&out->readable, 0, POLLIN | POLLRDNORM);
        if (consume)
            waitqueue_wake(&in->writable, 0, POLLOUT | POLLWRNORM);
        return done;
    }
}

/* The next piece of the vector, up to the end of its page; lock held. Bytes, or a negative errno.
 */
static ssize_t gift_page(struct pipe *pipe, struct address_space *space, struct io *io)
{
    while (io->niov && io->offset == io->iov->len) {
        io->iov++;
        io->niov--;
        io->offset = 0;
    }
    uintptr_t addr = io->iov->base + io->offset;
    uint32_t offset = addr & ~PAGE_MASK;
    size_t n = MIN(MIN(io->iov->len - io->offset, io->left), PAGE_SIZE - offset);
    paddr_t frame;
    int err = address_space_pin(space, addr, false, &frame);
    if (err < 0)
        return err == -ENOMEM ? err : -EFAULT;
    pipe_push(pipe, &(struct pipe_buffer){frame, offset, n, false, false});
    io_skip(io, n);
    return n;
}

ssize_t pipe_gift(struct file *file, struct address_space *space, struct io *io, bool nonblock)
{
    struct pipe *pipe = file_pipe(file);
    size_t done = 0;
    ssize_t n = 0;
    while (io->left && !done && n >= 0) {
        n = wait_room(pipe, nonblock || file_nonblock(file));
        if (n < 0)
            break;
        mutex_lock(&pipe->lock);
        while (io->left && !pipe_full(pipe)) {
            n = gift_page(pipe, space, io);
            if (n < 0)
                break;
            done += n;
        }
        mutex_unlock(&pipe->lock);
        waitqueue_wake(&pipe->readable, 0, POLLIN | POLLRDNORM);
    }
    return done ? (ssize_t)done : n;
}

ssize_t pipe_tee(struct file *in, struct file *out, size_t n, bool nonblock)
{
    struct pipe *from = file_pipe(in), *to = file_pipe(out);
    if (!from || !to)
        return -EINVAL;
    nonblock |= file_nonblock(in) || file_nonblock(out);
    return n ? between_pipes(from, to, n, nonblock, false) : 0;
}

/* Write the oldest buffer (up to n bytes of it) to the file; the pipe is locked meanwhile, so that
 * no other reader takes the same bytes. */
static ssize_t write_oldest(struct pipe *pipe, struct file *out, off_t *pos, size_t n)
{
    mutex_lock(&pipe->lock);
    if (pipe_empty(pipe)) {
        mutex_unlock(&pipe->lock);
        return 0;
    }
    struct pipe_buffer *b = pipe_slot(pipe, pipe_tail(pipe));
    struct iovec iov;
    struct io io =
        io_kernel(&iov, (char *)phys_to_virt(b->frame) + b->offset, MIN(n, (size_t)b->len));
    ssize_t moved = file_write(out, &io, pos);
    if (moved > 0) {
        b->offset += moved;
        b->len -= moved;
        b->own = false;
        if (!b->len)
            pipe_pop(pipe);
    }
    mutex_unlock(&pipe->lock);
    return moved;
}

ssize_t pipe_splice_to(struct file *in, struct file *out, off_t *pos, size_t n, bool nonblock)
{
    struct pipe *pipe = file_pipe(in);
    size_t done = 0;
    nonblock |= file_nonblock(in);
    if (!pipe)
        return -EINVAL;
    if (file_pipe(out))
        return between_pipes(pipe, file_pipe(out), n, nonblock || file_nonblock(out), true);
    if (out->seekable && (pos ? *pos : out->pos) > INT64_MAX - (off_t)n)
        return -EINVAL;
    while (done < n) {
        int ready = wait_data(pipe, nonblock || done);
        if (ready <= 0)
            return done ? (ssize_t)done : ready;
        ssize_t moved = write_oldest(pipe, out, pos, n - done);
        waitqueue_wake(&pipe->writable, 0, POLLOUT | POLLWRNORM);
        if (moved < 0)
            return done ? (ssize_t)done : moved;
        done += moved;
    }
    return done;
}

/* Up to a page from the file into the pipe, which had room; it may have to wait once more. */
static ssize_t read_page(struct file *in, off_t *pos, struct pipe *pipe, size_t n)
{
    paddr_t frame = frame_alloc(0, FRAME_USER);
    if (!frame)
        return -ENOMEM;
    size_t room = PAGE_SIZE;
    if (in->seekable) /* a buffer of the pipe for each page of the file */
        room -= (pos ? *pos : in->pos) & ~PAGE_MASK;
    struct iovec iov;
    struct io io = io_kernel(&iov, phys_to_virt(frame), MIN(n, room));
    ssize_t moved = (in->inode->mode & S_IFMT) == S_IFDIR ? -EINVAL : file_read(in, &io, pos);
    int err = 0;
    while (moved > 0) {
        mutex_lock(&pipe->lock);
        bool room = !pipe_full(pipe);
        if (room)
            pipe_push(pipe, &(struct pipe_buffer){frame, 0, moved, false, false});
        mutex_unlock(&pipe->lock);
        if (room) {
            waitqueue_wake(&pipe->readable, 0, POLLIN | POLLRDNORM);
            return moved;
        }
        err = wait_room(pipe, false);
        if (err < 0)
            break;
    }
    frame_put(frame);
    return moved > 0 ? err : moved;
}

ssize_t pipe_splice_from(struct file *in, off_t *pos, struct file *out, size_t n, bool nonblock)
{
    struct pipe *pipe = file_pipe(out);
    size_t done = 0;
    nonblock |= file_nonblock(out);
    if (!pipe)
        return -EINVAL;
    if (file_pipe(in))
        return between_pipes(file_pipe(in), pipe, n, nonblock || file_nonblock(in), true);
    if (in->seekable && (pos ? *pos : in->pos) > INT64_MAX - (off_t)n)
        return -EINVAL;
    while (done < n) {
        int err = wait_room(pipe, nonblock || done);
        if (err < 0)
            return done ? (ssize_t)done : err;
        ssize_t moved = read_page(in, pos, pipe, n - done);
        if (moved <= 0)
            return done ? (ssize_t)done : moved;
        done += moved;
        if (!in->seekable)
            break;
    }
    return done;
}
