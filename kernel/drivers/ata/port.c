#include "drivers/ata/ata.h"

#include "arch/x86_64/memory_map.h"
#include "core/clock.h"
#include "core/log.h"
#include "lib/endian.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

enum {
    READ_DMA = 0xc8,
    READ_DMA_EXT = 0x25,
    READ_SECTORS = 0x20,
    READ_SECTORS_EXT = 0x24,
    READ_FPDMA = 0x60,
    WRITE_DMA = 0xca,
    WRITE_DMA_EXT = 0x35,
    WRITE_SECTORS = 0x30,
    WRITE_SECTORS_EXT = 0x34,
    WRITE_FPDMA = 0x61,
    FLUSH = 0xe7,
    FLUSH_EXT = 0xea,
    DATA_SET_MANAGEMENT = 0x06,
    FEATURE_TRIM = 1,
    PACKET = 0xa0,
    FEATURE_DMA = 1,
    IDENTIFY_PACKET = 0xa1,
    DEVICE_LBA = 0x40
};
enum { TRIES = 3 };

/* --- commands ----------------------------------------------------------------------------- */

static void prepare_transfer(const struct ata_disk *disk, const struct block_request *request,
                             unsigned slot, struct ata_taskfile *tf)
{
    static const uint8_t commands[4][2][2] = {
        [ATA_PIO] = {{READ_SECTORS, READ_SECTORS_EXT}, {WRITE_SECTORS, WRITE_SECTORS_EXT}},
        [ATA_DMA] = {{READ_DMA, READ_DMA_EXT}, {WRITE_DMA, WRITE_DMA_EXT}},
        [ATA_NCQ] = {{0, READ_FPDMA}, {0, WRITE_FPDMA}}};
    unsigned sectors = disk->identity.logical / BLOCK_SECTOR;
    tf->write = request->op == BLOCK_WRITE;
    tf->ext = disk->identity.lba48;
    tf->lba = request->sector / sectors;
    tf->count = (uint16_t)(request->nsectors / sectors); /* 0 means all 2^16 of them, or 2^8 */
    tf->device = DEVICE_LBA | (tf->ext ? 0 : tf->lba >> 24 & 15);
    tf->command = commands[tf->protocol][tf->write][tf->ext];
    if (tf->protocol == ATA_NCQ) {
        tf->feature = tf->count;
        tf->count = slot << 3;
    }
}

static const uint8_t read_capacity[ATA_PACKET] = {0x25};
const struct ata_taskfile ata_capacity = {
    .command = PACKET, .feature = FEATURE_DMA, .protocol = ATA_DMA, .packet = read_capacity};

uint8_t ata_identify_command(const struct ata_disk *disk)
{
    return disk->cdrom ? IDENTIFY_PACKET : ATA_IDENTIFY;
}

/* READ(10) of blocks that are four sectors. */
static void prepare_packet(const struct block_request *request, uint8_t *packet,
                           struct ata_taskfile *tf)
{
    enum { READ_10 = 0x28, SECTORS = 4 };
    memset(packet, 0, ATA_PACKET);
    packet[0] = READ_10;
    put_be32(packet + 2, (uint32_t)(request->sector / SECTORS));
    put_be16(packet + 7, (uint16_t)(request->nsectors / SECTORS));
    *tf = ata_capacity;
    tf->packet = packet;
}

static bool reached(const struct ata_port *port, const struct block_request *request)
{
    for (unsigned i = 0; port->dma_limit && i < request->nsegments; i++)
        if (virt_to_phys(request->segments[i].data) + request->segments[i].len > port->dma_limit)
            return false;
    return true;
}

/* The request's memory, or that of the ranges to trim. */
static void begin(struct ata_port *port, struct block_request *request, unsigned slot, bool queued)
{
    struct ata_disk *disk = request->device->driver;
    struct ata_taskfile tf = {.protocol = queued ? ATA_NCQ : ATA_DMA, .device = DEVICE_LBA};
    struct block_segment page = {port->page, ATA_PAGE};
    uint8_t packet[ATA_PACKET];
    const struct block_segment *segments = request->segments;
    unsigned n = request->nsegments, sectors = disk->identity.logical / BLOCK_SECTOR;
    if (disk->cdrom) {
        prepare_packet(request, packet, &tf);
    } else if (request->op == BLOCK_FLUSH) {
        tf.protocol = ATA_NO_DATA;
        tf.command = disk->identity.flush_ext ? FLUSH_EXT : FLUSH;
        n = 0;
    } else if (request->op == BLOCK_DISCARD) {
        ata_fill_trim(port->page, request->sector / sectors, request->nsectors / sectors);
        tf.command = DATA_SET_MANAGEMENT;
        tf.feature = FEATURE_TRIM;
        tf.count = 1;
        tf.ext = tf.write = true;
        segments = &page;
        n = 1;
    } else {
        if (disk->pio || !reached(port, request))
            tf.protocol = ATA_PIO;
        prepare_transfer(disk, request, slot, &tf);
    }
    port->requests[slot] = request;
    port->deadlines[slot] = clock_monotonic() + disk_timeout();
    port->issued |= 1u << slot;
    port->exclusive = !queued;
    port->wanted &= queued;
    if (!port->ticking) {
        port->ticking = true;
        timer_start(&port->timer, port->deadlines[slot]);
    }
    port->ops->start(port, disk, slot, &tf, segments, n);
}

/* An idle port takes anything: what has to wait for its turn cannot wait for each other. */
static int try_begin(struct ata_port *port, struct ata_disk *disk, struct block_request *request)
{
    bool queued = disk->depth > 1 && request->op <= BLOCK_WRITE;
    if (port->lost)
        return -EIO;
    if (port->stopped || !list_empty(&port->retry))
        return -EBUSY;
    if (port->issued && !queued)
        port->wanted = true;
    if (port->issued && (!queued || port->exclusive || port->wanted))
        return -EBUSY;
    unsigned slot = (unsigned)__builtin_ctzll(~(uint64_t)port->issued);
    if (slot >= disk->depth)
        return -EBUSY;
    request->driver[0] = 0; /* tries */
    begin(port, request, slot, queued);
    return 0;
}

static int submit(struct block_device *block, struct block_request *request)
{
    struct ata_disk *disk = block->driver;
    struct ata_port *port = disk->port;
    if (request->op == BLOCK_WRITE_ZEROES || (disk->cdrom && request->op != BLOCK_READ))
        return -EOPNOTSUPP;
    if (disk->cdrom && !reached(port, request))
        return -EIO; /* packets go by DMA only */
    uint64_t flags = spin_lock_irq(&port->lock);
    int err = try_begin(port, disk, request);
    spin_unlock_irq(&port->lock, flags);
    return err;
}

/* --- ends --------------------------------------------------------------------------------- */

static void room(struct ata_port *port)
{
    for (unsigned i = 0; i < ARRAY_SIZE(port->disks); i++)
        if (port->disks[i])
            block_has_room(&port->disks[i]->block);
}

/* Requests off their slots into the list. The lock is held. */
static void take(struct ata_port *port, uint32_t slots, struct list *list)
{
    for (uint32_t left = slots; left; left &= left - 1) {
        unsigned slot = (unsigned)__builtin_ctz(left);
        list_add_tail(list, &port->requests[slot]->link);
        port->requests[slot] = NULL;
    }
    port->issued &= ~slots;
}

static void end(struct list *list, int error)
{
    while (!list_empty(list)) {
        struct block_request *request = list_first(list, struct block_request, link);
        list_del(&request->link);
        if (error)
            log_warning("%s: I/O error, sector %lu", request->device->name, request->sector);
        block_done(request, error);
    }
}

/* The lock is held. */
static void next_retry(struct ata_port *port)
{
    if (port->issued || port->stopped || list_empty(&port->retry))
        return;
    struct block_request *request = list_first(&port->retry, struct block_request, link);
    list_del(&request->link);
    begin(port, request, 0, false);
}

void ata_port_poll(struct ata_port *port)
{
    struct list done = LIST_INIT(done);
    bool trouble = false;
    uint64_t flags = spin_lock_irq(&port->lock);
    if (!port->stopped) {
        take(port, port->ops->poll(port, &trouble) & port->issued, &done);
        port->stopped = trouble;
        next_retry(port);
    }
    spin_unlock_irq(&port->lock, flags);
    if (trouble)
        rescue_call(&port->rescue);
    if (list_empty(&done))
        return;
    end(&done, 0);
    room(port);
}

/* The next deadline, or what has passed it: the port is stopped. */
static void tick(struct timer *timer)
{
    struct ata_port *port = container_of(timer, struct ata_port, timer);
    nsec_t now = clock_monotonic(), next = NSEC_FOREVER;
    spin_lock(&port->lock);
    for (uint32_t left = port->issued; left; left &= left - 1)
        next = MIN(next, port->deadlines[__builtin_ctz(left)]);
    bool late = !port->stopped && next <= now;
    port->stopped |= late;
    port->ticking = !port->stopped && next != NSEC_FOREVER;
    if (port->ticking)
        timer_start(timer, next);
    spin_unlock(&port->lock);
    if (late)
        rescue_call(&port->rescue);
}

/* --- recovery ----------------------------------------------------------------------------- */

/* Does what was under way and did not end well get another try? */
static bool again(struct ata_port *port, unsigned slot, const struct ata_outcome *outcome)
{
    return !port->lost && !(outcome->failed >> slot & 1) &&
           port->deadlines[slot] > clock_monotonic() && ++port->requests[slot]->driver[0] < TRIES;
}

static void recover(struct rescue *rescue)
{
    struct ata_port *port = container_of(rescue, struct ata_port, rescue);
    struct list done = LIST_INIT(done), failed = LIST_INIT(failed);
    struct ata_outcome outcome = {};
    int err = port->ops->recover(port, &outcome);
    uint64_t flags = spin_lock_irq(&port->lock);
    port->lost = err < 0;
    take(port, outcome.done & port->issued, &done);
    for (uint32_t left = port->issued; left; left &= left - 1) {
        unsigned slot = (unsigned)__builtin_ctz(left);
        take(port, 1u << slot, again(port, slot, &outcome) ? &port->retry : &failed);
    }
    while (port->lost && !list_empty(&port->retry)) {
        struct list *first = port->retry.next;
        list_del(first);
        list_add_tail(&failed, first);
    }
    port->stopped = false;
    next_retry(port);
    spin_unlock_irq(&port->lock, flags);
    if (err)
        log_err("ata: %s does not come back", port->name);
    end(&done, 0);
    end(&failed, -EIO);
    room(port);
}

bool ata_same_disk(const struct ata_disk *disk, const uint8_t page[ATA_PAGE])
{
    struct ata_identity now;
    return disk->cdrom ||
           (ata_parse_identity(page, &now) == 0 && now.sectors == disk->identity.sectors &&
            strcmp(now.serial, disk->identity.serial) == 0 &&
            strcmp(now.model, disk->identity.model) == 0);
}

/* --- disks -------------------------------------------------------------------------------- */

static void set_limits(struct block_limits *l, const struct ata_identity *id)
{
    enum { LBA28_BYTES = 256 * 512, SEGMENT = 1 << 20 };
    l->logical_block = id->logical;
    l->physical_block = l->io_min = id->physical;
    l->alignment = id->alignment;
    l->segments = BLOCK_SEGMENTS;
    l->segment_size =
        id->lba48 ? SEGMENT : MAX((uint32_t)LBA28_BYTES / BLOCK_SEGMENTS, id->logical);
    if (id->trim) {
        l->discard_sectors = ATA_TRIM_RANGES * ATA_TRIM_BLOCKS;
        l->discard_granularity = id->physical;
    }
    l->volatile_cache = id->write_cache && (id->flush || id->flush_ext);
    l->rotational = id->rotational;
}

static int register_disk(struct ata_port *port, struct ata_disk *disk)
{
    static const struct block_ops ops = {.submit = submit};
    struct block_device *block = &disk->block;
    const struct ata_identity *id = &disk->identity;
    int err = disk->cdrom ? 0 : block_name_sd(block);
    if (err)
        return err;
    if (disk->cdrom)
        block_name_sr(block);
    block->always_read_only = block->read_only = disk->cdrom;
    disk->port = port;
    set_limits(&block->limits, id);
    memcpy(block->serial, id->serial, sizeof(id->serial));
    block->sectors = id->sectors;
    block->nqueues = 1;
    block->ops = &ops;
    block->driver = disk;
    log_info("ata: %s: %s: %s, %lu sectors, %u commands", port->name, block->name, id->model,
             id->sectors, disk->depth);
    return block_register(block);
}

int ata_port_start(struct ata_port *port)
{
    list_init(&port->retry);
    for (unsigned i = 0; i < ARRAY_SIZE(port->disks); i++)
        if (port->disks[i]) /* room() looks at all of them */
            list_init(&port->disks[i]->block.waiting);
    timer_init(&port->timer, tick);
    int err = rescue_init(&port->rescue, recover);
    port->stopped = false;
    for (unsigned i = 0; i < ARRAY_SIZE(port->disks) && !err; i++)
        if (port->disks[i])
            err = register_disk(port, port->disks[i]);
    return err;
}
