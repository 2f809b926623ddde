/* drivers/virtio/queue.h: what transports and ring layouts know of a virtqueue beyond virtio.h. */
#pragma once

#include "arch/x86_64/tlb.h"
#include "drivers/virtio/virtio.h"

struct virtqueue_layout {
    int (*add)(struct virtqueue *queue, const struct virtio_buffer *segments, unsigned nout,
               unsigned nin, void *token);
    bool (*publish)(struct virtqueue *queue); /* true: the device wants a notification */
    void *(*get)(struct virtqueue *queue, uint32_t *len);
    bool (*pending)(struct virtqueue *queue);
    void (*interrupts_off)(struct virtqueue *queue);
    bool (*interrupts_on)(struct virtqueue *queue);
    void (*destroy)(struct virtqueue *queue);
};

/* Embedded first in a layout's own struct. */
struct virtqueue {
    const struct virtqueue_layout *layout;
    struct virtio_device *device;
    unsigned index, size;
    void (*used)(struct virtqueue *queue);
    void *owner;
    paddr_t descriptors, driver_area, device_area; /* virtio 1.2, 2.6 */
    volatile void *notify;                         /* the transport's, */
    uint32_t notify_offset;
    unsigned vector; /* likewise: an MSI-X entry, 0: shared or none */
};

/* Where the used ring of a device that knows only legacy virtio starts (2.7.2). */
enum { LEGACY_RING_ALIGN = 4096 };

/* A ring of `size` entries (a power of 2) in zeroed memory; NULL: no memory. */
struct virtqueue *queue_split_create(struct virtio_device *device, unsigned size);
struct virtqueue *queue_packed_create(struct virtio_device *device, unsigned size);

static inline bool virtio_has(const struct virtio_device *device, unsigned feature)
{
    return device->features >> feature & 1;
}

/* The device sees all stores before this before it answers any load after it. mfence and no locked
 * instruction, which QEMU's emulation makes a plain load and store where there can be one processor
 * only, though its devices run beside that one. Before 8.1 it leaves mfence out as well; there only
 * what it does in functions that take a lock is a fence, and this is the cheapest. */
static inline void virtqueue_fence(const struct virtqueue *queue)
{
    asm volatile("mfence" : : : "memory");
    if (unlikely(queue->device->alone_emulated))
        tlb_flush_page(0);
}

/* How many bytes the device may write into the segments. */
static inline uint32_t virtio_capacity(const struct virtio_buffer *segments, unsigned n)
{
    uint64_t capacity = 0;
    for (unsigned i = 0; i < n; i++)
        capacity += segments[i].len;
    return MIN(capacity, (uint64_t)UINT32_MAX);
}

/* From a transport's interrupt handler: call used() of the queue, or of all that have something;
 * and when the configuration changed. */
void virtqueue_interrupt(struct virtqueue *queue);
void virtio_device_interrupt(struct virtio_device *device);
void virtio_device_config_interrupt(struct virtio_device *device);
