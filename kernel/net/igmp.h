/* net/igmp.h: multicast groups of IPv4: what sockets join (net/multicast.c) and what routers are
 * told of it (RFC 3376, with RFC 2236 and RFC 1112 where an older querier speaks; net/igmp.c). */
#pragma once

#include "net/inet.h"

/* A group that a socket has joined on an interface, and whom it hears there. In the list of the
 * socket's options; changed with the socket locked and read under RCU. */
struct inet_membership {
    struct list link;
    struct rcu_head rcu;
    struct inet_addr group;
    struct netif *netif;
    bool include; /* sources are those it hears, else those it does not */
    unsigned n;
    struct inet_addr sources[];
};
enum { MEMBERSHIPS_MAX = 20, MEMBERSHIP_SOURCES_MAX = 64 };

/* Options of SOL_IP and SOL_IPV6 about groups: -ENOPROTOOPT if name is none of them. Threads,
 * without the socket's lock (netif_lock comes first). */
int multicast_set_option(struct inet_socket *s, int level, int name, const void *value, size_t len);
int multicast_get_option(struct inet_socket *s, int level, int name, void *value, size_t len);
/* Does the socket want a packet from source to this group that came in through netif?
 * rcu_read_lock. */
bool multicast_wanted(const struct inet_socket *s, const struct inet_addr *group,
                      const struct inet_addr *source, const struct netif *netif);
/* Leave all groups (the socket is closed). Threads. */
void multicast_leave_all(struct inet_socket *s);

/* A group of IPv4 got its first listener on the interface, or lost its last (netif_join and
 * netif_leave, under netif_lock). */
void igmp_group_changed(struct netif *netif, const struct inet_addr *group, bool joined);
