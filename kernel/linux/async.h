/* linux/async.h: O_ASYNC: a signal to the file's owner when it becomes readable or writable
 * (man 2 fcntl, F_SETOWN). Threads only. */
#pragma once

#include "fs/vfs.h"

/* What F_SETFL and FIOASYNC do: sets or clears O_ASYNC. 0, -ENOMEM. */
int file_set_async(struct file *file, int fd, bool on);
/* FIOSETOWN and FIOGETOWN: F_SETOWN and F_GETOWN with the number in memory. */
int64_t file_ioctl_owner(struct file *file, bool set, uintptr_t addr);
/* A lease is to be given up: vfs_lease_hook. */
void file_tell_lease(struct file *file, int fd);
