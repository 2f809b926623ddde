// sources: kernel/drivers/ata/port.c kernel/drivers/ata/identity.c
// flags: -Itests/unit/shim/disk -Itests/unit/shim -Ikernel -DDIRECT_MAP_BASE=0 -w
// timeout: 300
/* The AHCI driver against an adapter and a disk that obey and such that do not: queued commands
 * that end in any order; errors with and without a log that tells which it was, links that break,
 * disks that stay busy, that do not answer, that are another one after a reset. Each request ends
 * once, and the adapter is never told of memory that is not a request's. */
#include "disk.h"
#include "drivers/mmio.h"

#include "drivers/ata/ahci.c" /* its probe() */

enum { OURS = 2, BLOCK = 512 }; /* the port with the disk, of four */
static struct {
    uint32_t ghc, is;
    struct {
        uint32_t is, ie, cmd, tfd, sctl, serr, sact, ci;
        uint64_t clb, fb;
    } p;
    bool present, ncq, logs, dead, other, mute, busy_after_reset;
    unsigned failed_tag, reset_at;
    bool stuck; /* an error has happened: nothing goes on */
    nsec_t reset_done;
    unsigned resets, empty_looks;
} dev;

static void identify_page(uint8_t *page)
{
    memset(page, 0, ATA_PAGE);
    page[20] = 'S' + dev.other;
    put_le16(page + 2 * 49, 0x300);
    put_le16(page + 2 * 75, 31);
    put_le16(page + 2 * 76, dev.ncq ? 0x100 : 0);
    put_le16(page + 2 * 83, 0x7400);
    put_le64(page + 200, DISK_BYTES / BLOCK);
}

static void log_page(uint8_t *page)
{
    memset(page, 0, ATA_PAGE);
    page[0] = (uint8_t)dev.failed_tag;
    page[3] = 0x40;
    page[511] = (uint8_t) - (page[0] + page[3]);
}

static void interrupt_for(uint32_t bits)
{
    dev.p.is |= bits;
    if (dev.p.is & dev.p.ie)
        dev.is |= 1u << OURS;
}

static void fail_with(uint8_t error, uint32_t bits)
{
    dev.p.tfd = 0x41 | error << 8;
    dev.stuck = true;
    interrupt_for(bits);
}

/* Walk a command's table, and move the bytes. */
static void transfer(unsigned slot, bool move)
{
    const uint32_t *header = (const uint32_t *)(dev.p.clb + 32 * slot);
    const uint8_t *table = (const uint8_t *)get_le64(header + 2);
    unsigned n = header[0] >> 16, command = table[2];
    bool queued = command == 0x60 || command == 0x61, write = header[0] & 0x40;
    uint64_t lba = (get_le32(table + 4) & 0xffffff) | (uint64_t)(get_le32(table + 8) & 0xffffff)
                                                          << 24;
    uint32_t count = queued ? table[3] | table[11] << 8 : get_le16(table + 12), total = 0;
    uint8_t *at = medium + lba * BLOCK;
    NEED(get_le16(table) == 0x8027 && (header[0] & 31) == 5 && n <= BLOCK_SEGMENTS);
    NEED(!queued || table[12] >> 3 == slot);
    NEED(lba * BLOCK + count * BLOCK <= DISK_BYTES);
    for (unsigned i = 0; i < n; i++) {
        uint8_t *p = (uint8_t *)get_le64(table + 128 + 16 * i);
        uint32_t len = (get_le32(table + 128 + 16 * i + 12) & 0x3fffff) + 1;
        NEED(owned(p, len) && (uintptr_t)p % 2 == 0 && len % 2 == 0);
        if (move && write)
            memcpy(at, p, len);
        else if (move)
            memcpy(p, at, len);
        at += len;
        total += len;
    }
    NEED(total == count * BLOCK);
}

static unsigned command_of(unsigned slot)
{
    const uint32_t *header = (const uint32_t *)(dev.p.clb + 32 * slot);
    return ((const uint8_t *)get_le64(header + 2))[2];
}

/* IDENTIFY and the log are answered at once. */
static bool answer_page(unsigned slot)
{
    const uint32_t *header = (const uint32_t *)(dev.p.clb + 32 * slot);
    const uint8_t *table = (const uint8_t *)get_le64(header + 2);
    unsigned command = command_of(slot);
    if (command != ATA_IDENTIFY && command != ATA_READ_LOG_EXT)
        return false;
    if (dev.mute)
        return true;
    if (command == ATA_READ_LOG_EXT && !dev.logs) {
        fail_with(4, 1u << 30);
        return true;
    }
    (command == ATA_IDENTIFY ? identify_page : log_page)((uint8_t *)get_le64(table + 128));
    dev.p.tfd = 0x50;
    dev.p.ci &= ~(1u << slot);
    interrupt_for(2);
    return true;
}

static uint32_t port_read(unsigned offset)
{
    bool up = dev.present && !(dev.p.sctl & 15) && !dev.dead;
    switch (offset) {
    case P_IS:
        return dev.p.is;
    case P_CMD:
        return dev.p.cmd;
    case P_TFD:
        if (dev.reset_done > now)
            return 0xff;
        return dev.p.tfd;
    case P_SIG:
        return dev.reset_done > now ? ~0u : 0x101;
    case P_SSTS:
        return up ? 0x113 : dev.dead ? 1 : 0;
    case P_SCTL:
        return dev.p.sctl;
    case P_SERR:
        return dev.p.serr;
    case P_SACT:
        return dev.p.sact;
    case P_CI:
        return dev.p.ci;
    default:
        return 0;
    }
}

static void port_write(unsigned offset, uint32_t value)
{
    switch (offset) {
    case P_CLB:
        dev.p.clb = value;
        NEED(!(dev.p.cmd & CMD_START) && value % 1024 == 0);
        break;
    case P_CLB + 4:
        dev.p.clb |= (uint64_t)value << 32;
        break;
    case P_FB:
        NEED(!(dev.p.cmd & CMD_FIS) && value % 256 == 0);
        break;
    case P_IS:
        dev.p.is &= ~value;
        break;
    case P_IE:
        dev.p.ie = value;
        break;
    case P_CMD:
        if (value & CMD_START && !(dev.p.cmd & CMD_START))
            NEED(value & CMD_FIS && !(port_read(P_TFD) & 0x88)); /* 10.3.1 */
        if (!(value & CMD_START)) {
            dev.p.sact = dev.p.ci = 0;
            dev.stuck = false;
        }
        dev.p.cmd = (value & ~(uint32_t)(CMD_RUNS | CMD_FIS_RUNS)) |
                    (value & CMD_START ? CMD_RUNS : 0) | (value & CMD_FIS ? CMD_FIS_RUNS : 0);
        break;
    case P_SCTL:
        if (!(value & 15) && dev.p.sctl & 15) {
            NEED(!(dev.p.cmd & CMD_START));
            dev.resets++;
            dev.p.tfd = 0x50;
            dev.reset_done = now + rnd(20) * MS;
        }
        dev.p.sctl = value;
        break;
    case P_SACT:
        NEED(dev.p.cmd & CMD_START && (!honest || !(value & dev.p.sact)));
        NEED(!honest || !dev.p.ci);
        dev.p.sact |= value;
        break;
    case P_CI:
        NEED(dev.p.cmd & CMD_START && !(value & (value - 1)));
        NEED(!honest || !(value & dev.p.ci));
        dev.p.ci |= value;
        if (!answer_page((unsigned)__builtin_ctz(value))) {
            if (command_of((unsigned)__builtin_ctz(value)) != 0xea)
                transfer((unsigned)__builtin_ctz(value), false);
            if (dev.p.sact & value)
                dev.p.ci &= ~value;
            else
                NEED(!honest || (!dev.p.sact && dev.p.ci == value)); /* never both kinds */
        }
        break;
    }
}

uint32_t model_read(uintptr_t at)
{
    unsigned offset = (unsigned)(at - (uintptr_t)bar);
    if (offset >= PORTS + OURS * PORT_SIZE && offset < PORTS + (OURS + 1) * PORT_SIZE)
        return port_read(offset - PORTS - OURS * PORT_SIZE);
    switch (offset) {
    case CAP:
        return 31 << 8 | CAP_NCQ | (uint32_t)CAP_64 | 3;
    case GHC:
        return dev.ghc;
    case IS:
        return dev.is;
    case PI:
        return 15;
    default:
        dev.empty_looks++;
        return offset % PORT_SIZE == P_CMD ? CMD_SPIN_UP : 0;
    }
}

void model_write(uintptr_t at, uint32_t value)
{
    unsigned offset = (unsigned)(at - (uintptr_t)bar);
    if (offset >= PORTS + OURS * PORT_SIZE && offset < PORTS + (OURS + 1) * PORT_SIZE)
        port_write(offset - PORTS - OURS * PORT_SIZE, value);
    else if (offset == GHC)
        dev.ghc = value & ~1u;
    else if (offset == IS)
        dev.is &= ~value;
    else
        NEED(offset == BOHC); /* empty ports are left alone */
}

/* Whose part of the disk a command is for; -1: nobody's. */
static int job_of(unsigned slot)
{
    const uint32_t *header = (const uint32_t *)(dev.p.clb + 32 * slot);
    const uint8_t *table = (const uint8_t *)get_le64(header + 2);
    if (table[2] == 0xea)
        return -1;
    return (get_le32(table + 4) & 0xffffff) / (DISK_BYTES / BLOCK / REQUESTS);
}

static void misbehave(unsigned slot)
{
    bool queued = dev.p.sact >> slot & 1;
    dev.failed_tag = slot;
    dev.logs = rnd(2);
    switch (rnd(10)) {
    case 0:
        fail_with(0x40, 1u << 30);
        break;
    case 1:
        fail_with(0x40, queued ? 8 : 1u << 30);
        break;
    case 2:
        fail_with(0x84, 1u << 30);
        break;
    case 3:
        interrupt_for(1 << 27);
        dev.stuck = true;
        break;
    case 4:
        dev.p.tfd = 0x80;
        dev.stuck = true;
        break;
    case 5:
        dev.p.sact = rnd(1 << 30);
        interrupt_for(rnd(2) ? 8 : rnd(1 << 30));
        break;
    case 6:
        dev.dead = rnd(30) == 0;
        dev.stuck = true;
        break;
    case 7:
        dev.other = rnd(30) == 0;
        break;
    default:
        interrupt_for(1);
    }
}

static void model_step(void)
{
    uint32_t all = dev.p.sact | dev.p.ci;
    if (all && !dev.stuck && !dev.mute && dev.p.cmd & CMD_START && rnd(2)) {
        unsigned slot = rnd(32);
        while (!(all >> slot & 1))
            slot = (slot + 1) % 32;
        if (!honest && rnd(30) == 0) {
            misbehave(slot);
        } else if (honest && faulty >= 0 && job_of(slot) == faulty) {
            dev.failed_tag = slot;
            dev.logs = rnd(2);
            fail_with(0x40, dev.p.sact && rnd(2) ? 8 : 1u << 30); /* 8: as QEMU 7.2 tells of it */
        } else {
            if (honest && command_of(slot) != 0xea)
                transfer(slot, true);
            dev.p.sact &= ~(1u << slot);
            dev.p.ci &= ~(1u << slot);
            dev.p.tfd = 0x50;
            interrupt_for(1);
        }
    }
    if (rnd(10) == 0) /* for nothing */
        interrupt_for(1);
    if (handler && dev.is && dev.ghc & 2)
        handler(handler_arg);
}

static void run(unsigned long s, bool obeys, bool ncq)
{
    world_begin(s);
    memset(&dev, 0, sizeof(dev));
    dev.present = true;
    dev.ncq = ncq;
    dev.p.cmd = CMD_SPIN_UP;
    dev.p.tfd = 0x50;
    honest = true;
    pci.bars[5].size = 0x1000;
    NEED(probe(&pci) == 0 && disk && disk->sectors == DISK_BYTES / 512);
    honest = obeys;
    for (unsigned i = 0; i < 20000; i++) {
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
    unsigned part = DISK_BYTES / REQUESTS;
    if (faulty >= 0) {
        NEED(failed > 0);
        memcpy(expected + faulty * part, medium + faulty * part, part);
    }
    NEED(!obeys || !memcmp(medium, expected, DISK_BYTES));
}

/* Without a device the adapter costs a look and no wait; a device that does not come up as long as
 * it may take. */
static void waits(void)
{
    world_begin(1);
    honest = true;
    memset(&dev, 0, sizeof(dev));
    dev.p.cmd = CMD_SPIN_UP;
    nsec_t start = now;
    NEED(probe(&pci) == 0 && !disk && dev.resets == 0 && now - start < MS);

    memset(&dev, 0, sizeof(dev)); /* it does not spin: who knows */
    start = now;
    NEED(probe(&pci) == 0 && !disk && now - start >= 10 * MS && now - start < 20 * MS);

    memset(&dev, 0, sizeof(dev)); /* somebody is there, but the link does not come up */
    dev.present = dev.dead = true;
    start = now;
    NEED(probe(&pci) == 0 && !disk && now - start >= 1000 * MS && now - start < 1100 * MS);

    memset(&dev, 0, sizeof(dev)); /* it says nothing when asked */
    dev.present = dev.mute = true;
    start = now;
    NEED(probe(&pci) == 0 && !disk && now - start >= 5000 * MS && now - start < 5500 * MS);
}

int main(void)
{
    pci.bars[5].size = 0x1000;
    waits();
    printf("ok - nobody is waited for longer than it may take\n");
    for (unsigned long s = 1; s <= 6; s++)
        run(s, true, s % 2);
    printf("ok - a disk that obeys\n");
    for (unsigned long s = 1; s <= 10; s++) {
        faulty = (int)s;
        run(s, true, s % 3);
    }
    faulty = -1;
    printf("ok - an error is told to whom it belongs\n");
    for (unsigned long s = 1; s <= 60; s++)
        run(s, false, s % 4);
    printf("ok - a disk that does not\n");
    return 0;
}
