#include "drivers/console/stdio.h"

#include "core/boot.h"
#include "core/log.h"
#include "core/thread.h"
#include "drivers/console/virtio_console.h"
#include "drivers/tty/tty.h"
#include "fs/stream.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { CHUNK_SMALL = 256, CHUNK = 32768, FIONREAD = 0x541b };

/* --- a stream as a file that looks like a pipe -------------------------------------------- */

static bool nonblocking(struct file *file)
{
    return atomic_load_explicit(&file->flags, memory_order_relaxed) & O_NONBLOCK;
}

/* Sleep until look(stream) is not 0: what it says, -EAGAIN, or -ERESTARTSYS. */
static ssize_t wait_for(struct file *file, ssize_t (*look)(struct stream *))
{
    struct stream *stream = file->data;
    ssize_t n = look(stream);
    if (n != 0)
        return n;
    if (nonblocking(file))
        return -EAGAIN;
    int r = WAIT_EVENT(&stream->wait, (n = look(stream)) != 0, WAIT_INTERRUPTIBLE, NSEC_FOREVER);
    return r < 0 ? -ERESTARTSYS : n;
}

/* A buffer between program and stream: small ones on the stack. */
static uint8_t *chunk_alloc(uint8_t *small, size_t *size)
{
    if (*size > CHUNK_SMALL) {
        *size = MIN(*size, (size_t)CHUNK);
        uint8_t *chunk = kmalloc(*size);
        if (chunk)
            return chunk;
    }
    *size = MIN(*size, (size_t)CHUNK_SMALL);
    return small;
}

static void chunk_free(const uint8_t *small, uint8_t *chunk)
{
    if (chunk != small)
        kfree(chunk);
}

/* What there is, at most `there` bytes at a time; -EFAULT; 0: another reader was faster. */
static ssize_t take_bytes(struct stream *stream, struct io *io, size_t there)
{
    uint8_t small[CHUNK_SMALL];
    size_t done = 0, size = MIN(io->left, there), moved = 0;
    uint8_t *chunk = chunk_alloc(small, &size);
    ssize_t n = 0;
    while (io->left && (n = stream->ops->read(stream, chunk, MIN(io->left, size))) > 0) {
        moved = io_put(io, chunk, n);
        done += moved;
        if (moved < (size_t)n)
            break;
    }
    chunk_free(small, chunk);
    return done || n <= 0 ? (ssize_t)done : -EFAULT;
}

static ssize_t stream_read(struct file *file, struct io *io, off_t *pos)
{
    struct stream *stream = file->data;
    ssize_t n = 0;
    while (n == 0 && io->left) {
        n = wait_for(file, stream->ops->readable);
        if (n < 0)
            return n == -EPIPE ? 0 : n;
        n = take_bytes(stream, io, n);
    }
    return n;
}

/* Hand over n bytes, sleeping for room; what was taken, or the error that came first. */
static ssize_t put_bytes(struct file *file, const uint8_t *bytes, size_t n)
{
    struct stream *stream = file->data;
    size_t done = 0;
    while (done < n) {
        ssize_t r = stream->ops->write(stream, bytes + done, n - done);
        if (r == 0)
            r = MIN(wait_for(file, stream->ops->writable), (ssize_t)0);
        if (r < 0)
            return done ? (ssize_t)done : r;
        done += r;
    }
    return done;
}

static ssize_t stream_write(struct file *file, struct io *io, off_t *pos)
{
    uint8_t small[CHUNK_SMALL];
    size_t done = 0, size = io->left;
    ssize_t r = 0;
    uint8_t *chunk = chunk_alloc(small, &size);
    while (io->left) {
        size_t n = MIN(io->left, size), got = io_get(io, chunk, n);
        r = got ? put_bytes(file, chunk, got) : -EFAULT;
        if (r > 0)
            done += r;
        if (r < (ssize_t)n)
            break;
    }
    chunk_free(small, chunk);
    if (r == -EPIPE && vfs_sigpipe_hook)
        vfs_sigpipe_hook();
    return done ? (ssize_t)done : r;
}

static unsigned stream_poll(struct file *file, struct poll_table *table)
{
    struct stream *stream = file->data;
    unsigned events = 0;
    poll_wait(table, &stream->wait);
    if (file_readable(file)) {
        ssize_t n = stream->ops->readable(stream);
        events |= n > 0 ? POLLIN | POLLRDNORM : n < 0 ? POLLHUP : 0;
    }
    if (file_writable(file)) {
        ssize_t n = stream->ops->writable(stream);
        events |= n > 0 ? POLLOUT | POLLWRNORM : n < 0 ? POLLERR | POLLOUT | POLLWRNORM : 0;
    }
    return events;
}

static int64_t stream_ioctl(struct file *file, unsigned cmd, uintptr_t arg)
{
    struct stream *stream = file->data;
    if (cmd != FIONREAD)
        return -ENOTTY;
    ssize_t n = file_readable(file) ? stream->ops->readable(stream) : 0;
    return user_put32(arg, MAX(n, (ssize_t)0));
}

/* Anew by name (/dev/stdin, /proc/self/fd/1): the same stream, in the direction that it has. */
static int stream_open(struct inode *inode, struct file *file)
{
    if ((file_readable(file) && !file->ops->read) || (file_writable(file) && !file->ops->write))
        return -EACCES;
    file->data = inode->data;
    return 0;
}

static const struct file_ops in_ops = {
    .open = stream_open,
    .read = stream_read,
    .poll = stream_poll,
    .ioctl = stream_ioctl,
};
static const struct file_ops out_ops = {
    .open = stream_open,
    .write = stream_write,
    .poll = stream_poll,
    .ioctl = stream_ioctl,
};

/* --- choosing ----------------------------------------------------------------------------- */

static int open_stream(int fd, struct file **file)
{
    static const char *const names[] = {"osprey.stdin", "osprey.stdout", "osprey.stderr"};
    struct stream *stream = stream_find(names[fd]);
    if (!stream) {
        log_warning("stdio: the host has no port %s", names[fd]);
        return -ENODEV;
    }
    const struct file_ops *ops = fd == 0 ? &in_ops : &out_ops;
    int r = file_anonymous("pipe:[%ino]", ops, S_IFIFO | 0600, fd == 0 ? O_RDONLY : O_WRONLY,
                           stream, file);
    if (r == 0)
        (*file)->inode->file_ops = ops;
    return r;
}

/* The terminal is opened once: 0, 1 and 2 share it, as a login shell's do. */
static int open_terminal(struct file **file)
{
    static struct file *terminal;
    if (!terminal) {
        int r = vfs_open(NULL, "/dev/console", O_RDWR, 0, LOOKUP_FOLLOW, &terminal);
        if (r < 0)
            return r;
    }
    file_get(terminal);
    *file = terminal;
    return 0;
}

int stdio_open(int fd, struct file **file)
{
    streams_wait_ready();
    const char *letters = boot_param("stdio");
    if (!letters || strnlen(letters, 4) != 3)
        letters = "ttt";
    int r = letters[fd] == 't'   ? open_terminal(file)
            : letters[fd] == 'p' ? open_stream(fd, file)
            : letters[fd] == 'o' ? open_stream(1, file) /* 2>&1: one stream keeps the order */
                                 : -ENODEV;
    return r == 0 ? 0 : vfs_open(NULL, "/dev/null", O_RDWR, 0, LOOKUP_FOLLOW, file);
}
