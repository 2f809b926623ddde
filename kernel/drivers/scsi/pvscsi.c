/* VMware's paravirtual SCSI host, pvscsi: a ring of requests, one of completions and the indices of
 * both in memory; registers for commands and doorbells. Completions name a slot of ours. */

#include "arch/x86_64/memory_map.h"
#include "core/cpu.h"
#include "core/log.h"
#include "drivers/mmio.h"
#include "drivers/pci/pci.h"
#include "drivers/scsi/scsi.h"
#include "lib/endian.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { VMWARE = 0x15ad, PVSCSI = 0x07c0 };
enum { /* registers of BAR 0 */
       COMMAND = 0x0000,
       COMMAND_DATA = 0x0004,
       COMMAND_STATUS = 0x0008,
       INTR_STATUS = 0x100c,
       INTR_MASK = 0x2010,
       KICK_NON_RW = 0x3014,
       KICK_RW = 0x4018,
       REGISTERS = 0x8000,
};
enum { ADAPTER_RESET = 1, SETUP_RINGS = 3, RESET_DEVICE = 5, ABORT_COMMAND = 6 };
enum { INTR_COMPLETION = 3 };
enum { WITH_LIST = 1, DIR_NONE = 4, DIR_IN = 8, DIR_OUT = 16 };
enum { /* how the host fared */
       HOST_GOOD = 0x00,
       HOST_GOOD_LINKED = 0x0a,
       HOST_GOOD_LINKED_FLAG = 0x0b,
       HOST_UNDERRUN = 0x0c,
       HOST_NO_ANSWER = 0x11,
       HOST_OVERRUN = 0x12,
       HOST_NO_UNIT = 0x17,
       HOST_SENT_RESET = 0x22,
       HOST_BUS_RESET = 0x25,
       HOST_ABORTED = 0x26,
};
enum {
    PAGE = 4096,
    REQUEST_PAGES = 4,
    SLOTS = 128,
    SLOTS_LOG2 = 7,
    TARGETS = 64,
    UNITS = 256,
    DEPTH = 64,
    BYTES_MOST = 8 << 20
};

struct request {
    uint64_t context, data, data_len, sense;
    uint32_t sense_len, flags;
    uint8_t cdb[16], cdb_len, lun[8], tag, bus, target, cpu, unused[59];
} __packed;
struct completion {
    uint64_t context, data_len;
    uint32_t sense_len;
    uint16_t host, status;
    uint32_t pad[2];
};
_Static_assert(sizeof(struct request) * SLOTS == REQUEST_PAGES * PAGE, "requests");
_Static_assert(sizeof(struct completion) * SLOTS == PAGE, "completions");
struct indices {
    uint32_t request_put, request_taken, request_log2;
    uint32_t done_put, done_taken, done_log2;
};
struct element {
    uint64_t address;
    uint32_t len, flags;
};
struct setup {
    uint32_t request_pages, done_pages;
    uint64_t indices, requests[32], done[32];
};
struct memory {
    struct request requests[SLOTS];
    struct completion done[SLOTS];
    alignas(PAGE) struct indices indices;
};

struct adapter {
    struct scsi_host host;
    volatile void *regs;
    struct memory *memory;
    struct spinlock lock;
    bool line, broken;
    struct timer lost;
    unsigned nfree;
    uint8_t free[SLOTS];
    struct scsi_command *slots[SLOTS]; /* under way */
};

static volatile struct indices *indices(struct adapter *a)
{
    return &a->memory->indices;
}

/* A command's words follow it one by one. */
static void command(struct adapter *a, uint32_t what, const void *data, size_t n)
{
    mmio_write32(a->regs, COMMAND, what);
    for (size_t i = 0; i < n; i += 4)
        mmio_write32(a->regs, COMMAND_DATA, get_le32((const uint8_t *)data + i));
}

/* --- commands ----------------------------------------------------------------------------- */

static void set_data(struct request *r, struct scsi_command *c)
{
    struct element *list = (struct element *)c->host;
    r->flags = !c->nsegments ? DIR_NONE : c->write ? DIR_OUT : DIR_IN;
    r->data_len = c->bytes;
    r->data = c->nsegments ? virt_to_phys(c->segments[0].data) : 0;
    if (c->nsegments < 2)
        return;
    for (unsigned i = 0; i < c->nsegments; i++)
        list[i] = (struct element){virt_to_phys(c->segments[i].data), c->segments[i].len, 0};
    r->data = virt_to_phys(list);
    r->flags |= WITH_LIST;
}

static void put(struct adapter *a, struct scsi_command *c, unsigned slot)
{
    uint32_t at = indices(a)->request_put;
    struct request *r = &a->memory->requests[at % SLOTS];
    memset(r, 0, sizeof(*r));
    r->context = slot + 1;
    set_data(r, c);
    r->sense = virt_to_phys(c->sense);
    r->sense_len = SCSI_SENSE;
    memcpy(r->cdb, c->cdb, SCSI_CDB);
    r->cdb_len = SCSI_CDB;
    r->lun[1] = (uint8_t)c->unit->lun;
    r->tag = 0x20; /* simple */
    r->target = (uint8_t)c->unit->target;
    atomic_thread_fence(memory_order_release);
    indices(a)->request_put = at + 1;
}

static bool is_transfer(uint8_t operation)
{
    return operation == SCSI_READ_10 || operation == SCSI_WRITE_10 || operation == SCSI_READ_16 ||
           operation == SCSI_WRITE_16;
}

static int submit(struct scsi_host *host, struct scsi_command *c)
{
    struct adapter *a = host->driver;
    uint64_t flags = spin_lock_irq(&a->lock);
    int r = a->broken ? -EIO : a->nfree ? 0 : -EBUSY;
    if (r == 0) {
        unsigned slot = a->free[--a->nfree];
        a->slots[slot] = c;
        put(a, c, slot);
        mmio_write32(a->regs, is_transfer(c->cdb[0]) ? KICK_RW : KICK_NON_RW, 0);
    }
    spin_unlock_irq(&a->lock, flags);
    return r;
}

static int error_of(uint16_t host)
{
    switch (host) {
    case HOST_GOOD:
    case HOST_GOOD_LINKED:
    case HOST_GOOD_LINKED_FLAG:
    case HOST_UNDERRUN:
    case HOST_OVERRUN:
        return 0;
    case HOST_NO_ANSWER:
    case HOST_NO_UNIT:
        return -ENODEV;
    case HOST_SENT_RESET:
    case HOST_BUS_RESET:
    case HOST_ABORTED:
        return -EAGAIN;
    default:
        return -EIO;
    }
}

/* The next command that has ended; NULL: none. What the device wrote is read once and checked. */
static struct scsi_command *take(struct adapter *a)
{
    struct scsi_command *c = NULL;
    uint64_t flags = spin_lock_irq(&a->lock);
    uint32_t at = indices(a)->done_taken;
    while (!c && !a->broken && indices(a)->done_put - at - 1 < SLOTS) { /* 1 to SLOTS are new */
        atomic_thread_fence(memory_order_acquire);
        struct completion done = *(const volatile struct completion *)&a->memory->done[at % SLOTS];
        uint64_t slot = done.context - 1;
        if (slot < SLOTS && a->slots[slot]) {
            c = a->slots[slot];
            a->slots[slot] = NULL;
            a->free[a->nfree++] = (uint8_t)slot;
            c->error = error_of(done.host);
            c->status = (uint8_t)done.status;
            c->nsense = (uint8_t)MIN(done.sense_len, (uint32_t)SCSI_SENSE);
            /* Of what went well the length need not be told. */
            bool told = done.data_len || done.host == HOST_UNDERRUN;
            c->missing = told && done.data_len < c->bytes ? c->bytes - (uint32_t)done.data_len : 0;
        }
        indices(a)->done_taken = ++at;
    }
    spin_unlock_irq(&a->lock, flags);
    return c;
}

static void interrupt(void *arg)
{
    struct adapter *a = arg;
    struct scsi_command *c;
    if (a->line) {
        uint32_t status = mmio_read32(a->regs, INTR_STATUS);
        if (!(status & INTR_COMPLETION))
            return; /* another's, on the same line */
        mmio_write32(a->regs, INTR_STATUS, status);
    }
    while ((c = take(a)))
        scsi_done(c);
}

/* --- what takes too long ------------------------------------------------------------------ */

static void end_all(struct timer *timer)
{
    scsi_host_lost(&container_of(timer, struct adapter, lost)->host);
}

static void abort(struct scsi_host *host, struct scsi_command *c, unsigned how)
{
    struct adapter *a = host->driver;
    struct {
        uint32_t target;
        uint8_t lun[8];
    } unit = {c->unit->target, {0, (uint8_t)c->unit->lun}};
    uint64_t flags = spin_lock_irq(&a->lock);
    if (how == 0) {
        struct {
            uint64_t context;
            uint32_t target, pad;
        } task = {0, c->unit->target, 0};
        for (unsigned i = 0; i < SLOTS; i++)
            if (a->slots[i] == c)
                task.context = i + 1;
        if (task.context)
            command(a, ABORT_COMMAND, &task, sizeof(task));
    } else if (how == 1) {
        command(a, RESET_DEVICE, &unit, sizeof(unit));
    } else if (!a->broken) {
        log_err("scsi: %s: does not end its commands: it is out of use", host->place);
        a->broken = true;
        command(a, ADAPTER_RESET, NULL, 0);
        timer_start(&a->lost, 0);
    }
    spin_unlock_irq(&a->lock, flags);
}

/* --- set-up ------------------------------------------------------------------------------- */

static const struct scsi_host_ops ops = {.submit = submit, .abort = abort};

static int start(struct adapter *a)
{
    struct memory *m = a->memory;
    struct setup *setup = kzalloc(sizeof(*setup));
    if (!setup)
        return -ENOMEM;
    m->indices.request_log2 = m->indices.done_log2 = SLOTS_LOG2;
    setup->request_pages = REQUEST_PAGES;
    setup->done_pages = 1;
    setup->indices = virt_to_phys(&m->indices) / PAGE;
    for (unsigned i = 0; i < REQUEST_PAGES; i++)
        setup->requests[i] = virt_to_phys(m->requests) / PAGE + i;
    setup->done[0] = virt_to_phys(m->done) / PAGE;
    command(a, ADAPTER_RESET, NULL, 0);
    command(a, SETUP_RINGS, setup, sizeof(*setup));
    kfree(setup);
    return mmio_read32(a->regs, COMMAND_STATUS) == ~0u ? -EIO : 0;
}

/* One message, or the line. */
static int bind(struct adapter *a, struct pci_device *device)
{
    int r = pci_irq_bind(device, this_cpu(), interrupt, a);
    a->line = !device->msix_cap && !device->msi_cap;
    if (r == 0)
        mmio_write32(a->regs, INTR_MASK, INTR_COMPLETION);
    return r;
}

static int bring_up(struct adapter *a, struct pci_device *device)
{
    timer_init(&a->lost, end_all);
    for (unsigned i = 0; i < SLOTS; i++)
        a->free[a->nfree++] = (uint8_t)i;
    a->host = (struct scsi_host){.ops = &ops,
                                 .driver = a,
                                 .place = device->place,
                                 .targets = TARGETS,
                                 .units = UNITS,
                                 .depth = DEPTH,
                                 .segments = BLOCK_SEGMENTS,
                                 .room = BLOCK_SEGMENTS * sizeof(struct element),
                                 .bytes = BYTES_MOST,
                                 .nqueues = 1};
    pci_enable(device, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    a->regs = pci_map_bar(device, 0, 0, REGISTERS);
    int r = a->regs ? start(a) : -ENODEV;
    return r ? r : bind(a, device);
}

static int probe(struct pci_device *device)
{
    struct adapter *a = kzalloc(sizeof(*a));
    struct memory *memory = kzalloc(sizeof(*memory));
    int r = -ENOMEM;
    if (a && memory) {
        a->memory = memory;
        r = bring_up(a, device);
    }
    if (r == 0) {
        scsi_scan(&a->host);
        return 0;
    }
    log_warning("pvscsi: %s: cannot be used (error %d)", device->place, -r);
    if (a && a->regs)
        command(a, ADAPTER_RESET, NULL, 0);
    kfree(memory);
    kfree(a);
    return r;
}

static const struct pci_id ids[] = {{VMWARE, PVSCSI, PVSCSI, 0, 0}, {}};
static const struct pci_driver driver = {.name = "pvscsi", .ids = ids, .probe = probe};
PCI_DRIVER(driver);
