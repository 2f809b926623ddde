/* drivers/block/cache.h: the page cache of block devices. Each device (a disk, a partition) has one
 * of its own; they are not coherent with each other, as on Linux, where the last close of a device
 * ends what it had cached.
 *
 * An entry of the store is a page's frame with marks. READY: its bytes are valid (before, a read is
 * under way). DIRTY: they differ from the disk's. WRITING: a write is under way; both at once: it
 * was changed since. Only a page that is READY, neither DIRTY nor WRITING, and whose frame nobody
 * else holds, may be given back. A page that is mapped writable is DIRTY: a page is unmapped before
 * it is written, so that the next write faults and marks it again.
 *
 * cache->lock (interrupts off) is over the store and the counts. */
#pragma once

#include "core/spinlock.h"
#include "core/waitqueue.h"
#include "drivers/block/block.h"
#include "mm/address_space.h"

enum { CACHE_READY = 1, CACHE_DIRTY = 2, CACHE_WRITING = 4, CACHE_USED = 8, CACHE_MARKS = 0xfff };

static inline struct block_device *cache_device(struct block_cache *cache)
{
    return container_of(cache, struct block_device, cache);
}
static inline uint64_t cache_bytes(struct block_cache *cache)
{
    return atomic_load_explicit(&cache_device(cache)->sectors, memory_order_relaxed) * BLOCK_SECTOR;
}
/* The index of the last page; the device is not empty. */
static inline uint64_t cache_last(struct block_cache *cache)
{
    return (cache_bytes(cache) - 1) >> PAGE_SHIFT;
}
static inline size_t cache_page_bytes(struct block_cache *cache, uint64_t index)
{
    return MIN((uint64_t)PAGE_SIZE, cache_bytes(cache) - (index << PAGE_SHIFT));
}

/* --- cache.c ------------------------------------------------------------------------------ */

/* Empty; once, before the device is shown. */
void cache_init(struct block_cache *cache);

/* The page with a reference, read if it is not there. `want`: so many pages from it on are about to
 * be asked for; 0: those around it. 0, -EIO, -ENOMEM, -EFAULT beyond the end. */
int cache_get(struct block_cache *cache, uint64_t index, unsigned want, paddr_t *frame);
/* Only if it is there: 0 if not. Any context. */
paddr_t cache_peek(struct block_cache *cache, uint64_t index);
/* The page differs from the disk now. The caller holds a reference of the frame. False: it is not
 * in the cache any more. */
bool cache_set_dirty(struct block_cache *cache, uint64_t index, paddr_t frame);
/* Put a page that is dirty, without reading it; takes over the reference if 0. -EEXIST, -ENOMEM. */
int cache_insert_dirty(struct block_cache *cache, uint64_t index, paddr_t frame);
/* Begin to read what is missing of a range. */
void cache_prefetch(struct block_cache *cache, uint64_t first, uint64_t n);
/* Forget pages [first, last], also where they are mapped; dirty ones only with `all`. Waits for
 * what is under way. */
void cache_drop(struct block_cache *cache, uint64_t first, uint64_t last, bool all);
/* Memory for a page; 0. */
paddr_t cache_frame(unsigned flags);
/* Append n bytes of memory to a request; false: it has no room for them. */
bool cache_append(struct block_device *device, struct block_request *request, void *data,
                  uint32_t n);

/* --- writeback.c -------------------------------------------------------------------------- */

/* Write what is dirty in pages [first, last], and wait until all of it is on the disk (or in the
 * disk's own cache: block_flush()). Errors: cache_error(). */
void cache_write(struct block_cache *cache, uint64_t first, uint64_t last);
/* After something was made dirty: wait while there is too much of that. Threads without locks. */
void cache_balance(struct block_cache *cache);
/* With cache->lock held: the first dirty page of a cache that had none. */
void cache_dirtied(struct block_cache *cache);
/* With cache->lock held: so many are clean now, or gone. */
void cache_cleaned(struct block_cache *cache, uint64_t npages);
/* Wait a while for dirty pages to get clean; false: there are none. */
bool cache_wait_clean(void);
/* Tell the device's flusher to write. */
void cache_flush_soon(struct block_cache *cache);

/* Errors of writing, each told once to everyone who had the device open (Linux's errseq). sample():
 * what an open file begins with; check(): an error since then, or 0. */
uint32_t cache_error_sample(struct block_cache *cache);
int cache_error_check(struct block_cache *cache, uint32_t *seen);

/* --- reclaim.c ---------------------------------------------------------------------------- */

/* Give clean pages back; how many. */
unsigned cache_shrink(unsigned want);
/* Keep memory free for others, before more is taken. */
void cache_make_room(void);
