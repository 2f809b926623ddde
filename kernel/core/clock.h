/* core/clock.h: time. Reading: any context. From boot phase THREADS on (before: 0). */
#pragma once

#include "lib/types.h"

nsec_t clock_monotonic(void); /* since boot, never steps */
nsec_t clock_realtime(void);  /* since 1970-01-01 UTC */
int clock_set_realtime(nsec_t now);

/* For the vDSO: ns = base_ns + (((tsc - base_tsc) * mult) >> shift), read under the sequence
 * lock (odd: being changed). Lives in a page of its own that programs may map read-only. */
struct clock_data {
    atomic_uint sequence;
    uint32_t shift;
    uint64_t mult, base_tsc, base_ns, realtime_offset_ns;
    uint64_t tsc_usable; /* 0: programs must ask the kernel */
};
extern struct clock_data *clock_data; /* page-aligned, a page of its own */

/* What a clock driver reports (drivers/clock/). The best one present wins. */
struct clock_source {
    const char *name;
    int rating;
    uint64_t frequency_hz; /* of read() */
    uint64_t (*read)(void);
};
void clock_source_register(const struct clock_source *source);

/* The per-CPU one-shot timer: fires tick() once at or soon after the deadline (monotonic). */
struct clock_event {
    const char *name;
    int rating;
    void (*arm)(nsec_t deadline); /* on this CPU; NSEC_FOREVER: stop */
    void (*cpu_init)(void);       /* on each CPU */
};
void clock_event_register(const struct clock_event *event);
/* The driver's interrupt handler calls this, interrupts off. */
void clock_event_fired(void);
