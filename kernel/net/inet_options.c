/* net/inet_options.c: options of SOL_IP and SOL_IPV6, and those of SOL_SOCKET that need a network
 * (man 7 ip, ipv6, socket). */
#include "core/thread.h"
#include "mm/heap.h"
#include "net/demux.h"
#include "net/igmp.h"
#include "net/inet6.h"
#include "net/ipv6.h"

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
    IP_IPSEC_POLICY = 16,
    IP_XFRM_POLICY = 17,
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
    IPV6_2292HOPOPTS = 3,
    IPV6_2292DSTOPTS = 4,
    IPV6_2292RTHDR = 5,
    IPV6_2292HOPLIMIT = 8,
    IPV6_FLOWINFO = 11,
    IPV6_UNICAST_HOPS = 16,
    IPV6_MULTICAST_HOPS = 18,
    IPV6_MULTICAST_LOOP = 19,
    IPV6_ROUTER_ALERT = 22,
    IPV6_MTU_DISCOVER = 23,
    IPV6_MTU = 24,
    IPV6_RECVERR = 25,
    IPV6_V6ONLY = 26,
    IPV6_MULTICAST_ALL = 29,
    IPV6_ROUTER_ALERT_ISOLATE = 30,
    IPV6_RECVERR_RFC4884 = 31,
    IPV6_FLOWINFO_SEND = 33,
    IPV6_IPSEC_POLICY = 34,
    IPV6_XFRM_POLICY = 35,
    IPV6_HDRINCL = 36,
    IPV6_RECVPKTINFO = 49,
    IPV6_PKTINFO = 50,
    IPV6_RECVHOPLIMIT = 51,
    IPV6_RECVHOPOPTS = 53,
    IPV6_RECVRTHDR = 56,
    IPV6_RECVDSTOPTS = 58,
    IPV6_RECVPATHMTU = 60,
    IPV6_PATHMTU = 61,
    IPV6_DONTFRAG = 62,
    IPV6_RECVTCLASS = 66,
    IPV6_TCLASS = 67,
    IPV6_AUTOFLOWLABEL = 70,
    IPV6_ADDR_PREFERENCES = 72,
    IPV6_MINHOPCOUNT = 73,
    IPV6_RECVORIGDSTADDR = 74,
    IPV6_TRANSPARENT = 75,
    IPV6_UNICAST_IF = 76,
    IPV6_RECVFRAGSIZE = 77,
    IPV6_FREEBIND = 78,
};
enum { DEFAULT_TTL = 64, OPTIONS_MAX = 40, NETIF_NAME_MAX = 15 };
static struct netif absent; /* what a number stands for that no interface has */

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
        .multicast_all = s->socket.family == AF_INET,
        .hops_all = true,
        .autoflowlabel = true,
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
    inet6_end(s);
    packet_queue_purge(&s->errors);
}

/* --- options that are on or off
 * ---------------------------------------------------------------------------- */

struct toggle {
    int level, name;
    uint32_t receive; /* a bit of options.receive; 0: */
    uint16_t field;   /* the offset of a bool in the options */
    bool raw;         /* SOCK_RAW only */
    bool datagram;    /* not SOCK_STREAM */
    bool privileged;  /* CAP_NET_ADMIN or CAP_NET_RAW */
    bool binary;      /* nothing but 0 and 1 */
    bool other;       /* of SOL_IP: no value is an error; of SOL_IPV6: a short one is 0 */
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
    {SOL_IP, IP_FREEBIND, .field = FIELD(freebind), .other = true},
    {SOL_IP, IP_TRANSPARENT, .field = FIELD(transparent), .privileged = true, .other = true},
    {SOL_IP, IP_BIND_ADDRESS_NO_PORT, .field = FIELD(bind_no_port)},
    {SOL_IP, IP_MULTICAST_LOOP, .field = FIELD(multicast_loop), .other = true},
    {SOL_IP, IP_MULTICAST_ALL, .field = FIELD(multicast_all), .binary = true, .other = true},
    {SOL_IP, IP_PASSSEC, .receive = INET_RECEIVE_SECURITY},
    {SOL_IP, IP_NODEFRAG, .receive = INET_NODEFRAG, .raw = true},
    {SOL_IP, IP_CHECKSUM, .receive = INET_RECEIVE_CHECKSUM},
    {SOL_IP, IP_RECVFRAGSIZE, .receive = INET_RECEIVE_FRAGSIZE, .datagram = true},
    {SOL_IP, IP_RECVERR_RFC4884, .receive = INET_RFC4884, .binary = true},
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
    {SOL_IPV6, IPV6_MULTICAST_LOOP, .field = FIELD(hops_loop), .binary = true},
    {SOL_IPV6, IPV6_MULTICAST_ALL, .field = FIELD(hops_all)},
    {SOL_IPV6, IPV6_AUTOFLOWLABEL, .field = FIELD(autoflowlabel), .other = true},
    {SOL_IPV6, IPV6_DONTFRAG, .field = FIELD(dont_fragment6), .other = true},
    {SOL_IPV6, IPV6_2292HOPOPTS, .receive = INET_RECEIVE6_HOPOPTS_OLD},
    {SOL_IPV6, IPV6_2292DSTOPTS, .receive = INET_RECEIVE6_DSTOPTS_OLD},
    {SOL_IPV6, IPV6_2292RTHDR, .receive = INET_RECEIVE6_RTHDR_OLD},
    {SOL_IPV6, IPV6_RECVHOPOPTS, .receive = INET_RECEIVE6_HOPOPTS},
    {SOL_IPV6, IPV6_RECVDSTOPTS, .receive = INET_RECEIVE6_DSTOPTS},
    {SOL_IPV6, IPV6_RECVRTHDR, .receive = INET_RECEIVE6_RTHDR},
    {SOL_IPV6, IPV6_RECVPATHMTU, .receive = INET_RECEIVE6_PATHMTU},
    {SOL_IPV6, IPV6_RECVFRAGSIZE, .receive = INET_RECEIVE6_FRAGSIZE, .other = true},
    {SOL_IPV6, IPV6_ROUTER_ALERT_ISOLATE, .receive = INET_ALERT_ISOLATE},
    {SOL_IPV6, IPV6_RECVERR_RFC4884, .receive = INET_RFC4884_6, .binary = true},
    {SOL_IPV6, IPV6_FLOWINFO_SEND, .receive = INET_FLOWINFO_SEND},
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
    if ((toggle->binary && number & ~1) || (toggle->datagram && s->socket.type == SOCK_STREAM))
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
    size_t used = 0; /* up to the end of the list */
    if (len > OPTIONS_MAX)
        return -EINVAL;
    for (size_t at = 0; at < len && value[at];) {
        size_t step = value[at] == 1 ? 1 : at + 1 < len ? value[at + 1] : 0;
        if (step < 1 || (value[at] != 1 && step < 2) || step > len - at)
            return -EINVAL;
        at += step;
        used = at;
    }
    size_t padded = ALIGN_UP(len, 4ul);
    if (padded) {
        options = kzalloc(padded);
        if (!options)
            return -ENOMEM;
        memcpy(options, value, used);
    }
    kfree(s->options.ip_options);
    s->options.ip_options = options;
    s->options.ip_options_len = (unsigned)padded;
    inet_flow_options(s, &s->flow);
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

/* A socket that would be shown packets on their way through this host: none goes through. */
static int set_router_alert(struct inet_socket *s, bool on)
{
    if (s->socket.type != SOCK_RAW || s->socket.protocol == IPPROTO_RAW)
        return -EINVAL;
    if (s->options.router_alert == on)
        return on ? -EADDRINUSE : -ENOBUFS;
    s->options.router_alert = on;
    return 0;
}

/* As without CONFIG_XFRM. */
static int set_policy(void)
{
    return socket_capable(NET_CAP_ADMIN) ? -ENOPROTOOPT : -EPERM;
}

static int set_ip_number(struct inet_socket *s, int name, int number, size_t len)
{
    struct inet_options *o = &s->options;
    switch (name) {
    case IP_ROUTER_ALERT:
        return set_router_alert(s, number != 0);
    case IP_IPSEC_POLICY:
    case IP_XFRM_POLICY:
        return set_policy();
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
        return !len && toggle->other ? -EINVAL : set_toggle(s, toggle, number);
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
        return MIN(peer_mtu(s), inet_is_v4(&s->remote) ? 65535 : INT32_MAX);
    case IP_ROUTER_ALERT:
        return o->router_alert;
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
    if (s->socket.type == SOCK_STREAM ? s->port != NULL : s->local_port)
        return -EINVAL;
    s->v6only = number != 0;
    return 0;
}

enum { /* IPV6_PREFER_SRC_* (RFC 5014) */
       PREFER_TMP = 1,
       PREFER_PUBLIC = 2,
       PREFER_COA = 4,
       PREFER_CGA = 8,
       PREFER_DEFAULT = 0x100,
       PREFER_HOME = 0x400,
       PREFER_NONCGA = 0x800,
};

/* Is more than one of these asked for? */
static bool conflict(int number, int all)
{
    return number & all & ((number & all) - 1);
}

/* Of temporary, care-of and generated addresses there are none here to be preferred. */
static int set_preferences(struct inet_options *o, int number)
{
    int kinds = PREFER_PUBLIC | PREFER_TMP | PREFER_DEFAULT, kept = o->source_preferences;
    if (conflict(number, kinds) || conflict(number, PREFER_HOME | PREFER_COA) ||
        conflict(number, PREFER_CGA | PREFER_NONCGA))
        return -EINVAL;
    if (number & kinds)
        kept = (kept & ~(PREFER_PUBLIC | PREFER_TMP)) | (number & (PREFER_PUBLIC | PREFER_TMP));
    if (number & (PREFER_HOME | PREFER_COA))
        kept = (kept & ~PREFER_COA) | (number & PREFER_COA);
    o->source_preferences = (uint8_t)kept;
    return 0;
}

static int get_preferences(const struct inet_options *o)
{
    int kept = o->source_preferences;
    return (kept & PREFER_TMP      ? PREFER_TMP
            : kept & PREFER_PUBLIC ? PREFER_PUBLIC
                                   : PREFER_DEFAULT) |
           (kept & PREFER_COA ?: PREFER_HOME);
}

/* To an IPv4 socket, once it is connected to a mapped address (RFC 3493 left it out; Linux did
 * not). */
static int set_family(struct inet_socket *s, int family)
{
    if (family != AF_INET || s->socket.type == SOCK_RAW)
        return s->socket.type == SOCK_RAW && family == AF_INET ? -ENOPROTOOPT : -EINVAL;
    if (!s->remote_port)
        return -ENOTCONN;
    if (s->v6only || !inet_is_v4(&s->remote))
        return -EADDRNOTAVAIL;
    if (!inet_is_v4(&s->local))
        s->local = inet_v4(0);
    inet6_end(s);
    s->socket.family = AF_INET;
    return 0;
}

static int set_ipv6_number(struct inet_socket *s, int name, int number)
{
    struct inet_options *o = &s->options;
    switch (name) {
    case IPV6_ADDRFORM:
        return set_family(s, number);
    case IPV6_ROUTER_ALERT:
        if (s->socket.type != SOCK_RAW || s->socket.protocol != IPPROTO_RAW)
            return -ENOPROTOOPT;
        if (o->router_alert >> 1 == (number >= 0))
            return number < 0 ? -ENOBUFS : -EADDRINUSE;
        o->router_alert = (uint8_t)((number >= 0) << 1 | (number != 0));
        return 0;
    case IPV6_MTU:
        if (number && number < IPV6_MTU_MIN)
            return -EINVAL;
        o->fragment_most = (uint16_t)MIN(number, UINT16_MAX);
        return 0;
    case IPV6_ADDR_PREFERENCES:
        return set_preferences(o, number);
    case IPV6_IPSEC_POLICY:
    case IPV6_XFRM_POLICY:
        return set_policy();
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
        number = MAX(number, 0);
        o->tclass =
            (uint8_t)(s->socket.type == SOCK_STREAM ? (number & ~3) | (o->tclass & 3) : number);
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
    if (len < sizeof(info))
        return -EINVAL;
    memcpy(&info, value, sizeof(info));
    memcpy(address.bytes, info.address, sizeof(info.address));
    rcu_read_lock();
    struct netif *netif = netif_by_index(info.ifindex);
    bool ours = netif_address_find(netif, &address);
    rcu_read_unlock();
    if (s->flow.bound && info.ifindex && s->flow.bound != netif)
        return -EINVAL;
    /* Linux looks at neither before it sends, and then at the interface. */
    s->options.pktinfo_source = ours ? address : (struct inet_addr){};
    s->options.pktinfo_netif = info.ifindex && !netif ? &absent : netif;
    return 0;
}

static int set_ipv6(struct inet_socket *s, int name, const void *value, size_t len)
{
    int err = inet6_set_option(s, name, value, len);
    if (err != -ENOPROTOOPT)
        return err;
    if (name == IPV6_PKTINFO)
        return set_pktinfo(s, value, len);
    if (name == IPV6_UNICAST_IF)
        return set_unicast_netif(&s->options.unicast6_netif, value, len);
    const struct toggle *toggle = find_toggle(SOL_IPV6, name);
    if (toggle && toggle->raw && s->socket.type != SOCK_RAW)
        return -ENOPROTOOPT;
    if (len < sizeof(int) && !(toggle && toggle->other))
        return toggle || name == IPV6_ROUTER_ALERT || name == IPV6_V6ONLY ||
                       set_ipv6_number(s, name, -2) != -ENOPROTOOPT
                   ? -EINVAL
                   : -ENOPROTOOPT;
    int number = len < sizeof(int) ? 0 : get_number(value, len);
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
    case IPV6_ROUTER_ALERT:
        return o->router_alert & 1;
    case IPV6_ADDR_PREFERENCES:
        return get_preferences(o);
    case IPV6_UNICAST_IF:
        return o->unicast6_netif ? (int)__builtin_bswap32(o->unicast6_netif->index) : 0;
    case IPV6_MTU:
        return peer_mtu(s);
    default:
        return -ENOPROTOOPT;
    }
}

/* The MTU to the peer; like Linux, not who that is. */
static int get_path_mtu(struct inet_socket *s, void *value, size_t len)
{
    struct ip6_mtuinfo info = {};
    int mtu = peer_mtu(s);
    if (len < sizeof(info))
        return -EINVAL;
    if (mtu < 0)
        return mtu;
    info.mtu = (uint32_t)mtu;
    memcpy(value, &info, sizeof(info));
    return (int)sizeof(info);
}

static int get_ipv6(struct inet_socket *s, int name, void *value, size_t len)
{
    int n = inet6_get_option(s, name, value, len);
    if (n != -ENOPROTOOPT)
        return n;
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

/* bind(2) and listeners bind to interfaces, too. */
static void note_binding(struct inet_socket *s)
{
    const struct netif *bound = s->flow.bound;
    if (!bound || bound->index)
        s->socket.bound_index = bound ? bound->index : 0;
}

/* The socket has been bound to an interface, or to the number of one that is not there: nothing
 * comes from that one, and nothing goes. */
static void follow_binding(struct inet_socket *s)
{
    uint32_t index = s->socket.bound_index;
    rcu_read_lock();
    struct netif *netif = netif_by_index(index);
    rcu_read_unlock();
    s->flow.bound = netif || !index ? netif : &absent;
}

static int set_zerocopy(struct inet_socket *s, const void *value, size_t len)
{
    int number = len < sizeof(number) ? -1 : get_number(value, len);
    if (len < sizeof(number))
        return -EINVAL;
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
    case SO_RCVMARK: /* beside the flag, for receivers */
        if (len >= sizeof(int) && (socket_capable(NET_CAP_RAW) || socket_capable(NET_CAP_ADMIN))) {
            s->options.receive &= ~INET_RECEIVE_MARK;
            s->options.receive |= get_number(value, len) ? INET_RECEIVE_MARK : 0;
        }
        return -ENOPROTOOPT;
    case SO_ATTACH_REUSEPORT_CBPF:
        return reuseport_attach(s, value, len);
    case SO_DETACH_REUSEPORT_BPF:
        return len < sizeof(int) ? -EINVAL : reuseport_detach(s);
    case SO_ZEROCOPY:
        return set_zerocopy(s, value, len);
    default:
        return -ENOPROTOOPT;
    }
}

static int get_meminfo(struct inet_socket *s, void *value, size_t len)
{
    struct inet_description d = {};
    if (s->proto->describe)
        s->proto->describe(s, &d);
    return socket_put_meminfo(&s->socket, value, len, d.receive_queue, d.send_queue,
                              atomic_load_explicit(&s->drops, memory_order_relaxed));
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
    if (level == SOL_SOCKET && (name == SO_BINDTODEVICE || name == SO_BINDTOIFINDEX)) {
        note_binding(s);
        err = socket_set_bound(socket, name, value, len);
        if (!err)
            follow_binding(s);
    }
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
    else if (level == SOL_SOCKET && (name == SO_BINDTODEVICE || name == SO_BINDTOIFINDEX))
        note_binding(s);
    else if (level == SOL_SOCKET)
        n = name == SO_MEMINFO ? get_meminfo(s, value, len) : -ENOPROTOOPT;
    else if (socket->family == AF_INET)
        n = -EOPNOTSUPP;
    inet_unlock(s);
    return n;
}
