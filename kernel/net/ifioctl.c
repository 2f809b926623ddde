#include "net/ifioctl.h"

#include "lib/string.h"
#include "mm/uaccess.h"
#include "net/inet.h"
#include "net/netlink.h"

enum {
    SIOCGSTAMP = 0x8906,
    SIOCGSTAMPNS = 0x8907,
    SIOCADDRT = 0x890b,
    SIOCDELRT = 0x890c,
    SIOCGIFNAME = 0x8910,
    SIOCGIFCONF = 0x8912,
    SIOCGIFFLAGS = 0x8913,
    SIOCSIFFLAGS = 0x8914,
    SIOCGIFADDR = 0x8915,
    SIOCSIFADDR = 0x8916,
    SIOCGIFDSTADDR = 0x8917,
    SIOCSIFDSTADDR = 0x8918,
    SIOCGIFBRDADDR = 0x8919,
    SIOCSIFBRDADDR = 0x891a,
    SIOCGIFNETMASK = 0x891b,
    SIOCSIFNETMASK = 0x891c,
    SIOCGIFMETRIC = 0x891d,
    SIOCSIFMETRIC = 0x891e,
    SIOCGIFMTU = 0x8921,
    SIOCSIFMTU = 0x8922,
    SIOCSIFHWADDR = 0x8924,
    SIOCGIFHWADDR = 0x8927,
    SIOCGIFSLAVE = 0x8929,
    SIOCGIFINDEX = 0x8933,
    SIOCDIFADDR = 0x8936,
    SIOCGIFTXQLEN = 0x8942,
    SIOCETHTOOL = 0x8946,
    SIOCDARP = 0x8953,
    SIOCGARP = 0x8954,
    SIOCSARP = 0x8955,
    SIOCGIFMAP = 0x8970,
    SIOCSIFMAP = 0x8971,
    SIOCDEVPRIVATE = 0x89f0,
};
enum { NAME = 16, IFREQ = 40, CHANGEABLE = IFF_UP | IFF_PROMISC | IFF_ALLMULTI | IFF_MULTICAST };
enum { RTF_UP = 1, RTF_GATEWAY = 2, RTF_HOST = 4, RTF_REJECT = 0x200 };
enum { ATF_COM = 2, ATF_PERM = 4 };

/* struct ifreq, ifconf */
struct request {
    char name[NAME];
    union {
        struct sockaddr_in in;
        struct {
            uint16_t family;
            uint8_t mac[14];
        } hardware;
        int32_t number;
        int16_t flags;
        uint64_t data;
        char bytes[IFREQ - NAME];
    };
};
struct configuration {
    int32_t len;
    uint64_t at;
};
/* struct rtentry, in6_rtmsg, in6_ifreq, arpreq */
struct route_request {
    uint64_t pad1;
    struct sockaddr_in destination, gateway, mask;
    uint16_t flags;
    uint64_t pad3, pad4;
    int16_t metric;
    uint64_t device, mtu, window;
    uint16_t irtt;
};
struct route6_request {
    uint8_t destination[16], source[16], gateway[16];
    uint32_t type;
    uint16_t prefix, source_prefix;
    uint32_t metric;
    uint64_t info;
    uint32_t flags;
    int32_t ifindex;
};
struct address6_request {
    uint8_t address[16];
    uint32_t prefix;
    int32_t ifindex;
};
struct arp_request {
    struct sockaddr_in address;
    uint16_t hardware_family;
    uint8_t mac[14];
    int32_t flags;
    struct sockaddr_in mask;
    char device[NAME];
};

static bool is_admin(void)
{
    return socket_capable(NET_CAP_ADMIN);
}

/* "eth0:1" is eth0's. */
static struct netif *find_netif(const char *label)
{
    char name[NAME] = "";
    for (unsigned i = 0; i < NAME - 1 && label[i] && label[i] != ':'; i++)
        name[i] = label[i];
    rcu_read_lock();
    struct netif *netif = netif_find(name);
    rcu_read_unlock();
    return netif;
}

/* --- what every interface has
 * ----------------------------------------------------------------------------- */

static int get_name(struct request *r)
{
    rcu_read_lock();
    const struct netif *netif = netif_by_index((unsigned)r->number);
    rcu_read_unlock();
    if (!netif)
        return -ENODEV;
    strlcpy(r->name, netif->name, sizeof(r->name));
    return 0;
}

static int get_device(struct request *r, const struct netif *netif, unsigned cmd)
{
    char *value = r->bytes;
    switch (cmd) {
    case SIOCGIFFLAGS:
        r->flags = (int16_t)atomic_load(&netif->flags);
        return 0;
    case SIOCGIFMETRIC:
        r->number = 0;
        return 0;
    case SIOCGIFMTU:
        r->number = (int32_t)netif->mtu;
        return 0;
    case SIOCGIFINDEX:
        r->number = (int32_t)netif->index;
        return 0;
    case SIOCGIFTXQLEN:
        r->number = (int32_t)netif->tx_queue_len;
        return 0;
    case SIOCGIFHWADDR:
        memset(value, 0, sizeof(r->bytes));
        r->hardware.family = (uint16_t)netif->type;
        memcpy(r->hardware.mac, netif->mac, ETH_ALEN);
        return 0;
    case SIOCGIFMAP:
        memset(value, 0, sizeof(r->bytes));
        return 0;
    case SIOCGIFSLAVE: /* there are no slaves */
        return -EINVAL;
    default:
        return -ENOTTY;
    }
}

static int set_device(const struct request *r, struct netif *netif, unsigned cmd)
{
    switch (cmd) {
    case SIOCSIFFLAGS:
        return netif_set_flags(netif, (uint16_t)r->flags & CHANGEABLE, CHANGEABLE);
    case SIOCSIFMTU:
        return netif_set_mtu(netif, (unsigned)r->number);
    case SIOCSIFHWADDR:
        if (r->hardware.family != netif->type)
            return -EINVAL;
        return netif_set_mac(netif, r->hardware.mac);
    case SIOCSIFMETRIC:
        return -EOPNOTSUPP;
    default:
        return -ENOTTY;
    }
}

static bool is_set_device(unsigned cmd)
{
    return cmd == SIOCSIFFLAGS || cmd == SIOCSIFMTU || cmd == SIOCSIFHWADDR || cmd == SIOCSIFMETRIC;
}

static bool is_get_device(unsigned cmd)
{
    struct request r;
    static const struct netif none;
    return cmd == SIOCETHTOOL || get_device(&r, &none, cmd) != -ENOTTY;
}

/* SIOCGIFCONF: one entry for each IPv4 address. */
static int64_t put_configuration(uintptr_t arg)
{
    struct configuration c;
    int32_t done = 0;
    bool full = false;
    if (user_read(&c, arg, sizeof(c)) < 0)
        return -EFAULT;
    mutex_lock(&netif_lock); /* user memory is written meanwhile: not under RCU */
    for (struct netif *netif = netif_first(); netif && !full; netif = netif_next(netif)) {
        list_for_each_entry (struct netif_address, a, &netif->addresses, link) {
            struct request r = {};
            if (!inet_is_v4(&a->address))
                continue;
            if (c.at && c.len - done < IFREQ) {
                full = true;
                break;
            }
            strlcpy(r.name, a->label[0] ? a->label : netif->name, sizeof(r.name));
            r.in = (struct sockaddr_in){.family = AF_INET, .address = inet_v4_of(&a->address)};
            if (c.at && user_write(c.at + (uint32_t)done, &r, sizeof(r)) < 0)
                done = -IFREQ - EFAULT;
            done += IFREQ;
            if (done < 0)
                break;
        }
    }
    mutex_unlock(&netif_lock);
    return done < 0 ? -EFAULT : user_put32(arg, (uint32_t)done);
}

/* SIOCGSTAMP: when the last packet came; the first question makes the socket keep it from then on.
 */
static int64_t put_stamp(struct socket *socket, bool fine, uintptr_t arg)
{
    nsec_t stamp = socket->last_stamp;
    if (!socket->keeps_stamp) {
        socket->keeps_stamp = true;
        return -ENOENT;
    }
    if (!stamp)
        return -ENOENT;
    int64_t time[2] = {stamp / 1000000000, stamp % 1000000000 / (fine ? 1 : 1000)};
    return user_write(arg, time, sizeof(time));
}

/* What no interface here does, though one may be asked. */
static __cold int64_t refuse_device(unsigned cmd, uintptr_t arg)
{
    struct request r;
    if (user_read(&r, arg, sizeof(r)) < 0)
        return -EFAULT;
    r.name[NAME - 1] = 0;
    if (cmd == SIOCSIFMAP && !is_admin())
        return -EPERM;
    return find_netif(r.name) ? -EOPNOTSUPP : -ENODEV;
}

int64_t netif_ioctl(struct socket *socket, unsigned cmd, uintptr_t arg)
{
    struct request r;
    unsigned short_cmd = cmd & 0xffff;
    if ((short_cmd == SIOCGSTAMP || short_cmd == SIOCGSTAMPNS) &&
        (cmd == short_cmd || cmd >> 16 == 0x8010) && socket->family != AF_UNIX &&
        socket->family != AF_NETLINK)
        return put_stamp(socket, short_cmd == SIOCGSTAMPNS, arg);
    if (cmd == SIOCGIFCONF)
        return put_configuration(arg);
    if ((cmd >= SIOCDEVPRIVATE && cmd < SIOCDEVPRIVATE + 16) || cmd == SIOCSIFMAP)
        return refuse_device(cmd, arg);
    if (cmd != SIOCGIFNAME && !is_set_device(cmd) && !is_get_device(cmd))
        return -ENOTTY;
    if (user_read(&r, arg, sizeof(r)) < 0)
        return -EFAULT;
    r.name[NAME - 1] = 0;
    if (cmd == SIOCGIFNAME) {
        int err = get_name(&r);
        return err ? err : user_write(arg, &r, sizeof(r));
    }
    uint32_t ethtool;
    if (cmd == SIOCETHTOOL && user_get32(r.data, &ethtool) < 0)
        return -EFAULT;
    struct netif *netif = find_netif(r.name);
    if (is_set_device(cmd) && !is_admin())
        return -EPERM;
    if (!netif)
        return -ENODEV;
    if (cmd == SIOCETHTOOL)
        return ethtool_ioctl(netif, r.data);
    if (is_set_device(cmd))
        return set_device(&r, netif, cmd);
    int err = get_device(&r, netif, cmd);
    return err ? err : user_write(arg, &r, sizeof(r));
}

/* --- IPv4 addresses
 * --------------------------------------------------------------------------------------- */

static uint32_t mask_of(unsigned prefix)
{
    return prefix ? __builtin_bswap32(~0u << (32 - prefix)) : 0;
}

/* -1: bits that do not follow each other. */
static int prefix_of(uint32_t mask)
{
    uint32_t host = ~__builtin_bswap32(mask);
    unsigned prefix = host ? (unsigned)__builtin_clz(host) : 32;
    return mask_of(prefix) == mask ? (int)prefix : -1;
}

/* The address with this label, else (old programs) the one that the request names; netif_lock. */
static struct netif_address *find_address(struct netif *netif, const struct request *r)
{
    struct netif_address *found = NULL;
    list_for_each_entry (struct netif_address, a, &netif->addresses, link) {
        const char *label = a->label[0] ? a->label : netif->name;
        if (!inet_is_v4(&a->address) || strcmp(label, r->name))
            continue;
        if (!found || inet_v4_of(&a->address) == r->in.address)
            found = a;
    }
    return found;
}

static void get_address(struct request *r, const struct netif_address *a, unsigned cmd)
{
    uint32_t address = inet_v4_of(&a->address);
    if (cmd == SIOCGIFBRDADDR)
        address = inet_is_v4(&a->broadcast) ? inet_v4_of(&a->broadcast) : 0;
    else if (cmd == SIOCGIFNETMASK)
        address = mask_of(a->prefix);
    else if (cmd == SIOCGIFDSTADDR && inet_is_v4(&a->peer) && !inet_is_any(&a->peer))
        address = inet_v4_of(&a->peer);
    r->in = (struct sockaddr_in){.family = AF_INET, .address = address};
}

/* What class the address was of, when there were classes (SIOCSIFADDR without a mask). */
static unsigned class_prefix(uint32_t address)
{
    unsigned first = address & 0xff;
    return first < 128 ? 8 : first < 192 ? 16 : first < 224 ? 24 : 32;
}

static void set_default_broadcast(struct netif_address *a)
{
    a->broadcast = a->prefix < 31 ? inet_v4(inet_v4_of(&a->address) | ~mask_of(a->prefix))
                                  : (struct inet_addr){};
}

static int change_address(struct netif_address *new, const struct request *r, unsigned cmd)
{
    int prefix;
    switch (cmd) {
    case SIOCSIFADDR:
        new->address = inet_v4(r->in.address);
        new->prefix = class_prefix(r->in.address);
        set_default_broadcast(new);
        return 0;
    case SIOCSIFNETMASK:
        prefix = prefix_of(r->in.address);
        if (prefix < 0)
            return -EINVAL;
        new->prefix = (unsigned)prefix;
        set_default_broadcast(new);
        return 0;
    case SIOCSIFBRDADDR:
        new->broadcast = inet_v4(r->in.address);
        return 0;
    default:
        new->peer = inet_v4(r->in.address);
        return 0;
    }
}

/* One address in the place of another (old.prefix > 128: there was none). */
static int replace_address(struct netif *netif, const struct netif_address *old, bool had,
                           const struct netif_address *new)
{
    if (had)
        netif_remove_address(netif, &old->address, old->prefix);
    return inet_is_any(&new->address) ? 0 : netif_add_address(netif, new);
}

static int set_address(struct netif *netif, const struct request *r, unsigned cmd)
{
    struct netif_address old = {}, new = {.scope = RT_SCOPE_UNIVERSE};
    mutex_lock(&netif_lock);
    const struct netif_address *found = find_address(netif, r);
    if (found)
        old = new = *found;
    mutex_unlock(&netif_lock);
    if (!found && cmd != SIOCSIFADDR)
        return -EADDRNOTAVAIL;
    if (r->in.family != AF_INET)
        return -EINVAL;
    strlcpy(new.label, r->name, sizeof(new.label));
    new.flags = 0x80; /* IFA_F_PERMANENT */
    new.valid_until = new.preferred_until = NSEC_FOREVER;
    int err = change_address(&new, r, cmd);
    return err ? err : replace_address(netif, &old, found, &new);
}

static bool is_set_address(unsigned cmd)
{
    return cmd == SIOCSIFADDR || cmd == SIOCSIFDSTADDR || cmd == SIOCSIFBRDADDR ||
           cmd == SIOCSIFNETMASK;
}

static bool is_get_address(unsigned cmd)
{
    return cmd == SIOCGIFADDR || cmd == SIOCGIFDSTADDR || cmd == SIOCGIFBRDADDR ||
           cmd == SIOCGIFNETMASK;
}

static int64_t address_ioctl(unsigned cmd, uintptr_t arg)
{
    struct request r;
    if (user_read(&r, arg, sizeof(r)) < 0)
        return -EFAULT;
    r.name[NAME - 1] = 0;
    if (is_set_address(cmd) && !is_admin())
        return -EPERM;
    struct netif *netif = find_netif(r.name);
    if (!netif)
        return -ENODEV;
    if (is_set_address(cmd))
        return set_address(netif, &r, cmd);
    mutex_lock(&netif_lock);
    const struct netif_address *a = find_address(netif, &r);
    if (a)
        get_address(&r, a, cmd);
    mutex_unlock(&netif_lock);
    return a ? user_write(arg, &r, sizeof(r)) : -EADDRNOTAVAIL;
}

/* --- routes
 * -----------------------------------------------------------------------------------------------
 */

static int change_route(const struct route *route, bool add)
{
    return add ? route_add(route) : route_remove(route);
}

static int route_from(const struct route_request *r, struct route *route)
{
    int prefix = r->flags & RTF_HOST ? 32 : prefix_of(r->mask.address);
    char device[NAME] = "";
    if (r->destination.family != AF_INET)
        return -EAFNOSUPPORT;
    if (prefix < 0 || (!(r->flags & RTF_HOST) && r->destination.address & ~r->mask.address))
        return -EINVAL;
    *route = (struct route){
        .destination = inet_v4(r->destination.address),
        .prefix = (unsigned)prefix,
        .type = r->flags & RTF_REJECT ? RTN_UNREACHABLE : RTN_UNICAST,
        .table = RT_TABLE_MAIN,
        .protocol = RTPROT_BOOT,
        .scope = r->flags & RTF_GATEWAY ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
        .metric = r->metric > 0 ? (uint32_t)r->metric - 1 : 0,
        .valid_until = NSEC_FOREVER,
    };
    if (r->flags & RTF_GATEWAY && r->gateway.family == AF_INET)
        route->gateway = inet_v4(r->gateway.address);
    if (r->device) {
        if (user_read_string(device, r->device, sizeof(device)) < 0)
            return -EFAULT;
        route->netif = find_netif(device);
        if (!route->netif)
            return -ENODEV;
    }
    return 0;
}

static int64_t route_ioctl(uintptr_t arg, bool add)
{
    struct route_request r;
    struct route route;
    if (!is_admin())
        return -EPERM;
    if (user_read(&r, arg, sizeof(r)) < 0)
        return -EFAULT;
    int err = route_from(&r, &route);
    return err ? err : change_route(&route, add);
}

static int64_t route6_ioctl(uintptr_t arg, bool add)
{
    struct route6_request r;
    if (!is_admin())
        return -EPERM;
    if (user_read(&r, arg, sizeof(r)) < 0)
        return -EFAULT;
    if (r.prefix > 128)
        return -EINVAL;
    struct route route = {
        .prefix = r.prefix,
        .type = RTN_UNICAST,
        .table = RT_TABLE_MAIN,
        .protocol = RTPROT_BOOT,
        .metric = r.metric ?: 1024,
        .valid_until = NSEC_FOREVER,
    };
    memcpy(route.destination.bytes, r.destination, sizeof(r.destination));
    if (r.flags & RTF_GATEWAY)
        memcpy(route.gateway.bytes, r.gateway, sizeof(r.gateway));
    rcu_read_lock();
    route.netif = r.ifindex ? netif_by_index((unsigned)r.ifindex) : NULL;
    rcu_read_unlock();
    return r.ifindex && !route.netif ? -ENODEV : change_route(&route, add);
}

static int64_t address6_ioctl(uintptr_t arg, bool add)
{
    struct address6_request r;
    if (!is_admin())
        return -EPERM;
    if (user_read(&r, arg, sizeof(r)) < 0)
        return -EFAULT;
    rcu_read_lock();
    struct netif *netif = netif_by_index((unsigned)r.ifindex);
    rcu_read_unlock();
    if (!netif)
        return -ENODEV;
    if (r.prefix > 128)
        return -EINVAL;
    struct netif_address a = {
        .prefix = r.prefix,
        .flags = 0x80, /* IFA_F_PERMANENT */
        .valid_until = NSEC_FOREVER,
        .preferred_until = NSEC_FOREVER,
    };
    memcpy(a.address.bytes, r.address, sizeof(r.address));
    if (inet_is_v4(&a.address))
        return -EINVAL;
    a.scope = inet_is_link_local(&a.address) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    return add ? netif_add_address(netif, &a) : netif_remove_address(netif, &a.address, a.prefix);
}

/* --- ARP
 * --------------------------------------------------------------------------------------------------
 */

struct arp_search {
    const struct netif *netif;
    struct inet_addr address;
    struct arp_request *r;
    bool found;
};

static bool look_at(const struct neighbour *neighbour, void *arg)
{
    struct arp_search *search = arg;
    if (!inet_equal(&neighbour->address, &search->address) ||
        (search->netif && neighbour->netif != search->netif))
        return true;
    search->found = true;
    search->r->hardware_family = (uint16_t)neighbour->netif->type;
    memcpy(search->r->mac, neighbour->mac, ETH_ALEN);
    search->r->flags = neighbour->state & (NUD_INCOMPLETE | NUD_FAILED) ? 0
                       : neighbour->state & NUD_PERMANENT               ? ATF_PERM | ATF_COM
                                                                        : ATF_COM;
    strlcpy(search->r->device, neighbour->netif->name, sizeof(search->r->device));
    return false;
}

static int64_t get_arp(struct arp_request *r, const struct netif *netif, uintptr_t arg)
{
    struct arp_search search = {netif, inet_v4(r->address.address), r, false};
    rcu_read_lock();
    neighbour_each(look_at, &search);
    rcu_read_unlock();
    return search.found ? user_write(arg, r, sizeof(*r)) : -ENXIO;
}

static struct netif *arp_netif(const struct arp_request *r, const struct inet_addr *address)
{
    if (r->device[0])
        return find_netif(r->device);
    rcu_read_lock();
    const struct route *route = route_find(address, NULL);
    struct netif *netif = route ? route->netif : NULL;
    rcu_read_unlock();
    return netif;
}

static int64_t arp_ioctl(unsigned cmd, uintptr_t arg)
{
    struct arp_request r;
    if (cmd != SIOCGARP && !is_admin())
        return -EPERM;
    if (user_read(&r, arg, sizeof(r)) < 0)
        return -EFAULT;
    r.device[NAME - 1] = 0;
    if (r.address.family != AF_INET)
        return -EPFNOSUPPORT;
    struct inet_addr address = inet_v4(r.address.address);
    struct netif *netif = arp_netif(&r, &address);
    if (!netif)
        return r.device[0] ? -ENODEV : -ENETUNREACH;
    if (cmd == SIOCGARP)
        return get_arp(&r, netif, arg);
    if (cmd == SIOCDARP)
        return neighbour_remove(netif, &address);
    if (r.hardware_family != netif->type)
        return -EINVAL;
    return neighbour_set(netif, &address, r.mac, r.flags & ATF_PERM ? NUD_PERMANENT : NUD_STALE);
}

/* --- by family
 * -------------------------------------------------------------------------------------------- */

static int64_t ioctl6(unsigned cmd, uintptr_t arg)
{
    switch (cmd) {
    case SIOCADDRT:
    case SIOCDELRT:
        return route6_ioctl(arg, cmd == SIOCADDRT);
    case SIOCSIFADDR:
    case SIOCDIFADDR:
        return address6_ioctl(arg, cmd == SIOCSIFADDR);
    default:
        return -ENOTTY;
    }
}

int64_t inet_op_ioctl(struct socket *socket, unsigned cmd, uintptr_t arg)
{
    if (socket->family == AF_INET6)
        return ioctl6(cmd, arg);
    if (is_get_address(cmd) || is_set_address(cmd))
        return address_ioctl(cmd, arg);
    switch (cmd) {
    case SIOCADDRT:
    case SIOCDELRT:
        return route_ioctl(arg, cmd == SIOCADDRT);
    case SIOCDARP:
    case SIOCGARP:
    case SIOCSARP:
        return arp_ioctl(cmd, arg);
    default:
        return -ENOTTY;
    }
}
