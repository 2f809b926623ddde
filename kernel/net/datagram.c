#include "net/datagram.h"

#include "core/clock.h"
#include "mm/uaccess.h"
#include "net/filter.h"
#include "net/inet6.h"

enum { FIONREAD = 0x541b, TIOCOUTQ = 0x5411 };
enum { SOL_UDP = 17, UDP_GRO = 104 };
enum { PACKET_COST = 512 }; /* memory of a packet beside its bytes, roughly as on Linux */

void datagram_init(struct datagram_socket *d)
{
    d->peek_offset = -1;
    datagram_resized(&d->inet.socket);
}

void datagram_purge(struct datagram_socket *d)
{
    packet_queue_purge(&d->queue);
    d->charged = 0;
}

void datagram_end(struct datagram_socket *d)
{
    datagram_purge(d);
    inet_options_end(&d->inet);
    socket_filter_free(&d->inet.socket);
}

static void wake_readers(struct inet_socket *s)
{
    waitqueue_wake(&s->readers, 1, POLLIN | POLLRDNORM);
}

void datagram_enqueue(struct datagram_socket *d, struct packet *packet, unsigned source_port,
                      unsigned destination_port)
{
    struct inet_socket *s = &d->inet;
    struct inet_queued *queued = (struct inet_queued *)packet->scratch;
    queued->drops = atomic_load_explicit(&s->drops, memory_order_relaxed);
    queued->source_port = (uint16_t)source_port;
    queued->destination_port = (uint16_t)destination_port;
    if (unlikely(socket_wants_stamps(&s->socket)) && !packet->stamp)
        packet->stamp = clock_realtime();
    d->charged += packet->total + PACKET_COST;
    packet_enqueue(&d->queue, packet);
    wake_readers(s);
}

/* --- reading
 * ---------------------------------------------------------------------------------------------- */

static bool may_read(struct inet_socket *s)
{
    struct datagram_socket *d = datagram_of(s);
    return d->queue.first || d->shut_read || atomic_load(&s->socket.error);
}

/* Socket locked: the packet to read next; NULL and *err: none (0: the end). */
static struct packet *next_packet(struct datagram_socket *d, const struct message *message,
                                  nsec_t deadline, int *err)
{
    struct inet_socket *s = &d->inet;
    for (;;) {
        *err = -atomic_exchange(&s->socket.error, 0);
        if (*err || d->queue.first)
            return *err ? NULL : d->queue.first;
        inet_drain(s);
        if (d->queue.first)
            return d->queue.first;
        if (message->nonblock)
            *err = -EAGAIN;
        if (*err || d->shut_read)
            return NULL;
        *err = inet_wait(s, &s->readers, may_read, deadline);
        if (*err) {
            *err = socket_wait_error(*err, deadline);
            return NULL;
        }
    }
}

int datagram_copy(struct message *message, const struct packet *packet, size_t skip, size_t n)
{
    for (const struct packet *piece = packet; piece && n; piece = piece->more) {
        if (skip >= piece->len) {
            skip -= piece->len;
            continue;
        }
        size_t part = MIN(piece->len - skip, n);
        if (io_put(&message->io, piece->data + skip, part) != part)
            return -EFAULT;
        skip = 0;
        n -= part;
    }
    return 0;
}

static void put_source(struct inet_socket *s, struct message *message, const struct packet *packet)
{
    const struct inet_queued *queued = (const struct inet_queued *)packet->scratch;
    struct inet_addr source = ip_source(packet);
    inet_address_put(s, message->address, &source, queued->source_port,
                     packet->netif ? packet->netif->index : 0);
}

static int put_gro(struct message *message, const struct packet *packet)
{
    int size = packet->gso_size;
    return message_put_control(message, SOL_UDP, UDP_GRO, &size, sizeof(size));
}

static ssize_t hand_out(struct datagram_socket *d, struct message *message,
                        const struct packet *packet)
{
    const struct inet_queued *queued = (const struct inet_queued *)packet->scratch;
    bool peek = message->flags & MSG_PEEK;
    size_t skip = peek && d->peek_offset > 0 ? MIN((size_t)d->peek_offset, packet->total) : 0;
    size_t len = packet->total - skip, n = MIN(len, message->io.left);
    int err = datagram_copy(message, packet, skip, n);
    if (!err && n < len)
        message->result |= MSG_TRUNC;
    if (!err && message->address)
        put_source(&d->inet, message, packet);
    if (!err)
        err = inet_put_control(&d->inet, message, packet, queued->destination_port);
    if (!err && packet->gso == GSO_UDP)
        err = put_gro(message, packet);
    if (!err && peek && d->peek_offset >= 0)
        d->peek_offset += (int)n;
    if (err)
        return err;
    return (ssize_t)(message->flags & MSG_TRUNC ? len : n);
}

static void take_out(struct datagram_socket *d)
{
    struct packet *packet = packet_dequeue(&d->queue);
    d->charged -= packet->total + PACKET_COST;
    if (d->peek_offset > 0)
        d->peek_offset = MAX(d->peek_offset - (int)packet->total, 0);
    if (d->queue.first) /* whoever else waits may have the next */
        wake_readers(&d->inet);
}

ssize_t datagram_receive(struct socket *socket, struct message *message)
{
    struct inet_socket *s = inet_of(socket);
    struct datagram_socket *d = datagram_of(s);
    nsec_t deadline = socket_deadline(socket->receive_timeout);
    int err;
    if (unlikely(message->flags & MSG_ERRQUEUE))
        return inet_receive_error(s, message);
    if (unlikely(s->options.receive & INET_RECEIVE6_PATHMTU)) {
        ssize_t told = inet6_receive_path_mtu(s, message);
        if (told != -EAGAIN)
            return told;
    }
    inet_lock(s);
    struct packet *packet = next_packet(d, message, deadline, &err);
    ssize_t n = err;
    if (packet && message->flags & MSG_PEEK) {
        n = hand_out(d, message, packet);
        packet = NULL;
    } else if (packet) {
        take_out(d);
    }
    inet_unlock(s);
    if (packet) {
        n = hand_out(d, message, packet);
        packet_free(packet);
    }
    return n;
}

int datagram_shutdown(struct socket *socket, int how)
{
    struct inet_socket *s = inet_of(socket);
    struct datagram_socket *d = datagram_of(s);
    inet_lock(s);
    int err = d->connected ? 0 : -ENOTCONN;
    if (how != SHUT_WR)
        d->shut_read = true;
    if (how != SHUT_RD)
        d->shut_write = true;
    inet_unlock(s);
    waitqueue_wake(&s->readers, 0, POLLIN | POLLRDNORM | POLLRDHUP | POLLHUP);
    return err;
}

/* --- asking and telling
 * ----------------------------------------------------------------------------------- */

unsigned datagram_poll(struct socket *socket, struct poll_table *table)
{
    struct inet_socket *s = inet_of(socket);
    struct datagram_socket *d = datagram_of(s);
    poll_wait(table, &s->readers);
    if (!inet_settled(s)) {
        inet_lock(s);
        inet_unlock(s);
    }
    unsigned events = POLLOUT | POLLWRNORM | POLLWRBAND | inet_poll_errors(s);
    if (d->queue.first)
        events |= POLLIN | POLLRDNORM;
    if (d->shut_read)
        events |= POLLRDHUP | POLLIN | POLLRDNORM;
    if (d->shut_read && d->shut_write)
        events |= POLLHUP;
    return events;
}

int64_t datagram_ioctl(struct socket *socket, unsigned cmd, uintptr_t arg)
{
    struct inet_socket *s = inet_of(socket);
    struct datagram_socket *d = datagram_of(s);
    if (cmd == TIOCOUTQ)
        return user_put32(arg, 0); /* what is sent is the device's at once */
    if (cmd != FIONREAD)
        return inet_op_ioctl(socket, cmd, arg);
    inet_lock(s);
    uint32_t n = d->queue.first ? d->queue.first->total : 0;
    inet_unlock(s);
    return user_put32(arg, n);
}

__cold int datagram_set_option(struct socket *socket, int level, int name, const void *value,
                               size_t len)
{
    struct inet_socket *s = inet_of(socket);
    int offset;
    if (level != SOL_SOCKET || name != SO_PEEK_OFF || socket->type != SOCK_DGRAM)
        return inet_op_set_option(socket, level, name, value, len);
    if (len < sizeof(offset))
        return -EINVAL;
    memcpy(&offset, value, sizeof(offset));
    inet_lock(s);
    datagram_of(s)->peek_offset = offset;
    inet_unlock(s);
    return 0;
}

int datagram_get_option(struct socket *socket, int level, int name, void *value, size_t len)
{
    if (level != SOL_SOCKET || name != SO_PEEK_OFF || socket->type != SOCK_DGRAM)
        return inet_op_get_option(socket, level, name, value, len);
    len = MIN(len, sizeof(int));
    memcpy(value, &datagram_of(inet_of(socket))->peek_offset, len);
    return (int)len;
}

void datagram_resized(struct socket *socket)
{
    inet_of(socket)->channel_limit = MAX(socket->receive_buffer, (uint32_t)SOCKET_BUFFER);
}

int datagram_refuse_listen(struct socket *socket, int backlog)
{
    return -EOPNOTSUPP;
}

int datagram_refuse_accept(struct socket *socket, bool nonblock, struct socket **accepted)
{
    return -EOPNOTSUPP;
}

void datagram_describe(struct inet_socket *s, struct inet_description *d)
{
    enum { CONNECTED = 1, CLOSED = 7 };
    d->state = datagram_of(s)->connected ? CONNECTED : CLOSED;
    d->receive_queue = (uint32_t)datagram_of(s)->charged;
}
