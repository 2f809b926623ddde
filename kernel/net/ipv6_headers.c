#include "net/ipv6_headers.h"

#include "lib/endian.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/ipv6_parse.h"

enum { STICKY_MAX = 8 * 255, FIXED = 40, NEXT_AT = 6, DESTINATION_AT = 24 };
enum { ROUTING_MOBILE = 2, ROUTING_SEGMENTS = 4 }; /* RFC 6275, 6.4; RFC 8754 */
enum { LEFT_AT = 3, LAST_SEGMENT_AT = 4, STATIONS_AT = 8 };
enum { /* control messages */
       IPV6_2292HOPOPTS = 3,
       IPV6_2292DSTOPTS = 4,
       IPV6_2292RTHDR = 5,
       IPV6_HOPOPTS = 54,
       IPV6_RTHDRDSTOPTS = 55,
       IPV6_RTHDR = 57,
       IPV6_DSTOPTS = 59,
};

/* --- what a program gives */

/* One station, the home address, which is left to be visited. */
static bool good_mobile(const uint8_t *header)
{
    return header[2] == ROUTING_MOBILE && header[1] == 2 && header[LEFT_AT] == 1;
}

/* Segments 0 to header[4], then options up to the very end. */
static bool good_segments(const uint8_t *header, size_t n)
{
    size_t at = STATIONS_AT + (header[LAST_SEGMENT_AT] + 1u) * 16;

    if (header[2] != ROUTING_SEGMENTS || ipv6_header_size(header) != n ||
        header[LEFT_AT] > header[LAST_SEGMENT_AT])
        return false;
    while (at + 2 <= n)
        at += 2u + header[at + 1];
    return at == n;
}

int ipv6_headers_check(enum ipv6_part part, const uint8_t *value, size_t n)
{
    if (n < 2 || n & 7 || n > STICKY_MAX || ipv6_header_size(value) > n)
        return -EINVAL;
    return part != IPV6_ROUTING || good_mobile(value) || good_segments(value, n) ? 0 : -EINVAL;
}

static int part_of(int type)
{
    switch (type) {
    case IPV6_2292HOPOPTS:
    case IPV6_HOPOPTS:
        return IPV6_HOP;
    case IPV6_RTHDRDSTOPTS:
        return IPV6_BEFORE;
    case IPV6_2292RTHDR:
    case IPV6_RTHDR:
        return IPV6_ROUTING;
    case IPV6_2292DSTOPTS:
    case IPV6_DSTOPTS:
        return IPV6_LAST;
    default:
        return -1;
    }
}

int ipv6_headers_add(struct ipv6_headers *headers, int type, const uint8_t *data, size_t n,
                     bool privileged)
{
    int part = part_of(type);
    bool once = part == IPV6_HOP || type == IPV6_2292DSTOPTS;

    if (part < 0)
        return 1;
    if (n < (part == IPV6_ROUTING ? 4 : 2) || ipv6_header_size(data) > n)
        return -EINVAL;
    if (part == IPV6_HOP && headers->part[part])
        return -EINVAL;
    if (part != IPV6_ROUTING && !privileged)
        return -EPERM;
    if ((once && headers->part[part]) || (part == IPV6_ROUTING && !good_mobile(data)))
        return -EINVAL;
    headers->part[part] = data;
    if (type == IPV6_2292RTHDR && headers->part[IPV6_LAST]) { /* RFC 2292, 7: it came before */
        headers->part[IPV6_BEFORE] = headers->part[IPV6_LAST];
        headers->part[IPV6_LAST] = NULL;
    }
    return 0;
}

/* --- what is sent */

static bool goes_out(const struct ipv6_headers *headers, unsigned part)
{
    return headers->part[part] && (part != IPV6_BEFORE || headers->part[IPV6_ROUTING]);
}

unsigned ipv6_headers_size(const struct ipv6_headers *headers)
{
    unsigned size = 0;

    for (unsigned i = 0; headers && i < IPV6_PARTS; i++)
        if (goes_out(headers, i))
            size += ipv6_header_size(headers->part[i]);
    return size;
}

const uint8_t *ipv6_headers_station(const struct ipv6_headers *headers)
{
    const uint8_t *routing = headers->part[IPV6_ROUTING];

    if (!routing)
        return NULL;
    return routing + STATIONS_AT + (routing[2] == ROUTING_SEGMENTS ? routing[LEFT_AT] * 16u : 0);
}

void ipv6_headers_put(const struct ipv6_headers *headers, uint8_t *ip, unsigned protocol)
{
    static const uint8_t types[] = {NEXT_HOP, NEXT_DESTINATION, NEXT_ROUTING, NEXT_DESTINATION};
    uint8_t *next = ip + NEXT_AT, *at = ip + FIXED;

    for (unsigned i = 0; i < IPV6_PARTS; i++) {
        if (!goes_out(headers, i))
            continue;
        unsigned size = ipv6_header_size(headers->part[i]);

        memcpy(at, headers->part[i], size);
        *next = types[i];
        next = at;
        if (i == IPV6_ROUTING) { /* the destination is its last station */
            memcpy(at + STATIONS_AT, ip + DESTINATION_AT, 16);
            memcpy(ip + DESTINATION_AT, ipv6_headers_station(headers), 16);
        }
        at += size;
    }
    *next = (uint8_t)protocol;
}

struct ipv6_headers *ipv6_headers_copy(const struct ipv6_headers *from)
{
    size_t size = sizeof(*from);
    struct ipv6_headers *to;
    uint8_t *at;

    for (unsigned i = 0; i < IPV6_PARTS; i++)
        size += ipv6_header_size(from->part[i]);
    to = size > sizeof(*from) ? kmalloc(size) : NULL;
    at = (uint8_t *)(to + 1);
    for (unsigned i = 0; to && i < IPV6_PARTS; i++) {
        unsigned n = ipv6_header_size(from->part[i]);
        to->part[i] = n ? memcpy(at, from->part[i], n) : NULL;
        at += n;
    }
    return to;
}
