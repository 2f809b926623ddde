#include "arch/x86_64/ioapic.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irq.h"
#include "core/log.h"
#include "core/spinlock.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "mm/karea.h"

/* 82093AA: an index register at 0, data at 0x10; registers 0x10 + 2n, 0x11 + 2n route pin n. */
enum { IOREGSEL = 0, IOWIN = 4, REG_VERSION = 1, REG_ROUTE = 0x10 };
enum { ROUTE_MASKED = 1 << 16, ROUTE_LEVEL = 1 << 15, ROUTE_LOW = 1 << 13 };
enum { IOAPICS_MAX = 8, ISA_IRQS = 16 };

struct ioapic {
    paddr_t address;
    volatile uint32_t *registers; /* mapped at the first use */
    unsigned first, count;
};
static struct ioapic ioapics[IOAPICS_MAX];
static unsigned nioapics;

static struct {
    bool set;
    uint8_t flags;
    unsigned gsi;
} overrides[ISA_IRQS];

/* Handlers that share a GSI. */
struct gsi_action {
    unsigned gsi;
    irq_handler_t *handler;
    void *arg;
    struct gsi_action *next;
};
static struct gsi_action *_Atomic actions;
static struct spinlock lock;

static uint32_t read_reg(struct ioapic *io, unsigned reg)
{
    io->registers[IOREGSEL] = reg;
    return io->registers[IOWIN];
}

static void write_reg(struct ioapic *io, unsigned reg, uint32_t v)
{
    io->registers[IOREGSEL] = reg;
    io->registers[IOWIN] = v;
}

void ioapic_add(paddr_t address, unsigned first_gsi)
{
    if (nioapics == IOAPICS_MAX) {
        log_warning("ioapic: more than %d, the one at %#lx is left out", IOAPICS_MAX, address);
        return;
    }
    ioapics[nioapics++] = (struct ioapic){.address = address, .first = first_gsi};
}

void ioapic_override(unsigned isa_irq, unsigned gsi, unsigned flags)
{
    if (isa_irq >= ISA_IRQS)
        return;
    overrides[isa_irq].set = true;
    overrides[isa_irq].gsi = gsi;
    overrides[isa_irq].flags = flags;
}

static bool map(struct ioapic *io)
{
    if (!io->registers) {
        io->registers = (volatile uint32_t *)karea_map_device(io->address, 32);
        if (!io->registers)
            return false;
        io->count = (read_reg(io, REG_VERSION) >> 16 & 0xff) + 1;
        for (unsigned pin = 0; pin < io->count; pin++)
            write_reg(io, REG_ROUTE + 2 * pin, ROUTE_MASKED);
    }
    return true;
}

/* The one with the highest first GSI that is not above gsi. */
static struct ioapic *find(unsigned gsi)
{
    struct ioapic *best = NULL;
    for (unsigned i = 0; i < nioapics; i++)
        if (ioapics[i].first <= gsi && (!best || ioapics[i].first > best->first))
            best = &ioapics[i];
    return best && map(best) && gsi - best->first < best->count ? best : NULL;
}

unsigned irq_isa_gsi(unsigned isa_irq)
{
    return isa_irq < ISA_IRQS && overrides[isa_irq].set ? overrides[isa_irq].gsi : isa_irq;
}

static unsigned default_flags(unsigned gsi)
{
    for (unsigned i = 0; i < ISA_IRQS; i++)
        if (overrides[i].set && overrides[i].gsi == gsi)
            return overrides[i].flags;
    return gsi < ISA_IRQS ? GSI_EDGE : GSI_LEVEL | GSI_ACTIVE_LOW;
}

static void shared_handler(void *arg)
{
    unsigned gsi = (uintptr_t)arg;
    for (struct gsi_action *a = atomic_load(&actions); a; a = a->next)
        if (a->gsi == gsi)
            a->handler(a->arg);
}

static bool gsi_taken(unsigned gsi)
{
    for (struct gsi_action *a = atomic_load(&actions); a; a = a->next)
        if (a->gsi == gsi)
            return true;
    return false;
}

static int route(unsigned gsi, unsigned flags)
{
    struct ioapic *io = find(gsi);
    if (!io)
        return -ENODEV;
    int vector = irq_vector_alloc(shared_handler, (void *)(uintptr_t)gsi);
    if (vector < 0)
        return vector;
    if (flags & GSI_DEFAULT)
        flags = default_flags(gsi);
    unsigned pin = gsi - io->first;
    write_reg(io, REG_ROUTE + 2 * pin + 1, cpus[0]->apic_id << 24);
    write_reg(io, REG_ROUTE + 2 * pin,
              vector | (flags & GSI_LEVEL ? ROUTE_LEVEL : 0) |
                  (flags & GSI_ACTIVE_LOW ? ROUTE_LOW : 0));
    return 0;
}

int irq_gsi_request(unsigned gsi, unsigned flags, irq_handler_t *handler, void *arg)
{
    struct gsi_action *action = kzalloc(sizeof(*action));
    if (!action)
        return -ENOMEM;
    *action = (struct gsi_action){gsi, handler, arg, NULL};
    uint64_t irq = spin_lock_irq(&lock);
    bool taken = gsi_taken(gsi);
    action->next = atomic_load(&actions);
    atomic_store(&actions, action);
    int err = taken ? 0 : route(gsi, flags);
    if (err)
        atomic_store(&actions, action->next);
    spin_unlock_irq(&lock, irq);
    if (err)
        kfree(action);
    return err;
}

void pic_mask_all(void)
{
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
}
