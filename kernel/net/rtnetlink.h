/* net/rtnetlink.h: NETLINK_ROUTE (man 7 rtnetlink): what its parts share. Threads only. */
#pragma once

#include "net/netlink.h"
#include "net/route.h"

enum {
    RTM_NEWLINK = 16,
    RTM_DELLINK,
    RTM_GETLINK,
    RTM_SETLINK,
    RTM_NEWADDR,
    RTM_DELADDR,
    RTM_GETADDR,
    RTM_NEWROUTE = 24,
    RTM_DELROUTE,
    RTM_GETROUTE,
    RTM_NEWNEIGH = 28,
    RTM_DELNEIGH,
    RTM_GETNEIGH,
    RTM_NEWRULE = 32,
    RTM_DELRULE,
    RTM_GETRULE,
    RTM_MAX = 123,
};
enum { /* groups */
       RTNLGRP_LINK = 1,
       RTNLGRP_NEIGH = 3,
       RTNLGRP_IPV4_IFADDR = 5,
       RTNLGRP_IPV4_ROUTE = 7,
       RTNLGRP_IPV6_IFADDR = 9,
       RTNLGRP_IPV6_ROUTE = 11,
       RTNL_GROUPS = 36,
};
enum { RT_TABLE_COMPAT = 252, RT_TABLE_DEFAULT = 253, RTM_F_CLONED = 0x200 };
enum { RTNL_INET = 2, RTNL_INET6 = 10 }; /* AF_INET, AF_INET6 */

/* One kind of message: what comes behind the header, in the program's bytes. */
int rtnl_link(struct netlink_request *r);      /* rtnl_link.c */
int rtnl_address(struct netlink_request *r);   /* rtnl_address.c */
int rtnl_route(struct netlink_request *r);     /* rtnl_route.c */
int rtnl_route_get(struct netlink_request *r); /* rtnl_route_get.c: one route, looked up */
int rtnl_neighbour(struct netlink_request *r); /* rtnl_neighbour.c */
int rtnl_rule(struct netlink_request *r);      /* rtnl_rule.c */

/* Say why, and where: `at` in the message. Answers err. */
int rtnl_refuse(struct netlink_request *r, int err, const char *why);
/* The n bytes of a fixed part into fixed, zeroes where the message is shorter and that is allowed
 * (dumps in the old way have one byte). -EINVAL. */
int rtnl_fixed(struct netlink_request *r, void *fixed, size_t n, const char *why);
/* Attributes behind a fixed part of n bytes; strict for sockets that ask for that in requests that
 * read. */
int rtnl_attrs(struct netlink_request *r, size_t n, struct nl_attr *attrs, unsigned count,
               const uint8_t *least);
static inline bool rtnl_is_dump(const struct netlink_request *r)
{
    return r->message.flags & NLM_F_DUMP;
}
/* An address of a family (4 or 16 bytes): false if it is shorter. */
bool rtnl_get_addr(const struct nl_attr *attr, unsigned family, struct inet_addr *a);
void rtnl_put_addr(struct nl_out *out, unsigned type, const struct inet_addr *a);
static inline unsigned rtnl_family(const struct inet_addr *a)
{
    return inet_is_v4(a) ? RTNL_INET : RTNL_INET6;
}
static inline bool rtnl_given(const struct inet_addr *a) /* not all zero bytes */
{
    return a->halves[0] | a->halves[1];
}
/* Times left and past: seconds (UINT32_MAX: for ever), 1/100 s. */
uint32_t rtnl_seconds_left(nsec_t until);
uint32_t rtnl_ticks_since(nsec_t then);

/* Who a message is for, and what it begins with. */
struct rtnl_head {
    unsigned type, flags;
    uint32_t seq, port;
};
static inline struct rtnl_head rtnl_answer(const struct netlink_request *r, unsigned type)
{
    return (struct rtnl_head){type, netlink_flags(r), r->message.seq, r->netlink->port};
}
bool rtnl_fill_link(struct nl_out *out, const struct rtnl_head *head, const struct netif *netif,
                    uint32_t change);
bool rtnl_fill_address(struct nl_out *out, const struct rtnl_head *head,
                       const struct netif_address *a);
bool rtnl_fill_route(struct nl_out *out, const struct rtnl_head *head, const struct route *route);
bool rtnl_fill_neighbour(struct nl_out *out, const struct rtnl_head *head,
                         const struct neighbour *n);
