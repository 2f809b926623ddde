/* linux/attr.c: modes, owners, times (man 2 chmod, chown, utimensat, umask). */
#include "linux/path.h"
#include "linux/syscall.h"

/* Set attributes of what a name leads to; vfs_setattr() knows who may. NULL: they make no sense,
 * which the caller is told when the place is found. */
static int64_t set_named(int dirfd, uintptr_t name, unsigned flags, const struct attributes *attr)
{
    struct path place;
    int err = user_lookup(dirfd, name, flags, &place);
    if (err)
        return err;
    err = attr ? vfs_setattr(&place, attr) : -EINVAL;
    path_put(&place);
    return err;
}

static int64_t set_open(int fd, const struct attributes *attr)
{
    struct fd_ref ref = fd_borrow(fd);
    if (!ref.file)
        return -EBADF;
    int err = attr ? vfs_setattr(&ref.file->path, attr) : -EINVAL;
    fd_return(ref);
    return err;
}

/* --- modes
 * ------------------------------------------------------------------------------------------------
 */

static struct attributes mode_attr(uint64_t mode)
{
    return (struct attributes){.mask = ATTR_MODE, .mode = mode & 07777};
}

SYSCALL(chmod, 2, SYSCALL_WHOLE, "")
{
    struct attributes attr = mode_attr(a1);
    return set_named(AT_FDCWD, a0, 0, &attr);
}

SYSCALL(fchmod, 2, SYSCALL_WHOLE, "")
{
    struct attributes attr = mode_attr(a1);
    return set_open((int)a0, &attr);
}

SYSCALL(fchmodat, 3, SYSCALL_WHOLE, "")
{
    struct attributes attr = mode_attr(a2);
    return set_named((int)a0, a1, 0, &attr);
}

SYSCALL(umask, 1, SYSCALL_WHOLE, "")
{
    struct fs_context *fs = current_task()->fs;
    mutex_lock(&fs->lock);
    uint32_t old = fs->umask;
    fs->umask = a0 & 0777;
    mutex_unlock(&fs->lock);
    return old;
}

/* --- owners
 * -----------------------------------------------------------------------------------------------
 */

/* -1 leaves one as it is. */
static struct attributes owner_attr(uint64_t uid, uint64_t gid)
{
    struct attributes attr = {.mask = ATTR_OWNER, .uid = (uint32_t)uid, .gid = (uint32_t)gid};
    if (attr.uid != UINT32_MAX)
        attr.mask |= ATTR_UID;
    if (attr.gid != UINT32_MAX)
        attr.mask |= ATTR_GID;
    return attr;
}

SYSCALL(chown, 3, SYSCALL_WHOLE, "")
{
    struct attributes attr = owner_attr(a1, a2);
    return set_named(AT_FDCWD, a0, 0, &attr);
}

SYSCALL(lchown, 3, SYSCALL_WHOLE, "")
{
    struct attributes attr = owner_attr(a1, a2);
    return set_named(AT_FDCWD, a0, AT_SYMLINK_NOFOLLOW, &attr);
}

SYSCALL(fchown, 3, SYSCALL_WHOLE, "")
{
    struct attributes attr = owner_attr(a1, a2);
    return set_open((int)a0, &attr);
}

SYSCALL(fchownat, 5, SYSCALL_WHOLE, "")
{
    if ((unsigned)a4 & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    struct attributes attr = owner_attr(a2, a3);
    return set_named((int)a0, a1, (unsigned)a4, &attr);
}

/* --- times
 * ------------------------------------------------------------------------------------------------
 */

enum { UTIME_NOW = 0x3fffffff, UTIME_OMIT = 0x3ffffffe };

static bool valid_nsec(int64_t nsec)
{
    return (nsec >= 0 && nsec < 1000000000) || nsec == UTIME_NOW || nsec == UTIME_OMIT;
}

/* Both times now: who may write the file may do that; any other change is the owner's. */
static struct attributes now_attr(void)
{
    struct timespec now = timespec_now();
    return (struct attributes){
        .mask = ATTR_ATIME | ATTR_MTIME | ATTR_NOW, .atime = now, .mtime = now};
}

static struct timespec resolve_now(struct timespec time)
{
    return time.nsec == UTIME_NOW ? timespec_now() : time;
}

/* times NULL: now. attr->mask 0: nothing to do. */
static void time_attr(const struct timespec times[2], struct attributes *attr)
{
    if (!times || (times[0].nsec == UTIME_NOW && times[1].nsec == UTIME_NOW)) {
        *attr = now_attr();
        return;
    }
    *attr = (struct attributes){.atime = resolve_now(times[0]), .mtime = resolve_now(times[1])};
    if (times[0].nsec != UTIME_OMIT)
        attr->mask |= ATTR_ATIME;
    if (times[1].nsec != UTIME_OMIT)
        attr->mask |= ATTR_MTIME;
}

static int64_t set_times(int dirfd, uintptr_t name, const struct timespec times[2], unsigned flags)
{
    struct attributes attr;
    bool valid = !times || (valid_nsec(times[0].nsec) && valid_nsec(times[1].nsec));
    time_attr(times, &attr);
    if (!attr.mask)
        return 0;
    if (!name && dirfd != AT_FDCWD)
        return flags ? -EINVAL : set_open(dirfd, valid ? &attr : NULL);
    if (flags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    return set_named(dirfd, name, flags, valid ? &attr : NULL);
}

SYSCALL(utimensat, 4, SYSCALL_WHOLE, "")
{
    struct timespec times[2];
    if (a2 && user_read(times, a2, sizeof(times)) < 0)
        return -EFAULT;
    return set_times((int)a0, a1, a2 ? times : NULL, (unsigned)a3);
}

static int64_t set_timevals(int dirfd, uintptr_t name, uintptr_t addr)
{
    struct timespec times[2]; /* with microseconds first */
    if (!addr)
        return set_times(dirfd, name, NULL, 0);
    if (user_read(times, addr, sizeof(times)) < 0)
        return -EFAULT;
    for (int i = 0; i < 2; i++) {
        if (times[i].nsec < 0 || times[i].nsec >= 1000000)
            return -EINVAL;
        times[i].nsec *= 1000;
    }
    return set_times(dirfd, name, times, 0);
}

SYSCALL(utimes, 2, SYSCALL_WHOLE, "")
{
    return set_timevals(AT_FDCWD, a0, a1);
}

SYSCALL(futimesat, 3, SYSCALL_WHOLE, "")
{
    return set_timevals((int)a0, a1, a2);
}

SYSCALL(utime, 2, SYSCALL_WHOLE, "")
{
    if (!a1)
        return set_times(AT_FDCWD, a0, NULL, 0);
    int64_t seconds[2];
    if (user_read(seconds, a1, sizeof(seconds)) < 0)
        return -EFAULT;
    struct timespec times[2] = {{.sec = seconds[0]}, {.sec = seconds[1]}};
    return set_times(AT_FDCWD, a0, times, 0);
}
