/* linux/mount_api.h: what the calls share that have mounts as descriptors. Threads only. */
#pragma once

#include "linux/fd.h"

enum {
    MOUNT_ATTR_RDONLY = 1,
    MOUNT_ATTR_NOSUID = 2,
    MOUNT_ATTR_NODEV = 4,
    MOUNT_ATTR_NOEXEC = 8,
    MOUNT_ATTR_ATIME = 0x70, /* a mask; 0: relatime */
    MOUNT_ATTR_NOATIME = 0x10,
    MOUNT_ATTR_STRICTATIME = 0x20,
    MOUNT_ATTR_NODIRATIME = 0x80,
    MOUNT_ATTR_IDMAP = 0x100000,
    MOUNT_ATTR_NOSYMFOLLOW = 0x200000,
    MOUNT_ATTR_KNOWN = 0x2000ff,
};

/* As flags of a mount (MS_*); -EINVAL: no such way to treat access times. */
int mount_attr_to_flags(uint64_t attr, unsigned *flags);
/* A file that stands for a tree of mounts without a name; takes over the references. */
int mount_tree_open(struct path *top, struct file **file);
