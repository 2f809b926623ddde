/* Broken on purpose, for crash=kasan-heap and the like (kernel/crash.c): the only file here that is
 * compiled with the sanitizer. */
#include "lib/sanitize.h"
#include "mm/frame.h"
#include "mm/heap.h"

static int few[3] = {1, 2, 3};

/* The compiler shall not know where p points to. */
static void *hidden(void *p)
{
    asm volatile("" : "+r"(p));
    return p;
}

void sanitize_broken_heap(void)
{
    char *p = hidden(kmalloc(13));
    p[13] = 1;
}

void sanitize_broken_free(void)
{
    volatile char *p = hidden(kmalloc(100));
    kfree((void *)p);
    (void)p[40];
}

void sanitize_broken_twice(void)
{
    void *p = hidden(kmalloc(100));
    kfree(p);
    kfree(hidden(p));
}

void sanitize_broken_frame(void)
{
    paddr_t frame = frame_alloc(0, 0);
    volatile char *p = hidden(phys_to_virt(frame));
    frame_free(frame, 0);
    (void)p[8];
}

void sanitize_broken_stack(void)
{
    char local[10] = "";
    volatile char *p = hidden(local);
    (void)p[sizeof(local)];
}

void sanitize_broken_global(void)
{
    volatile int *p = hidden(few);
    (void)p[3];
}

void sanitize_broken_user(void)
{
    volatile int *p = hidden((void *)0x400000);
    (void)*p;
}

void sanitize_broken_undefined(void)
{
    unsigned bits = 33;
    volatile unsigned *by = hidden(&bits);
    few[0] = 1u << *by;
}
