/* drivers/pci/config.h: configuration space by address, for pci.c. Any context. */
#pragma once

#include "lib/types.h"

struct pci_address {
    uint8_t bus, slot, function;
};

/* Find a way in; false: this machine has no PCI. Once, in a thread. */
bool pci_config_init(void);
/* The aligned word that holds the offset; all ones where nothing is. */
uint32_t pci_config_read(struct pci_address address, unsigned offset);
/* size: 2 or 4 bytes, at an offset aligned to it. */
void pci_config_write(struct pci_address address, unsigned offset, uint32_t value, unsigned size);
