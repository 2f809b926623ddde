/* net/rtnl_route.c: the tables of routes in NETLINK_ROUTE. */
#include "lib/string.h"
#include "net/rtnetlink.h"
#include "net/rtnl_route.h"

static bool given(const struct inet_addr *a)
{
    return rtnl_given(a) && !inet_is_any(a);
}

static void put_metrics(struct nl_out *out, const struct route *route)
{
    if (!route->mtu)
        return;
    size_t nest = nl_nest(out, RTA_METRICS);
    nl_put_u32(out, RTAX_MTU, route->mtu);
    nl_nest_end(out, nest);
}

static void put_cacheinfo(struct nl_out *out, const struct route *route)
{
    uint32_t info[8] = {0};

    if (route->valid_until != NSEC_FOREVER)
        info[2] = rtnl_seconds_left(route->valid_until) * 100;
    if (route->type == RTN_UNREACHABLE || route->type == RTN_PROHIBIT ||
        route->type == RTN_BLACKHOLE)
        info[3] = (uint32_t)(route->type == RTN_UNREACHABLE ? -EHOSTUNREACH
                             : route->type == RTN_PROHIBIT  ? -EACCES
                                                            : -EINVAL);
    nl_put(out, RTA_CACHEINFO, info, sizeof(info));
}

bool rtnl_fill_route(struct nl_out *out, const struct rtnl_head *head, const struct route *route)
{
    struct rtmsg *m = nl_begin(out, head->type, head->flags, head->seq, head->port, sizeof(*m));
    bool v4 = inet_is_v4(&route->destination);
    bool link = route->netif && (v4 ? route->type < RTN_BLACKHOLE : true);

    m->family = (uint8_t)rtnl_family(&route->destination);
    m->dst_len = (uint8_t)route->prefix;
    m->table = route->table;
    m->protocol = route->protocol;
    m->scope = v4 ? route->scope : RT_SCOPE_UNIVERSE;
    m->type = route->type;
    nl_put_u32(out, RTA_TABLE, route->table);
    if (route->prefix)
        rtnl_put_addr(out, RTA_DST, &route->destination);
    if (route->metric || !v4)
        nl_put_u32(out, RTA_PRIORITY, route->metric);
    if (given(&route->source))
        rtnl_put_addr(out, RTA_PREFSRC, &route->source);
    put_metrics(out, route);
    if (given(&route->gateway))
        rtnl_put_addr(out, RTA_GATEWAY, &route->gateway);
    if (link)
        nl_put_u32(out, RTA_OIF, route->netif->index);
    if (!v4) {
        put_cacheinfo(out, route);
        nl_put_u8(out, RTA_PREF, 0); /* medium */
    }
    return nl_end(out);
}

/* --- reading
 * ----------------------------------------------------------------------------------------------------
 */

struct dump {
    struct netlink_request *request;
    struct rtnl_head head;
    unsigned family;
    uint32_t table; /* 0: all */
    uint8_t protocol, type;
    const struct netif *netif;
    const struct route *now;
    int err;
};

static bool fill(struct nl_out *out, void *arg)
{
    const struct dump *d = arg;

    return rtnl_fill_route(out, &d->head, d->now);
}

static bool visit(const struct route *route, void *arg)
{
    struct dump *d = arg;

    if (rtnl_family(&route->destination) != d->family || (d->table && d->table != route->table) ||
        (d->protocol && d->protocol != route->protocol) || (d->type && d->type != route->type) ||
        (d->netif && d->netif != route->netif))
        return true;
    d->now = route;
    d->err = netlink_reply(d->request, fill, d);
    return !d->err;
}

/* The filters of a strict request; *skip: nothing can match. */
static int get_filters(struct netlink_request *r, const struct rtmsg *m, struct dump *d)
{
    struct nl_attr attrs[RTA_COUNT];
    int err = rtnl_attrs(r, sizeof(*m), attrs, RTA_COUNT, rtnl_route_least);

    if (err)
        return err;
    if (m->dst_len || m->src_len || m->tos || m->scope)
        return rtnl_refuse(r, -EINVAL, "Invalid values in header for FIB dump request");
    if (m->flags & ~(uint32_t)(RTM_F_CLONED | RTM_F_PREFIX))
        return rtnl_refuse(r, -EINVAL, "Invalid flags for FIB dump request");
    d->protocol = m->protocol;
    d->type = m->type;
    d->table = attrs[RTA_TABLE].data ? nl_u32(&attrs[RTA_TABLE]) : m->table;
    if (attrs[RTA_OIF].data && !(d->netif = netif_by_index(nl_u32(&attrs[RTA_OIF]))))
        return -ENODEV;
    if (d->table && d->table != RT_TABLE_MAIN && d->table != RT_TABLE_LOCAL && d->family)
        return rtnl_refuse(r, -ENOENT,
                           d->family == RTNL_INET ? "ipv4: FIB table does not exist"
                                                  : "ipv6: FIB table does not exist");
    if (d->table || d->protocol || d->type || d->netif)
        d->head.flags |= NLM_F_DUMP_FILTERED;
    return 0;
}

static int dump(struct netlink_request *r, const struct rtmsg *m)
{
    int err = netlink_dump_begin(r);
    struct dump d = {.request = r, .head = rtnl_answer(r, RTM_NEWROUTE), .family = m->family};

    if (!err && r->netlink->strict)
        err = get_filters(r, m, &d);
    if (err || m->flags & RTM_F_CLONED) /* looked-up routes are not kept */
        return err;
    static const unsigned families[] = {RTNL_INET, RTNL_INET6};
    for (unsigned i = 0; i < ARRAY_SIZE(families) && !d.err; i++) {
        if (m->family && m->family != families[i])
            continue;
        d.family = families[i];
        rcu_read_lock();
        route_each(visit, &d);
        rcu_read_unlock();
    }
    return d.err;
}

/* --- changing
 * --------------------------------------------------------------------------------------------------
 */

static int get_metrics(const struct nl_attr *attr, struct route *route)
{
    struct nl_attr metrics[RTAX_COUNT];

    if (!attr->data)
        return 0;
    int err = nl_attrs(attr->data, attr->len, 0, metrics, RTAX_COUNT, NULL, false, NULL);
    route->mtu = nl_u32(&metrics[RTAX_MTU]);
    return err;
}

/* The interface by which the gateway can be reached. */
static int find_netif(struct netlink_request *r, struct route *route)
{
    if (route->type == RTN_BLACKHOLE || route->type == RTN_UNREACHABLE ||
        route->type == RTN_PROHIBIT) {
        route->netif = loopback;
        return 0;
    }
    if (!rtnl_given(&route->gateway))
        return rtnl_refuse(r, -ENODEV, "Nexthop device required");
    rcu_read_lock();
    const struct route *way = route_find(&route->gateway, NULL);
    route->netif = way ? way->netif : NULL;
    rcu_read_unlock();
    return route->netif ? 0 : rtnl_refuse(r, -ENETUNREACH, "Nexthop has invalid gateway");
}

static int get_addresses(struct netlink_request *r, const struct rtmsg *m,
                         const struct nl_attr *attrs, struct route *route)
{
    unsigned most = m->family == RTNL_INET ? 32 : 128;
    struct inet_addr zero = m->family == RTNL_INET ? inet_v4(0) : (struct inet_addr){};

    if (m->dst_len > most)
        return rtnl_refuse(r, -EINVAL, "Invalid prefix length");
    if (!rtnl_get_addr(&attrs[RTA_DST], m->family, &route->destination))
        route->destination = zero;
    struct inet_addr cut = route->destination;
    for (unsigned bit = m->dst_len; bit < most; bit++) {
        unsigned at = bit + (m->family == RTNL_INET ? 96 : 0);
        cut.bytes[at / 8] &= (uint8_t) ~(0x80 >> at % 8);
    }
    if (!inet_equal(&cut, &route->destination)) {
        if (m->family == RTNL_INET)
            return rtnl_refuse(r, -EINVAL, "Invalid prefix for given prefix length");
        route->destination = cut;
    }
    rtnl_get_addr(&attrs[RTA_GATEWAY], m->family, &route->gateway);
    rtnl_get_addr(&attrs[RTA_PREFSRC], m->family, &route->source);
    return 0;
}

static int get_route(struct netlink_request *r, const struct rtmsg *m, const struct nl_attr *attrs,
                     struct route *route)
{
    bool v6 = m->family == RTNL_INET6;
    uint32_t table = attrs[RTA_TABLE].data ? nl_u32(&attrs[RTA_TABLE]) : m->table;

    if (attrs[RTA_MULTIPATH].data)
        return rtnl_refuse(r, -EOPNOTSUPP, "Routes have one next hop");
    if (table && table != RT_TABLE_MAIN && table != RT_TABLE_LOCAL)
        return rtnl_refuse(r, -EOPNOTSUPP, "There are the tables main and local only");
    *route = (struct route){.prefix = m->dst_len,
                            .type = m->type ? m->type : RTN_UNICAST,
                            .table = table ? (uint8_t)table : RT_TABLE_MAIN,
                            .protocol = m->protocol,
                            .scope = m->scope,
                            .metric = nl_u32(&attrs[RTA_PRIORITY]),
                            .valid_until = NSEC_FOREVER};
    if (v6 && !route->metric && r->message.type == RTM_NEWROUTE)
        route->metric = 1024;
    if (attrs[RTA_OIF].data && nl_u32(&attrs[RTA_OIF])) {
        route->netif = netif_by_index(nl_u32(&attrs[RTA_OIF]));
        if (!route->netif)
            return rtnl_refuse(r, -ENODEV, "Device for nexthop is not found");
    }
    int err = get_addresses(r, m, attrs, route);
    return err ? err : get_metrics(&attrs[RTA_METRICS], route);
}

struct same {
    const struct route *route;
    struct route found;
    bool any;
};

static bool is_same(const struct route *route, void *arg)
{
    struct same *same = arg;
    const struct route *want = same->route;

    if (!inet_equal(&route->destination, &want->destination) || route->prefix != want->prefix ||
        route->metric != want->metric || route->table != want->table)
        return true;
    same->found = *route;
    same->any = true;
    return false;
}

static int add(struct netlink_request *r, struct route *route)
{
    struct same same = {.route = route};
    unsigned flags = r->message.flags;
    int err = route->netif ? 0 : find_netif(r, route);

    if (err)
        return err;
    if (route->type == RTN_UNICAST && !(route->netif->flags & IFF_UP))
        return rtnl_refuse(r, -ENETDOWN, "Device for nexthop is not up");
    rcu_read_lock();
    route_each(is_same, &same);
    rcu_read_unlock();
    if (same.any && flags & NLM_F_EXCL)
        return -EEXIST;
    if (!same.any && !(flags & NLM_F_CREATE))
        return -ENOENT;
    if (same.any && flags & NLM_F_REPLACE)
        route_remove(&same.found);
    return route_add(route);
}

static int change(struct netlink_request *r)
{
    struct nl_attr attrs[RTA_COUNT];
    struct route route;
    struct rtmsg m;
    int err = rtnl_fixed(r, &m, sizeof(m), NULL);

    if (!err)
        err = rtnl_attrs(r, sizeof(m), attrs, RTA_COUNT, rtnl_route_least);
    if (!err && m.family != RTNL_INET && m.family != RTNL_INET6)
        err = -EAFNOSUPPORT;
    if (!err)
        err = get_route(r, &m, attrs, &route);
    if (err)
        return err;
    if (r->message.type == RTM_NEWROUTE)
        return add(r, &route);
    if (!m.type)
        route.type = 0;
    if (!m.scope || m.scope == RT_SCOPE_NOWHERE)
        route.scope = 0;
    return route_remove(&route);
}

int rtnl_route(struct netlink_request *r)
{
    struct rtmsg m;

    if (r->message.type != RTM_GETROUTE)
        return change(r);
    int err = rtnl_fixed(r, &m, sizeof(m), "Invalid header for FIB dump request");
    if (err)
        return err;
    return rtnl_is_dump(r) ? dump(r, &m) : rtnl_route_get(r);
}
