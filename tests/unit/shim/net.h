/* shim/net.h: kernel/net below the transports on the host. The worker is a pair of queues that
 * shim_work() empties; timers fire in shim_advance(); RCU callbacks wait for shim_quiescent(); a
 * packet is an allocation of its own, so that the sanitizer sees its ends. */
#pragma once

#include <stdio.h>

#include "net/inet.h"
#include "net/ip_core.h"
#include "net/mib.h"
#include "net/neighbour.h"
#include "../need.h"

/* SHIM_SOURCES of a test: all of kernel/net that it links (see net_ipv4_test.c). */
void shim_start(void);               /* lo and "eth0" with 10.0.0.2/24, gateway 10.0.0.1 */
void shim_work(void);                /* as the worker would until nothing is left */
void shim_advance(nsec_t span);      /* the clock; timers fire, then shim_work() */
void shim_quiescent(void);           /* RCU callbacks */
unsigned shim_backlog(void);         /* packets that wait for the worker */
extern long shim_blocks;             /* of the heap, in use */
extern bool shim_starve;             /* kmalloc answers NULL */
extern struct netif shim_eth;        /* mac 02:00:00:00:00:02 */
extern struct packet_queue shim_out; /* what eth0 has sent */
extern bool shim_privileged;

uint64_t shim_random(void);
uint64_t shim_below(uint64_t n);
/* A frame's bytes as a packet of one piece, or of several if pieces > 1. */
struct packet *shim_packet(const void *bytes, unsigned n, unsigned pieces);
/* From `source` to `destination` (host order): an IPv4 packet with payload, behind an Ethernet
 * header to eth0; header checksum right. Returns its length. */
unsigned shim_ipv4(uint8_t *frame, uint32_t source, uint32_t destination, unsigned protocol,
                   const void *payload, unsigned n);
void shim_ipv4_sum(uint8_t *ip);
/* It arrives at eth0. */
void shim_receive(const void *frame, unsigned n);

/* A transport like UDP without checksums (protocol 17): what its sockets have received. */
struct shim_socket {
    struct inet_socket inet; /* first */
    struct packet_queue got;
    unsigned worked, errors;
    int error;
    bool refuse; /* input() answers false */
    bool freed;
};
struct shim_socket *shim_socket(int family, int type);
void shim_close(struct shim_socket *s);
extern unsigned shim_frees, shim_nobody;
