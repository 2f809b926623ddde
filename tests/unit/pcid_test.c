// clang-format off
// sources: kernel/mm/flush.c kernel/mm/pcid.c
// flags: -Itests/unit/shim/pcid -Itests/unit/shim -Ikernel -DDIRECT_MAP_BASE=0ul -Wno-unused-parameter
// clang-format on
/* Translations that CPUs keep under numbers, against a model of their TLBs: CPUs switch between
 * spaces, idle, wake and look at pages, at any moment of another's unmapping; no look may reach a
 * frame that has been freed, and after a flush none a translation that is gone. The model is
 * checked itself: with CPUs that keep what they are told to drop it must find that out. */
#include "core/cpu.h"
#include "core/thread.h"
#include "arch/x86_64/trap.h"
#include "mm/frame.h"
#include "mm/pcid.h"
#include "mm/space.h"
#include "need.h"
#include <asm/prctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NCPUS = 4, NSPACES = 12, PAGES = 6, STEPS = 30000, IDS = 4096, STALE = 3 };
#define WINDOW 0x10000000ul

/* --- the processors --- */

struct translations {
    uint64_t frame[PAGES]; /* 0: none */
};
struct model_cpu {
    struct cpu cpu;
    uint64_t cr3;
    bool tagged;
    struct translations tlb[PCIDS + 1];
    unsigned long kept, dropped, calls;
};
struct model_space {
    struct address_space *space;
    uint64_t frame[PAGES]; /* the page table */
    bool changing;
};
static struct model_cpu machine[NCPUS];
static struct model_space spaces[NSPACES];
static uint8_t freed[1 << 20];
static uint64_t next_frame = 1;
static unsigned here;
static bool keeps_all; /* a broken processor */

struct cpu *cpus[CPUS_MAX];
unsigned ncpus = NCPUS;
pte_t *kernel_pml4;
int (*page_fault_hook)(uintptr_t addr, unsigned access, int *code);
void (*space_switch_hook)(struct cpu *cpu, struct address_space *space);
void (*idle_exit_hook)(struct cpu *cpu);

static uint64_t seed = 88172645463325252ull;
static unsigned below(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 11) % n;
}

static void be(unsigned cpu)
{
    here = cpu;
    NEED(syscall(SYS_arch_prctl, ARCH_SET_GS, &machine[cpu].cpu) == 0);
}

static struct translations *tlb_of(struct model_cpu *m)
{
    return &m->tlb[m->tagged ? m->cr3 & (IDS - 1) : 0];
}

static struct model_space *space_in(const struct model_cpu *m)
{
    uint64_t table = m->cr3 & 0x000ffffffffff000ull;
    for (unsigned i = 0; i < NSPACES; i++)
        if ((uintptr_t)spaces[i].space->pml4 == table)
            return &spaces[i];
    return NULL;
}

void tlb_flush_page(uintptr_t addr)
{
    tlb_of(&machine[here])->frame[(addr - WINDOW) / PAGE_SIZE] = 0;
}

void tlb_flush_local(void)
{
    *tlb_of(&machine[here]) = (struct translations){};
}

void tlb_tags_enable(void)
{
    NEED(!(machine[here].cr3 & (IDS - 1))); /* or the processor refuses */
    machine[here].tagged = true;
}

void page_table_load(uint64_t cr3)
{
    struct model_cpu *m = &machine[here];
    NEED(m->tagged || !(cr3 & (IDS - 1) || cr3 & PCID_KEEP));
    m->cr3 = cr3 & ~PCID_KEEP;
    if (cr3 & PCID_KEEP) {
        m->kept++;
    } else if (!(keeps_all && m->tagged)) {
        tlb_flush_local();
        m->dropped++;
    }
}

void cpus_call(cpuset_t set, void (*fn)(void *), void *arg)
{
    unsigned me = here;
    for (unsigned i = 0; i < NCPUS; i++) {
        if (!(set.bits >> i & 1))
            continue;
        be(i);
        machine[i].calls++;
        fn(arg);
    }
    be(me);
}

/* --- frames --- */

void frame_put(paddr_t frame)
{
    freed[frame >> PAGE_SHIFT] = 1;
}

paddr_t frame_alloc(unsigned order, unsigned flags)
{
    return (paddr_t)(uintptr_t)aligned_alloc(PAGE_SIZE, PAGE_SIZE);
}

void frame_free(paddr_t frame, unsigned order)
{
    free((void *)(uintptr_t)frame);
}

void table_put(paddr_t table)
{
}

int address_space_fault(struct address_space *space, uintptr_t addr, unsigned access, int *code)
{
    return -1;
}

/* --- what happens --- */

static void make_space(struct model_space *s)
{
    static uint64_t number = 1;
    struct address_space *space = s->space;
    pte_t *pml4 = space ? space->pml4 : aligned_alloc(PAGE_SIZE, PAGE_SIZE);

    if (!space)
        space = malloc(sizeof(*space));
    NEED(space && pml4);
    memset(space, 0, sizeof(*space)); /* the same place again: a new number */
    space->pml4 = pml4;
    space->number = number++;
    *s = (struct model_space){.space = space};
}

static void stale(const char *how)
{
    if (!keeps_all)
        printf("not ok - cpu %u: %s\n", here, how);
    exit(STALE);
}

/* A program on this CPU looks at a page, or the processor does so on its own. */
static void look(void)
{
    struct model_cpu *m = &machine[here];
    struct model_space *s = space_in(m);
    unsigned page = below(PAGES);

    if (!s || atomic_load(&m->cpu.idle))
        return;
    uint64_t *known = &tlb_of(m)->frame[page];
    if (!*known)
        *known = s->frame[page];
    if (*known && freed[*known])
        stale("a freed frame");
    if (!s->changing && *known != s->frame[page])
        stale("a translation that was flushed");
}

static void run_space(void)
{
    struct model_cpu *m = &machine[here];
    if (!atomic_load(&m->cpu.idle))
        space_switch_hook(&m->cpu, spaces[below(NSPACES)].space);
}

static void sleep_or_wake(void)
{
    struct cpu *cpu = &machine[here].cpu;
    if (atomic_load(&cpu->idle)) {
        atomic_store(&cpu->idle, false);
        idle_exit_hook(cpu);
    } else {
        atomic_store(&cpu->idle, below(3) == 0);
    }
}

static void others_go_on(void)
{
    unsigned me = here;
    for (unsigned n = below(4); n; n--) {
        be(below(NCPUS));
        if (here == me)
            continue; /* it is in the kernel */
        else if (below(3) == 0)
            run_space();
        else if (below(4) == 0)
            sleep_or_wake();
        else
            look();
    }
    be(me);
}

static void map_page(void)
{
    struct model_space *s = space_in(&machine[here]);
    unsigned page = below(PAGES);
    if (s && !s->frame[page] && next_frame < sizeof(freed))
        s->frame[page] = next_frame++;
}

/* Some pages of the space that runs here, or of any. A model page that is gone has no entry, which
 * no TLB remembers. */
static void unmap_pages(void)
{
    struct model_space *s = below(4) ? space_in(&machine[here]) : &spaces[below(NSPACES)];
    struct gather gather;

    if (!s || s->changing || atomic_load(&machine[here].cpu.idle))
        return;
    s->changing = true;
    gather_begin(&gather, s->space);
    for (unsigned page = below(PAGES); page < PAGES; page++) {
        uint64_t frame = s->frame[page];
        if (!frame)
            continue;
        s->frame[page] = 0;
        gather_flush(&gather, WINDOW + page * PAGE_SIZE, PAGE_SIZE);
        others_go_on();
        gather_frame(&gather, frame << PAGE_SHIFT);
        others_go_on();
    }
    gather_end(&gather);
    s->changing = false;
}

static void end_space(void)
{
    struct model_space *s = &spaces[below(NSPACES)];
    if (s->changing || atomic_load(&machine[here].cpu.idle))
        return;
    space_unload(s->space);
    for (unsigned i = 0; i < NCPUS; i++)
        NEED(space_in(&machine[i]) != s);
    for (unsigned page = 0; page < PAGES; page++)
        if (s->frame[page])
            freed[s->frame[page]] = 1;
    make_space(s);
}

static void run(void)
{
    static void (*const what[])(void) = {look,      look,         look,        run_space,
                                         map_page,  map_page,     unmap_pages, end_space,
                                         run_space, sleep_or_wake};

    for (unsigned step = 0; step < STEPS; step++) {
        unsigned n = below(ARRAY_SIZE(what) * 4);
        be(below(NCPUS));
        if (n < ARRAY_SIZE(what) || what[n % ARRAY_SIZE(what)] != end_space)
            what[n % ARRAY_SIZE(what)]();
    }
}

static void start(bool tagged)
{
    kernel_pml4 = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
    for (unsigned i = 0; i < NCPUS; i++) {
        machine[i].cpu = (struct cpu){.self = &machine[i].cpu, .id = i};
        machine[i].cr3 = (uintptr_t)kernel_pml4;
        cpus[i] = &machine[i].cpu;
    }
    for (unsigned i = 0; i < NSPACES; i++)
        make_space(&spaces[i]);
    be(0);
    space_hooks_init();
    spaces_tagged = tagged;
}

/* In a process of its own: its end. */
static int try(bool tagged, bool broken)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        keeps_all = broken;
        start(tagged);
        run();
        unsigned long kept = 0;
        for (unsigned i = 0; i < NCPUS; i++)
            kept += machine[i].kept;
        NEED(tagged ? kept > STEPS / 100 : kept == 0);
        _exit(0);
    }
    NEED(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void numbers(void)
{
    struct pcid_cpu cpu = {};
    uint64_t first = pcid_enter(&cpu, 1, 5);
    NEED(first == 1); /* to be emptied, for another may have used it */
    pcid_leave(&cpu, 7);
    NEED((pcid_enter(&cpu, 2, 1) & ~PCID_KEEP) != first);
    pcid_leave(&cpu, 1);
    NEED(pcid_enter(&cpu, 1, 7) == (first | PCID_KEEP));
    pcid_leave(&cpu, 7);
    NEED(pcid_enter(&cpu, 1, 8) == first); /* flushed while it was away */
    for (uint64_t space = 3; space < 3 + PCIDS; space++) {
        pcid_leave(&cpu, 8);
        uint64_t bits = pcid_enter(&cpu, space, 0);
        NEED(bits >= 1 && bits <= PCIDS);
    }
    pcid_leave(&cpu, 0);
    NEED(!(pcid_enter(&cpu, 1, 8) & PCID_KEEP)); /* given away meanwhile */
}

int main(void)
{
    numbers();
    NEED(try(false, false) == 0);
    NEED(try(true, false) == 0);
    NEED(try(true, true) == STALE);
    printf("ok - kept translations are never stale\n");
    return 0;
}
