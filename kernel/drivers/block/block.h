/* drivers/block/block.h: disks. Drivers register them, the file /dev/NAME and file systems move
 * sectors by requests. Threads only, except where noted; from boot phase BUS on.
 *
 * A request goes to the device, and is complete when the device says so; the page cache (cache.h)
 * lies above. What a device keeps in a volatile cache of its own reaches the medium with the next
 * BLOCK_FLUSH.
 */
#pragma once

#include "core/mutex.h"
#include "core/waitqueue.h"
#include "lib/types.h"
#include "mm/address_space.h"
#include "mm/shm.h"

enum { BLOCK_SECTOR = 512 }; /* bytes; the unit of all positions, whatever the disk's own is */

enum block_op { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH, BLOCK_DISCARD, BLOCK_WRITE_ZEROES };
enum { BLOCK_UNMAP = 1 }; /* flag of BLOCK_WRITE_ZEROES: the space may be given back */
enum { BLOCK_SEGMENTS = 16 };

/* Memory of a request: in the direct map (kmalloc, frames), physically contiguous. */
struct block_segment {
    void *data;
    uint32_t len; /* bytes, whole logical blocks together */
};

/* The owner allocates it in the direct map (never on a stack), fills in the first part, and keeps
 * it and its segments until done() is called. */
struct block_request {
    enum block_op op;
    unsigned flags;
    uint64_t sector, nsectors; /* in whole logical blocks; BLOCK_FLUSH: 0 */
    unsigned nsegments;        /* of READ and WRITE: together nsectors */
    struct block_segment segments[BLOCK_SEGMENTS];
    /* Any context, once. error: 0, -EIO, -EOPNOTSUPP, -ENOSPC. The request is the owner's again. */
    void (*done)(struct block_request *request, int error);
    void *owner;

    /* The layer's and the driver's: */
    struct block_device *device; /* the whole disk; sector is counted from its start */
    struct block_device *part;   /* the partition that it was for, or NULL */
    struct list link;
    nsec_t started;
    uint64_t driver[8];
};

struct block_device;
struct block_ops {
    /* Begin a request; 0: done() will be called. -EBUSY: no room in the device's queues, it is to
     * come again after block_has_room(). Other errors end the request. Any context. */
    int (*submit)(struct block_device *device, struct block_request *request);
};

/* What a disk can do. Zero limits mean that it cannot. */
struct block_limits {
    uint32_t logical_block, physical_block;        /* bytes, powers of 2 */
    uint32_t io_min, io_opt, alignment;            /* bytes; hints; io_opt 0: none */
    uint32_t segments, segment_size;               /* of a request: number, bytes each */
    uint32_t discard_sectors, discard_granularity; /* of a request; bytes */
    uint32_t write_zeroes_sectors;
    bool unmap_zeroes; /* BLOCK_UNMAP has an effect */
    bool volatile_cache, rotational;
};

struct block_stats { /* reads, writes, discards, flushes */
    uint64_t requests[4], sectors[4], ns[4];
};

/* What of a device is in memory: cache.h. */
enum { BLOCK_STREAMS = 8 };
struct block_stream {
    uint64_t next, mark;
    unsigned size;
};
struct block_cache {
    struct mem_object object; /* for mappings of the device, and file systems on it */
    struct spinlock lock;
    struct page_store pages;
    struct waitqueue wait; /* a read or a write has ended */
    atomic_ulong ndirty, nwriting;
    uint64_t hand; /* where to look for pages to give back */
    struct block_stream streams[BLOCK_STREAMS];
    unsigned stream;       /* how many there were */
    atomic_uint error;     /* of writing: writeback.c */
    struct waitqueue work; /* of the flusher */
    atomic_bool has_flusher, flush_now, urgent;
    nsec_t dirty_since, complained;
    uint64_t dev, ino; /* of a file of the device: for /proc/self/maps */
};

struct block_device {
    const char *driver_name; /* of the driver in /proc/devices: "virtblk" */
    uint32_t rdev;
    unsigned minors; /* numbers from rdev on that are the disk's; 0: partitions get others */
    char name[16], serial[32];
    atomic_ulong sectors; /* may change, see block_resized() */
    struct block_limits limits;
    unsigned nqueues;
    bool always_read_only; /* the medium: BLKROSET does not change that */
    atomic_bool read_only;
    const struct block_ops *ops;
    void *driver;

    /* The layer's: */
    struct spinlock lock;
    struct list waiting; /* requests that found no room */
    atomic_uint room;    /* how often some was made */
    struct block_stats stats;
    atomic_uint in_flight;
    atomic_uint block_size; /* BLKBSZSET */
    atomic_uint read_ahead; /* BLKRASET, in sectors */
    struct block_cache cache;
    struct mutex open_lock;     /* the whole disk's: over the rest */
    void *exclusive;            /* the open file that has it by O_EXCL, or a file system */
    unsigned nopen;             /* open files */
    struct block_device *next;  /* a disk's partitions follow it */
    struct block_device *whole; /* of a partition: its disk; else NULL */
    uint64_t start;             /* of a partition: its first sector there */
    unsigned number;            /* of a partition: from 1 on its disk; of a disk: of all */
    atomic_bool gone;           /* a number that may come back; nobody finds it meanwhile */
    char uuid[37], label[37];   /* PARTUUID, PARTLABEL; "": none */
};

/* Name the n-th disk (n < 702): prefix a, b, ... z, aa, ... */
void block_name(struct block_device *device, const char *prefix, unsigned n);
/* The next of all disks behind SCSI and ATA: name sdX, number, driver_name. -ENOSPC. */
int block_name_sd(struct block_device *device);
void block_name_sr(struct block_device *device); /* the same of CD-ROMs: srN */
/* A new disk under a name and number that are its own: makes /dev/NAME, /sys/block/NAME, and from
 * phase FS on its partitions. It stays for good. -ENOMEM; -EINVAL: logical blocks above
 * 4 KiB, or requests that do not take a page. */
int block_register(struct block_device *device);
/* A number for a disk whose driver has none of its own: 259:0, 259:1, ... */
uint32_t block_extended_rdev(void);
/* By number; the first of all, and the one after it (disks and partitions); NULL: none. */
struct block_device *block_find(uint32_t rdev);
struct block_device *block_first(void);
struct block_device *block_next(struct block_device *device);
/* How many segments a request may have. */
static inline unsigned block_segments(const struct block_device *device)
{
    return MIN(device->limits.segments, (uint32_t)BLOCK_SEGMENTS);
}
/* The disk itself, or that of a partition. */
static inline struct block_device *block_whole(struct block_device *device)
{
    return device->whole ? device->whole : device;
}

/* Send a request on its way, its sector counted from the start of the device, which may be a
 * partition (sector changes then); done() may be called before this returns. Any context. Checks
 * nothing but the place: beyond the end, or a write to a read-only disk, ends with -EIO. */
void block_submit(struct block_device *device, struct block_request *request);
/* Submit, sleep until it is done: its error. */
int block_submit_wait(struct block_device *device, struct block_request *request);
/* Read or write n bytes (whole logical blocks) between the disk and memory in the direct map, in as
 * many requests as it takes; 0 or an error as of done(), -ENOMEM. */
int block_transfer(struct block_device *device, enum block_op op, uint64_t sector, void *data,
                   size_t n);
int block_flush(struct block_device *device); /* nothing to do without a volatile cache: 0 */
/* DISCARD or WRITE_ZEROES of any length; -EOPNOTSUPP: the disk cannot. */
int block_clear(struct block_device *device, enum block_op op, unsigned flags, uint64_t sector,
                uint64_t nsectors);

/* For drivers; any context, no lock held that submit() takes: a request has ended; there is room
 * again; the size has changed. */
void block_done(struct block_request *request, int error);
void block_has_room(struct block_device *device);
void block_resized(struct block_device *device, uint64_t sectors);

/* The disk for one user alone: -EBUSY: it is taken. */
int block_claim(struct block_device *device, void *owner);
void block_release(struct block_device *device, void *owner);

extern const struct file_ops block_file_ops; /* of /dev/NAME (file.c) */
extern const struct mem_object_ops block_mem_ops;
