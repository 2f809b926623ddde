/* net/raw.h: SOCK_RAW of AF_INET and AF_INET6 (man 7 raw; raw.c), and the sockets of SOCK_DGRAM
 * with IPPROTO_ICMP and IPPROTO_ICMPV6 that ping uses (ping.c). Both are in one list, through which
 * all packets to this host are shown to them while there are any. */
#pragma once

#include "net/datagram.h"

struct raw_socket {
    struct datagram_socket datagram; /* first */
    struct list link;                /* all of them; RCU */
    bool ping;                       /* local_port is the identifier of its echoes */
    uint32_t filter[8]; /* ICMP_FILTER (the first word), ICMP6_FILTER: types kept out */
    int checksum_at;    /* IPV6_CHECKSUM; -1: none */
};

static inline struct raw_socket *raw_of(struct inet_socket *s)
{
    return container_of(s, struct raw_socket, datagram.inet);
}
static inline struct inet_socket *raw_inet(struct raw_socket *r)
{
    return &r->datagram.inet;
}

/* Each of the list; fn under RCU, or (locked) with the list's lock. False ends it. */
void raw_each(bool (*fn)(struct raw_socket *r, void *arg), void *arg);
/* Into the list, out of it. `taken` (NULL: none) is asked of each first, and answers whether there
 * is no place for r: -EADDRINUSE. Threads. */
int raw_enter(struct raw_socket *r,
              bool (*taken)(const struct raw_socket *r, const struct raw_socket *other));
void raw_leave(struct raw_socket *r);
/* A new one; ops and proto of either kind. */
int raw_make(int family, int type, int protocol, const struct socket_ops *ops,
             const struct inet_proto *proto, struct raw_socket **made);
/* For socket_ops and inet_proto of both. */
void raw_release(struct socket *socket);
void raw_free(struct inet_socket *s);
int raw_connect(struct socket *socket, const struct socket_address *address, bool nonblock);
/* The destination of a message and the flow to it, control messages included. port: as given.
 * Socket locked. -EDESTADDRREQ and so on. */
int raw_destination(struct raw_socket *r, const struct message *message, struct ip_flow *flow,
                    struct ipv6_headers *headers, unsigned *port);
/* The message in a packet, with room for headers before it. */
int raw_make_packet(struct message *message, struct packet **made);
/* sendmsg: what the program sends as a packet, which `transmit` takes; it is called with the lock.
 */
typedef int raw_transmit(struct raw_socket *r, const struct message *message,
                         struct packet *packet);
ssize_t raw_send_by(struct socket *socket, struct message *message, raw_transmit *transmit);

/* ping.c: may it have this packet (at the ICMP header, which is in one piece)? */
bool ping_wants(const struct raw_socket *r, const struct packet *packet);
/* Who may use ping sockets: groups from low to high (net.ipv4.ping_group_range). */
extern uint32_t ping_group_low, ping_group_high;
