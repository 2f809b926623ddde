/* drivers/virtio/virtio.h: virtio devices without their transport, virtqueues without their layout
 * (virtio 1.2). Drivers see nothing else. Threads only, except where noted. */
#pragma once

#include "lib/types.h"

enum {
    VIRTIO_ID_NET = 1,
    VIRTIO_ID_BLOCK,
    VIRTIO_ID_CONSOLE,
    VIRTIO_ID_RNG,
    VIRTIO_ID_BALLOON,
    VIRTIO_ID_SCSI = 8,
    VIRTIO_ID_9P,
    VIRTIO_ID_VSOCK = 19,
    VIRTIO_ID_FS = 26
};
enum {
    VIRTIO_F_ANY_LAYOUT = 27, /* legacy devices: a header need not be a segment of its own */
    VIRTIO_F_INDIRECT_DESC = 28,
    VIRTIO_F_EVENT_IDX = 29,
    VIRTIO_F_VERSION_1 = 32,
    VIRTIO_F_ACCESS_PLATFORM = 33,
    VIRTIO_F_RING_PACKED = 34,
    VIRTIO_F_IN_ORDER = 35
};

struct cpu;
struct virtio_device;
struct virtqueue;

/* What a transport (legacy PCI, modern PCI, MMIO) supplies. */
struct virtio_transport_ops {
    const char *name;
    uint64_t (*get_features)(struct virtio_device *device);
    int (*set_features)(struct virtio_device *device, uint64_t features); /* -EINVAL: refused */
    uint8_t (*get_status)(struct virtio_device *device);
    void (*set_status)(struct virtio_device *device, uint8_t status); /* 0 resets and waits */
    void (*config_read)(struct virtio_device *device, unsigned offset, void *buf, unsigned len);
    void (*config_write)(struct virtio_device *device, unsigned offset, const void *buf,
                         unsigned len);
    /* Largest size of a queue (0: none such), then its addresses and interrupt. */
    unsigned (*queue_max)(struct virtio_device *device, unsigned index);
    int (*queue_enable)(struct virtio_device *device, struct virtqueue *queue);
    void (*notify)(struct virtqueue *queue); /* any context */
    /* Have the queue's own interrupt raised on a CPU; -ENODEV: it has none. May be NULL. */
    int (*queue_cpu)(struct virtqueue *queue, const struct cpu *cpu);
    bool (*fixed_sizes)(struct virtio_device *device); /* queues have the largest size; NULL: no */
};

struct virtio_device {
    const struct virtio_transport_ops *ops;
    unsigned id, vendor;                                  /* VIRTIO_ID_* */
    uint64_t offered, features;                           /* by the device; negotiated */
    void *transport;                                      /* the transport's */
    void *driver;                                         /* the driver's */
    const char *place;                                    /* "mmio@0xfeb00e00", "pci 00:02.0" */
    void (*config_changed)(struct virtio_device *device); /* interrupt context; may be NULL */
    /* Once, when the device broke its contract or was taken away: no buffer comes back any more.
     * Any context, whatever locks virtqueue_get()'s caller holds; may be NULL. */
    void (*lost)(struct virtio_device *device);
    const struct virtio_driver *bound;
    unsigned number; /* counted from 0: "virtio0" */
    struct virtio_device *next;
    struct virtqueue *queues[64];
    unsigned nqueues;    /* highest one in use + 1 */
    bool queue_vectors;  /* set by probe() to ask for an interrupt of its own for each queue */
    bool vague_lengths;  /* set by probe(): used lengths beyond the buffer are no offence */
    bool broken;         /* virtio_device_broken(): it was reset and is left alone */
    bool alone_emulated; /* the only processor is QEMU's emulation, see virtqueue_fence() */
};

struct virtio_driver {
    const char *name;
    unsigned id;
    uint64_t features; /* bits it can use; VERSION_1 and ring features are added */
    int (*probe)(struct virtio_device *device); /* features are negotiated; sets up queues, then
                                                   virtio_device_ready(). Negative: not bound */
};
/* Driver and transport registration; matching happens in boot phase BUS. */
#define VIRTIO_DRIVER(var)                                                                         \
    static const struct virtio_driver *virtio_driver_##var __used __section(".virtio_drivers") =   \
        &var
void virtio_device_add(struct virtio_device *device);
void virtio_device_ready(struct virtio_device *device);
/* The device broke its contract: reset it, say why once; its queues return -EIO from then on. Any
 * context. */
void virtio_device_broken(struct virtio_device *device, const char *why);
/* All devices that were found, with a driver or without. */
const struct virtio_device *virtio_device_first(void);

/* One segment of a buffer, in the direct map or kernel image (physically contiguous). */
struct virtio_buffer {
    void *data;
    uint32_t len;
};

/* Set up queue `index` with at most `size` descriptors. used(): interrupt context, something was
 * used (NULL: poll only). NULL: no memory or no such queue. */
struct virtqueue *virtqueue_create(struct virtio_device *device, unsigned index, unsigned size,
                                   void (*used)(struct virtqueue *queue), void *owner);
void *virtqueue_owner(struct virtqueue *queue);
/* Offer a chain: nout segments that the device reads, then nin that it writes. token comes back
 * from virtqueue_get(); it must not be NULL. 0, -ENOSPC: ring full, -EIO: device broken. Callers
 * serialise (spinlock with interrupts off). */
int virtqueue_add(struct virtqueue *queue, const struct virtio_buffer *segments, unsigned nout,
                  unsigned nin, void *token);
/* Tell the device, if it wants to be told. */
void virtqueue_kick(struct virtqueue *queue);
/* The next used chain's token and the bytes written into it (bounded by what was offered), or NULL.
 */
void *virtqueue_get(struct virtqueue *queue, uint32_t *len);
/* Interrupts wanted or not; on enabling returns true if something is there already. */
void virtqueue_interrupts_off(struct virtqueue *queue);
bool virtqueue_interrupts_on(struct virtqueue *queue);
unsigned virtqueue_size(const struct virtqueue *queue); /* as negotiated */
/* Raise the queue's interrupt on this CPU from now on. -ENODEV: it shares one with others, see
 * queue_vectors. */
int virtqueue_set_cpu(struct virtqueue *queue, const struct cpu *cpu);
