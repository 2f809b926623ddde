/* net/rtnl_address.c: interfaces' addresses in NETLINK_ROUTE. */
#include "core/clock.h"
#include "lib/string.h"
#include "net/rtnetlink.h"

enum { /* IFA_* */
       ADDRESS = 1,
       LOCAL,
       LABEL,
       BROADCAST,
       ANYCAST,
       CACHEINFO,
       FLAGS = 8,
       RT_PRIORITY,
       ATTRS = 12,
};
enum { F_PERMANENT = 0x80, PREFIX_MAX4 = 32, PREFIX_MAX6 = 128 };

struct ifaddr {
    uint8_t family, prefix, flags, scope;
    uint32_t index;
};
struct cacheinfo {
    uint32_t preferred, valid, created, updated;
};

static void put_lifetimes(struct nl_out *out, const struct netif_address *a)
{
    struct cacheinfo times = {rtnl_seconds_left(a->preferred_until),
                              rtnl_seconds_left(a->valid_until), 0, 0};

    nl_put(out, CACHEINFO, &times, sizeof(times));
}

bool rtnl_fill_address(struct nl_out *out, const struct rtnl_head *head,
                       const struct netif_address *a)
{
    bool v4 = inet_is_v4(&a->address);
    bool has_peer = rtnl_given(&a->peer) && !inet_equal(&a->peer, &a->address);
    uint32_t flags = a->flags;
    struct ifaddr *info =
        nl_begin(out, head->type, head->flags, head->seq, head->port, sizeof(*info));

    flags = a->valid_until == NSEC_FOREVER ? flags | F_PERMANENT : flags & ~(uint32_t)F_PERMANENT;
    *info = (struct ifaddr){(uint8_t)rtnl_family(&a->address), (uint8_t)a->prefix, (uint8_t)flags,
                            (uint8_t)a->scope, a->netif->index};
    rtnl_put_addr(out, ADDRESS, has_peer ? &a->peer : &a->address);
    if (v4 || has_peer)
        rtnl_put_addr(out, LOCAL, &a->address);
    if (v4 && rtnl_given(&a->broadcast) && !inet_is_any(&a->broadcast))
        rtnl_put_addr(out, BROADCAST, &a->broadcast);
    if (v4)
        nl_put_text(out, LABEL, a->label[0] ? a->label : a->netif->name);
    nl_put_u32(out, FLAGS, flags);
    put_lifetimes(out, a);
    return nl_end(out);
}

struct answer {
    struct rtnl_head head;
    const struct netif_address *address;
};

static bool fill(struct nl_out *out, void *arg)
{
    const struct answer *answer = arg;

    return rtnl_fill_address(out, &answer->head, answer->address);
}

/* --- reading
 * ----------------------------------------------------------------------------------------------------
 */

static int dump_netif(struct netlink_request *r, struct netif *netif, unsigned family)
{
    struct answer answer = {.head = rtnl_answer(r, RTM_NEWADDR)};
    int err = 0;

    mutex_lock(&netif_lock);
    list_for_each_entry (struct netif_address, a, &netif->addresses, link) {
        answer.address = a;
        if (!err && rtnl_family(&a->address) == family)
            err = netlink_reply(r, fill, &answer);
    }
    mutex_unlock(&netif_lock);
    return err;
}

static int dump_family(struct netlink_request *r, unsigned family, const struct netif *only)
{
    int err = 0;

    for (struct netif *netif = netif_first(); !err && netif; netif = netif_next(netif))
        if (!only || netif == only)
            err = dump_netif(r, netif, family);
    return err;
}

static int dump(struct netlink_request *r, const struct ifaddr *info)
{
    struct nl_attr attrs[ATTRS];
    const struct netif *only = NULL;
    bool strict = r->netlink->strict;
    int err = netlink_dump_begin(r);

    if (err)
        return err;
    if (strict && (info->prefix || info->flags || info->scope))
        return rtnl_refuse(r, -EINVAL, "Invalid values in header for address dump request");
    if (strict) {
        err = rtnl_attrs(r, sizeof(*info), attrs, ATTRS, NULL);
        if (!err && info->index && !(only = netif_by_index(info->index)))
            err = -ENODEV;
    }
    if (!err && (info->family == 0 || info->family == RTNL_INET))
        err = dump_family(r, RTNL_INET, only);
    if (!err && (info->family == 0 || info->family == RTNL_INET6))
        err = dump_family(r, RTNL_INET6, only);
    return err;
}

/* One address: IPv6 only, as on Linux. */
static int get_one(struct netlink_request *r, const struct ifaddr *info)
{
    struct nl_attr attrs[ATTRS];
    struct inet_addr wanted;
    struct answer answer = {.head = rtnl_answer(r, RTM_NEWADDR)};
    struct netif *netif = info->index ? netif_by_index(info->index) : NULL;
    int err = rtnl_attrs(r, sizeof(*info), attrs, ATTRS, NULL);

    if (err || info->family != RTNL_INET6)
        return err ? err : -EOPNOTSUPP;
    if (!rtnl_get_addr(attrs[LOCAL].data ? &attrs[LOCAL] : &attrs[ADDRESS], RTNL_INET6, &wanted))
        return -EINVAL;
    if (info->index && !netif)
        return -ENODEV;
    rcu_read_lock();
    answer.address = netif_address_find(netif, &wanted);
    err = answer.address ? netlink_reply(r, fill, &answer) : -EADDRNOTAVAIL;
    rcu_read_unlock();
    return err;
}

/* --- changing
 * --------------------------------------------------------------------------------------------------
 */

static int get_lifetimes(const struct nl_attr *attr, struct netif_address *a)
{
    struct cacheinfo times = {UINT32_MAX, UINT32_MAX, 0, 0};
    nsec_t now = clock_monotonic();

    if (attr->data)
        memcpy(&times, attr->data, sizeof(times));
    if (!times.valid || times.preferred > times.valid)
        return -EINVAL;
    a->valid_until =
        times.valid == UINT32_MAX ? NSEC_FOREVER : now + (nsec_t)times.valid * 1000000000;
    a->preferred_until =
        times.preferred == UINT32_MAX ? NSEC_FOREVER : now + (nsec_t)times.preferred * 1000000000;
    return 0;
}

/* What a message says of an address. */
static int get_address(struct netlink_request *r, const struct ifaddr *info,
                       const struct nl_attr *attrs, struct netif_address *a)
{
    bool v4 = info->family == RTNL_INET;
    struct inet_addr peer;

    *a = (struct netif_address){.netif = netif_by_index(info->index),
                                .prefix = info->prefix,
                                .scope = info->scope,
                                .flags = attrs[FLAGS].data ? nl_u32(&attrs[FLAGS]) : info->flags};
    if (!v4 && info->family != RTNL_INET6)
        return -EAFNOSUPPORT;
    if (info->prefix > (v4 ? PREFIX_MAX4 : PREFIX_MAX6))
        return rtnl_refuse(r, -EINVAL, "Invalid prefix length");
    bool has_peer = rtnl_get_addr(&attrs[ADDRESS], info->family, &peer);
    bool has_local = rtnl_get_addr(&attrs[LOCAL], info->family, &a->address);
    if (v4 && !has_local)
        return rtnl_refuse(r, -EINVAL, "Local address is not supplied");
    if (!has_local && !has_peer)
        return rtnl_refuse(r, -EINVAL, "No address is supplied");
    if (!has_local)
        a->address = peer;
    a->peer = has_peer ? peer : a->address;
    rtnl_get_addr(&attrs[BROADCAST], info->family, &a->broadcast);
    if (!a->netif)
        return rtnl_refuse(r, -ENODEV, "Device not found");
    if (v4 && !nl_text(&attrs[LABEL], a->label, sizeof(a->label)))
        return -ERANGE;
    if (v4 && !a->label[0])
        strlcpy(a->label, a->netif->name, sizeof(a->label));
    return get_lifetimes(&attrs[CACHEINFO], a);
}

/* With NLM_F_REPLACE the one that is there takes over lifetimes and flags. */
static int replace(const struct netif_address *a)
{
    int err = -ENOENT;

    mutex_lock(&netif_lock);
    rcu_read_lock();
    struct netif_address *old = netif_address_find(a->netif, &a->address);
    if (old && old->prefix == a->prefix) {
        old->valid_until = a->valid_until;
        old->preferred_until = a->preferred_until;
        err = 0;
    }
    rcu_read_unlock();
    mutex_unlock(&netif_lock);
    return err;
}

static int change(struct netlink_request *r)
{
    static const uint8_t least[ATTRS] = {[FLAGS] = 4, [CACHEINFO] = 16, [RT_PRIORITY] = 4};
    struct nl_attr attrs[ATTRS];
    struct netif_address a;
    struct ifaddr info;
    int err = rtnl_fixed(r, &info, sizeof(info), NULL);

    if (!err)
        err = rtnl_attrs(r, sizeof(info), attrs, ATTRS, least);
    if (!err)
        err = get_address(r, &info, attrs, &a);
    if (err)
        return err;
    if (r->message.type == RTM_DELADDR)
        return netif_remove_address(a.netif, &a.address, a.prefix);
    err = netif_add_address(a.netif, &a);
    if (err == -EEXIST && r->message.flags & NLM_F_REPLACE && !replace(&a))
        return 0;
    if (err == -EEXIST)
        r->why = "Address already assigned";
    return err;
}

int rtnl_address(struct netlink_request *r)
{
    struct ifaddr info;

    if (r->message.type != RTM_GETADDR)
        return change(r);
    int err = rtnl_fixed(r, &info, sizeof(info), "Invalid header for address dump request");
    if (err)
        return err;
    return rtnl_is_dump(r) ? dump(r, &info) : get_one(r, &info);
}
