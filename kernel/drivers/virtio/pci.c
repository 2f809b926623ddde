/* Virtio over PCI (virtio 1.2, 4.1): finding devices and their interrupts. Devices that offer both
 * interfaces are used by the modern one. */

#include "drivers/virtio/pci.h"

#include "core/clock.h"
#include "core/log.h"
#include "lib/errno.h"
#include "mm/heap.h"

enum { VENDOR = 0x1af4, FIRST_ID = 0x1000, LAST_ID = 0x107f };
enum { ISR_QUEUE = 1, ISR_CONFIG = 2 };
/* MSI-X entries: of changes of the configuration, of queues without an entry of their own, and of
 * those that have one. */
enum { SHARED_ENTRY = VIRTIO_PCI_CONFIG_ENTRY + 1, QUEUE_ENTRIES };

static void queue_message(void *arg)
{
    virtqueue_interrupt(arg);
}

static void shared_message(void *arg)
{
    struct virtio_pci *p = arg;
    virtio_device_interrupt(&p->device);
}

static void config_message(void *arg)
{
    struct virtio_pci *p = arg;
    virtio_device_config_interrupt(&p->device);
}

static void line_interrupt(void *arg)
{
    struct virtio_pci *p = arg;
    uint8_t why = p->isr(p);
    if (why & ISR_CONFIG)
        virtio_device_config_interrupt(&p->device);
    if (why & ISR_QUEUE)
        virtio_device_interrupt(&p->device);
}

uint16_t virtio_pci_vector(struct virtqueue *queue)
{
    struct virtio_pci *p = virtio_pci(queue->device);
    queue->vector = 0;
    if (!p->msix || !queue->used)
        return VIRTIO_PCI_NO_VECTOR;
    if (p->device.queue_vectors &&
        pci_msix_bind(p->pci, p->next_entry, this_cpu(), queue_message, queue) == 0)
        queue->vector = p->next_entry++;
    return queue->vector ? queue->vector : SHARED_ENTRY;
}

int virtio_pci_queue_cpu(struct virtqueue *queue, const struct cpu *cpu)
{
    return queue->vector ? pci_msix_move(virtio_pci(queue->device)->pci, queue->vector, cpu)
                         : -ENODEV;
}

static int bind_interrupts(struct virtio_pci *p)
{
    p->next_entry = QUEUE_ENTRIES;
    if (pci_msix_enable(p->pci) == 0 && p->pci->msix_count >= QUEUE_ENTRIES &&
        pci_msix_bind(p->pci, VIRTIO_PCI_CONFIG_ENTRY, this_cpu(), config_message, p) == 0 &&
        pci_msix_bind(p->pci, SHARED_ENTRY, this_cpu(), shared_message, p) == 0) {
        p->msix = true;
        return 0;
    }
    pci_msix_disable(p->pci);
    return pci_line_bind(p->pci, line_interrupt, p);
}

/* Without an interrupt. */
static void poll(struct timer *timer)
{
    enum { PERIOD_NS = 1000000 };
    struct virtio_pci *p = container_of(timer, struct virtio_pci, poll);
    virtio_device_interrupt(&p->device);
    if (!p->device.broken)
        timer_start(timer, clock_monotonic() + PERIOD_NS);
}

static int probe(struct pci_device *pci)
{
    struct virtio_pci *p = kzalloc(sizeof(*p));
    if (!p)
        return -ENOMEM;
    p->pci = pci;
    p->device.place = pci->place;
    int r = virtio_pci_modern(p);
    if (r == -ENODEV)
        r = virtio_pci_legacy(p);
    if (r < 0) {
        kfree(p);
        return r;
    }
    p->device.vendor = pci_read16(pci, PCI_SUBSYSTEM_VENDOR);
    pci_enable(pci, PCI_COMMAND_MASTER);
    p->device.ops->set_status(&p->device, 0);
    if (bind_interrupts(p) < 0) {
        log_warning("virtio: %s: no interrupt, it is looked after every millisecond", pci->place);
        timer_init(&p->poll, poll);
        poll(&p->poll);
    }
    virtio_device_add(&p->device);
    return 0;
}

static const struct pci_id ids[] = {{VENDOR, FIRST_ID, LAST_ID, 0, 0}, {}};
static const struct pci_driver virtio_pci_driver = {.name = "virtio", .ids = ids, .probe = probe};
PCI_DRIVER(virtio_pci_driver);
