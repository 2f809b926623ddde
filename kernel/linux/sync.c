/* linux/sync.c: bringing data to where it belongs, and hints about it (man 2 fsync, sync,
 * fallocate, posix_fadvise, readahead). */
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

/* No file system keeps data back: what is written is where it will ever be. */
SYSCALL(sync, 0, SYSCALL_WHOLE, "")
{
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

SYSCALL(sync_file_range, 4, SYSCALL_WHOLE, "")
{
    enum { SYNC_FILE_RANGE_ALL = 7 };
    off_t offset = (off_t)a1, n = (off_t)a2;
    struct fd_ref ref = fd_borrow((int)a0);
    if (!ref.file)
        return -EBADF;
    int err = 0;
    if (a3 & ~(uint64_t)SYNC_FILE_RANGE_ALL || offset < 0 || n < 0 || offset > INT64_MAX - n)
        err = -EINVAL;
    else if (!has_pages(ref.file))
        err = -ESPIPE;
    else if (a3)
        err = file_sync(ref.file, true);
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
    fd_return(ref);
    return err;
}

SYSCALL(fadvise64, 4, SYSCALL_WHOLE, "")
{
    enum { POSIX_FADV_LAST = 5 };
    struct fd_ref ref = fd_borrow((int)a0);
    if (!ref.file)
        return -EBADF;
    int err = 0;
    if ((ref.file->inode->mode & S_IFMT) == S_IFIFO)
        err = -ESPIPE;
    else if ((off_t)a2 < 0 || (int)a3 < 0 || (int)a3 > POSIX_FADV_LAST)
        err = -EINVAL;
    fd_return(ref);
    return err;
}
