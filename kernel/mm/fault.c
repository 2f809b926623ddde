/* Page faults: finding the mapping, growing stacks, filling and copying pages. */
#include "core/thread.h"
#include "lib/string.h"
#include "mm/space.h"

enum { SEGV_MAPERR = 1, SEGV_ACCERR = 2, BUS_ADRERR = 2, AROUND = 16 };
enum {
    FAULT_FORCE = 16, /* whatever the protection: make the page private (debuggers, patching) */
    RETRY = 1,        /* the lock was dropped: look again */
    OWN = 2,          /* the table is shared: table_own() first */
};

const char zero_page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE), section(".bss.ro.zero")));

struct fault {
    struct address_space *space;
    struct mapping *mapping;
    uintptr_t page; /* address */
    unsigned access;
    pte_t *entry; /* level 1 */
};

/* --- memory for the program ----------------------------------------------------------------------
 */

static paddr_t program_frame(unsigned flags)
{
    for (;;) {
        paddr_t frame = frame_alloc(0, flags | FRAME_USER);
        if (likely(frame) || !frame_reclaim())
            return frame;
    }
}

static void copy_page(paddr_t to, paddr_t from)
{
    void *dst = phys_to_virt(to);
    const void *src = from == virt_to_phys(zero_page) ? zero_page : phys_to_virt(from);
    size_t words = PAGE_SIZE / 8;
    asm volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(words) : : "memory");
}

static pte_t owned(paddr_t frame)
{
    return frame_managed(frame) ? PTE_OWNED : 0;
}

/* Replace an entry by another frame (or rights); false: somebody was faster. */
static bool replace(struct fault *fault, pte_t old, pte_t new)
{
    struct address_space *space = fault->space;
    uint64_t irq = spin_lock_irq(&space->pte_lock);
    bool done = pte_swap(fault->entry, old, new);
    spin_unlock_irq(&space->pte_lock, irq);
    if (!done)
        return false;
    struct gather gather;
    gather_begin(&gather, space);
    gather_flush(&gather, fault->page, PAGE_SIZE);
    if (old & PTE_OWNED && pte_frame(old) != pte_frame(new))
        gather_frame(&gather, pte_frame(old));
    gather_end(&gather);
    return true;
}

/* --- anonymous memory ----------------------------------------------------------------------------
 */

static bool huge_fits(const struct mapping *mapping, uintptr_t addr)
{
    uintptr_t base = ALIGN_DOWN(addr, HUGE_SIZE);
    if (mapping->object || mapping->no_huge || mapping->flags & (MAP_STACK | MAP_GROWSDOWN))
        return false;
    if (base < mapping->start || base + HUGE_SIZE > mapping->end)
        return false;
    return mapping->want_huge || frame_plentiful();
}

/* 0: mapped, or -ENOENT: not with a huge page. */
static int fill_huge(struct fault *fault, pte_t *entry)
{
    paddr_t frame = frame_alloc(FRAME_ORDER_HUGE, FRAME_USER | FRAME_ZERO);
    if (!frame)
        return -ENOENT;
    pte_t pte = frame | pte_rights(fault->mapping->prot) | PTE_HUGE | PTE_OWNED;
    if (!pte_swap(entry, 0, pte)) {
        frame_put(frame);
        return -ENOENT;
    }
    resident_add(fault->space, ENTRIES);
    return 0;
}

/* A page of zeros that is read first costs a shoot-down when it is written: with other CPUs at work
 * in the space it gets a frame at once. */
static bool will_be_written(const struct fault *fault)
{
    return atomic_load_explicit(&fault->space->active_cpus, memory_order_relaxed) &
               ~(1ull << this_cpu()->id) &&
           fault->mapping->prot & PROT_WRITE && frame_plentiful();
}

static int fill_anonymous(struct fault *fault)
{
    pte_t pte = pte_rights(fault->mapping->prot);
    if (fault->access & FAULT_WRITE || will_be_written(fault)) {
        paddr_t frame = program_frame(FRAME_ZERO);
        if (!frame)
            return -ENOMEM;
        pte |= frame | PTE_OWNED;
        if (!pte_swap(fault->entry, 0, pte)) {
            frame_put(frame);
            return 0;
        }
    } else {
        pte = (pte & ~(pte_t)(PTE_WRITE | PTE_DIRTY)) | PTE_COW | virt_to_phys(zero_page);
        if (!pte_swap(fault->entry, 0, pte))
            return 0;
    }
    resident_add(fault->space, 1);
    return 0;
}

/* --- objects -------------------------------------------------------------------------------------
 */

static uint64_t object_page(const struct fault *fault)
{
    const struct mapping *mapping = fault->mapping;
    return mapping->object_page + ((fault->page - mapping->start) >> PAGE_SHIFT);
}

/* The bits of an entry for an object's page that is not copied. */
static pte_t object_rights(const struct mapping *mapping, bool writable)
{
    pte_t rights = pte_rights(mapping->prot);
    if (!mapping_shared(mapping))
        return (rights & ~(pte_t)(PTE_WRITE | PTE_DIRTY)) | PTE_COW;
    return writable ? rights : rights & ~(pte_t)(PTE_WRITE | PTE_DIRTY);
}

static pte_t object_pte(const struct mapping *mapping, paddr_t frame, bool writable)
{
    return frame | owned(frame) | object_rights(mapping, writable);
}

/* Map a neighbour's frame, unless its entry is taken; 1 if done. Takes over the reference. */
static int fill_neighbour(const struct fault *fault, long offset, paddr_t frame, pte_t rights,
                          unsigned unmaps)
{
    pte_t *entry = fault->entry + offset, pte = frame | owned(frame) | rights;

    if (pte_load(entry) || !pte_swap(entry, 0, pte)) {
        frame_put(frame);
        return 0;
    }
    /* mem_object_unmap() counts before it clears entries: either it saw ours, or we see it. */
    if (unlikely(atomic_load(&fault->mapping->object->unmaps) != unmaps)) {
        struct fault one = *fault;
        one.entry = entry;
        one.page += offset * (long)PAGE_SIZE;
        return !replace(&one, pte, 0);
    }
    return 1;
}

/* Map what is at hand of the pages around the fault within its table, all of them read-only; true
 * if the page itself came along. */
static bool fill_around(struct fault *fault)
{
    struct mapping *mapping = fault->mapping;
    struct mem_object *object = mapping->object;
    paddr_t frames[AROUND] = {0};

    if (!object->ops->around)
        return false;
    uintptr_t window = ALIGN_DOWN(fault->page, AROUND * PAGE_SIZE);
    uintptr_t low = MAX(window, mapping->start);
    uintptr_t high = MIN(window + AROUND * PAGE_SIZE, mapping->end);
    unsigned n = (high - low) >> PAGE_SHIFT, me = (fault->page - low) >> PAGE_SHIFT;
    unsigned unmaps = atomic_load(&object->unmaps);
    pte_t rights = object_rights(mapping, false);
    int filled = 0;
    object->ops->around(object, object_page(fault) - me, n, frames);
    for (unsigned i = 0; i < n; i++)
        if (frames[i])
            filled += fill_neighbour(fault, (long)i - me, frames[i], rights, unmaps);
    resident_add(fault->space, filled);
    return pte_load(fault->entry) != 0;
}

/* Copy frame, whose reference is dropped, and put the copy in place of `old`. */
static int fill_copy(struct fault *fault, pte_t old, paddr_t frame)
{
    bool zeros = frame == virt_to_phys(zero_page);
    paddr_t copy = program_frame(zeros ? FRAME_ZERO : 0);
    int err = copy ? 0 : -ENOMEM;
    if (copy && !zeros)
        copy_page(copy, frame);
    if (copy) {
        pte_t new = copy | PTE_OWNED | PTE_COPY | pte_rights(fault->mapping->prot);
        if (old ? !replace(fault, old, new) : !pte_swap(fault->entry, 0, new))
            frame_put(copy);
        else if (!old)
            resident_add(fault->space, 1);
    }
    frame_put(frame);
    return err;
}

/* Ask the object for its page with the lock released, then map it if nothing has changed. */
static int fill_object(struct fault *fault, pte_t old)
{
    struct address_space *space = fault->space;
    struct mapping *mapping = fault->mapping;
    struct mem_object *object = mapping->object;
    bool write = fault->access & FAULT_WRITE;
    bool shared_write = write && mapping_shared(mapping), writable = false;
    uint64_t page = object_page(fault);
    unsigned changes = atomic_load(&space->changes), unmaps = atomic_load(&object->unmaps);
    paddr_t frame = 0;

    object->ops->get(object);
    read_unlock(&space->lock);
    int err = object->ops->page(object, page, shared_write, &frame, &writable);
    read_lock(&space->lock);
    if (!err && atomic_load(&space->changes) != changes) {
        frame_put(frame);
        err = RETRY;
    }
    if (err) {
        if (err != RETRY)
            err = err == -ENOMEM ? -ENOMEM : -EIO;
    } else if (write && !shared_write) {
        err = fill_copy(fault, 0, frame);
    } else {
        pte_t new = object_pte(mapping, frame, writable || shared_write);
        bool done = old ? replace(fault, old, new) : pte_swap(fault->entry, 0, new);
        if (!done || (old && pte_frame(old) == frame))
            frame_put(frame); /* an entry that keeps its frame keeps its reference */
        if (done && !old)
            resident_add(space, 1);
        if (done && unlikely(atomic_load(&object->unmaps) != unmaps) && replace(fault, new, 0)) {
            resident_add(space, -1);
            err = RETRY;
        }
    }
    if (err == 0)
        return object->ops->put(object), 0;
    read_unlock(&space->lock); /* put may be the last one and sleep */
    object->ops->put(object);
    read_lock(&space->lock);
    return err;
}

/* --- writing to what is mapped read-only
 * ----------------------------------------------------------- */

static int write_fault(struct fault *fault, pte_t old)
{
    struct mapping *mapping = fault->mapping;
    paddr_t frame = pte_frame(old);

    if (mapping_shared(mapping))
        return fault->access & FAULT_FORCE ? -EFAULT : fill_object(fault, old);
    pte_t rights = pte_rights(mapping->prot);
    if (!(old & PTE_COW) || (old & PTE_OWNED && frame_refs(frame) == 1)) {
        if (!(mapping->prot & PROT_WRITE) && !(old & PTE_COW))
            return 0; /* forced: private already */
        pte_t new = frame | PTE_OWNED | PTE_COPY | rights;
        uint64_t irq = spin_lock_irq(&fault->space->pte_lock);
        bool sole = !(old & PTE_COW) || frame_refs(frame) == 1;
        bool done = sole && pte_swap(fault->entry, old, new);
        spin_unlock_irq(&fault->space->pte_lock, irq);
        if (done)
            tlb_flush_page(fault->page);
        return done ? 0 : RETRY;
    }
    /* Keep the frame while it is read: another CPU may replace the entry meanwhile. */
    uint64_t irq = spin_lock_irq(&fault->space->pte_lock);
    bool still = pte_load(fault->entry) == old;
    if (still && old & PTE_OWNED)
        frame_get(frame);
    spin_unlock_irq(&fault->space->pte_lock, irq);
    return still ? fill_copy(fault, old, frame) : RETRY;
}

/* --- one fault in a mapping that allows it
 * -------------------------------------------------------- */

static int fault_in(struct fault *fault)
{
    struct address_space *space = fault->space;
    struct mapping *mapping = fault->mapping;
    bool write = fault->access & FAULT_WRITE;
    unsigned level = 2;

    pte_t *entry = paging_walk(space->pml4, fault->page, &level, true);
    if (!entry)
        return -ENOMEM;
    pte_t value = pte_load(entry);
    if (!value && (write || mapping->want_huge) && huge_fits(mapping, fault->page) &&
        fill_huge(fault, entry) == 0)
        return 0;
    level = 1;
    if (likely((value & (PTE_PRESENT | PTE_HUGE | PTE_WRITE)) == (PTE_PRESENT | PTE_WRITE)))
        entry = (pte_t *)phys_to_virt(pte_frame(value)) + level_index(fault->page, 1);
    else if (table_is_shared(value))
        return OWN;
    else
        entry = paging_walk(space->pml4, fault->page, &level, true);
    if (!entry)
        return -ENOMEM;
    value = pte_load(entry);
    if (level == 2) { /* our own huge page: only a forced access finds anything missing */
        if (fault->access & FAULT_FORCE)
            return table_split(space, entry) ?: RETRY;
        if (write && !(value & PTE_WRITE))
            pte_swap(entry, value, value | PTE_WRITE | PTE_DIRTY);
        tlb_flush_page(fault->page);
        return 0;
    }
    fault->entry = entry;
    if (!value) {
        if (!mapping->object)
            return fill_anonymous(fault);
        if ((!write || !mapping_shared(mapping)) && fill_around(fault))
            return write ? RETRY : 0;
        return fill_object(fault, 0);
    }
    if (write && (!(value & PTE_WRITE) || fault->access & FAULT_FORCE))
        return write_fault(fault, value);
    tlb_flush_page(fault->page); /* somebody else has mended it */
    return 0;
}

/* --- stacks ------------------------------------------------------------------------------------
 */

/* Extend a stack down to addr. Takes the lock for writing. */
static int grow_stack(struct address_space *space, uintptr_t addr)
{
    int err = -EFAULT;

    write_lock(&space->lock);
    struct mapping *mapping = mapping_find(space, addr);
    if (mapping && mapping->start <= addr) {
        err = 0; /* another thread was here first */
    } else if (mapping && mapping->flags & MAP_GROWSDOWN) {
        uintptr_t start = ALIGN_DOWN(addr, PAGE_SIZE);
        struct mapping *prev = mapping_prev(mapping);
        uintptr_t limit = !prev                                        ? USER_MIN
                          : prev->flags & MAP_GROWSDOWN || !prev->prot ? prev->end
                                                                       : prev->end + STACK_GUARD;
        uint64_t more = (mapping->start - start) >> PAGE_SHIFT;
        if (start >= limit && mapping->end - start <= space->stack_limit &&
            space_may_grow(space, more, false)) {
            mapping_resize(mapping, start, mapping->end);
            err = 0;
        }
    }
    write_unlock(&space->lock);
    return err;
}

/* --- entry points
 * ---------------------------------------------------------------------------------- */

static bool allowed(const struct mapping *mapping, unsigned access)
{
    if (access & FAULT_FORCE)
        return true;
    if (access & FAULT_WRITE)
        return mapping->prot & PROT_WRITE;
    if (access & FAULT_EXEC && access & FAULT_PROTECTION)
        return mapping->prot & PROT_EXEC; /* else it may be beyond the end of a file: SIGBUS */
    return mapping->prot != 0;
}

/* With the lock held for reading, which is released and taken again at times. 0, RETRY, or errno
 * with *code. */
static int fault_once(struct address_space *space, uintptr_t addr, unsigned access, int *code)
{
    struct mapping *mapping = mapping_find(space, addr);
    if (unlikely(!mapping || mapping->start > addr)) {
        *code = SEGV_MAPERR;
        if (!mapping || !(mapping->flags & MAP_GROWSDOWN) || access & FAULT_FORCE)
            return -EFAULT;
        read_unlock(&space->lock);
        int err = grow_stack(space, addr);
        read_lock(&space->lock);
        return err ? err : RETRY;
    }
    if (unlikely(!allowed(mapping, access))) {
        *code = SEGV_ACCERR;
        return -EFAULT;
    }
    struct fault fault = {space, mapping, ALIGN_DOWN(addr, PAGE_SIZE), access, NULL};
    int err = fault_in(&fault);
    if (likely(!err))
        return 0;
    if (err == OWN)
        return table_own_at(space, addr) ?: RETRY;
    if (err == -EIO)
        *code = BUS_ADRERR;
    return err;
}

int address_space_fault(struct address_space *space, uintptr_t addr, unsigned access, int *code)
{
    int err;

    if (addr >= USER_END) {
        *code = SEGV_MAPERR;
        return -EFAULT;
    }
    atomic_fetch_add_explicit(&space->faults, 1, memory_order_relaxed);
    read_lock(&space->lock);
    do
        err = fault_once(space, addr, access, code);
    while (err == RETRY || (err == -ENOMEM && frame_reclaim()));
    read_unlock(&space->lock);
    return err;
}

/* The leaf at addr and its level, as its table allows it; 0: none. */
static pte_t look_up(const struct address_space *space, uintptr_t addr, unsigned *level)
{
    *level = 2;
    const pte_t *entry = paging_walk(space->pml4, addr, level, false);
    pte_t above = entry ? pte_load(entry) : 0;
    if (!above || above & PTE_HUGE)
        return above;
    *level = 1;
    pte_t value = pte_load((pte_t *)phys_to_virt(pte_frame(above)) + level_index(addr, 1));
    return table_is_shared(above) && value ? pte_to_cow(value) : value;
}

int address_space_populate(struct address_space *space, uintptr_t addr, size_t length, bool write)
{
    uintptr_t end = ALIGN_UP(addr + length, PAGE_SIZE);
    int err = 0, code;
    unsigned n = 0;

    if (length > USER_END || addr > USER_END - length)
        return -ENOMEM;
    read_lock(&space->lock);
    for (uintptr_t at = ALIGN_DOWN(addr, PAGE_SIZE); at < end && !err;) {
        unsigned level;
        pte_t value = look_up(space, at, &level);
        if (value & PTE_PRESENT && (!write || value & PTE_WRITE)) {
            at = ALIGN_DOWN(at, level_size(level)) + level_size(level);
            continue;
        }
        err = fault_once(space, at, write ? FAULT_WRITE : 0, &code);
        if (err == RETRY)
            err = 0;
        if (++n % 64 == 0) {
            read_unlock(&space->lock);
            thread_resched_point();
            read_lock(&space->lock);
        }
    }
    read_unlock(&space->lock);
    return err;
}

/* The frame of a present entry, with a reference; 0: fault it in first. A private page that may
 * not be written counts as ready for writing once it is the program's own copy. */
static paddr_t pin_present(struct address_space *space, const struct mapping *mapping,
                           uintptr_t addr, bool write)
{
    unsigned level;
    paddr_t frame = 0;
    uint64_t irq = spin_lock_irq(&space->pte_lock);
    pte_t value = look_up(space, addr, &level);
    if (level != 1)
        value = 0;
    bool ready = value != 0;
    if (write && mapping_shared(mapping))
        ready = value & PTE_WRITE;
    else if (write)
        ready = value && !(value & PTE_COW);
    if (ready) {
        frame = pte_frame(value);
        if (value & PTE_OWNED)
            frame_get(frame);
    }
    spin_unlock_irq(&space->pte_lock, irq);
    return frame;
}

int address_space_pin(struct address_space *space, uintptr_t addr, bool write, paddr_t *frame)
{
    int err = -EFAULT, code;

    if (addr >= USER_END)
        return -EFAULT;
    read_lock(&space->lock);
    for (;;) {
        struct mapping *mapping = mapping_find(space, addr);
        if (!mapping || mapping->start > addr || mapping_secret(mapping))
            break;
        *frame = pin_present(space, mapping, addr, write);
        err = 0;
        if (*frame)
            break;
        unsigned access = write ? FAULT_WRITE : 0;
        if (!(write && mapping_shared(mapping)))
            access |= FAULT_FORCE;
        err = fault_once(space, addr, access, &code);
        if (err < 0)
            break;
    }
    read_unlock(&space->lock);
    return err < 0 && err != -ENOMEM ? -EFAULT : err;
}

/* --- patching
 * ------------------------------------------------------------------------------------- */

/* Bytes that lie in one cache line change all at once: a locked exchange of 8 bytes in the line. */
static void poke_at_once(char *at, const void *bytes, size_t n)
{
    char *window = (char *)MIN((uintptr_t)at, ALIGN_DOWN((uintptr_t)at, 64ul) + 56);
    uint64_t old, new;
    memcpy(&old, window, 8);
    do {
        new = old;
        memcpy((char *)&new + (at - window), bytes, n);
    } while (!__atomic_compare_exchange_n((uint64_t *)window, &old, new, false, __ATOMIC_SEQ_CST,
                                          __ATOMIC_SEQ_CST));
}

int address_space_poke(struct address_space *space, uintptr_t addr, const void *bytes, size_t n)
{
    paddr_t frame;

    if ((addr & ~PAGE_MASK) + n > PAGE_SIZE)
        return -EINVAL;
    int err = address_space_pin(space, addr, true, &frame);
    if (err)
        return err;
    char *at = (char *)phys_to_virt(frame) + (addr & ~PAGE_MASK);
    if (n <= 8 && (addr & 63) + n <= 64)
        poke_at_once(at, bytes, n);
    else
        memcpy(at, bytes, n);
    frame_put(frame);
    return 0;
}
