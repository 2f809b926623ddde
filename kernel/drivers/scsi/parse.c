#include "drivers/scsi/parse.h"

#include "lib/endian.h"
#include "lib/errno.h"

/* --- commands ----------------------------------------------------------------------------- */

static void begin(uint8_t cdb[SCSI_CDB], uint8_t operation)
{
    __builtin_memset(cdb, 0, SCSI_CDB);
    cdb[0] = operation;
}

void scsi_cdb_simple(uint8_t cdb[SCSI_CDB], uint8_t operation, uint8_t page, uint32_t len)
{
    begin(cdb, operation);
    if (operation == SCSI_REPORT_LUNS) {
        put_be32(cdb + 6, len);
    } else if (operation == SCSI_MODE_SENSE_6) {
        cdb[1] = 8; /* DBD: no block descriptors */
        cdb[2] = page;
        cdb[4] = (uint8_t)len;
    }
}

void scsi_cdb_inquiry(uint8_t cdb[SCSI_CDB], int page, uint16_t len)
{
    begin(cdb, SCSI_INQUIRY);
    cdb[1] = page >= 0; /* EVPD */
    cdb[2] = page >= 0 ? (uint8_t)page : 0;
    put_be16(cdb + 3, len);
}

void scsi_cdb_capacity(uint8_t cdb[SCSI_CDB], bool long_form, uint8_t len)
{
    begin(cdb, long_form ? SCSI_READ_CAPACITY_16 : SCSI_READ_CAPACITY_10);
    if (long_form) {
        cdb[1] = 0x10; /* service action */
        cdb[13] = len;
    }
}

static void range_16(uint8_t cdb[SCSI_CDB], uint64_t block, uint32_t nblocks)
{
    put_be64(cdb + 2, block);
    put_be32(cdb + 10, nblocks);
}

void scsi_cdb_transfer(uint8_t cdb[SCSI_CDB], bool write, uint64_t block, uint32_t nblocks)
{
    bool wide = block > UINT32_MAX || nblocks > UINT16_MAX;
    begin(cdb, wide    ? (write ? SCSI_WRITE_16 : SCSI_READ_16)
               : write ? SCSI_WRITE_10
                       : SCSI_READ_10);
    if (wide) {
        range_16(cdb, block, nblocks);
    } else {
        put_be32(cdb + 2, (uint32_t)block);
        put_be16(cdb + 7, (uint16_t)nblocks);
    }
}

void scsi_cdb_write_same(uint8_t cdb[SCSI_CDB], uint64_t block, uint32_t nblocks, bool unmap)
{
    begin(cdb, SCSI_WRITE_SAME_16);
    cdb[1] = unmap ? 8 : 0;
    range_16(cdb, block, nblocks);
}

void scsi_cdb_unmap(uint8_t cdb[SCSI_CDB], uint8_t list[SCSI_UNMAP_LIST], uint64_t block,
                    uint32_t nblocks)
{
    begin(cdb, SCSI_UNMAP);
    put_be16(cdb + 7, SCSI_UNMAP_LIST);
    __builtin_memset(list, 0, SCSI_UNMAP_LIST);
    put_be16(list, SCSI_UNMAP_LIST - 2);
    put_be16(list + 2, SCSI_UNMAP_LIST - 8); /* one descriptor */
    put_be64(list + 8, block);
    put_be32(list + 16, nblocks);
}

/* --- answers ------------------------------------------------------------------------------ */

/* Printable characters up to the first NUL, without blanks around. True: there are some. */
static bool take_text(const uint8_t *d, size_t n, char *text, size_t size)
{
    size_t len = 0;
    while (n && *d == ' ')
        d++, n--;
    for (size_t i = 0; i < n && d[i] && len + 1 < size; i++)
        text[len++] = d[i] >= ' ' && d[i] < 0x7f ? (char)d[i] : '?';
    while (len && text[len - 1] == ' ')
        len--;
    text[len] = 0;
    return len;
}

bool scsi_parse_inquiry(const uint8_t *d, size_t n, struct scsi_inquiry *inquiry)
{
    enum { SHORTEST = 5, PRODUCT = 16 };
    if (n < SHORTEST || d[0] >> 5 != 0) /* peripheral qualifier: connected */
        return false;
    inquiry->type = d[0] & 0x1f;
    n = MIN(n, (size_t)d[4] + SHORTEST);
    take_text(d + PRODUCT, n < PRODUCT ? 0 : MIN(n - PRODUCT, (size_t)16), inquiry->name,
              sizeof(inquiry->name));
    return true;
}

/* The contents of a page of vital product data: their length, 0: another page or none. */
static size_t page_of(const uint8_t *d, size_t n, unsigned page)
{
    return n < 4 || d[1] != page ? 0 : MIN(n - 4, (size_t)get_be16(d + 2));
}

bool scsi_parse_has_page(const uint8_t *d, size_t n, uint8_t page)
{
    for (size_t i = 0, len = page_of(d, n, 0); i < len; i++)
        if (d[4 + i] == page)
            return true;
    return false;
}

bool scsi_parse_serial(const uint8_t *d, size_t n, char *text, size_t size)
{
    size_t len = page_of(d, n, SCSI_VPD_SERIAL);
    return len && take_text(d + 4, len, text, size);
}

static void take_hex(const uint8_t *d, size_t n, char *text, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    for (; n && size > 2; n--, d++, size -= 2) {
        *text++ = digits[*d >> 4];
        *text++ = digits[*d & 15];
    }
    *text = 0;
}

/* One descriptor of page 83 (SPC-4, 7.8.6): the unit's, by EUI-64 or NAA in binary, or text. */
static bool take_designator(const uint8_t *d, size_t n, char *text, size_t size)
{
    enum { BINARY = 1, T10 = 1, EUI = 2, NAA = 3, NAME = 8 };
    unsigned codes = d[0] & 15, unit = d[1] >> 4 & 3, type = d[1] & 15;
    if (unit || !n)
        return false;
    if (codes == BINARY) {
        if (type == EUI || type == NAA)
            take_hex(d + 4, n, text, size);
        return type == EUI || type == NAA;
    }
    return (type <= T10 || type == NAME) && take_text(d + 4, n, text, size);
}

bool scsi_parse_name(const uint8_t *d, size_t n, char *text, size_t size)
{
    size_t len = page_of(d, n, SCSI_VPD_NAMES);
    for (d += 4; len >= 4 && (size_t)d[3] + 4 <= len; d += d[3] + 4) {
        if (take_designator(d, d[3], text, size))
            return true;
        len -= d[3] + 4u;
    }
    return false;
}

bool scsi_parse_capacity(const uint8_t *d, size_t n, bool long_form, struct scsi_capacity *capacity)
{
    enum { LEAST = 512, MOST = 65536 };
    *capacity = (struct scsi_capacity){};
    if (n < (long_form ? 12 : 8))
        return false;
    uint64_t last = long_form ? get_be64(d) : get_be32(d);
    uint32_t block = get_be32(d + (long_form ? 8 : 4));
    if (block < LEAST || block > MOST || block & (block - 1) || last >= INT64_MAX / block)
        return false;
    *capacity = (struct scsi_capacity){.nblocks = last + 1, .block = block, .physical = block};
    if (long_form && n >= 16) {
        unsigned exponent = d[13] & 15;
        if (block << exponent <= 1u << 20)
            capacity->physical = block << exponent;
        capacity->provisioned = d[14] & 0x80;
        capacity->lowest = get_be16(d + 14) & 0x3fff;
    }
    return true;
}

static uint32_t be32_at(const uint8_t *d, size_t len, size_t offset)
{
    return offset + 4 <= len + 4 ? get_be32(d + offset) : 0;
}

void scsi_parse_limits(const uint8_t *d, size_t n, struct scsi_limits *limits)
{
    size_t len = page_of(d, n, SCSI_VPD_LIMITS); /* behind the 4 bytes of header */
    if (len >= 12) {
        limits->granularity = get_be16(d + 6);
        limits->transfer = be32_at(d, len, 8);
        limits->optimal = be32_at(d, len, 12);
        limits->unmap = be32_at(d, len, 20);
        limits->unmap_granularity = be32_at(d, len, 28);
        limits->write_same = (uint64_t)be32_at(d, len, 36) << 32 | be32_at(d, len, 40);
    }
    if (page_of(d, n, SCSI_VPD_MEDIUM) >= 2)
        limits->flash = get_be16(d + 4) == 1;
    if (page_of(d, n, SCSI_VPD_PROVISIONING) >= 2) {
        limits->by_unmap = d[5] & 0x80;
        limits->by_write_same = d[5] & 0x40;
        limits->unmapped_is_zero = d[5] & 4;
    }
}

unsigned scsi_parse_luns(const uint8_t *d, size_t n, uint16_t *luns, unsigned most)
{
    enum { HEADER = 8, ENTRY = 8 };
    unsigned found = 0;
    if (n < HEADER)
        return 0;
    size_t len = MIN(n - HEADER, (size_t)get_be32(d));
    for (d += HEADER; len >= ENTRY && found < most; d += ENTRY, len -= ENTRY) {
        unsigned method = d[0] >> 6; /* SAM-5, 4.7.7: 0 on bus 0, or flat */
        if (get_be32(d + 4) || get_be16(d + 2) || method > 1 || (method == 0 && d[0]))
            continue;
        luns[found++] = get_be16(d) & 0x3fff;
    }
    return found;
}

bool scsi_parse_mode(const uint8_t *d, size_t n, struct scsi_mode *mode)
{
    enum { HEADER = 4 };
    *mode = (struct scsi_mode){};
    if (n < HEADER)
        return false;
    n = MIN(n, (size_t)d[0] + 1);
    mode->write_protected = d[2] & 0x80;
    size_t page = HEADER + (size_t)d[3];
    if (page + 3 <= n && (d[page] & 0x7f) == SCSI_MODE_CACHING) /* without the subpage bit */
        mode->write_cache = d[page + 2] & 4;
    return true;
}

/* --- endings ------------------------------------------------------------------------------ */

enum { /* sense keys, SPC-4 4.5.6 */
       NO_SENSE,
       RECOVERED,
       NOT_READY,
       MEDIUM_ERROR,
       HARDWARE_ERROR,
       ILLEGAL_REQUEST,
       UNIT_ATTENTION,
       DATA_PROTECT,
       ABORTED_COMMAND = 0xb
};

struct sense {
    uint8_t key;
    uint16_t code; /* ASC, ASCQ */
};

static bool parse_sense(const uint8_t *d, size_t n, struct sense *sense)
{
    unsigned format = n ? d[0] & 0x7f : 0;
    *sense = (struct sense){};
    if ((format == 0x70 || format == 0x71) && n >= 3) {
        sense->key = d[2] & 15;
        if (n >= 14 && d[7] >= 6)
            sense->code = get_be16(d + 12);
        return true;
    }
    if ((format == 0x72 || format == 0x73) && n >= 4) {
        sense->key = d[1] & 15;
        sense->code = get_be16(d + 2);
        return true;
    }
    return false;
}

static enum scsi_verdict not_ready(uint16_t code, int *error)
{
    bool soon = code == 0x0401 || (code >= 0x0404 && code <= 0x0408) || code == 0x0414;
    if (code >> 8 == 0x3a)
        *error = -ENOMEDIUM;
    return soon ? SCSI_LATER : SCSI_ENDED;
}

static enum scsi_verdict judge_sense(const struct sense *sense, int *error)
{
    *error = -EIO;
    switch (sense->key) {
    case NO_SENSE:
    case RECOVERED:
        *error = 0;
        return SCSI_ENDED;
    case NOT_READY:
        return not_ready(sense->code, error);
    case UNIT_ATTENTION: /* 28: another medium, 2a09: another size */
        return sense->code >> 8 == 0x28 || sense->code == 0x2a09 ? SCSI_CHANGED : SCSI_RETRY;
    case ABORTED_COMMAND:
        return sense->code >> 8 == 0x10 ? SCSI_ENDED : SCSI_RETRY; /* 10: protection failed */
    case ILLEGAL_REQUEST: /* no such command, field, or parameter */
        if (sense->code >> 8 == 0x20 || sense->code >> 8 == 0x24 || sense->code >> 8 == 0x26)
            *error = -EOPNOTSUPP;
        return SCSI_ENDED;
    case DATA_PROTECT:
        if (sense->code == 0x2707) /* no space left to map */
            *error = -ENOSPC;
        return SCSI_ENDED;
    case MEDIUM_ERROR: { /* the medium's own errors have been retried by the disk */
        unsigned asc = sense->code >> 8;
        return asc == 0 || asc == 0x11 || asc == 0x13 || asc == 0x14 ? SCSI_ENDED : SCSI_RETRY;
    }
    default:
        return SCSI_ENDED;
    }
}

enum scsi_verdict scsi_judge(uint8_t status, const uint8_t *d, size_t n, int *error)
{
    enum { CONDITION_MET = 4, BUSY = 8, TASK_SET_FULL = 0x28, TASK_ABORTED = 0x40 };
    struct sense sense;
    *error = 0;
    if (status == SCSI_GOOD || status == CONDITION_MET)
        return SCSI_ENDED;
    *error = -EIO;
    if (status == SCSI_CHECK_CONDITION)
        return parse_sense(d, n, &sense) ? judge_sense(&sense, error) : SCSI_RETRY;
    if (status == BUSY || status == TASK_SET_FULL)
        return SCSI_LATER;
    return status == TASK_ABORTED ? SCSI_RETRY : SCSI_ENDED;
}
