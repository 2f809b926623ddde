/* The tree of mappings of an address space, ordered by address. Each node knows the gap below it
 * and the largest gap in its subtree, so that a free range is found in logarithmic time. */
#include "core/panic.h"
#include "mm/heap.h"
#include "mm/hugetlb.h"
#include "mm/space.h"

static struct kcache mapping_cache = {.name = "mapping", .size = sizeof(struct mapping)};

void (*mapping_file_get_hook)(void *file);
void (*mapping_file_put_hook)(void *file);

static struct mapping *mapping_of(struct rb_node *node)
{
    return node ? container_of(node, struct mapping, node) : NULL;
}

struct mapping *mapping_next(const struct mapping *mapping)
{
    return mapping_of(rb_next(&mapping->node));
}

struct mapping *mapping_prev(const struct mapping *mapping)
{
    return mapping_of(rb_prev(&mapping->node));
}

struct mapping *mapping_find(const struct address_space *space, uintptr_t addr)
{
    struct mapping *recent = atomic_load_explicit(&space->recent, memory_order_relaxed);
    if (recent && recent->start <= addr && addr < recent->end)
        return recent;
    struct mapping *found = NULL;
    for (struct rb_node *node = space->mappings.root; node;) {
        struct mapping *mapping = mapping_of(node);
        if (mapping->end <= addr) {
            node = node->right;
        } else {
            found = mapping;
            if (mapping->start <= addr)
                break;
            node = node->left;
        }
    }
    if (found)
        atomic_store_explicit(&((struct address_space *)space)->recent, found,
                              memory_order_relaxed);
    return found;
}

struct mapping *address_space_find(struct address_space *space, uintptr_t addr)
{
    return mapping_find(space, addr);
}

/* --- gaps --------------------------------------------------------------------------------------
 */

static uint64_t subtree_gap(struct rb_node *node)
{
    return node ? mapping_of(node)->largest_gap : 0;
}

static void update_gap(struct rb_node *node)
{
    struct mapping *mapping = mapping_of(node);
    uint64_t below = MAX(subtree_gap(node->left), subtree_gap(node->right));
    mapping->largest_gap = MAX(mapping->gap, below);
}

/* Where the gap below ends: a stack keeps room to grow. */
static uintptr_t gap_end(const struct mapping *mapping)
{
    if (!(mapping->flags & MAP_GROWSDOWN))
        return mapping->start;
    return mapping->start > STACK_GUARD ? mapping->start - STACK_GUARD : 0;
}

/* The gap below has changed. */
static void refresh(struct mapping *mapping)
{
    if (!mapping)
        return;
    struct mapping *prev = mapping_prev(mapping);
    uintptr_t from = prev ? prev->end : 0, to = gap_end(mapping);
    mapping->gap = to > from ? to - from : 0;
    rb_updated(&mapping->space->mappings, &mapping->node);
}

struct search {
    uintptr_t low, high;
    size_t length, align;
};

static uintptr_t fit(const struct search *search, uintptr_t from, uintptr_t to)
{
    from = MAX(from, search->low);
    to = MIN(to, search->high);
    if (to < search->length)
        return 0;
    uintptr_t addr = ALIGN_DOWN(to - search->length, search->align);
    return addr >= from && addr ? addr : 0;
}

static uintptr_t search_below(struct rb_node *node, const struct search *search)
{
    while (node) {
        struct mapping *mapping = mapping_of(node);
        if (mapping->largest_gap < search->length)
            return 0;
        if (mapping->end < search->high) {
            uintptr_t addr = search_below(node->right, search);
            if (addr)
                return addr;
        }
        if (mapping->gap >= search->length) {
            uintptr_t to = gap_end(mapping);
            uintptr_t addr = fit(search, to - mapping->gap, to);
            if (addr)
                return addr;
        }
        if (mapping->start <= search->low)
            return 0;
        node = node->left;
    }
    return 0;
}

/* The lowest place, from mmap_base on where that is within the range. Rare: one after the other. */
static uintptr_t search_above(const struct address_space *space, struct search *search)
{
    if (search->high == space->mmap_base)
        search->high = USER_END;
    if (space->mmap_base < search->high)
        search->low = MAX(search->low, space->mmap_base);
    uintptr_t from = search->low;
    for (struct mapping *m = mapping_find(space, from);; m = mapping_next(m)) {
        uintptr_t addr = ALIGN_UP(from, search->align);
        uintptr_t to = MIN(m ? gap_end(m) : USER_END, search->high);
        if (addr < to && to - addr >= search->length)
            return addr;
        if (!m)
            return 0;
        from = MAX(m->end, from);
    }
}

uintptr_t mapping_find_gap(const struct address_space *space, uintptr_t low, uintptr_t high,
                           size_t length, size_t align)
{
    struct search search = {low, high, length, align};
    if (unlikely(space->bottom_up))
        return search_above(space, &search);
    struct mapping *last = mapping_of(rb_last(&space->mappings));
    uintptr_t addr = fit(&search, last ? last->end : 0, USER_END);
    return addr ? addr : search_below(space->mappings.root, &search);
}

/* --- what a mapping holds and counts ------------------------------------------------------------
 */

bool mapping_writable_private(const struct mapping *mapping)
{
    return mapping->prot & PROT_WRITE && !mapping_shared(mapping) &&
           !(mapping->flags & MAP_GROWSDOWN);
}

static void count(struct mapping *mapping, long npages)
{
    struct address_space *space = mapping->space;
    atomic_fetch_add_explicit(&space->total_pages, npages, memory_order_relaxed);
    if (mapping->flags & MAP_LOCKED)
        atomic_fetch_add_explicit(&space->locked_pages, npages, memory_order_relaxed);
    if (mapping_writable_private(mapping))
        atomic_fetch_add_explicit(&space->data_pages, npages, memory_order_relaxed);
}

static long pages_of(const struct mapping *mapping)
{
    return (mapping->end - mapping->start) >> PAGE_SHIFT;
}

void mapping_set_locked(struct mapping *mapping, bool locked)
{
    count(mapping, -pages_of(mapping));
    mapping->flags = locked ? mapping->flags | MAP_LOCKED : mapping->flags & ~MAP_LOCKED;
    count(mapping, pages_of(mapping));
}

static void take_references(struct mapping *mapping)
{
    struct mem_object *object = mapping->object;
    if (mapping->file && mapping_file_get_hook)
        mapping_file_get_hook(mapping->file);
    if (!object)
        return;
    object->ops->get(object);
    mutex_lock(&object->lock);
    list_add_tail(&object->mappings, &mapping->object_link);
    mutex_unlock(&object->lock);
}

static void leave_object(struct mapping *mapping)
{
    struct mem_object *object = mapping->object;
    if (!object)
        return;
    mutex_lock(&object->lock);
    list_del(&mapping->object_link);
    mutex_unlock(&object->lock);
}

void mapping_dispose(struct mapping *removed)
{
    while (removed) {
        struct mapping *mapping = removed;
        removed = mapping->next_removed;
        if (mapping->object)
            mapping->object->ops->put(mapping->object);
        else if (unlikely(mapping->flags & MAP_HUGETLB))
            hugetlb_return((mapping->end - mapping->start) / HUGE_SIZE);
        if (mapping->file && mapping_file_put_hook)
            mapping_file_put_hook(mapping->file); /* the last: a removed file goes with it */
        kcache_free(&mapping_cache, mapping);
    }
}

/* --- changes -----------------------------------------------------------------------------------
 */

static void insert(struct address_space *space, struct mapping *mapping)
{
    struct rb_node **link = &space->mappings.root, *parent = NULL;
    while (*link) {
        parent = *link;
        link = mapping->start < mapping_of(parent)->start ? &parent->left : &parent->right;
    }
    space->mappings.update = update_gap;
    mapping->gap = mapping->largest_gap = 0;
    rb_insert(&space->mappings, &mapping->node, parent, link);
    refresh(mapping);
    refresh(mapping_next(mapping));
    space->nmappings++;
    atomic_fetch_add_explicit(&space->changes, 1, memory_order_relaxed);
}

static void take_out(struct mapping *mapping)
{
    struct address_space *space = mapping->space;
    struct mapping *next = mapping_next(mapping);
    rb_remove(&space->mappings, &mapping->node);
    refresh(next);
    space->nmappings--;
    atomic_store_explicit(&space->recent, NULL, memory_order_relaxed);
    atomic_fetch_add_explicit(&space->changes, 1, memory_order_relaxed);
}

bool mapping_same_kind(const struct mapping *a, const struct mapping *b)
{
    return a->prot == b->prot && a->flags == b->flags && a->max_prot == b->max_prot &&
           a->no_huge == b->no_huge && a->want_huge == b->want_huge &&
           a->dont_fork == b->dont_fork && a->wipe_on_fork == b->wipe_on_fork &&
           a->dont_dump == b->dont_dump && a->lock_on_fault == b->lock_on_fault &&
           a->reads == b->reads && a->object == b->object && a->file == b->file &&
           a->label == b->label && a->policy.mode == b->policy.mode &&
           a->policy.user == b->policy.user && a->policy.home == b->policy.home;
}

static bool fits(const struct mapping *low, const struct mapping *high)
{
    return low->end == high->start && mapping_same_kind(low, high) &&
           (!low->object || low->object_page + (uint64_t)pages_of(low) == high->object_page);
}

static void set_borders(struct mapping *mapping, uintptr_t start, uintptr_t end)
{
    struct mem_object *object = mapping->object;
    if (object)
        mutex_lock(&object->lock);
    mapping->object_page += (int64_t)(start - mapping->start) >> PAGE_SHIFT; /* down as well */
    mapping->start = start;
    mapping->end = end;
    if (object)
        mutex_unlock(&object->lock);
    atomic_fetch_add_explicit(&mapping->space->changes, 1, memory_order_relaxed);
}

void mapping_resize(struct mapping *mapping, uintptr_t start, uintptr_t end)
{
    long before = pages_of(mapping);
    set_borders(mapping, start, end);
    count(mapping, pages_of(mapping) - before);
    refresh(mapping);
    refresh(mapping_next(mapping));
}

/* A border may move between two mappings of a counted object, as the piece between is no third. */
static bool may_go(const struct mapping *mapping)
{
    return mapping->piece || !mapping->object || !mapping->object->ops->counted;
}

/* low takes over what high covers. It grows before high leaves, so that mem_object_unmap(), which
 * does not hold the space's lock, sees every page in one of them. */
static void swallow(struct mapping *low, struct mapping *high, struct mapping **removed)
{
    set_borders(low, low->start, high->end);
    count(low, pages_of(high));
    mapping_remove(high, removed);
}

struct mapping *mapping_merge(struct mapping *mapping)
{
    struct mapping *removed = NULL;
    struct mapping *prev = mapping_prev(mapping), *next = mapping_next(mapping);

    if (may_go(mapping)) {
        if (next && fits(mapping, next))
            swallow(mapping, next, &removed);
        if (prev && fits(prev, mapping)) {
            swallow(prev, mapping, &removed);
            mapping = prev;
        }
    }
    mapping->piece = false;
    if (prev)
        prev->piece = false;
    if (next)
        next->piece = false;
    mapping_dispose(removed); /* not the last references: the merged one holds its own */
    return mapping;
}

static struct mapping *grow_neighbour(struct address_space *space, const struct mapping *template)
{
    struct mapping *next = mapping_find(space, template->start);
    struct mapping *prev = next ? mapping_prev(next) : mapping_of(rb_last(&space->mappings));
    if (prev && fits(prev, template)) {
        mapping_resize(prev, prev->start, template->end);
        return next && fits(prev, next) ? mapping_merge(prev) : prev;
    }
    if (next && fits(template, next)) {
        mapping_resize(next, template->start, next->end);
        return next;
    }
    return NULL;
}

struct mapping *mapping_add(struct address_space *space, const struct mapping *template)
{
    struct mapping *mapping = grow_neighbour(space, template);
    if (mapping)
        return mapping;
    mapping = kcache_alloc(&mapping_cache);
    if (!mapping)
        return NULL;
    *mapping = *template;
    mapping->space = space;
    insert(space, mapping);
    count(mapping, pages_of(mapping));
    take_references(mapping);
    return mapping;
}

void mapping_remove(struct mapping *mapping, struct mapping **removed)
{
    take_out(mapping);
    count(mapping, -pages_of(mapping));
    leave_object(mapping);
    mapping->next_removed = *removed;
    *removed = mapping;
}

struct mapping *mapping_split(struct mapping *mapping, uintptr_t addr)
{
    struct address_space *space = mapping->space;
    struct mapping *upper = kcache_alloc(&mapping_cache);
    if (!upper || space->nmappings >= MAPPINGS_MAX) {
        kcache_free(&mapping_cache, upper);
        return NULL;
    }
    mapping->piece = true;
    *upper = *mapping;
    upper->start = addr;
    upper->object_page += (addr - mapping->start) >> PAGE_SHIFT;
    /* The upper part joins the object's list first: no page is ever out of mem_object_unmap()'s
     * sight, and being in it twice does no harm. */
    take_references(upper);
    set_borders(mapping, mapping->start, addr);
    insert(space, upper);
    return upper;
}

int mapping_cut(struct address_space *space, uintptr_t addr)
{
    struct mapping *mapping = mapping_find(space, addr);
    if (!mapping || mapping->start >= addr)
        return 0;
    if (unlikely(mapping->flags & MAP_HUGETLB) && !IS_ALIGNED(addr, HUGE_SIZE))
        return -EINVAL;
    return mapping_split(mapping, addr) ? 0 : -ENOMEM;
}
