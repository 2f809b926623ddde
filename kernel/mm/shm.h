/* mm/shm.h: memory pages by index that live as long as their owner: the data of a tmpfs file,
 * shared anonymous memory, memfd. May sleep. */
#pragma once

#include "core/mutex.h"
#include "lib/types.h"

struct page_store {
    struct mutex lock;
    void *root; /* radix tree of frames */
    unsigned height;
    atomic_ulong npages;
    atomic_ulong *total; /* counts the pages of several stores together; NULL: nobody does */
};

/* How many pages there are in all stores that have a total: shared memory and tmpfs. */
extern atomic_ulong page_store_shmem;
void page_store_init(struct page_store *store);
/* The frame at index; alloc makes a zeroed one. No reference is taken: the store owns it, and the
 * caller's lock keeps it (or frame_get it under store->lock: page_store_get). 0 none; -ENOMEM as 0
 * with alloc. */
paddr_t page_store_find(struct page_store *store, uint64_t index, bool alloc);
/* The same with a reference for the caller. */
paddr_t page_store_get(struct page_store *store, uint64_t index, bool alloc);
/* Those of [first, first+n) that are there, each with a reference; the others 0. */
void page_store_around(struct page_store *store, uint64_t first, unsigned n, paddr_t *frames);
/* Put a frame (the store takes over the caller's reference) where none is; -EEXIST, -ENOMEM. */
int page_store_insert(struct page_store *store, uint64_t index, paddr_t frame);
/* Drop pages [first, first+n). */
void page_store_remove(struct page_store *store, uint64_t first, uint64_t npages);
/* First present index >= index; false: none (SEEK_DATA). */
bool page_store_next(struct page_store *store, uint64_t index, uint64_t *found);

/* --- For a cache that has a lock of its own around these (the store's is not taken; any context)
 * and marks in the low bits of the frames, all of which the above knows nothing of. --- */

/* The entry of an index; NULL or 0 in it: none. */
uintptr_t *page_store_entry(struct page_store *store, uint64_t index);
/* Put an entry (takes over the reference) where none is; -EEXIST, -ENOMEM. */
int page_store_put_entry(struct page_store *store, uint64_t index, uintptr_t entry);
/* Drop the entry and its reference. */
void page_store_drop_entry(struct page_store *store, uint64_t index);
/* The first entry in [*index, last] that has one of the marks (0: any) and its index; last is below
 * UINT64_MAX. NULL: none below *index, which has moved on: the search is over when it is beyond
 * last, else it is to go on there (so much at once is enough for a lock). */
uintptr_t *page_store_find_marked(struct page_store *store, uint64_t *index, uint64_t last,
                                  uintptr_t marks);

/* A new anonymous shared object with one reference (MAP_SHARED|MAP_ANONYMOUS); NULL: no memory.
 * nhuge: drawn from the pool of huge pages, to which it returns them. */
struct mem_object;
struct mem_object *shm_object_create(uint64_t npages, uint64_t nhuge);
