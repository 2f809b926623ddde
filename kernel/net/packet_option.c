/* net/packet_option.c: options of SOL_PACKET (man 7 packet), and what an interface is asked to let
 * through for a socket. */
#include "lib/string.h"
#include "mm/heap.h"
#include "net/packet_socket.h"

enum {
    PACKET_ADD_MEMBERSHIP = 1,
    PACKET_DROP_MEMBERSHIP = 2,
    PACKET_RX_RING = 5,
    PACKET_STATISTICS = 6,
    PACKET_COPY_THRESH = 7,
    PACKET_AUXDATA = 8,
    PACKET_ORIGDEV = 9,
    PACKET_VERSION = 10,
    PACKET_HDRLEN = 11,
    PACKET_RESERVE = 12,
    PACKET_TX_RING = 13,
    PACKET_LOSS = 14,
    PACKET_VNET_HDR = 15,
    PACKET_TIMESTAMP = 17,
    PACKET_FANOUT = 18,
    PACKET_TX_HAS_OFF = 19,
    PACKET_QDISC_BYPASS = 20,
    PACKET_ROLLOVER_STATS = 21,
    PACKET_FANOUT_DATA = 22,
    PACKET_IGNORE_OUTGOING = 23,
    PACKET_VNET_HDR_SZ = 24,
};
enum { MR_MULTICAST, MR_PROMISC, MR_ALLMULTI, MR_UNICAST };
enum {
    VNET_SIZE = sizeof(struct packet_vnet),
    REQUEST_HEAD = 8,
    REQUEST_LEAST = 16
}; /* struct packet_mreq: as far as the address; all */

static struct packet_socket *packet_of(struct socket *socket)
{
    return container_of(socket, struct packet_socket, socket);
}

/* --- memberships
 * ------------------------------------------------------------------------------------------ */

static unsigned flag_of(unsigned type)
{
    switch (type) {
    case MR_PROMISC:
    case MR_UNICAST:
        return IFF_PROMISC;
    case MR_MULTICAST:
    case MR_ALLMULTI:
        return IFF_ALLMULTI;
    default: /* taken, and of no effect, as on Linux */
        return 0;
    }
}

static bool is_flag_held(int32_t ifindex, unsigned flag)
{
    list_for_each_entry (struct packet_socket, p, &packet_sockets, link)
        list_for_each_entry (struct packet_membership, m, &p->memberships, link)
            if (m->ifindex == ifindex && flag_of(m->type) == flag)
                return true;
    return false;
}

static struct netif *find_netif(int32_t ifindex)
{
    rcu_read_lock();
    struct netif *netif = netif_by_index((unsigned)ifindex);
    rcu_read_unlock();
    return netif;
}

static struct packet_membership *find_membership(struct packet_socket *p,
                                                 const struct packet_membership *asked)
{
    list_for_each_entry (struct packet_membership, m, &p->memberships, link)
        if (m->ifindex == asked->ifindex && m->type == asked->type && m->len == asked->len &&
            !memcmp(m->address, asked->address, asked->len))
            return m;
    return NULL;
}

static int add_membership(struct packet_socket *p, const struct packet_membership *asked)
{
    struct netif *netif = find_netif(asked->ifindex);
    if (!netif)
        return -ENODEV;
    if (asked->len > ETH_ALEN ||
        ((asked->type == MR_MULTICAST || asked->type == MR_UNICAST) && asked->len != ETH_ALEN))
        return -EINVAL;
    struct packet_membership *m = find_membership(p, asked);
    if (m) {
        m->users++;
        return 0;
    }
    m = kmalloc(sizeof(*m));
    if (!m)
        return -ENOBUFS;
    *m = *asked;
    m->users = 1;
    list_add(&p->memberships, &m->link);
    return netif_set_flags(netif, flag_of(m->type), flag_of(m->type));
}

static void end_membership(struct packet_membership *m)
{
    struct netif *netif = find_netif(m->ifindex);
    int32_t ifindex = m->ifindex;
    unsigned flag = flag_of(m->type);
    list_del(&m->link);
    kfree(m);
    if (netif && !is_flag_held(ifindex, flag))
        netif_set_flags(netif, 0, flag);
}

void packet_end_memberships(struct packet_socket *p)
{
    while (!list_empty(&p->memberships))
        end_membership(list_first(&p->memberships, struct packet_membership, link));
}

static int change_membership(struct packet_socket *p, const void *value, size_t len, bool add)
{
    struct packet_membership asked = {};
    if (len < REQUEST_LEAST)
        return -EINVAL;
    memcpy(&asked.ifindex, value, REQUEST_HEAD);
    if (asked.len > sizeof(asked.address) || len < (size_t)REQUEST_HEAD + asked.len)
        return -EINVAL;
    memcpy(asked.address, (const char *)value + REQUEST_HEAD, asked.len);
    int err = 0;
    mutex_lock(&packet_sockets_lock);
    if (add) {
        err = add_membership(p, &asked);
    } else { /* what was not there is gone */
        struct packet_membership *m = find_membership(p, &asked);
        if (m && !--m->users)
            end_membership(m);
    }
    mutex_unlock(&packet_sockets_lock);
    return err;
}
_Static_assert(offsetof(struct packet_membership, address) -
                       offsetof(struct packet_membership, ifindex) ==
                   REQUEST_HEAD,
               "as struct packet_mreq");

/* --- setsockopt(2)
 * ---------------------------------------------------------------------------------------- */

static int set_ring(struct packet_socket *p, unsigned which, const void *value, size_t len)
{
    struct packet_ring_request request = {};
    size_t size = p->version == TPACKET_V3 ? sizeof(request) : (size_t)RING_REQUEST_OLD;
    if (len < size)
        return -EINVAL;
    memcpy(&request, value, size);
    return packet_ring_set(p, which, &request);
}

static bool has_ring(const struct packet_socket *p)
{
    return p->rings[RING_RECEIVE] || p->rings[RING_SEND];
}

enum { /* a bit for each option that is a number */
       ON_OR_OFF = 1 << PACKET_AUXDATA | 1 << PACKET_ORIGDEV | 1 << PACKET_LOSS |
                   1 << PACKET_VNET_HDR | 1 << PACKET_TX_HAS_OFF | 1 << PACKET_QDISC_BYPASS,
       NUMBERS = ON_OR_OFF | 1 << PACKET_COPY_THRESH | 1 << PACKET_VERSION | 1 << PACKET_RESERVE |
                 1 << PACKET_TIMESTAMP | 1 << PACKET_IGNORE_OUTGOING | 1 << PACKET_VNET_HDR_SZ,
       MAY_BE_LONGER = 1 << PACKET_AUXDATA | 1 << PACKET_ORIGDEV | 1 << PACKET_VNET_HDR |
                       1 << PACKET_VNET_HDR_SZ,
       NOT_WITH_RING = 1 << PACKET_VERSION | 1 << PACKET_RESERVE | 1 << PACKET_LOSS |
                       1 << PACKET_VNET_HDR | 1 << PACKET_VNET_HDR_SZ,
};

static bool is_number(int name, unsigned set)
{
    return name >= 0 && name <= PACKET_VNET_HDR_SZ && set >> name & 1;
}

static bool may_be(const struct packet_socket *p, int name, int number)
{
    switch (name) {
    case PACKET_VERSION:
        return number >= TPACKET_V1 && number <= TPACKET_V3;
    case PACKET_RESERVE:
        return number >= 0;
    case PACKET_IGNORE_OUTGOING:
        return number == 0 || number == 1;
    case PACKET_VNET_HDR:
        return p->socket.type == SOCK_RAW;
    case PACKET_VNET_HDR_SZ:
        return p->socket.type == SOCK_RAW &&
               (!number || number == VNET_SIZE || number == VNET_SIZE + 2);
    default: /* TIMESTAMP: there are no stamps but those of software; ORIGDEV: no interface lies
              * upon another; QDISC_BYPASS: there are no queueing disciplines */
        return true;
    }
}

static int set_number(struct packet_socket *p, int name, const void *value, size_t len)
{
    int number;
    if (!is_number(name, NUMBERS))
        return -ENOPROTOOPT;
    if (len < sizeof(number) || (len > sizeof(number) && !is_number(name, MAY_BE_LONGER)))
        return -EINVAL;
    memcpy(&number, value, sizeof(number));
    if (!may_be(p, name, number))
        return -EINVAL;
    if (has_ring(p) && is_number(name, NOT_WITH_RING))
        return -EBUSY;
    if (has_ring(p) && name == PACKET_TX_HAS_OFF)
        return 0;
    p->options[name] = is_number(name, ON_OR_OFF) ? number != 0 : (uint32_t)number;
    if (name == PACKET_VNET_HDR)
        p->vnet = number ? VNET_SIZE : 0;
    p->has_vnet = p->vnet != 0;
    return 0;
}

static int set_option(struct packet_socket *p, int name, const void *value, size_t len)
{
    switch (name) {
    case PACKET_RX_RING:
    case PACKET_TX_RING:
        return set_ring(p, name == PACKET_RX_RING ? RING_RECEIVE : RING_SEND, value, len);
    case PACKET_FANOUT:
        return packet_fanout_join(p, value, len);
    case PACKET_FANOUT_DATA:
        return packet_fanout_set_data(p, value, len);
    default:
        return set_number(p, name, value, len);
    }
}

int packet_set_option(struct socket *socket, int level, int name, const void *value, size_t len)
{
    struct packet_socket *p = packet_of(socket);
    if (level != SOL_PACKET)
        return -ENOPROTOOPT;
    if (name == PACKET_ADD_MEMBERSHIP || name == PACKET_DROP_MEMBERSHIP)
        return change_membership(p, value, len, name == PACKET_ADD_MEMBERSHIP);
    mutex_lock(&p->lock);
    int err = set_option(p, name, value, len);
    mutex_unlock(&p->lock);
    return err;
}

/* --- getsockopt(2)
 * ---------------------------------------------------------------------------------------- */

static int give(void *value, size_t len, const void *from, size_t size)
{
    len = MIN(len, size);
    memcpy(value, from, len);
    return (int)len;
}

/* struct tpacket_stats(_v3): since they were asked for last. */
static int get_statistics(struct packet_socket *p, void *value, size_t len)
{
    uint64_t flags = spin_lock_irq(&p->queue_lock);
    uint32_t stats[3] = {p->packets, p->drops, p->freezes};
    p->packets = p->drops = p->freezes = 0;
    spin_unlock_irq(&p->queue_lock, flags);
    return give(value, len, stats, (p->version == TPACKET_V3 ? 3 : 2) * sizeof(stats[0]));
}

static int get_header_length(const void *value, size_t len, int *number)
{
    int version;
    if (len < sizeof(version))
        return -EINVAL;
    memcpy(&version, value, sizeof(version)); /* that is asked about */
    if (version < TPACKET_V1 || version > TPACKET_V3)
        return -EINVAL;
    *number = (int)packet_ring_header((unsigned)version);
    return 0;
}

int packet_get_option(struct socket *socket, int level, int name, void *value, size_t len)
{
    struct packet_socket *p = packet_of(socket);
    int number = 0, err = 0;
    if (level != SOL_PACKET)
        return -ENOPROTOOPT;
    if (name == PACKET_STATISTICS)
        return get_statistics(p, value, len);
    if (name == PACKET_ROLLOVER_STATS) {
        mutex_lock(&p->lock);
        int n = p->rollover ? give(value, len, p->rollover->stats, sizeof(p->rollover->stats))
                            : -EINVAL;
        mutex_unlock(&p->lock);
        return n;
    }
    if (name == PACKET_HDRLEN)
        err = get_header_length(value, len, &number);
    else if (name == PACKET_FANOUT)
        number = (int)packet_fanout_number(p);
    else if (is_number(name, NUMBERS))
        number = (int)p->options[name];
    else
        err = -ENOPROTOOPT;
    return err ? err : give(value, len, &number, sizeof(number));
}
