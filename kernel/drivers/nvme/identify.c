#include "drivers/nvme/identify.h"

#include "lib/endian.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { /* of a controller */
       C_SERIAL = 4,
       C_MODEL = 24,
       C_TRANSFER = 77,
       C_TYPE = 111,
       C_QUEUE_ENTRY = 512,
       C_NAMESPACES = 516,
       C_COMMANDS = 520,
       C_CACHE = 525
};
enum { TYPE_IO = 1, COMMAND_DSM = 4, COMMAND_ZEROES = 8 };
enum { /* of a namespace */
       N_SIZE = 0,
       N_FEATURES = 24,
       N_FORMATS = 25,
       N_FORMAT = 26,
       N_ZEROES = 33,
       N_WRITE_GRANULARITY = 64,
       N_DISCARD_GRANULARITY = 68,
       N_OPTIMAL = 72,
       N_ATTRIBUTES = 99,
       N_FORMAT_0 = 128
};
enum { FEATURE_OPTIMAL = 0x10, ZEROES_DEALLOCATE = 8, ATTRIBUTE_READ_ONLY = 1 };

static void text(const uint8_t *bytes, unsigned len, char *out)
{
    unsigned end = 0;
    for (unsigned i = 0; i < len; i++) {
        out[i] = bytes[i] > ' ' && bytes[i] < 0x7f ? (char)bytes[i] : ' ';
        if (out[i] != ' ')
            end = i + 1;
    }
    out[end] = 0;
}

int nvme_parse_controller(const uint8_t page[NVME_PAGE], struct nvme_controller_identity *id)
{
    unsigned commands = get_le16(page + C_COMMANDS), transfer = page[C_TRANSFER];
    unsigned entry = page[C_QUEUE_ENTRY]; /* at least, at most 2^n bytes: 64 are required */
    *id = (struct nvme_controller_identity){};
    if (page[C_TYPE] > TYPE_IO || (entry & 15) > 6 || entry >> 4 < 6)
        return -ENODEV;
    text(page + C_SERIAL, sizeof(id->serial) - 1, id->serial);
    text(page + C_MODEL, sizeof(id->model) - 1, id->model);
    id->namespaces = get_le32(page + C_NAMESPACES);
    id->transfer_max = transfer && transfer < 16 ? NVME_PAGE << transfer : 0;
    id->discard = commands & COMMAND_DSM;
    id->write_zeroes = commands & COMMAND_ZEROES;
    id->volatile_cache = page[C_CACHE] & 1;
    return 0;
}

/* So many blocks, 0's based, as bytes; none that make no sense. */
static uint32_t blocks(const uint8_t *at, uint32_t logical)
{
    uint32_t n = get_le16(at) + 1u;
    return n > 1 && !(n & (n - 1)) ? n * logical : logical;
}

int nvme_parse_namespace(const uint8_t page[NVME_PAGE], struct nvme_namespace_identity *id)
{
    enum { SIZE_LEAST = 9, SIZE_MOST = 12, BLOCKS_MOST = 54 };
    uint64_t n = get_le64(page + N_SIZE);
    unsigned format = (page[N_FORMAT] & 15) | (page[N_FORMAT] >> 1 & 0x30);
    uint32_t lbaf = format <= page[N_FORMATS] ? get_le32(page + N_FORMAT_0 + 4 * format) : 0;
    unsigned shift = lbaf >> 16 & 0xff;
    *id = (struct nvme_namespace_identity){};
    if (!n || n >> (BLOCKS_MOST - 3) || shift < SIZE_LEAST || shift > SIZE_MOST || lbaf & 0xffff)
        return -ENODEV;
    id->logical = id->physical = id->io_min = id->discard_granularity = 1u << shift;
    id->sectors = n << (shift - SIZE_LEAST);
    if (page[N_FEATURES] & FEATURE_OPTIMAL) {
        id->io_min = blocks(page + N_WRITE_GRANULARITY, id->logical);
        id->discard_granularity = blocks(page + N_DISCARD_GRANULARITY, id->logical);
        uint32_t optimal = blocks(page + N_OPTIMAL, id->logical);
        id->io_opt = optimal > id->logical ? optimal : 0;
    }
    id->unmap_zeroes = page[N_ZEROES] & ZEROES_DEALLOCATE;
    id->read_only = page[N_ATTRIBUTES] & ATTRIBUTE_READ_ONLY;
    return 0;
}

int nvme_error(unsigned status, bool *retry)
{
    enum { GENERIC, COMMAND, MEDIA, PATH, DO_NOT_RETRY = 0x4000 };
    enum { BAD_OPCODE = 1, BAD_FIELD = 2, BAD_NAMESPACE = 0x0b, CAPACITY = 0x81 };
    unsigned code = status & 0xff, type = status >> 8 & 7;
    *retry = (type == GENERIC || type == PATH) && !(status & DO_NOT_RETRY);
    if (type == GENERIC) {
        switch (code) {
        case 0:
            *retry = false;
            return 0;
        case BAD_OPCODE:
        case BAD_FIELD:
        case BAD_NAMESPACE:
            return -EOPNOTSUPP;
        case CAPACITY:
            return -ENOSPC;
        default:
            break;
        }
    }
    return -EIO;
}
