// cpus: 1 4
/* What one privilege level allows of hardening, seen from inside: a program runs in ring 0, so it
 * can read the control registers and walk the live page tables. On Linux all of it is skipped. */
#include "check.h"
#include "fault.h"

#include <pthread.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>

enum { PRESENT = 1, WRITE = 2, HUGE = 128 };
#define NX        (1ull << 63)
#define ADDRESS   0x000ffffffffff000ull
#define DIRECT    0xffff800000000000ull
#define AREA      0xffffc00000000000ull
#define AREA_END  0xffffd00000000000ull
#define KERNEL    0xffffffff80000000ull
#define KERNEL_AT (KERNEL + 0x100000)

static bool ring0(void)
{
    unsigned short cs;

    asm("mov %%cs, %0" : "=r"(cs));
    return (cs & 3) == 0;
}

#define NEED_RING0                                                                                 \
    if (!ring0())                                                                                  \
    SKIP("only where the program runs in ring 0")

#define READ_CR(name)                                                                              \
    static uint64_t name(void)                                                                     \
    {                                                                                              \
        uint64_t v;                                                                                \
        asm volatile("mov %%" #name ", %0" : "=r"(v));                                             \
        return v;                                                                                  \
    }
READ_CR(cr0)
READ_CR(cr3)
READ_CR(cr4)

static uint64_t msr(uint32_t index)
{
    uint32_t low, high;

    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
    return (uint64_t)high << 32 | low;
}

static uint64_t per_cpu(unsigned offset)
{
    uint64_t v;

    asm volatile("mov %%gs:(%1), %0" : "=r"(v) : "r"((uint64_t)offset));
    return v;
}

/* --- a walk over all that is mapped
 * -------------------------------------------------------------------- */

typedef void visit_t(uint64_t addr, uint64_t size, uint64_t pte);

static uint64_t *table_at(uint64_t entry)
{
    return (uint64_t *)(DIRECT + (entry & ADDRESS));
}

static void walk_table(uint64_t *table, int level, uint64_t base, visit_t *visit)
{
    uint64_t size = 4096ull << 9 * (level - 1);

    for (int i = 0; i < 512; i++) {
        uint64_t entry = *(volatile uint64_t *)&table[i], addr = base + i * size;

        if (level == 4 && i >= 256)
            addr |= 0xffffull << 48;
        if (!(entry & PRESENT))
            continue;
        if (level == 1 || (level < 4 && entry & HUGE))
            visit(addr, size, entry);
        else
            walk_table(table_at(entry), level - 1, addr, visit);
    }
}

static void walk(visit_t *visit)
{
    walk_table(table_at(cr3()), 4, 0, visit);
}

/* The entry that maps addr; 0: none. */
static uint64_t entry_of(uint64_t addr)
{
    uint64_t *table = table_at(cr3());

    for (int level = 4;; level--) {
        uint64_t entry = table[addr >> (12 + 9 * (level - 1)) & 511];

        if (!(entry & PRESENT))
            return 0;
        if (level == 1 || (level < 4 && entry & HUGE))
            return entry;
        table = table_at(entry);
    }
}

/* --- page rights
 * --------------------------------------------------------------------------------------- */

static uint64_t kernel_first, kernel_last, text_pages, readonly_pages;

static void say(const char *what, uint64_t addr, uint64_t pte)
{
    static int said;

    if (said++ < 10)
        printf("# %s: %#llx entry %#llx\n", what, (unsigned long long)addr,
               (unsigned long long)pte);
    CHECK(!"the page tables hold no such entry");
}

static void check_rights(uint64_t addr, uint64_t size, uint64_t pte)
{
    bool write = pte & WRITE, exec = !(pte & NX);

    if (write && exec)
        say("writable and executable", addr, pte);
    if (addr < 4096)
        say("page 0 is mapped", addr, pte);
    if ((int64_t)addr >= 0)
        return;
    if (exec && addr < KERNEL)
        say("executable outside of the kernel's image", addr, pte);
    if (addr < KERNEL)
        return;
    if (!kernel_first)
        kernel_first = addr;
    kernel_last = addr + size;
    text_pages += exec;
    readonly_pages += !write && !exec;
    if (addr < KERNEL_AT)
        say("something is left below the kernel's image", addr, pte);
    /* What may not be written at its own address may not be written in the direct map either. */
    if (!write && entry_of(DIRECT + (pte & ADDRESS)) & WRITE)
        say("writable through the direct map", addr, pte);
}

static void rights(void)
{
    NEED_RING0;
    walk(check_rights);
    CHECK_EQ(kernel_first, KERNEL_AT);
    CHECK(text_pages > 10 && readonly_pages > 2);
    printf("# kernel: %llu pages of text, %llu of constants, ends at %#llx\n",
           (unsigned long long)text_pages, (unsigned long long)readonly_pages,
           (unsigned long long)kernel_last);
}

static void interrupt_table(void)
{
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } idtr;

    NEED_RING0;
    asm volatile("sidt %0" : "=m"(idtr));
    CHECK(entry_of(idtr.base) & PRESENT);
    CHECK(!(entry_of(idtr.base) & WRITE));
    CHECK(!(entry_of(idtr.base + idtr.limit) & WRITE));
    CHECK_EQ(entry_of(msr(0xc0000082)) & (WRITE | NX), 0); /* LSTAR: text */
}

static void write_to(void *at)
{
    touch_write(at);
}

static void call_to(void *at)
{
    ((void (*)(void))at)();
}

static void faults(void)
{
    siginfo_t info;
    uint64_t text, stack;

    NEED_RING0;
    stack = per_cpu(16);
    text = msr(0xc0000082);
    CHECK_EQ(catch_fault(write_to, (void *)text, &info), SIGSEGV);
    CHECK_EQ(catch_fault(write_to, (void *)(text - KERNEL + DIRECT), &info), SIGSEGV);
    CHECK_EQ(catch_fault(call_to, (void *)(text - KERNEL + DIRECT), &info), SIGSEGV);
    CHECK_EQ(catch_fault(call_to, (void *)(stack - 8), &info), SIGSEGV);
    CHECK_EQ(catch_fault(write_to, (void *)0x100000, &info), SIGSEGV); /* no identity mapping */
    CHECK_EQ(catch_fault(write_to, (void *)(KERNEL + 0x8000), &info), SIGSEGV);
    CHECK_EQ(catch_fault(write_to, (void *)8, &info), SIGSEGV);
}

static void own_pages(void)
{
    static int data;
    int local;
    void *heap = malloc(64);

    NEED_RING0;
    data = local = 1;
    *(volatile char *)heap = 1;
    CHECK(entry_of((uint64_t)&data) & NX);
    CHECK(entry_of((uint64_t)&local) & NX);
    CHECK(entry_of((uint64_t)heap) & NX);
    CHECK(!(entry_of((uint64_t)own_pages) & WRITE));
    CHECK(!(entry_of((uint64_t)own_pages) & NX));
    CHECK(!(entry_of(getauxval(AT_SYSINFO_EHDR)) & WRITE));
    free(heap);
}

/* --- stacks
 * ------------------------------------------------------------------------------------------ */

static int runs, unguarded;
static uint64_t run_start, run_end;

static void run_over(void)
{
    runs += run_end > run_start;
    if (run_end > run_start && (entry_of(run_start - 4096) || entry_of(run_end)))
        unguarded++;
}

static void check_area(uint64_t addr, uint64_t size, uint64_t pte)
{
    if (addr < AREA || addr >= AREA_END)
        return;
    if (addr != run_end) {
        run_over();
        run_start = addr;
    }
    run_end = addr + size;
    if (run_end - run_start > 4096 * 1024)
        say("a run of the kernel area without a guard", addr, pte);
}

static void kernel_stacks(void)
{
    uint64_t top, low;

    NEED_RING0;
    top = per_cpu(16);
    low = top - 4096;
    CHECK(top > AREA && top <= AREA_END);
    while (entry_of(low - 4096) && top - low < 65536)
        low -= 4096;
    CHECK_EQ(top - low, top - low == 32768 ? 32768 : 16384); /* twice as much under KASAN=1 */
    CHECK(entry_of(low) & NX);
    CHECK(!entry_of(top));
    run_start = run_end = runs = unguarded = 0;
    walk(check_area);
    run_over();
    CHECK_EQ(unguarded, 0);
    CHECK(runs > 1);
}

/* --- processors
 * -------------------------------------------------------------------------------------- */

enum { CR0_WP = 1 << 16, CR4_PGE = 1 << 7, EFER_NXE = 1 << 11 };

struct state {
    uint64_t cr0, cr4, efer, pat, lstar, star, fmask, canary;
};

static struct state read_state(void)
{
    return (struct state){cr0(),           cr4(),           msr(0xc0000080), msr(0x277),
                          msr(0xc0000082), msr(0xc0000081), msr(0xc0000084), per_cpu(40)};
}

static void processors(void)
{
    cpu_set_t all, one;
    struct state first = {0}, here;
    int seen = 0;

    NEED_RING0;
    NEED(sched_getaffinity(0, sizeof all, &all) == 0);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &all))
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        NEED(sched_setaffinity(0, sizeof one, &one) == 0);
        here = read_state();
        if (!seen++)
            first = here;
        CHECK_EQ(here.cr0 & ~8ull, first.cr0 & ~8ull); /* but for TS */
        CHECK_EQ(here.cr4, first.cr4);
        CHECK_EQ(here.efer, first.efer);
        CHECK_EQ(here.pat, first.pat);
        CHECK_EQ(here.lstar, first.lstar);
        CHECK_EQ(here.star, first.star);
        CHECK_EQ(here.fmask, first.fmask);
        CHECK_EQ(here.canary, first.canary);
        CHECK(here.cr0 & CR0_WP && here.cr4 & CR4_PGE && here.efer & EFER_NXE);
    }
    CHECK_EQ(seen, sysconf(_SC_NPROCESSORS_ONLN));
    sched_setaffinity(0, sizeof all, &all);
}

/* tests/system/panic.sh compares this line over boots. */
static void canary(void)
{
    NEED_RING0;
    uint64_t value = per_cpu(40);

    CHECK(value != 0);
    CHECK_EQ(value & 0xff, 0);
    printf("# canary %016llx\n", (unsigned long long)value);
}

int main(void)
{
    promise("no page is writable and executable; constants are read-only by every address", rights);
    promise("the interrupt table and the system-call entry are read-only", interrupt_table);
    promise("writing text, calling data, touching page 0 and low memory faults", faults);
    promise("the program's own pages: data, stack and heap do not execute", own_pages);
    promise("kernel stacks lie between guard pages", kernel_stacks);
    promise("all processors run with the same protection", processors);
    promise("the stack protector's canary is drawn, with a zero byte", canary);
    return check_end();
}
