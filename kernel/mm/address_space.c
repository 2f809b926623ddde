/* Address spaces as a whole: their life, limits, and the objects that are mapped in them. */
#include "core/panic.h"
#include "lib/list.h"
#include "mm/heap.h"
#include "mm/space.h"

enum { KERNEL_HALF = ENTRIES / 2 };

static atomic_ulong next_number = 1;

struct address_space *address_space_create(void)
{
    struct address_space *space = kzalloc(sizeof(*space));
    paddr_t frame = space ? frame_alloc(0, FRAME_ZERO) : 0;
    if (!frame) {
        kfree(space);
        return NULL;
    }
    space->pml4 = phys_to_virt(frame);
    for (unsigned i = KERNEL_HALF; i < ENTRIES; i++)
        space->pml4[i] = kernel_pml4[i];
    atomic_store(&space->refs, 1);
    space->number = atomic_fetch_add_explicit(&next_number, 1, memory_order_relaxed);
    space->mmap_base = USER_END;
    space->stack_limit = 8ul << 20;
    space->as_limit = space->data_limit = UINT64_MAX;
    return space;
}

void address_space_get(struct address_space *space)
{
    atomic_fetch_add_explicit(&space->refs, 1, memory_order_relaxed);
}

void address_space_put(struct address_space *space)
{
    if (!space || atomic_fetch_sub_explicit(&space->refs, 1, memory_order_acq_rel) != 1)
        return;
    address_space_clear(space);
    space_unload(space);
    frame_free(virt_to_phys(space->pml4), 0);
    kfree(space);
}

void address_space_clear(struct address_space *space)
{
    struct mapping *removed = NULL;

    write_lock(&space->lock);
    space_unmap_locked(space, 0, USER_END, &removed);
    /* Tables that an allocation left behind when it failed half-way. */
    struct gather gather;
    gather_begin(&gather, space);
    table_clear(&gather, 0, USER_END, 0, USER_END + PAGE_SIZE);
    gather_end(&gather);
    space->brk = space->brk_start = 0;
    write_unlock(&space->lock);
    mapping_dispose(removed);
    kfree(atomic_exchange(&space->code_notes, NULL));
}

int address_space_key(struct address_space *space, uintptr_t addr, struct memory_key *key)
{
    int err = 0;

    read_lock(&space->lock);
    struct mapping *mapping = mapping_find(space, addr);
    if (!mapping || mapping->start > addr || mapping_secret(mapping))
        err = -EFAULT;
    else if (mapping_shared(mapping))
        *key = (struct memory_key){mapping->object,
                                   (mapping->object_page << PAGE_SHIFT) + (addr - mapping->start)};
    else if (!mapping->object && !(mapping->prot & PROT_WRITE))
        err = -EFAULT; /* it will not change */
    else
        *key = (struct memory_key){space, addr};
    read_unlock(&space->lock);
    return err;
}

/* --- limits --------------------------------------------------------------------------------------
 */

bool space_may_grow(const struct address_space *space, uint64_t npages, bool data)
{
    uint64_t total = atomic_load_explicit(&space->total_pages, memory_order_relaxed);
    uint64_t in_data = atomic_load_explicit(&space->data_pages, memory_order_relaxed);
    if (total + npages > space->as_limit >> PAGE_SHIFT)
        return false;
    return !data || in_data + npages <= space->data_limit >> PAGE_SHIFT;
}

/* As Linux does by default (overcommit_memory 0): only what could never be is refused. */
bool space_commit_ok(uint64_t npages)
{
    struct frame_stats stats;
    frame_get_stats(&stats);
    return npages <= stats.total;
}

/* --- objects -------------------------------------------------------------------------------------
 */

void mem_object_init(struct mem_object *object, const struct mem_object_ops *ops)
{
    *object = (struct mem_object){.ops = ops};
    list_init(&object->mappings);
}

struct unmap_object {
    struct gather *gather;
    long resident;
    bool copies;
};

static void unmap_leaf(pte_t *entry, uintptr_t addr, unsigned level, void *arg)
{
    struct unmap_object *unmap = arg;
    struct address_space *space = unmap->gather->space;
    uint64_t irq = spin_lock_irq(&space->pte_lock);
    pte_t old = pte_load(entry);
    bool own_copy = old & PTE_COPY && !unmap->copies;
    if (old && !own_copy)
        old = __atomic_exchange_n(entry, 0, __ATOMIC_SEQ_CST);
    spin_unlock_irq(&space->pte_lock, irq);
    if (!old || own_copy)
        return;
    unmap->resident++;
    gather_flush(unmap->gather, addr, PAGE_SIZE);
    if (old & PTE_OWNED)
        gather_frame(unmap->gather, pte_frame(old));
}

/* The object's lock keeps the mapping, and so its tables, in place: only small pages there. */
static void unmap_from(struct mapping *mapping, uint64_t first, uint64_t end, bool copies)
{
    uint64_t from = mapping->object_page;
    uint64_t to = from + ((mapping->end - mapping->start) >> PAGE_SHIFT);
    first = MAX(first, from);
    end = MIN(end, to);
    if (first >= end)
        return;
    struct gather gather;
    struct unmap_object unmap = {&gather, 0, copies};
    gather_begin(&gather, mapping->space);
    table_walk(mapping->space, mapping->start + ((first - from) << PAGE_SHIFT),
               mapping->start + ((end - from) << PAGE_SHIFT), unmap_leaf, &unmap);
    gather_end(&gather);
    resident_add(mapping->space, -unmap.resident);
}

static void unmap_all(struct mem_object *object, uint64_t first, uint64_t end, bool copies)
{
    atomic_fetch_add(&object->unmaps, 1);
    mutex_lock(&object->lock);
    list_for_each_entry (struct mapping, mapping, &object->mappings, object_link)
        unmap_from(mapping, first, end, copies);
    mutex_unlock(&object->lock);
}

void mem_object_unmap(struct mem_object *object, uint64_t first, uint64_t npages)
{
    unmap_all(object, first, first + npages < first ? UINT64_MAX : first + npages, false);
}

void mem_object_cut(struct mem_object *object, uint64_t first)
{
    unmap_all(object, first, UINT64_MAX, true);
}
