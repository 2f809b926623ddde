/* For tests on the host: there are no interrupts to turn off. */
#pragma once

#include "lib/types.h"

static inline uint64_t irq_save(void)
{
    return 0;
}
static inline void irq_restore(uint64_t flags)
{
    (void)flags;
}
static inline bool irq_enabled(void)
{
    return true;
}
static inline void irq_enable(void)
{
}
static inline void irq_disable(void)
{
}
