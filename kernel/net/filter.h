/* net/filter.h: programs of classic BPF that choose what a socket gets (man 7 socket,
 * SO_ATTACH_FILTER). Attached and taken off in threads; run anywhere. */
#pragma once

#include "net/packet.h"
#include "net/socket.h"

struct socket_filter;
/* A program of struct sock_fprog, which points to program memory: -EINVAL, -EFAULT, -ENOMEM. Freed
 * after a time in which RCU's readers end (NULL is nothing). */
int socket_filter_make(const void *value, size_t len, struct socket_filter **filter);
void socket_filter_drop(struct socket_filter *filter);
/* What it answers for the packet from `skip` on. */
uint32_t socket_filter_ask(const struct socket_filter *filter, const struct packet *packet,
                           unsigned skip);
/* How much of a record of bytes the socket's program keeps. */
size_t socket_filter_bytes(const struct socket *socket, const void *data, size_t len);

/* setsockopt: value is struct sock_fprog, which points to program memory. -EINVAL, -EFAULT, -EPERM
 * (locked), -ENOMEM. */
int socket_filter_attach(struct socket *socket, const void *value, size_t len);
int socket_filter_detach(struct socket *socket); /* -ENOENT, -EPERM */
/* SO_GET_FILTER: the number of instructions, which go to `to` if there is room for all (room 0: not
 * wanted, less: -EINVAL); 0: no filter. -EFAULT. */
int socket_filter_get(const struct socket *socket, uintptr_t to, size_t room);
/* The same as they lie in memory, for as long as RCU keeps them: bytes; 0: no filter. */
unsigned socket_filter_peek(const struct socket *socket, const void **insns);
/* The socket ends. */
void socket_filter_free(struct socket *socket);
/* Cut a packet to what the program keeps of it, but not into its first `least` bytes. False: drop
 * it. A socket without a filter keeps all. */
bool socket_filter_packet(const struct socket *socket, struct packet *packet, unsigned least);
/* How many bytes the program keeps of the packet (from its data on); UINT32_MAX without one. */
uint32_t socket_filter_run(const struct socket *socket, const struct packet *packet);
