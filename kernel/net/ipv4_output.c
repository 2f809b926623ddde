/* IPv4: the way a packet goes, its header, and fragments (RFC 791, 1122, 6864). */
#include "core/clock.h"
#include "core/random.h"
#include "lib/endian.h"
#include "lib/errno.h"
#include "net/inet.h"
#include "net/ip_core.h"
#include "net/mib.h"
#include "net/rculist.h"
#include "net/worker.h"

enum { HEADER = 20, HEADER_MAX = 60, IDENTS = 512 };
enum { DONT_FRAGMENT = 0x4000, MORE_FRAGMENTS = 0x2000 };

unsigned ip_default_ttl = 64;

/* --- the way */

static bool is_set(const struct inet_addr *a)
{
    return a->halves[0] || a->halves[1];
}

/* The best of an interface's addresses: in the destination's subnet, else the first; none with a
 * smaller scope than the destination needs. */
static __cold const struct netif_address *
choose_on(struct netif *netif, const struct inet_addr *destination, unsigned scope)
{
    const struct netif_address *best = NULL;

    rculist_for_each_entry(struct netif_address, a, &netif->addresses, link)
    {
        if (!inet_is_v4(&a->address) || a->scope > scope)
            continue;
        if (inet_prefix_match(&a->address, destination, a->prefix))
            return a;
        if (!best)
            best = a;
    }
    return best;
}

__cold struct inet_addr ipv4_choose_source(const struct inet_addr *destination, struct netif *netif,
                                           unsigned scope)
{
    const struct netif_address *a = choose_on(netif, destination, scope);

    for (struct netif *n = netif_first(); n && !a; n = netif_next(n))
        a = choose_on(n, destination, MIN(scope, (unsigned)RT_SCOPE_LINK));
    return a ? a->address : inet_v4(0);
}

/* May packets have this source? */
static bool is_own_source(const struct ip_flow *flow)
{
    return flow->freebind || flow->header_included || inet_is_any(&flow->source) ||
           route_kind(&flow->source, NULL) == RTN_LOCAL;
}

static unsigned scope_of(const struct inet_addr *destination)
{
    return inet_is_loopback(destination) ? RT_SCOPE_HOST : RT_SCOPE_LINK;
}

/* Out by this interface, straight to the destination. */
static int go_direct(struct ip_flow *flow, struct netif *netif)
{
    if (!(atomic_load(&netif->flags) & IFF_UP))
        return -ENETDOWN;
    flow->netif = netif;
    flow->next_hop = flow->destination;
    flow->mtu = netif->mtu;
    if (inet_is_any(&flow->source))
        flow->source = ipv4_choose_source(&flow->destination, netif, RT_SCOPE_LINK);
    return 0;
}

static int error_of(const struct route *route)
{
    switch (route->type) {
    case RTN_BLACKHOLE:
        return -EINVAL;
    case RTN_UNREACHABLE:
        return -EHOSTUNREACH;
    case RTN_PROHIBIT:
        return -EACCES;
    default:
        return 0;
    }
}

static int go_by(struct ip_flow *flow, const struct route *route)
{
    bool local = route->type == RTN_LOCAL;
    int err = error_of(route);

    if (err)
        return err;
    if (route->type == RTN_BROADCAST && !flow->broadcast)
        return -EACCES;
    if (flow->dont_route && is_set(&route->gateway))
        return -ENETUNREACH;
    flow->netif = local ? loopback : route->netif;
    flow->next_hop = is_set(&route->gateway) ? route->gateway : flow->destination;
    flow->mtu = route->mtu ? MIN(route->mtu, flow->netif->mtu) : flow->netif->mtu;
    flow->mtu = ip_path_mtu(&flow->destination, flow->mtu);
    if (!inet_is_any(&flow->source))
        return 0;
    if (is_set(&route->source) && !inet_is_any(&route->source))
        flow->source = route->source;
    else if (local)
        flow->source = flow->destination;
    else
        flow->source =
            ipv4_choose_source(&flow->next_hop, route->netif, scope_of(&flow->destination));
    return 0;
}

/* To several: by the interface that is told, or has the source, or that the routes say. */
static int go_to_many(struct ip_flow *flow, bool broadcast)
{
    const struct route *route;
    const struct netif_address *a;

    struct netif *netif = flow->bound;
    if (!netif) {
        a = inet_is_any(&flow->source) ? NULL : netif_address_find(NULL, &flow->source);
        route = a ? NULL : route_find(&flow->destination, NULL);
        netif = a ? a->netif : route ? route->netif : NULL;
    }
    if (!netif)
        return -ENETUNREACH;
    return broadcast && !flow->broadcast ? -EACCES : go_direct(flow, netif);
}

int ipv4_route(struct ip_flow *flow)
{
    const struct route *route;

    if (!is_own_source(flow))
        return inet_is_multicast(&flow->source) || inet_is_limited_broadcast(&flow->source)
                   ? -EINVAL
                   : -ENETUNREACH;
    /* 0.0.0.0 is this host. */
    if (inet_is_any(&flow->destination))
        flow->destination = inet_is_any(&flow->source) ? inet_v4(0x0100007f) : flow->source;
    if (inet_is_limited_broadcast(&flow->destination) || inet_is_multicast(&flow->destination))
        return go_to_many(flow, !inet_is_multicast(&flow->destination));
    route = route_find(&flow->destination, flow->bound);
    if (route)
        return go_by(flow, route);
    /* No route by that interface: it is taken for a neighbour there. */
    return flow->bound ? go_direct(flow, flow->bound) : -ENETUNREACH;
}

/* --- the header */

/* Numbers of one destination follow each other, those of others tell nothing of them (RFC 6864; RFC
 * 7739). */
static uint16_t next_id(const struct ip_flow *flow)
{
    static atomic_uint idents[IDENTS];
    uint32_t hash = inet_hash_flow(&flow->source, flow->protocol, &flow->destination, 0);
    unsigned n = atomic_fetch_add_explicit(&idents[hash % IDENTS], 1, memory_order_relaxed);

    return (uint16_t)((hash >> 16) + n);
}

static bool wants_df(const struct ip_flow *flow, unsigned total, unsigned mtu)
{
    switch (flow->pmtudisc) {
    case PMTUDISC_DO:
    case PMTUDISC_PROBE:
        return true;
    case PMTUDISC_WANT:
        return total <= mtu;
    default:
        return false;
    }
}

/* What the packet may measure; those that probe do not believe what was learnt. */
static unsigned mtu_of(const struct ip_flow *flow)
{
    switch (flow->pmtudisc) {
    case PMTUDISC_PROBE:
    case PMTUDISC_INTERFACE:
    case PMTUDISC_OMIT:
        return flow->netif->mtu;
    default:
        return flow->mtu;
    }
}

static bool may_fragment(const struct ip_flow *flow)
{
    return flow->pmtudisc != PMTUDISC_DO && flow->pmtudisc != PMTUDISC_PROBE &&
           flow->pmtudisc != PMTUDISC_INTERFACE;
}

static unsigned ttl_of(const struct ip_flow *flow)
{
    if (flow->ttl)
        return flow->ttl;
    return inet_is_multicast(&flow->destination) ? 1 : ip_default_ttl;
}

static void put_checksum(uint8_t *ip, unsigned header)
{
    put_le16(ip + 10, 0);
    put_le16(ip + 10, likely(header == HEADER) ? checksum_header(ip)
                                               : checksum_fold(checksum_add(0, ip, header)));
}

static void write_header(const struct ip_flow *flow, uint8_t *ip, unsigned header, unsigned total,
                         bool df)
{
    ip[0] = (uint8_t)(0x40 | header / 4);
    ip[1] = flow->tos;
    put_be16(ip + 2, (uint16_t)total);
    put_be16(ip + 4, df ? 0 : next_id(flow));
    put_be16(ip + 6, df ? DONT_FRAGMENT : 0);
    ip[8] = (uint8_t)ttl_of(flow);
    ip[9] = flow->protocol;
    put_le32(ip + 12, inet_v4_of(&flow->source));
    put_le32(ip + 16, inet_v4_of(&flow->destination));
    if (unlikely(header > HEADER))
        memcpy(ip + HEADER, flow->options, header - HEADER);
    put_checksum(ip, header);
}

/* What the program has left out of a header of its own (ip(7), raw(7)). */
static int complete_header(const struct ip_flow *flow, struct packet *packet)
{
    uint8_t *ip;
    unsigned header;

    if (!packet_pull_up(packet, HEADER))
        return -EINVAL;
    header = (packet->data[0] & 15) * 4u;
    if (header < HEADER || packet->total > 65535 || !packet_own(packet, header))
        return -EINVAL;
    ip = packet->data;
    put_be16(ip + 2, (uint16_t)packet->total);
    if (!get_le16(ip + 4))
        put_be16(ip + 4, next_id(flow));
    if (!get_le32(ip + 12))
        put_le32(ip + 12, inet_v4_of(&flow->source));
    put_checksum(ip, header);
    packet->network = ip;
    return 0;
}

static int make_room(struct packet **packet, unsigned header)
{
    struct packet *copy;

    if (likely(packet_headroom(*packet) >= header))
        return 0;
    copy = packet_copy(*packet, PACKET_HEADROOM);
    packet_free(*packet);
    *packet = copy;
    return copy ? 0 : -ENOMEM;
}

static int add_header(const struct ip_flow *flow, struct packet **packet)
{
    unsigned header = HEADER + flow->options_len, total;
    struct packet *p;

    if (header > HEADER_MAX || (*packet)->total > 65535 - header) {
        packet_free(*packet);
        return -EMSGSIZE;
    }
    if (make_room(packet, header) < 0)
        return -ENOMEM;
    p = *packet;
    p->transport = p->data;
    p->network = packet_push(p, header);
    total = p->total;
    write_header(flow, p->network, header, total, p->gso || wants_df(flow, total, mtu_of(flow)));
    if (p->checksum == CHECKSUM_PARTIAL)
        p->csum_start = (uint16_t)(p->csum_start + header);
    if (p->gso)
        p->header_len = (uint16_t)(p->header_len + header);
    return 0;
}

/* --- fragments */

struct cutting {
    const struct ip_flow *flow;
    struct packet *packet; /* at its network header */
    unsigned header, mtu;
};

/* The fragment of n bytes from offset on (of what is behind the header). */
static struct packet *cut(const struct cutting *c, unsigned offset, unsigned n, bool more)
{
    const struct packet *whole = c->packet;
    struct packet *f = packet_alloc(PACKET_HEADROOM, c->header);
    uint8_t *ip;

    if (!f)
        return NULL;
    f->more = packet_slice(whole, c->header + offset, n);
    if (!f->more) {
        packet_free(f);
        return NULL;
    }
    ip = packet_append(f, c->header);
    f->total += n;
    memcpy(ip, whole->network, c->header);
    if (offset && c->header > HEADER)
        ipv4_options_later(ip + HEADER, c->header - HEADER);
    put_be16(ip + 2, (uint16_t)f->total);
    put_be16(ip + 6, (uint16_t)(offset / 8 | (more ? MORE_FRAGMENTS : 0)));
    put_checksum(ip, c->header);
    f->network = ip;
    f->protocol = ETH_P_IP;
    f->kind = whole->kind;
    f->hash = whole->hash;
    return f;
}

static int send_fragments(const struct cutting *c)
{
    unsigned rest = c->packet->total - c->header, offset = 0;
    unsigned most = (c->mtu - c->header) & ~7u;
    int err = 0;

    while (rest && !err) {
        unsigned n = MIN(rest, most);
        struct packet *f = cut(c, offset, n, n < rest);
        if (!f)
            return -ENOMEM;
        MIB(IP_FRAG_CREATES);
        err = neighbour_send(c->flow->netif, &c->flow->next_hop, f);
        offset += n;
        rest -= n;
    }
    return err;
}

static int fragment(const struct ip_flow *flow, struct packet *packet, unsigned mtu)
{
    struct cutting c = {
        .flow = flow, .packet = packet, .header = (packet->network[0] & 15) * 4u, .mtu = mtu};
    int err = -EMSGSIZE;

    if (may_fragment(flow) && mtu >= c.header + 8 && !flow->header_included) {
        if (ip_leave_fragments(flow, packet, (mtu - HEADER) & ~7u))
            return neighbour_send(flow->netif, &flow->next_hop, packet);
        err = 0;
        if (packet->checksum == CHECKSUM_PARTIAL && !packet_checksum_finish(packet))
            err = -ENOMEM;
        if (!err)
            err = send_fragments(&c);
    }
    if (err)
        MIB(IP_FRAG_FAILS);
    else
        MIB(IP_FRAG_OKS);
    packet_free(packet);
    return err;
}

/* --- sending */

static bool fits(const struct packet *packet, unsigned mtu)
{
    if (packet->gso)
        return (unsigned)packet->header_len + packet->gso_size <= mtu;
    return packet->total <= mtu;
}

/* Packets to several reach this host, too, if it is one of them. */
static void loop_back(struct ip_flow *flow, const struct packet *packet, bool multicast)
{
    struct packet *copy;

    if (multicast && (flow->no_loop || !netif_in_group(flow->netif, &flow->destination)))
        return;
    copy = packet_clone(packet);
    if (!copy)
        return;
    copy->netif = flow->netif;
    copy->kind = multicast ? PACKET_MULTICAST : PACKET_BROADCAST;
    copy->protocol = ETH_P_IP;
    copy->link = copy->transport = NULL;
    worker_input(copy);
}

static void count_departure(const struct packet *packet, unsigned kind)
{
    MIB(IP_OUT_REQUESTS);
    MIB_ADD(IPEXT_OUT_OCTETS, packet->total);
    if (likely(kind == PACKET_HOST))
        return;
    if (kind == PACKET_MULTICAST) {
        MIB(IPEXT_OUT_MCAST_PKTS);
        MIB_ADD(IPEXT_OUT_MCAST_OCTETS, packet->total);
    } else {
        MIB(IPEXT_OUT_BCAST_PKTS);
        MIB_ADD(IPEXT_OUT_BCAST_OCTETS, packet->total);
    }
}

static unsigned kind_of(const struct ip_flow *flow)
{
    if (likely(flow->netif == loopback))
        return inet_is_multicast(&flow->destination) ? PACKET_MULTICAST : PACKET_HOST;
    if (inet_is_multicast(&flow->destination))
        return PACKET_MULTICAST;
    if (!flow->broadcast)
        return PACKET_HOST;
    return route_kind(&flow->destination, flow->netif) == RTN_BROADCAST ? PACKET_BROADCAST
                                                                        : PACKET_HOST;
}

static int send(struct ip_flow *flow, struct packet *packet)
{
    unsigned mtu = mtu_of(flow), kind = kind_of(flow);

    packet->protocol = ETH_P_IP;
    packet->kind = PACKET_OUTGOING;
    packet->mark = flow->mark;
    if (flow->hash)
        packet->hash = flow->hash;
    count_departure(packet, kind);
    if (unlikely(kind != PACKET_HOST)) {
        loop_back(flow, packet, kind == PACKET_MULTICAST);
        if (flow->here_only || (kind == PACKET_MULTICAST && flow->netif == loopback)) {
            packet_free(packet);
            return 0;
        }
    }
    if (unlikely(!fits(packet, mtu)))
        return fragment(flow, packet, mtu);
    return neighbour_send(flow->netif, &flow->next_hop, packet);
}

int ipv4_output(struct ip_flow *flow, struct packet *packet)
{
    int err = ip_route(flow);

    if (unlikely(err)) {
        if (err == -ENETUNREACH)
            MIB(IP_OUT_NO_ROUTES);
        packet_free(packet);
        return err;
    }
    if (unlikely(flow->header_included)) {
        err = complete_header(flow, packet);
        if (err)
            packet_free(packet);
    } else {
        err = add_header(flow, &packet);
    }
    return err ? err : send(flow, packet);
}
