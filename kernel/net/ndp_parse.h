/* net/ndp_parse.h: the messages of neighbour discovery (RFC 4861) as structures, and lifetimes of
 * what routers advertise. Pure: any context; also compiled for the host. `data` is the ICMPv6
 * message, checksum and hop limit already verified by the caller. */
#pragma once

#include "net/address.h"

enum {
    NDP_RS = 133,
    NDP_RA,
    NDP_NS,
    NDP_NA,
    NDP_REDIRECT,
};
enum { /* options */
       ND_SOURCE = 1,
       ND_TARGET,
       ND_PREFIX,
       ND_REDIRECTED,
       ND_MTU,
       ND_NONCE = 14,
       ND_ROUTE = 24,
       ND_RDNSS = 25,
       ND_DNSSL = 31,
};
enum { NDP_FOREVER = -1 }; /* of a 32-bit lifetime in seconds, as uint32_t */

/* The options, one after the other. */
struct ndp_option {
    unsigned type, len; /* of it all; a multiple of 8, not 0 */
    const uint8_t *data;
};
/* at: 0, then left alone. 1: there is one, 0: no more, -EINVAL: they do not come out even. */
int ndp_option_next(const uint8_t *options, unsigned len, unsigned *at, struct ndp_option *option);

/* NS and NA. */
struct ndp_neighbour {
    struct inet_addr target;
    bool router, solicited, override; /* NA */
    const uint8_t *mac;               /* of the option that belongs there; NULL: none */
    const uint8_t *nonce;             /* NS: 6 bytes (RFC 7527); NULL */
};
/* 0, or -EINVAL: to be dropped (RFC 4861, 7.1). from_any: the source is unspecified; group: the
 * destination is multicast; solicited_node: such a group. */
int ndp_parse_ns(const uint8_t *data, unsigned len, bool from_any, bool solicited_node,
                 struct ndp_neighbour *ns);
int ndp_parse_na(const uint8_t *data, unsigned len, bool group, struct ndp_neighbour *na);

struct ndp_prefix {
    struct inet_addr prefix;
    uint8_t bits;
    bool on_link, autonomous;
    uint32_t valid, preferred; /* seconds; NDP_FOREVER */
};
enum { NDP_PREFIXES = 16, NDP_SERVERS = 8, NDP_DOMAINS = 256 };

/* RA: what is beyond the bounds is left out. */
struct ndp_ra {
    uint8_t hop_limit; /* 0: not said */
    bool managed, other;
    int preference;                 /* -1, 0, 1 (RFC 4191) */
    uint16_t lifetime;              /* of the router, seconds; 0: no default router */
    uint32_t reachable, retransmit; /* milliseconds; 0: not said */
    const uint8_t *mac;
    uint32_t mtu; /* 0: not said */
    unsigned nprefixes, nservers;
    struct ndp_prefix prefixes[NDP_PREFIXES];
    struct inet_addr servers[NDP_SERVERS];
    uint32_t server_lifetime[NDP_SERVERS];
    unsigned ndomains;
    char domains[NDP_DOMAINS]; /* one after the other, each with its 0 */
    unsigned domains_len;
    uint32_t domain_lifetime[NDP_SERVERS];
};
int ndp_parse_ra(const uint8_t *data, unsigned len, struct ndp_ra *ra);

struct ndp_redirect {
    struct inet_addr target, destination;
    const uint8_t *mac;
};
/* 0, or -EINVAL: to be ignored (RFC 4861, 8.1). The bytes begin with the ICMPv6 header; *redirect
 * points into them. */
int ndp_parse_redirect(const uint8_t *data, unsigned len, struct ndp_redirect *redirect);

/* RFC 4862, 5.5.3 e: how long an address stays valid of which `left` seconds were left when a
 * router advertised `advertised` (both NDP_FOREVER if without end). */
uint32_t ndp_valid_lifetime(uint32_t left, uint32_t advertised);
