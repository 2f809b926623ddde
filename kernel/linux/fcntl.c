/* linux/fcntl.c: descriptors and open files (man 2 fcntl, dup, flock). */
#include "fs/lease.h"
#include "fs/lock.h"
#include "fs/pipe.h"
#include "fs/tmpfs.h"
#include "linux/async.h"
#include "linux/path.h"
#include "linux/syscall.h"

/* --- duplicates
 * ------------------------------------------------------------------------------------------- */

static int64_t duplicate(int fd, unsigned from, bool cloexec)
{
    struct file *file = fd_get_any(fd);
    if (!file)
        return -EBADF;
    int new = fd_install(file, cloexec, from);
    if (new < 0)
        file_put(file);
    return new;
}

static int64_t duplicate_to(int fd, int to, bool cloexec)
{
    struct file *file = fd_get_any(fd);
    if (!file)
        return -EBADF;
    int new = fd_install_at(to, file, cloexec);
    if (new < 0)
        file_put(file);
    return new;
}

SYSCALL(dup, 1, SYSCALL_WHOLE, "")
{
    return duplicate((int)a0, 0, false);
}

SYSCALL(dup2, 2, SYSCALL_WHOLE, "")
{
    if ((int)a0 == (int)a1) {
        int open = fd_get_cloexec((int)a0);
        return open < 0 ? open : (int)a0;
    }
    return duplicate_to((int)a0, (int)a1, false);
}

SYSCALL(dup3, 3, SYSCALL_WHOLE, "")
{
    if ((int)a0 == (int)a1 || (int)a2 & ~O_CLOEXEC)
        return -EINVAL;
    return duplicate_to((int)a0, (int)a1, a2 & O_CLOEXEC);
}

/* --- locks
 * ------------------------------------------------------------------------------------------------
 */

struct user_flock {
    int16_t type, whence;
    int64_t start, len;
    int32_t pid;
};
enum { SEEK_SET, SEEK_CUR, SEEK_END };

/* l_whence, l_start and l_len as a range. */
static int flock_to_range(const struct file *file, const struct user_flock *lock,
                          struct lock_range *range)
{
    int64_t base;
    switch (lock->whence) {
    case SEEK_SET:
        base = 0;
        break;
    case SEEK_CUR:
        base = file->seekable ? file->pos : 0;
        break;
    case SEEK_END:
        base = (int64_t)file->inode->size;
        break;
    default:
        return -EINVAL;
    }
    if (lock->start > INT64_MAX - base)
        return -EOVERFLOW;
    int64_t start = base + lock->start, end = INT64_MAX;
    if (start < 0)
        return -EINVAL;
    if (lock->len > 0) {
        if (lock->len - 1 > INT64_MAX - start)
            return -EOVERFLOW;
        end = start + lock->len - 1;
    } else if (lock->len < 0) {
        if (start + lock->len < 0)
            return -EINVAL;
        end = start - 1;
        start += lock->len;
    }
    if (lock->type < LOCK_READ || lock->type > LOCK_NONE)
        return -EINVAL;
    *range = (struct lock_range){.type = lock->type, .start = start, .end = end};
    return 0;
}

static int64_t get_lock(struct file *file, uintptr_t addr, bool ofd)
{
    struct user_flock lock;
    if (user_read(&lock, addr, sizeof(lock)) < 0)
        return -EFAULT;
    if (!ofd && lock.type != LOCK_READ && lock.type != LOCK_WRITE)
        return -EINVAL;
    struct lock_range range;
    int err = flock_to_range(file, &lock, &range);
    if (!err && ofd && lock.pid)
        err = -EINVAL;
    if (err)
        return err;
    lock_test(file, ofd ? (void *)file : current_task()->fds, ofd, &range);
    lock.type = (int16_t)range.type;
    if (range.type != LOCK_NONE) {
        lock.whence = SEEK_SET;
        lock.start = range.start;
        lock.len = range.end == INT64_MAX ? 0 : range.end - range.start + 1;
        lock.pid = range.pid;
    }
    return user_write(addr, &lock, sizeof(lock));
}

/* Another thread may have closed the descriptor meanwhile, and with it the process's locks on the
 * file: then this one must not stay. */
static int recheck(int fd, struct file *file, const struct lock_range *range)
{
    struct fd_ref ref = fd_borrow_any(fd);
    bool same = ref.file == file;
    if (ref.file)
        fd_return(ref);
    if (same || range->type == LOCK_NONE)
        return 0;
    struct lock_range clear = *range;
    clear.type = LOCK_NONE;
    lock_set(file, current_task()->fds, false, &clear, false);
    return -EBADF;
}

static int64_t set_lock(int fd, struct file *file, uintptr_t addr, bool ofd, bool wait)
{
    struct user_flock lock;
    if (user_read(&lock, addr, sizeof(lock)) < 0)
        return -EFAULT;
    struct lock_range range;
    int err = flock_to_range(file, &lock, &range);
    if (err)
        return err;
    if ((range.type == LOCK_READ && !file_readable(file)) ||
        (range.type == LOCK_WRITE && !file_writable(file)))
        return -EBADF;
    if (ofd && lock.pid)
        return -EINVAL;
    range.pid = ofd ? -1 : current_process()->pid;
    err = lock_set(file, ofd ? (void *)file : current_task()->fds, ofd, &range, wait);
    if (err == -EINTR)
        return -ERESTARTSYS;
    return err || ofd ? err : recheck(fd, file, &range);
}

SYSCALL(flock, 2, SYSCALL_WHOLE, "")
{
    enum { FLOCK_SH = 1, FLOCK_EX = 2, FLOCK_NB = 4, FLOCK_UN = 8, FLOCK_MAND = 32 };
    int type;
    if (a1 & FLOCK_MAND)
        return 0; /* Linux took this kind of locks out, and says nothing */
    switch ((unsigned)a1 & ~(unsigned)FLOCK_NB) {
    case FLOCK_SH:
        type = LOCK_READ;
        break;
    case FLOCK_EX:
        type = LOCK_WRITE;
        break;
    case FLOCK_UN:
        type = LOCK_NONE;
        break;
    default:
        return -EINVAL;
    }
    struct fd_ref ref = fd_borrow((int)a0);
    if (!ref.file)
        return -EBADF;
    int err = -EBADF; /* opened with access mode 3 */
    if (type == LOCK_NONE || file_readable(ref.file) || file_writable(ref.file))
        err = lock_flock(ref.file, type, current_process()->pid, !(a1 & FLOCK_NB));
    fd_return(ref);
    return err == -EINTR ? -ERESTARTSYS : err;
}

/* --- status flags and owner
 * ------------------------------------------------------------------------------- */

static int64_t set_flags(int fd, struct file *file, unsigned arg)
{
    const unsigned settable = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME;
    unsigned old = file->flags;
    uint32_t type = file->inode->mode & S_IFMT;
    if (arg & ~old & O_NOATIME && !capable(CAP_FOWNER) &&
        current_task()->cred.fsuid != file->path.dentry->inode->uid)
        return -EPERM;
    if (arg & O_DIRECT && type != S_IFIFO && type != S_IFREG && type != S_IFBLK)
        return -EINVAL;
    if ((arg ^ old) & O_ASYNC) {
        int err = file_set_async(file, fd, arg & O_ASYNC);
        if (err)
            return err;
    }
    old = atomic_load_explicit(&file->flags, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&file->flags, &old, (old & ~settable) | (arg & settable)))
        ;
    return 0;
}

enum { F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP };

static bool owner_exists(unsigned type, int id)
{
    rcu_read_lock();
    bool exists = type == F_OWNER_TID   ? task_find(id) != NULL
                  : type == F_OWNER_PID ? process_find(id) != NULL
                                        : process_of_group(id) != NULL;
    rcu_read_unlock();
    return exists;
}

static int64_t set_owner(struct file *file, unsigned type, int id)
{
    if (id < 0 || type > F_OWNER_PGRP)
        return -EINVAL;
    if (id && !owner_exists(type, id))
        return -ESRCH;
    file->owner_type = type;
    file->owner_pid = (uint32_t)id;
    return 0;
}

/* F_SETOWN: a negative number is a process group's. */
static int64_t set_owner_plain(struct file *file, int who)
{
    if (who == INT32_MIN)
        return -EINVAL;
    return who < 0 ? set_owner(file, F_OWNER_PGRP, -who) : set_owner(file, F_OWNER_PID, who);
}

static int64_t get_owner_plain(const struct file *file)
{
    int id = (int)file->owner_pid;
    return file->owner_type == F_OWNER_PGRP ? -id : id;
}

int64_t file_ioctl_owner(struct file *file, bool set, uintptr_t addr)
{
    uint32_t who;
    if (!set)
        return user_put32(addr, (uint32_t)get_owner_plain(file));
    return user_get32(addr, &who) < 0 ? -EFAULT : set_owner_plain(file, (int)who);
}

struct owner_ex {
    int32_t type, pid;
};

static int64_t set_owner_ex(struct file *file, uintptr_t addr)
{
    struct owner_ex ex;
    if (user_read(&ex, addr, sizeof(ex)) < 0)
        return -EFAULT;
    return ex.type < 0 ? -EINVAL : set_owner(file, (unsigned)ex.type, ex.pid);
}

static int64_t get_owner_ex(const struct file *file, uintptr_t addr)
{
    struct owner_ex ex = {(int32_t)file->owner_type, (int32_t)file->owner_pid};
    return user_write(addr, &ex, sizeof(ex));
}

/* Who takes a lease is its owner from then on. */
static int64_t set_lease(struct file *file, int type, int fd)
{
    uint32_t old_type = file->owner_type, old_pid = file->owner_pid;
    if (type != LOCK_NONE) { /* before the lease is there, which may be broken at once */
        file->owner_type = F_OWNER_PID;
        file->owner_pid = (uint32_t)current_process()->pid;
    }
    int err = lease_set(file, type, fd);
    if (err) {
        file->owner_type = old_type;
        file->owner_pid = old_pid;
    }
    return err;
}

static int64_t set_hint(struct file *file, uintptr_t addr)
{
    enum { WRITE_LIFE_EXTREME = 5 };
    struct inode *inode = file->path.dentry->inode;
    uint64_t hint;
    if (!capable(CAP_FOWNER) && current_task()->cred.fsuid != inode->uid)
        return -EPERM;
    if (user_get64(addr, &hint) < 0)
        return -EFAULT;
    if (hint > WRITE_LIFE_EXTREME)
        return -EINVAL;
    inode->write_hint = (uint8_t)hint;
    return 0;
}

static int64_t pipe_size_call(struct file *file, bool set, uint64_t size)
{
    struct pipe *pipe = file_pipe(file);
    if (!pipe)
        return -EBADF;
    return set ? pipe_resize(pipe, (uint32_t)size) : (int64_t)pipe_size(pipe);
}

/* --- fcntl
 * ------------------------------------------------------------------------------------------------
 */

enum {
    F_DUPFD = 0,
    F_GETFD = 1,
    F_SETFD = 2,
    F_GETFL = 3,
    F_SETFL = 4,
    F_GETLK = 5,
    F_SETLK = 6,
    F_SETLKW = 7,
    F_SETOWN = 8,
    F_GETOWN = 9,
    F_SETSIG = 10,
    F_GETSIG = 11,
    F_SETOWN_EX = 15,
    F_GETOWN_EX = 16,
    F_OFD_GETLK = 36,
    F_OFD_SETLK = 37,
    F_OFD_SETLKW = 38,
    F_SETLEASE = 1024,
    F_GETLEASE = 1025,
    F_DUPFD_CLOEXEC = 1030,
    F_SETPIPE_SZ = 1031,
    F_GETPIPE_SZ = 1032,
    F_ADD_SEALS = 1033,
    F_GET_SEALS = 1034,
    F_GET_RW_HINT = 1035,
    F_SET_RW_HINT = 1036,
    FD_CLOEXEC = 1,
};

static int64_t duplicate_from(int fd, uint64_t from, bool cloexec)
{
    if (from >= current_process()->limits[LIMIT_NOFILE][0])
        return -EINVAL;
    return duplicate(fd, (unsigned)from, cloexec);
}

/* The commands on an open file; file is not O_PATH. */
static int64_t file_command(int fd, struct file *file, unsigned cmd, uint64_t arg)
{
    switch (cmd) {
    case F_SETFL:
        return set_flags(fd, file, (unsigned)arg);
    case F_GETLK:
    case F_OFD_GETLK:
        return get_lock(file, arg, cmd == F_OFD_GETLK);
    case F_SETLK:
    case F_SETLKW:
        return set_lock(fd, file, arg, false, cmd == F_SETLKW);
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return set_lock(fd, file, arg, true, cmd == F_OFD_SETLKW);
    case F_SETOWN:
        return set_owner_plain(file, (int)arg);
    case F_GETOWN:
        return get_owner_plain(file);
    case F_SETOWN_EX:
        return set_owner_ex(file, arg);
    case F_GETOWN_EX:
        return get_owner_ex(file, arg);
    case F_SETSIG:
        if (arg > SIGRTMAX)
            return -EINVAL;
        file->owner_sig = (uint32_t)arg;
        return 0;
    case F_GETSIG:
        return file->owner_sig;
    case F_SETLEASE:
        return set_lease(file, (int)arg, fd);
    case F_GETLEASE:
        return lease_get(file);
    case F_GET_RW_HINT:
        return user_put64(arg, file->path.dentry->inode->write_hint);
    case F_SET_RW_HINT:
        return set_hint(file, arg);
    case F_SETPIPE_SZ:
    case F_GETPIPE_SZ:
        return pipe_size_call(file, cmd == F_SETPIPE_SZ, arg);
    case F_ADD_SEALS:
        return tmpfs_add_seals(file, (unsigned)arg);
    case F_GET_SEALS:
        return tmpfs_get_seals(file);
    default:
        return -EINVAL;
    }
}

/* F_NOTIFY answers as a Linux without CONFIG_DNOTIFY. */
SYSCALL(fcntl, 3, SYSCALL_WHOLE, "")
{
    int fd = (int)a0;
    unsigned cmd = (unsigned)a1;
    struct fd_ref ref = fd_borrow_any(fd);
    if (!ref.file)
        return -EBADF;
    int64_t result;
    switch (cmd) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        result = duplicate_from(fd, a2, cmd == F_DUPFD_CLOEXEC);
        break;
    case F_GETFD:
        result = fd_get_cloexec(fd);
        break;
    case F_SETFD:
        result = fd_set_cloexec(fd, a2 & FD_CLOEXEC);
        break;
    case F_GETFL:
        result = ref.file->flags;
        break;
    default:
        result = ref.file->flags & O_PATH ? -EBADF : file_command(fd, ref.file, cmd, a2);
    }
    fd_return(ref);
    return result;
}
