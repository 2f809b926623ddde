/* drivers/pci/config.h: configuration space by address, for drivers/pci. Any context, except where
 * noted. */
#pragma once

#include "lib/types.h"

struct pci_address {
    uint8_t bus, slot, function;
};

/* Find a way in; false: this machine has no PCI. Once, in a thread. */
bool pci_config_init(void);
/* Make a bus's functions accessible; false: there is no way to them. In a thread. */
bool pci_config_reach(uint8_t bus);
/* The aligned word that holds the offset; all ones where nothing is. */
uint32_t pci_config_read(struct pci_address address, unsigned offset);
/* size: 2 or 4 bytes, at an offset aligned to it. */
void pci_config_write(struct pci_address address, unsigned offset, uint32_t value, unsigned size);

/* Memory that holds the space of buses [first, last], a megabyte each; bus 0's would be at base.
 * The n-th, or NULL. */
struct pci_ecam {
    paddr_t base;
    uint8_t first, last;
};
const struct pci_ecam *pci_ecam_range(unsigned n);
