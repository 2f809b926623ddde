/* net/packet.h: packets on their way through the stack, and the buffers that hold their bytes.
 *
 * A packet is one or several pieces: the first (with all headers) describes the whole, those behind
 * `more` only carry bytes. Each piece points into a buffer and holds one reference of it, so that
 * pieces of several packets can share bytes (a segment on the wire and the queue that keeps it for
 * retransmission). A buffer knows where it came from and goes back there with its last reference.
 *
 * A packet has one owner; whoever is given one frees it or hands it on. Any context, never sleeps.
 */
#pragma once

#include "lib/endian.h"
#include "lib/types.h"

struct netif;

struct packet_buffer {
    atomic_uint refs;
    uint32_t size; /* bytes at start */
    uint8_t *start;
    void (*free)(struct packet_buffer *buffer); /* the last reference is gone; any context */
    void *owner;                                /* free()'s */
};

/* To whom the frame was sent. */
enum packet_kind {
    PACKET_HOST,
    PACKET_BROADCAST,
    PACKET_MULTICAST,
    PACKET_OTHERHOST,
    PACKET_OUTGOING
};

/* Checksum of the transport header. Received: NONE not looked at, GOOD the device has verified it.
 * Sent: NONE complete, PARTIAL the field holds the folded sum of the pseudo header, and the device
 * (or packet_checksum_finish) sums from csum_start on into csum_start + csum_offset. A packet that
 * is received as PARTIAL never left this host: as good as GOOD. */
enum packet_checksum { CHECKSUM_NONE, CHECKSUM_GOOD, CHECKSUM_PARTIAL };

/* Larger than the MTU: cut into segments of gso_size payload bytes by the device or packet_segment;
 * UDP: datagrams with a header each (UDP_SEGMENT); UFO: one datagram, fragments of which hold that
 * many bytes of it, its header included (a multiple of 8). */
enum packet_gso { GSO_NONE, GSO_TCP4, GSO_TCP6, GSO_UDP, GSO_UFO };

struct packet {
    struct packet *next; /* the owner's: queues, channels */
    struct packet *more; /* the next piece of this packet */
    struct packet_buffer *buffer;
    struct packet_buffer *home; /* in whose memory this struct lies; NULL: in its own. A reference
                                   of its own if it is not `buffer` */
    uint8_t *data;              /* the first byte that is left; moves with the layers */
    uint32_t len;               /* bytes of this piece at data */
    /* From here on: of the whole packet, in its first piece only. */
    uint32_t total;                      /* bytes of all pieces */
    uint8_t *link, *network, *transport; /* headers; NULL: none, or not known yet */
    struct netif *netif;                 /* came in through, or leaves by */
    int64_t stamp;                       /* arrival on the wall clock (nsec), or 0 */
    uint16_t protocol;                   /* ETH_P_*, host order */
    uint8_t kind;                        /* enum packet_kind */
    uint8_t checksum;                    /* enum packet_checksum */
    uint8_t gso;                         /* enum packet_gso */
    bool front_own; /* whoever shares the buffer has no business with what lies before data */
    uint16_t csum_start, csum_offset; /* csum_start counts from data as handed to a driver */
    uint16_t gso_size;
    uint16_t header_len; /* GSO: all headers before the payload, from data; not so:
                            the largest fragment that it came in, 0: it came whole */
    uint16_t vlan; /* of a packet socket's view: the tag's ETH_P_* (its TCI is in scratch); 0 */
    uint32_t hash; /* of the flow, for choosing a queue; 0: none */
    uint32_t mark; /* the sender's SO_MARK */
    alignas(8) uint8_t scratch[40]; /* the present owner's notes */
};

/* A packet of one piece with a buffer of its own: `headroom` bytes before data, room for `size`
 * behind; len 0. NULL: no memory. size + headroom up to 64 KiB + 256. */
struct packet *packet_alloc(unsigned headroom, unsigned size);
enum { PACKET_HEADROOM = 128 }; /* for every header of TCP with options over IPv6 and below */

/* For drivers: make a packet of one piece in memory of the caller's, over buffer, whose one
 * reference it takes. The buffer's free() is called when the packet and all who share its bytes
 * have let go; `packet` may lie in the same memory (it is not used afterwards then). */
void packet_init(struct packet *packet, struct packet_buffer *buffer, uint8_t *data, unsigned len);
/* Another piece over `len` bytes at data in the same buffer, for `more`; takes a reference. */
struct packet *packet_piece(struct packet_buffer *buffer, uint8_t *data, unsigned len);
/* A second packet over the bytes of one of a single piece which nobody else has: as packet_piece(),
 * but the headroom is the new one's own, and where packet_alloc() has made the first, nothing is
 * allocated. */
struct packet *packet_alias(const struct packet *packet);
/* The whole packet with other pieces over the same bytes, which must not be changed from then on
 * except for what packet_own() has made private. NULL: no memory. */
struct packet *packet_clone(const struct packet *packet);
/* A packet over n bytes from offset on, which are shared; nothing else is the same. n > 0. NULL: no
 * memory, or it does not have them. */
struct packet *packet_slice(const struct packet *packet, unsigned offset, unsigned n);
/* A packet of one piece with a copy of the bytes and `headroom` before them. */
struct packet *packet_copy(const struct packet *packet, unsigned headroom);
/* Make the first n bytes and the headroom before them this packet's own, in one piece: they may be
 * changed, and headers put in front. false: no memory, or shorter. */
bool packet_own(struct packet *packet, unsigned n);
/* All pieces. NULL is nothing. */
void packet_free(struct packet *packet);
/* A list by `next`. */
void packet_free_list(struct packet *packet);

static inline uint32_t packet_headroom(const struct packet *packet)
{
    return (uint32_t)(packet->data - packet->buffer->start);
}
static inline uint32_t packet_tailroom(const struct packet *packet)
{
    return packet->buffer->size - packet_headroom(packet) - packet->len;
}
/* n bytes more in front (there must be headroom, and the bytes must be this packet's own), fewer in
 * front (n <= len), more at the end (one piece, tailroom). The address of what came or stays. */
static inline uint8_t *packet_push(struct packet *packet, unsigned n)
{
    packet->data -= n;
    packet->len += n;
    packet->total += n;
    return packet->data;
}
static inline uint8_t *packet_pull(struct packet *packet, unsigned n)
{
    packet->data += n;
    packet->len -= n;
    packet->total -= n;
    return packet->data;
}
static inline uint8_t *packet_append(struct packet *packet, unsigned n)
{
    uint8_t *end = packet->data + packet->len;

    packet->len += n;
    packet->total += n;
    return end;
}
/* The first n bytes in one piece at packet->data: false if the packet is shorter or memory is
 * short. Header pointers stay right. */
bool packet_pull_up(struct packet *packet, unsigned n);
/* Cut off all behind the first n bytes. */
void packet_trim(struct packet *packet, unsigned n);
/* Throw away the first n bytes, pieces included. */
void packet_skip(struct packet *packet, unsigned n);
/* Copy n bytes from offset out; false: it does not have them. */
bool packet_read(const struct packet *packet, unsigned offset, void *buf, unsigned n);

/* One's complement sum (RFC 1071) of n bytes added to `sum`; any alignment. Fold at the end.
 * offset parity is the caller's: pieces of odd length are handled by packet_sum. */
uint32_t checksum_add(uint32_t sum, const void *data, size_t n);
static inline uint16_t checksum_fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum += sum >> 16;
    return (uint16_t)~sum;
}
/* The checksum of the 20 bytes of an IPv4 header without options: 0 if it holds. */
static inline uint16_t checksum_header(const uint8_t *ip)
{
    uint64_t sum = (uint64_t)get_le32(ip) + get_le32(ip + 4) + get_le32(ip + 8) +
                   get_le32(ip + 12) + get_le32(ip + 16);

    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    return checksum_fold((uint32_t)sum);
}
/* The sum of bytes [offset, offset + n) of the packet, pieces included. */
uint32_t packet_sum(uint32_t sum, const struct packet *packet, unsigned offset, unsigned n);
/* Fill in a PARTIAL checksum in software. false: out of range (a bug of the sender). */
bool packet_checksum_finish(struct packet *packet);
/* Cut a GSO packet, headers and checksums included, into a list by `next` of packets for a device
 * that cannot; the packet is freed. NULL: no memory. */
struct packet *packet_segment(struct packet *packet);

/* First in, first out; the caller locks. {} is empty. */
struct packet_queue {
    struct packet *first, **last; /* last is valid if first is not NULL */
    unsigned n;
    size_t bytes; /* of `total` */
};
static inline void packet_enqueue(struct packet_queue *queue, struct packet *packet)
{
    packet->next = NULL;
    if (queue->first)
        *queue->last = packet;
    else
        queue->first = packet;
    queue->last = &packet->next;
    queue->n++;
    queue->bytes += packet->total;
}
static inline struct packet *packet_dequeue(struct packet_queue *queue)
{
    struct packet *packet = queue->first;

    if (packet) {
        queue->first = packet->next;
        queue->n--;
        queue->bytes -= packet->total;
        packet->next = NULL;
    }
    return packet;
}
/* Free all that is in it. */
void packet_queue_purge(struct packet_queue *queue);
