/* arch/x86_64/irqflags.h: the interrupt flag of this CPU. Any context. */
#pragma once

#include "lib/types.h"

/* Turn interrupts off; returns the flags to hand to irq_restore(). */
static inline uint64_t irq_save(void)
{
    uint64_t flags;
    asm volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
    return flags;
}
static inline void irq_restore(uint64_t flags)
{
    if (flags & 0x200)
        asm volatile("sti" : : : "memory");
}
static inline bool irq_enabled(void)
{
    uint64_t flags;
    asm volatile("pushfq; popq %0" : "=r"(flags));
    return flags & 0x200;
}
static inline void irq_enable(void)
{
    asm volatile("sti" : : : "memory");
}
static inline void irq_disable(void)
{
    asm volatile("cli" : : : "memory");
}
