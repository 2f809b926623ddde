/* arch/x86_64/memory_map.h: where physical memory and the kernel image appear. Any context. */
#pragma once

#include "lib/types.h"

#ifndef DIRECT_MAP_BASE                      /* tests on the host put their memory elsewhere */
#define DIRECT_MAP_BASE 0xffff800000000000ul /* all physical memory, large pages */
#endif
#define KERNEL_BASE 0xffffffff80000000ul /* the kernel image: virtual - physical */

static inline void *phys_to_virt(paddr_t paddr)
{
    return (void *)(DIRECT_MAP_BASE + paddr);
}
/* Of an address in the direct map or in the kernel image. */
static inline paddr_t virt_to_phys(const void *p)
{
    uintptr_t v = (uintptr_t)p;
    return v >= KERNEL_BASE ? v - KERNEL_BASE : v - DIRECT_MAP_BASE;
}
