/* Rings of advanced descriptors (7.1.6, 7.2.3). */
#include "arch/x86_64/memory_map.h"
#include "drivers/net/ixgbe.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/ip.h"

#define RX_DD      (1ull << 0)
#define RX_EOP     (1ull << 1)
#define RX_SUMMED  (1ull << 5) /* the transport's checksum was looked at, */
#define RX_RXE     (1ull << 29)
#define RX_SUM_BAD (1ull << 30) /* and was wrong */
#define RX_IP_BAD  (1ull << 31)
#define TX_CONTEXT (2u << 20)
#define TX_DATA    (3u << 20)
#define TX_EOP     (1u << 24)
#define TX_IFCS    (1u << 25)
#define TX_RS      (1u << 27)
#define TX_DEXT    (1u << 29)
#define TX_TSE     (1u << 31)
#define TX_IPV4    (1u << 10) /* in contexts */
#define TX_TCP     (1u << 11)
#define TX_SUM_IP  (1u << 8) /* POPTS */
#define TX_SUM     (1u << 9)
#define TX_PAYLEN  14
enum { BUDGET = 128, CLEAN = IX_RING / 4, TCP_SUM = 16, UDP_SUM = 6 };

int ix_rings_make(struct ixgbe *card)
{
    for (unsigned i = 0; i < card->nqueues; i++) {
        struct ix_queue *q = &card->queues[i];
        q->card = card;
        q->index = i;
        q->rx = kzalloc(IX_RING * sizeof(*q->rx));
        q->tx = kzalloc(IX_RING * sizeof(*q->tx));
        q->head = kzalloc(64); /* a line of its own */
        if (!q->rx || !q->tx || !q->head)
            return -ENOMEM;
    }
    return 0;
}

static void offer(struct ix_queue *q, unsigned i)
{
    q->rx[i].high = 0;
    q->rx[i].low = virt_to_phys(q->buffers[i]->data);
}

int ix_rings_fill(struct ixgbe *card)
{
    for (unsigned n = 0; n < card->nqueues; n++) {
        struct ix_queue *q = &card->queues[n];
        for (unsigned i = 0; i < IX_RING; i++) {
            q->buffers[i] = q->buffers[i] ?: nic_buffer_get(&q->pool);
            if (!q->buffers[i])
                return -ENOMEM;
            offer(q, i);
        }
        memset((void *)q->tx, 0, IX_RING * sizeof(*q->tx));
        *q->head = 0;
        q->rx_next = q->tx_next = q->tx_clean = 0;
    }
    return 0;
}

void ix_rings_drop(struct ixgbe *card)
{
    for (unsigned n = 0; n < card->nqueues; n++) {
        struct ix_queue *q = &card->queues[n];
        uint64_t flags = spin_lock_irq(&q->tx_lock);
        for (unsigned i = 0; i < IX_RING; i++) {
            packet_free(q->packets[i]);
            q->packets[i] = NULL;
        }
        spin_lock(&q->rx_lock);
        packet_free(q->frame.first);
        q->frame = (struct nic_frame){};
        spin_unlock(&q->rx_lock);
        spin_unlock_irq(&q->tx_lock, flags);
    }
}

/* --- receiving ---------------------------------------------------------------------------- */

static bool receive(struct ix_queue *q)
{
    struct ixgbe *card = q->card;
    unsigned n = 0;

    spin_lock(&q->rx_lock);
    for (; n < BUDGET && card->up; n++) {
        unsigned i = q->rx_next;
        uint64_t done = q->rx[i].high;
        if (!(done & RX_DD))
            break;
        atomic_thread_fence(memory_order_acquire);
        nic_frame_add(&q->frame, &q->pool, &q->buffers[i], done >> 32 & 0xffff);
        offer(q, i);
        q->rx_next = (i + 1) % IX_RING;
        if (done & RX_EOP)
            nic_frame_end(&q->frame, &card->netif, done & RX_RXE,
                          done & RX_SUMMED && !(done & (RX_SUM_BAD | RX_IP_BAD)));
    }
    if (n) {
        atomic_thread_fence(memory_order_release);
        ix_set(card, IX_RDT + q->index * IX_QUEUE, (q->rx_next + IX_RING - 1) % IX_RING);
    }
    spin_unlock(&q->rx_lock);
    return n == BUDGET;
}

/* --- sending ------------------------------------------------------------------------------ */

static unsigned tx_free(const struct ix_queue *q)
{
    return (q->tx_clean + IX_RING - q->tx_next - 1) % IX_RING;
}

/* Let go of what was sent. A head that was never given is no head. The lock is held. */
static void clean(struct ix_queue *q)
{
    unsigned head = *q->head, i = q->tx_clean;

    if (head >= IX_RING || (head - i) % IX_RING > (q->tx_next - i) % IX_RING)
        return;
    atomic_thread_fence(memory_order_acquire);
    for (; i != head; i = (i + 1) % IX_RING) {
        packet_free(q->packets[i]);
        q->packets[i] = NULL;
    }
    q->tx_clean = i;
}

bool ix_serve(struct ix_queue *q)
{
    spin_lock(&q->tx_lock);
    if (q->card->up)
        clean(q);
    spin_unlock(&q->tx_lock);
    return receive(q);
}

static unsigned put(struct ix_queue *q, uint64_t low, uint32_t command, uint32_t options)
{
    unsigned i = q->tx_next;

    q->tx[i].low = low;
    q->tx[i].high = command | (uint64_t)options << 32;
    q->tx_next = (i + 1) % IX_RING;
    return i;
}

/* 7.2.3.2.3: which headers there are, and how to cut. */
static void put_context(struct ix_queue *q, const struct packet *packet, unsigned network)
{
    bool tcp = packet->csum_offset == TCP_SUM, v4 = packet->data[network] >> 4 == 4;
    uint32_t lengths = (packet->csum_start - network) | network << 9, cut = 0;

    if (packet->gso)
        cut = (uint32_t)(packet->header_len - packet->csum_start) << 8 | (uint32_t)packet->gso_size
                                                                             << 16;
    put(q, lengths, TX_CONTEXT | TX_DEXT | (v4 ? TX_IPV4 : 0) | (tcp ? TX_TCP : 0), cut);
}

static void put_packet(struct ix_queue *q, struct packet *packet, bool sum)
{
    uint32_t command = TX_DATA | TX_DEXT | TX_IFCS | (packet->gso ? TX_TSE : 0);
    uint32_t len = packet->total - (packet->gso ? packet->header_len : 0);
    uint32_t options = len << TX_PAYLEN | (sum ? TX_SUM : 0);
    unsigned last = 0;

    if (packet->gso == GSO_TCP4)
        options |= TX_SUM_IP;
    if (sum)
        put_context(q, packet, nic_network(packet));
    for (struct packet *piece = packet; piece; piece = piece->more)
        for (unsigned at = 0; at < piece->len; at += IX_PIECE) {
            uint32_t part = MIN(piece->len - at, IX_PIECE + 0u);
            last = put(q, virt_to_phys(piece->data) + at, command | part, options);
        }
    q->tx[last].high |= TX_EOP | TX_RS;
    q->packets[last] = packet;
    atomic_thread_fence(memory_order_release);
    ix_set(q->card, IX_TDT + q->index * IX_QUEUE, q->tx_next);
}

static unsigned count_descriptors(const struct packet *packet)
{
    unsigned n = 0;

    for (; packet; packet = packet->more)
        n += (packet->len + IX_PIECE - 1) / IX_PIECE;
    return n;
}

/* Ready for the card: *sum: it fills in the checksum. NULL: it cannot go out, and is gone. */
static struct packet *prepare(struct packet *packet, bool *sum)
{
    bool known = packet->csum_offset == TCP_SUM || packet->csum_offset == UDP_SUM;
    unsigned network = nic_network(packet);

    *sum = packet->checksum == CHECKSUM_PARTIAL;
    if (*sum && !packet->gso &&
        (!known || network > 127 || packet->csum_start - network > 511 || packet->len <= network)) {
        if (!packet_checksum_finish(packet))
            goto refused;
        *sum = false;
    }
    if (packet->gso && (!*sum || !nic_prepare_cut(packet, true)))
        goto refused;
    if (count_descriptors(packet) <= IX_PIECES)
        return packet;
    struct packet *copy = packet_copy(packet, 0);
    packet_free(packet);
    return copy;
refused:
    packet_free(packet);
    return NULL;
}

int ix_transmit(struct netif *netif, struct packet *packet)
{
    struct ixgbe *card = netif->data;
    bool sum;

    if (!card->up) {
        packet_free(packet);
        return -ENETDOWN;
    }
    packet = prepare(packet, &sum);
    if (!packet)
        return nic_refuse(netif, NULL);
    unsigned needed = count_descriptors(packet) + 1;
    uint64_t flags = irq_save();
    struct ix_queue *q = &card->queues[this_cpu()->id % card->nqueues];
    spin_lock(&q->tx_lock);
    if (tx_free(q) < MAX(needed, (unsigned)CLEAN))
        clean(q);
    bool room = card->up && tx_free(q) >= needed;
    if (room) {
        nic_count_sent(netif, packet);
        put_packet(q, packet, sum);
    }
    spin_unlock(&q->tx_lock);
    irq_restore(flags);
    return room ? 0 : nic_refuse(netif, packet);
}
