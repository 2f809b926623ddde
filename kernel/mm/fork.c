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
    pte_t new = (old & ~(pte_t)(PTE_WRITE | PTE_DIRTY)) | PTE_COW;
    if (old & PTE_OWNED)
        frame_get(pte_frame(old));
    *entry = new;
    *to = new;
    share->shared++;
    if (old & PTE_WRITE)
        gather_flush(share->gather, addr, PAGE_SIZE);
}

/* Huge blocks have one owner: split them for sharing. */
static int split_all(struct address_space *space, uintptr_t start, uintptr_t end)
{
    for (uintptr_t at = ALIGN_UP(start, HUGE_SIZE); at < end; at += HUGE_SIZE) {
        unsigned level = 1;
        pte_t *entry = paging_walk(space->pml4, at, &level, false);
        if (entry && level == 2 && table_split(space, entry) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int copy_mapping(struct address_space *child, struct mapping *mapping, struct gather *gather)
{
    struct address_space *space = mapping->space;
    struct mapping template = *mapping;
    struct share share = {.child = child, .gather = gather};

    template.space = child;
    template.flags &= ~MAP_LOCKED;
    if (!mapping_add(child, &template))
        return -ENOMEM;
    if (mapping_shared(mapping) || mapping->wipe_on_fork)
        return 0;
    int err = mapping->object ? 0 : split_all(space, mapping->start, mapping->end);
    if (err)
        return err;
    if (mapping->object)
        mutex_lock(&mapping->object->lock);
    err = table_walk(space, mapping->start, mapping->end, share_leaf, &share);
    if (mapping->object)
        mutex_unlock(&mapping->object->lock);
    resident_add(child, share.shared);
    return err ? err : share.err;
}

static void copy_figures(struct address_space *child, const struct address_space *space)
{
    child->mmap_base = space->mmap_base;
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
