/* Interrupts of PCI devices: messages (PCI 3.0, 6.8) and lines. */

#include "core/boot.h"
#include "drivers/mmio.h"
#include "drivers/pci/pci.h"
#include "lib/errno.h"
#include "lib/string.h"

/* The MSI-X capability and its table (6.8.2). */
enum { MSIX_CONTROL = 2, MSIX_TABLE = 4, MSIX_ENTRY_SIZE = 16 };
enum { MSIX_ENABLE = 0x8000, MSIX_COUNT = 0x7ff };
enum { ENTRY_ADDRESS = 0, ENTRY_ADDRESS_HIGH = 4, ENTRY_DATA = 8, ENTRY_CONTROL = 12 };

static unsigned message_capability(const struct pci_device *device, unsigned id)
{
    const char *word = boot_param("pci");
    return word && strcmp(word, "nomsi") == 0 ? 0 : pci_capability(device, id, 0);
}

int pci_msix_enable(struct pci_device *device)
{
    unsigned cap = message_capability(device, PCI_CAP_MSIX);
    if (!cap)
        return -ENODEV;
    uint16_t control = pci_read16(device, cap + MSIX_CONTROL);
    uint32_t table = pci_read32(device, cap + MSIX_TABLE);
    unsigned count = (control & MSIX_COUNT) + 1;
    device->msix_table = pci_map_bar(device, table & 7, table & ~7u, count * MSIX_ENTRY_SIZE);
    if (!device->msix_table)
        return -ENODEV;
    device->msix_cap = cap;
    device->msix_count = count;
    pci_enable(device, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_NO_INTX);
    pci_write16(device, cap + MSIX_CONTROL, MSIX_ENABLE);
    return 0;
}

static void lines_again(struct pci_device *device)
{
    pci_write16(device, PCI_COMMAND, pci_read16(device, PCI_COMMAND) & ~PCI_COMMAND_NO_INTX);
}

void pci_msix_disable(struct pci_device *device)
{
    if (!device->msix_cap)
        return;
    pci_write16(device, device->msix_cap + MSIX_CONTROL, 0);
    lines_again(device);
    device->msix_cap = device->msix_count = 0;
}

static void write_entry(struct pci_device *device, unsigned entry, uint64_t address, uint32_t data)
{
    size_t at = entry * MSIX_ENTRY_SIZE;
    /* Masked meanwhile, so that no message goes out with half an address. */
    mmio_write32(device->msix_table, at + ENTRY_CONTROL, 1);
    mmio_write32(device->msix_table, at + ENTRY_ADDRESS, address);
    mmio_write32(device->msix_table, at + ENTRY_ADDRESS_HIGH, address >> 32);
    mmio_write32(device->msix_table, at + ENTRY_DATA, data);
    mmio_write32(device->msix_table, at + ENTRY_CONTROL, 0);
}

int pci_msix_bind(struct pci_device *device, unsigned entry, const struct cpu *cpu,
                  irq_handler_t *handler, void *arg)
{
    if (!device->msix_cap || entry >= device->msix_count)
        return -EINVAL;
    int vector = irq_vector_alloc(handler, arg);
    if (vector < 0)
        return vector;
    uint64_t address;
    uint32_t data;
    irq_msi_message(cpu, vector, &address, &data);
    write_entry(device, entry, address, data);
    return 0;
}

int pci_msix_move(struct pci_device *device, unsigned entry, const struct cpu *cpu)
{
    if (!device->msix_cap || entry >= device->msix_count)
        return -EINVAL;
    uint64_t address;
    uint32_t data;
    uint32_t vector = mmio_read32(device->msix_table, entry * MSIX_ENTRY_SIZE + ENTRY_DATA) & 0xff;
    irq_msi_message(cpu, vector, &address, &data);
    write_entry(device, entry, address, data);
    return 0;
}

/* --- one message (6.8.1) ------------------------------------------------------------------- */

enum { MSI_CONTROL = 2, MSI_ADDRESS = 4, MSI_ADDRESS_HIGH = 8, MSI_DATA_32 = 8, MSI_DATA_64 = 12 };
enum { MSI_ENABLE = 1, MSI_MULTIPLE = 0x70, MSI_64 = 0x80 };

static unsigned msi_data(const struct pci_device *device, unsigned cap)
{
    return cap + (pci_read16(device, cap + MSI_CONTROL) & MSI_64 ? MSI_DATA_64 : MSI_DATA_32);
}

static void write_message(const struct pci_device *device, unsigned cap, const struct cpu *cpu,
                          int vector)
{
    uint64_t address;
    uint32_t data;
    uint16_t control = pci_read16(device, cap + MSI_CONTROL) & ~(MSI_ENABLE | MSI_MULTIPLE);
    irq_msi_message(cpu, vector, &address, &data);
    pci_write16(device, cap + MSI_CONTROL, control);
    pci_write32(device, cap + MSI_ADDRESS, address);
    if (control & MSI_64)
        pci_write32(device, cap + MSI_ADDRESS_HIGH, address >> 32);
    pci_write16(device, msi_data(device, cap), data);
    pci_write16(device, cap + MSI_CONTROL, control | MSI_ENABLE);
}

int pci_msi_bind(struct pci_device *device, const struct cpu *cpu, irq_handler_t *handler,
                 void *arg)
{
    unsigned cap = message_capability(device, PCI_CAP_MSI);
    if (!cap)
        return -ENODEV;
    int vector = irq_vector_alloc(handler, arg);
    if (vector < 0)
        return vector;
    pci_enable(device, PCI_COMMAND_MASTER | PCI_COMMAND_NO_INTX);
    write_message(device, cap, cpu, vector);
    device->msi_cap = cap;
    return 0;
}

int pci_msi_move(struct pci_device *device, const struct cpu *cpu)
{
    if (!device->msi_cap)
        return -EINVAL;
    write_message(device, device->msi_cap, cpu,
                  pci_read16(device, msi_data(device, device->msi_cap)) & 0xff);
    return 0;
}

/* --- lines -------------------------------------------------------------------------------- */

int pci_line_bind(const struct pci_device *device, irq_handler_t *handler, void *arg)
{
    uint8_t line = pci_read8(device, PCI_INTERRUPT_LINE);
    if (!pci_read8(device, PCI_INTERRUPT_PIN) || line == 0 || line == 0xff)
        return -ENODEV;
    return irq_gsi_request(line, GSI_DEFAULT, handler, arg);
}

int pci_irq_bind(struct pci_device *device, const struct cpu *cpu, irq_handler_t *handler,
                 void *arg)
{
    if (pci_msix_enable(device) == 0) {
        if (pci_msix_bind(device, 0, cpu, handler, arg) == 0)
            return 0;
        pci_msix_disable(device);
    }
    if (pci_msi_bind(device, cpu, handler, arg) == 0)
        return 0;
    return pci_line_bind(device, handler, arg);
}
