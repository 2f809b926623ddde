/* arch/x86_64/ioapic.h: I/O APICs as ACPI or the MP table describe them. */
#pragma once

#include "lib/types.h"

/* Told by acpi.c or mptable.c during boot phase CLOCK. */
void ioapic_add(paddr_t address, unsigned first_gsi);
/* An ISA interrupt that arrives at another GSI, or with other trigger and polarity (GSI_*). */
void ioapic_override(unsigned isa_irq, unsigned gsi, unsigned flags);
/* The old interrupt controllers are silenced. */
void pic_mask_all(void);
