/* symbols: the table of the kernel's function names that core/symbols.c reads.
 *
 *   nm -n KERNEL.ELF | symbols >SYMBOLS.S
 *
 * core/symbol_coder.h tells how they are coded. */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/symbol_coder.h"

enum { FUNCTIONS = 16384 };

static uint64_t address[FUNCTIONS];
static char names[FUNCTIONS][SYMBOL_NAME];
static unsigned n;
static uint8_t codes[FUNCTIONS * SYMBOL_NAME];

/* False: no function of the kernel's text, or a mark in it. */
static int is_function(char type, const char *name)
{
    return (type == 't' || type == 'T') && strncmp(name, "__text", 6) != 0 &&
           strncmp(name, "entry_text", 10) != 0;
}

static uint64_t read_names(void)
{
    char line[512], name[256], type;
    uint64_t at, base = 0;

    while (fgets(line, sizeof(line), stdin)) {
        if (sscanf(line, "%lx %c %255s", &at, &type, name) != 3)
            continue;
        if (!strcmp(name, "__text_start"))
            base = at;
        if (!is_function(type, name))
            continue;
        if (n == FUNCTIONS)
            errx(1, "too many functions");
        snprintf(names[n], SYMBOL_NAME, "%.63s", name);
        address[n++] = at;
    }
    if (!n || address[0] < base)
        errx(1, "no functions behind __text_start");
    return base;
}

static unsigned write_bit(struct symbol_coder *coder, uint32_t p, unsigned bit)
{
    uint32_t middle = symbol_middle(coder, p);

    if (bit)
        coder->high = middle;
    else
        coder->low = middle + 1;
    for (; (coder->low ^ coder->high) >> 24 == 0; coder->high = coder->high << 8 | 0xff) {
        *coder->at++ = (uint8_t)(coder->low >> 24);
        coder->low <<= 8;
    }
    return bit;
}

/* The end of a range is a number in it: four bytes at most. */
static size_t code_all(uint64_t last)
{
    static struct symbol_coder coder = {.bit = write_bit, .at = codes};

    symbol_coder_start(&coder);
    for (unsigned i = 0; i < n; last = address[i++]) {
        uint32_t distance = (uint32_t)(address[i] - last);
        symbol_code(&coder, names[i], &distance);
    }
    for (unsigned i = 0; i < 4; i++, coder.high <<= 8)
        *coder.at++ = (uint8_t)(coder.high >> 24);
    return (size_t)(coder.at - codes);
}

int main(void)
{
    size_t size = code_all(read_names());

    printf(".section .symbols, \"a\"\n.balign 4\n.globl symbol_count, symbol_codes\n"
           "symbol_count: .long %u\nsymbol_codes:",
           n);
    for (size_t i = 0; i < size; i++)
        printf("%s%u", i % 32 ? "," : "\n.byte ", codes[i]);
    printf("\n.section .note.GNU-stack, \"\", @progbits\n");
    return 0;
}
