#include "drivers/block/partition_table.h"

#include "lib/endian.h"
#include "lib/string.h"

enum { /* MBR */
       DISK_SIGNATURE = 0x1b8,
       TABLE = 0x1be,
       ENTRY = 16,
       ENTRIES = 4,
       E_BOOT = 0,
       E_TYPE = 4,
       E_START = 8,
       E_SECTORS = 12,
       BOOT_SIGNATURE = 510,
       TYPE_GPT = 0xee
};
enum { /* GPT header, 5.3.2, and entry, 5.3.3 */
       H_SIZE = 12,
       H_CRC = 16,
       H_HERE = 24,
       H_FIRST = 40,
       H_LAST = 48,
       H_UUID = 56,
       H_TABLE = 72,
       H_COUNT = 80,
       H_ENTRY = 84,
       H_TABLE_CRC = 88,
       HEADER_LEAST = 92,
       G_UUID = 16,
       G_START = 32,
       G_END = 40,
       G_NAME = 56,
       G_ENTRY = 128,
       GPT_ENTRIES_MOST = 4096
};

struct found {
    struct partition_disk *disk;
    struct partition *list;
    unsigned n, wrong;
};

static uint64_t blocks_of(const struct partition_disk *disk)
{
    return disk->sectors / (disk->logical_block / PARTITION_SECTOR);
}

/* One logical block into disk->block. */
static int read_block(struct partition_disk *disk, uint64_t block)
{
    if (block >= blocks_of(disk))
        return -1;
    return disk->read(disk->owner, block * (disk->logical_block / PARTITION_SECTOR), disk->block,
                      disk->logical_block);
}

static bool overlaps(const struct found *found, uint64_t start, uint64_t sectors)
{
    for (unsigned i = 0; i < found->n; i++) {
        const struct partition *p = &found->list[i];
        if (!p->container && start < p->start + p->sectors && p->start < start + sectors)
            return true;
    }
    return false;
}

/* In logical blocks; the new entry, or NULL. */
static struct partition *add(struct found *found, unsigned number, uint64_t start, uint64_t blocks)
{
    unsigned unit = found->disk->logical_block / PARTITION_SECTOR;
    uint64_t end = blocks_of(found->disk);
    if (!blocks || start >= end || blocks > end - start)
        found->wrong |= PARTITIONS_CUT;
    if (!blocks || start >= end || found->n == PARTITIONS_MAX)
        return NULL;
    blocks = MIN(blocks, end - start);
    if (overlaps(found, start * unit, blocks * unit)) {
        found->wrong |= PARTITIONS_OVERLAP;
        return NULL;
    }
    struct partition *p = &found->list[found->n++];
    *p = (struct partition){.start = start * unit, .sectors = blocks * unit, .number = number};
    return p;
}

/* --- MBR ---------------------------------------------------------------------------------- */

static bool has_table(const uint8_t *sector)
{
    if (get_le16(sector + BOOT_SIGNATURE) != 0xaa55)
        return false;
    for (unsigned i = 0; i < ENTRIES; i++)
        if (sector[TABLE + i * ENTRY + E_BOOT] & 0x7f)
            return false; /* a boot sector of another kind */
    return true;
}

static bool is_extended(uint8_t type)
{
    return type == 0x05 || type == 0x0f || type == 0x85;
}

static struct partition *add_mbr(struct found *found, uint32_t signature, unsigned number,
                                 uint64_t start, uint64_t blocks)
{
    struct partition *p = add(found, number, start, blocks);
    if (p)
        snprintf(p->uuid, sizeof(p->uuid), "%08x-%02x", signature, number);
    return p;
}

/* Logical partitions: a chain of tables, each with a partition (relative to its table) and the next
 * table (relative to the first). */
static void add_logical(struct found *found, uint32_t signature, uint64_t first, uint64_t size)
{
    uint64_t at = first;
    for (unsigned number = 5, links = 0; number < PARTITIONS_MAX && links < PARTITIONS_MAX;
         links++) {
        uint8_t table[ENTRIES * ENTRY];
        uint64_t next = 0;
        if (read_block(found->disk, at) || get_le16(found->disk->block + BOOT_SIGNATURE) != 0xaa55)
            return;
        memcpy(table, found->disk->block + TABLE, sizeof(table));
        for (unsigned i = 0; i < ENTRIES; i++) {
            const uint8_t *e = table + i * ENTRY;
            uint64_t start = get_le32(e + E_START), n = get_le32(e + E_SECTORS);
            if (!n)
                continue;
            if (is_extended(e[E_TYPE]))
                next = next ? next : start;
            else if (i < 2 || (start + n <= size && at + start + n <= first + size))
                add_mbr(found, signature, number++, at + start, n);
        }
        if (!next || next >= size)
            return;
        at = first + next;
    }
}

/* The container of logical partitions shows as two sectors: enough for a boot loader, too little
 * for a mistake. */
static void add_container(struct found *found, uint32_t signature, unsigned number, uint64_t start,
                          uint64_t blocks)
{
    uint64_t little = found->disk->logical_block == PARTITION_SECTOR ? 2 : 1;
    struct partition *p = add_mbr(found, signature, number, start, MIN(blocks, little));
    if (p)
        p->container = true;
}

static void read_mbr(struct found *found)
{
    uint8_t sector[PARTITION_SECTOR];
    memcpy(sector, found->disk->block, sizeof(sector));
    uint32_t signature = get_le32(sector + DISK_SIGNATURE);
    for (unsigned i = 0; i < ENTRIES; i++) {
        const uint8_t *e = sector + TABLE + i * ENTRY;
        uint64_t start = get_le32(e + E_START), n = get_le32(e + E_SECTORS);
        if (!n)
            continue;
        if (is_extended(e[E_TYPE]))
            add_container(found, signature, i + 1, start, n);
        else
            add_mbr(found, signature, i + 1, start, n);
    }
    for (unsigned i = 0; i < ENTRIES; i++) {
        const uint8_t *e = sector + TABLE + i * ENTRY;
        if (is_extended(e[E_TYPE]) && get_le32(e + E_SECTORS))
            add_logical(found, signature, get_le32(e + E_START), get_le32(e + E_SECTORS));
    }
}

/* --- GPT ---------------------------------------------------------------------------------- */

/* CRC-32 of IEEE 802.3, four bits at a time. */
static uint32_t crc32(uint32_t crc, const uint8_t *p, size_t n)
{
    static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
                                       0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                       0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                       0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    while (n--) {
        crc ^= *p++;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return crc;
}

struct gpt {
    uint64_t first, last, table;
    uint32_t count, table_crc;
};

static bool header_crc_ok(const uint8_t *header, uint32_t size)
{
    static const uint8_t zeros[4];
    uint32_t crc = crc32(~0u, header, H_CRC);
    crc = crc32(crc, zeros, sizeof(zeros));
    crc = crc32(crc, header + H_CRC + 4, size - H_CRC - 4);
    return ~crc == get_le32(header + H_CRC);
}

static bool take_header(struct partition_disk *disk, uint64_t at, struct gpt *gpt)
{
    const uint8_t *h = disk->block;
    uint64_t end = blocks_of(disk);
    if (read_block(disk, at) || memcmp(h, "EFI PART", 8) != 0)
        return false;
    uint32_t size = get_le32(h + H_SIZE);
    if (size < HEADER_LEAST || size > disk->logical_block || !header_crc_ok(h, size) ||
        get_le64(h + H_HERE) != at || get_le32(h + H_ENTRY) != G_ENTRY)
        return false;
    *gpt = (struct gpt){get_le64(h + H_FIRST), get_le64(h + H_LAST), get_le64(h + H_TABLE),
                        get_le32(h + H_COUNT), get_le32(h + H_TABLE_CRC)};
    return gpt->first <= gpt->last && gpt->last < end && gpt->table < end &&
           gpt->count <= GPT_ENTRIES_MOST;
}

/* Mixed-endian, as in RFC 4122's text with the first three parts little-endian (UEFI appendix A).
 */
static void put_uuid(char *to, const uint8_t *u)
{
    snprintf(to, 37, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", get_le32(u),
             get_le16(u + 4), get_le16(u + 6), u[8], u[9], u[10], u[11], u[12], u[13], u[14],
             u[15]);
}

static void take_entry(struct found *found, const struct gpt *gpt, unsigned number,
                       const uint8_t *e)
{
    uint64_t start = get_le64(e + G_START), end = get_le64(e + G_END);
    if (!get_le64(e) && !get_le64(e + 8))
        return; /* unused */
    if (start > end || start < gpt->first || end > gpt->last) {
        found->wrong |= PARTITIONS_CUT;
        return;
    }
    struct partition *p = add(found, number, start, end - start + 1);
    if (!p)
        return;
    put_uuid(p->uuid, e + G_UUID);
    for (unsigned i = 0; i < 36; i++) {
        uint16_t c = get_le16(e + G_NAME + 2 * i);
        p->name[i] = c && (c < ' ' || c > '~') ? '?' : c;
        if (!c)
            break;
    }
}

/* Nothing is added unless the checksum is right. */
static bool take_entries(struct found *found, const struct gpt *gpt)
{
    struct partition_disk *disk = found->disk;
    unsigned each = disk->logical_block / G_ENTRY, n = found->n, wrong = found->wrong;
    uint32_t crc = ~0u;
    for (uint32_t i = 0; i < gpt->count; i += each) {
        unsigned here = MIN(each, gpt->count - i);
        if (read_block(disk, gpt->table + i / each)) {
            crc = gpt->table_crc; /* whose complement is not it */
            break;
        }
        crc = crc32(crc, disk->block, (size_t)here * G_ENTRY);
        for (unsigned j = 0; j < here; j++)
            take_entry(found, gpt, i + j + 1, disk->block + j * G_ENTRY);
    }
    if (~crc == gpt->table_crc)
        return true;
    found->n = n;
    found->wrong = wrong;
    return false;
}

/* The first copy is in block 1, the other one in the last. */
static bool read_gpt(struct found *found)
{
    struct gpt gpt;
    uint64_t last = blocks_of(found->disk) - 1;
    if (take_header(found->disk, 1, &gpt) && take_entries(found, &gpt))
        return true;
    if (take_header(found->disk, last, &gpt) && take_entries(found, &gpt)) {
        found->wrong |= PARTITIONS_BACKUP;
        return true;
    }
    found->wrong |= PARTITIONS_DAMAGED;
    return false;
}

static bool is_protective(const uint8_t *sector)
{
    for (unsigned i = 0; i < ENTRIES; i++)
        if (sector[TABLE + i * ENTRY + E_TYPE] == TYPE_GPT)
            return true;
    return false;
}

int partitions_read(struct partition_disk *disk, struct partition list[PARTITIONS_MAX],
                    enum partition_kind *kind, unsigned *wrong)
{
    struct found found = {disk, list, 0, 0};
    *kind = PARTITIONS_NONE;
    *wrong = 0;
    if (blocks_of(disk) < 2)
        return 0;
    int err = read_block(disk, 0);
    if (err < 0 || !has_table(disk->block))
        return err;
    *kind = PARTITIONS_MBR;
    if (!is_protective(disk->block)) {
        read_mbr(&found);
    } else if (!read_gpt(&found)) {
        found.n = 0;
        *kind = PARTITIONS_NONE;
    } else {
        *kind = PARTITIONS_GPT;
    }
    *wrong = found.wrong;
    return (int)found.n;
}
