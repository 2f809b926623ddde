/* host/passthrough.h: PCI devices of this machine for a VM, by the kernel's vfio-pci. All paths are
 * below $OSPREY_SYSFS, or /sys. */
#pragma once

#include "text.h"

/* `osprey passthrough [--dry-run] [--back] ADDR`: give the device to vfio-pci, or back to its own
 * driver. The command's status. */
int passthrough(int argc, char **argv);

/* QEMU's words for a device that vfio-pci has; ends the command where it has not. */
void passthrough_words(const char *address, struct words *words);
