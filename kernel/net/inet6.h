/* net/inet6.h: what few sockets of AF_INET6 have beside their options (man 7 ipv6; RFC 3542):
 * extension headers for all that they send, flow labels, what is to be told of a path's MTU. In
 * memory of its own, which the first call that needs it allocates; socket locked. */
#pragma once

#include "net/inet.h"
#include "net/ipv6_headers.h"

struct inet6_extras {
    struct ipv6_headers *headers; /* heap; NULL: none */
    struct ipv6_headers
        *arrived;              /* TCP: those of the last segment, as far as asked for; the same */
    struct flow_lease *leases; /* of labels (net/flow_label.c) */
    uint32_t flowinfo;         /* that connect(2) was given: label and class, network order */
    bool reflect;              /* TCP: the label is the peer's (IPV6_FL_F_REFLECT) */
    bool too_big;              /* IPV6_RECVPATHMTU is to tell this: */
    struct ip6_mtuinfo path;
};
/* The socket's; NULL: no memory. */
struct inet6_extras *inet6_need(struct inet_socket *s);

/* IPV6_HOPOPTS and its like, IPV6_2292PKTOPTIONS: as socket_ops; -ENOPROTOOPT: none of these. */
int inet6_set_option(struct inet_socket *s, int name, const void *value, size_t len);
int inet6_get_option(struct inet_socket *s, int name, void *value, size_t len);
/* connect(2): what the address says about label and class, where IPV6_FLOWINFO_SEND is on. -EINVAL:
 * others have leased the label; -ENOMEM. */
int inet6_connect(struct inet_socket *s, const struct socket_address *address);
/* What the address says, or 0. */
uint32_t inet6_flowinfo(const struct inet_socket *s, const struct socket_address *address);
/* The label of what goes to the peer, network order. */
static inline uint32_t inet6_label(const struct inet_socket *s)
{
    return s->options.six ? s->options.six->flowinfo & IPV6_LABEL : 0;
}
/* A message's label has been put into the flow: is it one to send with, and which headers does that
 * bring? As inet_message_flow. */
int inet6_use_label(struct inet_socket *s, struct ip_flow *flow, struct ipv6_headers *headers);
/* A TCP peer's packet (at the TCP header): keep its headers for IPV6_2292PKTOPTIONS, send with its
 * label from now on, as far as these are asked for. */
void inet6_note(struct inet_socket *s, const struct packet *packet);
/* IPV6_RECVPATHMTU: an empty message that tells the MTU, once; -EAGAIN: nothing to be told. */
ssize_t inet6_receive_path_mtu(struct inet_socket *s, struct message *message);
/* What an accepted connection has from its listener. Best effort. */
void inet6_inherit(struct inet_socket *to, const struct inet_socket *from);
/* Free it all; the socket sends no more with it. */
void inet6_end(struct inet_socket *s);
