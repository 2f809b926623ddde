/* linux/patch.c: a system call as a jump (DESIGN.md, decision 2).
 *
 * Almost every call site is `mov $nr, %eax; syscall` (b8 imm32 0f 05). The five bytes of the mov
 * become `jmp stub`; the two of the syscall stay, so that a jump to them, and a restarted call, are
 * still right. The stub, within reach of the jump, loads rax, puts the return address into rcx and
 * jumps into the kernel. Nothing is pushed, no flag changes. Whoever runs the old bytes meanwhile
 * is right too, so the change needs no shoot-down; it must only be seen whole, hence not across a
 * cache line while other threads run.
 *
 * A patched page is the process's own copy: it costs as much as some 40 calls the slow way save. So
 * a site is patched when it has run about PATCH_AFTER times; short programs never patch. */
#include "linux/patch.h"

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
    PATCH_AFTER = 32,
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
    uintptr_t refused[REFUSED];    /* sites that stay as they are, by hash of the address */
    _Atomic uint8_t slow[REFUSED]; /* calls of other sites of that hash since one was patched */
    unsigned frozen;               /* traced threads of the space: nothing is patched */
    bool own_gs;                   /* a thread has a GS base: new stubs lead to syscall_entry_gs */
    bool all_gs;                   /* so do the old; a fork's child has to look again */
    bool restored;                 /* some stubs are without their jump: look there first */
    _Atomic uintptr_t changed;     /* the last site that had a breakpoint while it changed */
    atomic_bool changing;          /* it has it still */
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
        uint64_t entry = (uintptr_t)(area->own_gs ? syscall_entry_gs : syscall_entry_fast);
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

/* --- sites and their stubs ---------------------------------------------------------------------
 */

struct stub {
    uintptr_t at, site;
    uint32_t nr;
};

/* What lies at addr, within one page. */
static bool look(struct address_space *space, uintptr_t addr, void *bytes, size_t n)
{
    paddr_t frame;

    if (address_space_pin(space, addr, false, &frame) < 0)
        return false;
    memcpy(bytes, (char *)phys_to_virt(frame) + (addr & ~PAGE_MASK), n);
    frame_put(frame);
    return true;
}

static int32_t get32(const uint8_t *p)
{
    int32_t v;
    memcpy(&v, p, 4);
    return v;
}

/* Call fn for each stub with its site in [start, end) until it says false. With area->lock. */
static void each_stub(struct address_space *space, struct patch_area *area, uintptr_t start,
                      uintptr_t end, bool (*fn)(struct address_space *, struct stub *, void *),
                      void *arg)
{
    for (unsigned i = 0; i < area->npages; i++) {
        const struct stub_page *page = &area->pages[i];
        for (size_t at = STUBS_AT; at + STUB_LEN <= page->used; at += STUB_LEN) {
            uint8_t code[STUB_LEN];
            if (!look(space, page->addr + at, code, sizeof(code)))
                break;
            struct stub stub = {.at = page->addr + at, .nr = get32(code + 1)};
            stub.site = stub.at + 12 + get32(code + 8) - SITE_LEN;
            if (stub.site + MOV_LEN > start && stub.site < end && !fn(space, &stub, arg))
                return;
        }
    }
}

/* Does the site jump there? */
static bool is_patched(struct address_space *space, const struct stub *stub)
{
    uint8_t code[MOV_LEN];

    return look(space, stub->site, code, sizeof(code)) && code[0] == 0xe9 &&
           stub->site + MOV_LEN + get32(code + 1) == stub->at;
}

static bool find_stub(struct address_space *space, struct stub *stub, void *arg)
{
    struct stub *wanted = arg;

    if (stub->site == wanted->site && stub->nr == wanted->nr)
        wanted->at = stub->at;
    return !wanted->at;
}

static uintptr_t old_stub(struct address_space *space, struct patch_area *area, uintptr_t site,
                          uint32_t nr)
{
    struct stub wanted = {.site = site, .nr = nr};

    if (area->restored)
        each_stub(space, area, site, site + 1, find_stub, &wanted);
    return wanted.at;
}

static bool patch(struct process *process, struct patch_area *area, uintptr_t site, uint32_t nr)
{
    struct address_space *space = process->space;
    if (!is_site(site, nr) || nr == NR_rt_sigreturn || !is_text(space, site))
        return false;
    if (site / CACHE_LINE != (site + MOV_LEN - 1) / CACHE_LINE && !is_alone(process))
        return false;
    uintptr_t stub = old_stub(space, area, site, nr);
    struct stub_page *page = stub ? NULL : page_for(space, area, site);
    if (!page && !stub)
        return false;
    if (page)
        stub = write_stub(page, nr, site + SITE_LEN);
    uint8_t jump[MOV_LEN] = {0xe9};
    put32(jump + 1, stub - (site + MOV_LEN));
    TRACE(syscall_patch, "%#lx, call %u, stub %#lx", site, nr, stub);
    return address_space_poke(space, site, jump, sizeof(jump)) == 0;
}

/* Sites that share the count are patched by turns. Two processors may count as one. */
static bool is_due(_Atomic uint8_t *slow)
{
    unsigned n = atomic_load_explicit(slow, memory_order_relaxed) + 1;

    atomic_store_explicit(slow, n % PATCH_AFTER, memory_order_relaxed);
    return n == PATCH_AFTER;
}

static void try_patch(uintptr_t return_address, uint64_t nr)
{
    struct process *process = current_process();
    struct patch_area *area = area_of(process->space);
    unsigned hash = return_address / 4 % REFUSED;
    if (!area || area->refused[hash] == return_address || !is_due(&area->slow[hash]) ||
        !mutex_trylock(&area->lock))
        return;
    if (!area->frozen && !patch(process, area, return_address - SITE_LEN, nr))
        area->refused[hash] = return_address;
    mutex_unlock(&area->lock);
}

/* The child's stubs lie in pages that it shares with its parent as any other. */
static int copy_notes(struct address_space *child, struct address_space *space)
{
    struct patch_area *from = atomic_load_explicit(&space->code_notes, memory_order_acquire), *to;

    if (!from || !(from->npages || from->own_gs))
        return 0;
    to = kzalloc(sizeof(*to));
    if (!to)
        return -ENOMEM;
    mutex_lock(&from->lock);
    to->npages = from->npages;
    to->own_gs = from->own_gs;
    for (unsigned i = 0; i < from->npages; i++)
        to->pages[i] = (struct stub_page){from->pages[i].addr, NULL, from->pages[i].used};
    mutex_unlock(&from->lock);
    child->code_notes = to;
    return 0;
}

/* --- debuggers ---------------------------------------------------------------------------------
 */

static void synchronise(void *arg)
{
}

/* The bytes do not lie in one cache line, and other threads may run them: they meet a breakpoint
 * while the rest changes, and try again (patch_took_trap). */
static void change_in_steps(struct address_space *space, struct patch_area *area, uintptr_t site,
                            const uint8_t *code)
{
    static const uint8_t breakpoint = 0xcc;

    atomic_store(&area->changing, true);
    atomic_store(&area->changed, site);
    (void)address_space_poke(space, site, &breakpoint, 1);
    cpus_call((cpuset_t){~0ull}, synchronise, NULL);
    (void)address_space_poke(space, site + 1, code + 1, MOV_LEN - 1);
    cpus_call((cpuset_t){~0ull}, synchronise, NULL);
    (void)address_space_poke(space, site, code, 1);
    cpus_call((cpuset_t){~0ull}, synchronise, NULL);
    atomic_store(&area->changing, false);
}

static bool restore(struct address_space *space, struct stub *stub, void *arg)
{
    struct patch_area *area = arg;
    uint8_t code[MOV_LEN] = {0xb8};

    put32(code + 1, stub->nr);
    if (!is_patched(space, stub))
        return true;
    if (stub->site / CACHE_LINE != (stub->site + MOV_LEN - 1) / CACHE_LINE)
        change_in_steps(space, area, stub->site, code);
    else
        (void)address_space_poke(space, stub->site, code, sizeof(code));
    area->restored = true;
    return true;
}

int patch_freeze(struct address_space *space)
{
    struct patch_area *area = area_of(space);

    if (!area)
        return -ENOMEM;
    mutex_lock(&area->lock);
    if (area->frozen++ == 0)
        each_stub(space, area, 0, USER_END, restore, area);
    mutex_unlock(&area->lock);
    return 0;
}

void patch_thaw(struct address_space *space)
{
    struct patch_area *area = atomic_load_explicit(&space->code_notes, memory_order_acquire);

    if (!area)
        return;
    mutex_lock(&area->lock);
    if (area->frozen)
        area->frozen--;
    mutex_unlock(&area->lock);
}

void patch_restore(struct address_space *space, uintptr_t addr, size_t n)
{
    struct patch_area *area = atomic_load_explicit(&space->code_notes, memory_order_acquire);

    if (!area || area->frozen)
        return;
    mutex_lock(&area->lock);
    each_stub(space, area, addr, addr + n, restore, area);
    mutex_unlock(&area->lock);
}

int patch_own_gs(struct address_space *space)
{
    struct patch_area *area = area_of(space);
    uint64_t entry = (uintptr_t)syscall_entry_gs;
    int error = area ? 0 : -ENOMEM;

    if (error || area->all_gs)
        return error;
    mutex_lock(&area->lock);
    for (unsigned i = 0; i < area->npages && !error; i++) {
        error = address_space_poke(space, area->pages[i].addr, &entry, sizeof(entry));
        area->pages[i].bytes = NULL; /* the space may have its own copy only now */
    }
    area->own_gs |= !error;
    area->all_gs = !error;
    mutex_unlock(&area->lock);
    return error;
}

struct hide {
    uintptr_t addr;
    uint8_t *bytes;
    size_t n;
};

static bool hide(struct address_space *space, struct stub *stub, void *arg)
{
    const struct hide *to = arg;
    uint8_t code[MOV_LEN] = {0xb8};

    put32(code + 1, stub->nr);
    if (!is_patched(space, stub))
        return true;
    for (unsigned i = 0; i < MOV_LEN; i++)
        if (stub->site + i - to->addr < to->n)
            to->bytes[stub->site + i - to->addr] = code[i];
    return true;
}

void patch_hide(struct address_space *space, uintptr_t addr, void *bytes, size_t n)
{
    struct patch_area *area = atomic_load_explicit(&space->code_notes, memory_order_acquire);
    struct hide to = {addr, bytes, n};

    if (!area || area->frozen)
        return;
    mutex_lock(&area->lock);
    each_stub(space, area, addr, addr + n, hide, &to);
    mutex_unlock(&area->lock);
}

static bool in_stubs(const struct patch_area *area, uintptr_t rip)
{
    for (unsigned i = 0; i < area->npages; i++)
        if (rip - area->pages[i].addr < PAGE_SIZE)
            return true;
    return false;
}

static bool find_at(struct address_space *space, struct stub *stub, void *arg)
{
    struct stub *wanted = arg;

    if (wanted->at - stub->at >= STUB_LEN)
        return true;
    wanted->site = stub->site;
    wanted->nr = stub->nr;
    wanted->at -= stub->at;
    return false;
}

void patch_leave_stub(struct regs *regs)
{
    struct address_space *space = current_process()->space;
    struct patch_area *area = atomic_load_explicit(&space->code_notes, memory_order_acquire);
    struct stub stub = {.at = regs->rip};

    if (!area || !in_stubs(area, regs->rip))
        return;
    mutex_lock(&area->lock);
    each_stub(space, area, 0, USER_END, find_at, &stub);
    if (stub.site) {
        each_stub(space, area, stub.site, stub.site + 1, restore, area);
        regs->rip = stub.at ? stub.site + MOV_LEN : stub.site; /* the mov is done or not */
    }
    mutex_unlock(&area->lock);
}

bool patch_took_trap(struct regs *regs)
{
    struct address_space *space = current_process()->space;
    struct patch_area *area = atomic_load_explicit(&space->code_notes, memory_order_acquire);
    uintptr_t rip = regs->rip;
    uint8_t byte;

    if (!area)
        return false;
    if (rip - 1 == atomic_load(&area->changed) &&
        (atomic_load(&area->changing) || (look(space, rip - 1, &byte, 1) && byte != 0xcc))) {
        regs->rip--;
        return true;
    }
    patch_leave_stub(regs);
    return regs->rip != rip;
}

static int patch_init(void)
{
    if (!boot_param("nopatch") && !boot_param("strace"))
        syscall_patch_hook = try_patch;
    space_fork_hook = copy_notes;
    return 0;
}
BOOT_STEP(PHASE_FS, "system-call patching", patch_init);
