// sources: kernel/drivers/ata/port.c kernel/drivers/ata/identity.c
// flags: -Itests/unit/shim/disk -Itests/unit/shim -Ikernel -DDIRECT_MAP_BASE=0 -w
// timeout: 300
/* The IDE driver against a controller and a disk that obey and such that do not, at the old ports
 * and in native mode, by DMA and by words: commands go to a disk that is ready, tables of regions
 * name a request's memory below 4 GiB, not across 64 KiB and no byte more or less; each request
 * ends once; an error is its own request's; a disk that hangs, lies or goes away harms nobody. */
#include "lib/types.h"

/* <sys/mman.h> and the kernel's names do not go together. */
void *mmap(void *at, size_t size, int protection, int flags, int fd, long offset);
int munmap(void *at, size_t size);
enum { READ_WRITE = 3, PRIVATE_MEMORY = 0x22, BELOW_2_GIB = 0x40 };

/* Memory below 4 GiB, where the controller reaches it, or above. */
static bool high_memory;
static struct {
    uint8_t *start;
    size_t size;
} areas[4096];

static void *area_alloc(size_t size)
{
    unsigned i = 0;
    while (areas[i].start)
        i++;
    areas[i].size = size;
    return areas[i].start = mmap(NULL, size, READ_WRITE,
                                 PRIVATE_MEMORY | (high_memory ? 0 : BELOW_2_GIB), -1, 0);
}
static void area_free(void *p)
{
    for (unsigned i = 0; p && i < sizeof(areas) / sizeof(*areas); i++)
        if (areas[i].start == p) {
            munmap(p, areas[i].size);
            areas[i].start = NULL;
        }
}
static bool in_area(const void *p, size_t n)
{
    for (unsigned i = 0; i < sizeof(areas) / sizeof(*areas); i++)
        if (areas[i].start && (uint8_t *)p >= areas[i].start &&
            (uint8_t *)p + n <= areas[i].start + areas[i].size)
            return true;
    return false;
}
#define aligned_alloc(align, size) area_alloc(size)
#define free(p)                    area_free(p)
#include "disk.h"

#include "arch/x86_64/cpu.h"

static uint8_t model_in8(uint16_t port);
static void model_out8(uint16_t port, uint8_t value);
static void model_out32(uint16_t port, uint32_t value);
static void model_in_words(uint16_t port, uint8_t *to, uint64_t n);
static void model_out_words(uint16_t port, const uint8_t *from, uint64_t n);
#define inb(port)            model_in8(port)
#define outb(port, value)    model_out8(port, value)
#define outl(port, value)    model_out32(port, value)
#define insw(port, to, n)    model_in_words(port, to, n)
#define outsw(port, from, n) model_out_words(port, from, n)
#define select               select_unit /* the C library has one */
#include "drivers/ata/ide.c"             /* its probe() */

enum { SECTOR = 512, BSY = 0x80, DRDY = 0x50, DF = 0x20, DRQ = 8, ERR = 1 };
enum { NATIVE = 0x1c00, NATIVE_CONTROL = 0x1c10, NATIVE_STEP = 0x20, BUS_MASTER = 0x1c80 };

static struct {
    bool native, dma_able, lba48, dead, other;
    unsigned channel; /* on which the disk is, as unit 0; the other channel is empty */
    uint8_t feature[2], count[2], lba[3][2], device, status, error, control;
    uint8_t master_command, master_status;
    uint32_t table;
    bool asserted;
    /* the command under way: */
    uint8_t command, page[SECTOR];
    bool dma, write, stuck, first; /* first: of a write, awaited without an interrupt */
    uint8_t *at;                   /* NULL: none */
    uint32_t left, in_block;
    int job; /* whose part of the disk; -1: nobody's */
    nsec_t reset_done;
    unsigned resets, dma_commands, pio_commands, faults;
} dev;

const char *boot_param(const char *name)
{
    return NULL;
}
uint8_t pci_read8(const struct pci_device *device, unsigned offset)
{
    return dev.native ? NATIVE_FIRST | NATIVE_SECOND : 0x80;
}
paddr_t pci_bar(const struct pci_device *device, unsigned bar, bool *is_port)
{
    *is_port = true;
    if (bar == 4)
        return dev.dma_able ? BUS_MASTER : 0;
    if (!dev.native || bar > 3)
        return 0;
    return (bar % 2 ? NATIVE_CONTROL : NATIVE) + bar / 2 * NATIVE_STEP;
}
unsigned irq_isa_gsi(unsigned irq)
{
    NEED(!dev.native && irq == 14 + dev.channel);
    return irq;
}
int irq_gsi_request(unsigned gsi, unsigned flags, irq_handler_t *fn, void *arg)
{
    handler = fn;
    handler_arg = arg;
    return 0;
}

static void identify_page(void)
{
    uint8_t *p = dev.page;
    memset(p, 0, SECTOR);
    p[20] = 'S' + dev.other;
    put_le16(p + 2 * 49, 0x200 | (dev.dma_able ? 0x100 : 0));
    put_le32(p + 2 * 60, DISK_BYTES / SECTOR);
    put_le16(p + 2 * 83, 0x7000 | (dev.lba48 ? 0x400 : 0));
    put_le64(p + 200, dev.lba48 ? DISK_BYTES / SECTOR : 0);
}

static void assert_line(void)
{
    dev.asserted = true;
    if (dev.dma)
        dev.master_status |= 4;
}

static void end_with(uint8_t status)
{
    dev.status = status;
    dev.at = NULL;
    dev.left = 0;
    assert_line();
}

/* --- commands ----------------------------------------------------------------------------- */

/* The regions that the controller would reach; it stops where the disk has no more. */
static void walk_table(bool move)
{
    const uint8_t *region = (const uint8_t *)(uintptr_t)dev.table;
    uint8_t *at = dev.at;
    uint32_t total = 0;
    NEED(in_area(region, 8) && dev.table % 4 == 0);
    for (bool last = false; !last; region += 8) {
        NEED(in_area(region, 8));
        uint32_t base = get_le32(region), word = get_le32(region + 4), len = word & 0xffff;
        uint8_t *p = (uint8_t *)(uintptr_t)base;
        len = len ? len : 0x10000;
        last = word >> 31;
        NEED(base % 2 == 0 && len % 2 == 0 && (base & 0xffff) + len <= 0x10000 && owned(p, len));
        total += len;
        NEED(total <= dev.left);
        if (move && dev.write)
            memcpy(at, p, len);
        else if (move)
            memcpy(p, at, len);
        at += len;
    }
    NEED(total == dev.left);
}

static void take_command(uint8_t command)
{
    bool ext = (command & 0xf7) == 0x25 || (command & 0xf7) == 0x35 || command == 0x24 ||
               command == 0x34 || command == 0xea;
    uint64_t lba = dev.lba[0][0] | dev.lba[1][0] << 8 | dev.lba[2][0] << 16;
    uint32_t count = dev.count[0] | (ext ? dev.count[1] << 8 : 0);
    if (dev.device & 0x10)
        return; /* nobody is there */
    NEED(!honest || !(dev.status & (BSY | DRQ)));
    dev.command = command;
    dev.job = -1;
    dev.asserted = false;
    dev.status = BSY;
    dev.error = 0;
    dev.in_block = 0;
    dev.first = false;
    dev.dma = command == 0xc8 || command == 0xca || command == 0x25 || command == 0x35;
    dev.write = command == 0xca || command == 0x35 || command == 0x30 || command == 0x34;
    if (command == 0xec) {
        identify_page();
        dev.at = dev.page;
        dev.left = SECTOR;
        return;
    }
    if (command == 0xe7 || command == 0xea) {
        dev.at = NULL;
        dev.left = 0;
        return;
    }
    NEED(dev.dma || (command & ~0x14) == 0x20);
    NEED(dev.dma_able || !dev.dma);
    NEED(ext == dev.lba48 && dev.device & 0x40);
    if (ext)
        lba |= (uint64_t)(dev.lba[0][1] | dev.lba[1][1] << 8 | dev.lba[2][1] << 16) << 24;
    else
        lba |= (dev.device & 15) << 24;
    count = count ? count : ext ? 65536 : 256;
    NEED((lba + count) * SECTOR <= DISK_BYTES);
    dev.at = medium + lba * SECTOR;
    dev.job = (int)(lba * SECTOR / (DISK_BYTES / REQUESTS));
    dev.first = dev.write && !dev.dma;
    dev.left = count * SECTOR;
    *(dev.dma ? &dev.dma_commands : &dev.pio_commands) += 1;
}

/* The next thing that an obedient disk does. */
static void go_on(void)
{
    if (dev.dma) {
        if (!(dev.master_command & 1))
            return; /* it waits for the controller */
        NEED(!!(dev.master_command & 8) == !dev.write);
        if (honest)
            walk_table(true);
        dev.master_status &= ~1;
        end_with(DRDY);
    } else if (dev.left && !dev.in_block) {
        dev.in_block = SECTOR;
        dev.status = DRDY | DRQ;
        dev.asserted |= !dev.first;
        dev.first = false;
    } else if (!dev.left) {
        end_with(DRDY);
    }
}

/* --- ports -------------------------------------------------------------------------------- */

/* Which register: 0 to 7 of the command block, 8 the control port, 16 and up the bus master's; -1:
 * the empty channel's. */
static int decode(uint16_t port)
{
    static const uint16_t command[2] = {0x1f0, 0x170}, control[2] = {0x3f6, 0x376};
    if (port >= BUS_MASTER && port < BUS_MASTER + 16) {
        NEED(dev.dma_able && (port - BUS_MASTER) / 8 == dev.channel);
        return 16 + port % 8;
    }
    for (unsigned n = 0; n < 2; n++) {
        uint16_t c = dev.native ? NATIVE + n * NATIVE_STEP : command[n];
        uint16_t k = dev.native ? NATIVE_CONTROL + n * NATIVE_STEP + 2 : control[n];
        if (port >= c && port < c + 8)
            return n == dev.channel ? port - c : -1;
        if (port == k)
            return n == dev.channel ? 8 : -1;
    }
    NEED(!"a port of the controller's");
    return -1;
}

static uint8_t read_status(bool takes_back)
{
    if (dev.dead)
        return 0xff;
    if (dev.reset_done > now)
        return BSY;
    if (dev.device & 0x10)
        return 0;
    uint8_t status = dev.status;
    if (takes_back)
        dev.asserted = false;
    if (dev.status & BSY && dev.first && !dev.stuck && rnd(3) == 0)
        go_on(); /* soon */
    return status;
}

static uint8_t model_in8(uint16_t port)
{
    int reg = decode(port);
    if (reg < 0)
        return 0xff;
    bool second = dev.device & 0x10;
    switch (reg) {
    case R_ERROR:
        return dev.error;
    case 4:
    case 5:
        return second ? 0 : dev.lba[reg - 3][0];
    case R_STATUS:
        return read_status(true);
    case 8:
        return read_status(false);
    case 16 + M_STATUS:
        return dev.master_status;
    default:
        NEED(!"a register that is read");
        return 0;
    }
}

static void put(uint8_t reg[2], uint8_t value)
{
    reg[1] = reg[0];
    reg[0] = value;
}

static void write_control(uint8_t value)
{
    if (dev.control & 4 && !(value & 4)) {
        dev.resets++;
        dev.status = DRDY;
        dev.error = 1;
        dev.at = NULL;
        dev.left = dev.in_block = 0;
        dev.dma = dev.stuck = dev.asserted = dev.first = false;
        memset(dev.lba, 0, sizeof(dev.lba));
        dev.device = 0;
        dev.reset_done = now + rnd(20) * MS;
    }
    dev.control = value;
}

static void model_out8(uint16_t port, uint8_t value)
{
    int reg = decode(port);
    if (reg < 0)
        return;
    switch (reg) {
    case R_FEATURE:
        put(dev.feature, value);
        break;
    case R_COUNT:
        put(dev.count, value);
        break;
    case R_LBA:
    case R_LBA + 1:
    case R_LBA + 2:
        put(dev.lba[reg - R_LBA], value);
        break;
    case R_DEVICE:
        NEED(!honest || !(dev.status & (BSY | DRQ)));
        dev.device = value;
        break;
    case R_COMMAND:
        take_command(value);
        break;
    case 8:
        write_control(value);
        break;
    case 16 + M_COMMAND:
        if (value & 1 && !(dev.master_command & 1)) {
            dev.master_status |= 1;
            if (dev.at)
                walk_table(false);
        }
        if (!(value & 1))
            dev.master_status &= ~1;
        dev.master_command = value;
        break;
    case 16 + M_STATUS:
        dev.master_status &= ~(value & 6);
        break;
    default:
        NEED(!"a register that is written");
    }
}

static void model_out32(uint16_t port, uint32_t value)
{
    NEED(decode(port) == 16 + M_TABLE && !(dev.master_command & 1));
    dev.table = value;
}

static void moved(uint64_t bytes)
{
    dev.in_block -= MIN(bytes, (uint64_t)dev.in_block);
    dev.at += bytes;
    dev.left -= MIN(bytes, (uint64_t)dev.left);
    if (!dev.in_block)
        dev.status = dev.left || dev.write ? BSY : DRDY;
}

static void model_in_words(uint16_t port, uint8_t *to, uint64_t n)
{
    bool asked = dev.at == dev.page;
    NEED(decode(port) == R_DATA && in_area(to, 2 * n) && (asked || owned(to, 2 * n)));
    NEED(!honest || (dev.status & DRQ && !dev.write && 2 * n == dev.in_block));
    if (!dev.at || 2 * n > dev.in_block)
        return;
    memcpy(to, dev.at, 2 * n);
    moved(2 * n);
}

static void model_out_words(uint16_t port, const uint8_t *from, uint64_t n)
{
    NEED(decode(port) == R_DATA && owned(from, 2 * n));
    NEED(!honest || (dev.status & DRQ && dev.write && 2 * n == dev.in_block));
    if (!dev.at || 2 * n > dev.in_block || !dev.write)
        return;
    if (honest)
        memcpy(dev.at, from, 2 * n);
    moved(2 * n);
}

/* --- what happens -------------------------------------------------------------------------- */

static void misbehave(void)
{
    switch (rnd(9)) {
    case 0:
        dev.error = 0x40;
        end_with(DRDY | ERR);
        break;
    case 1:
        dev.error = 0x84;
        end_with(DRDY | ERR);
        break;
    case 2:
        end_with(DRDY | DF);
        break;
    case 3:
        dev.master_status |= 2;
        dev.asserted = true;
        break;
    case 4:
        dev.stuck = true;
        break;
    case 5:
        dev.status = DRDY | DRQ;
        dev.stuck = true;
        assert_line();
        break;
    case 6:
        dev.dead = rnd(30) == 0;
        dev.stuck = true;
        break;
    case 7:
        dev.other = rnd(30) == 0;
        break;
    default:
        end_with(DRDY); /* too early */
    }
}

static void model_step(void)
{
    if (dev.status & BSY && !dev.stuck && dev.reset_done <= now && rnd(2)) {
        bool started = !dev.dma || dev.master_command & 1;
        if (!honest && rnd(30) == 0)
            misbehave();
        else if (honest && faulty >= 0 && dev.job == faulty && started) {
            dev.faults++;
            dev.error = 0x40;
            end_with(DRDY | ERR);
        } else {
            go_on();
        }
    }
    bool spurious = rnd(10) == 0;
    if (handler && (spurious || (dev.asserted && !(dev.control & CONTROL_QUIET))))
        handler(handler_arg);
}

static unsigned faults;
static void run(unsigned long s, bool obeys)
{
    high_memory = false;
    world_begin(s);
    memset(&dev, 0, sizeof(dev));
    dev.native = has_line = s % 2;
    dev.channel = s / 2 % 2;
    dev.dma_able = s % 3;
    dev.lba48 = s % 5 != 0;
    dev.status = DRDY;
    honest = true;
    high_memory = s % 7 == 0; /* the driver's own memory, too: no DMA at all */
    NEED(probe(&pci) == 0 && disk && disk->sectors == DISK_BYTES / SECTOR && handler);
    honest = obeys;
    for (unsigned i = 0; i < 20000; i++) {
        high_memory = s % 4 == 0 && rnd(2); /* of the requests */
        if (rnd(3) == 0)
            begin_one(2);
        if (rnd(2))
            model_step();
        pass_time(rnd(1000) ? 1000 : 2000000000);
        run_rescue();
    }
    for (unsigned i = 0; under_way && i < 100000; i++) {
        model_step();
        pass_time(i % 100 ? 1000 : 2000000000);
        run_rescue();
    }
    NEED(under_way == 0 && ended > (obeys ? 100u : 0u));
    NEED(!obeys || (dev.dma_able && s % 7 ? dev.dma_commands > 50 : !dev.dma_commands));
    NEED(!obeys || s % 4 || dev.pio_commands);
    unsigned part = DISK_BYTES / REQUESTS;
    if (faulty >= 0) {
        NEED(failed == dev.faults);
        faults += failed;
        memcpy(expected + faulty * part, medium + faulty * part, part);
    }
    NEED(!obeys || !memcmp(medium, expected, DISK_BYTES));
}

int main(void)
{
    world_begin(1);
    memset(&dev, 0, sizeof(dev));
    dev.dead = true; /* the bus floats */
    nsec_t start = now;
    NEED(probe(&pci) == 0 && !disk && now - start < MS);
    printf("ok - nobody waits at empty channels\n");
    for (unsigned long s = 1; s <= 14; s++)
        run(s, true);
    printf("ok - a disk that obeys\n");
    for (unsigned long s = 1; s <= 14; s++) {
        faulty = (int)s;
        run(s, true);
    }
    NEED(faults > 14);
    faulty = -1;
    printf("ok - an error is told to whom it belongs\n");
    for (unsigned long s = 1; s <= 60; s++)
        run(s, false);
    printf("ok - a disk that does not\n");
    return 0;
}
