/* Virtio block device (virtio 1.2, 5.2): each disk is a struct block_device, vda, vdb, ...
 *
 * A request is a chain of a header, its memory and a byte of status; header and status live in the
 * request's own room. Each CPU has a queue where the device offers as many; a queue's lock covers
 * the ring and the list of what is under way, for as long as it takes to add or to take back. */

#include "core/boot.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/timer.h"
#include "drivers/block/block.h"
#include "drivers/virtio/virtio.h"
#include "fs/vfs.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { /* feature bits, 5.2.3 */
       F_SIZE_MAX = 1,
       F_SEG_MAX = 2,
       F_GEOMETRY = 4,
       F_RO = 5,
       F_BLK_SIZE = 6,
       F_FLUSH = 9,
       F_TOPOLOGY = 10,
       F_CONFIG_WCE = 11,
       F_MQ = 12,
       F_DISCARD = 13,
       F_WRITE_ZEROES = 14
};
enum { /* configuration, 5.2.4 */
       CONFIG_CAPACITY = 0,
       CONFIG_SIZE_MAX = 8,
       CONFIG_SEG_MAX = 12,
       CONFIG_BLK_SIZE = 20,
       CONFIG_PHYSICAL_EXPONENT = 24,
       CONFIG_ALIGNMENT_OFFSET = 25,
       CONFIG_MIN_IO = 26,
       CONFIG_OPT_IO = 28,
       CONFIG_WRITEBACK = 32,
       CONFIG_NUM_QUEUES = 34,
       CONFIG_MAX_DISCARD = 36,
       CONFIG_DISCARD_ALIGNMENT = 44,
       CONFIG_MAX_WRITE_ZEROES = 48,
       CONFIG_WRITE_ZEROES_MAY_UNMAP = 56
};
enum { T_IN, T_OUT, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };
enum { S_OK, S_IOERR, S_UNSUPP, S_NONE = 0xff };
enum {
    MAJOR = 254, /* the first that Linux gives out */
    MINORS = 16, /* of a disk, for partitions */
    DISKS_MAX = 256,
    QUEUES_MAX = 16,
    QUEUE_SIZE = 128,
    ID_BYTES = 20
};

struct header {
    uint32_t type, reserved;
    uint64_t sector;
};
struct range { /* of DISCARD and WRITE_ZEROES */
    uint64_t sector;
    uint32_t nsectors, flags;
};
/* In block_request.driver. */
struct command {
    struct header header;
    struct range range;
    uint8_t status;
};

struct disk;
struct queue {
    struct disk *disk;
    struct virtqueue *vq;
    struct spinlock lock;
    struct list under_way;
};
struct disk {
    struct block_device block;
    struct virtio_device *device;
    struct timer lost;
    struct queue queues[QUEUES_MAX];
};

static unsigned ndisks;

static struct command *command_of(struct block_request *request)
{
    return (struct command *)request->driver;
}

/* --- requests ----------------------------------------------------------------------------- */

static uint32_t type_of(const struct block_request *request)
{
    static const uint8_t types[] = {[BLOCK_READ] = T_IN,
                                    [BLOCK_WRITE] = T_OUT,
                                    [BLOCK_FLUSH] = T_FLUSH,
                                    [BLOCK_DISCARD] = T_DISCARD,
                                    [BLOCK_WRITE_ZEROES] = T_WRITE_ZEROES};
    return types[request->op];
}

static void prepare(struct block_request *request)
{
    struct command *c = command_of(request);
    bool range = request->op == BLOCK_DISCARD || request->op == BLOCK_WRITE_ZEROES;
    bool unmap = request->op == BLOCK_WRITE_ZEROES && request->flags & BLOCK_UNMAP &&
                 request->device->limits.unmap_zeroes;
    c->header = (struct header){type_of(request), 0, range ? 0 : request->sector};
    c->range = (struct range){request->sector, request->nsectors, unmap};
    c->status = S_NONE;
}

/* The header, the device's to read, stands in a segment of its own (2.7.4.1). */
static int add(struct queue *q, struct block_request *request)
{
    struct virtio_buffer b[BLOCK_SEGMENTS + 2];
    struct command *c = command_of(request);
    unsigned n = 0, nin = 1;
    b[n++] = (struct virtio_buffer){&c->header, sizeof(c->header)};
    if (request->op == BLOCK_DISCARD || request->op == BLOCK_WRITE_ZEROES)
        b[n++] = (struct virtio_buffer){&c->range, sizeof(c->range)};
    if (request->op == BLOCK_READ || request->op == BLOCK_WRITE)
        for (unsigned i = 0; i < request->nsegments; i++)
            b[n++] = (struct virtio_buffer){request->segments[i].data, request->segments[i].len};
    if (request->op == BLOCK_READ)
        nin += request->nsegments;
    b[n++] = (struct virtio_buffer){&c->status, 1};
    return virtqueue_add(q->vq, b, n - nin, nin, request);
}

static int submit(struct block_device *block, struct block_request *request)
{
    struct disk *disk = block->driver;
    prepare(request);
    uint64_t flags = irq_save();
    struct queue *q = &disk->queues[this_cpu()->id % block->nqueues];
    spin_lock(&q->lock);
    int err = add(q, request);
    if (err == 0) {
        list_add_tail(&q->under_way, &request->link);
        virtqueue_kick(q->vq);
    }
    spin_unlock(&q->lock);
    irq_restore(flags);
    return err == -ENOSPC ? -EBUSY : err;
}

static int error_of(const struct block_request *request)
{
    switch (((const struct command *)request->driver)->status) {
    case S_OK:
        return 0;
    case S_UNSUPP:
        return -EOPNOTSUPP;
    default:
        return -EIO;
    }
}

/* Take one back; NULL: nothing there. */
static struct block_request *take(struct queue *q)
{
    uint64_t flags = spin_lock_irq(&q->lock);
    struct block_request *request = virtqueue_get(q->vq, NULL);
    if (request)
        list_del(&request->link);
    spin_unlock_irq(&q->lock, flags);
    return request;
}

static void used(struct virtqueue *vq)
{
    struct queue *q = virtqueue_owner(vq);
    struct block_request *request;
    bool any = false;
    while ((request = take(q))) {
        block_done(request, error_of(request));
        any = true;
    }
    if (any)
        block_has_room(&q->disk->block);
}

/* --- a device that is lost ---------------------------------------------------------------- */

static struct block_request *next_under_way(struct queue *q)
{
    struct block_request *request = NULL;
    uint64_t flags = spin_lock_irq(&q->lock);
    if (!list_empty(&q->under_way)) {
        request = list_first(&q->under_way, struct block_request, link);
        list_del(&request->link);
    }
    spin_unlock_irq(&q->lock, flags);
    return request;
}

/* Nothing comes back: end all requests (new ones end at virtqueue_add()). */
static void end_all(struct timer *timer)
{
    struct disk *disk = container_of(timer, struct disk, lost);
    struct block_request *request;
    for (unsigned i = 0; i < disk->block.nqueues; i++)
        while ((request = next_under_way(&disk->queues[i])))
            block_done(request, -EIO);
    block_has_room(&disk->block);
}

/* Called with a queue's lock held, perhaps: later. */
static void lost(struct virtio_device *device)
{
    struct disk *disk = device->driver;
    timer_start(&disk->lost, 0);
}

/* --- configuration ------------------------------------------------------------------------ */

static bool has(const struct disk *disk, unsigned feature)
{
    return disk->device->features >> feature & 1;
}

static uint64_t config(struct disk *disk, unsigned offset, unsigned len)
{
    uint64_t value = 0;
    disk->device->ops->config_read(disk->device, offset, &value, len);
    return value;
}

/* Interrupt context. */
static void config_changed(struct virtio_device *device)
{
    struct disk *disk = device->driver;
    uint64_t sectors = config(disk, CONFIG_CAPACITY, 8);
    if (sectors == disk->block.sectors)
        return;
    log_info("block: %s: now %lu sectors", disk->block.name, sectors);
    block_resized(&disk->block, sectors);
}

/* Sizes that make no sense count as not told. */
static void read_sizes(struct disk *disk)
{
    enum { BLOCK_MOST = 65536 };
    struct block_limits *l = &disk->block.limits;
    uint32_t size = has(disk, F_BLK_SIZE) ? config(disk, CONFIG_BLK_SIZE, 4) : 0;
    bool sound = size >= BLOCK_SECTOR && size <= BLOCK_MOST && !(size & (size - 1));
    l->logical_block = l->physical_block = l->io_min = sound ? size : BLOCK_SECTOR;
    if (!has(disk, F_TOPOLOGY))
        return;
    unsigned exponent = config(disk, CONFIG_PHYSICAL_EXPONENT, 1);
    if (exponent < 16)
        l->physical_block = l->logical_block << exponent;
    l->alignment = config(disk, CONFIG_ALIGNMENT_OFFSET, 1) * l->logical_block;
    l->io_min = MAX((uint32_t)config(disk, CONFIG_MIN_IO, 2) * l->logical_block, l->physical_block);
    l->io_opt = config(disk, CONFIG_OPT_IO, 4) * l->logical_block;
}

static void read_limits(struct disk *disk)
{
    enum { SEGMENT_MOST = 1 << 20 };
    struct block_limits *l = &disk->block.limits;
    uint32_t most = has(disk, F_SIZE_MAX) ? config(disk, CONFIG_SIZE_MAX, 4) : 0;
    l->segment_size = ALIGN_DOWN(most ? MIN(most, (uint32_t)SEGMENT_MOST) : (uint32_t)SEGMENT_MOST,
                                 l->logical_block);
    if (!l->segment_size) /* a block in several segments: not worth it */
        l->segment_size = l->logical_block;
    l->segments = has(disk, F_SEG_MAX) ? MAX((uint32_t)config(disk, CONFIG_SEG_MAX, 4), 1u) : 1;
    if (has(disk, F_DISCARD)) {
        l->discard_sectors = config(disk, CONFIG_MAX_DISCARD, 4);
        l->discard_granularity = config(disk, CONFIG_DISCARD_ALIGNMENT, 4) * BLOCK_SECTOR;
        l->discard_granularity = MAX(l->discard_granularity, l->logical_block);
    }
    if (has(disk, F_WRITE_ZEROES)) {
        l->write_zeroes_sectors = config(disk, CONFIG_MAX_WRITE_ZEROES, 4);
        l->unmap_zeroes = config(disk, CONFIG_WRITE_ZEROES_MAY_UNMAP, 1);
    }
    /* With FLUSH alone a device may cache; with CONFIG_WCE it says whether it does (5.2.5.2). */
    l->volatile_cache =
        has(disk, F_CONFIG_WCE) ? config(disk, CONFIG_WRITEBACK, 1) : has(disk, F_FLUSH);
}

static int create_queues(struct disk *disk)
{
    unsigned n = has(disk, F_MQ) ? config(disk, CONFIG_NUM_QUEUES, 2) : 1;
    n = MIN(MAX(n, 1u), MIN(ncpus, (unsigned)QUEUES_MAX));
    disk->device->queue_vectors = n > 1;
    for (unsigned i = 0; i < n; i++) {
        struct queue *q = &disk->queues[i];
        q->disk = disk;
        list_init(&q->under_way);
        q->vq = virtqueue_create(disk->device, i, QUEUE_SIZE, used, q);
        if (!q->vq)
            return -ENOMEM;
        if (n > 1)
            virtqueue_set_cpu(q->vq, cpus[i]);
    }
    /* A chain stands in the ring as a whole if there are no indirect descriptors. */
    unsigned room = virtqueue_size(disk->queues[0].vq);
    if (room < 3)
        return -EINVAL;
    disk->block.limits.segments = MIN(disk->block.limits.segments, room - 2);
    disk->block.nqueues = n;
    return 0;
}

/* The serial number, a command like others (5.2.6.1); it need not be there. */
static void serial_done(struct block_request *request, int error)
{
    struct block_device *block = request->device;
    if (error == 0)
        memcpy(block->serial, request->segments[0].data, ID_BYTES);
    kfree(request->segments[0].data);
    kfree(request);
}

static void ask_serial(struct disk *disk)
{
    struct block_request *request = kzalloc(sizeof(*request));
    void *id = kzalloc(ID_BYTES);
    if (!request || !id) {
        kfree(request);
        kfree(id);
        return;
    }
    *request = (struct block_request){.op = BLOCK_READ,
                                      .device = &disk->block,
                                      .nsegments = 1,
                                      .segments = {{id, ID_BYTES}},
                                      .done = serial_done};
    prepare(request);
    command_of(request)->header.type = T_GET_ID;
    struct queue *q = &disk->queues[0];
    uint64_t flags = spin_lock_irq(&q->lock);
    atomic_fetch_add(&disk->block.in_flight, 1);
    int err = add(q, request);
    if (err == 0)
        list_add_tail(&q->under_way, &request->link);
    virtqueue_kick(q->vq);
    spin_unlock_irq(&q->lock, flags);
    if (err)
        block_done(request, err);
}

static int probe(struct virtio_device *device)
{
    static const struct block_ops ops = {.submit = submit};
    struct disk *disk = ndisks < DISKS_MAX ? kzalloc(sizeof(*disk)) : NULL;
    if (!disk)
        return -ENOMEM;
    struct block_device *block = &disk->block;
    disk->device = device;
    device->driver = disk;
    timer_init(&disk->lost, end_all);
    read_sizes(disk);
    read_limits(disk);
    int r = create_queues(disk);
    if (r < 0) {
        kfree(disk);
        return r;
    }
    block->driver_name = "virtblk";
    block->rdev = makedev(MAJOR, ndisks * MINORS);
    block->minors = MINORS;
    block_name(block, "vd", ndisks++);
    block->sectors = config(disk, CONFIG_CAPACITY, 8);
    block->always_read_only = block->read_only = has(disk, F_RO);
    block->ops = &ops;
    block->driver = disk;
    device->config_changed = config_changed;
    device->lost = lost;
    virtio_device_ready(device);
    r = block_register(block);
    ask_serial(disk);
    return r;
}

static const struct virtio_driver blk_driver = {
    .name = "blk",
    .id = VIRTIO_ID_BLOCK,
    .features = 1ull << F_SIZE_MAX | 1ull << F_SEG_MAX | 1ull << F_RO | 1ull << F_BLK_SIZE |
                1ull << F_FLUSH | 1ull << F_TOPOLOGY | 1ull << F_CONFIG_WCE | 1ull << F_MQ |
                1ull << F_DISCARD | 1ull << F_WRITE_ZEROES,
    .probe = probe,
};
VIRTIO_DRIVER(blk_driver);
