/* Objects of the heap and frames: who asked for them and who gave them back, and a while in which
 * what was freed is not used again.
 *
 * The record of an object lies at the end of its slot. Kept objects are linked through their first
 * word, frames stand in a ring. */
#include "core/cpu.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/spinlock.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "sanitize/shadow.h"

struct meta {
    uint64_t size;
    struct trace allocated, freed;
};
_Static_assert(sizeof(struct meta) <= SANITIZE_META, "lib/sanitize.h");

enum { SLOT_MAX = PAGE_SIZE << FRAME_ORDER_MAX, FRAMES_KEPT = 512, SHARE = 64 };
enum { BYTES_KEPT = 2 << 20 };

struct kept {
    struct kept *next;
    uint64_t slot;
};

static struct {
    struct spinlock lock;
    struct kept *first, *last;
    size_t bytes;
} heap;

static struct {
    struct spinlock lock;
    uint64_t ring[FRAMES_KEPT];
    unsigned first, count;
} frames;

static size_t share_of_memory(size_t most)
{
    static size_t pages;
    if (!pages) {
        struct frame_stats stats;
        frame_get_stats(&stats);
        pages = stats.total;
    }
    return MIN(most, pages * (size_t)PAGE_SIZE / SHARE);
}

/* --- objects -----------------------------------------------------------------------------------
 */

static struct meta *meta_of(const void *p, size_t slot)
{
    return slot == SLOT_MAX ? NULL : (struct meta *)((char *)p + slot - SANITIZE_META);
}

void sanitize_allocated(void *p, size_t slot, size_t size)
{
    struct meta *meta = meta_of(p, slot);
    sanitize_poison(p, slot, SANITIZE_HEAP_REDZONE);
    sanitize_unpoison(p, size);
    if (!meta)
        return;
    meta->size = size;
    trace_take(&meta->allocated);
    meta->freed = (struct trace){};
}

size_t sanitize_size(const void *p, size_t slot)
{
    const struct meta *meta = meta_of(p, slot);
    return meta ? meta->size : slot;
}

static struct kept *take_oldest(size_t limit)
{
    uint64_t irq = spin_lock_irq(&heap.lock);
    struct kept *oldest = heap.bytes > limit ? heap.first : NULL;
    if (oldest) {
        heap.first = oldest->next;
        heap.bytes -= oldest->slot;
    }
    spin_unlock_irq(&heap.lock, irq);
    return oldest;
}

static bool evict_to(size_t limit)
{
    struct kept *oldest;
    bool any = false;
    for (; (oldest = take_oldest(limit)); any = true) {
        *shadow_of((uintptr_t)oldest) = (int8_t)SANITIZE_HEAP_RELEASE;
        kfree(oldest);
    }
    return any;
}

bool sanitize_keep(void *p, size_t slot)
{
    struct meta *meta = meta_of(p, slot);
    struct kept *kept = p;

    if (shadow_where((uintptr_t)p) != SHADOW_THERE || log_in_panic)
        return false;
    if (*shadow_of((uintptr_t)p) == (int8_t)SANITIZE_HEAP_RELEASE) { /* from evict_to() */
        *shadow_of((uintptr_t)p) = (int8_t)SANITIZE_HEAP_FREE;
        return false;
    }
    bool empty = meta && !meta->size && *shadow_of((uintptr_t)p) == (int8_t)SANITIZE_HEAP_REDZONE;
    if (*shadow_of((uintptr_t)p) < 0 && !empty) /* freed twice, or never handed out */
        sanitize_report((uintptr_t)p, 1, true, (uintptr_t)p,
                        (uintptr_t)__builtin_return_address(0));
    if (meta)
        trace_take(&meta->freed);
    sanitize_poison(p, slot, SANITIZE_HEAP_FREE);
    *kept = (struct kept){NULL, slot};
    uint64_t irq = spin_lock_irq(&heap.lock);
    if (heap.first)
        heap.last->next = kept;
    else
        heap.first = kept;
    heap.last = kept;
    heap.bytes += slot;
    spin_unlock_irq(&heap.lock, irq);
    evict_to(share_of_memory(BYTES_KEPT));
    return true;
}

bool sanitize_heap_drain(void)
{
    return evict_to(0);
}

void sanitize_describe_heap(uintptr_t addr)
{
    size_t slot;
    uintptr_t start = heap_find(addr, &slot);
    const struct meta *meta = start ? meta_of((void *)start, slot) : NULL;
    if (!meta)
        return;
    log_at(LOG_PANIC, "%zu bytes %s an object of %zu bytes at %016lx",
           addr - start < meta->size ? addr - start : addr - start - meta->size,
           addr - start < meta->size ? "into" : "behind", meta->size, start);
    trace_print("allocated by", &meta->allocated);
    trace_print("freed by", &meta->freed);
}

/* --- frames ------------------------------------------------------------------------------------
 */

void sanitize_frames_allocated(paddr_t frame, unsigned order)
{
    sanitize_unpoison(phys_to_virt(frame), PAGE_SIZE << order);
}

uint64_t sanitize_frame_evict(void)
{
    uint64_t oldest = 0;
    uint64_t irq = spin_lock_irq(&frames.lock);
    if (frames.count) {
        oldest = frames.ring[frames.first];
        frames.first = (frames.first + 1) % FRAMES_KEPT;
        frames.count--;
    }
    spin_unlock_irq(&frames.lock, irq);
    return oldest;
}

uint64_t sanitize_frame_freed(uint64_t frame, unsigned order)
{
    size_t limit = share_of_memory(FRAMES_KEPT * PAGE_SIZE) / PAGE_SIZE;
    sanitize_poison(phys_to_virt(frame << PAGE_SHIFT), PAGE_SIZE << order, SANITIZE_FRAME_FREE);
    if (order)
        return frame;
    uint64_t oldest = frames.count >= limit ? sanitize_frame_evict() : 0;
    uint64_t irq = spin_lock_irq(&frames.lock);
    if (frames.count < FRAMES_KEPT)
        frames.ring[(frames.first + frames.count++) % FRAMES_KEPT] = frame;
    else
        oldest = frame;
    spin_unlock_irq(&frames.lock, irq);
    return oldest;
}

uint64_t sanitize_frames_kept(void)
{
    return frames.count;
}
