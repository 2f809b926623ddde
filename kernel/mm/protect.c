/* mprotect(2). */
#include "mm/space.h"

enum { PROT_SEM = 8, PROT_GROWSDOWN = 0x01000000, PROT_GROWSUP = 0x02000000 };

struct change {
    struct gather *gather;
    unsigned prot;
    bool shared;
};

/* Rights as the new protection has them; a write to what is shared or to be copied must fault. */
static pte_t changed(pte_t old, const struct change *change)
{
    pte_t rights = PTE_PRESENT | PTE_WRITE | PTE_DIRTY | PTE_ACCESSED | PTE_NX;
    pte_t new = (old & ~rights) | pte_rights(change->prot);
    if (old & PTE_COW || (change->shared && !(old & PTE_WRITE)))
        new &= ~(pte_t)(PTE_WRITE | PTE_DIRTY);
    return new;
}

static void change_leaf(pte_t *entry, uintptr_t addr, unsigned level, void *arg)
{
    struct change *change = arg;
    pte_t old, new;
    do {
        old = pte_load(entry);
        if (!old) /* mem_object_unmap() took it */
            return;
        new = changed(old, change);
    } while (!pte_swap(entry, old, new));
    /* Rights that were only added need no flush: who lacks them faults and looks again. */
    bool lost = old & ~new &(PTE_PRESENT | PTE_WRITE) || (new & ~old &PTE_NX);
    if (lost && old & PTE_PRESENT)
        gather_flush(change->gather, ALIGN_DOWN(addr, level_size(level)), level_size(level));
}

static int protect_one(struct gather *gather, struct mapping *mapping, unsigned prot)
{
    struct address_space *space = mapping->space;
    uint64_t npages = (mapping->end - mapping->start) >> PAGE_SHIFT;
    struct mapping after = *mapping;

    after.prot = prot;
    bool more_data = mapping_writable_private(&after) && !mapping_writable_private(mapping);
    bool less_data = !mapping_writable_private(&after) && mapping_writable_private(mapping);
    if (more_data && (!space_may_grow(space, 0, false) ||
                      (!(mapping->flags & MAP_NORESERVE) && !space_commit_ok(npages))))
        return -ENOMEM;
    if (more_data && atomic_load(&space->data_pages) + npages > space->data_limit >> PAGE_SHIFT)
        return -ENOMEM;
    struct change change = {gather, prot, mapping_shared(mapping)};
    int err = table_walk(space, mapping->start, mapping->end, change_leaf, &change);
    if (err)
        return err;
    if (more_data)
        atomic_fetch_add(&space->data_pages, npages);
    if (less_data)
        atomic_fetch_sub(&space->data_pages, npages);
    mapping->prot = prot;
    atomic_fetch_add(&space->changes, 1);
    return 0;
}

/* cow: set if pages that mlock(2) promised may be written now, and are to be had. */
static int protect_locked(struct address_space *space, struct gather *gather, uintptr_t start,
                          uintptr_t end, unsigned prot, bool *cow)
{
    uintptr_t at = start;

    while (at < end) {
        struct mapping *mapping = mapping_find(space, at);
        if (!mapping || mapping->start > at)
            return -ENOMEM;
        if (prot & ~mapping->max_prot)
            return -EACCES;
        if (unlikely(mapping->flags & MAP_HUGETLB) &&
            !IS_ALIGNED(at | MIN(end, mapping->end), HUGE_SIZE))
            return -EINVAL;
        if (mapping->prot == prot) {
            at = mapping->end;
            continue;
        }
        if (mapping->start < at && !(mapping = mapping_split(mapping, at)))
            return -ENOMEM;
        if (mapping->end > end && !mapping_split(mapping, end))
            return -ENOMEM;
        unsigned before = mapping->prot;
        int err = protect_one(gather, mapping, prot);
        if (err)
            return err;
        *cow |= mapping->flags & MAP_LOCKED && prot & ~before & PROT_WRITE;
        at = mapping_merge(mapping)->end;
    }
    return 0;
}

int address_space_protect(struct address_space *space, uintptr_t addr, size_t length, uint64_t prot)
{
    uint64_t grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
    uintptr_t end;

    prot &= ~(uint64_t)(PROT_GROWSDOWN | PROT_GROWSUP | PROT_SEM);
    if (!IS_ALIGNED(addr, PAGE_SIZE) || grows == (PROT_GROWSDOWN | PROT_GROWSUP))
        return -EINVAL;
    if (!length)
        return 0;
    length = ALIGN_UP(length, PAGE_SIZE);
    if (!length || __builtin_add_overflow(addr, length, &end))
        return -ENOMEM;
    if (prot & ~(uint64_t)(PROT_READ | PROT_WRITE | PROT_EXEC))
        return -EINVAL;
    int err = 0;
    bool cow = false;
    struct gather gather;
    write_lock(&space->lock);
    struct mapping *mapping = mapping_find(space, addr);
    if (!mapping)
        err = -ENOMEM;
    else if (grows == PROT_GROWSUP)
        err = mapping->start > addr ? -ENOMEM : -EINVAL;
    else if (grows && mapping->start >= end)
        err = -ENOMEM;
    else if (grows && !(mapping->flags & MAP_GROWSDOWN))
        err = -EINVAL;
    else if (grows)
        addr = mapping->start;
    if (!err) {
        gather_begin(&gather, space);
        err = protect_locked(space, &gather, addr, end, (unsigned)prot, &cow);
        gather_end(&gather);
    }
    write_unlock(&space->lock);
    if (unlikely(cow))
        (void)address_space_populate_locked(space, addr, end, true);
    return err;
}
