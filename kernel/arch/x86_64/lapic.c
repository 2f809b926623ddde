#include "arch/x86_64/lapic.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irq.h"
#include "arch/x86_64/irqflags.h"
#include "core/panic.h"
#include "mm/karea.h"

enum {
    APIC_BASE_X2APIC = 1 << 10,
    APIC_BASE_ENABLE = 1 << 11,
    SVR_ENABLE = 1 << 8,
    LVT_MASKED = 1 << 16,
    ICR_PENDING = 1 << 12,
    ICR_ASSERT = 1 << 14
};

static bool x2apic;
static volatile uint32_t *registers;

uint32_t lapic_read(unsigned reg)
{
    return x2apic ? (uint32_t)rdmsr(0x800 + reg / 16) : registers[reg / 4];
}

void lapic_write(unsigned reg, uint32_t v)
{
    if (x2apic)
        wrmsr(0x800 + reg / 16, v);
    else
        registers[reg / 4] = v;
}

uint32_t lapic_id(void)
{
    uint32_t id = lapic_read(LAPIC_ID);
    return x2apic ? id : id >> 24;
}

void lapic_ipi(uint32_t apic_id, unsigned mode, unsigned vector)
{
    uint32_t low = mode | vector | (mode == IPI_INIT || mode == IPI_STARTUP ? ICR_ASSERT : 0);
    if (x2apic) {
        wrmsr(0x800 + LAPIC_ICR / 16, (uint64_t)apic_id << 32 | low);
        return;
    }
    uint64_t flags = irq_save();
    while (lapic_read(LAPIC_ICR) & ICR_PENDING)
        cpu_pause();
    lapic_write(LAPIC_ICR_HIGH, apic_id << 24);
    lapic_write(LAPIC_ICR, low);
    irq_restore(flags);
}

__cold void lapic_cpu_init(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);
    bool boot_cpu = !registers && !x2apic;
    if (boot_cpu) {
        x2apic = cpuid(1, 0).ecx & 1 << 21;
        if (!x2apic)
            registers = (volatile uint32_t *)karea_map_device(base & 0xffffff000ull, PAGE_SIZE);
        assert(x2apic || registers);
    }
    wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE | (x2apic ? APIC_BASE_X2APIC : 0));
    lapic_write(LAPIC_TPR, 0);
    lapic_write(LAPIC_LVT_LINT0, LVT_MASKED);
    lapic_write(LAPIC_LVT_LINT1, boot_cpu ? IPI_NMI : LVT_MASKED);
    lapic_write(LAPIC_LVT_ERROR, LVT_MASKED);
    lapic_write(LAPIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
}
