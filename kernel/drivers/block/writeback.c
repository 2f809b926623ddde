/* Writing dirty pages back: on demand, by a thread for each device, and when there are too many. */
#include "core/clock.h"
#include "core/log.h"
#include "drivers/block/cache.h"
#include "fs/cached.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"

/* All caches together; who waits for less. */
static atomic_ulong dirty_pages, writing_pages, written_pages; /* written: since the start */
static struct waitqueue less_dirty = {.waiters = {&less_dirty.waiters, &less_dirty.waiters}};

/* --- errors ------------------------------------------------------------------------------- */

enum { ERRNO_BITS = 12, SEEN = 1 << ERRNO_BITS, STEP = SEEN << 1 };

static void set_error(struct block_cache *cache, int error)
{
    uint32_t old = atomic_load(&cache->error), new;
    do
        new = (old & ~(uint32_t)(STEP - 1)) + (old & SEEN ? STEP : 0) + (uint32_t)-error;
    while (!atomic_compare_exchange_weak(&cache->error, &old, new));
}

/* An error that nobody has been told of is told to who opens the device next, too. */
uint32_t cache_error_sample(struct block_cache *cache)
{
    uint32_t now = atomic_load(&cache->error);
    return now & SEEN ? now : 0;
}

int cache_error_check(struct block_cache *cache, uint32_t *seen)
{
    uint32_t now = atomic_load(&cache->error);
    if (now == *seen || !now)
        return 0;
    if (!(now & SEEN) && atomic_compare_exchange_strong(&cache->error, &now, now | SEEN))
        now |= SEEN;
    if (now == *seen)
        return 0;
    *seen = now;
    return -(int)(now & (SEEN - 1));
}

void cache_cleaned(struct block_cache *cache, uint64_t npages)
{
    cache->ndirty -= npages;
    atomic_fetch_sub(&dirty_pages, npages);
}

/* Wait for some write to end, if any is to be: pages can be given back then. */
bool cache_wait_clean(void)
{
    enum { PAUSE = 100000000 };
    unsigned long before = atomic_load(&written_pages);
    if (!atomic_load(&dirty_pages) && !atomic_load(&writing_pages))
        return false;
    WAIT_EVENT(&less_dirty, atomic_load(&written_pages) != before, 0, clock_monotonic() + PAUSE);
    return true;
}

/* --- writing ------------------------------------------------------------------------------ */

/* Writes that one thread waits for. */
struct batch {
    unsigned under_way;
};

/* A run of pages on its way to the disk. */
struct run {
    struct block_request request;
    struct batch *batch;
    uint64_t first, n;
};

/* The pages of a run, and whoever waits for them: all that is touched of the batch is under the
 * lock, for it goes away when its waiter sees 0. */
static void finish_run(struct run *run, int error)
{
    struct block_device *device = run->request.part ? run->request.part : run->request.device;
    struct block_cache *cache = &device->cache;
    if (error)
        set_error(cache, error == -ENOSPC ? error : -EIO);
    uint64_t irq = spin_lock_irq(&cache->lock);
    for (uint64_t i = 0; i < run->n; i++)
        *page_store_entry(&cache->pages, run->first + i) &= ~(uintptr_t)CACHE_WRITING;
    cache->nwriting -= run->n;
    if (run->batch)
        run->batch->under_way--;
    spin_unlock_irq(&cache->lock, irq);
    atomic_fetch_add(&written_pages, run->n);
    atomic_fetch_sub(&writing_pages, run->n);
    kfree(run);
    wake_all(&cache->wait);
    wake_all(&less_dirty);
}

static void write_done(struct block_request *request, int error)
{
    struct block_device *device = request->part ? request->part : request->device;
    if (error && clock_monotonic() - device->cache.complained > 1000000000) {
        device->cache.complained = clock_monotonic();
        log_err("block: %s: a write at sector %lu failed (error %d)", device->name,
                request->sector - device->start, -error);
    }
    finish_run(container_of(request, struct run, request), error);
}

/* With cache->lock held: dirty pages from `first` on that one request takes become its. */
static void fill_run(struct block_cache *cache, struct run *run, uint64_t first, uint64_t last)
{
    struct block_device *device = cache_device(cache);
    run->first = first;
    run->request.nsegments = 0;
    run->request.nsectors = 0;
    for (run->n = 0; first + run->n <= last; run->n++) {
        uintptr_t *entry = page_store_entry(&cache->pages, first + run->n);
        if (!entry || (*entry & (CACHE_DIRTY | CACHE_WRITING)) != CACHE_DIRTY ||
            !cache_append(device, &run->request, phys_to_virt(*entry & PAGE_MASK),
                          cache_page_bytes(cache, first + run->n)))
            break;
        *entry = (*entry & ~(uintptr_t)CACHE_DIRTY) | CACHE_WRITING;
    }
    atomic_fetch_add(&writing_pages, run->n);
    cache->nwriting += run->n; /* first: who looks at both without the lock sees one of them */
    cache_cleaned(cache, run->n);
    if (run->batch)
        run->batch->under_way += run->n != 0;
}

static void submit_run(struct block_cache *cache, struct run *run)
{
    mem_object_unmap(&cache->object, run->first, run->n);
    run->request.op = BLOCK_WRITE;
    run->request.sector = run->first * (PAGE_SIZE / BLOCK_SECTOR);
    run->request.done = write_done;
    block_submit(cache_device(cache), &run->request);
}

/* Memory for a request: while there is none, wait for one that is under way to end. */
static struct run *get_run(struct block_cache *cache)
{
    enum { MOST_PAGES = 2048, PAUSE = 10000000 };
    struct run *run;
    WAIT_EVENT(&cache->wait, cache->nwriting < MOST_PAGES, 0, NSEC_FOREVER);
    while (!(run = kzalloc(sizeof(*run))))
        thread_sleep_until(clock_monotonic() + PAUSE, false);
    return run;
}

static bool is_writing(struct block_cache *cache, uint64_t index)
{
    uint64_t irq = spin_lock_irq(&cache->lock);
    uintptr_t *entry = page_store_entry(&cache->pages, index);
    bool is = entry && *entry & CACHE_WRITING;
    spin_unlock_irq(&cache->lock, irq);
    return is;
}

/* Begin to write the next dirty pages in [*at, last]. With a batch, pages whose write began earlier
 * are waited for. */
static void write_next(struct block_cache *cache, uint64_t *at, uint64_t last, struct batch *batch)
{
    struct run *run = get_run(cache);
    run->batch = batch;
    uint64_t irq = spin_lock_irq(&cache->lock);
    uintptr_t *entry = page_store_find_marked(&cache->pages, at, last, CACHE_DIRTY | CACHE_WRITING);
    bool busy = entry && *entry & CACHE_WRITING;
    if (entry && !busy)
        fill_run(cache, run, *at, last);
    spin_unlock_irq(&cache->lock, irq);
    if (run->n) {
        *at += run->n;
        submit_run(cache, run);
        return;
    }
    kfree(run);
    if (busy && batch)
        WAIT_EVENT(&cache->wait, !is_writing(cache, *at), 0, NSEC_FOREVER);
    else if (entry)
        ++*at;
}

static bool is_over(struct block_cache *cache, struct batch *batch)
{
    uint64_t irq = spin_lock_irq(&cache->lock);
    bool over = !batch->under_way;
    spin_unlock_irq(&cache->lock, irq);
    return over;
}

void cache_write(struct block_cache *cache, uint64_t first, uint64_t last)
{
    struct batch batch = {};
    for (uint64_t at = first; at <= last && (cache->ndirty || cache->nwriting);) {
        write_next(cache, &at, last, &batch);
        thread_resched_point();
    }
    WAIT_EVENT(&cache->wait, is_over(cache, &batch), 0, NSEC_FOREVER);
}

/* --- the flusher, one for each device that was ever written to ----------------------------- */

static uint64_t memory_pages(unsigned ratio, unsigned bytes)
{
    struct frame_stats f;
    if (bytes)
        return MAX(bytes / (unsigned)PAGE_SIZE, 1u);
    frame_get_stats(&f);
    return f.total * ratio / 100;
}

static bool many_dirty(void)
{
    return atomic_load(&dirty_pages) >
           memory_pages(dirty_settings.background_ratio, dirty_settings.background_bytes);
}

static bool too_many_dirty(void)
{
    return atomic_load(&dirty_pages) > memory_pages(dirty_settings.ratio, dirty_settings.bytes);
}

static nsec_t centiseconds(unsigned n)
{
    return (nsec_t)n * 10000000;
}

static nsec_t next_look(struct block_cache *cache)
{
    if (!cache->ndirty || !dirty_settings.writeback_centisecs)
        return NSEC_FOREVER;
    return clock_monotonic() + centiseconds(dirty_settings.writeback_centisecs);
}

static void flush(void *arg)
{
    struct block_cache *cache = arg;
    for (;;) {
        WAIT_EVENT(&cache->work, atomic_exchange(&cache->flush_now, false), 0, next_look(cache));
        nsec_t age = clock_monotonic() - cache->dirty_since;
        if (!cache->ndirty || (!many_dirty() && !cache->urgent &&
                               age < centiseconds(dirty_settings.expire_centisecs)))
            continue;
        cache->urgent = false;
        cache->dirty_since = clock_monotonic();
        uint64_t last = cache_last(cache);
        for (uint64_t at = 0; at <= last && cache->ndirty;) {
            write_next(cache, &at, last, NULL);
            thread_resched_point();
        }
    }
}

void cache_flush_soon(struct block_cache *cache)
{
    cache->urgent = true;
    atomic_store(&cache->flush_now, true);
    wake_all(&cache->work);
}

void cache_dirtied(struct block_cache *cache)
{
    if (!cache->ndirty++) {
        cache->dirty_since = clock_monotonic();
        cache->flush_now = true; /* to look at the clock: cache_balance() wakes it */
    }
    atomic_fetch_add(&dirty_pages, 1);
}

static void start_flusher(struct block_cache *cache)
{
    char name[16];
    if (atomic_exchange(&cache->has_flusher, true))
        return;
    snprintf(name, sizeof(name), "flush-%s", cache_device(cache)->name);
    if (!kthread_start(name, flush, cache))
        cache->has_flusher = false;
}

void cache_balance(struct block_cache *cache)
{
    enum { PAUSE = 200000000 };
    if (unlikely(!cache->has_flusher))
        start_flusher(cache);
    if (unlikely(cache->flush_now))
        wake_all(&cache->work);
    if (likely(!many_dirty()))
        return;
    do {
        cache_flush_soon(cache);
        if (!too_many_dirty() || !cache->ndirty)
            return;
        WAIT_EVENT(&less_dirty, !too_many_dirty() || !cache->ndirty, 0, clock_monotonic() + PAUSE);
    } while (too_many_dirty());
}
