/* net/rtnl_link.c: interfaces in NETLINK_ROUTE. */
#include "core/cpu.h"
#include "lib/string.h"
#include "net/rtnetlink.h"

enum { /* IFLA_* */
       ADDRESS = 1,
       BROADCAST,
       IFNAME,
       MTU,
       LINK,
       QDISC,
       STATS,
       TXQLEN = 13,
       MAP,
       OPERSTATE = 16,
       LINKMODE,
       STATS64 = 23,
       GROUP = 27,
       EXT_MASK = 29,
       PROMISCUITY,
       NUM_TX_QUEUES,
       NUM_RX_QUEUES,
       CARRIER,
       CARRIER_CHANGES = 35,
       PROTO_DOWN = 39,
       GSO_MAX_SEGS,
       GSO_MAX_SIZE,
       XDP = 43,
       UP_COUNT = 47,
       DOWN_COUNT,
       MIN_MTU = 50,
       MAX_MTU,
       ALT_IFNAME = 53,
       PARENT_NAME = 56,
       ATTRS = 64,
};
enum { OPER_UNKNOWN = 0, OPER_DOWN = 2, OPER_UP = 6, AF_BRIDGE = 7, STATS_FIELDS = 24 };

struct ifinfo {
    uint8_t family, pad;
    uint16_t type;
    int32_t index;
    uint32_t flags, change;
};

/* Flags as programs see them: what the link says counts only while the interface is up. */
static uint32_t shown_flags(const struct netif *netif)
{
    uint32_t flags = netif->flags & ~(uint32_t)(IFF_RUNNING | IFF_LOWER_UP);

    if (netif->flags & IFF_UP && netif->flags & IFF_RUNNING)
        flags |= IFF_RUNNING | IFF_LOWER_UP;
    return flags;
}

static uint8_t operstate(const struct netif *netif)
{
    if (netif->type == ARPHRD_LOOPBACK)
        return netif->flags & IFF_UP ? OPER_UNKNOWN : OPER_DOWN;
    return shown_flags(netif) & IFF_RUNNING ? OPER_UP : OPER_DOWN;
}

/* rtnl_link_stats64: as the first fields of /proc/net/dev and those that are not counted here. */
static void put_stats(struct nl_out *out, const struct netif *netif)
{
    struct netif_stats s;
    uint64_t wide[STATS_FIELDS] = {};
    uint32_t narrow[STATS_FIELDS];

    netif_sum_stats(netif, &s);
    const uint64_t first[] = {s.rx_packets, s.tx_packets, s.rx_bytes,   s.tx_bytes, s.rx_errors,
                              s.tx_errors,  s.rx_dropped, s.tx_dropped, s.multicast};
    memcpy(wide, first, sizeof(first));
    for (unsigned i = 0; i < STATS_FIELDS; i++)
        narrow[i] = (uint32_t)wide[i];
    nl_put(out, STATS64, wide, sizeof(wide));
    nl_put(out, STATS, narrow, sizeof(narrow));
}

static void put_counts(struct nl_out *out, const struct netif *netif)
{
    nl_put_u32(out, GROUP, 0);
    nl_put_u32(out, PROMISCUITY, !!(netif->flags & IFF_PROMISC));
    nl_put_u32(out, NUM_TX_QUEUES, 1);
    nl_put_u32(out, GSO_MAX_SEGS, 65535);
    nl_put_u32(out, GSO_MAX_SIZE, netif->gso_max);
    nl_put_u32(out, NUM_RX_QUEUES, 1);
    nl_put_u8(out, CARRIER, !!(netif->flags & IFF_RUNNING));
    nl_put_text(out, QDISC, netif->flags & IFF_UP ? "noqueue" : "noop");
    nl_put_u32(out, CARRIER_CHANGES, 0);
    nl_put_u32(out, UP_COUNT, 0);
    nl_put_u32(out, DOWN_COUNT, 0);
    nl_put_u8(out, PROTO_DOWN, 0);
}

bool rtnl_fill_link(struct nl_out *out, const struct rtnl_head *head, const struct netif *netif,
                    uint32_t change)
{
    struct ifinfo *info =
        nl_begin(out, head->type, head->flags, head->seq, head->port, sizeof(*info));

    info->type = (uint16_t)netif->type;
    info->index = (int32_t)netif->index;
    info->flags = shown_flags(netif);
    info->change = change;
    nl_put_text(out, IFNAME, netif->name);
    nl_put_u32(out, TXQLEN, netif->tx_queue_len);
    nl_put_u8(out, OPERSTATE, operstate(netif));
    nl_put_u8(out, LINKMODE, 0);
    nl_put_u32(out, MTU, netif->mtu);
    nl_put_u32(out, MIN_MTU, netif->mtu_min);
    nl_put_u32(out, MAX_MTU, netif->mtu_max);
    put_counts(out, netif);
    memset(nl_reserve(out, MAP, 32), 0, 32);
    nl_put(out, ADDRESS, netif->mac, ETH_ALEN);
    nl_put(out, BROADCAST, netif->broadcast, ETH_ALEN);
    put_stats(out, netif);
    size_t xdp = nl_nest(out, XDP | NLA_F_NESTED);
    nl_put_u8(out, 2, 0); /* IFLA_XDP_ATTACHED: none */
    nl_nest_end(out, xdp);
    if (netif->place && netif->place[0])
        nl_put_text(out, PARENT_NAME, netif->place);
    return nl_end(out);
}

struct answer {
    struct rtnl_head head;
    const struct netif *netif;
};

static bool fill(struct nl_out *out, void *arg)
{
    const struct answer *answer = arg;

    return rtnl_fill_link(out, &answer->head, answer->netif, 0);
}

static int dump(struct netlink_request *r, const struct ifinfo *info)
{
    struct nl_attr attrs[ATTRS];
    int err = netlink_dump_begin(r);

    if (!err)
        err = rtnl_attrs(r, sizeof(*info), attrs, ATTRS, NULL);
    if (err || info->family == AF_BRIDGE)
        return err;
    if (r->netlink->strict && (info->pad || info->type || info->flags || info->change))
        return rtnl_refuse(r, -EINVAL, "Invalid values in header for link dump request");
    if (r->netlink->strict && info->index)
        return rtnl_refuse(r, -EINVAL, "Filter by device index not supported for link dumps");
    struct answer answer = {.head = rtnl_answer(r, RTM_NEWLINK)};
    for (struct netif *netif = netif_first(); !err && netif; netif = netif_next(netif)) {
        answer.netif = netif;
        err = netlink_reply(r, fill, &answer);
    }
    return err;
}

/* The interface that a message is about, by number or name. */
static int find(struct netlink_request *r, const struct ifinfo *info, const struct nl_attr *attrs,
                struct netif **netif)
{
    const struct nl_attr *by_name = attrs[IFNAME].data ? &attrs[IFNAME] : &attrs[ALT_IFNAME];
    char name[128]; /* ALTIFNAMSIZ; IFNAMSIZ is 16 */

    if (info->index > 0) {
        *netif = netif_by_index((unsigned)info->index);
        return *netif ? 0 : -ENODEV;
    }
    if (!by_name->data)
        return rtnl_refuse(r, -EINVAL, "No valid device specifier");
    if (!nl_text(by_name, name, by_name == &attrs[IFNAME] ? 16 : sizeof(name)))
        return -ERANGE;
    *netif = netif_find(name);
    return *netif ? 0 : -ENODEV;
}

static int get(struct netlink_request *r)
{
    struct nl_attr attrs[ATTRS];
    struct ifinfo info;
    struct netif *netif;
    int err = rtnl_fixed(r, &info, sizeof(info), "Invalid header for get link");

    if (err)
        return err;
    if (rtnl_is_dump(r))
        return dump(r, &info);
    err = rtnl_attrs(r, sizeof(info), attrs, ATTRS, NULL);
    if (!err)
        err = find(r, &info, attrs, &netif);
    if (err)
        return err;
    struct answer answer = {rtnl_answer(r, RTM_NEWLINK), netif};
    return netlink_reply(r, fill, &answer);
}

/* Attributes that ask for what there is not: other kinds of interfaces, name spaces, bridges. */
static int check_settable(struct netlink_request *r, const struct nl_attr *attrs,
                          const struct netif *netif)
{
    char name[16];

    for (unsigned i = 0; i < ATTRS; i++) {
        if (!attrs[i].data || i == IFNAME || i == MTU || i == ADDRESS || i == TXQLEN ||
            i == EXT_MASK || i == ALT_IFNAME)
            continue;
        r->bad = (uint32_t)(attrs[i].data - NL_ATTR - r->message.raw);
        return rtnl_refuse(r, -EOPNOTSUPP, "This attribute cannot be changed");
    }
    if (attrs[IFNAME].data &&
        (!nl_text(&attrs[IFNAME], name, sizeof(name)) || (name[0] && strcmp(name, netif->name))))
        return rtnl_refuse(r, -EOPNOTSUPP, "Interfaces cannot be renamed");
    return 0;
}

static int change(struct netlink_request *r, struct netif *netif, const struct ifinfo *info,
                  const struct nl_attr *attrs)
{
    uint32_t mask = info->change ? info->change : info->flags ? UINT32_MAX : 0;
    int err = check_settable(r, attrs, netif);

    if (!err && attrs[ADDRESS].data)
        err = attrs[ADDRESS].len < ETH_ALEN ? -EINVAL : netif_set_mac(netif, attrs[ADDRESS].data);
    if (!err && attrs[MTU].data)
        err = netif_set_mtu(netif, nl_u32(&attrs[MTU]));
    if (!err && attrs[TXQLEN].data)
        netif->tx_queue_len = nl_u32(&attrs[TXQLEN]);
    if (!err && mask)
        err = netif_set_flags(netif, info->flags, mask);
    return err;
}

static int set(struct netlink_request *r)
{
    static const uint8_t least[ATTRS] = {[MTU] = 4, [TXQLEN] = 4};
    struct nl_attr attrs[ATTRS];
    struct ifinfo info;
    struct netif *netif;
    int err = rtnl_fixed(r, &info, sizeof(info), NULL);

    if (!err)
        err = rtnl_attrs(r, sizeof(info), attrs, ATTRS, least);
    if (err)
        return err;
    err = find(r, &info, attrs, &netif);
    if (err == -ENODEV && r->message.type == RTM_NEWLINK && r->message.flags & NLM_F_CREATE)
        return rtnl_refuse(r, -EOPNOTSUPP, "Unknown device type");
    if (err)
        return err;
    if (r->message.type == RTM_NEWLINK && r->message.flags & NLM_F_EXCL)
        return -EEXIST;
    return change(r, netif, &info, attrs);
}

int rtnl_link(struct netlink_request *r)
{
    if (r->message.type == RTM_GETLINK)
        return get(r);
    return r->message.type == RTM_DELLINK ? -EOPNOTSUPP : set(r);
}
