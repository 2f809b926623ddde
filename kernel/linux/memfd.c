/* linux/memfd.c: memfd_create(2). The file is fs/tmpfs.c's; its seals are set through fcntl(2). */
#include "fs/tmpfs.h"
#include "linux/fd.h"
#include "linux/syscall.h"

enum {
    MFD_CLOEXEC = 1,
    MFD_ALLOW_SEALING = 2,
    MFD_HUGETLB = 4,
    MFD_NOEXEC_SEAL = 8,
    MFD_EXEC = 16,
    MFD_NAME_MAX = 249,
};

SYSCALL(memfd_create, 2, SYSCALL_PARTIAL, "MFD_HUGETLB answers EINVAL")
{
    unsigned flags = (unsigned)a1;
    char name[MFD_NAME_MAX + 1];
    if (flags & ~(unsigned)(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC) ||
        (flags & (MFD_NOEXEC_SEAL | MFD_EXEC)) == (MFD_NOEXEC_SEAL | MFD_EXEC))
        return -EINVAL;
    ssize_t len = user_read_string(name, a0, sizeof(name));
    if (len < 0)
        return len == -ENAMETOOLONG ? -EINVAL : len;
    int fd = fd_reserve(0);
    if (fd < 0)
        return fd;
    struct file *file = NULL;
    int err = tmpfs_create_file(name, flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL), &file);
    if (!err && flags & MFD_NOEXEC_SEAL) {
        file->inode->mode &= ~0111u;
        tmpfs_add_seals(file, SEAL_EXEC);
    }
    return fd_finish(fd, err, file, flags & MFD_CLOEXEC);
}
