/* arch/x86_64/smp.h: the processors: found by ACPI or the MP table, started in parallel. */
#pragma once

#include "core/cpu.h"

/* acpi.c, mptable.c: a processor that may be started (the boot CPU too). */
void smp_add(uint32_t apic_id);

extern struct cpu boot_cpu;
