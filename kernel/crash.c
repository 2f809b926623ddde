/* crash.c: crashes on order, so that what a panic says can be tested (docs/debugging.md).
 *
 * `crash=HOW` crashes before the program starts, `crash=HOW@WHERE` in a timer's interrupt (irq), in
 * a thread on the last processor (ap), or in the program's first system call of that name. */
#include "arch/x86_64/entry.h"
#include "core/boot.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/thread.h"
#include "core/timer.h"
#include "lib/errno.h"
#include "lib/sanitize.h"
#include "lib/string.h"
#include "linux/names.h"

enum { GATE_SIZE = 16, DOUBLE_FAULT = 8, SOON_NS = 1000000 };

static void crash_assert(void)
{
    assert(!boot_param("crash"), "(on order)");
}

static void crash_null(void)
{
    volatile int *nowhere = NULL;
    asm volatile("" : "+r"(nowhere));
    *nowhere = 1;
}

static void crash_jump(void)
{
    void (*nowhere)(void) = NULL;
    asm volatile("" : "+r"(nowhere));
    nowhere();
}

static __attribute__((noinline)) int deeper(int n)
{
    volatile char page[512];
    page[n % 512] = n;
    return n < 0 ? 0 : deeper(n + 1) + page[n % 512];
}

static void crash_stack(void)
{
    deeper(0);
}

/* With an interrupt table in which only the double fault has a gate, no other can be delivered. */
static void crash_doublefault(void)
{
    static uint8_t gates[(DOUBLE_FAULT + 1) * GATE_SIZE];
    struct __packed {
        uint16_t limit;
        const uint8_t *base;
    } idtr;
    asm volatile("cli; sidt %0" : "=m"(idtr));
    memcpy(gates + DOUBLE_FAULT * GATE_SIZE, idtr.base + DOUBLE_FAULT * GATE_SIZE, GATE_SIZE);
    idtr.limit = sizeof(gates) - 1;
    idtr.base = gates;
    asm volatile("lidt %0; ud2" : : "m"(idtr));
}

/* Not a crash, but nobody gets to run on this processor any more. */
static void crash_spin(void)
{
    asm volatile("cli");
    for (;;)
        asm volatile("pause");
}

static __attribute__((noinline)) void crash_smash(void)
{
    char few[16];
    char *p = few;
    asm volatile("" : "+r"(p));
    memset(p, 'A', 40);
    asm volatile("" : : "r"(p) : "memory");
}

static const struct {
    const char *name;
    void (*crash)(void);
} ways[] = {{"assert", crash_assert}, {"null", crash_null},   {"jump", crash_jump},
            {"stack", crash_stack},   {"smash", crash_smash}, {"doublefault", crash_doublefault},
            {"spin", crash_spin},     SANITIZE_CRASHES};

static void (*chosen)(void) __after_boot_readonly;
static struct timer timer;

static void in_timer(struct timer *expired)
{
    chosen();
}

static void in_thread(void *arg)
{
    while (!atomic_load(&cpus[ncpus - 1]->online))
        thread_sleep_until(clock_monotonic() + SOON_NS, false);
    thread_set_affinity(current, cpuset_of(ncpus - 1));
    chosen();
}

static int64_t in_call(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5)
{
    chosen();
    return -ENOSYS;
}

static int crash_at(const char *where)
{
    if (!strcmp(where, "irq")) {
        timer_init(&timer, in_timer);
        timer_start(&timer, clock_monotonic() + SOON_NS);
        return 0;
    }
    if (!strcmp(where, "ap")) {
        if (!kthread_start("crash", in_thread, NULL))
            return -ENOMEM;
        for (;;) /* a program might end the machine first */
            thread_sleep_until(clock_monotonic() + SOON_NS, false);
    }
    for (unsigned nr = 0; nr < SYSCALL_NAMES; nr++)
        if (syscall_name(nr) && !strcmp(syscall_name(nr), where)) {
            syscall_table[nr] = in_call;
            return 0;
        }
    return -EINVAL;
}

static int crash_on_order(void)
{
    const char *word = boot_param("crash");
    const char *where = word ? strchr(word, '@') : NULL;
    size_t len = where ? (size_t)(where - word) : word ? strlen(word) : 0;

    for (unsigned i = 0; word && i < ARRAY_SIZE(ways); i++)
        if (strlen(ways[i].name) == len && !memcmp(ways[i].name, word, len))
            chosen = ways[i].crash;
    if (!word)
        return 0;
    if (!chosen)
        return -EINVAL;
    if (where)
        return crash_at(where + 1);
    chosen();
    return 0;
}
BOOT_STEP(PHASE_PROGRAM, "crash on order", crash_on_order);
