#include "core/clock.h"

#include "core/boot.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/spinlock.h"
#include "core/timer.h"
#include "lib/errno.h"

enum { SHIFT = 32, INVERSE_SHIFT = 30, SOURCES = 6, NSEC_PER_SEC = 1000000000 };

/* As late as a real-time clock may be set: 2232, as on Linux; sums stay in 63 bits. */
#define REALTIME_MAX (8277292800ll * NSEC_PER_SEC)

static union {
    struct clock_data data;
    uint8_t bytes[PAGE_SIZE];
} page __attribute__((aligned(PAGE_SIZE)));
struct clock_data *clock_data = &page.data;
/* Where programs find it (arch/x86_64/layout.h). */
asm(".pushsection .text.first, \"ax\"\n"
    ".quad page\n"
    ".popsection");

static struct spinlock lock; /* over changes of everything here */
static struct clock_source *sources[SOURCES], *_Atomic best;
static const struct clock_event *event __after_boot_readonly;
static uint64_t inverse; /* cycles per nanosecond, INVERSE_SHIFT binary places */
static struct {
    int64_t parts;  /* as clock_steer() was told */
    uint64_t mult;  /* of the source, not steered */
    uint64_t hz;    /* of the source, not steered */
    nsec_t base_ns; /* of the raw clock, at the page's base_tsc */
} raw;
static uint64_t tsc_mult = 1ull << SHIFT, tsc_inverse = 1ull << INVERSE_SHIFT; /* the TSC's */

/* --- reading --- */

static inline uint64_t cycles(const struct clock_data *data)
{
    uint32_t low, high;

    if (unlikely(!data->tsc_usable)) {
        struct clock_source *source = atomic_load_explicit(&best, memory_order_relaxed);
        return source ? source->read() : 0; /* none yet: the page's factors are 0, and all times */
    }
    /* lfence: not before what the program did earlier (SDM 2B, RDTSC). */
    asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

/* Another CPU's counter may be a little behind the one that set base_tsc. */
static inline uint64_t since(const struct clock_data *data, uint64_t at)
{
    uint64_t passed = at - data->base_tsc;

    return unlikely(passed >> 63) ? 0 : passed;
}

static inline nsec_t ns_at(const struct clock_data *data, uint64_t at)
{
    return data->base_ns + (uint64_t)((unsigned __int128)since(data, at) * data->mult >> SHIFT);
}

static nsec_t raw_at(const struct clock_data *data, uint64_t at)
{
    return raw.base_ns + (uint64_t)((unsigned __int128)since(data, at) * raw.mult >> SHIFT);
}

static inline unsigned read_begin(const struct clock_data *data)
{
    unsigned sequence;

    while ((sequence = atomic_load_explicit(&data->sequence, memory_order_acquire)) & 1)
        asm volatile("pause");
    return sequence;
}

static inline bool read_again(const struct clock_data *data, unsigned sequence)
{
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&data->sequence, memory_order_relaxed) != sequence;
}

nsec_t clock_monotonic(void)
{
    const struct clock_data *data = &page.data;
    unsigned sequence;
    nsec_t now;

    do {
        sequence = read_begin(data);
        now = ns_at(data, cycles(data));
    } while (unlikely(read_again(data, sequence)));
    return now;
}

nsec_t clock_realtime(void)
{
    const struct clock_data *data = &page.data;
    unsigned sequence;
    nsec_t now;

    if (unlikely(!atomic_load_explicit(&best, memory_order_relaxed)))
        return 0;
    do {
        sequence = read_begin(data);
        now = ns_at(data, cycles(data)) + data->realtime_offset_ns;
    } while (unlikely(read_again(data, sequence)));
    return now;
}

nsec_t clock_realtime_offset(void)
{
    return (nsec_t)__atomic_load_n(&page.data.realtime_offset_ns, __ATOMIC_RELAXED);
}

nsec_t clock_monotonic_raw(void)
{
    const struct clock_data *data = &page.data;
    unsigned sequence;
    nsec_t now;

    if (unlikely(!atomic_load_explicit(&best, memory_order_relaxed)))
        return 0;
    do {
        sequence = read_begin(data);
        now = raw_at(data, cycles(data));
    } while (unlikely(read_again(data, sequence)));
    return now;
}

uint64_t clock_cycles_at(nsec_t monotonic)
{
    const struct clock_data *data = &page.data;
    unsigned sequence;
    uint64_t at;

    do {
        uint64_t ns;

        sequence = read_begin(data);
        ns = MAX(monotonic - (nsec_t)data->base_ns, (nsec_t)0);
        at = data->base_tsc + (uint64_t)((unsigned __int128)ns * inverse >> INVERSE_SHIFT);
    } while (unlikely(read_again(data, sequence)));
    return at;
}

nsec_t clock_tsc_to_ns(uint64_t cycles)
{
    return (unsigned __int128)cycles * tsc_mult >> SHIFT;
}

uint64_t clock_ns_to_tsc(nsec_t ns)
{
    return (unsigned __int128)ns * tsc_inverse >> INVERSE_SHIFT;
}

/* --- changing: under the lock, interrupts off --- */

static void write_begin(void)
{
    atomic_fetch_add_explicit(&page.data.sequence, 1, memory_order_acq_rel);
    atomic_thread_fence(memory_order_release);
}

static void write_end(void)
{
    atomic_fetch_add_explicit(&page.data.sequence, 1, memory_order_release);
}

__cold int clock_set_realtime(nsec_t now)
{
    uint64_t flags;

    if (now < 0 || now > REALTIME_MAX)
        return -EINVAL;
    flags = spin_lock_irq(&lock);
    now -= clock_monotonic();
    write_begin();
    page.data.realtime_offset_ns = now;
    write_end();
    spin_unlock_irq(&lock, flags);
    return 0;
}

static void learn_tsc(const struct clock_source *source)
{
    tsc_mult = ((uint64_t)NSEC_PER_SEC << SHIFT) / source->frequency_hz;
    tsc_inverse = (source->frequency_hz << INVERSE_SHIFT) / NSEC_PER_SEC;
}

/* v * (1 + parts / 10^9 / 2^32), or divided by that as nearly as the square of parts allows. */
static uint64_t steer(uint64_t v, int64_t parts)
{
    int64_t relative = parts / NSEC_PER_SEC; /* of 2^32 */

    return v + (uint64_t)((__int128)v * relative >> 32);
}

/* The rate from `at` on, where the clocks show these times. */
static __cold void set_rate(uint64_t at, nsec_t now, nsec_t raw_now)
{
    struct clock_data *data = &page.data;

    data->base_tsc = at;
    data->base_ns = now;
    raw.base_ns = raw_now;
    data->mult = steer(raw.mult, raw.parts);
    inverse = ((steer(raw.hz, -raw.parts)) << INVERSE_SHIFT) / NSEC_PER_SEC;
    data->steered |= raw.parts != 0;
}

__cold void clock_steer(int64_t parts)
{
    struct clock_data *data = &page.data;
    uint64_t flags = spin_lock_irq(&lock), at;
    const struct clock_source *source = atomic_load_explicit(&best, memory_order_relaxed);

    if (source && parts != raw.parts) {
        write_begin();
        at = source->read();
        raw.parts = parts;
        set_rate(at, ns_at(data, at), raw_at(data, at));
        write_end();
    }
    spin_unlock_irq(&lock, flags);
}

/* Count with source from now on; time goes on where it is: readers wait from before that is looked
 * up, so nobody has seen more of it. */
static void use(struct clock_source *source)
{
    struct clock_data *data = &page.data;
    bool first = !atomic_load_explicit(&best, memory_order_relaxed);
    nsec_t now, raw_now;
    uint64_t at;

    write_begin();
    at = first ? 0 : cycles(data);
    now = first ? 0 : ns_at(data, at);
    raw_now = first ? 0 : raw_at(data, at);
    at = first && source->is_tsc && boot_info.tsc_at_entry
             ? boot_info.tsc_at_entry /* where the clock starts at 0 */
             : source->read();
    data->shift = SHIFT;
    raw.mult = ((uint64_t)NSEC_PER_SEC << SHIFT) / source->frequency_hz;
    raw.hz = source->frequency_hz;
    set_rate(at, now, raw_now);
    data->tsc_usable = source->is_tsc;
    atomic_store_explicit(&best, source, memory_order_relaxed);
    write_end();
}

static void use_best(void)
{
    struct clock_source *found = NULL;

    for (unsigned i = 0; i < SOURCES; i++)
        if (sources[i] && (!found || sources[i]->rating > found->rating))
            found = sources[i];
    if (found && found != atomic_load_explicit(&best, memory_order_relaxed))
        use(found);
}

__cold void clock_source_register(struct clock_source *source)
{
    uint64_t flags = spin_lock_irq(&lock);

    for (unsigned i = 0; i < SOURCES; i++)
        if (!sources[i]) {
            sources[i] = source;
            break;
        }
    if (source->is_tsc)
        learn_tsc(source);
    use_best();
    spin_unlock_irq(&lock, flags);
}

/* The last one stays, whatever it is worth. */
__cold void clock_source_drop(struct clock_source *source)
{
    uint64_t flags = spin_lock_irq(&lock);

    for (unsigned i = 0; i < SOURCES; i++)
        if (sources[i] == source)
            sources[i] = NULL;
    use_best();
    spin_unlock_irq(&lock, flags);
}

__cold void clock_source_refine(struct clock_source *source, uint64_t frequency_hz)
{
    uint64_t flags = spin_lock_irq(&lock);

    source->frequency_hz = frequency_hz;
    if (source->is_tsc)
        learn_tsc(source);
    if (source == atomic_load_explicit(&best, memory_order_relaxed))
        use(source);
    spin_unlock_irq(&lock, flags);
}

const struct clock_source *clock_source_best(void)
{
    return atomic_load_explicit(&best, memory_order_acquire);
}

/* --- events --- */

void clock_event_register(const struct clock_event *candidate)
{
    if (event && event->rating >= candidate->rating)
        return;
    event = candidate;
    event->cpu_init();
}

void clock_event_arm(nsec_t deadline)
{
    if (event)
        event->arm(deadline);
}

void clock_event_fired(void)
{
    timer_run();
}

/* --- CPUs --- */

void clock_cpu_init(void)
{
    const struct clock_source *source = clock_source_best();
    struct cpu *cpu = this_cpu();

    if (cpu->id == 0)
        return;
    if (source && source->cpu_init)
        source->cpu_init();
    if (event)
        event->cpu_init();
}

static int boot_cpu_init(void)
{
    return timer_cpu_init(this_cpu());
}
BOOT_STEP(PHASE_MEMORY, "timers", boot_cpu_init);
