// sources: kernel/net/ndp_parse.c kernel/net/mld_parse.c
// flags: -Ikernel
/* Neighbour discovery's and listener discovery's messages: what is taken, and what RFC 4861, 6.1
 * and 7.1, RFC 4862, 5.5.3 and RFC 8106 say has to be dropped or bounded. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/errno.h"
#include "net/mld_parse.h"
#include "net/ndp_parse.h"
#include "need.h"

static struct inet_addr ip(const char *text)
{
    struct inet_addr a;

    NEED(inet_pton(AF_INET6, text, a.bytes) == 1);
    return a;
}

static bool same(const struct inet_addr *a, const char *text)
{
    struct inet_addr b = ip(text);

    return inet_equal(a, &b);
}

static uint8_t message[4096];
static unsigned len;

static void start(unsigned type, unsigned head)
{
    memset(message, 0, sizeof(message));
    message[0] = (uint8_t)type;
    len = head;
}

static uint8_t *option(unsigned type, unsigned size)
{
    uint8_t *p = message + len;

    p[0] = (uint8_t)type;
    p[1] = (uint8_t)(size / 8);
    len += size;
    return p;
}

/* The message in memory of just its size. */
static void *exact(void)
{
    static void *copy;

    free(copy);
    copy = malloc(len);
    memcpy(copy, message, len);
    return copy;
}

static void test_solicitation(void)
{
    struct ndp_neighbour ns;
    struct inet_addr target = ip("fe80::1"), group = ip("ff02::1");

    start(NDP_NS, 24);
    memcpy(message + 8, target.bytes, 16);
    NEED(ndp_parse_ns(exact(), len, true, true, &ns) == 0 && same(&ns.target, "fe80::1"));
    NEED(!ns.mac && !ns.nonce);
    NEED(ndp_parse_ns(exact(), len, true, false, &ns) == -EINVAL); /* DAD goes to a group */
    memcpy(option(ND_SOURCE, 8) + 2, "abcdef", 6);
    memcpy(option(ND_NONCE, 8) + 2, "123456", 6);
    NEED(ndp_parse_ns(exact(), len, false, true, &ns) == 0);
    NEED(memcmp(ns.mac, "abcdef", 6) == 0 && memcmp(ns.nonce, "123456", 6) == 0);
    NEED(ndp_parse_ns(exact(), len, true, true, &ns) == -EINVAL); /* ... and names nobody */
    message[1] = 1;
    NEED(ndp_parse_ns(exact(), len, false, true, &ns) == -EINVAL);
    message[1] = 0;
    message[25] = 0; /* an option of no length */
    NEED(ndp_parse_ns(exact(), len, false, true, &ns) == -EINVAL);
    message[25] = 3; /* and one that does not fit */
    NEED(ndp_parse_ns(exact(), len, false, true, &ns) == -EINVAL);
    message[25] = 1;
    memcpy(message + 8, group.bytes, 16);
    NEED(ndp_parse_ns(exact(), len, false, true, &ns) == -EINVAL);
    len = 23;
    NEED(ndp_parse_ns(exact(), len, false, true, &ns) == -EINVAL);
}

static void test_advertisement(void)
{
    struct ndp_neighbour na;
    struct inet_addr target = ip("fe80::2");

    start(NDP_NA, 24);
    message[4] = 0xe0;
    memcpy(message + 8, target.bytes, 16);
    memcpy(option(ND_TARGET, 8) + 2, "abcdef", 6);
    NEED(ndp_parse_na(exact(), len, false, &na) == 0);
    NEED(na.router && na.solicited && na.override && memcmp(na.mac, "abcdef", 6) == 0);
    NEED(ndp_parse_na(exact(), len, true, &na) == -EINVAL); /* solicited, to a group */
    message[4] = 0x20;
    NEED(ndp_parse_na(exact(), len, true, &na) == 0 && !na.router && !na.solicited);
}

static uint8_t *prefix(const char *text, unsigned bits, unsigned flags, unsigned valid,
                       unsigned preferred)
{
    uint8_t *p = option(ND_PREFIX, 32);
    struct inet_addr a = ip(text);

    p[2] = (uint8_t)bits;
    p[3] = (uint8_t)flags;
    put_be32(p + 4, valid);
    put_be32(p + 8, preferred);
    memcpy(p + 16, a.bytes, 16);
    return p;
}

static void test_router(void)
{
    struct inet_addr server = ip("2001:db8::53");
    struct ndp_ra ra;
    uint8_t *p;

    start(NDP_RA, 16);
    message[4] = 42;
    message[5] = 0x88;
    put_be16(message + 6, 1800);
    put_be32(message + 8, 30000);
    put_be32(message + 12, 1000);
    memcpy(option(ND_SOURCE, 8) + 2, "router", 6);
    put_be32(option(ND_MTU, 8) + 4, 1400);
    prefix("2001:db8:1::", 64, 0xc0, 86400, 14400);
    prefix("2001:db8:2::", 64, 0x80, 10, 20);  /* preferred for longer than valid */
    prefix("fe80::", 64, 0xc0, 86400, 14400);  /* link-local */
    prefix("2001:db8:3::", 129, 0xc0, 10, 10); /* no prefix */
    prefix("2001:db8:4::", 56, 0x40, NDP_FOREVER, NDP_FOREVER);
    p = option(ND_RDNSS, 24);
    put_be32(p + 4, 600);
    memcpy(p + 8, server.bytes, 16);
    p = option(ND_DNSSL, 40);
    put_be32(p + 4, 700);
    memcpy(p + 8, "\3lan\0\7example\3com\0", 19);
    option(200, 16); /* nobody knows it */
    NEED(ndp_parse_ra(exact(), len, &ra) == 0);
    NEED(ra.hop_limit == 42 && ra.managed && !ra.other && ra.preference == 1);
    NEED(ra.lifetime == 1800 && ra.reachable == 30000 && ra.retransmit == 1000 && ra.mtu == 1400);
    NEED(memcmp(ra.mac, "router", 6) == 0 && ra.nprefixes == 2);
    NEED(same(&ra.prefixes[0].prefix, "2001:db8:1::") && ra.prefixes[0].bits == 64);
    NEED(ra.prefixes[0].on_link && ra.prefixes[0].autonomous && ra.prefixes[0].valid == 86400);
    NEED(!ra.prefixes[1].on_link && ra.prefixes[1].bits == 56);
    NEED(ra.nservers == 1 && same(&ra.servers[0], "2001:db8::53"));
    NEED(ra.server_lifetime[0] == 600);
    NEED(ra.ndomains == 2 && strcmp(ra.domains, "lan") == 0);
    NEED(strcmp(ra.domains + 4, "example.com") == 0 && ra.domain_lifetime[1] == 700);
    len--;
    NEED(ndp_parse_ra(exact(), len, &ra) == -EINVAL);
    len = 15;
    NEED(ndp_parse_ra(exact(), len, &ra) == -EINVAL);
    start(NDP_RA, 16);
    message[5] = 0x18;
    NEED(ndp_parse_ra(exact(), len, &ra) == 0 && ra.preference == -1 && ra.lifetime == 0);
}

/* More of everything than is kept. */
static void test_bounds(void)
{
    struct ndp_ra ra;
    uint8_t *p;

    start(NDP_RA, 16);
    for (int i = 0; i < 40; i++)
        prefix("2001:db8::", 64, 0xc0, 10, 10);
    option(ND_RDNSS, 8 + 16 * 20);
    for (int i = 0; i < 10; i++) {
        p = option(ND_DNSSL, 72);
        p[8] = 60;
        memset(p + 9, 'a', 60);
    }
    NEED(ndp_parse_ra(exact(), len, &ra) == 0);
    NEED(ra.nprefixes == NDP_PREFIXES && ra.nservers == NDP_SERVERS && ra.ndomains == 4);
    NEED(ra.domains_len == 4 * 61);
    start(NDP_RA, 16); /* what must not get into resolv.conf */
    memcpy(option(ND_DNSSL, 24) + 8, "\6a\nname\0", 8);
    memcpy(option(ND_DNSSL, 24) + 8, "\3a.b\0", 6);
    memcpy(option(ND_DNSSL, 24) + 8,
           "\x0f"
           "aaaaaaaaaaaaaaa",
           16); /* no end */
    NEED(ndp_parse_ra(exact(), len, &ra) == 0 && ra.ndomains == 0 && ra.domains_len == 0);
}

static void test_redirect(void)
{
    struct inet_addr a = ip("fe80::9"), b = ip("2001:db8::9"), c = ip("2001:db8::8");
    struct ndp_redirect redirect;

    start(NDP_REDIRECT, 40);
    memcpy(message + 8, a.bytes, 16);
    memcpy(message + 24, b.bytes, 16);
    NEED(ndp_parse_redirect(exact(), len, &redirect) == 0 && !redirect.mac);
    memcpy(message + 8, c.bytes, 16); /* another router has to be named by its link-local address */
    NEED(ndp_parse_redirect(exact(), len, &redirect) == -EINVAL);
    memcpy(message + 8, b.bytes, 16);
    NEED(ndp_parse_redirect(exact(), len, &redirect) == 0);
    len = 39;
    NEED(ndp_parse_redirect(exact(), len, &redirect) == -EINVAL);
}

static void test_lifetime(void) /* RFC 4862, 5.5.3 e */
{
    NEED(ndp_valid_lifetime(10000, 7201) == 7201);
    NEED(ndp_valid_lifetime(100, 200) == 200);
    NEED(ndp_valid_lifetime(10000, 60) == 7200);
    NEED(ndp_valid_lifetime(5000, 60) == 5000);
    NEED(ndp_valid_lifetime(10000, 0) == 7200);
    NEED(ndp_valid_lifetime(NDP_FOREVER, 0) == 7200);
    NEED(ndp_valid_lifetime(10, NDP_FOREVER) == (uint32_t)NDP_FOREVER);
}

static void test_queries(void)
{
    struct inet_addr group = ip("ff02::fb");
    struct mld_query query;

    start(MLD_QUERY, 24);
    put_be16(message + 4, 10000);
    NEED(mld_parse_query(exact(), len, &query) == 0);
    NEED(query.version == 1 && query.max_delay_ms == 10000 && same(&query.group, "::"));
    len = 26;
    NEED(mld_parse_query(exact(), len, &query) == -EINVAL);
    len = 28;
    message[24] = 3;
    memcpy(message + 8, group.bytes, 16);
    NEED(mld_parse_query(exact(), len, &query) == 0);
    NEED(query.version == 2 && query.robustness == 3 && same(&query.group, "ff02::fb"));
    put_be16(message + 4, 0x8001); /* RFC 3810, 5.1.3 */
    NEED(mld_parse_query(exact(), len, &query) == 0 && query.max_delay_ms == 0x1001 << 3);
    put_be16(message + 4, 0xffff);
    NEED(mld_parse_query(exact(), len, &query) == 0 && query.max_delay_ms == 0x1fff << 10);
    message[27] = 1; /* a source that is not there */
    NEED(mld_parse_query(exact(), len, &query) == -EINVAL);
    len += 16;
    NEED(mld_parse_query(exact(), len, &query) == 0);
    message[8] = 0xfe;
    NEED(mld_parse_query(exact(), len, &query) == -EINVAL);
    NEED(mld_reported(&group));
    group = ip("ff02::1");
    NEED(!mld_reported(&group));
    group = ip("ff01::fb");
    NEED(!mld_reported(&group));
}

int main(void)
{
    test_solicitation();
    test_advertisement();
    test_router();
    test_bounds();
    test_redirect();
    test_lifetime();
    test_queries();
    printf("ok - neighbour discovery, router advertisements, listener discovery\n");
    return 0;
}
