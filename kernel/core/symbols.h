/* core/symbols.h: names of the kernel's functions, linked in by kernel/symbols.sh. Any context. */
#pragma once

#include "lib/types.h"

/* The function that addr lies in, and the offset in it; NULL: none. */
const char *symbol_at(uintptr_t addr, size_t *offset);
