#include "drivers/ata/identity.h"

#include "lib/endian.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { /* words of IDENTIFY DEVICE (ACS-3, 7.12.7) */
       W_GENERAL = 0,
       W_SERIAL = 10,
       W_MODEL = 27,
       W_CAPABILITIES = 49,
       W_SECTORS_28 = 60,
       W_QUEUE_DEPTH = 75,
       W_SATA = 76,
       W_COMMANDS_2 = 83,
       W_COMMANDS_3 = 84,
       W_ENABLED_1 = 85,
       W_SECTORS_48 = 100,
       W_SECTOR_SIZE = 106,
       W_LOGICAL_WORDS = 117,
       W_TRIM = 169,
       W_ALIGNMENT = 209,
       W_ROTATION = 217,
       W_INTEGRITY = 255
};
enum {
    GENERAL_NOT_ATA = 0x8000,
    CAPABILITY_DMA = 0x100,
    CAPABILITY_LBA = 0x200,
    SATA_NCQ = 0x100,
    COMMAND_LBA48 = 0x400,
    COMMAND_FLUSH = 0x1000,
    COMMAND_FLUSH_EXT = 0x2000,
    COMMAND_LOGS = 0x20,
    ENABLED_WRITE_CACHE = 0x20,
    SIZE_LONG_LOGICAL = 0x1000,
    SIZE_SEVERAL = 0x2000,
    SIGNATURE = 0xa5,
    NOT_ROTATING = 1
};

static unsigned word(const uint8_t *page, unsigned n)
{
    return get_le16(page + 2 * n);
}

/* Words whose top bits are 01 mean something. */
static unsigned valid_word(const uint8_t *page, unsigned n)
{
    unsigned w = word(page, n);
    return (w & 0xc000) == 0x4000 ? w & 0x3fff : 0;
}

static bool sum_is_zero(const uint8_t *page)
{
    uint8_t sum = 0;
    for (unsigned i = 0; i < ATA_PAGE; i++)
        sum += page[i];
    return sum == 0;
}

/* Two characters a word, the first one in its upper half; without blanks around them. */
static void text(const uint8_t *page, unsigned n, unsigned len, char *out)
{
    unsigned start = 0, end = 0;
    for (unsigned i = 0; i < len; i++) {
        char c = (char)page[2 * n + (i ^ 1)];
        out[i] = c > ' ' && c < 0x7f ? c : ' ';
    }
    while (start < len && out[start] == ' ')
        start++;
    for (unsigned i = start; i < len; i++) {
        out[i - start] = out[i];
        if (out[i] != ' ')
            end = i - start + 1;
    }
    out[end] = 0;
}

static int sizes(const uint8_t *page, struct ata_identity *id)
{
    enum { LOGICAL_MOST = 65536, EXPONENT_MOST = 7 };
    unsigned size = valid_word(page, W_SECTOR_SIZE);
    id->logical = 512;
    if (size & SIZE_LONG_LOGICAL) {
        uint32_t words = get_le32(page + 2 * W_LOGICAL_WORDS);
        if (words < 256 || words > LOGICAL_MOST / 2 || words & (words - 1))
            return -ENODEV;
        id->logical = words * 2;
    }
    unsigned exponent = size & SIZE_SEVERAL ? size & 15 : 0;
    id->physical = id->logical << (exponent <= EXPONENT_MOST ? exponent : 0);
    unsigned before = valid_word(page, W_ALIGNMENT) * id->logical;
    id->alignment = before ? (id->physical - before % id->physical) % id->physical : 0;
    uint64_t blocks = id->lba48 ? get_le64(page + 2 * W_SECTORS_48) : 0;
    if (!blocks)
        blocks = get_le32(page + 2 * W_SECTORS_28);
    if (blocks == 0 || blocks > 1ull << (id->lba48 ? 48 : 28))
        return -ENODEV;
    id->sectors = blocks * (id->logical / 512);
    return 0;
}

int ata_parse_identity(const uint8_t page[ATA_PAGE], struct ata_identity *id)
{
    unsigned commands = valid_word(page, W_COMMANDS_2), sata = word(page, W_SATA);
    *id = (struct ata_identity){};
    if ((word(page, W_INTEGRITY) & 0xff) == SIGNATURE && !sum_is_zero(page))
        return -EIO;
    if (word(page, W_GENERAL) & GENERAL_NOT_ATA || !(word(page, W_CAPABILITIES) & CAPABILITY_LBA))
        return -ENODEV;
    id->dma = word(page, W_CAPABILITIES) & CAPABILITY_DMA;
    id->lba48 = commands & COMMAND_LBA48;
    id->flush = commands & COMMAND_FLUSH;
    id->flush_ext = commands & COMMAND_FLUSH_EXT && id->lba48;
    id->logs = valid_word(page, W_COMMANDS_3) & COMMAND_LOGS;
    id->write_cache = word(page, W_ENABLED_1) & ENABLED_WRITE_CACHE;
    id->trim = word(page, W_TRIM) != 0xffff && word(page, W_TRIM) & 1 && id->lba48;
    id->rotational = word(page, W_ROTATION) != NOT_ROTATING;
    if (sata != 0xffff && sata & SATA_NCQ && id->lba48)
        id->depth = (word(page, W_QUEUE_DEPTH) & 31) + 1;
    text(page, W_SERIAL, sizeof(id->serial) - 1, id->serial);
    text(page, W_MODEL, sizeof(id->model) - 1, id->model);
    return sizes(page, id);
}

int ata_parse_capacity(const uint8_t answer[8], struct ata_identity *id)
{
    enum { BLOCK = 2048 };
    *id = (struct ata_identity){.logical = BLOCK, .physical = BLOCK, .lba48 = true, .dma = true};
    id->sectors = (get_be32(answer) + 1ull) * (BLOCK / 512);
    return get_be32(answer + 4) == BLOCK && id->sectors >> 34 == 0 ? 0 : -ENODEV;
}

int ata_parse_ncq_error(const uint8_t page[ATA_PAGE], unsigned *tag, uint8_t *error)
{
    enum { NOT_QUEUED = 0x80 };
    if (!sum_is_zero(page))
        return -EIO;
    if (page[0] & NOT_QUEUED)
        return -ENOENT;
    *tag = page[0] & 31;
    *error = page[3];
    return 0;
}

void ata_fill_trim(uint8_t page[ATA_PAGE], uint64_t lba, uint64_t n)
{
    for (unsigned i = 0; i < ATA_TRIM_RANGES; i++) {
        uint64_t part = MIN(n, (uint64_t)ATA_TRIM_BLOCKS);
        put_le64(page + 8 * i, part ? part << 48 | (lba & 0xffffffffffff) : 0);
        lba += part;
        n -= part;
    }
}
