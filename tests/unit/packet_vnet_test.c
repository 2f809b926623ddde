// clang-format off
// sources: kernel/net/packet.c kernel/net/checksum.c kernel/net/segment.c kernel/net/packet_vnet.c
// flags: -Itests/unit -Itests/unit/shim -Ikernel -Wno-unused-parameter -fwrapv
// clang-format on
/* What a virtio header asks for is done: segments have right lengths and checksums. What it cannot
 * mean is refused; nothing it says makes anybody read or write beside the packet. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/endian.h"
#include "mm/heap.h"
#include "net/netif.h"
#include "net/packet_vnet.h"

enum { ROUNDS = 300000, MOST = 3000, NEEDS_CSUM = 1, TCP4 = 1, UFO = 3, TCP6 = 4, UDP = 5 };

static long blocks;

void *kmalloc(size_t size)
{
    blocks++;
    return malloc(size);
}
void kfree(void *p)
{
    blocks -= p != NULL;
    free(p);
}
void kfree_sized(void *p, size_t size)
{
    (void)size;
    kfree(p);
}
void *kcache_alloc(struct kcache *cache)
{
    blocks++;
    return calloc(1, cache->size);
}
void kcache_free(struct kcache *cache, void *p)
{
    (void)cache;
    kfree(p);
}

uint64_t random_u64(void)
{
    return (uint64_t)rand() << 32 | (unsigned)rand();
}

static void fail(const char *why)
{
    fprintf(stderr, "%s\n", why);
    exit(1);
}

static unsigned below(unsigned n)
{
    return (unsigned)rand() % n;
}

static struct netif ether = {.type = ARPHRD_ETHER, .mtu = 1500};
static struct netif lo = {.type = ARPHRD_LOOPBACK, .mtu = 65536};

/* A frame with n bytes of data, and the header that asks for it to be cut. */
static struct packet *make(unsigned kind, unsigned n, struct packet_vnet *v)
{
    bool v4 = kind != TCP6 && below(2), udp = kind == UDP || kind == UFO;
    if (kind == TCP4)
        v4 = true;
    unsigned ip = v4 ? 20 : 40, options = udp ? 0 : 4 * below(3), header = udp ? 8 : 20 + options;
    struct packet *packet = packet_alloc(16, MOST + 100);
    uint8_t *data = packet_append(packet, 14 + ip + header + n), *network = data + 14;
    for (unsigned i = 0; i < packet->total; i++)
        data[i] = (uint8_t)rand();
    put_be16(data + 12, v4 ? ETH_P_IP : ETH_P_IPV6);
    network[0] = v4 ? 0x45 : 0x60;
    network[v4 ? 9 : 6] = udp ? 17 : 6;
    put_be16(network + (v4 ? 2 : 4), (uint16_t)(header + n + (v4 ? 20 : 0)));
    if (!udp)
        network[ip + 12] = (uint8_t)(header / 4 << 4);
    packet->netif = below(2) ? &ether : &lo;
    packet->link = data;
    packet->network = network;
    packet->protocol = v4 ? ETH_P_IP : ETH_P_IPV6;
    *v = (struct packet_vnet){.flags = NEEDS_CSUM,
                              .gso = (uint8_t)kind,
                              .header_len = (uint16_t)(14 + ip + header),
                              .gso_size = (uint16_t)(100 + below(400)),
                              .csum_start = (uint16_t)(14 + ip),
                              .csum_offset = udp ? 6 : 16};
    return packet;
}

/* Each segment is one that its receiver takes. */
static unsigned check_segments(struct packet *list, unsigned gso_size)
{
    unsigned bytes = 0;
    for (struct packet *s = list; s; s = s->next) {
        uint8_t whole[MOST + 100];
        packet_read(s, 0, whole, s->total);
        const uint8_t *ip = whole + 14;
        bool v4 = ip[0] >> 4 == 4, udp = ip[v4 ? 9 : 6] == 17;
        unsigned at = v4 ? 20 : 40, len = s->total - 14 - at;
        unsigned header = udp ? 8 : (ip[at + 12] >> 4) * 4u;
        if (v4 ? get_be16(ip + 2) != s->total - 14 || checksum_header(ip)
               : get_be16(ip + 4) != s->total - 54)
            fail("a segment's length or header is wrong");
        if (udp && get_be16(ip + at + 4) != len)
            fail("a datagram's length is wrong");
        uint8_t pseudo[4] = {0, udp ? 17 : 6, (uint8_t)(len >> 8), (uint8_t)len};
        if (!packet_checksum_finish(s))
            fail("a checksum cannot be made");
        uint32_t sum = packet_sum(0, s, 14 + at, len);
        sum = checksum_add(sum, ip + (v4 ? 12 : 8), v4 ? 8 : 32);
        sum = checksum_add(sum, pseudo, sizeof(pseudo));
        if (checksum_fold(sum))
            fail("a checksum is wrong");
        if (len - header > gso_size)
            fail("a segment is too long");
        bytes += len - header;
    }
    return bytes;
}

static void sound(void)
{
    static const unsigned kinds[] = {TCP4, TCP6, UDP};
    struct packet_vnet v;
    unsigned n = 600 + below(2000);
    struct packet *packet = make(kinds[below(3)], n, &v);
    unsigned size = v.gso_size;
    if (packet_vnet_check(&v, packet->total) || packet_vnet_apply(packet, &v))
        fail("a sound request is refused");
    if (!packet->gso || packet->gso_size != size)
        fail("it is not to be cut");
    struct packet *list = packet_segment(packet);
    if (!list || check_segments(list, size) != n)
        fail("bytes are lost");
    packet_free_list(list);
}

/* Its fragments are IP's, of `size` bytes, and make the datagram with a right checksum. */
static void check_fragments(const struct packet *list, unsigned size, unsigned want)
{
    uint8_t datagram[MOST + 100], f[MOST + 100];
    unsigned done = 0, id = 0;
    const uint8_t *ip = f + 14;
    for (const struct packet *s = list; s; s = s->next) {
        packet_read(s, 0, f, s->total);
        bool v4 = ip[0] >> 4 == 4;
        unsigned at = v4 ? 20 : 48, len = s->total - 14 - at, word = get_be16(ip + (v4 ? 6 : 42));
        unsigned more = v4 ? word & 0x2000 : word & 1,
                 its = v4 ? get_be16(ip + 4) : get_be32(ip + 44);
        if (v4 ? get_be16(ip + 2) != s->total - 14 || checksum_header(ip) || ip[9] != 17
               : get_be16(ip + 4) != s->total - 54 || ip[6] != 44 || ip[40] != 17)
            fail("a fragment's header is wrong");
        if ((v4 ? (word & 0x1fff) * 8 : word & ~7u) != done || !more != !s->next ||
            (more ? len != size : len > size) || (done && its != id))
            fail("a fragment's place is wrong");
        id = its;
        memcpy(datagram + done, ip + at, len);
        done += len;
    }
    bool v4 = ip[0] >> 4 == 4;
    uint8_t pseudo[4] = {0, 17, (uint8_t)(done >> 8), (uint8_t)done};
    uint32_t sum = checksum_add(checksum_add(0, datagram, done), pseudo, sizeof(pseudo));
    if (done != want || checksum_fold(checksum_add(sum, ip + (v4 ? 12 : 8), v4 ? 8 : 32)))
        fail("a datagram of fragments is wrong");
}

static void fragments(void)
{
    struct packet_vnet v;
    unsigned n = 600 + below(2000);
    struct packet *packet = make(UFO, n, &v);
    bool whole = packet->netif == &lo;
    v.gso_size &= ~7u;
    if (below(2))
        v.flags = 0;
    else
        put_le16(packet->data + v.csum_start + 6, 0); /* the program's part */
    if (packet_vnet_check(&v, packet->total) || packet_vnet_apply(packet, &v))
        fail("a datagram that IP is to cut is refused");
    if (packet->gso != (whole ? GSO_NONE : GSO_UFO))
        fail("a datagram is not for IP to cut");
    if (!whole) {
        packet = packet_segment(packet);
        if (!packet)
            fail("no fragments");
        check_fragments(packet, v.gso_size, n + 8);
    }
    packet_free_list(packet);
}

static void mutant(void)
{
    static const uint8_t kinds[] = {0, TCP4, UFO, TCP6, UDP, TCP4 | 0x80};
    struct packet_vnet v, told;
    struct packet *packet = make(kinds[below(6)] & 0x7f, below(1200), &v);
    for (unsigned i = below(4); i; i--)
        packet->data[below(MIN(packet->total, 80u))] = (uint8_t)rand();
    for (unsigned i = below(3); i; i--)
        ((uint8_t *)&v)[below(sizeof(v))] = (uint8_t)rand();
    if (below(3) == 0)
        packet_trim(packet, 14 + below(packet->total - 13));
    packet->protocol = get_be16(packet->data + 12);
    if (!packet_vnet_check(&v, packet->total) && !packet_vnet_apply(packet, &v)) {
        packet_vnet_tell(packet, &told);
        if (packet->gso)
            packet = packet_segment(packet);
        for (struct packet *s = packet; s; s = s->next)
            if (s->checksum == CHECKSUM_PARTIAL)
                packet_checksum_finish(s);
    }
    packet_free_list(packet);
}

int main(void)
{
    for (int i = 0; i < ROUNDS / 100; i++)
        sound(), fragments();
    for (int i = 0; i < ROUNDS; i++)
        mutant();
    if (blocks)
        fail("memory is lost");
    printf("ok - virtio headers ask for what they may\n1..1\n");
    return 0;
}
