/* Finding devices on the buses (PCI 3.0, 6.1; PCI-to-PCI Bridge 1.2), and drivers for them. */

#include "drivers/pci/pci.h"

#include "core/boot.h"
#include "core/log.h"
#include "drivers/pci/assign.h"
#include "drivers/pci/config.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/karea.h"

enum { SLOTS = 32, FUNCTIONS = 8, DEPTH_MAX = 8, CAPS_MAX = 48, BUS_LAST = 255 };
enum { HEADER_MULTIFUNCTION = 0x80, HEADER_KIND = 0x7f, HEADER_BRIDGE = 1 };
enum { STATUS_CAPABILITIES = 0x10 };

extern const struct pci_driver *const __pci_drivers_start[], *const __pci_drivers_end[];

static struct pci_device *devices, **last = &devices;
static unsigned last_bus; /* the highest number given so far */

struct pci_device *pci_first(void)
{
    return devices;
}

/* --- configuration space ------------------------------------------------------------------ */

static struct pci_address address_of(const struct pci_device *d)
{
    return (struct pci_address){d->bus, d->slot, d->function};
}

uint32_t pci_read32(const struct pci_device *device, unsigned offset)
{
    return pci_config_read(address_of(device), offset);
}
uint16_t pci_read16(const struct pci_device *device, unsigned offset)
{
    return pci_read32(device, offset) >> (offset & 2) * 8;
}
uint8_t pci_read8(const struct pci_device *device, unsigned offset)
{
    return pci_read32(device, offset) >> (offset & 3) * 8;
}
void pci_write32(const struct pci_device *device, unsigned offset, uint32_t value)
{
    pci_config_write(address_of(device), offset, value, 4);
}
void pci_write16(const struct pci_device *device, unsigned offset, uint16_t value)
{
    pci_config_write(address_of(device), offset, value, 2);
}

void pci_enable(const struct pci_device *device, uint16_t bits)
{
    uint16_t command = pci_read16(device, PCI_COMMAND);
    if ((command & bits) != bits)
        pci_write16(device, PCI_COMMAND, command | bits);
}

/* The list is the device's: it may be damaged, so it is followed for a bounded time. */
unsigned pci_capability(const struct pci_device *device, unsigned id, unsigned after)
{
    unsigned at;
    if (after)
        at = pci_read8(device, after + 1);
    else if (pci_read16(device, PCI_STATUS) & STATUS_CAPABILITIES)
        at = pci_read8(device, PCI_CAPABILITIES);
    else
        return 0;
    for (unsigned n = 0; n < CAPS_MAX && (at & 0xfc) >= 0x40; n++) {
        uint16_t head = pci_read16(device, at & 0xfc);
        if ((head & 0xff) == id)
            return at & 0xfc;
        at = head >> 8;
    }
    return 0;
}

paddr_t pci_bar(const struct pci_device *device, unsigned bar, bool *is_port)
{
    if (bar >= PCI_BARS || !device->bars[bar].size)
        return 0;
    *is_port = device->bars[bar].is_port;
    return device->bars[bar].base;
}

volatile void *pci_map_bar(const struct pci_device *device, unsigned bar, uint32_t offset,
                           uint32_t length)
{
    bool is_port;
    paddr_t base = pci_bar(device, bar, &is_port);
    if (!base || is_port || !length || (uint64_t)offset + length > device->bars[bar].size)
        return NULL;
    return karea_map_device(base + offset, length);
}

/* --- finding devices ---------------------------------------------------------------------- */

static void scan_bus(unsigned bus, unsigned depth);

/* A bridge that the firmware has not given a bus gets the next one. All that is found behind it
 * lies in its range while we look, and afterwards ends it. */
static void scan_bridge(const struct pci_device *bridge, unsigned depth)
{
    unsigned secondary = pci_read8(bridge, PCI_SECONDARY_BUS);
    unsigned subordinate = pci_read8(bridge, PCI_SUBORDINATE_BUS);
    uint32_t latency = pci_read32(bridge, PCI_PRIMARY_BUS) & 0xff000000;
    bool ours = secondary <= bridge->bus;
    if (depth == DEPTH_MAX || (ours && last_bus == BUS_LAST))
        return;
    if (ours) {
        secondary = last_bus + 1;
        pci_write32(bridge, PCI_PRIMARY_BUS,
                    latency | BUS_LAST << 16 | secondary << 8 | bridge->bus);
    }
    last_bus = MAX(last_bus, ours ? secondary : MAX(secondary, subordinate));
    scan_bus(secondary, depth + 1);
    if (ours)
        pci_write32(bridge, PCI_PRIMARY_BUS,
                    latency | last_bus << 16 | secondary << 8 | bridge->bus);
}

/* True if there is a function. */
static bool scan_function(struct pci_address a, unsigned depth, uint8_t *header)
{
    uint32_t id = pci_config_read(a, PCI_VENDOR);
    if ((id & 0xffff) == 0xffff || (id & 0xffff) == 0)
        return false;
    *header = pci_config_read(a, PCI_HEADER_TYPE) >> 16;
    struct pci_device *d = kzalloc(sizeof(*d));
    if (!d)
        return true;
    d->bus = a.bus;
    d->slot = a.slot;
    d->function = a.function;
    d->vendor = id;
    d->device = id >> 16;
    d->class = pci_config_read(a, PCI_REVISION) >> 16;
    d->is_bridge = (*header & HEADER_KIND) == HEADER_BRIDGE;
    snprintf(d->place, sizeof(d->place), "pci %02x:%02x.%x", a.bus, a.slot, a.function);
    *last = d;
    last = &d->next;
    pci_read_bars(d);
    if (d->is_bridge)
        scan_bridge(d, depth);
    return true;
}

static void scan_bus(unsigned bus, unsigned depth)
{
    if (!pci_config_reach(bus))
        return;
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        uint8_t header = 0, other;
        if (!scan_function((struct pci_address){bus, slot, 0}, depth, &header))
            continue;
        for (unsigned f = 1; header & HEADER_MULTIFUNCTION && f < FUNCTIONS; f++)
            scan_function((struct pci_address){bus, slot, f}, depth, &other);
    }
}

/* --- drivers ------------------------------------------------------------------------------ */

static bool matches(const struct pci_driver *driver, const struct pci_device *device)
{
    if (driver->match)
        return driver->match(device);
    for (const struct pci_id *id = driver->ids; id->vendor; id++)
        if ((id->vendor == PCI_ANY || id->vendor == device->vendor) &&
            device->device >= id->first && device->device <= id->last &&
            (device->class & id->class_mask) == id->class)
            return true;
    return false;
}

static void bind(struct pci_device *device)
{
    for (const struct pci_driver *const *d = __pci_drivers_start; d < __pci_drivers_end; d++) {
        if (!matches(*d, device))
            continue;
        int r = (*d)->probe(device);
        if (r == 0) {
            device->driver = *d;
            break;
        }
        log_warning("pci: %s: %s: not usable (%d)", device->place, (*d)->name, r);
    }
    log_info("pci: %s: %04x:%04x class %04x: %s", device->place, device->vendor, device->device,
             device->class, device->driver ? device->driver->name : "no driver");
}

/* Before other CPUs run: sizes of BARs are found by moving them, which not every emulator does well
 * while other CPUs use devices (QEMU 7.2 sends their accesses astray). */
static int find_devices(void)
{
    const char *word = boot_param("pci");
    if ((word && strcmp(word, "off") == 0) || !pci_config_init())
        return 0;
    scan_bus(0, 0);
    if (!word || strcmp(word, "nobar") != 0)
        pci_assign();
    return 0;
}
BOOT_STEP(PHASE_THREADS, "pci buses", find_devices);

static int bind_drivers(void)
{
    for (struct pci_device *d = devices; d; d = d->next)
        bind(d);
    return 0;
}
BOOT_STEP(PHASE_BUS, "pci", bind_drivers);
