/* core/symbols.h: names of the kernel's functions, linked in by host/symbols. Any context. */
#pragma once

#include "lib/types.h"

enum { SYMBOL_NAME = 64 }; /* bytes, with the zero; longer names are cut */

/* The function that addr lies in, by its name, the offset in it, and its size (may be NULL); false:
 * none. */
bool symbol_at(uintptr_t addr, char name[SYMBOL_NAME], size_t *offset, size_t *size);
