/* arch/x86_64/irq.h: interrupts: vectors, routing of global system interrupts, IPIs.
 * From boot phase CLOCK on. */
#pragma once

#include "core/cpu.h"
#include "lib/types.h"

enum {
    VECTOR_IRQ_FIRST = 0x30, /* given out by irq_vector_alloc() */
    VECTOR_IRQ_LAST = 0xdf,
    VECTOR_TIMER = 0xe0,
    VECTOR_KICK = 0xf0, /* cpu_kick() */
    VECTOR_CALL = 0xf1, /* cpus_call() */
    VECTOR_SPURIOUS = 0xff,
};

/* A handler runs with interrupts off on an interrupt stack and must not sleep. */
typedef void irq_handler_t(void *arg);

/* A free vector bound to handler(arg), for MSI or a GSI; the vector, or -ENOSPC. Any thread. */
int irq_vector_alloc(irq_handler_t *handler, void *arg);
void irq_vector_free(int vector);
/* Bind one of the fixed vectors above. */
void irq_vector_set(int vector, irq_handler_t *handler, void *arg);

enum {
    GSI_EDGE = 0,
    GSI_LEVEL = 1,
    GSI_ACTIVE_LOW = 2,
    GSI_DEFAULT = 4 /* as ACPI/MP tables say */
};
/* Route a global system interrupt to a vector of its own on the boot CPU and unmask it; handlers of
 * a GSI that is taken already are chained. -ENODEV: no I/O APIC serves it; -ENOSPC. */
int irq_gsi_request(unsigned gsi, unsigned flags, irq_handler_t *handler, void *arg);
/* The GSI of a legacy ISA interrupt (overrides applied). */
unsigned irq_isa_gsi(unsigned isa_irq);

/* Message-signalled interrupt for (cpu, vector): address and data to program into the device. */
void irq_msi_message(const struct cpu *cpu, int vector, uint64_t *address, uint32_t *data);

/* Interrupt a CPU that is online. Any context; does not wait for it. */
void ipi_send(const struct cpu *cpu, int vector);
