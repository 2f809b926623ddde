/* drivers/pci/pci.h: devices on PCI buses (PCI Local Bus 3.0, PCI Express base). Threads only,
 * except where noted; from boot phase BUS on. Nothing is there with `pci=off`; with `pci=nobar`
 * addresses that the firmware did not assign stay so, with `pci=nomsi` interrupts are lines'. */
#pragma once

#include "arch/x86_64/irq.h"
#include "lib/types.h"

enum {
    PCI_VENDOR = 0x00,
    PCI_DEVICE = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION = 0x08,
    PCI_CLASS = 0x0a, /* class << 8 | subclass */
    PCI_HEADER_TYPE = 0x0e,
    PCI_BAR0 = 0x10,
    PCI_SUBSYSTEM_VENDOR = 0x2c,
    PCI_SUBSYSTEM = 0x2e,
    PCI_CAPABILITIES = 0x34,
    PCI_INTERRUPT_LINE = 0x3c,
    PCI_INTERRUPT_PIN = 0x3d
};
enum { /* of bridges (PCI-to-PCI Bridge 1.2, 3.2) */
       PCI_PRIMARY_BUS = 0x18,
       PCI_SECONDARY_BUS = 0x19,
       PCI_SUBORDINATE_BUS = 0x1a,
       PCI_IO_WINDOW = 0x1c,
       PCI_MEMORY_WINDOW = 0x20,
       PCI_PREFETCH_WINDOW = 0x24
};
enum {
    PCI_COMMAND_IO = 1,
    PCI_COMMAND_MEMORY = 2,
    PCI_COMMAND_MASTER = 4,
    PCI_COMMAND_NO_INTX = 0x400
};
enum { PCI_CAP_MSI = 0x05, PCI_CAP_VENDOR = 0x09, PCI_CAP_MSIX = 0x11 };
enum { PCI_CLASS_BRIDGE = 0x06, PCI_BARS = 6 };

/* A range of addresses that a device answers to. */
struct pci_bar {
    paddr_t base;  /* 0: not assigned */
    uint64_t size; /* bytes, 0: there is none */
    bool is_port, is_64, prefetch;
};

struct pci_device {
    uint8_t bus, slot, function;
    bool is_bridge;
    uint8_t msix_cap, msi_cap; /* offset, 0: not enabled */
    uint16_t vendor, device, class;
    uint16_t msix_count;
    volatile void *msix_table; /* mapped by pci_msix_enable() */
    struct pci_bar bars[PCI_BARS];
    char place[16]; /* "pci 00:02.0" */
    const struct pci_driver *driver;
    struct pci_device *next;
};

/* Which devices a driver is for; the list ends with vendor 0. */
struct pci_id {
    uint16_t vendor;            /* PCI_ANY: all */
    uint16_t first, last;       /* of the devices' numbers */
    uint16_t class, class_mask; /* mask 0: any */
};
enum { PCI_ANY = 0xffff };

struct pci_driver {
    const char *name;
    const struct pci_id *ids;
    bool (*match)(const struct pci_device *device); /* instead of ids, where these do not tell */
    /* The device is the driver's for good on 0; after a negative errno another may try. */
    int (*probe)(struct pci_device *device);
};
#define PCI_DRIVER(var)                                                                            \
    static const struct pci_driver *const pci_driver_##var __used __section(".pci_drivers") = &var

/* All devices, bridges too, in the order in which they were found. */
struct pci_device *pci_first(void);

/* Configuration space; any context. */
uint32_t pci_read32(const struct pci_device *device, unsigned offset);
uint16_t pci_read16(const struct pci_device *device, unsigned offset);
uint8_t pci_read8(const struct pci_device *device, unsigned offset);
void pci_write32(const struct pci_device *device, unsigned offset, uint32_t value);
void pci_write16(const struct pci_device *device, unsigned offset, uint16_t value);

/* The next capability with this id behind `after` (0: the first), its offset; 0: none. */
unsigned pci_capability(const struct pci_device *device, unsigned id, unsigned after);
/* Where a BAR points: a memory address or (*is_port) an I/O port; 0: not assigned, or no such. */
paddr_t pci_bar(const struct pci_device *device, unsigned bar, bool *is_port);
/* Map length bytes at offset of a memory BAR; NULL: not assigned, it ends before, or no memory. */
volatile void *pci_map_bar(const struct pci_device *device, unsigned bar, uint32_t offset,
                           uint32_t length);
/* Turn on PCI_COMMAND_* bits. */
void pci_enable(const struct pci_device *device, uint16_t bits);

/* Use message-signalled interrupts (and no line). -ENODEV: it has none. Entries are masked until
 * they are bound: pci_msix_bind() has entry n raise handler(arg) on the CPU; -ENOSPC, -EINVAL. */
int pci_msix_enable(struct pci_device *device);
int pci_msix_bind(struct pci_device *device, unsigned entry, const struct cpu *cpu,
                  irq_handler_t *handler, void *arg);
/* Have entry n, which is bound, raise its handler on another CPU. -EINVAL. */
int pci_msix_move(struct pci_device *device, unsigned entry, const struct cpu *cpu);
/* Back to the line interrupt. */
void pci_msix_disable(struct pci_device *device);

/* The same for devices that know only one message, without a table. -ENODEV, -ENOSPC. */
int pci_msi_bind(struct pci_device *device, const struct cpu *cpu, irq_handler_t *handler,
                 void *arg);
int pci_msi_move(struct pci_device *device, const struct cpu *cpu);

/* The line interrupt, shared with others. -ENODEV: not connected, or nobody told where. */
int pci_line_bind(const struct pci_device *device, irq_handler_t *handler, void *arg);
/* One interrupt for all of the device, the best that it has: MSI-X's first entry, MSI, or the line.
 */
int pci_irq_bind(struct pci_device *device, const struct cpu *cpu, irq_handler_t *handler,
                 void *arg);
