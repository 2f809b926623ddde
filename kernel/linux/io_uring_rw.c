/* linux/io_uring_rw.c: reading, writing and what else is asked of one open file. */
#include "linux/io_uring.h"

#include "linux/path.h"
#include "linux/splice.h"
#include "linux/sync.h"
#include "fs/pipe.h"

enum { RWF_NOWAIT = 8, RWF_ALL = 31, CAP_SYS_NICE = 23 };
enum { SPLICE_F_NONBLOCK = 2, SPLICE_F_ALL = 15 };
#define SPLICE_F_FD_IN_FIXED 0x80000000u

/* A vector, copied when its request had to wait. */
struct vector {
    unsigned n;
    struct iovec iov[];
};

static bool is_write(const struct request *req)
{
    unsigned op = req->sqe.opcode;
    return op == OP_WRITE || op == OP_WRITEV || op == OP_WRITE_FIXED;
}

static bool is_vector(const struct request *req)
{
    return req->sqe.opcode == OP_READV || req->sqe.opcode == OP_WRITEV;
}

static bool is_fixed(const struct request *req)
{
    return req->sqe.opcode == OP_READ_FIXED || req->sqe.opcode == OP_WRITE_FIXED;
}

/* ioprio_set(2): class and value. */
static int check_priority(unsigned priority)
{
    switch (priority >> 13) {
    case 0:
        return priority ? -EINVAL : 0;
    case 1:
        return capable(CAP_SYS_ADMIN) || capable(CAP_SYS_NICE) ? 0 : -EPERM;
    case 2:
        return (priority & 0x1fff) >= 8 ? -EINVAL : 0;
    case 3:
        return 0;
    default:
        return -EINVAL;
    }
}

int prep_rw(struct request *req)
{
    if (is_fixed(req) && req->sqe.buf_index >= req->ring->buffers.n)
        return -EFAULT;
    if (req->sqe.flags & SQE_BUFFER_SELECT && is_vector(req) && req->sqe.len != 1)
        return -EINVAL;
    if (req->sqe.op_flags & RWF_NOWAIT)
        req->flags |= REQ_NOWAIT;
    return req->sqe.ioprio ? check_priority(req->sqe.ioprio) : 0;
}

int rw_stable(struct request *req)
{
    struct user_iov vec;
    if (!is_vector(req))
        return 0;
    int err = user_iov_get(&vec, req->sqe.addr, req->sqe.len);
    if (err)
        return err;
    struct vector *copy = kmalloc(sizeof(*copy) + req->sqe.len * sizeof(struct iovec));
    if (copy) {
        copy->n = req->sqe.len;
        for (unsigned i = 0; i < copy->n; i++)
            copy->iov[i] = vec.iov[i];
        req->data = copy;
    }
    user_iov_put(&vec);
    return copy ? 0 : -ENOMEM;
}

/* Where the bytes go. vec holds what io points to. */
static int get_vector(struct request *req, struct user_iov *vec)
{
    const struct vector *copy = req->data;
    if (!copy)
        return user_iov_get(vec, req->sqe.addr, req->sqe.len);
    vec->big = NULL;
    vec->io = (struct io){.iov = copy->iov, .niov = copy->n};
    for (unsigned i = 0; i < copy->n; i++)
        vec->io.left += copy->iov[i].len;
    return 0;
}

static int get_selected(struct request *req, bool locked, struct user_iov *vec)
{
    uint32_t len = req->sqe.len;
    uintptr_t addr;
    if (is_vector(req)) {
        const struct vector *copy = req->data;
        struct iovec iov;
        if (copy)
            iov = copy->iov[0];
        else if (user_read(&iov, req->sqe.addr, sizeof(iov)) < 0)
            return -EFAULT;
        len = (uint32_t)MIN(iov.len, (size_t)MAX_RW_COUNT);
    }
    int err = provided_select(req, locked, &addr, &len);
    vec->big = NULL;
    if (!err)
        vec->io = io_user(vec->small, addr, len);
    return err;
}

static int get_buffer(struct request *req, bool locked, struct user_iov *vec)
{
    size_t len = MIN(req->sqe.len, (uint32_t)MAX_RW_COUNT);
    if (req->sqe.flags & SQE_BUFFER_SELECT)
        return get_selected(req, locked, vec);
    if (is_vector(req))
        return get_vector(req, vec);
    int err = user_range_ok(req->sqe.addr, len) ? 0 : -EFAULT;
    if (!err && is_fixed(req)) {
        if (!locked)
            uring_lock(req->ring);
        err = buffer_import(req, req->sqe.addr, len);
        if (!locked)
            uring_unlock(req->ring);
    }
    vec->big = NULL;
    vec->io = io_user(vec->small, req->sqe.addr, len);
    return err;
}

/* Files other than these may sleep in spite of io.nowait: look first. */
static bool keeps_nowait(const struct file *file)
{
    uint32_t type = file->inode->mode & S_IFMT;
    return type == S_IFREG || type == S_IFIFO || type == S_IFSOCK || !file->ops->poll;
}

static bool is_ready(struct request *req)
{
    unsigned wanted = is_write(req) ? POLLOUT : POLLIN;
    return keeps_nowait(req->file) || file_poll(req->file, NULL) & (wanted | POLLERR | POLLHUP);
}

/* A file that is not to wait and cannot be watched has said its last word. */
static bool is_final(const struct request *req, bool may_wait)
{
    bool nonblock = atomic_load(&req->file->flags) & O_NONBLOCK;
    return may_wait || req->flags & REQ_NOWAIT || (nonblock && !req->file->ops->poll);
}

static int check_file(const struct request *req)
{
    const struct file *file = req->file;
    if (!(is_write(req) ? file_writable(file) : file_readable(file)))
        return -EBADF;
    if (!(is_write(req) ? file->ops->write != NULL : file->ops->read != NULL))
        return (file->inode->mode & S_IFMT) == S_IFDIR ? -EISDIR : -EINVAL;
    if (req->sqe.op_flags & ~(uint32_t)RWF_ALL || req->ring->flags & SETUP_IOPOLL)
        return -EOPNOTSUPP;
    return 0;
}

static int64_t transfer(struct request *req, struct io *io, bool may_wait)
{
    off_t pos = (off_t)req->sqe.off;
    off_t *at = pos == -1 || !req->file->can_pread ? NULL : &pos;
    size_t asked = io->left;
    io->nowait = !may_wait;
    int64_t n = is_ready(req) || may_wait
                    ? file_transfer(req->file, io, at, req->sqe.op_flags, is_write(req))
                    : -EAGAIN;
    if (n >= 0 && (size_t)n != asked)
        req->flags |= REQ_PARTIAL;
    return n;
}

URING_ISSUE(issue_rw)
{
    struct user_iov vec;
    int err = check_file(req);
    if (!err)
        err = get_buffer(req, !may_wait, &vec);
    if (err)
        return err;
    int64_t n = transfer(req, &vec.io, may_wait);
    user_iov_put(&vec);
    if (n != -EAGAIN)
        return n;
    provided_recycle(req, !may_wait);
    return is_final(req, may_wait) ? n : uring_again(req);
}

/* --- fsync and its like */

int prep_fsync(struct request *req)
{
    return req->sqe.op_flags & ~1u ? -EINVAL : 0;
}

URING_ISSUE(issue_fsync)
{
    return file_sync(req->file, req->sqe.op_flags & 1);
}

URING_ISSUE(issue_sync_range)
{
    return sync_range(req->file, (off_t)req->sqe.off, req->sqe.len, req->sqe.op_flags);
}

/* Offset, length and mode lie where others have offset, address and length. Always by a worker: the
 * SIGXFSZ of a file that would grow too large is not for the program. */
URING_ISSUE(issue_fallocate)
{
    if (!may_wait)
        return uring_again(req);
    return file_fallocate(req->file, (int)req->sqe.len, (off_t)req->sqe.off, (off_t)req->sqe.addr);
}

URING_ISSUE(issue_fadvise)
{
    if (!may_wait && req->file->ops->advise)
        return uring_again(req);
    return sync_advise(req->file, (off_t)req->sqe.off, req->sqe.len, (int)req->sqe.op_flags);
}

URING_ISSUE(issue_madvise)
{
    return address_space_advise(current_process()->space, req->sqe.addr, req->sqe.len,
                                (int)req->sqe.op_flags);
}

/* --- splice, tee */

int prep_splice(struct request *req)
{
    if (req->sqe.op_flags & ~(SPLICE_F_ALL | SPLICE_F_FD_IN_FIXED))
        return -EINVAL;
    return req->sqe.opcode == OP_TEE && (req->sqe.addr || req->sqe.off) ? -EINVAL : 0;
}

static struct file *splice_source(struct request *req, bool locked)
{
    if (!(req->sqe.op_flags & SPLICE_F_FD_IN_FIXED))
        return fd_get((int)req->sqe.file_index);
    if (!locked)
        uring_lock(req->ring);
    struct file *file = files_get(req, req->sqe.file_index);
    if (!locked)
        uring_unlock(req->ring);
    return file;
}

static int64_t move(struct request *req, struct file *in, bool nonblock)
{
    off_t from = (off_t)req->sqe.addr, to = (off_t)req->sqe.off;
    if (!file_readable(in) || !file_writable(req->file))
        return -EBADF;
    if (req->sqe.opcode == OP_TEE)
        return file_pipe(in) != file_pipe(req->file)
                   ? pipe_tee(in, req->file, req->sqe.len, nonblock)
                   : -EINVAL;
    return splice_files(in, from == -1 ? NULL : &from, req->file, to == -1 ? NULL : &to,
                        req->sqe.len, nonblock);
}

URING_ISSUE(issue_splice)
{
    bool nonblock = !may_wait || req->sqe.op_flags & SPLICE_F_NONBLOCK;
    struct file *in = splice_source(req, !may_wait);
    if (!in)
        return -EBADF;
    int64_t n = req->sqe.len ? move(req, in, nonblock) : 0;
    file_put(in);
    if (n == -EAGAIN && !may_wait && !(req->sqe.op_flags & SPLICE_F_NONBLOCK))
        return uring_again(req);
    if (n >= 0 && n != req->sqe.len)
        req->flags |= REQ_PARTIAL;
    return n;
}
