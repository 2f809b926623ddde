// sources: kernel/drivers/ata/identity.c kernel/drivers/nvme/identify.c
// flags: -Ikernel
/* What ATA and NVMe disks say of themselves: the fields of such pages as disks give them, and
 * whatever else they say never makes a disk that the block layer could not bear. */
#include "drivers/ata/identity.h"
#include "drivers/nvme/identify.h"
#include "lib/endian.h"
#include "lib/errno.h"
#include "need.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MUTANTS = 300000 };

static unsigned long seed = 1;
static unsigned rnd(unsigned n)
{
    seed = seed * 6364136223846793005ul + 1442695040888963407ul;
    return (unsigned)(seed >> 33) % n;
}

static uint8_t page[NVME_PAGE];

static void word(unsigned n, unsigned value)
{
    put_le16(page + 2 * n, (uint16_t)value);
}

static void swapped(unsigned n, unsigned len, const char *text)
{
    for (unsigned i = 0; i < len; i++)
        page[2 * n + (i ^ 1)] = (uint8_t)(i < strlen(text) ? text[i] : ' ');
}

static void seal(void)
{
    uint8_t sum = 0;
    word(255, 0xa5);
    for (unsigned i = 0; i < ATA_PAGE; i++)
        sum += page[i];
    page[511] = (uint8_t)-sum;
}

/* A disk of today: NCQ, 48 bits, TRIM, 4096-byte blocks inside, the first one not at a border. */
static void ata_disk(void)
{
    memset(page, 0, sizeof(page));
    swapped(10, 20, " SERIAL 1");
    swapped(27, 40, "A disk");
    word(49, 0x300);
    word(60, 0xffff);
    word(61, 0x0fff);
    word(75, 31);
    word(76, 0x100);
    word(83, 0x7400);
    word(84, 0x4020);
    word(85, 0x20);
    put_le64(page + 200, 1ull << 33);
    word(106, 0x6003);
    word(169, 1);
    word(209, 0x4001);
    word(217, 1);
    seal();
}

static void ata(void)
{
    struct ata_identity id;
    ata_disk();
    NEED(ata_parse_identity(page, &id) == 0);
    NEED(!strcmp(id.serial, "SERIAL 1") && !strcmp(id.model, "A disk"));
    NEED(id.sectors == 1ull << 33 && id.logical == 512 && id.physical == 4096);
    NEED(id.alignment == 3584 && id.depth == 32 && !id.rotational);
    NEED(id.lba48 && id.dma && id.flush && id.flush_ext && id.write_cache && id.trim && id.logs);
    page[20] ^= 1;
    NEED(ata_parse_identity(page, &id) == -EIO);

    ata_disk(); /* blocks of 4096 bytes */
    word(106, 0x5000);
    word(117, 2048);
    seal();
    NEED(ata_parse_identity(page, &id) == 0 && id.logical == 4096 && id.sectors == 1ull << 36);
    word(117, 2047);
    seal();
    NEED(ata_parse_identity(page, &id) == -ENODEV);

    ata_disk(); /* an old one: 28 bits, no checksum */
    word(83, 0);
    word(255, 0);
    NEED(ata_parse_identity(page, &id) == 0 && id.sectors == 0xfffffff && !id.depth && !id.trim);
    word(49, 0);
    NEED(ata_parse_identity(page, &id) == -ENODEV);
    memset(page, 0, sizeof(page));
    NEED(ata_parse_identity(page, &id) == -ENODEV);
    memset(page, 0xff, sizeof(page));
    NEED(ata_parse_identity(page, &id) < 0);
}

static void ata_logs(void)
{
    unsigned tag = 99;
    uint8_t error = 0;
    memset(page, 0, sizeof(page));
    page[0] = 0x1f;
    page[3] = 0x40;
    page[511] = (uint8_t)-0x5f;
    NEED(ata_parse_ncq_error(page, &tag, &error) == 0 && tag == 31 && error == 0x40);
    page[511]++;
    NEED(ata_parse_ncq_error(page, &tag, &error) == -EIO);
    page[0] = 0x80;
    page[511] = 0x40;
    NEED(ata_parse_ncq_error(page, &tag, &error) == -ENOENT);

    struct ata_identity id;
    put_be32(page, 1535);
    put_be32(page + 4, 2048);
    NEED(ata_parse_capacity(page, &id) == 0 && id.sectors == 6144 && id.logical == 2048);
    put_be32(page, ~0u);
    NEED(ata_parse_capacity(page, &id) == -ENODEV);
    put_be32(page, 1);
    put_be32(page + 4, 512);
    NEED(ata_parse_capacity(page, &id) == -ENODEV);

    uint8_t ranges[ATA_PAGE];
    ata_fill_trim(ranges, 1000, 65535 + 7);
    NEED(get_le64(ranges) == (0xffffull << 48 | 1000));
    NEED(get_le64(ranges + 8) == (7ull << 48 | 66535) && get_le64(ranges + 16) == 0);
    ata_fill_trim(ranges, 0, 64 * 65535);
    NEED(get_le64(ranges + 504) == (0xffffull << 48 | 63 * 65535));
}

static void ata_mutants(void)
{
    unsigned usable = 0;
    for (unsigned i = 0; i < MUTANTS; i++) {
        struct ata_identity id;
        ata_disk();
        for (unsigned n = rnd(8); n; n--)
            if (rnd(2))
                page[rnd(ATA_PAGE)] = (uint8_t)rnd(256);
            else
                word((const unsigned[]){106, 117, 118, 209, 103, 83, 60, 61, 75}[rnd(9)],
                     rnd(1 << 16));
        if (rnd(4))
            seal();
        if (ata_parse_identity(page, &id) < 0)
            continue;
        usable++;
        NEED(id.logical >= 512 && id.logical <= 65536 && !(id.logical & (id.logical - 1)));
        NEED(id.physical >= id.logical && !(id.physical & (id.physical - 1)));
        NEED(id.alignment < id.physical && id.depth <= ATA_QUEUE);
        NEED(id.sectors && id.sectors <= 1ull << 55 && id.sectors % (id.logical / 512) == 0);
        NEED(strlen(id.serial) <= 20 && strlen(id.model) <= 40);
    }
    NEED(usable > MUTANTS / 10);
}

/* --- NVMe --------------------------------------------------------------------------------- */

static void nvme_controller(void)
{
    memset(page, 0, sizeof(page));
    memcpy(page + 4, "S1                  ", 20);
    memcpy(page + 24, "A controller                            ", 40);
    page[77] = 5;
    page[111] = 1;
    page[512] = 0x66;
    put_le32(page + 516, 3);
    put_le16(page + 520, 0x0c);
    page[525] = 1;
}

static void nvme_namespace(void)
{
    memset(page, 0, sizeof(page));
    put_le64(page, 1 << 20);
    page[24] = 0x10;
    page[25] = 1;
    page[26] = 1;
    page[33] = 9;
    put_le16(page + 64, 7);
    put_le16(page + 68, 15);
    put_le16(page + 72, 31);
    page[99] = 1;
    put_le32(page + 128, 9 << 16);
    put_le32(page + 132, 12 << 16);
}

static void nvme(void)
{
    struct nvme_controller_identity c;
    struct nvme_namespace_identity n;
    bool retry;
    nvme_controller();
    NEED(nvme_parse_controller(page, &c) == 0);
    NEED(!strcmp(c.serial, "S1") && !strcmp(c.model, "A controller") && c.namespaces == 3);
    NEED(c.transfer_max == 128 << 10 && c.discard && c.write_zeroes && c.volatile_cache);
    page[111] = 2; /* a discovery controller */
    NEED(nvme_parse_controller(page, &c) == -ENODEV);

    nvme_namespace();
    NEED(nvme_parse_namespace(page, &n) == 0);
    NEED(n.logical == 4096 && n.sectors == 8 << 20 && n.io_min == 32768 && n.io_opt == 131072);
    NEED(n.discard_granularity == 65536 && n.unmap_zeroes && n.read_only);
    page[26] = 0;
    NEED(nvme_parse_namespace(page, &n) == 0 && n.logical == 512 && n.sectors == 1 << 20);
    page[26] = 2; /* a format that it does not have */
    NEED(nvme_parse_namespace(page, &n) == -ENODEV);
    page[26] = 1;
    page[132] = 8; /* metadata */
    NEED(nvme_parse_namespace(page, &n) == -ENODEV);
    memset(page, 0, sizeof(page)); /* not active */
    NEED(nvme_parse_namespace(page, &n) == -ENODEV);

    NEED(nvme_error(0, &retry) == 0 && !retry);
    NEED(nvme_error(0x281, &retry) == -EIO && !retry);
    NEED(nvme_error(0x04, &retry) == -EIO && retry);
    NEED(nvme_error(0x4004, &retry) == -EIO && !retry);
    NEED(nvme_error(1, &retry) == -EOPNOTSUPP && nvme_error(0x81, &retry) == -ENOSPC);
}

static void nvme_mutants(void)
{
    unsigned usable = 0;
    for (unsigned i = 0; i < MUTANTS; i++) {
        struct nvme_controller_identity c;
        struct nvme_namespace_identity n;
        nvme_namespace();
        for (unsigned m = rnd(8); m; m--)
            page[rnd(4) ? rnd(192) : rnd(NVME_PAGE)] = (uint8_t)rnd(256);
        if (nvme_parse_controller(page, &c) == 0)
            NEED(strlen(c.serial) <= 20 && strlen(c.model) <= 40 &&
                 (!c.transfer_max || c.transfer_max >= 8192));
        if (nvme_parse_namespace(page, &n) < 0)
            continue;
        usable++;
        NEED(n.logical >= 512 && n.logical <= 4096 && !(n.logical & (n.logical - 1)));
        NEED(n.physical >= n.logical && n.io_min >= n.logical && n.discard_granularity);
        NEED(!(n.io_min & (n.io_min - 1)) && !(n.discard_granularity & (n.logical - 1)));
        NEED(n.sectors && n.sectors < 1ull << 55 && n.sectors % (n.logical / 512) == 0);
    }
    NEED(usable > MUTANTS / 10);
}

int main(void)
{
    ata();
    ata_logs();
    ata_mutants();
    printf("ok - what ATA disks say of themselves\n");
    nvme();
    nvme_mutants();
    printf("ok - what NVMe disks say of themselves\n");
    return 0;
}
