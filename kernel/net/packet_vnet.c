/* net/packet_vnet.c: struct virtio_net_hdr before packets (virtio 1.2, 5.1.6): what the sender
 * leaves to be done, and what has not been done to what is shown. All that it says is a claim. */
#include "net/packet_vnet.h"

#include "lib/errno.h"
#include "net/netif.h"

enum { NEEDS_CSUM = 1, DATA_VALID = 2 };
enum { VNET_NONE = 0, VNET_TCP4 = 1, VNET_UFO = 3, VNET_TCP6 = 4, VNET_UDP = 5, VNET_ECN = 0x80 };
enum {
    IPPROTO_TCP = 6,
    IPPROTO_UDP = 17,
    TCP_SUM = 16,
    UDP_SUM = 6,
    SEGMENTS_MAX = 128,
    START_LEAST = 20
};

int packet_vnet_check(struct packet_vnet *asked, unsigned len)
{
    unsigned needed = (unsigned)asked->csum_start + asked->csum_offset + 2;
    if (asked->flags & NEEDS_CSUM && needed > asked->header_len)
        asked->header_len = (uint16_t)needed;
    return asked->header_len > len ? -EINVAL : 0;
}

static int ask_checksum(struct packet *packet, const struct packet_vnet *asked)
{
    unsigned start = asked->csum_start;
    if (start < START_LEAST || start + asked->csum_offset + 2 > packet->total)
        return -EINVAL;
    packet->checksum = CHECKSUM_PARTIAL;
    packet->csum_start = asked->csum_start;
    packet->csum_offset = asked->csum_offset;
    packet->transport = packet->data + start;
    /* Devices know few protocols; only lo takes anything. */
    if (packet->netif->type != ARPHRD_LOOPBACK && !packet_checksum_finish(packet))
        return -EINVAL;
    return 0;
}

/* Where the transport header is, counted from the network header; 0: the packet is none of `v4` and
 * `protocol`. */
static unsigned find_transport(const uint8_t *ip, unsigned len, bool v4, unsigned protocol)
{
    unsigned header = v4 ? (ip[0] & 15) * 4u : 40;
    if (len < 20 || ip[0] >> 4 != (v4 ? 4 : 6) || header < 20 ||
        header + (protocol == IPPROTO_UDP ? 8u : 20u) > len)
        return 0;
    return ip[v4 ? 9 : 6] == protocol ? header : 0;
}

/* The checksum field holds the sum of the pseudo header from now on (RFC 9293, 3.1; 8200, 8.1). */
static void put_pseudo_sum(uint8_t *field, const uint8_t *ip, bool v4, unsigned protocol,
                           unsigned len)
{
    uint32_t sum = v4 ? checksum_add(0, ip + 12, 8) : checksum_add(0, ip + 8, 32);
    uint8_t rest[4] = {0, (uint8_t)protocol, (uint8_t)(len >> 8), (uint8_t)len};
    sum = checksum_add(sum, rest, sizeof(rest));
    put_le16(field, (uint16_t)~checksum_fold(sum));
}

static int ask_segments(struct packet *packet, const struct packet_vnet *asked)
{
    static const uint8_t kinds[] = {
        [VNET_TCP4] = GSO_TCP4, [VNET_TCP6] = GSO_TCP6, [VNET_UDP] = GSO_UDP, [VNET_UFO] = GSO_UFO};
    unsigned gso = asked->gso & ~(unsigned)VNET_ECN;
    bool ufo = gso == VNET_UFO, udp = ufo || gso == VNET_UDP;
    const uint8_t *ip = packet->data + ETH_HLEN;
    bool v4 = packet->protocol == ETH_P_IP, summed = asked->flags & NEEDS_CSUM;
    if (ufo && packet->netif->type == ARPHRD_LOOPBACK) /* takes it whole */
        return summed ? ask_checksum(packet, asked) : 0;
    unsigned protocol = udp ? IPPROTO_UDP : IPPROTO_TCP, sum_at = udp ? UDP_SUM : TCP_SUM;
    if (packet->total < ETH_HLEN + 20 || (!udp && v4 != (gso == VNET_TCP4)))
        return -EINVAL;
    unsigned at = find_transport(ip, packet->total - ETH_HLEN, v4, protocol) + ETH_HLEN;
    unsigned header = at + (udp ? 8u : (packet->data[at + 12] >> 4) * 4u);
    if (at == ETH_HLEN || header < at + (udp ? 8 : 20) || header >= packet->total)
        return -EINVAL;
    if ((udp && !ufo && !summed) ||
        (summed && (asked->csum_start != at || asked->csum_offset != sum_at)))
        return -EINVAL;
    unsigned payload = packet->total - (ufo ? at : header);
    if (udp && !ufo && payload > asked->gso_size * SEGMENTS_MAX)
        return -EINVAL;
    if (payload <= asked->gso_size) /* not so large after all */
        return summed ? ask_checksum(packet, asked) : 0;
    put_pseudo_sum(packet->data + at + sum_at, ip, v4, protocol, packet->total - at);
    packet->checksum = CHECKSUM_PARTIAL;
    packet->csum_start = (uint16_t)at;
    packet->csum_offset = (uint16_t)sum_at;
    packet->transport = packet->data + at;
    packet->header_len = (uint16_t)header;
    packet->gso = kinds[gso];
    packet->gso_size = asked->gso_size;
    return 0;
}

int packet_vnet_apply(struct packet *packet, const struct packet_vnet *asked)
{
    switch (asked->gso & ~VNET_ECN) {
    case VNET_NONE:
        if (asked->gso)
            break;
        return asked->flags & NEEDS_CSUM ? ask_checksum(packet, asked) : 0;
    case VNET_UFO:
    case VNET_TCP4:
    case VNET_TCP6:
    case VNET_UDP:
        return asked->gso_size ? ask_segments(packet, asked) : -EINVAL;
    }
    return -EINVAL;
}

void packet_vnet_tell(const struct packet *packet, struct packet_vnet *told)
{
    static const uint8_t kinds[] = {
        [GSO_TCP4] = VNET_TCP4, [GSO_TCP6] = VNET_TCP6, [GSO_UDP] = VNET_UDP, [GSO_UFO] = VNET_UFO};
    *told = (struct packet_vnet){.gso = kinds[packet->gso]};
    if (packet->gso) {
        told->header_len = packet->header_len;
        told->gso_size = packet->gso_size;
    }
    if (packet->checksum == CHECKSUM_PARTIAL) {
        told->flags = NEEDS_CSUM;
        told->csum_start = packet->csum_start;
        told->csum_offset = packet->csum_offset;
    } else if (packet->checksum == CHECKSUM_GOOD) {
        told->flags = DATA_VALID;
    }
}
