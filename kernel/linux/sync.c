/* linux/sync.c: bringing data to where it belongs, and hints about it (man 2 fsync, sync,
 * fallocate, posix_fadvise, readahead). */
#include "linux/sync.h"

#include "fs/cached.h"
#include "linux/path.h"
#include "linux/syscall.h"

static int64_t do_sync(int fd, bool data_only)
{
    struct fd_ref ref = fd_borrow(fd);
    if (!ref.file)
        return -EBADF;
    int err = file_sync(ref.file, data_only);
    fd_return(ref);
    return err == -EINTR ? -ERESTARTSYS : err;
}

SYSCALL(fsync, 1, SYSCALL_WHOLE, "")
{
    return do_sync((int)a0, false);
}

SYSCALL(fdatasync, 1, SYSCALL_WHOLE, "")
{
    return do_sync((int)a0, true);
}

/* Only block devices keep data back. */
SYSCALL(sync, 0, SYSCALL_WHOLE, "")
{
    if (cached)
        cached->sync();
    return 0;
}

SYSCALL(syncfs, 1, SYSCALL_WHOLE, "")
{
    struct fd_ref ref = fd_borrow((int)a0);
    if (!ref.file)
        return -EBADF;
    fd_return(ref);
    return 0;
}

/* Does the file have pages (rather than being a stream)? */
static bool has_pages(const struct file *file)
{
    uint32_t type = file->inode->mode & S_IFMT;
    return type == S_IFREG || type == S_IFBLK || type == S_IFDIR || type == S_IFLNK;
}

int sync_range(struct file *file, off_t offset, off_t n, unsigned flags)
{
    enum { SYNC_FILE_RANGE_ALL = 7 };
    if (flags & ~(unsigned)SYNC_FILE_RANGE_ALL || offset < 0 || n < 0 || offset > INT64_MAX - n)
        return -EINVAL;
    if (!has_pages(file))
        return -ESPIPE;
    return flags ? file_sync(file, true) : 0;
}

SYSCALL(sync_file_range, 4, SYSCALL_WHOLE, "")
{
    struct fd_ref ref = fd_borrow((int)a0);
    if (!ref.file)
        return -EBADF;
    int err = sync_range(ref.file, (off_t)a1, (off_t)a2, (unsigned)a3);
    fd_return(ref);
    return err;
}

SYSCALL(fallocate, 4, SYSCALL_WHOLE, "")
{
    struct fd_ref ref = fd_borrow((int)a0);
    if (!ref.file)
        return -EBADF;
    int err = file_fallocate(ref.file, (int)a1, (off_t)a2, (off_t)a3);
    fd_return(ref);
    return err == -EINTR ? -ERESTARTSYS : err;
}

enum { WILLNEED = 3 }; /* POSIX_FADV_WILLNEED */

SYSCALL(readahead, 3, SYSCALL_WHOLE, "")
{
    struct fd_ref ref = fd_borrow((int)a0);
    if (!ref.file)
        return -EBADF;
    uint32_t type = ref.file->inode->mode & S_IFMT;
    int err = 0;
    if (!file_readable(ref.file))
        err = -EBADF;
    else if (type != S_IFREG && type != S_IFBLK)
        err = -EINVAL;
    else if (ref.file->ops->advise && (off_t)a1 >= 0 && (off_t)a2 > 0)
        err = ref.file->ops->advise(ref.file, (off_t)a1, (off_t)a2, WILLNEED);
    fd_return(ref);
    return err;
}

int sync_advise(struct file *file, off_t offset, off_t length, int advice)
{
    enum { POSIX_FADV_LAST = 5 };
    if ((file->inode->mode & S_IFMT) == S_IFIFO)
        return -ESPIPE;
    if (length < 0 || advice < 0 || advice > POSIX_FADV_LAST)
        return -EINVAL;
    return file->ops->advise && offset >= 0 ? file->ops->advise(file, offset, length, advice) : 0;
}

SYSCALL(fadvise64, 4, SYSCALL_WHOLE, "")
{
    struct fd_ref ref = fd_borrow((int)a0);
    if (!ref.file)
        return -EBADF;
    int err = sync_advise(ref.file, (off_t)a1, (off_t)a2, (int)a3);
    fd_return(ref);
    return err;
}
