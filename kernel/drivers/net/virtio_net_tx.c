/* The virtio network driver: sending.
 *
 * A packet's pieces become the segments of a chain, without a copy. The ring is cleared of what the
 * device has sent whenever something is sent, and by a timer once nothing more is; interrupts are
 * on only while packets wait for room. */

#include "core/clock.h"
#include "drivers/net/virtio_net.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { SEGMENTS_MAX = 48 };
enum { RECLAIM_NS = 5000000 };

/* Free what has been sent. The lock is held. */
static void reap(struct net_pair *pair)
{
    struct packet *packet;
    while (pair->in_flight && (packet = virtqueue_get(pair->tx, NULL))) {
        pair->in_flight--;
        packet_free(packet);
    }
}

static uint8_t gso_type(const struct packet *packet)
{
    switch (packet->gso) {
    case GSO_TCP4:
        return HEADER_GSO_TCP4;
    case GSO_TCP6:
        return HEADER_GSO_TCP6;
    case GSO_UDP:
        return HEADER_GSO_UDP_L4;
    case GSO_UFO:
        return HEADER_GSO_UDP;
    default:
        return HEADER_GSO_NONE;
    }
}

static struct net_header describe(const struct packet *packet)
{
    struct net_header header = {};
    if (packet->checksum == CHECKSUM_PARTIAL) {
        header.flags = HEADER_NEEDS_CSUM;
        header.csum_start = packet->csum_start;
        header.csum_offset = packet->csum_offset;
    }
    if (packet->gso != GSO_NONE) {
        header.gso_type = gso_type(packet);
        header.gso_size = packet->gso_size;
        header.hdr_len = packet->header_len;
    }
    return header;
}

/* The header lies right before the frame if nobody else has these bytes, else in the packet's
 * notes, which are ours until it is sent. */
static unsigned fill_first(struct net_device *net, struct packet *packet,
                           struct virtio_buffer *segments)
{
    struct net_header header = describe(packet);
    unsigned len = net->header_len;
    _Static_assert(sizeof(header) <= sizeof(packet->scratch), "the header fits");
    if (net->any_layout && packet_headroom(packet) >= len &&
        (packet->front_own ||
         atomic_load_explicit(&packet->buffer->refs, memory_order_acquire) == 1)) {
        memcpy(packet->data - len, &header, len);
        segments[0] = (struct virtio_buffer){packet->data - len, packet->len + len};
        return 1;
    }
    memcpy(packet->scratch, &header, len);
    segments[0] = (struct virtio_buffer){packet->scratch, len};
    segments[1] = (struct virtio_buffer){packet->data, packet->len};
    return 2;
}

/* 0; -ENOSPC: the ring is full; -EMSGSIZE: more pieces than that. The lock is held. */
static int offer(struct net_pair *pair, struct packet *packet)
{
    struct virtio_buffer segments[SEGMENTS_MAX];
    unsigned n = fill_first(pair->net, packet, segments);
    for (struct packet *piece = packet->more; piece; piece = piece->more) {
        if (!piece->len)
            continue;
        if (n == SEGMENTS_MAX)
            return -EMSGSIZE;
        segments[n++] = (struct virtio_buffer){piece->data, piece->len};
    }
    int r = virtqueue_add(pair->tx, segments, n, 0, packet);
    if (r == 0) {
        struct netif_stats *stats = net_stats(pair->net);
        stats->tx_packets++;
        stats->tx_bytes += packet->total;
        pair->in_flight++;
    }
    return r;
}

/* Into the ring; a packet of too many pieces in one. -ENOSPC keeps the packet, every other error
 * has freed it. */
static int send_one(struct net_pair *pair, struct packet *packet)
{
    int r = offer(pair, packet);
    if (r == -EMSGSIZE || (r == -ENOSPC && packet->more && pair->in_flight == 0)) {
        struct packet *copy = packet_copy(packet, NET_HEADER);
        r = copy ? offer(pair, copy) : -ENOBUFS;
        if (r < 0)
            packet_free(copy);
        if (r != -ENOSPC)
            packet_free(packet);
    } else if (r < 0 && r != -ENOSPC) {
        packet_free(packet);
    }
    if (r < 0 && r != -ENOSPC)
        net_stats(pair->net)->tx_errors++;
    return r;
}

/* Send what waits, as far as there is room; interrupts stay on until nothing waits. The lock is
 * held. */
static void send_backlog(struct net_pair *pair)
{
    for (;;) {
        reap(pair);
        while (pair->backlog.first) {
            struct packet *packet = pair->backlog.first, *next = packet->next;
            unsigned total = packet->total;
            if (send_one(pair, packet) == -ENOSPC)
                break;
            pair->backlog.first = next;
            pair->backlog.n--;
            pair->backlog.bytes -= total;
        }
        virtqueue_kick(pair->tx);
        if (!pair->backlog.first) {
            virtqueue_interrupts_off(pair->tx);
            return;
        }
        if (!virtqueue_interrupts_on(pair->tx))
            return;
    }
}

static void start_reclaim(struct net_pair *pair)
{
    if (pair->in_flight && !timer_armed(&pair->reclaim))
        timer_start(&pair->reclaim, clock_monotonic() + RECLAIM_NS);
}

static void reclaim_due(struct timer *timer)
{
    struct net_pair *pair = container_of(timer, struct net_pair, reclaim);
    uint64_t flags = spin_lock_irq(&pair->tx_lock);
    if (pair->backlog.first) /* the interrupt would find nothing more, and not call us */
        send_backlog(pair);
    else
        reap(pair);
    start_reclaim(pair);
    spin_unlock_irq(&pair->tx_lock, flags);
}

static void tx_used(struct virtqueue *queue)
{
    struct net_pair *pair = virtqueue_owner(queue);
    uint64_t flags = spin_lock_irq(&pair->tx_lock);
    send_backlog(pair);
    spin_unlock_irq(&pair->tx_lock, flags);
}

/* The ring is full, or others wait already. */
static int enqueue(struct net_pair *pair, struct packet *packet)
{
    if (pair->net->device->broken || pair->backlog.n >= pair->net->netif.tx_queue_len) {
        net_stats(pair->net)->tx_dropped++;
        packet_free(packet);
        return -ENOBUFS;
    }
    packet_enqueue(&pair->backlog, packet);
    send_backlog(pair);
    return 0;
}

/* What the device cannot do the stack has done already. */
static bool acceptable(const struct netif *netif, const struct packet *packet)
{
    static const unsigned gso_feature[] = {[GSO_NONE] = 0,
                                           [GSO_TCP4] = NETIF_TSO4,
                                           [GSO_TCP6] = NETIF_TSO6,
                                           [GSO_UDP] = NETIF_USO,
                                           [GSO_UFO] = NETIF_UFO};
    unsigned needed = packet->checksum == CHECKSUM_PARTIAL ? NETIF_CHECKSUM : 0;
    if (packet->gso >= ARRAY_SIZE(gso_feature) || packet->total < ETH_HLEN)
        return false;
    needed |= gso_feature[packet->gso];
    return (needed & ~netif->features) == 0;
}

static int refuse(struct net_device *net, struct packet *packet, int error)
{
    uint64_t flags = irq_save();
    net_stats(net)->tx_dropped++;
    irq_restore(flags);
    packet_free(packet);
    return error;
}

int net_transmit(struct netif *netif, struct packet *packet)
{
    struct net_device *net = netif->data;
    if (unlikely(!net->up || net->device->broken))
        return refuse(net, packet, -ENETDOWN);
    if (unlikely(!acceptable(netif, packet)))
        return refuse(net, packet, -ENOBUFS);
    unsigned nactive = atomic_load_explicit(&net->nactive, memory_order_acquire);
    uint64_t flags = irq_save();
    unsigned cpu = this_cpu()->id;
    struct net_pair *pair = &net->pairs[cpu < nactive ? cpu : cpu % nactive];
    spin_lock(&pair->tx_lock);
    reap(pair);
    int r = unlikely(pair->backlog.first) ? -ENOSPC : send_one(pair, packet);
    if (unlikely(r == -ENOSPC))
        r = enqueue(pair, packet);
    else
        virtqueue_kick(pair->tx);
    start_reclaim(pair);
    spin_unlock(&pair->tx_lock);
    irq_restore(flags);
    return r;
}

int net_tx_create(struct net_pair *pair)
{
    struct virtio_device *device = pair->net->device;
    timer_init(&pair->reclaim, reclaim_due);
    pair->tx = virtqueue_create(device, 2 * pair->index + 1, NET_QUEUE_SIZE, tx_used, pair);
    if (!pair->tx)
        return -ENOMEM;
    virtqueue_interrupts_off(pair->tx);
    return 0;
}
