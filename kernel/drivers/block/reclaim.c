/* Giving clean pages back, and what concerns all caches together. */
#include "core/boot.h"
#include "drivers/block/cache.h"
#include "drivers/block/partitions.h"
#include "fs/cached.h"
#include "fs/vfs.h"
#include "lib/errno.h"
#include "mm/frame.h"

enum { STEP = 64 };
#define LAST (UINT64_MAX >> PAGE_SHIFT)

/* One page in two chances; with cache->lock held: true if it went. */
static bool give_back(struct block_cache *cache, uintptr_t *entry)
{
    if (!(*entry & CACHE_READY) || *entry & (CACHE_DIRTY | CACHE_WRITING) ||
        frame_refs(*entry & PAGE_MASK) > 1)
        return false;
    if (*entry & CACHE_USED) {
        *entry &= ~(uintptr_t)CACHE_USED;
        return false;
    }
    page_store_drop_entry(&cache->pages, cache->hand);
    return true;
}

/* Look at the next few; how many went. */
static unsigned shrink_step(struct block_cache *cache)
{
    unsigned n = 0;
    uint64_t irq = spin_lock_irq(&cache->lock);
    for (unsigned i = 0; i < STEP; i++) {
        uintptr_t *entry = page_store_find_marked(&cache->pages, &cache->hand, LAST, 0);
        if (entry)
            n += give_back(cache, entry), cache->hand++;
        if (cache->hand > LAST)
            cache->hand = 0;
        if (!entry)
            break;
    }
    spin_unlock_irq(&cache->lock, irq);
    return n;
}

static unsigned shrink_all(unsigned want)
{
    unsigned n = 0;
    for (struct block_device *d = block_first(); d && n < want; d = block_next(d)) {
        unsigned long pages = d->cache.pages.npages;
        for (unsigned long i = 0; pages && i <= 2 * pages / STEP + 2 && n < want; i++)
            n += shrink_step(&d->cache);
    }
    return n;
}

static void unmap_all(void)
{
    for (struct block_device *d = block_first(); d; d = block_next(d))
        if (d->cache.pages.npages)
            mem_object_unmap(&d->cache.object, 0, LAST);
    if (cached_unmap_hook)
        cached_unmap_hook();
}

unsigned cache_shrink(unsigned want)
{
    enum { TRIES = 50 };
    unsigned n = shrink_all(want);
    if (n)
        return n;
    unmap_all();
    n = shrink_all(want);
    if (n)
        return n;
    for (struct block_device *d = block_first(); d; d = block_next(d))
        if (d->cache.ndirty)
            cache_flush_soon(&d->cache);
    for (unsigned i = 0; !n && i < TRIES && cache_wait_clean(); i++)
        n = shrink_all(want);
    return n;
}

void cache_make_room(void)
{
    enum { SHARE = 32 };
    struct frame_stats f;
    frame_get_stats(&f);
    if (unlikely(f.free < f.total / SHARE))
        shrink_all(STEP);
}

static unsigned reclaim(void)
{
    return cache_shrink(STEP);
}

/* --- for the VFS -------------------------------------------------------------------------- */

static void sync_all(void)
{
    for (struct block_device *d = block_first(); d; d = block_next(d)) {
        if (!d->cache.ndirty && !d->cache.nwriting)
            continue;
        cache_write(&d->cache, 0, cache_last(&d->cache));
        block_flush(d);
    }
}

static void drop_all(void)
{
    unmap_all();
    for (struct block_device *d = block_first(); d; d = block_next(d))
        if (d->sectors)
            cache_drop(&d->cache, 0, LAST, false);
}

static void get_stats(struct cached_stats *stats)
{
    *stats = (struct cached_stats){};
    for (struct block_device *d = block_first(); d; d = block_next(d)) {
        stats->pages += d->cache.pages.npages;
        stats->dirty += d->cache.ndirty;
        stats->writing += d->cache.nwriting;
    }
}

static int find(const char *name, uint32_t *rdev)
{
    struct block_device *d = name ? block_by_name(name) : block_of_root();
    if (d)
        *rdev = d->rdev;
    return d ? 0 : -ENODEV;
}

static const struct cached_ops ops = {sync_all, drop_all, get_stats, find};

void block_start_caches(void)
{
    frame_reclaim_hooks[FRAME_RECLAIM_CACHE] = reclaim;
    cached = &ops;
}
