/* Clocks of a known frequency to measure the TSC with where nobody tells its frequency and there is
 * no PIT: HPET (IA-PC HPET 1.0a, 2.3) and ACPI's timer (ACPI 6.5, 4.8.3.3). The HPET is also the
 * clock where the TSC is no good. */
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/cpu.h"
#include "core/clock.h"
#include "drivers/clock/tsc.h"
#include "drivers/mmio.h"
#include "lib/string.h"
#include "mm/karea.h"

enum {
    HPET_ADDRESS = 44,
    HPET_PERIOD = 4,
    HPET_CONFIGURATION = 0x10,
    HPET_COUNTER = 0xf0,
    HPET_BYTES = 0x400
};
enum { HPET_ENABLE = 1, HPET_64_BITS = 1 << 13, FEMTOSECONDS_MAX = 100000000 };
enum { FADT_TIMER_PORT = 76, TIMER_HZ = 3579545, TIMER_BITS = 24 };
enum { MEASURE_PARTS = 250 /* of a second */ };
#define TSC_LONG (1ul << 31) /* longer than that part, on any processor: the clock stands */

static volatile void *hpet;
static uint16_t port;

/* Hz; 0: there is none. */
static uint64_t hpet_find(bool wide)
{
    uint64_t address, period;
    size_t len;
    const uint8_t *table = acpi_table("HPET", 0, &len);
    if (!table || len < HPET_ADDRESS + 8)
        return 0;
    memcpy(&address, table + HPET_ADDRESS, 8);
    if (!hpet && address)
        hpet = karea_map_device(address, HPET_BYTES);
    period = hpet ? mmio_read32(hpet, HPET_PERIOD) : 0; /* femtoseconds */
    if (!period || period > FEMTOSECONDS_MAX || (wide && !(mmio_read32(hpet, 0) & HPET_64_BITS)))
        return 0;
    mmio_write32(hpet, HPET_CONFIGURATION, mmio_read32(hpet, HPET_CONFIGURATION) | HPET_ENABLE);
    return 1000000000000000ul / period;
}

static uint32_t read_hpet(void)
{
    return mmio_read32(hpet, HPET_COUNTER);
}

static uint64_t timer_find(void)
{
    size_t len;
    const uint8_t *fadt = acpi_table("FACP", 0, &len);
    if (fadt && len >= FADT_TIMER_PORT + 4)
        memcpy(&port, fadt + FADT_TIMER_PORT, sizeof(port));
    return port && inl(port) != ~0u ? TIMER_HZ : 0;
}

static uint32_t read_timer(void)
{
    return inl(port) << (32 - TIMER_BITS);
}

static uint64_t measure(uint32_t (*read)(void), uint64_t hz, unsigned shift)
{
    uint32_t first = read(), passed = 0;
    uint64_t begin = rdtsc(), end = begin;
    for (unsigned i = 0; i < 1u << 24 && passed < hz / MEASURE_PARTS && end - begin < TSC_LONG;
         i++) {
        passed = (read() - first) >> shift;
        end = rdtsc();
    }
    return !passed || passed < hz / MEASURE_PARTS ? 0 : (end - begin) * hz / passed;
}

uint64_t reference_measure_tsc(void)
{
    uint64_t hz = hpet_find(false), tsc = hz ? measure(read_hpet, hz, 0) : 0;
    if (!tsc && (hz = timer_find()))
        tsc = measure(read_timer, hz, 32 - TIMER_BITS);
    return tsc;
}

static uint64_t read_wide(void)
{
    uint32_t high = mmio_read32(hpet, HPET_COUNTER + 4), low, again = high;
    do {
        high = again;
        low = mmio_read32(hpet, HPET_COUNTER);
        again = mmio_read32(hpet, HPET_COUNTER + 4);
    } while (high != again);
    return (uint64_t)high << 32 | low;
}

void hpet_become_clock(void)
{
    static struct clock_source source = {.name = "hpet", .rating = 200, .read = read_wide};
    source.frequency_hz = hpet_find(true);
    if (source.frequency_hz)
        clock_source_register(&source);
}
