// sources: kernel/net/ipv6_parse.c kernel/net/ipv6_headers.c kernel/net/ndp_parse.c
// sources: kernel/net/mld_parse.c
// sources: kernel/lib/siphash.c tests/fuzz/net_ip6.c
// flags: -Ikernel
/* IPv6 headers as they come in and go out, the choice of a source (RFC 6724's own examples),
 * interface identifiers; and a million damaged packets through every parser. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/errno.h"
#include "lib/siphash.h"
#include "net/ipv6_parse.h"
#include "need.h"

static struct inet_addr ip(const char *text)
{
    struct inet_addr a;

    NEED(inet_pton(AF_INET6, text, a.bytes) == 1);
    return a;
}

/* --- a packet being put together */

struct bytes {
    uint8_t data[4096];
    unsigned len, field; /* where the next type goes */
};

static struct bytes begin(bool multicast)
{
    struct bytes b = {.data = {0x60}, .len = 40, .field = 6};

    b.data[7] = 64;
    b.data[8] = 0xfe;
    b.data[24] = multicast ? 0xff : 0xfe;
    return b;
}

/* A header of n bytes: body behind the byte that says what comes next, then zeroes. */
#define add(b, type, body, n) add_bytes(b, type, body, sizeof(body) - 1, n)
static void add_bytes(struct bytes *b, unsigned type, const char *body, size_t size, unsigned n)
{
    b->data[b->field] = (uint8_t)type;
    b->field = b->len;
    memset(b->data + b->len, 0, n);
    memcpy(b->data + b->len + 1, body, size);
    b->len += n;
}

static void finish(struct bytes *b, unsigned type)
{
    b->data[b->field] = (uint8_t)type;
    put_be16(b->data + 4, (uint16_t)(b->len - 40));
}

/* Walk to the end over exactly-sized memory. */
static enum ipv6_step walk(const struct bytes *b, struct ipv6_chain *chain, bool unicast)
{
    uint8_t *copy = malloc(b->len);
    enum ipv6_step step;

    memcpy(copy, b->data, b->len);
    ipv6_chain_begin(chain, copy, unicast);
    for (;;) {
        step = ipv6_chain_step(chain, copy + chain->offset, b->len - chain->offset);
        if (step == IPV6_FRAGMENT)
            ipv6_chain_pass(chain, copy + chain->offset);
        else if (step != IPV6_PASSED)
            break;
    }
    free(copy);
    return step;
}

static void test_chain(void)
{
    struct ipv6_chain c;
    struct bytes b = begin(false);

    finish(&b, 17);
    NEED(walk(&b, &c, true) == IPV6_UPPER && c.next == 17 && c.offset == 40 && c.next_field == 6);
    b = begin(false); /* hop-by-hop with a router alert, destination options, fragment, UDP */
    add(&b, NEXT_HOP, "\0\5\2\0\0\1\0", 8);
    add(&b, NEXT_DESTINATION, "\0\1\4\0\0\0\0", 8);
    add(&b, NEXT_FRAGMENT, "\0\0\0\1\2\3\4", 8);
    finish(&b, 17);
    NEED(walk(&b, &c, true) == IPV6_UPPER && c.next == 17 && c.offset == 64 && c.alert);
    NEED(c.next_field == 56 && c.headers == 3);
    b = begin(false); /* a second hop-by-hop header: an unknown next header */
    add(&b, NEXT_HOP, "\0\1\4\0\0\0\0", 8);
    add(&b, NEXT_HOP, "\0\1\4\0\0\0\0", 8);
    finish(&b, 6);
    NEED(walk(&b, &c, true) == IPV6_COMPLAIN && c.code == 1 && c.pointer == 40);
    b = begin(false);
    finish(&b, NEXT_NONE);
    NEED(walk(&b, &c, true) == IPV6_DROP);
    b = begin(false); /* cut off: length byte says 24, 8 are there */
    add(&b, NEXT_DESTINATION, "\2\1\4\0\0\0\0", 8);
    finish(&b, 6);
    NEED(walk(&b, &c, true) == IPV6_MORE && c.need == 24);
    b = begin(false); /* a chain without an end */
    for (int i = 0; i < 40; i++)
        add(&b, NEXT_DESTINATION, "\0\1\4\0\0\0\0", 8);
    finish(&b, 6);
    NEED(walk(&b, &c, true) == IPV6_DROP);
}

#define option(body, n, multicast, c, type)                                                        \
    option_bytes(body, sizeof(body) - 1, n, multicast, c, type)
static enum ipv6_step option_bytes(const char *body, size_t size, unsigned n, bool multicast,
                                   struct ipv6_chain *c, unsigned type)
{
    struct bytes b = begin(multicast);

    add_bytes(&b, type, body, size, n);
    finish(&b, 17);
    return walk(&b, c, true);
}

static void test_options(void)
{
    struct ipv6_chain c;

    /* RFC 8200, 4.2: by the two highest bits of an unknown type. */
    NEED(option("\0\x1e\4\0\0\0\0", 8, false, &c, NEXT_DESTINATION) == IPV6_UPPER);
    NEED(option("\0\x5e\4\0\0\0\0", 8, false, &c, NEXT_DESTINATION) == IPV6_DROP);
    NEED(option("\0\x9e\4\0\0\0\0", 8, true, &c, NEXT_HOP) == IPV6_COMPLAIN);
    NEED(c.code == 2 && c.pointer == 42 && c.complain_group);
    NEED(option("\0\xde\4\0\0\0\0", 8, false, &c, NEXT_HOP) == IPV6_COMPLAIN && c.pointer == 42);
    NEED(option("\0\xde\4\0\0\0\0", 8, true, &c, NEXT_HOP) == IPV6_DROP);
    /* Padding: up to 7 bytes, zeroes, within the header. */
    NEED(option("\0\0\0\0\0\0\0", 8, false, &c, NEXT_HOP) == IPV6_UPPER);
    NEED(option("\0\1\4\0\0\0\1", 8, false, &c, NEXT_HOP) == IPV6_DROP);
    NEED(option("\1\1\6\0\0\0\0\0\0\1\4", 16, false, &c, NEXT_HOP) == IPV6_DROP);
    NEED(option("\0\1\5\0\0\0\0", 8, false, &c, NEXT_HOP) == IPV6_DROP);
    NEED(option("\0\1\3\0\0\0\1", 8, false, &c, NEXT_HOP) == IPV6_DROP); /* one byte left over */
    /* At most 8 options in a header. */
    NEED(option("\2\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\1\4", 24, false, &c,
                NEXT_DESTINATION) == IPV6_UPPER);
    NEED(option("\2\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\1\2", 24, false, &c,
                NEXT_DESTINATION) == IPV6_DROP);
    NEED(option("\0\5\1\0\0\0\0", 8, false, &c, NEXT_HOP) == IPV6_DROP); /* alert too short */
    /* Jumbograms (RFC 2675, 3): the length of the header is not 0, or it would have done. */
    NEED(option("\0\xc2\4\0\1\0\0", 8, false, &c, NEXT_HOP) == IPV6_COMPLAIN && c.pointer == 42);
    NEED(option("\0\xc2\4\0\0\1\0", 8, false, &c, NEXT_HOP) == IPV6_COMPLAIN && c.pointer == 44);
}

static void test_routing(void)
{
    struct ipv6_chain c;
    struct bytes b = begin(false);

    add(&b, NEXT_ROUTING, "\0\0\0\0\0\0\0", 8);
    finish(&b, 6);
    NEED(walk(&b, &c, true) == IPV6_UPPER && c.next == 6);
    NEED(walk(&b, &c, false) == IPV6_DROP);
    b = begin(false); /* RFC 5095: a type 0 header that wants to go on */
    add(&b, NEXT_ROUTING, "\0\0\1\0\0\0\0", 8);
    finish(&b, 6);
    NEED(walk(&b, &c, true) == IPV6_COMPLAIN && c.code == 0 && c.pointer == 42);
    NEED(!c.complain_group);
    for (char type = 2; type <= 4; type++) { /* of those nobody here is a station, nor their end */
        b = begin(false);
        add(&b, NEXT_ROUTING, "\0\0\0\0\0\0\0", 8);
        b.data[42] = (uint8_t)type;
        finish(&b, 6);
        NEED(walk(&b, &c, true) == IPV6_DROP);
    }
    b = begin(true);
    add(&b, NEXT_ROUTING, "\0\0\0\0\0\0\0", 8);
    finish(&b, 6);
    NEED(walk(&b, &c, true) == IPV6_DROP);
}

static void test_quoted(void)
{
    unsigned type, offset;
    bool first;
    struct bytes b = begin(false);

    add(&b, NEXT_HOP, "\0\1\4\0\0\0\0", 8);
    add(&b, NEXT_FRAGMENT, "\0\0\1\1\2\3\4", 8); /* the first of several */
    finish(&b, 17);
    NEED(ipv6_find_transport(b.data, b.len, &type, &offset, &first) == 0);
    NEED(type == 17 && offset == 56 && first);
    NEED(ipv6_find_transport(b.data, b.len - 1, &type, &offset, &first) == -EINVAL);
    NEED(ipv6_find_transport(b.data, 39, &type, &offset, &first) == -EINVAL);
    put_be16(b.data + 50, 0x10); /* a later one */
    NEED(ipv6_find_transport(b.data, b.len, &type, &offset, &first) == 0 && !first);
}

static void test_sent(void)
{
    uint8_t chain[32] = {NEXT_ROUTING, [8] = NEXT_DESTINATION, [16] = 0, 1};
    unsigned place;
    int field;

    NEED(ipv6_fragment_place(chain, 32, NEXT_HOP, &place, &field) == 0);
    NEED(place == 16 && field == 8);
    NEED(ipv6_fragment_place(chain, 24, NEXT_HOP, &place, &field) == -EINVAL);
    NEED(ipv6_fragment_place(chain + 16, 16, NEXT_DESTINATION, &place, &field) == 0);
    NEED(place == 0 && field == -1);
    NEED(ipv6_fragment_place(chain, 0, 6, &place, &field) == 0 && place == 0 && field == -1);
}

/* `want` of a and b, whichever comes first, for packets to `to`. */
static void prefer(const char *want, const char *other, const char *to)
{
    struct ipv6_candidate a = {ip(want), 64, false, true}, b = {ip(other), 64, false, true};
    struct inet_addr d = ip(to);

    NEED(ipv6_better_source(&a, &b, &d));
    NEED(!ipv6_better_source(&b, &a, &d));
}

static void test_source(void)
{
    struct ipv6_candidate a = {ip("2001:db8::1"), 64, false, true}, b = a;
    struct inet_addr d = ip("2001:db8:1::1");

    /* RFC 6724, 10.1 */
    prefer("2001:db8:3::1", "fe80::1", "2001:db8:1::1");
    prefer("fe80::1", "2001:db8:3::1", "fe80::2");
    prefer("fe80::1", "2001:db8:1::1", "ff02::1");
    prefer("2001:db8:1::2", "2001:db8:3::2", "2001:db8:1::1");
    prefer("fd00:1::2", "2001:db8::2", "fd00:1::1");
    prefer("2002:c633:6401::2", "2001:db8:1::2", "2002:c633:6401:0:d5e3:0:7953:13eb");
    prefer("2001:db8::1", "2001:0:db8::2", "2001:db8:1::1"); /* not Teredo's */
    prefer("2001:db8::7", "2001:db8::8", "2001:db8::7");     /* itself */
    b.address = ip("2001:db8:1::2"); /* nearer, but deprecated; or of another interface */
    b.deprecated = true;
    NEED(ipv6_better_source(&a, &b, &d) && !ipv6_better_source(&b, &a, &d));
    b.deprecated = b.outgoing = false;
    NEED(ipv6_better_source(&a, &b, &d) && !ipv6_better_source(&b, &a, &d));
    b = a;
    NEED(!ipv6_better_source(&a, &b, &d) && !ipv6_better_source(&b, &a, &d));
    b.address = ip("2001:db8:1::2"); /* common bits count up to the prefix */
    a.address = ip("2001:db8:8000::1");
    b.prefix = a.prefix = 32;
    NEED(!ipv6_better_source(&a, &b, &d) && !ipv6_better_source(&b, &a, &d));
    a.address = ip("fe80::1"); /* the same scope and label: ::1 is nearer to itself */
    NEED(ipv6_scope(&a.address) == SCOPE_LINK);
    a.address = ip("ff05::2");
    NEED(ipv6_scope(&a.address) == SCOPE_SITE);
    a.address = ip("::1");
    b.address = ip("::2");
    NEED(ipv6_common_bits(&a.address, &b.address) == 126);
    NEED(ipv6_common_bits(&a.address, &a.address) == 128);
}

static void test_ids(void)
{
    static const uint8_t mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
    static const uint8_t eui[8] = {0x50, 0x54, 0, 0xff, 0xfe, 0x12, 0x34, 0x56};
    uint8_t key[16], text[15], id[8], again[8];

    for (unsigned i = 0; i < 16; i++)
        key[i] = (uint8_t)i;
    for (unsigned i = 0; i < 15; i++)
        text[i] = (uint8_t)i;
    NEED(siphash(key, text, 15) == 0xa129ca6149be45e5); /* the paper's appendix A */
    ipv6_eui64(mac, id);
    NEED(memcmp(id, eui, 8) == 0);
    NEED(ipv6_stable_id(key, text, mac, 0, id) && ipv6_stable_id(key, text, mac, 0, again));
    NEED(memcmp(id, again, 8) == 0);
    NEED(ipv6_stable_id(key, text, mac, 1, again) && memcmp(id, again, 8) != 0);
    text[0] ^= 1;
    NEED(ipv6_stable_id(key, text, mac, 0, again) && memcmp(id, again, 8) != 0);
}

/* --- damaged packets */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long seed = 4;
static unsigned rnd(unsigned n)
{
    seed = seed * 6364136223846793005ul + 1442695040888963407ul;
    return (unsigned)(seed >> 33) % n;
}

static void mutate(const uint8_t *good, unsigned len)
{
    unsigned size = rnd(8) ? len : rnd(len) + 1;
    uint8_t *copy = malloc(size);

    memcpy(copy, good, size);
    for (unsigned n = rnd(4); n; n--)
        copy[rnd(size)] = rnd(3) ? (uint8_t)rnd(256) : "\0\1\7\x08\x1f\x2b\x2c\x3c\xff"[rnd(9)];
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void test_mutants(void)
{
    uint8_t advert[1 + 16 + 8 + 8 + 32 + 40 + 32] = {6, 134};
    struct bytes b = begin(false);
    uint8_t packet[512];

    add(&b, NEXT_HOP, "\0\5\2\0\0\1\0", 8);
    add(&b, NEXT_ROUTING, "\2\4\0\0\0\0\0", 24);
    add(&b, NEXT_DESTINATION, "\1\x1e\4\0\0\0\0\1\6\0\0\0\0\0\0", 16);
    add(&b, NEXT_FRAGMENT, "\0\0\1\1\2\3\4", 8);
    finish(&b, 17);
    memcpy(packet + 1, b.data, b.len);
    memcpy(advert + 17, "\1\1abcdef\5\1\0\0\0\0\5\xdc\3\4\x40\xc0\0\0\xe\x10\0\0\xe\x10", 28);
    memcpy(advert + 17 + 48, "\x19\5\0\0\0\0\xe\x10", 8);
    memcpy(advert + 17 + 88, "\x1f\4\0\0\0\0\xe\x10\7example\3org\0\3com\0", 27);
    for (unsigned i = 0; i < 1000000; i++) {
        packet[0] = (uint8_t)rnd(4);
        mutate(packet, b.len + 1);
        mutate(advert, sizeof(advert));
    }
}

int main(void)
{
    test_chain();
    test_options();
    test_routing();
    test_quoted();
    test_sent();
    test_source();
    test_ids();
    test_mutants();
    printf("ok - IPv6 headers, sources and identifiers; damaged packets\n");
    return 0;
}
