/* What shows which disks there are: /sys/block, /sys/class/block, /sys/dev/block, /proc/partitions,
 * /proc/diskstats. */

#include "drivers/block/block.h"
#include "fs/procfs.h"
#include "fs/sysfs.h"
#include "lib/errno.h"
#include "lib/string.h"

/* Also one that has gone since its folder was found: devices stay in the list. */
static struct block_device *disk_of(const struct pseudo *self)
{
    struct block_device *d = block_first();
    while (d && d->rdev != self->key)
        d = rcu_load(d->next);
    return d;
}

enum attribute {
    SIZE,
    READ_ONLY,
    ZERO,
    RANGE,
    ALIGNMENT,
    LOGICAL,
    PHYSICAL,
    IO_MIN,
    IO_OPT,
    SECTORS_KB,
    SEGMENTS,
    SEGMENT_SIZE,
    ROTATIONAL,
    READ_AHEAD_KB,
    DISCARD_GRANULARITY,
    DISCARD_BYTES,
    ZEROES_BYTES,
    REQUESTS,
    NUMBER,
    START
};

static uint64_t value_of(const struct block_device *d, enum attribute a)
{
    enum { MOST_KB = 512, QUEUED = 128, MINORS = 16 };
    const struct block_limits *l = &d->limits;
    const uint64_t values[] = {
        [SIZE] = d->sectors,
        [READ_ONLY] = d->read_only,
        [ZERO] = 0,
        [RANGE] = MINORS,
        [ALIGNMENT] = l->alignment,
        [LOGICAL] = l->logical_block,
        [PHYSICAL] = l->physical_block,
        [IO_MIN] = l->io_min,
        [IO_OPT] = l->io_opt,
        [SECTORS_KB] = MOST_KB,
        [SEGMENTS] = MIN(l->segments, (uint32_t)BLOCK_SEGMENTS),
        [SEGMENT_SIZE] = l->segment_size,
        [ROTATIONAL] = l->rotational,
        [READ_AHEAD_KB] = d->read_ahead / 2,
        [DISCARD_GRANULARITY] = l->discard_granularity,
        [DISCARD_BYTES] = (uint64_t)l->discard_sectors * BLOCK_SECTOR,
        [ZEROES_BYTES] = (uint64_t)l->write_zeroes_sectors * BLOCK_SECTOR,
        [REQUESTS] = QUEUED,
        [NUMBER] = d->number,
        [START] = d->start,
    };
    return values[a];
}

static int show_value(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%lu\n", value_of(disk_of(self), self->entry->arg));
    return 0;
}
#define VALUE(file_name, attribute)                                                                \
    {                                                                                              \
        .name = (file_name), .mode = S_IFREG | 0444, .show = show_value, .arg = (attribute)        \
    }

static int show_number(struct text *text, const struct pseudo *self)
{
    uint32_t rdev = disk_of(self)->rdev;
    text_printf(text, "%u:%u\n", dev_major(rdev), dev_minor(rdev));
    return 0;
}

static int show_serial(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%s\n", disk_of(self)->serial);
    return 0;
}

static int show_uevent(struct text *text, const struct pseudo *self)
{
    const struct block_device *d = disk_of(self);
    text_printf(text, "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\nDEVTYPE=%s\n", dev_major(d->rdev),
                dev_minor(d->rdev), d->name, d->whole ? "partition" : "disk");
    if (d->whole)
        text_printf(text, "PARTN=%u\n", d->number);
    if (d->label[0])
        text_printf(text, "PARTNAME=%s\n", d->label);
    return 0;
}

static int show_cache(struct text *text, const struct pseudo *self)
{
    text_printf(text, "write %s\n", disk_of(self)->limits.volatile_cache ? "back" : "through");
    return 0;
}

static int show_scheduler(struct text *text, const struct pseudo *self)
{
    text_printf(text, "[none]\n");
    return 0;
}

/* Fields of Documentation/block/stat.rst; no merges. */
static void put_stats(struct text *text, const struct block_device *d)
{
    const struct block_stats *s = &d->stats;
    const uint64_t ms = 1000000;
    uint64_t all = s->ns[0] + s->ns[1] + s->ns[2] + s->ns[3];
    text_printf(text, "%lu 0 %lu %lu %lu 0 %lu %lu %u %lu %lu %lu 0 %lu %lu %lu %lu\n",
                s->requests[0], s->sectors[0], s->ns[0] / ms, s->requests[1], s->sectors[1],
                s->ns[1] / ms, d->in_flight, all / ms, all / ms, s->requests[2], s->sectors[2],
                s->ns[2] / ms, s->requests[3], s->ns[3] / ms);
}

static int show_stat(struct text *text, const struct pseudo *self)
{
    put_stats(text, disk_of(self));
    return 0;
}

static int show_inflight(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%8u %8u\n", disk_of(self)->in_flight, 0);
    return 0;
}

static const struct pseudo_entry queue_table[] = {
    VALUE("logical_block_size", LOGICAL),
    VALUE("hw_sector_size", LOGICAL),
    VALUE("physical_block_size", PHYSICAL),
    VALUE("minimum_io_size", IO_MIN),
    VALUE("optimal_io_size", IO_OPT),
    VALUE("max_sectors_kb", SECTORS_KB),
    VALUE("max_hw_sectors_kb", SECTORS_KB),
    VALUE("max_segments", SEGMENTS),
    VALUE("max_segment_size", SEGMENT_SIZE),
    VALUE("rotational", ROTATIONAL),
    VALUE("read_ahead_kb", READ_AHEAD_KB),
    VALUE("discard_granularity", DISCARD_GRANULARITY),
    VALUE("discard_max_bytes", DISCARD_BYTES),
    VALUE("discard_max_hw_bytes", DISCARD_BYTES),
    VALUE("write_zeroes_max_bytes", ZEROES_BYTES),
    VALUE("nr_requests", REQUESTS),
    VALUE("discard_zeroes_data", ZERO),
    PSEUDO_FILE("write_cache", show_cache),
    PSEUDO_FILE("scheduler", show_scheduler),
};
static const struct pseudo_entry disk_table[] = {
    VALUE("size", SIZE),
    VALUE("ro", READ_ONLY),
    VALUE("removable", ZERO),
    VALUE("hidden", ZERO),
    VALUE("diskseq", NUMBER),
    VALUE("range", RANGE),
    VALUE("ext_range", RANGE),
    VALUE("alignment_offset", ALIGNMENT),
    VALUE("discard_alignment", ZERO),
    PSEUDO_FILE("dev", show_number),
    PSEUDO_FILE("serial", show_serial),
    PSEUDO_FILE("uevent", show_uevent),
    PSEUDO_FILE("stat", show_stat),
    PSEUDO_FILE("inflight", show_inflight),
    {.name = "queue",
     .mode = S_IFDIR | 0755,
     .table = queue_table,
     .ntable = ARRAY_SIZE(queue_table)},
};
static const struct pseudo_entry part_table[] = {
    VALUE("partition", NUMBER),
    VALUE("start", START),
    VALUE("size", SIZE),
    VALUE("ro", READ_ONLY),
    VALUE("alignment_offset", ALIGNMENT),
    VALUE("discard_alignment", ZERO),
    PSEUDO_FILE("dev", show_number),
    PSEUDO_FILE("uevent", show_uevent),
    PSEUDO_FILE("stat", show_stat),
    PSEUDO_FILE("inflight", show_inflight),
};
static const struct pseudo_entry part_dir = {
    .name = "", .mode = S_IFDIR | 0755, .table = part_table, .ntable = ARRAY_SIZE(part_table)};

static int show_link(struct text *text, const struct pseudo *self)
{
    const struct block_device *d = disk_of(self);
    text_printf(text, "../../block/%s%s%s", d->whole ? d->whole->name : "", d->whole ? "/" : "",
                d->name);
    return 0;
}
static const struct pseudo_entry disk_link = {
    .name = "", .mode = S_IFLNK | 0777, .show = show_link};

/* Folders of them: of disks; of the partitions of a disk; of all by name, and by number. */
enum { FOLDERS, LINKS, NUMBERS, PARTS };
static int lookup(const struct pseudo *self, const char *name, struct pseudo *child);
static bool next(const struct pseudo *self, uint64_t *cursor, char name[NAME_MAX + 1],
                 struct pseudo *child);
static const struct pseudo_special members = {.lookup = lookup, .next = next};
static const struct pseudo_entry disk_dir = {.name = "",
                                             .mode = S_IFDIR | 0755,
                                             .table = disk_table,
                                             .ntable = ARRAY_SIZE(disk_table),
                                             .special = &members,
                                             .arg = PARTS};

static bool belongs(const struct pseudo *self, const struct block_device *d)
{
    if (self->entry->arg == PARTS)
        return d->whole && d->whole->rdev == self->key;
    return self->entry->arg != FOLDERS || !d->whole;
}

static void name_in(uint64_t folder, const struct block_device *d, char *name, size_t size)
{
    if (folder == NUMBERS)
        snprintf(name, size, "%u:%u", dev_major(d->rdev), dev_minor(d->rdev));
    else
        snprintf(name, size, "%s", d->name);
}

static void describe(uint64_t folder, const struct block_device *d, struct pseudo *child)
{
    const struct pseudo_entry *entry = folder == FOLDERS ? &disk_dir
                                       : folder == PARTS ? &part_dir
                                                         : &disk_link;
    *child = (struct pseudo){entry, d->rdev, 0};
}

static int lookup(const struct pseudo *self, const char *name, struct pseudo *child)
{
    char candidate[24];
    for (struct block_device *d = block_first(); d; d = block_next(d)) {
        name_in(self->entry->arg, d, candidate, sizeof(candidate));
        if (belongs(self, d) && strcmp(name, candidate) == 0) {
            describe(self->entry->arg, d, child);
            return 0;
        }
    }
    return -ENOENT;
}

static bool next(const struct pseudo *self, uint64_t *cursor, char name[NAME_MAX + 1],
                 struct pseudo *child)
{
    uint64_t i = 0;
    for (struct block_device *d = block_first(); d; d = block_next(d)) {
        if (!belongs(self, d) || i++ < *cursor)
            continue;
        ++*cursor;
        name_in(self->entry->arg, d, name, NAME_MAX + 1);
        describe(self->entry->arg, d, child);
        return true;
    }
    return false;
}

static int show_partitions(struct text *text, const struct pseudo *self)
{
    text_printf(text, "major minor  #blocks  name\n\n");
    for (struct block_device *d = block_first(); d; d = block_next(d))
        text_printf(text, "%4u  %7u %10lu %s\n", dev_major(d->rdev), dev_minor(d->rdev),
                    d->sectors / 2, d->name);
    return 0;
}

static int show_diskstats(struct text *text, const struct pseudo *self)
{
    for (struct block_device *d = block_first(); d; d = block_next(d)) {
        text_printf(text, "%4u %7u %s ", dev_major(d->rdev), dev_minor(d->rdev), d->name);
        put_stats(text, d);
    }
    return 0;
}

static int start(void)
{
    static struct pseudo_entry files[] = {PSEUDO_FILE("partitions", show_partitions),
                                          PSEUDO_FILE("diskstats", show_diskstats)};
    static const char *const folders[] = {
        [FOLDERS] = "block", [LINKS] = "class/block", [NUMBERS] = "dev/block"};
    for (unsigned i = 0; i < ARRAY_SIZE(files); i++)
        proc_register(&files[i]);
    for (unsigned i = 0; block_first() && i < ARRAY_SIZE(folders); i++) {
        struct pseudo_entry *folder = sysfs_folder(folders[i]);
        folder->special = &members;
        folder->arg = i;
    }
    return 0;
}
BOOT_STEP(PHASE_FS, "disks", start);
