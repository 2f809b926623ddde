/* boot/handover.h: from what a loader left in memory to struct boot_info. Pure: reads through a
 * window, so that the host's fuzzers run the same code. */
#pragma once

#include "core/boot.h"

/* n bytes of physical memory at paddr, or NULL if they cannot be seen. */
typedef const void *phys_window_t(paddr_t paddr, size_t n);

/* Fill *info from hvm_start_info (pvh.pandoc) or from boot_params (zero-page.rst). 0, or -EINVAL
 * when there is no magic or no usable memory map. Single bad entries are left out. */
int handover_pvh(struct boot_info *info, paddr_t start_info, phys_window_t *window);
int handover_linux(struct boot_info *info, paddr_t boot_params, phys_window_t *window);
