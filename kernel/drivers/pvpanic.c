/* QEMU's pvpanic (docs/specs/pvpanic.txt): tells the host of a panic, as an ISA port or a PCI
 * device. */
#include "drivers/power.h"

#include "arch/x86_64/cpu.h"
#include "drivers/mmio.h"
#include "drivers/pci/pci.h"
#include "lib/errno.h"

enum { ISA_PORT = 0x505, ABSENT = 0xff, PANICKED = 1 };
#define HYPERVISOR (1u << 31) /* CPUID 1, ECX */

static volatile void *registers; /* of the PCI device */

void pvpanic_tell(void)
{
    if (registers)
        mmio_write8(registers, 0, PANICKED);
    if (!(cpuid(1, 0).ecx & HYPERVISOR)) /* others may have anything at that port */
        return;
    uint8_t events = inb(ISA_PORT); /* that it understands */
    if (events != ABSENT && events & PANICKED)
        outb(ISA_PORT, PANICKED);
}

static int probe(struct pci_device *device)
{
    registers = pci_map_bar(device, 0, 0, 1);
    if (!registers)
        return -ENODEV;
    pci_enable(device, PCI_COMMAND_MEMORY);
    return 0;
}

static const struct pci_id ids[] = {{0x1b36, 0x0011, 0x0011, 0, 0}, {}};
static const struct pci_driver pvpanic = {.name = "pvpanic", .ids = ids, .probe = probe};
PCI_DRIVER(pvpanic);
