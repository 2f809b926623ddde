/* What devices there are: /proc/bus/pci/devices and /sys/bus/pci/devices, as lspci reads them. */

#include "drivers/pci/pci.h"
#include "fs/procfs.h"
#include "fs/sysfs.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { CONFIG_BYTES = 256 };

static uint64_t key_of(const struct pci_device *d)
{
    return (uint64_t)d->bus << 8 | d->slot << 3 | d->function;
}

static const struct pci_device *device_of(const struct pseudo *self)
{
    const struct pci_device *d = pci_first();
    while (d && key_of(d) != self->key)
        d = d->next;
    return d;
}

/* A BAR's flags as they stand in its low bits. */
static unsigned flags_of(const struct pci_bar *bar)
{
    return bar->is_port ? 1 : (bar->is_64 ? 4 : 0) | (bar->prefetch ? 8 : 0);
}

static int show_number(struct text *text, const struct pseudo *self)
{
    text_printf(text, "0x%04x\n", pci_read16(device_of(self), self->entry->arg));
    return 0;
}
#define NUMBER(file_name, offset)                                                                  \
    {                                                                                              \
        .name = (file_name), .mode = S_IFREG | 0444, .show = show_number, .arg = (offset)          \
    }

static uint32_t class_of(const struct pci_device *d)
{
    return pci_read32(d, PCI_REVISION) >> 8;
}

static int show_class(struct text *text, const struct pseudo *self)
{
    text_printf(text, "0x%06x\n", class_of(device_of(self)));
    return 0;
}

static int show_revision(struct text *text, const struct pseudo *self)
{
    text_printf(text, "0x%02x\n", pci_read8(device_of(self), PCI_REVISION));
    return 0;
}

static int show_irq(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%u\n", pci_read8(device_of(self), PCI_INTERRUPT_LINE));
    return 0;
}

static int show_config(struct text *text, const struct pseudo *self)
{
    for (unsigned at = 0; at < CONFIG_BYTES; at += 4) {
        uint32_t word = pci_read32(device_of(self), at);
        text_put(text, (const char *)&word, sizeof(word));
    }
    return 0;
}

/* Linux's flags of a resource: IORESOURCE_IO, _MEM, _PREFETCH, _MEM_64. */
static int show_resource(struct text *text, const struct pseudo *self)
{
    enum { RESOURCES = 7, IO = 0x100, MEMORY = 0x200, PREFETCH = 0x2000, WIDE = 0x100000 };
    const struct pci_device *d = device_of(self);
    for (unsigned i = 0; i < RESOURCES; i++) {
        struct pci_bar bar = i < PCI_BARS ? d->bars[i] : (struct pci_bar){};
        uint64_t flags = bar.is_port ? IO : MEMORY | (bar.prefetch ? PREFETCH : 0);
        if (!bar.size || !bar.base)
            text_printf(text, "0x%016lx 0x%016lx 0x%016lx\n", 0ul, 0ul, 0ul);
        else
            text_printf(text, "0x%016lx 0x%016lx 0x%016lx\n", bar.base, bar.base + bar.size - 1,
                        flags | (bar.is_64 ? WIDE : 0) | flags_of(&bar));
    }
    return 0;
}

static int show_modalias(struct text *text, const struct pseudo *self)
{
    const struct pci_device *d = device_of(self);
    uint32_t class = class_of(d);
    text_printf(text, "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n", d->vendor, d->device,
                pci_read16(d, PCI_SUBSYSTEM_VENDOR), pci_read16(d, PCI_SUBSYSTEM), class >> 16,
                class >> 8 & 0xff, class & 0xff);
    return 0;
}

static int show_uevent(struct text *text, const struct pseudo *self)
{
    const struct pci_device *d = device_of(self);
    if (d->driver)
        text_printf(text, "DRIVER=%s\n", d->driver->name);
    text_printf(text, "PCI_CLASS=%X\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:%04X\n", class_of(d),
                d->vendor, d->device, pci_read16(d, PCI_SUBSYSTEM_VENDOR),
                pci_read16(d, PCI_SUBSYSTEM));
    text_printf(text, "PCI_SLOT_NAME=0000:%02x:%02x.%x\nMODALIAS=", d->bus, d->slot, d->function);
    return show_modalias(text, self);
}

static const struct pseudo_entry device_table[] = {
    NUMBER("vendor", PCI_VENDOR),
    NUMBER("device", PCI_DEVICE),
    NUMBER("subsystem_vendor", PCI_SUBSYSTEM_VENDOR),
    NUMBER("subsystem_device", PCI_SUBSYSTEM),
    PSEUDO_FILE("class", show_class),
    PSEUDO_FILE("revision", show_revision),
    PSEUDO_FILE("irq", show_irq),
    PSEUDO_FILE("config", show_config),
    PSEUDO_FILE("resource", show_resource),
    PSEUDO_FILE("modalias", show_modalias),
    PSEUDO_FILE("uevent", show_uevent),
};
static const struct pseudo_entry device_dir = {
    .name = "", .mode = S_IFDIR | 0755, .table = device_table, .ntable = ARRAY_SIZE(device_table)};

static void name_of(const struct pci_device *d, char *name, size_t size)
{
    snprintf(name, size, "0000:%02x:%02x.%x", d->bus, d->slot, d->function);
}

static int lookup(const struct pseudo *self, const char *name, struct pseudo *child)
{
    char candidate[16];
    for (const struct pci_device *d = pci_first(); d; d = d->next) {
        name_of(d, candidate, sizeof(candidate));
        if (strcmp(name, candidate) == 0) {
            *child = (struct pseudo){&device_dir, key_of(d), 0};
            return 0;
        }
    }
    return -ENOENT;
}

static bool next(const struct pseudo *self, uint64_t *cursor, char name[NAME_MAX + 1],
                 struct pseudo *child)
{
    const struct pci_device *d = pci_first();
    for (uint64_t i = 0; d && i < *cursor; i++)
        d = d->next;
    if (!d)
        return false;
    ++*cursor;
    name_of(d, name, NAME_MAX + 1);
    *child = (struct pseudo){&device_dir, key_of(d), 0};
    return true;
}

static const struct pseudo_entry bus_table[] = {
    {.name = "devices",
     .mode = S_IFDIR | 0755,
     .special = PSEUDO_SPECIAL(.lookup = lookup, .next = next)},
};
static struct pseudo_entry bus_dir = {
    .name = "pci", .mode = S_IFDIR | 0755, .table = bus_table, .ntable = ARRAY_SIZE(bus_table)};

/* Place, identifiers, line, six BARs and the ROM with their flags, their sizes, the driver. */
static int show_devices(struct text *text, const struct pseudo *self)
{
    for (const struct pci_device *d = pci_first(); d; d = d->next) {
        text_printf(text, "%02x%02x\t%04x%04x\t%x", d->bus, d->slot << 3 | d->function, d->vendor,
                    d->device, pci_read8(d, PCI_INTERRUPT_LINE));
        for (unsigned i = 0; i < PCI_BARS; i++)
            text_printf(text, "\t%16lx",
                        d->bars[i].base ? d->bars[i].base | flags_of(&d->bars[i]) : 0);
        text_printf(text, "\t%16lx", 0ul);
        for (unsigned i = 0; i < PCI_BARS; i++)
            text_printf(text, "\t%16lx", d->bars[i].size);
        text_printf(text, "\t%16lx\t%s\n", 0ul, d->driver ? d->driver->name : "");
    }
    return 0;
}

static int start(void)
{
    static const struct pseudo_entry pci_table[] = {PSEUDO_FILE("devices", show_devices)};
    static const struct pseudo_entry proc_table[] = {{.name = "pci",
                                                      .mode = S_IFDIR | 0555,
                                                      .table = pci_table,
                                                      .ntable = ARRAY_SIZE(pci_table)}};
    static struct pseudo_entry proc_bus = {.name = "bus",
                                           .mode = S_IFDIR | 0555,
                                           .table = proc_table,
                                           .ntable = ARRAY_SIZE(proc_table)};
    if (!pci_first())
        return 0;
    pseudo_register(sysfs_folder("bus"), &bus_dir);
    proc_register(&proc_bus);
    return 0;
}
BOOT_STEP(PHASE_FS, "/sys/bus/pci", start);
