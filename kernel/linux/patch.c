/* linux/patch.c: a system call as a jump (DESIGN.md, decision 2).
 *
 * Almost every call site is `mov $nr, %eax; syscall` (b8 imm32 0f 05). The five bytes of the mov
 * become `jmp stub`; the two of the syscall stay, so that a jump to them, and a restarted call, are
 * still right. The stub, within reach of the jump, loads rax, puts the return address into rcx and
 * jumps into the kernel. Nothing is pushed, no flag changes. Whoever runs the old bytes meanwhile
 * is right too, so the change needs no shoot-down; it must only be seen whole, hence not across a
 * cache line while other threads run. */
#include "arch/x86_64/entry.h"
#include "core/boot.h"
#include "core/trace.h"
#include "lib/string.h"
#include "linux/numbers.h"
#include "linux/task.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/uaccess.h"

enum {
    MOV_LEN = 5,
    SITE_LEN = 7,
    STUB_LEN = 24,
    STUBS_AT = 32,
    REFUSED = 64,
    AREAS_MAX = 32,
    CACHE_LINE = 64
};
#define REACH 0x7fff0000l /* of a jump with a 32-bit displacement, less a margin */

/* A page of stubs near some code: the kernel's entry at its start, stubs behind it. */
struct stub_page {
    uintptr_t addr;
    uint8_t *bytes; /* the same page in the direct map */
    size_t used;
};
struct patch_area {
    struct mutex lock;
    struct stub_page pages[AREAS_MAX];
    unsigned npages;
    uintptr_t refused[REFUSED]; /* sites that stay as they are, by hash of the address */
};

static bool near(uintptr_t a, uintptr_t b)
{
    int64_t distance = a - b;
    return distance < REACH && distance > -REACH;
}

static struct patch_area *area_of(struct address_space *space)
{
    void *area = atomic_load_explicit(&space->code_notes, memory_order_acquire), *fresh;

    if (area)
        return area;
    fresh = kzalloc(sizeof(struct patch_area));
    if (fresh && !atomic_compare_exchange_strong(&space->code_notes, &area, fresh)) {
        kfree(fresh);
        return area;
    }
    return fresh;
}

/* Map a page for stubs at a place in reach that nobody else will want: below the code first. */
static struct stub_page *new_page(struct address_space *space, struct patch_area *area,
                                  uintptr_t site)
{
    static const int64_t offsets[] = {-0x100000, -0x20000000, -0x40000000, 0x60000000, 0x40000000};
    if (area->npages == AREAS_MAX)
        return NULL;
    for (unsigned i = 0; i < ARRAY_SIZE(offsets); i++) {
        uintptr_t at = (site + offsets[i]) & PAGE_MASK;
        struct map_request request = {
            .addr = at,
            .length = PAGE_SIZE,
            .prot = PROT_READ | PROT_EXEC,
            .max_prot = PROT_READ | PROT_EXEC,
            .label = "[osprey]",
            .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
        };
        if ((offsets[i] < 0 && site < (uintptr_t)-offsets[i] + 0x10000) || at >= USER_END ||
            address_space_map(space, &request) != (ssize_t)at)
            continue;
        paddr_t frame;
        if (address_space_pin(space, at, true, &frame)) {
            address_space_unmap(space, at, PAGE_SIZE);
            return NULL;
        }
        struct stub_page *page = &area->pages[area->npages++];
        *page = (struct stub_page){at, phys_to_virt(frame), STUBS_AT};
        uint64_t entry = (uintptr_t)syscall_entry_fast;
        memcpy(page->bytes, &entry, sizeof(entry));
        frame_put(frame); /* the mapping keeps it */
        return page;
    }
    return NULL;
}

/* After fork() parent and child share the frame, and the parent goes on writing to it: the child
 * gets a copy before it adds a stub of its own. */
static bool make_own(struct address_space *space, struct stub_page *page)
{
    paddr_t frame;

    if (page->bytes)
        return true;
    if (address_space_pin(space, page->addr, true, &frame) < 0)
        return false;
    page->bytes = phys_to_virt(frame);
    frame_put(frame);
    return true;
}

static struct stub_page *page_for(struct address_space *space, struct patch_area *area,
                                  uintptr_t site)
{
    for (unsigned i = 0; i < area->npages; i++)
        if (near(area->pages[i].addr, site) && area->pages[i].used + STUB_LEN <= PAGE_SIZE &&
            make_own(space, &area->pages[i]))
            return &area->pages[i];
    return new_page(space, area, site);
}

static void put32(uint8_t *p, int64_t v)
{
    int32_t narrow = v;
    memcpy(p, &narrow, 4);
}

/* mov $nr, %eax; lea return_address(%rip), %rcx; jmp *entry(%rip) */
static uintptr_t write_stub(struct stub_page *page, uint32_t nr, uintptr_t return_address)
{
    uint8_t code[STUB_LEN] = {0xb8, 0, 0, 0, 0, 0x48, 0x8d, 0x0d, 0, 0, 0, 0, 0xff, 0x25};
    uintptr_t at = page->addr + page->used;
    put32(code + 1, nr);
    put32(code + 8, return_address - (at + 12));
    put32(code + 14, page->addr - (at + 18));
    memset(code + 18, 0xcc, STUB_LEN - 18);
    memcpy(page->bytes + page->used, code, STUB_LEN);
    page->used += STUB_LEN;
    return at;
}

/* Program text that nobody writes: a private, executable, read-only mapping of a file. */
static bool is_text(struct address_space *space, uintptr_t site)
{
    read_lock(&space->lock);
    const struct mapping *m = address_space_find(space, site);
    bool text = m && m->start <= site && site + SITE_LEN <= m->end && m->object &&
                (m->prot & (PROT_EXEC | PROT_WRITE)) == PROT_EXEC && m->flags & MAP_PRIVATE;
    read_unlock(&space->lock);
    return text;
}

/* The mov with its immediate, the whole of it, and not the tail of a longer instruction (a REX
 * prefix before it would make it another register's). */
static bool is_site(uintptr_t site, uint64_t nr)
{
    uint8_t code[SITE_LEN + 1];
    uint32_t immediate;
    if (user_read(code, site - 1, sizeof(code)))
        return false;
    memcpy(&immediate, code + 2, 4);
    return code[1] == 0xb8 && immediate == nr && code[6] == 0x0f && code[7] == 0x05 &&
           (code[0] & 0xf0) != 0x40;
}

/* Does no other thread run in the space? */
static bool is_alone(const struct process *process)
{
    return process->nthreads == 1 &&
           atomic_load_explicit(&process->space->refs, memory_order_relaxed) == 1;
}

static bool patch(struct process *process, struct patch_area *area, uintptr_t site, uint32_t nr)
{
    struct address_space *space = process->space;
    if (!is_site(site, nr) || nr == NR_rt_sigreturn || !is_text(space, site))
        return false;
    if (site / CACHE_LINE != (site + MOV_LEN - 1) / CACHE_LINE && !is_alone(process))
        return false;
    struct stub_page *page = page_for(space, area, site);
    if (!page)
        return false;
    uintptr_t stub = write_stub(page, nr, site + SITE_LEN);
    uint8_t jump[MOV_LEN] = {0xe9};
    put32(jump + 1, stub - (site + MOV_LEN));
    TRACE(syscall_patch, "%#lx, call %u, stub %#lx", site, nr, stub);
    return address_space_poke(space, site, jump, sizeof(jump)) == 0;
}

static void try_patch(uintptr_t return_address, uint64_t nr)
{
    struct process *process = current_process();
    struct patch_area *area =
        atomic_load_explicit(&process->space->code_notes, memory_order_acquire);
    uintptr_t *refused = area ? &area->refused[return_address / 4 % REFUSED] : NULL;
    if (refused && *refused == return_address)
        return;
    area = area_of(process->space);
    if (!area || !mutex_trylock(&area->lock))
        return;
    if (!patch(process, area, return_address - SITE_LEN, nr))
        area->refused[return_address / 4 % REFUSED] = return_address;
    mutex_unlock(&area->lock);
}

/* The child's stubs lie in pages that it shares with its parent as any other. */
static int copy_notes(struct address_space *child, struct address_space *space)
{
    struct patch_area *from = atomic_load_explicit(&space->code_notes, memory_order_acquire), *to;

    if (!from)
        return 0;
    to = kzalloc(sizeof(*to));
    if (!to)
        return -ENOMEM;
    mutex_lock(&from->lock);
    to->npages = from->npages;
    for (unsigned i = 0; i < from->npages; i++)
        to->pages[i] = (struct stub_page){from->pages[i].addr, NULL, from->pages[i].used};
    memcpy(to->refused, from->refused, sizeof(to->refused));
    mutex_unlock(&from->lock);
    child->code_notes = to;
    return 0;
}

static int patch_init(void)
{
    if (!boot_param("nopatch") && !boot_param("strace"))
        syscall_patch_hook = try_patch;
    space_fork_hook = copy_notes;
    return 0;
}
BOOT_STEP(PHASE_FS, "system-call patching", patch_init);
