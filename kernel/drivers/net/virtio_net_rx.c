/* The virtio network driver: receiving.
 *
 * A buffer is one block of memory: what describes it, the packet that will be in it, and the bytes.
 * It goes up the stack without a copy and comes back to the queue that it belongs to when the last
 * of those who share the bytes has let go. A queue begins with few buffers and gets more when the
 * device has used up most of them in one go. Where programs do not read what they get, buffers run
 * short: then frames go up as copies of their own size, or are dropped, and the device has the
 * buffers back at once, so that whoever reads still gets something.
 *
 * The interrupt's handler takes frames up to a budget; if there are more, interrupts stay off and a
 * thread goes on, between the turns of other threads, until the queue is quiet. */

#include "drivers/net/virtio_net.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"

enum {
    BLOCK = 1984, /* two in a page: the few that stay after many keep few pages */
    FIRST_BUFFERS = 32,
    BUDGET = 64,
    KEPT = 4,             /* chains that never go up, so that the device does not run dry */
    QUIET_TURNS = 2,      /* empty looks in a row after which interrupts are on again */
    GSO_FRAME_MAX = 65550 /* 5.1.6.3.1 */
};

struct rx_buffer {
    struct packet_buffer base; /* first */
    struct net_pair *pair;
    struct rx_buffer *next; /* spare ones; those of a chain */
    struct packet packet;
    uint8_t data[];
};
enum { ROOM = BLOCK - sizeof(struct rx_buffer) };
static struct kcache blocks = {.name = "virtio_net_rx", .size = BLOCK};

static struct rx_buffer *rx_buffer(struct packet_buffer *base)
{
    return container_of(base, struct rx_buffer, base);
}

/* --- buffers ------------------------------------------------------------------------------ */

/* The packet's last holder has let go. Any context, any CPU. */
static void come_back(struct packet_buffer *base)
{
    struct rx_buffer *buffer = rx_buffer(base);
    struct net_pair *pair = buffer->pair;
    unsigned most = MAX(pair->target, 2u * FIRST_BUFFERS) * pair->net->rx_chain;
    if (atomic_load_explicit(&pair->nreturned, memory_order_relaxed) >= most) {
        atomic_fetch_sub_explicit(&pair->nallocated, 1, memory_order_relaxed);
        kcache_free(&blocks, buffer);
        return;
    }
    atomic_fetch_add_explicit(&pair->nreturned, 1, memory_order_relaxed);
    struct rx_buffer *head = atomic_load_explicit(&pair->returned, memory_order_relaxed);
    do /* release: whoever takes it sees that we are through with it */
        buffer->next = head;
    while (!atomic_compare_exchange_weak_explicit(&pair->returned, &head, buffer,
                                                  memory_order_release, memory_order_relaxed));
}

/* Straight back, by whoever holds the lock. */
static void put_spare(struct net_pair *pair, struct rx_buffer *buffer)
{
    buffer->next = pair->spare;
    pair->spare = buffer;
    atomic_fetch_add_explicit(&pair->nreturned, 1, memory_order_relaxed);
}

static void put_spare_chain(struct net_pair *pair, struct rx_buffer *chain)
{
    while (chain) {
        struct rx_buffer *next = chain->next;
        put_spare(pair, chain);
        chain = next;
    }
}

/* All that there may be, in sockets' queues and with the device. */
static __cold unsigned allocation_limit(void)
{
    struct frame_stats stats;
    frame_get_stats(&stats);
    return MAX(stats.total * (PAGE_SIZE / BLOCK) / 8, (unsigned long)NET_QUEUE_SIZE);
}

static struct rx_buffer *get_buffer(struct net_pair *pair)
{
    if (!pair->spare)
        pair->spare = atomic_exchange_explicit(&pair->returned, NULL, memory_order_acquire);
    struct rx_buffer *buffer = pair->spare;
    if (buffer) {
        pair->spare = buffer->next;
        atomic_fetch_sub_explicit(&pair->nreturned, 1, memory_order_relaxed);
        return buffer;
    }
    if (atomic_load_explicit(&pair->nallocated, memory_order_relaxed) >= pair->limit)
        return NULL;
    buffer = kcache_alloc(&blocks);
    if (!buffer)
        return NULL;
    buffer->pair = pair;
    atomic_fetch_add_explicit(&pair->nallocated, 1, memory_order_relaxed);
    return buffer;
}

/* --- offering ----------------------------------------------------------------------------- */

enum { SEGMENTS_MAX = (GSO_FRAME_MAX + NET_HEADER + ROOM - 1) / ROOM + 1 };

static int offer(struct net_pair *pair, struct rx_buffer *chain)
{
    struct virtio_buffer segments[SEGMENTS_MAX];
    unsigned n = 0, header = 0;
    if (!pair->net->any_layout) { /* the header in a segment of its own */
        header = pair->net->header_len;
        segments[n++] = (struct virtio_buffer){chain->data, header};
    }
    for (struct rx_buffer *b = chain; b; b = b->next, header = 0)
        segments[n++] = (struct virtio_buffer){b->data + header, ROOM - header};
    return virtqueue_add(pair->rx, segments, 0, n, chain);
}

static struct rx_buffer *get_chain(struct net_pair *pair)
{
    struct rx_buffer *chain = NULL;
    for (unsigned i = 0; i < pair->net->rx_chain; i++) {
        struct rx_buffer *buffer = get_buffer(pair);
        if (!buffer) {
            put_spare_chain(pair, chain);
            return NULL;
        }
        buffer->next = chain;
        chain = buffer;
    }
    return chain;
}

/* Whether what the device has now may not be had a second time. */
static bool scarce(struct net_pair *pair)
{
    unsigned n = atomic_load_explicit(&pair->nallocated, memory_order_relaxed);
    return pair->posted < pair->target || n + pair->target * pair->net->rx_chain > pair->limit;
}

/* Offer buffers until there are as many as there should be. The lock is held. */
static void refill(struct net_pair *pair)
{
    while (pair->posted < pair->target) {
        struct rx_buffer *chain = get_chain(pair);
        if (!chain)
            break;
        if (offer(pair, chain) < 0) { /* the ring is full, sooner than expected, or broken */
            put_spare_chain(pair, chain);
            if (pair->posted)
                pair->target = pair->posted;
            break;
        }
        pair->posted++;
    }
    pair->scarce = scarce(pair);
    virtqueue_kick(pair->rx);
}

/* The device has used up most of what it had. */
static void grow(struct net_pair *pair, unsigned taken)
{
    if (taken * 2 > pair->target)
        pair->target = MIN(pair->target * 2, virtqueue_size(pair->rx));
}

/* --- taking ------------------------------------------------------------------------------- */

static struct packet *take_piece(struct rx_buffer *buffer, unsigned offset, unsigned len)
{
    buffer->base.size = ROOM;
    buffer->base.start = buffer->data;
    buffer->base.free = come_back;
    atomic_store_explicit(&buffer->base.refs, 1, memory_order_relaxed);
    packet_init(&buffer->packet, &buffer->base, buffer->data + offset, len);
    return &buffer->packet;
}

/* The first len bytes that the device has written into a chain, behind the header; buffers that it
 * has not used are spare again. */
static struct packet *take_chain(struct net_pair *pair, struct rx_buffer *chain, unsigned len)
{
    unsigned header = pair->net->header_len;
    struct rx_buffer *rest = chain->next;
    unsigned part = MIN(len, (unsigned)ROOM - header);
    struct packet *packet = take_piece(chain, header, part), **link = &packet->more;
    packet->total = len;
    len -= part;
    while (rest && len) {
        struct rx_buffer *next = rest->next;
        part = MIN(len, (unsigned)ROOM);
        struct packet *piece = take_piece(rest, 0, part);
        *link = piece;
        link = &piece->more;
        len -= part;
        rest = next;
    }
    put_spare_chain(pair, rest);
    return packet;
}

/* The other buffers of a frame that spans several (5.1.6.4): false if they are not there, and then
 * the device is broken. */
static bool take_merged(struct net_pair *pair, struct packet *packet, unsigned n)
{
    struct packet **link = &packet->more;
    while (n--) {
        uint32_t len;
        struct rx_buffer *buffer = virtqueue_get(pair->rx, &len);
        if (!buffer) {
            virtio_device_broken(pair->net->device, "has left out buffers of a frame");
            return false;
        }
        pair->posted--;
        struct packet *piece = take_piece(buffer, 0, len);
        *link = piece;
        link = &piece->more;
        packet->total += len;
    }
    return true;
}

/* What the header says of the frame, as far as it can be true: 0, or -EINVAL. */
static int understand(struct net_device *net, const struct net_header *header,
                      struct packet *packet)
{
    packet->checksum = CHECKSUM_NONE;
    if (header->flags & HEADER_NEEDS_CSUM) {
        if (!net_has(net, F_GUEST_CSUM) ||
            (unsigned)header->csum_start + header->csum_offset + 2 > packet->total)
            return -EINVAL;
        packet->checksum = CHECKSUM_PARTIAL;
        packet->csum_start = header->csum_start;
        packet->csum_offset = header->csum_offset;
    } else if (header->flags & HEADER_DATA_VALID && net_has(net, F_GUEST_CSUM)) {
        packet->checksum = CHECKSUM_GOOD;
    }
    uint8_t type = header->gso_type & ~HEADER_GSO_ECN;
    if (type == HEADER_GSO_NONE)
        return 0;
    unsigned feature = type == HEADER_GSO_TCP4   ? F_GUEST_TSO4
                       : type == HEADER_GSO_TCP6 ? F_GUEST_TSO6
                       : type == HEADER_GSO_UDP  ? F_GUEST_UFO
                                                 : F_ANY_LAYOUT;
    if (feature == F_ANY_LAYOUT || !net_has(net, feature) || header->gso_size == 0)
        return -EINVAL;
    if (type == HEADER_GSO_UDP) /* one datagram, only larger than the link */
        return 0;
    packet->gso = type == HEADER_GSO_TCP4 ? GSO_TCP4 : GSO_TCP6;
    packet->gso_size = header->gso_size;
    packet->header_len = header->hdr_len;
    return 0;
}

/* One frame from a chain that the device has used, or NULL: it is worth nothing. */
static struct packet *take_frame(struct net_pair *pair, struct rx_buffer *chain, unsigned len)
{
    struct net_device *net = pair->net;
    struct net_header header = {};
    if (len < net->header_len) {
        put_spare_chain(pair, chain);
        return NULL;
    }
    memcpy(&header, chain->data, net->header_len); /* once: the device might change it */
    struct packet *packet = take_chain(pair, chain, len - net->header_len);
    bool whole = !net->mergeable ||
                 (header.num_buffers && take_merged(pair, packet, header.num_buffers - 1u));
    if (!whole || packet->total < ETH_HLEN || packet->len < ETH_HLEN ||
        understand(net, &header, packet) < 0) {
        packet_free(packet);
        return NULL;
    }
    return packet;
}

/* The frame in memory of its own size; NULL: there is none. Its buffers are spare again. */
static __cold struct packet *take_copy(struct packet *frame)
{
    struct packet *copy = packet_copy(frame, 0);
    packet_free(frame);
    return copy;
}

static void hand_on(struct net_pair *pair, struct packet *packet)
{
    struct net_device *net = pair->net;
    if (unlikely(pair->scarce || pair->posted < KEPT)) {
        packet = take_copy(packet);
        if (!packet) {
            net_stats(net)->rx_dropped++;
            return;
        }
    }
    netif_receive(&net->netif, packet);
}

/* Take up to `most` frames and hand them on; their number. Interrupts are off, the lock is held. */
static unsigned take_frames(struct net_pair *pair, unsigned most)
{
    struct net_device *net = pair->net;
    unsigned n = 0, posted = pair->posted;
    struct rx_buffer *chain;
    uint32_t len;
    for (; n < most && (chain = virtqueue_get(pair->rx, &len)); n++) {
        pair->posted--;
        struct packet *packet = take_frame(pair, chain, len);
        if (unlikely(!packet))
            net_stats(net)->rx_errors++;
        else if (unlikely(!net->up))
            packet_free(packet);
        else
            hand_on(pair, packet);
    }
    if (n) {
        grow(pair, posted - pair->posted);
        refill(pair);
    }
    return n;
}

static void wake_poller(struct net_pair *pair)
{
    waitqueue_wake(&pair->wait, 0, 0);
}

static void rx_used(struct virtqueue *queue)
{
    struct net_pair *pair = virtqueue_owner(queue);
    uint64_t flags = spin_lock_irq(&pair->rx_lock);
    bool more = !pair->polling && take_frames(pair, BUDGET) == BUDGET;
    if (more) {
        pair->polling = true;
        virtqueue_interrupts_off(queue);
    }
    spin_unlock_irq(&pair->rx_lock, flags);
    if (more)
        wake_poller(pair);
}

/* One turn of the thread: false if the queue was quiet. */
static bool poll(struct net_pair *pair, bool finish)
{
    uint64_t flags = spin_lock_irq(&pair->rx_lock);
    bool busy = take_frames(pair, BUDGET) > 0;
    if (!busy && finish) {
        pair->polling = false;
        busy = virtqueue_interrupts_on(pair->rx);
        if (busy) {
            pair->polling = true;
            virtqueue_interrupts_off(pair->rx);
        }
    }
    spin_unlock_irq(&pair->rx_lock, flags);
    return busy;
}

static void poller(void *arg)
{
    struct net_pair *pair = arg;
    for (;;) {
        WAIT_EVENT(&pair->wait, __atomic_load_n(&pair->polling, __ATOMIC_RELAXED), 0, NSEC_FOREVER);
        for (unsigned quiet = 0; quiet <= QUIET_TURNS;) {
            quiet = poll(pair, quiet == QUIET_TURNS) ? 0 : quiet + 1;
            thread_yield();
        }
    }
}

/* --- set-up ------------------------------------------------------------------------------- */

__cold int net_rx_create(struct net_pair *pair)
{
    struct virtio_device *device = pair->net->device;
    waitqueue_init(&pair->wait);
    pair->limit = allocation_limit();
    pair->rx = virtqueue_create(device, 2 * pair->index, NET_QUEUE_SIZE, rx_used, pair);
    if (!pair->rx)
        return -ENOMEM;
    unsigned largest = ETH_HLEN + 4 + pair->net->netif.mtu_max;
    if (net_has(pair->net, F_GUEST_TSO4) || net_has(pair->net, F_GUEST_TSO6) ||
        net_has(pair->net, F_GUEST_UFO))
        largest = GSO_FRAME_MAX;
    largest = MIN(largest, (unsigned)GSO_FRAME_MAX) + pair->net->header_len;
    pair->net->rx_chain = pair->net->mergeable ? 1 : (largest + ROOM - 1) / ROOM;
    return 0;
}

int net_rx_start(struct net_pair *pair)
{
    if (!kthread_start("virtio-net", poller, pair))
        return -ENOMEM;
    uint64_t flags = spin_lock_irq(&pair->rx_lock);
    pair->target = MIN((unsigned)FIRST_BUFFERS, virtqueue_size(pair->rx));
    refill(pair);
    bool any = pair->posted > 0;
    spin_unlock_irq(&pair->rx_lock, flags);
    return any ? 0 : -ENOMEM;
}
