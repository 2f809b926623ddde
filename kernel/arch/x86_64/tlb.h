/* arch/x86_64/tlb.h: translations that this CPU remembers (SDM 3A 4.10). Any context. */
#pragma once

#include "lib/types.h"

/* Drop this CPU's translation of one page. */
static inline void tlb_flush_page(uintptr_t addr)
{
    asm volatile("invlpg (%0)" : : "r"(addr) : "memory");
}

/* Drop all of them but the global ones (the kernel's). */
static inline void tlb_flush_local(void)
{
    uint64_t cr3;
    asm volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r"(cr3) : : "memory");
}

/* Drop all of them, those of the kernel half included. Interrupts off. */
static inline void tlb_flush_global(void)
{
    uint64_t cr4;
    asm volatile("mov %%cr4, %0" : "=r"(cr4));
    asm volatile("mov %0, %%cr4; mov %1, %%cr4" : : "r"(cr4 & ~0x80ul), "r"(cr4) : "memory");
    if (!(cr4 & 0x80))
        tlb_flush_local();
}

/* Use another page table; beside its address a number and PCID_KEEP (mm/pcid.h). */
static inline void page_table_load(uint64_t cr3)
{
    asm volatile("mov %0, %%cr3" : : "r"(cr3) : "memory");
}

/* Let translations have numbers: CR4.PCIDE. CR3 has none yet (SDM 3A 4.10.1). */
static inline void tlb_tags_enable(void)
{
    uint64_t cr4;
    asm volatile("mov %%cr4, %0" : "=r"(cr4));
    asm volatile("mov %0, %%cr4" : : "r"(cr4 | 1ul << 17) : "memory");
}
