/* net/ip.h: IPv4 (RFC 791, 1122) and IPv6 (RFC 8200) as transports see them: send a payload along a
 * flow, register for a protocol number, hear of errors. Threads, unless noted. */
#pragma once

#include "net/route.h"

enum {
    IPPROTO_IP = 0,
    IPPROTO_ICMP = 1,
    IPPROTO_TCP = 6,
    IPPROTO_DCCP = 33,
    IPPROTO_UDP = 17,
    IPPROTO_IPV6 = 41,
    IPPROTO_ICMPV6 = 58,
    IPPROTO_UDPLITE = 136,
    IPPROTO_RAW = 255,
};

/* Of the first word of an IPv6 header, as it lies in memory: the flow label. */
#define IPV6_LABEL __builtin_bswap32(0x000fffff)

/* Don't-fragment policy: IP_PMTUDISC_* / IPV6_PMTUDISC_*. */
enum ip_pmtudisc {
    PMTUDISC_DONT,
    PMTUDISC_WANT,
    PMTUDISC_DO,
    PMTUDISC_PROBE,
    PMTUDISC_INTERFACE,
    PMTUDISC_OMIT
};

/* Everything that decides how a packet travels. Zeroed, then what matters is filled in; a
 * connection keeps one and with it the cached way (only the last three fields change in ip_output).
 */
struct ip_flow {
    struct inet_addr source, destination; /* source any: chosen by ip_route */
    uint8_t protocol;
    uint8_t ttl;          /* 0: the default (64; multicast 1) */
    uint8_t tos;          /* or traffic class */
    uint8_t pmtudisc;     /* enum ip_pmtudisc */
    bool broadcast;       /* SO_BROADCAST: may send to broadcast addresses */
    bool dont_route;      /* SO_DONTROUTE, MSG_DONTROUTE */
    bool header_included; /* IP_HDRINCL */
    bool freebind;
    bool no_loop;           /* multicasts: no copy for this host (IP_MULTICAST_LOOP 0) */
    bool here_only;         /* multicasts: not beyond this host (IP_MULTICAST_TTL 0) */
    bool no_label;          /* IPv6: none is made up (IPV6_AUTOFLOWLABEL 0) */
    bool dont_fragment;     /* IPV6_DONTFRAG, beside pmtudisc */
    uint8_t salt;           /* of the one that is made up (SO_TXREHASH) */
    uint16_t fragment_most; /* IPV6_MTU; 0: the way's MTU */
    uint16_t stamps;        /* STAMP_* that a message asks for; 0 */
    uint32_t label;         /* IPv6 flow label, network order; 0 */
    uint32_t mark, hash;    /* hash: chooses the device's queue */
    struct netif *bound;    /* SO_BINDTODEVICE or a scope id; NULL */
    /* IPv4 options, padded; IPv6 extension headers. The caller's. */
    union {
        const uint8_t *options;
        const struct ipv6_headers *headers; /* net/ipv6_headers.h */
    };
    unsigned options_len; /* bytes of either as they are sent */
    /* The cached way. */
    struct netif *netif;
    struct inet_addr next_hop;
    unsigned mtu; /* of the path, as far as it is known (RFC 1191, 8201) */
    unsigned generation;
};

/* Look up the way (or believe the cached one): fills source if it was any, netif, next_hop, mtu.
 * 0, -ENETUNREACH, -EHOSTUNREACH, -EACCES (broadcast without leave), -EINVAL (source not ours). */
int ip_route(struct ip_flow *flow);
/* Send a packet whose data begins with the transport header: fills in the IP header, fragments it
 * where that is allowed, hands it to neighbour_send or loops it back. Takes the packet. Checksum
 * and GSO fields as net/packet.h says (csum_start counts from the transport header). The pseudo
 * header's sum is the transport's business: ip_pseudo_sum. 0, or as ip_route, -EMSGSIZE, -ENOBUFS,
 * -ENOMEM. */
int ip_output(struct ip_flow *flow, struct packet *packet);
uint32_t ip_pseudo_sum(const struct inet_addr *source, const struct inet_addr *destination,
                       unsigned protocol, unsigned len);
/* Header bytes that ip_output puts before the transport header for this flow (20 or 40, options).
 */
unsigned ip_header_len(const struct ip_flow *flow);
/* A smaller path MTU that a router or black-hole detection has found: kept for 10 minutes for all
 * flows to the destination; never below 552 (IPv4), 1280 (IPv6). */
void ip_learn_mtu(const struct inet_addr *destination, unsigned mtu);

/* A received packet as transports get it: packet->data at the transport header, network set, whole
 * (reassembled) and to us. Addresses by ip_source()... */
struct inet_addr ip_source(const struct packet *packet);
struct inet_addr ip_destination(const struct packet *packet);
static inline bool ip_packet_is_v4(const struct packet *packet)
{
    return packet->network[0] >> 4 == 4;
}
/* TTL or hop limit, TOS or traffic class of a received packet. */
unsigned ip_ttl(const struct packet *packet);
unsigned ip_tos(const struct packet *packet);

/* An error that ICMP reports about a packet that we sent. */
struct ip_error {
    int err;    /* positive errno, as Linux maps type and code */
    bool fatal; /* ends a connection that is being set up, or told with RECVERR only */
    uint8_t type, code, origin; /* as in sock_extended_err */
    unsigned mtu;               /* "fragmentation needed", "packet too big": the next hop's; 0 */
    struct inet_addr offender;
    struct inet_addr source, destination; /* of our packet: source is ours */
    const uint8_t *icmp;      /* the message, 8 bytes, then our packet as it is quoted */
    const uint8_t *transport; /* what is left of its transport header: at least 8 bytes */
    unsigned transport_len;   /* up to the message's end */
    struct netif *netif;
};

struct ip_protocol {
    unsigned number;
    /* A packet to us; takes it. In the CPU's worker thread. */
    void (*receive)(struct packet *packet);
    void (*error)(const struct ip_error *error); /* NULL: nobody cares */
    /* The short way from netif_receive(), interrupts off, checksum not yet verified: the socket
     * whose channel the packet (at the transport header, one piece that holds at least the ports)
     * belongs to, under RCU; NULL: the worker's. Header fields are as foreign as ever. */
    struct inet_socket *(*classify)(const struct packet *packet, const struct inet_addr *source,
                                    const struct inet_addr *destination);
    /* There, if classify() knows nobody: true: nobody else would take it, and nothing would be said
     * of it: it has been counted, may be freed, and costs the worker nothing. May be NULL. */
    bool (*shed)(struct packet *packet, const struct inet_addr *source,
                 const struct inet_addr *destination);
    bool v4, v6; /* registered for which */
};
void ip_protocol_register(const struct ip_protocol *protocol);

/* Raw sockets (net/raw.c) are shown every packet to this host, whole, at its transport header,
 * before its protocol gets it; true: one of them took a copy (no "protocol unreachable" then). NULL
 * while there is none; while there is one, nothing takes the short way. */
extern bool (*ip_raw_hook)(const struct packet *packet, unsigned protocol);
/* They hear of errors, too; NULL while there is none. */
extern void (*ip_raw_error_hook)(const struct ip_error *error, unsigned protocol);

/* ICMP errors about a received packet (rate limited, never about errors, broadcasts, fragments but
 * the first): what is one of the following; takes nothing. */
enum ip_complaint {
    COMPLAIN_PORT,
    COMPLAIN_PROTOCOL,
    COMPLAIN_HOST,
    COMPLAIN_ADMIN,
    COMPLAIN_REASSEMBLY,
    COMPLAIN_PARAMETER
};
void ip_complain(const struct packet *packet, enum ip_complaint what, unsigned pointer);
/* Would it be said of a packet from another host that its port is closed? false: there have been
 * too many such errors (and this one is counted as held back). Any context. */
bool ip_would_complain(const struct inet_addr *to);

/* For netif_receive's worker: an IP packet (protocol ETH_P_IP or ETH_P_IPV6) at its network header.
 * Takes it. ipv4.c and ipv6.c. */
void ipv4_receive(struct packet *packet);
void ipv6_receive(struct packet *packet);
void arp_receive(struct packet *packet);
/* The family's part of ip_route and ip_output, and of resolution (a solicitation is sent). */
int ipv6_output(struct ip_flow *flow, struct packet *packet);
void arp_solicit(struct neighbour *neighbour);
void ndp_solicit(struct neighbour *neighbour);
