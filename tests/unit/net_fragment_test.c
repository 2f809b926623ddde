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
/* Fragments in any order, twice, overlapping, of several datagrams at once, that never complete:
 * what is whole arrives as it was sent, nothing else does, and memory stays bounded. */
#include "shim/net.h"

#include "lib/endian.h"
#include "lib/string.h"

enum { ME = 0x0a000002, PEER = 0x0a000001, PORT = 4000, ROUNDS = 3000, MOST = 9000 };

static struct shim_socket *s;

static void fill(uint8_t *data, unsigned n, unsigned id)
{
    put_be16(data, 7);
    put_be16(data + 2, PORT);
    for (unsigned i = 4; i < n; i++)
        data[i] = (uint8_t)(i * 13 + id);
}

struct piece {
    unsigned at, n;
    bool more;
};

static void deliver(const uint8_t *data, struct piece p, unsigned id, uint8_t tos)
{
    uint8_t f[MOST + 64];
    unsigned n = shim_ipv4(f, PEER, ME, IPPROTO_UDP, data + p.at, p.n);

    f[15] = tos;
    put_be16(f + 18, (uint16_t)id);
    put_be16(f + 20, (uint16_t)(p.at / 8 | (p.more ? 0x2000 : 0)));
    shim_ipv4_sum(f + 14);
    netif_receive(&shim_eth, shim_packet(f, n, (unsigned)shim_below(3)));
    shim_work();
}

static unsigned cut(struct piece *pieces, unsigned n)
{
    unsigned count = 0, most = 8 + (unsigned)shim_below(1400);

    for (unsigned at = 0; at < n; count++) {
        unsigned part = MIN((8 + (unsigned)shim_below(most)) & ~7u, n - at);
        pieces[count] = (struct piece){at, part, at + part < n};
        at += part;
    }
    return count;
}

static void shuffle(struct piece *pieces, unsigned count)
{
    for (unsigned i = count; i > 1; i--) {
        unsigned j = (unsigned)shim_below(i);
        struct piece t = pieces[i - 1];
        pieces[i - 1] = pieces[j];
        pieces[j] = t;
    }
}

/* The datagram has arrived, whole and once. */
static void expect(const uint8_t *data, unsigned n)
{
    struct packet *packet = packet_dequeue(&s->got);
    static uint8_t got[65536];

    NEED(packet && packet->total == n && !s->got.first);
    NEED(packet_read(packet, 0, got, n) && !memcmp(got, data, n));
    NEED(get_be16(packet->network + 2) == n + 20 && get_be16(packet->network + 6) == 0);
    NEED(checksum_fold(checksum_add(0, packet->network, 20)) == 0);
    packet_free(packet);
}

static void nothing_kept(void)
{
    unsigned queues;

    NEED(ip_fragment_memory(&queues) == 0 && queues == 0);
}

static void test_orders(void)
{
    static uint8_t data[MOST];
    struct piece pieces[MOST / 8 + 1];

    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned n = 9 + (unsigned)shim_below(MOST - 9), count = cut(pieces, n);
        fill(data, n, round);
        shuffle(pieces, count);
        for (unsigned i = 0; i < count; i++) {
            NEED(!s->got.first);
            deliver(data, pieces[i], round, 0);
            /* Again, or a part of it, is no harm before the last. */
            if (i + 1 < count && shim_below(4) == 0)
                deliver(data, pieces[shim_below(i + 1)], round, 0);
        }
        expect(data, n);
        nothing_kept();
    }
}

/* Two datagrams that differ in their number alone. */
static void test_interleaved(void)
{
    static uint8_t a[4000], b[4000];

    fill(a, sizeof(a), 1);
    fill(b, sizeof(b), 2);
    for (unsigned at = 0; at < 4000; at += 400) {
        deliver(a, (struct piece){at, 400, at + 400 < 4000}, 100, 0);
        if (at + 400 < 4000)
            deliver(b, (struct piece){at, 400, true}, 101, 0);
    }
    expect(a, sizeof(a));
    deliver(b, (struct piece){3600, 400, false}, 101, 0);
    expect(b, sizeof(b));
    nothing_kept();
}

static void refused(const struct piece *pieces, unsigned count)
{
    static uint8_t data[MOST], id;

    fill(data, sizeof(data), 3);
    id++;
    for (unsigned i = 0; i < count; i++)
        deliver(data, pieces[i], 1000u + id, 0);
    NEED(!s->got.first);
    shim_advance(31 * 1000000000ll);
    NEED(!s->got.first);
    nothing_kept();
    packet_queue_purge(&shim_out);
}

static void test_overlaps(void)
{
    uint64_t before = mib_sum(MIB_IPEXT_REASM_OVERLAPS);

    refused((struct piece[]){{0, 800, true}, {792, 808, false}}, 2);
    refused((struct piece[]){{0, 800, true}, {400, 800, true}, {800, 800, false}}, 3);
    refused((struct piece[]){{400, 400, true}, {0, 1600, true}, {1600, 8, false}}, 3);
    refused((struct piece[]){{800, 800, false}, {0, 808, true}}, 2);
    NEED(mib_sum(MIB_IPEXT_REASM_OVERLAPS) >= before + 4);
    /* Two ends, or something behind the end. */
    refused((struct piece[]){{800, 800, false}, {1600, 8, false}, {0, 800, true}}, 3);
    refused((struct piece[]){{800, 800, false}, {1600, 800, true}, {0, 800, true}}, 3);
    refused((struct piece[]){{1600, 800, true}, {800, 8, false}, {0, 800, true}}, 3);
    /* Beyond 64 KiB; nothing in it. */
    refused((struct piece[]){{0, 8, true}, {65528, 0, false}}, 1);
}

static void test_too_long(void)
{
    uint8_t f[2000] = {}, data[1480] = {};

    for (unsigned at = 0; at < 65536; at += 1480) {
        unsigned n = shim_ipv4(f, PEER, ME, IPPROTO_UDP, data, 1480);
        put_be16(f + 18, 77);
        put_be16(f + 20, (uint16_t)(at / 8 | (at + 1480 < 65536 ? 0x2000 : 0)));
        shim_ipv4_sum(f + 14);
        shim_receive(f, n);
    }
    NEED(!s->got.first);
    shim_advance(31 * 1000000000ll);
    nothing_kept();
    packet_queue_purge(&shim_out);
}

/* RFC 3168, 5.3. */
static void test_congestion(void)
{
    static uint8_t data[1600];

    fill(data, sizeof(data), 9);
    deliver(data, (struct piece){0, 800, true}, 1, 2);
    deliver(data, (struct piece){800, 800, false}, 1, 3);
    NEED(s->got.first && ip_tos(s->got.first) == 3);
    packet_queue_purge(&s->got);
    deliver(data, (struct piece){0, 800, true}, 2, 2);
    deliver(data, (struct piece){800, 800, false}, 2, 0);
    NEED(!s->got.first);
    nothing_kept();
}

/* The first fragment is there: its sender is told; else nobody. */
static void test_timeout(void)
{
    static uint8_t data[1600], f[2000];
    uint64_t before = mib_sum(MIB_IP_REASM_TIMEOUT);
    struct packet *packet;

    fill(data, sizeof(data), 9);
    deliver(data, (struct piece){0, 800, true}, 3, 0);
    shim_advance(29 * 1000000000ll);
    NEED(!shim_out.first);
    shim_advance(2 * 1000000000ll);
    packet = packet_dequeue(&shim_out);
    NEED(packet && packet_read(packet, 0, f, MIN(packet->total, 600u)));
    NEED(f[34] == 11 && f[35] == 1 && f[42] == 0x45);
    packet_free(packet);
    deliver(data, (struct piece){800, 800, false}, 4, 0);
    shim_advance(31 * 1000000000ll);
    packet_queue_purge(&shim_out);
    NEED(mib_sum(MIB_IP_REASM_TIMEOUT) == before + 2);
    nothing_kept();
}

static void test_flood(void)
{
    static uint8_t data[1600];
    unsigned queues;

    fill(data, sizeof(data), 5);
    for (unsigned i = 0; i < 30000; i++) {
        deliver(data, (struct piece){(i % 3) * 8, 800, true}, i, 0);
        NEED(ip_fragment_memory(&queues) <= ip_fragment_high + 8192);
    }
    /* Still whole ones get through. */
    deliver(data, (struct piece){0, 800, true}, 40000, 0);
    deliver(data, (struct piece){800, 800, false}, 40000, 0);
    expect(data, sizeof(data));
    shim_advance(40 * 1000000000ll);
    shim_advance(40 * 1000000000ll);
    packet_queue_purge(&shim_out);
    shim_quiescent();
    nothing_kept();
}

int main(void)
{
    struct inet_addr any = inet_v4(0), peer = inet_v4(__builtin_bswap32(PEER));
    long before;

    shim_start();
    NEED(neighbour_set(&shim_eth, &peer, (uint8_t[]){2, 0, 0, 0, 0, 1}, NUD_PERMANENT) == 0);
    s = shim_socket(AF_INET, SOCK_DGRAM);
    NEED(inet_bind(&s->inet, &any, PORT) == 0 && inet_hash_bound(&s->inet) == 0);
    mib_add(MIB_IP_IN_RECEIVES, 0); /* makes its table */
    before = shim_blocks;
    test_orders();
    NEED(shim_blocks == before);
    test_interleaved();
    test_overlaps();
    test_too_long();
    test_congestion();
    test_timeout();
    test_flood();
    printf("ok - fragments are put together, or let go\n");
    return 0;
}
