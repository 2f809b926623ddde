#include "net/netif.h"

#include "core/log.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/ip_core.h"
#include "net/igmp.h"
#include "net/ipv6.h"
#include "net/loopback.h"
#include "net/rculist.h"
#include "net/route.h"
#include "net/worker.h"

enum { ADDRESS_BUCKETS = 64 };

struct mutex netif_lock;
static struct list netifs = LIST_INIT(netifs), watchers = LIST_INIT(watchers);
/* All addresses by hash; a head of zeros is an empty list. */
static struct list by_address[ADDRESS_BUCKETS];

bool netif_change_begin(void)
{
    if (mutex_is_mine(&netif_lock))
        return false;
    mutex_lock(&netif_lock);
    return true;
}

void netif_change_end(bool taken)
{
    if (taken)
        mutex_unlock(&netif_lock);
}

static void tell(struct netif *netif, enum netif_event event, struct netif_address *address)
{
    list_for_each_safe (p, n, &watchers) {
        struct netif_watcher *watcher = list_entry(p, struct netif_watcher, link);
        watcher->changed(netif, event, address);
    }
}

void netif_watch(struct netif_watcher *watcher)
{
    bool taken = netif_change_begin();

    list_add_tail(&watchers, &watcher->link);
    netif_change_end(taken);
}

/* --- interfaces */

static bool name_is_free(const char *name)
{
    return !netif_find(name);
}

/* "eth%d": the first number that is free. */
static int choose_name(struct netif *netif, const char *name)
{
    const char *number = strstr(name, "%d");

    if (!number) {
        strlcpy(netif->name, name, sizeof(netif->name));
        return name_is_free(name) ? 0 : -EEXIST;
    }
    for (unsigned i = 0; i < 4096; i++) {
        int stem = (int)(number - name);
        char numbered[24];
        if (snprintf(numbered, sizeof(numbered), "%.*s%u", stem, name, i) >= 16)
            return -EINVAL;
        if (name_is_free(numbered)) {
            strlcpy(netif->name, numbered, sizeof(netif->name));
            return 0;
        }
    }
    return -ENFILE;
}

static void set_defaults(struct netif *netif)
{
    if (!netif->mtu)
        netif->mtu = ETH_MTU;
    if (!netif->mtu_min)
        netif->mtu_min = 68;
    if (!netif->mtu_max)
        netif->mtu_max = netif->mtu;
    if (!netif->gso_max)
        netif->gso_max = 65536;
    if (!netif->tx_queue_len)
        netif->tx_queue_len = 1000;
    if (netif->type == ARPHRD_ETHER) {
        memset(netif->broadcast, 0xff, ETH_ALEN);
        atomic_fetch_or(&netif->flags, IFF_BROADCAST | IFF_MULTICAST);
    }
}

static int add_netif(struct netif *netif, const char *name)
{
    static unsigned last_index;
    int err = choose_name(netif, name);

    if (err)
        return err;
    if (!netif->stats)
        netif->stats = kzalloc(CPUS_MAX * sizeof(*netif->stats));
    if (!netif->stats)
        return -ENOMEM;
    set_defaults(netif);
    list_init(&netif->addresses);
    list_init(&netif->groups);
    netif->index = ++last_index;
    rculist_add_tail(&netifs, &netif->link);
    tell(netif, NETIF_NEW, NULL);
    return 0;
}

__cold int netif_register(struct netif *netif, const char *name)
{
    if (netif != loopback)
        loopback_need();
    bool taken = netif_change_begin();
    int err = add_netif(netif, name);
    netif_change_end(taken);
    return err;
}

struct netif *netif_find(const char *name)
{
    rculist_for_each_entry(struct netif, netif, &netifs,
                           link) if (!strcmp(netif->name, name)) return netif;
    return NULL;
}

struct netif *netif_by_index(unsigned index)
{
    rculist_for_each_entry(struct netif, netif, &netifs,
                           link) if (netif->index == index) return netif;
    return NULL;
}

static struct netif *at(struct list *link)
{
    return link == &netifs ? NULL : list_entry(link, struct netif, link);
}

struct netif *netif_first(void)
{
    return at(rcu_load(netifs.next));
}

struct netif *netif_next(struct netif *netif)
{
    return at(rcu_load(netif->link.next));
}

/* --- flags, MTU, hardware address */

static void after_up_or_down(struct netif *netif, bool up)
{
    if (up) {
        route_netif_up(netif);
        arp_announce(netif);
    } else {
        route_netif_down(netif);
        netif_taps_down(netif);
    }
}

static int go_up_or_down(struct netif *netif, bool up)
{
    if (up) {
        int err = worker_need();
        if (err && netif->type != ARPHRD_LOOPBACK)
            return err;
    }
    return netif->ops->set_up ? netif->ops->set_up(netif, up) : 0;
}

static int change_flags(struct netif *netif, unsigned flags, unsigned mask)
{
    unsigned settable = IFF_UP | IFF_PROMISC | IFF_ALLMULTI | IFF_NOARP | IFF_MULTICAST;
    unsigned old = atomic_load(&netif->flags), changed;

    mask &= settable;
    changed = (old ^ flags) & mask;
    if (changed & IFF_UP) {
        int err = go_up_or_down(netif, flags & IFF_UP);
        if (err)
            return err;
    }
    if (!changed)
        return 0;
    atomic_fetch_xor(&netif->flags, changed);
    if (changed & (IFF_PROMISC | IFF_ALLMULTI) && netif->ops->set_filter)
        netif->ops->set_filter(netif);
    if (changed & IFF_UP)
        after_up_or_down(netif, flags & IFF_UP);
    tell(netif, NETIF_CHANGED, NULL);
    return 0;
}

__cold int netif_set_flags(struct netif *netif, unsigned flags, unsigned mask)
{
    bool taken = netif_change_begin();
    int err = change_flags(netif, flags, mask);

    netif_change_end(taken);
    return err;
}

static int change_mtu(struct netif *netif, unsigned mtu)
{
    if (mtu < netif->mtu_min || mtu > netif->mtu_max)
        return -EINVAL;
    int err = netif->ops->set_mtu ? netif->ops->set_mtu(netif, mtu) : 0;
    if (err)
        return err;
    netif->mtu = mtu;
    atomic_fetch_add(&route_generation, 1);
    tell(netif, NETIF_CHANGED, NULL);
    return 0;
}

__cold int netif_set_mtu(struct netif *netif, unsigned mtu)
{
    bool taken = netif_change_begin();
    int err = change_mtu(netif, mtu);

    netif_change_end(taken);
    return err;
}

static int change_mac(struct netif *netif, const uint8_t *mac)
{
    if (!netif->ops->set_mac)
        return -EOPNOTSUPP;
    if (mac[0] & 1)
        return -EADDRNOTAVAIL;
    int err = netif->ops->set_mac(netif, mac);
    if (err)
        return err;
    memcpy(netif->mac, mac, ETH_ALEN);
    atomic_fetch_add(&route_generation, 1);
    tell(netif, NETIF_CHANGED, NULL);
    return 0;
}

__cold int netif_set_mac(struct netif *netif, const uint8_t *mac)
{
    bool taken = netif_change_begin();
    int err = change_mac(netif, mac);

    netif_change_end(taken);
    return err;
}

/* The link's news travels to a thread. Several at once make one message. */
static __cold void link_changed(struct worker_call *call)
{
    bool taken = netif_change_begin();

    list_for_each_entry (struct netif, netif, &netifs, link)
        if (atomic_exchange(&netif->link_news, false)) {
            arp_announce(netif);
            tell(netif, NETIF_CHANGED, NULL);
        }
    netif_change_end(taken);
}

void netif_link(struct netif *netif, bool up)
{
    static struct worker_call call = {.fn = link_changed};
    unsigned bits = IFF_RUNNING | IFF_LOWER_UP;

    /* It may come again: the neighbours are to be told where we are now. */
    if (up)
        atomic_fetch_or(&netif->flags, bits);
    else if (!(atomic_fetch_and(&netif->flags, ~bits) & IFF_RUNNING))
        return;
    atomic_store(&netif->link_news, true);
    worker_post(&call);
}

/* --- addresses */

static struct list *bucket_of(const struct inet_addr *a)
{
    uint64_t mixed = (a->halves[0] ^ a->halves[1]) * 0x9e3779b97f4a7c15ull;

    return &by_address[mixed >> 58];
}

struct netif_address *netif_address_find(struct netif *netif, const struct inet_addr *address)
{
    struct list *head = bucket_of(address);

    if (!head->next)
        return NULL;
    rculist_for_each_entry(struct netif_address, a, head,
                           hash_link) if (inet_equal(&a->address, address) &&
                                          (!netif || a->netif == netif)) return a;
    return NULL;
}

static void free_address(struct rcu_head *head)
{
    kfree(container_of(head, struct netif_address, rcu));
}

static int check_address(const struct netif_address *address)
{
    const struct inet_addr *a = &address->address;

    if (address->prefix > (inet_is_v4(a) ? 32u : 128u))
        return -EINVAL;
    return inet_is_any(a) || inet_is_multicast(a) || inet_is_limited_broadcast(a) ? -EINVAL : 0;
}

static int insert_address(struct netif *netif, const struct netif_address *address)
{
    struct list *head = bucket_of(&address->address);
    struct netif_address *a;

    if (netif_address_find(netif, &address->address))
        return -EEXIST;
    a = kzalloc(sizeof(*a));
    if (!a)
        return -ENOMEM;
    *a = *address;
    a->netif = netif;
    if (!a->label[0])
        strlcpy(a->label, netif->name, sizeof(a->label));
    int err = route_address_added(netif, a);
    if (err) {
        kfree(a);
        return err;
    }
    if (!head->next)
        list_init(head);
    rculist_add_tail(head, &a->hash_link);
    rculist_add_tail(&netif->addresses, &a->link);
    if (inet_is_v4(&a->address))
        arp_announce(netif);
    tell(netif, NETIF_ADDRESS_ADDED, a);
    return 0;
}

int netif_add_address(struct netif *netif, const struct netif_address *address)
{
    int err = check_address(address);

    if (err)
        return err;
    bool taken = netif_change_begin();
    err = insert_address(netif, address);
    netif_change_end(taken);
    return err;
}

void netif_address_changed(struct netif_address *address)
{
    tell(address->netif, NETIF_ADDRESS_CHANGED, address);
}

static int take_address(struct netif *netif, const struct inet_addr *address, unsigned prefix)
{
    struct netif_address *a = netif_address_find(netif, address);

    if (!a || a->prefix != prefix)
        return -EADDRNOTAVAIL;
    rculist_del(&a->hash_link);
    rculist_del(&a->link);
    route_address_removed(netif, a);
    tell(netif, NETIF_ADDRESS_REMOVED, a);
    rcu_call(&a->rcu, free_address);
    return 0;
}

__cold int netif_remove_address(struct netif *netif, const struct inet_addr *address,
                                unsigned prefix)
{
    bool taken = netif_change_begin();
    int err = take_address(netif, address, prefix);

    netif_change_end(taken);
    return err;
}

/* --- groups */

static struct netif_group *group_find(struct netif *netif, const struct inet_addr *group)
{
    rculist_for_each_entry(struct netif_group, g, &netif->groups,
                           link) if (inet_equal(&g->group, group)) return g;
    return NULL;
}

bool netif_in_group(struct netif *netif, const struct inet_addr *group)
{
    return group_find(netif, group);
}

static int join(struct netif *netif, const struct inet_addr *group)
{
    struct netif_group *g = group_find(netif, group);

    if (g) {
        g->users++;
        return 0;
    }
    g = kzalloc(sizeof(*g));
    if (!g)
        return -ENOMEM;
    g->group = *group;
    g->users = 1;
    rculist_add_tail(&netif->groups, &g->link);
    if (!inet_is_v4(group))
        mld_group_changed(netif, group, true);
    else
        igmp_group_changed(netif, group, true);
    if (netif->ops->set_filter)
        netif->ops->set_filter(netif);
    return 0;
}

__cold int netif_join(struct netif *netif, const struct inet_addr *group)
{
    if (!inet_is_multicast(group))
        return -EINVAL;
    bool taken = netif_change_begin();
    int err = join(netif, group);
    netif_change_end(taken);
    return err;
}

static void free_group(struct rcu_head *head)
{
    kfree(container_of(head, struct netif_group, rcu));
}

static int leave(struct netif *netif, const struct inet_addr *group)
{
    struct netif_group *g = group_find(netif, group);

    if (!g)
        return -EADDRNOTAVAIL;
    if (--g->users)
        return 0;
    rculist_del(&g->link);
    if (!inet_is_v4(group))
        mld_group_changed(netif, group, false);
    else
        igmp_group_changed(netif, group, false);
    rcu_call(&g->rcu, free_group);
    if (netif->ops->set_filter)
        netif->ops->set_filter(netif);
    return 0;
}

__cold int netif_leave(struct netif *netif, const struct inet_addr *group)
{
    bool taken = netif_change_begin();
    int err = leave(netif, group);

    netif_change_end(taken);
    return err;
}

/* --- counters */

void netif_count_drop(struct netif *netif, bool received)
{
    struct netif_stats *stats = &netif->stats[this_cpu()->id];

    netif_count(received ? &stats->rx_dropped : &stats->tx_dropped, 1);
}

void netif_sum_stats(const struct netif *netif, struct netif_stats *sum)
{
    *sum = (struct netif_stats){};
    for (unsigned i = 0; i < ncpus; i++) {
        const uint64_t *from = (const uint64_t *)&netif->stats[i];
        uint64_t *to = (uint64_t *)sum;
        for (unsigned j = 0; j < sizeof(*sum) / sizeof(*to); j++)
            to[j] += from[j];
    }
}
