#include "arch/x86_64/irq.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/trap.h"
#include "core/log.h"
#include "core/spinlock.h"
#include "lib/errno.h"

static struct {
    irq_handler_t *handler;
    void *arg;
} vectors[256];
static struct spinlock lock;

void irq_dispatch(unsigned vector)
{
    if (vector == VECTOR_SPURIOUS)
        return;
    if (vectors[vector].handler)
        vectors[vector].handler(vectors[vector].arg);
    else
        log_debug("irq: nobody serves vector %#x", vector);
    lapic_eoi();
}

void irq_vector_set(int vector, irq_handler_t *handler, void *arg)
{
    vectors[vector].arg = arg;
    atomic_signal_fence(memory_order_release);
    vectors[vector].handler = handler;
}

__cold int irq_vector_alloc(irq_handler_t *handler, void *arg)
{
    uint64_t flags = spin_lock_irq(&lock);
    int vector = -ENOSPC;
    for (int v = VECTOR_IRQ_FIRST; v <= VECTOR_IRQ_LAST; v++)
        if (!vectors[v].handler) {
            irq_vector_set(v, handler, arg);
            vector = v;
            break;
        }
    spin_unlock_irq(&lock, flags);
    return vector;
}

void irq_vector_free(int vector)
{
    vectors[vector].handler = NULL;
}

void irq_msi_message(const struct cpu *cpu, int vector, uint64_t *address, uint32_t *data)
{
    *address = 0xfee00000 | (uint64_t)(cpu->apic_id & 0xff) << 12; /* SDM 3A, 11.11 */
    *data = vector;
}

void ipi_send(const struct cpu *cpu, int vector)
{
    lapic_ipi(cpu->apic_id, IPI_FIXED, vector);
}
