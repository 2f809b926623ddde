/* mm/heap.h: the kernel's own memory. Any context, interrupts included; never sleeps.
 * Usable from boot phase CLOCK on. */
#pragma once

#include "lib/types.h"

/* size bytes, 16-byte aligned (64 from 64 bytes on, page-aligned from a page on); NULL when
 * memory is short. Any size up to 4 MiB (beyond: mm/karea.h). The caller owns it; kfree(NULL) is
 * nothing. */
void *kmalloc(size_t size);
void *kzalloc(size_t size);
/* n * size with the product checked; zeroed. */
void *kcalloc(size_t n, size_t size);
/* Keeps the contents; on failure NULL and the old block stays. */
void *krealloc(void *p, size_t size);
void kfree(void *p);
/* The same for one of kmalloc(size), with the size of then: cheaper. p is not NULL. */
void kfree_sized(void *p, size_t size);
char *kstrdup(const char *s);

/* Objects of one size with per-CPU free lists. Initialise statically: {.name = "file", .size = ...}
 */
struct kcache {
    const char *name;
    size_t size;
    struct kcache_impl *impl; /* made at the first allocation */
    struct kcache *next;
};
void *kcache_alloc(struct kcache *cache); /* zeroed */
void kcache_free(struct kcache *cache, void *object);

/* For the sanitizer: the object that addr is in or behind, and how much room it has; 0: none. */
uintptr_t heap_find(uintptr_t addr, size_t *slot);

size_t heap_used(void); /* bytes handed out, for leak tests and /proc/meminfo */

/* For /proc/slabinfo: the n-th kind of objects (false: there are no more). `used` may be a little
 * off while other CPUs allocate. */
struct kcache_stats {
    const char *name; /* "kmalloc" for the general ones */
    size_t size;
    unsigned long used, slabs;
    unsigned per_slab, pages_per_slab;
};
bool heap_cache_stats(unsigned n, struct kcache_stats *stats);
