/* The time-stamp counter (SDM 3B, 18.17): the clock of choice. Its frequency is told by the host on
 * the command line, by CPUID or by the hypervisor; where none does, it is measured: roughly at
 * boot, well later on without anybody waiting. */
#include "arch/x86_64/cpu.h"
#include "core/boot.h"
#include "core/clock.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/timer.h"
#include "drivers/clock/pvclock.h"
#include "drivers/clock/tsc.h"
#include "lib/string.h"

enum {
    KHZ = 1000,
    MHZ = 1000000,
    GUESS_HZ = 1000000000,
    CPUID_7_EBX_TSC_ADJUST = 1 << 1,
    REFINE_NS = 45000000, /* the PIT's counter goes round in 54.9 ms */
    REFINE_LATEST_NS = 52000000,
    REFINE_ROUNDS = 3,
};

static uint64_t read_tsc(void)
{
    uint32_t low, high;

    asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

static _Atomic uint64_t newest; /* that any CPU read when it started, or as the clamped clock */

/* For counters that differ between CPUs: at least it never goes back. */
static uint64_t read_clamped(void)
{
    uint64_t now = read_tsc(), last = atomic_load(&newest);

    while ((int64_t)(now - last) > 0)
        if (atomic_compare_exchange_weak(&newest, &last, now))
            return now;
    return last;
}

static void check_cpu(void);
static struct clock_source tsc = {
    .name = "tsc", .rating = 300, .read = read_tsc, .is_tsc = true, .cpu_init = check_cpu};
static struct clock_source clamped = {.name = "tsc-clamped", .rating = 1, .read = read_clamped};

/* --- frequency --- */

struct hypervisor hypervisor_clocks(void)
{
    static bool said;
    struct hypervisor h = hypervisor_ask(cpuid, rdmsr);
    if (h.name && !said)
        log_warning("%s runs this machine: of its devices only those that it emulates are used",
                    h.name);
    said = h.name;
    return h;
}

/* SDM 2A, CPUID leaves 15H and 16H; 0 where they do not tell. */
static uint64_t told_by_cpuid(void)
{
    uint32_t leaves = cpuid(0, 0).eax;
    struct cpuid ratio;

    if (leaves < 0x15)
        return 0;
    ratio = cpuid(0x15, 0);
    if (!ratio.eax || !ratio.ebx)
        return 0;
    if (ratio.ecx)
        return (uint64_t)ratio.ecx * ratio.ebx / ratio.eax;
    return leaves >= 0x16 ? (uint64_t)(cpuid(0x16, 0).eax & 0xffff) * MHZ : 0;
}

static enum { TOLD, MEASURED, GUESSED } certainty;

static uint64_t find_frequency(void)
{
    uint64_t hz = boot_param_u64("tsc_khz", 0) * KHZ;

    if (!hz)
        hz = told_by_cpuid();
    if (!hz)
        hz = (uint64_t)hypervisor_clocks().tsc_khz * KHZ;
    if (!hz)
        hz = pvclock_tsc_hz();
    if (hz)
        return hz;
    certainty = MEASURED;
    hz = pit_measure_tsc();
    if (hz)
        return hz;
    certainty = GUESSED;
    return GUESS_HZ;
}

bool tsc_is_guess(void)
{
    return certainty == GUESSED;
}

void tsc_measured(uint64_t frequency_hz)
{
    certainty = MEASURED;
    clamped.frequency_hz = frequency_hz;
    clock_source_refine(&tsc, frequency_hz);
}

/* --- between CPUs --- */

static uint64_t boot_adjust;

static bool has_adjust(void)
{
    return cpuid(0, 0).eax >= 7 && cpuid(7, 0).ebx & CPUID_7_EBX_TSC_ADJUST;
}

/* Time that was read before, anywhere, must not lie ahead. */
static void check_against_newest(void)
{
    uint64_t seen = atomic_load(&newest), now = read_tsc();

    if ((int64_t)(now - seen) >= 0) {
        read_clamped();
        return;
    }
    if (clock_source_best() != &tsc)
        return;
    log_warning("clock: the TSC of CPU %u is %lu behind; programs must ask the kernel for the time",
                this_cpu()->id, seen - now);
    clock_source_drop(&tsc);
}

/* What firmware wrote into one CPU's counter shows in its TSC_ADJUST (SDM 3B, 18.17.3). */
static void check_cpu(void)
{
    if (has_adjust() && rdmsr(MSR_TSC_ADJUST) != boot_adjust)
        wrmsr(MSR_TSC_ADJUST, boot_adjust);
    check_against_newest();
}

static int check_boot_cpu(void)
{
    const char *word = boot_param("tsc");
    if (ncpus > 1)
        check_against_newest();
    if (word && !strcmp(word, "unstable"))
        clock_source_drop(&tsc);
    if (clock_source_best() != &tsc)
        hpet_become_clock();
    return 0;
}
BOOT_STEP(PHASE_PROGRAM, "tsc check", check_boot_cpu);

/* --- measuring in passing --- */

static struct {
    struct timer timer;
    unsigned rounds;
    uint64_t tsc;
    uint16_t count;
    nsec_t started;
} refinement;

static void refine_begin(void)
{
    if (refinement.rounds++ == REFINE_ROUNDS || !pit_start())
        return;
    refinement.count = pit_read(&refinement.tsc);
    refinement.started = clock_monotonic();
    timer_start(&refinement.timer, refinement.started + REFINE_NS);
}

/* Too late, or far from the first measurement: that was a disturbance, not the frequency. */
static void refine_end(struct timer *timer)
{
    uint64_t now, hz;
    uint16_t ticks = refinement.count - pit_read(&now);
    nsec_t took = clock_monotonic() - refinement.started;

    if (took < REFINE_LATEST_NS && ticks) {
        hz = (now - refinement.tsc) * PIT_HZ / ticks;
        if (hz > tsc.frequency_hz / 100 * 98 && hz < tsc.frequency_hz / 100 * 102) {
            log_debug("clock: TSC at %lu Hz", hz);
            clamped.frequency_hz = hz;
            clock_source_refine(&tsc, hz);
            return;
        }
    }
    refine_begin();
}

static int refine_start(void)
{
    if (certainty != MEASURED)
        return 0;
    timer_init(&refinement.timer, refine_end);
    refine_begin();
    return 0;
}
BOOT_STEP(PHASE_BUS, "tsc refinement", refine_start);

static int tsc_init(void)
{
    tsc.frequency_hz = clamped.frequency_hz = find_frequency();
    if (has_adjust())
        boot_adjust = rdmsr(MSR_TSC_ADJUST);
    read_clamped();
    clock_source_register(&tsc);
    clock_source_register(&clamped);
    return 0;
}
BOOT_STEP(PHASE_MEMORY, "tsc", tsc_init);
