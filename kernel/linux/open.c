/* linux/open.c: opening and closing (man 2 open, openat2, close, close_range, truncate). */
#include "linux/path.h"
#include "linux/syscall.h"

#include "lib/string.h"

enum {
    OPEN_FLAGS = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK |
                 O_SYNC | O_ASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME |
                 O_CLOEXEC | O_PATH | O_TMPFILE,
    OPATH_FLAGS = O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC,
    TMPFILE_BIT = O_TMPFILE & ~O_DIRECTORY,
};

enum {
    RESOLVE_NO_XDEV = 1,
    RESOLVE_NO_MAGICLINKS = 2,
    RESOLVE_NO_SYMLINKS = 4,
    RESOLVE_BENEATH = 8,
    RESOLVE_IN_ROOT = 16,
    RESOLVE_CACHED = 32,
    RESOLVE_ALL = 63,
};

/* Combinations that contradict themselves. */
static int check_flags(int flags)
{
    if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
        return -EINVAL;
    if (flags & TMPFILE_BIT) {
        if ((flags & O_TMPFILE) != O_TMPFILE || !(flags & O_ACCMODE))
            return -EINVAL;
    }
    return 0;
}

static __attribute__((noinline)) unsigned resolve_to_lookup(uint64_t resolve)
{
    unsigned lookup = 0;
    if (resolve & RESOLVE_NO_XDEV)
        lookup |= LOOKUP_NO_XDEV;
    if (resolve & RESOLVE_NO_MAGICLINKS)
        lookup |= LOOKUP_NO_MAGIC;
    if (resolve & RESOLVE_NO_SYMLINKS)
        lookup |= LOOKUP_NO_SYMLINKS;
    if (resolve & RESOLVE_BENEATH)
        lookup |= LOOKUP_BENEATH;
    if (resolve & RESOLVE_IN_ROOT)
        lookup |= LOOKUP_IN_ROOT;
    if (resolve & RESOLVE_CACHED)
        lookup |= LOOKUP_CACHED;
    return lookup;
}

static inline int open_at(const struct user_at *at, const struct open_how *how, struct file **file)
{
    int flags = (int)how->flags;
    unsigned lookup = unlikely(how->resolve) ? resolve_to_lookup(how->resolve) : 0;
    if (!(flags & O_NOFOLLOW) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL))
        lookup |= LOOKUP_FOLLOW;
    if (flags & O_DIRECTORY && !(flags & TMPFILE_BIT))
        lookup |= LOOKUP_DIRECTORY;
    return vfs_open(at->start, at->path.name, flags & ~O_CLOEXEC, (uint32_t)how->mode, lookup,
                    file);
}

int open_user_at(const struct user_at *at, const struct open_how *how, struct file **file)
{
    return open_at(at, how, file);
}

/* how: checked. */
static int do_open(int dirfd, uintptr_t name, const struct open_how *how)
{
    struct user_at at;
    int err = user_at_get(&at, dirfd, name, open_how_at(how));
    if (err)
        return err;
    int fd = fd_reserve(0);
    if (fd >= 0) {
        struct file *file = NULL;
        err = open_at(&at, how, &file);
        fd = fd_finish(fd, err, file, how->flags & O_CLOEXEC);
    }
    user_at_put(&at);
    return fd;
}

/* As open(2) and openat(2) take flags: what is unknown or out of place is ignored. */
__cold int open_how_loosely(int flags, uint32_t mode, struct open_how *how)
{
    flags &= OPEN_FLAGS;
    if (flags & O_PATH)
        flags &= OPATH_FLAGS;
    else
        flags |= O_LARGEFILE;
    mode = flags & (O_CREAT | TMPFILE_BIT) ? mode & 07777 : 0;
    *how = (struct open_how){(unsigned)flags, mode, 0};
    return check_flags(flags);
}

static int open_loosely(int dirfd, uintptr_t name, int flags, uint32_t mode)
{
    struct open_how how;
    int err = open_how_loosely(flags, mode, &how);
    return err ? err : do_open(dirfd, name, &how);
}

SYSCALL(open, 3, SYSCALL_WHOLE, "")
{
    return open_loosely(AT_FDCWD, a0, (int)a1, (uint32_t)a2);
}

SYSCALL(openat, 4, SYSCALL_WHOLE, "")
{
    return open_loosely((int)a0, a1, (int)a2, (uint32_t)a3);
}

SYSCALL(creat, 2, SYSCALL_WHOLE, "")
{
    return open_loosely(AT_FDCWD, a0, O_CREAT | O_WRONLY | O_TRUNC, (uint32_t)a1);
}

static int check_how(const struct open_how *how)
{
    if (how->flags & ~(uint64_t)OPEN_FLAGS || how->resolve & ~(uint64_t)RESOLVE_ALL)
        return -EINVAL;
    if ((how->resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) == (RESOLVE_BENEATH | RESOLVE_IN_ROOT))
        return -EINVAL;
    if (how->mode & ~07777ull || (how->mode && !(how->flags & (O_CREAT | TMPFILE_BIT))))
        return -EINVAL;
    if (how->flags & O_PATH && how->flags & ~(uint64_t)OPATH_FLAGS)
        return -EINVAL;
    if (how->resolve & RESOLVE_CACHED)
        return how->flags & (O_TRUNC | O_CREAT | TMPFILE_BIT) ? -EAGAIN : 0;
    return 0;
}

__cold int open_how_get(uintptr_t from, size_t size, struct open_how *how)
{
    if (size < sizeof(*how))
        return -EINVAL;
    if (size > PAGE_SIZE)
        return -E2BIG;
    int err = user_read_extensible(how, sizeof(*how), from, size);
    if (!err)
        err = check_how(how);
    if (err)
        return err;
    if (!(how->flags & O_PATH))
        how->flags |= O_LARGEFILE;
    return check_flags((int)how->flags);
}

SYSCALL(openat2, 4, SYSCALL_WHOLE, "")
{
    struct open_how how;
    int err = open_how_get(a2, a3, &how);
    return err ? err : do_open((int)a0, a1, &how);
}

/* close(2) is never to be tried again: the descriptor is gone. */
SYSCALL(close, 1, SYSCALL_WHOLE, "")
{
    int err = fd_close((int)a0);
    if (err == -ERESTARTSYS || err == -ERESTARTNOINTR || err == -ERESTARTNOHAND)
        err = -EINTR;
    return err;
}

SYSCALL(close_range, 3, SYSCALL_WHOLE, "")
{
    enum { CLOSE_RANGE_UNSHARE = 2, CLOSE_RANGE_CLOEXEC = 4 };
    unsigned first = (unsigned)a0, last = (unsigned)a1, flags = (unsigned)a2;
    if (flags & ~(unsigned)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || first > last)
        return -EINVAL;
    if (flags & CLOSE_RANGE_UNSHARE) {
        int err = fd_unshare();
        if (err)
            return err;
    }
    fd_close_range(first, last, flags & CLOSE_RANGE_CLOEXEC);
    return 0;
}

SYSCALL(truncate, 2, SYSCALL_WHOLE, "")
{
    if ((int64_t)a1 < 0)
        return -EINVAL;
    struct path place;
    int err = user_lookup(AT_FDCWD, a0, 0, &place);
    if (err)
        return err;
    uint32_t type = place.dentry->inode->mode & S_IFMT;
    if (type == S_IFDIR)
        err = -EISDIR;
    else if (type != S_IFREG)
        err = -EINVAL;
    else
        err = inode_permission(place.dentry->inode, 2);
    if (!err)
        err = vfs_truncate(&place, a1);
    path_put(&place);
    return err;
}

SYSCALL(ftruncate, 2, SYSCALL_WHOLE, "")
{
    if ((int64_t)a1 < 0)
        return -EINVAL;
    struct fd_ref ref = fd_borrow((int)a0);
    if (!ref.file)
        return -EBADF;
    int err = file_truncate(ref.file, a1);
    fd_return(ref);
    return err;
}
