/* drivers/virtio/pci.h: what the legacy and the modern interface of virtio over PCI share. */
#pragma once

#include "core/timer.h"
#include "drivers/pci/pci.h"
#include "drivers/virtio/queue.h"

enum { VIRTIO_PCI_NO_VECTOR = 0xffff };
enum { VIRTIO_PCI_CONFIG_ENTRY = 0 }; /* the MSI-X entry of changes of the configuration */

/* Registers wherever a capability says that they are. */
struct virtio_region {
    enum { REGION_ABSENT, REGION_MEMORY, REGION_PORT, REGION_WINDOW } kind;
    uint8_t bar;           /* of a window: through the PCI_CFG capability, */
    uint8_t window;        /* which is here in the configuration space */
    volatile void *memory; /* mapped */
    uint32_t base;         /* port, or offset in the BAR */
    uint32_t length;
};

struct virtio_pci {
    struct virtio_device device;
    struct pci_device *pci;
    bool msix;
    struct timer poll;                    /* where there is no interrupt at all */
    unsigned next_entry;                  /* the next free MSI-X entry */
    uint8_t (*isr)(struct virtio_pci *p); /* read and thereby acknowledge (4.1.4.5) */
    uint16_t port;                        /* legacy */
    struct virtio_region common, notify, isr_region, config; /* modern */
    uint32_t notify_multiplier;
};

static inline struct virtio_pci *virtio_pci(struct virtio_device *device)
{
    return container_of(device, struct virtio_pci, device);
}

/* Find the registers and set device.ops, device.id and isr; -ENODEV: not this kind of device. */
int virtio_pci_modern(struct virtio_pci *p);
int virtio_pci_legacy(struct virtio_pci *p);

/* The MSI-X entry that the queue is to use (queue->vector is set when it is its own), or
 * VIRTIO_PCI_NO_VECTOR. */
uint16_t virtio_pci_vector(struct virtqueue *queue);
/* The queue_cpu of both. */
int virtio_pci_queue_cpu(struct virtqueue *queue, const struct cpu *cpu);
