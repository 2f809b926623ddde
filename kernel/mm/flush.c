/* Making CPUs forget translations (SDM 3A 4.10.5), and frames that wait for it.
 *
 * Flushes of a space are numbered. A CPU that is idle is not interrupted: it looks at the number
 * when it leaves idle. The flusher counts up and then reads cpu->idle; the other clears cpu->idle
 * and then reads the number; so one of the two sees the other. cpu->tlb_generation is the number up
 * to which the CPU has taken part without a gap. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irqflags.h"
#include "arch/x86_64/trap.h"
#include "core/boot.h"
#include "core/cpu.h"
#include "core/thread.h"
#include "mm/pcid.h"
#include "mm/space.h"

enum { FEW_PAGES = 32 };

static struct address_space *_Atomic loaded[CPUS_MAX];
/* CPUs with PCID use it from their first switch between two spaces on. A CPU that does stays in
 * active_cpus of all that it has run, for what it keeps; to be interrupted it must run it. */
bool spaces_tagged;
static struct pcid_cpu tags[CPUS_MAX];

/* Of a CPU in active_cpus. */
static bool may_run(unsigned id, const struct address_space *space)
{
    return !spaces_tagged || atomic_load(&loaded[id]) == space;
}

struct flush {
    struct address_space *space;
    uintptr_t start, end;
    uint64_t number;
};

static void flush_range(uintptr_t start, uintptr_t end)
{
    if ((end - start) >> PAGE_SHIFT > FEW_PAGES) {
        tlb_flush_local();
        return;
    }
    for (; start < end; start += PAGE_SIZE)
        tlb_flush_page(start);
}

static void flush_this_cpu(void *arg)
{
    const struct flush *flush = arg;
    struct cpu *cpu = this_cpu();
    uint64_t flags = irq_save();

    if (atomic_load_explicit(&loaded[cpu->id], memory_order_relaxed) == flush->space) {
        flush_range(flush->start, flush->end);
        if (cpu->tlb_generation == flush->number - 1)
            cpu->tlb_generation = flush->number;
    }
    irq_restore(flags);
}

void address_space_flush(struct address_space *space, uintptr_t start, uintptr_t end)
{
    struct flush flush = {space, start, end, 0};
    flush.number = atomic_fetch_add(&space->tlb_generation, 1) + 1;
    flush_this_cpu(&flush);
    uint64_t others = atomic_load(&space->active_cpus) & ~(1ull << this_cpu()->id);
    if (likely(!others))
        return;
    cpuset_t busy = {0};
    for (; others; others &= others - 1) {
        unsigned id = __builtin_ctzl(others);
        if (!atomic_load(&cpus[id]->idle) && may_run(id, space))
            busy.bits |= 1ull << id;
    }
    if (busy.bits)
        cpus_call(busy, flush_this_cpu, &flush);
}

void address_space_cpu_awake(struct cpu *cpu)
{
    struct address_space *space = atomic_load_explicit(&loaded[cpu->id], memory_order_relaxed);
    if (!space)
        return;
    uint64_t now = atomic_load(&space->tlb_generation);
    if (cpu->tlb_generation != now) {
        tlb_flush_local();
        cpu->tlb_generation = now;
    }
}

/* --- which space a CPU uses ----------------------------------------------------------------------
 */

/* The table for CR3, with what is kept of both spaces' translations. */
static uint64_t tagged(struct pcid_cpu *tag, const struct address_space *space, uint64_t before,
                       uint64_t now)
{
    uint64_t table = virt_to_phys(space ? space->pml4 : kernel_pml4);

    if (space && !tag->enabled) {
        tlb_tags_enable();
        tag->enabled = true;
    }
    pcid_leave(tag, before);
    return space ? table | pcid_enter(tag, space->number, now) : table;
}

static __attribute__((noinline)) void load_space(struct cpu *cpu, struct address_space *old,
                                                 struct address_space *space)
{
    uint64_t bit = 1ull << cpu->id, before = cpu->tlb_generation;

    atomic_store_explicit(&loaded[cpu->id], space, memory_order_relaxed);
    if (space) {
        /* From here on flushes come to us; what they change now we have not read yet. */
        atomic_fetch_or(&space->active_cpus, bit);
        cpu->tlb_generation = atomic_load(&space->tlb_generation);
    }
    if (unlikely(spaces_tagged && old)) {
        page_table_load(tagged(&tags[cpu->id], space, before, cpu->tlb_generation));
        if (tags[cpu->id].enabled)
            return;
    } else {
        page_table_load(virt_to_phys(space ? space->pml4 : kernel_pml4));
    }
    if (old)
        atomic_fetch_and(&old->active_cpus, ~bit);
}

/* Interrupts off. Between threads of one process there is nothing to do. */
static inline void switch_space(struct cpu *cpu, struct address_space *space)
{
    struct address_space *old = atomic_load_explicit(&loaded[cpu->id], memory_order_relaxed);

    if (old != space)
        load_space(cpu, old, space);
}

void address_space_activate(struct address_space *space)
{
    uint64_t flags = irq_save();
    switch_space(this_cpu(), space);
    irq_restore(flags);
}

static void leave_space(void *space)
{
    struct cpu *cpu = this_cpu();
    if (atomic_load_explicit(&loaded[cpu->id], memory_order_relaxed) == space)
        switch_space(cpu, NULL);
}

/* A space is about to go: CPUs whose last program thread ran in it still have it loaded. */
void space_unload(struct address_space *space)
{
    uint64_t flags = irq_save();
    leave_space(space);
    irq_restore(flags);
    cpuset_t users = {0};
    for (uint64_t others = atomic_load(&space->active_cpus); others; others &= others - 1) {
        unsigned id = __builtin_ctzl(others);
        if (may_run(id, space))
            users.bits |= 1ull << id;
    }
    if (users.bits)
        cpus_call(users, leave_space, space);
}

/* --- frames that wait
 * ------------------------------------------------------------------------------ */

static void gather_reset(struct gather *gather)
{
    gather->start = UINTPTR_MAX;
    gather->end = 0;
    gather->n = gather->npages = 0;
    gather->max = GATHER_FEW;
    gather->frames = gather->few;
    gather->pages = NULL;
}

void gather_begin(struct gather *gather, struct address_space *space)
{
    gather->space = space;
    gather_reset(gather);
}

enum { SHARED_TABLE = 1 }; /* mark of what waits */

static void put_frames(const paddr_t *frames, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (unlikely(frames[i] & SHARED_TABLE))
            table_put(frames[i] & ~(paddr_t)SHARED_TABLE);
        else
            frame_put(frames[i]);
}

void gather_end(struct gather *gather)
{
    if (gather->start < gather->end)
        address_space_flush(gather->space, gather->start, gather->end);
    put_frames(gather->few, gather->pages ? GATHER_FEW : gather->n);
    for (struct gather_page *page = gather->pages, *next; page; page = next) {
        next = page->next;
        put_frames(page->frames, page == gather->pages ? gather->n : GATHER_PAGE);
        frame_free(virt_to_phys(page), 0);
    }
    gather_reset(gather);
}

void gather_flush(struct gather *gather, uintptr_t addr, size_t size)
{
    gather->start = MIN(gather->start, addr);
    gather->end = MAX(gather->end, addr + size);
}

static void gather_more_room(struct gather *gather)
{
    paddr_t paddr = gather->npages < GATHER_PAGES_MAX ? frame_alloc(0, 0) : 0;
    if (!paddr) {
        gather_end(gather);
        return;
    }
    struct gather_page *page = phys_to_virt(paddr);
    page->next = gather->pages;
    gather->pages = page;
    gather->npages++;
    gather->frames = page->frames;
    gather->max = GATHER_PAGE;
    gather->n = 0;
}

/* Out of line, for gather_frame() is short without it. */
static __attribute__((noinline)) void gather_push(struct gather *gather, paddr_t frame)
{
    if (gather->n == gather->max)
        gather_more_room(gather);
    gather->frames[gather->n++] = frame;
}

/* The entry is cleared already. Where no other CPU uses the space, none can have its translation,
 * and none will load it: the frame may go at once. This CPU runs no program code before
 * gather_end(). */
void gather_frame(struct gather *gather, paddr_t frame)
{
    uint64_t me = 1ull << this_cpu()->id;
    if (likely(!(atomic_load(&gather->space->active_cpus) & ~me))) {
        frame_put(frame);
        return;
    }
    gather_push(gather, frame);
}

/* Always waits: a processor may walk on its own through a table that it remembers, and mark
 * entries as accessed. */
void gather_table(struct gather *gather, paddr_t table)
{
    gather_push(gather, table);
}

void gather_shared_table(struct gather *gather, paddr_t table)
{
    gather_push(gather, table | SHARED_TABLE);
}

/* --- hooks -------------------------------------------------------------------------------------
 */

static int serve_fault(uintptr_t addr, unsigned access, int *code)
{
    return address_space_fault(current->space, addr, access, code);
}
_Static_assert((int)FAULT_WRITE == (int)FAULT_ACCESS_WRITE &&
                   (int)FAULT_EXEC == (int)FAULT_ACCESS_EXEC &&
                   (int)FAULT_PROTECTION == (int)FAULT_ACCESS_PROTECTION,
               "trap.h and address_space.h");

int space_hooks_init(void)
{
    page_fault_hook = serve_fault;
    spaces_tagged = cpu_has_pcid();
    space_switch_hook = switch_space;
    idle_exit_hook = address_space_cpu_awake;
    return 0;
}
BOOT_STEP(PHASE_CLOCK, "address spaces", space_hooks_init);
