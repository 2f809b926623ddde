/* mm/hugetlb.h: the pool of 2 MiB pages that MAP_HUGETLB, MFD_HUGETLB and SHM_HUGETLB draw from
 * (/proc/sys/vm/nr_hugepages). The pool keeps memory away from everybody else; what a mapping
 * draws goes back to the allocator, where its faults find it as they find any large page.
 *
 * Threads only; sleeps. */
#pragma once

#include "lib/types.h"

/* Make the pool so large, or as large as memory allows; pages in use stay counted. */
void hugetlb_resize(uint64_t npages);
/* Draw from the pool: 0 or -ENOMEM (nothing drawn). */
int hugetlb_take(uint64_t npages);
/* What was drawn is not used any more. Pages that memory cannot give back are lost to the pool. */
void hugetlb_return(uint64_t npages);
struct hugetlb_stats {
    uint64_t total, free;
};
void hugetlb_get_stats(struct hugetlb_stats *stats);
