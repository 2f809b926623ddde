/* core/clock.h: time. Reading: any context. From boot phase CLOCK on (before: 0). */
#pragma once

#include "lib/types.h"

nsec_t clock_monotonic(void);       /* since boot, never steps */
nsec_t clock_realtime(void);        /* since 1970-01-01 UTC */
nsec_t clock_realtime_offset(void); /* real time less monotonic */
int clock_set_realtime(nsec_t now); /* -EINVAL: before 1970, or so late that sums overflow */
nsec_t clock_monotonic_raw(void);   /* monotonic, but not steered */
/* Let both clocks gain `parts` of 2^-32 nanoseconds in a second (negative: lose), up to a fifth of
 * it, from now on. Any context. */
void clock_steer(int64_t parts);

/* For the vDSO: ns = base_ns + (((tsc - base_tsc) * mult) >> shift) with a product of 128 bits,
 * read under the sequence lock (odd: being changed). Lives in a page of its own that programs may
 * map read-only; the word at CLOCK_PAGE_WORD points to it. */
struct clock_data {
    atomic_uint sequence;
    uint32_t shift;
    uint64_t mult, base_tsc, base_ns, realtime_offset_ns;
    uint64_t tsc_usable; /* 0: programs must ask the kernel */
    uint64_t steered;    /* the raw clock differs: programs must ask for it */
};
extern struct clock_data *clock_data; /* page-aligned, a page of its own */

/* What a clock driver reports (drivers/clock/). The best one present wins; when a better one comes
 * or the best one goes, time goes on without a step. */
struct clock_source {
    const char *name;
    int rating; /* 400: paravirtual, 300: a good TSC, 200: HPET, 1: better than nothing */
    uint64_t frequency_hz;  /* of read() */
    uint64_t (*read)(void); /* 64 bits wide, never backwards on one CPU nor across CPUs */
    bool is_tsc;            /* read() is RDTSC: programs may do it too */
    void (*cpu_init)(void); /* on each CPU but the boot CPU when it starts; may be NULL */
};
/* source stays the driver's, and must stay. */
void clock_source_register(struct clock_source *source);
/* It turned out not to be reliable. */
void clock_source_drop(struct clock_source *source);
/* Its frequency has become known better. */
void clock_source_refine(struct clock_source *source, uint64_t frequency_hz);
/* The value that read() of the present source will give at that time. */
uint64_t clock_cycles_at(nsec_t monotonic);
const struct clock_source *clock_source_best(void); /* NULL: none yet */

/* Spans of the TSC, which counts even where it is no good as a clock, and nanoseconds. */
nsec_t clock_tsc_to_ns(uint64_t cycles);
uint64_t clock_ns_to_tsc(nsec_t ns);

/* The per-CPU one-shot timer: fires tick() once at or soon after the deadline (monotonic). */
struct clock_event {
    const char *name;
    int rating;
    void (*arm)(nsec_t deadline); /* on this CPU; NSEC_FOREVER: stop */
    void (*cpu_init)(void);       /* on each CPU */
};
/* During boot phase CLOCK, on the boot CPU. */
void clock_event_register(const struct clock_event *event);
/* The driver's interrupt handler calls this, interrupts off. */
void clock_event_fired(void);
/* For core/timer.c: let the event of this CPU fire. Interrupts off. */
void clock_event_arm(nsec_t deadline);

/* On each CPU when it starts, interrupts off. */
void clock_cpu_init(void);
