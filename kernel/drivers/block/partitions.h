/* drivers/block/partitions.h: parts of a disk as block devices. Threads only; everything may sleep.
 */
#pragma once

#include "drivers/block/block.h"

/* A block device into the list and /dev, as it is filled in (block.c). */
int block_add(struct block_device *device);

/* Make block devices of what the disk's tables tell. Before boot phase FS: later. */
void partitions_look(struct block_device *disk);
/* The same again (BLKRRPART). -EINVAL: a partition itself; -EBUSY: one is in use. */
int partitions_reread(struct block_device *disk);

/* One by hand (BLKPG), in sectors. -EBUSY: it is there, or overlaps another (add), is in use
 * (delete); -ENXIO: it is not there; -EINVAL: not inside the disk. */
int partition_add(struct block_device *disk, unsigned number, uint64_t start, uint64_t sectors);
int partition_delete(struct block_device *disk, unsigned number);
int partition_resize(struct block_device *disk, unsigned number, uint64_t start, uint64_t sectors);

/* The device that root= names ("/dev/vda2", "vda2", "254:2", "PARTUUID=...", "PARTLABEL=...");
 * NULL: there is none (yet). */
struct block_device *block_by_name(const char *name);
/* The root's partition on the disk that the loader came from, or if it does not tell, on the first
 * that `osprey build` has made; NULL: none (yet). */
struct block_device *block_of_root(void);

/* Once the first disk is there: reclaim.c. */
void block_start_caches(void);
