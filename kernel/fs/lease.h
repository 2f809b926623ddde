/* fs/lease.h: leases (fcntl F_SETLEASE): the holder of an open file is told before somebody else
 * opens it in a way that conflicts, who waits until the lease is given up or its time is over.
 * Threads only; lease_break() sleeps. */
#pragma once

#include "fs/vfs.h"

/* Types are those of fs/lock.h: LOCK_READ, LOCK_WRITE, LOCK_NONE. */
/* Take, change or give up the file's lease. fd: what signals say. -EAGAIN: open otherwise than the
 * lease allows, or there is none to give up; -EINVAL, -EACCES, -ENOMEM. */
int lease_set(struct file *file, int type, int fd);
/* The type it has, or is to have once it is given up. */
int lease_get(struct file *file);
/* Before the inode is opened (for writing), or its size set: 0 when no lease is in the way any
 * more; -EAGAIN (nonblock), -EINTR (as -ERESTARTSYS). Cheap where there are none. */
int lease_break(struct inode *inode, bool writing, bool nonblock);
/* The open file is going (fs/file.c calls it where the inode has leases). */
void lease_release(struct file *file);

extern unsigned lease_break_time, leases_enabled; /* seconds; /proc/sys/fs */
