/* host/claimed.h: what this machine does with the disks behind a device of its own. */
#pragma once

/* The first disk or partition below `folder` (a device's in sysfs, which is mounted at `sysfs`)
 * that is mounted, swapped to or part of another device, as "sda2 is mounted at /home"; NULL: none.
 * $OSPREY_PROC stands for /proc. The caller frees it. */
char *claimed_disk(const char *sysfs, const char *folder);
