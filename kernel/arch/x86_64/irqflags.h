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
/* With interrupts off: wait for one and let it be handled; they are off again afterwards. sti takes
 * effect after the next instruction (SDM 2B, STI), so none can come before hlt. */
static inline void irq_wait(void)
{
    asm volatile("sti; hlt; cli" : : : "memory");
}
