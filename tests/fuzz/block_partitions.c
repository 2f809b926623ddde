// sources: kernel/drivers/block/partition_table.c
// flags: -Ikernel
/* libFuzzer: a disk of up to 64 KiB, whose partition table is read: what is told of lies inside the
 * disk. The first byte says how large its blocks are and whether checksums of a GPT are put right.
 */
#include "drivers/block/partition_table.h"

#include <stdlib.h>
#include <string.h>

struct disk {
    struct partition_disk disk;
    const uint8_t *data;
    unsigned reads;
};

static int read_data(void *owner, uint64_t sector, void *buf, size_t n)
{
    struct disk *d = owner;
    if (sector * 512 + n > d->disk.sectors * 512 || ++d->reads > 2000)
        abort();
    memcpy(buf, d->data + sector * 512, n);
    return 0;
}

static uint32_t crc32(const uint8_t *p, size_t n)
{
    uint32_t crc = ~0u;
    for (; n--; p++) {
        crc ^= *p;
        for (int i = 0; i < 8; i++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static void mend(uint8_t *data, size_t size, uint32_t block)
{
    uint8_t *h = data + block;
    uint64_t table;
    uint32_t count, crc, n;
    if (size < 2 * block)
        return;
    memcpy(&table, h + 72, 8);
    memcpy(&count, h + 80, 4);
    memcpy(&n, h + 12, 4);
    if (table < size / block && count <= 128 && count * 128ull <= size - table * block) {
        crc = crc32(data + table * block, count * 128ull);
        memcpy(h + 88, &crc, 4);
    }
    memset(h + 16, 0, 4);
    crc = crc32(h, n <= block ? n : 92);
    memcpy(h + 16, &crc, 4);
}

/* Random bytes do not look like tables: the signatures are put in. */
static void sign(uint8_t *data, unsigned how, uint32_t block)
{
    for (unsigned i = 0; i < 4; i++)
        data[446 + 16 * i] &= 0x80;
    for (unsigned at = 0; at < 65536; at += how & 4 ? block : 65536)
        memcpy(data + at + 510, "\x55\xaa", 2);
    if (how & 8) {
        static const uint8_t header[12 + 4] = "EFI PART\0\0\1\0\x5c";
        data[446 + 4] = 0xee;
        memcpy(data + block, header, sizeof(header));
        memcpy(data + block + 24, "\1\0\0\0\0\0\0", 8);
        memcpy(data + block + 84, "\x80\0\0", 4);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct partition list[PARTITIONS_MAX];
    static uint8_t copy[65536];
    enum partition_kind kind;
    unsigned wrong;
    if (!size || size > sizeof(copy))
        return 0;
    memset(copy, 0, sizeof(copy));
    memcpy(copy, data + 1, size - 1);
    struct disk d = {.data = copy};
    d.disk = (struct partition_disk){.sectors = data[0] & 16 ? sizeof(copy) / 512 : size / 512,
                                     .logical_block = data[0] & 1 ? 4096 : 512,
                                     .read = read_data,
                                     .owner = &d};
    sign(copy, data[0], d.disk.logical_block);
    if (data[0] & 2)
        mend(copy, sizeof(copy), d.disk.logical_block);
    int found = partitions_read(&d.disk, list, &kind, &wrong);
    for (int i = 0; i < found; i++)
        if (!list[i].sectors || list[i].start >= d.disk.sectors ||
            list[i].sectors > d.disk.sectors - list[i].start)
            abort();
    return 0;
}
