/* drivers/clock/tsc.h: what the clock drivers know of each other. */
#pragma once

#include "drivers/clock/hypervisor.h"
#include "lib/types.h"

/* What the hypervisor tells; says so if it is one with devices of its own. */
struct hypervisor hypervisor_clocks(void);

/* tsc.c: nobody could tell or measure the frequency of the TSC: it is a guess. */
bool tsc_is_guess(void);
/* A better value, before other CPUs run. */
void tsc_measured(uint64_t frequency_hz);

/* reference.c: the frequency by the HPET or ACPI's timer, from boot phase CLOCK on; 0: neither is
 * there. And the HPET as the clock, if there is one. */
uint64_t reference_measure_tsc(void);
void hpet_become_clock(void);

/* pit.c: start channel 2 of the 8254, which then counts down from 65535 to 0 at PIT_HZ, round and
 * round. False: there is none. */
enum { PIT_HZ = 1193182 };
bool pit_start(void);
/* Its count and the TSC at the same moment, as nearly as can be. */
uint16_t pit_read(uint64_t *tsc);
/* Frequency of the TSC, measured for a good 2 ms; 0: no PIT. */
uint64_t pit_measure_tsc(void);
