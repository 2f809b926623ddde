/* Configuration space: through ports (PCI 3.0, 3.2.2.3.2), or in memory where ACPI's MCFG says (PCI
 * Firmware 3.0, 4.1.2) and the ports are not there. */

#include "drivers/pci/config.h"

#include "arch/x86_64/acpi.h"
#include "arch/x86_64/cpu.h"
#include "core/spinlock.h"
#include "drivers/mmio.h"
#include "drivers/pci/window.h"
#include "lib/string.h"
#include "mm/karea.h"

enum { ADDRESS_PORT = 0xcf8, DATA_PORT = 0xcfc };
enum { MCFG_ENTRIES = 44, MCFG_ENTRY_SIZE = 16, RANGES_MAX = 4 };
#define ADDRESS_ENABLE 0x80000000u

static struct spinlock lock; /* over the pair of ports */
static bool use_ports;
static struct pci_ecam ranges[RANGES_MAX];
static unsigned nranges;
static volatile uint8_t *buses[256]; /* a megabyte each, mapped by pci_config_reach() */

/* The address register holds what is written to it only if there is one. */
static bool ports_present(void)
{
    outl(ADDRESS_PORT, ADDRESS_ENABLE);
    bool present = inl(ADDRESS_PORT) == ADDRESS_ENABLE;
    if (present)
        outl(ADDRESS_PORT, 0);
    return present;
}

/* The first segment group only. */
static void read_mcfg(void)
{
    size_t len, at = MCFG_ENTRIES;
    const uint8_t *mcfg = acpi_table("MCFG", 0, &len);
    for (; mcfg && at + MCFG_ENTRY_SIZE <= len && nranges < RANGES_MAX; at += MCFG_ENTRY_SIZE) {
        struct pci_ecam *range = &ranges[nranges];
        uint16_t segment;
        memcpy(&range->base, mcfg + at, sizeof(range->base));
        memcpy(&segment, mcfg + at + 8, sizeof(segment));
        range->first = mcfg[at + 10];
        range->last = mcfg[at + 11];
        if (segment == 0 && range->base && range->first <= range->last)
            nranges++;
    }
}

/* Without an MCFG the host bridge's _CBA tells (PCI Firmware 3.0, 4.1.3). */
static void read_cba(void)
{
    size_t len;
    const uint8_t *dsdt = acpi_table("DSDT", 0, &len);
    paddr_t base = dsdt ? pci_scan_ecam(dsdt, len) : 0;
    if (base)
        ranges[nranges++] = (struct pci_ecam){base, 0, 255};
}

bool pci_config_init(void)
{
    use_ports = ports_present();
    if (!use_ports)
        read_mcfg();
    if (!use_ports && !nranges)
        read_cba();
    return use_ports || nranges;
}

const struct pci_ecam *pci_ecam_range(unsigned n)
{
    return n < nranges ? &ranges[n] : NULL;
}

bool pci_config_reach(uint8_t bus)
{
    if (use_ports || buses[bus])
        return true;
    for (unsigned i = 0; i < nranges; i++)
        if (bus >= ranges[i].first && bus <= ranges[i].last)
            buses[bus] = karea_map_device(ranges[i].base + ((paddr_t)bus << 20), 1 << 20);
    return buses[bus];
}

static size_t ecam_offset(struct pci_address a, unsigned offset)
{
    return a.slot << 15 | a.function << 12 | offset;
}

/* The address stays from access to access: under a hypervisor each write of it costs an exit. */
static void select(struct pci_address a, unsigned offset)
{
    static uint32_t selected;
    uint32_t address =
        ADDRESS_ENABLE | a.bus << 16 | a.slot << 11 | a.function << 8 | (offset & 0xfc);
    if (address != selected)
        outl(ADDRESS_PORT, selected = address);
}

uint32_t pci_config_read(struct pci_address a, unsigned offset)
{
    offset &= ~3u;
    if (!use_ports)
        return buses[a.bus] ? mmio_read32(buses[a.bus], ecam_offset(a, offset)) : UINT32_MAX;
    uint64_t flags = spin_lock_irq(&lock);
    select(a, offset);
    uint32_t value = inl(DATA_PORT);
    spin_unlock_irq(&lock, flags);
    return value;
}

void pci_config_write(struct pci_address a, unsigned offset, uint32_t value, unsigned size)
{
    if (!use_ports) {
        if (buses[a.bus] && size == 4)
            mmio_write32(buses[a.bus], ecam_offset(a, offset), value);
        else if (buses[a.bus])
            mmio_write16(buses[a.bus], ecam_offset(a, offset), value);
        return;
    }
    uint64_t flags = spin_lock_irq(&lock);
    select(a, offset);
    if (size == 4)
        outl(DATA_PORT, value);
    else
        outw(DATA_PORT + (offset & 2), value);
    spin_unlock_irq(&lock, flags);
}
