/* net/protocol.h: the table of ip_protocol_register(), for ipv4.c, ipv6.c and netif_receive(). */
#pragma once

#include "net/ip.h"

extern const struct ip_protocol *ip_protocols_v4[256], *ip_protocols_v6[256]; /* rcu_load */
