/* The kernel heap: slabs of one object size each, with a list of free objects per CPU in front.
 *
 * A slab is a block of frames with a header of 64 bytes; frame states tell the slab of any address.
 * A free object carries a link and, in its second word, a mark: freeing it again is found out.
 * Blocks above the largest class are frames of the next power of two. */
#include "mm/heap.h"

#include "arch/x86_64/irqflags.h"
#include "core/cpu.h"
#include "core/panic.h"
#include "core/spinlock.h"
#include "lib/list.h"
#include "lib/sanitize.h"
#include "lib/string.h"
#include "mm/frame.h"

enum {
    HEADER = 64,
    SLAB_ORDER_MAX = 3,
    CLASS_MAX = 2048,
    CACHES_MAX = 96, /* with per-CPU lists; those beyond share one lock each */
    LOCAL_BYTES = 32768,
    LOCAL_MAX = 32,
};
#define FREE_MARK 0x5f9e27a1c364bd88ul

struct object {
    struct object *next;
    uint64_t mark; /* FREE_MARK ^ own address while free */
};

struct kcache_impl {
    struct spinlock lock;
    struct list partial; /* slabs with objects both free and used, then empty ones */
    unsigned size, order, per_slab, index;
    unsigned local_max, empty_slabs;
    unsigned slabs, taken; /* taken: objects that are in no slab's list */
    const char *name;
    struct kcache_impl *next; /* in all_caches */
};

struct slab {
    struct list link;
    struct kcache_impl *cache;
    struct object *free;
    unsigned used, unused; /* unused: objects at the end never handed out */
};
_Static_assert(sizeof(struct slab) <= HEADER, "slab header");

struct local_list {
    struct object *head;
    unsigned count;
};
struct heap_cpu {
    int64_t used; /* bytes handed out here less those given back here */
    struct local_list lists[CACHES_MAX];
};

static const uint16_t class_sizes[] = {16,  32,  48,  64,   128,  192, 256,
                                       384, 512, 768, 1024, 1344, 2048};
static struct kcache_impl classes[ARRAY_SIZE(class_sizes)];
static uint8_t class_by_size[CLASS_MAX / 16 + 1]; /* (size + 15) / 16 -> class */
static struct kcache_impl meta_cache;             /* of struct kcache_impl */

static struct spinlock caches_lock; /* over making caches */
static unsigned ncaches;
static struct kcache_impl *all_caches, **last_cache = &all_caches;
static bool ready;
static struct heap_cpu boot_heap;
static struct heap_cpu *heaps[CPUS_MAX];
static atomic_long used_elsewhere; /* where a CPU has no struct heap_cpu */

/* --- slabs (cache->lock held) ------------------------------------------------------------------
 */

static void cache_setup(struct kcache_impl *cache, const char *name, size_t size)
{
    size = ALIGN_UP(MAX(size, sizeof(struct object)) + SANITIZE_META, (size_t)16);
    if (size >= 64)
        size = ALIGN_UP(size, (size_t)64);
    unsigned order = 0;
    size_t bytes = PAGE_SIZE;
    while (order < SLAB_ORDER_MAX && (bytes - HEADER) % size * 8 > bytes - HEADER) {
        order++;
        bytes <<= 1;
    }
    while (bytes - HEADER < size) {
        order++;
        bytes <<= 1;
    }
    *cache = (struct kcache_impl){.size = size,
                                  .order = order,
                                  .per_slab = (bytes - HEADER) / size,
                                  .name = name,
                                  .local_max = MIN(LOCAL_MAX, MAX(4, LOCAL_BYTES / (int)size))};
    list_init(&cache->partial);
    uint64_t irq = spin_lock_irq(&caches_lock);
    cache->index = ncaches++;
    spin_unlock_irq(&caches_lock, irq);
}

/* It stays: from now on it is listed. */
static void cache_publish(struct kcache_impl *cache)
{
    uint64_t irq = spin_lock_irq(&caches_lock);
    __atomic_store_n(last_cache, cache, __ATOMIC_RELEASE);
    last_cache = &cache->next;
    spin_unlock_irq(&caches_lock, irq);
}

static struct slab *slab_create(struct kcache_impl *cache)
{
    paddr_t paddr = frame_alloc(cache->order, in_interrupt() ? FRAME_ATOMIC : 0);
    if (!paddr)
        return NULL;
    frame_mark_slab(paddr, cache->order);
    struct slab *slab = phys_to_virt(paddr);
    *slab = (struct slab){.cache = cache, .unused = cache->per_slab};
    sanitize_poison(slab, PAGE_SIZE << cache->order, SANITIZE_HEAP_REDZONE);
    list_add(&cache->partial, &slab->link);
    cache->empty_slabs++;
    cache->slabs++;
    return slab;
}

static void slab_destroy(struct slab *slab)
{
    unsigned order = slab->cache->order;
    slab->cache->slabs--;
    list_del(&slab->link);
    frame_unmark_slab(virt_to_phys(slab), order);
    frame_free(virt_to_phys(slab), order);
}

static struct object *slab_take(struct kcache_impl *cache)
{
    if (list_empty(&cache->partial) && !slab_create(cache))
        return NULL;
    struct slab *slab = list_first(&cache->partial, struct slab, link);
    struct object *object = slab->free;
    if (object)
        slab->free = object->next;
    else
        object = (void *)((char *)slab + HEADER + (size_t)cache->size * --slab->unused);
    cache->taken++;
    if (slab->used++ == 0)
        cache->empty_slabs--;
    if (slab->used == cache->per_slab)
        list_del(&slab->link);
    return object;
}

static struct slab *slab_of(const void *p)
{
    int order = frame_slab_order(virt_to_phys(p));
    return order < 0 ? NULL : (struct slab *)ALIGN_DOWN((uintptr_t)p, PAGE_SIZE << order);
}

static void slab_give(struct slab *slab, struct object *object)
{
    struct kcache_impl *cache = slab->cache;
    size_t inside = ((char *)object - (char *)slab - HEADER) % cache->size;
    assert(inside == 0, "freeing inside an object");
    object->next = slab->free;
    slab->free = object;
    cache->taken--;
    if (slab->used-- == cache->per_slab)
        list_add(&cache->partial, &slab->link);
    if (slab->used)
        return;
    if (cache->empty_slabs) { /* one is kept against flutter */
        slab_destroy(slab);
    } else {
        cache->empty_slabs++;
        struct list *partial = &cache->partial;
        list_del(&slab->link);
        list_add_tail(partial, &slab->link);
    }
}

/* --- per-CPU lists (interrupts off) --------------------------------------------------------------
 */

static __attribute__((noinline)) struct heap_cpu *make_heap(struct cpu *cpu)
{
    struct heap_cpu *heap = &boot_heap;
    if (cpu->id != 0) {
        paddr_t paddr = frame_alloc(0, FRAME_ZERO);
        if (!paddr)
            return NULL;
        heap = phys_to_virt(paddr);
    }
    cpu->heap_cache = heaps[cpu->id] = heap;
    return heap;
}

static inline struct heap_cpu *this_heap(void)
{
    struct cpu *cpu = this_cpu();
    return likely(cpu->heap_cache) ? cpu->heap_cache : make_heap(cpu);
}
_Static_assert(sizeof(struct heap_cpu) <= PAGE_SIZE, "one frame");

static __attribute__((noinline)) struct object *refill(struct kcache_impl *cache,
                                                       struct local_list *local)
{
    spin_lock(&cache->lock);
    struct object *object = slab_take(cache);
    while (object && local && local->count < cache->local_max / 2) {
        /* Only what is at hand: no slab is made for stock. */
        if (list_empty(&cache->partial))
            break;
        struct object *more = slab_take(cache);
        more->next = local->head;
        more->mark = FREE_MARK ^ (uintptr_t)more;
        local->head = more;
        local->count++;
    }
    spin_unlock(&cache->lock);
    return object;
}

/* To the slabs. That the object is one of this cache's is looked at here, not whenever one is
 * freed. */
static void give(struct kcache_impl *cache, struct object *object)
{
    struct slab *slab = slab_of(object);
    assert(slab && slab->cache == cache, "freed to the wrong cache");
    slab_give(slab, object);
}

static __attribute__((noinline)) void flush(struct kcache_impl *cache, struct local_list *local)
{
    spin_lock(&cache->lock);
    while (local->count > cache->local_max / 2) {
        struct object *object = local->head;
        local->head = object->next;
        local->count--;
        give(cache, object);
    }
    spin_unlock(&cache->lock);
}

static __attribute__((noinline)) void give_shared(struct kcache_impl *cache, struct object *object)
{
    spin_lock(&cache->lock);
    give(cache, object);
    spin_unlock(&cache->lock);
}

static void account(struct heap_cpu *heap, int64_t bytes)
{
    if (likely(heap))
        heap->used += bytes;
    else
        atomic_fetch_add_explicit(&used_elsewhere, bytes, memory_order_relaxed);
}

static struct local_list *local_of(struct heap_cpu *heap, const struct kcache_impl *cache)
{
    return heap && cache->index < CACHES_MAX ? &heap->lists[cache->index] : NULL;
}

static __attribute__((noinline)) void *alloc_slowly(struct kcache_impl *cache)
{
    struct heap_cpu *heap = this_heap();
    struct object *object = refill(cache, local_of(heap, cache));

    if (object) {
        object->mark = 0;
        account(heap, cache->size);
    }
    return object;
}

static inline void *cache_alloc(struct kcache_impl *cache)
{
    uint64_t irq = irq_save();
    struct heap_cpu *heap = this_heap();
    struct local_list *local = local_of(heap, cache);
    struct object *object;

    if (likely(local && local->head)) {
        object = local->head;
        local->head = object->next;
        local->count--;
        object->mark = 0;
        heap->used += cache->size;
    } else {
        object = alloc_slowly(cache);
    }
    irq_restore(irq);
    return object;
}

static inline void cache_free(struct kcache_impl *cache, struct object *object)
{
    assert(object->mark != (FREE_MARK ^ (uintptr_t)object), "heap: freed twice");
    uint64_t irq = irq_save();
    struct heap_cpu *heap = this_heap();
    struct local_list *local = local_of(heap, cache);

    account(heap, -(int64_t)cache->size);
    object->mark = FREE_MARK ^ (uintptr_t)object;
    if (likely(local)) {
        object->next = local->head;
        local->head = object;
        if (unlikely(++local->count > cache->local_max))
            flush(cache, local);
    } else {
        give_shared(cache, object);
    }
    irq_restore(irq);
}

/* --- kmalloc -----------------------------------------------------------------------------------
 */

/* The first allocation comes from the boot CPU, alone. */
static void heap_start(void)
{
    unsigned class = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(class_by_size); i++) {
        if (i * 16 > class_sizes[class])
            class ++;
        class_by_size[i] = class;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(classes); i++) {
        cache_setup(&classes[i], "kmalloc", class_sizes[i]);
        cache_publish(&classes[i]);
    }
    cache_setup(&meta_cache, "kcache", sizeof(struct kcache_impl));
    cache_publish(&meta_cache);
    ready = true;
}

static __attribute__((noinline)) void *large_alloc(size_t wanted)
{
    size_t size = wanted + SANITIZE_META;
    if (wanted > PAGE_SIZE << FRAME_ORDER_MAX)
        return NULL;
    if (SANITIZED)
        size = MIN(size, PAGE_SIZE << FRAME_ORDER_MAX);
    unsigned order = size <= PAGE_SIZE ? 0 : 64 - __builtin_clzl((size - 1) >> PAGE_SHIFT);
    paddr_t paddr = frame_alloc(order, in_interrupt() ? FRAME_ATOMIC : 0);
    if (!paddr)
        return NULL;
    uint64_t irq = irq_save();
    account(this_heap(), PAGE_SIZE << order);
    irq_restore(irq);
    sanitize_allocated(phys_to_virt(paddr), PAGE_SIZE << order, wanted);
    return phys_to_virt(paddr);
}

static __attribute__((noinline)) void large_free(void *p)
{
    int order = frame_block_order(virt_to_phys(p));
    assert(order >= 0 && IS_ALIGNED((uintptr_t)p, PAGE_SIZE), "kfree of no allocation");
    uint64_t irq = irq_save();
    account(this_heap(), -(int64_t)(PAGE_SIZE << order));
    irq_restore(irq);
    frame_free(virt_to_phys(p), order);
}

static void *small_alloc(struct kcache_impl *cache, size_t size)
{
    void *p = cache_alloc(cache);
    if (SANITIZED && p)
        sanitize_allocated(p, cache->size, size);
    return p;
}

static void *try_alloc(size_t size)
{
    if (unlikely(size > CLASS_MAX))
        return large_alloc(size);
    return small_alloc(&classes[class_by_size[(size + 15) / 16]], size);
}

void *kmalloc(size_t size)
{
    if (unlikely(!ready))
        heap_start();
    void *p = try_alloc(size);
    while (SANITIZED && !p && sanitize_heap_drain())
        p = try_alloc(size);
    return p;
}

static void zero(void *p, size_t size)
{
    size_t words = (size + 7) / 8;
    asm volatile("rep stosq" : "+D"(p), "+c"(words) : "a"(0ul) : "memory");
}

void *kzalloc(size_t size)
{
    void *p = kmalloc(size);
    if (p)
        zero(p, size);
    return p;
}

void *kcalloc(size_t n, size_t size)
{
    size_t bytes;
    return __builtin_mul_overflow(n, size, &bytes) ? NULL : kzalloc(bytes);
}

static size_t capacity(const void *p)
{
    struct slab *slab = slab_of(p);
    return slab ? slab->cache->size : PAGE_SIZE << frame_block_order(virt_to_phys(p));
}

uintptr_t heap_find(uintptr_t addr, size_t *slot)
{
    struct slab *slab = slab_of((void *)addr);
    if (slab) {
        uintptr_t first = (uintptr_t)slab + HEADER;
        *slot = slab->cache->size;
        return addr < first ? 0 : first + (addr - first) / *slot * *slot;
    }
    for (unsigned order = 0; order <= FRAME_ORDER_MAX; order++) {
        uintptr_t start = ALIGN_DOWN(addr, PAGE_SIZE << order);
        if (frame_block_order(virt_to_phys((void *)start)) == (int)order) {
            *slot = PAGE_SIZE << order;
            return start;
        }
    }
    return 0;
}

void kfree(void *p)
{
    if (!p || (SANITIZED && sanitize_keep(p, capacity(p))))
        return;
    struct slab *slab = slab_of(p);
    if (slab)
        cache_free(slab->cache, p);
    else
        large_free(p);
}

void kfree_sized(void *p, size_t size)
{
    if (SANITIZED || size > CLASS_MAX)
        kfree(p);
    else
        cache_free(&classes[class_by_size[(size + 15) / 16]], p);
}

void *krealloc(void *p, size_t size)
{
    if (!p)
        return kmalloc(size);
    size_t old = sanitize_size(p, capacity(p));
    if (!SANITIZED && size <= old && size > old / 4)
        return p;
    void *moved = kmalloc(size);
    if (!moved)
        return size <= old ? p : NULL;
    memcpy(moved, p, MIN(old, size));
    kfree(p);
    return moved;
}

char *kstrdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = kmalloc(n);
    if (copy)
        memcpy(copy, s, n);
    return copy;
}

/* --- caches ------------------------------------------------------------------------------------
 */

static struct kcache_impl *impl_of(struct kcache *cache)
{
    struct kcache_impl *impl = __atomic_load_n(&cache->impl, __ATOMIC_ACQUIRE);
    if (likely(impl))
        return impl;
    if (!ready)
        heap_start();
    impl = cache_alloc(&meta_cache);
    if (!impl)
        return NULL;
    cache_setup(impl, cache->name, cache->size);
    struct kcache_impl *seen = NULL;
    if (__atomic_compare_exchange_n(&cache->impl, &seen, impl, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE)) {
        cache_publish(impl);
        return impl;
    }
    cache_free(&meta_cache, (struct object *)impl);
    return seen;
}

void *kcache_alloc(struct kcache *cache)
{
    struct kcache_impl *impl = impl_of(cache);
    void *p = impl ? small_alloc(impl, cache->size) : NULL;
    while (SANITIZED && impl && !p && sanitize_heap_drain())
        p = small_alloc(impl, cache->size);
    if (likely(p))
        zero(p, cache->size);
    return p;
}

void kcache_free(struct kcache *cache, void *object)
{
    if (!object)
        return;
    if (SANITIZED && sanitize_keep(object, cache->impl->size))
        return;
    cache_free(cache->impl, object);
}

size_t heap_used(void)
{
    int64_t used = atomic_load_explicit(&used_elsewhere, memory_order_relaxed);
    for (unsigned i = 0; i < CPUS_MAX; i++)
        if (heaps[i])
            used += heaps[i]->used;
    return used > 0 ? used : 0;
}

__cold bool heap_cache_stats(unsigned n, struct kcache_stats *stats)
{
    struct kcache_impl *cache = __atomic_load_n(&all_caches, __ATOMIC_ACQUIRE);
    while (cache && n--)
        cache = __atomic_load_n(&cache->next, __ATOMIC_ACQUIRE);
    if (!cache)
        return false;
    uint64_t irq = spin_lock_irq(&cache->lock);
    *stats = (struct kcache_stats){cache->name,  cache->size,     cache->taken,
                                   cache->slabs, cache->per_slab, 1u << cache->order};
    spin_unlock_irq(&cache->lock, irq);
    for (unsigned i = 0; i < CPUS_MAX && cache->index < CACHES_MAX; i++)
        if (heaps[i])
            stats->used -= MIN(stats->used, heaps[i]->lists[cache->index].count);
    return true;
}
