// clang-format off
// sources: tests/unit/shim/mm.c kernel/mm/frame.c kernel/mm/heap.c kernel/mm/page_store.c kernel/arch/x86_64/paging.c
// flags: -Itests/unit/shim -Itests/unit -Ikernel -DDIRECT_MAP_BASE=0x200000000000ul -Wno-unused-parameter
// clang-format on
/* Page stores against a table: small and huge indexes, ranges, the next page, nothing leaks. */
#include "lib/errno.h"
#include "mm/heap.h"
#include "mm/shm.h"
#include "shim/mm.h"

enum { RAM = 64 << 20, KEYS = 400 };

static uint64_t keys[KEYS];
static bool there[KEYS];

static void choose_keys(void)
{
    static const uint64_t special[] = {0,          1,
                                       63,         64,
                                       4095,       4096,
                                       1ull << 20, 1ull << 36,
                                       1ull << 52, (1ull << 52) - 1,
                                       ~0ull,      ~0ull - 1,
                                       1ull << 63, (1ull << 60) - 1};
    for (int i = 0; i < KEYS; i++)
        keys[i] = i < (int)ARRAY_SIZE(special) ? special[i] : shim_random() >> shim_below(60);
    for (int i = 0; i < KEYS; i++)
        for (int j = 0; j < i; j++)
            if (keys[i] == keys[j])
                keys[i] = shim_random(), j = -1;
}

static void check_next(struct page_store *store, uint64_t from)
{
    uint64_t best = 0, found;
    bool any = false;
    for (int i = 0; i < KEYS; i++)
        if (there[i] && keys[i] >= from && (!any || keys[i] < best)) {
            best = keys[i];
            any = true;
        }
    NEED(page_store_next(store, from, &found) == any);
    NEED(!any || found == best);
}

static void random_pages(struct page_store *store)
{
    for (int round = 0; round < 60000; round++) {
        int i = shim_below(KEYS);
        switch (shim_below(6)) {
        case 0:
        case 1: {
            paddr_t frame = page_store_find(store, keys[i], true);
            NEED(frame);
            uint64_t *p = phys_to_virt(frame);
            NEED(*p == (there[i] ? keys[i] : 0));
            *p = keys[i];
            there[i] = true;
            break;
        }
        case 2: {
            paddr_t frame = page_store_get(store, keys[i], false);
            NEED(!frame == !there[i]);
            if (frame) {
                NEED(*(uint64_t *)phys_to_virt(frame) == keys[i] && frame_refs(frame) == 2);
                frame_put(frame);
            }
            break;
        }
        case 3: {
            paddr_t frame = frame_alloc(0, FRAME_ZERO);
            *(uint64_t *)phys_to_virt(frame) = keys[i];
            int err = page_store_insert(store, keys[i], frame);
            NEED(err == (there[i] ? -EEXIST : 0));
            if (err)
                frame_put(frame);
            there[i] = true;
            break;
        }
        case 4: {
            uint64_t n = shim_below(8) ? 1 : shim_random() >> shim_below(64);
            page_store_remove(store, keys[i], n);
            for (int j = 0; j < KEYS; j++)
                if (n && keys[j] >= keys[i] && keys[j] - keys[i] < n)
                    there[j] = false;
            break;
        }
        case 5:
            check_next(store, shim_below(2) ? keys[i] : shim_random() >> shim_below(64));
        }
        if (round % 1000 == 0) {
            uint64_t n = 0;
            for (int j = 0; j < KEYS; j++)
                n += there[j];
            NEED(store->npages == n);
        }
    }
}

static void around(struct page_store *store)
{
    paddr_t frames[16];
    page_store_remove(store, 0, UINT64_MAX);
    page_store_remove(store, UINT64_MAX, 1);
    for (uint64_t i = 100; i < 116; i += 3)
        page_store_find(store, i, true);
    page_store_around(store, 100, 16, frames);
    for (int i = 0; i < 16; i++) {
        NEED(!frames[i] == (i % 3 != 0));
        if (frames[i])
            frame_put(frames[i]);
    }
}

/* Entries with marks: each is found, in order, whatever lies between. */
static void marked(struct page_store *store)
{
    static uintptr_t marks[KEYS];
    page_store_remove(store, 0, UINT64_MAX);
    page_store_remove(store, UINT64_MAX, 1);
    for (int i = 0; i < KEYS; i++) {
        keys[i] >>= 12; /* page numbers */
        there[i] = false;
    }
    for (int round = 0; round < 20000; round++) {
        int i = shim_below(round < 1000 ? 3 : KEYS), same = -1;
        for (int j = 0; j < KEYS; j++)
            if (j != i && there[j] && keys[j] == keys[i])
                same = j;
        uintptr_t *entry = page_store_entry(store, keys[i]);
        NEED((entry && *entry) == (there[i] || same >= 0));
        if (same >= 0)
            continue;
        if (!there[i]) {
            marks[i] = shim_below(8);
            NEED(page_store_put_entry(store, keys[i], frame_alloc(0, 0) | marks[i]) == 0);
        } else if (shim_below(2)) {
            NEED((*entry & 0xfff) == marks[i]);
            marks[i] = shim_below(8);
            *entry = (*entry & PAGE_MASK) | marks[i];
            continue;
        } else {
            page_store_drop_entry(store, keys[i]);
        }
        there[i] = !there[i];
        if (round % 100)
            continue;
        uintptr_t mask = shim_below(8);
        uint64_t last = UINT64_MAX >> 12, found = 0, wanted = 0;
        for (int j = 0; j < KEYS; j++)
            wanted += there[j] && (!mask || marks[j] & mask);
        for (uint64_t at = 0, before = 0; at <= last;) {
            entry = page_store_find_marked(store, &at, last, mask);
            NEED(at >= before && (!entry || at <= last));
            if (entry) {
                NEED(!mask || *entry & mask);
                found++, at++;
            }
            before = at;
        }
        NEED(found == wanted);
    }
    page_store_remove(store, 0, UINT64_MAX);
}

/* One page alone needs no node: it is no page beyond itself. */
static void next_of_one(struct page_store *store)
{
    uint64_t found = 7;
    NEED(!page_store_next(store, 0, &found));
    page_store_find(store, 0, true);
    NEED(store->height == 0);
    NEED(page_store_next(store, 0, &found) && found == 0);
    NEED(!page_store_next(store, 1, &found));
    NEED(!page_store_next(store, UINT64_MAX, &found));
    page_store_remove(store, 0, 1);
}

int main(void)
{
    struct page_store store;
    struct frame_stats before, after;

    shim_start(RAM);
    frame_get_stats(&before);
    page_store_init(&store);
    next_of_one(&store);
    choose_keys();
    random_pages(&store);
    around(&store);
    marked(&store);
    page_store_remove(&store, 0, UINT64_MAX);
    NEED(!store.root && !store.npages && !store.height);
    frame_get_stats(&after);
    NEED(after.free + 40 > before.free);
    return 0;
}
