/* What disks are called. */

#include "drivers/block/block.h"
#include "fs/vfs.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { MINORS = 16, DISKS_MAX = 256 }; /* Documentation/admin-guide/devices.txt */

void block_name(struct block_device *device, const char *prefix, unsigned n)
{
    char letters[3] = {(char)('a' + n % 26)};
    if (n >= 26) {
        letters[1] = letters[0];
        letters[0] = (char)('a' + n / 26 - 1);
    }
    snprintf(device->name, sizeof(device->name), "%s%s", prefix, letters);
}

int block_name_sd(struct block_device *device)
{
    static atomic_uint ndisks;
    unsigned n = atomic_fetch_add(&ndisks, 1), group = n / MINORS;
    if (n >= DISKS_MAX)
        return -ENOSPC;
    unsigned major = group == 0 ? 8 : group < 8 ? 64 + group : 120 + group;
    device->driver_name = "sd";
    device->minors = MINORS;
    device->rdev = makedev(major, n % MINORS * MINORS);
    block_name(device, "sd", n);
    return 0;
}

void block_name_sr(struct block_device *device)
{
    enum { SR_MAJOR = 11 };
    static atomic_uint ncdroms;
    unsigned n = atomic_fetch_add(&ncdroms, 1);
    device->driver_name = "sr";
    device->rdev = makedev(SR_MAJOR, n);
    snprintf(device->name, sizeof(device->name), "sr%u", n);
}
