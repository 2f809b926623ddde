/* net/ipv6.h: what IPv6 offers the rest of the stack and the sysctls, beside net/ip.h.
 *
 * Input and output run where net/ip.h says. Everything slow (duplicate address detection, router
 * solicitations and advertisements, group reports) is done by one kernel thread, which is started
 * when the first interface that has a link comes up: a machine without one pays nothing. */
#pragma once

#include "net/ip.h"

enum { IPV6_HLEN = 40, IPV6_MTU_MIN = 1280 };

enum { /* flags of netif_address, as in rtnetlink; the others are not given */
       IFA_F_SECONDARY = 1,
       IFA_F_NODAD = 2,
       IFA_F_OPTIMISTIC = 4,
       IFA_F_DADFAILED = 8,
       IFA_F_DEPRECATED = 0x20,
       IFA_F_TENTATIVE = 0x40,
       IFA_F_PERMANENT = 0x80,
       IFA_F_MANAGETEMPADDR = 0x100,
       IFA_F_NOPREFIXROUTE = 0x200,
       IFA_F_STABLE_PRIVACY = 0x800,
};
enum { IPV6_GEN_EUI64, IPV6_GEN_NONE, IPV6_GEN_SECRET, IPV6_GEN_RANDOM }; /* addr_gen_mode */

/* net.ipv6.conf.NAME.*, units as there. Plain numbers: written and read at any time; those marked
 * * act at once through ipv6_conf_changed(). */
struct ipv6_conf {
    int disable_ipv6;  /* * */
    int accept_ra;     /* 0 no, 1 unless forwarding (off here), 2 always */
    int autoconf;      /* addresses from advertised prefixes */
    int addr_gen_mode; /* * IPV6_GEN_* */
    int accept_ra_defrtr, accept_ra_pinfo, accept_ra_mtu, accept_ra_rtr_pref;
    int accept_ra_min_hop_limit, ra_defrtr_metric;
    int accept_redirects, accept_dad, enhanced_dad;
    int dad_transmits, router_solicitations; /* -1: without end */
    int router_solicitation_delay;           /* seconds */
    int router_solicitation_interval;        /* seconds */
    int router_solicitation_max_interval;    /* seconds */
    int hop_limit, mtu;                      /* learnt from routers; written: used as if so */
    int max_addresses;
    int force_mld_version;     /* 0: as the querier speaks */
    bool has_secret;           /* stable_secret was written */
    uint8_t stable_secret[16]; /* RFC 7217 */
};
/* Of an interface; NULL: "default", what new interfaces begin with. ("all" is a number of its own
 * for disable_ipv6 only: writing it writes all the others, too.) Never NULL. */
struct ipv6_conf *ipv6_conf(struct netif *netif);
/* A field marked * has been written: act. Threads, without netif_lock. */
void ipv6_conf_changed(struct netif *netif);

/* What routers say about name servers (RFC 8106): the whole list whenever it changes. A thread, no
 * lock held.
 * domains: one string, separated by spaces. NULL until somebody writes /etc/resolv.conf with it. */
struct ipv6_dns {
    struct inet_addr servers[8];
    unsigned nservers;
    char domains[256];
};
extern void (*ipv6_dns_hook)(struct netif *netif, const struct ipv6_dns *dns);

/* The family's part of ip_route: the same contract, destination not IPv4. */
int ipv6_route(struct ip_flow *flow);
/* The source that RFC 6724 chooses for packets to destination through netif (or :: if there is
 * none). rcu_read_lock. */
struct inet_addr ipv6_choose_source(const struct inet_addr *destination, struct netif *netif);
/* Anycast addresses (net/anycast.c). Join: on that interface, or (0) the one that routes lead to;
 * it comes back. -EINVAL: it is this host's own; -EADDRNOTAVAIL: of no subnet there; -ENODEV.
 * Threads.
 */
int anycast_join(uint32_t ifindex, const struct inet_addr *address, struct netif **netif);
void anycast_leave(struct netif *netif, const struct inet_addr *address);
/* The interface (netif NULL: any) on which an address is one of them; NULL. RCU, any context. */
struct netif *anycast_netif(const struct netif *netif, const struct inet_addr *address);
/* The family's part of ip_complain. */
void icmpv6_complain(const struct packet *packet, enum ip_complaint what, unsigned pointer);
bool icmpv6_would_complain(const struct inet_addr *to);
/* A group was joined by its first user or left by its last (netif_join, netif_leave): told under
 * netif_lock; reports follow from the thread. IPv6 groups only. */
void mld_group_changed(struct netif *netif, const struct inet_addr *group, bool joined);
/* The hardware address of a group: RFC 2464, 7. */
static inline void ipv6_group_mac(const struct inet_addr *group, uint8_t mac[ETH_ALEN])
{
    mac[0] = mac[1] = 0x33;
    memcpy(mac + 2, group->bytes + 12, 4);
}
