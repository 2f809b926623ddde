#include "net/ipv6_core.h"

#include "core/random.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "net/ip_core.h"
#include "net/ipv6_headers.h"
#include "net/mib.h"
#include "net/rculist.h"
#include "net/worker.h"

enum { DEFAULT_HOPS = 64, FRAGMENT_HLEN = 8 };

const struct inet_addr ipv6_any;
const struct inet_addr ipv6_all_nodes = {.bytes = {0xff, 2, [15] = 1}};
const struct inet_addr ipv6_all_routers = {.bytes = {0xff, 2, [15] = 2}};

/* --- source addresses */

static bool may_be_source(const struct netif_address *a)
{
    return !inet_is_v4(&a->address) && !ipv6_is_tentative(a) && !(a->flags & IFA_F_DADFAILED);
}

/* Better of those of netif than `best`, if there is one. */
static void choose_among(struct netif *netif, const struct netif *outgoing,
                         const struct inet_addr *destination, struct ipv6_candidate *best)
{
    rculist_for_each_entry(struct netif_address, a, &netif->addresses, link)
    {
        struct ipv6_candidate c = {
            .address = a->address,
            .prefix = a->prefix,
            .deprecated = a->flags & IFA_F_DEPRECATED,
            .outgoing = netif == outgoing,
        };
        if (!may_be_source(a) || (outgoing != loopback && inet_is_loopback(&a->address)))
            continue; /* RFC 4291, 2.5.3 */
        if (inet_equal(&best->address, &ipv6_any) || ipv6_better_source(&c, best, destination))
            *best = c;
    }
}

struct inet_addr ipv6_choose_source(const struct inet_addr *destination, struct netif *netif)
{
    struct ipv6_candidate best = {};

    /* RFC 6724, 4: what does not leave the link takes an address of that link. */
    if (ipv6_scope(destination) <= SCOPE_LINK && netif != loopback) {
        choose_among(netif, netif, destination, &best);
        return best.address;
    }
    for (struct netif *each = netif_first(); each; each = netif_next(each))
        choose_among(each, netif, destination, &best);
    return best.address;
}

struct inet_addr ipv6_link_local(struct netif *netif)
{
    rculist_for_each_entry(struct netif_address, a, &netif->addresses,
                           link) if (may_be_source(a) &&
                                     inet_is_link_local(&a->address)) return a->address;
    return ipv6_any;
}

/* --- the way */

static bool runs(const struct netif *netif)
{
    return atomic_load_explicit(&netif->flags, memory_order_relaxed) & IFF_UP &&
           !ipv6_conf((struct netif *)netif)->disable_ipv6;
}

/* Where groups are reached that nobody has bound to an interface: the first with a link. */
static struct netif *group_netif(const struct ip_flow *flow)
{
    if (flow->bound)
        return runs(flow->bound) ? flow->bound : NULL;
    for (struct netif *netif = netif_first(); netif; netif = netif_next(netif))
        if (netif != loopback && runs(netif))
            return netif;
    return NULL;
}

static int refused(const struct route *route)
{
    switch (route->type) {
    case RTN_BLACKHOLE:
        return -EINVAL;
    case RTN_PROHIBIT:
        return -EACCES;
    case RTN_UNREACHABLE:
        return -EHOSTUNREACH;
    default:
        return 0;
    }
}

static bool is_set(const struct inet_addr *a)
{
    return a->halves[0] | a->halves[1];
}

/* The interface, next hop and MTU; *source: what the route prefers, or ::. */
static int find_way(struct ip_flow *flow, struct inet_addr *source)
{
    const struct route *route = route_find(&flow->destination, flow->bound);
    int err;

    if (!route)
        return -ENETUNREACH;
    err = refused(route);
    if (err)
        return err;
    if (flow->dont_route && is_set(&route->gateway))
        return -ENETUNREACH;
    *source = route->source;
    if (route->type == RTN_LOCAL || route->type == RTN_ANYCAST) {
        *source = route->type == RTN_LOCAL ? flow->destination
                                           : ipv6_choose_source(&flow->destination, route->netif);
        flow->netif = loopback;
        flow->next_hop = flow->destination;
        flow->mtu = loopback->mtu;
        return 0;
    }
    if (!runs(route->netif))
        return -ENETUNREACH;
    flow->netif = route->netif;
    flow->next_hop = is_set(&route->gateway) ? route->gateway : flow->destination;
    flow->mtu = route->mtu ? MIN(route->mtu, ipv6_mtu(route->netif)) : ipv6_mtu(route->netif);
    return 0;
}

static int find_group_way(struct ip_flow *flow)
{
    struct netif *netif = group_netif(flow);

    if (!netif)
        return -ENETUNREACH;
    flow->netif = netif;
    flow->next_hop = flow->destination;
    flow->mtu = ipv6_mtu(netif);
    return 0;
}

unsigned ipv6_mtu(const struct netif *netif)
{
    unsigned learnt = (unsigned)ipv6_conf((struct netif *)netif)->mtu;

    return learnt ? MIN(learnt, netif->mtu) : netif->mtu;
}

/* An address that programs may send from. */
static bool is_ours(const struct inet_addr *source)
{
    struct netif_address *a = netif_address_find(NULL, source);

    return (a && !ipv6_is_tentative(a)) || route_kind(source, NULL) == RTN_LOCAL ||
           anycast_netif(NULL, source);
}

static int route_flow(struct ip_flow *flow, unsigned generation)
{
    struct inet_addr source = ipv6_any;
    bool group = inet_is_multicast(&flow->destination);
    int err = group ? find_group_way(flow) : find_way(flow, &source);

    if (err)
        return err;
    if (!group && flow->netif != loopback) {
        unsigned mtu = ip_path_mtu(&flow->destination, flow->mtu);
        flow->mtu = MIN(flow->mtu, mtu);
    }
    if (is_set(&flow->source) && !inet_is_any(&flow->source)) {
        if (!flow->freebind && !is_ours(&flow->source))
            return -EINVAL;
    } else {
        flow->source =
            is_set(&source) ? source : ipv6_choose_source(&flow->destination, flow->netif);
        if (!is_set(&flow->source))
            return -EADDRNOTAVAIL;
    }
    flow->generation = generation;
    return 0;
}

/* The way to the first station of a routing header is the way. */
static int route_by_station(struct ip_flow *flow, unsigned generation, const uint8_t *station)
{
    struct inet_addr destination = flow->destination;
    int err;

    memcpy(flow->destination.bytes, station, 16);
    err = route_flow(flow, generation);
    flow->destination = destination;
    return err;
}

int ipv6_route(struct ip_flow *flow)
{
    unsigned generation = atomic_load_explicit(&route_generation, memory_order_acquire);
    const uint8_t *station = flow->options_len ? ipv6_headers_station(flow->headers) : NULL;
    int err;

    rcu_read_lock();
    err = station ? route_by_station(flow, generation, station) : route_flow(flow, generation);
    rcu_read_unlock();
    if (err) {
        flow->netif = NULL;
        MIB(IP6_OUT_NO_ROUTES);
    }
    return err;
}

/* --- the header */

/* RFC 6437: the same for all packets of a flow, and not to be foretold. */
static uint32_t flow_label(const struct ip_flow *flow, const struct packet *packet)
{
    static uint64_t secret;
    uint64_t mixed;

    if (flow->label)
        return flow->label;
    if (flow->no_label)
        return 0;
    if (unlikely(!secret))
        secret = random_u64() | 1;
    mixed = flow->source.halves[1] ^ flow->destination.halves[0] * 3 ^ flow->destination.halves[1];
    mixed += flow->salt;
    if (packet->len >= 4 && (flow->protocol == IPPROTO_TCP || flow->protocol == IPPROTO_UDP))
        mixed ^= (uint64_t)get_be32(packet->data) << 32;
    mixed = (mixed ^ secret) * 0x9e3779b97f4a7c15ull;
    mixed = (mixed ^ mixed >> 32) * secret;
    return __builtin_bswap32((uint32_t)(mixed >> 44));
}

static unsigned hops_of(const struct ip_flow *flow)
{
    int hops;

    if (flow->ttl)
        return flow->ttl;
    if (inet_is_multicast(&flow->destination))
        return 1;
    hops = ipv6_conf(flow->netif)->hop_limit;
    return hops > 0 ? (unsigned)hops : DEFAULT_HOPS;
}

/* n bytes in front, for a packet that may have been given too little room. */
static struct packet *push(struct packet *packet, unsigned n)
{
    if (unlikely(packet_headroom(packet) < n)) {
        struct packet *copy = packet_copy(packet, n + PACKET_HEADROOM);
        packet_free(packet);
        if (!copy)
            return NULL;
        packet = copy;
    }
    packet_push(packet, n);
    if (packet->checksum == CHECKSUM_PARTIAL)
        packet->csum_start += (uint16_t)n;
    if (packet->gso)
        packet->header_len += (uint16_t)n;
    return packet;
}

static void put_header(const struct ip_flow *flow, uint8_t *p, unsigned payload, uint32_t label)
{
    /* A GSO packet may be longer than the field can say: it is cut before it leaves. */
    uint32_t first = __builtin_bswap32(6u << 28 | (uint32_t)flow->tos << 20) | label;

    memcpy(p, &first, 4);
    put_be16(p + 4, payload > 65535 ? 0 : (uint16_t)payload);
    p[6] = flow->protocol;
    p[7] = (uint8_t)hops_of(flow);
    memcpy(p + 8, flow->source.bytes, 16);
    memcpy(p + 24, flow->destination.bytes, 16);
}

/* Devices are not to look for the transport behind them. */
static struct packet *put_extensions(const struct ip_flow *flow, struct packet *packet)
{
    ipv6_headers_put(flow->headers, packet->data, flow->protocol);
    if (packet->checksum != CHECKSUM_PARTIAL || packet->gso || packet_checksum_finish(packet))
        return packet;
    packet_free(packet);
    return NULL;
}

/* Put the IPv6 header and the extension headers before the transport's; NULL: no memory. */
static struct packet *add_headers(const struct ip_flow *flow, struct packet *packet)
{
    uint32_t label = flow_label(flow, packet);
    uint8_t *p;

    packet->transport = packet->data;
    packet = push(packet, IPV6_HLEN + flow->options_len);
    if (!packet)
        return NULL;
    p = packet->network = packet->data;
    packet->transport = p + IPV6_HLEN + flow->options_len;
    packet->protocol = ETH_P_IPV6;
    packet->mark = flow->mark;
    put_header(flow, p, packet->total - IPV6_HLEN, label);
    if (unlikely(flow->options_len))
        return put_extensions(flow, packet);
    return packet;
}

/* --- fragments (RFC 8200, 4.5) */

/* One of `n` bytes from `offset` of what can be cut; before: the headers that each one has. */
static struct packet *fragment(const struct packet *whole, unsigned before, int field,
                               unsigned offset, unsigned n, bool last, uint32_t id)
{
    struct packet *packet = packet_alloc(PACKET_HEADROOM, before + FRAGMENT_HLEN + n);
    unsigned next_at = field < 0 ? 6 : IPV6_HLEN + (unsigned)field;
    uint8_t *p;

    if (!packet)
        return NULL;
    p = packet_append(packet, before + FRAGMENT_HLEN + n);
    if (!packet_read(whole, 0, p, before) ||
        !packet_read(whole, before + offset, p + before + FRAGMENT_HLEN, n)) {
        packet_free(packet);
        return NULL;
    }
    put_be16(p + 4, (uint16_t)(before - IPV6_HLEN + FRAGMENT_HLEN + n));
    p[before] = p[next_at];
    p[before + 1] = 0;
    put_be16(p + before + 2, (uint16_t)(offset | (last ? 0 : 1)));
    put_be32(p + before + 4, id);
    p[next_at] = NEXT_FRAGMENT;
    packet->network = p;
    packet->protocol = ETH_P_IPV6;
    packet->hash = whole->hash;
    return packet;
}

/* Send `whole` in pieces of `size` bytes; `before` bytes of headers go into each. */
static int send_fragments(struct ip_flow *flow, const struct packet *whole, unsigned before,
                          int field, unsigned size)
{
    uint32_t id = (uint32_t)random_u64();
    unsigned cuttable = whole->total - before;
    int err = 0;

    for (unsigned offset = 0; offset < cuttable && !err; offset += size) {
        unsigned n = MIN(size, cuttable - offset);
        struct packet *packet =
            fragment(whole, before, field, offset, n, offset + n == cuttable, id);

        if (!packet)
            return -ENOMEM;
        MIB(IP6_FRAG_CREATES);
        err = neighbour_send(flow->netif, &flow->next_hop, packet);
    }
    return err;
}

/* RFC 7112: all headers, the transport's included, lie in the first. */
static unsigned first_least(const struct ip_flow *flow)
{
    return IPV6_HLEN + flow->options_len + (flow->protocol == IPPROTO_UDP ? 8 : 0);
}

static int too_big(struct packet *packet)
{
    packet_free(packet);
    MIB(IP6_FRAG_FAILS);
    return -EMSGSIZE;
}

static int fragment_and_send(struct ip_flow *flow, struct packet *whole, unsigned mtu)
{
    unsigned place, before, size;
    int field = -1, err;

    ipv6_fragment_place(whole->data + IPV6_HLEN, flow->options_len, whole->data[6], &place, &field);
    before = IPV6_HLEN + place;
    if (mtu < before + FRAGMENT_HLEN + 8 || mtu < first_least(flow))
        return too_big(whole);
    size = (mtu - before - FRAGMENT_HLEN) & ~7u;
    if (ip_leave_fragments(flow, whole, size))
        return neighbour_send(flow->netif, &flow->next_hop, whole);
    if (whole->checksum == CHECKSUM_PARTIAL && !packet_checksum_finish(whole))
        return too_big(whole);
    err = send_fragments(flow, whole, before, field, size);
    packet_free(whole);
    if (err)
        MIB(IP6_FRAG_FAILS);
    else
        MIB(IP6_FRAG_OKS);
    return err;
}

static bool may_fragment(const struct ip_flow *flow)
{
    if (flow->dont_fragment && (flow->protocol == IPPROTO_UDP || flow->protocol == IPPROTO_ICMPV6 ||
                                flow->protocol == IPPROTO_RAW))
        return false;
    return flow->pmtudisc < PMTUDISC_DO || flow->pmtudisc == PMTUDISC_OMIT;
}

/* --- sending */

/* A copy of a multicast for those on this host who listen. */
static void loop_back(struct ip_flow *flow, const struct packet *packet)
{
    struct packet *copy;

    struct inet_addr group = ip_destination(packet);
    if (flow->no_loop || !netif_in_group(flow->netif, &group))
        return;
    copy = packet_copy(packet, 0);
    if (!copy)
        return;
    copy->network = copy->data;
    copy->netif = flow->netif;
    copy->kind = PACKET_MULTICAST;
    copy->protocol = ETH_P_IPV6;
    if (copy->checksum == CHECKSUM_PARTIAL)
        copy->checksum = CHECKSUM_GOOD;
    worker_input(copy);
}

static bool stays_here(const struct ip_flow *flow)
{
    return flow->here_only || ipv6_scope(&flow->destination) <= SCOPE_INTERFACE;
}

/* A packet with its headers: in one or several pieces to the next hop. */
static int dispatch(struct ip_flow *flow, struct packet *packet)
{
    unsigned limit = flow->pmtudisc == PMTUDISC_PROBE || flow->pmtudisc == PMTUDISC_INTERFACE
                         ? flow->netif->mtu
                         : flow->mtu;

    if (unlikely(packet->network[24] == 0xff) && flow->netif != loopback) {
        MIB(IP6_OUT_MCAST_PKTS);
        loop_back(flow, packet);
        if (stays_here(flow)) {
            packet_free(packet);
            return 0;
        }
    }
    if (unlikely(flow->fragment_most)) {
        /* What the way takes whole goes whole, but only if fragments could be made of it. */
        unsigned most = MIN(limit, (unsigned)flow->fragment_most);
        if (packet->total > most && (!may_fragment(flow) || most < first_least(flow)))
            return too_big(packet);
        if (packet->total > limit)
            limit = most;
    }
    if (likely(packet->total <= limit || packet->gso))
        return neighbour_send(flow->netif, &flow->next_hop, packet);
    return may_fragment(flow) ? fragment_and_send(flow, packet, limit) : too_big(packet);
}

int ipv6_send(struct ip_flow *flow, struct packet *packet)
{
    if (packet->total + flow->options_len > 65535 && !packet->gso) {
        packet_free(packet);
        return -EMSGSIZE;
    }
    packet = add_headers(flow, packet);
    if (!packet)
        return -ENOBUFS;
    MIB(IP6_OUT_REQUESTS);
    MIB_ADD(IP6_OUT_OCTETS, packet->total);
    return dispatch(flow, packet);
}

/* IPV6_HDRINCL: the program has made the header; it is sent as it is. */
static int send_ready(struct ip_flow *flow, struct packet *packet)
{
    if (packet->total > flow->netif->mtu) {
        packet_free(packet);
        return -EMSGSIZE;
    }
    packet->network = packet->data;
    packet->protocol = ETH_P_IPV6;
    MIB(IP6_OUT_REQUESTS);
    MIB_ADD(IP6_OUT_OCTETS, packet->total);
    return neighbour_send(flow->netif, &flow->next_hop, packet);
}

int ipv6_output(struct ip_flow *flow, struct packet *packet)
{
    if (unlikely(!flow->netif || flow->generation != atomic_load_explicit(&route_generation,
                                                                          memory_order_acquire))) {
        int err = ipv6_route(flow);
        if (err) {
            packet_free(packet);
            return err;
        }
    }
    return unlikely(flow->header_included) ? send_ready(flow, packet) : ipv6_send(flow, packet);
}
