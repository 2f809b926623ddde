// clang-format off
// sources: tests/unit/shim/mm.c kernel/mm/frame.c kernel/mm/heap.c kernel/mm/hugetlb.c kernel/mm/address_space.c kernel/mm/mapping.c kernel/mm/table.c kernel/mm/flush.c kernel/mm/pcid.c kernel/mm/fault.c kernel/mm/map.c kernel/mm/protect.c kernel/mm/remap.c kernel/mm/advise.c kernel/mm/fork.c kernel/mm/share.c kernel/mm/page_store.c kernel/mm/shm.c kernel/lib/rbtree.c kernel/arch/x86_64/paging.c
// flags: -Itests/unit/shim -Itests/unit -Ikernel -DDIRECT_MAP_BASE=0x200000000000ul -Wno-unused-parameter
// clang-format on
/* Families of address spaces against a model: spaces fork, write, lose, protect, move and free
 * parts of the same large memory in any order, and each must see its own values all the time. At
 * the end every frame is back. */
#include "mm/heap.h"
#include "mm/space.h"
#include "shim/mm.h"

enum { RAM = 256 << 20, SPACES = 5, BLOCKS = 3, SAMPLES = 8, PLACES = 2 };
enum { ANON = MAP_PRIVATE | MAP_ANONYMOUS, RW = PROT_READ | PROT_WRITE };
enum { MADV_DONTNEED = 4, MREMAP_MAYMOVE_FIXED = 3 };
#define AREA 0x40000000ul /* each place: BLOCKS of 2 MiB, a guard between */

/* What each sampled page holds; UNMAPPED: nothing is there. */
enum { UNMAPPED = -1 };
struct family {
    struct address_space *space;
    int64_t value[PLACES][BLOCKS][SAMPLES];
    bool readonly[PLACES][BLOCKS][SAMPLES];
};
static struct family family[SPACES];

/* Pages at the edges of a block and within. */
static uintptr_t address_of(unsigned place, unsigned block, unsigned sample)
{
    static const unsigned page[SAMPLES] = {0, 1, 2, 100, 255, 256, 510, 511};
    return AREA + place * (BLOCKS + 1) * HUGE_SIZE + block * HUGE_SIZE + page[sample] * PAGE_SIZE;
}

/* --- a processor: a right counts if all levels give it ------------------------------------------
 */

static int64_t *translate(struct address_space *space, uintptr_t addr, bool write)
{
    unsigned level = 2;
    pte_t *above = paging_walk(space->pml4, addr, &level, false);
    if (!above || !(*above & PTE_PRESENT) || (write && !(*above & PTE_WRITE)))
        return NULL;
    level = 1;
    pte_t *entry = paging_walk(space->pml4, addr, &level, false);
    if (!(*entry & PTE_PRESENT) || (write && !(*entry & PTE_WRITE)))
        return NULL;
    paddr_t mask = level_size(level) - 1, frame = *entry & PTE_ADDR_MASK & ~mask;
    NEED(!(*entry & PTE_OWNED) || frame_refs(frame));
    NEED(!write || frame_refs(frame) == 1);
    return phys_to_virt(frame | (addr & mask));
}

static int reach(struct address_space *space, uintptr_t addr, bool write, int64_t **at)
{
    for (int tries = 0; tries < 4; tries++) {
        int code, err;
        if ((*at = translate(space, addr, write)))
            return 0;
        err = address_space_fault(space, addr, write ? FAULT_WRITE : 0, &code);
        if (err)
            return err;
    }
    NEED(!"the fault handler makes no progress");
    return 0;
}

/* --- checking -----------------------------------------------------------------------------------
 */

struct census {
    unsigned long pages, tables;
};

static void count_leaf(pte_t *entry, uintptr_t addr, unsigned level, void *arg)
{
    struct census *census = arg;
    census->pages += level_size(level) >> PAGE_SHIFT;
}

static void check_census(struct address_space *space)
{
    struct census census = {0};
    table_look(space, 0, USER_END, count_leaf, &census);
    NEED(census.pages == space->resident_pages);
    for (uintptr_t at = AREA; at < address_of(PLACES, 0, 0); at += HUGE_SIZE) {
        unsigned level = 2;
        pte_t *entry = paging_walk(space->pml4, at, &level, false);
        census.tables += entry && table_is_shared(*entry);
    }
    NEED(census.tables == space->shared_tables);
}

static void check_value(struct family *one, unsigned place, unsigned block, unsigned sample)
{
    int64_t *at = NULL, want = one->value[place][block][sample];
    int err = reach(one->space, address_of(place, block, sample), false, &at);
    NEED(want == UNMAPPED ? err == -EFAULT : err == 0 && *at == want);
}

static void check_family(void)
{
    for (struct family *one = family; one < family + SPACES; one++) {
        if (!one->space)
            continue;
        for (unsigned i = 0; i < PLACES * BLOCKS * SAMPLES; i++)
            check_value(one, i / SAMPLES / BLOCKS, i / SAMPLES % BLOCKS, i % SAMPLES);
        check_census(one->space);
    }
}

/* --- what spaces do -----------------------------------------------------------------------------
 */

static void set_values(struct family *one, unsigned place, int64_t value)
{
    for (unsigned i = 0; i < BLOCKS * SAMPLES; i++) {
        one->value[place][i / SAMPLES][i % SAMPLES] = value;
        one->readonly[place][i / SAMPLES][i % SAMPLES] = false;
    }
}

static void map_place(struct family *one, unsigned place)
{
    struct map_request request = {.addr = address_of(place, 0, 0),
                                  .length = BLOCKS * HUGE_SIZE,
                                  .prot = RW,
                                  .flags = ANON | MAP_FIXED | MAP_NORESERVE};
    NEED(address_space_map(one->space, &request) == (ssize_t)request.addr);
    set_values(one, place, 0);
}

static void fork_or_exit(struct family *one)
{
    struct family *other = &family[shim_below(SPACES)];
    if (other == one)
        return;
    if (other->space) {
        address_space_put(other->space);
        other->space = NULL;
        return;
    }
    *other = *one;
    other->space = address_space_fork(one->space);
    NEED(other->space);
}

static void write_value(struct family *one, unsigned place, unsigned block, unsigned sample)
{
    int64_t *value = &one->value[place][block][sample], *at = NULL, new = shim_random() >> 1;
    int err = reach(one->space, address_of(place, block, sample), true, &at);

    if (*value == UNMAPPED || one->readonly[place][block][sample]) {
        NEED(err == -EFAULT);
        return;
    }
    NEED(err == 0 && *at == *value);
    *at = *value = new;
}

/* As a debugger does, whatever the protection. */
static void poke_value(struct family *one, unsigned place, unsigned block, unsigned sample)
{
    int64_t *value = &one->value[place][block][sample], new = shim_random() >> 1;
    int err = address_space_poke(one->space, address_of(place, block, sample), &new, sizeof(new));

    NEED(err == (*value == UNMAPPED ? -EFAULT : 0));
    if (!err)
        *value = new;
}

/* From one sample up to another, both included. */
static void change_range(struct family *one, unsigned place)
{
    unsigned from = shim_below(BLOCKS * SAMPLES), to = from + shim_below(BLOCKS * SAMPLES - from);
    uintptr_t start = address_of(place, from / SAMPLES, from % SAMPLES);
    uintptr_t end = address_of(place, to / SAMPLES, to % SAMPLES) + PAGE_SIZE;
    unsigned what = shim_below(4), prot = shim_below(2) ? RW : PROT_READ;
    int err = 0, holes = 0;

    if (what == 0)
        err = address_space_unmap(one->space, start, end - start);
    else if (what == 1)
        err = address_space_protect(one->space, start, end - start, prot);
    else if (what == 2)
        err = address_space_advise(one->space, start, end - start, MADV_DONTNEED);
    else
        err = address_space_populate(one->space, start, end - start, prot == RW);
    for (unsigned i = from; i <= to; i++) {
        int64_t *value = &one->value[place][i / SAMPLES][i % SAMPLES];
        bool *readonly = &one->readonly[place][i / SAMPLES][i % SAMPLES];
        holes += *value == UNMAPPED;
        if (what == 0)
            *value = UNMAPPED;
        else if (*value != UNMAPPED && what == 2)
            *value = 0;
        else if (*value != UNMAPPED && what == 1 && !holes)
            *readonly = prot != RW; /* goes as far as the first hole */
    }
    NEED(err == 0 || what == 3 || (what && holes));
}

static void move_place(struct family *one)
{
    uintptr_t from = address_of(0, 0, 0), to = address_of(1, 0, 0);
    size_t length = BLOCKS * HUGE_SIZE;

    map_place(one, 0);
    NEED(address_space_remap(one->space, from, length, length, MREMAP_MAYMOVE_FIXED, to,
                             SIZE_MAX) == (ssize_t)to);
    set_values(one, 1, 0);
    set_values(one, 0, UNMAPPED);
}

/* All pages, so that huge ones are in use too. */
static void fill(struct family *one, unsigned place)
{
    map_place(one, place);
    NEED(address_space_populate(one->space, address_of(place, 0, 0), BLOCKS * HUGE_SIZE, true) ==
         0);
}

static void random_operation(struct family *one)
{
    unsigned place = shim_below(PLACES), block = shim_below(BLOCKS), sample = shim_below(SAMPLES);

    switch (shim_below(16)) {
    case 0:
    case 1:
        fork_or_exit(one);
        break;
    case 2:
        change_range(one, place);
        break;
    case 3:
        if (shim_below(4) == 0)
            move_place(one);
        break;
    case 4:
        if (shim_below(4) == 0)
            fill(one, place);
        break;
    case 5:
        poke_value(one, place, block, sample);
        break;
    case 6:
        check_family();
        break;
    default:
        write_value(one, place, block, sample);
    }
}

static void start_family(void)
{
    family[0].space = address_space_create();
    NEED(family[0].space);
    for (unsigned place = 0; place < PLACES; place++)
        map_place(&family[0], place);
}

static void end_family(void)
{
    check_family();
    for (struct family *one = family; one < family + SPACES; one++) {
        address_space_put(one->space);
        one->space = NULL;
    }
}

static void random_operations(unsigned n)
{
    start_family();
    while (n--) {
        struct family *one = &family[shim_below(SPACES)];
        if (one->space)
            random_operation(one);
    }
    end_family();
}

/* A process that has written much costs a fork next to nothing, and the last owner of a table goes
 * on without a copy. */
static void tables_come_back(void)
{
    struct frame_stats before, after;
    start_family();
    fill(&family[0], 0);
    write_value(&family[0], 0, 1, 3);
    frame_get_stats(&before);
    struct address_space *child = address_space_fork(family[0].space);
    frame_get_stats(&after);
    NEED(child->shared_tables == BLOCKS && before.free - after.free < 16);
    address_space_put(child);
    paddr_t frame = virt_to_phys(translate(family[0].space, address_of(0, 1, 3), false));
    write_value(&family[0], 0, 1, 3);
    NEED(frame == virt_to_phys(translate(family[0].space, address_of(0, 1, 3), true)));
    NEED(family[0].space->shared_tables == BLOCKS - 1);
    end_family();
}

int main(void)
{
    struct frame_stats before, after;
    const char *soak = getenv("SOAK");

    shim_start(RAM);
    tables_come_back(); /* caches describe themselves on the heap at first use */
    frame_get_stats(&before);
    size_t used = heap_used();
    tables_come_back();
    printf("ok - tables are shared by fork and come back\n");
    random_operations(soak && *soak == '1' ? 400000 : 30000);
    frame_get_stats(&after);
    NEED(heap_used() == used && after.free + 300 > before.free && after.user == 0);
    printf("ok - each of a family of spaces sees its own memory\n");
    return 0;
}
