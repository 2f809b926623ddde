/* IPv4: what arrives (RFC 791, RFC 1122 3.2 and 3.3). This host does not forward. */
#include "lib/endian.h"
#include "lib/errno.h"
#include "net/ip_core.h"
#include "net/mib.h"

enum { HEADER = 20, MORE_FRAGMENTS = 0x2000, FRAGMENT_OFFSET = 0x1fff };

/* --- is it sound? */

static bool bad_header(void)
{
    MIB(IP_IN_HDR_ERRORS);
    return false;
}

/* Header and length (RFC 1122, 3.2.1); the packet is cut to its length. */
static bool check_header(struct packet *packet)
{
    const uint8_t *ip;
    unsigned header, total;

    if (!packet_pull_up(packet, HEADER))
        return bad_header();
    header = (packet->data[0] & 15) * 4u;
    if (packet->data[0] >> 4 != 4 || header < HEADER || !packet_pull_up(packet, header))
        return bad_header();
    ip = packet->data;
    if (checksum_fold(checksum_add(0, ip, header)) != 0) {
        MIB(IPEXT_IN_CSUM_ERRORS);
        return bad_header();
    }
    total = get_be16(ip + 2);
    if (total < header)
        return bad_header();
    if (total > packet->total) {
        MIB(IPEXT_IN_TRUNCATED_PKTS);
        return false;
    }
    packet_trim(packet, total);
    packet->network = packet->data;
    return true;
}

static void count_arrival(const struct packet *packet)
{
    MIB(IP_IN_RECEIVES);
    MIB_ADD(IPEXT_IN_OCTETS, packet->total);
    if (packet->len > 1)
        mib_add(MIB_IPEXT_IN_NO_ECT_PKTS + (packet->data[1] & 3), 1);
}

/* --- from whom, to whom? (RFC 1122, 3.2.1.3; RFC 1812, 5.3.7) */

static bool is_outside(const struct packet *packet)
{
    return packet->netif->type != ARPHRD_LOOPBACK;
}

/* Addresses that cannot have been sent by a neighbour. A copy of our own packet to several has our
 * own source. */
static bool is_martian(const struct packet *packet, const struct inet_addr *source,
                       const struct inet_addr *destination)
{
    uint8_t first = source->bytes[12];

    if (inet_is_multicast(source) || inet_is_limited_broadcast(source))
        return true;
    if (first == 0 && !inet_is_limited_broadcast(destination) &&
        !(inet_is_any(source) && inet_is_multicast(destination)))
        return true;
    if (!is_outside(packet))
        return false;
    if (first == 127 || destination->bytes[12] == 127)
        return true;
    unsigned kind = route_kind(source, packet->netif);
    return kind == RTN_BROADCAST ? first != 0 : kind == RTN_LOCAL && packet->link;
}

/* Is it for us? Notes in packet->kind if it is for several. */
static bool is_for_us(struct packet *packet, const struct inet_addr *destination)
{
    switch (route_kind(destination, packet->netif)) {
    case RTN_LOCAL:
        return true;
    case RTN_BROADCAST:
        packet->kind = PACKET_BROADCAST;
        MIB(IPEXT_IN_BCAST_PKTS);
        MIB_ADD(IPEXT_IN_BCAST_OCTETS, packet->total);
        return true;
    case RTN_MULTICAST:
        packet->kind = PACKET_MULTICAST;
        MIB(IPEXT_IN_MCAST_PKTS);
        MIB_ADD(IPEXT_IN_MCAST_OCTETS, packet->total);
        return netif_in_group(packet->netif, destination);
    default:
        MIB(IP_IN_ADDR_ERRORS);
        return false;
    }
}

/* --- options */

static bool take_options(struct packet *packet)
{
    unsigned header = (packet->data[0] & 15) * 4u, pointer = 0;
    struct inet_addr local = ip_destination(packet);
    int err;

    if (likely(header == HEADER))
        return true;
    if (!packet_own(packet, header))
        return false;
    packet->network = packet->data;
    if (packet->kind != PACKET_HOST)
        local = ipv4_choose_source(&local, packet->netif, RT_SCOPE_LINK);
    err = ipv4_options_receive(packet, &local, &pointer);
    if (!err)
        return true;
    MIB(IP_IN_HDR_ERRORS);
    if (err == -EINVAL)
        ip_complain(packet, COMPLAIN_PARAMETER, pointer);
    return false;
}

/* --- fragments */

/* The header of a whole that was put together. */
static void mend_header(struct packet *packet)
{
    unsigned header = (unsigned)(packet->data - packet->network);

    put_be16(packet->network + 2, (uint16_t)(header + packet->total));
    put_be16(packet->network + 6, 0);
    put_le16(packet->network + 10, 0);
    put_le16(packet->network + 10, checksum_fold(checksum_add(0, packet->network, header)));
}

struct packet *ipv4_reassemble(struct packet *packet, const void *user)
{
    const uint8_t *ip = packet->network;
    struct ip_fragment fragment = {
        .source = ip_source(packet),
        .destination = ip_destination(packet),
        .id = get_be16(ip + 4),
        .protocol = ip[9],
        .offset = (get_be16(ip + 6) & FRAGMENT_OFFSET) * 8u,
        .more = get_be16(ip + 6) & MORE_FRAGMENTS,
        .user = user,
    };

    if (fragment.more)
        packet_trim(packet, packet->total & ~7u);
    packet = ip_reassemble(packet, &fragment);
    if (packet)
        mend_header(packet);
    return packet;
}

/* --- in */

static void deliver(struct packet *packet)
{
    unsigned protocol = packet->network[9];

    packet_pull(packet, (packet->network[0] & 15) * 4u);
    if (unlikely(get_be16(packet->network + 6) & (MORE_FRAGMENTS | FRAGMENT_OFFSET)))
        packet = ipv4_reassemble(packet, NULL);
    if (!packet)
        return;
    packet->transport = packet->data;
    if (ip_deliver(packet, protocol)) {
        MIB(IP_IN_DELIVERS);
        return;
    }
    MIB(IP_IN_UNKNOWN_PROTOS);
    ip_complain(packet, COMPLAIN_PROTOCOL, 0);
    packet_free(packet);
}

static bool accept(struct packet *packet)
{
    struct inet_addr source, destination;

    count_arrival(packet);
    if (!check_header(packet))
        return false;
    source = ip_source(packet);
    destination = ip_destination(packet);
    if (is_martian(packet, &source, &destination)) {
        MIB(IP_IN_ADDR_ERRORS);
        return false;
    }
    return is_for_us(packet, &destination) && take_options(packet);
}

void ipv4_receive(struct packet *packet)
{
    if (accept(packet))
        deliver(packet);
    else
        packet_free(packet);
}
