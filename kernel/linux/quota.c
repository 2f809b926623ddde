/* linux/quota.c: quotactl(2), quotactl_fd(2). No file system here keeps quotas; the arguments are
 * looked at as Linux does before it says so. */
#include "linux/path.h"
#include "linux/syscall.h"

enum { QUOTA_TYPES = 3 };
enum {
    Q_SYNC = 0x800001,
    Q_QUOTAON = 0x800002,
    Q_GETFMT = 0x800004,
    Q_GETINFO = 0x800005,
    Q_XGETQUOTA = 0x5803,
    Q_XGETQSTAT = 0x5805,
    Q_XQUOTASYNC = 0x5807,
    Q_XGETQSTATV = 0x5808,
    Q_XGETNEXTQUOTA = 0x5809,
};

static bool changes(unsigned command)
{
    switch (command) {
    case Q_SYNC:
    case Q_GETFMT:
    case Q_GETINFO:
    case Q_XGETQUOTA:
    case Q_XGETQSTAT:
    case Q_XQUOTASYNC:
    case Q_XGETQSTATV:
    case Q_XGETNEXTQUOTA:
        return false;
    default:
        return true;
    }
}

/* A file system of this device without quotas; -ENODEV: none is mounted. */
static int on_device(uint32_t dev)
{
    int error = -ENODEV;

    mutex_lock(&mounts_lock);
    list_for_each_entry (struct mount, mount, &mounts, link)
        if (mount->super->dev == dev)
            error = -ENOSYS;
    mutex_unlock(&mounts_lock);
    return error;
}

SYSCALL(quotactl, 4, SYSCALL_WHOLE, "")
{
    unsigned command = (unsigned)a0 >> 8;
    struct path place;
    int error;

    if ((a0 & 0xff) >= QUOTA_TYPES)
        return -EINVAL;
    if (!a1)
        return command == Q_SYNC ? 0 : -ENODEV;
    error = user_lookup(AT_FDCWD, a1, 0, &place);
    if (error)
        return error;
    const struct inode *inode = place.dentry->inode;
    if ((inode->mode & S_IFMT) != S_IFBLK)
        error = -ENOTBLK;
    else if (place.mount->flags & MS_NODEV)
        error = -EACCES;
    else
        error = on_device(inode->rdev);
    path_put(&place);
    return error;
}

SYSCALL(quotactl_fd, 4, SYSCALL_WHOLE, "")
{
    struct fd_ref ref = fd_borrow_any((int)a0);
    int error = -ENOSYS;

    if (!ref.file)
        return -EBADF;
    const struct mount *mount = ref.file->path.mount;
    if ((a1 & 0xff) >= QUOTA_TYPES)
        error = -EINVAL;
    else if (changes((unsigned)a1 >> 8) && (mount->flags & MS_RDONLY || mount->super->readonly))
        error = -EROFS;
    fd_return(ref);
    return error;
}
