// clang-format off
// sources: tests/unit/shim/net.c kernel/net/packet.c kernel/net/checksum.c kernel/net/segment.c
// sources: kernel/net/netif.c kernel/net/receive.c kernel/net/loopback.c kernel/net/route.c
// sources: kernel/net/neighbour.c kernel/net/channel.c kernel/net/demux.c kernel/net/ports.c
// sources: kernel/net/reuseport.c kernel/net/mib.c kernel/net/ip.c kernel/net/path_mtu.c
// sources: kernel/net/ip_fragment.c kernel/net/ipv4.c kernel/net/ipv4_output.c
// sources: kernel/net/ipv4_options.c kernel/net/icmp.c kernel/net/arp.c kernel/net/address.c
// sources: tests/unit/shim/net_no_ipv6.c kernel/lib/rbtree.c
// flags: -Itests/unit -Itests/unit/shim/net -Itests/unit/shim -Ikernel -Wno-unused-parameter -fwrapv
// clang-format on
/* IPv4 with ICMP and ARP between an Ethernet device and sockets: what goes out and what comes of
 * what comes in; then the same frames with bytes changed, cut off and in pieces. */
#include "shim/net.h"

#include "lib/endian.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "net/worker.h"

enum { ME = 0x0a000002, PEER = 0x0a000001, FAR = 0x08080808, MUTANTS = 60000 };
static const uint8_t peer_mac[6] = {2, 0, 0, 0, 0, 1};

static struct inet_addr v4(uint32_t host)
{
    return inet_v4(__builtin_bswap32(host));
}

/* The next frame that eth0 has sent, as bytes; 0: none. */
static unsigned sent(uint8_t *frame)
{
    struct packet *packet = packet_dequeue(&shim_out);
    unsigned n = packet ? packet->total : 0;

    if (packet)
        packet_read(packet, 0, frame, n);
    packet_free(packet);
    return n;
}

static void nothing_sent(void)
{
    NEED(!shim_out.first);
}

static unsigned arp_frame(uint8_t *f, unsigned op, uint32_t sender, uint32_t target)
{
    memcpy(f, shim_eth.mac, 6);
    memcpy(f + 6, peer_mac, 6);
    put_be16(f + 12, ETH_P_ARP);
    memcpy(f + 14, (uint8_t[]){0, 1, 8, 0, 6, 4, 0, (uint8_t)op}, 8);
    memcpy(f + 22, peer_mac, 6);
    put_be32(f + 28, sender);
    memset(f + 32, 0, 6);
    put_be32(f + 38, target);
    return 42;
}

static void learn_peer(void)
{
    uint8_t f[64];

    shim_receive(f, arp_frame(f, 1, PEER, ME));
    packet_queue_purge(&shim_out);
}

static unsigned ping(uint8_t *frame, uint32_t source, uint32_t destination, unsigned n)
{
    uint8_t icmp[1500] = {8, 0, 0, 0, 0x12, 0x34, 0, 1};

    for (unsigned i = 8; i < n; i++)
        icmp[i] = (uint8_t)i;
    put_le16(icmp + 2, checksum_fold(checksum_add(0, icmp, n)));
    return shim_ipv4(frame, source, destination, IPPROTO_ICMP, icmp, n);
}

static unsigned udp_frame(uint8_t *frame, uint32_t source, unsigned port, uint32_t destination,
                          unsigned to, unsigned n)
{
    uint8_t udp[1480] = {};

    put_be16(udp, (uint16_t)port);
    put_be16(udp + 2, (uint16_t)to);
    put_be16(udp + 4, (uint16_t)(8 + n));
    memset(udp + 8, 'u', n);
    return shim_ipv4(frame, source, destination, IPPROTO_UDP, udp, 8 + n);
}

/* --- ARP and neighbours */

static int send_udp(uint32_t destination, unsigned n, unsigned pmtudisc)
{
    struct ip_flow flow = {
        .destination = v4(destination), .source = v4(0), .protocol = 17, .pmtudisc = pmtudisc};
    struct packet *packet = packet_alloc(PACKET_HEADROOM, n);

    memset(packet_append(packet, n), 'x', n);
    return ip_output(&flow, packet);
}

/* What is told of the gateway. */
static unsigned changes[8], nchanges;

static void neighbour_changed(const struct neighbour *n, bool removed)
{
    if (inet_v4_of(&n->address) == __builtin_bswap32(PEER) && nchanges < ARRAY_SIZE(changes))
        changes[nchanges++] = removed ? 0 : n->state;
}

static void test_arp(void)
{
    uint8_t f[2000];

    neighbour_changed_hook = neighbour_changed;

    /* Nobody knows the gateway: a question goes out, and the packet when it is answered. */
    NEED(send_udp(FAR, 10, PMTUDISC_DONT) == 0);
    NEED(sent(f) == 42 && f[0] == 0xff && get_be16(f + 12) == ETH_P_ARP && f[21] == 1);
    NEED(get_be32(f + 28) == ME && get_be32(f + 38) == PEER);
    nothing_sent();
    shim_receive(f, arp_frame(f, 2, PEER, ME));
    NEED(sent(f) == 44 && !memcmp(f, peer_mac, 6) && get_be32(f + 30) == FAR);
    /* We are asked. */
    shim_receive(f, arp_frame(f, 1, PEER, ME));
    NEED(sent(f) == 42 && f[21] == 2 && !memcmp(f, peer_mac, 6) && get_be32(f + 28) == ME);
    /* Others are asked; probes; our own address in other hands is defended, once. */
    shim_receive(f, arp_frame(f, 1, PEER, 0x0a000007));
    nothing_sent();
    shim_receive(f, arp_frame(f, 1, 0, ME));
    NEED(sent(f) == 42 && f[21] == 2);
    shim_receive(f, arp_frame(f, 1, ME, ME));
    NEED(sent(f) == 42 && f[0] == 0xff && get_be32(f + 28) == ME && get_be32(f + 38) == ME);
    shim_receive(f, arp_frame(f, 1, ME, ME));
    nothing_sent();
    /* What is not used goes stale; used again it is asked for, directly, then given up. */
    shim_advance(60 * 1000000000ll);
    NEED(send_udp(FAR, 10, PMTUDISC_DONT) == 0 && sent(f) == 44);
    nothing_sent();
    shim_advance(6 * 1000000000ll);
    NEED(sent(f) == 42 && !memcmp(f, peer_mac, 6));
    shim_advance(10 * 1000000000ll);
    packet_queue_purge(&shim_out);
    NEED(nchanges == 4 && changes[0] == NUD_REACHABLE && changes[1] == NUD_STALE);
    NEED(changes[2] == NUD_PROBE && changes[3] == NUD_FAILED);
    /* One that never answers: three questions, then the sender hears of it. */
    unsigned before = (unsigned)mib_sum(MIB_ICMP_OUT_DEST_UNREACHS);
    NEED(send_udp(0x0a000063, 10, PMTUDISC_DONT) == 0);
    shim_advance(10 * 1000000000ll);
    NEED(sent(f) == 42 && sent(f) == 42 && sent(f) == 42);
    nothing_sent();
    NEED(mib_sum(MIB_ICMP_OUT_DEST_UNREACHS) == before + 1);
    NEED(mib_sum(MIB_ICMP_IN_DEST_UNREACHS) >= 1);
    learn_peer();
}

static bool counts(const struct neighbour *n, void *arg)
{
    return ++*(unsigned *)arg && n;
}

/* More than are kept: memory stays bounded. */
static void test_many_neighbours(void)
{
    struct netif_address a = {.prefix = 16, .valid_until = NSEC_FOREVER, .address = v4(0x0a010001)};
    unsigned count = 0;
    uint8_t f[64];

    NEED(netif_add_address(&shim_eth, &a) == 0);
    for (unsigned i = 2; i < 3000; i++)
        send_udp(0x0a010000 + i, 1, PMTUDISC_DONT);
    packet_queue_purge(&shim_out);
    shim_quiescent();
    neighbour_each(counts, &count);
    NEED(count <= NEIGHBOURS_MAX && count > 100);
    NEED(netif_remove_address(&shim_eth, &a.address, 16) == 0);
    shim_advance(20 * 1000000000ll);
    packet_queue_purge(&shim_out);
    (void)f;
    learn_peer();
}

/* --- echo */

static void test_echo(void)
{
    uint8_t f[2000], reply[2000];
    unsigned n = ping(f, PEER, ME, 64);

    shim_receive(f, n);
    NEED(sent(reply) == n && reply[34] == 0 && !memcmp(reply + 38, f + 38, n - 38));
    NEED(get_be32(reply + 26) == ME && get_be32(reply + 30) == PEER);
    NEED(checksum_fold(checksum_add(0, reply + 14, 20)) == 0);
    NEED(checksum_fold(checksum_add(0, reply + 34, 64)) == 0);
    /* Not to broadcasts, wrong checksums, other hosts, impossible senders. */
    shim_receive(f, ping(f, PEER, 0x0a0000ff, 64));
    n = ping(f, PEER, ME, 64);
    f[50] ^= 1;
    shim_receive(f, n);
    n = ping(f, PEER, ME, 64);
    f[0] = 4;
    shim_receive(f, n);
    static const uint32_t impossible[] = {0x7f000001, 0xe0000001, 0xffffffff, 0x0a0000ff, ME, 5};
    for (unsigned i = 0; i < 6; i++)
        shim_receive(f, ping(f, impossible[i], ME, 64));
    shim_receive(f, ping(f, PEER, 0x7f000001, 64));
    shim_receive(f, ping(f, PEER, 0x0a000003, 64));
    nothing_sent();
    /* Padding behind the packet does not come back. */
    n = ping(f, PEER, ME, 8);
    memset(f + n, 0xee, 18);
    shim_receive(f, n + 18);
    NEED(sent(reply) == n);
}

/* An echo with options: recorded and sent back; a source route is refused; a broken one complained
 * of, with the place. */
static unsigned with_options(uint8_t *frame, const uint8_t *options, unsigned len)
{
    unsigned n = ping(frame, PEER, ME, 64);

    memmove(frame + 34 + len, frame + 34, n - 34);
    memcpy(frame + 34, options, len);
    frame[14] = (uint8_t)(0x45 + len / 4);
    put_be16(frame + 16, (uint16_t)(n - 14 + len));
    shim_ipv4_sum(frame + 14);
    return n + len;
}

static void test_options(void)
{
    uint8_t f[2000], reply[2000];
    static const uint8_t record[12] = {7, 11, 4}, route[8] = {131, 7, 4}, broken[4] = {7, 3, 3, 0};
    static const uint8_t overlong[4] = {1, 7, 9, 4}, stamp[12] = {68, 12, 5, 1};

    shim_receive(f, with_options(f, record, 12));
    NEED(sent(reply) == 14 + 20 + 12 + 64 && reply[14] == 0x48);
    NEED(reply[34] == 7 && reply[36] == 8 && get_be32(reply + 37) == ME && reply[46] == 0);
    NEED(checksum_fold(checksum_add(0, reply + 14, 32)) == 0);
    shim_receive(f, with_options(f, stamp, 12));
    NEED(sent(reply) && reply[34] == 68 && reply[36] == 13 && get_be32(reply + 38) == ME);
    shim_receive(f, with_options(f, route, 8));
    nothing_sent();
    shim_receive(f, with_options(f, broken, 4));
    NEED(sent(reply) && reply[34] == 12 && reply[38] == 22);
    shim_receive(f, with_options(f, overlong, 4));
    NEED(sent(reply) && reply[34] == 12 && reply[38] == 21);
    shim_advance(20 * 1000000000ll);
    packet_queue_purge(&shim_out);
    learn_peer();
}

/* --- errors */

static void test_errors(void)
{
    uint8_t f[2000], reply[2000], quote[2000];
    unsigned n = udp_frame(f, PEER, 1000, ME, 2000, 100);
    struct shim_socket *s = shim_socket(AF_INET, SOCK_DGRAM);

    shim_receive(f, n);
    NEED(sent(reply) == 14 + 20 + 8 + n - 14 && reply[34] == 3 && reply[35] == 3);
    NEED(!memcmp(reply + 42, f + 14, n - 14));
    NEED(checksum_fold(checksum_add(0, reply + 34, n - 14 + 8)) == 0);
    /* Nobody is told of what went to all, of later fragments, of errors. */
    shim_receive(f, udp_frame(f, PEER, 1000, 0x0a0000ff, 2000, 100));
    shim_receive(f, udp_frame(f, PEER, 1000, 0xffffffff, 2000, 100));
    n = shim_ipv4(f, PEER, ME, 99, "payload8", 8);
    shim_receive(f, n);
    NEED(sent(reply) && reply[34] == 3 && reply[35] == 2);
    nothing_sent();
    /* Errors reach the socket whose packet they quote. */
    NEED(inet_bind(&s->inet, &(struct inet_addr){.words = {0, 0, INET4_MAPPED}}, 1234) == 0);
    NEED(inet_hash_bound(&s->inet) == 0);
    unsigned m = udp_frame(quote, ME, 1234, PEER, 53, 20);
    uint8_t icmp[600] = {3, 3};
    memcpy(icmp + 8, quote + 14, m - 14);
    put_le16(icmp + 2, checksum_fold(checksum_add(0, icmp, m - 6)));
    n = shim_ipv4(f, PEER, ME, 1, icmp, m - 6);
    shim_receive(f, n);
    NEED(s->errors == 1 && s->error == ECONNREFUSED);
    /* A smaller path: flows see it, at least 552 of it, for ten minutes. */
    icmp[1] = 4;
    put_be16(icmp + 6, 1000);
    put_le16(icmp + 2, 0);
    put_le16(icmp + 2, checksum_fold(checksum_add(0, icmp, m - 6)));
    shim_receive(f, shim_ipv4(f, PEER, ME, 1, icmp, m - 6));
    NEED(s->errors == 2 && s->error == EMSGSIZE);
    struct ip_flow flow = {.destination = v4(PEER), .source = v4(0)};
    NEED(ip_route(&flow) == 0 && flow.mtu == 1000);
    ip_learn_mtu(&flow.destination, 68);
    NEED(ip_route(&flow) == 0 && flow.mtu == 552);
    shim_advance(601 * 1000000000ll);
    NEED(ip_route(&flow) == 0 && flow.mtu == 1500);
    /* Cut off anywhere it does no harm. */
    for (unsigned cut = 0; cut < n; cut++)
        shim_receive(f, cut);
    shim_close(s);
    packet_queue_purge(&shim_out);
    learn_peer();
}

static void test_rate_limit(void)
{
    uint8_t f[2000];
    unsigned n = udp_frame(f, PEER, 1000, ME, 2000, 10), count = 0;

    shim_advance(100 * 1000000000ll);
    packet_queue_purge(&shim_out);
    learn_peer();
    for (unsigned i = 0; i < 200; i++)
        shim_receive(f, n);
    while (sent(f))
        count++;
    NEED(count == 6);
    /* Those that nothing is said of do not come as far as the worker, and do not use up what may be
     * said to others. */
    for (unsigned i = 0; i < 200; i++)
        netif_receive(&shim_eth, shim_packet(f, n, 1));
    NEED(shim_backlog() == 0);
    netif_receive(&shim_eth, shim_packet(f, udp_frame(f, FAR, 1000, ME, 2000, 10), 1));
    NEED(shim_backlog() == 1);
    shim_work();
    NEED(sent(f) >= 42);
    /* Nor are they in the way of those who ask for an address, as others may be. */
    n = udp_frame(f, FAR, 1000, ME, 2000, 10);
    f[23] = 200; /* of no protocol that there is */
    put_be16(f + 24, 0);
    put_le16(f + 24, checksum_header(f + 14));
    for (unsigned i = 0; i < 2000; i++)
        netif_receive(&shim_eth, shim_packet(f, n, 1));
    NEED(shim_backlog() == WORKER_BACKLOG);
    n = arp_frame(f, 1, PEER, ME);
    for (unsigned i = 0; i < 2000; i++)
        netif_receive(&shim_eth, shim_packet(f, n, 1));
    NEED(shim_backlog() == WORKER_BACKLOG + WORKER_RESERVE);
    shim_work();
    for (count = 0; (n = sent(f)); count += get_be16(f + 12) == ETH_P_ARP)
        ;
    NEED(count == WORKER_RESERVE);
    shim_advance(2000000000);
    n = udp_frame(f, PEER, 1000, ME, 2000, 10);
    shim_receive(f, n);
    NEED(sent(f) >= 42);
}

/* --- the way out */

static void test_routes(void)
{
    struct ip_flow flow = {.destination = v4(FAR), .source = v4(0)};
    struct inet_addr gateway = v4(PEER), me = v4(ME);
    struct route r = {.destination = v4(0x14000000), .prefix = 8, .type = RTN_UNREACHABLE};

    NEED(ip_route(&flow) == 0 && flow.netif == &shim_eth && inet_equal(&flow.next_hop, &gateway) &&
         inet_equal(&flow.source, &me));
    flow = (struct ip_flow){.destination = v4(ME), .source = v4(0)};
    NEED(ip_route(&flow) == 0 && flow.netif == loopback && inet_equal(&flow.source, &me));
    flow = (struct ip_flow){.destination = v4(0), .source = v4(0)};
    NEED(ip_route(&flow) == 0 && flow.netif == loopback && inet_is_loopback(&flow.destination));
    flow = (struct ip_flow){.destination = v4(0x0a0000ff), .source = v4(0)};
    NEED(ip_route(&flow) == -EACCES);
    flow.broadcast = true;
    NEED(ip_route(&flow) == 0 && flow.netif == &shim_eth);
    flow = (struct ip_flow){.destination = v4(FAR), .source = v4(0x0a000009)};
    NEED(ip_route(&flow) == -ENETUNREACH);
    flow = (struct ip_flow){.destination = v4(FAR), .source = v4(0), .dont_route = true};
    NEED(ip_route(&flow) == -ENETUNREACH);
    NEED(route_add(&r) == 0 && route_add(&r) == -EEXIST);
    flow = (struct ip_flow){.destination = v4(0x14000001), .source = v4(0)};
    NEED(ip_route(&flow) == -EHOSTUNREACH);
    r.prefix = 16;
    r.type = RTN_UNICAST;
    r.gateway = v4(0x0a000005);
    NEED(route_add(&r) == 0 && ip_route(&flow) == 0 && inet_equal(&flow.next_hop, &r.gateway));
    NEED(route_remove(&r) == 0 && route_remove(&r) == -ESRCH);
    NEED(ip_route(&flow) == -EHOSTUNREACH);
    r = (struct route){.destination = v4(0x14000000), .prefix = 8};
    NEED(route_remove(&r) == 0);
    r.gateway = v4(0x50000001);
    NEED(route_add(&r) == 0 || route_add(&r) == -ENETUNREACH);
    route_remove(&r);
    /* Down and up: the connected route comes back, others do not. */
    NEED(netif_set_flags(&shim_eth, 0, IFF_UP) == 0);
    flow = (struct ip_flow){.destination = v4(PEER), .source = v4(0)};
    NEED(ip_route(&flow) == -ENETUNREACH);
    NEED(netif_set_flags(&shim_eth, IFF_UP, IFF_UP) == 0 && ip_route(&flow) == 0);
    flow.destination = v4(FAR);
    flow.netif = NULL;
    NEED(ip_route(&flow) == -ENETUNREACH);
    r = (struct route){.destination = v4(0), .gateway = v4(PEER)};
    NEED(route_add(&r) == 0 && ip_route(&flow) == 0);
    packet_queue_purge(&shim_out);
    learn_peer();
}

/* Too large: in fragments that put together are what was sent; refused where it must be. */
static void test_fragments_out(void)
{
    uint8_t f[2000], whole[70000];
    unsigned total = 0, id = 0, last = 0;

    NEED(send_udp(PEER, 1480, PMTUDISC_WANT) == 0);
    NEED(sent(f) == 1514 && get_be16(f + 20) == 0x4000);
    NEED(send_udp(PEER, 1481, PMTUDISC_DO) == -EMSGSIZE);
    NEED(send_udp(PEER, 65516, PMTUDISC_WANT) == -EMSGSIZE);
    NEED(send_udp(PEER, 65515, PMTUDISC_WANT) == 0);
    for (unsigned n; (n = sent(f));) {
        unsigned at = (get_be16(f + 20) & 0x1fff) * 8u;
        NEED(at == total && n <= 1514 && checksum_fold(checksum_add(0, f + 14, 20)) == 0);
        NEED(get_be16(f + 16) == n - 14 && (!at || get_be16(f + 18) == id));
        id = get_be16(f + 18);
        last = get_be16(f + 20) & 0x2000;
        memcpy(whole + at, f + 34, n - 34);
        total += n - 34;
    }
    NEED(total == 65515 && !last);
    for (unsigned i = 0; i < total; i++)
        NEED(whole[i] == 'x');
}

/* --- sockets */

static void test_sockets(void)
{
    struct shim_socket *s = shim_socket(AF_INET, SOCK_DGRAM);
    struct inet_addr any = v4(0);
    struct packet *packet;
    uint8_t f[2000];

    NEED(inet_bind(&s->inet, &any, 2000) == 0 && inet_hash_bound(&s->inet) == 0);
    unsigned n = udp_frame(f, PEER, 1000, ME, 2000, 100);
    uint64_t before = mib_sum(MIB_IP_IN_DELIVERS);
    netif_receive(&shim_eth, shim_packet(f, n, 1));
    NEED(shim_backlog() == 0 && mib_sum(MIB_IP_IN_DELIVERS) == before + 1);
    shim_work();
    packet = packet_dequeue(&s->got);
    NEED(packet && packet->total == 108 && ip_ttl(packet) == 64);
    packet_free(packet);
    /* Not mine after all: the worker's. */
    s->refuse = true;
    shim_receive(f, n);
    packet = packet_dequeue(&s->got);
    NEED(packet && packet->total == 108);
    packet_free(packet);
    /* In pieces, with padding, fragmented: all the same. */
    for (unsigned pieces = 2; pieces < 20; pieces++) {
        memset(f + n, 0, 20);
        netif_receive(&shim_eth, shim_packet(f, n + pieces, pieces));
        shim_work();
        packet = packet_dequeue(&s->got);
        NEED(packet && packet->total == 108);
        packet_free(packet);
    }
    /* Too much: dropped and counted. */
    s->inet.lock.count = 1;
    s->inet.channel_limit = 10000;
    for (unsigned i = 0; i < 100; i++)
        netif_receive(&shim_eth, shim_packet(f, n, 1));
    s->inet.lock.count = 0;
    inet_post(&s->inet, 5);
    shim_work();
    NEED(s->worked == 5 && s->inet.drops > 70 && s->got.n + s->inet.drops == 100);
    NEED(s->inet.channel_bytes == 0);
    packet_queue_purge(&s->got);
    s->inet.channel_limit = 1 << 20;
    /* Through lo, large and in fragments. */
    struct ip_flow flow = {.destination = v4(0x7f000001), .source = v4(0), .protocol = 17};
    for (unsigned mtu = 68; mtu <= 65536; mtu = mtu * 3 + 5) {
        NEED(netif_set_mtu(loopback, mtu) == 0);
        for (unsigned size = 8; size <= MIN(65515u, mtu * 500); size = size * 2 + 3) {
            struct packet *p = packet_alloc(PACKET_HEADROOM, size);
            uint8_t *u = packet_append(p, size);
            for (unsigned i = 0; i < size; i++)
                u[i] = (uint8_t)(i * 7);
            put_be16(u, 1);
            put_be16(u + 2, 2000);
            NEED(ip_output(&flow, p) == 0);
            shim_work();
            packet = packet_dequeue(&s->got);
            NEED(packet && packet->total == size);
            static uint8_t got[65536];
            packet_read(packet, 0, got, size);
            for (unsigned i = 4; i < size; i++)
                NEED(got[i] == (uint8_t)(i * 7));
            packet_free(packet);
        }
    }
    NEED(netif_set_mtu(loopback, 65536) == 0);
    unsigned queues;
    NEED(ip_fragment_memory(&queues) == 0 && queues == 0);
    shim_close(s);
    shim_quiescent();
    NEED(shim_frees > 0);
}

static void test_multicast(void)
{
    struct shim_socket *a = shim_socket(AF_INET, SOCK_DGRAM), *b = shim_socket(AF_INET, SOCK_DGRAM);
    struct inet_addr any = v4(0), group = v4(0xe0000105);
    uint8_t f[2000];

    a->inet.reuse_address = b->inet.reuse_address = true;
    NEED(inet_bind(&a->inet, &any, 3000) == 0 && inet_hash_bound(&a->inet) == 0);
    NEED(inet_bind(&b->inet, &any, 3000) == 0 && inet_hash_bound(&b->inet) == 0);
    unsigned n = udp_frame(f, PEER, 1, 0xe0000105, 3000, 10);
    memcpy(f, "\1\0\x5e\0\1\5", 6);
    shim_receive(f, n);
    NEED(a->got.n == 0 && b->got.n == 0);
    NEED(netif_join(&shim_eth, &group) == 0 && netif_join(&shim_eth, &group) == 0);
    shim_receive(f, n);
    NEED(a->got.n == 1 && b->got.n == 1);
    /* Our own come back, unless that is not wanted. */
    struct ip_flow flow = {
        .destination = group, .source = v4(0), .protocol = 17, .bound = &shim_eth};
    for (unsigned i = 0; i < 2; i++) {
        struct packet *p = packet_alloc(PACKET_HEADROOM, 12);
        memcpy(packet_append(p, 12), f + 34, 12);
        flow.no_loop = i;
        NEED(ip_output(&flow, p) == 0);
        shim_work();
        NEED(sent(f) == 14 + 20 + 12 && !memcmp(f, "\1\0\x5e\0\1\5", 6) && f[22] == 1);
        NEED(a->got.n == 2 && b->got.n == 2);
    }
    NEED(netif_leave(&shim_eth, &group) == 0 && netif_in_group(&shim_eth, &group));
    NEED(netif_leave(&shim_eth, &group) == 0 && !netif_in_group(&shim_eth, &group));
    /* To all. */
    shim_receive(f, udp_frame(f, PEER, 1, 0x0a0000ff, 3000, 10));
    NEED(a->got.n == 3 && b->got.n == 3);
    shim_close(a);
    shim_close(b);
    shim_quiescent();
}

/* --- anything */

static void mutate(uint8_t *f, unsigned *n)
{
    for (unsigned i = 0, changes = (unsigned)shim_below(4); i < changes; i++)
        f[14 + shim_below(*n - 14)] = (uint8_t)shim_random();
    if (shim_below(4) == 0)
        *n = 1 + (unsigned)shim_below(*n);
    if (*n >= 34 && shim_below(4)) {
        unsigned header = (f[14] & 15) * 4u;
        if (header >= 20 && 14 + header <= *n)
            shim_ipv4_sum(f + 14);
    }
}

static unsigned any_frame(uint8_t *f)
{
    static const uint8_t record[12] = {7, 11, 4}, stamp[12] = {68, 12, 5, 1};
    uint8_t quote[200], icmp[300] = {(uint8_t)shim_below(20), (uint8_t)shim_below(17)};
    unsigned n;

    switch (shim_below(7)) {
    case 0:
        return arp_frame(f, 1 + (unsigned)shim_below(2), PEER, ME);
    case 1:
        return ping(f, PEER, ME, 8 + (unsigned)shim_below(200));
    case 2:
        return with_options(f, shim_below(2) ? record : stamp, 12);
    case 3:
        n = udp_frame(quote, ME, 1234, PEER, 53, 20) - 14;
        memcpy(icmp + 8, quote + 14, n);
        put_le16(icmp + 2, checksum_fold(checksum_add(0, icmp, n + 8)));
        return shim_ipv4(f, PEER, ME, 1, icmp, n + 8);
    case 4: /* a fragment */
        n = udp_frame(f, PEER, 1, ME, 3000, 64);
        put_be16(f + 18, (uint16_t)shim_below(4));
        put_be16(f + 20, (uint16_t)(shim_below(2) << 13 | shim_below(20)));
        shim_ipv4_sum(f + 14);
        return n;
    default:
        return udp_frame(f, PEER, (unsigned)shim_below(3), ME, 3000, (unsigned)shim_below(300));
    }
}

static void test_mutants(void)
{
    struct shim_socket *s = shim_socket(AF_INET6, SOCK_DGRAM);
    uint8_t f[2048];

    NEED(inet_bind(&s->inet, &(struct inet_addr){}, 3000) == 0 && inet_hash_bound(&s->inet) == 0);
    for (unsigned i = 0; i < MUTANTS; i++) {
        unsigned n = any_frame(f);
        mutate(f, &n);
        if (shim_below(50) == 0)
            shim_starve = true;
        if (!shim_starve) {
            netif_receive(&shim_eth, shim_packet(f, n, (unsigned)shim_below(4)));
            shim_work();
        }
        shim_starve = false;
        if (shim_below(100) == 0)
            shim_advance(1000000000ll * (nsec_t)shim_below(40));
        packet_queue_purge(&s->got);
        packet_queue_purge(&shim_out);
        shim_quiescent();
    }
    shim_close(s);
    shim_quiescent();
    shim_advance(100 * 1000000000ll);
    packet_queue_purge(&shim_out);
    unsigned queues;
    NEED(ip_fragment_memory(&queues) == 0);
}

int main(void)
{
    shim_start();
    shim_privileged = true;
    test_arp();
    test_many_neighbours();
    test_echo();
    test_options();
    test_errors();
    test_rate_limit();
    test_routes();
    test_fragments_out();
    test_sockets();
    test_multicast();
    printf("ok - IPv4, ICMP and ARP do what they should\n");
    test_mutants();
    printf("ok - whatever arrives does no harm\n");
    return 0;
}
