/* sanitize/shadow.h: one byte for every 8 of the kernel's half: 0 all may be touched, 1 to 7 so
 * many of them, else an enum sanitize_mark.
 *
 * The image's shadow is part of the image and mapped by the first page tables (boot/head.S); that
 * of the direct map comes chunk by chunk with the frames, that of the kernel area range by range.
 * Files in this folder are compiled without the sanitizer. */
#pragma once

#include "arch/x86_64/memory_map.h"
#include "lib/sanitize.h"

#define SHADOW_OFFSET 0xdffffc0000000000ul /* Makefile, boot/head.S */

static inline int8_t *shadow_of(uintptr_t addr)
{
    return (int8_t *)((addr >> 3) + SHADOW_OFFSET);
}

enum shadow_where {
    SHADOW_THERE,   /* checked */
    SHADOW_NOT_YET, /* memory that nobody manages: devices, the root image, boot's */
    SHADOW_PROGRAM, /* the lower half */
    SHADOW_WILD,    /* no memory at all */
};
enum shadow_where shadow_where(uintptr_t addr);

/* The first byte of addr[0..n) that may not be touched; 0: none. The shadow is there. */
uintptr_t shadow_find_bad(uintptr_t addr, size_t n);

/* sanitize/heap.c: the object that addr is in or next to: lines for a report. */
void sanitize_describe_heap(uintptr_t addr);
/* The callers, innermost first, as the low halves of addresses. */
enum { TRACE_DEPTH = 8 };
struct trace {
    uint32_t pc[TRACE_DEPTH];
};
void trace_take(struct trace *trace);
void trace_print(const char *what, const struct trace *trace);

__noreturn void sanitize_report(uintptr_t addr, size_t size, bool write, uintptr_t bad,
                                uintptr_t caller);
