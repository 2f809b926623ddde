/* Disks and their requests: registration, queueing, waiting. */

#include "drivers/block/block.h"

#include "core/clock.h"
#include "core/log.h"
#include "drivers/block/cache.h"
#include "drivers/block/partitions.h"
#include "fs/vfs.h"
#include "lib/string.h"
#include "mm/heap.h"

static struct block_device *_Atomic devices;
static struct mutex devices_lock;

static struct block_device *present(struct block_device *d)
{
    while (d && d->gone)
        d = rcu_load(d->next);
    return d;
}

struct block_device *block_first(void)
{
    return present(rcu_load(devices));
}

struct block_device *block_next(struct block_device *d)
{
    return present(rcu_load(d->next));
}

struct block_device *block_find(uint32_t rdev)
{
    struct block_device *d = block_first();
    while (d && d->rdev != rdev)
        d = block_next(d);
    return d;
}

uint32_t block_extended_rdev(void)
{
    enum { EXTENDED_MAJOR = 259 };
    static atomic_uint next;
    return makedev(EXTENDED_MAJOR, atomic_fetch_add(&next, 1));
}

/* A disk at the end of the list, a partition behind its disk and the partitions before it. */
static void link_device(struct block_device *device)
{
    struct block_device **at = device->whole ? &device->whole->next : (void *)&devices;
    while (*at &&
           (!device->whole || ((*at)->whole == device->whole && (*at)->number < device->number)))
        at = &(*at)->next;
    device->next = *at;
    rcu_store(*at, device);
}

int block_add(struct block_device *device)
{
    list_init(&device->waiting);
    cache_init(&device->cache);
    mem_object_init(&device->cache.object, &block_mem_ops);
    mutex_lock(&devices_lock);
    link_device(device);
    mutex_unlock(&devices_lock);
    return blockdev_register(device->rdev, device->driver_name, device->name, 0660,
                             &block_file_ops);
}

int block_register(struct block_device *device)
{
    enum { READ_AHEAD = 256, PAGE = 4096 };
    if (device->limits.logical_block > PAGE ||
        (uint64_t)block_segments(device) * device->limits.segment_size < PAGE) {
        log_err("block: %s: its blocks or its requests have no size to work with", device->name);
        return -EINVAL;
    }
    static atomic_uint ndisks;
    block_start_caches();
    device->number = atomic_fetch_add(&ndisks, 1) + 1;
    device->read_ahead = READ_AHEAD;
    device->block_size = PAGE;
    int err = block_add(device);
    if (err == 0)
        partitions_look(device);
    return err;
}

/* --- requests ----------------------------------------------------------------------------- */

static unsigned kind(const struct block_request *request)
{
    static const uint8_t kinds[] = {[BLOCK_READ] = 0,
                                    [BLOCK_WRITE] = 1,
                                    [BLOCK_WRITE_ZEROES] = 1,
                                    [BLOCK_DISCARD] = 2,
                                    [BLOCK_FLUSH] = 3};
    return kinds[request->op];
}

void block_done(struct block_request *request, int error)
{
    struct block_device *device = request->device;
    unsigned k = kind(request);
    uint64_t took = clock_monotonic() - request->started;
    uint64_t flags = spin_lock_irq(&device->lock);
    for (struct block_device *d = device; d; d = d == device ? request->part : NULL) {
        d->stats.requests[k] += request->nsectors || request->op == BLOCK_FLUSH;
        d->stats.sectors[k] += request->nsectors;
        d->stats.ns[k] += took;
        atomic_fetch_sub_explicit(&d->in_flight, 1, memory_order_relaxed);
    }
    spin_unlock_irq(&device->lock, flags);
    request->done(request, error);
}

static bool in_bounds(const struct block_device *device, const struct block_request *request)
{
    uint64_t sectors = atomic_load_explicit(&device->sectors, memory_order_relaxed);
    if (request->op != BLOCK_READ && request->op != BLOCK_FLUSH && device->read_only)
        return false;
    return request->sector <= sectors && request->nsectors <= sectors - request->sector;
}

static void keep(struct block_device *device, struct block_request *request, bool first)
{
    uint64_t flags = spin_lock_irq(&device->lock);
    if (first)
        list_add(&device->waiting, &request->link);
    else
        list_add_tail(&device->waiting, &request->link);
    spin_unlock_irq(&device->lock, flags);
}

static struct block_request *next_waiting(struct block_device *device)
{
    struct block_request *request = NULL;
    uint64_t flags = spin_lock_irq(&device->lock);
    if (!list_empty(&device->waiting)) {
        request = list_first(&device->waiting, struct block_request, link);
        list_del(&request->link);
    }
    spin_unlock_irq(&device->lock, flags);
    return request;
}

/* Submit what waits while there is room. Room that is made while a request is in our hands finds no
 * list to serve; so once the request is back in it, look whether any was made (block_has_room()
 * counts before it looks at the list, we put the request there before we look at the count). */
static void submit_waiting(struct block_device *device)
{
    struct block_request *request;
    unsigned room = atomic_load(&device->room);
    while ((request = next_waiting(device))) {
        int err = device->ops->submit(device, request);
        if (err == -EBUSY) {
            keep(device, request, true);
            atomic_thread_fence(memory_order_seq_cst);
            if (atomic_load(&device->room) == room)
                return;
            room = atomic_load(&device->room);
        } else if (err < 0) {
            block_done(request, err);
        }
    }
}

void block_has_room(struct block_device *device)
{
    atomic_fetch_add(&device->room, 1);
    if (!list_empty(&device->waiting))
        submit_waiting(device);
}

void block_submit(struct block_device *device, struct block_request *request)
{
    bool sound = in_bounds(device, request);
    request->part = NULL;
    if (device->whole) {
        request->part = device;
        request->sector += request->nsectors ? device->start : 0;
        atomic_fetch_add_explicit(&device->in_flight, 1, memory_order_relaxed);
        device = device->whole;
        sound = sound && in_bounds(device, request);
    }
    request->device = device;
    request->started = clock_monotonic();
    atomic_fetch_add_explicit(&device->in_flight, 1, memory_order_relaxed);
    int err = sound ? device->ops->submit(device, request) : -EIO;
    if (err == -EBUSY) {
        keep(device, request, false);
        submit_waiting(device); /* room that was made meanwhile has called nobody */
    } else if (err < 0) {
        block_done(request, err);
    }
}

struct waiting {
    struct waitqueue queue;
    int error;
    atomic_bool over;
};

/* The waiter may go on, and its memory away, as soon as `over` is seen: the queue's lock orders the
 * two, see block_submit_wait(). */
static void wake_waiter(struct block_request *request, int error)
{
    struct waiting *waiting = request->owner;
    waiting->error = error;
    uint64_t flags = spin_lock_irq(&waiting->queue.lock);
    atomic_store_explicit(&waiting->over, true, memory_order_release);
    list_for_each_entry (struct waiter, w, &waiting->queue.waiters, link)
        thread_wake(w->thread);
    spin_unlock_irq(&waiting->queue.lock, flags);
}

int block_submit_wait(struct block_device *device, struct block_request *request)
{
    struct waiting waiting = {};
    waitqueue_init(&waiting.queue);
    request->done = wake_waiter;
    request->owner = &waiting;
    block_submit(device, request);
    WAIT_EVENT(&waiting.queue, atomic_load_explicit(&waiting.over, memory_order_acquire), 0,
               NSEC_FOREVER);
    uint64_t flags = spin_lock_irq(&waiting.queue.lock); /* the waker has left */
    spin_unlock_irq(&waiting.queue.lock, flags);
    return waiting.error;
}

/* --- whole transfers ---------------------------------------------------------------------- */

/* Fill in as much of the memory as one request takes; bytes. */
static size_t fill(const struct block_device *device, struct block_request *request, uint8_t *data,
                   size_t n)
{
    const struct block_limits *l = &device->limits;
    unsigned most = block_segments(device);
    size_t filled = 0;
    request->nsegments = 0;
    while (filled < n && request->nsegments < most) {
        uint32_t len = MIN(n - filled, (size_t)l->segment_size);
        request->segments[request->nsegments++] = (struct block_segment){data + filled, len};
        filled += len;
    }
    request->nsectors = filled / BLOCK_SECTOR;
    return filled;
}

int block_transfer(struct block_device *device, enum block_op op, uint64_t sector, void *data,
                   size_t n)
{
    struct block_request *request = kzalloc(sizeof(*request));
    int err = request ? 0 : -ENOMEM;
    for (size_t done = 0; done < n && err == 0;) {
        request->op = op;
        request->sector = sector + done / BLOCK_SECTOR;
        done += fill(device, request, (uint8_t *)data + done, n - done);
        err = block_submit_wait(device, request);
    }
    kfree(request);
    return err;
}

static int one(struct block_device *device, enum block_op op, unsigned flags, uint64_t sector,
               uint64_t nsectors)
{
    struct block_request *request = kzalloc(sizeof(*request));
    if (!request)
        return -ENOMEM;
    request->op = op;
    request->flags = flags;
    request->sector = sector;
    request->nsectors = nsectors;
    int err = block_submit_wait(device, request);
    kfree(request);
    return err;
}

int block_flush(struct block_device *device)
{
    return device->limits.volatile_cache ? one(device, BLOCK_FLUSH, 0, 0, 0) : 0;
}

int block_clear(struct block_device *device, enum block_op op, unsigned flags, uint64_t sector,
                uint64_t nsectors)
{
    uint32_t most =
        op == BLOCK_DISCARD ? device->limits.discard_sectors : device->limits.write_zeroes_sectors;
    most &= ~(device->limits.logical_block / BLOCK_SECTOR - 1);
    int err = most ? 0 : -EOPNOTSUPP;
    while (nsectors && err == 0) {
        uint64_t n = MIN(nsectors, (uint64_t)most);
        err = one(device, op, flags, sector, n);
        sector += n;
        nsectors -= n;
    }
    return err;
}

void block_resized(struct block_device *device, uint64_t sectors)
{
    atomic_store_explicit(&device->sectors, sectors, memory_order_relaxed);
}

/* A disk and its partitions exclude each other. Under open_lock. */
static bool is_taken(struct block_device *device, const void *owner)
{
    struct block_device *whole = block_whole(device);
    for (struct block_device *d = whole; d && block_whole(d) == whole; d = block_next(d))
        if ((d == device || d == whole || device == whole) && d->exclusive && d->exclusive != owner)
            return true;
    return false;
}

int block_claim(struct block_device *device, void *owner)
{
    mutex_lock(&block_whole(device)->open_lock);
    int err = is_taken(device, owner) ? -EBUSY : 0;
    if (err == 0)
        device->exclusive = owner;
    mutex_unlock(&block_whole(device)->open_lock);
    return err;
}

void block_release(struct block_device *device, void *owner)
{
    mutex_lock(&block_whole(device)->open_lock);
    if (device->exclusive == owner)
        device->exclusive = NULL;
    mutex_unlock(&block_whole(device)->open_lock);
}
