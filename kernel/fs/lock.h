/* fs/lock.h: advisory locks: POSIX (fcntl F_SETLK), open file description (F_OFD_SETLK), flock(2).
 * Threads only; the blocking ones sleep until a signal. Locks sit on the inode that has the name.
 */
#pragma once

#include "fs/vfs.h"

enum { LOCK_READ = 0 /* F_RDLCK */, LOCK_WRITE = 1, LOCK_NONE = 2 };

/* A range [start, end], end INT64_MAX: to the end of the file, however far that goes. */
struct lock_range {
    int type; /* LOCK_* */
    off_t start, end;
    int pid; /* of the owner, as F_GETLK shows it; -1 for OFD locks */
};
/* Set (or with LOCK_NONE clear) for the owner: POSIX locks: the descriptor table; OFD: the file
 * itself (then ofd is true). 0; -EAGAIN when held by others and !wait; -EDEADLK (POSIX only),
 * -EINTR, -ENOLCK. The mode check (-EBADF) is the caller's. */
int lock_set(struct file *file, const void *owner, bool ofd, const struct lock_range *range,
             bool wait);
/* Is something in the way of *range? Then it is described there, else range->type: LOCK_NONE. */
void lock_test(struct file *file, const void *owner, bool ofd, struct lock_range *range);
/* flock(2) on the open file: LOCK_READ (LOCK_SH), LOCK_WRITE (LOCK_EX), LOCK_NONE; pid: the caller,
 * for /proc/locks. */
int lock_flock(struct file *file, int type, int pid, bool wait);

/* A descriptor of this table was closed: POSIX locks of the owner on the file go. Cheap where there
 * are none. */
void lock_release_owner(struct file *file, const void *owner);
/* The open file is going: its OFD and flock locks go (fs/file.c calls it). */
void lock_release_file(struct file *file);
