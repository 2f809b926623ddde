/* For tests/unit/sched_test.c: the interrupt flag of a CPU that is a thread of this host. */
#pragma once

#include "lib/types.h"

uint64_t irq_save(void);
void irq_restore(uint64_t flags);
bool irq_enabled(void);
void irq_enable(void);
void irq_disable(void);
void irq_wait(void);
