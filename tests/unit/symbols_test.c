// sources: kernel/core/symbol_coder.c
// flags: -Ikernel -I. -D__text_start=text_start -D__text_end=text_end
/* The names of the kernel's functions: what host/symbols writes core/symbols.c reads. */
#define main write_main
#include "host/symbols/symbols.c"
#undef main

#include <stdlib.h>

enum { TEXT = 1 << 22, COUNT = 3000 };

extern const char text_start[TEXT], text_end[];
asm(".bss\n.globl text_start, text_end\ntext_start: .skip 1 << 22\ntext_end:\n.text");
uint32_t table_count asm("symbol_count");
uint8_t table_codes[sizeof(codes)] asm("symbol_codes");

#include "core/symbols.c"

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    printf("not ok - symbols: %s\n", what);
    exit(1);
}

static bool is_at(uint64_t at, const char *name, size_t offset)
{
    char found[SYMBOL_NAME];
    size_t from;

    return symbol_at((uintptr_t)text_start + at, found, &from) && !strcmp(found, name) &&
           from == offset;
}

/* Names of all lengths, some like the one before; distances from none to a large one. */
static void invent(void)
{
    uint64_t at = 5;

    for (n = 0; n < COUNT; n++) {
        unsigned length = n % 7 ? (unsigned)rand() % 20 : (unsigned)rand() % SYMBOL_NAME;
        unsigned same = n ? (unsigned)rand() % 12 : 0;
        for (unsigned i = 0; i < length; i++)
            names[n][i] = i < same && names[n - 1][i] ? names[n - 1][i] : (char)(33 + rand() % 94);
        address[n] = at;
        at += n % 100 == 99 ? (unsigned)rand() % 70000 : (unsigned)rand() % 600;
    }
}

int main(void)
{
    char name[SYMBOL_NAME];
    size_t offset;

    check(!symbol_at((uintptr_t)text_start, name, &offset), "an empty table has a name");
    srand(7);
    invent();
    table_count = n;
    memcpy(table_codes, codes, code_all(0));
    check(address[n - 1] < TEXT - 100, "more text than there is");
    for (unsigned i = 0; i < COUNT; i += i < 50 || i > COUNT - 20 ? 1 : 97) {
        unsigned last = i; /* the last of those that begin there */
        while (last + 1 < n && address[last + 1] == address[i])
            last++;
        check(is_at(address[i], names[last], 0), "the first byte of a function");
        if (last + 1 < n)
            check(is_at(address[last + 1] - 1, names[last], address[last + 1] - 1 - address[last]),
                  "the last byte of a function");
    }
    check(is_at(TEXT - 1, names[n - 1], TEXT - 1 - address[n - 1]), "behind the last");
    check(!symbol_at((uintptr_t)text_start + 4, name, &offset), "before the first");
    check(!symbol_at((uintptr_t)text_start - 1, name, &offset), "before the text");
    check(!symbol_at((uintptr_t)text_end, name, &offset), "behind the text");
    printf("ok - names of functions, packed and found\n");
    return 0;
}
