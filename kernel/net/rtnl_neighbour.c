/* net/rtnl_neighbour.c: the neighbour table in NETLINK_ROUTE. */
#include "lib/string.h"
#include "net/rtnetlink.h"
#include "net/worker.h"

enum { /* NDA_* */
       DST = 1,
       LLADDR,
       CACHEINFO,
       PROBES,
       IFINDEX = 8,
       MASTER,
       ATTRS = 16,
};
enum { NTF_PROXY = 8, NTF_ROUTER = 0x80 };

struct ndmsg {
    uint8_t family, pad1;
    uint16_t pad2;
    int32_t index;
    uint16_t state;
    uint8_t flags, type;
};
struct cacheinfo {
    uint32_t confirmed, used, updated, refs;
};

static uint8_t kind_of(const struct neighbour *n)
{
    return inet_is_multicast(&n->address)           ? RTN_MULTICAST
           : inet_is_limited_broadcast(&n->address) ? RTN_BROADCAST
                                                    : RTN_UNICAST;
}

bool rtnl_fill_neighbour(struct nl_out *out, const struct rtnl_head *head,
                         const struct neighbour *n)
{
    struct ndmsg *m = nl_begin(out, head->type, head->flags, head->seq, head->port, sizeof(*m));
    struct cacheinfo times = {rtnl_ticks_since(n->updated), rtnl_ticks_since(n->used),
                              rtnl_ticks_since(n->updated), n->refs};

    m->family = (uint8_t)rtnl_family(&n->address);
    m->index = (int32_t)n->netif->index;
    m->state = (uint16_t)n->state;
    m->flags = n->router ? NTF_ROUTER : 0;
    m->type = kind_of(n);
    rtnl_put_addr(out, DST, &n->address);
    if (!(n->state & (NUD_INCOMPLETE | NUD_FAILED)))
        nl_put(out, LLADDR, n->mac, ETH_ALEN);
    nl_put_u32(out, PROBES, n->probes);
    nl_put(out, CACHEINFO, &times, sizeof(times));
    return nl_end(out);
}

/* Which entries are wanted, and whether there was one. */
struct search {
    struct netlink_request *request;
    struct rtnl_head head;
    unsigned family;
    const struct netif *netif;
    struct inet_addr address;
    bool one;
    const struct neighbour *now;
    int found;
};

static bool fill(struct nl_out *out, void *arg)
{
    const struct search *s = arg;

    return rtnl_fill_neighbour(out, &s->head, s->now);
}

static bool visit(const struct neighbour *n, void *arg)
{
    struct search *s = arg;

    if ((s->family && s->family != rtnl_family(&n->address)) || (s->netif && s->netif != n->netif))
        return true;
    if (s->one && !inet_equal(&s->address, &n->address))
        return true;
    s->now = n;
    s->found = netlink_reply(s->request, fill, s);
    return !s->one && !s->found;
}

static int dump(struct netlink_request *r, const struct ndmsg *m)
{
    struct nl_attr attrs[ATTRS];
    struct search s = {.request = r, .family = m->family};
    int err = netlink_dump_begin(r);

    if (!err)
        err = rtnl_attrs(r, sizeof(*m), attrs, ATTRS, NULL);
    if (err)
        return err;
    if (r->netlink->strict && (m->pad1 || m->pad2 || m->index || m->state || m->type))
        return rtnl_refuse(r, -EINVAL, "Invalid values in header for neighbor dump request");
    if (m->flags & NTF_PROXY)
        return 0;
    if (attrs[IFINDEX].data && !(s.netif = netif_by_index(nl_u32(&attrs[IFINDEX]))))
        return 0;
    s.head = rtnl_answer(r, RTM_NEWNEIGH);
    neighbour_each(visit, &s);
    return s.found;
}

static int get_one(struct netlink_request *r, const struct ndmsg *m)
{
    struct nl_attr attrs[ATTRS];
    struct search s = {.request = r, .family = m->family, .one = true, .found = -ENOENT};
    int err = rtnl_attrs(r, sizeof(*m), attrs, ATTRS, NULL);

    if (err)
        return err;
    if (!rtnl_get_addr(&attrs[DST], m->family, &s.address))
        return rtnl_refuse(r, -EINVAL, "Network address not specified");
    s.netif = m->index > 0 ? netif_by_index((unsigned)m->index) : NULL;
    if (!s.netif)
        return rtnl_refuse(r, m->index ? -ENODEV : -EINVAL, "No device specified");
    s.head = rtnl_answer(r, RTM_NEWNEIGH);
    neighbour_each(visit, &s);
    if (s.found == -ENOENT)
        r->why = "Neighbour entry not found";
    return s.found;
}

static bool find(const struct neighbour *n, void *arg)
{
    struct search *s = arg;
    bool same = s->netif == n->netif && inet_equal(&s->address, &n->address);

    s->found |= same;
    return !same;
}

static int add(struct netlink_request *r, const struct ndmsg *m, const struct nl_attr *attrs,
               struct netif *netif, const struct inet_addr *address)
{
    struct search s = {.netif = netif, .address = *address};
    unsigned state = m->state ? m->state : NUD_PERMANENT;
    bool needs_mac = !(state & (NUD_NOARP | NUD_INCOMPLETE | NUD_FAILED | NUD_DELAY | NUD_PROBE));

    neighbour_each(find, &s);
    if (s.found && r->message.flags & NLM_F_EXCL)
        return -EEXIST;
    if (!s.found && !(r->message.flags & NLM_F_CREATE))
        return -ENOENT;
    if (attrs[LLADDR].data && attrs[LLADDR].len < ETH_ALEN)
        return rtnl_refuse(r, -EINVAL, "Invalid link address");
    if (!attrs[LLADDR].data && needs_mac && !s.found)
        return rtnl_refuse(r, -EINVAL, "No link layer address given");
    return neighbour_set(netif, address, attrs[LLADDR].data, (enum neighbour_state)state);
}

static int change(struct netlink_request *r)
{
    struct nl_attr attrs[ATTRS];
    struct inet_addr address;
    struct ndmsg m;
    int err = rtnl_fixed(r, &m, sizeof(m), NULL);

    if (!err)
        err = rtnl_attrs(r, sizeof(m), attrs, ATTRS, NULL);
    if (err)
        return err;
    if (!attrs[DST].data)
        return rtnl_refuse(r, -EINVAL, "Network address not specified");
    struct netif *netif = m.index > 0 ? netif_by_index((unsigned)m.index) : NULL;
    if (!netif)
        return m.index ? -ENODEV : -EINVAL;
    if (m.family != RTNL_INET && m.family != RTNL_INET6)
        return -EAFNOSUPPORT;
    if (!rtnl_get_addr(&attrs[DST], m.family, &address))
        return rtnl_refuse(r, -EINVAL, "Invalid network address");
    if (m.flags & NTF_PROXY)
        return rtnl_refuse(r, -EOPNOTSUPP, "There are no proxy entries");
    worker_need(); /* it tells who listens */
    if (r->message.type == RTM_DELNEIGH)
        return neighbour_remove(netif, &address);
    return add(r, &m, attrs, netif, &address);
}

int rtnl_neighbour(struct netlink_request *r)
{
    struct ndmsg m;

    if (r->message.type != RTM_GETNEIGH)
        return change(r);
    int err = rtnl_fixed(r, &m, sizeof(m), "Invalid header for neighbor request");
    if (err)
        return err;
    return rtnl_is_dump(r) ? dump(r, &m) : get_one(r, &m);
}
