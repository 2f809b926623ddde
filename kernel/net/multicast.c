/* net/multicast.c: the groups that sockets listen to, with the sources that they choose (man 7 ip,
 * ipv6; RFC 3678). */
#include "core/rcu.h"
#include "mm/heap.h"
#include "net/igmp.h"
#include "net/ipv6.h"
#include "net/rculist.h"

enum {
    SOL_IP = 0,
    IP_MULTICAST_IF = 32,
    IP_ADD_MEMBERSHIP = 35,
    IP_DROP_MEMBERSHIP = 36,
    IP_UNBLOCK_SOURCE = 37,
    IP_BLOCK_SOURCE = 38,
    IP_ADD_SOURCE_MEMBERSHIP = 39,
    IP_DROP_SOURCE_MEMBERSHIP = 40,
    IP_MSFILTER = 41,
    MCAST_JOIN_GROUP = 42,
    MCAST_BLOCK_SOURCE = 43,
    MCAST_UNBLOCK_SOURCE = 44,
    MCAST_LEAVE_GROUP = 45,
    MCAST_JOIN_SOURCE_GROUP = 46,
    MCAST_LEAVE_SOURCE_GROUP = 47,
    MCAST_MSFILTER = 48,
};
enum {
    SOL_IPV6 = 41,
    IPV6_MULTICAST_IF = 17,
    IPV6_ADD_MEMBERSHIP = 20,
    IPV6_DROP_MEMBERSHIP = 21,
    IPV6_JOIN_ANYCAST = 27,
    IPV6_LEAVE_ANYCAST = 28,
};

struct ip_mreqn {
    uint32_t group, address, ifindex;
};
struct ip_mreq_source {
    uint32_t group, address, source;
};
struct ip_msfilter {
    uint32_t group, address, mode, n, sources[];
};
struct ipv6_mreq {
    uint8_t group[16];
    uint32_t ifindex;
};
enum { STORAGE = 128 }; /* sockaddr_storage */
struct group_req {
    uint32_t ifindex, pad;
    char group[STORAGE];
};
struct group_source_req {
    uint32_t ifindex, pad;
    char group[STORAGE], source[STORAGE];
};
struct group_filter {
    uint32_t ifindex, pad;
    char group[STORAGE];
    uint32_t mode, n;
    char sources[][STORAGE];
};

/* One change that a program asks for. */
enum verb { JOIN, LEAVE, BLOCK, UNBLOCK, JOIN_SOURCE, LEAVE_SOURCE };

/* --- which interface
 * ----------------------------------------------------------------------------------------- */

/* That of the number, else of the address, else where the way to the group leads. */
static struct netif *choose_netif(uint32_t ifindex, const struct inet_addr *address,
                                  const struct inet_addr *group)
{
    struct netif *netif = NULL;
    rcu_read_lock();
    if (ifindex) {
        netif = netif_by_index(ifindex);
    } else if (address && !inet_is_any(address)) {
        const struct netif_address *found = netif_address_find(NULL, address);
        netif = found ? found->netif : NULL;
    } else {
        const struct route *route = route_find(group, NULL);
        netif = route ? route->netif : NULL;
        for (struct netif *each = netif_first(); each && !netif; each = netif_next(each))
            if (!inet_is_v4(group) && atomic_load(&each->flags) & IFF_UP &&
                atomic_load(&each->flags) & IFF_MULTICAST)
                netif = each;
    }
    rcu_read_unlock();
    return netif;
}

/* --- a socket's list; socket locked
 * -------------------------------------------------------------------------- */

static struct inet_membership *find(struct inet_socket *s, const struct inet_addr *group,
                                    const struct netif *netif)
{
    list_for_each_entry (struct inet_membership, m, &s->options.memberships, link)
        if ((!netif || m->netif == netif) && inet_equal(&m->group, group))
            return m;
    return NULL;
}

static unsigned count(struct inet_socket *s)
{
    unsigned n = 0;
    list_for_each_entry (struct inet_membership, m, &s->options.memberships, link)
        n += inet_is_multicast(&m->group);
    return n;
}

static struct inet_membership *make(const struct inet_addr *group, struct netif *netif,
                                    bool include, unsigned n)
{
    struct inet_membership *m = kzalloc(sizeof(*m) + n * sizeof(m->sources[0]));
    if (m) {
        m->group = *group;
        m->netif = netif;
        m->include = include;
        m->n = n;
    }
    return m;
}

static void free_membership(struct rcu_head *head)
{
    kfree(container_of(head, struct inet_membership, rcu));
}

static void take_away(struct inet_membership *m)
{
    rculist_del(&m->link);
    rcu_call(&m->rcu, free_membership);
}

/* Readers see the old one or the new one. */
static void replace(struct inet_socket *s, struct inet_membership *old, struct inet_membership *new)
{
    rculist_add_tail(&s->options.memberships, &new->link);
    take_away(old);
}

static int find_source(const struct inet_membership *m, const struct inet_addr *source)
{
    for (unsigned i = 0; i < m->n; i++)
        if (inet_equal(&m->sources[i], source))
            return (int)i;
    return -1;
}

static int add_source(struct inet_socket *s, struct inet_membership *m,
                      const struct inet_addr *source)
{
    if (find_source(m, source) >= 0)
        return -EADDRNOTAVAIL;
    if (m->n >= MEMBERSHIP_SOURCES_MAX)
        return -ENOBUFS;
    struct inet_membership *new = make(&m->group, m->netif, m->include, m->n + 1);
    if (!new)
        return -ENOBUFS;
    memcpy(new->sources, m->sources, m->n * sizeof(m->sources[0]));
    new->sources[m->n] = *source;
    replace(s, m, new);
    return 0;
}

static int drop_source(struct inet_socket *s, struct inet_membership *m,
                       const struct inet_addr *source)
{
    int at = find_source(m, source);
    if (at < 0)
        return -EADDRNOTAVAIL;
    struct inet_membership *new = make(&m->group, m->netif, m->include, m->n - 1);
    if (!new)
        return -ENOBUFS;
    for (unsigned i = 0, to = 0; i < m->n; i++)
        if (i != (unsigned)at)
            new->sources[to++] = m->sources[i];
    replace(s, m, new);
    return 0;
}

bool multicast_wanted(const struct inet_socket *s, const struct inet_addr *group,
                      const struct inet_addr *source, const struct netif *netif)
{
    rculist_for_each_entry(struct inet_membership, m, &s->options.memberships,
                           link) if (m->netif == netif &&
                                     inet_equal(&m->group, group)) return (find_source(m, source) >=
                                                                           0) == m->include;
    return inet_is_v4(group) ? s->options.multicast_all : s->options.hops_all;
}

/* --- joining and leaving
 * ------------------------------------------------------------------------------------- */

static int add(struct inet_socket *s, struct inet_membership *m)
{
    int err = 0;
    inet_lock(s);
    if (find(s, &m->group, m->netif))
        err = -EADDRINUSE;
    else if (count(s) >= MEMBERSHIPS_MAX)
        err = -ENOBUFS;
    else
        rculist_add_tail(&s->options.memberships, &m->link);
    inet_unlock(s);
    return err;
}

static int join(struct inet_socket *s, const struct inet_addr *group, struct netif *netif,
                const struct inet_addr *source)
{
    if (!netif)
        return -ENODEV;
    struct inet_membership *m = make(group, netif, source != NULL, source ? 1 : 0);
    if (!m)
        return -ENOMEM;
    if (source)
        m->sources[0] = *source;
    int err = netif_join(netif, group);
    if (!err) {
        err = add(s, m);
        if (err)
            netif_leave(netif, group);
    }
    if (err)
        kfree(m);
    return err;
}

static void leave_netif(struct netif *netif, const struct inet_addr *group)
{
    if (inet_is_multicast(group))
        netif_leave(netif, group);
    else
        anycast_leave(netif, group);
}

static int leave(struct inet_socket *s, const struct inet_addr *group, struct netif *netif)
{
    inet_lock(s);
    struct inet_membership *m = find(s, group, netif);
    struct netif *where = m ? m->netif : NULL;
    if (m)
        take_away(m);
    inet_unlock(s);
    if (where)
        leave_netif(where, group);
    return m ? 0 : -EADDRNOTAVAIL;
}

void multicast_leave_all(struct inet_socket *s)
{
    for (;;) {
        struct inet_addr group;
        struct netif *netif = NULL;
        inet_lock(s);
        if (!list_empty(&s->options.memberships)) {
            struct inet_membership *m =
                list_first(&s->options.memberships, struct inet_membership, link);
            group = m->group;
            netif = m->netif;
            take_away(m);
        }
        inet_unlock(s);
        if (!netif)
            return;
        leave_netif(netif, &group);
    }
}

/* Block or unblock a source, or hear one more or one less. 1: the last one went, leave the group.
 */
static int change_source(struct inet_socket *s, enum verb verb, struct inet_membership *m,
                         const struct inet_addr *source)
{
    bool include = verb == JOIN_SOURCE || verb == LEAVE_SOURCE;
    if (m->include != include) {
        if (m->n || m->include)
            return -EINVAL;
        if (verb == LEAVE_SOURCE)
            return -EADDRNOTAVAIL;
        m->include = true; /* joined for everybody: from now on for this one */
    }
    if (verb == LEAVE_SOURCE && m->n == 1 && find_source(m, source) == 0)
        return 1;
    return verb == BLOCK || verb == JOIN_SOURCE ? add_source(s, m, source)
                                                : drop_source(s, m, source);
}

static int source_verb(struct inet_socket *s, enum verb verb, const struct inet_addr *group,
                       struct netif *netif, const struct inet_addr *source)
{
    if (!netif)
        return -ENODEV;
    inet_lock(s);
    struct inet_membership *m = find(s, group, netif);
    int err = m ? change_source(s, verb, m, source) : -EINVAL;
    inet_unlock(s);
    if (!m && verb == JOIN_SOURCE)
        return join(s, group, netif, source);
    return err == 1 ? leave(s, group, netif) : err;
}

static int do_verb(struct inet_socket *s, enum verb verb, const struct inet_addr *group,
                   struct netif *netif, const struct inet_addr *source)
{
    if (!inet_is_multicast(group) && !(verb == LEAVE && inet_is_v4(group)))
        return -EINVAL;
    if (verb == JOIN)
        return join(s, group, netif, NULL);
    if (verb == LEAVE)
        return netif ? leave(s, group, netif) : inet_is_v4(group) ? -ENODEV : -EADDRNOTAVAIL;
    return source_verb(s, verb, group, netif, source);
}

/* The whole list of sources at once. */
static int set_sources(struct inet_socket *s, const struct inet_addr *group, struct netif *netif,
                       bool include, const struct inet_addr *sources, unsigned n)
{
    if (!inet_is_multicast(group))
        return -EINVAL;
    if (!netif)
        return -ENODEV;
    if (include && !n)
        return leave(s, group, netif);
    struct inet_membership *new = make(group, netif, include, n);
    if (!new)
        return -ENOBUFS;
    memcpy(new->sources, sources, n * sizeof(*sources));
    inet_lock(s);
    struct inet_membership *old = find(s, group, netif);
    if (old)
        replace(s, old, new);
    inet_unlock(s);
    if (!old)
        kfree(new);
    return old ? 0 : -EINVAL;
}

/* --- what programs pass
 * -------------------------------------------------------------------------------------- */

static int set_netif4(struct inet_socket *s, const void *value, size_t len)
{
    struct ip_mreqn request = {};
    if (s->socket.type == SOCK_STREAM || len < sizeof(uint32_t))
        return -EINVAL;
    if (len >= 8)
        memcpy(&request, value, MIN(len, sizeof(request)));
    else
        memcpy(&request.address, value, sizeof(request.address));
    struct inet_addr address = inet_v4(request.address);
    struct netif *netif = NULL;
    if (request.ifindex || request.address) {
        netif = choose_netif(request.ifindex, &address, NULL);
        if (!netif)
            return -EADDRNOTAVAIL;
    }
    if (s->flow.bound && netif && s->flow.bound != netif)
        return -EINVAL;
    inet_lock(s);
    s->options.multicast_netif = netif;
    s->options.multicast_source = request.address ? address : (struct inet_addr){};
    s->options.version++;
    inet_unlock(s);
    return 0;
}

static int set_netif6(struct inet_socket *s, const void *value, size_t len)
{
    uint32_t index;
    if (s->socket.type == SOCK_STREAM)
        return -ENOPROTOOPT;
    if (len < sizeof(index))
        return -EINVAL;
    memcpy(&index, value, sizeof(index));
    rcu_read_lock();
    struct netif *netif = index ? netif_by_index(index) : NULL;
    rcu_read_unlock();
    if (index && !netif)
        return -ENODEV;
    if (netif && s->flow.bound && s->flow.bound != netif)
        return -EINVAL;
    inet_lock(s);
    s->options.hops_netif = netif;
    s->options.version++;
    inet_unlock(s);
    return 0;
}

static int membership4(struct inet_socket *s, enum verb verb, const void *value, size_t len)
{
    struct ip_mreqn request = {};
    if (s->socket.type == SOCK_STREAM)
        return -EPROTO;
    if (len < 8)
        return -EINVAL;
    memcpy(&request, value, len < sizeof(request) ? 8 : sizeof(request));
    struct inet_addr group = inet_v4(request.group), address = inet_v4(request.address);
    return do_verb(s, verb, &group, choose_netif(request.ifindex, &address, &group), NULL);
}

static int source_membership4(struct inet_socket *s, enum verb verb, const void *value, size_t len)
{
    struct ip_mreq_source request;
    if (len != sizeof(request))
        return -EINVAL;
    memcpy(&request, value, sizeof(request));
    struct inet_addr group = inet_v4(request.group), address = inet_v4(request.address),
                     source = inet_v4(request.source);
    return do_verb(s, verb, &group, choose_netif(0, &address, &group), &source);
}

static int membership6(struct inet_socket *s, enum verb verb, const void *value, size_t len)
{
    struct ipv6_mreq request;
    struct inet_addr group;
    if (len < sizeof(request))
        return -EINVAL;
    memcpy(&request, value, sizeof(request));
    memcpy(group.bytes, request.group, sizeof(request.group));
    if (s->socket.type == SOCK_STREAM)
        return -EPROTO;
    if (inet_is_v4(&group))
        return -EINVAL;
    return do_verb(s, verb, &group, choose_netif(request.ifindex, NULL, &group), NULL);
}

/* Anycast addresses are in the same list; several times, if they are joined several times. */
static int anycast(struct inet_socket *s, bool joins, const void *value, size_t len)
{
    struct ipv6_mreq request;
    struct inet_addr address;
    struct netif *netif;
    if (len < sizeof(request))
        return -EINVAL;
    memcpy(&request, value, sizeof(request));
    memcpy(address.bytes, request.group, sizeof(request.group));
    if (!joins) {
        netif = request.ifindex ? choose_netif(request.ifindex, NULL, &address) : NULL;
        return inet_is_multicast(&address) || (request.ifindex && !netif) ||
                       leave(s, &address, netif)
                   ? -ENOENT
                   : 0;
    }
    if (!socket_capable(NET_CAP_ADMIN))
        return -EPERM;
    if (inet_is_multicast(&address))
        return -EINVAL;
    int err = anycast_join(request.ifindex, &address, &netif);
    if (err)
        return err;
    struct inet_membership *m = make(&address, netif, false, 0);
    if (!m) {
        anycast_leave(netif, &address);
        return -ENOMEM;
    }
    inet_lock(s);
    rculist_add_tail(&s->options.memberships, &m->link);
    inet_unlock(s);
    return 0;
}

/* A sockaddr_storage of the level's family. */
static int get_storage(int level, const char *storage, struct inet_addr *ip)
{
    uint16_t family;
    memcpy(&family, storage, sizeof(family));
    if (family != (level == SOL_IP ? AF_INET : AF_INET6))
        return -EADDRNOTAVAIL;
    if (family == AF_INET)
        *ip = inet_v4(get_le32(storage + offsetof(struct sockaddr_in, address)));
    else
        memcpy(ip->bytes, storage + offsetof(struct sockaddr_in6, address), sizeof(ip->bytes));
    return 0;
}

static int group_request(struct inet_socket *s, int level, enum verb verb, const void *value,
                         size_t len)
{
    struct group_req request;
    struct inet_addr group;
    if (len < sizeof(request))
        return -EINVAL;
    memcpy(&request, value, sizeof(request));
    int err = get_storage(level, request.group, &group);
    if (err)
        return level == SOL_IP ? -EINVAL : err;
    return do_verb(s, verb, &group, choose_netif(request.ifindex, NULL, &group), NULL);
}

static int group_source_request(struct inet_socket *s, int level, enum verb verb, const void *value,
                                size_t len)
{
    const struct group_source_req *request = value;
    struct inet_addr group, source;
    if (len < sizeof(*request) || (level == SOL_IP && len != sizeof(*request)))
        return -EINVAL;
    int err = get_storage(level, request->group, &group);
    if (!err)
        err = get_storage(level, request->source, &source);
    if (err)
        return err;
    return do_verb(s, verb, &group, choose_netif(request->ifindex, NULL, &group), &source);
}

static int filter4(struct inet_socket *s, const struct ip_msfilter *filter, size_t len)
{
    struct inet_addr sources[MEMBERSHIP_SOURCES_MAX];
    if (len < sizeof(*filter))
        return -EINVAL;
    if (filter->n > MEMBERSHIP_SOURCES_MAX)
        return -ENOBUFS;
    if (len < sizeof(*filter) + filter->n * sizeof(filter->sources[0]) || filter->mode > 1)
        return -EINVAL;
    for (unsigned i = 0; i < filter->n; i++)
        sources[i] = inet_v4(filter->sources[i]);
    struct inet_addr group = inet_v4(filter->group), address = inet_v4(filter->address);
    return set_sources(s, &group, choose_netif(0, &address, &group), filter->mode == 1, sources,
                       filter->n);
}

static int group_filter(struct inet_socket *s, int level, const struct group_filter *filter,
                        size_t len)
{
    struct inet_addr group, sources[MEMBERSHIP_SOURCES_MAX];
    if (len < sizeof(*filter))
        return -EINVAL;
    if (filter->n > MEMBERSHIP_SOURCES_MAX)
        return -ENOBUFS;
    if (len < sizeof(*filter) + filter->n * (size_t)STORAGE || filter->mode > 1)
        return -EINVAL;
    int err = get_storage(level, filter->group, &group);
    for (unsigned i = 0; i < filter->n && !err; i++)
        err = get_storage(level, filter->sources[i], &sources[i]);
    if (err)
        return level == SOL_IP ? err : -EINVAL;
    return set_sources(s, &group, choose_netif(filter->ifindex, NULL, &group), filter->mode == 1,
                       sources, filter->n);
}

static int set_common(struct inet_socket *s, int level, int name, const void *value, size_t len)
{
    switch (name) {
    case MCAST_JOIN_GROUP:
        return group_request(s, level, JOIN, value, len);
    case MCAST_LEAVE_GROUP:
        return group_request(s, level, LEAVE, value, len);
    case MCAST_BLOCK_SOURCE:
        return group_source_request(s, level, BLOCK, value, len);
    case MCAST_UNBLOCK_SOURCE:
        return group_source_request(s, level, UNBLOCK, value, len);
    case MCAST_JOIN_SOURCE_GROUP:
        return group_source_request(s, level, JOIN_SOURCE, value, len);
    case MCAST_LEAVE_SOURCE_GROUP:
        return group_source_request(s, level, LEAVE_SOURCE, value, len);
    case MCAST_MSFILTER:
        return group_filter(s, level, value, len);
    default:
        return -ENOPROTOOPT;
    }
}

static int set4(struct inet_socket *s, int name, const void *value, size_t len)
{
    switch (name) {
    case IP_MULTICAST_IF:
        return set_netif4(s, value, len);
    case IP_ADD_MEMBERSHIP:
        return membership4(s, JOIN, value, len);
    case IP_DROP_MEMBERSHIP:
        return membership4(s, LEAVE, value, len);
    case IP_BLOCK_SOURCE:
        return source_membership4(s, BLOCK, value, len);
    case IP_UNBLOCK_SOURCE:
        return source_membership4(s, UNBLOCK, value, len);
    case IP_ADD_SOURCE_MEMBERSHIP:
        return source_membership4(s, JOIN_SOURCE, value, len);
    case IP_DROP_SOURCE_MEMBERSHIP:
        return source_membership4(s, LEAVE_SOURCE, value, len);
    case IP_MSFILTER:
        return filter4(s, value, len);
    default:
        return set_common(s, SOL_IP, name, value, len);
    }
}

int multicast_set_option(struct inet_socket *s, int level, int name, const void *value, size_t len)
{
    bool raw6 = s->socket.family == AF_INET6 && s->socket.type == SOCK_RAW;
    if (level == SOL_IP && !raw6)
        return set4(s, name, value, len);
    if (level != SOL_IPV6 || s->socket.family != AF_INET6)
        return -ENOPROTOOPT;
    switch (name) {
    case IPV6_MULTICAST_IF:
        return set_netif6(s, value, len);
    case IPV6_ADD_MEMBERSHIP:
        return membership6(s, JOIN, value, len);
    case IPV6_DROP_MEMBERSHIP:
        return membership6(s, LEAVE, value, len);
    case IPV6_JOIN_ANYCAST:
    case IPV6_LEAVE_ANYCAST:
        return anycast(s, name == IPV6_JOIN_ANYCAST, value, len);
    default:
        return set_common(s, SOL_IPV6, name, value, len);
    }
}

/* Reading: what there is of n sources is written to by put(), and *mode and *n become what they
 * are. How many were written; socket locked by this. */
static int get_sources(struct inet_socket *s, const struct inet_addr *group,
                       const struct netif *netif, uint32_t *mode, uint32_t *n, char *to,
                       size_t room, size_t step)
{
    inet_lock(s);
    const struct inet_membership *m = netif ? find(s, group, netif) : NULL;
    unsigned copied = m ? MIN(MIN(*n, m->n), (unsigned)(room / step)) : 0;
    for (unsigned i = 0; i < copied; i++) {
        struct socket_address address = {};
        uint32_t v4 = inet_v4_of(&m->sources[i]);
        if (step == sizeof(v4)) {
            memcpy(to + i * step, &v4, step);
            continue;
        }
        address.family = inet_is_v4(group) ? AF_INET : AF_INET6;
        if (inet_is_v4(group))
            memcpy(address.bytes + offsetof(struct sockaddr_in, address), &v4, sizeof(v4));
        else
            memcpy(address.bytes + offsetof(struct sockaddr_in6, address), m->sources[i].bytes, 16);
        memcpy(to + i * step, address.bytes, step);
    }
    if (m) {
        *mode = m->include;
        *n = m->n;
    }
    inet_unlock(s);
    return m ? (int)copied : -EADDRNOTAVAIL;
}

static int get_filter4(struct inet_socket *s, struct ip_msfilter *filter, size_t len)
{
    if (len < sizeof(*filter))
        return -EINVAL;
    struct inet_addr group = inet_v4(filter->group), address = inet_v4(filter->address);
    struct netif *netif = choose_netif(0, &address, &group);
    if (!inet_is_multicast(&group))
        return -EINVAL;
    if (!netif)
        return -ENODEV;
    int n = get_sources(s, &group, netif, &filter->mode, &filter->n, (char *)filter->sources,
                        len - sizeof(*filter), sizeof(filter->sources[0]));
    return n < 0 ? n : (int)(sizeof(*filter) + (size_t)n * sizeof(filter->sources[0]));
}

static int get_group_filter(struct inet_socket *s, int level, struct group_filter *filter,
                            size_t len)
{
    struct inet_addr group;
    if (len < sizeof(*filter))
        return -EINVAL;
    int err = get_storage(level, filter->group, &group);
    if (err || !inet_is_multicast(&group))
        return err && level != SOL_IP ? err : -EINVAL;
    rcu_read_lock();
    const struct netif *netif = netif_by_index(filter->ifindex);
    rcu_read_unlock();
    int n = get_sources(s, &group, netif, &filter->mode, &filter->n, filter->sources[0],
                        len - sizeof(*filter), STORAGE);
    return n < 0 ? n : (int)sizeof(*filter) + n * STORAGE;
}

int multicast_get_option(struct inet_socket *s, int level, int name, void *value, size_t len)
{
    uint32_t number;
    bool six = s->socket.family == AF_INET6, raw6 = six && s->socket.type == SOCK_RAW;
    if (level == SOL_IP && name == IP_MSFILTER && !raw6)
        return get_filter4(s, value, len);
    if (name == MCAST_MSFILTER && (level == SOL_IP ? !raw6 : level == SOL_IPV6 && six))
        return get_group_filter(s, level, value, len);
    if (level == SOL_IP && name == IP_MULTICAST_IF && !raw6)
        number =
            inet_is_v4(&s->options.multicast_source) ? inet_v4_of(&s->options.multicast_source) : 0;
    else if (level == SOL_IPV6 && name == IPV6_MULTICAST_IF && s->socket.family == AF_INET6)
        number = s->options.hops_netif ? s->options.hops_netif->index : 0;
    else
        return -ENOPROTOOPT;
    len = MIN(len, sizeof(number));
    memcpy(value, &number, len);
    return (int)len;
}
