/* linux/inotify.c: inotify(7); the watches are fs/notify.c's. */
#include "fs/notify.h"
#include "linux/path.h"
#include "linux/syscall.h"

static int64_t create(int flags)
{
    if (flags & ~(O_NONBLOCK | O_CLOEXEC))
        return -EINVAL;
    int fd = fd_reserve(0);
    if (fd < 0)
        return fd;
    struct file *file = NULL;
    int err = inotify_create(flags & O_NONBLOCK, &file);
    return fd_finish(fd, err, file, flags & O_CLOEXEC);
}

SYSCALL(inotify_init, 0, SYSCALL_WHOLE, "")
{
    return create(0);
}

SYSCALL(inotify_init1, 1, SYSCALL_WHOLE, "")
{
    return create((int)a0);
}

/* What may stand in a mask: the events and IN_ISDIR's neighbours. */
#define IN_VALID                                                                                   \
    (0xfffu | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR | IN_DONT_FOLLOW |              \
     IN_EXCL_UNLINK | IN_MASK_CREATE | IN_MASK_ADD | IN_ISDIR | IN_ONESHOT)

static int64_t add_watch(struct file *file, uintptr_t name, uint32_t mask)
{
    struct path place;
    int err = user_lookup(AT_FDCWD, name, mask & IN_DONT_FOLLOW ? AT_SYMLINK_NOFOLLOW : 0, &place);
    if (err)
        return err;
    struct inode *inode = place.dentry->inode;
    err = inode_permission(inode, 4);
    if (!err && mask & IN_ONLYDIR && (inode->mode & S_IFMT) != S_IFDIR)
        err = -ENOTDIR;
    if (!err)
        err = inotify_add(file, &place, mask);
    path_put(&place);
    return err;
}

SYSCALL(inotify_add_watch, 3, SYSCALL_WHOLE, "")
{
    uint32_t mask = (uint32_t)a2;
    if (!(mask & IN_VALID) || mask & ~IN_VALID)
        return -EINVAL;
    struct fd_ref ref = fd_borrow((int)a0);
    if (!ref.file)
        return -EBADF;
    int64_t result = -EINVAL;
    if (inotify_is(ref.file) &&
        (mask & (IN_MASK_ADD | IN_MASK_CREATE)) != (IN_MASK_ADD | IN_MASK_CREATE))
        result = add_watch(ref.file, a1, mask);
    fd_return(ref);
    return result;
}

SYSCALL(inotify_rm_watch, 2, SYSCALL_WHOLE, "")
{
    struct fd_ref ref = fd_borrow((int)a0);
    if (!ref.file)
        return -EBADF;
    int err = inotify_remove(ref.file, (int)a1);
    fd_return(ref);
    return err;
}
