/* The local APIC's timer (SDM 3A, 11.5.4): one shot, or at a value of the TSC where it can. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irq.h"
#include "arch/x86_64/irqflags.h"
#include "arch/x86_64/lapic.h"
#include "core/boot.h"
#include "core/clock.h"
#include "core/log.h"
#include "drivers/clock/tsc.h"
#include "lib/errno.h"

enum {
    LVT_TSC_DEADLINE = 2 << 17,
    LVT_MASKED_BIT = 1 << 16,
    DIVIDE_BY_1 = 0xb,
    CPUID_1_ECX_TSC_DEADLINE = 1 << 24,
    GHZ = 1000000000,
    KHZ = 1000,
    MEASURE_NS = 1000000,
    MEASURE_TICKS = 1000000, /* 1 ms at 1 GHz */
    SHIFT = 32,
};

static uint64_t ticks_per_ns __after_boot_readonly; /* SHIFT binary places */

static void fired(void *arg)
{
    clock_event_fired();
}

/* --- one shot --- */

static void one_shot_arm(nsec_t deadline)
{
    nsec_t ns = deadline - clock_monotonic();
    uint64_t ticks;

    if (deadline == NSEC_FOREVER) {
        lapic_write(LAPIC_TIMER_INITIAL, 0);
        return;
    }
    ns = MAX((nsec_t)0, MIN(ns, (nsec_t)4 * GHZ)); /* later than that: again when it fires */
    ticks = ((unsigned __int128)ns * ticks_per_ns >> SHIFT) + 1;
    lapic_write(LAPIC_TIMER_INITIAL, MIN(ticks, (uint64_t)UINT32_MAX));
}

static void one_shot_cpu_init(void)
{
    lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_1);
    lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER);
}

static const struct clock_event one_shot = {
    .name = "lapic", .rating = 100, .arm = one_shot_arm, .cpu_init = one_shot_cpu_init};

/* Ticks in a while of the clock. */
static uint64_t measure(void)
{
    nsec_t begin, now;
    uint32_t left;

    lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_1);
    lapic_write(LAPIC_LVT_TIMER, LVT_MASKED_BIT | VECTOR_TIMER);
    begin = clock_monotonic();
    lapic_write(LAPIC_TIMER_INITIAL, UINT32_MAX);
    do
        now = clock_monotonic();
    while (now - begin < MEASURE_NS);
    left = lapic_read(LAPIC_TIMER_CURRENT);
    lapic_write(LAPIC_TIMER_INITIAL, 0);
    return (uint64_t)(UINT32_MAX - left) * GHZ / (now - begin);
}

/* The other way round: this timer is known and the TSC is not. */
static void measure_tsc(void)
{
    uint64_t begin, end;
    uint32_t passed;

    lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_1);
    lapic_write(LAPIC_LVT_TIMER, LVT_MASKED_BIT | VECTOR_TIMER);
    lapic_write(LAPIC_TIMER_INITIAL, UINT32_MAX);
    begin = rdtsc();
    do {
        passed = UINT32_MAX - lapic_read(LAPIC_TIMER_CURRENT);
        end = rdtsc();
    } while (passed < MEASURE_TICKS);
    lapic_write(LAPIC_TIMER_INITIAL, 0);
    tsc_measured((end - begin) * GHZ / passed);
}

/* 0: not told. */
static uint64_t told_frequency(void)
{
    struct hypervisor clocks = hypervisor_clocks();

    if (clocks.apic_khz)
        return (uint64_t)clocks.apic_khz * KHZ;
    if (clocks.counts_ns)
        return GHZ;
    /* Where it is told, the crystal's frequency is this timer's too (SDM 3A, 11.5.4). */
    return clocks.present || cpuid(0, 0).eax < 0x15 ? 0 : cpuid(0x15, 0).ecx;
}

/* --- at a value of the TSC --- */

static void deadline_arm(nsec_t deadline)
{
    wrmsr(MSR_TSC_DEADLINE, deadline == NSEC_FOREVER ? 0 : clock_cycles_at(deadline) + 1);
}

static void deadline_cpu_init(void)
{
    lapic_write(LAPIC_LVT_TIMER, LVT_TSC_DEADLINE | VECTOR_TIMER);
    asm volatile("mfence" : : : "memory"); /* the mode before the first deadline (11.5.4.1) */
}

static const struct clock_event tsc_deadline = {
    .name = "tsc-deadline", .rating = 200, .arm = deadline_arm, .cpu_init = deadline_cpu_init};

static bool has_deadline(void)
{
    const struct clock_source *source = clock_source_best();

    return cpuid(1, 0).ecx & CPUID_1_ECX_TSC_DEADLINE && source && source->is_tsc;
}

static int lapic_timer_init(void)
{
    uint64_t hz = told_frequency();

    irq_vector_set(VECTOR_TIMER, fired, NULL);
    if (tsc_is_guess()) {
        uint64_t tsc = reference_measure_tsc();
        if (tsc)
            tsc_measured(tsc);
        else if (hz)
            measure_tsc();
        else
            log_warning("clock: nobody knows the frequency of the TSC; say tsc_khz=");
    }
    if (has_deadline()) {
        clock_event_register(&tsc_deadline);
        return 0;
    }
    if (!hz)
        hz = measure();
    if (!hz)
        return -ENODEV;
    ticks_per_ns = (hz << 30) / GHZ << (SHIFT - 30);
    clock_event_register(&one_shot);
    return 0;
}
BOOT_STEP(PHASE_CLOCK, "local APIC timer", lapic_timer_init);
