/* drivers/block/ioctl.h: parts of a disk's file. Threads only. */
#pragma once

#include "drivers/block/block.h"

struct file;
/* ioctl(2) of a disk's file; -ENOTTY: no such command. */
int64_t block_ioctl(struct block_device *device, struct file *file, unsigned cmd, uintptr_t arg);
/* Zeroes into a range of bytes (whole logical blocks), as flags say; by_hand: by writing them where
 * the disk has no command for it. */
int block_zero_range(struct block_device *device, unsigned flags, bool by_hand, uint64_t start,
                     uint64_t length);
/* Space given back, whatever is read there then. */
int block_discard_range(struct block_device *device, uint64_t start, uint64_t length);
