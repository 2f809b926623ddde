/* symbols: the table of the kernel's function names that core/symbols.c reads.
 *
 *   nm -n KERNEL.ELF | symbols >SYMBOLS.S
 *
 * Names are shortened by byte pair encoding (Gage, "A New Algorithm for Data Compression", 1994):
 * they are made of the characters that are used at all and of pairs, each of two such codes, the
 * pair that was the most frequent when it was chosen. A code has CODE_BITS, of which the highest
 * says that a name ends with it. */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* CODE_BITS, LOW_BITS: as in core/symbols.c. */
enum {
    FUNCTIONS = 16384,
    TEXT = 1 << 20,
    NAME = 64,
    CODE_BITS = 11,
    CODES = 1 << (CODE_BITS - 1),
    LOW_BITS = 7
};

static uint64_t address[FUNCTIONS];
static unsigned n;
static uint16_t text[TEXT]; /* codes of the names, 1 and up, each name with its zero */
static size_t length;
static char characters[CODES]; /* of the first codes */
static unsigned nchars, ncodes;
static uint16_t pairs[CODES][2]; /* of the others */
static unsigned count[CODES + 1][CODES + 1];

/* False: no function of the kernel's text, or a mark in it. */
static int is_function(char type, const char *name)
{
    return (type == 't' || type == 'T') && strncmp(name, "__text", 6) != 0 &&
           strncmp(name, "entry_text", 10) != 0;
}

static uint16_t code_of(char c)
{
    char *at = memchr(characters, c, nchars);
    if (at)
        return (uint16_t)(at - characters + 1);
    characters[nchars++] = c;
    return (uint16_t)nchars;
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
        for (const char *p = name; *p; p++)
            text[length++] = code_of(*p);
        text[length++] = 0;
    }
    if (!n || address[0] < base)
        errx(1, "no functions behind __text_start");
    ncodes = nchars;
    return base;
}

/* How often each pair of codes is there, within names; the most frequent. */
static unsigned most_frequent(uint16_t pair[2])
{
    unsigned most = 0;

    memset(count, 0, sizeof(count));
    for (size_t i = 0; i + 1 < length; i++)
        if (text[i] && text[i + 1] && ++count[text[i]][text[i + 1]] > most) {
            most = count[text[i]][text[i + 1]];
            pair[0] = text[i];
            pair[1] = text[i + 1];
        }
    return most;
}

static void replace(const uint16_t pair[2], uint16_t by)
{
    size_t to = 0;

    for (size_t from = 0; from < length; to++) {
        int here = from + 1 < length && text[from] == pair[0] && text[from + 1] == pair[1];
        text[to] = here ? by : text[from];
        from += here ? 2 : 1;
    }
    length = to;
}

static unsigned nbytes;

static void print_byte(unsigned byte)
{
    printf("%s%u", nbytes++ % 32 ? "," : "\n.byte ", byte & 255);
}

static void print_label(const char *label)
{
    nbytes = 0;
    printf("\n%s:", label);
}

static uint64_t bits;
static unsigned have;

static void print_bits(uint64_t value, unsigned n)
{
    bits |= value << have;
    have += n;
    for (; have >= 8; have -= 8, bits >>= 8)
        print_byte((unsigned)bits);
}

/* What is left of the last byte. */
static void end_bits(void)
{
    if (have)
        print_bits(0, 8 - have);
}

static void print_code(unsigned code)
{
    print_bits(code, CODE_BITS);
}

static void print_distance(uint64_t value)
{
    for (uint64_t ones = value >> LOW_BITS; ones; ones--)
        print_bits(1, 1);
    print_bits(0, 1);
    print_bits(value & ((1 << LOW_BITS) - 1), LOW_BITS);
}

int main(void)
{
    uint64_t last = read_names();

    /* A pair costs less than it saves. */
    while (ncodes < CODES && most_frequent(pairs[ncodes]) > 3) {
        replace(pairs[ncodes], (uint16_t)(ncodes + 1));
        ncodes++;
    }
    printf(".section .symbols, \"a\"\n.balign 4\n.globl symbol_count, symbol_distances, "
           "symbol_characters, symbol_character_count, symbol_pairs, symbol_names\n"
           "symbol_count: .long %u\nsymbol_character_count: .long %u",
           n, nchars);
    print_label("symbol_distances");
    for (unsigned i = 0; i < n; last = address[i++])
        print_distance(address[i] - last);
    end_bits();
    print_label("symbol_characters");
    for (unsigned i = 0; i < nchars; i++)
        print_byte((unsigned char)characters[i]);
    print_label("symbol_pairs");
    for (unsigned i = nchars; i < ncodes; i++) {
        print_code(pairs[i][0] - 1u);
        print_code(pairs[i][1] - 1u);
    }
    end_bits();
    print_label("symbol_names");
    for (size_t i = 0; i < length; i++)
        if (text[i])
            print_code((text[i] - 1u) | (text[i + 1] ? 0u : (unsigned)CODES));
    end_bits();
    printf("\n.long 0\n.section .note.GNU-stack, \"\", @progbits\n"); /* read in words */
    return 0;
}
