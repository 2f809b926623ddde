/* linux/iov.h: vectors of buffers as readv(2), sendmsg(2) and friends get them. Threads only. */
#pragma once

#include "linux/fd.h"
#include "mm/heap.h"
#include "mm/uaccess.h"

enum { IOV_MAX = 1024, MAX_RW_COUNT = 0x7ffff000 };

/* A kernel copy, and the transfer over all of it. */
struct user_iov {
    struct io io;
    struct iovec *iov, *big;
    struct iovec small[8];
};
/* Copy n entries: 0, -EINVAL (too many, a negative length), -EFAULT, -ENOMEM. Lengths beyond
 * MAX_RW_COUNT in all are cut. */
int user_iov_get(struct user_iov *vec, uintptr_t addr, size_t n);
/* May these RWF_* be asked of the file? Then the io has what concerns it; -EOPNOTSUPP. */
int rw_flags_apply(const struct file *file, struct io *io, unsigned flags);
/* file_write() with RWF_APPEND, RWF_DSYNC, RWF_SYNC. */
ssize_t rw_flags_write(struct file *file, struct io *io, off_t *pos, unsigned flags);
static inline void user_iov_put(struct user_iov *vec)
{
    if (unlikely(vec->big != NULL))
        kfree(vec->big);
}
/* preadv2(2), pwritev2(2) with their flags (RWF_*); pos NULL: the file's own. */
ssize_t file_transfer(struct file *file, struct io *io, off_t *pos, unsigned flags, bool write);
