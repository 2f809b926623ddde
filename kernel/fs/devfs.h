/* fs/devfs.h: what /dev shows by itself. Beside that it is a tmpfs. */
#pragma once

#include "lib/types.h"

struct file_ops;
struct device {
    uint32_t rdev, mode;       /* with S_IFMT */
    const char *name, *target; /* in /dev, slashes make folders; of a link */
    const struct file_ops *ops;
    struct device *next;
};
const struct device *device_first(void);
/* An (empty) folder in /dev. */
int devfs_folder(const char *name, uint32_t mode);

/* Make the device's file where devfs is in use already; before, it will be made at the first look.
 */
int devfs_show(const struct device *device);
/* A character device file that comes and goes (pts/N), whatever the caller may do: 0, -EEXIST,
 * -ENOMEM; -ENOENT: nothing there. The driver is found by the number as usual. */
int devfs_add(const char *name, uint32_t mode, uint32_t rdev, uint32_t uid, uint32_t gid);
int devfs_remove(const char *name);
int devfs_start(void);
