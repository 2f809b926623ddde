#include "mm/resident.h"

#include "mm/space.h"

static bool is_leaf(pte_t value, unsigned level)
{
    return level == 1 || value & PTE_HUGE;
}

/* The first filled leaf at or above *addr below end, and its level; NULL: none. *addr moves to it.
 */
static pte_t *next_leaf(const struct address_space *space, uintptr_t *addr, uintptr_t end,
                        unsigned *level)
{
    while (*addr < end) {
        pte_t *table = space->pml4;

        for (unsigned l = 4;; l--) {
            pte_t *entry = &table[level_index(*addr, l)];
            pte_t value = pte_load(entry);

            if (!value) {
                *addr = ALIGN_DOWN(*addr, level_size(l)) + level_size(l);
                break;
            }
            if (is_leaf(value, l)) {
                *level = l;
                return entry;
            }
            table = phys_to_virt(pte_frame(value));
        }
    }
    return NULL;
}

/* Take a reference of what an entry shows, if it still does; false: it changed. */
static bool take(struct address_space *space, pte_t *entry, unsigned level,
                 struct resident_page *page)
{
    uint64_t irq = spin_lock_irq(&space->pte_lock);
    pte_t value = pte_load(entry);
    paddr_t start = pte_frame(value) & ~(paddr_t)(level_size(level) - 1);
    bool there = value && (level == 1 || value & PTE_HUGE);

    if (there) {
        page->held = value & PTE_OWNED ? start : 0;
        page->frame = start + (page->addr & (level_size(level) - 1));
        page->zero = start == virt_to_phys(zero_page);
        if (page->held)
            frame_get(page->held);
    }
    spin_unlock_irq(&space->pte_lock, irq);
    return there;
}

unsigned address_space_resident(struct address_space *space, uintptr_t *at, uintptr_t end,
                                struct resident_page *pages, unsigned max)
{
    unsigned n = 0, level;
    pte_t *entry;

    read_lock(&space->lock);
    while (n < max && (entry = next_leaf(space, at, end, &level))) {
        pages[n].addr = *at;
        if (!take(space, entry, level, &pages[n]))
            continue; /* it was split or emptied: look again */
        n++;
        *at += PAGE_SIZE;
    }
    read_unlock(&space->lock);
    return n;
}

void resident_page_put(const struct resident_page *page)
{
    if (page->held)
        frame_put(page->held);
}

bool mapping_extent(const struct mapping *mapping, bool copies, uintptr_t *start, uintptr_t *end)
{
    uintptr_t at = mapping->start;
    unsigned level;
    pte_t *entry;
    bool any = false;

    while ((entry = next_leaf(mapping->space, &at, mapping->end, &level))) {
        uintptr_t next = ALIGN_DOWN(at, level_size(level)) + level_size(level);

        if (!copies || pte_load(entry) & PTE_COPY) {
            if (!any)
                *start = at;
            *end = MIN(next, mapping->end);
            any = true;
        }
        at = next;
    }
    return any;
}

/* --- measuring --- */

/* How many have this page mapped: an object keeps a reference of its own. */
static unsigned users(const struct mapping *mapping, pte_t value, paddr_t start)
{
    unsigned refs = value & PTE_OWNED ? frame_refs(start) : 1;

    if (mapping->object && !(value & PTE_COPY) && refs > 1)
        refs--;
    return MAX(refs, 1u);
}

static void measure_leaf(const struct mapping *mapping, pte_t value, unsigned level, uint64_t size,
                         struct memory_use *use)
{
    paddr_t start = pte_frame(value) & ~(paddr_t)(level_size(level) - 1);
    bool anonymous = !mapping->object || value & PTE_COPY;
    bool dirty = anonymous || value & PTE_DIRTY;
    unsigned n = users(mapping, value, start);
    uint64_t share = size / n;

    if (start == virt_to_phys(zero_page))
        return;
    use->resident += size;
    use->pss += share;
    use->pss_dirty += dirty ? share : 0;
    use->pss_anonymous += anonymous ? share : 0;
    use->pss_shared += !anonymous && mapping_shared(mapping) ? share : 0;
    *(n > 1 ? (dirty ? &use->shared_dirty : &use->shared_clean)
            : (dirty ? &use->private_dirty : &use->private_clean)) += size;
    use->referenced += value & PTE_ACCESSED ? size : 0;
    use->anonymous += anonymous ? size : 0;
    use->huge += level > 1 ? size : 0;
}

void mapping_measure(const struct mapping *mapping, struct memory_use *use)
{
    uintptr_t at = mapping->start;
    unsigned level;
    pte_t *entry;

    while ((entry = next_leaf(mapping->space, &at, mapping->end, &level))) {
        uintptr_t next = ALIGN_DOWN(at, level_size(level)) + level_size(level);

        measure_leaf(mapping, pte_load(entry), level, MIN(next, mapping->end) - at, use);
        at = next;
    }
}

static uint64_t count_tables(const pte_t *table, unsigned level, unsigned n)
{
    uint64_t count = 1;

    for (unsigned i = 0; i < n && level > 1; i++) {
        pte_t value = pte_load(&table[i]);

        if (value && !is_leaf(value, level))
            count += count_tables(phys_to_virt(pte_frame(value)), level - 1, ENTRIES);
    }
    return count;
}

uint64_t address_space_table_bytes(struct address_space *space)
{
    uint64_t count;

    read_lock(&space->lock);
    count = count_tables(space->pml4, 4, ENTRIES / 2);
    read_unlock(&space->lock);
    return (count - 1) * PAGE_SIZE;
}
