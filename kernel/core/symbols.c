#include "core/symbols.h"

/* The table of the second link (host/symbols): the distance of each function from the one before,
 * the first from the start; names one after another, in which a byte from FIRST_PAIR on stands for
 * two, of which each may stand for two again. In the first link there is none. */
extern const uint32_t symbol_count __attribute__((weak));
extern const uint16_t symbol_distances[] __attribute__((weak));
extern const uint8_t symbol_pairs[][2] __attribute__((weak));
extern const uint8_t symbol_names[] __attribute__((weak));
extern const char __text_start[], __text_end[];

enum { FIRST_PAIR = 128, PAIRS = 128 };

static void expand(const uint8_t *code, char name[SYMBOL_NAME])
{
    uint8_t open[PAIRS + 1]; /* a pair's halves stand for earlier pairs: no deeper than there are */
    size_t n = 0;

    for (; *code; code++) {
        unsigned depth = 0;
        open[depth++] = *code;
        while (depth && n < SYMBOL_NAME - 1) {
            uint8_t byte = open[--depth];
            if (byte < FIRST_PAIR) {
                name[n++] = (char)byte;
            } else {
                open[depth++] = symbol_pairs[byte - FIRST_PAIR][1];
                open[depth++] = symbol_pairs[byte - FIRST_PAIR][0];
            }
        }
    }
    name[n] = 0;
}

bool symbol_at(uintptr_t addr, char name[SYMBOL_NAME], size_t *offset)
{
    if (!&symbol_count || addr < (uintptr_t)__text_start || addr >= (uintptr_t)__text_end)
        return false;
    size_t left = addr - (uintptr_t)__text_start;
    const uint8_t *code = symbol_names;
    if (!symbol_count || left < symbol_distances[0])
        return false;
    left -= symbol_distances[0];
    for (uint32_t i = 1; i < symbol_count && symbol_distances[i] <= left; i++) {
        left -= symbol_distances[i];
        while (*code++)
            ;
    }
    *offset = left;
    expand(code, name);
    return true;
}
