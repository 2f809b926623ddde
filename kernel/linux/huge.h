/* linux/huge.h: sizes of huge pages as MAP_HUGETLB, MFD_HUGETLB and SHM_HUGETLB name them. */
#pragma once

#include "lib/errno.h"

/* log2 of the size, 0 for the usual one (2 MiB), which is the only one that there is: 0, -EINVAL.
 */
static inline int huge_size_check(unsigned log)
{
    enum { LOG_2M = 21 };
    return !log || log == LOG_2M ? 0 : -EINVAL;
}
