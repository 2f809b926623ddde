/* Virtio over PCI, the modern interface (virtio 1.2, 4.1): structures that vendor capabilities
 * point to, in BARs of memory or I/O, or behind a window of the configuration space. Transitional
 * devices offer them as well. */

#include "arch/x86_64/cpu.h"
#include "core/spinlock.h"
#include "drivers/mmio.h"
#include "drivers/virtio/pci.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { FIRST_MODERN = 0x1040 };
enum {
    CAP_LEN = 2,
    CAP_TYPE = 3,
    CAP_BAR = 4,
    CAP_OFFSET = 8,
    CAP_LENGTH = 12,
    CAP_MULTIPLIER = 16,
    CAP_WINDOW_DATA = 16
};
enum cap_type { CAP_COMMON = 1, CAP_NOTIFY, CAP_ISR, CAP_DEVICE, CAP_WINDOW };
enum { /* struct virtio_pci_common_cfg, 4.1.4.3 */
       DEVICE_FEATURE_SELECT = 0x00,
       DEVICE_FEATURE = 0x04,
       DRIVER_FEATURE_SELECT = 0x08,
       DRIVER_FEATURE = 0x0c,
       CONFIG_VECTOR = 0x10,
       NUM_QUEUES = 0x12,
       STATUS = 0x14,
       GENERATION = 0x15,
       QUEUE_SELECT = 0x16,
       QUEUE_SIZE = 0x18,
       QUEUE_VECTOR = 0x1a,
       QUEUE_ENABLE = 0x1c,
       QUEUE_NOTIFY_OFFSET = 0x1e,
       QUEUE_DESCRIPTORS = 0x20,
       QUEUE_DRIVER = 0x28,
       QUEUE_DEVICE = 0x30,
       COMMON_SIZE = 0x38
};
enum { RESET_STEPS = 100000 };

/* --- access to a structure ---------------------------------------------------------------- */

static struct spinlock window_lock; /* an access is several of the configuration space */

static void aim_window(struct pci_device *pci, const struct virtio_region *region, unsigned offset,
                       unsigned size)
{
    pci_write32(pci, region->window + CAP_BAR, region->bar);
    pci_write32(pci, region->window + CAP_OFFSET, region->base + offset);
    pci_write32(pci, region->window + CAP_LENGTH, size);
}

static uint32_t window_read(struct pci_device *pci, const struct virtio_region *region,
                            unsigned offset, unsigned size)
{
    uint64_t flags = spin_lock_irq(&window_lock);
    aim_window(pci, region, offset, size);
    uint32_t value = pci_read32(pci, region->window + CAP_WINDOW_DATA);
    spin_unlock_irq(&window_lock, flags);
    return value;
}

static void window_write(struct pci_device *pci, const struct virtio_region *region,
                         unsigned offset, uint32_t value, unsigned size)
{
    uint64_t flags = spin_lock_irq(&window_lock);
    aim_window(pci, region, offset, size);
    pci_write32(pci, region->window + CAP_WINDOW_DATA, value);
    spin_unlock_irq(&window_lock, flags);
}

/* Each field with an access of its own width (4.1.3.1). */
#define REGION_ACCESS(bits, port_in, port_out)                                                     \
    static uint##bits##_t get##bits(struct virtio_pci *p, const struct virtio_region *region,      \
                                    unsigned offset)                                               \
    {                                                                                              \
        if (region->kind == REGION_MEMORY)                                                         \
            return mmio_read##bits(region->memory, offset);                                        \
        return region->kind == REGION_PORT ? port_in(region->base + offset)                        \
                                           : window_read(p->pci, region, offset, bits / 8);        \
    }                                                                                              \
    static void set##bits(struct virtio_pci *p, const struct virtio_region *region,                \
                          unsigned offset, uint##bits##_t value)                                   \
    {                                                                                              \
        if (region->kind == REGION_MEMORY)                                                         \
            mmio_write##bits(region->memory, offset, value);                                       \
        else if (region->kind == REGION_PORT)                                                      \
            port_out(region->base + offset, value);                                                \
        else                                                                                       \
            window_write(p->pci, region, offset, value, bits / 8);                                 \
    }
REGION_ACCESS(8, inb, outb)
REGION_ACCESS(16, inw, outw)
REGION_ACCESS(32, inl, outl)
#undef REGION_ACCESS

/* --- the transport ------------------------------------------------------------------------ */

static uint64_t get_features(struct virtio_device *device)
{
    struct virtio_pci *p = virtio_pci(device);
    set32(p, &p->common, DEVICE_FEATURE_SELECT, 0);
    uint64_t low = get32(p, &p->common, DEVICE_FEATURE);
    set32(p, &p->common, DEVICE_FEATURE_SELECT, 1);
    return low | (uint64_t)get32(p, &p->common, DEVICE_FEATURE) << 32;
}

static int set_features(struct virtio_device *device, uint64_t features)
{
    struct virtio_pci *p = virtio_pci(device);
    uint16_t vector = p->msix ? VIRTIO_PCI_CONFIG_ENTRY : VIRTIO_PCI_NO_VECTOR;
    if (!virtio_has(device, VIRTIO_F_VERSION_1))
        return -EINVAL; /* 6.1 */
    set32(p, &p->common, DRIVER_FEATURE_SELECT, 0);
    set32(p, &p->common, DRIVER_FEATURE, features);
    set32(p, &p->common, DRIVER_FEATURE_SELECT, 1);
    set32(p, &p->common, DRIVER_FEATURE, features >> 32);
    set16(p, &p->common, CONFIG_VECTOR, vector);
    return 0;
}

static uint8_t get_status(struct virtio_device *device)
{
    struct virtio_pci *p = virtio_pci(device);
    return get8(p, &p->common, STATUS);
}

static void set_status(struct virtio_device *device, uint8_t status)
{
    struct virtio_pci *p = virtio_pci(device);
    set8(p, &p->common, STATUS, status);
    if (status == 0)
        for (unsigned i = 0; i < RESET_STEPS && get_status(device) != 0; i++)
            cpu_pause();
}

static void read_once(struct virtio_pci *p, unsigned offset, uint8_t *to, unsigned len)
{
    if (len == 4 && IS_ALIGNED(offset, 4u)) {
        uint32_t v = get32(p, &p->config, offset);
        memcpy(to, &v, 4);
    } else if (len == 2 && IS_ALIGNED(offset, 2u)) {
        uint16_t v = get16(p, &p->config, offset);
        memcpy(to, &v, 2);
    } else {
        for (unsigned i = 0; i < len; i++)
            to[i] = get8(p, &p->config, offset + i);
    }
}

static bool in_config(const struct virtio_pci *p, unsigned offset, unsigned len)
{
    return p->config.kind != REGION_ABSENT && offset + len <= p->config.length;
}

static void config_read(struct virtio_device *device, unsigned offset, void *buf, unsigned len)
{
    enum { TRIES = 16 };
    struct virtio_pci *p = virtio_pci(device);
    memset(buf, 0, len);
    if (!in_config(p, offset, len))
        return;
    for (unsigned i = 0; i < TRIES; i++) {
        uint8_t before = get8(p, &p->common, GENERATION);
        read_once(p, offset, buf, len);
        if (get8(p, &p->common, GENERATION) == before)
            return;
    }
}

static void config_write(struct virtio_device *device, unsigned offset, const void *buf,
                         unsigned len)
{
    struct virtio_pci *p = virtio_pci(device);
    if (!in_config(p, offset, len))
        return;
    if (len == 4 && IS_ALIGNED(offset, 4u)) {
        uint32_t v;
        memcpy(&v, buf, 4);
        set32(p, &p->config, offset, v);
    } else if (len == 2 && IS_ALIGNED(offset, 2u)) {
        uint16_t v;
        memcpy(&v, buf, 2);
        set16(p, &p->config, offset, v);
    } else {
        for (unsigned i = 0; i < len; i++)
            set8(p, &p->config, offset + i, ((const uint8_t *)buf)[i]);
    }
}

static unsigned queue_max(struct virtio_device *device, unsigned index)
{
    struct virtio_pci *p = virtio_pci(device);
    if (index >= get16(p, &p->common, NUM_QUEUES))
        return 0;
    set16(p, &p->common, QUEUE_SELECT, index);
    return get16(p, &p->common, QUEUE_SIZE);
}

static void set64(struct virtio_pci *p, unsigned reg, uint64_t value)
{
    set32(p, &p->common, reg, value);
    set32(p, &p->common, reg + 4, value >> 32);
}

/* Where in the structure of notifications this queue's word is (4.1.4.4). */
static int place_notify(struct virtio_pci *p, struct virtqueue *queue)
{
    uint64_t offset = (uint64_t)get16(p, &p->common, QUEUE_NOTIFY_OFFSET) * p->notify_multiplier;
    if (offset + sizeof(uint16_t) > p->notify.length)
        return -EINVAL;
    queue->notify_offset = offset;
    queue->notify =
        p->notify.kind == REGION_MEMORY ? (volatile uint8_t *)p->notify.memory + offset : NULL;
    return 0;
}

static int queue_enable(struct virtio_device *device, struct virtqueue *queue)
{
    struct virtio_pci *p = virtio_pci(device);
    set16(p, &p->common, QUEUE_SELECT, queue->index);
    if (place_notify(p, queue) < 0)
        return -EINVAL;
    set16(p, &p->common, QUEUE_SIZE, queue->size);
    uint16_t vector = virtio_pci_vector(queue);
    set16(p, &p->common, QUEUE_VECTOR, vector);
    if (vector != VIRTIO_PCI_NO_VECTOR && get16(p, &p->common, QUEUE_VECTOR) != vector)
        return -ENOSPC; /* the device could not (4.1.5.1.2.1) */
    set64(p, QUEUE_DESCRIPTORS, queue->descriptors);
    set64(p, QUEUE_DRIVER, queue->driver_area);
    set64(p, QUEUE_DEVICE, queue->device_area);
    set16(p, &p->common, QUEUE_ENABLE, 1);
    return 0;
}

static void notify(struct virtqueue *queue)
{
    struct virtio_pci *p = virtio_pci(queue->device);
    if (likely(queue->notify))
        mmio_write16(queue->notify, 0, queue->index);
    else
        set16(p, &p->notify, queue->notify_offset, queue->index);
}

static uint8_t isr(struct virtio_pci *p)
{
    return p->isr_region.kind == REGION_ABSENT ? 0 : get8(p, &p->isr_region, 0);
}

static const struct virtio_transport_ops ops = {
    .name = "pci",
    .get_features = get_features,
    .set_features = set_features,
    .get_status = get_status,
    .set_status = set_status,
    .config_read = config_read,
    .config_write = config_write,
    .queue_max = queue_max,
    .queue_enable = queue_enable,
    .notify = notify,
    .queue_cpu = virtio_pci_queue_cpu,
};

/* --- finding the structures --------------------------------------------------------------- */

/* Where the structure can be reached directly; false: not there. */
static bool map_direct(struct virtio_pci *p, struct virtio_region *region)
{
    enum { PORTS = 0x10000 };
    bool is_port = false;
    paddr_t base = pci_bar(p->pci, region->bar, &is_port);
    if (!base)
        return false;
    if (is_port) {
        region->base += base;
        region->kind = REGION_PORT;
        return region->base + region->length <= PORTS;
    }
    region->memory = pci_map_bar(p->pci, region->bar, region->base, region->length);
    region->kind = REGION_MEMORY;
    return region->memory;
}

/* The first usable capability of each type is the one to use (4.1.4.1); a window (0: none) is the
 * way to those that cannot be reached otherwise. */
static void look_at(struct virtio_pci *p, unsigned cap, unsigned window)
{
    enum { LENGTH_MAX = 1 << 20, BARS = 6 };
    static const uint32_t least[] = {
        [CAP_COMMON] = COMMON_SIZE, [CAP_NOTIFY] = 2, [CAP_ISR] = 1, [CAP_DEVICE] = 1};
    struct virtio_region *const where[] = {[CAP_COMMON] = &p->common,
                                           [CAP_NOTIFY] = &p->notify,
                                           [CAP_ISR] = &p->isr_region,
                                           [CAP_DEVICE] = &p->config};
    unsigned type = pci_read8(p->pci, cap + CAP_TYPE);
    if (type < CAP_COMMON || type > CAP_DEVICE || where[type]->kind != REGION_ABSENT)
        return;
    uint32_t length = pci_read32(p->pci, cap + CAP_LENGTH);
    struct virtio_region region = {.bar = pci_read8(p->pci, cap + CAP_BAR),
                                   .base = pci_read32(p->pci, cap + CAP_OFFSET),
                                   .length = MIN(length, (uint32_t)LENGTH_MAX)};
    if (region.length < least[type] || region.bar >= BARS)
        return;
    if (window) {
        region.kind = REGION_WINDOW;
        region.window = window;
    } else if (!map_direct(p, &region)) {
        return;
    }
    *where[type] = region;
    if (type == CAP_NOTIFY)
        p->notify_multiplier = pci_read32(p->pci, cap + CAP_MULTIPLIER);
}

static unsigned find_window(struct virtio_pci *p)
{
    for (unsigned cap = 0; (cap = pci_capability(p->pci, PCI_CAP_VENDOR, cap));)
        if (pci_read8(p->pci, cap + CAP_TYPE) == CAP_WINDOW &&
            pci_read8(p->pci, cap + CAP_LEN) >= CAP_WINDOW_DATA + 4)
            return cap;
    return 0;
}

static void find_structures(struct virtio_pci *p)
{
    for (unsigned cap = 0; (cap = pci_capability(p->pci, PCI_CAP_VENDOR, cap));)
        look_at(p, cap, 0);
    unsigned window = find_window(p);
    for (unsigned cap = 0; window && (cap = pci_capability(p->pci, PCI_CAP_VENDOR, cap));)
        look_at(p, cap, window);
}

int virtio_pci_modern(struct virtio_pci *p)
{
    uint16_t device = p->pci->device;
    find_structures(p);
    if (p->common.kind == REGION_ABSENT || p->notify.kind == REGION_ABSENT)
        return -ENODEV;
    p->isr = isr;
    p->device.ops = &ops;
    p->device.id =
        device >= FIRST_MODERN ? device - FIRST_MODERN : pci_read16(p->pci, PCI_SUBSYSTEM);
    bool ports = p->common.kind == REGION_PORT || p->notify.kind == REGION_PORT ||
                 p->isr_region.kind == REGION_PORT || p->config.kind == REGION_PORT;
    pci_enable(p->pci, PCI_COMMAND_MEMORY | (ports ? PCI_COMMAND_IO : 0));
    return 0;
}
