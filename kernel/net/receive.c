/* What arrives: from the link header to the channel of a connection, or to the worker. */
#include "core/clock.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "net/inet.h"
#include "net/mib.h"
#include "net/ip_core.h"
#include "net/rculist.h"
#include "net/worker.h"

atomic_uint netif_stamps_wanted;
static struct list taps = LIST_INIT(taps);

/* --- taps */

void netif_tap_add(struct netif_tap *tap)
{
    bool taken = netif_change_begin();

    rculist_add_tail(&taps, &tap->link);
    netif_change_end(taken);
}

void netif_tap_remove(struct netif_tap *tap)
{
    bool taken = netif_change_begin();

    rculist_del(&tap->link);
    netif_change_end(taken);
    rcu_synchronize();
}

__cold void netif_taps_down(struct netif *netif)
{
    list_for_each_entry (struct netif_tap, tap, &taps, link)
        if (tap->netif == netif && tap->down)
            tap->down(tap);
}

static bool is_tapped(void)
{
    return __atomic_load_n(&taps.next, __ATOMIC_RELAXED) != &taps;
}

static void show(struct netif *netif, const struct packet *packet, bool outgoing)
{
    rculist_for_each_entry(struct netif_tap, tap, &taps,
                           link) if (!tap->netif || tap->netif == netif)
        tap->seen(tap, packet, outgoing);
}

static void show_arrival(struct netif *netif, struct packet *packet)
{
    unsigned header = packet->link ? (unsigned)(packet->data - packet->link) : 0;

    if (!packet->stamp)
        packet->stamp = clock_realtime();
    packet_push(packet, header);
    show(netif, packet, false);
    packet_pull(packet, header);
}

/* --- the short way */

static bool may_be_source_v4(uint8_t first, bool inside)
{
    return first != 0 && first < 224 && (first != 127 || inside);
}

/* Is the address ours, and on this interface if it must be? */
static bool is_ours(struct netif *netif, const struct inet_addr *a, bool inside)
{
    if (inet_is_loopback(a))
        return inside;
    return netif_address_find(inet_is_link_local(a) && !inet_is_v4(a) ? netif : NULL, a);
}

/* An IPv4 packet without options and fragments whose header is sound (RFC 1122, 3.2.1): its
 * length; 0: not so plain. */
static unsigned plain_v4(const struct packet *packet)
{
    const uint8_t *ip = packet->data;
    unsigned total;

    if (packet->len < 24 || ip[0] != 0x45 || get_be16(ip + 6) & 0x3fff)
        return 0;
    total = get_be16(ip + 2);
    if (total < 24 || total > packet->total || checksum_header(ip) != 0)
        return 0;
    return total;
}

static unsigned plain_v6(const struct packet *packet)
{
    const uint8_t *ip = packet->data;
    unsigned total;

    if (packet->len < 44 || ip[0] >> 4 != 6)
        return 0;
    total = 40u + get_be16(ip + 4);
    return total < 44 || total > packet->total ? 0 : total;
}

struct ends {
    struct inet_addr source, destination;
};

static const struct ip_protocol *look_v4(const struct packet *packet, struct ends *ends)
{
    const uint8_t *ip = packet->data;
    const struct ip_protocol *protocol = rcu_load(ip_protocols_v4[ip[9]]);
    bool inside = packet->netif->type == ARPHRD_LOOPBACK;

    if (!protocol || !protocol->classify || !may_be_source_v4(ip[12], inside))
        return NULL;
    ends->source = inet_v4(get_le32(ip + 12));
    ends->destination = inet_v4(get_le32(ip + 16));
    return protocol;
}

static const struct ip_protocol *look_v6(const struct packet *packet, struct ends *ends)
{
    const uint8_t *ip = packet->data;
    const struct ip_protocol *protocol = rcu_load(ip_protocols_v6[ip[6]]);

    if (!protocol || !protocol->classify || ip[8] == 0xff)
        return NULL;
    memcpy(&ends->source, ip + 8, 16);
    memcpy(&ends->destination, ip + 24, 16);
    /* On the wire mapped addresses have no business. */
    if (inet_is_v4(&ends->source) || inet_is_v4(&ends->destination) || inet_is_any(&ends->source))
        return NULL;
    return protocol;
}

static void count_delivery(const uint8_t *ip, bool v4, unsigned total)
{
    if (v4) {
        MIB(IP_IN_RECEIVES);
        MIB(IP_IN_DELIVERS);
        mib_add(MIB_IPEXT_IN_NO_ECT_PKTS + (ip[1] & 3), 1);
        MIB_ADD(IPEXT_IN_OCTETS, total);
    } else {
        MIB(IP6_IN_RECEIVES);
        MIB(IP6_IN_DELIVERS);
        MIB_ADD(IP6_IN_OCTETS, total);
    }
}

/* Straight to the socket that the packet is for, or away with it: true if it was taken. */
static bool claim(struct packet *packet)
{
    bool v4 = packet->protocol == ETH_P_IP, inside = packet->netif->type == ARPHRD_LOOPBACK;
    unsigned header = v4 ? 20 : 40, total = v4 ? plain_v4(packet) : plain_v6(packet);
    const struct ip_protocol *protocol;
    struct ends ends;

    if (!total)
        return false;
    protocol = v4 ? look_v4(packet, &ends) : look_v6(packet, &ends);
    if (!protocol || !is_ours(packet->netif, &ends.destination, inside) ||
        (!inside && is_ours(NULL, &ends.source, false)))
        return false;
    packet->network = packet->data;
    packet->transport = packet_pull(packet, header);
    struct inet_socket *s = protocol->classify(packet, &ends.source, &ends.destination);
    if (packet->total > total - header)
        packet_trim(packet, total - header);
    if (unlikely(!s) &&
        !(protocol->shed && protocol->shed(packet, &ends.source, &ends.destination))) {
        packet_push(packet, header);
        return false;
    }
    count_delivery(packet->network, v4, total);
    if (likely(s))
        channel_push(s, packet);
    else
        packet_free(packet);
    return true;
}

/* --- netif_receive */

static void count_arrival(struct netif *netif, const struct packet *packet)
{
    struct netif_stats *stats = &netif->stats[this_cpu()->id];

    netif_count(&stats->rx_packets, 1);
    netif_count(&stats->rx_bytes, packet->total);
    if (unlikely(packet->kind == PACKET_MULTICAST))
        netif_count(&stats->multicast, 1);
}

static unsigned kind_of(const struct netif *netif, const uint8_t *mac)
{
    if (likely(get_le32(mac) == get_le32(netif->mac) &&
               get_le16(mac + 4) == get_le16(netif->mac + 4)))
        return PACKET_HOST;
    if (!(mac[0] & 1))
        return PACKET_OTHERHOST;
    return memcmp(mac, netif->broadcast, ETH_ALEN) == 0 ? PACKET_BROADCAST : PACKET_MULTICAST;
}

/* Take the Ethernet header off; false: there is none. */
static bool take_link_header(struct netif *netif, struct packet *packet)
{
    if (!packet_pull_up(packet, MIN(packet->total, ETH_HLEN + 44u)) || packet->len < ETH_HLEN)
        return false;
    packet->link = packet->data;
    packet->kind = (uint8_t)kind_of(netif, packet->link);
    packet->protocol = get_be16(packet->link + 2 * ETH_ALEN);
    packet_pull(packet, ETH_HLEN);
    return true;
}

static void drop_broken(struct netif *netif, struct packet *packet)
{
    netif_count(&netif->stats[this_cpu()->id].rx_errors, 1);
    packet_free(packet);
}

/* A frame that a program has sent to lo by hand keeps its header; what else is left of one is
 * forgotten. */
static __cold void look_at_link(struct netif *netif, struct packet *packet)
{
    if (packet->link + ETH_HLEN == packet->data)
        packet->kind = (uint8_t)kind_of(netif, packet->link);
    else
        packet->link = NULL;
}

void netif_receive(struct netif *netif, struct packet *packet)
{
    packet->netif = netif;
    packet->next = NULL;
    if (unlikely(atomic_load_explicit(&netif_stamps_wanted, memory_order_relaxed)) &&
        !packet->stamp)
        packet->stamp = clock_realtime();
    if (netif->type == ARPHRD_LOOPBACK) {
        packet->kind = PACKET_HOST;
        if (unlikely(packet->link != NULL))
            look_at_link(netif, packet);
        packet_pull_up(packet, MIN(packet->total, 44u));
    } else if (!take_link_header(netif, packet)) {
        drop_broken(netif, packet);
        return;
    }
    count_arrival(netif, packet);
    if (unlikely(is_tapped()))
        show_arrival(netif, packet);
    else if (packet->kind == PACKET_HOST &&
             (packet->protocol == ETH_P_IP || packet->protocol == ETH_P_IPV6) &&
             !rcu_load(ip_raw_hook) && claim(packet))
        return;
    if (packet->kind == PACKET_OTHERHOST)
        packet_free(packet);
    else
        worker_input(packet);
}

/* --- netif_transmit */

static bool does_gso(const struct netif *netif, const struct packet *packet)
{
    static const unsigned feature[] = {[GSO_TCP4] = NETIF_TSO4,
                                       [GSO_TCP6] = NETIF_TSO6,
                                       [GSO_UDP] = NETIF_USO,
                                       [GSO_UFO] = NETIF_UFO};

    return netif->features & feature[packet->gso] && packet->total <= netif->gso_max;
}

static int transmit_one(struct netif *netif, struct packet *packet)
{
    if (packet->checksum == CHECKSUM_PARTIAL && !(netif->features & NETIF_CHECKSUM) &&
        !packet_checksum_finish(packet)) {
        packet_free(packet);
        return -ENOMEM;
    }
    if (packet->more && !(netif->features & NETIF_PIECES)) {
        struct packet *copy = packet_copy(packet, 0);
        packet_free(packet);
        packet = copy;
    }
    return packet ? netif->ops->transmit(netif, packet) : -ENOMEM;
}

static int transmit_segments(struct netif *netif, struct packet *packet)
{
    struct packet *segment = packet_segment(packet), *next;
    int result = segment ? 0 : -ENOMEM;

    for (; segment; segment = next) {
        next = segment->next;
        segment->next = NULL;
        int err = transmit_one(netif, segment);
        if (err)
            result = err;
    }
    return result;
}

int netif_transmit(struct netif *netif, struct packet *packet)
{
    packet->netif = netif;
    if (unlikely(!(atomic_load_explicit(&netif->flags, memory_order_relaxed) & IFF_UP))) {
        netif_count_drop(netif, false);
        packet_free(packet);
        return -ENETDOWN;
    }
    if (unlikely(is_tapped()))
        show(netif, packet, true);
    if (packet->gso && !does_gso(netif, packet))
        return transmit_segments(netif, packet);
    return transmit_one(netif, packet);
}
