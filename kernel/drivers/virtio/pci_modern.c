/* Virtio over PCI, the modern interface (virtio 1.2, 4.1): structures in memory BARs that vendor
 * capabilities point to. Transitional devices offer them as well. */

#include "arch/x86_64/cpu.h"
#include "core/log.h"
#include "drivers/mmio.h"
#include "drivers/pci/pci.h"
#include "drivers/virtio/queue.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { VENDOR = 0x1af4, FIRST_TRANSITIONAL = 0x1000, FIRST_MODERN = 0x1040, LAST = 0x107f };
enum { CAP_TYPE = 3, CAP_BAR = 4, CAP_OFFSET = 8, CAP_LENGTH = 12, CAP_MULTIPLIER = 16 };
enum cap_type { CAP_COMMON = 1, CAP_NOTIFY, CAP_ISR, CAP_DEVICE };
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
enum { NO_VECTOR = 0xffff, ISR_QUEUE = 1, ISR_CONFIG = 2, RESET_STEPS = 100000 };
/* MSI-X entries: of changes of the configuration, of queues without an entry of their own, and of
 * those that have one. */
enum { CONFIG_ENTRY, SHARED_ENTRY, QUEUE_ENTRIES };

struct modern {
    struct virtio_device device;
    struct pci_device *pci;
    volatile void *common, *notify, *isr, *config;
    uint32_t notify_length, notify_multiplier, config_length;
    bool msix;
};

static struct modern *modern(struct virtio_device *device)
{
    return container_of(device, struct modern, device);
}

static uint64_t get_features(struct virtio_device *device)
{
    volatile void *common = modern(device)->common;
    mmio_write32(common, DEVICE_FEATURE_SELECT, 0);
    uint64_t low = mmio_read32(common, DEVICE_FEATURE);
    mmio_write32(common, DEVICE_FEATURE_SELECT, 1);
    return low | (uint64_t)mmio_read32(common, DEVICE_FEATURE) << 32;
}

static int set_features(struct virtio_device *device, uint64_t features)
{
    volatile void *common = modern(device)->common;
    if (!virtio_has(device, VIRTIO_F_VERSION_1))
        return -EINVAL; /* 6.1 */
    mmio_write32(common, DRIVER_FEATURE_SELECT, 0);
    mmio_write32(common, DRIVER_FEATURE, features);
    mmio_write32(common, DRIVER_FEATURE_SELECT, 1);
    mmio_write32(common, DRIVER_FEATURE, features >> 32);
    mmio_write16(common, CONFIG_VECTOR, modern(device)->msix ? CONFIG_ENTRY : NO_VECTOR);
    return 0;
}

static uint8_t get_status(struct virtio_device *device)
{
    return mmio_read8(modern(device)->common, STATUS);
}

static void set_status(struct virtio_device *device, uint8_t status)
{
    mmio_write8(modern(device)->common, STATUS, status);
    if (status == 0)
        for (unsigned i = 0; i < RESET_STEPS && get_status(device) != 0; i++)
            cpu_pause();
}

/* Each field with an access of its own width (4.1.3.1). */
static void read_once(struct modern *m, unsigned offset, uint8_t *p, unsigned len)
{
    if (len == 4 && IS_ALIGNED(offset, 4u)) {
        uint32_t v = mmio_read32(m->config, offset);
        memcpy(p, &v, 4);
    } else if (len == 2 && IS_ALIGNED(offset, 2u)) {
        uint16_t v = mmio_read16(m->config, offset);
        memcpy(p, &v, 2);
    } else {
        for (unsigned i = 0; i < len; i++)
            p[i] = mmio_read8(m->config, offset + i);
    }
}

static void config_read(struct virtio_device *device, unsigned offset, void *buf, unsigned len)
{
    enum { TRIES = 16 };
    struct modern *m = modern(device);
    memset(buf, 0, len);
    if (!m->config || offset + len > m->config_length)
        return;
    for (unsigned i = 0; i < TRIES; i++) {
        uint8_t before = mmio_read8(m->common, GENERATION);
        read_once(m, offset, buf, len);
        if (mmio_read8(m->common, GENERATION) == before)
            return;
    }
}

static void config_write(struct virtio_device *device, unsigned offset, const void *buf,
                         unsigned len)
{
    struct modern *m = modern(device);
    if (!m->config || offset + len > m->config_length)
        return;
    for (unsigned i = 0; i < len; i++)
        mmio_write8(m->config, offset + i, ((const uint8_t *)buf)[i]);
}

static unsigned queue_max(struct virtio_device *device, unsigned index)
{
    volatile void *common = modern(device)->common;
    if (index >= mmio_read16(common, NUM_QUEUES))
        return 0;
    mmio_write16(common, QUEUE_SELECT, index);
    return mmio_read16(common, QUEUE_SIZE);
}

static void queue_interrupt(void *arg)
{
    virtqueue_interrupt(arg);
}

/* The MSI-X entry for a queue: one of its own if the driver asks for it and there is one left. */
static uint16_t queue_vector(struct modern *m, struct virtqueue *queue)
{
    unsigned entry = QUEUE_ENTRIES + queue->index;
    if (!m->msix || !queue->used)
        return NO_VECTOR;
    if (m->device.queue_vectors &&
        pci_msix_bind(m->pci, entry, this_cpu(), queue_interrupt, queue) == 0)
        return entry;
    return SHARED_ENTRY;
}

static void write64(volatile void *common, unsigned reg, uint64_t value)
{
    mmio_write32(common, reg, value);
    mmio_write32(common, reg + 4, value >> 32);
}

static int queue_enable(struct virtio_device *device, struct virtqueue *queue)
{
    struct modern *m = modern(device);
    volatile void *common = m->common;
    mmio_write16(common, QUEUE_SELECT, queue->index);
    uint64_t offset = (uint64_t)mmio_read16(common, QUEUE_NOTIFY_OFFSET) * m->notify_multiplier;
    if (offset + sizeof(uint16_t) > m->notify_length)
        return -EINVAL;
    queue->notify = (volatile uint8_t *)m->notify + offset;
    mmio_write16(common, QUEUE_SIZE, queue->size);
    uint16_t vector = queue_vector(m, queue);
    mmio_write16(common, QUEUE_VECTOR, vector);
    if (vector != NO_VECTOR && mmio_read16(common, QUEUE_VECTOR) != vector)
        return -ENOSPC; /* the device could not (4.1.5.1.2.1) */
    write64(common, QUEUE_DESCRIPTORS, queue->descriptors);
    write64(common, QUEUE_DRIVER, queue->driver_area);
    write64(common, QUEUE_DEVICE, queue->device_area);
    mmio_write16(common, QUEUE_ENABLE, 1);
    return 0;
}

static void notify(struct virtqueue *queue)
{
    mmio_write16(queue->notify, 0, queue->index);
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
};

/* --- interrupts --------------------------------------------------------------------------- */

static void shared_message(void *arg)
{
    struct modern *m = arg;
    virtio_device_interrupt(&m->device);
}

static void config_message(void *arg)
{
    struct modern *m = arg;
    if (m->device.config_changed)
        m->device.config_changed(&m->device);
}

/* Reading the ISR acknowledges (4.1.4.5). */
static void line_interrupt(void *arg)
{
    struct modern *m = arg;
    uint8_t why = mmio_read8(m->isr, 0);
    if (why & ISR_CONFIG && m->device.config_changed)
        m->device.config_changed(&m->device);
    if (why & ISR_QUEUE)
        virtio_device_interrupt(&m->device);
}

static int bind_interrupts(struct modern *m)
{
    if (pci_msix_enable(m->pci) == 0 && m->pci->msix_count >= QUEUE_ENTRIES &&
        pci_msix_bind(m->pci, CONFIG_ENTRY, this_cpu(), config_message, m) == 0 &&
        pci_msix_bind(m->pci, SHARED_ENTRY, this_cpu(), shared_message, m) == 0) {
        m->msix = true;
        return 0;
    }
    pci_msix_disable(m->pci);
    return m->isr ? pci_line_bind(m->pci, line_interrupt, m) : -ENODEV;
}

/* --- finding the structures --------------------------------------------------------------- */

/* The first usable one of each type is the one to use (4.1.4.1). */
static void map_structure(struct modern *m, unsigned cap)
{
    uint8_t type = pci_read8(m->pci, cap + CAP_TYPE), bar = pci_read8(m->pci, cap + CAP_BAR);
    uint32_t offset = pci_read32(m->pci, cap + CAP_OFFSET);
    uint32_t length = pci_read32(m->pci, cap + CAP_LENGTH);
    volatile void **where = type == CAP_COMMON   ? &m->common
                            : type == CAP_NOTIFY ? &m->notify
                            : type == CAP_ISR    ? &m->isr
                            : type == CAP_DEVICE ? &m->config
                                                 : NULL;
    if (!where || *where || (type == CAP_COMMON && length < COMMON_SIZE))
        return;
    enum { LENGTH_MAX = 1 << 20 };
    length = MIN(length, (uint32_t)LENGTH_MAX);
    *where = pci_map_bar(m->pci, bar, offset, length);
    if (type == CAP_NOTIFY) {
        m->notify_length = length;
        m->notify_multiplier = pci_read32(m->pci, cap + CAP_MULTIPLIER);
    } else if (type == CAP_DEVICE) {
        m->config_length = length;
    }
}

static unsigned device_id(const struct pci_device *pci)
{
    return pci->device >= FIRST_MODERN ? pci->device - FIRST_MODERN
                                       : pci_read16(pci, PCI_SUBSYSTEM);
}

static bool match(const struct pci_device *pci)
{
    return pci->vendor == VENDOR && pci->device >= FIRST_TRANSITIONAL && pci->device <= LAST &&
           pci_capability(pci, PCI_CAP_VENDOR, 0);
}

static int probe(struct pci_device *pci)
{
    struct modern *m = kzalloc(sizeof(*m));
    if (!m)
        return -ENOMEM;
    m->pci = pci;
    for (unsigned cap = 0; (cap = pci_capability(pci, PCI_CAP_VENDOR, cap));)
        map_structure(m, cap);
    if (!m->common || !m->notify) {
        kfree(m);
        return -ENODEV;
    }
    pci_enable(pci, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    m->device.ops = &ops;
    m->device.id = device_id(pci);
    m->device.transport = m;
    m->device.place = pci->place;
    m->device.ops->set_status(&m->device, 0);
    int r = bind_interrupts(m);
    if (r < 0)
        log_warning("virtio: %s: no interrupt (%d)", pci->place, r);
    virtio_device_add(&m->device);
    return 0;
}

static const struct pci_driver virtio_pci = {.name = "virtio", .match = match, .probe = probe};
PCI_DRIVER(virtio_pci);
