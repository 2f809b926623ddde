/* For tests on the host: boot steps run before main(). */
#pragma once

#define BOOT_STEP(phase, name, fn)                                                                 \
    static void __attribute__((constructor)) boot_step_##fn(void)                                  \
    {                                                                                              \
        fn();                                                                                      \
    }
