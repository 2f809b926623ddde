/* The kernel area: address ranges by size class, never-used ones from a moving end.
 *
 * A freed range must not be used again before every CPU has forgotten its translations. So freed
 * ranges wait on a list, and one flush on all CPUs serves a whole list of them; their frames can go
 * at once, for nobody touches a freed range. The commonest, small ones (kernel stacks) are kept
 * mapped for the next who wants the same size. */
#include "mm/karea.h"

#include "arch/x86_64/irqflags.h"
#include "arch/x86_64/paging.h"
#include "core/cpu.h"
#include "core/mutex.h"
#include "core/panic.h"
#include "core/spinlock.h"
#include "lib/sanitize.h"
#include "mm/frame.h"
#include "mm/heap.h"

/* The tables of one PML4 entry are made at boot (arch/x86_64/paging.h): that much is usable. */
#define AREA_END (KAREA_BASE + (1ul << 39))
_Static_assert(AREA_END <= KAREA_END, "karea");

enum {
    CLASSES = 128,
    KEPT_PAGES = 8, /* ranges up to this size are kept mapped */
    KEPT_MAX = 16,  /* of each size, while memory is plentiful */
    KEPT_FEW = 2,   /* always */
    WAITING_MAX = 64,
};
#define MEMORY_FLAGS (PTE_WRITE | PTE_NX | PTE_GLOBAL | PTE_ACCESSED | PTE_DIRTY)
#define DEVICE_FLAGS (MEMORY_FLAGS | PTE_NOCACHE | PTE_WRITE_THROUGH)

struct range {
    struct range *next;
    uintptr_t start; /* of the first guard page */
};

static struct spinlock lock;
static uintptr_t next_unused = KAREA_BASE;
static struct range *clean[CLASSES];
static struct range *waiting[CLASSES]; /* for a flush */
static unsigned nwaiting;
static uintptr_t kept[KEPT_PAGES + 1][KEPT_MAX];
static unsigned nkept[KEPT_PAGES + 1];

/* Sizes grow by an eighth from class to class, so that ranges of about a size serve each other. */
static unsigned class_of(size_t npages, size_t *rounded)
{
    unsigned class = 0;
    size_t size = 1;
    while (size < npages) {
        size += size / 8 + 1;
        class ++;
    }
    *rounded = size;
    return class;
}

static void flush_all(void *arg)
{
    uint64_t flags = irq_save();
    tlb_flush_global();
    irq_restore(flags);
}

/* Make the waiting ranges usable again. */
static void flush_waiting(void)
{
    struct range *lists[CLASSES];
    uint64_t irq = spin_lock_irq(&lock);
    for (unsigned i = 0; i < CLASSES; i++) {
        lists[i] = waiting[i];
        waiting[i] = NULL;
    }
    nwaiting = 0;
    spin_unlock_irq(&lock, irq);

    flush_all(NULL);
    if (ncpus > 1)
        cpus_call((cpuset_t){~0ull}, flush_all, NULL);
    for (unsigned i = 0; i < CLASSES; i++)
        while (lists[i]) {
            struct range *range = lists[i];
            lists[i] = range->next;
            irq = spin_lock_irq(&lock);
            range->next = clean[i];
            clean[i] = range;
            spin_unlock_irq(&lock, irq);
        }
}

/* A range of npages with a guard page on either side: the address behind the first; 0: none. */
static uintptr_t range_get(size_t npages)
{
    size_t size;
    unsigned class = class_of(npages + 2, &size);
    if (class >= CLASSES)
        return 0;
    uintptr_t start = 0;
    uint64_t irq = spin_lock_irq(&lock);
    struct range *range = clean[class];
    if (range) {
        clean[class] = range->next;
        start = range->start;
    } else if (size <= (AREA_END - next_unused) >> PAGE_SHIFT) {
        start = next_unused;
        next_unused += size << PAGE_SHIFT;
    }
    spin_unlock_irq(&lock, irq);
    kfree(range);
    return start ? start + PAGE_SIZE : 0;
}

static void range_put(uintptr_t addr, size_t npages)
{
    size_t size;
    unsigned class = class_of(npages + 2, &size);
    struct range *range = kmalloc(sizeof(*range));
    if (!range)
        return; /* the addresses are lost, there are many */
    range->start = addr - PAGE_SIZE;
    uint64_t irq = spin_lock_irq(&lock);
    range->next = waiting[class];
    waiting[class] = range;
    bool flush = ++nwaiting >= WAITING_MAX;
    spin_unlock_irq(&lock, irq);
    if (flush)
        flush_waiting();
}

static paddr_t unmap_page(uintptr_t addr)
{
    unsigned level = 1;
    pte_t *entry = paging_walk(kernel_pml4, addr, &level, false);
    if (!entry || !(*entry & PTE_PRESENT))
        return 0;
    paddr_t paddr = *entry & PTE_ADDR_MASK;
    *entry = 0;
    return paddr;
}

static void release(uintptr_t addr, size_t npages, size_t mapped)
{
    for (size_t i = 0; i < mapped; i++) {
        paddr_t frame = unmap_page(addr + i * PAGE_SIZE);
        if (frame)
            frame_free(frame, 0);
    }
    range_put(addr, npages);
}

static uintptr_t kept_take(size_t npages)
{
    uintptr_t addr = 0;
    if (npages > KEPT_PAGES)
        return 0;
    uint64_t irq = spin_lock_irq(&lock);
    if (nkept[npages])
        addr = kept[npages][--nkept[npages]];
    spin_unlock_irq(&lock, irq);
    return addr;
}

static bool kept_put(uintptr_t addr, size_t npages)
{
    bool taken = false;
    if (npages > KEPT_PAGES)
        return false;
    uint64_t irq = spin_lock_irq(&lock);
    if (nkept[npages] < (frame_plentiful() ? KEPT_MAX : KEPT_FEW)) {
        kept[npages][nkept[npages]++] = addr;
        taken = true;
    }
    spin_unlock_irq(&lock, irq);
    return taken;
}

static void zero_pages(uintptr_t addr, size_t npages)
{
    size_t words = npages * (PAGE_SIZE / 8);
    asm volatile("rep stosq" : "+D"(addr), "+c"(words) : "a"(0ul) : "memory");
}

void *karea_alloc(size_t npages)
{
    if (!npages)
        return NULL;
    uintptr_t addr = kept_take(npages);
    if (addr) {
        zero_pages(addr, npages);
        sanitize_unpoison((void *)addr, npages << PAGE_SHIFT);
        return (void *)addr;
    }
    addr = range_get(npages);
    if (!addr || (SANITIZED && sanitize_cover_karea(addr, npages << PAGE_SHIFT) < 0))
        return NULL;
    for (size_t i = 0; i < npages; i++) {
        paddr_t frame = frame_alloc(0, FRAME_ZERO);
        if (!frame || paging_map_kernel(addr + i * PAGE_SIZE, frame, PAGE_SIZE, MEMORY_FLAGS) < 0) {
            if (frame)
                frame_free(frame, 0);
            release(addr, npages, i);
            return NULL;
        }
    }
    return (void *)addr;
}

void karea_free(void *p, size_t npages)
{
    if (SANITIZED && p)
        sanitize_poison(p, npages << PAGE_SHIFT, SANITIZE_KAREA_FREE);
    if (p && !kept_put((uintptr_t)p, npages))
        release((uintptr_t)p, npages, npages);
}

static size_t device_pages(uintptr_t addr, size_t size)
{
    return ((addr & ~PAGE_MASK) + size + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

void volatile *karea_map_device(paddr_t paddr, size_t size)
{
    size_t npages = device_pages(paddr, size);
    uintptr_t addr = range_get(npages);
    if (!addr || (SANITIZED && sanitize_cover_karea(addr, npages << PAGE_SHIFT) < 0))
        return NULL;
    if (paging_map_kernel(addr, paddr & PAGE_MASK, npages << PAGE_SHIFT, DEVICE_FLAGS) < 0) {
        range_put(addr, npages);
        return NULL;
    }
    return (void volatile *)(addr + (paddr & ~PAGE_MASK));
}

void karea_unmap_device(void volatile *p, size_t size)
{
    uintptr_t addr = (uintptr_t)p & PAGE_MASK;
    size_t npages = device_pages((uintptr_t)p, size);
    paging_unmap_kernel(addr, npages << PAGE_SHIFT);
    range_put(addr, npages);
}

static bool mapped(uintptr_t addr)
{
    unsigned level = 1;
    pte_t *entry = paging_walk(kernel_pml4, addr, &level, false);
    return entry && *entry & PTE_PRESENT;
}

bool karea_is_guard(uintptr_t p)
{
    if (p < KAREA_BASE || p >= next_unused || mapped(p))
        return false;
    return mapped(p + PAGE_SIZE) || (p >= KAREA_BASE + PAGE_SIZE && mapped(p - PAGE_SIZE));
}
