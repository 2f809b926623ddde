/* net/inet_options.c: options of SOL_IP and SOL_IPV6, and those of SOL_SOCKET that need a network
 * (man 7 ip, ipv6, socket). */
#include "core/thread.h"
#include "mm/heap.h"
#include "net/igmp.h"

enum {
    SOL_IP = 0,
    IP_TOS = 1,
    IP_TTL = 2,
    IP_HDRINCL = 3,
    IP_OPTIONS = 4,
    IP_ROUTER_ALERT = 5,
    IP_RECVOPTS = 6,
    IP_RETOPTS = 7,
    IP_PKTINFO = 8,
    IP_MTU_DISCOVER = 10,
    IP_RECVERR = 11,
    IP_RECVTTL = 12,
    IP_RECVTOS = 13,
    IP_MTU = 14,
    IP_FREEBIND = 15,
    IP_PASSSEC = 18,
    IP_TRANSPARENT = 19,
    IP_RECVORIGDSTADDR = 20,
    IP_MINTTL = 21,
    IP_NODEFRAG = 22,
    IP_CHECKSUM = 23,
    IP_BIND_ADDRESS_NO_PORT = 24,
    IP_RECVFRAGSIZE = 25,
    IP_RECVERR_RFC4884 = 26,
    IP_MULTICAST_TTL = 33,
    IP_MULTICAST_LOOP = 34,
    IP_MULTICAST_ALL = 49,
    IP_UNICAST_IF = 50,
};
enum {
    SOL_IPV6 = 41,
    IPV6_ADDRFORM = 1,
    IPV6_2292PKTINFO = 2,
    IPV6_2292HOPLIMIT = 8,
    IPV6_FLOWINFO = 11,
    IPV6_UNICAST_HOPS = 16,
    IPV6_MULTICAST_HOPS = 18,
    IPV6_MULTICAST_LOOP = 19,
    IPV6_MTU_DISCOVER = 23,
    IPV6_MTU = 24,
    IPV6_RECVERR = 25,
    IPV6_V6ONLY = 26,
    IPV6_MULTICAST_ALL = 29,
    IPV6_HDRINCL = 36,
    IPV6_RECVPKTINFO = 49,
    IPV6_PKTINFO = 50,
    IPV6_RECVHOPLIMIT = 51,
    IPV6_PATHMTU = 61,
    IPV6_DONTFRAG = 62,
    IPV6_RECVTCLASS = 66,
    IPV6_TCLASS = 67,
    IPV6_AUTOFLOWLABEL = 70,
    IPV6_MINHOPCOUNT = 73,
    IPV6_RECVORIGDSTADDR = 74,
    IPV6_TRANSPARENT = 75,
    IPV6_UNICAST_IF = 76,
    IPV6_FREEBIND = 78,
};
enum { DEFAULT_TTL = 64, OPTIONS_MAX = 40, NETIF_NAME_MAX = 15 };

void inet_options_init(struct inet_socket *s)
{
    struct inet_options *o = &s->options;
    s->local = s->remote = s->socket.family == AF_INET ? inet_v4(0) : (struct inet_addr){};
    *o = (struct inet_options){
        .multicast_ttl = -1,
        .hop_limit = -1,
        .hops = -1,
        .multicast_loop = true,
        .hops_loop = true,
        .multicast_all = true,
        .hops_all = true,
        .pmtudisc = PMTUDISC_WANT,
        .pmtudisc6 = PMTUDISC_WANT,
        .version = 1,
    };
    list_init(&o->memberships);
    s->channel_limit = s->socket.receive_buffer;
}

void inet_options_end(struct inet_socket *s)
{
    multicast_leave_all(s);
    kfree(s->options.ip_options);
    s->options.ip_options = NULL;
    packet_queue_purge(&s->errors);
}

/* --- options that are on or off
 * ---------------------------------------------------------------------------- */

struct toggle {
    int level, name;
    uint32_t receive; /* a bit of options.receive; 0: */
    uint16_t field;   /* the offset of a bool in the options */
    bool raw;         /* SOCK_RAW only */
    bool privileged;  /* CAP_NET_ADMIN or CAP_NET_RAW */
};
#define FIELD(name) offsetof(struct inet_options, name)

static const struct toggle toggles[] = {
    {SOL_IP, IP_PKTINFO, .receive = INET_RECEIVE_PKTINFO},
    {SOL_IP, IP_RECVTTL, .receive = INET_RECEIVE_TTL},
    {SOL_IP, IP_RECVTOS, .receive = INET_RECEIVE_TOS},
    {SOL_IP, IP_RECVOPTS, .receive = INET_RECEIVE_OPTIONS},
    {SOL_IP, IP_RETOPTS, .receive = INET_RECEIVE_RETOPTS},
    {SOL_IP, IP_RECVORIGDSTADDR, .receive = INET_RECEIVE_ORIGDST},
    {SOL_IP, IP_RECVERR, .field = FIELD(receive_error)},
    {SOL_IP, IP_HDRINCL, .field = FIELD(header_included), .raw = true},
    {SOL_IP, IP_FREEBIND, .field = FIELD(freebind)},
    {SOL_IP, IP_TRANSPARENT, .field = FIELD(transparent), .privileged = true},
    {SOL_IP, IP_BIND_ADDRESS_NO_PORT, .field = FIELD(bind_no_port)},
    {SOL_IP, IP_MULTICAST_LOOP, .field = FIELD(multicast_loop)},
    {SOL_IP, IP_MULTICAST_ALL, .field = FIELD(multicast_all)},
    {SOL_IPV6, IPV6_RECVPKTINFO, .receive = INET_RECEIVE6_PKTINFO},
    {SOL_IPV6, IPV6_2292PKTINFO, .receive = INET_RECEIVE6_PKTINFO_OLD},
    {SOL_IPV6, IPV6_RECVHOPLIMIT, .receive = INET_RECEIVE6_HOPLIMIT},
    {SOL_IPV6, IPV6_2292HOPLIMIT, .receive = INET_RECEIVE6_HOPLIMIT_OLD},
    {SOL_IPV6, IPV6_RECVTCLASS, .receive = INET_RECEIVE6_TCLASS},
    {SOL_IPV6, IPV6_FLOWINFO, .receive = INET_RECEIVE6_FLOWINFO},
    {SOL_IPV6, IPV6_RECVORIGDSTADDR, .receive = INET_RECEIVE6_ORIGDST},
    {SOL_IPV6, IPV6_RECVERR, .field = FIELD(receive_error6)},
    {SOL_IPV6, IPV6_HDRINCL, .field = FIELD(header_included), .raw = true},
    {SOL_IPV6, IPV6_FREEBIND, .field = FIELD(freebind)},
    {SOL_IPV6, IPV6_TRANSPARENT, .field = FIELD(transparent), .privileged = true},
    {SOL_IPV6, IPV6_MULTICAST_LOOP, .field = FIELD(hops_loop)},
    {SOL_IPV6, IPV6_MULTICAST_ALL, .field = FIELD(hops_all)},
    {SOL_IPV6, IPV6_AUTOFLOWLABEL, .field = FIELD(autoflowlabel)},
    {SOL_IPV6, IPV6_DONTFRAG, .field = FIELD(dont_fragment6)},
};

static const struct toggle *find_toggle(int level, int name)
{
    for (unsigned i = 0; i < ARRAY_SIZE(toggles); i++)
        if (toggles[i].level == level && toggles[i].name == name)
            return &toggles[i];
    return NULL;
}

static bool *field_of(struct inet_options *o, const struct toggle *toggle)
{
    return (bool *)((char *)o + toggle->field);
}

static int set_toggle(struct inet_socket *s, const struct toggle *toggle, int number)
{
    struct inet_options *o = &s->options;
    bool on = number != 0;
    if (toggle->raw && s->socket.type != SOCK_RAW)
        return -ENOPROTOOPT;
    if (toggle->privileged && on && !socket_capable(NET_CAP_RAW) && !socket_capable(NET_CAP_ADMIN))
        return -EPERM;
    if ((toggle->field == FIELD(hops_loop) || toggle->field == FIELD(multicast_all) ||
         toggle->field == FIELD(hops_all)) &&
        number & ~1 && !toggle->receive)
        return -EINVAL;
    if (toggle->receive)
        o->receive = on ? o->receive | toggle->receive : o->receive & ~toggle->receive;
    else
        *field_of(o, toggle) = on;
    if (!on && (toggle->name == IP_RECVERR || toggle->name == IPV6_RECVERR))
        packet_queue_purge(&s->errors);
    return 0;
}

static int get_toggle(struct inet_socket *s, const struct toggle *toggle)
{
    if (toggle->raw && s->socket.type != SOCK_RAW)
        return toggle->level == SOL_IP ? 0 : -ENOPROTOOPT;
    return toggle->receive ? (s->options.receive & toggle->receive) != 0
                           : *field_of(&s->options, toggle);
}

/* --- SOL_IP
 * ------------------------------------------------------------------------------------------------
 */

/* IP options as the program gives them (RFC 791, 3.1), padded to words; len 0: none. */
static int set_ip_options(struct inet_socket *s, const uint8_t *value, size_t len)
{
    uint8_t *options = NULL;
    if (len > OPTIONS_MAX)
        return -EINVAL;
    for (size_t at = 0; at < len && value[at];) {
        size_t step = value[at] == 1 ? 1 : at + 1 < len ? value[at + 1] : 0;
        if (step < 1 || (value[at] != 1 && step < 2) || step > len - at)
            return -EINVAL;
        at += step;
    }
    size_t padded = ALIGN_UP(len, 4ul);
    if (padded) {
        options = kzalloc(padded);
        if (!options)
            return -ENOMEM;
        memcpy(options, value, len);
    }
    kfree(s->options.ip_options);
    s->options.ip_options = options;
    s->options.ip_options_len = (unsigned)padded;
    return 0;
}

static int set_unicast_netif(struct netif **netif, const void *value, size_t len)
{
    if (len != sizeof(uint32_t))
        return -EINVAL;
    unsigned index = get_be32(value);
    if (!index) {
        *netif = NULL;
        return 0;
    }
    rcu_read_lock();
    struct netif *found = netif_by_index(index);
    rcu_read_unlock();
    if (!found)
        return -EADDRNOTAVAIL;
    *netif = found;
    return 0;
}

static int set_ip_number(struct inet_socket *s, int name, int number, size_t len)
{
    struct inet_options *o = &s->options;
    switch (name) {
    case IP_TOS:
        if (s->socket.type == SOCK_STREAM)
            number = (number & ~3) | (o->tos & 3);
        o->tos = (uint8_t)number;
        return 0;
    case IP_TTL:
        if (!len || (number != -1 && (number < 1 || number > 255)))
            return -EINVAL;
        o->ttl = number < 0 ? 0 : (uint8_t)number;
        return 0;
    case IP_MINTTL:
        if (!len || number < 0 || number > 255)
            return -EINVAL;
        o->min_ttl = (uint8_t)number;
        return 0;
    case IP_MTU_DISCOVER:
        if (number < PMTUDISC_DONT || number > PMTUDISC_OMIT)
            return -EINVAL;
        o->pmtudisc = (uint8_t)number;
        return 0;
    case IP_MULTICAST_TTL:
        if (s->socket.type == SOCK_STREAM || !len || number < -1 || number > 255)
            return -EINVAL;
        o->multicast_ttl = (int16_t)(number < 0 ? 1 : number);
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

/* An int, or one byte where there is no more. */
static int get_number(const void *value, size_t len)
{
    int number;
    if (len < sizeof(number))
        return len ? *(const uint8_t *)value : 0;
    memcpy(&number, value, sizeof(number));
    return number;
}

static int set_ip(struct inet_socket *s, int name, const void *value, size_t len)
{
    int number = get_number(value, len);
    const struct toggle *toggle = find_toggle(SOL_IP, name);
    if (toggle)
        return !len && name == IP_MULTICAST_LOOP ? -EINVAL : set_toggle(s, toggle, number);
    if (name == IP_OPTIONS)
        return set_ip_options(s, value, len);
    if (name == IP_UNICAST_IF)
        return set_unicast_netif(&s->options.unicast_netif, value, len);
    return set_ip_number(s, name, number, len);
}

/* The MTU of the way to the peer; -ENOTCONN. */
static int peer_mtu(struct inet_socket *s)
{
    struct ip_flow flow;
    if (!s->remote_port)
        return -ENOTCONN;
    int err = inet_flow(s, &flow, &s->remote, s->scope);
    if (!err)
        err = ip_route(&flow);
    return err ? -ENOTCONN : (int)flow.mtu;
}

static int get_ip_number(struct inet_socket *s, int name)
{
    const struct inet_options *o = &s->options;
    switch (name) {
    case IP_TOS:
        return o->tos;
    case IP_TTL:
        return o->ttl ?: DEFAULT_TTL;
    case IP_MINTTL:
        return o->min_ttl;
    case IP_MTU_DISCOVER:
        return o->pmtudisc;
    case IP_MULTICAST_TTL:
        return o->multicast_ttl < 0 ? 1 : o->multicast_ttl;
    case IP_UNICAST_IF:
        return o->unicast_netif ? (int)__builtin_bswap32(o->unicast_netif->index) : 0;
    case IP_MTU:
        return MIN(peer_mtu(s), 65535);
    case IP_ROUTER_ALERT: /* cannot be set here */
    case IP_PASSSEC:
    case IP_NODEFRAG:
    case IP_CHECKSUM:
    case IP_RECVFRAGSIZE:
    case IP_RECVERR_RFC4884:
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

/* As Linux: one byte where there is no room for more and one is enough. */
static int put_ip_number(int number, void *value, size_t len)
{
    if (len > 0 && len < sizeof(number) && number >= 0 && number <= 255) {
        *(uint8_t *)value = (uint8_t)number;
        return 1;
    }
    len = MIN(len, sizeof(number));
    memcpy(value, &number, len);
    return (int)len;
}

static int get_ip(struct inet_socket *s, int name, void *value, size_t len)
{
    const struct toggle *toggle = find_toggle(SOL_IP, name);
    if (name == IP_OPTIONS) {
        len = MIN(len, (size_t)s->options.ip_options_len);
        memcpy(value, s->options.ip_options, len);
        return (int)len;
    }
    int number = toggle ? get_toggle(s, toggle) : get_ip_number(s, name);
    if (number < 0 && name != IP_UNICAST_IF)
        return number;
    return put_ip_number(number, value, len);
}

/* --- SOL_IPV6
 * ---------------------------------------------------------------------------------------------- */

static bool in_range(int number, int low, int high)
{
    return number >= low && number <= high;
}

static int set_v6only(struct inet_socket *s, int number)
{
    if (s->local_port)
        return -EINVAL;
    s->v6only = number != 0;
    return 0;
}

static int set_ipv6_number(struct inet_socket *s, int name, int number)
{
    struct inet_options *o = &s->options;
    switch (name) {
    case IPV6_V6ONLY:
        return set_v6only(s, number);
    case IPV6_UNICAST_HOPS:
        if (!in_range(number, -1, 255))
            return -EINVAL;
        o->hop_limit = (int16_t)number;
        return 0;
    case IPV6_MULTICAST_HOPS:
        if (s->socket.type == SOCK_STREAM)
            return -ENOPROTOOPT;
        if (!in_range(number, -1, 255))
            return -EINVAL;
        o->hops = (int16_t)(number < 0 ? 1 : number);
        return 0;
    case IPV6_MTU_DISCOVER:
        if (!in_range(number, PMTUDISC_DONT, PMTUDISC_OMIT))
            return -EINVAL;
        o->pmtudisc6 = (uint8_t)number;
        return 0;
    case IPV6_TCLASS:
        if (!in_range(number, -1, 255))
            return -EINVAL;
        o->tclass = number < 0 ? 0 : (uint8_t)number;
        return 0;
    case IPV6_MINHOPCOUNT:
        if (!in_range(number, 0, 255))
            return -EINVAL;
        o->min_hops = (uint8_t)number;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

struct in6_pktinfo {
    uint8_t address[16];
    uint32_t ifindex;
};

/* IPV6_PKTINFO: where from and through which, for all that is sent. */
static int set_pktinfo(struct inet_socket *s, const void *value, size_t len)
{
    struct in6_pktinfo info = {};
    struct inet_addr address;
    if (len == 0) {
        s->options.pktinfo_source = (struct inet_addr){};
        s->options.pktinfo_netif = NULL;
        return 0;
    }
    if (len < sizeof(info) || !value)
        return -EINVAL;
    memcpy(&info, value, sizeof(info));
    memcpy(address.bytes, info.address, sizeof(info.address));
    rcu_read_lock();
    struct netif *netif = netif_by_index(info.ifindex);
    bool ours = inet_is_any(&address) || netif_address_find(netif, &address);
    rcu_read_unlock();
    if (s->flow.bound && info.ifindex && s->flow.bound != netif)
        return -EINVAL;
    if ((info.ifindex && !netif) || !ours)
        return info.ifindex && !netif ? -ENODEV : -EINVAL;
    s->options.pktinfo_source = address;
    s->options.pktinfo_netif = netif;
    return 0;
}

static int set_ipv6(struct inet_socket *s, int name, const void *value, size_t len)
{
    if (name == IPV6_PKTINFO)
        return set_pktinfo(s, value, len);
    if (name == IPV6_UNICAST_IF)
        return set_unicast_netif(&s->options.unicast6_netif, value, len);
    const struct toggle *toggle = find_toggle(SOL_IPV6, name);
    if (len < sizeof(int))
        return toggle || set_ipv6_number(s, name, -2) != -ENOPROTOOPT ? -EINVAL : -ENOPROTOOPT;
    int number = get_number(value, len);
    return toggle ? set_toggle(s, toggle, number) : set_ipv6_number(s, name, number);
}

static int get_ipv6_number(struct inet_socket *s, int name)
{
    const struct inet_options *o = &s->options;
    switch (name) {
    case IPV6_V6ONLY:
        return s->v6only;
    case IPV6_UNICAST_HOPS:
        return o->hop_limit < 0 ? DEFAULT_TTL : o->hop_limit;
    case IPV6_MULTICAST_HOPS:
        return o->hops < 0 ? 1 : o->hops;
    case IPV6_MTU_DISCOVER:
        return o->pmtudisc6;
    case IPV6_TCLASS:
        return o->tclass;
    case IPV6_MINHOPCOUNT:
        return o->min_hops;
    case IPV6_UNICAST_IF:
        return o->unicast6_netif ? (int)__builtin_bswap32(o->unicast6_netif->index) : 0;
    case IPV6_MTU:
        return peer_mtu(s);
    default:
        return -ENOPROTOOPT;
    }
}

/* struct ip6_mtuinfo: the peer and the MTU to it. */
static int get_path_mtu(struct inet_socket *s, void *value, size_t len)
{
    struct {
        struct sockaddr_in6 address;
        uint32_t mtu;
    } info = {};
    struct socket_address address;
    int mtu = peer_mtu(s);
    if (len < sizeof(info))
        return -EINVAL;
    if (mtu < 0)
        return mtu;
    inet_address_put(s, &address, &s->remote, 0, s->scope);
    memcpy(&info.address, address.bytes, sizeof(info.address));
    info.mtu = (uint32_t)mtu;
    memcpy(value, &info, sizeof(info));
    return (int)sizeof(info);
}

static int get_ipv6(struct inet_socket *s, int name, void *value, size_t len)
{
    const struct toggle *toggle = find_toggle(SOL_IPV6, name);
    if (name == IPV6_PATHMTU)
        return get_path_mtu(s, value, len);
    if (name == IPV6_ADDRFORM) {
        int family = s->socket.family;
        if (s->socket.type == SOCK_RAW)
            return -ENOPROTOOPT;
        if (!s->remote_port)
            return -ENOTCONN;
        memcpy(value, &family, MIN(len, sizeof(family)));
        return (int)MIN(len, sizeof(family));
    }
    int number = toggle ? get_toggle(s, toggle) : get_ipv6_number(s, name);
    if (number < 0 && name != IPV6_UNICAST_IF)
        return number;
    len = MIN(len, sizeof(number));
    memcpy(value, &number, len);
    return (int)len;
}

/* --- SOL_SOCKET
 * -------------------------------------------------------------------------------------------- */

static int bind_to(struct inet_socket *s, struct netif *netif)
{
    if (s->flow.bound && !socket_capable(NET_CAP_RAW))
        return -EPERM;
    s->flow.bound = netif;
    return 0;
}

static int bind_to_name(struct inet_socket *s, const char *value, size_t len)
{
    char name[NETIF_NAME_MAX + 1] = "";
    memcpy(name, value, MIN(len, (size_t)NETIF_NAME_MAX));
    if (!name[0])
        return bind_to(s, NULL);
    rcu_read_lock();
    struct netif *netif = netif_find(name);
    rcu_read_unlock();
    return netif ? bind_to(s, netif) : -ENODEV;
}

static int bind_to_index(struct inet_socket *s, const void *value, size_t len)
{
    if (len < sizeof(int))
        return -EINVAL;
    int index = get_number(value, len);
    if (index < 0)
        return -EINVAL;
    rcu_read_lock();
    struct netif *netif = netif_by_index((unsigned)index);
    rcu_read_unlock();
    return index && !netif ? -ENODEV : bind_to(s, netif);
}

static int set_zerocopy(struct inet_socket *s, const void *value, size_t len)
{
    int number = len < sizeof(number) ? -1 : get_number(value, len);
    if (s->socket.protocol != (s->socket.type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP))
        return -EOPNOTSUPP;
    if (number & ~1)
        return -EINVAL;
    s->socket.flags &= ~(1ull << SO_ZEROCOPY);
    s->socket.flags |= (uint64_t)number << SO_ZEROCOPY;
    return 0;
}

static int set_socket(struct inet_socket *s, int name, const void *value, size_t len)
{
    switch (name) {
    case SO_REUSEADDR: /* beside the flag, for the table of ports */
        if (len >= sizeof(int))
            s->reuse_address = get_number(value, len) != 0;
        return -ENOPROTOOPT;
    case SO_REUSEPORT:
        if (len >= sizeof(int))
            s->reuse_port = get_number(value, len) != 0;
        return -ENOPROTOOPT;
    case SO_BINDTODEVICE:
        return bind_to_name(s, value, len);
    case SO_BINDTOIFINDEX:
        return bind_to_index(s, value, len);
    case SO_INCOMING_CPU:
        if (len < sizeof(int))
            return -EINVAL;
        s->incoming_cpu = get_number(value, len);
        return 0;
    case SO_ZEROCOPY:
        return set_zerocopy(s, value, len);
    default:
        return -ENOPROTOOPT;
    }
}

static int get_socket(struct inet_socket *s, int name, void *value, size_t len)
{
    const struct netif *netif = s->flow.bound;
    int number;
    switch (name) {
    case SO_BINDTODEVICE:
        if (!netif)
            return 0;
        if (len < NETIF_NAME_MAX + 1)
            return -EINVAL;
        memcpy(value, netif->name, strlen(netif->name) + 1);
        return (int)strlen(netif->name) + 1;
    case SO_BINDTOIFINDEX:
        number = netif ? (int)netif->index : 0;
        break;
    case SO_INCOMING_CPU:
        number = s->incoming_cpu;
        break;
    default:
        return -ENOPROTOOPT;
    }
    len = MIN(len, sizeof(number));
    memcpy(value, &number, len);
    return (int)len;
}

/* --- all of them
 * ------------------------------------------------------------------------------------------- */

static int set_by_level(struct inet_socket *s, int level, int name, const void *value, size_t len)
{
    if (level == SOL_IP && (s->socket.family == AF_INET || s->socket.type != SOCK_RAW))
        return set_ip(s, name, value, len);
    if (level == SOL_IPV6 && s->socket.family == AF_INET6)
        return set_ipv6(s, name, value, len);
    return level == SOL_SOCKET ? set_socket(s, name, value, len) : -ENOPROTOOPT;
}

int inet_op_set_option(struct socket *socket, int level, int name, const void *value, size_t len)
{
    struct inet_socket *s = inet_of(socket);
    int err = multicast_set_option(s, level, name, value, len);
    if (err != -ENOPROTOOPT)
        return err;
    inet_lock(s);
    err = set_by_level(s, level, name, value, len);
    s->options.version++;
    inet_unlock(s);
    return err;
}

int inet_op_get_option(struct socket *socket, int level, int name, void *value, size_t len)
{
    struct inet_socket *s = inet_of(socket);
    int n = multicast_get_option(s, level, name, value, len);
    if (n != -ENOPROTOOPT)
        return n;
    inet_lock(s);
    if (level == SOL_IP && (socket->family == AF_INET || socket->type != SOCK_RAW))
        n = get_ip(s, name, value, len);
    else if (level == SOL_IPV6 && socket->family == AF_INET6)
        n = get_ipv6(s, name, value, len);
    else if (level == SOL_SOCKET)
        n = get_socket(s, name, value, len);
    else if (socket->family == AF_INET)
        n = -EOPNOTSUPP;
    inet_unlock(s);
    return n;
}
