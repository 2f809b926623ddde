/* arch/x86_64/paging.h: page tables (SDM 3A 4.5). Entries are changed with the address space's lock
 * held (user half) or by mm/karea.c (kernel half). Program pages are supervisor pages: everything
 * runs in ring 0. */
#pragma once

#include "arch/x86_64/tlb.h"
#include "lib/types.h"

typedef uint64_t pte_t;

enum {
    PTE_PRESENT = 1 << 0,
    PTE_WRITE = 1 << 1,
    PTE_USER = 1 << 2,
    PTE_WRITE_THROUGH = 1 << 3,
    PTE_NOCACHE = 1 << 4,
    PTE_ACCESSED = 1 << 5,
    PTE_DIRTY = 1 << 6,
    PTE_HUGE = 1 << 7, /* in a PDE or PDPTE */
    PTE_GLOBAL = 1 << 8,
    PTE_COW = 1 << 9,    /* software: write-protected, copy on write */
    PTE_OWNED = 1 << 10, /* software: this entry holds a reference of its frame */
    PTE_COPY = 1 << 11,  /* software: a private copy, no longer the object's page */
};
#define PTE_NX        (1ull << 63)
#define PTE_ADDR_MASK 0x000ffffffffff000ull

#define USER_MIN 0x1000ul             /* page 0 is never mapped */
#define USER_END 0x00007ffffffff000ul /* as on Linux: TASK_SIZE_MAX */

/* The boot page table's PML4 (kernel half filled at boot for good: every address space copies its
 * upper 256 entries, which never change afterwards). */
extern pte_t *kernel_pml4;

/* The entry that maps addr at the given level (1: 4 KiB, 2: 2 MiB). With alloc, missing tables are
 * made (NULL: no memory); without, NULL where a table is missing. A huge page on the way: its
 * entry, *level becomes 2 (or 3). */
pte_t *paging_walk(pte_t *pml4, uintptr_t addr, unsigned *level, bool alloc);

/* Map a run in the kernel half. -ENOMEM. */
int paging_map_kernel(uintptr_t addr, paddr_t paddr, size_t size, pte_t flags);
void paging_unmap_kernel(uintptr_t addr, size_t size);

/* The tables of the kernel half that hang off the PML4, made once at boot: after that a new address
 * space may copy the upper half for good. top: the end of physical memory. -ENOMEM. */
int paging_prepare_kernel_half(paddr_t top);
/* Let the direct map cover the GiB around paddr. spare: a frame that is used up if a table is
 * needed (then *used); 0 if there is none. -ENOMEM. Any context. */
int paging_extend_direct_map(paddr_t paddr, paddr_t spare, bool *used);

/* Take over CR0, CR4, EFER, PAT bits that hardening needs (WP, NXE, SMEP where it applies, PGE).
 * Each AP calls it before it touches shared page tables. */
void paging_cpu_init(void);
/* Make kernel text and constants read-only, data no-execute (boot phase PROGRAM). */
void paging_lockdown(void);
