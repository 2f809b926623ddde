/* net/worker.h: a thread on each CPU for the protocol work that nobody else does: packets that no
 * connection claims, sockets that a timer or an error has posted, and channels that nobody has come
 * for within a millisecond. */
#pragma once

#include "net/inet.h"

enum { WORKER_BACKLOG = 1000 }; /* packets, as net.core.netdev_max_backlog */

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
