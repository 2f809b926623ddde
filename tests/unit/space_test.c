// clang-format off
// sources: tests/unit/shim/mm.c kernel/mm/frame.c kernel/mm/heap.c kernel/mm/hugetlb.c kernel/mm/address_space.c kernel/mm/mapping.c kernel/mm/table.c kernel/mm/flush.c kernel/mm/pcid.c kernel/mm/fault.c kernel/mm/map.c kernel/mm/protect.c kernel/mm/remap.c kernel/mm/advise.c kernel/mm/fork.c kernel/mm/share.c kernel/mm/page_store.c kernel/mm/shm.c kernel/lib/rbtree.c kernel/arch/x86_64/paging.c
// flags: -Itests/unit/shim -Itests/unit -Ikernel -DDIRECT_MAP_BASE=0x200000000000ul -Wno-unused-parameter
// clang-format on
/* Address spaces against a model: after every random mmap, munmap, mprotect, mremap, madvise, fork
 * and truncation, each page must be there or not, with the rights and bytes that the model says;
 * accesses are made as a processor would, through the page tables and the fault handler. At the end
 * every frame is back. */
#include "mm/heap.h"
#include "mm/shm.h"
#include "mm/space.h"
#include "shim/mm.h"

enum { RAM = 96 << 20, PAGES = 96, OBJECTS = 2, OBJECT_PAGES = 64 };
#define WINDOW 0x10000000ul

/* --- objects: files of a kind, one page a value
 * ---------------------------------------------------- */

struct test_object {
    struct mem_object object;
    struct page_store pages;
    uint64_t npages;
    int refs;
    bool at_hand;
};
static struct test_object objects[OBJECTS];

static struct test_object *object_of(struct mem_object *object)
{
    return container_of(object, struct test_object, object);
}

static int object_page(struct mem_object *object, uint64_t index, bool write, paddr_t *frame,
                       bool *writable)
{
    struct test_object *o = object_of(object);
    if (index >= o->npages)
        return -EFAULT;
    *writable = write;
    *frame = page_store_get(&o->pages, index, true);
    return *frame ? 0 : -ENOMEM;
}

static void object_around(struct mem_object *object, uint64_t first, unsigned n, paddr_t *frames)
{
    struct test_object *o = object_of(object);
    for (unsigned i = 0; i < n; i++)
        if (o->at_hand && first + i < o->npages)
            frames[i] = page_store_get(&o->pages, first + i, shim_below(2));
}

static void object_get(struct mem_object *object)
{
    object_of(object)->refs++;
}

static void object_put(struct mem_object *object)
{
    NEED(object_of(object)->refs-- > 0);
}

static const struct mem_object_ops object_ops = {
    .page = object_page,
    .around = object_around,
    .get = object_get,
    .put = object_put,
};

static int file_refs;
static void file_get(void *file)
{
    file_refs++;
}
static void file_put(void *file)
{
    NEED(file_refs-- > 0);
}

/* --- the model
 * --------------------------------------------------------------------------------------- */

struct page {
    bool mapped, shared, own;
    unsigned prot;
    int object; /* -1: anonymous */
    uint64_t index, value;
};
struct model {
    struct page pages[PAGES];
};
static uint64_t object_values[OBJECTS][OBJECT_PAGES];

static bool beyond_end(const struct page *page)
{
    return page->object >= 0 && !page->own && page->index >= objects[page->object].npages;
}

static uint64_t value_of(const struct page *page)
{
    if (page->own || page->object < 0)
        return page->own ? page->value : 0;
    return object_values[page->object][page->index];
}

/* --- a processor
 * ------------------------------------------------------------------------------------- */

static uint64_t *translate(struct address_space *space, uintptr_t addr, bool write)
{
    unsigned level = 2;
    pte_t *entry = paging_walk(space->pml4, addr, &level, false);
    if (!entry || (write && !(*entry & PTE_WRITE))) /* a right counts if all levels give it */
        return NULL;
    level = 1;
    entry = paging_walk(space->pml4, addr, &level, false);
    if (!entry || !(*entry & PTE_PRESENT) || (write && !(*entry & PTE_WRITE)))
        return NULL;
    paddr_t mask = level_size(level) - 1;
    paddr_t frame = (*entry & PTE_ADDR_MASK & ~mask) | (addr & mask);
    NEED(!(*entry & PTE_OWNED) || frame_refs(level == 2 ? frame & ~mask : frame & PAGE_MASK));
    return phys_to_virt(frame);
}

/* 0, or the signal's code (negative errno of the fault). */
static int access_page(struct address_space *space, uintptr_t addr, bool write, uint64_t *value)
{
    for (int tries = 0; tries < 4; tries++) {
        uint64_t *p = translate(space, addr, write);
        if (p) {
            if (write)
                *p = *value;
            else
                *value = *p;
            return 0;
        }
        int code = 0;
        int err = address_space_fault(space, addr, write ? FAULT_WRITE : 0, &code);
        if (err)
            return err == -EFAULT ? -code : err;
    }
    NEED(!"the fault handler makes no progress");
    return 0;
}

static void check_page(struct address_space *space, struct model *model, unsigned i, bool write)
{
    struct page *page = &model->pages[i];
    uint64_t value = shim_random() | 1, wanted = value;
    int err = access_page(space, WINDOW + i * PAGE_SIZE, write, &value);

    if (!page->mapped) {
        NEED(err == -1);
    } else if (!(page->prot & (write ? PROT_WRITE : ~0u))) {
        NEED(err == -2);
    } else if (beyond_end(page)) {
        NEED(err == -EIO);
    } else {
        if (err)
            printf("page %u: %d, prot %u, object %d, index %lu\n", i, err, page->prot, page->object,
                   page->index);
        NEED(err == 0);
        if (!write) {
            NEED(value == value_of(page));
        } else if (page->shared && page->object >= 0) {
            object_values[page->object][page->index] = wanted;
        } else {
            page->own = true;
            page->value = wanted;
        }
    }
}

static void check_all(struct address_space *space, struct model *model)
{
    for (unsigned i = 0; i < PAGES; i++)
        check_page(space, model, i, false);
}

/* The tree itself: in order, gaps as they are, neighbours that could be one are one. */
static void check_tree(struct address_space *space)
{
    uint64_t total = 0;
    struct mapping *prev = NULL;
    unsigned n = 0;
    for (struct mapping *m = mapping_find(space, 0); m; prev = m, m = mapping_next(m)) {
        NEED(m->start < m->end && m->space == space);
        NEED(!prev || prev->end <= m->start);
        NEED(m->flags & MAP_GROWSDOWN || m->gap == m->start - (prev ? prev->end : 0));
        total += (m->end - m->start) / PAGE_SIZE;
        n++;
        NEED(!prev || prev->end != m->start || prev->prot != m->prot || prev->flags != m->flags ||
             prev->object != m->object || prev->object || prev->want_huge != m->want_huge ||
             prev->dont_fork != m->dont_fork || prev->label != m->label);
    }
    NEED(total == space->total_pages && n == space->nmappings);
}

/* --- operations
 * -------------------------------------------------------------------------------------- */

static struct address_space *space;
static struct model model;

static void range(unsigned *first, unsigned *n)
{
    *first = shim_below(PAGES);
    *n = 1 + shim_below(shim_below(4) ? 8 : PAGES);
    if (*first + *n > PAGES)
        *n = PAGES - *first;
}

static void do_map(void)
{
    unsigned first, n, prot = shim_below(8);
    int object = (int)shim_below(OBJECTS + 1) - 1;
    bool shared = object >= 0 && shim_below(2);
    range(&first, &n);
    uint64_t index = shim_below(OBJECT_PAGES);
    if (index + n > OBJECT_PAGES)
        index = OBJECT_PAGES - MIN(n, (unsigned)OBJECT_PAGES), n = MIN(n, (unsigned)OBJECT_PAGES);
    struct map_request request = {
        .addr = WINDOW + first * PAGE_SIZE,
        .length = n * PAGE_SIZE - shim_below(100),
        .prot = prot,
        .flags = MAP_FIXED | (shared ? MAP_SHARED : MAP_PRIVATE) |
                 (object < 0 ? MAP_ANONYMOUS : 0) | (shim_below(8) ? 0 : MAP_POPULATE),
        .object = object < 0 ? NULL : &objects[object].object,
        .object_page = index,
        .file = object < 0 ? NULL : &objects[object],
    };
    NEED(address_space_map(space, &request) == (ssize_t)request.addr);
    /* MAP_POPULATE of private writable memory makes the copies, up to the first page that fails. */
    bool copies = request.flags & MAP_POPULATE && prot & PROT_WRITE && !shared;
    for (unsigned i = 0; i < n; i++) {
        struct page *page = &model.pages[first + i];
        *page = (struct page){true, shared, false, prot, object, index + i, 0};
        copies = copies && !beyond_end(page);
        page->value = copies ? value_of(page) : 0;
        page->own = copies;
    }
}

static void do_unmap(void)
{
    unsigned first, n;
    range(&first, &n);
    NEED(address_space_unmap(space, WINDOW + first * PAGE_SIZE, n * PAGE_SIZE) == 0);
    for (unsigned i = 0; i < n; i++)
        model.pages[first + i].mapped = false;
}

static void do_protect(void)
{
    unsigned first, n, prot = shim_below(8);
    range(&first, &n);
    int err = address_space_protect(space, WINDOW + first * PAGE_SIZE, n * PAGE_SIZE, prot);
    bool hole = false;
    for (unsigned i = 0; i < n && !hole; i++) {
        hole = !model.pages[first + i].mapped;
        if (!hole)
            model.pages[first + i].prot = prot;
    }
    NEED(err == (hole ? -ENOMEM : 0));
}

static void do_dontneed(void)
{
    unsigned first, n;
    range(&first, &n);
    int err = address_space_advise(space, WINDOW + first * PAGE_SIZE, n * PAGE_SIZE, 4);
    bool hole = false;
    for (unsigned i = 0; i < n; i++) {
        hole |= !model.pages[first + i].mapped;
        model.pages[first + i].own = false;
    }
    NEED(err == (hole ? -ENOMEM : 0));
}

/* All of one mapping's kind, as mremap wants it? */
static bool one_mapping(unsigned first, unsigned n)
{
    struct mapping *m = mapping_find(space, WINDOW + first * PAGE_SIZE);
    return m && m->start <= WINDOW + first * PAGE_SIZE &&
           m->end >= WINDOW + (first + n) * PAGE_SIZE;
}

static void do_remap(void)
{
    unsigned first, n, to, new_n;
    range(&first, &n);
    range(&to, &new_n);
    bool keep = shim_below(4) == 0;
    if (keep)
        new_n = n;
    if (to + new_n > PAGES || (first < to + new_n && to < first + n) || !one_mapping(first, n))
        return;
    struct page moved[PAGES];
    for (unsigned i = 0; i < new_n; i++) {
        moved[i] = model.pages[first + MIN(i, n - 1)];
        if (i >= n) {
            moved[i].own = false;
            moved[i].index += i - (n - 1);
        }
    }
    if (new_n && moved[0].object >= 0 && moved[new_n - 1].index >= OBJECT_PAGES)
        return;
    ssize_t at =
        address_space_remap(space, WINDOW + first * PAGE_SIZE, n * PAGE_SIZE, new_n * PAGE_SIZE,
                            3 | (keep ? 4 : 0), WINDOW + to * PAGE_SIZE, SIZE_MAX);
    NEED(at == (ssize_t)(WINDOW + to * PAGE_SIZE));
    for (unsigned i = 0; i < n; i++) {
        model.pages[first + i].mapped &= keep;
        model.pages[first + i].own = false;
    }
    memcpy(&model.pages[to], moved, new_n * sizeof(*moved));
}

static void do_truncate(void)
{
    int o = shim_below(OBJECTS);
    uint64_t old = objects[o].npages, now = shim_below(OBJECT_PAGES + 1);
    objects[o].npages = now;
    if (now >= old)
        return;
    page_store_remove(&objects[o].pages, now, old - now);
    mem_object_unmap(&objects[o].object, now, old - now);
    for (uint64_t i = now; i < old; i++)
        object_values[o][i] = 0;
}

static void do_fork(void)
{
    struct model child_model = model;
    struct address_space *child = address_space_fork(space);
    NEED(child);
    check_tree(child);
    for (int i = 0; i < 40; i++) {
        unsigned page = shim_below(PAGES);
        bool in_child = shim_below(2);
        check_page(in_child ? child : space, in_child ? &child_model : &model, page, true);
    }
    check_all(child, &child_model);
    check_all(space, &model);
    if (shim_below(2)) { /* go on as the child */
        struct address_space *parent = space;
        space = child;
        model = child_model;
        child = parent;
    }
    address_space_put(child);
    check_all(space, &model);
}

static void do_pin(void)
{
    unsigned i = shim_below(PAGES);
    bool write = shim_below(2);
    struct page *page = &model.pages[i];
    paddr_t frame = 0;
    int err = address_space_pin(space, WINDOW + i * PAGE_SIZE + 100, write, &frame);
    bool refused =
        !page->mapped || beyond_end(page) || (write && page->shared && !(page->prot & PROT_WRITE));
    if (page->shared && !page->prot && page->mapped && !write)
        refused = beyond_end(page);
    NEED(err == (refused ? -EFAULT : 0));
    if (err)
        return;
    NEED(*(uint64_t *)phys_to_virt(frame) == value_of(page));
    if (write && !page->shared) { /* its own copy now */
        uint64_t value = value_of(page);
        page->own = true;
        page->value = value;
    }
    frame_put(frame);
}

static void do_poke(void)
{
    unsigned i = shim_below(PAGES);
    struct page *page = &model.pages[i];
    uint64_t value = shim_random();
    int err = address_space_poke(space, WINDOW + i * PAGE_SIZE, &value, 8);
    if (page->mapped && !beyond_end(page) && (!page->shared || page->prot & PROT_WRITE)) {
        NEED(err == 0);
        if (page->shared)
            object_values[page->object][page->index] = value;
        else
            page->own = true, page->value = value;
    } else {
        NEED(err == -EFAULT);
    }
}

static void random_operations(int rounds)
{
    static void (*const operations[])(void) = {do_map,      do_map,      do_unmap, do_protect,
                                               do_protect,  do_dontneed, do_remap, do_remap,
                                               do_truncate, do_pin,      do_poke};
    for (int round = 0; round < rounds; round++) {
        operations[shim_below(ARRAY_SIZE(operations))]();
        for (int i = 0; i < 12; i++)
            check_page(space, &model, shim_below(PAGES), shim_below(2));
        if (round % 50 == 0)
            do_fork();
        if (round % 16 == 0) {
            check_all(space, &model);
            check_tree(space);
        }
        if (round % 400 == 0) { /* with and without another CPU in the space */
            shim_second_cpu(shim_below(2));
            atomic_fetch_or(&space->active_cpus, 2);
        }
    }
}

/* --- single promises
 * ----------------------------------------------------------------------------------- */

static ssize_t map(uintptr_t addr, size_t length, unsigned prot, unsigned flags)
{
    struct map_request request = {.addr = addr, .length = length, .prot = prot, .flags = flags};
    return address_space_map(space, &request);
}

enum { ANON = MAP_PRIVATE | MAP_ANONYMOUS, RW = PROT_READ | PROT_WRITE };

static void errors(void)
{
    NEED(map(0, 0, RW, ANON) == -EINVAL);
    NEED(map(0, PAGE_SIZE, RW, MAP_ANONYMOUS) == -EINVAL);
    NEED(map(0, ~0ul, RW, ANON) == -ENOMEM);
    NEED(map(0, 1ul << 60, RW, ANON) == -ENOMEM);
    NEED(map(WINDOW + 1, PAGE_SIZE, RW, ANON | MAP_FIXED) == -EINVAL);
    NEED(map(0, PAGE_SIZE, RW, ANON | MAP_FIXED) == -EPERM);
    NEED(map(USER_END - PAGE_SIZE, 2 * PAGE_SIZE, RW, ANON | MAP_FIXED) == -ENOMEM);
    NEED(map(-PAGE_SIZE, PAGE_SIZE, RW, ANON | MAP_FIXED) == -ENOMEM);
    NEED(map(0, RAM * 2ul, RW, ANON) == -ENOMEM);
    NEED(map(0, RAM * 2ul, RW, ANON | MAP_NORESERVE) > 0);
    NEED(address_space_unmap(space, 1, 1) == -EINVAL);
    NEED(address_space_unmap(space, 0, 0) == -EINVAL);
    NEED(address_space_unmap(space, USER_END, ~0ul) == -EINVAL);
    NEED(address_space_protect(space, 0, PAGE_SIZE, RW) == -ENOMEM);
    NEED(address_space_protect(space, PAGE_SIZE, ~0ul - PAGE_SIZE, RW) == -ENOMEM);
    NEED(address_space_remap(space, 0, ~0ul, ~0ul, 1, 0, SIZE_MAX) == -EINVAL);
    NEED(address_space_remap(space, WINDOW, ~0ul & PAGE_MASK, PAGE_SIZE, 1, 0, SIZE_MAX) ==
         -EFAULT);
    NEED(address_space_advise(space, WINDOW, PAGE_SIZE, 77) == -EINVAL);
    NEED(address_space_advise(space, ~0ul & PAGE_MASK, ~0ul, 4) == -EINVAL);
    NEED(address_space_sync(space, WINDOW, ~0ul, 4) == -ENOMEM || true);
    NEED(address_space_lock_pages(space, ~0ul, ~0ul, true, false) == -EINVAL);
    uint8_t vec[1];
    NEED(address_space_mincore(space, WINDOW, ~0ul, vec, NULL) == -ENOMEM);
    int code;
    NEED(address_space_fault(space, ~0ul, 0, &code) == -EFAULT);
    NEED(address_space_fault(space, USER_END, 0, &code) == -EFAULT);
}

static void placement(void)
{
    space->mmap_base = 0x7f0000000000;
    ssize_t first = map(0, 5 * PAGE_SIZE, RW, ANON);
    NEED(first == (ssize_t)(space->mmap_base - 5 * PAGE_SIZE));
    ssize_t second = map(0, PAGE_SIZE, PROT_READ, ANON);
    NEED(second == first - (ssize_t)PAGE_SIZE);
    NEED(address_space_unmap(space, first + PAGE_SIZE, 2 * PAGE_SIZE) == 0);
    NEED(map(0, 3 * PAGE_SIZE, RW, ANON) == second - (ssize_t)(3 * PAGE_SIZE));
    NEED(map(0, 2 * PAGE_SIZE, RW, ANON) == first + (ssize_t)PAGE_SIZE);
    ssize_t low = map(0, PAGE_SIZE, RW, ANON | MAP_32BIT);
    NEED(low >= 0x40000000 && low < 0x80000000l);
    NEED(map(0x5000000000, PAGE_SIZE, RW, ANON) == 0x5000000000);
    NEED(map(0x5000000000, PAGE_SIZE, RW, ANON) != 0x5000000000);
    NEED(map(0x5000000000, PAGE_SIZE, RW, ANON | MAP_FIXED_NOREPLACE) == -EEXIST);
    NEED(map(0, 4 * HUGE_SIZE, RW, ANON) % HUGE_SIZE == 0);
    check_tree(space);
}

/* Random sizes into a nearly full window of addresses: a gap is found exactly when there is one. */
static void gaps(void)
{
    enum { SLOTS = 200 };
    static bool used[SLOTS];
    struct address_space *tight = address_space_create();
    uintptr_t base = 0x20000;
    for (int round = 0; round < 4000; round++) {
        unsigned n = 1 + shim_below(12), at = shim_below(SLOTS - 12);
        if (shim_below(2)) {
            NEED(address_space_unmap(tight, base + at * PAGE_SIZE, n * PAGE_SIZE) == 0);
            for (unsigned i = 0; i < n; i++)
                used[at + i] = false;
            continue;
        }
        write_lock(&tight->lock);
        uintptr_t found =
            mapping_find_gap(tight, base, base + SLOTS * PAGE_SIZE, n * PAGE_SIZE, PAGE_SIZE);
        write_unlock(&tight->lock);
        int best = -1, run = 0;
        for (int i = SLOTS - 1; i >= 0 && best < 0; i--) {
            run = used[i] ? 0 : run + 1;
            if (run == (int)n)
                best = i;
        }
        NEED(found == (best < 0 ? 0 : base + best * PAGE_SIZE));
        if (found) {
            struct map_request request = {.addr = found,
                                          .length = n * PAGE_SIZE,
                                          .prot = shim_below(8),
                                          .flags = ANON | MAP_FIXED};
            NEED(address_space_map(tight, &request) == (ssize_t)found);
            for (unsigned i = 0; i < n; i++)
                used[best + i] = true;
        }
    }
    check_tree(tight);
    address_space_put(tight);
}

static bool is_huge(uintptr_t addr)
{
    unsigned level = 1;
    pte_t *entry = paging_walk(space->pml4, addr, &level, false);
    return entry && level == 2 && *entry & PTE_PRESENT;
}

static void put_value(uintptr_t addr, uint64_t value)
{
    NEED(access_page(space, addr, true, &value) == 0);
}

static uint64_t value_at(uintptr_t addr)
{
    uint64_t value;
    NEED(access_page(space, addr, false, &value) == 0);
    return value;
}

static void large_pages(void)
{
    uintptr_t at = map(0, 4 * HUGE_SIZE, RW, ANON);
    NEED(address_space_advise(space, at, 4 * HUGE_SIZE, 14) == 0);
    for (uintptr_t a = at; a < at + 4 * HUGE_SIZE; a += PAGE_SIZE)
        put_value(a, a);
    NEED(is_huge(at) && is_huge(at + 3 * HUGE_SIZE));
    NEED(address_space_protect(space, at + HUGE_SIZE + 5 * PAGE_SIZE, PAGE_SIZE, 1) == 0);
    NEED(!is_huge(at + HUGE_SIZE) && is_huge(at));
    NEED(address_space_unmap(space, at + 2 * HUGE_SIZE + PAGE_SIZE, PAGE_SIZE) == 0);
    NEED(value_at(at + 2 * HUGE_SIZE + 2 * PAGE_SIZE) == at + 2 * HUGE_SIZE + 2 * PAGE_SIZE);

    /* A whole one moves whole, a part by pages. */
    uintptr_t to = map(0, 2 * HUGE_SIZE, 0, ANON);
    NEED(address_space_remap(space, at + 3 * HUGE_SIZE, HUGE_SIZE, HUGE_SIZE, 3, to, SIZE_MAX) ==
         (ssize_t)to);
    NEED(is_huge(to) && value_at(to + PAGE_SIZE) == at + 3 * HUGE_SIZE + PAGE_SIZE);
    NEED(address_space_remap(space, at + PAGE_SIZE, 3 * PAGE_SIZE, 3 * PAGE_SIZE, 3, to + HUGE_SIZE,
                             SIZE_MAX) == (ssize_t)(to + HUGE_SIZE));
    NEED(value_at(to + HUGE_SIZE + PAGE_SIZE) == at + 2 * PAGE_SIZE);
    NEED(value_at(at + 4 * PAGE_SIZE) == at + 4 * PAGE_SIZE);

    /* fork, pin and PROT_NONE. */
    struct address_space *child = address_space_fork(space);
    put_value(to, 5);
    uint64_t value;
    NEED(access_page(child, to, false, &value) == 0 && value == at + 3 * HUGE_SIZE);
    address_space_put(child);
    NEED(address_space_protect(space, to, HUGE_SIZE, 0) == 0);
    NEED(access_page(space, to, false, &value) == -2);
    NEED(address_space_protect(space, to, HUGE_SIZE, RW) == 0);
    NEED(value_at(to) == 5);
    NEED(address_space_unmap(space, at, 4 * HUGE_SIZE) == 0);
    NEED(address_space_unmap(space, to, 2 * HUGE_SIZE) == 0);
}

static void stack_growth(void)
{
    uintptr_t top = 0x30000000;
    uint64_t value = 1;
    NEED(map(top - PAGE_SIZE, PAGE_SIZE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN) > 0);
    space->stack_limit = 64 * PAGE_SIZE;
    put_value(top - 10 * PAGE_SIZE, 3);
    NEED(value_at(top - 5 * PAGE_SIZE) == 0);
    put_value(top - 64 * PAGE_SIZE, 3);
    NEED(access_page(space, top - 65 * PAGE_SIZE, true, &value) == -1);
    /* A neighbour keeps the stack away by the guard gap. */
    space->stack_limit = 1 << 30;
    NEED(map(top - 400 * PAGE_SIZE, PAGE_SIZE, RW, ANON | MAP_FIXED) > 0);
    put_value(top - 143 * PAGE_SIZE, 1);
    NEED(access_page(space, top - 144 * PAGE_SIZE, true, &value) == -1);
    /* And the stack keeps others away. */
    NEED(map(top - 200 * PAGE_SIZE, PAGE_SIZE, RW, ANON) != (ssize_t)(top - 200 * PAGE_SIZE));
    NEED(address_space_unmap(space, top - 400 * PAGE_SIZE, 400 * PAGE_SIZE) == 0);
    check_tree(space);
}

static void brk(void)
{
    space->brk_start = space->brk = 0x40000800;
    NEED(address_space_brk(space, 0) == 0x40000800);
    NEED(address_space_brk(space, 0x40010123) == 0x40010123);
    put_value(0x40010000, 9);
    NEED(address_space_brk(space, 0x40001000) == 0x40001000);
    NEED(address_space_brk(space, 0x40020000) == 0x40020000);
    NEED(value_at(0x40010000) == 0);
    NEED(address_space_brk(space, ~0ul) == 0x40020000);
    NEED(address_space_brk(space, 0x40000000) == 0x40020000);
    NEED(map(0x40020000, PAGE_SIZE, PROT_READ, ANON | MAP_FIXED) > 0);
    NEED(address_space_brk(space, 0x40030000) == 0x40020000);
    space->data_limit = 0x10000;
    NEED(address_space_brk(space, 0x40011000) == 0x40011000);
    NEED(address_space_brk(space, 0x40012000) == 0x40011000);
    space->data_limit = UINT64_MAX;
}

static void memory_ends(void)
{
    struct address_space *greedy = address_space_create(), *old = space;
    space = greedy;
    int err = 0;
    uint64_t value = 1;
    for (int i = 0; i < 4 && !err; i++) {
        ssize_t at = map(0, RAM / 2, RW, ANON | MAP_NORESERVE);
        NEED(at > 0 && address_space_advise(space, at, RAM / 2, 15) == 0);
        for (uintptr_t a = at; a < (uintptr_t)at + RAM / 2 && !err; a += PAGE_SIZE)
            err = access_page(space, a, true, &value);
    }
    NEED(err == -ENOMEM);
    paddr_t kernel = frame_alloc(0, 0); /* the kernel goes on */
    NEED(kernel);
    frame_free(kernel, 0);
    space = old;
    address_space_put(greedy);
}

/* Every allocation may fail, at any point: no panic, no leak. */
static void allocations_fail(void)
{
    static paddr_t hoard[RAM / PAGE_SIZE];
    for (int spare = 0; spare < 40; spare++) {
        struct address_space *poor = address_space_create(), *old = space;
        size_t n = 0;
        space = poor;
        while ((hoard[n] = frame_alloc(0, FRAME_ATOMIC)))
            n++;
        for (int i = 0; i < spare && n; i++)
            frame_free(hoard[--n], 0);
        uint64_t value = 1;
        ssize_t at = map(0, 20 * PAGE_SIZE, RW, ANON | MAP_NORESERVE);
        for (int i = 0; at > 0 && i < 20; i += 3)
            access_page(space, at + i * PAGE_SIZE, true, &value);
        if (at > 0) {
            address_space_remap(space, at + PAGE_SIZE, 5 * PAGE_SIZE, 5 * PAGE_SIZE, 3, 0x7000000,
                                SIZE_MAX);
            address_space_protect(space, at + 7 * PAGE_SIZE, PAGE_SIZE, 1);
            address_space_unmap(space, at + 10 * PAGE_SIZE, PAGE_SIZE);
            struct address_space *child = address_space_fork(space);
            if (child)
                address_space_put(child);
        }
        space = old;
        address_space_put(poor);
        while (n)
            frame_free(hoard[--n], 0);
    }
}

static void shared_memory(void)
{
    uint64_t value;
    uintptr_t at = map(0, 4 * PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS);
    put_value(at + PAGE_SIZE, 11);
    ssize_t twin = address_space_remap(space, at, 0, 4 * PAGE_SIZE, 1, 0, SIZE_MAX);
    NEED(twin > 0 && value_at(twin + PAGE_SIZE) == 11);
    struct address_space *child = address_space_fork(space);
    put_value(twin, 12);
    NEED(access_page(child, at, false, &value) == 0 && value == 12);
    struct memory_key a, b;
    NEED(!address_space_key(space, at + 8, &a) && !address_space_key(child, twin + 8, &b));
    NEED(a.owner == b.owner && a.offset == b.offset);
    address_space_put(child);
    NEED(address_space_advise(space, at, PAGE_SIZE, 9) == 0); /* MADV_REMOVE */
    NEED(value_at(twin) == 0);
    NEED(address_space_unmap(space, at, 4 * PAGE_SIZE) == 0 &&
         address_space_unmap(space, twin, 4 * PAGE_SIZE) == 0);
}

/* While another CPU may still reach them, frames wait for one flush at the end. */
static void frames_wait(void)
{
    enum { MANY = 1500 };
    struct frame_stats before, after;
    frame_get_stats(&before);
    uintptr_t at = map(0, MANY * PAGE_SIZE, RW, ANON | MAP_STACK);
    for (int i = 0; i < MANY; i++)
        put_value(at + i * PAGE_SIZE, i);
    shim_second_cpu(true);
    atomic_fetch_or(&space->active_cpus, 2);
    unsigned long calls = shim_calls;
    NEED(address_space_unmap(space, at, MANY * PAGE_SIZE) == 0);
    NEED(shim_calls == calls + 1);
    shim_second_cpu(false);
    atomic_fetch_and(&space->active_cpus, ~2ull);
    frame_get_stats(&after);
    NEED(after.free + 8 > before.free);
}

int main(void)
{
    struct frame_stats before, after;
    const char *soak = getenv("SOAK");

    shim_start(RAM);
    mapping_file_get_hook = file_get;
    mapping_file_put_hook = file_put;
    for (int i = 0; i < OBJECTS; i++) {
        mem_object_init(&objects[i].object, &object_ops);
        page_store_init(&objects[i].pages);
        objects[i].npages = OBJECT_PAGES;
        objects[i].at_hand = i == 0;
    }
    space = address_space_create(); /* caches describe themselves on the heap at first use */
    placement();
    shared_memory();
    address_space_put(space);
    frame_get_stats(&before);
    size_t used = heap_used();

    space = address_space_create();
    NEED(space);
    errors();
    placement();
    gaps();
    large_pages();
    stack_growth();
    brk();
    shared_memory();
    frames_wait();
    address_space_clear(space);
    NEED(space->total_pages == 0 && space->resident_pages == 0 && space->data_pages == 0);
    random_operations(soak && *soak == '1' ? 400000 : 20000);
    memory_ends();
    allocations_fail();
    address_space_clear(space);
    NEED(space->total_pages == 0 && space->resident_pages == 0 && space->data_pages == 0);
    NEED(space->nmappings == 0 && space->locked_pages == 0);
    address_space_put(space);

    for (int i = 0; i < OBJECTS; i++) {
        NEED(objects[i].refs == 0 && list_empty(&objects[i].object.mappings));
        page_store_remove(&objects[i].pages, 0, UINT64_MAX);
    }
    NEED(file_refs == 0 && shim_calls > 0 && shim_flushes > 0);
    NEED(heap_used() == used);
    frame_get_stats(&after);
    NEED(after.free + 100 > before.free && after.user == 0);
    return 0;
}
