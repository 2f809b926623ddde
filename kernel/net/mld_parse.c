#include "net/mld_parse.h"

#include "lib/errno.h"

enum { QUERY2_LEN = 28 };

int mld_parse_query(const uint8_t *data, unsigned len, struct mld_query *query)
{
    unsigned code, sources;

    *query = (struct mld_query){};
    if (len < MLD1_LEN || (len > MLD1_LEN && len < QUERY2_LEN))
        return -EINVAL;
    memcpy(query->group.bytes, data + 8, 16);
    if (!inet_is_multicast(&query->group) && (query->group.halves[0] | query->group.halves[1]))
        return -EINVAL;
    code = get_be16(data + 4);
    if (len == MLD1_LEN) {
        query->version = 1;
        query->max_delay_ms = code;
        return 0;
    }
    query->version = 2;
    /* RFC 3810, 5.1.3: a floating-point number from 32768 on. */
    query->max_delay_ms = code < 32768 ? code : ((code & 0xfff) | 0x1000) << ((code >> 12 & 7) + 3);
    query->robustness = data[24] & 7;
    sources = get_be16(data + 26);
    return sources * 16 > len - QUERY2_LEN ? -EINVAL : 0;
}

void mld_put_record(uint8_t *p, unsigned type, const struct inet_addr *group)
{
    p[0] = (uint8_t)type;
    memset(p + 1, 0, 3);
    memcpy(p + 4, group->bytes, 16);
}

bool mld_reported(const struct inet_addr *group)
{
    static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1};

    return (group->bytes[1] & 15) > 1 && memcmp(group->bytes, all_nodes, 16) != 0;
}
