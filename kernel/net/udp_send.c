/* net/udp_send.c: datagrams on their way out. */
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/uaccess.h"
#include "net/inet6.h"
#include "net/mib.h"
#include "net/udp.h"

enum { SOL_UDP = 17, UDP_SEGMENT = 103, CHECKSUM_AT = 6 };

/* Where one datagram goes. */
struct target {
    struct ip_flow *flow;
    unsigned port;
    uint16_t gso;
};

static int set_segment(const struct control_message *control, void *arg)
{
    struct target *target = arg;
    if (control->level != SOL_UDP)
        return 0;
    if (control->type != UDP_SEGMENT || control->len != sizeof(target->gso))
        return -EINVAL;
    memcpy(&target->gso, control->data, sizeof(target->gso));
    return 0;
}

/* --- the destination
 * ---------------------------------------------------------------------------------------- */

/* The address of a sendto: 0 with ip set, 1: the peer. */
static int get_destination(const struct udp_socket *u, const struct socket_address *address,
                           struct inet_addr *ip, unsigned *port, uint32_t *scope)
{
    struct socket_address as_inet;
    const struct inet_socket *s = &u->datagram.inet;
    if (!address || (!address->len && s->socket.family == AF_INET6))
        return 1;
    if (s->socket.family == AF_INET && address->len < sizeof(struct sockaddr_in))
        return -EINVAL;
    if (s->socket.family == AF_INET && address->family == AF_UNSPEC) {
        as_inet = *address;
        as_inet.family = AF_INET;
        address = &as_inet;
    }
    int err = inet_destination_get(s, address, ip, port, scope);
    if (err == -EAFNOSUPPORT && s->socket.family == AF_INET6)
        err = -EINVAL;
    return !err && !*port ? -EINVAL : err;
}

/* The cached way, if it is the one to this destination. */
static struct ip_flow *find_way(struct udp_socket *u, const struct inet_addr *ip, uint32_t scope,
                                int *err)
{
    *err = 0;
    if (u->way_version == u->datagram.inet.options.version && u->way_scope == scope &&
        inet_equal(&u->way.destination, ip))
        return &u->way;
    u->way_version = 0;
    *err = inet_flow(udp_inet(u), &u->way, ip, scope);
    if (*err)
        return NULL;
    u->way_version = u->datagram.inet.options.version;
    u->way_scope = scope;
    return &u->way;
}

/* --- the packet
 * ------------------------------------------------------------------------------------------- */

static void put_header(struct packet *packet, const struct udp_socket *u, unsigned port,
                       const struct ip_flow *flow)
{
    uint8_t *header = packet_push(packet, UDP_HLEN);
    bool v4 = inet_is_v4(&flow->destination);
    uint32_t sum = ip_pseudo_sum(&flow->source, &flow->destination, IPPROTO_UDP, packet->total);
    put_be16(header, u->datagram.inet.local_port);
    put_be16(header + 2, (uint16_t)port);
    put_be16(header + 4, (uint16_t)packet->total);
    put_le16(header + CHECKSUM_AT, 0);
    if (v4 ? socket_flag(&u->datagram.inet.socket, SO_NO_CHECK) : u->no_check6_tx)
        return;
    packet->checksum = CHECKSUM_PARTIAL;
    packet->csum_start = 0;
    packet->csum_offset = CHECKSUM_AT;
    put_le16(header + CHECKSUM_AT, (uint16_t)~checksum_fold(sum));
}

/* One packet of many datagrams, which the device or the stack cuts up. */
static int set_gso(struct packet *packet, const struct udp_socket *u, const struct target *target)
{
    unsigned payload = packet->total - UDP_HLEN;
    if (!target->gso || payload <= target->gso)
        return 0;
    if (payload > (unsigned)target->gso * UDP_SEGMENTS_MAX ||
        target->gso + UDP_HLEN + ip_header_len(target->flow) > target->flow->mtu)
        return -EINVAL;
    if (packet->checksum != CHECKSUM_PARTIAL)
        return -EINVAL;
    if (target->flow->options_len && !inet_is_v4(&target->flow->destination))
        return -EIO; /* devices would not find the header */
    packet->gso = GSO_UDP;
    packet->gso_size = target->gso;
    packet->header_len = UDP_HLEN;
    return 0;
}

static int told_error(struct udp_socket *u, const struct target *target, int err)
{
    bool v4 = inet_is_v4(&target->flow->destination);
    bool wants =
        v4 ? u->datagram.inet.options.receive_error : u->datagram.inet.options.receive_error6;
    if (err == -EMSGSIZE)
        inet_tell_too_big(udp_inet(u), target->flow, target->port);
    if (err != -ENOBUFS)
        return err;
    if (v4)
        MIB(UDP_SNDBUF_ERRORS);
    else
        MIB(UDP6_SNDBUF_ERRORS);
    return wants ? err : 0;
}

/* Send a packet that holds the payload; takes it. Socket locked. */
static int transmit(struct udp_socket *u, const struct target *target, struct packet *packet)
{
    struct ip_flow *flow = target->flow;
    int err = ip_route(flow);
    if (!err) {
        put_header(packet, u, target->port, flow);
        err = set_gso(packet, u, target);
    }
    if (err) {
        packet_free(packet);
        return err;
    }
    struct packet *copy = inet_stamp_begin(udp_inet(u), flow, packet);
    if (inet_is_v4(&flow->destination))
        MIB(UDP_OUT_DATAGRAMS);
    else
        MIB(UDP6_OUT_DATAGRAMS);
    err = ip_output(flow, packet);
    inet_stamp_end(udp_inet(u), flow, copy, err);
    return unlikely(err) ? told_error(u, target, err) : 0;
}

/* The payload in a packet of its own, with room for headers. */
static int make_packet(struct message *message, size_t room, struct packet **made)
{
    size_t n = message->io.left;
    struct packet *packet = packet_alloc(PACKET_HEADROOM, (unsigned)room);
    if (!packet)
        return -ENOBUFS;
    if (io_get(&message->io, packet_append(packet, (unsigned)n), n) != n) {
        packet_free(packet);
        return -EFAULT;
    }
    *made = packet;
    return 0;
}

/* --- MSG_MORE, UDP_CORK
 * ----------------------------------------------------------------------------------- */

void udp_drop_cork(struct udp_socket *u)
{
    packet_free(u->cork);
    kfree((void *)u->cork_flow.options);
    u->cork = NULL;
    u->cork_flow.options = NULL;
}

int udp_push(struct udp_socket *u)
{
    struct packet *packet = u->cork;
    if (!packet)
        return 0;
    u->cork = NULL;
    int err = transmit(u, &(struct target){&u->cork_flow, u->cork_port, u->cork_gso}, packet);
    kfree((void *)u->cork_flow.options);
    u->cork_flow.options = NULL;
    return err;
}

/* Headers as they are now, whatever becomes of the socket's and the message's. */
static bool keep_options(struct ip_flow *flow)
{
    const void *from = flow->options;
    void *copy = NULL;
    if (!flow->options_len)
        from = NULL;
    else if (!inet_is_v4(&flow->destination))
        copy = ipv6_headers_copy(from);
    else if ((copy = kmalloc(flow->options_len)))
        memcpy(copy, from, flow->options_len);
    flow->options = copy;
    return copy || !from;
}

/* IPv6 does not count its header (RFC 8200, 3). */
static size_t payload_max(const struct ip_flow *flow)
{
    return inet_is_v4(&flow->destination) ? UDP_PAYLOAD_MAX : 0xffff - UDP_HLEN;
}

static int begin_cork(struct udp_socket *u, const struct target *target, struct message *message)
{
    size_t room = payload_max(target->flow);
    int err = message->io.left > room ? -EMSGSIZE : make_packet(message, room, &u->cork);
    if (err)
        return err;
    u->cork_flow = *target->flow;
    if (!keep_options(&u->cork_flow)) {
        udp_drop_cork(u);
        return -ENOBUFS;
    }
    u->cork_port = (uint16_t)target->port;
    u->cork_gso = target->gso;
    return 0;
}

/* A failure takes with it what was there. */
static int append_cork(struct udp_socket *u, struct message *message)
{
    struct packet *packet = u->cork;
    size_t n = message->io.left;
    int err = 0;
    if (n > packet_tailroom(packet) || packet->total + n > payload_max(&u->cork_flow))
        err = -EMSGSIZE;
    else if (io_get(&message->io, packet_append(packet, (unsigned)n), n) != n)
        err = -EFAULT;
    if (err)
        udp_drop_cork(u);
    return err;
}

/* --- sending
 * ---------------------------------------------------------------------------------------------- */

/* What a send must find before it begins. Socket locked. */
static int check_send(struct udp_socket *u, struct ip_flow *flow)
{
    if (unlikely(atomic_load_explicit(&u->datagram.inet.socket.error, memory_order_relaxed)))
        return ip_route(flow) ?: -atomic_exchange(&u->datagram.inet.socket.error, 0);
    return u->datagram.shut_write ? -EPIPE : 0;
}

/* packet: the payload, taken; NULL: it goes into the cork. What UDP_CORK says may have changed
 * since that was chosen. */
static int send_to(struct udp_socket *u, struct message *message, struct target *target,
                   struct packet *packet, uint32_t scope, const struct inet_addr *ip)
{
    struct ip_flow own;
    struct ipv6_headers headers;
    int err = udp_autobind(u);
    if (!err)
        target->flow = find_way(u, ip, scope, &err);
    if (!err && unlikely(message->sent_size || message->flags & MSG_DONTROUTE ||
                         udp_inet(u)->options.receive & INET_FLOWINFO_SEND)) {
        err = inet_flow(udp_inet(u), &own, ip, scope);
        target->flow = &own;
        headers = (struct ipv6_headers){};
        if (!err)
            err = inet_message_flow(udp_inet(u), message, &own, &headers, set_segment, target);
    }
    if (!err)
        err = check_send(u, target->flow);
    if (!err && unlikely(message->flags & MSG_PROBE))
        err = ip_route(target->flow);
    else if (!err)
        return packet ? transmit(u, target, packet) : begin_cork(u, target, message);
    packet_free(packet);
    return err;
}

static bool is_corked(const struct udp_socket *u, const struct message *message)
{
    return u->corks || message->flags & MSG_MORE || u->cork;
}

static ssize_t send_corked(struct udp_socket *u, struct message *message, struct target *target,
                           uint32_t scope, const struct inet_addr *ip)
{
    size_t n = message->io.left;
    inet_lock(udp_inet(u));
    bool more = u->corks || message->flags & MSG_MORE;
    int err = u->cork ? append_cork(u, message) : send_to(u, message, target, NULL, scope, ip);
    if (!err && u->cork && !more)
        err = udp_push(u);
    inet_unlock(udp_inet(u));
    return err ? err : (ssize_t)n;
}

static ssize_t send_unusual(struct socket *socket, struct message *message)
{
    struct inet_socket *s = inet_of(socket);
    ssize_t n;
    if (message->flags & MSG_OOB)
        return -EOPNOTSUPP;
    message->flags &= ~MSG_ZEROCOPY;
    n = udp_send(socket, message);
    if (n > 0) {
        inet_lock(s);
        inet_tell_copied(s);
        inet_unlock(s);
    }
    return n;
}

/* Whoever has asked to send has a port from then on. */
static __cold ssize_t refuse(struct udp_socket *u, int err)
{
    inet_lock(udp_inet(u));
    int none = udp_autobind(u);
    inet_unlock(udp_inet(u));
    return none ?: err;
}

ssize_t udp_send(struct socket *socket, struct message *message)
{
    struct inet_socket *s = inet_of(socket);
    struct udp_socket *u = udp_of(s);
    struct target target = {.gso = u->gso_size};
    struct packet *packet = NULL;
    struct inet_addr ip;
    uint32_t scope;
    size_t n = message->io.left;
    if (n > 0xffff)
        return -EMSGSIZE;
    if (unlikely(message->flags & (MSG_OOB | MSG_ZEROCOPY)))
        return send_unusual(socket, message);
    int err = get_destination(u, message->address, &ip, &target.port, &scope);
    if (err == 1) {
        if (!u->datagram.connected && !u->cork)
            return refuse(u, -EDESTADDRREQ);
        ip = s->remote;
        target.port = s->remote_port;
        scope = s->scope;
    } else if (err) {
        return refuse(u, err);
    }
    if (unlikely(is_corked(u, message)))
        return send_corked(u, message, &target, scope, &ip);
    if (n > UDP_PAYLOAD_MAX && inet_is_v4(&ip))
        return -EMSGSIZE;
    int fault = message->flags & MSG_PROBE ? 0 : make_packet(message, n, &packet);
    if (unlikely(fault == -EFAULT)) /* other mistakes come first */
        message->flags |= MSG_PROBE;
    else if (fault)
        return fault;
    inet_lock(s);
    err = send_to(u, message, &target, packet, scope, &ip) ?: fault;
    inet_unlock(s);
    return err ? err : (ssize_t)n;
}
