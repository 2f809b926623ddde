/* net/ipv6_parse.h: what a received IPv6 packet says, from bytes alone: the chain of extension
 * headers (RFC 8200, 4) with Linux's limits, and rules about addresses. Pure: no state, no
 * allocation, any context; also compiled for the host. Nothing is read beyond `avail`. */
#pragma once

#include "net/address.h"

enum { /* next header */
       NEXT_HOP = 0,
       NEXT_ROUTING = 43,
       NEXT_FRAGMENT = 44,
       NEXT_NONE = 59,
       NEXT_DESTINATION = 60,
};
enum { IPV6_OPTIONS_MAX = 8, IPV6_HEADERS_MAX = 32 }; /* in one header; in one packet */

/* Where a walk through the headers stands. Begin with ipv6_chain_begin(). */
struct ipv6_chain {
    unsigned next;       /* type of the header at offset */
    unsigned offset;     /* of it, from the IPv6 header on */
    unsigned next_field; /* offset of the byte that says so */
    unsigned headers;    /* passed */
    bool multicast;      /* sent to a group */
    bool unicast_frame;  /* and in a frame to this host alone */
    unsigned payload;    /* of the IPv6 header */
    /* Found: */
    unsigned need;          /* IPV6_MORE */
    unsigned code, pointer; /* IPV6_COMPLAIN: of a parameter problem */
    bool complain_group;    /* also where the destination is a group (RFC 4443, 2.4 e) */
    bool alert;             /* router alert (RFC 2711) */
    unsigned alert_value;
};

enum ipv6_step {
    IPV6_PASSED,   /* one extension header; go on */
    IPV6_MORE,     /* `need` bytes from offset on have to be there */
    IPV6_UPPER,    /* the header at offset is none of these: a transport's */
    IPV6_FRAGMENT, /* a fragment header is at offset; if that is dealt with: ipv6_chain_pass */
    IPV6_DROP,
    IPV6_COMPLAIN, /* and drop */
};

/* header: the fixed 40 bytes. */
void ipv6_chain_begin(struct ipv6_chain *chain, const uint8_t *header, bool unicast_frame);
/* Look at the header at chain->offset, of which `avail` bytes are at data. */
enum ipv6_step ipv6_chain_step(struct ipv6_chain *chain, const uint8_t *data, unsigned avail);
/* Go past a fragment header at data (8 bytes) that needs no reassembly. */
void ipv6_chain_pass(struct ipv6_chain *chain, const uint8_t *data);

/* The type and offset of the transport header of a packet that may be cut off (quoted by an error)
 * or a fragment: 0, or -EINVAL if it is not in the `len` bytes. first: it is no later fragment. */
int ipv6_find_transport(const uint8_t *packet, unsigned len, unsigned *type, unsigned *offset,
                        bool *first);
/* Where a fragment header goes in a chain of headers that we send: behind the last hop-by-hop or
 * routing header, in front of all others. chain: from the first extension header on, `first` its
 * type. The offset in chain, and of the next-header field before it (-1: the IPv6 header's). A
 * chain that does not come out even: -EINVAL. */
int ipv6_fragment_place(const uint8_t *chain, unsigned len, unsigned first, unsigned *place,
                        int *field);

/* The scope of an address (RFC 4007): 1 interface, 2 link, 5 site, 14 global. */
enum { SCOPE_INTERFACE = 1, SCOPE_LINK = 2, SCOPE_SITE = 5, SCOPE_GLOBAL = 14 };
unsigned ipv6_scope(const struct inet_addr *address);
/* How many leading bits two addresses have in common. */
unsigned ipv6_common_bits(const struct inet_addr *a, const struct inet_addr *b);

/* An address that may be the source of a packet, as RFC 6724, 5 looks at it. */
struct ipv6_candidate {
    struct inet_addr address;
    unsigned prefix;
    bool deprecated, outgoing; /* outgoing: it is the sending interface's */
};
/* Is a better than b, for packets to destination? An earlier one stays where they are equal. */
bool ipv6_better_source(const struct ipv6_candidate *a, const struct ipv6_candidate *b,
                        const struct inet_addr *destination);

/* Interface identifiers: from a MAC (RFC 4291, appendix A); opaque but stable (RFC 7217). */
void ipv6_eui64(const uint8_t mac[6], uint8_t id[8]);
/* False: a reserved identifier (RFC 5453): the next dad_counter. */
bool ipv6_stable_id(const uint8_t secret[16], const uint8_t prefix[8], const uint8_t mac[6],
                    unsigned dad_counter, uint8_t id[8]);
