/* For tests on the host: the tests read page tables themselves, nothing remembers translations.
 * Flushes of this CPU are counted. */
#pragma once

#include "lib/types.h"

extern unsigned long shim_flushes;

static inline void tlb_flush_page(uintptr_t addr)
{
    (void)addr;
    shim_flushes++;
}
static inline void tlb_flush_local(void)
{
    shim_flushes++;
}
static inline void tlb_flush_global(void)
{
    shim_flushes++;
}
static inline void tlb_tags_enable(void)
{
}
static inline void page_table_load(uint64_t pml4_paddr)
{
    (void)pml4_paddr;
}
