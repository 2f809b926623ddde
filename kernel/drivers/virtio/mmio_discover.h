/* drivers/virtio/mmio_discover.h: where virtio-mmio devices may be: pure parsers of foreign text
 * and bytes. Any context. */
#pragma once

#include "lib/types.h"

struct mmio_place {
    paddr_t address;
    unsigned gsi;
    bool flags_known, level, active_low;
};

/* SIZE@ADDR:IRQ[:ID], SIZE with K, M or G; 0 or -EINVAL. */
int mmio_parse_word(const char *word, struct mmio_place *place);
/* The next Device with _HID "LNRO0005" in the AML from *at on, with its fixed memory and interrupt;
 * moves *at behind it. False: none left. */
bool mmio_scan_aml(const uint8_t *aml, size_t len, size_t *at, struct mmio_place *place);
