/* drivers/vmgenid.h: the machine's generation, which random numbers depend on. */
#pragma once

#include "lib/types.h"

/* Where a table's machine language says that the 16 bytes are; 0: it has no such device. Pure. */
paddr_t vmgenid_place(const uint8_t *aml, size_t len);
