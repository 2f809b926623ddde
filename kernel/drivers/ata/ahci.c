/* SATA host adapters (Serial ATA AHCI 1.3.1): a port has a list of 32 commands in memory, each with
 * a task file and a table of its memory; the adapter takes those whose bits are set.
 *
 * Nothing that the adapter writes into memory is looked at but the answers to IDENTIFY and to the
 * error log: what has ended is told by registers, and only bits of what we have begun count. */
#include "arch/x86_64/memory_map.h"
#include "core/boot.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/thread.h"
#include "drivers/ata/ata.h"
#include "drivers/mmio.h"
#include "drivers/pci/pci.h"
#include "lib/endian.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { /* registers, 3.1 and 3.3 */
       CAP = 0x00,
       GHC = 0x04,
       IS = 0x08,
       PI = 0x0c,
       CAP2 = 0x24,
       BOHC = 0x28,
       PORTS = 0x100,
       PORT_SIZE = 0x80,
       P_CLB = 0x00,
       P_FB = 0x08,
       P_IS = 0x10,
       P_IE = 0x14,
       P_CMD = 0x18,
       P_TFD = 0x20,
       P_SIG = 0x24,
       P_SSTS = 0x28,
       P_SCTL = 0x2c,
       P_SERR = 0x30,
       P_SACT = 0x34,
       P_CI = 0x38
};
enum {
    CAP_NCQ = 1 << 30,
    CAP_64 = (int)(1u << 31),
    CAP_STAGGERED = 1 << 27,
    CAP2_HANDOFF = 1,
    GHC_RESET = 1,
    GHC_IRQ = 2,
    GHC_AHCI = (int)(1u << 31),
    BOHC_BIOS = 1,
    BOHC_OS = 2,
    BOHC_BUSY = 16,
    CMD_START = 1,
    CMD_SPIN_UP = 2,
    CMD_POWER = 4,
    CMD_FIS = 0x10,
    CMD_FIS_RUNS = 0x4000,
    CMD_RUNS = 0x8000,
    CMD_ACTIVE = 1 << 28,    /* the link's power state, 4 bits from here on */
    IRQ_ENDS = 0x0b,         /* FISes: register, PIO set-up, set device bits */
    IRQ_ERRORS = 0x79000000, /* task file, host bus, interface, overflow */
    DET = 0x0f,
    DET_NONE = 0,
    DET_RESET = 1, /* in PxSCTL */
    DET_UP = 3,
    SCTL_AWAKE = 0x300, /* no power saving of the link */
    SCTL_SPEED = 0xf0,
    SIGNATURE_DISK = 0x101,
    SIGNATURE_CDROM = (int)0xeb140101
};
enum { /* a port's memory */
       LIST = 0,
       RECEIVED = 0x400,
       PAGE = 0x600,
       TABLES = 0x800,
       TABLE_SIZE = 0x180,
       TABLE_PACKET = 0x40,
       TABLE_REGIONS = 0x80,
       AREA = TABLES + ATA_QUEUE * TABLE_SIZE
};
_Static_assert(TABLE_REGIONS + BLOCK_SEGMENTS * 16 <= TABLE_SIZE, "TABLE_SIZE");
enum {
    HEADER_WRITE = 0x40,
    HEADER_PACKET = 0x20,
    FIS_WORDS = 5,
    FIS_COMMAND = 0x8027,
    PORTS_MAX = 32
};

#define MS 1000000l
/* The host's reset; a port at rest (10.4.2, 10.1.2); the device's answer to COMRESET (Serial ATA
 * 3.x, 8.4.1), and the link once it has answered. */
#define RESET_NS    (1000 * MS)
#define REST_NS     (500 * MS)
#define PRESENCE_NS (10 * MS)
#define LINK_NS     (1000 * MS)
#define COMMAND_NS  (5000 * MS)

struct ahci;
struct port {
    struct ata_port base;
    struct ahci *host;
    volatile void *regs;
    uint8_t *area;
    unsigned number;
    atomic_bool error; /* an interrupt has told of one */
    struct ata_disk disk;
};
struct ahci {
    struct pci_device *device;
    volatile void *regs;
    uint32_t cap, nports;
    struct port *ports[PORTS_MAX];
};

static uint32_t get(const struct port *port, unsigned offset)
{
    return mmio_read32(port->regs, offset);
}
static void set(const struct port *port, unsigned offset, uint32_t value)
{
    mmio_write32(port->regs, offset, value);
}

static void pause_ms(unsigned ms)
{
    thread_sleep_until(clock_monotonic() + ms * MS, false);
}

/* Between two looks at a register; for a while without sleeping. False: it has taken too long. */
static bool wait_on(nsec_t start, nsec_t most)
{
    nsec_t took = clock_monotonic() - start;
    if (took > MS / 20)
        pause_ms(1);
    return took <= most;
}

/* Wait for bits of a register. False: they do not come. */
static bool settle(volatile void *regs, unsigned offset, uint32_t mask, uint32_t want, nsec_t most)
{
    nsec_t start = clock_monotonic();
    while ((mmio_read32(regs, offset) & mask) != want)
        if (!wait_on(start, most))
            return false;
    return true;
}

/* --- commands ----------------------------------------------------------------------------- */

/* The table's FIS (Serial ATA 3.x, 10.5.5) and regions, and its header in the list. */
static void fill(struct port *port, unsigned slot, const struct ata_taskfile *tf,
                 const struct block_segment *segments, unsigned n)
{
    uint8_t *table = port->area + TABLES + slot * TABLE_SIZE;
    uint32_t *header = (uint32_t *)(port->area + LIST) + slot * 8;
    memset(table, 0, TABLE_REGIONS);
    put_le16(table, FIS_COMMAND);
    table[2] = tf->command;
    table[3] = (uint8_t)tf->feature;
    put_le32(table + 4, (uint32_t)(tf->lba & 0xffffff) | (uint32_t)tf->device << 24);
    put_le32(table + 8, (uint32_t)(tf->lba >> 24 & 0xffffff) | (uint32_t)(tf->feature >> 8) << 24);
    put_le16(table + 12, tf->count);
    for (unsigned i = 0; i < n; i++) {
        uint8_t *region = table + TABLE_REGIONS + i * 16;
        put_le64(region, virt_to_phys(segments[i].data));
        put_le32(region + 8, 0);
        put_le32(region + 12, segments[i].len - 1);
    }
    if (tf->packet)
        memcpy(table + TABLE_PACKET, tf->packet, ATA_PACKET);
    header[0] =
        FIS_WORDS | (tf->write ? HEADER_WRITE : 0) | (tf->packet ? HEADER_PACKET : 0) | n << 16;
    header[1] = 0;
    put_le64(header + 2, virt_to_phys(table));
}

static void start(struct ata_port *base, struct ata_disk *disk, unsigned slot,
                  const struct ata_taskfile *tf, const struct block_segment *segments, unsigned n)
{
    struct port *port = container_of(base, struct port, base);
    fill(port, slot, tf, segments, n);
    atomic_thread_fence(memory_order_seq_cst);
    if (tf->protocol == ATA_NCQ)
        set(port, P_SACT, 1u << slot);
    set(port, P_CI, 1u << slot);
}

/* Who has failed keeps the others back, and an interrupt tells, or not (QEMU 7.2 does not of queued
 * commands): where some remain the status shows it. */
static uint32_t poll(struct ata_port *base, bool *trouble)
{
    struct port *port = container_of(base, struct port, base);
    uint32_t done = base->issued & ~(get(port, P_SACT) | get(port, P_CI));
    *trouble = port->error || (done != base->issued && get(port, P_TFD) & (ATA_ERR | ATA_FAULT));
    return *trouble ? 0 : done;
}

/* One page from the disk into the port's, by a command without company, awaited; interrupts of the
 * port are off. A command that fails keeps its bit. */
static int ask(struct port *port, const struct ata_taskfile *tf, uint32_t bytes)
{
    struct block_segment page = {port->area + PAGE, bytes};
    memset(page.data, 0, ATA_PAGE);
    start(&port->base, NULL, 0, tf, &page, 1);
    for (nsec_t since = clock_monotonic(); get(port, P_CI) & 1;)
        if (get(port, P_IS) & IRQ_ERRORS || !wait_on(since, COMMAND_NS))
            return -EIO;
    return get(port, P_TFD) & (ATA_ERR | ATA_FAULT | ATA_BUSY) ? -EIO : 0;
}

static int read_page(struct port *port, uint8_t command, uint64_t lba)
{
    struct ata_taskfile tf = {.command = command, .protocol = ATA_PIO, .count = 1, .lba = lba};
    return ask(port, &tf, ATA_PAGE);
}

/* --- ports -------------------------------------------------------------------------------- */

static bool rest(struct port *port, uint32_t bit, uint32_t runs)
{
    set(port, P_CMD, get(port, P_CMD) & ~bit);
    return settle(port->regs, P_CMD, runs, 0, REST_NS);
}

static void engine_on(struct port *port)
{
    set(port, P_SERR, ~0u);
    set(port, P_IS, ~0u);
    port->error = false;
    set(port, P_CMD, get(port, P_CMD) | CMD_START);
}

static bool usable(struct port *port)
{
    uint32_t signature = get(port, P_SIG);
    port->disk.cdrom = signature == (uint32_t)SIGNATURE_CDROM;
    if (signature != SIGNATURE_DISK && !port->disk.cdrom)
        log_info("ahci: %s: no disk (signature %x)", port->base.name, signature);
    return signature == SIGNATURE_DISK || port->disk.cdrom;
}

/* Has the link come up, and the device to itself? 1: yes; 0: not yet; -ENODEV: it is over. */
static int look(struct port *port, nsec_t since)
{
    unsigned det = get(port, P_SSTS) & DET;
    if (det != DET_UP)
        return since > (det == DET_NONE ? PRESENCE_NS : LINK_NS) ? -ENODEV : 0;
    set(port, P_SERR, ~0u); /* else the status is not taken over (10.4.2) */
    if (!(get(port, P_TFD) & (ATA_BUSY | ATA_DRQ)))
        return 1;
    return since > ATA_READY_NS ? -ENODEV : 0;
}

static void set_det(struct ahci *host, uint32_t which, unsigned det)
{
    for (; which; which &= which - 1) {
        struct port *port = host->ports[__builtin_ctz(which)];
        set(port, P_SCTL, (get(port, P_SCTL) & SCTL_SPEED) | SCTL_AWAKE | det);
    }
}

/* COMRESET on all these ports at once, whose engines are at rest; the answer: who has come up. */
static uint32_t reset_ports(struct ahci *host, uint32_t which)
{
    uint32_t up = 0, pending = which;
    set_det(host, which, DET_RESET);
    pause_ms(1);
    set_det(host, which, 0);
    for (nsec_t start = clock_monotonic(), since = 0; pending; pause_ms(1)) {
        for (uint32_t left = pending; left; left &= left - 1) {
            unsigned n = (unsigned)__builtin_ctz(left);
            int state = look(host->ports[n], since);
            if (state)
                pending &= ~(1u << n);
            if (state > 0 && usable(host->ports[n]))
                up |= 1u << n;
        }
        if (!pending)
            break;
        since = clock_monotonic() - start;
    }
    return up;
}

/* An adapter that does not let go of memory must not reach any. */
static int give_up(struct port *port)
{
    struct pci_device *device = port->host->device;
    if (rest(port, CMD_START, CMD_RUNS) && rest(port, CMD_FIS, CMD_FIS_RUNS))
        return -EIO;
    pci_write16(device, PCI_COMMAND, pci_read16(device, PCI_COMMAND) & ~PCI_COMMAND_MASTER);
    return -EIO;
}

static int reset_again(struct port *port)
{
    uint32_t bit = 1u << port->number;
    rest(port, CMD_START, CMD_RUNS);
    if (reset_ports(port->host, bit) != bit || get(port, P_CMD) & CMD_RUNS)
        return give_up(port);
    engine_on(port);
    if (read_page(port, ata_identify_command(&port->disk), 0) < 0 ||
        !ata_same_disk(&port->disk, port->area + PAGE))
        return give_up(port);
    return 0;
}

/* 6.2.2: at rest, the bits of what was under way are gone. A queued command's error makes the disk
 * refuse all until its log is read; the log tells which it was. */
static int find_out(struct port *port, struct ata_outcome *outcome)
{
    const struct ata_port *base = &port->base;
    uint32_t status = get(port, P_TFD), left = get(port, P_SACT) | get(port, P_CI);
    bool failed = status & (ATA_ERR | ATA_FAULT), queued = !base->exclusive;
    unsigned tag;
    uint8_t error;
    if (queued || !failed)
        outcome->done = base->issued & ~left;
    else if (!(status >> 8 & ATA_ICRC))
        outcome->failed = base->issued;
    if (!rest(port, CMD_START, CMD_RUNS) || !failed || get(port, P_TFD) & (ATA_BUSY | ATA_DRQ))
        return reset_again(port);
    engine_on(port);
    /* Either leaves a status without an error, which does not pass for the next command's. */
    if (read_page(port, queued ? ATA_READ_LOG_EXT : ata_identify_command(&port->disk),
                  ATA_LOG_NCQ_ERROR) < 0)
        return reset_again(port);
    if (!queued)
        return 0;
    if (ata_parse_ncq_error(port->area + PAGE, &tag, &error) == 0 && !(error & ATA_ICRC))
        outcome->failed = 1u << tag;
    return 0;
}

static int recover(struct ata_port *base, struct ata_outcome *outcome)
{
    struct port *port = container_of(base, struct port, base);
    set(port, P_IE, 0);
    int err = find_out(port, outcome);
    if (!err)
        set(port, P_IE, IRQ_ENDS | IRQ_ERRORS);
    return err;
}

static const struct ata_ops ops = {.start = start, .poll = poll, .recover = recover};

/* --- finding ports ------------------------------------------------------------------------ */

/* What has been seen is taken back before anybody looks at what has ended. */
static void interrupt(void *arg)
{
    struct ahci *host = arg;
    uint32_t pending = mmio_read32(host->regs, IS);
    for (uint32_t left = pending; left; left &= left - 1) {
        struct port *port = host->ports[__builtin_ctz(left)];
        if (!port)
            continue;
        uint32_t status = get(port, P_IS);
        set(port, P_IS, status);
        if (status & IRQ_ERRORS)
            port->error = true;
        ata_port_poll(&port->base);
    }
    if (pending)
        mmio_write32(host->regs, IS, pending);
}

/* The firmware lets go (10.6.3). */
static void take_over(struct ahci *host)
{
    if (!(mmio_read32(host->regs, CAP2) & CAP2_HANDOFF))
        return;
    mmio_write32(host->regs, BOHC, mmio_read32(host->regs, BOHC) | BOHC_OS);
    settle(host->regs, BOHC, BOHC_BUSY, BOHC_BUSY, 25 * MS);
    settle(host->regs, BOHC, BOHC_BIOS, 0, 2000 * MS);
}

static volatile void *port_regs(const struct ahci *host, unsigned n)
{
    return (volatile uint8_t *)host->regs + PORTS + n * PORT_SIZE;
}

/* Ports are worth a look if something is there, or may be once it spins. A port in use since the
 * power came on has seen its device by now; hot plugging is not ours. */
static uint32_t look_for_devices(struct ahci *host)
{
    uint32_t found = 0;
    for (uint32_t left = mmio_read32(host->regs, PI); left; left &= left - 1) {
        unsigned n = (unsigned)__builtin_ctz(left);
        struct port port = {.regs = port_regs(host, n)};
        if (n < host->nports &&
            ((get(&port, P_SSTS) | get(&port, P_SCTL)) & DET || !(get(&port, P_CMD) & CMD_SPIN_UP)))
            found |= 1u << n;
    }
    return found;
}

/* Memory for a port, and its device has power. */
static int open_port(struct ahci *host, unsigned n)
{
    struct port *port = kzalloc(sizeof(*port));
    uint8_t *area = port ? kzalloc(AREA) : NULL;
    if (!area) {
        kfree(port);
        return -ENOMEM;
    }
    port->host = host;
    port->number = n;
    port->regs = port_regs(host, n);
    port->area = area;
    port->base.ops = &ops;
    port->base.page = area + PAGE;
    port->base.stopped = true;
    snprintf(port->base.name, sizeof(port->base.name), "%s port %u", host->device->place, n);
    host->ports[n] = port;
    rest(port, CMD_START, CMD_RUNS);
    rest(port, CMD_FIS, CMD_FIS_RUNS);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t at = virt_to_phys(area + (i ? RECEIVED : LIST));
        set(port, P_CLB + i * 8, (uint32_t)at);
        set(port, P_CLB + i * 8 + 4, (uint32_t)(at >> 32));
    }
    set(port, P_SERR, ~0u);
    set(port, P_CMD, get(port, P_CMD) | CMD_SPIN_UP | CMD_POWER | CMD_FIS | CMD_ACTIVE);
    return 0;
}

/* Stays closed for good: no memory that the adapter knows. */
static void close_port(struct ahci *host, unsigned n)
{
    struct port *port = host->ports[n];
    set(port, P_IE, 0);
    if (give_up(port) && !(get(port, P_CMD) & (CMD_RUNS | CMD_FIS_RUNS))) {
        kfree(port->area);
        kfree(port);
    }
    host->ports[n] = NULL;
}

static int read_capacity(struct port *port)
{
    for (unsigned i = 0; ask(port, &ata_capacity, 8) < 0; i++) {
        if (i == ATA_CAPACITY_TRIES || !rest(port, CMD_START, CMD_RUNS))
            return -ENODEV;
        engine_on(port);
    }
    return ata_parse_capacity(port->area + PAGE, &port->disk.identity);
}

static int start_disk(struct port *port)
{
    struct ahci *host = port->host;
    struct ata_disk *disk = &port->disk;
    engine_on(port);
    int err = disk->cdrom ? read_capacity(port) : read_page(port, ATA_IDENTIFY, 0);
    if (!err && !disk->cdrom)
        err = ata_parse_identity(port->area + PAGE, &disk->identity);
    if (err)
        return err;
    unsigned slots = (host->cap >> 8 & 31) + 1;
    disk->depth = host->cap & CAP_NCQ ? MIN(disk->identity.depth, slots) : 1;
    disk->depth = MAX(disk->depth, 1u);
    port->base.disks[0] = disk;
    set(port, P_IE, IRQ_ENDS | IRQ_ERRORS);
    return ata_port_start(&port->base);
}

static void start_disks(struct ahci *host, uint32_t found)
{
    uint32_t open = 0;
    for (uint32_t left = found; left; left &= left - 1)
        if (open_port(host, (unsigned)__builtin_ctz(left)) == 0)
            open |= left & -left;
    uint32_t up = reset_ports(host, open);
    for (uint32_t left = open; left; left &= left - 1) {
        unsigned n = (unsigned)__builtin_ctz(left);
        int err = up >> n & 1 ? start_disk(host->ports[n]) : 0;
        if (err)
            log_warning("ahci: %s: not usable (%d)", host->ports[n]->base.name, err);
        if (!host->ports[n]->base.disks[0])
            close_port(host, n);
    }
}

/* Registers, the firmware's leave, and whether it reaches all memory. */
static int open_host(struct ahci *host)
{
    uint64_t size = MIN(host->device->bars[5].size, (uint64_t)PORTS + PORTS_MAX * PORT_SIZE);
    host->regs = size > PORTS ? pci_map_bar(host->device, 5, 0, (uint32_t)size) : NULL;
    if (!host->regs)
        return -ENODEV;
    host->nports = (uint32_t)(size - PORTS) / PORT_SIZE;
    take_over(host);
    mmio_write32(host->regs, GHC, GHC_AHCI);
    host->cap = mmio_read32(host->regs, CAP);
    for (unsigned i = 0; i < boot_info.nmemory && !(host->cap & CAP_64); i++) {
        const struct memory_range *m = &boot_info.memory[i];
        if (m->type == MEMORY_RAM && m->start + m->size > 1ull << 32)
            return -EOPNOTSUPP;
    }
    return 0;
}

static int reset_host(struct ahci *host)
{
    mmio_write32(host->regs, GHC, GHC_AHCI | GHC_RESET);
    if (!settle(host->regs, GHC, GHC_RESET, 0, RESET_NS))
        return -EIO;
    mmio_write32(host->regs, GHC, GHC_AHCI);
    int err = pci_irq_bind(host->device, cpus[0], interrupt, host);
    if (!err)
        mmio_write32(host->regs, GHC, GHC_AHCI | GHC_IRQ);
    return err;
}

static int probe(struct pci_device *device)
{
    struct ahci *host = kzalloc(sizeof(*host));
    if (!host)
        return -ENOMEM;
    pci_enable(device, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    host->device = device;
    int err = open_host(host);
    uint32_t found = err ? 0 : look_for_devices(host);
    if (found)
        err = reset_host(host);
    if (err || !found) { /* without disks the adapter is ours all the same, with nothing to do */
        kfree(host);
        return err;
    }
    start_disks(host, found);
    return 0;
}

/* Class 01.06: any maker's. */
static const struct pci_id ids[] = {{PCI_ANY, 0, 0xffff, 0x0106, 0xffff}, {}};
static const struct pci_driver driver = {.name = "ahci", .ids = ids, .probe = probe};
PCI_DRIVER(driver);
