/* main.h: from a filled boot_info to the program. */
#pragma once

#include "lib/types.h"

/* On the boot CPU, once, from boot/start.c. */
__noreturn void kernel_main(void);

/* Print the marks of boot_mark() so far, each with the time since the first instruction. */
void boot_chart_print(void);
