/* Addresses of PCI devices (PCI 3.0, 6.2.5.1; PCI-to-PCI Bridge 1.2, 3.2.5). What the firmware has
 * assigned stays. The rest is given addresses in memory, first fit: on the root bus out of the host
 * bridge's windows, behind a bridge out of its window, which is made if there is none. */

#include "drivers/pci/assign.h"

#include "arch/x86_64/acpi.h"
#include "core/boot.h"
#include "core/log.h"
#include "drivers/pci/config.h"
#include "drivers/pci/window.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { BAR_IO = 1, BAR_64 = 4, BAR_KIND = 6, BAR_PREFETCH = 8 };
enum { WINDOWS_MAX = 8, BRIDGE_GRAIN = 1 << 20 };
#define IO_APIC 0xfec00000ul

static struct pci_window windows[WINDOWS_MAX];
static unsigned nwindows;

/* --- sizes -------------------------------------------------------------------------------- */

/* With all ones written, the bits of the size read as zeroes. */
static uint32_t probe_bits(struct pci_device *device, unsigned offset)
{
    uint32_t value = pci_read32(device, offset);
    pci_write32(device, offset, UINT32_MAX);
    uint32_t bits = pci_read32(device, offset);
    pci_write32(device, offset, value);
    return bits;
}

/* The number of words that the BAR takes. */
static unsigned read_bar(struct pci_device *device, unsigned n, unsigned nbars)
{
    struct pci_bar *bar = &device->bars[n];
    unsigned offset = PCI_BAR0 + 4 * n;
    uint32_t value = pci_read32(device, offset), bits = probe_bits(device, offset);
    if (bits == 0 || bits == UINT32_MAX)
        return 1;
    bar->is_port = bits & BAR_IO;
    if (bar->is_port) {
        uint32_t mask = bits & ~3u;
        bar->size = (mask | (mask & 0xffff ? 0xffff0000 : 0)) & -mask;
        bar->base = value & ~3u;
        return 1;
    }
    bar->is_64 = (bits & BAR_KIND) == BAR_64 && n + 1 < nbars;
    bar->prefetch = bits & BAR_PREFETCH;
    uint64_t base = value & ~15u, mask = (bits & ~15u) | 0xffffffff00000000ul;
    if (bar->is_64) {
        base |= (uint64_t)pci_read32(device, offset + 4) << 32;
        mask = (uint64_t)probe_bits(device, offset + 4) << 32 | (bits & ~15u);
    }
    bar->size = mask & -mask;
    bar->base = base;
    return bar->is_64 ? 2 : 1;
}

/* Decoding is off meanwhile, but for bridges of the host, which the processor may depend on. */
void pci_read_bars(struct pci_device *device)
{
    unsigned nbars = device->is_bridge ? 2 : PCI_BARS;
    uint16_t command = pci_read16(device, PCI_COMMAND);
    uint16_t decode = PCI_COMMAND_IO | PCI_COMMAND_MEMORY;
    bool host = device->class >> 8 == PCI_CLASS_BRIDGE && !device->is_bridge;
    if (!host && command & decode)
        pci_write16(device, PCI_COMMAND, command & ~decode);
    for (unsigned n = 0; n < nbars;)
        n += read_bar(device, n, nbars);
    if (!host && command & decode)
        pci_write16(device, PCI_COMMAND, command);
}

/* --- windows of bridges ------------------------------------------------------------------- */

/* Addresses in units of a megabyte, base and limit; a base above the limit: none (3.2.5.6). */
static struct pci_window memory_window(const struct pci_device *bridge)
{
    uint32_t value = pci_read32(bridge, PCI_MEMORY_WINDOW);
    paddr_t start = (value & 0xfff0) << 16, last = (value & 0xfff00000) | (BRIDGE_GRAIN - 1);
    return last > start && start ? (struct pci_window){start, last + 1} : (struct pci_window){};
}

static void set_memory_window(const struct pci_device *bridge, struct pci_window w)
{
    pci_write32(bridge, PCI_MEMORY_WINDOW, (w.start >> 16 & 0xfff0) | ((w.end - 1) & 0xfff00000));
    pci_enable(bridge, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static struct pci_window prefetch_window(const struct pci_device *bridge)
{
    uint32_t value = pci_read32(bridge, PCI_PREFETCH_WINDOW);
    uint64_t high = value & 1 ? pci_read32(bridge, PCI_PREFETCH_WINDOW + 4) : 0;
    uint64_t high_end = value & 1 ? pci_read32(bridge, PCI_PREFETCH_WINDOW + 8) : 0;
    paddr_t start = high << 32 | (value & 0xfff0) << 16;
    paddr_t last = high_end << 32 | (value & 0xfff00000) | (BRIDGE_GRAIN - 1);
    return last > start && start ? (struct pci_window){start, last + 1} : (struct pci_window){};
}

/* --- what is taken ------------------------------------------------------------------------ */

/* If [start, start+size) meets what is taken: where that ends, else 0. */
static paddr_t meets(paddr_t start, uint64_t size, paddr_t taken, uint64_t length)
{
    return length && start < taken + length && taken < start + size ? taken + length : 0;
}

static paddr_t meets_window(paddr_t start, uint64_t size, struct pci_window w)
{
    return meets(start, size, w.start, w.end - w.start);
}

/* Of devices on one bus: their BARs, and what bridges pass on. */
static paddr_t meets_devices(unsigned bus, paddr_t start, uint64_t size)
{
    paddr_t end = 0;
    for (struct pci_device *d = pci_first(); d && !end; d = d->next) {
        if (d->bus != bus)
            continue;
        for (unsigned i = 0; i < PCI_BARS && !end; i++)
            if (d->bars[i].base && !d->bars[i].is_port)
                end = meets(start, size, d->bars[i].base, d->bars[i].size);
        if (d->is_bridge && !end)
            end = meets_window(start, size, memory_window(d));
        if (d->is_bridge && !end)
            end = meets_window(start, size, prefetch_window(d));
    }
    return end;
}

/* Memory of the machine, and the configuration space. */
static paddr_t meets_machine(paddr_t start, uint64_t size)
{
    paddr_t end = 0;
    const struct pci_ecam *ecam;
    for (unsigned i = 0; i < boot_info.nmemory && !end; i++)
        end = meets(start, size, boot_info.memory[i].start, boot_info.memory[i].size);
    for (unsigned i = 0; !end && (ecam = pci_ecam_range(i)); i++)
        end = meets(start, size, ecam->base + ((paddr_t)ecam->first << 20),
                    (uint64_t)(ecam->last - ecam->first + 1) << 20);
    return end;
}

/* A free place in a window, aligned to its size; 0: none. */
static paddr_t place_in(struct pci_window w, unsigned bus, uint64_t size, uint64_t align)
{
    paddr_t at = ALIGN_UP(w.start, align), end;
    while (at >= w.start && at < w.end && size <= w.end - at) {
        end = meets_devices(bus, at, size);
        if (!end && bus == 0)
            end = meets_machine(at, size);
        if (!end)
            return at;
        at = ALIGN_UP(end, align);
    }
    return 0;
}

/* --- giving addresses --------------------------------------------------------------------- */

static void find_windows(void)
{
    static const char *const tables[] = {"DSDT", "SSDT"};
    for (unsigned i = 0; i < ARRAY_SIZE(tables); i++) {
        size_t len, at = 0;
        const uint8_t *aml = acpi_table(tables[i], 0, &len);
        while (aml && nwindows < WINDOWS_MAX && pci_scan_window(aml, len, &at, &windows[nwindows]))
            nwindows++;
    }
    if (nwindows)
        return;
    /* Nobody tells: what lies between memory and the I/O APIC. */
    paddr_t start = 0;
    for (unsigned i = 0; i < boot_info.nmemory; i++) {
        paddr_t end = boot_info.memory[i].start + boot_info.memory[i].size;
        if (end < IO_APIC && end > start)
            start = end;
    }
    windows[nwindows++] = (struct pci_window){ALIGN_UP(start, (paddr_t)BRIDGE_GRAIN), IO_APIC};
}

/* The windows that are open to devices of a bus: a bridge's, or those of the host bridge. */
static unsigned windows_of(const struct pci_device *bridge, struct pci_window *out)
{
    if (bridge) {
        out[0] = memory_window(bridge);
        return out[0].end ? 1 : 0;
    }
    memcpy(out, windows, nwindows * sizeof(*out));
    return nwindows;
}

static paddr_t find_place(const struct pci_device *bridge, unsigned bus, uint64_t size,
                          uint64_t align, bool above_4g)
{
    struct pci_window open[WINDOWS_MAX];
    unsigned n = windows_of(bridge, open);
    paddr_t at = 0;
    for (unsigned i = 0; i < n && !at; i++) {
        if (!above_4g)
            open[i].end = MIN(open[i].end, (paddr_t)1 << 32);
        if (open[i].start < open[i].end)
            at = place_in(open[i], bus, size, align);
    }
    return at;
}

static void give(struct pci_device *device, unsigned n, paddr_t at)
{
    struct pci_bar *bar = &device->bars[n];
    unsigned offset = PCI_BAR0 + 4 * n;
    pci_write16(device, PCI_COMMAND, pci_read16(device, PCI_COMMAND) & ~PCI_COMMAND_MEMORY);
    pci_write32(device, offset, at);
    if (bar->is_64)
        pci_write32(device, offset + 4, at >> 32);
    bar->base = at;
}

/* Ports are given to nobody: all that we drive has memory as well. */
static bool lacks_address(const struct pci_bar *bar)
{
    return bar->size && !bar->base && !bar->is_port;
}

static void assign_device(struct pci_device *device, const struct pci_device *bridge)
{
    bool given = false;
    for (unsigned n = 0; n < PCI_BARS; n++) {
        struct pci_bar *bar = &device->bars[n];
        if (!lacks_address(bar))
            continue;
        enum { PAGE = 4096 };
        uint64_t size = MAX(bar->size, (uint64_t)PAGE);
        paddr_t at = find_place(bridge, device->bus, size, size, bar->is_64);
        if (at)
            give(device, n, at);
        else
            log_info("pci: %s: no place for BAR %u of %#lx bytes", device->place, n, bar->size);
        given |= at != 0;
    }
    if (given)
        pci_enable(device, PCI_COMMAND_MEMORY);
}

/* What all that is behind the bridge needs, at most; 0: nothing lacks an address. */
static uint64_t needs(unsigned bus)
{
    uint64_t sum = 0, largest = 0;
    for (struct pci_device *d = pci_first(); d; d = d->next) {
        if (d->bus != bus)
            continue;
        for (unsigned n = 0; n < PCI_BARS; n++)
            if (lacks_address(&d->bars[n])) {
                sum += MAX(d->bars[n].size, (uint64_t)PAGE_SIZE);
                largest = MAX(largest, d->bars[n].size);
            }
        unsigned behind = d->is_bridge ? pci_read8(d, PCI_SECONDARY_BUS) : 0;
        if (behind > bus)
            sum += needs(behind);
    }
    return sum ? ALIGN_UP(sum + largest, (uint64_t)BRIDGE_GRAIN) : 0;
}

static void assign_bus(unsigned bus, const struct pci_device *bridge, unsigned depth);

static void assign_bridge(struct pci_device *bridge, const struct pci_device *above, unsigned depth)
{
    unsigned bus = pci_read8(bridge, PCI_SECONDARY_BUS);
    uint64_t size = needs(bus);
    if (bus <= bridge->bus || !size)
        return;
    if (!memory_window(bridge).end) {
        paddr_t at = find_place(above, bridge->bus, size, BRIDGE_GRAIN, false);
        if (!at)
            return log_info("pci: %s: no place for %#lx bytes behind it", bridge->place, size);
        set_memory_window(bridge, (struct pci_window){at, at + size});
    }
    assign_bus(bus, bridge, depth + 1);
}

static void assign_bus(unsigned bus, const struct pci_device *bridge, unsigned depth)
{
    enum { DEPTH_MAX = 8 };
    for (struct pci_device *d = pci_first(); d && depth <= DEPTH_MAX; d = d->next) {
        if (d->bus != bus)
            continue;
        assign_device(d, bridge);
        if (d->is_bridge)
            assign_bridge(d, bridge, depth);
    }
}

static bool any_lacks(void)
{
    for (struct pci_device *d = pci_first(); d; d = d->next)
        for (unsigned n = 0; n < PCI_BARS; n++)
            if (lacks_address(&d->bars[n]))
                return true;
    return false;
}

void pci_assign(void)
{
    if (!any_lacks())
        return;
    find_windows();
    assign_bus(0, NULL, 0);
}
