/* net/packet_socket.h: AF_PACKET (man 7 packet) inside: the socket (packet_socket.c) and its ring
 * that the program maps (packet_ring.c). */
#pragma once

#include "core/spinlock.h"
#include "net/netif.h"
#include "net/socket.h"

enum { AF_PACKET = 17, SOL_PACKET = 263 };

struct sockaddr_ll {
    uint16_t family, protocol; /* protocol in network order */
    int32_t ifindex;
    uint16_t hatype;
    uint8_t kind, halen, address[8];
};

/* Beside a packet: struct tpacket_auxdata. */
struct packet_note {
    uint32_t status, len, snaplen;
    uint16_t mac, net, vlan_tci, vlan_tpid;
};
enum { /* TP_STATUS_* */
       PACKET_STATUS_KERNEL = 0,
       PACKET_STATUS_USER = 1,
       PACKET_STATUS_COPY = 2,
       PACKET_STATUS_LOSING = 4,
       PACKET_STATUS_CHECKSUM_NOT_READY = 8,
       PACKET_STATUS_CHECKSUM_VALID = 128,
};

/* struct tpacket_req */
struct packet_ring_request {
    uint32_t block_size, block_nr, frame_size, frame_nr;
};

struct packet_ring;
/* Memory for such a ring; reserve: bytes before the data of each frame (PACKET_RESERVE). -EINVAL,
 * -ENOMEM. */
int packet_ring_make(const struct packet_ring_request *request, unsigned reserve,
                     struct packet_ring **ring);
void packet_ring_put(struct packet_ring *ring); /* mappings may keep it */
/* Put a packet (link header bytes first, `link` of them; 0 for SOCK_DGRAM) into the next frame:
 * false: the program has not given it back yet. Any context; the caller locks. */
bool packet_ring_fill(struct packet_ring *ring, const struct packet *packet, unsigned link,
                      unsigned snaplen, const struct packet_note *note,
                      const struct sockaddr_ll *from);
/* Is there a frame that the program has not given back? */
bool packet_ring_has_any(const struct packet_ring *ring);
int packet_ring_map(struct packet_ring *ring, struct map_request *request);

/* For /proc/net/packet: each socket, under a mutex. False ends it. */
struct packet_description {
    const struct socket *socket;
    unsigned protocol, ifindex; /* host order */
    bool running;
    size_t receive_queue;
};
void packet_each(bool (*fn)(const struct packet_description *d, void *arg), void *arg);
