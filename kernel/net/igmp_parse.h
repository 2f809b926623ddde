/* net/igmp_parse.h: queries of multicast routers (RFC 1112, 2236, 3376) as pure code. */
#pragma once

#include "lib/types.h"

struct igmp_query {
    unsigned version;  /* 1, 2, 3 */
    uint32_t group;    /* network order; 0: all */
    unsigned delay_ms; /* answers are spread over that time */
};

/* An IGMP message of n bytes: false: no query, or a broken one (the checksum is the caller's). */
bool igmp_query_parse(const uint8_t *bytes, size_t n, struct igmp_query *query);
