#include "arch/x86_64/paging.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irqflags.h"
#include "core/cpu.h"
#include "core/log.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/karea.h"

enum { ENTRIES = 512, KERNEL_HALF = 256, GIB_SHIFT = 30, LEVELS = 4 };
enum { CR0_WP = 1 << 16, CR4_PGE = 1 << 7, CR4_SMEP = 1 << 20 };

#define TABLE_FLAGS  (PTE_PRESENT | PTE_WRITE)
#define DIRECT_FLAGS (PTE_PRESENT | PTE_WRITE | PTE_GLOBAL | PTE_HUGE | PTE_NX)

extern char __kernel_end[], __text_start[], __text_end[];
extern char __rodata_start[], __rodata_end[];
extern pte_t boot_pml4[ENTRIES]; /* kernel/boot/head.S */

pte_t *kernel_pml4 = boot_pml4;

static pte_t *table_of(pte_t entry)
{
    return phys_to_virt(entry & PTE_ADDR_MASK);
}

static unsigned index_of(uintptr_t addr, unsigned level)
{
    return addr >> (PAGE_SHIFT + 9 * (level - 1)) & (ENTRIES - 1);
}

/* The table behind an entry, made if it is not there. Several CPUs may come at once (page faults of
 * one space): the first one wins. */
static pte_t *table_make(pte_t *entry)
{
    paddr_t frame = frame_alloc(0, FRAME_ZERO);
    if (!frame)
        return NULL;
    pte_t seen = 0;
    if (__atomic_compare_exchange_n(entry, &seen, frame | TABLE_FLAGS, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return phys_to_virt(frame);
    frame_free(frame, 0);
    return table_of(seen);
}

pte_t *paging_walk(pte_t *pml4, uintptr_t addr, unsigned *level, bool alloc)
{
    pte_t *table = pml4;

    for (unsigned at = LEVELS;; at--) {
        pte_t *entry = &table[index_of(addr, at)];
        if (at == *level)
            return entry;
        pte_t value = __atomic_load_n(entry, __ATOMIC_ACQUIRE);
        if (value & PTE_HUGE && at < LEVELS) {
            *level = at;
            return entry;
        }
        if (value & PTE_PRESENT)
            table = table_of(value);
        else if (!alloc || !(table = table_make(entry)))
            return NULL;
        /* Another CPU may have put a huge page there meanwhile. */
        if (alloc && *entry & PTE_HUGE && at < LEVELS) {
            *level = at;
            return entry;
        }
    }
}

/* --- the kernel half ---------------------------------------------------------------------------
 */

/* A PML4 without the identity mapping that the boot tables carry for starting CPUs. */
static int leave_boot_tables(void)
{
    paddr_t frame = frame_alloc(0, FRAME_ZERO);
    if (!frame)
        return -ENOMEM;
    pte_t *pml4 = phys_to_virt(frame);
    for (unsigned i = KERNEL_HALF; i < ENTRIES; i++)
        pml4[i] = boot_pml4[i];
    kernel_pml4 = pml4;
    page_table_load(frame);
    return 0;
}

int paging_prepare_kernel_half(paddr_t top)
{
    int err = leave_boot_tables();
    if (err)
        return err;
    for (paddr_t at = 0; at < top; at += 1ul << 39) {
        pte_t *entry = &kernel_pml4[index_of(DIRECT_MAP_BASE + at, LEVELS)];
        if (!(*entry & PTE_PRESENT) && !table_make(entry))
            return -ENOMEM;
    }
    pte_t *entry = &kernel_pml4[index_of(KAREA_BASE, LEVELS)];
    return *entry & PTE_PRESENT || table_make(entry) ? 0 : -ENOMEM;
}

static bool has_gib_pages(void)
{
    static int known = -1;
    if (known < 0)
        known =
            cpuid(0x80000000, 0).eax >= 0x80000001 && cpuid(0x80000001, 0).edx & 1 << 26 ? 1 : 0;
    return known;
}

int paging_extend_direct_map(paddr_t paddr, paddr_t spare, bool *used)
{
    uintptr_t addr = DIRECT_MAP_BASE + ALIGN_DOWN(paddr, 1ul << GIB_SHIFT);
    pte_t pml4e = kernel_pml4[index_of(addr, LEVELS)];
    if (!(pml4e & PTE_PRESENT))
        return -ENOMEM;
    pte_t *entry = &table_of(pml4e)[index_of(addr, 3)];
    if (*entry & PTE_PRESENT)
        return 0;
    pte_t first = ALIGN_DOWN(paddr, 1ul << GIB_SHIFT) | DIRECT_FLAGS;
    if (has_gib_pages()) {
        *entry = first;
        return 0;
    }
    if (!spare)
        return -ENOMEM;
    pte_t *table = phys_to_virt(spare);
    for (unsigned i = 0; i < ENTRIES; i++)
        table[i] = first + i * HUGE_SIZE;
    __atomic_store_n(entry, spare | TABLE_FLAGS, __ATOMIC_RELEASE);
    *used = true;
    return 0;
}

int paging_map_kernel(uintptr_t addr, paddr_t paddr, size_t size, pte_t flags)
{
    pte_t *entry = NULL;

    for (size_t done = 0; done < size; done += PAGE_SIZE, entry++) {
        if (!entry || !(index_of(addr + done, 1))) {
            unsigned level = 1;
            entry = paging_walk(kernel_pml4, addr + done, &level, true);
            if (!entry) {
                paging_unmap_kernel(addr, done);
                return -ENOMEM;
            }
        }
        *entry = (paddr + done) | flags | PTE_PRESENT;
    }
    return 0;
}

__cold void paging_unmap_kernel(uintptr_t addr, size_t size)
{
    for (size_t done = 0; done < size; done += PAGE_SIZE) {
        unsigned level = 1;
        pte_t *entry = paging_walk(kernel_pml4, addr + done, &level, false);
        if (entry) {
            *entry = 0;
            tlb_flush_page(addr + done);
        }
    }
}

/* --- what each CPU takes over -------------------------------------------------------------------
 */

__cold void paging_cpu_init(void)
{
    uint64_t cr4 = read_cr4() | CR4_PGE;
    if (cpuid(0, 0).eax >= 7 && cpuid(7, 0).ebx & 1 << 7)
        cr4 |= CR4_SMEP;
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
    write_cr0(read_cr0() | CR0_WP);
    write_cr4(cr4);
    page_table_load(virt_to_phys(kernel_pml4));
}

/* --- lockdown ----------------------------------------------------------------------------------
 */

/* Make the large page at entry a table of the next smaller ones. */
static int split(pte_t *entry, unsigned level)
{
    paddr_t frame = frame_alloc(0, FRAME_ATOMIC);
    if (!frame)
        return -ENOMEM;
    pte_t *table = phys_to_virt(frame);
    size_t step = 1ul << (PAGE_SHIFT + 9 * (level - 2));
    pte_t value = level == 2 ? *entry & ~(pte_t)PTE_HUGE : *entry;
    for (unsigned i = 0; i < ENTRIES; i++)
        table[i] = value + i * step;
    *entry = frame | TABLE_FLAGS;
    return 0;
}

/* The 4 KiB entry for a kernel address; large pages on the way are split. */
static pte_t *small_entry(uintptr_t addr)
{
    for (;;) {
        unsigned level = 1;
        pte_t *entry = paging_walk(kernel_pml4, addr, &level, false);
        if (!entry || level == 1)
            return entry;
        if (!(*entry & PTE_PRESENT) || split(entry, level) < 0)
            return NULL;
    }
}

static int set_range(uintptr_t start, uintptr_t end, pte_t clear, pte_t set)
{
    while (start < end) {
        unsigned n = MIN((end - start) >> PAGE_SHIFT, (uintptr_t)ENTRIES - index_of(start, 1));
        pte_t *entries = small_entry(start);
        if (!entries)
            return -ENOMEM;
        for (unsigned i = 0; i < n; i++)
            entries[i] = (entries[i] & ~clear) | set;
        start += n * PAGE_SIZE;
    }
    return 0;
}

/* One part of the image, at its own addresses and through the direct map. */
static int protect_part(const char *start, const char *end, bool write, bool execute)
{
    pte_t clear = (write ? 0ull : PTE_WRITE) | (execute ? PTE_NX : 0ull);
    uintptr_t from = ALIGN_DOWN((uintptr_t)start, PAGE_SIZE);
    uintptr_t to = ALIGN_UP((uintptr_t)end, PAGE_SIZE);
    int err = set_range(from, to, clear, execute ? 0 : PTE_NX);
    if (err || write)
        return err;
    uintptr_t alias = DIRECT_MAP_BASE - KERNEL_BASE;
    return set_range(from + alias, to + alias, PTE_WRITE, PTE_NX);
}

static void flush_everything(void *arg)
{
    uint64_t flags = irq_save();
    tlb_flush_global();
    irq_restore(flags);
}

__cold void paging_lockdown(void)
{
    int err = protect_part(__text_start, __text_end, false, true);
    if (!err)
        err = protect_part(__rodata_start, __rodata_end, false, false);
    if (!err)
        err = protect_part(__rodata_end, __kernel_end, true, false);
    if (err)
        log_warning("paging: no memory to write-protect the kernel");
    flush_everything(NULL);
    cpus_call((cpuset_t){~0ull}, flush_everything, NULL);
}
