/* drivers/ata/ata.h: ATA disks: what AHCI and IDE share: requests become task files, each has its
 * time, errors are recovered from, and disks get their names.
 *
 * A port carries one or two disks and has one kind of commands under way: queued ones (NCQ), each
 * in a slot of its own, or a single other one in slot 0. After an error those that were under way
 * are repeated one by one and not queued, so that the one that fails is known.
 */
#pragma once

#include "core/timer.h"
#include "drivers/ata/identity.h"
#include "drivers/block/block.h"
#include "drivers/block/rescue.h"

enum { /* the status and error registers (ACS-3, 6) */
       ATA_BUSY = 0x80,
       ATA_READY = 0x40, /* only disks have it after a reset */
       ATA_FAULT = 0x20,
       ATA_DRQ = 0x08,
       ATA_ERR = 0x01,
       ATA_ICRC = 0x80 /* in the error register: the link's, not the disk's */
};
enum { ATA_READ_LOG_EXT = 0x2f, ATA_IDENTIFY = 0xec, ATA_LOG_NCQ_ERROR = 0x10 };
#define ATA_READY_NS 30000000000 /* a disk may take so long to be ready after a reset */

enum { ATA_PACKET = 12, ATA_CAPACITY_TRIES = 4 };
enum ata_protocol { ATA_NO_DATA, ATA_PIO, ATA_DMA, ATA_NCQ };
struct ata_taskfile {
    uint8_t command, device, protocol;
    bool write, ext; /* 48 bits of address, 16 of count */
    uint16_t feature, count;
    uint64_t lba;
    const uint8_t *packet; /* ATA_PACKET bytes; NULL: none */
};

struct ata_port;
struct ata_disk {
    struct block_device block;
    struct ata_identity identity;
    struct ata_port *port;
    unsigned unit;  /* on its port: 0, 1 */
    unsigned depth; /* 1: commands are not queued */
    bool pio;       /* no DMA */
    bool cdrom;     /* it takes packets (ATAPI) */
};

/* What came out of a recovery, in slots. */
struct ata_outcome {
    uint32_t done, failed; /* well; by their own fault */
};

struct ata_ops {
    /* Send off a command with its memory. The port's lock is held. */
    void (*start)(struct ata_port *port, struct ata_disk *disk, unsigned slot,
                  const struct ata_taskfile *tf, const struct block_segment *segments,
                  unsigned nsegments);
    /* Which of port->issued (which may be 0) have ended well; *trouble: not all is. The lock is
     * held. */
    uint32_t (*poll)(struct ata_port *port, bool *trouble);
    /* Find out what has happened, have nothing under way, and be ready again. In a thread, with
     * the port stopped; -EIO: it does not come back, and touches no memory any more. */
    int (*recover)(struct ata_port *port, struct ata_outcome *outcome);
};

struct ata_port {
    /* The driver's: */
    const struct ata_ops *ops;
    char name[24]; /* for messages */
    struct ata_disk *disks[2];
    uint64_t dma_limit; /* DMA reaches memory below it; 0: all */
    uint8_t *page;      /* ATA_PAGE bytes that the device can reach: TRIM's ranges */

    /* The layer's: */
    struct spinlock lock;
    uint32_t issued; /* slots under way */
    struct block_request *requests[ATA_QUEUE];
    nsec_t deadlines[ATA_QUEUE];
    bool exclusive; /* what is under way is not queued */
    bool wanted;    /* one that is not queued waits for the others' end */
    bool stopped;   /* until it has been recovered; before ata_port_start(): true */
    bool lost;
    bool ticking;
    struct list retry;
    struct timer timer;
    struct rescue rescue;
};

/* A port whose disks[] and ops are there: register its disks, which have their identity, unit,
 * depth and pio. -ENOMEM. */
int ata_port_start(struct ata_port *port);
/* From the port's interrupt, or whenever something may have ended. Any context. */
void ata_port_poll(struct ata_port *port);
/* READ CAPACITY of a CD-ROM: 8 bytes come. A first try may fail, as a unit attention. */
extern const struct ata_taskfile ata_capacity;
/* What it is asked for its identity with. */
uint8_t ata_identify_command(const struct ata_disk *disk);
/* Is it the disk that it was before the reset? */
bool ata_same_disk(const struct ata_disk *disk, const uint8_t identity[ATA_PAGE]);
