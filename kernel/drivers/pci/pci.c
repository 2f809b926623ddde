#include "drivers/pci/pci.h"

#include "core/boot.h"
#include "core/log.h"
#include "drivers/mmio.h"
#include "drivers/pci/config.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/karea.h"

enum { SLOTS = 32, FUNCTIONS = 8, DEPTH_MAX = 8, BARS = 6, CAPS_MAX = 48 };
enum { HEADER_MULTIFUNCTION = 0x80, HEADER_KIND = 0x7f, HEADER_BRIDGE = 1 };
enum { STATUS_CAPABILITIES = 0x10 };
enum { BAR_IO = 1, BAR_64 = 4, BAR_KIND_MASK = 6 };

extern const struct pci_driver *const __pci_drivers_start[], *const __pci_drivers_end[];

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
    pci_write16(device, PCI_COMMAND, pci_read16(device, PCI_COMMAND) | bits);
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
    if (bar >= BARS)
        return 0;
    uint32_t low = pci_read32(device, PCI_BAR0 + 4 * bar);
    *is_port = low & BAR_IO;
    if (*is_port)
        return low & ~3u;
    uint64_t high = 0;
    if ((low & BAR_KIND_MASK) == BAR_64 && bar + 1 < BARS)
        high = pci_read32(device, PCI_BAR0 + 4 * (bar + 1));
    return high << 32 | (low & ~15u);
}

volatile void *pci_map_bar(const struct pci_device *device, unsigned bar, uint32_t offset,
                           uint32_t length)
{
    bool is_port;
    paddr_t base = pci_bar(device, bar, &is_port);
    if (!base || is_port || !length)
        return NULL;
    return karea_map_device(base + offset, length);
}

/* --- interrupts --------------------------------------------------------------------------- */

/* The MSI-X capability and its table (PCI 3.0, 6.8.2). */
enum { MSIX_CONTROL = 2, MSIX_TABLE = 4, MSIX_ENTRY_SIZE = 16 };
enum { MSIX_CONTROL_ENABLE = 0x8000, MSIX_CONTROL_MASK_ALL = 0x4000, MSIX_CONTROL_COUNT = 0x7ff };
enum { ENTRY_ADDRESS = 0, ENTRY_ADDRESS_HIGH = 4, ENTRY_DATA = 8, ENTRY_CONTROL = 12 };

int pci_msix_enable(struct pci_device *device)
{
    device->msix_cap = pci_capability(device, PCI_CAP_MSIX, 0);
    if (!device->msix_cap)
        return -ENODEV;
    uint16_t control = pci_read16(device, device->msix_cap + MSIX_CONTROL);
    uint32_t table = pci_read32(device, device->msix_cap + MSIX_TABLE);
    device->msix_count = (control & MSIX_CONTROL_COUNT) + 1;
    device->msix_table =
        pci_map_bar(device, table & 7, table & ~7u, device->msix_count * MSIX_ENTRY_SIZE);
    if (!device->msix_table)
        return -ENODEV;
    pci_enable(device, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_NO_INTX);
    pci_write16(device, device->msix_cap + MSIX_CONTROL, MSIX_CONTROL_ENABLE);
    return 0;
}

void pci_msix_disable(struct pci_device *device)
{
    if (!device->msix_table)
        return;
    pci_write16(device, device->msix_cap + MSIX_CONTROL, 0);
    pci_write16(device, PCI_COMMAND, pci_read16(device, PCI_COMMAND) & ~PCI_COMMAND_NO_INTX);
    device->msix_count = 0;
}

int pci_msix_bind(struct pci_device *device, unsigned entry, const struct cpu *cpu,
                  irq_handler_t *handler, void *arg)
{
    if (!device->msix_table || entry >= device->msix_count)
        return -EINVAL;
    int vector = irq_vector_alloc(handler, arg);
    if (vector < 0)
        return vector;
    uint64_t address;
    uint32_t data;
    irq_msi_message(cpu, vector, &address, &data);
    size_t at = entry * MSIX_ENTRY_SIZE;
    mmio_write32(device->msix_table, at + ENTRY_ADDRESS, address);
    mmio_write32(device->msix_table, at + ENTRY_ADDRESS_HIGH, address >> 32);
    mmio_write32(device->msix_table, at + ENTRY_DATA, data);
    mmio_write32(device->msix_table, at + ENTRY_CONTROL, 0);
    return 0;
}

/* Masked meanwhile, so that no message goes out with half an address. */
int pci_msix_move(struct pci_device *device, unsigned entry, const struct cpu *cpu)
{
    if (!device->msix_table || entry >= device->msix_count)
        return -EINVAL;
    size_t at = entry * MSIX_ENTRY_SIZE;
    uint64_t address;
    uint32_t data;
    irq_msi_message(cpu, mmio_read32(device->msix_table, at + ENTRY_DATA), &address, &data);
    mmio_write32(device->msix_table, at + ENTRY_CONTROL, 1);
    mmio_write32(device->msix_table, at + ENTRY_ADDRESS, address);
    mmio_write32(device->msix_table, at + ENTRY_ADDRESS_HIGH, address >> 32);
    mmio_write32(device->msix_table, at + ENTRY_CONTROL, 0);
    return 0;
}

int pci_line_bind(const struct pci_device *device, irq_handler_t *handler, void *arg)
{
    uint8_t line = pci_read8(device, PCI_INTERRUPT_LINE);
    if (line == 0 || line == 0xff)
        return -ENODEV;
    return irq_gsi_request(line, GSI_DEFAULT, handler, arg);
}

/* --- finding devices ---------------------------------------------------------------------- */

static void bind(const struct pci_device *found)
{
    for (const struct pci_driver *const *d = __pci_drivers_start; d < __pci_drivers_end; d++) {
        if (!(*d)->match(found))
            continue;
        struct pci_device *device = kmalloc(sizeof(*device));
        if (!device)
            return;
        *device = *found;
        int r = (*d)->probe(device);
        if (r == 0)
            return;
        log_warning("pci: %s: %s: not usable (%d)", device->place, (*d)->name, r);
        kfree(device);
    }
}

static void scan_bus(unsigned bus, unsigned depth);

/* True if there is a function. */
static bool scan_function(struct pci_address a, unsigned depth, uint8_t *header)
{
    uint32_t id = pci_config_read(a, PCI_VENDOR);
    if ((id & 0xffff) == 0xffff || (id & 0xffff) == 0)
        return false;
    struct pci_device found = {
        .bus = a.bus,
        .slot = a.slot,
        .function = a.function,
        .vendor = id,
        .device = id >> 16,
        .class = pci_config_read(a, PCI_REVISION) >> 16,
    };
    snprintf(found.place, sizeof(found.place), "pci %02x:%02x.%x", a.bus, a.slot, a.function);
    *header = pci_config_read(a, PCI_HEADER_TYPE) >> 16;
    if ((*header & HEADER_KIND) == HEADER_BRIDGE) {
        unsigned secondary = pci_read8(&found, PCI_SECONDARY_BUS);
        if (secondary > a.bus && depth < DEPTH_MAX)
            scan_bus(secondary, depth + 1);
    } else {
        bind(&found);
    }
    return true;
}

static void scan_bus(unsigned bus, unsigned depth)
{
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        uint8_t header = 0, other;
        if (!scan_function((struct pci_address){bus, slot, 0}, depth, &header))
            continue;
        for (unsigned f = 1; header & HEADER_MULTIFUNCTION && f < FUNCTIONS; f++)
            scan_function((struct pci_address){bus, slot, f}, depth, &other);
    }
}

static int pci_init(void)
{
    const char *word = boot_param("pci");
    if (word && strcmp(word, "off") == 0)
        return 0;
    if (pci_config_init())
        scan_bus(0, 0);
    return 0;
}
BOOT_STEP(PHASE_BUS, "pci", pci_init);
