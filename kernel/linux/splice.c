/* linux/splice.c: moving bytes between two descriptors (man 2 sendfile, splice, tee, vmsplice,
 * copy_file_range). Pages are copied, never shared: what a program sees is the same. */
#include "linux/splice.h"

#include "fs/pipe.h"
#include "linux/iov.h"
#include "linux/syscall.h"

enum { BOUNCE_MAX = 64 * 1024 };
enum { SPLICE_F_NONBLOCK = 2, SPLICE_F_ALL = 15 };

/* Both files of a call; whether they are open for it is looked at later. */
struct pair {
    struct fd_ref in, out;
};

static int pair_get(struct pair *pair, int in, int out)
{
    pair->in = fd_borrow(in);
    if (!pair->in.file)
        return -EBADF;
    pair->out = fd_borrow(out);
    if (pair->out.file)
        return 0;
    fd_return(pair->in);
    return -EBADF;
}
static bool pair_open(const struct file *in, const struct file *out)
{
    return file_readable(in) && file_writable(out);
}

static void pair_put(struct pair *pair)
{
    fd_return(pair->in);
    fd_return(pair->out);
}

/* A file offset in program memory; addr 0: the file's own position. */
struct offset {
    uintptr_t addr;
    off_t pos;
};

static int offset_get(struct offset *offset, uintptr_t addr)
{
    offset->addr = addr;
    offset->pos = 0;
    if (addr && user_get64(addr, (uint64_t *)&offset->pos) < 0)
        return -EFAULT;
    return offset->pos < 0 ? -EINVAL : 0;
}
static off_t *offset_use(struct offset *offset)
{
    return offset->addr ? &offset->pos : NULL;
}
/* The call's result, unless the new offset cannot be told. */
static int64_t offset_put(const struct offset *offset, int64_t result)
{
    if (offset->addr && result >= 0 && user_put64(offset->addr, (uint64_t)offset->pos) < 0)
        return -EFAULT;
    return result;
}

/* --- through a buffer
 * ------------------------------------------------------------------------------------- */

/* Write all n bytes; fewer, or a negative errno if none. */
static ssize_t write_all(struct file *out, const char *buf, size_t n, off_t *pos)
{
    size_t done = 0;
    while (done < n) {
        struct iovec iov;
        struct io io = io_kernel(&iov, buf + done, n - done);
        ssize_t moved = file_write(out, &io, pos);
        if (moved <= 0)
            return done ? (ssize_t)done : moved;
        done += (size_t)moved;
    }
    return (ssize_t)done;
}

/* Copy up to n bytes from *in_pos on; *in_pos advances by what was written. */
static ssize_t copy(struct file *in, off_t *in_pos, struct file *out, off_t *out_pos, size_t n)
{
    size_t size = MIN(n, (size_t)BOUNCE_MAX), total = 0;
    char *buf = kmalloc(size);
    ssize_t result = buf ? 0 : -ENOMEM;
    while (buf && total < n) {
        struct iovec iov;
        struct io io = io_kernel(&iov, buf, MIN(size, n - total));
        off_t pos = *in_pos;
        result = file_read(in, &io, &pos);
        if (result <= 0)
            break;
        ssize_t got = result;
        result = write_all(out, buf, (size_t)got, out_pos);
        if (result <= 0)
            break;
        if (pos != *in_pos) /* devices have no position */
            *in_pos += result;
        total += (size_t)result;
        if (result < got || thread_interrupted(current))
            break;
    }
    kfree(buf);
    return total ? (ssize_t)total : result;
}

/* --- sendfile
 * --------------------------------------------------------------------------------------------- */

/* Pages into a pipe, as splice(2) does it; elsewhere bytes. */
static int64_t send_to(struct file *in, off_t *pos, struct file *out, size_t n)
{
    if (!file_writable(out))
        return -EBADF;
    if (file_pipe(out)) {
        int err = pipe_wait_room(out);
        if (err || !n)
            return err;
        return file_pipe(in) ? -EINVAL : pipe_splice_from(in, pos, out, n, false);
    }
    if (!in->seekable || out->flags & O_APPEND)
        return -EINVAL;
    if ((in->inode->mode & S_IFMT) == S_IFDIR)
        return n ? -EINVAL : 0;
    return copy(in, pos, out, NULL, n);
}

/* Without an offset it is the file's position that moves, which is not locked meanwhile: the other
 * end may take long, and may be a file from which somebody sends to this one. */
static int64_t send_from(struct file *in, int out_fd, struct offset *offset, size_t n)
{
    if (!file_readable(in))
        return -EBADF;
    if (offset->addr && !in->can_pread)
        return -ESPIPE;
    bool moves = !offset->addr && in->seekable;
    if (moves)
        offset->pos = in->pos;
    off_t *pos = offset->addr || moves ? &offset->pos : NULL;
    if ((ssize_t)n < 0 || (pos && (*pos < 0 || *pos > INT64_MAX - (off_t)n)))
        return -EINVAL;
    struct fd_ref out = fd_borrow(out_fd);
    if (!out.file)
        return -EBADF;
    int64_t result = send_to(in, pos, out.file, MIN(n, (size_t)MAX_RW_COUNT));
    if (moves && result > 0)
        in->pos = offset->pos;
    fd_return(out);
    return result;
}

/* The offset is read first and, whatever comes of it, written back last. */
SYSCALL(sendfile, 4, SYSCALL_WHOLE, "")
{
    struct offset offset;
    if (offset_get(&offset, a2) == -EFAULT)
        return -EFAULT;
    struct fd_ref in = fd_borrow((int)a1);
    int64_t result = -EBADF;
    if (in.file) {
        result = send_from(in.file, (int)a0, &offset, a3);
        fd_return(in);
    }
    return a2 && user_put64(a2, (uint64_t)offset.pos) < 0 ? -EFAULT : result;
}

/* --- splice, tee, vmsplice
 * -------------------------------------------------------------------------------- */

int64_t splice_files(struct file *in, off_t *in_pos, struct file *out, off_t *out_pos, size_t n,
                     bool nonblock)
{
    struct pipe *from = file_pipe(in), *to = file_pipe(out);
    if (!from && !to)
        return -EINVAL;
    if ((from && in_pos) || (to && out_pos))
        return -ESPIPE;
    if (from == to || (in_pos && !in->can_pread) || (out_pos && !out->can_pread) ||
        (from && !to && out->flags & O_APPEND))
        return -EINVAL;
    return from ? pipe_splice_to(in, out, out_pos, n, nonblock)
                : pipe_splice_from(in, in_pos, out, n, nonblock);
}

static int64_t splice_pair(struct file *in, uintptr_t in_addr, struct file *out, uintptr_t out_addr,
                           size_t n, bool nonblock)
{
    struct offset from, to;
    if ((file_pipe(in) && in_addr) || (file_pipe(out) && out_addr))
        return -ESPIPE;
    int err = offset_get(&to, out_addr);
    if (err != -EFAULT)
        err = offset_get(&from, in_addr) ?: err;
    if (err == -EFAULT)
        return err;
    if (!pair_open(in, out))
        return -EBADF;
    if (err)
        return err;
    int64_t result = splice_files(in, offset_use(&from), out, offset_use(&to), n, nonblock);
    return offset_put(&to, offset_put(&from, result));
}

SYSCALL(splice, 6, SYSCALL_WHOLE, "")
{
    if (!a4)
        return 0;
    if ((unsigned)a5 & ~(unsigned)SPLICE_F_ALL)
        return -EINVAL;
    struct pair pair;
    int err = pair_get(&pair, (int)a0, (int)a2);
    if (err)
        return err;
    size_t n = MIN(a4, (size_t)MAX_RW_COUNT);
    int64_t result = splice_pair(pair.in.file, a1, pair.out.file, a3, n, a5 & SPLICE_F_NONBLOCK);
    pair_put(&pair);
    return result;
}

SYSCALL(tee, 4, SYSCALL_WHOLE, "")
{
    if (a3 & ~(uint64_t)SPLICE_F_ALL)
        return -EINVAL;
    if (!a2)
        return 0;
    struct pair pair;
    int err = pair_get(&pair, (int)a0, (int)a1);
    if (err)
        return err;
    struct pipe *from = file_pipe(pair.in.file), *to = file_pipe(pair.out.file);
    int64_t result = -EINVAL;
    if (!pair_open(pair.in.file, pair.out.file))
        result = -EBADF;
    else if (from && to && from != to)
        result = pipe_tee(pair.in.file, pair.out.file, MIN(a2, (size_t)MAX_RW_COUNT),
                          a3 & SPLICE_F_NONBLOCK);
    pair_put(&pair);
    return result;
}

static int64_t vmsplice(struct file *file, uintptr_t addr, size_t n, bool nonblock)
{
    struct user_iov vec;
    int64_t result = user_iov_get(&vec, addr, n);
    if (result)
        return result;
    vec.io.nowait = nonblock;
    if (!vec.io.left)
        result = 0;
    else if (!file_pipe(file))
        result = -EBADF;
    else if (file_writable(file))
        result = pipe_gift(file, current_process()->space, &vec.io, nonblock);
    else
        result = file_read(file, &vec.io, NULL);
    user_iov_put(&vec);
    return result;
}

SYSCALL(vmsplice, 4, SYSCALL_WHOLE, "")
{
    if (a3 & ~(uint64_t)SPLICE_F_ALL)
        return -EINVAL;
    struct fd_ref ref = fd_borrow((int)a0);
    if (!ref.file)
        return -EBADF;
    int64_t result = vmsplice(ref.file, a1, a2, a3 & SPLICE_F_NONBLOCK);
    fd_return(ref);
    return result;
}

/* --- copy_file_range
 * -------------------------------------------------------------------------------------- */

/* What Linux looks at before anything else, in its order. */
static int check_files(const struct file *in, const struct file *out)
{
    const struct inode *from = in->inode, *to = out->inode;
    if ((from->mode & S_IFMT) == S_IFDIR || (to->mode & S_IFMT) == S_IFDIR)
        return -EISDIR;
    if ((from->mode & S_IFMT) != S_IFREG || (to->mode & S_IFMT) != S_IFREG)
        return -EINVAL;
    if (!pair_open(in, out) || out->flags & O_APPEND)
        return -EBADF;
    return from->super == to->super ? 0 : -EXDEV;
}

/* Cut *n to what there is to copy; the ranges must not touch in one file. */
static int check_range(const struct file *in, uint64_t from, const struct file *out, uint64_t to,
                       size_t *n)
{
    off_t size = (off_t)in->inode->size;
    if (from + *n < from || to + *n < to)
        return -EOVERFLOW;
    *n = (off_t)from >= size ? 0 : MIN(*n, (uint64_t)size - from);
    if (*n && to >= vfs_caller_hook()->file_size_limit)
        return -EFBIG;
    if (in->inode == out->inode && to + *n > from && to < from + *n)
        return -EINVAL;
    return (off_t)from < 0 || (off_t)to < 0 ? -EINVAL : 0;
}

static int64_t copy_range(struct file *in, uintptr_t in_addr, struct file *out, uintptr_t out_addr,
                          size_t n)
{
    struct offset from, to;
    int err = offset_get(&from, in_addr);
    if (err != -EFAULT)
        err = offset_get(&to, out_addr);
    if (err != -EFAULT)
        err = check_files(in, out);
    if (err)
        return err;
    if (!in_addr)
        from.pos = in->pos;
    if (!out_addr)
        to.pos = out->pos;
    err = check_range(in, (uint64_t)from.pos, out, (uint64_t)to.pos, &n);
    if (err || !n)
        return err;
    ssize_t result = copy(in, &from.pos, out, &to.pos, MIN(n, (size_t)MAX_RW_COUNT));
    if (result <= 0)
        return result;
    if (!in_addr)
        in->pos = from.pos;
    if (!out_addr)
        out->pos = to.pos;
    return offset_put(&to, offset_put(&from, result));
}

SYSCALL(copy_file_range, 6, SYSCALL_WHOLE, "")
{
    struct pair pair;
    int err = pair_get(&pair, (int)a0, (int)a2);
    if (err)
        return err;
    int64_t result = (unsigned)a5 ? -EINVAL : copy_range(pair.in.file, a1, pair.out.file, a3, a4);
    pair_put(&pair);
    return result;
}
