/* NVMe controllers (NVM Express 1.4): how they start, are reset and shut down. Each CPU has a queue
 * of commands with an interrupt of its own, where the controller has enough of both. */
#include "core/clock.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/thread.h"
#include "drivers/mmio.h"
#include "drivers/nvme/nvme.h"
#include "drivers/power.h"
#include "lib/errno.h"
#include "mm/heap.h"

enum { /* CC, 3.1.5 */
       CC_ENABLE = 1,
       CC_SHUTDOWN = 0x4000,
       CC_ENTRY_SIZES = 6 << 16 | 4 << 20 /* 64 bytes, 16 bytes */
};
enum { CSTS_SHUTDOWN = 0xc, CSTS_SHUT = 0x8 };
enum { CREATE_SUBMISSIONS = 1, CREATE_COMPLETIONS = 5, SET_FEATURES = 9 };
enum { QUEUE_CONTIGUOUS = 1, QUEUE_INTERRUPTS = 2, FEATURE_QUEUES = 7 };
#define MS 1000000l

static struct nvme *controllers;

/* Wait for bits of CSTS; a controller that is not there has them all. */
static int wait_status(struct nvme *nvme, uint32_t mask, uint32_t want)
{
    nsec_t start = clock_monotonic();
    for (;;) {
        uint32_t status = mmio_read32(nvme->regs, NVME_CSTS);
        if (status == ~0u || (want && status & NVME_CSTS_FATAL))
            return -EIO;
        if ((status & mask) == want)
            return 0;
        if (clock_monotonic() - start > nvme->ready)
            return -EIO;
        thread_sleep_until(clock_monotonic() + MS / 10, false);
    }
}

/* Afterwards it does not reach for memory. */
static int disable(struct nvme *nvme)
{
    struct pci_device *device = nvme->device;
    mmio_write32(nvme->regs, NVME_CC, 0);
    if (wait_status(nvme, NVME_CSTS_READY, 0) == 0)
        return 0;
    pci_write16(device, PCI_COMMAND, pci_read16(device, PCI_COMMAND) & ~PCI_COMMAND_MASTER);
    return -EIO;
}

/* From disabled to ready, with the queue for the administration. */
static int enable(struct nvme *nvme)
{
    const struct nvme_queue *q = nvme->queues[0];
    paddr_t submissions = nvme_queue_submissions(q), completions = nvme_queue_completions(q);
    uint32_t last = nvme->entries - 1;
    mmio_write32(nvme->regs, NVME_AQA, last << 16 | last);
    mmio_write32(nvme->regs, NVME_ASQ, (uint32_t)submissions);
    mmio_write32(nvme->regs, NVME_ASQ + 4, (uint32_t)(submissions >> 32));
    mmio_write32(nvme->regs, NVME_ACQ, (uint32_t)completions);
    mmio_write32(nvme->regs, NVME_ACQ + 4, (uint32_t)(completions >> 32));
    if (nvme->lines)
        mmio_write32(nvme->regs, NVME_INTMS, ~0u);
    mmio_write32(nvme->regs, NVME_CC, CC_ENTRY_SIZES | CC_ENABLE);
    return wait_status(nvme, NVME_CSTS_READY, NVME_CSTS_READY);
}

/* --- queues ------------------------------------------------------------------------------- */

static void interrupt(void *arg)
{
    nvme_queue_poll(arg);
}

/* One for all queues, which then is one. */
static void interrupt_one(void *arg)
{
    struct nvme *nvme = arg;
    if (nvme->nqueues)
        nvme_queue_poll(nvme->queues[1]);
}

static int create(struct nvme *nvme, unsigned n)
{
    const struct nvme_queue *q = nvme->queues[n];
    uint32_t place = (nvme->entries - 1) << 16 | n;
    struct nvme_command c = {.opcode = CREATE_COMPLETIONS,
                             .prp = {nvme_queue_completions(q)},
                             .word = {place, (n - 1) << 16 | QUEUE_INTERRUPTS | QUEUE_CONTIGUOUS}};
    if (nvme_administer(nvme, &c, NULL) != 0)
        return -EIO;
    c = (struct nvme_command){.opcode = CREATE_SUBMISSIONS,
                              .prp = {nvme_queue_submissions(q)},
                              .word = {place, n << 16 | QUEUE_CONTIGUOUS}};
    return nvme_administer(nvme, &c, NULL) ? -EIO : 0;
}

/* How many queues it grants of those that we want. */
static unsigned ask_queues(struct nvme *nvme, unsigned want)
{
    uint32_t granted = 0;
    struct nvme_command c = {.opcode = SET_FEATURES,
                             .word = {FEATURE_QUEUES, (want - 1) << 16 | (want - 1)}};
    if (nvme_administer(nvme, &c, &granted) != 0)
        return 1;
    return MIN(want, MIN(granted & 0xffff, granted >> 16) + 1);
}

static int open_queues(struct nvme *nvme)
{
    struct pci_device *device = nvme->device;
    bool several = pci_msix_enable(device) == 0;
    unsigned want = several ? MIN(MIN(ncpus, (unsigned)NVME_QUEUES), device->msix_count) : 1;
    int err = 0;
    want = ask_queues(nvme, want);
    for (unsigned n = 1; n <= want && !err; n++) {
        nvme->queues[n] = nvme_queue_new(nvme, n);
        err = nvme->queues[n] ? 0 : -ENOMEM;
        if (!err && several)
            err = pci_msix_bind(device, n - 1, cpus[n - 1], interrupt, nvme->queues[n]);
        if (!err && !several && pci_msi_bind(device, cpus[0], interrupt_one, nvme) != 0) {
            nvme->lines = true;
            err = pci_line_bind(device, interrupt_one, nvme);
        }
        if (!err)
            err = create(nvme, n);
        if (!err)
            nvme->nqueues = n;
    }
    if (nvme->lines)
        mmio_write32(nvme->regs, NVME_INTMC, ~0u);
    return nvme->nqueues ? 0 : err; /* fewer than wanted will do */
}

/* --- reset -------------------------------------------------------------------------------- */

static int restart(struct nvme *nvme)
{
    int err = disable(nvme);
    for (unsigned n = 0; n <= nvme->nqueues; n++)
        nvme_queue_empty(nvme->queues[n]);
    if (!err)
        err = enable(nvme);
    if (!err && ask_queues(nvme, nvme->nqueues) < nvme->nqueues)
        err = -EIO;
    for (unsigned n = 1; n <= nvme->nqueues && !err; n++)
        err = create(nvme, n);
    return err;
}

/* The controller is stopped: nobody sends any more once he has left his queue. */
static void reset(struct rescue *rescue)
{
    struct nvme *nvme = container_of(rescue, struct nvme, rescue);
    for (unsigned n = 1; n <= nvme->nqueues; n++) {
        uint64_t flags = spin_lock_irq(&nvme->queues[n]->lock);
        spin_unlock_irq(&nvme->queues[n]->lock, flags);
    }
    if (restart(nvme) < 0) {
        nvme->lost = true;
        disable(nvme);
        log_err("nvme%u: the controller does not come back", nvme->number);
    }
    for (unsigned n = 1; n <= nvme->nqueues; n++)
        nvme_queue_resume(nvme->queues[n]);
    nvme->stopped = false;
    if (nvme->lines)
        mmio_write32(nvme->regs, NVME_INTMC, ~0u);
    for (unsigned n = 1; n <= nvme->nqueues; n++)
        nvme_queue_poll(nvme->queues[n]);
    nvme_room(nvme);
}

/* --- end ---------------------------------------------------------------------------------- */

/* 7.6.2: it writes down what it has. For all at once, and not longer than it takes. */
static void shut_down(void)
{
    for (struct nvme *nvme = controllers; nvme; nvme = nvme->next)
        if (!nvme->lost)
            mmio_write32(nvme->regs, NVME_CC, CC_ENTRY_SIZES | CC_ENABLE | CC_SHUTDOWN);
    for (struct nvme *nvme = controllers; nvme; nvme = nvme->next)
        for (nsec_t start = clock_monotonic();
             !nvme->lost && clock_monotonic() - start < nvme->ready;)
            if ((mmio_read32(nvme->regs, NVME_CSTS) & CSTS_SHUTDOWN) == CSTS_SHUT)
                break;
}

/* --- start -------------------------------------------------------------------------------- */

static int read_capabilities(struct nvme *nvme)
{
    enum { REGISTERS = NVME_DOORBELLS, HALF_SECOND = 500 };
    volatile void *regs = pci_map_bar(nvme->device, 0, 0, REGISTERS);
    if (!regs)
        return -ENODEV;
    uint64_t cap = mmio_read32(regs, NVME_CAP) | (uint64_t)mmio_read32(regs, NVME_CAP + 4) << 32;
    unsigned page_least = cap >> 48 & 15, stride = cap >> 32 & 15;
    nvme->stride = 4u << stride;
    nvme->entries = MIN((unsigned)(cap & 0xffff) + 1, (unsigned)NVME_ENTRIES);
    nvme->ready = (nsec_t)MAX(cap >> 24 & 0xff, 1ul) * HALF_SECOND * MS;
    if (page_least || nvme->entries < 2 || !(cap >> 37 & 1)) /* pages of 4 KiB, NVM commands */
        return -EOPNOTSUPP;
    unsigned queues = MIN(ncpus, (unsigned)NVME_QUEUES) + 1;
    nvme->regs = pci_map_bar(nvme->device, 0, 0, NVME_DOORBELLS + queues * 2 * nvme->stride);
    return nvme->regs ? 0 : -ENODEV;
}

static int start(struct nvme *nvme)
{
    int err = read_capabilities(nvme);
    if (!err)
        err = disable(nvme);
    if (!err)
        nvme->queues[0] = nvme_queue_new(nvme, 0);
    if (!err && !nvme->queues[0])
        err = -ENOMEM;
    if (!err)
        err = enable(nvme);
    if (!err)
        err = open_queues(nvme);
    if (!err)
        err = rescue_init(&nvme->rescue, reset);
    return err;
}

static int probe(struct pci_device *device)
{
    static unsigned n;
    struct nvme *nvme = kzalloc(sizeof(*nvme));
    if (!nvme)
        return -ENOMEM;
    nvme->device = device;
    nvme->number = n++;
    pci_enable(device, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    int err = start(nvme);
    if (err) { /* its queues stay: it may know them */
        if (nvme->regs)
            disable(nvme);
        return err;
    }
    if (!controllers)
        power_off_hook = shut_down;
    nvme->next = controllers;
    controllers = nvme;
    nvme_find_namespaces(nvme);
    return 0;
}

/* Class 01.08: any maker's. */
static const struct pci_id ids[] = {{PCI_ANY, 0, 0xffff, 0x0108, 0xffff}, {}};
static const struct pci_driver driver = {.name = "nvme", .ids = ids, .probe = probe};
PCI_DRIVER(driver);
