/* drivers/scsi/scsi.h: SCSI: hosts carry commands to units, disks are made of units.
 *
 * A driver of a host adapter fills in a struct scsi_host and scans it; from then on it is given
 * commands and says when they have ended. Retries, time-outs, sizes and names are this layer's
 * (disk.c; how disks are found: scan.c; all parsing: parse.c).
 */
#pragma once

#include "core/timer.h"
#include "drivers/block/block.h"
#include "drivers/scsi/parse.h"

struct scsi_host;
struct scsi_unit;

/* Filled in by the layer down to `data`, then by the host's driver. In the direct map. */
struct scsi_command {
    struct scsi_unit *unit;
    uint8_t cdb[SCSI_CDB];
    bool write;                           /* data goes to the unit */
    const struct block_segment *segments; /* its data, bytes together */
    unsigned nsegments;
    uint32_t bytes;

    int error; /* the command did not come through: -EIO, -ENODEV (no such unit), -EAGAIN: retry */
    uint8_t status, nsense;
    uint32_t missing; /* bytes that were not moved */
    uint8_t sense[SCSI_SENSE];

    struct list link; /* the layer's from here on */
    void (*done)(struct scsi_command *command, int error);
    void *owner;
    nsec_t deadline;
    uint16_t tries;
    uint8_t aborts;
    bool waiting;        /* for its next try */
    atomic_bool pending; /* with the host: who clears it ends it */
    struct block_segment own;
    uint8_t list[SCSI_UNMAP_LIST];
    alignas(16) uint8_t host[]; /* of the host's driver: scsi_host.room */
};

struct scsi_host_ops {
    /* Begin: 0: scsi_done() will be called; -EBUSY: no room now, -EIO: broken. Any context. */
    int (*submit)(struct scsi_host *host, struct scsi_command *command);
    /* It takes too long: abort it (how 0), reset its unit (1), give up the device (2: nothing of
     * it may be under way when this returns; scsi_host_lost() follows). It may end meanwhile. Any
     * context. */
    void (*abort)(struct scsi_host *host, struct scsi_command *command, unsigned how);
};

struct scsi_host {
    const struct scsi_host_ops *ops;
    const char *place;
    unsigned targets, units; /* numbers of each: 0 to ... - 1 */
    unsigned depth;          /* commands for a unit at a time */
    unsigned segments, room; /* of a command; bytes of scsi_command.host */
    uint32_t bytes;          /* of a command's data */
    unsigned nqueues;
    void *driver;
    struct scsi_unit *first;   /* the layer's: those that have become disks, */
    struct scsi_unit *probing; /* and one that perhaps will */
};

struct scsi_unit {
    struct scsi_host *host;
    unsigned target, lun;

    /* The layer's: */
    struct block_device block;
    struct scsi_limits limits;
    unsigned shift; /* from sectors to blocks */
    bool cdrom, zeroes_by_device;
    struct spinlock lock;
    struct list free, under_way; /* commands */
    struct timer tick;
    bool ticking;
    atomic_bool asking;      /* for the size */
    void *commands, *zeroes; /* a block of them */
    alignas(16) uint8_t answer[32];
    struct scsi_unit *next;
};

/* Look for units and make disks of them. Sleeps. */
void scsi_scan(struct scsi_host *host);

/* For hosts; any context, no lock held that submit() takes. A command has ended (error, status,
 * sense, missing are filled in); the unit's size may be another; all that is under way is over, the
 * device is out of use. */
void scsi_done(struct scsi_command *command);
void scsi_unit_changed(struct scsi_host *host, unsigned target, unsigned lun);
void scsi_host_lost(struct scsi_host *host);

/* Between disk.c and scan.c: */
int scsi_unit_start(struct scsi_unit *unit); /* ready for commands; -ENOMEM */
void scsi_unit_stop(struct scsi_unit *unit);
/* A command and n bytes of answer, which is in the direct map; sleeps. How many came, or an error.
 */
int scsi_ask(struct scsi_unit *unit, const uint8_t cdb[SCSI_CDB], void *answer, unsigned n);
extern const struct block_ops scsi_disk_ops;
