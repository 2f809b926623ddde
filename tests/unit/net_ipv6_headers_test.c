// sources: kernel/net/ipv6_headers.c kernel/net/ipv6_parse.c kernel/lib/siphash.c
// flags: -Ikernel
/* Extension headers that programs ask for: what is taken, what goes out and where it goes, and a
 * million damaged ones, each in memory of exactly its size. */
#include <stdio.h>
#include <stdlib.h>

#include "lib/errno.h"
#include "mm/heap.h"
#include "net/ipv6_headers.h"
#include "net/ipv6_parse.h"
#include "need.h"

void *kmalloc(size_t size)
{
    return malloc(size);
}

enum {
    HOPOPTS2292 = 3,
    DSTOPTS2292,
    RTHDR2292,
    HOPOPTS = 54,
    RTHDRDSTOPTS,
    RTHDR = 57,
    DSTOPTS = 59
};

static const uint8_t hop[8] = {1, 0, 0x1e, 4}, before[16] = {2, 1, 0x1e, 12};
static const uint8_t last[8] = {3, 0, 0x1e, 4}, mobile[24] = {4, 2, 2, 1, [8] = 0xfe, [23] = 7};
static const uint8_t segments[48] = {5, 5, 4, 1, 1, 0, 0, 0, [8] = 0xaa, [24] = 0xbb, [40] = 4, 6};

/* Walks as a receiver would: it has to come out at the protocol, at the end. */
static void walk(const uint8_t *ip, unsigned size, unsigned protocol)
{
    unsigned type, offset;
    bool first;

    NEED(ipv6_find_transport(ip, 40 + size, &type, &offset, &first) == 0);
    NEED(type == protocol && offset == 40 + size && first);
}

static void test_order(void)
{
    struct ipv6_headers h = {{hop, before, mobile, last}}, *copy;
    uint8_t ip[40 + 8 + 16 + 24 + 8] = {0x60, [24] = 0x20, [39] = 9};

    NEED(ipv6_headers_size(&h) == 56 && ipv6_headers_size(NULL) == 0);
    NEED(ipv6_headers_station(&h) == mobile + 8);
    ipv6_headers_put(&h, ip, 17);
    walk(ip, 56, 17);
    NEED(ip[6] == NEXT_HOP && ip[40] == NEXT_DESTINATION && ip[48] == NEXT_ROUTING);
    NEED(ip[64] == NEXT_DESTINATION && ip[88] == 17);
    NEED(memcmp(ip + 24, mobile + 8, 16) == 0 && ip[72] == 0x20 && ip[87] == 9);
    copy = ipv6_headers_copy(&h);
    NEED(copy && memcmp(copy->part[IPV6_LAST], last, 8) == 0 && copy->part[IPV6_LAST] != last);
    h.part[IPV6_ROUTING] = NULL; /* now the one before it has nothing to be before */
    NEED(ipv6_headers_size(&h) == 16 && !ipv6_headers_station(&h));
    memset(ip, 0, sizeof(ip));
    ipv6_headers_put(&h, ip, 58);
    walk(ip, 16, 58);
    NEED(ip[40] == NEXT_DESTINATION && ip[48] == 58);
    h.part[IPV6_ROUTING] = segments;
    NEED(ipv6_headers_station(&h) == segments + 24);
    free(copy);
    h = (struct ipv6_headers){};
    NEED(!ipv6_headers_copy(&h) && !ipv6_headers_any(&h));
    ipv6_headers_put(&h, ip, 6);
    NEED(ip[6] == 6);
}

static void test_values(void)
{
    uint8_t bad[48];

    NEED(ipv6_headers_check(IPV6_HOP, hop, 8) == 0 &&
         ipv6_headers_check(IPV6_HOP, before, 16) == 0);
    NEED(ipv6_headers_check(IPV6_HOP, before, 8) == -EINVAL);
    NEED(ipv6_headers_check(IPV6_LAST, hop, 7) == -EINVAL);
    NEED(ipv6_headers_check(IPV6_LAST, hop, 1) == -EINVAL);
    NEED(ipv6_headers_check(IPV6_ROUTING, mobile, 24) == 0);
    NEED(ipv6_headers_check(IPV6_ROUTING, segments, 48) == 0);
    NEED(ipv6_headers_check(IPV6_ROUTING, hop, 8) == -EINVAL);
    for (unsigned at = 1; at < 5; at++) { /* every field that says how much there is */
        memcpy(bad, segments, sizeof(bad));
        bad[at] += 2;
        NEED(ipv6_headers_check(IPV6_ROUTING, bad, sizeof(bad)) == -EINVAL);
    }
    memcpy(bad, segments, sizeof(bad));
    bad[41] = 7; /* past the end; then short of it, by one byte that is no option */
    NEED(ipv6_headers_check(IPV6_ROUTING, bad, sizeof(bad)) == -EINVAL);
    bad[41] = 5;
    NEED(ipv6_headers_check(IPV6_ROUTING, bad, sizeof(bad)) == -EINVAL);
    memcpy(bad, mobile, sizeof(mobile));
    bad[3] = 0;
    NEED(ipv6_headers_check(IPV6_ROUTING, bad, 24) == -EINVAL);
}

static void test_messages(void)
{
    struct ipv6_headers h = {};

    NEED(ipv6_headers_add(&h, 60, hop, 8, true) == 1 && !ipv6_headers_any(&h));
    NEED(ipv6_headers_add(&h, HOPOPTS, hop, 8, false) == -EPERM);
    NEED(ipv6_headers_add(&h, HOPOPTS, hop, 7, false) == -EINVAL);
    NEED(ipv6_headers_add(&h, HOPOPTS, hop, 8, true) == 0);
    NEED(ipv6_headers_add(&h, HOPOPTS2292, hop, 8, true) == -EINVAL);
    NEED(ipv6_headers_add(&h, DSTOPTS, last, 8, true) == 0);
    NEED(ipv6_headers_add(&h, DSTOPTS, last, 8, true) == 0);
    NEED(ipv6_headers_add(&h, DSTOPTS2292, last, 8, true) == -EINVAL);
    NEED(ipv6_headers_add(&h, RTHDR, segments, 48, true) == -EINVAL);
    NEED(ipv6_headers_add(&h, RTHDR, mobile, 23, true) == -EINVAL);
    NEED(ipv6_headers_add(&h, RTHDR, mobile, 3, true) == -EINVAL);
    NEED(ipv6_headers_add(&h, RTHDR, mobile, 24, false) == 0 && h.part[IPV6_LAST] == last);
    NEED(ipv6_headers_add(&h, RTHDRDSTOPTS, before, 16, true) == 0);
    NEED(ipv6_headers_size(&h) == 8 + 16 + 24 + 8);
    h = (struct ipv6_headers){};
    NEED(ipv6_headers_add(&h, DSTOPTS2292, last, 8, true) == 0);
    NEED(ipv6_headers_add(&h, RTHDR2292, mobile, 24, true) == 0); /* moves the other before it */
    NEED(h.part[IPV6_BEFORE] == last && !h.part[IPV6_LAST]);
    NEED(ipv6_headers_add(&h, DSTOPTS2292, last, 8, true) == 0);
}

/* Whatever is taken can be sent and comes out even. */
static void test_damaged(void)
{
    static const int types[] = {HOPOPTS,     DSTOPTS,     RTHDR,    RTHDRDSTOPTS,
                                HOPOPTS2292, DSTOPTS2292, RTHDR2292};
    static uint8_t ip[40 + 4 * 2048];
    static const uint8_t *const from[] = {hop, before, mobile, segments};
    static const unsigned sizes[] = {sizeof(hop), sizeof(before), sizeof(mobile), sizeof(segments)};
    unsigned long taken = 0;

    srand(1);
    for (unsigned round = 0; round < 300000; round++) {
        struct ipv6_headers h = {};
        uint8_t *piece[4];

        for (unsigned i = 0; i < 4; i++) {
            unsigned kind = (unsigned)rand() % 4, n = sizes[kind];
            n -= rand() % 4 ? 0 : (unsigned)rand() % n;
            piece[i] = malloc(n);
            memcpy(piece[i], from[kind], n);
            for (int flips = rand() % 3; flips; flips--)
                piece[i][(unsigned)rand() % (n < 5 ? n : 5)] = (uint8_t)(rand() % 8);
            if (rand() & 1) {
                taken += !ipv6_headers_add(&h, types[rand() % 7], piece[i], n, true);
            } else {
                enum ipv6_part part = (enum ipv6_part)(rand() % 4);
                if (ipv6_headers_check(part, piece[i], n) == 0) {
                    h.part[part] = piece[i];
                    taken++;
                }
            }
        }
        unsigned size = ipv6_headers_size(&h);
        NEED(size <= sizeof(ip) - 40);
        ipv6_headers_put(&h, ip, 17);
        walk(ip, size, 17);
        free(ipv6_headers_copy(&h));
        for (unsigned i = 0; i < 4; i++)
            free(piece[i]);
    }
    NEED(taken > 100000);
}

int main(void)
{
    test_order();
    test_values();
    test_messages();
    test_damaged();
    printf("ok - headers that are sent\n1..1\n");
    return 0;
}
