/* Virtio devices meet their drivers (virtio 1.2, 3.1), and what all queue layouts share. */

#include "arch/x86_64/cpu.h"
#include "core/boot.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/spinlock.h"
#include "drivers/virtio/queue.h"
#include "lib/errno.h"

enum {
    STATUS_ACKNOWLEDGE = 1,
    STATUS_DRIVER = 2,
    STATUS_DRIVER_OK = 4,
    STATUS_FEATURES_OK = 8,
    STATUS_NEEDS_RESET = 64,
    STATUS_FAILED = 128
};
enum { HYPERVISOR_LEAF = 0x40000000, TCG_NAME = 0x54474354 /* "TCGT", "CGTCGTCG" follows */ };

extern const struct virtio_driver *const __virtio_drivers_start[], *const __virtio_drivers_end[];

static struct virtio_device *devices, **last_device = &devices;
static unsigned ndevices;

const struct virtio_device *virtio_device_first(void)
{
    return devices;
}

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
                      1ull << VIRTIO_F_ACCESS_PLATFORM | 1ull << VIRTIO_F_RING_PACKED |
                      1ull << VIRTIO_F_IN_ORDER;
    device->offered = device->ops->get_features(device);
    device->features = device->offered & usable;
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

/* False: the device does not do it, and may go on using memory that it was given. */
static bool reset(struct virtio_device *device)
{
    device->ops->set_status(device, 0);
    return device->ops->get_status(device) == 0;
}

static void list(struct virtio_device *device)
{
    device->number = ndevices++;
    *last_device = device;
    last_device = &device->next;
}

__cold void virtio_device_add(struct virtio_device *device)
{
    const struct virtio_driver *driver = find_driver(device->id);
    list(device);
    device->alone_emulated = ncpus == 1 && cpuid(HYPERVISOR_LEAF, 0).ebx == TCG_NAME;
    if (!driver) {
        device->offered = device->ops->get_features(device);
        log_info("virtio: %s: no driver for device %u", device->place, device->id);
        return;
    }
    if (!reset(device)) {
        log_warning("virtio: %s: device %u cannot be reset", device->place, device->id);
        return;
    }
    device->bound = driver;
    device->ops->set_status(device, STATUS_ACKNOWLEDGE);
    device->ops->set_status(device, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
    int r = negotiate(device, driver);
    if (r == 0)
        r = driver->probe(device);
    if (r == 0)
        return;
    log_warning("virtio: %s: %s: not usable (%d)", device->place, driver->name, r);
    device->bound = NULL;
    device->ops->set_status(device, STATUS_FAILED);
    if (reset(device))
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
    bool stopped = reset(device);
    log_err("virtio: %s: device %u %s: it is out of use%s", device->place, device->id, why,
            stopped ? "" : ", though it does not stop");
    if (device->lost)
        device->lost(device);
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
    if (device->ops->fixed_sizes && device->ops->fixed_sizes(device))
        size = most;
    while (n * 2 <= MIN(size, most))
        n *= 2;
    struct virtqueue *queue = virtio_has(device, VIRTIO_F_RING_PACKED)
                                  ? queue_packed_create(device, n)
                                  : queue_split_create(device, n);
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

int virtqueue_set_cpu(struct virtqueue *queue, const struct cpu *cpu)
{
    const struct virtio_transport_ops *ops = queue->device->ops;
    return ops->queue_cpu ? ops->queue_cpu(queue, cpu) : -ENODEV;
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

/* A device in trouble says so in its status (2.1.2). */
void virtio_device_config_interrupt(struct virtio_device *device)
{
    if (device->broken)
        return;
    if (device->ops->get_status(device) & STATUS_NEEDS_RESET)
        virtio_device_broken(device, "asks for a reset");
    else if (device->config_changed)
        device->config_changed(device);
}
