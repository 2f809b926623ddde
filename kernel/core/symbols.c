#include "core/symbols.h"

#include "lib/string.h"

/* The table of the second link: addresses relative to the kernel's start in order, and names one
 * after another. In the first link there is none. */
extern const uint32_t symbol_offsets[] __attribute__((weak));
extern const char symbol_names[] __attribute__((weak));
extern const uint32_t symbol_count __attribute__((weak));
extern const char __text_start[], __text_end[];

const char *symbol_at(uintptr_t addr, size_t *offset)
{
    if (!&symbol_count || addr < (uintptr_t)__text_start || addr >= (uintptr_t)__text_end)
        return NULL;
    uint32_t at = addr - (uintptr_t)__text_start, i = 0;
    const char *name = symbol_names;
    if (!symbol_count || at < symbol_offsets[0])
        return NULL;
    for (; i + 1 < symbol_count && symbol_offsets[i + 1] <= at; i++)
        name += strlen(name) + 1;
    *offset = at - symbol_offsets[i];
    return name;
}
