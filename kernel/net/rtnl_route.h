/* net/rtnl_route.h: what messages about routes look like. */
#pragma once

#include "net/rtnetlink.h"

enum {
    RTA_DST = 1,
    RTA_SRC,
    RTA_IIF,
    RTA_OIF,
    RTA_GATEWAY,
    RTA_PRIORITY,
    RTA_PREFSRC,
    RTA_METRICS,
    RTA_MULTIPATH,
    RTA_CACHEINFO = 12,
    RTA_TABLE = 15,
    RTA_MARK,
    RTA_PREF = 20,
    RTA_UID = 25,
    RTA_COUNT = 31,
    RTAX_MTU = 2,
    RTAX_COUNT = 18,
};
enum { RTM_F_LOOKUP_TABLE = 0x1000, RTM_F_FIB_MATCH = 0x2000, RTM_F_PREFIX = 0x800 };

struct rtmsg {
    uint8_t family, dst_len, src_len, tos, table, protocol, scope, type;
    uint32_t flags;
};
extern const uint8_t rtnl_route_least[RTA_COUNT];
