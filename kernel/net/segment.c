/* Cutting a large packet into segments or fragments in software: what TSO does in devices. */
#include "core/random.h"
#include "lib/endian.h"
#include "lib/string.h"
#include "net/packet.h"

enum { FIN = 1, PSH = 8, CWR = 0x80 };
enum { NEXT_FRAGMENT = 44, FRAGMENT_HLEN = 8, MORE_FRAGMENTS = 0x2000 };

/* Where the headers are, counted from data. */
struct layout {
    unsigned network, transport, header; /* header: of all that each segment has */
    bool v4, udp, ufo;
    uint32_t id; /* of IPv6 fragments */
};

static bool find_layout(const struct packet *packet, struct layout *l)
{
    const uint8_t *data = packet->data;

    if (!packet->network || !packet->transport || packet->network < data ||
        packet->transport < packet->network)
        return false;
    l->network = (unsigned)(packet->network - data);
    l->transport = (unsigned)(packet->transport - data);
    l->header = packet->header_len;
    l->v4 = packet->network[0] >> 4 == 4;
    l->ufo = packet->gso == GSO_UFO;
    l->udp = l->ufo || packet->gso == GSO_UDP;
    bool sound = l->header >= l->transport + (l->udp ? 8u : 20u) && l->header <= packet->len &&
                 l->header < packet->total && packet->gso_size;
    if (l->ufo) {
        l->header = l->transport;
        l->id = (uint32_t)random_u64();
    }
    return sound;
}

static void mend_network(uint8_t *ip, const struct layout *l, unsigned total, unsigned index)
{
    unsigned header = l->transport - l->network;

    if (!l->v4) {
        put_be16(ip + 4, (uint16_t)(total - l->network - 40));
        return;
    }
    put_be16(ip + 2, (uint16_t)(total - l->network));
    put_be16(ip + 4, (uint16_t)(get_be16(ip + 4) + index));
    put_le16(ip + 10, 0);
    put_le16(ip + 10, checksum_fold(checksum_add(0, ip, header)));
}

/* The checksum field holds the folded sum of a pseudo header with the whole's length: with that of
 * this segment from now on. */
static void mend_pseudo(uint8_t *field, unsigned whole, unsigned part)
{
    uint32_t sum = get_le16(field);

    sum += (uint16_t)~__builtin_bswap16((uint16_t)whole);
    sum += __builtin_bswap16((uint16_t)part);
    put_le16(field, (uint16_t)~checksum_fold(sum));
}

static void mend_tcp(uint8_t *tcp, unsigned offset, bool first, bool last)
{
    put_be32(tcp + 4, get_be32(tcp + 4) + offset);
    if (!last)
        tcp[13] &= (uint8_t) ~(FIN | PSH);
    if (!first)
        tcp[13] &= (uint8_t)~CWR;
}

/* RFC 791, 3.2; RFC 8200, 4.5. */
static void put_fragment(struct packet *s, const struct layout *l, unsigned offset, bool last)
{
    uint8_t *ip = s->data + l->network;

    if (l->v4) {
        put_be16(ip + 6, (uint16_t)(offset / 8 | (last ? 0 : MORE_FRAGMENTS)));
        return;
    }
    uint8_t *f = packet_append(s, FRAGMENT_HLEN);
    f[0] = ip[6];
    f[1] = 0;
    put_be16(f + 2, (uint16_t)((offset & ~7u) | !last));
    put_be32(f + 4, l->id);
    ip[6] = NEXT_FRAGMENT;
}

static void copy_about(struct packet *to, const struct packet *from, const struct layout *l)
{
    to->link = from->link ? to->data + (from->link - from->data) : NULL;
    to->network = to->data + l->network;
    to->transport = to->data + l->transport;
    to->netif = from->netif;
    to->protocol = from->protocol;
    to->kind = from->kind;
    to->hash = from->hash;
    to->checksum = from->checksum;
    to->csum_start = from->csum_start;
    to->csum_offset = from->csum_offset;
}

/* The n bytes of payload from offset on, with headers. */
static struct packet *cut(const struct packet *packet, const struct layout *l, unsigned offset,
                          unsigned n)
{
    struct packet *s = packet_alloc(PACKET_HEADROOM, l->header + FRAGMENT_HLEN);
    unsigned end = packet->total - l->header, whole = packet->total - l->transport;

    if (!s)
        return NULL;
    memcpy(packet_append(s, l->header), packet->data, l->header);
    if (l->ufo)
        put_fragment(s, l, offset, offset + n == end);
    s->more = packet_slice(packet, l->header + offset, n);
    if (!s->more) {
        packet_free(s);
        return NULL;
    }
    s->total += n;
    copy_about(s, packet, l);
    mend_network(s->network, l, s->total, l->ufo ? 0 : offset / packet->gso_size);
    if (l->ufo)
        return s;
    if (l->udp)
        put_be16(s->transport + 4, (uint16_t)(s->total - l->transport));
    else
        mend_tcp(s->transport, offset, offset == 0, offset + n == end);
    if (s->checksum == CHECKSUM_PARTIAL)
        mend_pseudo(s->transport + (l->udp ? 6 : 16), whole, s->total - l->transport);
    return s;
}

struct packet *packet_segment(struct packet *packet)
{
    struct packet *list = NULL, **end = &list;
    struct layout l = {};
    bool sound = find_layout(packet, &l) && (!l.ufo || packet_checksum_finish(packet));
    unsigned payload = sound ? packet->total - l.header : 0;

    for (unsigned offset = 0; offset < payload; offset += packet->gso_size) {
        *end = cut(packet, &l, offset, MIN((unsigned)packet->gso_size, payload - offset));
        if (!*end) {
            packet_free_list(list);
            list = NULL;
            break;
        }
        end = &(*end)->next;
    }
    packet_free(packet);
    return list;
}
