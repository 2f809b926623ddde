/* host/fat.h: a FAT16 file system that holds one file, \EFI\BOOT\BOOTX64.EFI, in one run of
 * sectors: what UEFI firmware starts from a disk (UEFI 2.10, 13.3). The same bytes for the same
 * file. */
#pragma once

#include <stdint.h>

enum { FAT_SECTORS = 10240, FAT_FILE_AT = 1 + 80 + 32 + 2 }; /* where the file begins */

/* Write FAT_SECTORS sectors to fd at byte `offset`; `hidden` sectors come before them on the disk.
 * 0 or a positive errno; EFBIG: the file is too large. */
int fat_write(int fd, uint64_t offset, uint32_t hidden, const void *file, uint64_t size);
