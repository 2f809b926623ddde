#include "core/symbols.h"

/* The table of the second link (host/symbols): the distance of each function from the one before,
 * the first from the start, as so many ones as there are 1 << LOW_BITS in it, a zero and LOW_BITS
 * (Rice's code); names one after another, of codes of CODE_BITS: characters, then pairs of codes.
 * The highest bit ends a name. In the first link there is none. */
extern const uint32_t symbol_count __attribute__((weak));
extern const uint32_t symbol_character_count __attribute__((weak));
extern const uint8_t symbol_distances[] __attribute__((weak));
extern const char symbol_characters[] __attribute__((weak));
extern const uint8_t symbol_pairs[] __attribute__((weak));
extern const uint8_t symbol_names[] __attribute__((weak));
extern const char __text_start[], __text_end[];

enum { LOW_BITS = 7, CODE_BITS = 11, LAST = 1 << (CODE_BITS - 1), DEPTH = 64 };

/* At least 25 bits of a table, from that one on. */
static uint32_t bits_at(const uint8_t *table, size_t bit)
{
    uint32_t word;
    __builtin_memcpy(&word, table + bit / 8, sizeof(word));
    return word >> bit % 8;
}

static unsigned code_at(const uint8_t *codes, size_t i)
{
    return bits_at(codes, i * CODE_BITS) & ((1 << CODE_BITS) - 1);
}

static void expand(size_t at, char name[SYMBOL_NAME])
{
    unsigned open[DEPTH], code; /* what pairs still stand for: no more than a name has characters */
    size_t n = 0;

    do {
        unsigned depth = 0;
        code = code_at(symbol_names, at++);
        open[depth++] = code & ~LAST;
        while (depth && n < SYMBOL_NAME - 1) {
            unsigned part = open[--depth];
            if (part < symbol_character_count) {
                name[n++] = symbol_characters[part];
            } else if (depth + 2 <= DEPTH) {
                size_t pair = 2 * (part - symbol_character_count);
                open[depth++] = code_at(symbol_pairs, pair + 1);
                open[depth++] = code_at(symbol_pairs, pair);
            }
        }
    } while (!(code & LAST));
    name[n] = 0;
}

static size_t distance(size_t *bit)
{
    size_t value = 0;
    while (bits_at(symbol_distances, (*bit)++) & 1)
        value += 1 << LOW_BITS;
    value += bits_at(symbol_distances, *bit) & ((1 << LOW_BITS) - 1);
    *bit += LOW_BITS;
    return value;
}

bool symbol_at(uintptr_t addr, char name[SYMBOL_NAME], size_t *offset, size_t *size)
{
    size_t distances = 0, code = 0, left = addr - (uintptr_t)__text_start, step;
    if (!&symbol_count || addr < (uintptr_t)__text_start || addr >= (uintptr_t)__text_end)
        return false;
    step = distance(&distances);
    if (!symbol_count || left < step)
        return false;
    left -= step;
    for (uint32_t i = 1; i < symbol_count && (step = distance(&distances)) <= left; i++) {
        left -= step;
        while (!(code_at(symbol_names, code++) & LAST))
            ;
    }
    *offset = left;
    if (size)
        *size = step;
    expand(code, name);
    return true;
}
