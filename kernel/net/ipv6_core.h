/* net/ipv6_core.h: what the files of IPv6 share: an interface's state, the thread, sending without
 * a route. Everything under netif_lock unless noted. */
#pragma once

#include "net/ipv6.h"
#include "net/ipv6_parse.h"
#include "net/ndp_parse.h"

#define IPV6_SECOND 1000000000ll

extern const struct inet_addr ipv6_all_nodes, ipv6_all_routers, ipv6_any;

/* A duplicate-address detection under way (RFC 4862, 5.4). */
struct ipv6_dad {
    struct list link;
    struct inet_addr address;
    unsigned left; /* solicitations to send */
    nsec_t next;
    uint8_t nonce[6]; /* RFC 7527: ours that came back are no duplicates */
};

struct ipv6_netif {
    struct ipv6_conf conf;
    bool up;            /* IPv6 runs on it */
    bool router_heard;  /* no more solicitations */
    unsigned solicited; /* router solicitations sent */
    nsec_t solicit_next, solicit_interval;
    struct list dads;     /* struct ipv6_dad */
    unsigned id_attempts; /* of stable identifiers that were taken */
    uint8_t secret[16];   /* IPV6_GEN_RANDOM's */
    struct ipv6_dns dns;
    bool dns_changed; /* and ipv6_dns_hook has not been told */
    nsec_t server_until[8], domain_until[8];
    struct list reports; /* of mld.c */
    nsec_t mld1_until;   /* an old querier is there */
    nsec_t general_at;   /* a report of everything is due; NSEC_FOREVER */
    unsigned robustness;
};
/* NULL: lo, or no memory was left for it. Any context. */
static inline struct ipv6_netif *ipv6_netif(const struct netif *netif)
{
    return netif->ipv6;
}
struct ipv6_netif *ipv6_autoconf_need(struct netif *netif);

/* --- sending */

/* The interface's MTU, or what a router has said. Any context. */
unsigned ipv6_mtu(const struct netif *netif);
/* ipv6_output of a flow whose way is known already (netif, next_hop, mtu, source). */
int ipv6_send(struct ip_flow *flow, struct packet *packet);
/* An ICMPv6 message (packet at its header, checksum still missing) from this host through netif,
 * whatever the routes say; options as in struct ip_flow. Takes the packet. */
int icmpv6_send(struct netif *netif, const struct inet_addr *source,
                const struct inet_addr *destination, unsigned hop_limit, struct packet *packet);
/* The same with a router alert, for listener reports. */
int icmpv6_send_alert(struct netif *netif, const struct inet_addr *source,
                      const struct inet_addr *destination, struct packet *packet);
/* A parameter problem about a received packet; code as in RFC 4443, 3.4. As ip_complain. */
void icmpv6_parameter_problem(const struct packet *packet, unsigned code, unsigned pointer);
/* A packet for an ICMPv6 message of len bytes, zeroed but for its type; NULL: no memory. */
struct packet *icmpv6_message(unsigned type, unsigned len);
/* The source of discovery messages about an interface: a link-local address that is not tentative;
 * else ::. RCU. */
struct inet_addr ipv6_link_local(struct netif *netif);
static inline bool ipv6_is_tentative(const struct netif_address *a)
{
    return (a->flags & (IFA_F_TENTATIVE | IFA_F_OPTIMISTIC)) == IFA_F_TENTATIVE;
}

/* A fragment, at its fragment header (8 bytes in one piece). Takes it; NULL, or the whole packet
 * behind its first fragment's header, and where the chain of headers goes on. */
struct packet *ipv6_reassemble(struct packet *packet, struct ipv6_chain *chain);

/* --- received messages, in the worker; the caller frees */

/* A message of discovery (type: ICMPv6's), of listeners; what is malformed is ignored. */
void ndp_receive(struct packet *packet, unsigned type);
void mld_receive(struct packet *packet);

/* --- the thread (net/ipv6_thread.c) */

/* Have a message dealt with there (packet at its ICMPv6 header, netif set, the source and
 * destination in scratch). Takes it. Any context. */
void ipv6_thread_post(struct packet *packet);
/* Something is due earlier than it was. Any context. */
void ipv6_thread_kick(void);
/* Called there, under netif_lock. */
void ndp_slow(struct netif *netif, const struct packet *packet, const struct inet_addr *source);
void mld_slow(struct netif *netif, const struct packet *packet, const struct inet_addr *source);
/* Do what is due; returns when the next thing is. */
nsec_t dad_run(struct netif *netif, nsec_t now);
nsec_t autoconf_run(struct netif *netif, nsec_t now);
nsec_t mld_run(struct netif *netif, nsec_t now);

/* --- neighbour discovery's messages (net/ndp.c); any context */
void ndp_send_ns(struct netif *netif, const struct inet_addr *target,
                 const struct inet_addr *source, const struct inet_addr *destination,
                 const uint8_t nonce[6]);
void ndp_send_na(struct netif *netif, const struct inet_addr *target,
                 const struct inet_addr *destination, bool solicited, bool override);

/* --- duplicate address detection (net/dad.c) */
void dad_begin(struct netif *netif, struct netif_address *address);
void dad_cancel(struct netif *netif, const struct inet_addr *address);
/* Somebody else has the tentative address, or asks for it (nonce: what came with it, or NULL). */
void dad_conflict(struct netif *netif, const struct inet_addr *address, const uint8_t *nonce);

/* --- routers and addresses (net/ndp_router.c) */
void autoconf_up(struct netif *netif);
void autoconf_down(struct netif *netif);
/* An address has been found to be this host's alone; or not (it is tentative for good, or gone). */
void autoconf_unique(struct netif *netif, const struct inet_addr *address);
void autoconf_duplicate(struct netif *netif, const struct inet_addr *address);
/* The group of an address's solicitations (RFC 4291, 2.7.1). */
static inline struct inet_addr ipv6_solicited_node(const struct inet_addr *address)
{
    struct inet_addr group = {.bytes = {0xff, 2, [11] = 1, 0xff}};

    memcpy(group.bytes + 13, address->bytes + 13, 3);
    return group;
}

/* --- all interfaces go through here when they come up or go down */
void mld_up(struct netif *netif);
void mld_down(struct netif *netif);
