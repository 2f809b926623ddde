/* net/demux.h: between the tables that find sockets (net/demux.c), ports (net/ports.c) and groups
 * of SO_REUSEPORT (net/reuseport.c). */
#pragma once

#include "net/inet.h"

/* Make the tables. A thread. -ENOMEM. */
int demux_init(void);
/* Into the table of connections with this local port, which becomes the socket's; -EADDRNOTAVAIL:
 * `unique`, and there is one with the same ends. */
int demux_connect(struct inet_socket *s, unsigned port, bool unique);
/* Out of it; nothing if it is not in. */
void demux_disconnect(struct inet_socket *s);
/* Into and out of the table of bound sockets. */
int demux_bind(struct inet_socket *s);
void demux_unbind(struct inet_socket *s);
/* Would it take packets of that family by its local address? */
bool demux_takes_family(const struct inet_socket *s, bool v4);

/* Sockets with SO_REUSEPORT of one user, port, address and device share what arrives. Join the
 * group of the others, or found one: -ENOMEM. Leave: nothing if in none. Threads. */
int reuseport_join(struct inet_socket *s);
void reuseport_leave(struct inet_socket *s);
/* One of the group of s: by its program (packet at its transport header; NULL: not asked), else by
 * hash. RCU. */
struct inet_socket *reuseport_choose(struct inet_socket *s, uint32_t hash,
                                     const struct packet *packet);
/* SO_ATTACH_REUSEPORT_CBPF, for the group or the one that a socket will found; value is struct
 * sock_fprog. -EINVAL, -ENOENT, -EFAULT, -ENOMEM. */
int reuseport_attach(struct inet_socket *s, const void *value, size_t len);
int reuseport_detach(struct inet_socket *s);
extern struct mutex bind_lock; /* net/ports.c */
