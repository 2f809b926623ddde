#include "net/route.h"

#include "core/clock.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "net/neighbour.h"
#include "net/rculist.h"

enum { IFA_F_NOPREFIXROUTE = 0x200, METRIC_CONNECTED_V6 = 256 };

/* The local table, and all others; longest prefix first, then lowest metric, then oldest. IPv4
 * prefixes count as those of mapped addresses. */
static struct list local = LIST_INIT(local), others = LIST_INIT(others);
atomic_uint route_generation;

static void tell_nobody(const struct route *route, bool added)
{
}
void (*route_changed_hook)(const struct route *route, bool added) = tell_nobody;

static unsigned bits_of(const struct route *route)
{
    return inet_is_v4(&route->destination) ? route->prefix + 96 : route->prefix;
}

static struct list *list_of(unsigned table)
{
    return table == RT_TABLE_LOCAL ? &local : &others;
}

static bool is_set(const struct inet_addr *a)
{
    return a->halves[0] || a->halves[1];
}

static void changed(const struct route *route, bool added)
{
    atomic_fetch_add(&route_generation, 1);
    route_changed_hook(route, added);
}

/* --- looking up */

static bool leads_to(const struct route *route, const struct inet_addr *destination,
                     const struct netif *netif)
{
    if (netif && route->netif != netif && route->netif)
        return false;
    if (route->netif &&
        !(atomic_load_explicit(&route->netif->flags, memory_order_relaxed) & IFF_UP))
        return false;
    if (!inet_prefix_match(destination, &route->destination, route->prefix))
        return false;
    return route->valid_until == NSEC_FOREVER || route->valid_until > clock_monotonic();
}

static const struct route *find_in(struct list *list, const struct inet_addr *destination,
                                   const struct netif *netif)
{
    rculist_for_each_entry(struct route, route, list,
                           link) if (leads_to(route, destination, netif)) return route;
    return NULL;
}

const struct route *route_find(const struct inet_addr *destination, const struct netif *netif)
{
    const struct route *route = find_in(&local, destination, netif);

    return route ? route : find_in(&others, destination, netif);
}

unsigned route_kind(const struct inet_addr *address, struct netif *netif)
{
    if (inet_is_multicast(address))
        return RTN_MULTICAST;
    if (inet_is_v4(address) && (inet_is_any(address) || inet_is_limited_broadcast(address)))
        return RTN_BROADCAST;
    const struct route *route = find_in(&local, address, NULL);
    return route ? route->type : RTN_UNICAST;
}

void route_each(bool (*fn)(const struct route *route, void *arg), void *arg)
{
    struct list *lists[] = {&others, &local};

    for (unsigned i = 0; i < ARRAY_SIZE(lists); i++)
        rculist_for_each_entry(struct route, route, lists[i], link) if (!fn(route, arg)) return;
}

/* --- changing */

static bool is_before(const struct route *a, const struct route *b)
{
    unsigned bits_a = bits_of(a), bits_b = bits_of(b);

    return bits_a != bits_b ? bits_a > bits_b : a->metric < b->metric;
}

static bool same_place(const struct route *a, const struct route *b)
{
    return inet_equal(&a->destination, &b->destination) && a->prefix == b->prefix &&
           a->table == b->table;
}

/* May both be there? The kernel's own routes of two addresses may, and IPv6 routes by several
 * gateways. */
static bool excludes(const struct route *old, const struct route *new)
{
    if (!same_place(old, new) || old->metric != new->metric)
        return false;
    if (old->netif == new->netif && inet_equal(&old->gateway, &new->gateway) &&
        old->type == new->type &&inet_equal(&old->source, &new->source))
        return true;
    return new->protocol != RTPROT_KERNEL &&inet_is_v4(&new->destination);
}

static bool needs_netif(const struct route *route)
{
    return route->type != RTN_BLACKHOLE && route->type != RTN_UNREACHABLE &&
           route->type != RTN_PROHIBIT;
}

/* The gateway must be a neighbour; that also tells the interface. */
static int check_gateway(struct route *route)
{
    const struct route *to;

    if (inet_is_link_local(&route->gateway) && route->netif)
        return 0;
    to = find_in(&others, &route->gateway, route->netif);
    if (find_in(&local, &route->gateway, NULL))
        return -EINVAL;
    if (!to || is_set(&to->gateway) || to->type != RTN_UNICAST)
        return -ENETUNREACH;
    route->netif = to->netif;
    return 0;
}

static int check(struct route *route)
{
    unsigned most = inet_is_v4(&route->destination) ? 32 : 128;

    if (route->prefix > most)
        return -EINVAL;
    if (!route->table)
        route->table = RT_TABLE_MAIN;
    if (!route->type)
        route->type = RTN_UNICAST;
    if (!route->valid_until)
        route->valid_until = NSEC_FOREVER;
    if (!needs_netif(route))
        return 0;
    if (is_set(&route->gateway)) {
        int err = check_gateway(route);
        if (err)
            return err;
    }
    if (!route->netif)
        return -ENODEV;
    return atomic_load(&route->netif->flags) & IFF_UP || route->table == RT_TABLE_LOCAL ? 0
                                                                                        : -ENETDOWN;
}

static int insert(const struct route *wanted)
{
    struct route route = *wanted;
    struct list *list, *pos;
    int err = check(&route);

    if (err)
        return err;
    list = list_of(route.table);
    pos = list;
    list_for_each_entry (struct route, old, list, link) {
        if (excludes(old, &route))
            return -EEXIST;
        if (pos == list && is_before(&route, old))
            pos = &old->link;
    }
    struct route *copy = kmalloc(sizeof(*copy));
    if (!copy)
        return -ENOMEM;
    *copy = route;
    rculist_add_tail(pos, &copy->link);
    changed(copy, true);
    return 0;
}

int route_add(const struct route *route)
{
    bool taken = netif_change_begin();
    int err = insert(route);

    netif_change_end(taken);
    return err;
}

static void free_route(struct rcu_head *head)
{
    kfree(container_of(head, struct route, rcu));
}

static void take_out(struct route *route)
{
    rculist_del(&route->link);
    changed(route, false);
    rcu_call(&route->rcu, free_route);
}

static bool is_meant(const struct route *route, const struct route *by)
{
    return inet_equal(&route->destination, &by->destination) && route->prefix == by->prefix &&
           route->table == (by->table ? by->table : RT_TABLE_MAIN) &&
           (!by->netif || route->netif == by->netif) && (!by->type || route->type == by->type) &&
           (!by->protocol || route->protocol == by->protocol) &&
           (!by->metric || route->metric == by->metric) &&
           (!is_set(&by->gateway) || inet_equal(&route->gateway, &by->gateway)) &&
           (!is_set(&by->source) || inet_equal(&route->source, &by->source));
}

static int take_out_meant(const struct route *by)
{
    list_for_each_entry (struct route, route, list_of(by->table), link)
        if (is_meant(route, by)) {
            take_out(route);
            return 0;
        }
    return -ESRCH;
}

__cold int route_remove(const struct route *route)
{
    bool taken = netif_change_begin();
    int err = take_out_meant(route);

    netif_change_end(taken);
    return err;
}

/* --- what addresses bring with them */

static struct inet_addr masked(const struct inet_addr *a, unsigned prefix, uint8_t rest)
{
    struct inet_addr result = *a;
    unsigned bits = inet_is_v4(a) ? prefix + 96 : prefix;

    for (unsigned i = 0; i < 16; i++) {
        unsigned kept = bits > 8 * i ? MIN(bits - 8 * i, 8u) : 0;
        uint8_t mask = (uint8_t)(0xff00 >> kept);
        result.bytes[i] = (result.bytes[i] & mask) | (rest & (uint8_t)~mask);
    }
    return result;
}

static struct route kernel_route(struct netif *netif, struct inet_addr destination, unsigned prefix,
                                 unsigned type)
{
    bool unicast = type == RTN_UNICAST;

    return (struct route){
        .destination = destination,
        .prefix = prefix,
        .netif = netif,
        .type = (uint8_t)type,
        .table = unicast ? RT_TABLE_MAIN : RT_TABLE_LOCAL,
        .protocol = RTPROT_KERNEL,
        .scope = type == RTN_LOCAL ? RT_SCOPE_HOST : RT_SCOPE_LINK,
        .valid_until = NSEC_FOREVER,
    };
}

/* The addresses at both ends of a subnet of IPv4. */
static struct inet_addr subnet_broadcast(const struct netif_address *a)
{
    return masked(&a->address, a->prefix, 0xff);
}

static bool has_broadcast(const struct netif_address *a)
{
    return inet_is_v4(&a->address) && a->prefix < 31;
}

/* Its route to the neighbours; false: it brings none. */
static bool connected_route(struct netif *netif, const struct netif_address *a, struct route *route)
{
    bool v4 = inet_is_v4(&a->address), inside = inet_is_loopback(&a->address);

    if (a->flags & IFA_F_NOPREFIXROUTE || a->prefix == (v4 ? 32 : 128))
        return false;
    *route = kernel_route(netif, masked(&a->address, a->prefix, 0), a->prefix,
                          inside ? RTN_LOCAL : RTN_UNICAST);
    if (v4)
        route->source = a->address;
    else
        route->metric = METRIC_CONNECTED_V6;
    return true;
}

static int tolerate(int err, int expected)
{
    return err == expected ? 0 : err;
}

static __cold int add_connected(struct netif *netif, const struct netif_address *a)
{
    struct route route;

    if (!connected_route(netif, a, &route))
        return 0;
    if (route.type == RTN_UNICAST && !(atomic_load(&netif->flags) & IFF_UP))
        return 0;
    return tolerate(route_add(&route), -EEXIST);
}

static int add_broadcasts(struct netif *netif, const struct netif_address *a)
{
    struct route route = kernel_route(netif, subnet_broadcast(a), 32, RTN_BROADCAST);
    int err;

    if (!has_broadcast(a))
        return 0;
    route.source = a->address;
    err = tolerate(route_add(&route), -EEXIST);
    if (err || !is_set(&a->broadcast) || inet_is_any(&a->broadcast) ||
        inet_is_limited_broadcast(&a->broadcast))
        return err;
    route.destination = a->broadcast;
    return tolerate(route_add(&route), -EEXIST);
}

int route_address_added(struct netif *netif, const struct netif_address *a)
{
    bool v4 = inet_is_v4(&a->address);
    struct route route = kernel_route(netif, a->address, v4 ? 32 : 128, RTN_LOCAL);
    int err;

    if (v4)
        route.source = a->address;
    err = tolerate(route_add(&route), -EEXIST);
    if (!err)
        err = add_broadcasts(netif, a);
    if (!err)
        err = add_connected(netif, a);
    if (err)
        route_address_removed(netif, a);
    return err;
}

/* Does another address of the interface bring the same connected route (IPv6: without source)? */
static bool is_brought_by_another(struct netif *netif, const struct netif_address *gone)
{
    list_for_each_entry (struct netif_address, a, &netif->addresses, link)
        if (a != gone && a->prefix == gone->prefix &&
            inet_prefix_match(&a->address, &gone->address, a->prefix))
            return true;
    return false;
}

__cold void route_address_removed(struct netif *netif, const struct netif_address *a)
{
    bool v4 = inet_is_v4(&a->address);
    struct route route = kernel_route(netif, a->address, v4 ? 32 : 128, RTN_LOCAL);

    route_remove(&route);
    if (connected_route(netif, a, &route) && (v4 || !is_brought_by_another(netif, a)))
        route_remove(&route);
    if (!v4)
        return;
    /* Whatever else had it as its source: broadcasts, and routes of others. */
    struct list *lists[] = {&local, &others};
    for (unsigned i = 0; i < ARRAY_SIZE(lists); i++)
        list_for_each_safe (p, n, lists[i]) {
            struct route *r = list_entry(p, struct route, link);
            if (r->netif == netif && inet_equal(&r->source, &a->address))
                take_out(r);
        }
}

void route_netif_up(struct netif *netif)
{
    atomic_fetch_add(&route_generation, 1);
    list_for_each_entry (struct netif_address, a, &netif->addresses, link)
        add_connected(netif, a);
}

void route_netif_down(struct netif *netif)
{
    list_for_each_safe (p, n, &others) {
        struct route *route = list_entry(p, struct route, link);
        if (route->netif == netif)
            take_out(route);
    }
    atomic_fetch_add(&route_generation, 1);
    neighbour_flush(netif);
}
