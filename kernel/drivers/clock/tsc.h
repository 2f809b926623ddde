/* drivers/clock/tsc.h: what the clock drivers know of each other. */
#pragma once

#include "lib/types.h"

/* What the hypervisor tells (CPUID leaves from 0x40000000 on). */
struct hypervisor_clocks {
    bool present, counts_ns;    /* counts_ns: its local APIC timer runs at 1 GHz (QEMU, KVM) */
    uint32_t tsc_khz, apic_khz; /* 0: not told */
};
struct hypervisor_clocks hypervisor_clocks(void);

/* tsc.c: nobody could tell or measure the frequency of the TSC: it is a guess. */
bool tsc_is_guess(void);
/* A better value, before other CPUs run. */
void tsc_measured(uint64_t frequency_hz);

/* pit.c: start channel 2 of the 8254, which then counts down from 65535 to 0 at PIT_HZ, round and
 * round. False: there is none. */
enum { PIT_HZ = 1193182 };
bool pit_start(void);
/* Its count and the TSC at the same moment, as nearly as can be. */
uint16_t pit_read(uint64_t *tsc);
/* Frequency of the TSC, measured for a good 2 ms; 0: no PIT. */
uint64_t pit_measure_tsc(void);
