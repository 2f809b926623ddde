#include "net/ipv6_core.h"

#include "lib/errno.h"
#include "net/ip_core.h"
#include "net/mib.h"

enum { FRAGMENT_HLEN = 8 };

/* --- the fixed header (RFC 8200, 3; RFC 4291, 2.5.3 and 2.7) */

static bool addresses_are_sound(const struct packet *packet)
{
    const uint8_t *ip = packet->network;
    bool inside = packet->netif == loopback;
    struct inet_addr source = ip_source(packet), destination = ip_destination(packet);

    if (ip[8] == 0xff)
        return false;
    if (inside)
        return true;
    if (inet_is_loopback(&source) || inet_is_loopback(&destination))
        return false;
    if (inet_is_v4(&source) || inet_is_v4(&destination))
        return false;
    if (ip[24] == 0xff)
        return (ip[25] & 15) > SCOPE_INTERFACE;
    return true;
}

/* Link-local addresses of this host, seen through lo: the packet counts as the interface's. */
static void find_scope(struct packet *packet)
{
    struct inet_addr destination = ip_destination(packet);

    if (packet->netif == loopback && inet_is_link_local(&destination)) {
        struct netif_address *a = netif_address_find(NULL, &destination);
        struct netif *netif = a ? a->netif : anycast_netif(NULL, &destination);

        if (netif)
            packet->netif = netif;
    }
}

/* Is it for this host? RCU. */
static bool is_for_us(const struct packet *packet)
{
    struct inet_addr destination = ip_destination(packet);
    struct netif_address *a;
    struct netif *on;

    if (inet_is_multicast(&destination)) {
        MIB(IP6_IN_MCAST_PKTS);
        return packet->netif == loopback || inet_equal(&destination, &ipv6_all_nodes) ||
               netif_in_group(packet->netif, &destination);
    }
    on = inet_is_link_local(&destination) ? packet->netif : NULL;
    a = netif_address_find(on, &destination);
    if (a)
        return !ipv6_is_tentative(a);
    return (!on && route_kind(&destination, packet->netif) == RTN_LOCAL) ||
           anycast_netif(on, &destination);
}

/* The header, and the length that it says: false: drop it. */
static bool take_header(struct packet *packet)
{
    unsigned payload;

    if (!packet_pull_up(packet, IPV6_HLEN) || packet->data[0] >> 4 != 6) {
        MIB(IP6_IN_HDR_ERRORS);
        return false;
    }
    packet->network = packet->data;
    payload = get_be16(packet->network + 4);
    if (payload == 0 && packet->gso)
        payload = packet->total - IPV6_HLEN;
    if (IPV6_HLEN + payload > packet->total) {
        MIB(IP6_IN_TRUNCATED_PKTS);
        return false;
    }
    if (packet->total > IPV6_HLEN + payload)
        packet_trim(packet, IPV6_HLEN + payload);
    return true;
}

/* --- what is behind it */

static void problem(const struct packet *packet, const struct ipv6_chain *chain)
{
    MIB(IP6_IN_HDR_ERRORS);
    icmpv6_parameter_problem(packet, chain->code, chain->pointer);
}

/* Give it to raw sockets and its protocol. Takes it; data is at the transport header. */
static void deliver(struct packet *packet, const struct ipv6_chain *chain)
{
    packet->transport = packet->data;
    if (ip_deliver(packet, chain->next & 0xff)) {
        MIB(IP6_IN_DELIVERS);
        return;
    }
    MIB(IP6_IN_UNKNOWN_PROTOS);
    icmpv6_parameter_problem(packet, 1, chain->next_field);
    packet_free(packet);
}

/* A fragment header at data: behind it the packet goes on (atomic, RFC 6946, or whole again), or
 * NULL: it has been taken. */
static struct packet *take_fragment(struct packet *packet, struct ipv6_chain *chain)
{
    if (get_be16(packet->data + 2) & 0xfff9)
        return ipv6_reassemble(packet, chain);
    ipv6_chain_pass(chain, packet->data);
    packet_pull(packet, FRAGMENT_HLEN);
    return packet;
}

/* The header at data needs more bytes in one piece than there are. */
static bool get_more(struct packet *packet, const struct ipv6_chain *chain)
{
    if (chain->need > packet->total || !packet_pull_up(packet, chain->need)) {
        MIB(IP6_IN_HDR_ERRORS);
        return false;
    }
    return true;
}

/* Walk through the extension headers up to the transport's. Takes the packet. */
static void walk(struct packet *packet, struct ipv6_chain *chain)
{
    for (;;) {
        unsigned before = chain->offset;

        switch (ipv6_chain_step(chain, packet->data, packet->len)) {
        case IPV6_PASSED:
            packet_pull(packet, chain->offset - before);
            continue;
        case IPV6_MORE:
            if (get_more(packet, chain))
                continue;
            break;
        case IPV6_UPPER:
            deliver(packet, chain);
            return;
        case IPV6_FRAGMENT:
            packet = take_fragment(packet, chain);
            if (!packet)
                return;
            continue;
        case IPV6_COMPLAIN:
            problem(packet, chain);
            break;
        case IPV6_DROP:
            break;
        }
        packet_free(packet);
        return;
    }
}

void ipv6_receive(struct packet *packet)
{
    struct ipv6_chain chain;

    MIB(IP6_IN_RECEIVES);
    MIB_ADD(IP6_IN_OCTETS, packet->total);
    if (packet->kind == PACKET_OTHERHOST || ipv6_conf(packet->netif)->disable_ipv6 ||
        !take_header(packet)) {
        packet_free(packet);
        return;
    }
    find_scope(packet);
    if (!addresses_are_sound(packet) || !is_for_us(packet)) {
        MIB(IP6_IN_ADDR_ERRORS);
        packet_free(packet);
        return;
    }
    ipv6_chain_begin(&chain, packet->network, packet->kind == PACKET_HOST);
    packet_pull(packet, IPV6_HLEN);
    walk(packet, &chain);
}
