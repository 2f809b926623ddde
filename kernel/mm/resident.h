/* mm/resident.h: what of an address space is in memory: for core dumps and /proc. Nothing here
 * brings pages in. */
#pragma once

#include "mm/address_space.h"

/* A page that is there. The reference is dropped with resident_page_put(). */
struct resident_page {
    uintptr_t addr;
    paddr_t frame;
    paddr_t held; /* what the reference is of; 0: none needed */
    bool zero;    /* the page of zeros */
};

/* The pages that are there from *at on below end, at most max of them, with references; *at moves
 * behind what was looked at. 0: no more. Takes the space's lock; sleeps. */
unsigned address_space_resident(struct address_space *space, uintptr_t *at, uintptr_t end,
                                struct resident_page *pages, unsigned max);
void resident_page_put(const struct resident_page *page);

/* The range from the first to the last page of the mapping that is there; copies: that is a private
 * copy, written to since. False: none is. Caller holds the space's lock. */
bool mapping_extent(const struct mapping *mapping, bool copies, uintptr_t *start, uintptr_t *end);

/* What a mapping has in memory, in bytes (smaps of man 5 proc). A page of a file that no allocator
 * counts (the root image's) is taken for private. */
struct memory_use {
    uint64_t resident, pss, pss_dirty, pss_anonymous, pss_shared;
    uint64_t shared_clean, shared_dirty, private_clean, private_dirty;
    uint64_t referenced, anonymous, huge;
};
/* Add the mapping's to *use. Caller holds the space's lock. */
void mapping_measure(const struct mapping *mapping, struct memory_use *use);
/* Bytes of page tables below the top one. Takes the space's lock. */
uint64_t address_space_table_bytes(struct address_space *space);
