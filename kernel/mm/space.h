/* mm/space.h: what the files of the address space share. Nobody outside mm/ includes it.
 *
 * Locks, outermost first: space->lock, object->lock, space->pte_lock. A leaf entry changes
 *   - from empty to filled by cmpxchg, under space->lock for reading;
 *   - otherwise under space->lock for writing, or under pte_lock (with space->lock for reading, or
 *     with object->lock, which keeps the mapping and so its tables where they are).
 * Tables are freed under space->lock for writing, where no mapping is left.
 *
 * Tables that fork() has shared are an exception (share.c): they have to be owned first.
 *
 * A leaf entry that is not empty has a frame, present or not (PROT_NONE takes PTE_PRESENT away). */
#pragma once

#include "lib/errno.h"
#include "mm/address_space.h"
#include "mm/frame.h"

enum { ENTRIES = 512, STACK_GUARD = 256 * 4096 };

/* --- mapping.c: the tree (space->lock held for writing, where it changes) ------------------------
 */

/* The mapping that holds addr, else the first above it; NULL: none. The one below; NULL. */
struct mapping *mapping_find(const struct address_space *space, uintptr_t addr);
struct mapping *mapping_prev(const struct mapping *mapping);
/* Put a copy of the template into the tree, or grow a neighbour that it fits; counts it. NULL: no
 * memory. Takes references. */
struct mapping *mapping_add(struct address_space *space, const struct mapping *template);
/* Take out of the tree, and put on *removed for mapping_dispose() once the lock is released. */
void mapping_remove(struct mapping *mapping, struct mapping **removed);
void mapping_dispose(struct mapping *removed);
/* Move the borders; the object's page at start goes along. */
void mapping_resize(struct mapping *mapping, uintptr_t start, uintptr_t end);
/* Cut at addr (inside): the upper part; NULL: no memory. */
struct mapping *mapping_split(struct mapping *mapping, uintptr_t addr);
/* Make addr a border, if it lies inside a mapping. */
int mapping_cut(struct address_space *space, uintptr_t addr);
/* Join with neighbours that differ in nothing; the one that covers it now. */
struct mapping *mapping_merge(struct mapping *mapping);
/* Set or clear MAP_LOCKED, counted. */
void mapping_set_locked(struct mapping *mapping, bool locked);
bool mapping_writable_private(const struct mapping *mapping); /* counts as data */
/* Addresses of length bytes within [low, high), from the top; 0: none. align: power of 2. */
uintptr_t mapping_find_gap(const struct address_space *space, uintptr_t low, uintptr_t high,
                           size_t length, size_t align);

/* --- flush.c: frames wait here until no CPU can reach them
 * ---------------------------------------- */

enum { GATHER_FEW = 30, GATHER_PAGE = 511, GATHER_PAGES_MAX = 64 };
/* A page full of frames, chained. */
struct gather_page {
    struct gather_page *next;
    paddr_t frames[GATHER_PAGE];
};
struct gather {
    struct address_space *space;
    uintptr_t start, end; /* what to flush */
    unsigned n, max, npages;
    paddr_t *frames;           /* few, or those of the newest page */
    struct gather_page *pages; /* newest first: all but the newest are full */
    paddr_t few[GATHER_FEW];
};
void gather_begin(struct gather *gather, struct address_space *space);
/* The translation of [addr, addr+size) is gone or lost rights. */
void gather_flush(struct gather *gather, uintptr_t addr, size_t size);
/* And its frame loses a reference. */
void gather_frame(struct gather *gather, paddr_t frame);
/* A table is out of the tree. */
void gather_table(struct gather *gather, paddr_t table);
/* A table that others may share is out of this space's tree: table_put(). */
void gather_shared_table(struct gather *gather, paddr_t table);
void gather_end(struct gather *gather);
extern bool spaces_tagged; /* by CPUID; before CPUs run programs */
int space_hooks_init(void);

/* --- table.c: walking tables
 * ---------------------------------------------------------------------- */

/* Call fn for each filled leaf entry of [start, end); level 2: a huge one. Huge entries that the
 * range cuts are split first; -ENOMEM. fn may change the entry. */
typedef void leaf_fn_t(pte_t *entry, uintptr_t addr, unsigned level, void *arg);
int table_walk(struct address_space *space, uintptr_t start, uintptr_t end, leaf_fn_t *fn,
               void *arg);
/* The same for looking only: nothing is split, an entry may reach beyond the range. */
void table_look(struct address_space *space, uintptr_t start, uintptr_t end, leaf_fn_t *fn,
                void *arg);
/* Empty [start, end) and free tables that serve nothing in (floor, ceiling); huge entries must not
 * be cut. */
void table_clear(struct gather *gather, uintptr_t start, uintptr_t end, uintptr_t floor,
                 uintptr_t ceiling);
/* Turn a huge entry into a table of small ones. -ENOMEM. Safe against other faults. */
int table_split(struct address_space *space, pte_t *entry);
/* The same for the one that addr cuts, if it does; a shared table there becomes the space's own.
 * space->lock for writing, or no table there can be shared. */
int table_split_at(struct address_space *space, uintptr_t addr);

/* --- share.c: tables shared by fork(), space->lock held for writing -----------------------------
 */

/* Let the child of gather->space use the table of the 2 MiB at block too, all of which lie in one
 * private anonymous mapping. -ENOMEM. */
int table_share(struct gather *gather, struct address_space *child, uintptr_t block);
/* Give the space tables of its own in [start, end), before leaves are changed. -ENOMEM: some may
 * be shared still. */
int table_own(struct address_space *space, uintptr_t start, uintptr_t end);
/* The same for the 2 MiB around addr, with the lock held for reading, which is released and taken
 * again. -ENOMEM. */
int table_own_at(struct address_space *space, uintptr_t addr);
/* One space less refers to the table; the last one lets its pages go. */
void table_put(paddr_t table);
/* How many leaves of the shared table under this entry are filled. */
long table_filled(pte_t above);

static inline uintptr_t level_size(unsigned level)
{
    return PAGE_SIZE << 9 * (level - 1);
}
static inline unsigned level_index(uintptr_t addr, unsigned level)
{
    return addr >> (PAGE_SHIFT + 9 * (level - 1)) & (ENTRIES - 1);
}
static inline paddr_t pte_frame(pte_t pte)
{
    return pte & PTE_ADDR_MASK;
}
static inline pte_t pte_load(const pte_t *entry)
{
    return __atomic_load_n(entry, __ATOMIC_ACQUIRE);
}
static inline bool pte_swap(pte_t *entry, pte_t old, pte_t new)
{
    return __atomic_compare_exchange_n(entry, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE);
}
/* What stands above a table that is the space's own (with PTE_ACCESSED, when it was used). */
#define TABLE_ENTRY (PTE_PRESENT | PTE_WRITE)
/* Is this the entry above a table that fork() has shared? */
static inline bool table_is_shared(pte_t above)
{
    return (above & (PTE_PRESENT | PTE_HUGE | PTE_COW)) == (PTE_PRESENT | PTE_COW);
}
/* What a private leaf is once its page has a second owner. */
static inline pte_t pte_to_cow(pte_t pte)
{
    return (pte & ~(pte_t)(PTE_WRITE | PTE_DIRTY)) | PTE_COW;
}
/* Access bits for a protection; the caller takes PTE_WRITE away where a write must fault. */
static inline pte_t pte_rights(unsigned prot)
{
    pte_t pte = PTE_ACCESSED;
    if (prot)
        pte |= PTE_PRESENT;
    if (prot & PROT_WRITE)
        pte |= PTE_WRITE | PTE_DIRTY;
    if (!(prot & PROT_EXEC))
        pte |= PTE_NX;
    return pte;
}

static inline bool mapping_shared(const struct mapping *mapping)
{
    return mapping->flags & MAP_SHARED;
}
static inline bool mapping_secret(const struct mapping *mapping)
{
    return mapping->object && mapping->object->ops->secret;
}
static inline void resident_add(struct address_space *space, long npages)
{
    atomic_fetch_add_explicit(&space->resident_pages, npages, memory_order_relaxed);
}

/* --- fault.c
 * ---------------------------------------------------------------------------------------- */

/* All zeros; mapped read-only where untouched memory is read. */
extern const char zero_page[PAGE_SIZE];
/* mm/unmap.c: with the lock held for writing; whole pages. Mappings go to *removed. */
int space_unmap_locked(struct address_space *space, uintptr_t start, uintptr_t end,
                       struct mapping **removed);
/* May the space grow by so many pages? data: they are private and writable. */
bool space_may_grow(const struct address_space *space, uint64_t npages, bool data);
/* Would the machine's memory hold them at all? */
bool space_commit_ok(uint64_t npages);
/* mm/flush.c: no CPU uses the space from now on. */
void space_unload(struct address_space *space);
