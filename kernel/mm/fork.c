/* The copy of an address space for fork(): mappings are doubled; private pages are shared with
 * PTE_COW on both sides until one of them writes; pages of objects come back by faults, except
 * where a private copy exists. */
#include "mm/space.h"

int (*space_fork_hook)(struct address_space *child, struct address_space *space);

struct share {
    struct address_space *child;
    struct gather *gather;
    uintptr_t block; /* the child's table that was used last is that of this 2 MiB */
    pte_t *table;
    long shared;
    int err;
};

static void share_leaf(pte_t *entry, uintptr_t addr, unsigned level, void *arg)
{
    struct share *share = arg;
    uintptr_t block = ALIGN_DOWN(addr, HUGE_SIZE);
    pte_t old = pte_load(entry);

    if (share->err || !old)
        return;
    if (!share->table || share->block != block) {
        unsigned to_level = 1;
        share->table = paging_walk(share->child->pml4, block, &to_level, true);
        share->block = block;
    }
    if (!share->table) {
        share->err = -ENOMEM;
        return;
    }
    pte_t *to = &share->table[level_index(addr, 1)];
    pte_t new = pte_to_cow(old);
    if (old & PTE_OWNED)
        frame_get(pte_frame(old));
    *entry = new;
    *to = new;
    share->shared++;
    if (old & PTE_WRITE)
        gather_flush(share->gather, addr, PAGE_SIZE);
}

/* Leaf by leaf. */
static int share_pages(struct share *share, const struct mapping *mapping, uintptr_t start,
                       uintptr_t end)
{
    int err = start < end ? table_walk(mapping->space, start, end, share_leaf, share) : 0;
    return err ? err : share->err;
}

/* Table by table where the mapping has whole ones for itself. */
static int share_tables(struct share *share, const struct mapping *mapping)
{
    uintptr_t first = MIN(ALIGN_UP(mapping->start, HUGE_SIZE), mapping->end);
    uintptr_t last = MAX(ALIGN_DOWN(mapping->end, HUGE_SIZE), first);

    int err = share_pages(share, mapping, mapping->start, first);
    for (uintptr_t block = first; block < last && !err; block += HUGE_SIZE)
        err = table_share(share->gather, share->child, block);
    return err ? err : share_pages(share, mapping, last, mapping->end);
}

static int copy_mapping(struct address_space *child, struct mapping *mapping, struct gather *gather)
{
    struct mapping template = *mapping;
    struct share share = {.child = child, .gather = gather};

    template.space = child;
    template.flags &= ~MAP_LOCKED;
    if (!mapping_shared(mapping)) /* what the child writes is not from the pool */
        template.flags &= ~MAP_HUGETLB;
    if (!mapping_add(child, &template))
        return -ENOMEM;
    if (mapping_shared(mapping) || mapping->wipe_on_fork)
        return 0;
    int err;
    if (mapping->object) {
        mutex_lock(&mapping->object->lock);
        err = share_pages(&share, mapping, mapping->start, mapping->end);
        mutex_unlock(&mapping->object->lock);
    } else {
        err = share_tables(&share, mapping);
    }
    resident_add(child, share.shared);
    return err;
}

static void copy_figures(struct address_space *child, const struct address_space *space)
{
    child->mmap_base = space->mmap_base;
    child->bottom_up = space->bottom_up;
    child->brk_start = space->brk_start;
    child->brk = space->brk;
    child->start_code = space->start_code;
    child->end_code = space->end_code;
    child->start_data = space->start_data;
    child->end_data = space->end_data;
    child->start_stack = space->start_stack;
    child->arg_start = space->arg_start;
    child->arg_end = space->arg_end;
    child->env_start = space->env_start;
    child->env_end = space->env_end;
    child->stack_limit = space->stack_limit;
    child->as_limit = space->as_limit;
    child->data_limit = space->data_limit;
}

struct address_space *address_space_fork(struct address_space *space)
{
    struct address_space *child = address_space_create();
    struct gather gather;
    int err = 0;

    if (!child)
        return NULL;
    write_lock(&space->lock);
    copy_figures(child, space);
    gather_begin(&gather, space);
    for (struct mapping *mapping = mapping_find(space, 0); mapping && !err;
         mapping = mapping_next(mapping))
        if (!mapping->dont_fork)
            err = copy_mapping(child, mapping, &gather);
    gather_end(&gather);
    write_unlock(&space->lock);
    if (!err && space_fork_hook)
        err = space_fork_hook(child, space);
    if (!err)
        return child;
    address_space_put(child);
    return NULL;
}
