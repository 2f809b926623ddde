/* net/inet6.h: what few sockets of AF_INET6 have beside their options (man 7 ipv6; RFC 3542):
 * extension headers for all that they send, flow labels, what is to be told of a path's MTU. In
 * memory of its own, which the first call that needs it allocates; socket locked. */
#pragma once

#include "net/inet.h"
#include "net/ipv6_headers.h"

struct inet6_extras {
    struct ipv6_headers *headers; /* heap; NULL: none */
};

/* IPV6_HOPOPTS and its like, IPV6_2292PKTOPTIONS: as socket_ops; -ENOPROTOOPT: none of these. */
int inet6_set_option(struct inet_socket *s, int name, const void *value, size_t len);
int inet6_get_option(struct inet_socket *s, int name, void *value, size_t len);
/* What an accepted connection has from its listener. Best effort. */
void inet6_inherit(struct inet_socket *to, const struct inet_socket *from);
/* Free it all; the socket sends no more with it. */
void inet6_end(struct inet_socket *s);
