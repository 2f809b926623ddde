#include "drivers/net/nic.h"

#include "core/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

/* The packet's last holder has let go. Any context, any CPU. */
static void come_back(struct packet_buffer *base)
{
    struct nic_buffer *buffer = container_of(base, struct nic_buffer, base);
    struct nic_pool *pool = buffer->pool;
    struct nic_buffer *head = atomic_load_explicit(&pool->returned, memory_order_relaxed);

    do
        buffer->next = head;
    while (!atomic_compare_exchange_weak_explicit(&pool->returned, &head, buffer,
                                                  memory_order_release, memory_order_relaxed));
}

struct nic_buffer *nic_buffer_get(struct nic_pool *pool)
{
    if (!pool->spare)
        pool->spare = atomic_exchange_explicit(&pool->returned, NULL, memory_order_acquire);
    struct nic_buffer *buffer = pool->spare;
    if (buffer) {
        pool->spare = buffer->next;
        return buffer;
    }
    buffer = kmalloc(sizeof(*buffer));
    if (buffer)
        buffer->pool = pool;
    return buffer;
}

enum { PIECES_MAX = 64 }; /* 128 KiB: no frame is longer */

void nic_frame_add(struct nic_frame *frame, struct nic_pool *pool, struct nic_buffer **slot,
                   unsigned len)
{
    struct nic_buffer *buffer = *slot;
    struct nic_buffer *fresh = frame->pieces++ < PIECES_MAX ? nic_buffer_get(pool) : NULL;
    struct packet *piece = &buffer->packet;

    if (!fresh) {
        frame->bad = true;
        return;
    }
    *slot = fresh;
    len = MIN(len, (unsigned)NIC_ROOM);
    buffer->base.size = NIC_ROOM;
    buffer->base.start = buffer->data;
    buffer->base.free = come_back;
    atomic_store_explicit(&buffer->base.refs, 1, memory_order_relaxed);
    packet_init(piece, &buffer->base, buffer->data, len);
    if (frame->first) {
        frame->first->total += len;
        *frame->end = piece;
    } else {
        frame->first = piece;
    }
    frame->end = &piece->more;
}

void nic_frame_end(struct nic_frame *frame, struct netif *netif, bool bad, bool checked)
{
    struct packet *packet = frame->first;

    bad |= frame->bad || !packet || packet->total < ETH_HLEN;
    *frame = (struct nic_frame){};
    if (bad) {
        netif_count_drop(netif, true);
        packet_free(packet);
        return;
    }
    if (checked)
        packet->checksum = CHECKSUM_GOOD;
    netif_receive(netif, packet);
}

/* RFC 1112, 6.4; RFC 2464, 7. */
unsigned nic_groups(struct netif *netif, uint8_t (*macs)[ETH_ALEN], unsigned n)
{
    unsigned i = 0;

    list_for_each_entry (struct netif_group, g, &netif->groups, link) {
        const uint8_t *b = g->group.bytes + 12;
        if (i < n && inet_is_v4(&g->group))
            memcpy(macs[i], (const uint8_t[]){1, 0, 0x5e, b[1] & 0x7f, b[2], b[3]}, ETH_ALEN);
        else if (i < n)
            memcpy(macs[i], (const uint8_t[]){0x33, 0x33, b[0], b[1], b[2], b[3]}, ETH_ALEN);
        i++;
    }
    return i;
}

bool nic_prepare_cut(struct packet *packet, bool lengths)
{
    enum { NETWORK_MOST = 64, HEADERS_MOST = 240 };
    unsigned network = nic_network(packet);

    if (network > NETWORK_MOST || packet->header_len > HEADERS_MOST ||
        !packet_own(packet, packet->header_len))
        return false;
    uint8_t *ip = packet->data + network,
            *sum = packet->data + packet->csum_start + packet->csum_offset;
    unsigned len = packet->total - packet->csum_start;
    uint32_t without = get_be16(sum) + (uint16_t) ~(len & 0xffff) + (uint16_t) ~(len >> 16);

    without = (without & 0xffff) + (without >> 16);
    without += without >> 16;
    put_be16(sum, (uint16_t)without);
    if (packet->gso == GSO_TCP4)
        put_be16(ip + 10, 0);
    if (lengths)
        put_be16(ip + (packet->gso == GSO_TCP4 ? 2 : 4), 0);
    return true;
}

unsigned nic_pieces(const struct packet *packet)
{
    unsigned n = 0;

    for (; packet; packet = packet->more)
        n += packet->len != 0;
    return n;
}

int nic_refuse(struct netif *netif, struct packet *packet)
{
    netif_count_drop(netif, false);
    packet_free(packet);
    return -ENOBUFS;
}

int nic_register(struct netif *netif, const char *driver, const char *place, void *data)
{
    netif->type = ARPHRD_ETHER;
    netif->mtu = ETH_MTU;
    netif->mtu_min = 68;
    netif->tx_queue_len = 1000;
    netif->gso_max = 60000;
    netif->place = place;
    netif->driver = driver;
    netif->data = data;
    atomic_store(&netif->flags, IFF_BROADCAST | IFF_MULTICAST);
    memset(netif->broadcast, 0xff, ETH_ALEN);
    return netif_register(netif, "eth%d");
}
