/* In the place of kernel/drivers/mmio.h: a driver's registers are a model's. */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint32_t mmio_read32(const volatile void *base, size_t offset);
void mmio_write32(volatile void *base, size_t offset, uint32_t value);
