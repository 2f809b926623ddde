/* IDE controllers on PCI (PIIX and alike; ATA8-APT, "Programming Interface for Bus Master IDE
 * Controller" 1.0, "PCI IDE Controller Specification" 1.0): two channels with two disks each, of
 * which one is at work at a time. Data comes by bus-master DMA, or word by word. Timings stay as
 * the firmware has set them. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/memory_map.h"
#include "core/boot.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/thread.h"
#include "drivers/ata/ata.h"
#include "drivers/pci/pci.h"
#include "lib/endian.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { /* from the command block's port on */
       R_DATA,
       R_FEATURE,
       R_COUNT,
       R_LBA,
       R_DEVICE = 6,
       R_STATUS,
       R_COMMAND = 7,
       R_ERROR = 1
};
enum { CONTROL_QUIET = 2, CONTROL_RESET = 4 }; /* written to the control port; read: the status */
enum { M_COMMAND, M_STATUS = 2, M_TABLE = 4 }; /* from the bus master's port on */
enum { MASTER_START = 1, MASTER_READ = 8, MASTER_ERROR = 2, MASTER_INTERRUPT = 4 };
enum { DEVICE_SECOND = 0x10, DEVICE_OBSOLETE = 0xa0, ALL_ONES = 0xff, PULLED_DOWN = 0x7f };
enum { REGION_LAST = 1u << 31, REGION_MOST = 0x10000, PAGE = 0xe00 };
enum { PROGRAMMING = 0x09, NATIVE_FIRST = 1, NATIVE_SECOND = 4 };
enum { DMA_ERRORS_MOST = 2 };
#define MS         1000000l
#define COMMAND_NS (5000 * MS)

struct channel {
    struct ata_port base;
    struct ata_disk disks[2];
    uint16_t command, control, master; /* ports; master 0: no DMA */
    unsigned selected, dma_errors;
    uint8_t *area; /* the table of regions, and from PAGE on the port's page */

    /* Of the command under way: */
    uint8_t protocol;
    bool write;
    unsigned block; /* bytes at a time */
    const struct block_segment *segment, *end;
    uint32_t offset;
};

static uint8_t status_of(const struct channel *c)
{
    return inb(c->command + R_STATUS); /* takes an interrupt back */
}

/* 400 ns, after which the status is true (ATA8-APT, 7.2). */
static uint8_t settled_status(const struct channel *c)
{
    for (unsigned i = 0; i < 3; i++)
        inb(c->control);
    return inb(c->control);
}

static void select(struct channel *c, unsigned unit, uint8_t device)
{
    outb(c->command + R_DEVICE, DEVICE_OBSOLETE | device | (unit ? DEVICE_SECOND : 0));
    if (unit != c->selected)
        settled_status(c);
    c->selected = unit;
}

/* The upper halves first, where there are some. */
static void write_taskfile(const struct channel *c, const struct ata_taskfile *tf)
{
    for (int high = tf->ext; high >= 0; high--) {
        outb(c->command + R_FEATURE, (uint8_t)(tf->feature >> 8 * high));
        outb(c->command + R_COUNT, (uint8_t)(tf->count >> 8 * high));
        for (unsigned i = 0; i < 3; i++)
            outb(c->command + R_LBA + i, (uint8_t)(tf->lba >> (24 * high + 8 * i)));
    }
    outb(c->command + R_COMMAND, tf->command);
}

/* --- data --------------------------------------------------------------------------------- */

/* Regions must not cross 64 KiB. */
static void fill_table(struct channel *c, const struct block_segment *segments, unsigned n)
{
    uint8_t *region = c->area;
    for (unsigned i = 0; i < n; i++) {
        uint32_t at = (uint32_t)virt_to_phys(segments[i].data);
        for (uint32_t left = segments[i].len, part; left; left -= part, at += part) {
            part = MIN(left, REGION_MOST - at % REGION_MOST);
            put_le32(region, at);
            put_le32(region + 4, part & (REGION_MOST - 1));
            region += 8;
        }
    }
    put_le32(region - 4, get_le32(region - 4) | REGION_LAST);
}

/* The next block; false: there is none. */
static bool move_block(struct channel *c)
{
    if (c->segment == c->end)
        return false;
    uint8_t *data = (uint8_t *)c->segment->data + c->offset;
    if (c->write)
        outsw(c->command + R_DATA, data, c->block / 2);
    else
        insw(c->command + R_DATA, data, c->block / 2);
    c->offset += c->block;
    if (c->offset >= c->segment->len) {
        c->offset = 0;
        c->segment++;
    }
    return true;
}

/* --- commands ----------------------------------------------------------------------------- */

/* The packet is asked for soon, and without an interrupt. */
static void send_packet(const struct channel *c, const uint8_t *packet)
{
    settled_status(c);
    for (unsigned i = 0; i < 10000 && (inb(c->control) & (ATA_BUSY | ATA_DRQ)) != ATA_DRQ; i++)
        ;
    outsw(c->command + R_DATA, packet, ATA_PACKET / 2);
}

static void start(struct ata_port *base, struct ata_disk *disk, unsigned slot,
                  const struct ata_taskfile *tf, const struct block_segment *segments, unsigned n)
{
    struct channel *c = container_of(base, struct channel, base);
    bool dma = tf->protocol == ATA_DMA;
    c->protocol = tf->protocol;
    c->write = tf->write;
    c->block = disk->identity.logical;
    c->segment = segments;
    c->end = segments + n;
    c->offset = 0;
    select(c, disk->unit, tf->device);
    if (dma) {
        fill_table(c, segments, n);
        outl(c->master + M_TABLE, (uint32_t)virt_to_phys(c->area));
        outb(c->master + M_COMMAND, tf->write ? 0 : MASTER_READ);
        outb(c->master + M_STATUS, inb(c->master + M_STATUS) | MASTER_ERROR | MASTER_INTERRUPT);
    }
    write_taskfile(c, tf);
    if (tf->packet)
        send_packet(c, tf->packet);
    if (dma) {
        outb(c->master + M_COMMAND, MASTER_START | (tf->write ? 0 : MASTER_READ));
        return;
    }
    uint8_t status = settled_status(c);
    /* The first block of a write is awaited without an interrupt, and soon. */
    for (unsigned i = 0; c->protocol == ATA_PIO && c->write && i < 10000; i++) {
        if (!(status & ATA_BUSY)) {
            if (status & ATA_DRQ)
                move_block(c);
            break;
        }
        status = inb(c->control);
    }
}

static uint32_t poll_dma(struct channel *c, bool *trouble)
{
    uint8_t master = inb(c->master + M_STATUS);
    if (!(master & (MASTER_INTERRUPT | MASTER_ERROR)))
        return 0;
    outb(c->master + M_COMMAND, 0);
    outb(c->master + M_STATUS, master | MASTER_ERROR | MASTER_INTERRUPT);
    *trouble = master & MASTER_ERROR || status_of(c) & (ATA_ERR | ATA_FAULT | ATA_BUSY | ATA_DRQ);
    return !*trouble;
}

static uint32_t poll(struct ata_port *base, bool *trouble)
{
    struct channel *c = container_of(base, struct channel, base);
    if (base->issued && c->protocol == ATA_DMA)
        return poll_dma(c, trouble);
    uint8_t status = status_of(c);
    if (!base->issued || status & ATA_BUSY)
        return 0;
    *trouble = status & (ATA_ERR | ATA_FAULT);
    if (*trouble || c->protocol == ATA_NO_DATA)
        return !*trouble;
    if (status & ATA_DRQ) {
        *trouble = !move_block(c); /* it wants more than there is */
        return !*trouble && !c->write && c->segment == c->end;
    }
    *trouble = c->segment != c->end; /* or has had enough */
    return !*trouble;
}

/* Not busy any more: its status; ALL_ONES: nobody is there, or it takes too long. */
static uint8_t await(const struct channel *c, nsec_t most)
{
    for (nsec_t start = clock_monotonic();;) {
        uint8_t status = settled_status(c);
        if (status == ALL_ONES || !(status & ATA_BUSY))
            return status;
        nsec_t took = clock_monotonic() - start;
        if (took > most)
            return ALL_ONES;
        if (took > MS / 10)
            thread_sleep_until(clock_monotonic() + MS, false);
    }
}

/* The signature of ATAPI: after a reset, and after IDENTIFY DEVICE, which it refuses. */
static bool takes_packets(const struct channel *c)
{
    return inb(c->command + R_LBA + 1) == 0x14 && inb(c->command + R_LBA + 2) == 0xeb;
}

/* What the disk says of itself, into the port's page. Interrupts of the channel are off. */
static int identify(struct channel *c, unsigned unit)
{
    struct ata_taskfile tf = {.command = ATA_IDENTIFY};
    struct ata_disk *disk = &c->disks[unit];
    select(c, unit, 0);
    uint8_t status = settled_status(c);
    if (status == ALL_ONES || status == PULLED_DOWN ||
        (!(status & (ATA_BUSY | ATA_READY)) && !takes_packets(c)) ||
        await(c, ATA_READY_NS) == ALL_ONES)
        return -ENODEV;
    write_taskfile(c, &tf);
    status = await(c, COMMAND_NS);
    disk->cdrom = status != ALL_ONES && status & ATA_ERR && takes_packets(c);
    if (disk->cdrom) {
        tf.command = ata_identify_command(disk);
        write_taskfile(c, &tf);
        status = await(c, COMMAND_NS);
    }
    status_of(c);
    if (status == ALL_ONES || !(status & ATA_DRQ) || status & (ATA_ERR | ATA_FAULT))
        return -ENODEV;
    insw(c->command + R_DATA, c->base.page, ATA_PAGE / 2);
    return 0;
}

/* --- recovery ----------------------------------------------------------------------------- */

static int reset(struct channel *c)
{
    outb(c->control, CONTROL_QUIET | CONTROL_RESET);
    thread_sleep_until(clock_monotonic() + MS, false);
    outb(c->control, CONTROL_QUIET);
    thread_sleep_until(clock_monotonic() + 2 * MS, false);
    c->selected = ~0u;
    for (unsigned i = 0; i < ARRAY_SIZE(c->disks); i++)
        if (c->base.disks[i] && (identify(c, i) < 0 || !ata_same_disk(&c->disks[i], c->base.page)))
            return -EIO;
    return 0;
}

/* An error of the disk leaves it idle; anything else is a reset's business, and DMA's if it was at
 * work. */
static int recover(struct ata_port *base, struct ata_outcome *outcome)
{
    struct channel *c = container_of(base, struct channel, base);
    int err = 0;
    if (c->master)
        outb(c->master + M_COMMAND, 0);
    outb(c->control, CONTROL_QUIET);
    uint8_t status = settled_status(c), error = inb(c->command + R_ERROR);
    bool failed = status != ALL_ONES && status & ATA_ERR && !(error & ATA_ICRC);
    if (failed)
        outcome->failed = base->issued;
    else if (c->protocol == ATA_DMA && ++c->dma_errors == DMA_ERRORS_MOST) {
        log_warning("ata: %s: DMA is given up", base->name);
        c->disks[0].pio = c->disks[1].pio = true;
    }
    if (!failed || status & (ATA_BUSY | ATA_DRQ))
        err = reset(c);
    if (!err)
        outb(c->control, 0);
    return err;
}

static const struct ata_ops ops = {.start = start, .poll = poll, .recover = recover};

/* --- finding disks ------------------------------------------------------------------------ */

static void interrupt(void *arg)
{
    struct channel *c = arg;
    ata_port_poll(&c->base);
}

/* By DMA, as later. */
static int read_capacity(struct channel *c, struct ata_disk *disk)
{
    struct block_segment page = {c->base.page, 8};
    uint8_t status = ATA_ERR;
    for (unsigned i = 0; i < ATA_CAPACITY_TRIES && status & (ATA_ERR | ATA_DRQ) && c->master; i++) {
        start(&c->base, disk, 0, &ata_capacity, &page, 1);
        status = await(c, COMMAND_NS);
        outb(c->master + M_COMMAND, 0);
        status_of(c);
    }
    return status & (ATA_ERR | ATA_DRQ) ? -ENODEV
                                        : ata_parse_capacity(c->base.page, &disk->identity);
}

static bool find_disk(struct channel *c, unsigned unit)
{
    struct ata_disk *disk = &c->disks[unit];
    int err = identify(c, unit);
    if (err)
        return false;
    disk->unit = unit;
    err = disk->cdrom ? read_capacity(c, disk) : ata_parse_identity(c->base.page, &disk->identity);
    if (err) {
        log_warning("ata: %s: disk %u is not usable (%d)", c->base.name, unit, err);
        return false;
    }
    disk->depth = 1;
    disk->pio = !c->master || !disk->identity.dma;
    disk->identity.trim &= !disk->pio;
    c->base.disks[unit] = disk;
    return true;
}

/* An empty channel's bus floats: all ones. */
static bool empty(const struct channel *c)
{
    uint8_t status = inb(c->control);
    return status == ALL_ONES || status == PULLED_DOWN;
}

static int start_channel(struct channel *c, const struct pci_device *device, int irq)
{
    if (empty(c))
        return -ENODEV;
    c->area = kzalloc(PAGE + ATA_PAGE);
    if (!c->area)
        return -ENOMEM;
    c->base.ops = &ops;
    c->base.stopped = true;
    c->base.page = c->area + PAGE;
    c->base.dma_limit = 1ull << 32;
    c->selected = ~0u;
    if (virt_to_phys(c->area) + PAGE_SIZE > c->base.dma_limit)
        c->master = 0;
    outb(c->control, CONTROL_QUIET);
    bool first = find_disk(c, 0), second = find_disk(c, 1);
    if (!first && !second)
        return -ENODEV;
    status_of(c);
    int err = irq ? irq_gsi_request(irq_isa_gsi((unsigned)irq), GSI_DEFAULT, interrupt, c)
                  : pci_line_bind(device, interrupt, c);
    if (err)
        return err;
    outb(c->control, 0);
    err = ata_port_start(&c->base);
    if (err) /* it stays: the interrupt, the rescue and perhaps a disk know it */
        log_warning("ata: %s: not usable (%d)", c->base.name, err);
    return 0;
}

/* A port of a BAR, if it is one; else 0. */
static uint16_t port_of(const struct pci_device *device, unsigned bar)
{
    bool is_port;
    paddr_t base = pci_bar(device, bar, &is_port);
    return is_port && base < 0x10000 ? (uint16_t)base : 0;
}

static bool place(struct channel *c, const struct pci_device *device, unsigned n, bool native)
{
    uint16_t master = port_of(device, 4);
    c->command = native ? port_of(device, 2 * n) : n ? 0x170 : 0x1f0;
    c->control = native ? port_of(device, 2 * n + 1) + 2 : n ? 0x376 : 0x3f6;
    c->master = master ? master + 8 * n : 0;
    snprintf(c->base.name, sizeof(c->base.name), "%s channel %u", device->place, n);
    return c->command && c->control > 2;
}

/* A controller without disks is ours all the same. */
static int probe(struct pci_device *device)
{
    uint8_t mode = pci_read8(device, PROGRAMMING);
    const char *word = boot_param("ide");
    bool dma = !word || strcmp(word, "nodma") != 0;
    pci_enable(device, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
    for (unsigned n = 0; n < 2; n++) {
        bool native = mode & (n ? NATIVE_SECOND : NATIVE_FIRST);
        struct channel *c = kzalloc(sizeof(*c));
        int err = !c ? -ENOMEM : place(c, device, n, native) ? 0 : -ENODEV;
        if (c && !dma)
            c->master = 0;
        if (!err)
            err = start_channel(c, device, native ? 0 : 14 + (int)n);
        if (err && c) {
            if (err != -ENODEV)
                log_warning("ata: %s: not usable (%d)", c->base.name, err);
            kfree(c->area);
            kfree(c);
        }
    }
    return 0;
}

/* Class 01.01: any maker's. */
static const struct pci_id ids[] = {{PCI_ANY, 0, 0xffff, 0x0101, 0xffff}, {}};
static const struct pci_driver driver = {.name = "ide", .ids = ids, .probe = probe};
PCI_DRIVER(driver);
