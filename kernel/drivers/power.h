/* drivers/power.h: the end of the machine (docs/host-guest.md). Any context; interrupts may be in
 * any state. Neither function returns, whatever hardware is missing. */
#pragma once

#include "lib/types.h"

enum { POWER_OFF_NORMAL = 0, POWER_OFF_PANIC = 60 };

/* Called before a normal end of the machine, when all programs have ended; may be NULL. */
extern void (*power_off_hook)(void);
/* End the VM: through debug_exit with this code; else, in a normal end, ACPI S5; else a reset. */
__noreturn void machine_power_off(int code);
/* pvpanic.c: tell the host of a panic, where it has such a device. */
void pvpanic_tell(void);
/* Start the machine anew: ACPI reset register, keyboard controller, PCI reset port, triple fault.
 */
__noreturn void machine_reset(void);
