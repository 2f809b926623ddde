/* fs/sysfs.h: /sys. Drivers and layers put their folders into it at boot. */
#pragma once

#include "core/boot.h"
#include "fs/pseudo.h"

/* The folder for names like "class/net": bus, block, class, class/block, class/net, class/tty, dev,
 * dev/block, dev/char, devices, devices/virtual, devices/pci0000:00 and what is registered in them;
 * or NULL. For pseudo_register(), from phase BUS on and before programs run. */
struct pseudo_entry *sysfs_folder(const char *path);
