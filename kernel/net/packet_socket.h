/* net/packet_socket.h: AF_PACKET (man 7 packet) inside: the socket (packet_socket.c), what it sends
 * (packet_send.c, packet_vnet.c), its options (packet_option.c), its rings (packet_ring.c), and
 * sockets that share what arrives (packet_fanout.c). */
#pragma once

#include "core/spinlock.h"
#include "core/timer.h"
#include "core/waitqueue.h"
#include "mm/address_space.h"
#include "net/netif.h"
#include "net/packet_vnet.h"
#include "net/socket.h"

enum { SOL_PACKET = 263, ETH_P_8021AD = 0x88a8 };
enum { TPACKET_V1, TPACKET_V2, TPACKET_V3 };
enum { FRAME_TAG = 4, PACKET_COST = 512 /* of one that waits to be read */ };

struct sockaddr_ll {
    uint16_t family, protocol; /* protocol in network order */
    int32_t ifindex;
    uint16_t hatype;
    uint8_t kind, halen, address[8];
};
enum { ADDRESS_AT = offsetof(struct sockaddr_ll, address) };

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
       PACKET_STATUS_VLAN = 16 | 64, /* both TCI and TPID are there */
       PACKET_STATUS_TIMEOUT = 32,
       PACKET_STATUS_CHECKSUM_VALID = 128,
       PACKET_STATUS_GSO_TCP = 256,
       /* of frames to be sent */
       PACKET_STATUS_SEND = 1,
       PACKET_STATUS_SENDING = 2,
       PACKET_STATUS_WRONG = 4,
};

/* struct tpacket_req3; the older versions end before retire_ms */
struct packet_ring_request {
    uint32_t block_size, block_nr, frame_size, frame_nr, retire_ms, private_size, features;
};
enum { RING_REQUEST_OLD = offsetof(struct packet_ring_request, retire_ms) };
enum { RING_FILL_HASH = 1 };

struct packet_ring {
    struct packet_ring_request request;
    struct packet_socket *socket;
    unsigned per_block, npages;
    unsigned next; /* frame; TPACKET_V3: block */
    /* TPACKET_V3: the block that is being filled */
    unsigned at, last, packets; /* the next packet and the last one: bytes from the block's start */
    bool frozen;                /* there is none: the program has not given it back */
    uint64_t sequence;
    nsec_t first_stamp, last_stamp;
    struct timer timer;
    paddr_t pages[];
};
enum { RING_RECEIVE, RING_SEND, RINGS };

struct packet_rollover {
    unsigned last;
    uint64_t stats[3]; /* all, huge, failed */
    uint32_t history[16];
};

struct packet_socket {
    struct socket socket;                 /* first */
    atomic_uint refs;                     /* the file's, and those of `object` */
    struct mem_object object;             /* both rings as the program maps them */
    struct mutex lock;                    /* what the program sets */
    struct mutex send_lock;               /* one sends at a time; over its ring too */
    const struct packet *_Atomic sending; /* does not hear itself */
    struct spinlock queue_lock;
    struct packet_queue queue;  /* scratch is struct packet_queued; queue_lock, interrupts off */
    struct packet_queue errors; /* notices of MSG_ERRQUEUE; queue_lock, interrupts off */
    size_t charged;
    uint32_t packets, drops, freezes; /* since they were asked for last; queue_lock */
    atomic_uint dropped;              /* since ever, for SO_RXQ_OVFL */
    struct packet_ring *rings[RINGS]; /* changed under lock, send_lock and queue_lock */
    struct waitqueue readers;
    struct netif_tap tap;
    uint16_t protocol;   /* host order; 0: nothing yet */
    struct netif *netif; /* bound to; NULL: all */
    bool tapped;
    union { /* those of setsockopt(2) that are a number, by that of the option */
        uint32_t options[25];
        struct {
            uint32_t none0[7], copy_threshold, auxdata, origdev, version, none11, reserve, none13,
                loss, has_vnet, none16, timestamp, none18, has_offset, bypass, none21[2],
                ignore_outgoing, vnet; /* vnet: bytes of the header before each packet */
        };
    };
    struct packet_group *group;       /* changed under lock and packet_sockets_lock */
    struct packet_rollover *rollover; /* with a group that needs it */
    struct list link, memberships;    /* in packet_sockets; struct packet_membership */
};

/* In view->scratch. */
struct packet_queued {
    uint16_t tci; /* if packet->vlan */
    uint8_t kind;
    uint32_t drops, original;
};

extern struct mutex packet_sockets_lock; /* over memberships, groups, and the list of all */
extern struct list packet_sockets;

/* Is it of the protocol that is listened to? Any context, RCU. */
bool packet_wants(unsigned protocol, const struct packet *packet, bool outgoing);
/* Is it what the socket sends just now? (Another that lies where that was is not this thread's.) */
static inline bool packet_is_own(const struct packet_socket *p, const struct packet *packet)
{
    return p->sending == packet && mutex_is_mine(&p->send_lock);
}
/* Show it to the socket: any context, RCU. */
void packet_take(struct packet_socket *p, const struct packet *packet, bool outgoing);
/* With its link header, which may be made up, as a packet of its own; NULL: no memory. */
struct packet *packet_raw_view(const struct packet *packet);
/* Begin or end to listen, by protocol and interface. p->lock held. */
void packet_listen(struct packet_socket *p);
void packet_drop_reference(struct packet_socket *p);

/* packet_send.c */
/* recvmsg(MSG_ERRQUEUE): when a frame left; -EAGAIN. */
ssize_t packet_receive_notice(struct packet_socket *p, struct message *message);
ssize_t packet_send(struct socket *socket, struct message *message);
ssize_t packet_send_old(struct socket *socket, struct message *message); /* SOCK_PACKET */

/* packet_option.c */
int packet_set_option(struct socket *socket, int level, int name, const void *value, size_t len);
int packet_get_option(struct socket *socket, int level, int name, void *value, size_t len);
void packet_end_memberships(struct packet_socket *p); /* packet_sockets_lock */
struct packet_membership {
    struct list link;
    int32_t ifindex;
    uint16_t type, len;
    uint8_t address[32];
    unsigned users;
};

/* packet_ring.c */
enum { TPACKET_ADDRESS = sizeof(struct sockaddr_ll) };
static inline unsigned packet_ring_header(unsigned version) /* bytes before the address */
{
    return version == TPACKET_V3 ? 48 : 32;
}
/* Set up or (block_nr 0) end a ring. p->lock held. -EBUSY, -EINVAL, -ENOMEM. */
int packet_ring_set(struct packet_socket *p, unsigned which, const struct packet_ring_request *r);
void packet_ring_end(struct packet_socket *p); /* both, mapped or not */
/* Put a packet into the next frame: 0: there is none; 2: it was too long for it, and is to be
 * queued as well. queue_lock held. */
int packet_ring_fill(struct packet_socket *p, const struct packet *view, unsigned snaplen,
                     const struct packet_note *note, const struct sockaddr_ll *from);
/* Is there something that the program has not given back? */
bool packet_ring_has_any(const struct packet_socket *p);
/* Is the place free that lies 1/2^shift of the ring further on (shift 0: the next)? */
bool packet_ring_has_room(const struct packet_socket *p, unsigned shift);
int packet_ring_map(struct socket *socket, struct map_request *request);
void packet_ring_init(struct packet_socket *p);
/* The present frame of a ring of frames that are sent: where it is, and its status word. */
size_t packet_ring_frame(const struct packet_ring *ring, uint32_t *status);
void packet_ring_read(const struct packet_ring *ring, size_t at, void *data, size_t n);
void packet_ring_set_status(struct packet_ring *ring, size_t at, uint32_t status);
void packet_ring_advance(struct packet_ring *ring);

/* packet_fanout.c: struct fanout_args, and PACKET_FANOUT_DATA. p->lock held. */
int packet_fanout_join(struct packet_socket *p, const void *value, size_t len);
int packet_fanout_set_data(struct packet_socket *p, const void *value, size_t len);
uint32_t packet_fanout_number(const struct packet_socket *p); /* of getsockopt(2); 0: none */
void packet_fanout_leave(struct packet_socket *p);
/* Of the flow that a packet at its link (or, at 0, network) header belongs to, the same both ways;
 * never 0. */
uint32_t packet_flow_hash(const struct packet *packet, unsigned link);

/* For /proc/net/packet and sock_diag: each socket, under packet_sockets_lock. False ends it. */
void packet_each(bool (*fn)(struct packet_socket *p, void *arg), void *arg);
static inline bool packet_is_running(const struct packet_socket *p)
{
    return p->tapped && (!p->netif || atomic_load(&p->netif->flags) & IFF_UP);
}
