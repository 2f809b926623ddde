/* Intel 8254, channel 2: the PC's oldest clock, to measure others with where nobody tells their
 * frequency. Its gate and output are in port 0x61. */
#include "arch/x86_64/cpu.h"
#include "drivers/clock/tsc.h"

enum {
    PORT_CHANNEL_2 = 0x42,
    PORT_CONTROL = 0x43,
    PORT_GATE = 0x61,
    GATE_ON = 1,
    SPEAKER_ON = 2,
    CONTROL_CHANNEL_2 = 2 << 6,
    CONTROL_LATCH = 0 << 4,
    CONTROL_LOW_HIGH = 3 << 4,
    CONTROL_RATE = 2 << 1, /* counts down and starts again */
};
enum { MEASURE_TICKS = PIT_HZ / 450, BEST_OF = 4, IDLE_READS = 1000, TRIES = 10 };

static uint16_t read_count(void)
{
    uint8_t low;

    outb(PORT_CONTROL, CONTROL_CHANNEL_2 | CONTROL_LATCH);
    low = inb(PORT_CHANNEL_2);
    return low | inb(PORT_CHANNEL_2) << 8;
}

bool pit_start(void)
{
    uint16_t first;

    outb(PORT_GATE, (inb(PORT_GATE) & ~SPEAKER_ON) | GATE_ON);
    outb(PORT_CONTROL, CONTROL_CHANNEL_2 | CONTROL_LOW_HIGH | CONTROL_RATE);
    outb(PORT_CHANNEL_2, 0); /* 65536 */
    outb(PORT_CHANNEL_2, 0);
    first = read_count();
    for (unsigned i = 0; i < IDLE_READS; i++)
        if (read_count() != first)
            return true;
    return false;
}

/* The reading that took least time: nobody came in between. */
uint16_t pit_read(uint64_t *tsc)
{
    uint64_t least = UINT64_MAX;
    uint16_t count = 0;

    for (unsigned i = 0; i < BEST_OF; i++) {
        uint64_t before = rdtsc();
        uint16_t now = read_count();
        uint64_t took = rdtsc() - before;

        if (took < least) {
            least = took;
            count = now;
            *tsc = before + took / 2;
        }
    }
    return count;
}

/* One measurement; 0 if it was interrupted so long (by a hypervisor) that the counter may have gone
 * round meanwhile. */
static uint64_t measure_once(void)
{
    uint64_t begin, last, now, longest = 0;
    uint16_t from = pit_read(&begin), ticks;

    now = begin;
    do {
        last = now;
        ticks = from - pit_read(&now);
        longest = MAX(longest, now - last);
    } while (ticks < MEASURE_TICKS);
    return longest > (now - begin) / 2 ? 0 : (now - begin) * PIT_HZ / ticks;
}

uint64_t pit_measure_tsc(void)
{
    uint64_t hz = 0;

    if (!pit_start())
        return 0;
    for (unsigned i = 0; i < TRIES && !hz; i++)
        hz = measure_once();
    return hz;
}
