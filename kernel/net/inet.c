/* net/inet.c: AF_INET and AF_INET6: kinds of sockets, addresses as programs write them, and where a
 * socket's packets go. */
#include "net/inet.h"

#include "core/boot.h"
#include "mm/heap.h"
#include "net/inet6.h"

enum { RFC2133_LEN = 24 }; /* sockaddr_in6 without the scope is long enough */

/* --- kinds
 * ------------------------------------------------------------------------------------------------
 */

static struct list kinds = LIST_INIT(kinds);

/* TCP and UDP first: they are what protocol 0 means. */
void inet_kind_register(struct inet_kind *kind)
{
    if (kind->protocol == IPPROTO_TCP || kind->protocol == IPPROTO_UDP)
        list_add(&kinds, &kind->link);
    else
        list_add_tail(&kinds, &kind->link);
}

/* The kind of socket(2)'s type and protocol, which becomes that of the kind where it was 0. */
static const struct inet_kind *find_kind(int type, int *protocol, int *err)
{
    *err = -ESOCKTNOSUPPORT;
    list_for_each_entry (struct inet_kind, kind, &kinds, link) {
        if (kind->type != type)
            continue;
        *err = -EPROTONOSUPPORT;
        if (*protocol == kind->protocol && *protocol)
            return kind;
        if (*protocol == kind->protocol)
            continue;
        if (!*protocol)
            *protocol = kind->protocol;
        else if (kind->protocol)
            continue;
        return kind;
    }
    return NULL;
}

static int create(int family, int type, int protocol, struct socket **socket)
{
    int err;
    if (protocol < 0 || protocol > 262) /* IPPROTO_MPTCP is the last */
        return -EINVAL;
    const struct inet_kind *kind = find_kind(type, &protocol, &err);
    return kind ? kind->create(family, protocol, socket) : err;
}

static int create4(int type, int protocol, struct socket **socket)
{
    return create(AF_INET, type, protocol, socket);
}

static int create6(int type, int protocol, struct socket **socket)
{
    return create(AF_INET6, type, protocol, socket);
}

static int start(void)
{
    static const struct socket_family inet4 = {AF_INET, create4}, inet6 = {AF_INET6, create6};
    socket_family_register(&inet4);
    socket_family_register(&inet6);
    return 0;
}
BOOT_STEP(PHASE_BUS, "internet sockets", start);

/* --- addresses
 * ------------------------------------------------------------------------------------------- */

static bool needs_scope(const struct inet_addr *ip)
{
    if (inet_is_v4(ip))
        return false;
    return inet_is_link_local(ip) ||
           (ip->bytes[0] == 0xff && ((ip->bytes[1] & 15) == 1 || (ip->bytes[1] & 15) == 2));
}

static int get4(const struct socket_address *address, struct inet_addr *ip, unsigned *port)
{
    struct sockaddr_in in;
    if (address->len < sizeof(in))
        return -EINVAL;
    memcpy(&in, address->bytes, sizeof(in));
    *ip = inet_v4(in.address);
    *port = get_be16(&in.port);
    return 0;
}

static int get6(const struct socket_address *address, struct inet_addr *ip, unsigned *port,
                uint32_t *scope)
{
    struct sockaddr_in6 in = {};
    if (address->len < RFC2133_LEN)
        return -EINVAL;
    memcpy(&in, address->bytes, MIN((size_t)address->len, sizeof(in)));
    memcpy(ip->bytes, in.address, sizeof(ip->bytes));
    *port = get_be16(&in.port);
    if (needs_scope(ip))
        *scope = in.scope_id;
    return 0;
}

int inet_address_get(const struct inet_socket *s, const struct socket_address *address,
                     struct inet_addr *ip, unsigned *port, uint32_t *scope)
{
    *scope = 0;
    if (address->len < sizeof(address->family))
        return -EINVAL;
    if (address->family == AF_UNSPEC)
        return 1;
    if (s->socket.family == AF_INET) {
        if (address->len < sizeof(struct sockaddr_in))
            return -EINVAL;
        return address->family == AF_INET ? get4(address, ip, port) : -EAFNOSUPPORT;
    }
    if (address->family == AF_INET && s->socket.type == SOCK_DGRAM)
        return s->v6only ? -ENETUNREACH : get4(address, ip, port);
    if (address->len < RFC2133_LEN)
        return -EINVAL;
    if (address->family != AF_INET6)
        return -EAFNOSUPPORT;
    int err = get6(address, ip, port, scope);
    return !err && s->v6only && inet_is_v4(ip) ? -ENETUNREACH : err;
}

int inet_destination_get(const struct inet_socket *s, const struct socket_address *address,
                         struct inet_addr *ip, unsigned *port, uint32_t *scope)
{
    static const struct inet_addr here6 = {.bytes = {[15] = 1}};
    int err = inet_address_get(s, address, ip, port, scope);
    if (err || !inet_is_any(ip))
        return err;
    /* Of a socket that is bound to an IPv4 address, that kind of loopback. */
    bool v4 = inet_is_v4(ip) || inet_is_v4(&s->local);
    *ip = v4 ? inet_v4(__builtin_bswap32(0x7f000001)) : here6;
    return 0;
}

void inet_address_put(const struct inet_socket *s, struct socket_address *address,
                      const struct inet_addr *ip, unsigned port, uint32_t scope)
{
    if (s->socket.family == AF_INET) {
        struct sockaddr_in in = {.family = AF_INET, .address = inet_v4_of(ip)};
        put_be16(&in.port, (uint16_t)port);
        address->len = sizeof(in);
        memcpy(address->bytes, &in, sizeof(in));
        return;
    }
    struct sockaddr_in6 in = {.family = AF_INET6, .scope_id = needs_scope(ip) ? scope : 0};
    put_be16(&in.port, (uint16_t)port);
    memcpy(in.address, ip->bytes, sizeof(in.address));
    address->len = sizeof(in);
    memcpy(address->bytes, &in, sizeof(in));
}

/* --- bind, getsockname, getpeername
 * ------------------------------------------------------------------------------ */

/* The address of bind(2), which takes AF_UNSPEC for any (IPv4 only). */
static int bind_address(const struct inet_socket *s, const struct socket_address *address,
                        struct inet_addr *ip, unsigned *port, uint32_t *scope)
{
    *scope = 0;
    if (s->socket.family == AF_INET) {
        int err = get4(address, ip, port);
        if (err || address->family == AF_INET)
            return err;
        return address->family == AF_UNSPEC && inet_is_any(ip) ? 0 : -EAFNOSUPPORT;
    }
    if (address->len < RFC2133_LEN)
        return -EINVAL;
    if (address->family != AF_INET6)
        return -EAFNOSUPPORT;
    int err = get6(address, ip, port, scope);
    if (!err && inet_is_v4(ip) && s->v6only)
        err = -EINVAL;
    if (!err && !inet_is_v4(ip) && inet_is_multicast(ip) && s->socket.type == SOCK_STREAM)
        err = -EINVAL;
    return err;
}

static int bind_scope(struct inet_socket *s, const struct inet_addr *ip, uint32_t scope)
{
    if (inet_is_v4(ip) || !needs_scope(ip))
        return 0;
    if (scope && s->flow.bound && s->flow.bound->index != scope)
        return -EINVAL;
    if (scope && !s->flow.bound) {
        rcu_read_lock();
        s->flow.bound = netif_by_index(scope);
        rcu_read_unlock();
        if (!s->flow.bound)
            return -ENODEV;
    }
    return s->flow.bound ? 0 : -EINVAL;
}

__cold int inet_bind_address(struct inet_socket *s, const struct socket_address *address,
                             struct inet_addr *ip, unsigned *port)
{
    uint32_t scope;
    int err = bind_address(s, address, ip, port, &scope);
    return err ? err : bind_scope(s, ip, scope);
}

bool inet_may_bind(const struct inet_socket *s, const struct inet_addr *ip)
{
    if (inet_is_any(ip) || s->options.freebind || s->options.transparent)
        return true;
    rcu_read_lock();
    unsigned kind = route_kind(ip, NULL);
    rcu_read_unlock();
    return kind == RTN_LOCAL || kind == RTN_MULTICAST || kind == RTN_BROADCAST;
}

/* It is bound: which of the mistakes is told. */
static __cold int why_not_again(const struct inet_socket *s, const struct inet_addr *ip,
                                unsigned port)
{
    if (s->socket.family == AF_INET && !inet_may_bind(s, ip))
        return -EADDRNOTAVAIL;
    return inet_may_use_port(port) ? -EINVAL : -EACCES;
}

__cold int inet_op_bind(struct socket *socket, const struct socket_address *address)
{
    struct inet_socket *s = inet_of(socket);
    struct inet_addr ip;
    unsigned port;

    inet_lock(s);
    struct netif *bound = s->flow.bound;
    int err = inet_bind_address(s, address, &ip, &port);
    if (!err && s->port)
        err = why_not_again(s, &ip, port);
    if (!err)
        err = inet_bind(s, &ip, port);
    /* One that is bound to an IPv6 address is for that kind only. */
    if (!err && !inet_is_v4(&ip) && !inet_is_any(&ip))
        s->v6only = true;
    if (!err && socket->type == SOCK_DGRAM && s->local_port)
        err = inet_hash_bound(s);
    if (err)
        s->flow.bound = bound;
    inet_unlock(s);
    return err;
}

static void put_peer(const struct inet_socket *s, struct socket_address *address)
{
    inet_address_put(s, address, &s->remote, s->remote_port, s->scope);
    if (s->options.receive & INET_FLOWINFO_SEND && s->options.six && s->socket.family == AF_INET6)
        memcpy(address->bytes + offsetof(struct sockaddr_in6, flowinfo), &s->options.six->flowinfo,
               sizeof(uint32_t));
}

int inet_op_name(struct socket *socket, bool peer, struct socket_address *address)
{
    struct inet_socket *s = inet_of(socket);
    int err = 0;

    inet_lock(s);
    if (!peer)
        inet_address_put(s, address, &s->local, s->local_port,
                         s->flow.bound ? s->flow.bound->index : s->scope);
    else if (s->remote_port)
        put_peer(s, address);
    else
        err = -ENOTCONN;
    inet_unlock(s);
    return err;
}

/* --- where packets go
 * ----------------------------------------------------------------------------------------- */

/* TTL, and whether a multicast stays here. */
static void flow_lifetime(const struct inet_socket *s, struct ip_flow *flow, bool v4)
{
    const struct inet_options *o = &s->options;
    bool multicast = inet_is_multicast(&flow->destination);
    int hops = v4 ? o->ttl : MAX(o->hop_limit, 0);
    if (multicast) {
        hops = v4 ? o->multicast_ttl : o->hops;
        flow->here_only = hops == 0;
        flow->no_loop = v4 ? !o->multicast_loop : !o->hops_loop;
        hops = hops < 0 ? 1 : hops;
    }
    flow->ttl = (uint8_t)hops;
}

/* The interface that the socket's options or the address say. */
static int flow_netif(const struct inet_socket *s, struct ip_flow *flow, uint32_t scope, bool v4)
{
    const struct inet_options *o = &s->options;
    flow->bound = s->flow.bound;
    if (scope) {
        if (flow->bound && flow->bound->index != scope)
            return -EINVAL;
        rcu_read_lock();
        flow->bound = netif_by_index(scope);
        rcu_read_unlock();
        return flow->bound ? 0 : -EINVAL;
    }
    if (flow->bound)
        return 0;
    if (inet_is_multicast(&flow->destination))
        flow->bound = v4 ? o->multicast_netif : o->hops_netif;
    else
        flow->bound = v4 ? o->unicast_netif : o->unicast6_netif;
    if (!flow->bound && !v4)
        flow->bound = o->pktinfo_netif;
    return 0;
}

static int flow_source(const struct inet_socket *s, struct ip_flow *flow, bool v4)
{
    const struct inet_options *o = &s->options;
    flow->source = v4 ? inet_v4(0) : (struct inet_addr){};
    if (!inet_is_any(&s->local)) {
        if (inet_is_v4(&s->local) != v4)
            return !v4 ? -EAFNOSUPPORT : s->socket.type == SOCK_DGRAM ? 0 : -ENETUNREACH;
        if (!s->bound_many)
            flow->source = s->local;
    } else if (v4 && inet_is_multicast(&flow->destination) && inet_is_v4(&o->multicast_source)) {
        flow->source = o->multicast_source;
    } else if (!v4 && !inet_is_any(&o->pktinfo_source)) {
        flow->source = o->pktinfo_source;
    }
    return 0;
}

void inet_flow_options(const struct inet_socket *s, struct ip_flow *flow)
{
    const struct inet_options *o = &s->options;
    if (inet_is_v4(&flow->destination)) {
        flow->options = o->ip_options;
        flow->options_len = o->ip_options_len;
    } else {
        flow->headers = o->six ? o->six->headers : NULL;
        flow->options_len = ipv6_headers_size(flow->headers);
    }
}

int inet_flow(struct inet_socket *s, struct ip_flow *flow, const struct inet_addr *destination,
              uint32_t scope)
{
    const struct inet_options *o = &s->options;
    bool v4 = inet_is_v4(destination);
    struct ip_flow new = {
        .destination = *destination,
        .protocol = (uint8_t)s->socket.protocol,
        .tos = v4 ? o->tos : o->tclass,
        .pmtudisc = v4 ? o->pmtudisc : o->pmtudisc6,
        .dont_fragment = !v4 && o->dont_fragment6,
        .broadcast = socket_flag(&s->socket, SO_BROADCAST),
        .dont_route = socket_flag(&s->socket, SO_DONTROUTE),
        .freebind = o->freebind || o->transparent,
        .mark = (uint32_t)s->socket.mark,
        .no_label = !o->autoflowlabel,
        .fragment_most = o->fragment_most,
    };
    if (unlikely(v4 ? o->ip_options_len != 0 : o->six != NULL))
        inet_flow_options(s, &new);
    if (!v4 && unlikely(o->six) &&
        (s->socket.type == SOCK_STREAM || inet_equal(destination, &s->remote)))
        new.label = inet6_label(s);
    flow_lifetime(s, &new, v4);
    int err = flow_netif(s, &new, scope, v4);
    if (!err)
        err = flow_source(s, &new, v4);
    if (!err)
        *flow = new;
    return err;
}
