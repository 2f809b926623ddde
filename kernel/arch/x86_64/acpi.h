/* arch/x86_64/acpi.h: ACPI's tables (not its machine language). From boot phase CLOCK on. */
#pragma once

#include "lib/types.h"

/* The n-th table with this signature ("APIC", "FACP", "DSDT", "MCFG", ...), checksum verified, and
 * its length; NULL: absent or damaged (said once), or acpi=off. It stays mapped. */
const void *acpi_table(const char sig[4], unsigned n, size_t *len);
/* Is there a usable root table? */
bool acpi_present(void);
/* Tell smp.c and ioapic.c what the MADT says; false without one. */
bool acpi_read_madt(void);

/* The MP table of older firmware and of Firecracker (MP spec 1.4); false without one. */
bool mptable_read(void);
