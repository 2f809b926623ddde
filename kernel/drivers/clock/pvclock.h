/* drivers/clock/pvclock.h: the clock that KVM tells its guests
 * (Documentation/virt/kvm/x86/msr.rst). The arithmetic is pure. */
#pragma once

#include "lib/types.h"

/* What KVM writes for a CPU: nanoseconds since the VM's boot at a value of the TSC, and the scale.
 * The version is odd while it is being written. */
struct pvclock {
    uint32_t version, pad;
    uint64_t tsc, ns;
    uint32_t multiplier;
    int8_t shift;
    uint8_t flags, pad2[2];
};
/* The wall clock's time when the VM booted. */
struct pvclock_wall {
    uint32_t version, seconds, ns;
};

/* Nanoseconds of so many ticks: shifted left (right: shift < 0), then times multiplier / 2^32. */
static inline uint64_t pvclock_ns(uint64_t ticks, uint32_t multiplier, int8_t shift)
{
    ticks = shift < 0 ? ticks >> (-shift & 63) : ticks << (shift & 63);
    return (unsigned __int128)ticks * multiplier >> 32;
}

/* The frequency in Hz that such a scale says; 0: none that makes sense. */
static inline uint64_t pvclock_hz(uint32_t multiplier, int8_t shift)
{
    const uint64_t second = 1000000000ull << 32;
    if (!multiplier || shift < -31 || shift > 31)
        return 0;
    uint64_t hz = second / multiplier;
    return shift < 0 ? hz << -shift : hz >> shift;
}

/* Of this machine: the TSC's frequency, and the wall clock's time now in nanoseconds; 0: KVM does
 * not tell. On the boot CPU, from boot phase MEMORY on. */
uint64_t pvclock_tsc_hz(void);
uint64_t pvclock_wall_ns(void);
