/* loader/layout.h: where osprey.bin has what, and what its parts leave for each other. For assembly
 * and C, the loader and the program that packs it. */
#pragma once

#include "boot/marks.h"

/* osprey.bin: the real-mode set-up of 4096 bytes (a bzImage's, and a PE header), then the payload:
 * this loader and behind it the compressed kernel. osprey-lzma.bin: the same, packed by LZMA. */
#define SETUP_BYTES  4096
#define DISK_ENTRY   0x280    /* of the set-up: where mbr.S goes in */
#define PAYLOAD_AT   0x100000 /* where BIOS loaders put the payload */
#define ENTRY_64     0x200    /* of the payload: Linux' 64-bit entry; ENTRY_32 is its start */
#define PACKED       0x280    /* of the payload: struct packed_kernel */
#define MULTIBOOT_AT 0x2c0    /* of the payload: both Multiboot headers */
#define STUB_AT      0x400000 /* where the loader moves itself before it writes the kernel to 1 MiB */
#define LOADER_BSS   0x28000  /* bytes of it, 1 MiB behind the payload's start */
#define RAM_DISK_AT  0x600000 /* where a BIOS disk's root goes */

/* The real-mode segment: set-up, then zero page, stack; the drive's buffer; the command line. */
#define SETUP_SEGMENT   0x1000
#define ZERO_PAGE       0x1000 /* in the set-up's segment */
#define STACK_TOP       0x8000
#define CMDLINE_AT      0x20000
#define CMDLINE_SECTORS 127 /* on the disk, from sector 1 on */
#define BUFFER_AT       0x30000
#define BUFFER_SECTORS  64

/* What `osprey build` writes into the boot sector of a disk. */
#define MBR_AT        0x7c00
#define MBR_READ      0x10  /* far call: eax = sector, cx = how many (at most 127), es:0 to */
#define MBR_FAIL      0x18  /* far jump: ds:si = message */
#define MBR_DISK      0x190 /* struct disk_layout */
#define MBR_SIGNATURE 0x1b8

#define DISK_ROOT_STAYS 1 /* the kernel reads the root from the disk */

#ifndef __ASSEMBLER__
#include "lib/types.h"

struct packed_kernel {
    uint32_t magic;      /* PACKED_MAGIC */
    uint32_t offset;     /* of the packed kernel in the payload */
    uint32_t packed_len; /* and its bytes */
    uint32_t len;        /* unpacked, to go to PAYLOAD_AT */
    uint32_t memory;     /* with .bss */
    uint32_t entry;      /* physical: Linux' 64-bit protocol */
    uint32_t crc;        /* crc32c of the packed kernel, from ~0 */
    uint32_t total;      /* bytes of the payload */
};
enum { PACKED_MAGIC = 0x4b50534f }; /* "OSPK" */

struct disk_layout {
    uint32_t magic;  /* DISK_MAGIC */
    uint32_t kernel; /* first sector of osprey.bin */
    uint32_t kernel_sectors;
    uint32_t root; /* first sector of the root image; 0: none */
    uint32_t root_sectors;
    uint32_t cmdline_len;
    uint32_t flags; /* DISK_* */
};
enum { DISK_MAGIC = 0x4450534f }; /* "OSPD" */
#endif
