/* core/tick.h: looks at what the CPUs do, every 4 ms while they do something: whether a thread runs
 * program or kernel code (user and system time), and how many threads there are to run (load). An
 * idle CPU does not tick. */
#pragma once

#include "lib/types.h"

struct runqueue;

enum { TICK_PERIOD_NS = 4000000 };

/* The CPU leaves idle, or gets its first program: look at it from now on. Interrupts off, or before
 * there are others. */
void tick_start(struct runqueue *rq);
void tick_init(struct runqueue *rq);

/* Averages over 1, 5 and 15 minutes of the number of threads that run or could, each with
 * LOAD_SHIFT binary places. Any context. */
enum { LOAD_SHIFT = 11 };
void tick_load(uint64_t loads[3]);
