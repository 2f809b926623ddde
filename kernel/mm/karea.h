/* mm/karea.h: the kernel area of virtual addresses: stacks with guard pages, large buffers,
 * devices. From boot phase CLOCK on; not from interrupt handlers. */
#pragma once

#include "lib/types.h"

#define KAREA_BASE 0xffffc00000000000ul
#define KAREA_END  0xffffd00000000000ul

/* npages of zeroed memory, mapped read-write, an unmapped page on either side. NULL: no memory. */
void *karea_alloc(size_t npages);
void karea_free(void *p, size_t npages);

/* Map device registers uncached. size in bytes, paddr need not be aligned. NULL: no memory. */
void volatile *karea_map_device(paddr_t paddr, size_t size);
void karea_unmap_device(void volatile *p, size_t size);

/* Is p in an unmapped guard page next to an allocation? (For the message of a kernel fault.) */
bool karea_is_guard(uintptr_t p);
