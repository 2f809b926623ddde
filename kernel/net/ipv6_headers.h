/* net/ipv6_headers.h: the extension headers that a program wants its packets to have (RFC 3542,
 * RFC 8200, 4), by Linux's rules. Pure but for ipv6_headers_copy(); any context; also compiled for
 * the host. Nothing is read beyond the lengths given. */
#pragma once

#include "net/address.h"

/* In the order in which they are sent. BEFORE is for the stations of a routing header, and goes out
 * only with one; LAST is for the destination, and the only one that is not in every fragment. */
enum ipv6_part { IPV6_HOP, IPV6_BEFORE, IPV6_ROUTING, IPV6_LAST, IPV6_PARTS };

/* NULL: none. Each is whole (its length field says how long), its next-header field is the
 * program's own: ipv6_headers_put() writes another. The memory is somebody else's. */
struct ipv6_headers {
    const uint8_t *part[IPV6_PARTS];
};

/* setsockopt(2)'s value for a part, of n > 0 bytes: 0, -EINVAL. */
int ipv6_headers_check(enum ipv6_part part, const uint8_t *value, size_t n);
/* A control message of n bytes: one of IPV6_HOPOPTS and the like, or of their elders of RFC 2292.
 * 0, -EINVAL, -EPERM (it takes a privilege), 1: it is none of these. */
int ipv6_headers_add(struct ipv6_headers *headers, int type, const uint8_t *data, size_t n,
                     bool privileged);
static inline unsigned ipv6_header_size(const uint8_t *header)
{
    return header ? (header[1] + 1u) * 8 : 0;
}
/* Bytes of what is sent. NULL: 0. */
unsigned ipv6_headers_size(const struct ipv6_headers *headers);
/* The first station that a routing header names: 16 bytes, where the packet goes first; NULL:
 * straight to its destination. */
const uint8_t *ipv6_headers_station(const struct ipv6_headers *headers);
/* Write them behind the fixed header at ip, whose next-header and destination fields are made to
 * say what comes first; `protocol` is what follows the last. */
void ipv6_headers_put(const struct ipv6_headers *headers, uint8_t *ip, unsigned protocol);
/* The same in memory of its own, one piece of the heap (kfree); NULL: there are none, or no memory
 * (`from` is what tells them apart). */
struct ipv6_headers *ipv6_headers_copy(const struct ipv6_headers *from);
static inline bool ipv6_headers_any(const struct ipv6_headers *h)
{
    return h->part[0] || h->part[1] || h->part[2] || h->part[3];
}
