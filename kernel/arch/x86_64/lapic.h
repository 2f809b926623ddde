/* arch/x86_64/lapic.h: the local APIC of the calling CPU (SDM 3A, 11), xAPIC or x2APIC. Any
 * context. */
#pragma once

#include "lib/types.h"

enum {
    LAPIC_ID = 0x20,
    LAPIC_VERSION = 0x30,
    LAPIC_TPR = 0x80,
    LAPIC_EOI = 0xb0,
    LAPIC_SVR = 0xf0,
    LAPIC_ESR = 0x280,
    LAPIC_ICR = 0x300,
    LAPIC_ICR_HIGH = 0x310,
    LAPIC_LVT_TIMER = 0x320,
    LAPIC_LVT_LINT0 = 0x350,
    LAPIC_LVT_LINT1 = 0x360,
    LAPIC_LVT_ERROR = 0x370,
    LAPIC_TIMER_INITIAL = 0x380,
    LAPIC_TIMER_CURRENT = 0x390,
    LAPIC_TIMER_DIVIDE = 0x3e0,
};

/* A register (LAPIC_*) of the calling CPU; xAPIC or x2APIC. lapic_id(): its APIC ID. */
uint32_t lapic_read(unsigned reg);
void lapic_write(unsigned reg, uint32_t v);
static inline void lapic_eoi(void)
{
    lapic_write(LAPIC_EOI, 0);
}
uint32_t lapic_id(void);

/* Enable it on the calling CPU; the boot CPU first, which takes the NMIs from outside (LINT1). */
void lapic_cpu_init(void);

/* Send an inter-processor interrupt: a fixed vector, NMI, INIT, or start-up at page `vector`. */
enum { IPI_FIXED = 0x000, IPI_NMI = 0x400, IPI_INIT = 0x500, IPI_STARTUP = 0x600 };
void lapic_ipi(uint32_t apic_id, unsigned mode, unsigned vector);
