/* Walking the page tables of an address space: for each leaf, and to clear them. */
#include "core/thread.h"
#include "mm/space.h"

static pte_t *table_of(pte_t entry)
{
    return phys_to_virt(entry & PTE_ADDR_MASK);
}

static bool is_leaf(pte_t value, unsigned level)
{
    return level == 1 || value & PTE_HUGE;
}

/* --- splitting ---------------------------------------------------------------------------------
 */

/* A huge block has one reference, its entry's: who wants more of it splits it first. */
int table_split(struct address_space *space, pte_t *entry)
{
    paddr_t frame = frame_alloc(0, 0);
    if (!frame)
        return -ENOMEM;
    pte_t *table = phys_to_virt(frame);
    uint64_t irq = spin_lock_irq(&space->pte_lock);
    pte_t old = pte_load(entry);
    bool mine = old & PTE_HUGE;
    if (mine) {
        pte_t first = old & ~(pte_t)PTE_HUGE;
        for (unsigned i = 0; i < ENTRIES; i++)
            table[i] = first + i * PAGE_SIZE;
        if (old & PTE_OWNED)
            frame_split_huge(pte_frame(old));
        __atomic_store_n(entry, frame | TABLE_ENTRY, __ATOMIC_RELEASE);
    }
    spin_unlock_irq(&space->pte_lock, irq);
    if (!mine)
        frame_free(frame, 0);
    return 0;
}

int table_split_at(struct address_space *space, uintptr_t addr)
{
    unsigned level = 1;
    if (addr >= USER_END || IS_ALIGNED(addr, HUGE_SIZE))
        return 0;
    if (unlikely(space->shared_tables) && table_own(space, addr, addr + 1) < 0)
        return -ENOMEM;
    pte_t *entry = paging_walk(space->pml4, addr, &level, false);
    return !entry || level == 1 ? 0 : table_split(space, entry);
}

/* --- each leaf ---------------------------------------------------------------------------------
 */

struct walk {
    leaf_fn_t *fn;
    void *arg;
};

enum { LINE = 64 / sizeof(pte_t) };

/* Read without order: an entry that is filled meanwhile is found or is not, as without this. */
static inline bool line_empty(const pte_t *entry)
{
    return !(entry[0] | entry[1] | entry[2] | entry[3] | entry[4] | entry[5] | entry[6] | entry[7]);
}

/* Where the next filled entry behind an empty one begins, or end: most of a table is empty. */
static uintptr_t skip_empty(const pte_t *entry, unsigned level, uintptr_t at, uintptr_t end)
{
    unsigned shift = PAGE_SHIFT + 9 * (level - 1);
    size_t first = level_index(at, level),
           left = MIN(ENTRIES - first, ((end - 1) >> shift) - (at >> shift) + 1);
    size_t n = 1;

    while (n < left) {
        if (n + LINE <= left && IS_ALIGNED((uintptr_t)(entry + n), 64) && line_empty(entry + n))
            n += LINE;
        else if (!pte_load(entry + n))
            n++;
        else
            break;
    }
    return MIN(((at >> shift) + n) << shift, end);
}

static void walk_level(pte_t *table, unsigned level, uintptr_t start, uintptr_t end,
                       const struct walk *walk)
{
    size_t size = level_size(level);
    for (uintptr_t at = start, next; at < end; at = next) {
        next = MIN(ALIGN_DOWN(at, size) + size, end);
        pte_t *entry = &table[level_index(at, level)];
        pte_t value = pte_load(entry);
        if (!value) {
            next = skip_empty(entry, level, at, end);
            continue;
        }
        if (is_leaf(value, level))
            walk->fn(entry, at, level, walk->arg);
        else
            walk_level(table_of(value), level - 1, at, next, walk);
    }
}

int table_walk(struct address_space *space, uintptr_t start, uintptr_t end, leaf_fn_t *fn,
               void *arg)
{
    struct walk walk = {fn, arg};
    int err = table_split_at(space, start);
    if (!err)
        err = table_split_at(space, end);
    if (!err)
        err = table_own(space, start, end);
    if (!err)
        walk_level(space->pml4, 4, start, end, &walk);
    return err;
}

void table_look(struct address_space *space, uintptr_t start, uintptr_t end, leaf_fn_t *fn,
                void *arg)
{
    struct walk walk = {fn, arg};
    walk_level(space->pml4, 4, start, end, &walk);
}

/* --- clearing ------------------------------------------------------------------------------------
 */

struct clear {
    struct gather *gather;
    uintptr_t floor, ceiling;
    long resident;
};

static void clear_leaf(struct clear *clear, pte_t *entry, uintptr_t addr, unsigned level)
{
    pte_t old = __atomic_exchange_n(entry, 0, __ATOMIC_SEQ_CST);
    if (!old)
        return;
    clear->resident += level_size(level) >> PAGE_SHIFT;
    if (old & PTE_PRESENT)
        gather_flush(clear->gather, addr, level_size(level));
    if (old & PTE_OWNED)
        gather_frame(clear->gather, pte_frame(old));
}

/* Whole, for the caller has split where the range cuts. */
static void clear_shared(struct clear *clear, pte_t *entry, pte_t above, uintptr_t block)
{
    clear->resident += table_filled(above);
    __atomic_store_n(entry, 0, __ATOMIC_SEQ_CST);
    clear->gather->space->shared_tables--;
    gather_flush(clear->gather, block, HUGE_SIZE);
    gather_shared_table(clear->gather, pte_frame(above));
}

static void clear_level(struct clear *clear, pte_t *table, unsigned level, uintptr_t start,
                        uintptr_t end)
{
    size_t size = level_size(level);
    for (uintptr_t at = start, next; at < end; at = next) {
        uintptr_t base = ALIGN_DOWN(at, size);
        next = MIN(base + size, end);
        pte_t *entry = &table[level_index(at, level)];
        pte_t value = pte_load(entry);
        if (!value) {
            next = skip_empty(entry, level, at, end);
            continue;
        }
        if (is_leaf(value, level)) {
            clear_leaf(clear, entry, base, level);
            continue;
        }
        if (level == 2 && unlikely(table_is_shared(value))) {
            clear_shared(clear, entry, value, base);
            continue;
        }
        clear_level(clear, table_of(value), level - 1, at, next);
        if (base >= clear->floor && base + size <= clear->ceiling) {
            __atomic_store_n(entry, 0, __ATOMIC_SEQ_CST);
            gather_flush(clear->gather, at, PAGE_SIZE); /* and what is cached of the table */
            gather_table(clear->gather, pte_frame(value));
        }
    }
}

void table_clear(struct gather *gather, uintptr_t start, uintptr_t end, uintptr_t floor,
                 uintptr_t ceiling)
{
    struct clear clear = {gather, floor, ceiling, 0};
    clear_level(&clear, gather->space->pml4, 4, start, end);
    if (!clear.resident)
        return;
    struct address_space *space = gather->space;
    unsigned long now = atomic_load_explicit(&space->resident_pages, memory_order_relaxed);
    if (now > atomic_load_explicit(&space->peak_resident, memory_order_relaxed))
        atomic_store_explicit(&space->peak_resident, now, memory_order_relaxed);
    resident_add(space, -clear.resident);
}
