/* fs/devfs.h: what /dev shows by itself. Beside that it is a tmpfs. */
#pragma once

#include "lib/types.h"

struct file_ops;
struct device {
    uint32_t rdev, mode;       /* with S_IFMT */
    const char *name, *target; /* in /dev, slashes make folders; of a link */
    const char *driver;        /* of block devices: what its major number is called */
    const struct file_ops *ops;
    bool hidden;
    struct device *next;
};
const struct device *device_first(void);
/* An (empty) folder in /dev. */
int devfs_folder(const char *name, uint32_t mode);

/* Make the device's file where devfs is in use already; before, it will be made at the first look.
 */
int devfs_show(const struct device *device);
/* And take it away. */
int devfs_hide(const struct device *device);
int devfs_start(void);
