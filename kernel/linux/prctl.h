/* linux/prctl.h: the options of prctl(2) about memory (linux/prctl_memory.c). May sleep. */
#pragma once

#include "lib/types.h"

/* PR_SET_VMA: the arguments behind it. */
int64_t prctl_name_memory(uint64_t what, uintptr_t start, uint64_t size, uintptr_t name);
/* PR_SET_MM. */
int64_t prctl_set_memory(int what, uintptr_t value, uint64_t size, uint64_t rest);
/* PR_GET_AUXV: how much there is. */
int64_t prctl_get_auxv(uintptr_t to, uint64_t size);
