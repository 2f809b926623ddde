/* drivers/pci/assign.h: addresses of PCI devices, for pci.c. Once, in a thread. */
#pragma once

#include "drivers/pci/pci.h"

/* Find out the kind and size of each BAR, and where it points. */
void pci_read_bars(struct pci_device *device);
/* Give addresses to BARs and bridges that the firmware has left without: out of what the host
 * bridge passes on (ACPI's tables tell, or else what is free below the I/O APIC). */
void pci_assign(void);
