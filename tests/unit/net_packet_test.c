// clang-format off
// sources: kernel/net/packet.c kernel/net/checksum.c kernel/net/segment.c
// flags: -Itests/unit -Itests/unit/shim -Ikernel -Wno-unused-parameter -fwrapv
// clang-format on
/* Packets of any pieces hold the bytes that a plain array holds; sums are those of the definition;
 * segments put together again are the whole; nothing is lost or freed twice. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/endian.h"
#include "mm/heap.h"
#include "net/packet.h"

enum { MOST = 3000, ROUNDS = 20000 };

static long blocks;
static bool starve;

uint64_t random_u64(void)
{
    return 4;
}
void *kmalloc(size_t size)
{
    blocks += !starve;
    return starve ? NULL : malloc(size);
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
    blocks += !starve;
    return starve ? NULL : calloc(1, cache->size);
}
void kcache_free(struct kcache *cache, void *object)
{
    kfree(object);
}

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    printf("not ok - net_packet: %s\n", what);
    exit(1);
}

static unsigned rnd(unsigned n)
{
    static uint64_t seed = 1;
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

/* A driver's: the struct lies in the buffer's memory. */
struct driver_buffer {
    struct packet packet;
    struct packet_buffer buffer;
    uint8_t bytes[];
};
static void free_driver(struct packet_buffer *buffer)
{
    kfree(container_of(buffer, struct driver_buffer, buffer));
}
static struct packet *driver_packet(unsigned n)
{
    struct driver_buffer *b = kmalloc(sizeof(*b) + n);
    b->buffer =
        (struct packet_buffer){.refs = 1, .size = n, .start = b->bytes, .free = free_driver};
    packet_init(&b->packet, &b->buffer, b->bytes, n);
    return &b->packet;
}

/* n random bytes, kept in model, in some pieces. */
static struct packet *random_packet(uint8_t *model, unsigned n)
{
    struct packet *packet = NULL, **end = &packet;
    unsigned at = 0;

    for (unsigned i = 0; i < n; i++)
        model[i] = (uint8_t)rnd(256);
    do {
        unsigned part = rnd(3) ? MIN(1 + rnd(n / 2 + 1), n - at) : n - at;
        if (rnd(2)) {
            *end = driver_packet(part);
        } else {
            *end = packet_alloc(rnd(64), part + rnd(64));
            packet_append(*end, part);
        }
        memcpy((*end)->data, model + at, part);
        at += part;
        end = &(*end)->more;
    } while (at < n);
    packet->total = n;
    return packet;
}

static void check_same(const struct packet *packet, const uint8_t *model, unsigned n)
{
    uint8_t got[MOST];
    unsigned pieces = 0;

    for (const struct packet *p = packet; p; p = p->more)
        pieces += p->len;
    check(packet->total == n && pieces == n, "lengths");
    check(packet_read(packet, 0, got, n) && !memcmp(got, model, n), "bytes");
    check(!packet_read(packet, 0, got, n + 1) && !packet_read(packet, n + 1, got, 0), "no more");
}

static uint16_t plain_sum(const uint8_t *bytes, unsigned n)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < n; i++)
        sum += i & 1 ? bytes[i] : (uint32_t)bytes[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void test_sums(const struct packet *packet, const uint8_t *model, unsigned n)
{
    unsigned from = rnd(n + 1), len = rnd(n - from + 1);
    uint16_t sum = checksum_fold(packet_sum(0, packet, from, len));
    uint16_t expected = __builtin_bswap16(plain_sum(model + from, len));

    check(sum == expected || (len == 0 && sum == 0xffff), "packet_sum");
    check(checksum_fold(checksum_add(0, model + from, len)) == expected, "checksum_add");
}

/* One random operation on packet and model. */
static void operate(struct packet **packet, uint8_t *model, unsigned *n)
{
    struct packet *p = *packet, *other;
    unsigned k = rnd(*n + 1), m;

    switch (rnd(8)) {
    case 0:
        check(packet_pull_up(p, k) && p->len >= k, "pull_up");
        check(!packet_pull_up(p, *n + 1), "pull_up of too much");
        break;
    case 1:
        packet_trim(p, k);
        *n = MIN(*n, k);
        break;
    case 2:
        k = rnd(k + 1);
        packet_skip(p, k);
        memmove(model, model + k, *n - k);
        *n -= k;
        break;
    case 3:
        other = packet_clone(p);
        if (rnd(2)) {
            packet_free(p);
            *packet = other;
        } else {
            packet_free(other);
        }
        break;
    case 4:
        other = packet_copy(p, rnd(100));
        check(!other->more, "a copy is one piece");
        packet_free(p);
        *packet = other;
        break;
    case 5:
        if (k == *n)
            break;
        m = 1 + rnd(*n - k);
        other = packet_slice(p, k, m);
        check_same(other, model + k, m);
        packet_free(p);
        memmove(model, model + k, m);
        *n = m;
        *packet = other;
        break;
    case 6:
        other = packet_clone(p);
        check(packet_own(p, k), "own");
        if (k) {
            memset(p->data, 0xa5, k);
            check_same(other, model, *n);
            memset(model, 0xa5, k);
        }
        packet_free(other);
        break;
    case 7:
        starve = true;
        check(!packet_clone(p) && !packet_copy(p, 1), "no memory");
        if (packet_pull_up(p, k) || packet_own(p, k))
            check(p->len >= k, "without memory");
        starve = false;
        break;
    }
    check_same(*packet, model, *n);
}

static void test_operations(void)
{
    uint8_t model[MOST];

    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned n = 1 + rnd(rnd(4) ? 200 : MOST);
        struct packet *packet = random_packet(model, n);
        check_same(packet, model, n);
        for (unsigned i = 0; i < 6 && n; i++) {
            test_sums(packet, model, n);
            operate(&packet, model, &n);
        }
        packet_free(packet);
        check(blocks == 0, "all is freed");
    }
}

/* Header pointers stay at their bytes. */
static void test_headers(void)
{
    for (unsigned round = 0; round < 2000; round++) {
        uint8_t model[200];
        struct packet *p = random_packet(model, sizeof(model));
        packet_pull_up(p, 60);
        p->link = p->data;
        p->network = packet_pull(p, 14);
        p->transport = packet_pull(p, 20);
        struct packet *clone = packet_clone(p);
        check(packet_pull_up(p, 1 + rnd(160)) || true, "");
        if (rnd(2))
            packet_own(p, rnd(100));
        check(!memcmp(p->link, model, 34) && p->network == p->link + 14 &&
                  p->transport == p->link + 34 && p->transport == p->data,
              "headers after pull_up");
        struct packet *copy = packet_copy(p, 10);
        check(!memcmp(copy->link, model, 34) && copy->transport == copy->data, "of a copy");
        packet_free(copy);
        packet_free(clone);
        packet_free(p);
        check(blocks == 0, "all is freed");
    }
}

/* What a transport keeps and what it sends of it: either may go first, and the same bytes can be
 * sent again when they are nobody else's. */
static void test_alias(void)
{
    struct packet *kept = packet_alloc(64, 100);
    memset(packet_append(kept, 100), 7, 100);
    for (unsigned round = 0; round < 3; round++) {
        long before = blocks;
        struct packet *sent = packet_alias(kept);
        check(sent && sent != kept && blocks == before, "an alias costs nothing");
        check(sent->front_own && sent->data == kept->data && sent->total == 100, "the same bytes");
        memset(packet_push(sent, 64), 1, 64);
        check(kept->len == 100 && kept->data[0] == 7, "the first is as it was");
        if (round == 2) {
            packet_free(kept);
            check(sent->data[64] == 7 && blocks == before, "the alias keeps the bytes");
            struct packet *again = packet_alias(sent);
            check(again && again != sent && again->data == sent->data, "an alias of the alias");
            packet_free(sent);
            check(again->data[64] == 7, "it keeps them, too");
            packet_free(again);
        } else {
            packet_free(sent);
        }
    }
    check(blocks == 0, "all is freed");
    uint8_t model[200];
    struct packet *p = random_packet(model, sizeof(model));
    struct packet *alias = p->more ? NULL : packet_alias(p);
    packet_free(p);
    packet_free(alias);
    check(blocks == 0, "all of a foreign buffer's is freed");
}

static void test_checksum_finish(void)
{
    uint8_t model[500];

    for (unsigned round = 0; round < 2000; round++) {
        unsigned n = 40 + rnd(400), start = rnd(20), field = rnd(18);
        struct packet *p = random_packet(model, n);
        packet_own(p, n);
        p->csum_start = (uint16_t)start;
        p->csum_offset = (uint16_t)field;
        p->checksum = CHECKSUM_PARTIAL;
        check(packet_checksum_finish(p) && p->checksum == CHECKSUM_NONE, "finish");
        uint16_t expected = __builtin_bswap16(plain_sum(model + start, n - start));
        check(get_le16(p->data + start + field) == (expected ? expected : 0xffff), "its value");
        p->csum_start = (uint16_t)n;
        check(!packet_checksum_finish(p), "out of range");
        packet_free(p);
    }
    check(blocks == 0, "all is freed");
}

/* --- segments */

enum { ETHER = 14, IP = 20, TCP = 32 };

static struct packet *large(uint8_t *model, unsigned payload, bool v4, bool udp)
{
    unsigned ip = v4 ? 20 : 40, transport = udp ? 8 : TCP, header = ETHER + ip + transport;
    struct packet *p = packet_alloc(20, header), **end = &p->more;
    uint8_t *h = packet_append(p, header);

    memset(h, 0, header);
    h[ETHER] = v4 ? 0x45 : 0x60;
    put_be16(h + ETHER + 4, 0xfffe);
    put_be32(h + ETHER + ip + 4, 0xfffffff0);
    if (!udp)
        h[ETHER + ip + 13] = 0x80 | 8 | 1;
    *end = random_packet(model, payload);
    p->total += payload;
    p->link = p->data;
    p->network = p->data + ETHER;
    p->transport = p->network + ip;
    p->header_len = (uint16_t)header;
    p->gso = udp ? GSO_UDP : v4 ? GSO_TCP4 : GSO_TCP6;
    p->gso_size = (uint16_t)(1 + rnd(1400));
    p->checksum = CHECKSUM_PARTIAL;
    p->csum_start = (uint16_t)(ETHER + ip);
    p->csum_offset = udp ? 6 : 16;
    put_le16(p->transport + p->csum_offset, 0);
    /* A pseudo header of the length alone. */
    uint16_t pseudo = (uint16_t)~checksum_fold(__builtin_bswap16((uint16_t)(transport + payload)));
    put_le16(p->transport + p->csum_offset, pseudo);
    return p;
}

static void check_segment(struct packet *s, unsigned ip, unsigned transport, unsigned index,
                          bool last, unsigned gso_size)
{
    uint8_t bytes[MOST];
    unsigned n = s->total - ETHER - ip;

    check(s->network == s->data + ETHER && s->transport == s->network + ip, "headers");
    if (ip == 20) {
        check(checksum_fold(checksum_add(0, s->network, 20)) == 0, "IP checksum");
        check(get_be16(s->network + 2) == s->total - ETHER, "IP length");
        check(get_be16(s->network + 4) == (uint16_t)(0xfffe + index), "IP id");
    } else {
        check(get_be16(s->network + 4) == n, "IPv6 length");
    }
    if (transport == 8) {
        check(get_be16(s->transport + 4) == n, "UDP length");
    } else {
        check(get_be32(s->transport + 4) == 0xfffffff0 + index * gso_size, "sequence");
        check(s->transport[13] == (index ? 0 : 0x80) + (last ? 9 : 0), "flags");
    }
    check(packet_checksum_finish(s), "checksum");
    packet_read(s, ETHER + ip, bytes, n);
    uint32_t sum = __builtin_bswap16((uint16_t)n);
    check(checksum_fold(checksum_add(sum, bytes, n)) == 0, "transport checksum");
}

static void test_segments(void)
{
    uint8_t model[MOST];

    for (unsigned round = 0; round < 5000; round++) {
        unsigned payload = 1 + rnd(MOST - 200), at = 0, index = 0;
        bool v4 = rnd(2), udp = rnd(2);
        unsigned ip = v4 ? 20 : 40, transport = udp ? 8 : TCP, header = ETHER + ip + transport;
        struct packet *p = large(model, payload, v4, udp), *next;
        unsigned size = p->gso_size;
        if (rnd(10) == 0)
            p->header_len = (uint16_t)rnd(400); /* nonsense is refused or cut somehow */
        bool sane = p->header_len == header;
        struct packet *s = packet_segment(p);
        for (; s; s = next, index++) {
            next = s->next;
            unsigned n = s->total - header;
            uint8_t got[MOST];
            if (sane) {
                check(n == MIN(size, payload - at), "size");
                packet_read(s, header, got, n);
                check(!memcmp(got, model + at, n), "payload");
                check_segment(s, ip, transport, index, !next, size);
                at += n;
            }
            packet_free(s);
        }
        check(!sane || at == payload, "all of it");
        check(blocks == 0, "all is freed");
    }
}

int main(void)
{
    test_operations();
    test_headers();
    test_alias();
    test_checksum_finish();
    test_segments();
    printf("ok - packets, sums and segments\n");
    return 0;
}
