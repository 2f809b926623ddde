/* Looking pages up, reading them, and reading ahead. */
#include "drivers/block/cache.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"

enum { STREAM_FIRST = 4, AROUND = 16 }; /* pages */

void cache_init(struct block_cache *cache)
{
    page_store_init(&cache->pages);
    waitqueue_init(&cache->wait);
    waitqueue_init(&cache->work);
}

static uintptr_t entry_of(struct block_cache *cache, uint64_t index)
{
    uintptr_t *entry = page_store_entry(&cache->pages, index);
    return entry ? *entry : 0;
}

paddr_t cache_frame(unsigned flags)
{
    paddr_t frame;
    while (!(frame = frame_alloc(0, FRAME_USER | flags)) && cache_shrink(AROUND))
        ;
    return frame;
}

/* --- reading ahead ------------------------------------------------------------------------ */

/* Somebody who reads on and on: up to `next` all has been asked for; who comes to `mark` makes the
 * next piece be read. With cache->lock held. */
static struct block_stream *find_stream(struct block_cache *cache, uint64_t index)
{
    for (unsigned i = 0; i < BLOCK_STREAMS; i++) {
        struct block_stream *s = &cache->streams[i];
        if (s->size && index <= s->next && index + s->size >= s->next)
            return s;
    }
    return NULL;
}

static unsigned most_ahead(struct block_cache *cache)
{
    return cache_device(cache)->read_ahead / (PAGE_SIZE / BLOCK_SECTOR);
}

/* A page is missing: what to read with it, from *first on. With cache->lock held. */
static unsigned plan_miss(struct block_cache *cache, uint64_t index, unsigned want, uint64_t *first)
{
    unsigned most = most_ahead(cache);
    struct block_stream *s = find_stream(cache, index);
    *first = index;
    if (!most)
        return 1;
    if (s) {
        s->size = MIN(2 * s->size, most);
    } else if (!want) {
        *first = ALIGN_DOWN(index, (uint64_t)AROUND);
        want = AROUND;
    } else if (!index) {
        want = MAX(want, (unsigned)STREAM_FIRST);
    }
    if (!s) {
        s = &cache->streams[cache->stream++ % BLOCK_STREAMS];
        s->size = MIN(want, most);
    }
    s->next = *first + s->size;
    s->mark = *first + s->size / 2;
    return MAX(s->size, (unsigned)(index - *first) + 1);
}

/* A page is there: how many more to read from *first on. With cache->lock held. */
static unsigned plan_hit(struct block_cache *cache, uint64_t index, uint64_t *first)
{
    for (unsigned i = 0; i < BLOCK_STREAMS; i++) {
        struct block_stream *s = &cache->streams[i];
        if (likely(s->mark != index) || !s->size)
            continue;
        s->size = MIN(MAX(2 * s->size, (unsigned)STREAM_FIRST), most_ahead(cache));
        *first = s->mark = s->next;
        s->next += s->size;
        return s->size;
    }
    return 0;
}

/* --- requests ----------------------------------------------------------------------------- */

bool cache_append(struct block_device *device, struct block_request *request, void *data,
                  uint32_t n)
{
    uint32_t size = device->limits.segment_size, most = block_segments(device);
    unsigned count = request->nsegments;
    struct block_segment *last = count ? &request->segments[count - 1] : NULL;
    if (last && (char *)last->data + last->len == data && last->len + n <= size) {
        last->len += n;
    } else {
        if (count + (n + size - 1) / size > most)
            return false;
        for (uint32_t at = 0; at < n; at += size)
            request->segments[request->nsegments++] =
                (struct block_segment){(char *)data + at, MIN(size, n - at)};
    }
    request->nsectors += n / BLOCK_SECTOR;
    return true;
}

static uint64_t sectors_before(uint64_t index)
{
    return index * (PAGE_SIZE / BLOCK_SECTOR);
}

/* The pages of a read are there, or they never were. */
static void finish_read(struct block_cache *cache, uint64_t first, uint64_t n, int error)
{
    uint64_t irq = spin_lock_irq(&cache->lock);
    for (uint64_t i = first; i < first + n; i++) {
        uintptr_t *entry = page_store_entry(&cache->pages, i);
        if (error)
            page_store_drop_entry(&cache->pages, i);
        else
            *entry |= CACHE_READY;
    }
    spin_unlock_irq(&cache->lock, irq);
    wake_all(&cache->wait);
}

/* owner: the first page. */
static void read_done(struct block_request *request, int error)
{
    uint64_t n = (request->nsectors * BLOCK_SECTOR + PAGE_SIZE - 1) >> PAGE_SHIFT;
    struct block_device *device = request->part ? request->part : request->device;
    finish_read(&device->cache, (uintptr_t)request->owner, n, error);
    kfree(request);
}

/* Put an empty page where none is. */
static int insert_empty(struct block_cache *cache, uint64_t index, paddr_t *frame)
{
    bool whole = cache_page_bytes(cache, index) == PAGE_SIZE;
    *frame = cache_frame(whole ? 0 : FRAME_ZERO);
    if (!*frame)
        return -ENOMEM;
    uint64_t irq = spin_lock_irq(&cache->lock);
    int err = page_store_put_entry(&cache->pages, index, *frame);
    spin_unlock_irq(&cache->lock, irq);
    if (err < 0)
        frame_put(*frame);
    return err;
}

/* Begin one request from *index on, below end; moves *index on. -EEXIST: that page is there. */
static int start_one(struct block_cache *cache, uint64_t *index, uint64_t end)
{
    struct block_device *device = cache_device(cache);
    struct block_request *request = kzalloc(sizeof(*request));
    uint64_t first = *index;
    paddr_t frame;
    int err = request ? 0 : -ENOMEM;
    while (err == 0 && *index < end) {
        err = insert_empty(cache, *index, &frame);
        if (err == 0 &&
            !cache_append(device, request, phys_to_virt(frame), cache_page_bytes(cache, *index))) {
            finish_read(cache, *index, 1, -EIO);
            err = -E2BIG;
        }
        *index += err == 0;
    }
    if (*index == first) {
        kfree(request);
        return err;
    }
    request->op = BLOCK_READ;
    request->sector = sectors_before(first);
    request->owner = (void *)(uintptr_t)first;
    request->done = read_done;
    block_submit(device, request);
    return 0;
}

void cache_prefetch(struct block_cache *cache, uint64_t first, uint64_t n)
{
    uint64_t end = MIN(first + n, cache_last(cache) + 1);
    cache_make_room();
    while (first < end) {
        int err = start_one(cache, &first, end);
        if (err == -EEXIST)
            first++;
        else if (err < 0)
            break;
        thread_resched_point();
    }
}

/* One page, and what became of it: a request that failed may have been about other pages, too. */
static int read_one(struct block_cache *cache, uint64_t index)
{
    paddr_t frame;
    int err = insert_empty(cache, index, &frame);
    if (err < 0)
        return err == -EEXIST ? 0 : err;
    err = block_transfer(cache_device(cache), BLOCK_READ, sectors_before(index),
                         phys_to_virt(frame), cache_page_bytes(cache, index));
    finish_read(cache, index, 1, err);
    return err;
}

/* --- pages -------------------------------------------------------------------------------- */

paddr_t cache_peek(struct block_cache *cache, uint64_t index)
{
    uint64_t irq = spin_lock_irq(&cache->lock);
    uintptr_t *entry = page_store_entry(&cache->pages, index);
    paddr_t frame = entry && *entry & CACHE_READY ? *entry & PAGE_MASK : 0;
    if (frame) {
        *entry |= CACHE_USED;
        frame_get(frame);
    }
    spin_unlock_irq(&cache->lock, irq);
    return frame;
}

static bool is_busy(struct block_cache *cache, uint64_t index, uintptr_t mask, uintptr_t value)
{
    uint64_t irq = spin_lock_irq(&cache->lock);
    uintptr_t entry = entry_of(cache, index);
    spin_unlock_irq(&cache->lock, irq);
    return entry && (entry & mask) == value;
}

/* What to read now that index was looked for, and its entry. */
static unsigned plan(struct block_cache *cache, uint64_t index, unsigned want, uint64_t *first,
                     uintptr_t *entry)
{
    uint64_t irq = spin_lock_irq(&cache->lock);
    *entry = entry_of(cache, index);
    unsigned n = *entry ? plan_hit(cache, index, first) : plan_miss(cache, index, want, first);
    spin_unlock_irq(&cache->lock, irq);
    return n;
}

int cache_get(struct block_cache *cache, uint64_t index, unsigned want, paddr_t *frame)
{
    uint64_t first;
    uintptr_t entry;
    if (index << PAGE_SHIFT >= cache_bytes(cache))
        return -EFAULT;
    unsigned n = plan(cache, index, want, &first, &entry);
    if (unlikely(n))
        cache_prefetch(cache, first, n);
    for (bool again = !entry;; again = true) {
        *frame = cache_peek(cache, index);
        if (likely(*frame))
            return 0;
        WAIT_EVENT(&cache->wait, !is_busy(cache, index, CACHE_READY, 0), 0, NSEC_FOREVER);
        *frame = cache_peek(cache, index);
        if (*frame)
            return 0;
        int err = again ? read_one(cache, index) : 0;
        if (err < 0)
            return err;
    }
}

bool cache_set_dirty(struct block_cache *cache, uint64_t index, paddr_t frame)
{
    uint64_t irq = spin_lock_irq(&cache->lock);
    uintptr_t *entry = page_store_entry(&cache->pages, index);
    bool there = entry && (*entry & PAGE_MASK) == frame;
    if (there && !(*entry & CACHE_DIRTY)) {
        *entry |= CACHE_DIRTY;
        cache_dirtied(cache);
    }
    spin_unlock_irq(&cache->lock, irq);
    return there;
}

int cache_insert_dirty(struct block_cache *cache, uint64_t index, paddr_t frame)
{
    uint64_t irq = spin_lock_irq(&cache->lock);
    int err =
        page_store_put_entry(&cache->pages, index, frame | CACHE_READY | CACHE_DIRTY | CACHE_USED);
    if (err == 0)
        cache_dirtied(cache);
    spin_unlock_irq(&cache->lock, irq);
    return err;
}

/* --- forgetting --------------------------------------------------------------------------- */

/* One page: false if it is to be waited for. With cache->lock held. */
static bool drop_one(struct block_cache *cache, uint64_t index, uintptr_t entry, bool all)
{
    if (!(entry & CACHE_READY) || entry & CACHE_WRITING)
        return false;
    if (entry & CACHE_DIRTY && !all)
        return true;
    if (entry & CACHE_DIRTY)
        cache_cleaned(cache, 1);
    page_store_drop_entry(&cache->pages, index);
    return true;
}

void cache_drop(struct block_cache *cache, uint64_t first, uint64_t last, bool all)
{
    if (!atomic_load_explicit(&cache->pages.npages, memory_order_relaxed) || first > last)
        return;
    mem_object_unmap(&cache->object, first, last - first + 1);
    for (uint64_t at = first; at <= last;) {
        uint64_t irq = spin_lock_irq(&cache->lock);
        uintptr_t *entry = page_store_find_marked(&cache->pages, &at, last, 0);
        bool wait = entry && !drop_one(cache, at, *entry, all);
        spin_unlock_irq(&cache->lock, irq);
        if (wait)
            WAIT_EVENT(&cache->wait,
                       !is_busy(cache, at, CACHE_READY, 0) &&
                           !is_busy(cache, at, CACHE_WRITING, CACHE_WRITING),
                       0, NSEC_FOREVER);
        else if (entry)
            at++;
    }
    mem_object_unmap(&cache->object, first, last - first + 1); /* who came meanwhile */
}
