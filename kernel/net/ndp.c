/* Neighbour discovery (RFC 4861, 7): solicitations and advertisements. What is slow, or about
 * tentative addresses, is left to the thread. */
#include "net/ipv6_core.h"

#include "lib/errno.h"
#include "net/mib.h"

enum {
    NDP_HOPS = 255,
    NS_LEN = 24,
    MAC_OPTION = 8,
    NA_ROUTER = 0x80,
    NA_SOLICITED = 0x40,
    NA_OVERRIDE = 0x20
};

static void put_mac(uint8_t *option, unsigned type, const struct netif *netif)
{
    option[0] = (uint8_t)type;
    option[1] = MAC_OPTION / 8;
    memcpy(option + 2, netif->mac, ETH_ALEN);
}

void ndp_send_ns(struct netif *netif, const struct inet_addr *target,
                 const struct inet_addr *source, const struct inet_addr *destination,
                 const uint8_t nonce[6])
{
    bool named = !inet_is_any(source);
    struct packet *packet =
        icmpv6_message(NDP_NS, NS_LEN + (named ? MAC_OPTION : 0) + (nonce ? MAC_OPTION : 0));
    uint8_t *option;

    if (!packet)
        return;
    memcpy(packet->data + 8, target->bytes, 16);
    option = packet->data + NS_LEN;
    if (named) {
        put_mac(option, ND_SOURCE, netif);
        option += MAC_OPTION;
    }
    if (nonce) {
        option[0] = ND_NONCE;
        option[1] = 1;
        memcpy(option + 2, nonce, 6);
    }
    icmpv6_send(netif, source, destination, NDP_HOPS, packet);
}

void ndp_send_na(struct netif *netif, const struct inet_addr *target,
                 const struct inet_addr *destination, bool solicited, bool override)
{
    struct packet *packet = icmpv6_message(NDP_NA, NS_LEN + MAC_OPTION);

    if (!packet)
        return;
    packet->data[4] = (solicited ? NA_SOLICITED : 0) | (override ? NA_OVERRIDE : 0);
    memcpy(packet->data + 8, target->bytes, 16);
    put_mac(packet->data + NS_LEN, ND_TARGET, netif);
    struct inet_addr source = *target;
    if (anycast_netif(netif, target)) /* several may answer: RFC 4861, 7.2.7 */
        source = ipv6_choose_source(destination, netif);
    icmpv6_send(netif, &source, destination, NDP_HOPS, packet);
}

void ndp_solicit(struct neighbour *neighbour)
{
    struct netif *netif = neighbour->netif;
    struct inet_addr group = ipv6_solicited_node(&neighbour->address), source;
    bool probe = neighbour->state == NUD_PROBE;

    rcu_read_lock();
    source = ipv6_choose_source(&neighbour->address, netif);
    rcu_read_unlock();
    if (!inet_is_any(&source))
        ndp_send_ns(netif, &neighbour->address, &source, probe ? &neighbour->address : &group,
                    NULL);
}

/* --- input */

/* A copy of the message for the thread. */
static void post(const struct packet *packet)
{
    struct packet *copy = packet_copy(packet, 0);

    if (!copy)
        return;
    copy->netif = packet->netif;
    memcpy(copy->scratch, packet->network + 8, 32); /* source and destination */
    ipv6_thread_post(copy);
}

static void answer(struct packet *packet, const struct ndp_neighbour *ns, bool override)
{
    struct inet_addr source = ip_source(packet), destination = ip_destination(packet);

    if (inet_is_any(&source)) { /* somebody's detection of duplicates: to all */
        ndp_send_na(packet->netif, &ns->target, &ipv6_all_nodes, false, override);
        return;
    }
    if (ns->mac)
        neighbour_learn(packet->netif, &source, ns->mac, false, true, true);
    else if (inet_is_multicast(&destination))
        return; /* RFC 4861, 4.3: the option must be there */
    ndp_send_na(packet->netif, &ns->target, &source, true, override);
}

static void take_ns(struct packet *packet)
{
    struct inet_addr source = ip_source(packet), destination = ip_destination(packet);
    static const uint8_t prefix[13] = {0xff, 2, [11] = 1, 0xff};
    bool solicited_node = memcmp(destination.bytes, prefix, sizeof(prefix)) == 0;
    struct netif_address *a;
    struct ndp_neighbour ns;

    MIB(ICMP6_IN_NEIGHBOR_SOLICITS);
    if (ndp_parse_ns(packet->data, packet->len, inet_is_any(&source), solicited_node, &ns))
        return;
    a = netif_address_find(packet->netif, &ns.target);
    if ((!a && !anycast_netif(packet->netif, &ns.target)) || inet_is_v4(&ns.target))
        return;
    if (!a || !ipv6_is_tentative(a))
        answer(packet, &ns, a);
    else if (inet_is_any(&source)) /* who resolves it does not see us yet: RFC 4862, 5.4.3 */
        post(packet);
}

struct gateway {
    const struct netif *netif;
    const struct inet_addr *address;
    bool found;
};

static bool look_for_gateway(const struct route *route, void *arg)
{
    struct gateway *wanted = arg;

    wanted->found = route->protocol == RTPROT_RA && route->netif == wanted->netif &&
                    inet_equal(&route->gateway, wanted->address);
    return !wanted->found;
}

/* Do routes that an advertisement brought lead there? */
static bool is_gateway(const struct netif *netif, const struct inet_addr *address)
{
    struct gateway wanted = {netif, address, false};

    route_each(look_for_gateway, &wanted);
    return wanted.found;
}

static void take_na(struct packet *packet)
{
    struct inet_addr destination = ip_destination(packet);
    struct netif_address *a;
    struct ndp_neighbour na;

    MIB(ICMP6_IN_NEIGHBOR_ADVERTISEMENTS);
    if (ndp_parse_na(packet->data, packet->len, inet_is_multicast(&destination), &na))
        return;
    a = netif_address_find(packet->netif, &na.target);
    if (a) {
        if (ipv6_is_tentative(a))
            post(packet);
        return;
    }
    if (na.mac)
        neighbour_learn(packet->netif, &na.target, na.mac, na.solicited, na.override, false);
    else if (na.solicited)
        neighbour_confirm(packet->netif, &na.target);
    if (!na.router && is_gateway(packet->netif, &na.target))
        post(packet); /* it is a router no longer: RFC 4861, 7.3.3 */
}

void ndp_receive(struct packet *packet, unsigned type)
{
    if (packet->netif == loopback || packet->network[7] != NDP_HOPS || packet->data[1] != 0 ||
        !packet_pull_up(packet, packet->total))
        return;
    switch (type) {
    case NDP_NS:
        take_ns(packet);
        break;
    case NDP_NA:
        take_na(packet);
        break;
    case NDP_RA:
        MIB(ICMP6_IN_ROUTER_ADVERTISEMENTS);
        post(packet);
        break;
    case NDP_REDIRECT:
        MIB(ICMP6_IN_REDIRECTS);
        post(packet);
        break;
    }
}
