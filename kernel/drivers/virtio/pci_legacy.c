/* Virtio over PCI, the legacy interface (virtio 1.2, 4.1.4.10; virtio 0.9.5): registers in the
 * first BAR, an I/O one. Rings lie in one piece, at a page whose number the device is told, and
 * have the size that the device says. All fields have the byte order of the processor. */

#include "arch/x86_64/cpu.h"
#include "drivers/virtio/pci.h"
#include "lib/errno.h"
#include "lib/string.h"

enum {
    DEVICE_FEATURES = 0,
    DRIVER_FEATURES = 4,
    QUEUE_PFN = 8,
    QUEUE_SIZE = 12,
    QUEUE_SELECT = 14,
    QUEUE_NOTIFY = 16,
    STATUS = 18,
    ISR = 19,
    CONFIG_VECTOR = 20, /* these two only while MSI-X is on: */
    QUEUE_VECTOR = 22,
    CONFIG = 20, /* otherwise the device's own fields follow at once */
    CONFIG_WITH_MSIX = 24
};
enum { TRANSITIONAL_FIRST = 0x1000, TRANSITIONAL_LAST = 0x103f, RESET_STEPS = 100000 };

static uint16_t port(struct virtio_device *device)
{
    return virtio_pci(device)->port;
}

static uint64_t get_features(struct virtio_device *device)
{
    return inl(port(device) + DEVICE_FEATURES);
}

static int set_features(struct virtio_device *device, uint64_t features)
{
    outl(port(device) + DRIVER_FEATURES, features);
    if (!virtio_pci(device)->msix)
        return 0;
    outw(port(device) + CONFIG_VECTOR, VIRTIO_PCI_CONFIG_ENTRY);
    return inw(port(device) + CONFIG_VECTOR) == VIRTIO_PCI_CONFIG_ENTRY ? 0 : -ENOSPC;
}

static uint8_t get_status(struct virtio_device *device)
{
    return inb(port(device) + STATUS);
}

static void set_status(struct virtio_device *device, uint8_t status)
{
    outb(port(device) + STATUS, status);
    if (status == 0)
        for (unsigned i = 0; i < RESET_STEPS && get_status(device) != 0; i++)
            cpu_pause();
}

static uint16_t config_port(struct virtio_device *device)
{
    return port(device) + (virtio_pci(device)->msix ? CONFIG_WITH_MSIX : CONFIG);
}

static void read_once(struct virtio_device *device, unsigned offset, uint8_t *p, unsigned len)
{
    for (unsigned i = 0; i < len; i++)
        p[i] = inb(config_port(device) + offset + i);
}

/* There is no generation to tell whether a field of several bytes changed in between: read until it
 * is the same twice (2.5.4). */
static void config_read(struct virtio_device *device, unsigned offset, void *buf, unsigned len)
{
    enum { TRIES = 16, LONGEST = 8 };
    uint8_t again[LONGEST];
    read_once(device, offset, buf, len);
    for (unsigned i = 0; i < TRIES && len > 1 && len <= LONGEST; i++) {
        read_once(device, offset, again, len);
        if (memcmp(buf, again, len) == 0)
            return;
        memcpy(buf, again, len);
    }
}

static void config_write(struct virtio_device *device, unsigned offset, const void *buf,
                         unsigned len)
{
    for (unsigned i = 0; i < len; i++)
        outb(config_port(device) + offset + i, ((const uint8_t *)buf)[i]);
}

static unsigned queue_max(struct virtio_device *device, unsigned index)
{
    outw(port(device) + QUEUE_SELECT, index);
    unsigned size = inw(port(device) + QUEUE_SIZE);
    return size & (size - 1) ? 0 : size; /* a power of 2, by contract (2.7) */
}

static int queue_enable(struct virtio_device *device, struct virtqueue *queue)
{
    if (queue->descriptors >> PAGE_SHIFT > UINT32_MAX)
        return -ENOMEM;
    outw(port(device) + QUEUE_SELECT, queue->index);
    if (virtio_pci(device)->msix) {
        uint16_t vector = virtio_pci_vector(queue);
        outw(port(device) + QUEUE_VECTOR, vector);
        if (inw(port(device) + QUEUE_VECTOR) != vector)
            return -ENOSPC;
    }
    outl(port(device) + QUEUE_PFN, queue->descriptors >> PAGE_SHIFT);
    return 0;
}

static void notify(struct virtqueue *queue)
{
    outw(port(queue->device) + QUEUE_NOTIFY, queue->index);
}

static bool fixed_sizes(struct virtio_device *device)
{
    return true;
}

static uint8_t isr(struct virtio_pci *p)
{
    return inb(p->port + ISR);
}

static const struct virtio_transport_ops ops = {
    .name = "pci-legacy",
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
    .fixed_sizes = fixed_sizes,
};

int virtio_pci_legacy(struct virtio_pci *p)
{
    bool is_port = false;
    paddr_t base = pci_bar(p->pci, 0, &is_port);
    if (p->pci->device < TRANSITIONAL_FIRST || p->pci->device > TRANSITIONAL_LAST ||
        pci_read8(p->pci, PCI_REVISION) != 0 || !base || !is_port)
        return -ENODEV;
    p->port = base;
    p->isr = isr;
    p->device.ops = &ops;
    p->device.id = pci_read16(p->pci, PCI_SUBSYSTEM);
    pci_enable(p->pci, PCI_COMMAND_IO);
    return 0;
}
