#include "drivers/block/partitions.h"

#include "core/boot.h"
#include "core/log.h"
#include "drivers/block/cache.h"
#include "drivers/block/partition_table.h"
#include "fs/vfs.h"
#include "lib/endian.h"
#include "lib/string.h"
#include "mm/heap.h"

static bool looking; /* phase FS has come: requests are served */

static struct block_device *find(struct block_device *disk, unsigned number)
{
    struct block_device *d = disk->next;
    while (d && d->whole == disk && d->number < number)
        d = d->next;
    return d && d->whole == disk && d->number == number ? d : NULL;
}

static struct block_device *next_part(struct block_device *disk, struct block_device *part)
{
    struct block_device *d = block_next(part ? part : disk);
    return d && d->whole == disk ? d : NULL;
}

static void name_part(struct block_device *part)
{
    const char *disk = part->whole->name;
    char last = disk[strlen(disk) - 1];
    snprintf(part->name, sizeof(part->name), "%s%s%u", disk, last >= '0' && last <= '9' ? "p" : "",
             part->number);
}

/* A new one, not in any list yet. */
static struct block_device *make(struct block_device *disk, unsigned number)
{
    struct block_device *part = kzalloc(sizeof(*part));
    if (!part)
        return NULL;
    part->whole = disk;
    part->number = number;
    part->driver_name = disk->driver_name;
    part->rdev = number < disk->minors ? disk->rdev + number : block_extended_rdev();
    name_part(part);
    return part;
}

/* What it has of its disk. */
static void set_place(struct block_device *part, const struct partition *p)
{
    struct block_device *disk = part->whole;
    part->start = p->start;
    part->sectors = p->sectors;
    part->limits = disk->limits;
    if (part->limits.physical_block > 1)
        part->limits.alignment = (disk->limits.alignment + part->limits.physical_block -
                                  p->start * BLOCK_SECTOR % part->limits.physical_block) %
                                 part->limits.physical_block;
    part->read_only = disk->read_only;
    part->always_read_only = disk->always_read_only;
    part->read_ahead = disk->read_ahead;
    part->block_size = disk->block_size;
    memcpy(part->uuid, p->uuid, sizeof(part->uuid));
    memcpy(part->label, p->name, sizeof(part->label));
}

static int show(struct block_device *disk, const struct partition *p)
{
    struct block_device *part = find(disk, p->number);
    if (part) {
        set_place(part, p);
        part->gone = false;
        return blockdev_show(part->rdev, true);
    }
    part = make(disk, p->number);
    if (!part)
        return -ENOMEM;
    set_place(part, p);
    return block_add(part);
}

static void hide(struct block_device *part)
{
    part->gone = true;
    blockdev_show(part->rdev, false);
}

/* --- reading the tables ------------------------------------------------------------------- */

static int read_sectors(void *owner, uint64_t sector, void *buf, size_t n)
{
    return block_transfer(owner, BLOCK_READ, sector, buf, n);
}

static void complain(const struct block_device *disk, unsigned wrong)
{
    static const char *const texts[] = {
        "the partition table (GPT) is damaged, its backup is used",
        "the partition table (GPT) is damaged, and so is its backup",
        "a partition reaches beyond the end",
        "a partition overlaps another and is left out",
    };
    for (unsigned i = 0; i < ARRAY_SIZE(texts); i++)
        if (wrong >> i & 1)
            log_err("block: %s: %s", disk->name, texts[i]);
}

static int look(struct block_device *disk)
{
    struct partition_disk *source = kzalloc(sizeof(*source));
    struct partition *list = kmalloc(PARTITIONS_MAX * sizeof(*list));
    enum partition_kind kind;
    unsigned wrong = 0;
    int n = source && list ? 0 : -ENOMEM;
    if (n == 0) {
        source->sectors = disk->sectors;
        source->logical_block = disk->limits.logical_block;
        source->read = read_sectors;
        source->owner = disk;
        n = partitions_read(source, list, &kind, &wrong);
    }
    for (int i = 0; i < n; i++)
        show(disk, &list[i]);
    complain(disk, wrong);
    if (n < 0)
        log_err("block: %s: its partition table cannot be read (error %d)", disk->name, -n);
    kfree(list);
    kfree(source);
    return MIN(n, 0);
}

void partitions_look(struct block_device *disk)
{
    if (looking)
        look(disk);
}

static int start(void)
{
    looking = true;
    for (struct block_device *d = block_first(); d; d = block_next(d))
        if (!d->whole)
            look(d);
    return 0;
}
BOOT_STEP(PHASE_FS, "partitions", start);

int partitions_reread(struct block_device *disk)
{
    int err = disk->whole ? -EINVAL : 0;
    if (err)
        return err;
    mutex_lock(&disk->open_lock);
    if (disk->sectors) /* the table may have been written just now */
        cache_write(&disk->cache, 0, cache_last(&disk->cache));
    for (struct block_device *p = next_part(disk, NULL); p; p = next_part(disk, p))
        if (p->nopen)
            err = -EBUSY;
    for (struct block_device *p = NULL; err == 0 && (p = next_part(disk, p));)
        hide(p);
    if (err == 0)
        look(disk);
    mutex_unlock(&disk->open_lock);
    return err;
}

/* --- by hand ------------------------------------------------------------------------------ */

static bool is_free(struct block_device *disk, const struct block_device *but, uint64_t start,
                    uint64_t sectors)
{
    for (struct block_device *p = next_part(disk, NULL); p; p = next_part(disk, p))
        if (p != but && start < p->start + p->sectors && p->start < start + sectors)
            return false;
    return true;
}

static bool inside(const struct block_device *disk, uint64_t start, uint64_t sectors)
{
    return sectors && start <= disk->sectors && sectors <= disk->sectors - start;
}

int partition_add(struct block_device *disk, unsigned number, uint64_t start, uint64_t sectors)
{
    struct partition p = {.start = start, .sectors = sectors, .number = number};
    mutex_lock(&disk->open_lock);
    struct block_device *old = find(disk, number);
    int err = -EINVAL;
    if (number && number <= PARTITIONS_MAX && inside(disk, start, sectors))
        err = (old && !old->gone) || !is_free(disk, NULL, start, sectors) ? -EBUSY : show(disk, &p);
    mutex_unlock(&disk->open_lock);
    return err;
}

int partition_delete(struct block_device *disk, unsigned number)
{
    mutex_lock(&disk->open_lock);
    struct block_device *part = find(disk, number);
    int err = !part || part->gone ? -ENXIO : part->nopen ? -EBUSY : 0;
    if (err == 0)
        hide(part);
    mutex_unlock(&disk->open_lock);
    return err;
}

/* Nothing may be cached from the page on in which the smaller of the sizes ends: after growth the
 * page would lack what the disk has there, after shrinking it would be written beyond the end. */
static void set_sectors(struct block_device *part, uint64_t sectors)
{
    struct block_cache *cache = &part->cache;
    uint64_t edge = MIN(sectors, part->sectors) / (PAGE_SIZE / BLOCK_SECTOR);
    uint64_t last = cache_last(cache), at;
    for (bool done = false; !done; thread_resched_point()) {
        cache_write(cache, edge, last);
        cache_drop(cache, edge, last, false);
        uint64_t irq = spin_lock_irq(&cache->lock);
        for (at = edge, done = true; done && at <= last;)
            done = !page_store_find_marked(&cache->pages, &at, last, 0);
        if (done) /* nobody has come meanwhile */
            part->sectors = sectors;
        spin_unlock_irq(&cache->lock, irq);
    }
}

int partition_resize(struct block_device *disk, unsigned number, uint64_t start, uint64_t sectors)
{
    mutex_lock(&disk->open_lock);
    struct block_device *part = find(disk, number);
    int err = !part || part->gone ? -ENXIO : 0;
    if (err == 0 && (part->start != start || !inside(disk, start, sectors)))
        err = -EINVAL;
    if (err == 0 && !is_free(disk, part, start, sectors))
        err = -EBUSY;
    if (err == 0)
        set_sectors(part, sectors);
    mutex_unlock(&disk->open_lock);
    return err;
}

/* --- by name ------------------------------------------------------------------------------ */

static bool same_uuid(const char *a, const char *b)
{
    while (*a && (*a | 0x20) == (*b | 0x20))
        a++, b++;
    return !*a && !*b;
}

static bool is_called(const struct block_device *d, const char *name)
{
    static const char uuid[] = "PARTUUID=", label[] = "PARTLABEL=", dev[] = "/dev/";
    char number[24];
    if (strncmp(name, uuid, sizeof(uuid) - 1) == 0)
        return d->uuid[0] && same_uuid(d->uuid, name + sizeof(uuid) - 1);
    if (strncmp(name, label, sizeof(label) - 1) == 0)
        return d->label[0] && strcmp(d->label, name + sizeof(label) - 1) == 0;
    if (strncmp(name, dev, sizeof(dev) - 1) == 0)
        name += sizeof(dev) - 1;
    snprintf(number, sizeof(number), "%u:%u", dev_major(d->rdev), dev_minor(d->rdev));
    return strcmp(d->name, name) == 0 || strcmp(number, name) == 0;
}

struct block_device *block_by_name(const char *name)
{
    struct block_device *d = block_first();
    while (d && !is_called(d, name))
        d = block_next(d);
    return d;
}

/* Where the boot sector of a disk of osprey build's says that the root is (loader/layout.h); 0: it
 * is another's, or not the one that the loader came from. */
static uint32_t root_sector(struct block_device *disk, uint8_t *buf)
{
    enum { LAYOUT = 0x190, ROOT = LAYOUT + 12, SIGNATURE = 0x1b8, MAGIC = 0x4450534f };
    if (block_transfer(disk, BLOCK_READ, 0, buf, disk->limits.logical_block) < 0 ||
        get_le32(buf + LAYOUT) != MAGIC ||
        (boot_info.from_disk && get_le32(buf + SIGNATURE) != boot_info.disk_signature))
        return 0;
    return get_le32(buf + ROOT);
}

struct block_device *block_of_root(void)
{
    enum { BLOCK = 4096 };
    struct block_device *found = NULL, *part;
    uint8_t *buf = kmalloc(BLOCK);
    for (struct block_device *d = block_first(); buf && d && !found; d = block_next(d)) {
        uint32_t sector = d->whole || !d->sectors ? 0 : root_sector(d, buf);
        for (part = next_part(d, NULL); sector && part && !found; part = next_part(d, part))
            if (part->start == sector)
                found = part;
    }
    kfree(buf);
    return found;
}
