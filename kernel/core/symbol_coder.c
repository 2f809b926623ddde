#include "core/symbol_coder.h"

enum { NUMBERS = 256, SIZE_BITS = 5, LIMIT = (8 << 12) - 1 };

void symbol_coder_start(struct symbol_coder *coder)
{
    coder->low = 0;
    coder->high = UINT32_MAX;
    coder->last[0] = 0;
    for (unsigned i = 0; i < 1 << SYMBOL_WEIGHTS_LOG; i++)
        coder->weights[i] = 0;
}

/* 65536 / (1 + e^-x) for x in 1/4096, by lines between each half. */
static uint32_t probability(int32_t x)
{
    static const uint16_t halves[] = {32768, 40793, 47911, 53579, 57724, 60565, 62428, 63615, 64357,
                                      64816, 65097, 65269, 65374, 65438, 65476, 65500, 65514};
    int32_t above = x < 0 ? -x : x;
    above = above > LIMIT ? LIMIT : above;

    const uint16_t *left = &halves[above >> 11];
    uint32_t p = left[0] + ((uint32_t)(left[1] - left[0]) * (uint32_t)(above & 2047) >> 11);
    return x < 0 ? 65536 - p : p;
}

/* One bit, which contexts that are the same now and then, with the bits before it, tell: each adds
 * its weight, and what was wrong is shared out among them (logistic regression). */
static unsigned code_bit(struct symbol_coder *coder, const uint32_t *contexts, unsigned n,
                         unsigned before, unsigned bit)
{
    int16_t *weights[SYMBOL_CONTEXTS];
    int32_t sum = 0;

    for (unsigned i = 0; i < n; i++) {
        uint32_t hash = (contexts[i] + before) * 0x9e3779b1;
        hash = (hash ^ hash >> 15) * 0x85ebca6b;
        weights[i] = &coder->weights[hash >> (32 - SYMBOL_WEIGHTS_LOG)];
        sum += *weights[i];
    }
    uint32_t p = probability(sum);
    bit = coder->bit(coder, p, bit);
    int32_t wrong = (int32_t)(bit << 16) - (int32_t)p;
    for (unsigned i = 0; i < n; i++) {
        int32_t weight = *weights[i] + wrong / 64;
        if (weight >= INT16_MIN && weight <= INT16_MAX)
            *weights[i] = (int16_t)weight;
    }
    return bit;
}

static unsigned code_number(struct symbol_coder *coder, const uint32_t *contexts, unsigned n,
                            unsigned bits, unsigned number)
{
    unsigned before = 1;

    while (bits--)
        before = before * 2 + code_bit(coder, contexts, n, before, number >> bits & 1);
    return before;
}

static void code_name(struct symbol_coder *coder, char name[SYMBOL_NAME])
{
    uint32_t history = 0, word = 0;
    bool same = true; /* as the last name until here */
    uint8_t c = 1;

    for (unsigned i = 0; i < SYMBOL_NAME && c; i++) {
        uint32_t last = same ? (uint8_t)coder->last[i] | 256 : 0;
        const uint32_t contexts[SYMBOL_CONTEXTS] = {
            NUMBERS,
            (history & 0xff) * 0x2f0b4c47 + 2 * NUMBERS,
            (history & 0xffff) * 0x3d4d51cb + 3 * NUMBERS,
            (history & 0xffffff) * 0x1b873593 + 4 * NUMBERS,
            history * 0xcc9e2d51 + 5 * NUMBERS,
            (last << 8 | (history & 0xff)) * 0x2545f491 + 6 * NUMBERS,
            word * 0x3545f491 + 7 * NUMBERS,
        };
        c = code_number(coder, contexts, SYMBOL_CONTEXTS, 7, (uint8_t)name[i]) & 0x7f;
        name[i] = (char)c;
        same = same && c == (uint8_t)coder->last[i];
        coder->last[i] = (char)c;
        history = history << 8 | c;
        word = c == '_' ? 0 : word * 31 + c;
    }
}

/* The number of bits, then those below the first, of which only the upper tell of each other. */
static uint32_t code_size(struct symbol_coder *coder, uint32_t size)
{
    uint32_t context = 0;
    unsigned bits = 0, before = 1;

    while (size >> bits)
        bits++;
    bits = code_number(coder, &context, 1, SIZE_BITS, bits) & ((1 << SIZE_BITS) - 1);
    uint32_t found = bits ? 1 : 0;
    for (unsigned i = 1; i < bits; i++) {
        context = (bits + 8) * NUMBERS;
        unsigned bit = code_bit(coder, &context, i < 4, before, size >> (bits - 1 - i) & 1);
        before = before * 2 + bit;
        found = found * 2 + bit;
    }
    return found;
}

void symbol_code(struct symbol_coder *coder, char name[SYMBOL_NAME], uint32_t *size)
{
    *size = code_size(coder, *size);
    code_name(coder, name);
}
