/* linux/ioctl.c: ioctl(2): what all files have in common. */
#include "linux/async.h"
#include "linux/path.h"
#include "linux/syscall.h"
#include "net/socket.h"

enum {
    FIGETBSZ = 2,
    FIOSETOWN = 0x8901,
    SIOCSPGRP = 0x8902,
    SIOCGPGRP = 0x8904,
    FIONREAD = 0x541b,
    FIONBIO = 0x5421,
    FIONCLEX = 0x5450,
    FIOCLEX = 0x5451,
    FIOASYNC = 0x5452,
    FIOQSIZE = 0x5460,
    FIBMAP = 1,
    CAP_SYS_RAWIO = 17,
    FS_IOC_RESVSP = 0x40305828,
    FS_IOC_RESVSP64 = 0x4030582a,
    FS_IOC_UNRESVSP = 0x40305829,
    FS_IOC_UNRESVSP64 = 0x4030582b,
    FS_IOC_ZERO_RANGE = 0x40305839,
    FS_IOC_SETFLAGS = 0x40086602,
    FICLONE = 0x40049409,
    FICLONERANGE = 0x4020940d,
    FS_IOC_FSSETXATTR = 0x401c5820,
};
/* Those with the read bit do not fit an enum of int. */
#define FS_IOC_GETFLAGS   0x80086601u
#define FS_IOC_FSGETXATTR 0x801c581fu
#define FS_IOC_FIEMAP     0xc020660bu
#define FIFREEZE          0xc0045877u
#define FITHAW            0xc0045878u
#define FIDEDUPERANGE     0xc0189436u

static int64_t set_nonblock(struct file *file, uintptr_t addr)
{
    uint32_t on;
    if (user_get32(addr, &on) < 0)
        return -EFAULT;
    if (on)
        atomic_fetch_or(&file->flags, O_NONBLOCK);
    else
        atomic_fetch_and(&file->flags, ~(unsigned)O_NONBLOCK);
    return 0;
}

static int64_t set_async(struct file *file, int fd, uintptr_t addr)
{
    uint32_t on;
    if (user_get32(addr, &on) < 0)
        return -EFAULT;
    int err = file_set_async(file, fd, on != 0);
    return !err && on && !(file->flags & O_ASYNC) ? -ENOTTY : err;
}

static int64_t put_size(const struct file *file, uintptr_t addr)
{
    uint32_t type = file->inode->mode & S_IFMT;
    if (type != S_IFREG && type != S_IFDIR && type != S_IFLNK)
        return -ENOTTY;
    struct attributes attr;
    int err = vfs_getattr(&file->path, &attr);
    return err ? err : user_put64(addr, attr.blocks * 512); /* what it takes up */
}

static int64_t put_block_size(const struct file *file, uintptr_t addr)
{
    struct statfs_info info = {};
    int err = vfs_statfs(&file->path, &info);
    return err ? err : user_put32(addr, (uint32_t)info.bsize);
}

/* --- flags of the inode (man 2 ioctl_iflags, ioctl_fsxattr) */

static int64_t get_flags(const struct file *file, uintptr_t addr)
{
    uint32_t flags;
    int err = vfs_get_flags(&file->path, &flags);
    return err ? err : user_put32(addr, flags);
}

static int64_t set_flags(const struct file *file, uintptr_t addr)
{
    uint32_t flags;
    int err = vfs_get_flags(&file->path, &flags);
    if (err)
        return err;
    return user_get32(addr, &flags) < 0 ? -EFAULT : vfs_set_flags(&file->path, flags);
}

struct fsxattr {
    uint32_t xflags, extsize, nextents, projid, cowextsize;
    uint8_t pad[8];
};

/* FS_XFLAG_* beside INODE_*. */
static const struct {
    uint32_t x, flag;
} xflags[] = {{8, INODE_IMMUTABLE}, {16, INODE_APPEND}, {64, INODE_NOATIME}, {128, INODE_NODUMP}};

static int64_t get_xflags(const struct file *file, uintptr_t addr)
{
    struct fsxattr attr = {};
    uint32_t flags;
    int err = vfs_get_flags(&file->path, &flags);
    if (err)
        return err;
    for (size_t i = 0; i < ARRAY_SIZE(xflags); i++)
        if (flags & xflags[i].flag)
            attr.xflags |= xflags[i].x;
    return user_write(addr, &attr, sizeof(attr));
}

static int64_t set_xflags(const struct file *file, uintptr_t addr)
{
    struct fsxattr attr;
    uint32_t flags, known = 0;
    int err = vfs_get_flags(&file->path, &flags);
    if (err)
        return err;
    if (user_read(&attr, addr, sizeof(attr)) < 0)
        return -EFAULT;
    flags = 0;
    for (size_t i = 0; i < ARRAY_SIZE(xflags); i++) {
        known |= xflags[i].x;
        if (attr.xflags & xflags[i].x)
            flags |= xflags[i].flag;
    }
    if (attr.xflags & ~known || attr.extsize || attr.projid || attr.cowextsize)
        return -EOPNOTSUPP;
    return vfs_set_flags(&file->path, flags);
}

/* --- what the file systems here cannot do: the answers of a Linux on tmpfs */

static int64_t check_clone(const struct file *file, unsigned cmd, uintptr_t arg)
{
    int64_t source = (int)arg;
    if (cmd == FICLONERANGE && user_read(&source, arg, sizeof(source)) < 0)
        return -EFAULT;
    struct fd_ref ref = fd_borrow((int)source);
    if (!ref.file)
        return -EBADF;
    uint32_t from = ref.file->inode->mode & S_IFMT, to = file->inode->mode & S_IFMT;
    int64_t err = -EOPNOTSUPP;
    if (ref.file->path.mount->super != file->path.mount->super)
        err = -EXDEV;
    else if (from == S_IFDIR || to == S_IFDIR)
        err = -EISDIR;
    else if (from != S_IFREG || to != S_IFREG)
        err = -EINVAL;
    else if (!file_readable(ref.file) || !file_writable(file) || file->flags & O_APPEND)
        err = -EBADF;
    fd_return(ref);
    return err;
}

static int64_t check_dedupe(const struct file *file)
{
    uint32_t type = file->inode->mode & S_IFMT;
    if (!file_readable(file) || (type != S_IFREG && type != S_IFDIR))
        return -EINVAL;
    return type == S_IFDIR ? -EISDIR : -EOPNOTSUPP;
}

static int64_t check_freeze(bool thaw)
{
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    return thaw ? -EINVAL : -EOPNOTSUPP;
}

static int64_t check_bmap(uintptr_t arg)
{
    uint32_t block;
    if (!capable(CAP_SYS_RAWIO))
        return -EPERM;
    return user_get32(arg, &block) < 0 ? -EFAULT : -EINVAL;
}

/* fallocate(2) by its older names. */
static int64_t reserve(struct file *file, unsigned cmd, uintptr_t arg)
{
    enum { KEEP_SIZE = 1, PUNCH_HOLE = 2, ZERO_RANGE = 16 };
    struct {
        int16_t type, whence;
        int64_t start, len;
        uint32_t sysid, pid, pad[4];
    } space;
    if (user_read(&space, arg, sizeof(space)) < 0)
        return -EFAULT;
    switch (space.whence) {
    case 0:
        break;
    case 1:
        space.start += file->pos;
        break;
    case 2:
        space.start += (int64_t)file->inode->size;
        break;
    default:
        return -EINVAL;
    }
    int mode = cmd == FS_IOC_UNRESVSP || cmd == FS_IOC_UNRESVSP64 ? PUNCH_HOLE
               : cmd == FS_IOC_ZERO_RANGE                         ? ZERO_RANGE
                                                                  : 0;
    return file_fallocate(file, mode | KEEP_SIZE, space.start, space.len);
}

/* The calls for regular files. -ENOTTY: another. */
static int64_t regular_ioctl(struct file *file, unsigned cmd, uintptr_t arg)
{
    switch (cmd) {
    case FIONREAD:
        return user_put32(arg, (uint32_t)(file->inode->size - (uint64_t)file->pos));
    case FIBMAP:
        return check_bmap(arg);
    case FS_IOC_RESVSP:
    case FS_IOC_RESVSP64:
    case FS_IOC_UNRESVSP:
    case FS_IOC_UNRESVSP64:
    case FS_IOC_ZERO_RANGE:
        return reserve(file, cmd, arg);
    default:
        return -ENOTTY;
    }
}

/* What every file knows; the rest is its driver's. */
static int64_t do_ioctl(int fd, struct file *file, unsigned cmd, uintptr_t arg)
{
    switch (cmd) {
    case FIOCLEX:
    case FIONCLEX:
        return fd_set_cloexec(fd, cmd == FIOCLEX);
    case FIONBIO:
        return set_nonblock(file, arg);
    case FIOASYNC:
        return set_async(file, fd, arg);
    case FIOQSIZE:
        return put_size(file, arg);
    case FIGETBSZ:
        return put_block_size(file, arg);
    case FS_IOC_GETFLAGS:
        return get_flags(file, arg);
    case FS_IOC_SETFLAGS:
        return set_flags(file, arg);
    case FS_IOC_FSGETXATTR:
        return get_xflags(file, arg);
    case FS_IOC_FSSETXATTR:
        return set_xflags(file, arg);
    case FICLONE:
    case FICLONERANGE:
        return check_clone(file, cmd, arg);
    case FIDEDUPERANGE:
        return check_dedupe(file);
    case FS_IOC_FIEMAP:
        return -EOPNOTSUPP;
    case FIFREEZE:
    case FITHAW:
        return check_freeze(cmd == FITHAW);
    }
    if (cmd >= FIOSETOWN && cmd <= SIOCGPGRP && socket_of(file))
        return file_ioctl_owner(file, cmd <= SIOCSPGRP, arg);
    if ((file->inode->mode & S_IFMT) == S_IFREG) {
        int64_t result = regular_ioctl(file, cmd, arg);
        if (result != -ENOTTY)
            return result;
    }
    return file_ioctl(file, cmd, arg);
}

SYSCALL(ioctl, 3, SYSCALL_WHOLE, "")
{
    struct fd_ref ref = fd_borrow((int)a0);
    if (!ref.file)
        return -EBADF;
    int64_t result = do_ioctl((int)a0, ref.file, (unsigned)a1, a2);
    fd_return(ref);
    return result;
}
