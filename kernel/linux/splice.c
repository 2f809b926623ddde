/* linux/splice.c: moving bytes between two descriptors (man 2 sendfile, splice, tee, vmsplice,
 * copy_file_range). Pages are copied, never shared: what a program sees is the same. */
#include "linux/splice.h"

#include "fs/pipe.h"
#include "linux/iov.h"
#include "linux/syscall.h"

enum { BOUNCE_MAX = 64 * 1024 };
enum { SPLICE_F_NONBLOCK = 2, SPLICE_F_ALL = 15 };

/* Both files of a call. */
struct pair {
    struct fd_ref in, out;
};

static int pair_get(struct pair *pair, int in, int out)
{
    pair->in = fd_borrow(in);
    if (!pair->in.file)
        return -EBADF;
    pair->out = fd_borrow(out);
    if (pair->out.file && file_readable(pair->in.file) && file_writable(pair->out.file))
        return 0;
    if (pair->out.file)
        fd_return(pair->out);
    fd_return(pair->in);
    return -EBADF;
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

static int64_t send_from(struct file *in, struct file *out, uintptr_t addr, size_t count)
{
    struct offset offset;
    int err = offset_get(&offset, addr);
    if (err)
        return err;
    if (addr && !in->can_pread)
        return -ESPIPE;
    if (!in->seekable || out->flags & O_APPEND || (ssize_t)count < 0)
        return -EINVAL;
    count = MIN(count, (size_t)MAX_RW_COUNT);
    if (addr)
        return offset_put(&offset, copy(in, &offset.pos, out, NULL, count));
    if (in == out)
        return -EINVAL;
    mutex_lock(&in->pos_lock);
    ssize_t result = copy(in, &in->pos, out, NULL, count);
    mutex_unlock(&in->pos_lock);
    return result;
}

SYSCALL(sendfile, 4, SYSCALL_WHOLE, "")
{
    struct pair pair;
    int err = pair_get(&pair, (int)a1, (int)a0);
    if (err)
        return err;
    int64_t result = send_from(pair.in.file, pair.out.file, a2, a3);
    pair_put(&pair);
    return result;
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
        (from && out->flags & O_APPEND))
        return -EINVAL;
    return from ? pipe_splice_to(in, out, out_pos, n, nonblock)
                : pipe_splice_from(in, in_pos, out, n, nonblock);
}

static int64_t splice_pair(struct file *in, uintptr_t in_addr, struct file *out, uintptr_t out_addr,
                           size_t n, bool nonblock)
{
    struct offset from, to;
    if (!file_pipe(in) && !file_pipe(out))
        return -EINVAL;
    if ((file_pipe(in) && in_addr) || (file_pipe(out) && out_addr))
        return -ESPIPE;
    int err = offset_get(&from, in_addr);
    if (!err)
        err = offset_get(&to, out_addr);
    if (err)
        return err;
    int64_t result = splice_files(in, offset_use(&from), out, offset_use(&to), n, nonblock);
    return offset_put(&to, offset_put(&from, result));
}

SYSCALL(splice, 6, SYSCALL_WHOLE, "")
{
    if (a5 & ~(uint64_t)SPLICE_F_ALL)
        return -EINVAL;
    if (!a4)
        return 0;
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
    if (from && to && from != to)
        result = pipe_tee(pair.in.file, pair.out.file, MIN(a2, (size_t)MAX_RW_COUNT),
                          a3 & SPLICE_F_NONBLOCK);
    pair_put(&pair);
    return result;
}

static int64_t vmsplice(struct file *file, uintptr_t addr, size_t n, bool nonblock)
{
    if (!file_pipe(file))
        return -EBADF;
    struct user_iov vec;
    int64_t result = user_iov_get(&vec, addr, n);
    if (result)
        return result;
    vec.io.nowait = nonblock;
    if (file_writable(file))
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

static int check_regular(const struct file *file)
{
    uint32_t type = file->inode->mode & S_IFMT;
    return type == S_IFREG ? 0 : type == S_IFDIR ? -EISDIR : -EINVAL;
}

static int64_t copy_range(struct file *in, uintptr_t in_addr, struct file *out, uintptr_t out_addr,
                          size_t n)
{
    int err = check_regular(in);
    if (!err)
        err = check_regular(out);
    struct offset from, to;
    if (!err)
        err = offset_get(&from, in_addr);
    if (!err)
        err = offset_get(&to, out_addr);
    if (err)
        return err;
    if (out->flags & O_APPEND)
        return -EBADF;
    if (!in_addr)
        from.pos = in->pos;
    if (!out_addr)
        to.pos = out->pos;
    n = MIN(n, (size_t)MAX_RW_COUNT);
    if (from.pos > INT64_MAX - (off_t)n || to.pos > INT64_MAX - (off_t)n)
        return -EOVERFLOW;
    if (in->inode == out->inode && from.pos < to.pos + (off_t)n && to.pos < from.pos + (off_t)n)
        return -EINVAL;
    ssize_t result = n ? copy(in, &from.pos, out, &to.pos, n) : 0;
    if (result > 0 && !in_addr)
        in->pos = from.pos;
    if (result > 0 && !out_addr)
        out->pos = to.pos;
    return offset_put(&to, offset_put(&from, result));
}

SYSCALL(copy_file_range, 6, SYSCALL_WHOLE, "")
{
    if (a5)
        return -EINVAL;
    struct pair pair;
    int err = pair_get(&pair, (int)a0, (int)a2);
    if (err)
        return err;
    int64_t result = copy_range(pair.in.file, a1, pair.out.file, a3, a4);
    pair_put(&pair);
    return result;
}
