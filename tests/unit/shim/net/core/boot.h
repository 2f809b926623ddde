/* For tests on the host: steps are noted down and run by shim_start(). */
#pragma once

extern int (*shim_boot_steps[16])(void);
extern unsigned shim_nboot_steps;

#define BOOT_STEP(phase, step_name, fn)                                                            \
    static void __attribute__((constructor)) boot_step_##fn(void)                                  \
    {                                                                                              \
        shim_boot_steps[shim_nboot_steps++] = fn;                                                  \
    }
