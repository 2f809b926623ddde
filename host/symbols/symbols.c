/* symbols: the table of the kernel's function names that core/symbols.c reads.
 *
 *   nm -n KERNEL.ELF | symbols >SYMBOLS.S
 *
 * Names are shortened by byte pair encoding (Gage, "A New Algorithm for Data Compression", 1994):
 * the bytes from 128 on stand for two others each, the pair that was the most frequent when it was
 * chosen. */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { FUNCTIONS = 16384, TEXT = 1 << 20, NAME = 64, FIRST_PAIR = 128, PAIRS = 128 };

static uint64_t address[FUNCTIONS];
static unsigned n;
static uint8_t text[TEXT]; /* names, each with its zero */
static size_t length;
static uint8_t pairs[PAIRS][2];
static unsigned npairs;
static unsigned count[256][256];

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
        if (strlen(name) >= NAME)
            name[NAME - 1] = 0;
        if (n == FUNCTIONS || length + NAME > TEXT)
            errx(1, "too many functions");
        address[n++] = at;
        memcpy(text + length, name, strlen(name) + 1);
        length += strlen(name) + 1;
    }
    if (!n || address[0] < base)
        errx(1, "no functions behind __text_start");
    return base;
}

/* How often each pair of bytes is there, within names; the most frequent. */
static unsigned most_frequent(uint8_t pair[2])
{
    unsigned most = 0;

    memset(count, 0, sizeof(count));
    for (size_t i = 0; i + 1 < length; i++)
        if (text[i] && text[i + 1])
            count[text[i]][text[i + 1]]++;
    for (unsigned a = 1; a < 256; a++)
        for (unsigned b = 1; b < 256; b++)
            if (count[a][b] > most) {
                most = count[a][b];
                pair[0] = (uint8_t)a;
                pair[1] = (uint8_t)b;
            }
    return most;
}

static void replace(const uint8_t pair[2], uint8_t by)
{
    size_t to = 0;

    for (size_t from = 0; from < length; to++) {
        int here = from + 1 < length && text[from] == pair[0] && text[from + 1] == pair[1];
        text[to] = here ? by : text[from];
        from += here ? 2 : 1;
    }
    length = to;
}

static void print_bytes(const char *label, const uint8_t *bytes, size_t size)
{
    printf("%s:", label);
    for (size_t i = 0; i < size; i++)
        printf("%s%u", i % 32 ? "," : "\n.byte ", bytes[i]);
    printf("\n");
}

int main(void)
{
    uint64_t last = read_names();

    while (npairs < PAIRS && most_frequent(pairs[npairs]) > 3) {
        replace(pairs[npairs], (uint8_t)(FIRST_PAIR + npairs));
        npairs++;
    }
    printf(
        ".section .symbols, \"a\"\n.balign 4\n.globl symbol_count, symbol_distances, symbol_pairs, "
        "symbol_names\nsymbol_count: .long %u\nsymbol_distances:\n",
        n);
    for (unsigned i = 0; i < n; last = address[i++]) {
        if (address[i] - last > UINT16_MAX)
            errx(1, "a function of %lu bytes", address[i] - last);
        printf(".short %lu\n", address[i] - last);
    }
    print_bytes("symbol_pairs", pairs[0], sizeof(pairs));
    print_bytes("symbol_names", text, length);
    printf(".section .note.GNU-stack, \"\", @progbits\n");
    return 0;
}
