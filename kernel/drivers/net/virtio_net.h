/* drivers/net/virtio_net.h: the parts of the virtio network driver (virtio 1.2, 5.1): virtio_net.c
 * finds and describes the device, _rx.c receives, _tx.c sends, _control.c talks to the control
 * queue. */
#pragma once

#include "core/spinlock.h"
#include "core/timer.h"
#include "core/waitqueue.h"
#include "drivers/virtio/virtio.h"
#include "net/netif.h"

enum { /* feature bits, 5.1.3 */
       F_CSUM = 0,
       F_GUEST_CSUM = 1,
       F_MTU = 3,
       F_MAC = 5,
       F_GUEST_TSO4 = 7,
       F_GUEST_TSO6 = 8,
       F_GUEST_ECN = 9,
       F_GUEST_UFO = 10,
       F_HOST_TSO4 = 11,
       F_HOST_TSO6 = 12,
       F_HOST_ECN = 13,
       F_HOST_UFO = 14,
       F_MRG_RXBUF = 15,
       F_STATUS = 16,
       F_CTRL_VQ = 17,
       F_CTRL_RX = 18,
       F_GUEST_ANNOUNCE = 21,
       F_MQ = 22,
       F_CTRL_MAC_ADDR = 23,
       F_ANY_LAYOUT = 27, /* of legacy devices, 6.3 */
       F_HOST_USO = 56,
       F_SPEED_DUPLEX = 63,
};

/* The header before each frame (5.1.6); the last field is there with MRG_RXBUF or VERSION_1. */
struct net_header {
    uint8_t flags, gso_type;
    uint16_t hdr_len, gso_size, csum_start, csum_offset, num_buffers;
};
enum { NET_HEADER_SHORT = 10, NET_HEADER = 12 };
enum { HEADER_NEEDS_CSUM = 1, HEADER_DATA_VALID = 2 };
enum {
    HEADER_GSO_NONE = 0,
    HEADER_GSO_TCP4 = 1,
    HEADER_GSO_UDP = 3,
    HEADER_GSO_TCP6 = 4,
    HEADER_GSO_UDP_L4 = 5,
    HEADER_GSO_ECN = 0x80,
};

enum { NET_PAIRS_MAX = 31, NET_QUEUE_SIZE = 1024 };

struct net_device;
struct rx_buffer;

/* A pair of queues. Frames are received by one at a time: the interrupt's handler, which after a
 * budget hands over to the thread `poller` until the queue is quiet. */
struct net_pair {
    struct net_device *net;
    unsigned index;

    struct virtqueue *rx;
    struct spinlock rx_lock;            /* over the receive queue and what follows */
    bool polling;                       /* the thread's turn: no interrupts */
    unsigned posted, target;            /* chains with the device; how many there should be */
    unsigned limit;                     /* of nallocated */
    bool scarce;                        /* buffers are not to be kept */
    struct rx_buffer *spare;            /* taken out of `returned` */
    struct rx_buffer *_Atomic returned; /* whose packets are gone; any CPU appends */
    atomic_uint nreturned, nallocated;  /* in `spare` and `returned`; in the world */
    struct waitqueue wait;              /* the thread's */

    struct virtqueue *tx;
    struct spinlock tx_lock;
    struct packet_queue backlog; /* waits for room in the ring; then interrupts are on */
    unsigned in_flight;
    struct timer reclaim; /* frees what was sent last */
};

/* What is to be told to the device, in this order. */
enum {
    CONTROL_PAIRS = 1,
    CONTROL_MAC = 2,
    CONTROL_MODE = 4,
    CONTROL_ALLMULTI = 8,
    CONTROL_TABLE = 16,
    CONTROL_ANNOUNCE = 32,
};
enum { CONTROL_MACS_MAX = 64 };

struct net_control {
    struct virtqueue *queue; /* NULL: the device has none */
    struct spinlock lock;
    unsigned wanted, asked; /* CONTROL_*; asked: under way */
    unsigned failed;        /* of those that have been answered */
    uint8_t mac[ETH_ALEN];  /* for CONTROL_MAC */
    bool all_multicast;     /* the table is too small */
    struct waitqueue done;
    struct {
        uint8_t class, command;
        uint8_t ack;
        uint8_t data[8 + ETH_ALEN * CONTROL_MACS_MAX];
    } * message; /* the one under way */
};

struct net_device {
    struct virtio_device *device;
    struct netif netif;
    unsigned header_len;
    bool any_layout;     /* header and frame may share a descriptor */
    bool mergeable;      /* a frame may take several buffers */
    unsigned rx_chain;   /* buffers of a chain offered for receiving */
    unsigned pairs_max;  /* as the device has them */
    unsigned npairs;     /* set up */
    atomic_uint nactive; /* that the device uses */
    bool up, started;    /* started: it has been up once */
    struct net_control control;
    struct net_pair *pairs;
};

static inline bool net_has(const struct net_device *net, unsigned feature)
{
    return net->device->features >> feature & 1;
}

/* This CPU's counters; interrupts off. */
static inline struct netif_stats *net_stats(struct net_device *net)
{
    return &net->netif.stats[this_cpu()->id];
}

/* --- receiving */

/* Threads; -ENOMEM. */
int net_rx_create(struct net_pair *pair);
/* Offer buffers and begin to receive; -ENOMEM. Threads, once. */
int net_rx_start(struct net_pair *pair);

/* --- sending */

/* Threads; -ENOMEM. net_transmit() is the interface's netif->transmit: takes the packet. */
int net_tx_create(struct net_pair *pair);
int net_transmit(struct netif *netif, struct packet *packet);

/* --- the control queue: all but net_control_wait() in any context */

/* Threads, once; -ENOMEM. */
int net_control_create(struct net_device *net);
/* Tell the device (CONTROL_*) as soon as it has answered what it was told before. */
void net_control_want(struct net_device *net, unsigned what);
/* Wait for the answer, in a thread: 0, -EIO, -ETIMEDOUT. */
int net_control_wait(struct net_device *net, unsigned what);
