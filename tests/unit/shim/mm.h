/* shim/mm.h: memory for tests of kernel/mm on the host. Physical memory is a mapping at
 * DIRECT_MAP_BASE (given by a compiler flag), this CPU a struct behind GS; locks only check that
 * they are used in pairs; a panic ends the test, or returns to shim_expect_panic(). */
#pragma once

#include "lib/types.h"
#include "mm/frame.h"
#include "../need.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHIM_RAM_START = 16 << 20 };

/* Make RAM of so many bytes at SHIM_RAM_START and hand it to frame_init(). */
void shim_start(size_t ram);
/* Does fn(arg) panic? */
bool shim_panics(void (*fn)(void *), void *arg);
/* A second CPU is running a program (its flushes are counted in shim_calls). */
void shim_second_cpu(bool busy);
extern unsigned long shim_calls;

uint64_t shim_random(void);
uint64_t shim_below(uint64_t n);
