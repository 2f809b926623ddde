/* linux/stat.c: what files and file systems say of themselves (man 2 stat, statx, statfs, access,
 * readlink). */
#include "linux/path.h"
#include "linux/syscall.h"

#include "lib/string.h"
#include "mm/heap.h"

/* struct stat of x86-64. */
struct user_stat {
    uint64_t dev, ino, nlink;
    uint32_t mode, uid, gid, pad;
    uint64_t rdev;
    int64_t size, blksize, blocks;
    struct timespec atime, mtime, ctime;
    int64_t unused[3];
};

static int put_stat(const struct path *place, uintptr_t addr)
{
    struct attributes attr = {};
    int err = vfs_getattr(place, &attr);
    if (err)
        return err;
    struct user_stat st = {
        .dev = attr.dev,
        .ino = attr.ino,
        .nlink = attr.nlink,
        .mode = attr.mode,
        .uid = attr.uid,
        .gid = attr.gid,
        .rdev = attr.rdev,
        .size = (int64_t)attr.size,
        .blksize = attr.blksize,
        .blocks = (int64_t)attr.blocks,
        .atime = attr.atime,
        .mtime = attr.mtime,
        .ctime = attr.ctime,
    };
    return user_write(addr, &st, sizeof(st));
}

static int64_t do_fstat(int fd, uintptr_t addr)
{
    struct fd_ref ref = fd_borrow_any(fd);
    if (!ref.file)
        return -EBADF;
    int err = put_stat(&ref.file->path, addr);
    fd_return(ref);
    return err;
}

/* NULL for an empty name, here only, is the working folder, too (since Linux 6.11). */
static int stat_lookup(int dirfd, uintptr_t name, unsigned flags, struct path *place)
{
    if (!name && flags & AT_EMPTY_PATH && dirfd < 0)
        return dirfd == AT_FDCWD ? vfs_lookup(NULL, ".", 0, place) : -EBADF;
    return user_lookup(dirfd, name, flags, place);
}

static int64_t do_stat(int dirfd, uintptr_t name, unsigned flags, uintptr_t addr)
{
    struct path place;
    int err = stat_lookup(dirfd, name, flags, &place);
    if (err)
        return err;
    err = put_stat(&place, addr);
    path_put(&place);
    return err;
}

SYSCALL(stat, 2, SYSCALL_WHOLE, "")
{
    return do_stat(AT_FDCWD, a0, 0, a1);
}

SYSCALL(lstat, 2, SYSCALL_WHOLE, "")
{
    return do_stat(AT_FDCWD, a0, AT_SYMLINK_NOFOLLOW, a1);
}

SYSCALL(fstat, 2, SYSCALL_WHOLE, "")
{
    return do_fstat((int)a0, a1);
}

/* Is the name "" or NULL? Then glibc's fstat() is asking: no need to go through names. */
static bool is_empty(uintptr_t name)
{
    char first;
    return !name || (user_read(&first, name, 1) == 0 && !first);
}

SYSCALL(newfstatat, 4, SYSCALL_WHOLE, "")
{
    unsigned flags = (unsigned)a3;
    if (flags &
        ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
        return -EINVAL;
    if (flags & AT_EMPTY_PATH && (int)a0 >= 0 && is_empty(a1))
        return do_fstat((int)a0, a2);
    return do_stat((int)a0, a1, flags, a2);
}

/* --- statx
 * ------------------------------------------------------------------------------------------------
 */

enum {
    STATX_BASIC_STATS = 0x7ff,
    STATX_BTIME = 0x800,
    STATX_MNT_ID = 0x1000,
    STATX_ATTR_MOUNT_ROOT = 0x2000,
};
#define STATX_RESERVED 0x80000000u

struct statx_time {
    int64_t sec;
    uint32_t nsec;
    int32_t pad;
};
struct user_statx {
    uint32_t mask, blksize;
    uint64_t attributes;
    uint32_t nlink, uid, gid;
    uint16_t mode, pad;
    uint64_t ino, size, blocks, attributes_mask;
    struct statx_time atime, btime, ctime, mtime;
    uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
    uint64_t mnt_id;
    uint64_t spare[13];
};
_Static_assert(sizeof(struct user_statx) == 256, "statx is 256 bytes long");

static struct statx_time statx_time(struct timespec time)
{
    return (struct statx_time){.sec = time.sec, .nsec = (uint32_t)time.nsec};
}

static int put_statx(const struct path *place, uintptr_t addr)
{
    struct attributes attr = {};
    int err = vfs_getattr(place, &attr);
    if (err)
        return err;
    struct user_statx stx = {
        .mask = STATX_BASIC_STATS | STATX_BTIME,
        .blksize = attr.blksize,
        .attributes_mask = STATX_ATTR_MOUNT_ROOT,
        .nlink = attr.nlink,
        .uid = attr.uid,
        .gid = attr.gid,
        .mode = (uint16_t)attr.mode,
        .ino = attr.ino,
        .size = attr.size,
        .blocks = attr.blocks,
        .atime = statx_time(attr.atime),
        .btime = statx_time(attr.btime),
        .ctime = statx_time(attr.ctime),
        .mtime = statx_time(attr.mtime),
        .rdev_major = dev_major(attr.rdev),
        .rdev_minor = dev_minor(attr.rdev),
        .dev_major = dev_major(attr.dev),
        .dev_minor = dev_minor(attr.dev),
    };
    if (place->mount) {
        stx.mask |= STATX_MNT_ID;
        stx.mnt_id = place->mount->id;
        if (place->mount->root == place->dentry)
            stx.attributes |= STATX_ATTR_MOUNT_ROOT;
    }
    return user_write(addr, &stx, sizeof(stx));
}

SYSCALL(statx, 5, SYSCALL_WHOLE, "")
{
    unsigned flags = (unsigned)a2;
    if (flags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH |
                            AT_STATX_SYNC_TYPE) ||
        (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE || (uint32_t)a3 & STATX_RESERVED)
        return -EINVAL;
    struct path place;
    int err;
    if (flags & AT_EMPTY_PATH && (int)a0 >= 0 && is_empty(a1))
        err = fd_lookup((int)a0, true, &place);
    else
        err = stat_lookup((int)a0, a1, flags, &place);
    if (err)
        return err;
    err = put_statx(&place, a4);
    path_put(&place);
    return err;
}

/* --- file systems
 * ----------------------------------------------------------------------------------------- */

struct user_statfs {
    int64_t type, bsize;
    uint64_t blocks, bfree, bavail, files, ffree;
    int32_t fsid[2];
    int64_t namelen, frsize, flags, spare[4];
};
enum { ST_VALID = 0x20 };

static int put_statfs(const struct path *place, uintptr_t addr)
{
    struct statfs_info info = {};
    int err = vfs_statfs(place, &info);
    if (err)
        return err;
    struct user_statfs st = {
        .type = (int64_t)info.type,
        .bsize = (int64_t)info.bsize,
        .blocks = info.blocks,
        .bfree = info.bfree,
        .bavail = info.bavail,
        .files = info.files,
        .ffree = info.ffree,
        .fsid = {(int32_t)info.fsid, (int32_t)(info.fsid >> 32)},
        .namelen = (int64_t)info.namelen,
        .frsize = (int64_t)info.bsize,
        .flags = (int64_t)(info.flags | ST_VALID),
    };
    return user_write(addr, &st, sizeof(st));
}

SYSCALL(statfs, 2, SYSCALL_WHOLE, "")
{
    struct path place;
    int err = user_lookup(AT_FDCWD, a0, 0, &place);
    if (err)
        return err;
    err = put_statfs(&place, a1);
    path_put(&place);
    return err;
}

SYSCALL(fstatfs, 2, SYSCALL_WHOLE, "")
{
    struct path place;
    int err = fd_lookup((int)a0, true, &place);
    if (err)
        return err;
    err = put_statfs(&place, a1);
    path_put(&place);
    return err;
}

/* The root of a mounted file system by its device number. */
static bool mount_of_dev(uint32_t dev, struct path *place)
{
    bool found = false;
    mutex_lock(&mounts_lock);
    list_for_each_entry (struct mount, mount, &mounts, link) {
        if (mount->super->dev != dev)
            continue;
        *place = (struct path){mount, mount->root};
        path_get(place);
        found = true;
        break;
    }
    mutex_unlock(&mounts_lock);
    return found;
}

SYSCALL(ustat, 2, SYSCALL_WHOLE, "")
{
    struct {
        int32_t tfree;
        uint64_t tinode;
        char fname[6], fpack[6];
    } out;
    struct path place;
    if (!mount_of_dev((uint32_t)a0, &place))
        return -EINVAL;
    struct statfs_info info = {};
    int err = vfs_statfs(&place, &info);
    path_put(&place);
    if (err)
        return err;
    memset(&out, 0, sizeof(out));
    out.tfree = (int32_t)info.bfree;
    out.tinode = info.ffree;
    return user_write(a1, &out, sizeof(out));
}

/* sysfs(2): the names of file system types by number. */
SYSCALL(sysfs, 3, SYSCALL_WHOLE, "")
{
    unsigned index = 0;
    if (a0 == 3) {
        for (struct fs_type *type = fs_first(); type; type = type->next)
            index++;
        return index;
    }
    if (a0 == 2) {
        for (struct fs_type *type = fs_first(); type; type = type->next)
            if (index++ == a1)
                return user_write(a2, type->name, strlen(type->name) + 1);
        return -EINVAL;
    }
    if (a0 != 1)
        return -EINVAL;
    struct user_path name;
    int result = user_path_get(&name, a1, true);
    if (result)
        return result;
    result = -EINVAL;
    for (struct fs_type *type = fs_first(); type && result < 0; type = type->next, index++)
        if (strcmp(type->name, name.name) == 0)
            result = (int)index;
    user_path_put(&name);
    return result;
}

/* --- access, readlink
 * ------------------------------------------------------------------------------------- */

static int64_t do_access(int dirfd, uintptr_t name, unsigned mask, unsigned flags)
{
    if (mask & ~7u || flags & ~(unsigned)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    struct path place;
    struct task *task = current_task();
    struct credentials real = task->cred;
    if (!(flags & AT_EACCESS)) { /* the real user's rights, on the way there, too */
        real.fsuid = real.uid;
        real.fsgid = real.gid;
        if (!(task->securebits & SECBIT_NO_SETUID_FIXUP))
            real.cap_effective = real.uid ? 0 : real.cap_permitted;
        task->caller.cred = &real;
    }
    int err = user_lookup(dirfd, name, flags, &place);
    if (!err) {
        err = vfs_access(&place, (int)mask);
        path_put(&place);
    }
    task->caller.cred = &task->cred;
    return err;
}

SYSCALL(access, 2, SYSCALL_WHOLE, "")
{
    return do_access(AT_FDCWD, a0, (unsigned)a1, 0);
}

SYSCALL(faccessat, 3, SYSCALL_WHOLE, "")
{
    return do_access((int)a0, a1, (unsigned)a2, 0);
}

SYSCALL(faccessat2, 4, SYSCALL_WHOLE, "")
{
    return do_access((int)a0, a1, (unsigned)a2, (unsigned)a3);
}

static ssize_t put_link(const struct path *place, uintptr_t addr, size_t size)
{
    size = MIN(size, (size_t)PATH_MAX);
    char *buf = kmalloc(size);
    if (!buf)
        return -ENOMEM;
    ssize_t n = vfs_readlink(place, buf, size);
    if (n > 0 && user_write(addr, buf, (size_t)n) < 0)
        n = -EFAULT;
    kfree(buf);
    return n;
}

static int64_t do_readlink(int dirfd, uintptr_t name, uintptr_t addr, int size)
{
    if (size <= 0)
        return -EINVAL;
    struct path place;
    int err = user_lookup(dirfd, name, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &place);
    if (err)
        return err;
    bool is_link = (place.dentry->inode->mode & S_IFMT) == S_IFLNK;
    ssize_t n = is_link ? put_link(&place, addr, (size_t)size) : is_empty(name) ? -ENOENT : -EINVAL;
    path_put(&place);
    return n;
}

SYSCALL(readlink, 3, SYSCALL_WHOLE, "")
{
    return do_readlink(AT_FDCWD, a0, a1, (int)a2);
}

SYSCALL(readlinkat, 4, SYSCALL_WHOLE, "")
{
    return do_readlink((int)a0, a1, a2, (int)a3);
}
