/* linux/memfd.c: memfd_create(2) and memfd_secret(2). The files are fs/tmpfs.c's and
 * fs/secretmem.c's; seals are set through fcntl(2). */
#include "fs/secretmem.h"
#include "fs/tmpfs.h"
#include "linux/fd.h"
#include "linux/huge.h"
#include "linux/syscall.h"

enum {
    MFD_CLOEXEC = 1,
    MFD_ALLOW_SEALING = 2,
    MFD_HUGETLB = 4,
    MFD_NOEXEC_SEAL = 8,
    MFD_EXEC = 16,
    MFD_KNOWN = 31,
    MFD_NAME_MAX = 249,
};

SYSCALL(memfd_create, 2, SYSCALL_WHOLE, "")
{
    unsigned flags = (unsigned)a1;
    char name[MFD_NAME_MAX + 1];
    bool huge = flags & MFD_HUGETLB;
    int err = huge && huge_size_check(flags >> 26) ? -ENODEV : 0;
    if (huge)
        flags &= (1u << 26) - 1;
    if (flags & ~(unsigned)MFD_KNOWN ||
        (flags & (MFD_NOEXEC_SEAL | MFD_EXEC)) == (MFD_NOEXEC_SEAL | MFD_EXEC))
        return -EINVAL;
    if (err)
        return err;
    ssize_t len = user_read_string(name, a0, sizeof(name));
    if (len < 0)
        return len == -ENAMETOOLONG ? -EINVAL : len;
    int fd = fd_reserve(0);
    if (fd < 0)
        return fd;
    struct file *file = NULL;
    err = tmpfs_create_file(name, flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL), huge, &file);
    if (!err && flags & MFD_NOEXEC_SEAL) {
        file->inode->mode &= ~0111u;
        tmpfs_add_seals(file, SEAL_EXEC);
    }
    return fd_finish(fd, err, file, flags & MFD_CLOEXEC);
}

SYSCALL(memfd_secret, 1, SYSCALL_WHOLE, "")
{
    struct file *file = NULL;

    if ((unsigned)a0 & ~(unsigned)O_CLOEXEC)
        return -EINVAL;
    int fd = fd_reserve(0);
    if (fd < 0)
        return fd;
    int err = secretmem_create(&file);
    return fd_finish(fd, err, file, a0 & O_CLOEXEC);
}
