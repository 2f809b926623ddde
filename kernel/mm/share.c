/* Page tables shared between spaces after fork().
 *
 * A table of level 1 whose 2 MiB lie in one private anonymous mapping is not copied by fork():
 * parent and child refer to the same table, and PTE_COW without PTE_WRITE in the entry above it
 * takes the right to write from all of it at once. The frame of the table counts its spaces.
 *
 * Who wants to change a leaf there owns the table first: the last space to refer to it just takes
 * PTE_WRITE back, and finds its pages as they were before the fork; any other gets a copy, and in
 * both tables the pages are marked for copying. Tables become shared, and cease to be, only under
 * space->lock for writing; so what a reader of the lock finds stays as it is, and the leaves of a
 * shared table change in one way only, to PTE_COW, which it means already. */
#include "core/thread.h"
#include "mm/space.h"

/* How many leaves of a shared table are filled stands in bits of the entry above it that the
 * processor ignores (SDM 3A, table 4-20), for it does not change. */
enum { FILLED_SHIFT = 52 };
#define FILLED_MASK (0x3ffull << FILLED_SHIFT)

static pte_t count_filled(const pte_t *table)
{
    pte_t n = 0;
    for (unsigned i = 0; i < ENTRIES; i++)
        n += pte_load(&table[i]) != 0;
    return n << FILLED_SHIFT;
}

long table_filled(pte_t above)
{
    return (above & FILLED_MASK) >> FILLED_SHIFT;
}

int table_share(struct gather *gather, struct address_space *child, uintptr_t block)
{
    struct address_space *space = gather->space;
    unsigned level = 2, child_level = 2;

    pte_t *entry = paging_walk(space->pml4, block, &level, false);
    pte_t above = entry ? pte_load(entry) : 0;
    if (above & PTE_HUGE) {
        if (table_split(space, entry) < 0)
            return -ENOMEM;
        above = pte_load(entry);
    }
    if (!above)
        return 0;
    pte_t *to = paging_walk(child->pml4, block, &child_level, true);
    if (!to)
        return -ENOMEM;
    if (!table_is_shared(above)) {
        above = (above & ~(pte_t)PTE_WRITE) | PTE_COW;
        above |= count_filled(phys_to_virt(pte_frame(above)));
        __atomic_store_n(entry, above, __ATOMIC_SEQ_CST);
        gather_flush(gather, block, HUGE_SIZE);
        space->shared_tables++;
    }
    frame_get(pte_frame(above));
    *to = above;
    child->shared_tables++;
    resident_add(child, table_filled(above));
    return 0;
}

/* Both tables show the same pages from now on, each with a reference of its own. */
static void copy_table(pte_t *to, pte_t *from)
{
    for (unsigned i = 0; i < ENTRIES; i++) {
        pte_t old = pte_load(&from[i]);
        if (!old)
            continue;
        pte_t new = pte_to_cow(old);
        if (old & PTE_OWNED)
            frame_get(pte_frame(old));
        if (new != old)
            __atomic_store_n(&from[i], new, __ATOMIC_RELAXED);
        to[i] = new;
    }
}

static int own_table(struct gather *gather, pte_t *entry, uintptr_t block)
{
    paddr_t table = pte_frame(pte_load(entry));

    if (frame_refs(table) == 1) {
        /* What the others did to the entries comes before they let go. */
        atomic_thread_fence(memory_order_acquire);
        __atomic_store_n(entry, table | TABLE_ENTRY, __ATOMIC_RELEASE);
    } else {
        paddr_t copy = frame_alloc(0, FRAME_ZERO);
        if (!copy)
            return -ENOMEM;
        copy_table(phys_to_virt(copy), phys_to_virt(table));
        __atomic_store_n(entry, copy | TABLE_ENTRY, __ATOMIC_SEQ_CST);
        gather_flush(gather, block, HUGE_SIZE);
        gather_shared_table(gather, table);
    }
    gather->space->shared_tables--;
    return 0;
}

int table_own(struct address_space *space, uintptr_t start, uintptr_t end)
{
    struct gather gather;
    int err = 0;

    if (likely(!space->shared_tables))
        return 0;
    gather_begin(&gather, space);
    for (uintptr_t at = ALIGN_DOWN(start, HUGE_SIZE); at < end && !err;) {
        unsigned level = 2;
        pte_t *entry = paging_walk(space->pml4, at, &level, false);
        if (entry && level == 2 && table_is_shared(pte_load(entry)))
            err = own_table(&gather, entry, at);
        /* Where there is not even a table above, the next gigabyte is looked at. */
        at = entry ? at + HUGE_SIZE : ALIGN_DOWN(at, level_size(3)) + level_size(3);
    }
    gather_end(&gather);
    return err;
}

int table_own_at(struct address_space *space, uintptr_t addr)
{
    read_unlock(&space->lock);
    write_lock(&space->lock);
    int err = table_own(space, addr, addr + 1);
    write_unlock(&space->lock);
    read_lock(&space->lock);
    return err;
}

void table_put(paddr_t table)
{
    if (!frame_put_unless_last(table))
        return;
    pte_t *entries = phys_to_virt(table);
    for (unsigned i = 0; i < ENTRIES; i++)
        if (entries[i] & PTE_OWNED)
            frame_put(pte_frame(entries[i]));
    frame_put(table);
}
