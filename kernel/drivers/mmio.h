/* drivers/mmio.h: reading and writing device registers in memory. Any context. */
#pragma once

#include "lib/types.h"

#define MMIO_ACCESS(bits)                                                                          \
    static inline uint##bits##_t mmio_read##bits(const volatile void *base, size_t offset)         \
    {                                                                                              \
        return *(const volatile uint##bits##_t *)((uintptr_t)base + offset);                       \
    }                                                                                              \
    static inline void mmio_write##bits(volatile void *base, size_t offset, uint##bits##_t value)  \
    {                                                                                              \
        *(volatile uint##bits##_t *)((uintptr_t)base + offset) = value;                            \
    }
MMIO_ACCESS(8)
MMIO_ACCESS(16)
MMIO_ACCESS(32)
#undef MMIO_ACCESS
