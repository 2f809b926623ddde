/* fs/erofs.h: EROFS for the root. Threads only. */
#pragma once

#include "fs/vfs.h"

/* The image that the loader left in memory, with a reference. -ENXIO: none. */
int erofs_mount_image(struct super **super);
/* The image on a block device; mounted several times it is one. */
int erofs_mount_device(uint32_t rdev, struct super **super);
