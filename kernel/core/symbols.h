/* core/symbols.h: names of the kernel's functions, linked in by host/symbols. Any context, but one
 * caller at a time; it takes some ten million instructions, as the names are packed tightly: for
 * what ends the machine. */
#pragma once

#include "core/symbol_coder.h"
#include "lib/types.h"

/* The function that addr lies in, by its name, and the offset in it; false: none. */
bool symbol_at(uintptr_t addr, char name[SYMBOL_NAME], size_t *offset);
