// sources: kernel/net/dhcp_client.c kernel/net/dhcp_message.c kernel/net/dhcp_frame.c
// sources: kernel/net/ip_param.c kernel/net/address.c kernel/lib/string.c kernel/lib/format.c
// flags: -Ikernel -fno-builtin -w
/* The DHCP client against a server that is simulated: a lease from the first question to its end,
 * everything that may go wrong on the way, every option, and mutants of them. */
#include "net/dhcp_client.h"

#include "lib/errno.h"
#include "net/ip_param.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t checksum_add(uint32_t sum, const void *data, size_t n)
{
    const uint8_t *p = data;
    uint64_t wide = sum;

    for (; n > 1; n -= 2, p += 2)
        wide += get_le16(p);
    if (n)
        wide += *p;
    while (wide >> 32)
        wide = (wide & 0xffffffff) + (wide >> 32);
    return (uint32_t)wide;
}

static int failures;

static void check(int ok, const char *what)
{
    printf("%s - %s\n", ok ? "ok" : "not ok", what);
    failures += !ok;
}

/* --- what the client does */

static struct {
    uint8_t data[DHCP_MESSAGE_MAX];
    size_t len;
    unsigned sent, probes, bounds, losses;
    uint32_t source, destination, probed;
    char why[80];
} did;
static uint32_t next_random;

static void on_send(struct dhcp_client *c, uint32_t source, uint32_t destination,
                    const uint8_t *data, size_t len)
{
    memcpy(did.data, data, len);
    did.len = len;
    did.sent++;
    did.source = source;
    did.destination = destination;
}
static void on_probe(struct dhcp_client *c, uint32_t address)
{
    did.probes++;
    did.probed = address;
}
static void on_bound(struct dhcp_client *c)
{
    did.bounds++;
}
static void on_lost(struct dhcp_client *c, const char *why)
{
    did.losses++;
    snprintf(did.why, sizeof(did.why), "%s", why);
}
static uint32_t on_random(struct dhcp_client *c)
{
    return next_random++;
}
static const struct dhcp_ops ops = {on_send, on_probe, on_bound, on_lost, on_random};
static const uint8_t mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
static struct dhcp_client client;
static nsec_t now;

/* --- the server */

static uint8_t reply[1500];
static size_t reply_len;

static uint32_t ip(unsigned a, unsigned b, unsigned c, unsigned d)
{
    return a | b << 8 | c << 16 | d << 24;
}

static void add(uint8_t code, const void *value, size_t len)
{
    reply[reply_len++] = code;
    reply[reply_len++] = (uint8_t)len;
    memcpy(reply + reply_len, value, len);
    reply_len += len;
}
static void add_u32(uint8_t code, uint32_t value)
{
    uint8_t bytes[4];

    put_be32(bytes, value);
    add(code, bytes, 4);
}
static void add_address(uint8_t code, uint32_t value)
{
    add(code, &value, 4);
}

/* A reply to what the client has said last. */
static void begin_reply(uint8_t type, uint32_t yours)
{
    memset(reply, 0, sizeof(reply));
    reply[0] = 2;
    reply[1] = 1;
    reply[2] = 6;
    memcpy(reply + 4, did.data + 4, 4);
    put_le32(reply + 16, yours);
    memcpy(reply + 28, did.data + 28, 16);
    put_be32(reply + 236, 0x63825363);
    reply_len = 240;
    add(53, &type, 1);
}

static void give(void)
{
    reply[reply_len++] = 255;
    uint8_t *copy = malloc(reply_len);
    memcpy(copy, reply, reply_len);
    dhcp_client_input(&client, now, copy, reply_len);
    free(copy);
}

static void answer(uint8_t type, uint32_t seconds)
{
    begin_reply(type, ip(10, 0, 2, 15));
    add_address(54, ip(10, 0, 2, 2));
    add_u32(51, seconds);
    add_address(1, ip(255, 255, 255, 0));
    add_address(3, ip(10, 0, 2, 2));
    give();
}

static int option_of(uint8_t code, uint8_t *value)
{
    for (size_t at = 240; at < did.len && did.data[at] != 255;) {
        if (!did.data[at]) {
            at++;
            continue;
        }
        if (did.data[at] == code) {
            memcpy(value, did.data + at + 2, did.data[at + 1]);
            return did.data[at + 1];
        }
        at += 2 + did.data[at + 1];
    }
    return -1;
}
static int said(uint8_t type)
{
    uint8_t value[255];

    return did.len >= 240 && option_of(53, value) == 1 && value[0] == type;
}

static void start(void)
{
    memset(&did, 0, sizeof(did));
    memset(&client, 0, sizeof(client));
    client.ops = &ops;
    memcpy(client.mac, mac, 6);
    strcpy(client.hostname, "box");
    now = 5 * DHCP_SECOND;
    dhcp_client_init(&client, now);
}
/* Let time pass to the deadline. */
static void pass(void)
{
    now = client.deadline;
    dhcp_client_timeout(&client, now);
}
static void bind_for(uint32_t seconds)
{
    start();
    pass();
    answer(DHCP_OFFER, seconds);
    answer(DHCP_ACK, seconds);
}

/* --- promises */

static void acquires(void)
{
    uint8_t v[255];

    start();
    check(client.deadline == now && !dhcp_client_listens(&client, now),
          "the first question is due at once");
    pass();
    check(did.sent == 1 && said(DHCP_DISCOVER) && did.source == 0 && did.destination == ~0u &&
              option_of(61, v) == 7 && v[0] == 1 && !memcmp(v + 1, mac, 6) &&
              option_of(12, v) == 3 && !memcmp(v, "box", 3) && option_of(50, v) < 0 &&
              option_of(55, v) > 8 && v[0] == 121 && did.len >= 300 &&
              dhcp_client_listens(&client, now),
          "discover");
    answer(DHCP_OFFER, 1000);
    check(did.sent == 2 && said(DHCP_REQUEST) && option_of(50, v) == 4 &&
              get_le32(v) == ip(10, 0, 2, 15) && option_of(54, v) == 4 &&
              get_le32(v) == ip(10, 0, 2, 2) && get_le32(did.data + 12) == 0 && did.probes == 1 &&
              did.probed == ip(10, 0, 2, 15) && !did.bounds,
          "request what is offered, and ask who has it");
    answer(DHCP_ACK, 1000);
    check(did.bounds == 1 && client.state == DHCP_BOUND && client.address == ip(10, 0, 2, 15) &&
              client.deadline == now + 500 * DHCP_SECOND &&
              client.t2_at == now + 875 * DHCP_SECOND &&
              client.expires_at == now + 1000 * DHCP_SECOND,
          "bound, with T1 and T2 of the lease");
    check(dhcp_client_listens(&client, now) &&
              !dhcp_client_listens(&client, now + DHCP_CONFLICT_NS),
          "it listens no longer than objections count");
}

static void retransmits(void)
{
    int ok = 1;

    start();
    pass();
    nsec_t least = 1, sum = 0;
    for (int i = 0; i < 12; i++) {
        nsec_t wait = client.deadline - now, base = DHCP_FIRST_NS << (i < 5 ? i : 5);
        ok &= wait >= base - DHCP_SECOND && wait <= base + DHCP_SECOND;
        pass();
        ok &= said(DHCP_DISCOVER) && did.sent == (unsigned)i + 2;
    }
    check(ok, "discover again, later and later");
    start();
    pass();
    answer(DHCP_OFFER, 1000);
    uint32_t xid = client.xid;
    for (int i = 0; i < 3; i++) {
        pass();
        ok &= said(DHCP_REQUEST);
    }
    pass();
    check(ok && said(DHCP_DISCOVER) && client.xid != xid, "after four requests from the beginning");
}

static void ignores(void)
{
    start();
    pass();
    did.data[7] ^= 1;
    answer(DHCP_OFFER, 1000);
    did.data[7] ^= 1;
    check(client.state == DHCP_SELECTING, "another transaction's answers are not its own");
    did.data[30] ^= 1;
    answer(DHCP_OFFER, 1000);
    did.data[30] ^= 1;
    check(client.state == DHCP_SELECTING, "nor those to another machine");
    answer(DHCP_ACK, 1000);
    check(client.state == DHCP_SELECTING && !did.bounds, "nor an acknowledgement before the offer");
    begin_reply(DHCP_OFFER, ip(10, 0, 2, 15));
    give();
    begin_reply(DHCP_OFFER, ip(127, 0, 0, 1));
    add_address(54, ip(10, 0, 2, 2));
    give();
    begin_reply(DHCP_OFFER, ip(224, 0, 0, 1));
    add_address(54, ip(10, 0, 2, 2));
    give();
    check(client.state == DHCP_SELECTING, "nor offers without a server, or of no host's address");
    answer(DHCP_OFFER, 1000);
    begin_reply(DHCP_ACK, ip(10, 0, 2, 99));
    add_address(54, ip(10, 0, 2, 3));
    add_u32(51, 1000);
    give();
    check(client.state == DHCP_REQUESTING, "nor another server's acknowledgement");
    begin_reply(DHCP_NAK, 0);
    add_address(54, ip(10, 0, 2, 2));
    give();
    check(client.state == DHCP_INIT && client.deadline == now + DHCP_SECOND && !did.losses,
          "refused: from the beginning");
}

static void renews(void)
{
    uint8_t v[255];

    bind_for(1000);
    pass();
    check(client.state == DHCP_RENEWING && said(DHCP_REQUEST) && did.source == ip(10, 0, 2, 15) &&
              did.destination == ip(10, 0, 2, 2) && get_le32(did.data + 12) == ip(10, 0, 2, 15) &&
              option_of(50, v) < 0 && option_of(54, v) < 0 && did.probes == 2,
          "at T1 it asks its server");
    answer(DHCP_ACK, 1000);
    check(client.state == DHCP_BOUND && did.bounds == 2 && !did.losses &&
              client.expires_at == now + 1000 * DHCP_SECOND && did.probes == 2 &&
              !dhcp_client_listens(&client, now),
          "renewed");
    pass();
    nsec_t asked = now, t2 = client.t2_at;
    check(client.deadline == now + (t2 - now) / 2, "unanswered: again halfway to T2");
    check(dhcp_client_listens(&client, now) && !dhcp_client_listens(&client, now + DHCP_ANSWER_NS),
          "it does not listen for hours");
    while (now < t2 && now < client.expires_at)
        pass();
    check(now == t2 && client.state == DHCP_REBINDING && did.destination == ~0u &&
              did.source == ip(10, 0, 2, 15) && said(DHCP_REQUEST),
          "at T2 it asks everybody");
    begin_reply(DHCP_ACK, ip(10, 0, 2, 15));
    add_address(54, ip(10, 0, 2, 7));
    add_u32(51, 600);
    give();
    check(client.state == DHCP_BOUND && client.lease.server == ip(10, 0, 2, 7) &&
              client.expires_at == t2 + 600 * DHCP_SECOND,
          "another server may extend it");
}

static void expires(void)
{
    bind_for(1000);
    nsec_t end = client.expires_at;
    for (int i = 0; i < 100 && !did.losses; i++)
        pass();
    check(now == end && did.losses == 1 && client.address == 0 && client.state == DHCP_INIT,
          "nobody extends it: it ends in time");
    pass();
    check(said(DHCP_DISCOVER) && did.source == 0, "and it asks anew");
    bind_for(1000);
    pass();
    begin_reply(DHCP_NAK, 0);
    give();
    check(did.losses == 1 && client.state == DHCP_INIT, "refused while renewing: the address goes");
    bind_for(1000);
    pass();
    begin_reply(DHCP_ACK, ip(10, 0, 2, 77));
    add_address(54, ip(10, 0, 2, 2));
    add_u32(51, 1000);
    give();
    check(did.losses == 1 && did.bounds == 2 && client.address == ip(10, 0, 2, 77),
          "another address while renewing: the old one goes first");
}

static void times(void)
{
    bind_for(UINT32_MAX);
    check(client.deadline == NSEC_FOREVER && client.expires_at == NSEC_FOREVER, "a lease for ever");
    bind_for(0);
    check(client.expires_at == now + DHCP_LEASE_LEAST * DHCP_SECOND, "not shorter than the least");
    bind_for(2);
    check(client.t1_at == now + 5 * DHCP_SECOND, "T1 of the least");
    start();
    pass();
    answer(DHCP_OFFER, 1000);
    begin_reply(DHCP_ACK, ip(10, 0, 2, 15));
    add_address(54, ip(10, 0, 2, 2));
    add_u32(51, 1000);
    add_u32(58, 100);
    add_u32(59, 200);
    give();
    check(client.t1_at == now + 100 * DHCP_SECOND && client.t2_at == now + 200 * DHCP_SECOND,
          "T1 and T2 as told");
    start();
    pass();
    answer(DHCP_OFFER, 1000);
    begin_reply(DHCP_ACK, ip(10, 0, 2, 15));
    add_u32(51, 1000);
    add_u32(58, 2000);
    add_u32(59, 200);
    give();
    check(client.t1_at == now + 500 * DHCP_SECOND && client.t2_at == now + 875 * DHCP_SECOND &&
              client.lease.server == ip(10, 0, 2, 2),
          "nonsense for T1 counts as not told; the server is the offer's");
    start();
    pass();
    answer(DHCP_OFFER, 4000000000u);
    answer(DHCP_ACK, 4000000000u);
    check(client.t1_at == now + 2000000000ll * DHCP_SECOND, "a lease of a hundred years");
}

static void conflicts(void)
{
    uint8_t v[255];

    bind_for(1000);
    check(dhcp_client_watched(&client, now) == ip(10, 0, 2, 15), "objections count at first");
    dhcp_client_conflict(&client, now + DHCP_SECOND);
    check(said(DHCP_DECLINE) && option_of(50, v) == 4 && get_le32(v) == ip(10, 0, 2, 15) &&
              option_of(54, v) == 4 && did.losses == 1 && client.state == DHCP_INIT &&
              client.deadline == now + DHCP_SECOND + DHCP_PAUSE_NS,
          "declined, and ten seconds later from the beginning");
    bind_for(1000);
    unsigned sent = did.sent;
    dhcp_client_conflict(&client, now + DHCP_CONFLICT_NS);
    check(did.sent == sent && client.state == DHCP_BOUND, "later objections do not count");
    start();
    pass();
    answer(DHCP_OFFER, 1000);
    dhcp_client_conflict(&client, now);
    check(said(DHCP_DECLINE) && !did.losses && client.state == DHCP_INIT,
          "what is offered can be declined");
}

static void relinks(void)
{
    bind_for(1000);
    now += 100 * DHCP_SECOND;
    dhcp_client_relink(&client, now);
    check(client.state == DHCP_RENEWING && said(DHCP_REQUEST) && did.sent == 3,
          "the link is back: does it hold?");
    begin_reply(DHCP_NAK, 0);
    give();
    check(did.losses == 1, "another network says that it does not");
}

/* --- options */

static struct dhcp_message parsed;
static int parse(void)
{
    uint8_t *copy = malloc(reply_len);
    memcpy(copy, reply, reply_len);
    int err = dhcp_message_parse(copy, reply_len, &parsed);
    free(copy);
    return err;
}

static void options(void)
{
    static const uint8_t search[] = {3,   'e', 'n', 'g', 5,   'a', 'p', 'p',  'l',
                                     'e', 3,   'c', 'o', 'm', 0,   9,   'm',  'a',
                                     'r', 'k', 'e', 't', 'i', 'n', 'g', 0xc0, 4};
    static const uint8_t classless[] = {24, 10, 17, 7, 10, 0, 2, 9, 0, 10, 0,
                                        2,  1,  32, 1, 2,  3, 4, 0, 0, 0,  0};
    uint32_t servers[7] = {ip(1, 1, 1, 1), 0, ip(3, 3, 3, 3), 4, 5, 6, 7};
    uint8_t two[2] = {0x05, 0x78};

    start();
    pass();
    begin_reply(DHCP_ACK, ip(10, 0, 2, 15));
    add_address(1, ip(255, 255, 252, 0));
    add_address(3, ip(10, 0, 2, 1));
    add(6, servers, 28);
    add(12, "guest", 5);
    add(15, "example.org\0", 12);
    add(26, two, 2);
    add_address(28, ip(10, 0, 3, 255));
    add(42, servers, 4);
    add(56, "hello", 5);
    reply[reply_len++] = 0;
    add(119, search, 10);
    add(119, search + 10, sizeof(search) - 10);
    add(121, classless, sizeof(classless));
    reply[reply_len++] = 255;
    check(!parse() && parsed.mask == ip(255, 255, 252, 0) &&
              parsed.broadcast == ip(10, 0, 3, 255) && parsed.mtu == 1400 &&
              !strcmp(parsed.hostname, "guest") && !strcmp(parsed.domain, "example.org") &&
              !strcmp(parsed.text, "hello"),
          "mask, broadcast, MTU, names");
    check(parsed.ndns == 6 && parsed.dns[1] == ip(3, 3, 3, 3) && parsed.nntp == 1, "servers");
    check(!strcmp(parsed.search, "eng.apple.com marketing.apple.com"),
          "domains to search, in two parts and with a pointer");
    check(parsed.nroutes == 3 && parsed.routes[0].destination == ip(10, 17, 7, 0) &&
              parsed.routes[0].prefix == 24 && parsed.routes[0].gateway == ip(10, 0, 2, 9) &&
              parsed.routes[1].prefix == 0 && parsed.routes[1].gateway == ip(10, 0, 2, 1) &&
              parsed.routes[2].prefix == 32 && parsed.routes[2].gateway == 0,
          "classless routes, and not the router beside them");
}

static void old_routes(void)
{
    uint32_t pairs[4] = {ip(192, 168, 5, 0), ip(10, 0, 2, 8), ip(172, 16, 1, 1), ip(10, 0, 2, 9)};
    static const uint8_t broken[] = {33, 1, 2, 3, 4, 5, 6, 7, 8};

    start();
    pass();
    begin_reply(DHCP_ACK, ip(10, 0, 2, 15));
    add_address(3, ip(10, 0, 2, 1));
    add(33, pairs, 16);
    add(121, broken, sizeof(broken));
    reply[reply_len++] = 255;
    check(!parse() && parsed.nroutes == 3 && parsed.routes[0].prefix == 0 &&
              parsed.routes[1].prefix == 24 && parsed.routes[2].prefix == 32,
          "routers and static routes where the classless ones are broken");
}

static void overload(void)
{
    uint8_t both = 3;

    start();
    pass();
    begin_reply(DHCP_ACK, ip(10, 0, 2, 15));
    add(52, &both, 1);
    reply[reply_len++] = 255;
    memcpy(reply + 108, (uint8_t[]){15, 3, 'a', '.', 'b', 255}, 6);
    memcpy(reply + 44, (uint8_t[]){12, 2, 'h', 'i', 15, 2, '.', 'c', 255}, 9);
    check(!parse() && !strcmp(parsed.domain, "a.b.c") && !strcmp(parsed.hostname, "hi"),
          "options in the fields of names");
}

static void bad_text(void)
{
    start();
    pass();
    begin_reply(DHCP_ACK, ip(10, 0, 2, 15));
    add(15, "x\nnameserver 6.6.6.6", 20);
    add(12, "a b", 3);
    add(119, (uint8_t[]){0xc0, 0}, 2);
    add(26, "x", 1);
    add(1, "xy", 2);
    reply[reply_len++] = 255;
    check(!parse() && !parsed.domain[0] && !parsed.hostname[0] && !parsed.search[0] &&
              !parsed.mtu && !parsed.mask,
          "names that are none, and options of a wrong length, count as not told");
}

/* --- frames */

static void frames(void)
{
    uint8_t frame[1500], data[301];
    const uint8_t *found;
    size_t len, n;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7);
    n = dhcp_frame_build(mac, ip(10, 0, 2, 15), ~0u, data, sizeof(data), frame);
    check(n == sizeof(data) + DHCP_FRAME_HEAD && dhcp_frame_parse(frame, n, false, &found, &len),
          "a client's frame is not for a client");
    frame[34] = 0, frame[35] = 67, frame[36] = 0, frame[37] = 68; /* the sum stays */
    check(!dhcp_frame_parse(frame, n, false, &found, &len) && len == sizeof(data) &&
              !memcmp(found, data, len),
          "a server's frame");
    frame[100] ^= 1;
    check(dhcp_frame_parse(frame, n, false, &found, &len) &&
              !dhcp_frame_parse(frame, n, true, &found, &len),
          "a wrong sum counts unless the device has looked");
    frame[100] ^= 1;
    frame[23] = 6;
    check(dhcp_frame_parse(frame, n, true, &found, &len), "a wrong header's sum");
    arp_probe_build(mac, ip(10, 0, 2, 15), frame);
    check(!arp_shows_conflict(frame, ARP_FRAME, mac, ip(10, 0, 2, 15)), "its own question is none");
    memcpy(frame + 22, "abcdef", 6);
    check(arp_shows_conflict(frame, ARP_FRAME, mac, ip(10, 0, 2, 15)) &&
              !arp_shows_conflict(frame, ARP_FRAME, mac, ip(10, 0, 2, 16)),
          "somebody else wants it");
    put_le32(frame + 28, ip(10, 0, 2, 15));
    put_le32(frame + 38, 0);
    frame[21] = 2;
    check(arp_shows_conflict(frame, ARP_FRAME, mac, ip(10, 0, 2, 15)) &&
              !arp_shows_conflict(frame, ARP_FRAME - 1, mac, ip(10, 0, 2, 15)),
          "somebody else has it");
}

/* --- mutants */

static void mutants(void)
{
    int ok = 1;

    srand(11);
    for (int i = 0; i < 60000; i++) {
        if (i % 3 == 0)
            start();
        pass();
        begin_reply(1 + rand() % 7, ip(10, 0, 2, 15));
        add_address(54, ip(10, 0, 2, 2));
        for (int k = rand() % 12; k; k--) {
            static const uint8_t codes[] = {1,  3,  6,  12, 15, 26,  28,  33,
                                            42, 51, 52, 58, 59, 119, 121, 0};
            uint8_t value[40];
            for (int j = 0; j < 40; j++)
                value[j] = rand() % 4 ? (uint8_t)(rand() % 34) : (uint8_t)rand();
            add(codes[rand() % 16], value, rand() % 41);
        }
        for (int k = rand() % 5; k; k--)
            reply[rand() % reply_len] = (uint8_t)rand();
        if (rand() % 4 == 0)
            reply_len = rand() % reply_len;
        memcpy(reply + 4, did.data + 4, 4);
        memcpy(reply + 28, mac, 6);
        give();
        ok &= client.lease.nroutes <= DHCP_ROUTES && client.deadline >= now &&
              strlen(client.lease.domain) <= DHCP_NAME && strlen(client.lease.search) <= DHCP_NAME;
        for (const char *p = client.lease.search; *p; p++)
            ok &= *p != '\n';
    }
    check(ok, "mutants do no harm");
    for (int i = 0; i < 200000; i++) {
        size_t n = rand() % 80, len;
        uint8_t *frame = malloc(n + 1);
        const uint8_t *data;
        for (size_t k = 0; k < n; k++)
            frame[k] = (uint8_t)rand();
        if (n > 24)
            memcpy(frame + 12, (uint8_t[]){8, 0, 0x45, 0, 0, n - 14}, 6), frame[23] = 17;
        if (!dhcp_frame_parse(frame, n, true, &data, &len))
            ok &= data + len <= frame + n;
        arp_shows_conflict(frame, n, mac, 5);
        free(frame);
    }
    check(ok, "nor do frames");
}

int main(void)
{
    acquires();
    retransmits();
    ignores();
    renews();
    expires();
    times();
    conflicts();
    relinks();
    options();
    old_routes();
    overload();
    bad_text();
    frames();
    mutants();
    return failures > 0;
}
