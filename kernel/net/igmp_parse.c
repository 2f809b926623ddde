#include "net/igmp_parse.h"

#include "lib/endian.h"

enum { QUERY = 0x11, HEADER = 8, V3_HEADER = 12, TENTH_MS = 100, V1_DELAY_MS = 10000 };

/* RFC 3376, 4.1.1: from 128 on a small floating-point number. */
static unsigned tenths(unsigned code)
{
    return code < 128 ? code : ((code & 15) | 16) << ((code >> 4 & 7) + 3);
}

bool igmp_query_parse(const uint8_t *bytes, size_t n, struct igmp_query *query)
{
    if (n < HEADER || bytes[0] != QUERY)
        return false;
    query->group = get_le32(bytes + 4);
    if (n == HEADER) {
        query->version = bytes[1] ? 2 : 1;
        query->delay_ms = bytes[1] ? bytes[1] * TENTH_MS : V1_DELAY_MS;
        if (query->version == 1)
            query->group = 0;
        return true;
    }
    if (n < V3_HEADER || V3_HEADER + 4ul * get_be16(bytes + 10) > n)
        return false;
    query->version = 3;
    query->delay_ms = tenths(bytes[1]) * TENTH_MS;
    return true;
}
