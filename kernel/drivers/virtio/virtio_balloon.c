/* Virtio memory balloon (virtio 1.2, 5.5): a kernel thread takes frames out of use and tells the
 * host their numbers, or the other way round, until as many are in the balloon as the host wants.
 * When the program runs out of memory the balloon shrinks, if the host allows that. Free memory is
 * reported when much of it has come back, so that the host can use it meanwhile. */

#include "core/boot.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mutex.h"
#include "core/thread.h"
#include "core/waitqueue.h"
#include "drivers/virtio/virtio.h"
#include "lib/errno.h"
#include "lib/list.h"
#include "mm/frame.h"
#include "mm/heap.h"

enum { F_STATS = 1, F_DEFLATE_ON_OOM = 2, F_FREE_PAGE_HINT = 3, F_REPORTING = 5 };
enum { CONFIG_WANTED = 0, CONFIG_ACTUAL = 4 };
enum { INFLATE, DEFLATE, STATS };
enum { STAT_FREE = 4, STAT_TOTAL = 5, STAT_AVAILABLE = 6 };
enum {
    BATCH = 256,        /* frames told at a time */
    CHUNK = 509,        /* frame numbers in one allocation */
    REPORT_BLOCKS = 32, /* in one request */
};
#define RETRY_NS  200000000ll
#define REPORT_NS 2000000000ll

/* The frames in the balloon: the last chunk is being filled. */
struct chunk {
    struct chunk *before;
    unsigned n;
    uint32_t frames[CHUNK];
};

struct __attribute__((packed)) stat {
    uint16_t tag;
    uint64_t value;
};

struct balloon {
    struct virtio_device *device;
    struct virtqueue *queues[3], *report;
    struct waitqueue wait; /* for the host: what it wants, what it has used */
    atomic_bool changed;   /* it wants another size */
    struct mutex lock;     /* over all that follows */
    struct chunk *chunks;
    uint32_t size; /* frames */
    uint32_t *batch;
    struct stat *stats;
};

static struct balloon *balloon;

/* --- the host's side ---------------------------------------------------------------------- */

static void used(struct virtqueue *queue)
{
    wake_all(&((struct balloon *)virtqueue_owner(queue))->wait);
}

static void config_changed(struct virtio_device *device)
{
    struct balloon *b = device->driver;
    atomic_store_explicit(&b->changed, true, memory_order_relaxed);
    wake_all(&b->wait);
}

/* Offer a chain on a queue that is otherwise empty and wait until the host has used it. */
static int tell(struct balloon *b, struct virtqueue *queue, const struct virtio_buffer *segments,
                unsigned nout, unsigned nin)
{
    int err = virtqueue_add(queue, segments, nout, nin, b);
    if (err < 0)
        return err;
    virtqueue_kick(queue);
    WAIT_EVENT(&b->wait, virtqueue_get(queue, NULL) || b->device->broken, 0, NSEC_FOREVER);
    return b->device->broken ? -EIO : 0;
}

static int tell_frames(struct balloon *b, unsigned queue, unsigned n)
{
    struct virtio_buffer segment = {b->batch, n * sizeof(*b->batch)};
    return tell(b, b->queues[queue], &segment, 1, 0);
}

static uint32_t wanted(struct balloon *b)
{
    uint32_t frames;
    b->device->ops->config_read(b->device, CONFIG_WANTED, &frames, sizeof(frames));
    return frames;
}

static void tell_size(struct balloon *b)
{
    b->device->ops->config_write(b->device, CONFIG_ACTUAL, &b->size, sizeof(b->size));
}

/* --- the frames --------------------------------------------------------------------------- */

static bool push(struct balloon *b, uint32_t frame)
{
    if (!b->chunks || b->chunks->n == CHUNK) {
        struct chunk *chunk = kzalloc(sizeof(*chunk));
        if (!chunk)
            return false;
        chunk->before = b->chunks;
        b->chunks = chunk;
    }
    b->chunks->frames[b->chunks->n++] = frame;
    b->size++;
    return true;
}

static uint32_t pop(struct balloon *b)
{
    struct chunk *chunk = b->chunks;
    uint32_t frame = chunk->frames[--chunk->n];
    b->size--;
    if (chunk->n == 0) {
        b->chunks = chunk->before;
        kfree(chunk);
    }
    return frame;
}

/* Up to `most` frames into the balloon; their number, less when memory is short. Frame numbers have
 * 32 bits: all below 16 TiB. */
static unsigned inflate(struct balloon *b, unsigned most)
{
    unsigned n = 0;
    while (n < MIN(most, (unsigned)BATCH)) {
        paddr_t frame = frame_alloc(0, FRAME_USER);
        if (!frame || !push(b, frame >> PAGE_SHIFT)) {
            if (frame)
                frame_free(frame, 0);
            break;
        }
        b->batch[n++] = frame >> PAGE_SHIFT;
    }
    if (n)
        tell_frames(b, INFLATE, n);
    return n;
}

/* The host is told before the frames are used again (5.5.6.2); if it is gone they stay away. */
static unsigned deflate(struct balloon *b, unsigned most)
{
    unsigned n = 0;
    while (n < MIN(most, (unsigned)BATCH) && b->size)
        b->batch[n++] = pop(b);
    if (n && tell_frames(b, DEFLATE, n) < 0)
        return 0;
    for (unsigned i = 0; i < n; i++)
        frame_free((paddr_t)b->batch[i] << PAGE_SHIFT, 0);
    return n;
}

/* A step towards what the host wants; false: it is reached, or (*stuck) memory is short. */
static bool approach(struct balloon *b, bool *stuck)
{
    uint32_t target = wanted(b);
    unsigned n = 0;
    mutex_lock(&b->lock);
    if (target > b->size) {
        n = inflate(b, target - b->size);
        *stuck = n == 0;
    } else if (target < b->size) {
        n = deflate(b, b->size - target);
    }
    if (n)
        tell_size(b);
    mutex_unlock(&b->lock);
    return n && !b->device->broken;
}

/* The program's memory is short: a hook of frame_reclaim(); the thread may hold the lock itself. */
static unsigned give_back(void)
{
    struct balloon *b = balloon;
    unsigned n = 0;
    if (b->device->broken || mutex_is_mine(&b->lock))
        return 0;
    mutex_lock(&b->lock); /* a report that is under way ends first */
    if (b->device->features >> F_DEFLATE_ON_OOM & 1 && b->size) {
        n = deflate(b, BATCH);
        tell_size(b);
    }
    mutex_unlock(&b->lock);
    return n;
}

/* --- statistics and reports --------------------------------------------------------------- */

/* The host uses the buffer when it wants new figures (5.5.6.3). */
static void offer_stats(struct balloon *b)
{
    struct frame_stats f;
    frame_get_stats(&f);
    b->stats[0] = (struct stat){STAT_FREE, f.free * PAGE_SIZE};
    b->stats[1] = (struct stat){STAT_TOTAL, f.total * PAGE_SIZE};
    b->stats[2] = (struct stat){STAT_AVAILABLE, f.free * PAGE_SIZE};
    struct virtio_buffer segment = {b->stats, 3 * sizeof(*b->stats)};
    virtqueue_add(b->queues[STATS], &segment, 1, 0, b);
    virtqueue_kick(b->queues[STATS]);
}

static bool stats_asked(struct balloon *b)
{
    return b->queues[STATS] && virtqueue_get(b->queues[STATS], NULL);
}

/* Take blocks out of use, tell the host, put them back. Their first frames are kept: they hold the
 * links of the free lists, and a host with huge pages would give one for each of those. Who finds
 * no memory meanwhile waits in give_back() for the end of it. */
static unsigned report_some(struct balloon *b)
{
    struct virtio_buffer segments[REPORT_BLOCKS];
    paddr_t block;
    unsigned orders[REPORT_BLOCKS], n = 0;
    mutex_lock(&b->lock);
    while (n < REPORT_BLOCKS && (block = frame_take_unreported(&orders[n]))) {
        segments[n] = (struct virtio_buffer){(uint8_t *)phys_to_virt(block) + PAGE_SIZE,
                                             (PAGE_SIZE << orders[n]) - PAGE_SIZE};
        n++;
    }
    if (n)
        tell(b, b->report, segments, 0, n);
    for (unsigned i = 0; i < n; i++)
        frame_put_reported(virt_to_phys(segments[i].data) - PAGE_SIZE, orders[i]);
    mutex_unlock(&b->lock);
    return n;
}

static void report(struct balloon *b)
{
    while (report_some(b) == REPORT_BLOCKS && !b->device->broken)
        thread_resched_point();
}

/* --- the thread --------------------------------------------------------------------------- */

static bool work_to_do(struct balloon *b)
{
    return atomic_exchange_explicit(&b->changed, false, memory_order_relaxed);
}

static void work(void *arg)
{
    struct balloon *b = arg;
    while (!b->device->broken) {
        bool stuck = false, asked = false;
        while (approach(b, &stuck))
            thread_resched_point();
        nsec_t now = clock_monotonic();
        nsec_t deadline = stuck ? now + RETRY_NS : b->report ? now + REPORT_NS : NSEC_FOREVER;
        WAIT_EVENT(&b->wait, work_to_do(b) || (asked = stats_asked(b)) || b->device->broken, 0,
                   deadline);
        if (asked)
            offer_stats(b);
        if (b->report)
            report(b);
    }
}

/* --- setting up --------------------------------------------------------------------------- */

static bool has(const struct virtio_device *device, unsigned feature)
{
    return device->features >> feature & 1;
}

/* Queues have the numbers that the features which are offered give them (5.5.2). */
static int create_queues(struct balloon *b)
{
    struct virtio_device *d = b->device;
    unsigned n = STATS, size = 8;
    for (unsigned i = INFLATE; i <= DEFLATE; i++)
        if (!(b->queues[i] = virtqueue_create(d, i, size, used, b)))
            return -ENOMEM;
    if (has(d, F_STATS) && !(b->queues[STATS] = virtqueue_create(d, n, size, used, b)))
        return -ENOMEM;
    n += d->offered >> F_STATS & 1;
    n += d->offered >> F_FREE_PAGE_HINT & 1;
    if (has(d, F_REPORTING) && !(b->report = virtqueue_create(d, n, REPORT_BLOCKS, used, b)))
        return -ENOMEM;
    return 0;
}

static int allocate(struct balloon *b)
{
    b->batch = kmalloc(BATCH * sizeof(*b->batch));
    b->stats = kzalloc(3 * sizeof(*b->stats));
    return b->batch && b->stats ? 0 : -ENOMEM;
}

static void lost(struct virtio_device *device)
{
    wake_all(&((struct balloon *)device->driver)->wait);
}

static int probe(struct virtio_device *device)
{
    struct balloon *b = balloon ? NULL : kzalloc(sizeof(*b));
    if (!b)
        return balloon ? -EBUSY : -ENOMEM;
    b->device = device;
    device->driver = b;
    device->config_changed = config_changed;
    device->lost = lost;
    waitqueue_init(&b->wait);
    int r = allocate(b);
    if (r == 0)
        r = create_queues(b);
    if (r < 0) {
        kfree(b->batch);
        kfree(b->stats);
        kfree(b);
        return r;
    }
    balloon = b;
    virtio_device_ready(device);
    if (b->queues[STATS])
        offer_stats(b);
    frame_reclaim_hooks[FRAME_RECLAIM_BALLOON] = give_back;
    return kthread_start("balloon", work, b) ? 0 : -ENOMEM;
}

static const struct virtio_driver balloon_driver = {
    .name = "balloon",
    .id = VIRTIO_ID_BALLOON,
    .features = 1ull << F_STATS | 1ull << F_DEFLATE_ON_OOM | 1ull << F_REPORTING,
    .probe = probe,
};
VIRTIO_DRIVER(balloon_driver);
