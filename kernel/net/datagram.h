/* net/datagram.h: what sockets that get whole packets have in common (UDP, raw, ping): a queue of
 * what is to be read, with the room that SO_RCVBUF gives. Threads. */
#pragma once

#include "net/inet.h"

struct datagram_socket {
    struct inet_socket inet;   /* first */
    struct packet_queue queue; /* to be read from their data on; scratch is struct inet_queued */
    size_t charged;            /* memory of what is in it, against SO_RCVBUF */
    bool connected, shut_read, shut_write;
    int peek_offset; /* SO_PEEK_OFF; -1: off */
};

static inline struct datagram_socket *datagram_of(struct inet_socket *s)
{
    return container_of(s, struct datagram_socket, inet);
}
static inline bool datagram_has_room(const struct datagram_socket *d)
{
    return d->charged <= d->inet.socket.receive_buffer;
}

/* In zeroed memory, after inet_init(). */
void datagram_init(struct datagram_socket *d);
/* The memory that it holds (part of inet_proto.free). */
void datagram_end(struct datagram_socket *d);
/* Append a packet that has been checked (also for room), and wake a reader. Takes it. Ports in host
 * order. Socket locked. */
void datagram_enqueue(struct datagram_socket *d, struct packet *packet, unsigned source_port,
                      unsigned destination_port);
/* Throw away all that waits to be read. Socket locked. */
void datagram_purge(struct datagram_socket *d);
/* Copy n bytes of the packet from `skip` on out. -EFAULT. */
int datagram_copy(struct message *message, const struct packet *packet, size_t skip, size_t n);

/* For socket_ops. */
ssize_t datagram_receive(struct socket *socket, struct message *message);
int datagram_shutdown(struct socket *socket, int how);
unsigned datagram_poll(struct socket *socket, struct poll_table *table);
int64_t datagram_ioctl(struct socket *socket, unsigned cmd, uintptr_t arg);
int datagram_set_option(struct socket *socket, int level, int name, const void *value, size_t len);
int datagram_get_option(struct socket *socket, int level, int name, void *value, size_t len);
void datagram_resized(struct socket *socket);
int datagram_refuse_listen(struct socket *socket, int backlog);
int datagram_refuse_accept(struct socket *socket, bool nonblock, struct socket **accepted);
/* For inet_proto. */
void datagram_describe(struct inet_socket *s, struct inet_description *d);
