#include "net/packet_socket.h"

#include "core/boot.h"
#include "core/clock.h"
#include "core/thread.h"
#include "core/waitqueue.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/uaccess.h"
#include "net/datagram.h"
#include "net/filter.h"

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
    PACKET_TIMESTAMP = 17,
    PACKET_QDISC_BYPASS = 20,
    PACKET_IGNORE_OUTGOING = 23,
};
enum { TPACKET_V1, TPACKET_V2, TPACKET_V2_HDRLEN = 32, RESERVE_MAX = 4096 };
enum { FIONREAD = 0x541b, TIOCOUTQ = 0x5411, ADDRESS_LEAST = 12, FRAME_MAX = 65535 };
enum { MR_MULTICAST, MR_PROMISC, MR_ALLMULTI, MR_UNICAST };
enum { PACKET_COST = 512 };

/* struct packet_mreq */
struct membership_request {
    int32_t ifindex;
    uint16_t type, len;
    uint8_t address[8];
};
struct membership {
    struct list link;
    struct membership_request request;
    unsigned users;
};

struct packet_socket {
    struct socket socket; /* first */
    struct mutex lock;    /* what the program sets */
    struct spinlock queue_lock;
    struct packet_queue queue; /* scratch is struct queued; queue_lock, interrupts off */
    size_t charged;
    uint32_t packets, drops; /* since they were asked for last */
    atomic_uint dropped;     /* since ever, for SO_RXQ_OVFL */
    struct packet_ring *ring;
    struct waitqueue readers;
    struct netif_tap tap;
    bool tapped, auxdata, ignore_outgoing;
    uint16_t protocol;   /* host order; 0: nothing yet */
    struct netif *netif; /* bound to; NULL: all */
    unsigned version, reserve;
    struct list link, memberships;        /* in all_sockets; struct membership; memberships_lock */
    const struct thread *_Atomic sending; /* does not hear itself */
};

struct queued {
    uint32_t drops, original;
    uint8_t kind;
    bool link; /* data is at the link header */
};

static const struct socket_ops packet_ops;
static struct mutex memberships_lock;
static struct list all_sockets = LIST_INIT(all_sockets);

static struct packet_socket *packet_of(struct socket *socket)
{
    return container_of(socket, struct packet_socket, socket);
}

/* --- what passes
 * ------------------------------------------------------------------------------------------ */

static struct sockaddr_ll address_of(const struct packet *packet, unsigned kind)
{
    struct sockaddr_ll from = {
        .family = AF_PACKET,
        .protocol = __builtin_bswap16(packet->protocol),
        .ifindex = (int32_t)packet->netif->index,
        .hatype = (uint16_t)packet->netif->type,
        .kind = (uint8_t)kind,
        .halen = ETH_ALEN,
    };
    if (packet->link)
        memcpy(from.address, packet->link + ETH_ALEN, ETH_ALEN);
    return from;
}

/* A frame of lo never had a link header: it gets one of zeros, in a copy. */
static struct packet *with_link_header(const struct packet *packet)
{
    struct packet *copy = packet_copy(packet, ETH_HLEN);
    if (!copy)
        return NULL;
    uint8_t *header = packet_push(copy, ETH_HLEN);
    memset(header, 0, ETH_HLEN);
    put_be16(header + 2 * ETH_ALEN, copy->protocol);
    copy->link = header;
    return copy;
}

/* The part that the socket is shown, as a packet of its own. */
static struct packet *take_view(const struct packet_socket *p, const struct packet *packet)
{
    bool has_link = packet->netif->type == ARPHRD_ETHER;
    if (p->socket.type == SOCK_RAW)
        return has_link ? packet_clone(packet) : with_link_header(packet);
    struct packet *view = packet_clone(packet);
    if (view && has_link)
        packet_skip(view, MIN(view->total, (unsigned)ETH_HLEN));
    return view;
}

static bool wants(const struct packet_socket *p, const struct packet *packet, bool outgoing)
{
    if (outgoing)
        return p->protocol == ETH_P_ALL && !p->ignore_outgoing && p->sending != current;
    return p->protocol == ETH_P_ALL || p->protocol == packet->protocol;
}

static struct packet_note note_of(const struct packet *packet)
{
    struct packet_note note = {.status = 0, .len = packet->total};
    if (packet->checksum == CHECKSUM_PARTIAL)
        note.status |= PACKET_STATUS_CHECKSUM_NOT_READY;
    else if (packet->checksum == CHECKSUM_GOOD)
        note.status |= PACKET_STATUS_CHECKSUM_VALID;
    return note;
}

/* Into the queue: false: there is no room. queue_lock held. */
static bool enqueue(struct packet_socket *p, struct packet *view, unsigned kind, uint32_t original)
{
    struct queued *queued = (struct queued *)view->scratch;
    if (p->charged > p->socket.receive_buffer)
        return false;
    *queued = (struct queued){
        .drops = atomic_load_explicit(&p->dropped, memory_order_relaxed),
        .original = original,
        .kind = (uint8_t)kind,
        .link = p->socket.type == SOCK_RAW,
    };
    p->charged += view->total + PACKET_COST;
    packet_enqueue(&p->queue, view);
    return true;
}

/* Takes the view. */
static void deliver(struct packet_socket *p, struct packet *view, unsigned kind, uint32_t keep)
{
    struct packet_note note = note_of(view);
    uint32_t original = view->total;
    uint64_t flags = spin_lock_irq(&p->queue_lock);
    bool taken;
    if (p->ring) {
        struct sockaddr_ll from = address_of(view, kind);
        taken = packet_ring_fill(p->ring, view, p->socket.type == SOCK_RAW ? ETH_HLEN : 0, keep,
                                 &note, &from);
    } else {
        if (keep < view->total)
            packet_trim(view, keep);
        taken = enqueue(p, view, kind, original);
    }
    p->packets++;
    if (!taken) {
        p->drops++;
        atomic_fetch_add_explicit(&p->dropped, 1, memory_order_relaxed);
    }
    bool queued = taken && !p->ring;
    spin_unlock_irq(&p->queue_lock, flags);
    if (!queued)
        packet_free(view);
    if (taken)
        waitqueue_wake(&p->readers, 0, POLLIN | POLLRDNORM);
}

static void seen(struct netif_tap *tap, const struct packet *packet, bool outgoing)
{
    struct packet_socket *p = container_of(tap, struct packet_socket, tap);
    if (!wants(p, packet, outgoing))
        return;
    struct packet *view = take_view(p, packet);
    if (!view)
        return;
    uint32_t keep = socket_filter_run(&p->socket, view);
    if (!keep) {
        packet_free(view);
        return;
    }
    if (!view->stamp)
        view->stamp = clock_realtime();
    deliver(p, view, outgoing ? PACKET_OUTGOING : packet->kind, keep);
}

/* Begin or end to listen, by protocol and interface. Lock held. */
static void listen_anew(struct packet_socket *p)
{
    if (p->tapped)
        netif_tap_remove(&p->tap);
    p->tapped = p->protocol != 0;
    p->tap = (struct netif_tap){.netif = p->netif, .seen = seen};
    if (p->tapped)
        netif_tap_add(&p->tap);
}

/* --- names
 * ------------------------------------------------------------------------------------------------
 */

static int packet_bind(struct socket *socket, const struct socket_address *address)
{
    struct packet_socket *p = packet_of(socket);
    struct sockaddr_ll to = {};
    struct netif *netif = NULL;
    if (address->len < sizeof(to))
        return -EINVAL;
    memcpy(&to, address->bytes, sizeof(to));
    if (to.family != AF_PACKET)
        return -EINVAL;
    if (to.ifindex) {
        rcu_read_lock();
        netif = netif_by_index((unsigned)to.ifindex);
        rcu_read_unlock();
        if (!netif)
            return -ENODEV;
    }
    mutex_lock(&p->lock);
    p->netif = netif;
    if (to.protocol)
        p->protocol = __builtin_bswap16(to.protocol);
    listen_anew(p);
    mutex_unlock(&p->lock);
    if (netif && !(atomic_load(&netif->flags) & IFF_UP))
        atomic_store(&socket->error, ENETDOWN);
    return 0;
}

static int packet_connect(struct socket *socket, const struct socket_address *address,
                          bool nonblock)
{
    return -EOPNOTSUPP;
}

static int packet_name(struct socket *socket, bool peer, struct socket_address *address)
{
    struct packet_socket *p = packet_of(socket);
    const struct netif *netif = p->netif;
    if (peer)
        return -EOPNOTSUPP;
    struct sockaddr_ll own = {
        .family = AF_PACKET,
        .protocol = __builtin_bswap16(p->protocol),
        .ifindex = netif ? (int32_t)netif->index : 0,
        .hatype = netif ? (uint16_t)netif->type : 0,
        .halen = netif ? ETH_ALEN : 0,
    };
    if (netif)
        memcpy(own.address, netif->mac, ETH_ALEN);
    *address =
        (struct socket_address){.len = (unsigned)offsetof(struct sockaddr_ll, address) + own.halen};
    memcpy(address->bytes, &own, sizeof(own));
    return 0;
}

/* --- sending
 * ---------------------------------------------------------------------------------------------- */

static int find_target(const struct packet_socket *p, const struct message *message,
                       struct sockaddr_ll *to, struct netif **netif)
{
    *to = (struct sockaddr_ll){.protocol = __builtin_bswap16(p->protocol)};
    *netif = p->netif;
    if (message->address) {
        if (message->address->len < ADDRESS_LEAST ||
            (p->socket.type == SOCK_DGRAM && message->address->len < 18))
            return -EINVAL;
        memcpy(to, message->address->bytes, MIN((size_t)message->address->len, sizeof(*to)));
        if (to->family != AF_PACKET)
            return -EINVAL;
        rcu_read_lock();
        *netif = netif_by_index((unsigned)to->ifindex);
        rcu_read_unlock();
    } else if (p->socket.type == SOCK_DGRAM && p->netif) {
        memcpy(to->address, p->netif->broadcast, ETH_ALEN);
    }
    if (!*netif)
        return -ENXIO;
    return atomic_load(&(*netif)->flags) & IFF_UP ? 0 : -ENETDOWN;
}

static int make_frame(struct packet_socket *p, struct message *message, struct netif *netif,
                      const struct sockaddr_ll *to, struct packet **made)
{
    size_t n = message->io.left, header = p->socket.type == SOCK_RAW ? ETH_HLEN : 0;
    if (n > FRAME_MAX || n > netif->mtu + header + 4)
        return -EMSGSIZE;
    struct packet *packet = packet_alloc(PACKET_HEADROOM, MAX((unsigned)n, 64u));
    if (!packet)
        return -ENOBUFS;
    if (io_get(&message->io, packet_append(packet, (unsigned)n), n) != n) {
        packet_free(packet);
        return -EFAULT;
    }
    if (!header) {
        uint8_t *link = packet_push(packet, ETH_HLEN);
        memcpy(link, to->address, ETH_ALEN);
        memcpy(link + ETH_ALEN, netif->mac, ETH_ALEN);
        memcpy(link + 2 * ETH_ALEN, &to->protocol, sizeof(to->protocol));
    }
    *made = packet;
    return 0;
}

/* Headers known, and for lo the link header gone. */
static int prepare(struct packet *packet, struct netif *netif, const struct sockaddr_ll *to)
{
    if (packet->total < ETH_HLEN)
        return -EINVAL;
    packet->netif = netif;
    packet->link = packet->data;
    packet->protocol = get_be16(packet->data + 2 * ETH_ALEN);
    if (!packet->protocol)
        packet->protocol = __builtin_bswap16(to->protocol);
    packet->network = packet->data + ETH_HLEN;
    if (netif->type == ARPHRD_LOOPBACK) {
        packet_pull(packet, ETH_HLEN);
        packet->link = NULL;
    }
    return 0;
}

static ssize_t packet_send(struct socket *socket, struct message *message)
{
    struct packet_socket *p = packet_of(socket);
    ssize_t n = (ssize_t)message->io.left;
    struct sockaddr_ll to;
    struct netif *netif;
    struct packet *packet;
    int err = find_target(p, message, &to, &netif);
    if (!err)
        err = make_frame(p, message, netif, &to, &packet);
    if (err)
        return err;
    err = prepare(packet, netif, &to);
    if (err) {
        packet_free(packet);
        return err;
    }
    atomic_store(&p->sending, current);
    err = netif_transmit(netif, packet);
    atomic_store(&p->sending, NULL);
    return err ? err : n;
}

/* --- receiving
 * -------------------------------------------------------------------------------------------- */

static bool may_read(const struct packet_socket *p)
{
    return p->queue.first || atomic_load(&p->socket.error);
}

/* The next packet, which stays in the queue if it is only looked at (a clone then). */
static struct packet *take_next(struct packet_socket *p, bool peek)
{
    uint64_t flags = spin_lock_irq(&p->queue_lock);
    struct packet *packet = p->queue.first;
    if (packet && peek) {
        struct packet *clone = packet_clone(packet);
        if (clone)
            memcpy(clone->scratch, packet->scratch, sizeof(clone->scratch));
        packet = clone;
    } else if (packet) {
        packet_dequeue(&p->queue);
        p->charged -= packet->total + PACKET_COST;
    }
    spin_unlock_irq(&p->queue_lock, flags);
    return packet;
}

static int wait_for_packet(struct packet_socket *p, const struct message *message, nsec_t deadline)
{
    if (message->nonblock)
        return -EAGAIN;
    int err = WAIT_EVENT(&p->readers, may_read(p), WAIT_INTERRUPTIBLE, deadline);
    return err ? socket_wait_error(err, deadline) : 0;
}

static int put_auxdata(struct message *message, const struct packet *packet)
{
    const struct queued *queued = (const struct queued *)packet->scratch;
    struct packet_note note = note_of(packet);
    note.status |= PACKET_STATUS_USER;
    note.len = queued->original;
    note.snaplen = packet->total;
    note.net = packet->network && packet->network > packet->data
                   ? (uint16_t)(packet->network - packet->data)
               : queued->link ? ETH_HLEN
                              : 0;
    return message_put_control(message, SOL_PACKET, PACKET_AUXDATA, &note, sizeof(note));
}

static ssize_t hand_out(struct packet_socket *p, struct message *message,
                        const struct packet *packet)
{
    const struct queued *queued = (const struct queued *)packet->scratch;
    size_t n = MIN((size_t)packet->total, message->io.left);
    int err = datagram_copy(message, packet, 0, n);
    if (n < packet->total)
        message->result |= MSG_TRUNC;
    if (message->address) {
        struct sockaddr_ll from = address_of(packet, queued->kind);
        message->address->len = sizeof(from);
        memcpy(message->address->bytes, &from, sizeof(from));
    }
    if (!err)
        err = socket_put_control(&p->socket, message, packet->stamp, queued->drops);
    if (!err && p->auxdata)
        err = put_auxdata(message, packet);
    if (err)
        return err;
    return (ssize_t)(message->flags & MSG_TRUNC ? packet->total : n);
}

static ssize_t packet_receive(struct socket *socket, struct message *message)
{
    struct packet_socket *p = packet_of(socket);
    nsec_t deadline = socket_deadline(socket->receive_timeout);
    if (message->flags & MSG_ERRQUEUE)
        return -EAGAIN;
    for (;;) {
        int err = -atomic_exchange(&socket->error, 0);
        struct packet *packet = err ? NULL : take_next(p, message->flags & MSG_PEEK);
        if (packet) {
            ssize_t n = hand_out(p, message, packet);
            packet_free(packet);
            return n;
        }
        if (!err)
            err = wait_for_packet(p, message, deadline);
        if (err)
            return err;
    }
}

static unsigned packet_poll(struct socket *socket, struct poll_table *table)
{
    struct packet_socket *p = packet_of(socket);
    poll_wait(table, &p->readers);
    unsigned events = POLLOUT | POLLWRNORM | POLLWRBAND;
    uint64_t flags = spin_lock_irq(&p->queue_lock);
    if (p->ring ? packet_ring_has_any(p->ring) : p->queue.first != NULL)
        events |= POLLIN | POLLRDNORM;
    spin_unlock_irq(&p->queue_lock, flags);
    return events | (atomic_load(&socket->error) ? POLLERR : 0);
}

static int64_t packet_ioctl(struct socket *socket, unsigned cmd, uintptr_t arg)
{
    struct packet_socket *p = packet_of(socket);
    if (cmd == TIOCOUTQ)
        return user_put32(arg, 0);
    if (cmd != FIONREAD)
        return inet_op_ioctl(socket, cmd, arg);
    uint64_t flags = spin_lock_irq(&p->queue_lock);
    uint32_t n = p->queue.first ? p->queue.first->total : 0;
    spin_unlock_irq(&p->queue_lock, flags);
    return user_put32(arg, n);
}

/* --- memberships
 * ------------------------------------------------------------------------------------------ */

static unsigned flag_of(unsigned type)
{
    return type == MR_PROMISC || type == MR_UNICAST ? IFF_PROMISC : IFF_ALLMULTI;
}

static bool is_flag_held(const struct netif *netif, unsigned flag)
{
    list_for_each_entry (struct packet_socket, p, &all_sockets, link)
        list_for_each_entry (struct membership, m, &p->memberships, link)
            if (m->request.ifindex == (int)netif->index && flag_of(m->request.type) == flag)
                return true;
    return false;
}

static struct membership *find_membership(struct packet_socket *p,
                                          const struct membership_request *request)
{
    list_for_each_entry (struct membership, m, &p->memberships, link)
        if (m->request.ifindex == request->ifindex && m->request.type == request->type &&
            m->request.len == request->len &&
            !memcmp(m->request.address, request->address, sizeof(request->address)))
            return m;
    return NULL;
}

/* memberships_lock held. */
static int add_membership(struct packet_socket *p, const struct membership_request *request,
                          struct netif *netif)
{
    struct membership *m = find_membership(p, request);
    if (m) {
        m->users++;
        return 0;
    }
    m = kzalloc(sizeof(*m));
    if (!m)
        return -ENOMEM;
    m->request = *request;
    m->users = 1;
    list_add(&p->memberships, &m->link);
    return netif_set_flags(netif, flag_of(request->type), flag_of(request->type));
}

static void end_membership(struct membership *m)
{
    rcu_read_lock();
    struct netif *netif = netif_by_index((unsigned)m->request.ifindex);
    rcu_read_unlock();
    unsigned flag = flag_of(m->request.type);
    list_del(&m->link);
    kfree(m);
    if (netif && !is_flag_held(netif, flag))
        netif_set_flags(netif, 0, flag);
}

static int change_membership(struct packet_socket *p, const void *value, size_t len, bool add)
{
    struct membership_request request = {};
    if (len < sizeof(request))
        return -EINVAL;
    memcpy(&request, value, sizeof(request));
    if (request.type > MR_UNICAST || request.len > sizeof(request.address))
        return -EINVAL;
    rcu_read_lock();
    struct netif *netif = netif_by_index((unsigned)request.ifindex);
    rcu_read_unlock();
    if (!netif)
        return add ? -ENODEV : 0; /* as on Linux: what was not there is gone */
    int err = 0;
    mutex_lock(&memberships_lock);
    if (add) {
        err = add_membership(p, &request, netif);
    } else {
        struct membership *m = find_membership(p, &request);
        if (m && !--m->users)
            end_membership(m);
    }
    mutex_unlock(&memberships_lock);
    return err;
}

void packet_each(bool (*fn)(const struct packet_description *d, void *arg), void *arg)
{
    mutex_lock(&memberships_lock);
    list_for_each_entry (struct packet_socket, p, &all_sockets, link) {
        struct packet_description d = {
            .socket = &p->socket,
            .protocol = p->protocol,
            .ifindex = p->netif ? p->netif->index : 0,
            .running = p->tapped,
            .receive_queue = p->charged,
        };
        if (!fn(&d, arg))
            break;
    }
    mutex_unlock(&memberships_lock);
}

/* --- options
 * ---------------------------------------------------------------------------------------------- */

static int set_ring(struct packet_socket *p, const void *value, size_t len)
{
    struct packet_ring_request request;
    struct packet_ring *ring = NULL;
    if (len < sizeof(request))
        return -EINVAL;
    memcpy(&request, value, sizeof(request));
    if (p->version != TPACKET_V2)
        return -EINVAL;
    int err = 0;
    if (request.block_nr)
        err = p->ring ? -EBUSY : packet_ring_make(&request, p->reserve, &ring);
    else if (request.frame_nr)
        err = -EINVAL;
    if (err)
        return err;
    uint64_t flags = spin_lock_irq(&p->queue_lock);
    struct packet_ring *old = p->ring;
    p->ring = ring;
    spin_unlock_irq(&p->queue_lock, flags);
    packet_ring_put(old);
    return 0;
}

static int set_number(struct packet_socket *p, int name, int number)
{
    switch (name) {
    case PACKET_VERSION:
        if (p->ring)
            return -EBUSY;
        if (number != TPACKET_V1 && number != TPACKET_V2)
            return -EINVAL;
        p->version = (unsigned)number;
        return 0;
    case PACKET_RESERVE:
        if (p->ring)
            return -EBUSY;
        if (number < 0 || number > RESERVE_MAX)
            return -EINVAL;
        p->reserve = (unsigned)number;
        return 0;
    case PACKET_AUXDATA:
        p->auxdata = number != 0;
        return 0;
    case PACKET_IGNORE_OUTGOING:
        if (number < 0 || number > 1)
            return -EINVAL;
        p->ignore_outgoing = number;
        return 0;
    case PACKET_COPY_THRESH: /* packets beyond the frame are cut: there is no second way to them */
        return number ? -EINVAL : 0;
    case PACKET_TIMESTAMP:    /* software stamps, whatever is preferred: there are no others */
    case PACKET_ORIGDEV:      /* no interface lies upon another */
    case PACKET_QDISC_BYPASS: /* there are no queueing disciplines */
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int packet_set_option(struct socket *socket, int level, int name, const void *value,
                             size_t len)
{
    struct packet_socket *p = packet_of(socket);
    int number;
    if (level != SOL_PACKET)
        return -ENOPROTOOPT;
    if (name == PACKET_ADD_MEMBERSHIP || name == PACKET_DROP_MEMBERSHIP)
        return change_membership(p, value, len, name == PACKET_ADD_MEMBERSHIP);
    mutex_lock(&p->lock);
    int err = -EINVAL;
    if (name == PACKET_RX_RING) {
        err = set_ring(p, value, len);
    } else if (len >= sizeof(number)) {
        memcpy(&number, value, sizeof(number));
        err = set_number(p, name, number);
    }
    mutex_unlock(&p->lock);
    return err;
}

/* struct tpacket_stats: since they were asked for last. */
static int get_statistics(struct packet_socket *p, void *value, size_t len)
{
    uint64_t flags = spin_lock_irq(&p->queue_lock);
    uint32_t stats[2] = {p->packets, p->drops};
    p->packets = p->drops = 0;
    spin_unlock_irq(&p->queue_lock, flags);
    len = MIN(len, sizeof(stats));
    memcpy(value, stats, len);
    return (int)len;
}

static int get_number(const struct packet_socket *p, int name, const void *value, size_t len)
{
    int asked;
    switch (name) {
    case PACKET_VERSION:
        return (int)p->version;
    case PACKET_HDRLEN: /* of the version that is asked about */
        if (len < sizeof(asked))
            return -EINVAL;
        memcpy(&asked, value, sizeof(asked));
        return asked == TPACKET_V1 || asked == TPACKET_V2 ? TPACKET_V2_HDRLEN : -EINVAL;
    case PACKET_RESERVE:
        return (int)p->reserve;
    case PACKET_AUXDATA:
        return p->auxdata;
    case PACKET_IGNORE_OUTGOING:
        return p->ignore_outgoing;
    case PACKET_COPY_THRESH:
    case PACKET_TIMESTAMP:
    case PACKET_ORIGDEV:
    case PACKET_QDISC_BYPASS:
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int packet_get_option(struct socket *socket, int level, int name, void *value, size_t len)
{
    struct packet_socket *p = packet_of(socket);
    if (level != SOL_PACKET)
        return -ENOPROTOOPT;
    if (name == PACKET_STATISTICS)
        return get_statistics(p, value, len);
    int number = get_number(p, name, value, len);
    if (number < 0)
        return number;
    len = MIN(len, sizeof(number));
    memcpy(value, &number, len);
    return (int)len;
}

static int packet_shutdown(struct socket *socket, int how)
{
    return -EOPNOTSUPP;
}

static int packet_mmap(struct socket *socket, struct map_request *request)
{
    struct packet_socket *p = packet_of(socket);
    mutex_lock(&p->lock);
    int err = p->ring ? packet_ring_map(p->ring, request) : -EINVAL;
    mutex_unlock(&p->lock);
    return err;
}

/* --- life
 * -------------------------------------------------------------------------------------------------
 */

static void packet_release(struct socket *socket)
{
    struct packet_socket *p = packet_of(socket);
    p->protocol = 0;
    listen_anew(p);
    mutex_lock(&memberships_lock);
    while (!list_empty(&p->memberships))
        end_membership(list_first(&p->memberships, struct membership, link));
    list_del(&p->link);
    mutex_unlock(&memberships_lock);
    packet_queue_purge(&p->queue);
    packet_ring_put(p->ring);
    socket_filter_free(socket);
    kfree(p);
}

static const struct socket_ops packet_ops = {
    .bind = packet_bind,
    .listen = datagram_refuse_listen,
    .connect = packet_connect,
    .accept = datagram_refuse_accept,
    .name = packet_name,
    .send = packet_send,
    .receive = packet_receive,
    .shutdown = packet_shutdown,
    .poll = packet_poll,
    .ioctl = packet_ioctl,
    .set_option = packet_set_option,
    .get_option = packet_get_option,
    .mmap = packet_mmap,
    .release = packet_release,
    .control = true,
};

static int packet_create(int type, int protocol, struct socket **socket)
{
    if (!socket_capable(NET_CAP_RAW))
        return -EPERM;
    if (type != SOCK_RAW && type != SOCK_DGRAM)
        return -ESOCKTNOSUPPORT;
    struct packet_socket *p = kzalloc(sizeof(*p));
    if (!p)
        return -ENOMEM;
    socket_init(&p->socket, &packet_ops, AF_PACKET, type, protocol);
    waitqueue_init(&p->readers);
    list_init(&p->memberships);
    p->protocol = __builtin_bswap16((uint16_t)protocol);
    mutex_lock(&memberships_lock);
    list_add(&all_sockets, &p->link);
    mutex_unlock(&memberships_lock);
    listen_anew(p);
    *socket = &p->socket;
    return 0;
}

static int start(void)
{
    static const struct socket_family family = {AF_PACKET, packet_create};
    socket_family_register(&family);
    return 0;
}
BOOT_STEP(PHASE_BUS, "packet sockets", start);
