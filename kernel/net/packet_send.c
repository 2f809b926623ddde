/* net/packet_send.c: frames that a program makes itself: one by one, and out of a ring. */
#include "core/clock.h"
#include "core/thread.h"
#include "lib/string.h"
#include "mm/uaccess.h"
#include "net/datagram.h"
#include "net/packet_socket.h"

enum { FRAME_MAX = 65536 + ETH_HLEN + FRAME_TAG, FRAME_LEAST = 64, OLD_ADDRESS = 18 };
enum { PACKET_TX_TIMESTAMP = 16 };

/* Where to, and as what. */
struct target {
    struct netif *netif;
    uint32_t mark;
    uint16_t stamps;   /* STAMP_* that the message asks for; 0 */
    uint16_t protocol; /* network order */
    bool addressed;
    uint8_t address[8];
};

static struct packet_socket *packet_of(struct socket *socket)
{
    return container_of(socket, struct packet_socket, socket);
}

static int get_control(struct packet_socket *p, const struct message *message, struct target *t)
{
    struct control_message control;
    size_t at = 0;
    int err;
    while ((err = message_next_control(message, &at, &control)) > 0) {
        if (control.level == SOL_SOCKET)
            err = socket_get_control(&p->socket, &t->mark, &t->stamps, &control);
        if (err < 0)
            return err;
    }
    return err;
}

static int check_netif(const struct netif *netif, int none)
{
    if (!netif)
        return none;
    return atomic_load(&netif->flags) & IFF_UP ? 0 : -ENETDOWN;
}

static int find_target(struct packet_socket *p, const struct message *message, struct target *t)
{
    struct sockaddr_ll to;
    *t = (struct target){.netif = p->netif,
                         .mark = (uint32_t)p->socket.mark,
                         .protocol = __builtin_bswap16(p->protocol)};
    if (message->address) {
        if (message->address->len < sizeof(to))
            return -EINVAL;
        memcpy(&to, message->address->bytes, sizeof(to));
        if (message->address->len < (unsigned)ADDRESS_AT + to.halen)
            return -EINVAL;
        t->protocol = to.protocol;
        t->addressed = true;
        memcpy(t->address, to.address, sizeof(t->address));
        rcu_read_lock();
        t->netif = netif_by_index((unsigned)to.ifindex);
        rcu_read_unlock();
    }
    int err = check_netif(t->netif, -ENXIO);
    return err ?: get_control(p, message, t);
}

/* Room for n bytes behind a link header that is to come. */
static struct packet *new_frame(size_t n)
{
    return packet_alloc(PACKET_HEADROOM - ETH_HLEN, MAX((unsigned)n, (unsigned)FRAME_LEAST));
}

/* Then it may be longer. */
static bool is_tagged(const struct packet *packet, const struct netif *netif)
{
    return netif->type == ARPHRD_ETHER && get_be16(packet->data + 2 * ETH_ALEN) == ETH_P_8021Q;
}

/* The link header of SOCK_DGRAM. Where nobody is named, only lo knows what to do. */
static int put_link_header(struct packet *packet, const struct target *t)
{
    static const uint8_t nobody[ETH_ALEN];
    if (!t->addressed && t->netif->type == ARPHRD_ETHER)
        return -EINVAL;
    uint8_t *link = packet_push(packet, ETH_HLEN);
    memcpy(link, t->addressed ? t->address : nobody, ETH_ALEN);
    memcpy(link + ETH_ALEN, t->netif->mac, ETH_ALEN);
    memcpy(link + 2 * ETH_ALEN, &t->protocol, sizeof(t->protocol));
    return 0;
}

/* Headers are known, what the sender asks for is noted; for lo data is behind the link header. */
static int prepare(struct packet_socket *p, struct packet *packet, const struct target *t,
                   const struct packet_vnet *vnet)
{
    int err = p->socket.type == SOCK_DGRAM ? put_link_header(packet, t) : 0;
    unsigned most = t->netif->mtu + ETH_HLEN;
    if (err)
        return err;
    if (packet->total < ETH_HLEN)
        return -EINVAL;
    if (packet->total > most && !(vnet && vnet->gso) && !is_tagged(packet, t->netif))
        return -EMSGSIZE;
    packet->netif = t->netif;
    packet->mark = t->mark;
    packet->link = packet->data;
    packet->network = packet->data + ETH_HLEN;
    packet->protocol = get_be16(packet->data + 2 * ETH_ALEN);
    if (!packet->protocol)
        packet->protocol = __builtin_bswap16(t->protocol);
    err = vnet ? packet_vnet_apply(packet, vnet) : 0;
    if (!err && t->netif->type == ARPHRD_LOOPBACK) {
        packet_pull(packet, ETH_HLEN);
        packet->csum_start -= ETH_HLEN;
        if (packet->gso)
            packet->header_len -= ETH_HLEN;
    }
    return err;
}

/* --- when frames left (SO_TIMESTAMPING)
 * --------------------------------------------------------------------------------------------- */

/* Takes the packet. What nobody reads is bounded by the receive buffer. */
static void queue_notice(struct packet_socket *p, struct packet *note, unsigned info, uint32_t key)
{
    struct extended_error error = {ENOMSG, ORIGIN_TIMESTAMPING, 0, 0, 0, info, key};
    memcpy(note->scratch, &error, sizeof(error));
    note->stamp = clock_realtime();
    uint64_t flags = spin_lock_irq(&p->queue_lock);
    bool room = p->errors.bytes + p->errors.n * sizeof(*note) < p->socket.receive_buffer;
    if (room)
        packet_enqueue(&p->errors, note);
    spin_unlock_irq(&p->queue_lock, flags);
    if (!room)
        packet_free(note);
    else
        waitqueue_wake(&p->readers, 0, POLLERR | POLLPRI);
}

/* Takes `sent`, which has the bytes of a frame that has left. */
static void tell_sent(struct packet_socket *p, struct packet *sent, unsigned stamps)
{
    uint32_t key = socket_stamp_key(&p->socket);
    bool only = p->socket.timestamping & STAMP_OPT_TSONLY;
    for (unsigned info = STAMP_INFO_SCHED + 1; info--;) {
        if (!(stamps & (info == STAMP_INFO_SCHED ? STAMP_TX_SCHED : STAMP_TX_SOFTWARE)))
            continue;
        struct packet *note = only ? packet_alloc(0, 1) : packet_clone(sent);
        if (note)
            queue_notice(p, note, info, key);
    }
    packet_free(sent);
}

ssize_t packet_receive_notice(struct packet_socket *p, struct message *message)
{
    uint64_t flags = spin_lock_irq(&p->queue_lock);
    struct packet *note = packet_dequeue(&p->errors);
    spin_unlock_irq(&p->queue_lock, flags);
    if (!note)
        return -EAGAIN;
    size_t n = MIN((size_t)note->total, message->io.left);
    message->result |= MSG_ERRQUEUE | (n < note->total ? MSG_TRUNC : 0);
    int err = datagram_copy(message, note, 0, n)
                  ?: socket_put_departure(&p->socket, message, note->stamp)
                  ?: message_put_control(message, SOL_PACKET, PACKET_TX_TIMESTAMP, note->scratch,
                                         sizeof(struct extended_error));
    packet_free(note);
    return err ?: (ssize_t)n;
}

/* Takes the packet. send_lock held. */
static int transmit(struct packet_socket *p, struct packet *packet, const struct target *t,
                    const struct packet_vnet *vnet)
{
    int err = prepare(p, packet, t, vnet);
    if (err) {
        packet_free(packet);
        return err;
    }
    unsigned stamps = socket_stamps(&p->socket, t->stamps);
    struct packet *sent = unlikely(stamps) ? packet_clone(packet) : NULL;
    if (sent && t->netif->type == ARPHRD_LOOPBACK)
        packet_push(sent, ETH_HLEN);
    atomic_store(&p->sending, packet);
    err = netif_transmit(t->netif, packet);
    atomic_store(&p->sending, NULL);
    if (sent && err)
        packet_free(sent);
    else if (sent)
        tell_sent(p, sent, stamps);
    return err;
}

/* How long the payload may be; vnet: its sender may ask for it to be cut. */
static size_t longest(const struct packet_socket *p, const struct netif *netif,
                      const struct packet_vnet *vnet)
{
    unsigned link = p->socket.type == SOCK_DGRAM ? 0 : ETH_HLEN;
    return vnet && vnet->gso ? FRAME_MAX
                             : MIN((size_t)netif->mtu + link + FRAME_TAG, (size_t)FRAME_MAX);
}

/* The header before the packet (p->vnet bytes). */
static int get_vnet(struct packet_socket *p, struct message *message, struct packet_vnet *vnet)
{
    uint8_t header[sizeof(*vnet) + 2] = {};
    if (message->io.left < p->vnet)
        return -EINVAL;
    if (io_get(&message->io, header, p->vnet) != p->vnet)
        return -EFAULT;
    memcpy(vnet, header, sizeof(*vnet));
    return packet_vnet_check(vnet, (unsigned)MIN(message->io.left, (size_t)INT32_MAX));
}

static ssize_t send_message(struct packet_socket *p, struct message *message,
                            const struct target *t, const struct packet_vnet *vnet)
{
    size_t n = message->io.left;
    if (socket_flag(&p->socket, SO_NOFCS))
        return -EPROTONOSUPPORT;
    if (n > longest(p, t->netif, vnet))
        return -EMSGSIZE;
    struct packet *packet = new_frame(n);
    if (!packet)
        return -ENOBUFS;
    if (io_get(&message->io, packet_append(packet, (unsigned)n), n) != n) {
        packet_free(packet);
        return -EFAULT;
    }
    mutex_lock(&p->send_lock);
    int err = transmit(p, packet, t, vnet);
    mutex_unlock(&p->send_lock);
    return err ? err : (ssize_t)n;
}

/* --- out of a ring
 * --------------------------------------------------------------------------------------------- */

/* What the program has written before the frame at `at`, read once: the bytes' number; *data: where
 * they are. */
static ssize_t read_header(const struct packet_socket *p, size_t at, size_t most, size_t *data)
{
    const struct packet_ring *ring = p->rings[RING_SEND];
    bool v3 = p->version == TPACKET_V3, v1 = p->version == TPACKET_V1;
    uint32_t words[12];
    packet_ring_read(ring, at, words, packet_ring_header(p->version));
    if (v3 && words[0]) /* frames of other lengths */
        return -EINVAL;
    uint32_t len = words[v3 ? 4 : v1 ? 2 : 1], offsets = words[v3 ? 6 : v1 ? 4 : 3];
    unsigned header = packet_ring_header(p->version), offset = header;
    if (len > most)
        return -EMSGSIZE;
    if (p->has_offset) {
        offset = p->socket.type == SOCK_DGRAM ? offsets >> 16 : offsets & 0xffff;
        if (offset < header || offset > ring->request.frame_size - len)
            return -EINVAL;
    }
    *data = at + offset;
    return (ssize_t)len;
}

/* Send the frame at `at`: how many bytes went, or why not. */
static ssize_t send_frame(struct packet_socket *p, size_t at, const struct target *t, bool *sent)
{
    const struct packet_ring *ring = p->rings[RING_SEND];
    size_t data, most = ring->request.frame_size - packet_ring_header(p->version);
    struct packet_vnet vnet = {};
    if (!p->vnet)
        most = MIN(most, longest(p, t->netif, NULL));
    ssize_t n = read_header(p, at, most, &data);
    if (n < 0)
        return n;
    if (p->vnet) {
        if (n < p->vnet)
            return -EINVAL;
        packet_ring_read(ring, data, &vnet, sizeof(vnet));
        n -= p->vnet;
        data += p->vnet;
        if (packet_vnet_check(&vnet, (unsigned)n))
            return -EINVAL;
        if ((size_t)n > longest(p, t->netif, &vnet))
            return -EMSGSIZE;
    }
    struct packet *packet = new_frame((size_t)n);
    if (!packet)
        return -ENOBUFS;
    packet_ring_read(ring, data, packet_append(packet, (unsigned)n), (size_t)n);
    int err = transmit(p, packet, t, p->vnet ? &vnet : NULL);
    /* What the interface did with it is as on Linux no matter of the frame's. */
    *sent = err != -EINVAL && err != -EMSGSIZE;
    return *sent ? n : err;
}

/* The frames that wait, in turn: the bytes sent, or what the first one that cannot be met. They are
 * copied: a frame is the program's again at once, so there is nothing to wait for. One who fills as
 * fast as this sends has to call again. */
static ssize_t send_frames(struct packet_socket *p, const struct target *t)
{
    struct packet_ring *ring = p->rings[RING_SEND];
    ssize_t total = 0;
    for (unsigned i = 0; ring && i < ring->request.frame_nr; i++) {
        uint32_t status;
        bool sent = false;
        size_t at = packet_ring_frame(ring, &status);
        if (status != PACKET_STATUS_SEND)
            return total;
        packet_ring_set_status(ring, at, PACKET_STATUS_SENDING);
        ssize_t n = send_frame(p, at, t, &sent);
        if (!sent && (n == -ENOBUFS || !p->loss)) {
            packet_ring_set_status(ring, at,
                                   n == -ENOBUFS ? PACKET_STATUS_SEND : PACKET_STATUS_WRONG);
            return n == -ENOBUFS && total ? total : n;
        }
        packet_ring_set_status(ring, at, PACKET_STATUS_KERNEL);
        packet_ring_advance(ring);
        total += sent ? n : 0;
        thread_resched_point(); /* there may be millions of them */
    }
    return ring ? total : -EBUSY;
}

ssize_t packet_send(struct socket *socket, struct message *message)
{
    struct packet_socket *p = packet_of(socket);
    struct packet_vnet vnet;
    struct target t;
    bool has_vnet = p->vnet;
    int err = find_target(p, message, &t);
    if (err)
        return err;
    if (p->rings[RING_SEND]) {
        mutex_lock(&p->send_lock);
        ssize_t n = send_frames(p, &t);
        mutex_unlock(&p->send_lock);
        return n;
    }
    size_t before = message->io.left;
    err = has_vnet ? get_vnet(p, message, &vnet) : 0;
    if (err)
        return err;
    ssize_t n = send_message(p, message, &t, has_vnet ? &vnet : NULL);
    return n < 0 ? n : (ssize_t)before;
}

/* struct sockaddr_pkt names the interface. */
ssize_t packet_send_old(struct socket *socket, struct message *message)
{
    struct packet_socket *p = packet_of(socket);
    const struct socket_address *to = message->address;
    struct target t = {.mark = (uint32_t)socket->mark};
    char name[14] = "";
    if (!to)
        return -ENOTCONN;
    if (to->len < 16)
        return -EINVAL;
    memcpy(name, to->bytes + 2, sizeof(name) - 1);
    if (to->len == OLD_ADDRESS)
        memcpy(&t.protocol, to->bytes + 16, sizeof(t.protocol));
    rcu_read_lock();
    t.netif = netif_find(name);
    rcu_read_unlock();
    int err = check_netif(t.netif, -ENODEV) ?: get_control(p, message, &t);
    return err ? err : send_message(p, message, &t, NULL);
}
