/* The packed virtqueue (virtio 1.2, 2.8): one ring of descriptors that both sides write. Two bits
 * of each descriptor tell whose it is, compared with a wrap counter that turns over at each lap.
 *
 * As in the split ring nothing that the device can write decides where we read or write: what a
 * buffer is made of stands in `entries`, and each identifier that comes back is checked. */

#include "drivers/virtio/queue.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"

enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4, DESC_AVAIL = 1 << 7, DESC_USED = 1 << 15 };
enum { EVENT_ENABLE = 0, EVENT_DISABLE = 1, EVENT_DESC = 2 };
enum { WRAP = 1 << 15 }; /* a place in the ring carries the wrap counter in its top bit */

struct packed_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t id;
    _Atomic uint16_t flags;
};
/* Which events the side that writes this wants (2.8.14). */
struct packed_event {
    _Atomic uint16_t place, flags;
};

/* What we remember of a buffer, at its identifier. */
struct entry {
    void *token; /* NULL: the device was not given this identifier */
    struct packed_desc *indirect;
    uint32_t capacity; /* bytes that the device may write */
    uint16_t count;    /* descriptors of the ring */
    uint16_t next;     /* the list of free identifiers */
};

struct packed {
    struct virtqueue base;
    struct packed_desc *desc;
    struct packed_event *driver_event, *device_event;
    uint16_t free_id, nfree; /* identifiers; descriptors */
    uint16_t next_avail;     /* place of the next descriptor that we fill */
    uint16_t added;          /* descriptors since the last publish() */
    uint16_t next_used;      /* place where the device writes the next used one */
    uint16_t held, held_flags;
    /* In order: the device has used all up to this buffer with one descriptor (2.8.8). */
    uint16_t batch_id;
    uint32_t batch_len;
    bool in_batch;
    bool event_idx, indirect, in_order, interrupts;
    struct entry entries[];
};

static struct packed *packed(struct virtqueue *queue)
{
    return (struct packed *)queue;
}

static unsigned slot_of(uint16_t place)
{
    return place & (WRAP - 1);
}

/* The place n (at most a lap) descriptors further on. */
static uint16_t advance(const struct packed *q, uint16_t place, unsigned n)
{
    unsigned slot = slot_of(place) + n;
    return slot < q->base.size ? (place & WRAP) | slot
                               : ((place & WRAP) ^ WRAP) | (slot - q->base.size);
}

/* The bits of a descriptor that is available at this place (2.8.1). */
static uint16_t available(uint16_t place)
{
    return place & WRAP ? DESC_AVAIL : DESC_USED;
}

static bool is_used(struct packed *q, uint16_t place)
{
    /* Acquire: the descriptor's other fields and the buffer are read after its flags. */
    uint16_t flags = atomic_load_explicit(&q->desc[slot_of(place)].flags, memory_order_acquire);
    return (flags & (DESC_AVAIL | DESC_USED)) == (place & WRAP ? DESC_AVAIL | DESC_USED : 0);
}

/* --- offering ----------------------------------------------------------------------------- */

static void fill(struct packed_desc *desc, const struct virtio_buffer *segment)
{
    desc->addr = virt_to_phys(segment->data);
    desc->len = segment->len;
}

/* The device looks at descriptors in the ring's order, so keeping back the flags of the first one
 * since the last publish() keeps back all. */
static void hand_over(struct packed *q, uint16_t place, uint16_t flags)
{
    flags |= available(place);
    if (q->added == 0) {
        q->held = place;
        q->held_flags = flags;
    } else {
        atomic_store_explicit(&q->desc[slot_of(place)].flags, flags, memory_order_relaxed);
    }
    q->added++;
}

/* A chain in a table of its own costs one descriptor (2.8.7). */
static bool add_indirect(struct packed *q, uint16_t id, const struct virtio_buffer *segments,
                         unsigned nout, unsigned n)
{
    struct packed_desc *table = kzalloc(n * sizeof(*table));
    if (!table)
        return false;
    for (unsigned i = 0; i < n; i++) {
        fill(&table[i], &segments[i]);
        atomic_init(&table[i].flags, i >= nout ? DESC_WRITE : 0);
    }
    struct packed_desc *desc = &q->desc[slot_of(q->next_avail)];
    desc->addr = virt_to_phys(table);
    desc->len = n * sizeof(*table);
    desc->id = id;
    q->entries[id].indirect = table;
    hand_over(q, q->next_avail, DESC_INDIRECT);
    return true;
}

static void add_direct(struct packed *q, uint16_t id, const struct virtio_buffer *segments,
                       unsigned nout, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint16_t place = advance(q, q->next_avail, i);
        struct packed_desc *desc = &q->desc[slot_of(place)];
        fill(desc, &segments[i]);
        desc->id = id;
        hand_over(q, place, (i + 1 < n ? DESC_NEXT : 0) | (i >= nout ? DESC_WRITE : 0));
    }
}

static int packed_add(struct virtqueue *queue, const struct virtio_buffer *segments, unsigned nout,
                      unsigned nin, void *token)
{
    struct packed *q = packed(queue);
    unsigned n = nout + nin;
    if (n == 0 || !token)
        return -EINVAL;
    if (q->nfree == 0)
        return -ENOSPC;
    /* In order, a buffer's identifier is the place of its first descriptor: where the next used one
     * is looked for is then the oldest buffer's identifier. */
    uint16_t id = q->in_order ? slot_of(q->next_avail) : q->free_id;
    struct entry *entry = &q->entries[id];
    uint16_t next_id = entry->next, count = 1;
    if (n == 1 || !q->indirect || !add_indirect(q, id, segments, nout, n)) {
        if (n > q->nfree)
            return -ENOSPC;
        add_direct(q, id, segments, nout, n);
        count = n;
    }
    q->free_id = next_id;
    q->next_avail = advance(q, q->next_avail, count);
    q->nfree -= count;
    entry->count = count;
    entry->capacity = virtio_capacity(segments + nout, nin);
    entry->token = token;
    return 0;
}

/* Does the device, which named a place, want to be told of the step over `added` descriptors to
 * next_avail (2.8.10)? Places of the lap before count down from 0. */
static bool passes(const struct packed *q, uint16_t event, uint16_t added)
{
    uint16_t new = slot_of(q->next_avail), at = slot_of(event);
    if ((event ^ q->next_avail) & WRAP)
        at -= q->base.size;
    return (uint16_t)(new - at - 1) < added;
}

static bool packed_publish(struct virtqueue *queue)
{
    struct packed *q = packed(queue);
    uint16_t added = q->added;
    if (added == 0)
        return false;
    /* Release: the device that sees these flags also sees all that was written before. */
    atomic_store_explicit(&q->desc[slot_of(q->held)].flags, q->held_flags, memory_order_release);
    q->added = 0;
    /* A store before a later load needs the full fence: else the device could go to sleep after our
     * look and before our store. */
    virtqueue_fence(&q->base);
    uint16_t wish = atomic_load_explicit(&q->device_event->flags, memory_order_acquire) & 3;
    if (wish != EVENT_DESC)
        return wish == EVENT_ENABLE;
    return passes(q, atomic_load_explicit(&q->device_event->place, memory_order_relaxed), added);
}

/* --- taking back -------------------------------------------------------------------------- */

static void *release_buffer(struct packed *q, uint16_t id)
{
    struct entry *entry = &q->entries[id];
    void *token = entry->token;
    q->next_used = advance(q, q->next_used, entry->count);
    q->nfree += entry->count;
    entry->next = q->free_id;
    q->free_id = id;
    kfree(entry->indirect);
    entry->indirect = NULL;
    entry->token = NULL;
    return token;
}

/* Nothing there: renew the wish for an interrupt, which names a place, and look again (see
 * queue_split.c). */
static bool nothing_more(struct packed *q)
{
    if (!q->event_idx || !q->interrupts ||
        atomic_load_explicit(&q->driver_event->place, memory_order_relaxed) == q->next_used)
        return true;
    atomic_store_explicit(&q->driver_event->place, q->next_used, memory_order_relaxed);
    virtqueue_fence(&q->base);
    return !is_used(q, q->next_used);
}

/* What the used descriptor at next_used says; false: it must not. */
static bool read_used(struct packed *q, uint16_t *id, uint32_t *len)
{
    volatile struct packed_desc *desc = &q->desc[slot_of(q->next_used)];
    uint16_t flags = atomic_load_explicit(&desc->flags, memory_order_relaxed);
    *id = desc->id; /* read once: the device may go on writing */
    *len = desc->len;
    if (*id >= q->base.size || !q->entries[*id].token) {
        virtio_device_broken(q->base.device, "used a buffer that it was not given");
        return false;
    }
    if (*len <= q->entries[*id].capacity)
        return true;
    /* A length without the flag has no meaning (2.8.4), though devices are met that tell the true
     * one without it. */
    if (flags & DESC_WRITE && !q->base.device->vague_lengths) {
        virtio_device_broken(q->base.device, "wrote more than it was given");
        return false;
    }
    *len = 0;
    return true;
}

/* In order, one used descriptor may stand for several buffers, of which it names the last; the
 * others have been used whole (2.8.8). */
static void *next_of_batch(struct packed *q, uint32_t *len)
{
    uint16_t oldest = slot_of(q->next_used);
    q->in_batch = oldest != q->batch_id;
    if (len)
        *len = q->in_batch ? q->entries[oldest].capacity : q->batch_len;
    return release_buffer(q, oldest);
}

static void *packed_get(struct virtqueue *queue, uint32_t *len)
{
    struct packed *q = packed(queue);
    uint16_t id;
    uint32_t written;
    if (q->in_batch)
        return next_of_batch(q, len);
    if (!is_used(q, q->next_used) && nothing_more(q))
        return NULL;
    if (!read_used(q, &id, &written))
        return NULL;
    if (q->in_order) {
        q->batch_id = id;
        q->batch_len = written;
        return next_of_batch(q, len);
    }
    if (len)
        *len = written;
    return release_buffer(q, id);
}

static bool packed_pending(struct virtqueue *queue)
{
    struct packed *q = packed(queue);
    return *(volatile bool *)&q->in_batch || is_used(q, *(volatile uint16_t *)&q->next_used);
}

static void packed_interrupts_off(struct virtqueue *queue)
{
    struct packed *q = packed(queue);
    q->interrupts = false;
    atomic_store_explicit(&q->driver_event->flags, EVENT_DISABLE, memory_order_relaxed);
}

static bool packed_interrupts_on(struct virtqueue *queue)
{
    struct packed *q = packed(queue);
    q->interrupts = true;
    atomic_store_explicit(&q->driver_event->place, q->next_used, memory_order_relaxed);
    /* Release: who sees the flag sees the place. */
    atomic_store_explicit(&q->driver_event->flags, q->event_idx ? EVENT_DESC : EVENT_ENABLE,
                          memory_order_release);
    virtqueue_fence(&q->base);
    return packed_pending(queue);
}

static void packed_destroy(struct virtqueue *queue)
{
    struct packed *q = packed(queue);
    for (unsigned i = 0; i < queue->size; i++)
        kfree(q->entries[i].indirect);
    kfree(q->desc);
    kfree(q);
}

static const struct virtqueue_layout layout = {
    .add = packed_add,
    .publish = packed_publish,
    .get = packed_get,
    .pending = packed_pending,
    .interrupts_off = packed_interrupts_off,
    .interrupts_on = packed_interrupts_on,
    .destroy = packed_destroy,
};

struct virtqueue *queue_packed_create(struct virtio_device *device, unsigned size)
{
    size_t ring = size * sizeof(struct packed_desc);
    struct packed *q = kzalloc(sizeof(*q) + size * sizeof(q->entries[0]));
    uint8_t *memory = kzalloc(MAX(ring + 2 * sizeof(struct packed_event), 64ul));
    if (!q || !memory) {
        kfree(q);
        kfree(memory);
        return NULL;
    }
    q->base.layout = &layout;
    q->base.device = device;
    q->base.size = size;
    q->desc = (struct packed_desc *)memory;
    q->driver_event = (struct packed_event *)(memory + ring);
    q->device_event = q->driver_event + 1;
    q->base.descriptors = virt_to_phys(q->desc);
    q->base.driver_area = virt_to_phys(q->driver_event);
    q->base.device_area = virt_to_phys(q->device_event);
    q->event_idx = virtio_has(device, VIRTIO_F_EVENT_IDX);
    q->indirect = virtio_has(device, VIRTIO_F_INDIRECT_DESC);
    q->in_order = virtio_has(device, VIRTIO_F_IN_ORDER);
    q->interrupts = true;
    q->next_avail = q->next_used = WRAP; /* both counters start at 1 (2.8.1) */
    q->nfree = size;
    for (unsigned i = 0; i < size; i++)
        q->entries[i].next = i + 1;
    atomic_store_explicit(&q->driver_event->flags, q->event_idx ? EVENT_DESC : EVENT_ENABLE,
                          memory_order_relaxed);
    atomic_store_explicit(&q->driver_event->place, q->next_used, memory_order_relaxed);
    return &q->base;
}
