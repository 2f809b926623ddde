// flags: -Ikernel
/* The arithmetic of KVM's clock. */
#include <stdio.h>
#include <stdlib.h>

#include "drivers/clock/pvclock.h"

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    printf("not ok - pvclock: %s\n", what);
    exit(1);
}

/* The scale that a host would tell for a frequency: the multiplier has its top bit set. */
static void scale(uint64_t hz, uint32_t *multiplier, int8_t *shift)
{
    unsigned __int128 m = ((unsigned __int128)1000000000 << 64) / hz; /* ns a tick, times 2^64 */
    for (*shift = 32; !(m >> 95); m <<= 1)
        --*shift;
    *multiplier = m >> 64;
}

int main(void)
{
    for (uint64_t hz = 100000000; hz < 6000000000; hz = hz * 17 / 16 + 7) {
        uint32_t multiplier;
        int8_t shift;
        scale(hz, &multiplier, &shift);
        uint64_t told = pvclock_hz(multiplier, shift), off = told > hz ? told - hz : hz - told;
        check(off <= hz / 100000000 + 64, "the frequency comes back out of the scale");
        uint64_t second = pvclock_ns(hz, multiplier, shift);
        check(second > 999999900 && second <= 1000000100, "as many ticks are a second");
    }
    check(pvclock_hz(0, 0) == 0 && pvclock_hz(1u << 31, 99) == 0, "a scale without sense is none");
    check(pvclock_ns(UINT64_MAX, UINT32_MAX, 0) == UINT64_MAX - (1ull << 32),
          "no overflow on the way");
    printf("ok - the arithmetic of KVM's clock\n");
    return 0;
}
