/* linux/path.h: names as system calls get them: a string in program memory, seen from a folder's
 * descriptor. Threads only. */
#pragma once

#include "linux/fd.h"

enum {
    AT_FDCWD = -100,
    AT_IN_ROOT = 1, /* ours: absolute names start at the descriptor's folder, too */
    AT_SYMLINK_NOFOLLOW = 0x100,
    AT_REMOVEDIR = 0x200,
    AT_EACCESS = 0x200,
    AT_SYMLINK_FOLLOW = 0x400,
    AT_NO_AUTOMOUNT = 0x800,
    AT_EMPTY_PATH = 0x1000,
    AT_RECURSIVE = 0x8000,
    AT_STATX_SYNC_TYPE = 0x6000,
};

/* A copied name; short ones need no allocation. */
struct user_path {
    const char *name;
    char *big;
    char small[200];
};
/* 0, -EFAULT, -ENAMETOOLONG, -ENOMEM; -ENOENT for "" unless empty_ok. */
int user_path_get(struct user_path *path, uintptr_t addr, bool empty_ok);
void user_path_free(struct user_path *path);
static inline void user_path_put(struct user_path *path)
{
    if (unlikely(path->big != NULL))
        user_path_free(path);
}

/* A name and where it starts. */
struct user_at {
    struct user_path path;
    struct fd_ref dir;
    const struct path *start; /* NULL: the working folder, or the name is absolute */
};
/* As above, and -EBADF, -ENOTDIR for a dirfd that leads nowhere. flags: AT_EMPTY_PATH allows "". */
int user_at_get(struct user_at *at, int dirfd, uintptr_t addr, unsigned flags);
void user_at_put(struct user_at *at);

/* The place itself, for calls that look at one: by AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH. The
 * caller puts *place. */
int user_lookup(int dirfd, uintptr_t addr, unsigned flags, struct path *place);
/* A struct that newer programs may have made longer: what we do not know must be zero (-E2BIG).
 * What older ones leave out is zero. */
int user_read_extensible(void *dst, size_t size, uintptr_t src, size_t user_size);
/* The place of an open file; -EBADF. */
int fd_lookup(int fd, bool opath_too, struct path *place);

/* How to open: struct open_how of openat2(2), checked. */
struct open_how {
    uint64_t flags, mode, resolve;
};
/* For user_at_get(): RESOLVE_IN_ROOT makes absolute names start at the descriptor's folder. */
static inline unsigned open_how_at(const struct open_how *how)
{
    return how->resolve & 16 ? AT_IN_ROOT : 0;
}
int open_how_loosely(int flags, uint32_t mode, struct open_how *how); /* as openat(2) */
int open_how_get(uintptr_t from, size_t size, struct open_how *how);  /* as openat2(2) */
int open_user_at(const struct user_at *at, const struct open_how *how, struct file **file);

static inline bool capable(unsigned cap)
{
    return current_task()->cred.cap_effective >> cap & 1;
}
enum {
    CAP_CHOWN = 0,
    CAP_DAC_OVERRIDE = 1,
    CAP_DAC_READ_SEARCH = 2,
    CAP_FOWNER = 3,
    CAP_KILL = 5,
    CAP_NET_BIND_SERVICE = 10,
    CAP_NET_ADMIN = 12,
    CAP_SYS_CHROOT = 18,
    CAP_SYS_ADMIN = 21,
    CAP_SYS_RESOURCE = 24,
    CAP_PERFMON = 38,
    CAP_CHECKPOINT_RESTORE = 40,
    CAP_MKNOD = 27,
    CAP_LEASE = 28,
    CAP_BLOCK_SUSPEND = 36,
};
