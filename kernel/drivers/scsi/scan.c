/* How units are found and become disks: sda, ...; sr0, ... */

#include "core/log.h"
#include "drivers/scsi/scsi.h"
#include "fs/vfs.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { ANSWER = 512, SEGMENT_MOST = 1 << 20 };

/* --- what a unit is ----------------------------------------------------------------------- */

/* A page of vital product data: its length, 0: it has none. */
static unsigned ask_page(struct scsi_unit *unit, uint8_t page, uint8_t *answer)
{
    uint8_t cdb[SCSI_CDB];
    scsi_cdb_inquiry(cdb, page, ANSWER);
    return (unsigned)MAX(scsi_ask(unit, cdb, answer, ANSWER), 0);
}

static void ask_pages(struct scsi_unit *unit, uint8_t *answer)
{
    static const uint8_t pages[] = {SCSI_VPD_SERIAL, SCSI_VPD_NAMES, SCSI_VPD_LIMITS,
                                    SCSI_VPD_MEDIUM, SCSI_VPD_PROVISIONING};
    struct block_device *block = &unit->block;
    uint8_t first[64];
    unsigned n = MIN(ask_page(unit, 0, answer), (unsigned)sizeof(first));
    memcpy(first, answer, n);
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
        if (!scsi_parse_has_page(first, n, pages[i]))
            continue;
        unsigned len = ask_page(unit, pages[i], answer);
        scsi_parse_limits(answer, len, &unit->limits);
        if (!block->serial[0] &&
            !scsi_parse_serial(answer, len, block->serial, sizeof(block->serial)))
            scsi_parse_name(answer, len, block->serial, sizeof(block->serial));
    }
}

/* -ENOMEDIUM: a drive without one; -EIO: no size that can be used. */
static int ask_capacity(struct scsi_unit *unit, uint8_t *answer, struct scsi_capacity *capacity)
{
    uint8_t cdb[SCSI_CDB];
    bool long_form = !unit->cdrom;
    scsi_cdb_capacity(cdb, long_form, 32);
    int n = scsi_ask(unit, cdb, answer, long_form ? 32 : 8);
    if (n == -EOPNOTSUPP && long_form) { /* an old disk */
        long_form = false;
        scsi_cdb_capacity(cdb, false, 0);
        n = scsi_ask(unit, cdb, answer, 8);
    }
    if (n < 0)
        return n;
    return scsi_parse_capacity(answer, (size_t)n, long_form, capacity) ? 0 : -EIO;
}

static void ask_mode(struct scsi_unit *unit, uint8_t *answer)
{
    enum { MODE = 64 };
    uint8_t cdb[SCSI_CDB];
    struct scsi_mode mode;
    scsi_cdb_simple(cdb, SCSI_MODE_SENSE_6, SCSI_MODE_CACHING, MODE);
    int n = scsi_ask(unit, cdb, answer, MODE);
    if (n > 0 && scsi_parse_mode(answer, (size_t)n, &mode)) {
        unit->block.always_read_only = unit->block.read_only = mode.write_protected;
        unit->block.limits.volatile_cache = mode.write_cache;
    }
}

/* --- what a disk can do ------------------------------------------------------------------- */

static uint32_t in_sectors(const struct scsi_unit *unit, uint64_t blocks, uint32_t fallback)
{
    uint64_t most = UINT32_MAX >> unit->shift;
    return (uint32_t)(MIN(blocks ?: fallback, most) << unit->shift);
}

static void set_clearing(struct scsi_unit *unit, const struct scsi_capacity *capacity)
{
    enum { SAME_BLOCKS = 0xffff };
    struct block_limits *l = &unit->block.limits;
    struct scsi_limits *told = &unit->limits;
    uint32_t same = in_sectors(unit, told->write_same, SAME_BLOCKS);
    l->write_zeroes_sectors = same;
    told->by_unmap = told->by_unmap && capacity->provisioned;
    told->by_write_same = told->by_write_same && capacity->provisioned;
    if (!told->by_unmap && !told->by_write_same)
        return;
    l->discard_sectors = told->by_unmap ? in_sectors(unit, told->unmap, SAME_BLOCKS) : same;
    l->discard_granularity = capacity->block * MAX(MIN(told->unmap_granularity, 0x8000u), 1u);
    l->unmap_zeroes = told->by_write_same && told->unmapped_is_zero;
}

static void set_limits(struct scsi_unit *unit, const struct scsi_capacity *capacity)
{
    struct block_limits *l = &unit->block.limits;
    const struct scsi_limits *told = &unit->limits;
    uint64_t bytes = unit->host->bytes;
    unit->shift = (unsigned)__builtin_ctz(capacity->block / BLOCK_SECTOR);
    if (told->transfer)
        bytes = MIN(bytes, (uint64_t)told->transfer * capacity->block);
    bytes = MAX(bytes, (uint64_t)capacity->block);
    l->logical_block = capacity->block;
    l->physical_block = capacity->physical;
    l->alignment = capacity->lowest * capacity->block;
    l->io_min = MAX((uint32_t)MIN((uint64_t)told->granularity * capacity->block, 1ul << 30),
                    capacity->physical);
    l->io_opt = (uint32_t)MIN((uint64_t)told->optimal * capacity->block, 1ul << 30);
    l->segments = MIN(MIN(unit->host->segments, (unsigned)BLOCK_SEGMENTS),
                      (unsigned)(bytes / capacity->block));
    l->segment_size = (uint32_t)ALIGN_DOWN(MIN(bytes / l->segments, (uint64_t)SEGMENT_MOST),
                                           (uint64_t)capacity->block);
    l->rotational = !told->flash;
}

/* --- finding them ------------------------------------------------------------------------- */

static int name_unit(struct scsi_unit *unit)
{
    if (!unit->cdrom)
        return block_name_sd(&unit->block);
    block_name_sr(&unit->block);
    return 0;
}

static int make_disk(struct scsi_unit *unit, uint8_t *answer, const char *product)
{
    struct scsi_capacity capacity = {};
    struct block_device *block = &unit->block;
    uint8_t cdb[SCSI_CDB];
    scsi_cdb_simple(cdb, SCSI_TEST_UNIT_READY, 0, 0); /* the attentions go first */
    scsi_ask(unit, cdb, NULL, 0);
    ask_pages(unit, answer);
    int r = ask_capacity(unit, answer, &capacity);
    if (unit->cdrom && r < 0) /* no disc yet */
        capacity = (struct scsi_capacity){.block = 2048, .physical = 2048};
    else if (r < 0)
        return r;
    set_limits(unit, &capacity);
    if (unit->cdrom) {
        block->always_read_only = block->read_only = true;
    } else {
        ask_mode(unit, answer);
        set_clearing(unit, &capacity);
    }
    unit->zeroes = kzalloc(capacity.block);
    if (!unit->zeroes)
        return -ENOMEM;
    block->sectors = capacity.nblocks << unit->shift;
    block->nqueues = unit->host->nqueues;
    block->ops = &scsi_disk_ops;
    block->driver = unit;
    r = name_unit(unit);
    if (r < 0)
        return r;
    list_init(&block->waiting);
    unit->next = unit->host->first;
    rcu_store(unit->host->first, unit);
    log_info("scsi: %s: %s: unit %u:%u (%s), %lu sectors", block->name, unit->host->place,
             unit->target, unit->lun, product, block->sectors);
    r = block_register(block);
    if (r < 0) /* it stays: the host's list has it, and perhaps that of the disks */
        log_warning("scsi: %s: cannot be used (error %d)", block->name, -r);
    return 0;
}

/* The unit, if it is a disk: it is registered then. True: some unit answered. The answer of a unit
 * 0 to REPORT LUNS stays in luns. */
static bool try_unit(struct scsi_host *host, unsigned target, unsigned lun, uint8_t *answer,
                     uint16_t *luns, unsigned *nluns)
{
    struct scsi_unit *unit = kzalloc(sizeof(*unit));
    struct scsi_inquiry inquiry;
    uint8_t cdb[SCSI_CDB];
    if (!unit)
        return false;
    unit->host = host;
    unit->target = target;
    unit->lun = lun;
    int r = scsi_unit_start(unit);
    scsi_cdb_inquiry(cdb, -1, 36);
    host->probing = unit;
    int n = r < 0 ? r : scsi_ask(unit, cdb, answer, 36);
    bool there = n > 0 && scsi_parse_inquiry(answer, (size_t)n, &inquiry);
    if (n > 0 && luns) {
        scsi_cdb_simple(cdb, SCSI_REPORT_LUNS, 0, ANSWER);
        r = scsi_ask(unit, cdb, answer, ANSWER);
        *nluns = r > 0 ? scsi_parse_luns(answer, (size_t)r, luns, *nluns) : 0;
    }
    unit->cdrom = there && inquiry.type == SCSI_TYPE_CDROM;
    if (there && (inquiry.type == SCSI_TYPE_DISK || unit->cdrom)) {
        r = make_disk(unit, answer, inquiry.name);
        if (r == 0) {
            host->probing = NULL;
            return true;
        }
        log_warning("scsi: %s: unit %u:%u cannot be used (error %d)", host->place, target, lun, -r);
    }
    scsi_unit_stop(unit);
    host->probing = NULL;
    kfree(unit);
    return n > 0;
}

static void scan_target(struct scsi_host *host, unsigned target, uint8_t *answer)
{
    enum { LUNS = ANSWER / 8 };
    uint16_t luns[LUNS];
    unsigned nluns = LUNS;
    if (!try_unit(host, target, 0, answer, luns, &nluns))
        return;
    for (unsigned i = 0; i < nluns; i++)
        if (luns[i] && luns[i] < host->units)
            try_unit(host, target, luns[i], answer, NULL, NULL);
}

void scsi_scan(struct scsi_host *host)
{
    uint8_t *answer = kzalloc(ANSWER);
    for (unsigned target = 0; answer && target < host->targets; target++)
        scan_target(host, target, answer);
    kfree(answer);
}
