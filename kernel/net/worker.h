/* net/worker.h: a thread on each CPU for the protocol work that nobody else does: packets that no
 * connection claims, sockets that a timer or an error has posted, and channels that nobody has come
 * for within a millisecond. */
#pragma once

#include "net/inet.h"

enum { WORKER_BACKLOG = 1000, WORKER_RESERVE = 64 }; /* packets, as net.core.netdev_max_backlog */
/* Where n wait, may this one (at its network header) wait, too? Beyond the backlog only what finds
 * neighbours, ARP and ICMPv6 of RFC 4861: without that nothing goes out. */
static inline bool worker_has_room(unsigned n, const struct packet *packet)
{
    const uint8_t *ip = packet->data;

    return likely(n < WORKER_BACKLOG) ||
           (n < WORKER_BACKLOG + WORKER_RESERVE &&
            (packet->protocol == ETH_P_ARP ||
             (packet->protocol == ETH_P_IPV6 && packet->len > 40 && ip[6] == IPPROTO_ICMPV6 &&
              ip[40] - 133u <= 137 - 133)));
}

/* Be ready for packets: called when the first socket is made and when a device goes up. A thread.
 * -ENOMEM. */
int worker_need(void);
/* A packet at its network header (protocol, kind, netif set) for ipv4_receive() and its like. Takes
 * it; false: there are too many, it was dropped (and is counted). Any context. */
bool worker_input(struct packet *packet);
/* Have inet_lock() and inet_unlock() called. Any context; with a reference or under RCU. */
void worker_socket(struct inet_socket *s);
/* Look at the channel in a millisecond. Any context; with a reference or under RCU. */
void worker_sweep(struct inet_socket *s);
/* Call fn in the worker thread of this CPU soon; work is the caller's and stays until then. Posted
 * again before it was called it is called once. Any context. */
struct worker_call {
    struct worker_call *next;
    atomic_bool queued;
    void (*fn)(struct worker_call *call);
};
void worker_post(struct worker_call *call);
