/* drivers/ata/identity.h: what ATA disks say of themselves (ATA8-ACS, ACS-3). Pure functions of
 * bytes that are not to be trusted: any context, and on the host. */
#pragma once

#include "lib/types.h"

enum { ATA_PAGE = 512, ATA_QUEUE = 32 };

struct ata_identity {
    uint64_t sectors; /* of 512 bytes */
    uint32_t logical, physical, alignment;
    unsigned depth; /* commands of NCQ that it takes at once; 0: it has no NCQ */
    bool lba48, dma, flush, flush_ext, write_cache, trim, logs, rotational;
    char serial[21], model[41];
};

/* The answer to IDENTIFY DEVICE. -EIO: damaged; -ENODEV: nothing that can be used: no disk, no
 * sectors, no addresses by number, sizes that make no sense. */
int ata_parse_identity(const uint8_t page[ATA_PAGE], struct ata_identity *identity);

/* The answer of a CD-ROM to READ CAPACITY(10) (MMC-6, 6.24). -ENODEV: no medium of 2048-byte
 * blocks.
 */
int ata_parse_capacity(const uint8_t answer[8], struct ata_identity *identity);

/* The log of a queued command's error (ACS-3, A.7): its tag, and the error register. -EIO: damaged;
 * -ENOENT: it was no queued command. */
int ata_parse_ncq_error(const uint8_t page[ATA_PAGE], unsigned *tag, uint8_t *error);

enum { ATA_TRIM_RANGES = ATA_PAGE / 8, ATA_TRIM_BLOCKS = 0xffff };
/* The ranges for DATA SET MANAGEMENT: n blocks from lba on, at most ATA_TRIM_RANGES of
 * ATA_TRIM_BLOCKS each. */
void ata_fill_trim(uint8_t page[ATA_PAGE], uint64_t lba, uint64_t n);
