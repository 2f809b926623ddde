#include "net/packet_socket.h"

#include "core/boot.h"
#include "core/clock.h"
#include "core/thread.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/uaccess.h"
#include "net/datagram.h"
#include "net/filter.h"

enum { FIONREAD = 0x541b, TIOCOUTQ = 0x5411 };
enum {
    PACKET_AUXDATA = 8,
    TAG_ID = 0xfff,
    RECEIVE_FLAGS = MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC | MSG_ERRQUEUE,
};

/* SOCK_PACKET's, in 16 and 18 bytes */
struct sockaddr_pkt {
    uint16_t family;
    char device[14];
    uint16_t protocol;
};
enum { SOCKADDR = 16 };

_Static_assert(sizeof(struct packet_queued) <= sizeof(((struct packet *)0)->scratch),
               "it must fit");

struct mutex packet_sockets_lock;
struct list packet_sockets = LIST_INIT(packet_sockets);

static struct packet_socket *packet_of(struct socket *socket)
{
    return container_of(socket, struct packet_socket, socket);
}

static struct packet_queued *queued_of(const struct packet *packet)
{
    return (struct packet_queued *)packet->scratch;
}

/* --- what passes
 * ------------------------------------------------------------------------------------------ */

static bool is_tag(unsigned protocol)
{
    return protocol == ETH_P_8021Q || protocol == ETH_P_8021AD;
}

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

/* Most frames of lo never had a link header: those get one of zeros, in a copy. */
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

static bool is_at_link(const struct packet *packet)
{
    return packet->netif->type == ARPHRD_ETHER || packet->link == packet->data;
}

struct packet *packet_raw_view(const struct packet *packet)
{
    bool ether = packet->netif->type == ARPHRD_ETHER;
    bool kept = !ether && packet->link && packet->link + ETH_HLEN == packet->data;
    struct packet *view =
        is_at_link(packet) || kept ? packet_clone(packet) : with_link_header(packet);
    if (view && kept)
        packet_push(view, ETH_HLEN);
    if (view && !ether) { /* they counted from the network header */
        view->csum_start += ETH_HLEN;
        view->header_len += ETH_HLEN;
    }
    return view;
}

/* What arrives with a tag is shown without; the tag is told of. The first piece keeps a byte behind
 * the link header, so that this is still there when packet_skip() has passed it. */
static bool take_tag(struct packet *view)
{
    unsigned header = ETH_HLEN + FRAME_TAG;
    if (view->total < header || !packet_own(view, MIN(view->total, header + 1)))
        return false;
    uint16_t tag = get_be16(view->data + ETH_HLEN), outer = view->protocol;
    memmove(view->data + FRAME_TAG, view->data, 2 * ETH_ALEN);
    packet_pull(view, FRAME_TAG);
    view->link = view->data;
    view->network = view->data + ETH_HLEN;
    view->protocol = get_be16(view->data + 2 * ETH_ALEN);
    view->csum_start -= FRAME_TAG;
    view->vlan = outer;
    queued_of(view)->tci = tag;
    return true;
}

/* The part that the socket is shown, as a packet of its own. */
static struct packet *take_view(const struct packet_socket *p, const struct packet *packet,
                                bool outgoing)
{
    bool tagged = !outgoing && is_tag(packet->protocol), bare = p->socket.type == SOCK_DGRAM;
    if (bare && !tagged && !is_at_link(packet))
        return packet_clone(packet);
    struct packet *view = packet_raw_view(packet);
    if (view && tagged && !take_tag(view)) {
        packet_free(view);
        return NULL;
    }
    if (view && bare)
        packet_skip(view, MIN(view->total, (unsigned)ETH_HLEN));
    return view;
}

bool packet_wants(unsigned protocol, const struct packet *packet, bool outgoing)
{
    if (outgoing || protocol == ETH_P_ALL || protocol == packet->protocol)
        return protocol == ETH_P_ALL || !outgoing;
    /* One that has a tag is of the protocol behind it. */
    uint8_t inner[2];
    unsigned at = (is_at_link(packet) ? ETH_HLEN : 0) + 2;
    return is_tag(packet->protocol) && packet_read(packet, at, inner, sizeof(inner)) &&
           get_be16(inner) == protocol;
}

static struct packet_note note_of(const struct packet *packet, unsigned kind)
{
    struct packet_note note = {.len = packet->total};
    if (packet->checksum == CHECKSUM_PARTIAL)
        note.status |= PACKET_STATUS_CHECKSUM_NOT_READY;
    else if (packet->checksum == CHECKSUM_GOOD && kind != PACKET_OUTGOING)
        note.status |= PACKET_STATUS_CHECKSUM_VALID;
    if (packet->gso == GSO_TCP4 || packet->gso == GSO_TCP6)
        note.status |= PACKET_STATUS_GSO_TCP;
    if (packet->vlan) {
        note.status |= PACKET_STATUS_VLAN;
        note.vlan_tci = queued_of(packet)->tci;
        note.vlan_tpid = packet->vlan;
    }
    return note;
}

/* Into the queue: false: there is no room. queue_lock held. */
static bool enqueue(struct packet_socket *p, struct packet *view, unsigned kind, uint32_t original)
{
    struct packet_queued *queued = queued_of(view);
    if (p->charged >= p->socket.receive_buffer)
        return false;
    queued->drops = atomic_load_explicit(&p->dropped, memory_order_relaxed);
    queued->original = original;
    queued->kind = (uint8_t)kind;
    p->charged += view->total + PACKET_COST;
    packet_enqueue(&p->queue, view);
    return true;
}

/* Takes the view. */
static void deliver(struct packet_socket *p, struct packet *view, unsigned kind, uint32_t keep)
{
    struct packet_note note = note_of(view, kind);
    struct sockaddr_ll from = address_of(view, kind);
    uint64_t flags = spin_lock_irq(&p->queue_lock);
    int taken = 2;
    if (p->rings[RING_RECEIVE])
        taken = packet_ring_fill(p, view, keep, &note, &from);
    else
        packet_trim(view, keep);
    bool queued = taken == 2 && enqueue(p, view, kind, note.len);
    bool dropped = !taken || (!queued && !p->rings[RING_RECEIVE]);
    p->packets++;
    if (dropped) {
        p->drops++;
        atomic_fetch_add_explicit(&p->dropped, 1, memory_order_relaxed);
    }
    spin_unlock_irq(&p->queue_lock, flags);
    if (!queued)
        packet_free(view);
    if (!dropped)
        waitqueue_wake(&p->readers, 0, POLLIN | POLLRDNORM);
}

void packet_take(struct packet_socket *p, const struct packet *packet, bool outgoing)
{
    struct packet *view = take_view(p, packet, outgoing);
    if (!view)
        return;
    uint32_t keep = socket_filter_run(&p->socket, view);
    if (!keep) {
        packet_free(view);
        return;
    }
    if (!view->stamp)
        view->stamp = clock_realtime();
    unsigned kind = outgoing ? PACKET_OUTGOING : packet->kind;
    if (view->vlan && p->protocol != ETH_P_ALL) { /* such sockets come behind those for all tags */
        if (queued_of(view)->tci & TAG_ID)
            kind = PACKET_OTHERHOST;
        view->vlan = 0;
    }
    deliver(p, view, kind, keep);
}

static void seen(struct netif_tap *tap, const struct packet *packet, bool outgoing)
{
    struct packet_socket *p = container_of(tap, struct packet_socket, tap);
    bool refused = outgoing && (p->ignore_outgoing || packet_is_own(p, packet));
    if (!refused && packet_wants(p->protocol, packet, outgoing))
        packet_take(p, packet, outgoing);
}

static void netif_went_down(struct netif_tap *tap)
{
    struct packet_socket *p = container_of(tap, struct packet_socket, tap);
    atomic_store(&p->socket.error, ENETDOWN);
    waitqueue_wake(&p->readers, 0, POLLERR);
}

void packet_listen(struct packet_socket *p)
{
    if (p->tapped)
        netif_tap_remove(&p->tap);
    p->tapped = p->protocol != 0;
    p->tap = (struct netif_tap){.netif = p->netif, .seen = seen, .down = netif_went_down};
    if (p->tapped)
        netif_tap_add(&p->tap);
}

/* --- names
 * ------------------------------------------------------------------------------------------------
 */

/* protocol 0: as before. */
static int bind_to(struct packet_socket *p, struct netif *netif, unsigned protocol)
{
    mutex_lock(&p->lock);
    int err = p->group ? -EINVAL : 0;
    if (!err) {
        p->netif = netif;
        if (protocol)
            p->protocol = (uint16_t)protocol;
        packet_listen(p);
    }
    mutex_unlock(&p->lock);
    if (!err && p->protocol && netif && !(atomic_load(&netif->flags) & IFF_UP))
        atomic_store(&p->socket.error, ENETDOWN);
    return err;
}

static int packet_bind(struct socket *socket, const struct socket_address *address)
{
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
    return bind_to(packet_of(socket), netif, __builtin_bswap16(to.protocol));
}

static int packet_bind_old(struct socket *socket, const struct socket_address *address)
{
    char name[SOCKADDR - 2 + 1] = "";
    if (address->len != SOCKADDR)
        return -EINVAL;
    memcpy(name, address->bytes + 2, SOCKADDR - 2);
    rcu_read_lock();
    struct netif *netif = netif_find(name);
    rcu_read_unlock();
    return netif ? bind_to(packet_of(socket), netif, 0) : -ENODEV;
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
    *address = (struct socket_address){.len = ADDRESS_AT + own.halen};
    memcpy(address->bytes, &own, sizeof(own));
    return 0;
}

static int packet_name_old(struct socket *socket, bool peer, struct socket_address *address)
{
    const struct netif *netif = packet_of(socket)->netif;
    if (peer)
        return -EOPNOTSUPP;
    *address = (struct socket_address){.len = SOCKADDR, .family = AF_PACKET};
    if (netif)
        strlcpy(address->bytes + 2, netif->name, SOCKADDR - 2);
    return 0;
}

/* --- receiving
 * -------------------------------------------------------------------------------------------- */

static bool may_read(const struct packet_socket *p)
{
    return p->queue.first || atomic_load(&p->socket.error);
}

/* The next packet, which stays in the queue if it is only looked at (a clone then). NULL: none;
 * with *err set: no memory. */
static struct packet *take_next(struct packet_socket *p, bool peek, int *err)
{
    uint64_t flags = spin_lock_irq(&p->queue_lock);
    struct packet *packet = p->queue.first;
    if (packet && peek) {
        struct packet *clone = packet_clone(packet);
        if (clone)
            memcpy(clone->scratch, packet->scratch, sizeof(clone->scratch));
        else
            *err = -ENOBUFS;
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
    const struct packet_queued *queued = queued_of(packet);
    struct packet_note note = note_of(packet, queued->kind);
    note.status |= PACKET_STATUS_USER;
    note.len = queued->original;
    note.snaplen = packet->total;
    note.net = packet->link == packet->data ? ETH_HLEN : 0;
    return message_put_control(message, SOL_PACKET, PACKET_AUXDATA, &note, sizeof(note));
}

static void put_address(struct packet_socket *p, struct socket_address *address,
                        const struct packet *packet)
{
    struct sockaddr_ll from = address_of(packet, queued_of(packet)->kind);
    struct sockaddr_pkt old = {from.hatype, "", from.protocol};
    bool is_old = p->socket.type == SOCK_PACKET;
    strlcpy(old.device, packet->netif->name, sizeof(old.device));
    address->len = is_old ? sizeof(old) : sizeof(from);
    memcpy(address->bytes, is_old ? (void *)&old : &from, address->len);
}

static int put_vnet(struct packet_socket *p, struct message *message, const struct packet *packet)
{
    uint8_t header[sizeof(struct packet_vnet) + 2] = {};
    if (message->io.left < p->vnet)
        return -EINVAL;
    packet_vnet_tell(packet, (struct packet_vnet *)header);
    return io_put(&message->io, header, p->vnet) == p->vnet ? 0 : -EFAULT;
}

static ssize_t hand_out(struct packet_socket *p, struct message *message,
                        const struct packet *packet)
{
    unsigned vnet = p->vnet;
    int err = vnet ? put_vnet(p, message, packet) : 0;
    size_t n = MIN((size_t)packet->total, message->io.left);
    if (!err)
        err = datagram_copy(message, packet, 0, n);
    if (n < packet->total)
        message->result |= MSG_TRUNC;
    if (message->address)
        put_address(p, message->address, packet);
    if (!err)
        err = socket_put_control(&p->socket, message, packet->stamp, queued_of(packet)->drops);
    if (!err && socket_flag(&p->socket, SO_MARK))
        err =
            message_put_control(message, SOL_SOCKET, SO_MARK, &packet->mark, sizeof(packet->mark));
    if (!err && p->auxdata)
        err = put_auxdata(message, packet);
    if (err)
        return err;
    return (ssize_t)(vnet + (message->flags & MSG_TRUNC ? packet->total : n));
}

static ssize_t packet_receive(struct socket *socket, struct message *message)
{
    struct packet_socket *p = packet_of(socket);
    nsec_t deadline = socket_deadline(socket->receive_timeout);
    if (message->flags & ~RECEIVE_FLAGS)
        return -EINVAL;
    if (message->flags & MSG_ERRQUEUE)
        return packet_receive_notice(p, message);
    for (;;) {
        int err = -atomic_exchange(&socket->error, 0);
        struct packet *packet = err ? NULL : take_next(p, message->flags & MSG_PEEK, &err);
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
    if (p->queue.first || (p->rings[RING_RECEIVE] && packet_ring_has_any(p)))
        events |= POLLIN | POLLRDNORM;
    if (p->errors.first)
        events |= POLLERR | (socket_flag(socket, SO_SELECT_ERR_QUEUE) ? POLLPRI : 0);
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

void packet_each(bool (*fn)(struct packet_socket *p, void *arg), void *arg)
{
    mutex_lock(&packet_sockets_lock);
    list_for_each_entry (struct packet_socket, p, &packet_sockets, link)
        if (!fn(p, arg))
            break;
    mutex_unlock(&packet_sockets_lock);
}

static int packet_shutdown(struct socket *socket, int how)
{
    return -EOPNOTSUPP;
}

/* --- life
 * -------------------------------------------------------------------------------------------------
 */

void packet_drop_reference(struct packet_socket *p)
{
    if (atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) == 1)
        kfree(p);
}

static void packet_release(struct socket *socket)
{
    struct packet_socket *p = packet_of(socket);
    if (p->group)
        packet_fanout_leave(p);
    p->protocol = 0;
    packet_listen(p);
    mutex_lock(&packet_sockets_lock);
    packet_end_memberships(p);
    list_del(&p->link);
    mutex_unlock(&packet_sockets_lock);
    packet_ring_end(p);
    packet_queue_purge(&p->queue);
    packet_queue_purge(&p->errors);
    socket_filter_free(socket);
    packet_drop_reference(p);
}

static int refuse_option(struct socket *socket, int level, int name, const void *value, size_t len)
{
    return level == SOL_SOCKET ? -ENOPROTOOPT : -EOPNOTSUPP;
}

static int refuse_to_tell(struct socket *socket, int level, int name, void *value, size_t len)
{
    return refuse_option(socket, level, name, value, len);
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
    .mmap = packet_ring_map,
    .release = packet_release,
    .control = true,
};

/* SOCK_PACKET: obsolete since 1999, and still there. */
static const struct socket_ops old_ops = {
    .bind = packet_bind_old,
    .listen = datagram_refuse_listen,
    .connect = packet_connect,
    .accept = datagram_refuse_accept,
    .name = packet_name_old,
    .send = packet_send_old,
    .receive = packet_receive,
    .shutdown = packet_shutdown,
    .poll = packet_poll,
    .ioctl = packet_ioctl,
    .set_option = refuse_option,
    .get_option = refuse_to_tell,
    .release = packet_release,
    .control = true,
};

static int packet_create(int type, int protocol, struct socket **socket)
{
    if (!socket_capable(NET_CAP_RAW))
        return -EPERM;
    if (type != SOCK_RAW && type != SOCK_DGRAM && type != SOCK_PACKET)
        return -ESOCKTNOSUPPORT;
    struct packet_socket *p = kzalloc(sizeof(*p));
    if (!p)
        return -ENOMEM;
    socket_init(&p->socket, type == SOCK_PACKET ? &old_ops : &packet_ops, AF_PACKET, type,
                protocol);
    atomic_init(&p->refs, 1);
    packet_ring_init(p);
    waitqueue_init(&p->readers);
    list_init(&p->memberships);
    p->protocol = __builtin_bswap16((uint16_t)protocol);
    mutex_lock(&packet_sockets_lock);
    list_add_tail(&packet_sockets, &p->link);
    mutex_unlock(&packet_sockets_lock);
    packet_listen(p);
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
