/* linux/sync.h: sync_file_range(2) and posix_fadvise(2) with the file at hand. Threads only. */
#pragma once

#include "fs/vfs.h"

/* 0, or what the manual pages list: -EINVAL, -ESPIPE, -EIO. */
int sync_range(struct file *file, off_t offset, off_t n, unsigned flags);
int sync_advise(struct file *file, off_t offset, off_t length, int advice);
