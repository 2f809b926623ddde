#include "core/symbols.h"
#include "lib/string.h"

/* The table of the second link (host/symbols): of each function the distance to the one before, the
 * first to the start, and its name. In the first link there is none. */
extern const uint32_t symbol_count __attribute__((weak));
extern uint8_t symbol_codes[] __attribute__((weak));
extern const char __text_start[], __text_end[];

static unsigned read_bit(struct symbol_coder *coder, uint32_t p, __unused unsigned bit)
{
    uint32_t middle = symbol_middle(coder, p);
    unsigned one = coder->code <= middle;

    if (one)
        coder->high = middle;
    else
        coder->low = middle + 1;
    for (; (coder->low ^ coder->high) >> 24 == 0; coder->high = coder->high << 8 | 0xff) {
        coder->low <<= 8;
        coder->code = coder->code << 8 | *coder->at++;
    }
    return one;
}

bool symbol_at(uintptr_t addr, char name[SYMBOL_NAME], size_t *offset)
{
    static struct symbol_coder coder;
    char next[SYMBOL_NAME];
    uint32_t distance = 0;
    bool found = false;

    if (!&symbol_count || addr < (uintptr_t)__text_start || addr >= (uintptr_t)__text_end)
        return false;
    size_t left = addr - (uintptr_t)__text_start;
    symbol_coder_start(&coder);
    coder.bit = read_bit;
    coder.at = symbol_codes;
    for (unsigned i = 0; i < 4; i++)
        coder.code = coder.code << 8 | *coder.at++;
    for (uint32_t i = 0; i < symbol_count; i++) {
        symbol_code(&coder, next, &distance);
        if (distance > left)
            break;
        left -= distance;
        memcpy(name, next, sizeof(next));
        found = true;
    }
    *offset = left;
    return found;
}
