/* host/elf_image.h: one ELF file of kernel, root image and command line, for Firecracker and other
 * loaders of PVH and Linux ELF kernels. */
#pragma once

#include "boot_disk.h"

void elf_image_write(const struct parts *parts, const char *file);
/* As disk_read_cmdline() and disk_replace_cmdline(). */
int elf_image_read_cmdline(int fd, char *line);
int elf_image_replace_cmdline(int fd, const char *line);
