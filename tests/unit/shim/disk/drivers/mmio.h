/* For tests on the host: registers are a model's. */
#pragma once

#include "lib/types.h"

uint32_t model_read(uintptr_t at);
void model_write(uintptr_t at, uint32_t value);

static inline uint32_t mmio_read32(const volatile void *base, size_t offset)
{
    return model_read((uintptr_t)base + offset);
}
static inline void mmio_write32(volatile void *base, size_t offset, uint32_t value)
{
    model_write((uintptr_t)base + offset, value);
}
