/* linux/modules.c: init_module(2), finit_module(2), delete_module(2), lookup_dcookie(2). No module
 * is built for this kernel, so every one there is gets what Linux says to those of another version.
 */
#include "fs/dentry.h"
#include "linux/path.h"
#include "linux/syscall.h"
#include "mm/frame.h"

enum { CAP_SYS_MODULE = 16, ELF_HEADER = 64, MODULE_NAME_MAX = 56 };
enum { IGNORE_MODVERSIONS = 1, IGNORE_VERMAGIC = 2, COMPRESSED_FILE = 4 };

SYSCALL(init_module, 3, SYSCALL_WHOLE, "")
{
    struct frame_stats stats;
    uint8_t byte;

    if (!capable(CAP_SYS_MODULE))
        return -EPERM;
    if (a1 < ELF_HEADER)
        return -ENOEXEC;
    frame_get_stats(&stats);
    if (a1 >> PAGE_SHIFT > stats.total)
        return -ENOMEM;
    for (uint64_t at = 0; at < a1; at += PAGE_SIZE)
        if (user_read(&byte, a0 + at, 1) < 0)
            return -EFAULT;
    return user_read(&byte, a0 + a1 - 1, 1) < 0 ? -EFAULT : -ENOEXEC;
}

static int check_module(const struct file *file, unsigned flags)
{
    const struct inode *inode = file->path.dentry->inode;

    if ((atomic_load(&file->flags) & O_ACCMODE) == O_WRONLY)
        return -EBADF;
    if ((inode->mode & S_IFMT) != S_IFREG)
        return -EINVAL;
    if (atomic_load(&file->inode->writers) > 0)
        return -ETXTBSY;
    if (!inode->size)
        return -EINVAL;
    return flags & COMPRESSED_FILE ? -EOPNOTSUPP : -ENOEXEC;
}

SYSCALL(finit_module, 3, SYSCALL_WHOLE, "")
{
    unsigned flags = (unsigned)a2;

    if (!capable(CAP_SYS_MODULE))
        return -EPERM;
    if (flags & ~(unsigned)(IGNORE_MODVERSIONS | IGNORE_VERMAGIC | COMPRESSED_FILE))
        return -EINVAL;
    struct fd_ref ref = fd_borrow((int)a0);
    if (!ref.file)
        return -EBADF;
    int error = check_module(ref.file, flags);
    fd_return(ref);
    return error;
}

SYSCALL(delete_module, 2, SYSCALL_WHOLE, "")
{
    char name[MODULE_NAME_MAX];

    if (!capable(CAP_SYS_MODULE))
        return -EPERM;
    return user_read_string(name, a0, sizeof(name)) == -EFAULT ? -EFAULT : -ENOENT;
}

/* Nobody hands out cookies: as in Linux from 5.12, when oprofile went, to 6.6. */
SYSCALL(lookup_dcookie, 3, SYSCALL_WHOLE, "")
{
    return capable(CAP_SYS_ADMIN) ? -EINVAL : -EPERM;
}
