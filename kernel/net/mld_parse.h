/* net/mld_parse.h: the messages of multicast listener discovery, versions 1 (RFC 2710) and 2 (RFC
 * 3810). Pure: any context; also compiled for the host. */
#pragma once

#include "net/address.h"

enum { MLD_QUERY = 130, MLD_REPORT1, MLD_DONE1, MLD_REPORT2 = 143 };
enum { /* record types of version 2 */
       MLD_IS_EXCLUDE = 2,
       MLD_TO_INCLUDE = 3,
       MLD_TO_EXCLUDE = 4,
};
enum { MLD_RECORD = 20, MLD_HEAD = 8, MLD1_LEN = 24 };

struct mld_query {
    unsigned version;       /* 1 or 2 */
    unsigned max_delay_ms;  /* answer within it */
    struct inet_addr group; /* ::: all */
    unsigned robustness;    /* 0: not said */
};
/* 0, or -EINVAL. */
int mld_parse_query(const uint8_t *data, unsigned len, struct mld_query *query);

/* Write a record without sources, MLD_RECORD bytes. */
void mld_put_record(uint8_t *p, unsigned type, const struct inet_addr *group);
/* Is a group told to routers? Not ff02::1, nothing of interface scope or less (RFC 3810, 6). */
bool mld_reported(const struct inet_addr *group);
