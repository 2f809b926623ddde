// clang-format off
// sources: tests/unit/shim/mm.c kernel/mm/frame.c kernel/mm/frame_map.c kernel/arch/x86_64/paging.c
// flags: -Itests/unit/shim -Itests/unit -Ikernel -DDIRECT_MAP_BASE=0x200000000000ul -Wno-unused-parameter
// clang-format on
/* The frame allocator: no frame is given twice, all come back, the reserve holds, memory is taken
 * into use piece by piece; and the arithmetic from the memory map to usable spans. */
#include "core/boot.h"
#include "core/cpu.h"
#include "shim/mm.h"
#include <sys/mman.h>

enum { RAM = 64 << 20, FRAMES = RAM >> 12, LIVE = 600 };

static uint8_t owner[FRAMES + 1]; /* 1: handed out */

static void claim(paddr_t paddr, unsigned order)
{
    uint64_t first = (paddr - SHIM_RAM_START) >> 12;
    NEED(paddr >= SHIM_RAM_START && first + (1ul << order) <= FRAMES);
    NEED(paddr % (4096ul << order) == 0);
    for (uint64_t i = 0; i < 1ul << order; i++) {
        NEED(!owner[first + i]);
        owner[first + i] = 1;
    }
}

static void disclaim(paddr_t paddr, unsigned order)
{
    for (uint64_t i = 0; i < 1ul << order; i++)
        owner[((paddr - SHIM_RAM_START) >> 12) + i] = 0;
}

static uint64_t free_frames(void)
{
    struct frame_stats stats;
    frame_get_stats(&stats);
    return stats.free;
}

static size_t touched(void)
{
    static unsigned char seen[FRAMES];
    size_t n = 0;
    NEED(mincore((void *)(DIRECT_MAP_BASE + SHIM_RAM_START), RAM, seen) == 0);
    for (size_t i = 0; i < FRAMES; i++)
        n += seen[i] & 1;
    return n;
}

static void little_is_touched(void)
{
    paddr_t frame = frame_alloc(0, 0);
    claim(frame, 0);
    NEED(touched() < 64);
    frame_free(frame, 0);
    disclaim(frame, 0);
}

/* A free block of the host's choice goes out and comes back; nobody else gets it meanwhile. */
static void report_one(void)
{
    unsigned order = 0;
    paddr_t block = frame_take_unreported(&order);
    if (!block)
        return;
    NEED(order >= FRAME_ORDER_REPORTED && order <= FRAME_ORDER_MAX);
    claim(block, order);
    disclaim(block, order);
    frame_put_reported(block, order);
}

/* Each free block is reported once, and again when it has been used. */
static void reports(void)
{
    unsigned order, n = 0;
    uint64_t before = free_frames();
    paddr_t block;
    while ((block = frame_take_unreported(&order))) {
        frame_put_reported(block, order);
        NEED(++n < FRAMES);
    }
    NEED(n > 0 && free_frames() == before);
    block = frame_alloc(FRAME_ORDER_MAX, 0);
    NEED(block && !frame_take_unreported(&order));
    frame_free(block, FRAME_ORDER_MAX);
    NEED((block = frame_take_unreported(&order)));
    frame_put_reported(block, order);
}

static void random_orders(void)
{
    static struct {
        paddr_t frame;
        unsigned order;
    } live[LIVE];
    uint64_t before = free_frames();

    for (int i = 0; i < 200000; i++) {
        unsigned slot = shim_below(LIVE);
        if (shim_below(32) == 0)
            report_one();
        if (live[slot].frame) {
            disclaim(live[slot].frame, live[slot].order);
            frame_free(live[slot].frame, live[slot].order);
            live[slot].frame = 0;
        } else {
            unsigned order = shim_below(100) ? shim_below(6) : shim_below(11);
            live[slot].frame = frame_alloc(order, FRAME_ATOMIC);
            live[slot].order = order;
            if (live[slot].frame)
                claim(live[slot].frame, order);
        }
    }
    for (int i = 0; i < LIVE; i++)
        if (live[i].frame) {
            disclaim(live[i].frame, live[i].order);
            frame_free(live[i].frame, live[i].order);
        }
    /* Pages of states and spares are spent once. */
    NEED(free_frames() >= before - 20);
}

static void all_of_it(void)
{
    static paddr_t frames[FRAMES];
    uint64_t before = free_frames(), n = 0;

    while (n < FRAMES && (frames[n] = frame_alloc(0, FRAME_ATOMIC)))
        claim(frames[n++], 0);
    NEED(n > FRAMES - 64);
    NEED(!frame_alloc(0, 0) && !frame_alloc(10, FRAME_ATOMIC));
    while (n--) {
        disclaim(frames[n], 0);
        frame_put(frames[n]);
    }
    NEED(free_frames() >= before - 20);
    /* And they join again. */
    paddr_t large[4];
    for (int i = 0; i < 4; i++)
        NEED((large[i] = frame_alloc(10, 0)));
    for (int i = 0; i < 4; i++)
        frame_free(large[i], 10);
}

static void reserve_holds(void)
{
    static paddr_t frames[FRAMES];
    size_t n = 0, kernel = 0;
    struct frame_stats stats;

    while (n < FRAMES && (frames[n] = frame_alloc(0, FRAME_USER)))
        n++;
    frame_get_stats(&stats);
    NEED(stats.user == n);
    /* The kernel goes on, and what it takes does not leak to the program. */
    static paddr_t more[FRAMES];
    for (int i = 0; i < 50; i++) {
        NEED((more[kernel] = frame_alloc(0, 0)));
        kernel++;
        NEED(!frame_alloc(0, FRAME_USER));
    }
    while (kernel < FRAMES && (more[kernel] = frame_alloc(0, FRAME_ATOMIC)))
        kernel++;
    NEED(kernel > 100);
    while (kernel)
        frame_free(more[--kernel], 0);
    while (n)
        frame_put(frames[--n]);
    frame_get_stats(&stats);
    NEED(stats.user == 0);
}

static void zeroed(void)
{
    for (int i = 0; i < 2000; i++) {
        unsigned order = shim_below(4);
        paddr_t frame = frame_alloc(order, FRAME_ZERO);
        char *p = phys_to_virt(frame);
        for (size_t j = 0; j < 4096ul << order; j++)
            NEED(!p[j]);
        memset(p, 0x5a, 4096ul << order);
        frame_free(frame, order);
    }
}

static void references(void)
{
    uint64_t before = free_frames();
    paddr_t frame = frame_alloc(0, 0);
    NEED(frame_managed(frame) && frame_refs(frame) == 1);
    frame_get(frame);
    NEED(frame_refs(frame) == 2);
    frame_put(frame);
    frame_put(frame);
    NEED(free_frames() == before);

    paddr_t huge = frame_alloc(9, FRAME_USER);
    NEED(huge && frame_block_order(huge) == 9);
    frame_split_huge(huge);
    for (int i = 0; i < 512; i++)
        NEED(frame_refs(huge + i * 4096) == 1);
    for (int i = 0; i < 512; i++)
        frame_put(huge + (i * 37 % 512) * 4096);
    NEED(free_frames() == before);

    /* Foreign frames are nobody's business. */
    frame_get(4096);
    frame_put(4096);
    frame_get(FRAME_LIMIT + 4096);
    frame_put(~0ul & ~4095ul);
    NEED(!frame_managed(4096) && !frame_refs(1ul << 39));
}

static void free_twice(void *frame)
{
    frame_free(*(paddr_t *)frame, 0);
}

static void misuse_is_noticed(void)
{
    paddr_t frame = frame_alloc(0, 0);
    frame_free(frame, 0);
    NEED(shim_panics(free_twice, &frame));
    frame = frame_alloc(2, 0);
    NEED(shim_panics(free_twice, &frame)); /* wrong order */
    frame += 4096;
    NEED(shim_panics(free_twice, &frame)); /* inside a block */
    frame_free(frame - 4096, 2);
}

/* --- the memory map
 * -------------------------------------------------------------------------------- */

static bool in_spans(const struct frame_span *spans, unsigned n, paddr_t page)
{
    unsigned hits = 0;
    for (unsigned i = 0; i < n; i++)
        hits += page >= spans[i].start && page < spans[i].end;
    NEED(hits < 2);
    return hits;
}

static void memory_map(void)
{
    struct memory_range map[] = {
        {0x100000, 0x7f00000, MEMORY_RAM},     {0, 0x9fc00, MEMORY_RAM},
        {0x9fc00, 0x400, MEMORY_RESERVED},     {0x7ffe000, 0x2000, MEMORY_RESERVED},
        {0x100000000, 0x10000000, MEMORY_RAM}, {0x5000000, 0x3000, MEMORY_ACPI},
    };
    struct frame_span taken[] = {{0x100000, 0x234567}, {0x3000000, 0x4000001}, {0, 0}};
    struct frame_span out[16];
    unsigned n = frame_usable_spans(map, 6, taken, 3, out, 16);
    NEED(n == 5);
    NEED(out[0].start == 0x235000 && out[0].end == 0x3000000);
    NEED(out[1].start == 0x4001000 && out[1].end == 0x5000000);
    NEED(out[2].start == 0x5003000 && out[2].end == 0x7ffe000);
    NEED(out[3].start == 0x100000000 && out[3].end == 0x110000000);
    NEED(out[4].start == 0x10000 && out[4].end == 0x9f000);
}

/* Against a bitmap, with overlapping ranges of all types. */
static void random_maps(void)
{
    enum { PAGES = 512, BASE = 0 };
    for (int round = 0; round < 3000; round++) {
        struct memory_range map[20];
        struct frame_span taken[4], out[64];
        bool ram[PAGES] = {false}, bad[PAGES] = {false};
        unsigned nmap = shim_below(20), ntaken = shim_below(4);
        for (unsigned i = 0; i < nmap; i++) {
            map[i] = (struct memory_range){shim_below(PAGES * 4096), shim_below(PAGES * 2048),
                                           1 + shim_below(5)};
            if (map[i].start + map[i].size > PAGES * 4096ul)
                map[i].size = PAGES * 4096ul - map[i].start;
            paddr_t end = map[i].start + map[i].size;
            for (paddr_t p = 0; p < PAGES; p++) {
                bool whole = p * 4096 >= map[i].start && (p + 1) * 4096 <= end;
                bool part = map[i].size && p * 4096 < end && (p + 1) * 4096 > map[i].start;
                if (map[i].type == MEMORY_RAM)
                    ram[p] |= whole;
                else
                    bad[p] |= part;
            }
        }
        for (unsigned i = 0; i < ntaken; i++) {
            taken[i].start = shim_below(PAGES * 4096);
            taken[i].end = taken[i].start + shim_below(100000);
            for (paddr_t p = 0; p < PAGES; p++)
                bad[p] |= taken[i].end > taken[i].start && p * 4096 < taken[i].end &&
                          (p + 1) * 4096 > taken[i].start;
        }
        unsigned n = frame_usable_spans(map, nmap, taken, ntaken, out, 64);
        for (paddr_t p = 0; p < PAGES; p++)
            NEED(in_spans(out, n, p * 4096) == (ram[p] && !bad[p] && p >= 16));
        for (unsigned i = 0; i < n; i++)
            NEED(out[i].start < out[i].end);
    }
}

static void wild_maps(void)
{
    struct memory_range map[] = {
        {~0ul - 5, 100, MEMORY_RAM},        {1ul << 39, ~0ul, MEMORY_RAM},
        {1ul << 50, 1ul << 20, MEMORY_RAM}, {5, 0, MEMORY_RAM},
        {1ul << 39, 4096, MEMORY_RESERVED}, {7, ~0ul, (enum memory_type)77},
    };
    struct frame_span out[4];
    NEED(frame_usable_spans(map, 5, NULL, 0, out, 4) == 1);
    NEED(out[0].start == (1ul << 39) + 4096 && out[0].end == FRAME_LIMIT);
    NEED(frame_usable_spans(map, 6, NULL, 0, out, 4) == 0);
}

int main(void)
{
    shim_start(RAM);
    little_is_touched();
    random_orders();
    reports();
    all_of_it();
    reserve_holds();
    zeroed();
    references();
    misuse_is_noticed();
    memory_map();
    random_maps();
    wild_maps();
    return 0;
}
