/* fs/cached.h: what the VFS knows of data that is held in memory for block devices. The layer of
 * block devices fills it in when there is one. Threads only; all may sleep. */
#pragma once

#include "lib/types.h"

struct cached_stats {
    uint64_t pages, dirty, writing; /* pages: all of them */
};
struct cached_ops {
    /* Write all back, and wait until it is on the disks. */
    void (*sync)(void);
    /* Give all back that is clean. */
    void (*drop)(void);
    void (*stats)(struct cached_stats *stats);
    /* The number of the block device that root= names ("/dev/vda2", "254:2", "PARTUUID=..."), or
     * with NULL of the root's partition on the disk that the machine was booted from. -ENODEV: none
     * (yet); -EINVAL: no block device can have that name. */
    int (*find)(const char *name, uint32_t *rdev);
};
extern const struct cached_ops *cached; /* NULL: there are no block devices */

/* A file system that maps pages of a block device into files: take them out of all mappings, for
 * they are to be given back. NULL: there is none. Must not wait for locks. */
extern void (*cached_unmap_hook)(void);

/* /proc/sys/vm/dirty_* (Linux's Documentation/admin-guide/sysctl/vm.rst). */
struct dirty_settings {
    unsigned ratio, background_ratio; /* percent of memory, unless: */
    unsigned bytes, background_bytes; /* not 0 */
    unsigned expire_centisecs, writeback_centisecs;
};
extern struct dirty_settings dirty_settings;
