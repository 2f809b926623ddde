/* vdso.c: the shared object that every program is given (man 7 vdso). Built for the program's half,
 * mapped as it is. Program and kernel share ring 0, so it reads the kernel's clock page where it
 * stands. GS may be the program's. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/layout.h"
#include "core/clock.h"

struct timeval {
    int64_t sec, usec;
};
struct vdso_timespec {
    int64_t sec, nsec;
};

enum {
    CLOCK_REALTIME,
    CLOCK_MONOTONIC,
    CLOCK_MONOTONIC_RAW = 4,
    CLOCK_REALTIME_COARSE,
    CLOCK_MONOTONIC_COARSE,
    CLOCK_BOOTTIME
};
enum {
    NR_gettimeofday = 96,
    NR_time = 201,
    NR_clock_gettime = 228,
    NR_clock_getres = 229,
    NSEC = 1000000000
};

int __vdso_clock_gettime(int clock, struct vdso_timespec *ts);
int __vdso_gettimeofday(struct timeval *tv, void *zone);
int64_t __vdso_time(int64_t *t);
int __vdso_clock_getres(int clock, struct vdso_timespec *res);
int64_t __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);

static inline int64_t call2(int64_t nr, void *a, void *b)
{
    int64_t result;
    asm volatile("syscall" : "=a"(result) : "a"(nr), "D"(a), "S"(b) : "rcx", "r11", "memory");
    return result;
}

static inline const struct clock_data *clock_page(void)
{
    const struct clock_data *data;
    asm("mov %c1, %0" : "=r"(data) : "i"(CLOCK_PAGE_WORD));
    return data;
}

/* v * mult >> shift, the product in 128 bits, shift below 64. */
static inline uint64_t scale(uint64_t v, uint64_t mult, uint8_t shift)
{
    uint64_t low, high;
    asm("mulq %3" : "=a"(low), "=d"(high) : "a"(v), "rm"(mult) : "cc");
    asm("shrd %%cl, %1, %0" : "+r"(low) : "r"(high), "c"(shift) : "cc");
    return low;
}

/* Nanoseconds of the monotonic clock and what to add for real time; false: ask the kernel. */
static inline bool read_clock(uint64_t *ns, uint64_t *realtime_offset)
{
    const struct clock_data *d = clock_page();
    unsigned before;
    do {
        before = atomic_load_explicit(&d->sequence, memory_order_acquire);
        if (!d->tsc_usable)
            return false;
        uint32_t low, high;
        asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
        uint64_t delta = ((uint64_t)high << 32 | low) - d->base_tsc;
        if ((int64_t)delta < 0) /* this CPU's counter is a little behind */
            delta = 0;
        *ns = d->base_ns + scale(delta, d->mult, d->shift);
        *realtime_offset = d->realtime_offset_ns;
        atomic_thread_fence(memory_order_acquire);
    } while (before & 1 || before != atomic_load_explicit(&d->sequence, memory_order_relaxed));
    return true;
}

int __vdso_clock_gettime(int clock, struct vdso_timespec *ts)
{
    uint64_t ns, offset;
    /* One bit a clock: those known here, and those that count from 1970. */
    const unsigned real = 1 << CLOCK_REALTIME | 1 << CLOCK_REALTIME_COARSE;
    const unsigned known =
        real | 1 << CLOCK_MONOTONIC | 1 << CLOCK_MONOTONIC_COARSE | 1 << CLOCK_BOOTTIME;
    if ((unsigned)clock > CLOCK_BOOTTIME ||
        (!(known >> clock & 1) && (clock != CLOCK_MONOTONIC_RAW || clock_page()->steered)) ||
        !read_clock(&ns, &offset))
        return call2(NR_clock_gettime, (void *)(int64_t)clock, ts);
    if (real >> clock & 1)
        ns += offset;
    ts->sec = ns / NSEC;
    ts->nsec = ns % NSEC;
    return 0;
}

int __vdso_gettimeofday(struct timeval *tv, void *zone)
{
    uint64_t ns, offset;
    if (zone || !tv || !read_clock(&ns, &offset))
        return call2(NR_gettimeofday, tv, zone);
    ns += offset;
    tv->sec = ns / NSEC;
    tv->usec = ns % NSEC / 1000;
    return 0;
}

int64_t __vdso_time(int64_t *t)
{
    uint64_t ns, offset;
    if (!read_clock(&ns, &offset))
        return call2(NR_time, t, NULL);
    if (t)
        *t = (ns + offset) / NSEC;
    return (ns + offset) / NSEC;
}

int __vdso_clock_getres(int clock, struct vdso_timespec *res)
{
    return call2(NR_clock_getres, (void *)(int64_t)clock, res);
}

int64_t __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
    if (cpu)
        asm volatile("lsl %1, %0" : "=r"(*cpu) : "r"(CPU_SELECTOR) : "cc");
    if (node)
        *node = 0;
    return 0;
}

#define ALIAS(name) extern typeof(__vdso_##name) name __attribute__((weak, alias("__vdso_" #name)))
ALIAS(clock_gettime);
ALIAS(gettimeofday);
ALIAS(time);
ALIAS(clock_getres);
ALIAS(getcpu);
