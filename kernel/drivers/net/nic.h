/* drivers/net/nic.h: what drivers of network cards with rings of descriptors share: buffers that a
 * card fills, frames of several of them, and packets that a card is to cut. */
#pragma once

#include "net/netif.h"

enum { NIC_ROOM = 2048 /* bytes of a buffer */ };

struct nic_buffer {
    struct packet_buffer base; /* first */
    struct nic_pool *pool;
    struct nic_buffer *next;
    struct packet packet;
    alignas(64) uint8_t data[NIC_ROOM];
};

/* Buffers that have come back; {} is empty. One at a time takes some out: the ring's lock. */
struct nic_pool {
    struct nic_buffer *_Atomic returned, *spare;
};
struct nic_buffer *nic_buffer_get(struct nic_pool *pool); /* NULL: no memory */

/* A frame that is coming in, in one buffer or several; {} is none. */
struct nic_frame {
    struct packet *first, **end;
    unsigned pieces;
    bool bad;
};
/* The card has written len bytes (checked here) of the frame into the ring's buffer *slot: they
 * become the frame's, and another buffer takes the place. Without memory it stays, and the frame is
 * lost. Interrupts off. */
void nic_frame_add(struct nic_frame *frame, struct nic_pool *pool, struct nic_buffer **slot,
                   unsigned len);
/* That was all of it: hand it in, or drop and count it. checked: the card has found its transport
 * checksum right. */
void nic_frame_end(struct nic_frame *frame, struct netif *netif, bool bad, bool checked);

/* The hardware addresses of the multicast groups that are listened to, at most n: how many there
 * are, which may be more. Under netif_lock. */
unsigned nic_groups(struct netif *netif, uint8_t (*macs)[ETH_ALEN], unsigned n);

/* Where the network header is in a packet to send. */
static inline unsigned nic_network(const struct packet *packet)
{
    return packet->network ? (unsigned)(packet->network - packet->data) : ETH_HLEN;
}
/* Packets that a card cuts itself (TSO): the length goes out of the pseudo header's sum, and the
 * header checksum becomes 0, with `lengths` the IP header's length too. False: no memory, or not to
 * be done. */
bool nic_prepare_cut(struct packet *packet, bool lengths);
unsigned nic_pieces(const struct packet *packet); /* that are not empty */
/* The frame cannot go out: counts and frees it. -ENOBUFS. */
int nic_refuse(struct netif *netif, struct packet *packet);
/* Count a frame that goes out; interrupts off. */
static inline void nic_count_sent(struct netif *netif, const struct packet *packet)
{
    struct netif_stats *stats = &netif->stats[this_cpu()->id];

    stats->tx_packets++;
    stats->tx_bytes += packet->total;
}
/* Fill in what Ethernet cards have in common, and register as "eth%d". */
int nic_register(struct netif *netif, const char *driver, const char *place, void *data);
