#include "lib/endian.h"
#include "loader/loader.h"

enum { BRANCH = 5 }; /* bytes: E8 (call) or E9 (jump), a distance from its end */

/* Distances [-next, n) become [-next, n), each another one: those that lead into the n bytes become
 * the place they lead to, the others, which are no branches, what is left. */
static int64_t to_place(int64_t distance, int64_t next, int64_t n)
{
    return distance < n - next ? distance + next : distance - n;
}

static int64_t to_distance(int64_t place, int64_t next, int64_t n)
{
    return place >= 0 ? place - next : place + n;
}

/* Back again in the other direction: what looks like a branch in another one's distance is turned
 * after it and turned back before it. */
void branches_turn(uint8_t *code, uint32_t n, bool relative)
{
    for (uint32_t i = 0; i + BRANCH <= n; i++) {
        uint32_t at = relative ? i : n - BRANCH - i;
        int64_t value, next = (int64_t)at + BRANCH;

        if ((code[at] & 0xfe) != 0xe8)
            continue;
        value = (int32_t)get_le32(code + at + 1);
        if (value < -next || value >= n)
            continue;
        value = relative ? to_distance(value, next, n) : to_place(value, next, n);
        put_le32(code + at + 1, (uint32_t)value);
    }
}
