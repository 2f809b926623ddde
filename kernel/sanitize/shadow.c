/* The shadow's memory: which of it is there, and making it. */
#include "sanitize/shadow.h"

#include "arch/x86_64/paging.h"
#include "core/panic.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/karea.h"

enum { CHUNK_SHIFT = 22, CHUNKS = FRAME_LIMIT >> CHUNK_SHIFT, CARVE_MIN = 160 };
#define SHADOW_FLAGS (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY)

extern const char __kernel_start[], __kernel_end[];
extern pte_t boot_pml4[]; /* its entries of the shadow are there from the start */

static uint64_t covered[CHUNKS / 64];
static uintptr_t karea_end = KAREA_BASE; /* up to here the shadow is there */

static bool chunk_covered(uint64_t chunk)
{
    return __atomic_load_n(&covered[chunk / 64], __ATOMIC_ACQUIRE) >> chunk % 64 & 1;
}

enum shadow_where shadow_where(uintptr_t addr)
{
    if (addr >= (uintptr_t)__kernel_start)
        return addr < (uintptr_t)__kernel_end ? SHADOW_THERE : SHADOW_WILD;
    if (addr >= DIRECT_MAP_BASE && addr - DIRECT_MAP_BASE < FRAME_LIMIT)
        return chunk_covered((addr - DIRECT_MAP_BASE) >> CHUNK_SHIFT) ? SHADOW_THERE
                                                                      : SHADOW_NOT_YET;
    if (addr >= KAREA_BASE && addr < __atomic_load_n(&karea_end, __ATOMIC_ACQUIRE))
        return SHADOW_THERE;
    return (int64_t)addr >= 0 ? SHADOW_PROGRAM : SHADOW_WILD;
}

static void fill(int8_t *shadow, size_t n, uint8_t value)
{
    asm volatile("rep stosb" : "+D"(shadow), "+c"(n) : "a"(value) : "memory");
}

void sanitize_poison(const void *p, size_t n, enum sanitize_mark mark)
{
    if (shadow_where((uintptr_t)p) == SHADOW_THERE)
        fill(shadow_of((uintptr_t)p), (n + 7) / 8, mark);
}

void sanitize_unpoison(const void *p, size_t n)
{
    int8_t *shadow = shadow_of((uintptr_t)p);
    if (shadow_where((uintptr_t)p) != SHADOW_THERE)
        return;
    fill(shadow, n / 8, 0);
    if (n % 8)
        shadow[n / 8] = n % 8;
}

uintptr_t shadow_find_bad(uintptr_t addr, size_t n)
{
    uintptr_t end = addr + n, at = addr;
    while (at < end) {
        const int8_t *shadow = shadow_of(at);
        if (at % 64 == 0 && end - at >= 64 && !*(const uint64_t *)shadow) {
            at += 64;
            continue;
        }
        uintptr_t next = ALIGN_DOWN(at, 8ul) + 8;
        int last = (int)(MIN(next, end) - 1 - ALIGN_DOWN(at, 8ul));
        if (*shadow && last >= *shadow)
            return *shadow < 0 ? at : MAX(at, ALIGN_DOWN(at, 8ul) + *shadow);
        at = next;
    }
    return 0;
}

/* --- the tables --------------------------------------------------------------------------------
 */

static paddr_t zeroed(paddr_t frame)
{
    if (frame)
        fill(phys_to_virt(frame), PAGE_SIZE, 0);
    return frame;
}

/* Fill an entry if it is empty; false: no frame. Two CPUs may come at once. */
static bool make_entry(pte_t *entry, pte_t flags, paddr_t (*take)(void *), void *arg)
{
    pte_t seen = 0;
    if (__atomic_load_n(entry, __ATOMIC_ACQUIRE))
        return true;
    paddr_t frame = zeroed(take(arg));
    if (!frame)
        return false;
    /* The frame of the slower one is lost: a few pages in the life of a machine. */
    __atomic_compare_exchange_n(entry, &seen, frame | SHADOW_FLAGS | flags, false, __ATOMIC_ACQ_REL,
                                __ATOMIC_ACQUIRE);
    return true;
}

/* Make the shadow page that lies at address; the PML4's entry is there for good. */
static bool make_page(uintptr_t address, paddr_t (*take)(void *), void *arg)
{
    pte_t *table = boot_pml4;
    for (int shift = 39; shift >= PAGE_SHIFT; shift -= 9) {
        pte_t *entry = &table[address >> shift & 511];
        if (shift == 39)
            assert(*entry & PTE_PRESENT, "no shadow there");
        else if (!make_entry(entry, shift == PAGE_SHIFT ? PTE_NX : 0, take, arg))
            return false;
        table = phys_to_virt(*entry & PTE_ADDR_MASK);
    }
    return true;
}

/* --- frames (their lock is held) ---------------------------------------------------------------
 */

struct source {
    paddr_t start;
    bool carve;
    paddr_t (*more)(void);
};

static paddr_t take_frame(void *arg)
{
    struct source *source = arg;
    if (!source->carve)
        return source->more();
    paddr_t frame = source->start;
    source->start += PAGE_SIZE;
    return frame;
}

paddr_t sanitize_cover_chunk(paddr_t start, paddr_t end, paddr_t (*more)(void))
{
    uint64_t chunk = start >> CHUNK_SHIFT;
    if (chunk_covered(chunk))
        return start;
    struct source source = {start, (end - start) >> PAGE_SHIFT >= CARVE_MIN, more};
    uintptr_t first = (uintptr_t)shadow_of(DIRECT_MAP_BASE + (chunk << CHUNK_SHIFT));
    for (uintptr_t at = first; at < first + (1ul << CHUNK_SHIFT) / 8; at += PAGE_SIZE)
        if (!make_page(at, take_frame, &source))
            return end;
    __atomic_fetch_or(&covered[chunk / 64], 1ul << chunk % 64, __ATOMIC_RELEASE);
    return source.start;
}

/* --- the kernel area ---------------------------------------------------------------------------
 */

static paddr_t new_frame(void *arg)
{
    return frame_alloc(0, 0);
}

int sanitize_cover_karea(uintptr_t addr, size_t size)
{
    uintptr_t end = addr + size, seen = __atomic_load_n(&karea_end, __ATOMIC_RELAXED);
    uintptr_t at = ALIGN_DOWN((uintptr_t)shadow_of(addr), PAGE_SIZE);
    for (; at < (uintptr_t)shadow_of(end); at += PAGE_SIZE)
        if (!make_page(at, new_frame, NULL))
            return -ENOMEM;
    while (seen < end && !__atomic_compare_exchange_n(&karea_end, &seen, end, false,
                                                      __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        ;
    sanitize_unpoison((void *)addr, size);
    return 0;
}
