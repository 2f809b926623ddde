/* mm/frame.h: physical memory in frames of 4 KiB.
 *
 * Any context, interrupts included; never sleeps. Per-CPU caches make the common case lock-free.
 * Nothing is walked at boot: ranges of the memory map are taken into use piece by piece.
 * Usable from boot phase CLOCK on. */
#pragma once

#include "arch/x86_64/memory_map.h"
#include "lib/types.h"

#define FRAME_LIMIT (1ul << 40) /* memory above 1 TiB is left alone */

enum {
    FRAME_ZERO = 1,   /* zero-filled */
    FRAME_ATOMIC = 2, /* may use the reserve (interrupts, page tables under pressure) */
    FRAME_USER = 4,   /* for the program: refused while the kernel's reserve would shrink */
};

/* Allocate 2^order contiguous frames (order 0 to 10), aligned to their size, with reference
 * count 1. Returns the physical address, or 0 when no run of that order is left (the caller decides
 * whether to reclaim). The caller owns the frames. */
paddr_t frame_alloc(unsigned order, unsigned flags);
/* Free what frame_alloc(order) returned; all references must be gone but the caller's. */
void frame_free(paddr_t frame, unsigned order);

/* References of a single frame or of a 2 MiB block (order 9), counted at its first frame. Frames
 * that the allocator does not manage (the root image, devices) are ignored by get and put. */
void frame_get(paddr_t frame);
/* Drop a reference; the last one frees the frame or block. */
void frame_put(paddr_t frame);
/* Drop a reference, unless it is the last one: then it is kept, and the answer is true. */
bool frame_put_unless_last(paddr_t frame);
unsigned frame_refs(paddr_t frame);
bool frame_managed(paddr_t frame);
/* Turn an order-9 block with one reference into 512 frames with one reference each. */
void frame_split_huge(paddr_t frame);

/* Give a range of RAM that boot has reserved (boot data no longer needed) to the allocator. */
void frame_add_range(paddr_t start, uint64_t size);

struct frame_stats {
    uint64_t total, free, user; /* frames */
};
void frame_get_stats(struct frame_stats *stats);

/* Is so much memory free that 2 MiB pages may be spent where 4 KiB would do? */
bool frame_plentiful(void);

/* For a host that wants to know of free memory: a free block, of order FRAME_ORDER_REPORTED at
 * least, that has not been reported since it was used last, is the caller's; 0: none, or memory is
 * short. Back among the free ones it is a reported one. Its contents are lost meanwhile. */
paddr_t frame_take_unreported(unsigned *order);
void frame_put_reported(paddr_t block, unsigned order);

/* Give memory back: how many frames; 0: nothing is left to give. For threads (which may sleep) when
 * an allocation for the program has failed: then they try again. Holds no lock of mm/ but those of
 * the objects that it takes pages from. The hooks give caches back, then what the host has lent. */
unsigned frame_reclaim(void);
enum { FRAME_RECLAIM_CACHE, FRAME_RECLAIM_BALLOON, FRAME_RECLAIMS };
extern unsigned (*frame_reclaim_hooks[FRAME_RECLAIMS])(void);

/* --- for mm/ itself ----------------------------------------------------------------------------
 */

enum { FRAME_ORDER_MAX = 10, FRAME_ORDER_HUGE = 9, FRAME_ORDER_REPORTED = 6 };

/* A physical range, for boot's arithmetic. */
struct frame_span {
    paddr_t start, end;
};
/* Take over the RAM in spans (page-aligned, disjoint, in order of preference; the first ones below
 * 4 GiB). Once, on the boot CPU. -ENOMEM: nothing usable. */
int frame_init(const struct frame_span *spans, unsigned n);
/* What is RAM in map (as a loader tells it: any order, overlaps) and not in taken: into out, at
 * most max spans; memory below 1 MiB comes last, the first 64 KiB never. Returns their number. */
struct memory_range;
unsigned frame_usable_spans(const struct memory_range *map, unsigned nmap,
                            const struct frame_span *taken, unsigned ntaken, struct frame_span *out,
                            unsigned max);

/* Mark a block of frames as a slab of the heap (and back, before frame_free), so that the slab of
 * any address in it can be found: its order, or -1. */
void frame_mark_slab(paddr_t frame, unsigned order);
void frame_unmark_slab(paddr_t frame, unsigned order);
int frame_slab_order(paddr_t frame);
/* The order with which an allocated block was got; -1: not the start of one. */
int frame_block_order(paddr_t frame);
