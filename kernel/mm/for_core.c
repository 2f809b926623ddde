#include "core/memory.h"

#include "mm/heap.h"
#include "mm/karea.h"

void *core_alloc(size_t size)
{
    return kzalloc(size);
}

void core_free(void *p)
{
    kfree(p);
}

void *core_stack_alloc(size_t size)
{
    return karea_alloc(size / PAGE_SIZE);
}

void core_stack_free(void *stack, size_t size)
{
    karea_free(stack, size / PAGE_SIZE);
}
