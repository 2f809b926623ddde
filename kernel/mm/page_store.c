/* A radix tree of frames by page index. Its height grows with the largest index; a store of the one
 * page 0 has no node at all: root is the frame. */
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/shm.h"

enum { BITS = 6, SLOTS = 1 << BITS };

struct node {
    unsigned used;
    uintptr_t slots[SLOTS]; /* nodes; at the lowest level physical addresses */
};

static struct kcache node_cache = {.name = "page_store", .size = sizeof(struct node)};

atomic_ulong page_store_shmem;

void page_store_init(struct page_store *store)
{
    *store = (struct page_store){};
}

/* Does an index fit into a tree of this height? */
static bool fits(uint64_t index, unsigned height)
{
    return height * BITS >= 64 || index >> height * BITS == 0;
}

static unsigned slot_of(uint64_t index, unsigned height)
{
    return index >> (height - 1) * BITS & (SLOTS - 1);
}

static bool grow(struct page_store *store, uint64_t index)
{
    while (!fits(index, store->height)) {
        if (store->root) {
            struct node *node = kcache_alloc(&node_cache);
            if (!node)
                return false;
            node->slots[0] = (uintptr_t)store->root;
            node->used = 1;
            store->root = node;
        }
        store->height++;
    }
    return true;
}

/* The slot of an index, and the node that holds it (NULL at height 0); NULL: not there. */
static uintptr_t *find_slot(struct page_store *store, uint64_t index, bool alloc,
                            struct node **holder)
{
    uintptr_t *slot = (uintptr_t *)&store->root;

    *holder = NULL;
    if (!fits(index, store->height) && (!alloc || !grow(store, index)))
        return NULL;
    for (unsigned height = store->height; height > 0; height--) {
        if (!*slot) {
            struct node *node = alloc ? kcache_alloc(&node_cache) : NULL;
            if (!node)
                return NULL;
            *slot = (uintptr_t)node;
            if (*holder)
                (*holder)->used++;
        }
        *holder = (struct node *)*slot;
        slot = &(*holder)->slots[slot_of(index, height)];
    }
    return slot;
}

static void count(struct page_store *store, unsigned long pages)
{
    atomic_fetch_add_explicit(&store->npages, pages, memory_order_relaxed);
    if (!store->total)
        return;
    atomic_fetch_add_explicit(&page_store_shmem, pages, memory_order_relaxed);
    if (store->total != &page_store_shmem)
        atomic_fetch_add_explicit(store->total, pages, memory_order_relaxed);
}

static int put_in(struct page_store *store, uint64_t index, paddr_t frame)
{
    struct node *holder;
    uintptr_t *slot = find_slot(store, index, true, &holder);
    if (!slot)
        return -ENOMEM;
    if (*slot)
        return -EEXIST;
    *slot = frame;
    if (holder)
        holder->used++;
    count(store, 1);
    return 0;
}

static paddr_t find_locked(struct page_store *store, uint64_t index, bool alloc)
{
    struct node *holder;
    uintptr_t *slot = find_slot(store, index, false, &holder);
    paddr_t found = slot ? *slot : 0;
    if (found)
        return found;
    paddr_t frame = 0;
    while (alloc && !(frame = frame_alloc(0, FRAME_USER | FRAME_ZERO)) && frame_reclaim())
        ;
    if (frame && put_in(store, index, frame) < 0) {
        frame_put(frame);
        return 0;
    }
    return frame;
}

paddr_t page_store_find(struct page_store *store, uint64_t index, bool alloc)
{
    mutex_lock(&store->lock);
    paddr_t frame = find_locked(store, index, alloc);
    mutex_unlock(&store->lock);
    return frame;
}

paddr_t page_store_get(struct page_store *store, uint64_t index, bool alloc)
{
    mutex_lock(&store->lock);
    paddr_t frame = find_locked(store, index, alloc);
    if (frame)
        frame_get(frame);
    mutex_unlock(&store->lock);
    return frame;
}

void page_store_around(struct page_store *store, uint64_t first, unsigned n, paddr_t *frames)
{
    mutex_lock(&store->lock);
    for (unsigned i = 0; i < n; i++) {
        frames[i] = find_locked(store, first + i, false);
        if (frames[i])
            frame_get(frames[i]);
    }
    mutex_unlock(&store->lock);
}

int page_store_insert(struct page_store *store, uint64_t index, paddr_t frame)
{
    mutex_lock(&store->lock);
    int err = put_in(store, index, frame);
    mutex_unlock(&store->lock);
    return err;
}

/* --- ranges --------------------------------------------------------------------------------------
 */

/* Pages that a slot at this height spans, less one (all of them may be 2^64). */
static uint64_t span(unsigned height)
{
    return height * BITS >= 64 ? UINT64_MAX : (1ull << height * BITS) - 1;
}

/* Empty [first, last] below a slot whose pages start at base; the slot too if nothing is left. */
static void remove_below(struct page_store *store, uintptr_t *slot, unsigned height, uint64_t base,
                         uint64_t first, uint64_t last)
{
    if (!*slot)
        return;
    if (height == 0) {
        frame_put(*slot & PAGE_MASK);
        *slot = 0;
        count(store, -1ul);
        return;
    }
    struct node *node = (struct node *)*slot;
    uint64_t reach = span(height - 1);
    for (unsigned i = 0; i < SLOTS; i++) {
        uint64_t from = base + ((uint64_t)i << (height - 1) * BITS);
        if (from < base || from > last)
            break;
        if (!node->slots[i] || from + reach < first)
            continue;
        remove_below(store, &node->slots[i], height - 1, from, first, last);
        if (!node->slots[i])
            node->used--;
    }
    if (!node->used) {
        kcache_free(&node_cache, node);
        *slot = 0;
    }
}

static void remove_range(struct page_store *store, uint64_t first, uint64_t last)
{
    if (fits(first, store->height))
        remove_below(store, (uintptr_t *)&store->root, store->height, 0, first, last);
    if (!store->root)
        store->height = 0;
}

void page_store_remove(struct page_store *store, uint64_t first, uint64_t npages)
{
    if (!npages)
        return;
    uint64_t last = first + npages - 1 < first ? UINT64_MAX : first + npages - 1;
    mutex_lock(&store->lock);
    remove_range(store, first, last);
    mutex_unlock(&store->lock);
}

static bool next_below(uintptr_t slot, unsigned height, uint64_t base, uint64_t index,
                       uint64_t *found)
{
    if (!slot)
        return false;
    if (height == 0) {
        *found = base;
        return true;
    }
    const struct node *node = (const struct node *)slot;
    uint64_t reach = span(height - 1);
    for (unsigned i = 0; i < SLOTS; i++) {
        uint64_t from = base + ((uint64_t)i << (height - 1) * BITS);
        if (from < base)
            break;
        if (from + reach >= index && next_below(node->slots[i], height - 1, from, index, found))
            return true;
    }
    return false;
}

bool page_store_next(struct page_store *store, uint64_t index, uint64_t *found)
{
    mutex_lock(&store->lock);
    bool is = fits(index, store->height) &&
              next_below((uintptr_t)store->root, store->height, 0, index, found);
    mutex_unlock(&store->lock);
    return is;
}

/* --- entries with marks --------------------------------------------------------------------------
 */

uintptr_t *page_store_entry(struct page_store *store, uint64_t index)
{
    struct node *holder;
    return find_slot(store, index, false, &holder);
}

int page_store_put_entry(struct page_store *store, uint64_t index, uintptr_t entry)
{
    return put_in(store, index, entry);
}

void page_store_drop_entry(struct page_store *store, uint64_t index)
{
    remove_range(store, index, index);
}

/* Down to the lowest node on the way to index; *reach: what it, or the hole found instead, spans.
 */
static struct node *lowest_node(struct page_store *store, uint64_t index, uint64_t *reach)
{
    uintptr_t slot = (uintptr_t)store->root;
    unsigned height = store->height;
    while (slot && height > 1)
        slot = ((struct node *)slot)->slots[slot_of(index, height--)];
    *reach = span(height);
    return (struct node *)slot;
}

__cold uintptr_t *page_store_find_marked(struct page_store *store, uint64_t *index, uint64_t last,
                                         uintptr_t marks)
{
    enum { STEPS = 32 };
    uint64_t reach;
    for (unsigned i = 0; i < STEPS && *index <= last; i++) {
        struct node *node = NULL;
        if (!fits(*index, store->height))
            reach = UINT64_MAX;
        else if (store->height)
            node = lowest_node(store, *index, &reach);
        else if (store->root && (!marks || (uintptr_t)store->root & marks))
            return (uintptr_t *)&store->root;
        else
            reach = 0;
        uint64_t end = MIN(*index | reach, last);
        for (; node && *index <= end; ++*index) {
            uintptr_t *slot = &node->slots[slot_of(*index, 1)];
            if (*slot && (!marks || *slot & marks))
                return slot;
        }
        *index = end + 1;
    }
    return NULL;
}
