/* drivers/pci/window.h: what ACPI's machine language says of the host bridge, as far as it can be
 * read without executing it. Pure parsers of foreign bytes; any context. */
#pragma once

#include "lib/types.h"

/* Ranges that the host bridge passes on, by its _CRS (ACPI 6.5, 6.4.3.5): the next memory range (of
 * devices with _HID PNP0A03 or PNP0A08) from *at on, a short way behind the name at most. Moves *at
 * behind it. False: none left. */
struct pci_window {
    paddr_t start, end; /* end: exclusive */
};
bool pci_scan_window(const uint8_t *aml, size_t len, size_t *at, struct pci_window *window);

/* Where its configuration space is, by _CBA: a constant, or a method that returns one. 0: not told.
 */
paddr_t pci_scan_ecam(const uint8_t *aml, size_t len);
