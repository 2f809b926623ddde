/* core/symbol_coder.h: how the names and sizes of functions are coded in the kernel's image.
 *
 * Each bit is predicted from what stands before it and arithmetic coding writes the difference, so
 * that a name takes four bytes. host/symbols writes, core/symbols.c reads: both go through the same
 * symbols with the same model and differ in symbol_coder.bit only. Pure C, any context, no
 * allocation; the table is the kernel's own and trusted. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    SYMBOL_NAME = 64, /* bytes, with the zero; longer names are cut */
    SYMBOL_CONTEXTS = 7,
    SYMBOL_WEIGHTS_LOG = 14,
};

struct symbol_coder {
    /* Codes one bit, a one with the probability p / 65536. A writer is given the bit and returns
     * it, a reader ignores the argument and returns what was written. */
    unsigned (*bit)(struct symbol_coder *coder, uint32_t p, unsigned bit);
    uint32_t low, high; /* of the range: both ends belong to it */
    uint32_t code;      /* a reader's */
    uint8_t *at;        /* the next byte */
    char last[SYMBOL_NAME];
    int16_t weights[1 << SYMBOL_WEIGHTS_LOG]; /* log odds that a context gives, 1/4096 */
};

/* Before the first symbol; the owner sets bit, code and at. */
void symbol_coder_start(struct symbol_coder *coder);

/* The next symbol: a writer passes it, a reader gets it. Names are ASCII. */
void symbol_code(struct symbol_coder *coder, char name[SYMBOL_NAME], uint32_t *size);

/* Where the range is cut: a one lies below or at it. */
static inline uint32_t symbol_middle(const struct symbol_coder *coder, uint32_t p)
{
    return coder->low + (uint32_t)((uint64_t)(coder->high - coder->low) * p >> 16);
}
