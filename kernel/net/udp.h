/* net/udp.h: UDP (RFC 768, 1122, 8200) inside: life and arrivals (udp.c), sending (udp_send.c). */
#pragma once

#include "net/datagram.h"

enum { UDP_HLEN = 8, UDP_PAYLOAD_MAX = 65507, UDP_SEGMENTS_MAX = 64 };

struct udp_socket {
    struct datagram_socket datagram; /* first */
    bool no_check6_tx, no_check6_rx, gro, corks;
    uint8_t encap; /* UDP_ENCAP */
    uint16_t gso_size;
    /* The way of the last destination, and what it was made for. */
    struct ip_flow way;
    unsigned way_version; /* 0: none */
    uint32_t way_scope;
    /* MSG_MORE, UDP_CORK: what is put together. */
    struct packet *cork;
    struct ip_flow cork_flow;
    uint16_t cork_port, cork_gso;
};

static inline struct udp_socket *udp_of(struct inet_socket *s)
{
    return container_of(s, struct udp_socket, datagram.inet);
}
static inline struct inet_socket *udp_inet(struct udp_socket *u)
{
    return &u->datagram.inet;
}

/* socket_ops.send: bytes taken, or negative. */
ssize_t udp_send(struct socket *socket, struct message *message);
/* UDP_CORK is taken off: send what there is. Socket locked. */
int udp_push(struct udp_socket *u);
void udp_drop_cork(struct udp_socket *u); /* forget it; socket locked */
/* A local port for a socket that has none. Socket locked. */
int udp_autobind(struct udp_socket *u);
