/* Virtio devices meet their drivers (virtio 1.2, 3.1), and what all queue layouts share. */

#include "core/boot.h"
#include "core/log.h"
#include "core/spinlock.h"
#include "drivers/virtio/queue.h"
#include "lib/errno.h"

enum {
    STATUS_ACKNOWLEDGE = 1,
    STATUS_DRIVER = 2,
    STATUS_DRIVER_OK = 4,
    STATUS_FEATURES_OK = 8,
    STATUS_FAILED = 128
};

extern const struct virtio_driver *const __virtio_drivers_start[], *const __virtio_drivers_end[];

static const struct virtio_driver *find_driver(unsigned id)
{
    for (const struct virtio_driver *const *d = __virtio_drivers_start; d < __virtio_drivers_end;
         d++)
        if ((*d)->id == id)
            return *d;
    return NULL;
}

static void add_status(struct virtio_device *device, uint8_t bits)
{
    device->ops->set_status(device, device->ops->get_status(device) | bits);
}

/* A legacy device has neither VERSION_1 nor FEATURES_OK (3.1.2). */
static int negotiate(struct virtio_device *device, const struct virtio_driver *driver)
{
    uint64_t usable = driver->features | 1ull << VIRTIO_F_VERSION_1 |
                      1ull << VIRTIO_F_INDIRECT_DESC | 1ull << VIRTIO_F_EVENT_IDX |
                      1ull << VIRTIO_F_ACCESS_PLATFORM;
    device->features = device->ops->get_features(device) & usable;
    int r = device->ops->set_features(device, device->features);
    if (r < 0 || !virtio_has(device, VIRTIO_F_VERSION_1))
        return r;
    add_status(device, STATUS_FEATURES_OK);
    return device->ops->get_status(device) & STATUS_FEATURES_OK ? 0 : -EINVAL;
}

static void destroy_queues(struct virtio_device *device)
{
    for (unsigned i = 0; i < device->nqueues; i++) {
        if (device->queues[i])
            device->queues[i]->layout->destroy(device->queues[i]);
        device->queues[i] = NULL;
    }
}

void virtio_device_add(struct virtio_device *device)
{
    const struct virtio_driver *driver = find_driver(device->id);
    if (!driver) {
        log_info("virtio: %s: no driver for device %u", device->place, device->id);
        return;
    }
    device->ops->set_status(device, 0);
    device->ops->set_status(device, STATUS_ACKNOWLEDGE);
    device->ops->set_status(device, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
    int r = negotiate(device, driver);
    if (r == 0)
        r = driver->probe(device);
    if (r == 0)
        return;
    log_warning("virtio: %s: %s: not usable (%d)", device->place, driver->name, r);
    device->ops->set_status(device, STATUS_FAILED);
    device->ops->set_status(device, 0);
    destroy_queues(device);
}

void virtio_device_ready(struct virtio_device *device)
{
    add_status(device, STATUS_DRIVER_OK);
}

void virtio_device_broken(struct virtio_device *device, const char *why)
{
    if (device->broken)
        return;
    device->broken = true;
    device->ops->set_status(device, 0);
    log_err("virtio: %s: device %u %s: it is out of use", device->place, device->id, why);
}

/* --- queues ------------------------------------------------------------------------------- */

struct virtqueue *virtqueue_create(struct virtio_device *device, unsigned index, unsigned size,
                                   void (*used)(struct virtqueue *queue), void *owner)
{
    if (index >= ARRAY_SIZE(device->queues) || device->queues[index])
        return NULL;
    unsigned most = MIN(device->ops->queue_max(device, index), 32768u);
    if (most == 0)
        return NULL;
    unsigned n = 1;
    while (n * 2 <= MIN(size, most))
        n *= 2;
    struct virtqueue *queue = queue_split_create(device, n);
    if (!queue)
        return NULL;
    queue->index = index;
    queue->used = used;
    queue->owner = owner;
    if (!used)
        queue->layout->interrupts_off(queue);
    device->queues[index] = queue;
    device->nqueues = MAX(device->nqueues, index + 1);
    if (device->ops->queue_enable(device, queue) < 0) {
        device->queues[index] = NULL;
        queue->layout->destroy(queue);
        return NULL;
    }
    return queue;
}

void *virtqueue_owner(struct virtqueue *queue)
{
    return queue->owner;
}

unsigned virtqueue_size(const struct virtqueue *queue)
{
    return queue->size;
}

int virtqueue_add(struct virtqueue *queue, const struct virtio_buffer *segments, unsigned nout,
                  unsigned nin, void *token)
{
    return queue->device->broken ? -EIO : queue->layout->add(queue, segments, nout, nin, token);
}

void virtqueue_kick(struct virtqueue *queue)
{
    if (!queue->device->broken && queue->layout->publish(queue))
        queue->device->ops->notify(queue);
}

void *virtqueue_get(struct virtqueue *queue, uint32_t *len)
{
    return queue->device->broken ? NULL : queue->layout->get(queue, len);
}

void virtqueue_interrupts_off(struct virtqueue *queue)
{
    queue->layout->interrupts_off(queue);
}

bool virtqueue_interrupts_on(struct virtqueue *queue)
{
    return !queue->device->broken && queue->layout->interrupts_on(queue);
}

void virtqueue_interrupt(struct virtqueue *queue)
{
    if (queue->used && queue->layout->pending(queue))
        queue->used(queue);
}

void virtio_device_interrupt(struct virtio_device *device)
{
    for (unsigned i = 0; i < device->nqueues; i++)
        if (device->queues[i])
            virtqueue_interrupt(device->queues[i]);
}
