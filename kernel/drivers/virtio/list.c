/* What virtio devices there are and what was agreed with them: /sys/bus/virtio, and lines before
 * the boot chart. */

#include "core/boot.h"
#include "core/log.h"
#include "drivers/virtio/queue.h"
#include "fs/sysfs.h"
#include "lib/errno.h"
#include "lib/string.h"

static const struct virtio_device *find(uint64_t number)
{
    const struct virtio_device *d = virtio_device_first();
    while (d && d->number != number)
        d = d->next;
    return d;
}

static const struct virtio_device *device_of(const struct pseudo *self)
{
    return find(self->key);
}

static int show_device(struct text *text, const struct pseudo *self)
{
    text_printf(text, "0x%04x\n", device_of(self)->id);
    return 0;
}

static int show_vendor(struct text *text, const struct pseudo *self)
{
    text_printf(text, "0x%04x\n", device_of(self)->vendor);
    return 0;
}

static int show_status(struct text *text, const struct pseudo *self)
{
    struct virtio_device *d = (struct virtio_device *)device_of(self);
    text_printf(text, "0x%08x\n", d->ops->get_status(d));
    return 0;
}

/* A digit a bit, bit 0 first (Documentation/ABI/testing/sysfs-bus-virtio). */
static void show_bits(struct text *text, uint64_t bits)
{
    for (unsigned i = 0; i < 64; i++)
        text_printf(text, "%u", (unsigned)(bits >> i & 1));
    text_printf(text, "\n");
}

static int show_features(struct text *text, const struct pseudo *self)
{
    show_bits(text, device_of(self)->features);
    return 0;
}

static int show_offered(struct text *text, const struct pseudo *self)
{
    show_bits(text, device_of(self)->offered);
    return 0;
}

static int show_place(struct text *text, const struct pseudo *self)
{
    const struct virtio_device *d = device_of(self);
    text_printf(text, "%s %s\n", d->ops->name, d->place);
    return 0;
}

static int show_modalias(struct text *text, const struct pseudo *self)
{
    const struct virtio_device *d = device_of(self);
    text_printf(text, "virtio:d%08Xv%08X\n", d->id, d->vendor);
    return 0;
}

static int show_uevent(struct text *text, const struct pseudo *self)
{
    const struct virtio_device *d = device_of(self);
    if (d->bound)
        text_printf(text, "DRIVER=virtio_%s\n", d->bound->name);
    text_printf(text, "MODALIAS=");
    return show_modalias(text, self);
}

static const struct pseudo_entry device_table[] = {
    PSEUDO_FILE("device", show_device),     PSEUDO_FILE("vendor", show_vendor),
    PSEUDO_FILE("status", show_status),     PSEUDO_FILE("features", show_features),
    PSEUDO_FILE("offered", show_offered),   PSEUDO_FILE("place", show_place),
    PSEUDO_FILE("modalias", show_modalias), PSEUDO_FILE("uevent", show_uevent),
};
static const struct pseudo_entry device_dir = {
    .name = "", .mode = S_IFDIR | 0755, .table = device_table, .ntable = ARRAY_SIZE(device_table)};

static int lookup(const struct pseudo *self, const char *name, struct pseudo *child)
{
    static const char prefix[] = "virtio";
    char number[8];
    if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
        return -ENOENT;
    for (const struct virtio_device *d = virtio_device_first(); d; d = d->next) {
        snprintf(number, sizeof(number), "%u", d->number);
        if (strcmp(name + sizeof(prefix) - 1, number) == 0) {
            *child = (struct pseudo){&device_dir, d->number, 0};
            return 0;
        }
    }
    return -ENOENT;
}

static bool next(const struct pseudo *self, uint64_t *cursor, char name[NAME_MAX + 1],
                 struct pseudo *child)
{
    if (!find(*cursor))
        return false;
    snprintf(name, NAME_MAX + 1, "virtio%lu", *cursor);
    *child = (struct pseudo){&device_dir, *cursor, 0};
    ++*cursor;
    return true;
}

static const struct pseudo_entry bus_table[] = {
    {.name = "devices",
     .mode = S_IFDIR | 0755,
     .special = PSEUDO_SPECIAL(.lookup = lookup, .next = next)},
};
static struct pseudo_entry bus_dir = {
    .name = "virtio", .mode = S_IFDIR | 0755, .table = bus_table, .ntable = ARRAY_SIZE(bus_table)};

static void show_in_chart(void)
{
    for (const struct virtio_device *d = virtio_device_first(); d; d = d->next)
        log_at(LOG_ALERT, "virtio%u: %s, %s: device %u (%s), %s ring%s, features %#lx of %#lx",
               d->number, d->place, d->ops->name, d->id, d->bound ? d->bound->name : "no driver",
               virtio_has(d, VIRTIO_F_RING_PACKED) ? "packed" : "split",
               virtio_has(d, VIRTIO_F_IN_ORDER) ? " in order" : "", d->features, d->offered);
}

static int show(void)
{
    if (!virtio_device_first())
        return 0;
    pseudo_register(sysfs_folder("bus"), &bus_dir);
    boot_chart_hook = show_in_chart;
    return 0;
}
BOOT_STEP(PHASE_FS, "/sys/bus/virtio", show);
