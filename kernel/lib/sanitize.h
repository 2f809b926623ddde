/* lib/sanitize.h: what the rest of the kernel tells the address sanitizer (make KASAN=1).
 *
 * Any context. In a kernel without the sanitizer all of it is nothing: constants and empty inline
 * functions. kernel/sanitize/ has the definitions. */
#pragma once

#include "lib/types.h"

/* What the shadow of memory says that may not be touched. The numbers from the compiler are its
 * own: stack 0xf1 to 0xf3, left scope 0xf8, around a global 0xf9. */
enum sanitize_mark {
    SANITIZE_ALLOCA_LEFT = 0xca,
    SANITIZE_ALLOCA_RIGHT = 0xcb,
    SANITIZE_STACK_LEFT = 0xf1,
    SANITIZE_STACK_MIDDLE = 0xf2,
    SANITIZE_STACK_RIGHT = 0xf3,
    SANITIZE_SCOPE = 0xf8,
    SANITIZE_GLOBAL = 0xf9,
    SANITIZE_HEAP_REDZONE = 0xfa,
    SANITIZE_HEAP_RELEASE = 0xfc,
    SANITIZE_HEAP_FREE = 0xfd,
    SANITIZE_KAREA_FREE = 0xfe,
    SANITIZE_FRAME_FREE = 0xff,
};

#ifdef KASAN
enum { SANITIZED = 1, SANITIZE_META = 80 /* bytes behind each object of the heap */ };

/* Report and panic if a byte of p[0..n) may not be touched. */
void sanitize_check(const void *p, size_t n, bool write);
/* p aligned to 8, n to 8 unless the end of the last 8 bytes is not in use either. */
void sanitize_poison(const void *p, size_t n, enum sanitize_mark mark);
/* The last n % 8 bytes are marked as such. */
void sanitize_unpoison(const void *p, size_t n);

/* Make the shadow of the chunk that start is in, out of frames from more() (0: none) or out of
 * [start, end) itself. Returns what is left of it: the new start; end if the piece is too small. */
paddr_t sanitize_cover_chunk(paddr_t start, paddr_t end, paddr_t (*more)(void));
/* Make the shadow of addresses of the kernel area. -ENOMEM. Not in interrupts. */
int sanitize_cover_karea(uintptr_t addr, size_t size);

/* An object was handed out: slot bytes, of which size are asked for. */
void sanitize_allocated(void *p, size_t slot, size_t size);
/* An object comes back: true if the sanitizer keeps it, and calls kfree() again when it has lain
 * for a while. A second free is reported. */
bool sanitize_keep(void *p, size_t slot);
/* The size that was asked for. */
size_t sanitize_size(const void *p, size_t slot);
/* The heap is spent: give back what is kept; false if there was nothing. */
bool sanitize_heap_drain(void);

/* A block of frames was handed out. */
void sanitize_frames_allocated(paddr_t frame, unsigned order);
/* A block of frames came back. Returns the number of the frame to release in its place (one that
 * has lain for a while), 0: none. */
uint64_t sanitize_frame_freed(uint64_t frame, unsigned order);
/* One of those kept, 0: none is; how many there are. */
uint64_t sanitize_frame_evict(void);
uint64_t sanitize_frames_kept(void);

/* sanitize/broken.c: what crash=kasan-HOW and crash=ubsan do. */
void sanitize_broken_heap(void);
void sanitize_broken_free(void);
void sanitize_broken_twice(void);
void sanitize_broken_frame(void);
void sanitize_broken_stack(void);
void sanitize_broken_global(void);
void sanitize_broken_user(void);
void sanitize_broken_undefined(void);
#define SANITIZE_CRASHES                                                                           \
    {"kasan-heap", sanitize_broken_heap}, {"kasan-free", sanitize_broken_free},                    \
        {"kasan-twice", sanitize_broken_twice}, {"kasan-frame", sanitize_broken_frame},            \
        {"kasan-stack", sanitize_broken_stack}, {"kasan-global", sanitize_broken_global},          \
        {"kasan-user", sanitize_broken_user}, {"ubsan", sanitize_broken_undefined},
#else
#define SANITIZE_CRASHES
enum { SANITIZED = 0, SANITIZE_META = 0 };

static inline void sanitize_check(const void *p, size_t n, bool write)
{
}
static inline void sanitize_poison(const void *p, size_t n, enum sanitize_mark mark)
{
}
static inline void sanitize_unpoison(const void *p, size_t n)
{
}
static inline paddr_t sanitize_cover_chunk(paddr_t start, paddr_t end, paddr_t (*more)(void))
{
    return start;
}
static inline int sanitize_cover_karea(uintptr_t addr, size_t size)
{
    return 0;
}
static inline void sanitize_allocated(void *p, size_t slot, size_t size)
{
}
static inline bool sanitize_keep(void *p, size_t slot)
{
    return false;
}
static inline size_t sanitize_size(const void *p, size_t slot)
{
    return slot;
}
static inline bool sanitize_heap_drain(void)
{
    return false;
}
static inline void sanitize_frames_allocated(paddr_t frame, unsigned order)
{
}
static inline uint64_t sanitize_frame_freed(uint64_t frame, unsigned order)
{
    return frame;
}
static inline uint64_t sanitize_frame_evict(void)
{
    return 0;
}
static inline uint64_t sanitize_frames_kept(void)
{
    return 0;
}
#endif
