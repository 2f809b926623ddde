/* net/anycast.c: addresses of IPv6 that several hosts have (RFC 4291, 2.6): what sockets join with
 * IPV6_JOIN_ANYCAST. To routes they are RTN_ANYCAST of the local table. */
#include "lib/errno.h"
#include "fs/pseudo.h"
#include "mm/heap.h"
#include "net/igmp.h"
#include "net/ipv6_core.h"
#include "net/proc_net.h"
#include "net/rculist.h"

struct anycast {
    struct list link; /* changed under netif_lock */
    struct inet_addr address;
    struct netif *netif;
    unsigned users;
    struct rcu_head rcu;
};
static struct list all = LIST_INIT(all);

static struct anycast *find(const struct netif *netif, const struct inet_addr *address)
{
    rculist_for_each_entry(struct anycast, a, &all,
                           link) if ((!netif || a->netif == netif) &&
                                     inet_equal(&a->address, address)) return a;
    return NULL;
}

struct netif *anycast_netif(const struct netif *netif, const struct inet_addr *address)
{
    const struct anycast *a = find(netif, address);

    return a ? a->netif : NULL;
}

/* Is it of a subnet that the interface has an address in? */
static bool fits(struct netif *netif, const struct inet_addr *address)
{
    list_for_each_entry (struct netif_address, a, &netif->addresses, link)
        if (!inet_is_v4(&a->address) && inet_prefix_match(address, &a->address, a->prefix))
            return true;
    return false;
}

static struct route route_of(struct netif *netif, const struct inet_addr *address)
{
    return (struct route){.destination = *address,
                          .prefix = 128,
                          .netif = netif,
                          .type = RTN_ANYCAST,
                          .table = RT_TABLE_LOCAL,
                          .protocol = RTPROT_KERNEL};
}

static int add(struct netif *netif, const struct inet_addr *address)
{
    struct inet_addr group = ipv6_solicited_node(address);
    struct route route = route_of(netif, address);
    struct anycast *a = find(netif, address);
    int err;

    if (a) {
        a->users++;
        return 0;
    }
    a = kzalloc(sizeof(*a));
    if (!a)
        return -ENOMEM;
    a->address = *address;
    a->netif = netif;
    a->users = 1;
    err = route_add(&route);
    if (!err && (err = netif_join(netif, &group)))
        route_remove(&route);
    if (err) {
        kfree(a);
        return err;
    }
    rculist_add_tail(&all, &a->link);
    return 0;
}

static int join(uint32_t ifindex, const struct inet_addr *address, struct netif **netif)
{
    const struct route *route;

    if (netif_address_find(NULL, address))
        return -EINVAL;
    route = ifindex ? NULL : route_find(address, NULL);
    *netif = ifindex ? netif_by_index(ifindex) : route ? route->netif : NULL;
    if (!*netif)
        return ifindex ? -ENODEV : -EADDRNOTAVAIL;
    return fits(*netif, address) ? add(*netif, address) : -EADDRNOTAVAIL;
}

int anycast_join(uint32_t ifindex, const struct inet_addr *address, struct netif **netif)
{
    bool taken = netif_change_begin();
    int err = join(ifindex, address, netif);

    netif_change_end(taken);
    return err;
}

static void free_anycast(struct rcu_head *head)
{
    kfree(container_of(head, struct anycast, rcu));
}

void anycast_leave(struct netif *netif, const struct inet_addr *address)
{
    struct inet_addr group = ipv6_solicited_node(address);
    struct route route = route_of(netif, address);
    bool taken = netif_change_begin();
    struct anycast *a = find(netif, address);

    if (a && !--a->users) {
        rculist_del(&a->link);
        route_remove(&route);
        netif_leave(netif, &group);
        rcu_call(&a->rcu, free_anycast);
    }
    netif_change_end(taken);
}

int proc_show_anycast6(struct text *text, const struct pseudo *self)
{
    mutex_lock(&netif_lock);
    list_for_each_entry (struct anycast, a, &all, link) {
        text_printf(text, "%-4u %-15s ", a->netif->index, a->netif->name);
        for (unsigned i = 0; i < 16; i++)
            text_printf(text, "%02x", a->address.bytes[i]);
        text_printf(text, " %5u\n", a->users);
    }
    mutex_unlock(&netif_lock);
    return 0;
}
