#include "loader/loader.h"

/* A length beyond 15: bytes of 255 and a last one. Negative: it does not end. */
static int64_t longer(const uint8_t **from, const uint8_t *end, int64_t len)
{
    uint8_t byte;

    if (len < 15)
        return len;
    do {
        if (*from == end || len > INT32_MAX)
            return -1;
        byte = *(*from)++;
        len += byte;
    } while (byte == 255);
    return len;
}

int64_t lz4_unpack(const uint8_t *from, uint64_t n, uint8_t *to, uint64_t room)
{
    const uint8_t *end = from + n;
    uint8_t *at = to, *limit = to + room;

    while (from < end) {
        unsigned token = *from++;
        int64_t literals = longer(&from, end, token >> 4);

        if (literals < 0 || literals > end - from || literals > limit - at)
            return -1;
        for (int64_t i = 0; i < literals; i++)
            *at++ = *from++;
        if (from == end)
            return at - to; /* the last sequence has no match */
        if (end - from < 2)
            return -1;
        int64_t distance = from[0] | from[1] << 8;
        from += 2;
        int64_t match = longer(&from, end, token & 15);
        if (match < 0 || distance == 0 || distance > at - to || match + 4 > limit - at)
            return -1;
        for (match += 4; match > 0; match--, at++)
            *at = at[-distance];
    }
    return -1;
}
