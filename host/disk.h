/* host/disk.h: the disks of a VM: --disk FILE[,ro]. */
#pragma once

#include "text.h"

#include <stdbool.h>

/* Whether the value names a disk image or block device that can be used so; ends the command with a
 * message if not. */
void disk_check(const char *value);

/* QEMU's words for all the disks; with mmio: as virtio-mmio devices in the slots from `slot` on. */
void disk_words(const struct words *disks, bool mmio, unsigned slot, struct words *words);
