/* net/rtnl_route_get.c: `ip route get`: by which way a packet would go. */
#include "core/boot.h"
#include "net/ip.h"
#include "net/rtnl_route.h"

const uint8_t rtnl_route_least[RTA_COUNT] = {
    [RTA_IIF] = 4,  [RTA_OIF] = 4, [RTA_PRIORITY] = 4, [RTA_TABLE] = 4,
    [RTA_MARK] = 4, [RTA_UID] = 4, [RTA_PREF] = 1};

/* A route that was looked up. */
struct way {
    struct rtnl_head head;
    struct ip_flow flow;
    struct route route; /* the one that was found */
    unsigned kind;      /* RTN_* of the destination */
    bool whole;         /* RTM_F_FIB_MATCH: the route as it is in its table */
    uint32_t uid;
    bool has_uid;
};

static bool fill(struct nl_out *out, void *arg)
{
    const struct way *way = arg;
    const struct ip_flow *flow = &way->flow;
    const struct rtnl_head *head = &way->head;
    bool v4 = inet_is_v4(&flow->destination);
    uint32_t cache[8] = {0};

    if (way->whole)
        return rtnl_fill_route(out, head, &way->route);
    struct rtmsg *m = nl_begin(out, head->type, head->flags, head->seq, head->port, sizeof(*m));
    m->family = (uint8_t)rtnl_family(&flow->destination);
    m->dst_len = v4 ? 32 : 128;
    m->table = way->route.table;
    m->type = (uint8_t)way->kind;
    m->flags = RTM_F_CLONED;
    nl_put_u32(out, RTA_TABLE, way->route.table);
    rtnl_put_addr(out, RTA_DST, &flow->destination);
    nl_put_u32(out, RTA_OIF, way->kind == RTN_LOCAL ? loopback->index : flow->netif->index);
    rtnl_put_addr(out, RTA_PREFSRC, &flow->source);
    if (rtnl_given(&way->route.gateway) && !inet_is_any(&way->route.gateway))
        rtnl_put_addr(out, RTA_GATEWAY, &flow->next_hop);
    if (!v4)
        nl_put_u32(out, RTA_PRIORITY, way->route.metric);
    if (way->has_uid)
        nl_put_u32(out, RTA_UID, way->uid);
    nl_put(out, RTA_CACHEINFO, cache, sizeof(cache));
    if (!v4)
        nl_put_u8(out, RTA_PREF, 0);
    return nl_end(out);
}

static int look_up(struct way *way)
{
    struct ip_flow *flow = &way->flow;
    int err = ip_route(flow);

    if (err)
        return err;
    rcu_read_lock();
    way->kind = route_kind(&flow->destination, flow->netif);
    const struct route *route =
        route_find(&flow->destination,
                   way->kind == RTN_LOCAL || way->kind == RTN_ANYCAST ? NULL : flow->netif);
    if (route)
        way->route = *route;
    rcu_read_unlock();
    if (way->kind == RTN_LOCAL)
        way->route.table = RT_TABLE_LOCAL;
    return route || way->kind == RTN_LOCAL || way->kind == RTN_MULTICAST ||
                   way->kind == RTN_BROADCAST
               ? 0
               : -ENETUNREACH;
}

static int get_flow(struct netlink_request *r, const struct rtmsg *m, const struct nl_attr *attrs,
                    struct ip_flow *flow)
{
    *flow = (struct ip_flow){.tos = m->tos, .broadcast = true, .mark = nl_u32(&attrs[RTA_MARK])};
    if (!rtnl_get_addr(&attrs[RTA_DST], m->family, &flow->destination))
        flow->destination = m->family == RTNL_INET ? inet_v4(0) : (struct inet_addr){};
    rtnl_get_addr(&attrs[RTA_SRC], m->family, &flow->source);
    if (m->family == RTNL_INET && !rtnl_given(&flow->source))
        flow->source = inet_v4(0);
    if (attrs[RTA_IIF].data)
        return rtnl_refuse(r, -EOPNOTSUPP, "Nothing is forwarded");
    if (attrs[RTA_OIF].data && !(flow->bound = netif_by_index(nl_u32(&attrs[RTA_OIF]))))
        return -ENODEV;
    return 0;
}

int rtnl_route_get(struct netlink_request *r)
{
    struct nl_attr attrs[RTA_COUNT];
    struct way way = {.head = rtnl_answer(r, RTM_NEWROUTE)};
    struct rtmsg m;
    int err = rtnl_fixed(r, &m, sizeof(m), "Invalid header for route get request");

    if (!err)
        err = rtnl_attrs(r, sizeof(m), attrs, RTA_COUNT, rtnl_route_least);
    if (err)
        return err;
    if (m.family != RTNL_INET && m.family != RTNL_INET6)
        return -EOPNOTSUPP;
    err = get_flow(r, &m, attrs, &way.flow);
    if (err)
        return err;
    way.whole = m.flags & RTM_F_FIB_MATCH;
    way.has_uid = true;
    way.uid = attrs[RTA_UID].data ? nl_u32(&attrs[RTA_UID]) : (uint32_t)socket_cred_hook().uid;
    err = look_up(&way);
    return err ? err : netlink_reply(r, fill, &way);
}
