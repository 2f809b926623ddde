/* net/route.h: where packets go: routes (IPv4 and IPv6 in one table) and neighbours. Looked up
 * under RCU, changed under netif_lock. */
#pragma once

#include "core/timer.h"
#include "net/netif.h"

enum { /* as rtnetlink numbers them */
       RT_TABLE_MAIN = 254,
       RT_TABLE_LOCAL = 255,
       RTN_UNICAST = 1,
       RTN_LOCAL,
       RTN_BROADCAST,
       RTN_ANYCAST,
       RTN_MULTICAST,
       RTN_BLACKHOLE,
       RTN_UNREACHABLE,
       RTN_PROHIBIT,
       RTPROT_KERNEL = 2,
       RTPROT_BOOT = 3,
       RTPROT_STATIC = 4,
       RTPROT_RA = 9,
       RTPROT_DHCP = 16,
       RT_SCOPE_UNIVERSE = 0,
       RT_SCOPE_SITE = 200,
       RT_SCOPE_LINK = 253,
       RT_SCOPE_HOST = 254,
       RT_SCOPE_NOWHERE = 255,
};

struct route {
    struct list link;
    struct inet_addr destination, gateway, source; /* gateway, source: all zero bytes: none */
    unsigned prefix;                               /* as in netif_address */
    struct netif *netif;
    uint8_t type, table, protocol, scope; /* RTN_*, RT_TABLE_*, RTPROT_*, RT_SCOPE_* */
    uint32_t metric;
    unsigned mtu;       /* 0: the interface's */
    nsec_t valid_until; /* NSEC_FOREVER */
    struct rcu_head rcu;
};

/* -EEXIST, -ENOMEM, -ENETUNREACH (the gateway is not on a link), -EINVAL. The route is copied. */
int route_add(const struct route *route);
int route_remove(const struct route *route); /* by what is set in it; -ESRCH */
/* All, for dumps: calls fn with each under RCU until it says false. */
void route_each(bool (*fn)(const struct route *route, void *arg), void *arg);
/* Who is told of routes that came or went (rtnetlink), under netif_lock. */
extern void (*route_changed_hook)(const struct route *route, bool added);

/* The best route to an address; netif not NULL: through it only. NULL: none. rcu_read_lock. */
const struct route *route_find(const struct inet_addr *destination, const struct netif *netif);
/* RTN_* of an address as a destination of received packets (LOCAL, BROADCAST, MULTICAST, UNICAST).
 * rcu_read_lock; any context. */
unsigned route_kind(const struct inet_addr *address, struct netif *netif);
/* Grows whenever routes, addresses or neighbours' hardware addresses change: what was cached
 * before is to be looked up again. */
extern atomic_uint route_generation;

/* For netif.c, under netif_lock: an address's local, broadcast and connected routes; those of an
 * interface that goes up (connected ones) or down (all but local ones, and its neighbours). */
int route_address_added(struct netif *netif, const struct netif_address *address);
void route_address_removed(struct netif *netif, const struct netif_address *address);
void route_netif_up(struct netif *netif);
void route_netif_down(struct netif *netif);

/* --- neighbours (RFC 826, RFC 4861 7.3)
 * -----------------------------------------------------------
 */

enum neighbour_state { /* NUD_* */
                       NUD_INCOMPLETE = 1,
                       NUD_REACHABLE = 2,
                       NUD_STALE = 4,
                       NUD_DELAY = 8,
                       NUD_PROBE = 16,
                       NUD_FAILED = 32,
                       NUD_NOARP = 64,
                       NUD_PERMANENT = 128,
};

struct neighbour {
    struct list hash_link;
    struct rcu_head rcu;
    struct netif *netif;
    struct inet_addr address;
    atomic_uint refs;
    struct spinlock lock;
    enum neighbour_state state;
    uint8_t mac[ETH_ALEN];
    bool router; /* IPv6 */
    unsigned probes;
    bool gone;             /* out of the table */
    atomic_bool confirmed; /* heard of since the state was entered */
    _Atomic uint64_t
        link_word;      /* mac, in one word for those who send; 0: not to be used as it is */
    struct timer timer; /* of the state */
    nsec_t updated, used, expires; /* expires: of this state */
    struct packet_queue waiting;   /* at most NEIGHBOUR_QUEUE, until mac is known */
};
enum { NEIGHBOUR_QUEUE = 64, NEIGHBOURS_MAX = 1024 };

/* Send an IP packet (at its network header) to the neighbour `next_hop` on netif: Ethernet header,
 * resolution if need be (the packet waits), the driver. Takes the packet. Threads or interrupts
 * off. 0, -ENOBUFS, -ENETDOWN, -EHOSTUNREACH. */
int neighbour_send(struct netif *netif, const struct inet_addr *next_hop, struct packet *packet);
/* What ARP or neighbour discovery has learnt. override: also in the place of what was known;
 * create: also of one that nobody asked for. mac NULL: the one that is known has been confirmed. */
void neighbour_learn(struct netif *netif, const struct inet_addr *address, const uint8_t *mac,
                     bool solicited, bool override, bool create);
/* A transport has heard from the other side: the next hop is alive. */
void neighbour_confirm(struct netif *netif, const struct inet_addr *address);
/* For dumps and ioctls: each entry under RCU; add a permanent one; remove. */
void neighbour_each(bool (*fn)(const struct neighbour *neighbour, void *arg), void *arg);
int neighbour_set(struct netif *netif, const struct inet_addr *address, const uint8_t *mac,
                  enum neighbour_state state);
int neighbour_remove(struct netif *netif, const struct inet_addr *address);
/* What Linux tells of with RTM_NEWNEIGH (another state or hardware address, but not the beginning
 * of a question) and, removed, RTM_DELNEIGH. With the neighbour locked: any context. */
extern void (*neighbour_changed_hook)(const struct neighbour *neighbour, bool removed);
