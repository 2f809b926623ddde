/* The split virtqueue (virtio 1.2, 2.7): a table of descriptors, the available ring written by us
 * and the used ring written by the device.
 *
 * Nothing that the device can write decides where we read or write: the free list, the tokens and
 * the chains live in `entries`, outside the ring, and each index and identifier that comes back is
 * checked. All fields are little-endian, as is this processor (a legacy ring is "native"). */

#include "drivers/virtio/queue.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"

enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4 };
enum { AVAIL_NO_INTERRUPT = 1, USED_NO_NOTIFY = 1 };

struct split_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};
struct split_avail {
    _Atomic uint16_t flags, idx;
    uint16_t ring[]; /* size entries, then used_event */
};
struct used_elem {
    uint32_t id, len;
};
struct split_used {
    _Atomic uint16_t flags, idx;
    struct used_elem ring[]; /* size entries, then avail_event (16 bits) */
};

/* What we remember of a chain, at the index of its first descriptor. */
struct entry {
    void *token; /* NULL: no chain of the device's starts here */
    struct split_desc *indirect;
    uint32_t capacity; /* bytes that the device may write */
    uint16_t next;     /* the free list; within a chain the next descriptor */
    uint16_t count;    /* descriptors of the table in this chain */
};

struct split {
    struct virtqueue base;
    struct split_desc *desc;
    struct split_avail *avail;
    struct split_used *used;
    uint16_t free_head, nfree;
    uint16_t next_avail; /* what avail->idx becomes at the next publish() */
    uint16_t published;
    uint16_t next_used; /* the entry that get() looks at */
    /* In order: the device has used all up to this chain with one entry (2.7.9), and chains begin
     * where the one before ended, so that the oldest begins at `oldest`. */
    uint16_t batch_id, oldest;
    uint32_t batch_len;
    bool in_batch;
    bool event_idx, indirect, in_order, interrupts;
    struct entry entries[];
};

static struct split *split(struct virtqueue *queue)
{
    return (struct split *)queue;
}
static _Atomic uint16_t *used_event(struct split *q)
{
    return (_Atomic uint16_t *)&q->avail->ring[q->base.size];
}
static _Atomic uint16_t *avail_event(struct split *q)
{
    return (_Atomic uint16_t *)&q->used->ring[q->base.size];
}

static void fill(struct split_desc *desc, const struct virtio_buffer *segment, bool write)
{
    desc->addr = virt_to_phys(segment->data);
    desc->len = segment->len;
    desc->flags = write ? DESC_WRITE : 0;
}

/* A chain in a table of its own costs one descriptor (2.7.5.3). */
static bool add_indirect(struct split *q, struct entry *entry, const struct virtio_buffer *segments,
                         unsigned nout, unsigned n)
{
    struct split_desc *table = kmalloc(n * sizeof(*table));
    if (!table)
        return false;
    for (unsigned i = 0; i < n; i++) {
        fill(&table[i], &segments[i], i >= nout);
        table[i].flags |= i + 1 < n ? DESC_NEXT : 0;
        table[i].next = i + 1 < n ? i + 1 : 0;
    }
    struct split_desc *desc = &q->desc[q->free_head];
    desc->addr = virt_to_phys(table);
    desc->len = n * sizeof(*table);
    desc->flags = DESC_INDIRECT;
    entry->indirect = table;
    entry->count = 1;
    return true;
}

static void add_direct(struct split *q, struct entry *entry, const struct virtio_buffer *segments,
                       unsigned nout, unsigned n)
{
    uint16_t at = q->free_head;
    for (unsigned i = 0; i < n; i++) {
        struct split_desc *desc = &q->desc[at];
        fill(desc, &segments[i], i >= nout);
        at = q->entries[at].next;
        if (i + 1 < n) {
            desc->flags |= DESC_NEXT;
            desc->next = at;
        }
    }
    entry->indirect = NULL;
    entry->count = n;
}

/* The usual case: one segment, one descriptor. */
static void add_one(struct split *q, const struct virtio_buffer *segment, bool write, void *token)
{
    uint16_t head = q->free_head;
    struct entry *entry = &q->entries[head];
    fill(&q->desc[head], segment, write);
    entry->indirect = NULL;
    entry->count = 1;
    entry->capacity = write ? segment->len : 0;
    entry->token = token;
    q->free_head = entry->next;
    q->nfree--;
    q->avail->ring[q->next_avail++ & (q->base.size - 1)] = head;
}

static int split_add(struct virtqueue *queue, const struct virtio_buffer *segments, unsigned nout,
                     unsigned nin, void *token)
{
    struct split *q = split(queue);
    unsigned n = nout + nin;
    if (n == 0 || !token)
        return -EINVAL;
    if (q->nfree == 0)
        return -ENOSPC;
    if (likely(n == 1)) {
        add_one(q, segments, nin, token);
        return 0;
    }
    uint16_t head = q->free_head;
    struct entry *entry = &q->entries[head];
    bool indirect = n > 1 && q->indirect && add_indirect(q, entry, segments, nout, n);
    if (!indirect) {
        if (n > q->nfree)
            return -ENOSPC;
        add_direct(q, entry, segments, nout, n);
    }
    entry->capacity = virtio_capacity(segments + nout, nin);
    entry->token = token;
    uint16_t last = head;
    for (unsigned i = 1; i < entry->count; i++)
        last = q->entries[last].next;
    q->free_head = q->entries[last].next;
    q->nfree -= entry->count;
    q->avail->ring[q->next_avail++ & (queue->size - 1)] = head;
    return 0;
}

static bool split_publish(struct virtqueue *queue)
{
    struct split *q = split(queue);
    uint16_t old = q->published, new = q->next_avail;
    if (old == new)
        return false;
    /* Release: the device that sees the index also sees descriptors and ring entries (2.7.13.3). */
    atomic_store_explicit(&q->avail->idx, new, memory_order_release);
    q->published = new;
    /* The store of the index must be visible before we read whether the device wants to be told
     * (2.7.13.4.1): else it could go to sleep after our look and before our store. Only a full
     * fence orders a store before a later load. */
    virtqueue_fence(&q->base);
    if (q->event_idx) {
        uint16_t event = atomic_load_explicit(avail_event(q), memory_order_relaxed);
        return (uint16_t)(new - event - 1) < (uint16_t)(new - old);
    }
    return !(atomic_load_explicit(&q->used->flags, memory_order_relaxed) & USED_NO_NOTIFY);
}

static uint16_t used_index(struct split *q)
{
    /* Acquire: entries and buffers that the index covers are read after it (2.7.14). */
    return atomic_load_explicit(&q->used->idx, memory_order_acquire);
}

static void *release_chain(struct split *q, uint16_t head)
{
    struct entry *entry = &q->entries[head];
    void *token = entry->token;
    uint16_t last = head;
    for (unsigned i = 1; i < entry->count; i++)
        last = q->entries[last].next;
    if (q->in_order) { /* the free list is a circle that never changes */
        q->oldest = q->entries[last].next;
    } else {
        q->entries[last].next = q->free_head;
        q->free_head = head;
    }
    q->nfree += entry->count;
    q->next_used++;
    if (entry->indirect) {
        kfree(entry->indirect);
        entry->indirect = NULL;
    }
    entry->token = NULL;
    return token;
}

/* Nothing there. With event indices the wish for an interrupt names an entry, so it is renewed at
 * the end of each batch: store, full fence, look again, or an entry used in between would neither
 * be seen nor announced. */
static bool nothing_more(struct split *q)
{
    if (!q->event_idx || !q->interrupts ||
        atomic_load_explicit(used_event(q), memory_order_relaxed) == q->next_used)
        return true;
    atomic_store_explicit(used_event(q), q->next_used, memory_order_relaxed);
    virtqueue_fence(&q->base);
    return used_index(q) == q->next_used;
}

/* In order, one entry may stand for several chains, of which it names the last; the others have
 * been used whole. The device counts them all in its index. */
static void *next_of_batch(struct split *q, uint32_t *len)
{
    uint16_t oldest = q->oldest;
    q->in_batch = oldest != q->batch_id;
    if (q->in_batch && used_index(q) == (uint16_t)(q->next_used + 1)) {
        virtio_device_broken(q->base.device, "used more buffers than it counted");
        return NULL;
    }
    if (len)
        *len = q->in_batch ? q->entries[oldest].capacity : q->batch_len;
    return release_chain(q, oldest);
}

static void *split_get(struct virtqueue *queue, uint32_t *len)
{
    struct split *q = split(queue);
    if (used_index(q) == q->next_used && nothing_more(q))
        return NULL;
    uint16_t waiting = used_index(q) - q->next_used;
    if (waiting > queue->size) {
        virtio_device_broken(queue->device, "used index out of range");
        return NULL;
    }
    if (q->in_batch)
        return next_of_batch(q, len);
    volatile struct used_elem *elem = &q->used->ring[q->next_used & (queue->size - 1)];
    uint32_t id = elem->id, written = elem->len; /* read once: the device may go on writing */
    if (id >= queue->size || !q->entries[id].token) {
        virtio_device_broken(queue->device, "used a buffer that it was not given");
        return NULL;
    }
    if (written > q->entries[id].capacity && queue->device->vague_lengths)
        written = q->entries[id].capacity;
    if (written > q->entries[id].capacity) {
        virtio_device_broken(queue->device, "wrote more than it was given");
        return NULL;
    }
    if (q->in_order) {
        q->batch_id = id;
        q->batch_len = written;
        return next_of_batch(q, len);
    }
    if (len)
        *len = written;
    return release_chain(q, id);
}

static bool split_pending(struct virtqueue *queue)
{
    struct split *q = split(queue);
    return used_index(q) != *(volatile uint16_t *)&q->next_used;
}

static void split_interrupts_off(struct virtqueue *queue)
{
    struct split *q = split(queue);
    q->interrupts = false;
    if (q->event_idx) /* an entry that has gone by: 65535 more until it comes again */
        atomic_store_explicit(used_event(q), (uint16_t)(q->next_used - 1), memory_order_relaxed);
    else
        atomic_store_explicit(&q->avail->flags, AVAIL_NO_INTERRUPT, memory_order_relaxed);
}

static bool split_interrupts_on(struct virtqueue *queue)
{
    struct split *q = split(queue);
    q->interrupts = true;
    if (q->event_idx)
        atomic_store_explicit(used_event(q), q->next_used, memory_order_relaxed);
    else
        atomic_store_explicit(&q->avail->flags, 0, memory_order_relaxed);
    /* The wish is visible before the look, see nothing_more(). */
    virtqueue_fence(&q->base);
    return used_index(q) != q->next_used;
}

static void split_destroy(struct virtqueue *queue)
{
    struct split *q = split(queue);
    for (unsigned i = 0; i < queue->size; i++)
        kfree(q->entries[i].indirect);
    kfree(q->desc);
    kfree(q);
}

static const struct virtqueue_layout layout = {
    .add = split_add,
    .publish = split_publish,
    .get = split_get,
    .pending = split_pending,
    .interrupts_off = split_interrupts_off,
    .interrupts_on = split_interrupts_on,
    .destroy = split_destroy,
};

struct virtqueue *queue_split_create(struct virtio_device *device, unsigned size)
{
    bool legacy = !virtio_has(device, VIRTIO_F_VERSION_1);
    size_t avail_at = size * sizeof(struct split_desc);
    size_t used_at = ALIGN_UP(avail_at + sizeof(struct split_avail) + (size + 1) * 2,
                              legacy ? (size_t)LEGACY_RING_ALIGN : 4);
    size_t bytes = used_at + sizeof(struct split_used) + size * sizeof(struct used_elem) + 2;
    struct split *q = kzalloc(sizeof(*q) + size * sizeof(q->entries[0]));
    uint8_t *ring = kzalloc(MAX(bytes, 64ul)); /* from 64 bytes on aligned to 64 */
    if (!q || !ring) {
        kfree(q);
        kfree(ring);
        return NULL;
    }
    q->base.layout = &layout;
    q->base.device = device;
    q->base.size = size;
    q->desc = (struct split_desc *)ring;
    q->avail = (struct split_avail *)(ring + avail_at);
    q->used = (struct split_used *)(ring + used_at);
    q->base.descriptors = virt_to_phys(q->desc);
    q->base.driver_area = virt_to_phys(q->avail);
    q->base.device_area = virt_to_phys(q->used);
    q->event_idx = virtio_has(device, VIRTIO_F_EVENT_IDX);
    q->indirect = virtio_has(device, VIRTIO_F_INDIRECT_DESC);
    q->in_order = virtio_has(device, VIRTIO_F_IN_ORDER);
    q->interrupts = true;
    q->nfree = size;
    for (unsigned i = 0; i < size; i++)
        q->entries[i].next = i + 1;
    q->entries[size - 1].next = 0; /* in order the list is a circle; else its end is never used */
    return &q->base;
}
