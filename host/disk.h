/* host/disk.h: the disks of a VM: --disk FILE[,ro][,bus=BUS]. */
#pragma once

#include "machine.h"
#include "text.h"

#include <stdbool.h>

enum disk_bus { DISK_VIRTIO, DISK_AHCI, DISK_IDE, DISK_NVME, DISK_SCSI, DISK_PVSCSI, DISK_BUSES };
enum { DISKS_MAX = 24 };

struct disks {
    struct disk {
        char *file;
        enum disk_bus bus;
        bool read_only;
    } item[DISKS_MAX];
    size_t count;
};

/* One more. A value that is not understood, a file that cannot be used so, or one disk too many
 * ends the command with a message. */
void disk_add(struct disks *disks, const char *value);

/* The machine, unless the user has chosen one, that has all the disks' buses; a combination that no
 * machine has, or too many on a bus, ends the command with a message. `slots`: how many devices a
 * microvm has room for. */
enum machine disks_machine(const struct disks *disks, enum machine machine, bool chosen,
                           unsigned slots);

/* How many virtio-mmio devices they are on a microvm. */
unsigned disks_slots(const struct disks *disks);

/* QEMU's words for all the disks; on a microvm in the slots from `slot` on. */
void disks_words(const struct disks *disks, enum machine machine, unsigned slot,
                 struct words *words);
