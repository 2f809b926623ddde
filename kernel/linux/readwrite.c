/* linux/readwrite.c: moving bytes (man 2 read, readv, preadv2, lseek). */
#include "fs/notify.h"
#include "linux/iov.h"
#include "linux/syscall.h"

static bool beyond_all(const struct file *file, const off_t *pos, size_t n)
{
    return file->seekable && unlikely((pos ? *pos : file->pos) > INT64_MAX - (off_t)n);
}

/* Unlike file_read() these look at the whole buffer first, as Linux does. */
static int64_t transfer(struct fd_ref ref, uintptr_t buf, size_t n, off_t *pos, bool write)
{
    if (unlikely(!ref.file))
        return -EBADF;
    if (unlikely(ref.file->flags & O_PATH)) {
        fd_return(ref);
        return -EBADF;
    }
    struct iovec iov;
    struct io io = io_user(&iov, buf, n < MAX_RW_COUNT ? n : MAX_RW_COUNT);
    ssize_t result;
    if (pos && unlikely(!ref.file->can_pread))
        result = -ESPIPE;
    else if (unlikely(!(write ? file_writable(ref.file) : file_readable(ref.file))))
        result = -EBADF;
    else if (unlikely(!user_range_ok(buf, n)))
        result = -EFAULT;
    else if (beyond_all(ref.file, pos, n))
        result = -EINVAL;
    else
        result = write ? file_write(ref.file, &io, pos) : file_read(ref.file, &io, pos);
    fd_return(ref);
    return result;
}

/* May a file's short cut serve this call? Else everything has its turn in transfer(). */
static inline bool is_plain(const struct file *file, uintptr_t buf, size_t n)
{
    return likely(file != NULL) && user_range_ok(buf, n) && n <= MAX_RW_COUNT &&
           !atomic_load_explicit(&notify_watches, memory_order_relaxed);
}

static inline __attribute__((always_inline)) bool can_read_user(const struct file *file,
                                                                uintptr_t buf, size_t n)
{
    return is_plain(file, buf, n) && file->ops->read_user && file_readable(file);
}

static inline __attribute__((always_inline)) bool can_write_user(const struct file *file,
                                                                 uintptr_t buf, size_t n)
{
    return is_plain(file, buf, n) && file->ops->write_user && file_writable(file);
}

static __attribute__((noinline)) int64_t read_slowly(int fd, uintptr_t buf, size_t n)
{
    struct fd_ref ref = fd_borrow_any(fd);
    if (!ref.counted || !can_read_user(ref.file, buf, n))
        return transfer(ref, buf, n, NULL, false);
    ssize_t result = ref.file->ops->read_user(ref.file, buf, n);
    fd_return(ref);
    return result;
}

static __attribute__((noinline)) int64_t write_slowly(int fd, uintptr_t buf, size_t n)
{
    struct fd_ref ref = fd_borrow_any(fd);
    if (!ref.counted || !can_write_user(ref.file, buf, n))
        return transfer(ref, buf, n, NULL, true);
    ssize_t result = ref.file->ops->write_user(ref.file, buf, n);
    fd_return(ref);
    return result;
}

SYSCALL(read, 3, SYSCALL_WHOLE, "")
{
    struct file *file = fd_glance((int)a0);
    if (can_read_user(file, a1, a2))
        return file->ops->read_user(file, a1, a2);
    return read_slowly((int)a0, a1, a2);
}

SYSCALL(write, 3, SYSCALL_WHOLE, "")
{
    struct file *file = fd_glance((int)a0);
    if (can_write_user(file, a1, a2))
        return file->ops->write_user(file, a1, a2);
    return write_slowly((int)a0, a1, a2);
}

SYSCALL(pread64, 4, SYSCALL_WHOLE, "")
{
    off_t pos = (off_t)a3;
    return pos < 0 ? -EINVAL : transfer(fd_borrow_any((int)a0), a1, a2, &pos, false);
}

SYSCALL(pwrite64, 4, SYSCALL_WHOLE, "")
{
    off_t pos = (off_t)a3;
    return pos < 0 ? -EINVAL : transfer(fd_borrow_any((int)a0), a1, a2, &pos, true);
}

/* --- vectors
 * ---------------------------------------------------------------------------------------------- */

int user_iov_get(struct user_iov *vec, uintptr_t addr, size_t n)
{
    vec->big = NULL;
    vec->iov = vec->small;
    vec->io = (struct io){};
    if (n > IOV_MAX)
        return -EINVAL;
    if (n > ARRAY_SIZE(vec->small)) {
        vec->iov = vec->big = kmalloc(n * sizeof(struct iovec));
        if (!vec->big)
            return -ENOMEM;
    }
    int err = user_read(vec->iov, addr, n * sizeof(struct iovec));
    size_t total = 0;
    for (size_t i = 0; i < n && !err; i++) {
        struct iovec *iov = &vec->iov[i];
        if ((ssize_t)iov->len < 0)
            err = -EINVAL;
        else if (!user_range_ok(iov->base, iov->len))
            err = -EFAULT;
        if (iov->len > MAX_RW_COUNT - total)
            iov->len = MAX_RW_COUNT - total;
        total += iov->len;
    }
    vec->io.iov = vec->iov;
    vec->io.niov = (unsigned)n;
    vec->io.left = total;
    if (err)
        user_iov_put(vec);
    return err;
}

enum {
    RWF_HIPRI = 1,
    RWF_DSYNC = 2,
    RWF_SYNC = 4,
    RWF_NOWAIT = 8,
    RWF_APPEND = 16,
    RWF_ALL = 31,
};

/* May the call's flags be asked of this file? */
int rw_flags_apply(const struct file *file, struct io *io, unsigned flags)
{
    uint32_t type = file->inode->mode & S_IFMT;
    if (flags & ~(unsigned)(type == S_IFDIR ? RWF_HIPRI : RWF_ALL))
        return -EOPNOTSUPP;
    if (flags & RWF_NOWAIT && type != S_IFREG && type != S_IFIFO && type != S_IFSOCK)
        return -EOPNOTSUPP;
    io->nowait |= (flags & RWF_NOWAIT) != 0;
    return 0;
}

/* One write at the end of a file that is not open for appending: through a stand-in that is. */
static ssize_t append(struct file *file, struct io *io, off_t *pos)
{
    struct file stand_in = *file;
    off_t end = 0;
    atomic_fetch_or_explicit(&stand_in.flags, O_APPEND, memory_order_relaxed);
    if (pos || !file->seekable)
        return file_write(&stand_in, io, pos);
    mutex_lock(&file->pos_lock);
    ssize_t n = file_write(&stand_in, io, &end);
    if (n > 0)
        file->pos = end;
    mutex_unlock(&file->pos_lock);
    return n;
}

ssize_t rw_flags_write(struct file *file, struct io *io, off_t *pos, unsigned flags)
{
    ssize_t n = flags & RWF_APPEND ? append(file, io, pos) : file_write(file, io, pos);
    if (n > 0 && file->seekable && flags & (RWF_DSYNC | RWF_SYNC)) {
        int err = file_sync(file, !(flags & RWF_SYNC));
        return err ? err : n;
    }
    return n;
}

ssize_t file_transfer(struct file *file, struct io *io, off_t *pos, unsigned flags, bool write)
{
    int err = flags ? rw_flags_apply(file, io, flags) : 0;
    if (err)
        return err;
    return write ? rw_flags_write(file, io, pos, flags) : file_read(file, io, pos);
}

static int64_t transfer_vector(int fd, uintptr_t addr, size_t n, off_t *pos, unsigned flags,
                               bool write)
{
    struct fd_ref ref = fd_borrow(fd);
    if (!ref.file)
        return -EBADF;
    struct user_iov vec;
    ssize_t result = 0;
    if (pos && !ref.file->can_pread)
        result = -ESPIPE;
    else if (!(write ? file_writable(ref.file) : file_readable(ref.file)))
        result = -EBADF;
    else
        result = user_iov_get(&vec, addr, n);
    if (!result) {
        if (vec.io.left && beyond_all(ref.file, pos, vec.io.left))
            result = -EINVAL;
        else if (vec.io.left)
            result = file_transfer(ref.file, &vec.io, pos, flags, write);
        user_iov_put(&vec);
    }
    fd_return(ref);
    return result;
}

static int64_t transfer_vector_at(int fd, uintptr_t addr, size_t n, off_t pos, unsigned flags,
                                  bool write)
{
    return pos < 0 ? -EINVAL : transfer_vector(fd, addr, n, &pos, flags, write);
}

SYSCALL(readv, 3, SYSCALL_WHOLE, "")
{
    return transfer_vector((int)a0, a1, a2, NULL, 0, false);
}

SYSCALL(writev, 3, SYSCALL_WHOLE, "")
{
    return transfer_vector((int)a0, a1, a2, NULL, 0, true);
}

SYSCALL(preadv, 5, SYSCALL_WHOLE, "")
{
    return transfer_vector_at((int)a0, a1, a2, (off_t)a3, 0, false);
}

SYSCALL(pwritev, 5, SYSCALL_WHOLE, "")
{
    return transfer_vector_at((int)a0, a1, a2, (off_t)a3, 0, true);
}

/* Position -1: the file's own. */
SYSCALL(preadv2, 6, SYSCALL_WHOLE, "")
{
    if ((off_t)a3 == -1)
        return transfer_vector((int)a0, a1, a2, NULL, (unsigned)a5, false);
    return transfer_vector_at((int)a0, a1, a2, (off_t)a3, (unsigned)a5, false);
}

SYSCALL(pwritev2, 6, SYSCALL_WHOLE, "")
{
    if ((off_t)a3 == -1)
        return transfer_vector((int)a0, a1, a2, NULL, (unsigned)a5, true);
    return transfer_vector_at((int)a0, a1, a2, (off_t)a3, (unsigned)a5, true);
}

SYSCALL(lseek, 3, SYSCALL_WHOLE, "")
{
    struct fd_ref ref = fd_borrow((int)a0);
    if (!ref.file)
        return -EBADF;
    off_t pos = (unsigned)a2 > 4 ? -EINVAL : file_seek(ref.file, (off_t)a1, (int)a2);
    fd_return(ref);
    return pos;
}
