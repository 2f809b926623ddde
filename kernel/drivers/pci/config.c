/* Configuration space: through ports (PCI 3.0, 3.2.2.3.2), or in memory where ACPI's MCFG says (PCI
 * Firmware 3.0, 4.1.2) and the ports are not there. */

#include "drivers/pci/config.h"

#include "arch/x86_64/acpi.h"
#include "arch/x86_64/cpu.h"
#include "core/spinlock.h"
#include "drivers/mmio.h"
#include "lib/string.h"
#include "mm/karea.h"

enum { ADDRESS_PORT = 0xcf8, DATA_PORT = 0xcfc };
enum { MCFG_ENTRIES = 44, MCFG_ENTRY_SIZE = 16 };
#define ADDRESS_ENABLE 0x80000000u

static struct spinlock lock; /* over the pair of ports */
static bool use_ports;
static volatile uint8_t *ecam; /* of buses [ecam_first, ecam_last] */
static uint8_t ecam_first, ecam_last;

/* The address register holds what is written to it only if there is one. */
static bool ports_present(void)
{
    outl(ADDRESS_PORT, ADDRESS_ENABLE);
    bool present = inl(ADDRESS_PORT) == ADDRESS_ENABLE;
    if (present)
        outl(ADDRESS_PORT, 0);
    return present;
}

/* Only the first segment, at most its first 16 buses: a megabyte of addresses each. */
static bool map_ecam(void)
{
    enum { BUSES_MAX = 16 };
    size_t len;
    const uint8_t *mcfg = acpi_table("MCFG", 0, &len);
    if (!mcfg || len < MCFG_ENTRIES + MCFG_ENTRY_SIZE)
        return false;
    uint64_t base;
    memcpy(&base, mcfg + MCFG_ENTRIES, sizeof(base));
    ecam_first = mcfg[MCFG_ENTRIES + 10];
    ecam_last = MIN(mcfg[MCFG_ENTRIES + 11], ecam_first + BUSES_MAX - 1);
    ecam = karea_map_device(base + ((uint64_t)ecam_first << 20),
                            (size_t)(ecam_last - ecam_first + 1) << 20);
    return ecam != NULL;
}

bool pci_config_init(void)
{
    use_ports = ports_present();
    return use_ports || map_ecam();
}

static size_t ecam_offset(struct pci_address a, unsigned offset)
{
    return (size_t)(a.bus - ecam_first) << 20 | a.slot << 15 | a.function << 12 | offset;
}
static bool in_ecam(struct pci_address a)
{
    return a.bus >= ecam_first && a.bus <= ecam_last;
}
static uint32_t port_address(struct pci_address a, unsigned offset)
{
    return ADDRESS_ENABLE | a.bus << 16 | a.slot << 11 | a.function << 8 | (offset & 0xfc);
}

uint32_t pci_config_read(struct pci_address a, unsigned offset)
{
    offset &= ~3u;
    if (!use_ports)
        return in_ecam(a) ? mmio_read32(ecam, ecam_offset(a, offset)) : UINT32_MAX;
    uint64_t flags = spin_lock_irq(&lock);
    outl(ADDRESS_PORT, port_address(a, offset));
    uint32_t value = inl(DATA_PORT);
    spin_unlock_irq(&lock, flags);
    return value;
}

void pci_config_write(struct pci_address a, unsigned offset, uint32_t value, unsigned size)
{
    if (!use_ports) {
        if (in_ecam(a) && size == 4)
            mmio_write32(ecam, ecam_offset(a, offset), value);
        else if (in_ecam(a))
            mmio_write16(ecam, ecam_offset(a, offset), value);
        return;
    }
    uint64_t flags = spin_lock_irq(&lock);
    outl(ADDRESS_PORT, port_address(a, offset));
    if (size == 4)
        outl(DATA_PORT, value);
    else
        outw(DATA_PORT + (offset & 2), value);
    spin_unlock_irq(&lock, flags);
}
