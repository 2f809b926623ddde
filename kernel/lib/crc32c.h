/* lib/crc32c.h: CRC-32C (Castagnoli, RFC 3720 B.4), by the processor where it can. Any context. */
#pragma once

#include "lib/types.h"

/* Continue a checksum over n bytes; no inversion at either end. */
uint32_t crc32c(uint32_t crc, const void *data, size_t n);
