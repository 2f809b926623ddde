/* drivers/block/partition_table.h: what partitions a disk's first and last blocks tell of: MBR with
 * extended partitions, and GPT (UEFI 2.10, 5.2 and 5.3).
 *
 * Pure: no allocation, no state; everything read is bounded by the disk. */
#pragma once

#include "lib/types.h"

enum { PARTITIONS_MAX = 128, PARTITION_SECTOR = 512 };

struct partition {
    uint64_t start, sectors; /* of 512 bytes, inside the disk, overlapping no other of the list
                                but the container of logical ones */
    unsigned number;         /* from 1 */
    bool container;          /* of logical partitions: its first sectors */
    char uuid[37];           /* as in PARTUUID= */
    char name[37];           /* GPT's, characters outside ASCII as '?' */
};

struct partition_disk {
    uint64_t sectors;       /* of 512 bytes */
    uint32_t logical_block; /* bytes, a power of 2 from 512 to 4096 */
    /* Whole logical blocks into buf; 0 or a negative errno. */
    int (*read)(void *owner, uint64_t sector, void *buf, size_t n);
    void *owner;
    uint8_t block[4096]; /* scratch */
};

enum partition_kind { PARTITIONS_NONE, PARTITIONS_MBR, PARTITIONS_GPT };
/* What was wrong on the way, for one message. */
enum {
    PARTITIONS_BACKUP = 1,  /* the first GPT is damaged, its backup was used */
    PARTITIONS_DAMAGED = 2, /* a GPT, and neither copy is good */
    PARTITIONS_CUT = 4,     /* one reached beyond the end and was cut off, or left out */
    PARTITIONS_OVERLAP = 8, /* one overlapped another and was left out */
};

/* Into list, at most PARTITIONS_MAX: how many, or the error of read(). */
int partitions_read(struct partition_disk *disk, struct partition list[PARTITIONS_MAX],
                    enum partition_kind *kind, unsigned *wrong);
