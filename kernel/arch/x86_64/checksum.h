/* arch/x86_64/checksum.h: the inner step of the Internet checksum. Any context. */
#pragma once

#include "lib/types.h"

/* One's complement sum of the 32 bytes at p and of sum. */
static inline uint64_t checksum_step(uint64_t sum, const uint8_t *p)
{
    const uint64_t(*words)[4] = (const uint64_t(*)[4])p;

    asm("addq (%1), %0\n\tadcq 8(%1), %0\n\tadcq 16(%1), %0\n\tadcq 24(%1), %0\n\tadcq $0, %0"
        : "+r"(sum)
        : "r"(p), "m"(*words));
    return sum;
}
