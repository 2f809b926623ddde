/* Page frames: a buddy allocator over chunks of 4 MiB.
 *
 * A block of the largest order is a chunk, so buddies never leave their chunk and each chunk stands
 * for itself: a page of 1024 state words, found through a two-level directory. A chunk is taken
 * into use (its state page made, the direct map extended to it) when those before it are spent;
 * until then its memory is only a span. Free blocks are linked through their own first bytes.
 *
 * State word of a frame: its kind in the top four bits. An allocated block carries its order as the
 * kind, at its first frame, and its references below. Only the owner of a block changes an
 * allocated word other than by atomic counting; words of free blocks change under pool.lock. */
#include "mm/frame.h"

#include "arch/x86_64/irqflags.h"
#include "arch/x86_64/paging.h"
#include "core/cpu.h"
#include "core/panic.h"
#include "core/spinlock.h"
#include "lib/errno.h"
#include "lib/list.h"
#include "lib/sanitize.h"

enum {
    CHUNK_SHIFT = PAGE_SHIFT + FRAME_ORDER_MAX,
    CHUNK_FRAMES = 1 << FRAME_ORDER_MAX,
    DIRECTORY_SHIFT = CHUNK_SHIFT + 9, /* a page of 512 chunk pointers */
    DIRECTORIES = FRAME_LIMIT >> DIRECTORY_SHIFT,
    ORDERS = FRAME_ORDER_MAX + 1,
    SPANS_MAX = 72,
    SPARES = 4,
    CACHE_MAX = 64,
};

#define KIND(k)   ((uint32_t)(k) << 28)
#define KIND_MASK 0xf0000000u
enum {
    KIND_SLAB = 12,
    KIND_CACHED = 13,   /* in a per-CPU cache */
    KIND_INTERIOR = 14, /* not the first frame of its block */
    KIND_FREE = 15,     /* the order in the low bits */
};
#define STATE_INTERIOR KIND(KIND_INTERIOR)
#define STATE_USER     (1u << 27) /* counted in frame_stats.user */
#define STATE_REPORTED (1u << 27) /* of a free block: the host was told */
#define REFS_MASK      (STATE_USER - 1)

typedef _Atomic(uint32_t) state_t;

struct frame_cache {
    unsigned count, limit;
    int64_t user; /* frames of the program handed out here, less those given back here */
    uint32_t frames[CACHE_MAX];
};

static state_t *_Atomic *_Atomic directory[DIRECTORIES];

static struct {
    struct spinlock lock;
    struct list free[ORDERS];
    uint64_t nfree; /* in free[] and in spans */
    uint64_t total, reserve;
    struct frame_span spans[SPANS_MAX];
    unsigned nspans;
    paddr_t spares[SPARES]; /* for state pages and tables of chunks to come */
    unsigned nspares;
} pool;

static struct frame_cache boot_cache;
static struct frame_cache *caches[CPUS_MAX];

unsigned (*frame_reclaim_hooks[FRAME_RECLAIMS])(void);

static struct list *link_of(uint64_t frame)
{
    return phys_to_virt(frame << PAGE_SHIFT);
}

static uint64_t frame_of_link(const struct list *link)
{
    return virt_to_phys(link) >> PAGE_SHIFT;
}

static void zero_frames(paddr_t paddr, unsigned order)
{
    void *p = phys_to_virt(paddr);
    size_t words = PAGE_SIZE / 8 << order;
    asm volatile("rep stosq" : "+D"(p), "+c"(words) : "a"(0ul) : "memory");
}

/* --- states ------------------------------------------------------------------------------------
 */

/* The states of the chunk that a frame is in; NULL: not taken into use. */
static state_t *chunk_states(uint64_t frame)
{
    uint64_t chunk = frame >> FRAME_ORDER_MAX;
    if (unlikely(chunk >> 9 >= DIRECTORIES))
        return NULL;
    state_t *_Atomic *chunks = atomic_load_explicit(&directory[chunk >> 9], memory_order_acquire);
    return chunks ? atomic_load_explicit(&chunks[chunk & 511], memory_order_acquire) : NULL;
}

static state_t *state_of(uint64_t frame)
{
    state_t *states = chunk_states(frame);
    return states ? &states[frame & (CHUNK_FRAMES - 1)] : NULL;
}

static uint32_t load(state_t *state)
{
    return atomic_load_explicit(state, memory_order_relaxed);
}

static void store(state_t *state, uint32_t value)
{
    atomic_store_explicit(state, value, memory_order_relaxed);
}

static uint32_t state_allocated(unsigned order, unsigned flags)
{
    return KIND(order) | (flags & FRAME_USER ? STATE_USER : 0) | 1;
}

/* --- the buddy lists (pool.lock held) ------------------------------------------------------------
 */

static void list_block(state_t *states, uint64_t frame, unsigned order)
{
    store(&states[frame & (CHUNK_FRAMES - 1)], KIND(KIND_FREE) | order);
    list_add(&pool.free[order], link_of(frame));
}

/* Give a block to the lists, joined with its free buddies. */
static void buddy_give(uint64_t frame, unsigned order)
{
    state_t *states = chunk_states(frame);

    pool.nfree += 1ul << order;
    store(&states[frame & (CHUNK_FRAMES - 1)], STATE_INTERIOR);
    for (; order < FRAME_ORDER_MAX; order++) {
        uint64_t buddy = frame ^ 1ul << order;
        state_t *state = &states[buddy & (CHUNK_FRAMES - 1)];
        if ((load(state) & ~STATE_REPORTED) != (KIND(KIND_FREE) | order))
            break;
        list_del(link_of(buddy));
        store(state, STATE_INTERIOR);
        frame &= ~(1ul << order);
    }
    list_block(states, frame, order);
}

static uint64_t buddy_take(unsigned order)
{
    unsigned from = order;
    while (from < ORDERS && list_empty(&pool.free[from]))
        from++;
    if (from == ORDERS)
        return 0;
    struct list *link = pool.free[from].next;
    uint64_t frame = frame_of_link(link);
    list_del(link);
    state_t *states = chunk_states(frame);
    while (from > order) {
        from--;
        list_block(states, frame + (1ul << from), from);
    }
    store(&states[frame & (CHUNK_FRAMES - 1)], STATE_INTERIOR);
    pool.nfree -= 1ul << order;
    return frame;
}

/* --- chunks (pool.lock held) -------------------------------------------------------------------
 */

static void *spare_page(void)
{
    if (!pool.nspares)
        return NULL;
    paddr_t paddr = pool.spares[--pool.nspares];
    zero_frames(paddr, 0);
    return phys_to_virt(paddr);
}

static void fill_spares(void)
{
    while (pool.nspares < SPARES) {
        uint64_t frame = buddy_take(0);
        if (!frame)
            return;
        store(state_of(frame), state_allocated(0, 0));
        sanitize_frames_allocated(frame << PAGE_SHIFT, 0);
        pool.spares[pool.nspares++] = frame << PAGE_SHIFT;
    }
}

static bool chunk_prepare(uint64_t frame)
{
    uint64_t chunk = frame >> FRAME_ORDER_MAX;
    bool used = false;
    paddr_t spare = pool.nspares ? pool.spares[pool.nspares - 1] : 0;

    if (paging_extend_direct_map(frame << PAGE_SHIFT, spare, &used) < 0)
        return false;
    pool.nspares -= used;
    if (!directory[chunk >> 9]) {
        void *page = spare_page();
        if (!page)
            return false;
        atomic_store_explicit(&directory[chunk >> 9], page, memory_order_release);
    }
    state_t *_Atomic *slot = &directory[chunk >> 9][chunk & 511];
    if (!*slot) {
        void *page = spare_page();
        if (!page)
            return false;
        atomic_store_explicit(slot, page, memory_order_release);
    }
    return true;
}

/* Put the frames of a part of one chunk on the lists. They count as free already. */
static void chunk_fill(uint64_t frame, uint64_t end)
{
    state_t *states = chunk_states(frame);

    pool.nfree -= end - frame;
    for (uint64_t f = frame; f < end; f++)
        store(&states[f & (CHUNK_FRAMES - 1)], STATE_INTERIOR);
    while (frame < end) {
        unsigned order = frame ? MIN(__builtin_ctzl(frame), (int)FRAME_ORDER_MAX) : FRAME_ORDER_MAX;
        while (frame + (1ul << order) > end)
            order--;
        buddy_give(frame, order);
        frame += 1ul << order;
    }
}

/* A frame for the sanitizer's shadow; 0: none. */
static paddr_t shadow_frame(void)
{
    uint64_t frame = buddy_take(0);
    if (frame)
        store(state_of(frame), state_allocated(0, 0));
    return frame << PAGE_SHIFT;
}

/* Under the sanitizer: shadow for the chunk that the span's first piece is in, which costs frames
 * of the piece. The new end of what is left, its start in the span. */
static void shadow_chunk(struct frame_span *span, paddr_t end)
{
    paddr_t left = sanitize_cover_chunk(span->start, end, shadow_frame);
    pool.nfree -= (left - span->start) >> PAGE_SHIFT;
    span->start = left;
    sanitize_poison(phys_to_virt(left), end - left, SANITIZE_FRAME_FREE);
}

/* Take the next piece of memory into use; false: all of it is. */
static bool take_chunk(void)
{
    for (unsigned i = 0; i < pool.nspans; i++) {
        struct frame_span *span = &pool.spans[i];
        if (span->start >= span->end)
            continue;
        paddr_t end =
            MIN(span->end, ALIGN_DOWN(span->start, 1ul << CHUNK_SHIFT) + (1ul << CHUNK_SHIFT));
        if (!chunk_prepare(span->start >> PAGE_SHIFT))
            continue; /* no spare page for its tables: perhaps another span needs none */
        if (SANITIZED)
            shadow_chunk(span, end);
        chunk_fill(span->start >> PAGE_SHIFT, end >> PAGE_SHIFT);
        span->start = end;
        fill_spares();
        return true;
    }
    return false;
}

static uint64_t take(unsigned order)
{
    for (;;) {
        uint64_t frame = buddy_take(order);
        if (frame || !take_chunk())
            return frame;
    }
}

/* --- per-CPU caches ----------------------------------------------------------------------------
 */

/* This CPU's cache, made at its first allocation; its limit follows the number of CPUs. */
static struct frame_cache *this_cache(void)
{
    struct cpu *cpu = this_cpu();
    uint64_t limit = pool.total / (64 * ncpus);
    if (unlikely(!cpu->frame_cache)) {
        uint64_t frame = 0;
        if (pool.nfree > pool.reserve)
            frame = take(0);
        if (!frame)
            return NULL;
        store(state_of(frame), state_allocated(0, 0));
        zero_frames(frame << PAGE_SHIFT, 0);
        cpu->frame_cache = caches[cpu->id] = phys_to_virt(frame << PAGE_SHIFT);
    }
    struct frame_cache *cache = cpu->frame_cache;
    cache->limit = limit < 4 ? 4 : MIN(limit, (uint64_t)CACHE_MAX);
    return cache;
}

/* Free frames which an allocation must leave to those that need them more. */
static uint64_t floor_of(unsigned flags)
{
    if (flags & FRAME_ATOMIC)
        return 0;
    return flags & FRAME_USER ? pool.reserve : pool.reserve / 4;
}

/* Interrupts off. While memory is plentiful a batch of single frames comes along. */
static uint64_t alloc_slow(unsigned order, unsigned flags)
{
    spin_lock(&pool.lock);
    struct frame_cache *cache = this_cache();
    uint64_t frame = 0;
    if (pool.nfree >= (1ul << order) + floor_of(flags))
        frame = take(order);
    if (frame && order == 0 && cache) {
        unsigned batch = cache->limit / 2;
        while (cache->count < batch && pool.nfree > pool.reserve + batch) {
            uint64_t more = take(0);
            if (!more)
                break;
            store(state_of(more), KIND(KIND_CACHED));
            cache->frames[cache->count++] = more;
        }
    }
    spin_unlock(&pool.lock);
    return frame;
}

/* What the sanitizer keeps from use goes back to the lists; false: nothing did. */
static bool drain_sanitizer(void)
{
    uint64_t frame, any = 0;
    spin_lock(&pool.lock);
    while ((frame = sanitize_frame_evict())) {
        buddy_give(frame, 0);
        any = frame;
    }
    spin_unlock(&pool.lock);
    return any;
}

paddr_t frame_alloc(unsigned order, unsigned flags)
{
    uint64_t frame;

    assert(order < ORDERS);
    uint64_t irq = irq_save();
    struct frame_cache *cache = this_cpu()->frame_cache;
    if (likely(order == 0 && cache && cache->count))
        frame = cache->frames[--cache->count];
    else
        frame = alloc_slow(order, flags);
    while (SANITIZED && !frame && drain_sanitizer())
        frame = alloc_slow(order, flags);
    if (likely(frame)) {
        sanitize_frames_allocated(frame << PAGE_SHIFT, order);
        store(state_of(frame), state_allocated(order, flags));
        cache = this_cpu()->frame_cache;
        if (flags & FRAME_USER && cache)
            cache->user += 1l << order;
    }
    irq_restore(irq);
    if (frame && flags & FRAME_ZERO)
        zero_frames(frame << PAGE_SHIFT, order);
    return frame << PAGE_SHIFT;
}

static void cache_drain(struct frame_cache *cache, unsigned down_to)
{
    spin_lock(&pool.lock);
    while (cache->count > down_to)
        buddy_give(cache->frames[--cache->count], 0);
    spin_unlock(&pool.lock);
}

/* Free an allocated block whose last reference is the caller's. */
static void release(uint64_t frame, state_t *state, unsigned order)
{
    uint64_t irq = irq_save();
    struct frame_cache *cache = this_cpu()->frame_cache;

    if (load(state) & STATE_USER && cache)
        cache->user -= 1l << order;
    if (SANITIZED) {
        store(state, KIND(KIND_CACHED));
        frame = sanitize_frame_freed(frame, order);
        state = state_of(frame);
    }
    if (SANITIZED && !frame)
        goto out;
    if (order == 0 && cache) {
        if (cache->count >= cache->limit)
            cache_drain(cache, cache->limit / 2);
        store(state, KIND(KIND_CACHED));
        cache->frames[cache->count++] = frame;
    } else {
        spin_lock(&pool.lock);
        buddy_give(frame, order);
        spin_unlock(&pool.lock);
    }
out:
    irq_restore(irq);
}

void frame_free(paddr_t paddr, unsigned order)
{
    state_t *state = state_of(paddr >> PAGE_SHIFT);
    assert(state && (load(state) & ~STATE_USER) == (KIND(order) | 1), "freeing a frame not held");
    release(paddr >> PAGE_SHIFT, state, order);
}

/* --- reporting free memory ---------------------------------------------------------------------
 */

/* Blocks that were reported stand at the end of their list, and what is freed anew at its start: so
 * one look tells whether an order has any that was not. A block that is split or joined counts as
 * not reported. */
static uint64_t unreported(unsigned order)
{
    struct list *blocks = &pool.free[order];
    uint64_t frame = list_empty(blocks) ? 0 : frame_of_link(blocks->next);
    return frame && !(load(state_of(frame)) & STATE_REPORTED) ? frame : 0;
}

paddr_t frame_take_unreported(unsigned *order)
{
    uint64_t frame = 0;
    uint64_t flags = spin_lock_irq(&pool.lock);
    if (pool.nfree >= floor_of(FRAME_USER) + 2 * CHUNK_FRAMES)
        for (*order = FRAME_ORDER_MAX; !frame && *order >= FRAME_ORDER_REPORTED; --*order)
            frame = unreported(*order);
    if (frame) {
        ++*order; /* the loop has gone by */
        list_del(link_of(frame));
        pool.nfree -= 1ul << *order;
        store(state_of(frame), state_allocated(*order, 0));
    }
    spin_unlock_irq(&pool.lock, flags);
    return frame << PAGE_SHIFT;
}

/* Without joining it to its buddy, which may be free by now: that happens when either is used. */
void frame_put_reported(paddr_t paddr, unsigned order)
{
    uint64_t flags = spin_lock_irq(&pool.lock);
    store(state_of(paddr >> PAGE_SHIFT), KIND(KIND_FREE) | STATE_REPORTED | order);
    list_add_tail(&pool.free[order], link_of(paddr >> PAGE_SHIFT));
    pool.nfree += 1ul << order;
    spin_unlock_irq(&pool.lock, flags);
}

/* --- references --------------------------------------------------------------------------------
 */

void frame_get(paddr_t paddr)
{
    state_t *state = state_of(paddr >> PAGE_SHIFT);
    if (!state || !load(state))
        return;
    uint32_t old = atomic_fetch_add_explicit(state, 1, memory_order_relaxed);
    assert(old >> 28 < ORDERS && (old & REFS_MASK) != 0, "reference to a free frame");
}

void frame_put(paddr_t paddr)
{
    uint64_t frame = paddr >> PAGE_SHIFT;
    state_t *state = state_of(frame);
    if (!state)
        return;
    uint32_t old = load(state);
    if (!old)
        return;
    assert(old >> 28 < ORDERS && (old & REFS_MASK) != 0, "putting a free frame");
    /* The last holder needs no atomic: nobody else can take a reference from now on. */
    if ((old & REFS_MASK) != 1) {
        old = atomic_fetch_sub_explicit(state, 1, memory_order_release);
        if ((old & REFS_MASK) != 1)
            return;
    }
    atomic_thread_fence(memory_order_acquire);
    release(frame, state, old >> 28);
}

bool frame_put_unless_last(paddr_t paddr)
{
    state_t *state = state_of(paddr >> PAGE_SHIFT);
    uint32_t old = load(state);

    do {
        assert(old >> 28 < ORDERS && (old & REFS_MASK) != 0, "putting a free frame");
        if ((old & REFS_MASK) == 1) {
            atomic_thread_fence(memory_order_acquire);
            return true;
        }
    } while (!atomic_compare_exchange_weak_explicit(state, &old, old - 1, memory_order_release,
                                                    memory_order_relaxed));
    return false;
}

unsigned frame_refs(paddr_t paddr)
{
    state_t *state = state_of(paddr >> PAGE_SHIFT);
    uint32_t value = state ? load(state) : 0;
    return value >> 28 < ORDERS ? value & REFS_MASK : 0;
}

bool frame_managed(paddr_t paddr)
{
    state_t *state = state_of(paddr >> PAGE_SHIFT);
    return state && load(state);
}

void frame_split_huge(paddr_t paddr)
{
    uint64_t frame = paddr >> PAGE_SHIFT;
    state_t *state = state_of(frame);
    uint32_t old = state ? load(state) : 0;
    assert(old >> 28 == FRAME_ORDER_HUGE && (old & REFS_MASK) == 1, "splitting a shared block");
    for (unsigned i = 0; i < 1u << FRAME_ORDER_HUGE; i++)
        store(&state[i], (old & STATE_USER) | 1);
}

int frame_block_order(paddr_t paddr)
{
    state_t *state = state_of(paddr >> PAGE_SHIFT);
    uint32_t value = state ? load(state) : 0;
    return value && value >> 28 < ORDERS ? (int)(value >> 28) : -1;
}

/* --- slabs -------------------------------------------------------------------------------------
 */

void frame_mark_slab(paddr_t paddr, unsigned order)
{
    state_t *state = state_of(paddr >> PAGE_SHIFT);
    for (unsigned i = 0; i < 1u << order; i++)
        store(&state[i], KIND(KIND_SLAB) | order);
}

void frame_unmark_slab(paddr_t paddr, unsigned order)
{
    state_t *state = state_of(paddr >> PAGE_SHIFT);
    for (unsigned i = 1; i < 1u << order; i++)
        store(&state[i], STATE_INTERIOR);
    store(state, state_allocated(order, 0));
}

int frame_slab_order(paddr_t paddr)
{
    state_t *state = state_of(paddr >> PAGE_SHIFT);
    uint32_t value = state ? load(state) : 0;
    return value >> 28 == KIND_SLAB ? (int)(value & ~KIND_MASK) : -1;
}

/* --- set-up and figures ------------------------------------------------------------------------
 */

static void set_reserve(void)
{
    uint64_t reserve = pool.total / 64;
    pool.reserve = reserve < 24 ? 24 : MIN(reserve, 1024ul);
}

__cold int frame_init(const struct frame_span *spans, unsigned n)
{
    for (unsigned i = 0; i < ORDERS; i++)
        list_init(&pool.free[i]);
    for (unsigned i = 0; i < n && i < SPANS_MAX; i++) {
        pool.spans[pool.nspans++] = spans[i];
        pool.total += (spans[i].end - spans[i].start) >> PAGE_SHIFT;
    }
    pool.nfree = pool.total;
    for (unsigned i = 0; i < pool.nspans; i++) {
        struct frame_span *span = &pool.spans[i];
        while (pool.nspares < SPARES && span->start < span->end) {
            pool.spares[pool.nspares++] = span->start;
            span->start += PAGE_SIZE;
            pool.nfree--;
        }
    }
    set_reserve();
    boot_cache.limit = 4;
    caches[this_cpu()->id] = this_cpu()->frame_cache = &boot_cache;
    return pool.nfree ? 0 : -ENOMEM;
}

void frame_add_range(paddr_t start, uint64_t size)
{
    uint64_t frame = ALIGN_UP(start, PAGE_SIZE) >> PAGE_SHIFT;
    uint64_t end = MIN(start + size, FRAME_LIMIT) >> PAGE_SHIFT;

    while (frame < end) {
        uint64_t stop = MIN(end, ALIGN_DOWN(frame, (uint64_t)CHUNK_FRAMES) + CHUNK_FRAMES);
        uint64_t irq = spin_lock_irq(&pool.lock);
        fill_spares();
        if (chunk_prepare(frame)) {
            struct frame_span span = {frame << PAGE_SHIFT, stop << PAGE_SHIFT};
            pool.total += stop - frame;
            pool.nfree += stop - frame;
            if (SANITIZED)
                shadow_chunk(&span, span.end);
            chunk_fill(span.start >> PAGE_SHIFT, stop);
        }
        spin_unlock_irq(&pool.lock, irq);
        frame = stop;
    }
    set_reserve();
}

void frame_get_stats(struct frame_stats *stats)
{
    int64_t user = 0;
    uint64_t cached = 0;
    for (unsigned i = 0; i < CPUS_MAX; i++)
        if (caches[i]) {
            user += caches[i]->user;
            cached += caches[i]->count;
        }
    cached += sanitize_frames_kept();
    *stats = (struct frame_stats){pool.total, pool.nfree + cached, user > 0 ? user : 0};
}

bool frame_plentiful(void)
{
    return pool.nfree > pool.total / 2 && pool.nfree > 4096;
}

unsigned frame_reclaim(void)
{
    unsigned n = 0;
    for (unsigned i = 0; i < FRAME_RECLAIMS && !n; i++)
        n = frame_reclaim_hooks[i] ? frame_reclaim_hooks[i]() : 0;
    return n;
}
