/* net/address.h: IP addresses of both families in one form. Any context. */
#pragma once

#include "lib/endian.h"
#include "lib/string.h"
#include "lib/types.h"

/* Network order. An IPv4 address a.b.c.d is ::ffff:a.b.c.d; 0.0.0.0 is ::ffff:0.0.0.0, and :: is
 * "any" of IPv6 (and of both, for a socket that takes both). */
struct inet_addr {
    union {
        uint8_t bytes[16];
        uint32_t words[4];
        uint64_t halves[2];
    };
};

enum { INET4_MAPPED = 0xffff0000u }; /* words[2] of an IPv4 address on x86 */

static inline bool inet_is_v4(const struct inet_addr *a)
{
    return a->halves[0] == 0 && a->words[2] == (uint32_t)INET4_MAPPED;
}
static inline struct inet_addr inet_v4(uint32_t network_order)
{
    return (struct inet_addr){.words = {0, 0, (uint32_t)INET4_MAPPED, network_order}};
}
/* In network order, as sin_addr has it. */
static inline uint32_t inet_v4_of(const struct inet_addr *a)
{
    return a->words[3];
}
static inline bool inet_equal(const struct inet_addr *a, const struct inet_addr *b)
{
    return a->halves[0] == b->halves[0] && a->halves[1] == b->halves[1];
}
/* 0.0.0.0 or :: */
static inline bool inet_is_any(const struct inet_addr *a)
{
    return a->halves[0] == 0 && a->words[3] == 0 &&
           (a->words[2] == 0 || a->words[2] == (uint32_t)INET4_MAPPED);
}
static inline bool inet_is_multicast(const struct inet_addr *a)
{
    return inet_is_v4(a) ? (a->bytes[12] & 0xf0) == 0xe0 : a->bytes[0] == 0xff;
}
static inline bool inet_is_loopback(const struct inet_addr *a)
{
    return inet_is_v4(a) ? a->bytes[12] == 127 : a->halves[0] == 0 && a->halves[1] == 1ull << 56;
}
static inline bool inet_is_limited_broadcast(const struct inet_addr *a)
{
    return inet_is_v4(a) && a->words[3] == 0xffffffffu;
}
static inline bool inet_is_link_local(const struct inet_addr *a) /* fe80::/10, 169.254/16 */
{
    return inet_is_v4(a) ? a->bytes[12] == 169 && a->bytes[13] == 254
                         : a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}
/* Do the first bits agree? For IPv4 addresses prefix counts from the IPv4 part (0 to 32). */
bool inet_prefix_match(const struct inet_addr *a, const struct inet_addr *b, unsigned prefix);
/* As text ("10.0.0.1", "fe80::1"; RFC 5952): INET_TEXT bytes; returns its length. */
enum { INET_TEXT = 46 };
unsigned inet_text(const struct inet_addr *a, char *buf);
/* From text of either family; -EINVAL. */
int inet_parse(const char *text, struct inet_addr *a);
