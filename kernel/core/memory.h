/* core/memory.h: the memory that core/ and arch/ need of mm/, which lies above them and defines
 * these functions (mm/for_core.c). From boot phase CLOCK on. */
#pragma once

#include "lib/types.h"

/* Zeroed, 64-byte aligned from 64 bytes on; NULL when memory is short. Any context. */
void *core_alloc(size_t size);
void core_free(void *p);

/* A kernel stack with guard pages, size bytes (whole pages); the lowest address. Threads only. */
void *core_stack_alloc(size_t size);
void core_stack_free(void *stack, size_t size);
