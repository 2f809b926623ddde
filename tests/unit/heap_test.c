// clang-format off
// sources: tests/unit/shim/mm.c kernel/mm/frame.c kernel/mm/heap.c kernel/arch/x86_64/paging.c
// flags: -Itests/unit/shim -Itests/unit -Ikernel -DDIRECT_MAP_BASE=0x200000000000ul -Wno-unused-parameter
// clang-format on
/* The heap: blocks do not overlap, are aligned as promised, keep their bytes; all memory comes
 * back; misuse is found out. */
#include "mm/heap.h"
#include "shim/mm.h"

enum { RAM = 64 << 20, LIVE = 3000 };

static struct {
    uint8_t *p;
    size_t size;
    uint8_t fill;
} live[LIVE];

static size_t random_size(void)
{
    switch (shim_below(10)) {
    case 0:
        return shim_below(100000);
    case 1:
        return shim_below(9000);
    default:
        return shim_below(600);
    }
}

static void check(unsigned slot)
{
    for (size_t i = 0; i < live[slot].size; i++)
        NEED(live[slot].p[i] == live[slot].fill);
}

static void aligned(const void *p, size_t size)
{
    size_t to = size >= 4096 ? 4096 : size >= 64 ? 64 : 16;
    NEED((uintptr_t)p % to == 0);
}

static void random_blocks(void)
{
    size_t used = heap_used();
    for (int i = 0; i < 300000; i++) {
        unsigned slot = shim_below(LIVE);
        if (live[slot].p && shim_below(4) == 0) {
            check(slot);
            size_t size = random_size();
            uint8_t *moved = krealloc(live[slot].p, size);
            if (!moved)
                continue;
            for (size_t j = 0; j < size && j < live[slot].size; j++)
                NEED(moved[j] == live[slot].fill);
            live[slot].p = moved;
            live[slot].size = size;
            memset(moved, live[slot].fill, size);
        } else if (live[slot].p) {
            check(slot);
            kfree(live[slot].p);
            live[slot].p = NULL;
        } else {
            live[slot].size = random_size();
            live[slot].fill = shim_random();
            live[slot].p = kmalloc(live[slot].size);
            if (!live[slot].p)
                continue;
            aligned(live[slot].p, live[slot].size);
            memset(live[slot].p, live[slot].fill, live[slot].size);
        }
    }
    for (unsigned i = 0; i < LIVE; i++) {
        if (live[i].p)
            check(i);
        kfree(live[i].p);
        live[i].p = NULL;
    }
    NEED(heap_used() == used);
}

static uint64_t free_frames(void)
{
    struct frame_stats stats;
    frame_get_stats(&stats);
    return stats.free;
}

static void memory_comes_back(void)
{
    static void *blocks[100000];
    uint64_t before = free_frames();
    for (int round = 0; round < 5; round++) {
        int n = 0;
        while (n < 100000 && (blocks[n] = kmalloc(200)))
            n++;
        NEED(n == 100000);
        while (n)
            kfree(blocks[--n]);
        NEED(free_frames() + 40 > before);
    }
}

static void zeroed(void)
{
    for (int i = 0; i < 5000; i++) {
        size_t size = random_size();
        uint8_t *p = kzalloc(size);
        for (size_t j = 0; j < size; j++)
            NEED(!p[j]);
        memset(p, 0xa5, size);
        kfree(p);
    }
    NEED(!kcalloc(1ul << 33, 1ul << 33));
    NEED(!kmalloc((4 << 20) + 1));
    void *largest = kmalloc(4 << 20);
    NEED(largest);
    kfree(largest);
    kfree(NULL);
}

static void caches(void)
{
    static struct kcache sizes[] = {{.name = "a", .size = 1},    {.name = "b", .size = 24},
                                    {.name = "c", .size = 100},  {.name = "d", .size = 808},
                                    {.name = "e", .size = 3000}, {.name = "f", .size = 9000}};
    static void *objects[500];
    size_t used = heap_used();
    for (unsigned c = 0; c < ARRAY_SIZE(sizes); c++) {
        for (int i = 0; i < 500; i++) {
            NEED((objects[i] = kcache_alloc(&sizes[c])));
            for (size_t j = 0; j < sizes[c].size; j++)
                NEED(!((char *)objects[i])[j]);
            memset(objects[i], 0xff, sizes[c].size);
        }
        for (int i = 0; i < 500; i++)
            kcache_free(&sizes[c], objects[i * 7 % 500]);
    }
    NEED(heap_used() < used + 2000); /* the caches' own descriptions */
}

static void sizes_told(void)
{
    size_t used = heap_used();
    for (int i = 0; i < 5000; i++) {
        size_t size = random_size();
        void *p = kmalloc(size);
        NEED(p);
        memset(p, 0xa5, size);
        kfree_sized(p, size);
    }
    NEED(heap_used() == used);
}

static void free_it(void *p)
{
    kfree(p);
}

static void free_sized(void *p)
{
    kfree_sized(p, 100);
}

static void misuse_is_noticed(void)
{
    char *p = kmalloc(100), *large = kmalloc(10000);
    kfree(p);
    NEED(shim_panics(free_it, p));
    NEED(shim_panics(free_sized, p));
    kfree(large);
    NEED(shim_panics(free_it, large));
    large = kmalloc(10000);
    NEED(shim_panics(free_it, large + 4096));
    kfree(large);
}

int main(void)
{
    shim_start(RAM);
    random_blocks();
    memory_comes_back();
    zeroed();
    caches();
    sizes_told();
    misuse_is_noticed();
    return 0;
}
