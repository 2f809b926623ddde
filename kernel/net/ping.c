/* net/ping.c: SOCK_DGRAM with IPPROTO_ICMP or IPPROTO_ICMPV6: echoes for everybody whose group may
 * (man 7 icmp, ping_group_range). The kernel puts the identifier, which is the socket's port, and
 * the checksum in. */
#include "core/boot.h"
#include "core/random.h"
#include "lib/string.h"
#include "net/filter.h"
#include "net/inet6.h"
#include "net/raw.h"

enum { ECHO_REPLY4 = 0, ECHO4 = 8, ECHO6 = 128, ECHO_REPLY6 = 129, ICMP_HLEN = 8, TRIES = 64 };

uint32_t ping_group_low = 0, ping_group_high = INT32_MAX;

static bool in_groups(const struct credentials *cred)
{
    if (cred->egid >= ping_group_low && cred->egid <= ping_group_high)
        return true;
    for (unsigned i = 0; cred->groups && i < cred->groups->n; i++)
        if (cred->groups->ids[i] >= ping_group_low && cred->groups->ids[i] <= ping_group_high)
            return true;
    return false;
}

bool ping_wants(const struct raw_socket *r, const struct packet *packet)
{
    unsigned reply = ip_packet_is_v4(packet) ? ECHO_REPLY4 : ECHO_REPLY6;
    return packet->len >= ICMP_HLEN && packet->data[0] == reply &&
           get_be16(packet->data + 4) == r->datagram.inet.local_port;
}

static bool has_good_checksum(const struct packet *packet)
{
    uint32_t sum = 0;
    if (packet->checksum != CHECKSUM_NONE)
        return true;
    if (!ip_packet_is_v4(packet)) {
        struct inet_addr source = ip_source(packet), destination = ip_destination(packet);
        sum = ip_pseudo_sum(&source, &destination, IPPROTO_ICMPV6, packet->total);
    }
    return checksum_fold(packet_sum(sum, packet, 0, packet->total)) == 0;
}

static bool ping_input(struct inet_socket *s, struct packet *packet)
{
    struct raw_socket *r = raw_of(s);
    if (!has_good_checksum(packet) || !datagram_has_room(&r->datagram) ||
        (s->socket.filter && !socket_filter_packet(&s->socket, packet, ICMP_HLEN))) {
        atomic_fetch_add_explicit(&s->drops, 1, memory_order_relaxed);
        packet_free(packet);
        return true;
    }
    datagram_enqueue(&r->datagram, packet, 0, 0);
    return true;
}

/* --- identifiers
 * ------------------------------------------------------------------------------------------ */

static bool has_same_identifier(const struct raw_socket *r, const struct raw_socket *other)
{
    const struct inet_socket *a = &r->datagram.inet, *b = &other->datagram.inet;
    return other->ping && a->socket.family == b->socket.family && a->local_port == b->local_port &&
           !(a->reuse_address && b->reuse_address);
}

/* Socket locked. */
static int take_identifier(struct raw_socket *r, unsigned wanted)
{
    struct inet_socket *s = raw_inet(r);
    int err = -EADDRINUSE;
    for (unsigned i = 0; i < TRIES && err; i++) {
        s->local_port = wanted ? (uint16_t)wanted : (uint16_t)(random_u64() % 0xffff + 1);
        err = raw_enter(r, has_same_identifier);
        if (wanted)
            break;
    }
    if (err)
        s->local_port = 0;
    return err;
}

static int ping_bind(struct socket *socket, const struct socket_address *address)
{
    struct inet_socket *s = inet_of(socket);
    struct inet_addr ip;
    unsigned port;
    inet_lock(s);
    int err = inet_bind_address(s, address, &ip, &port);
    if (!err && s->local_port)
        err = -EINVAL;
    if (!err && (!inet_may_bind(s, &ip) || inet_is_multicast(&ip)))
        err = -EADDRNOTAVAIL;
    if (!err)
        err = take_identifier(raw_of(s), port);
    if (!err) {
        s->local = ip;
        s->bound_address = !inet_is_any(&ip);
    }
    inet_unlock(s);
    return err;
}

static int ping_connect(struct socket *socket, const struct socket_address *address, bool nonblock)
{
    struct inet_socket *s = inet_of(socket);
    int err = 0;
    inet_lock(s);
    if (!s->local_port)
        err = take_identifier(raw_of(s), 0);
    inet_unlock(s);
    return err ? err : raw_connect(socket, address, nonblock);
}

/* --- sending
 * ---------------------------------------------------------------------------------------------- */

static int check_echo(const struct inet_socket *s, const struct packet *packet)
{
    unsigned echo = s->socket.family == AF_INET ? ECHO4 : ECHO6;
    if (packet->total < ICMP_HLEN)
        return -EINVAL;
    return packet->data[0] != echo || packet->data[1] != 0 ? -EINVAL : 0;
}

static void put_checksum(struct packet *packet, const struct ip_flow *flow)
{
    uint32_t sum = 0;
    put_le16(packet->data + 2, 0);
    if (!inet_is_v4(&flow->destination))
        sum = ip_pseudo_sum(&flow->source, &flow->destination, IPPROTO_ICMPV6, packet->total);
    put_le16(packet->data + 2, checksum_fold(packet_sum(sum, packet, 0, packet->total)));
}

static int transmit(struct raw_socket *r, const struct message *message, struct packet *packet)
{
    struct inet_socket *s = raw_inet(r);
    struct ipv6_headers headers = {};
    struct ip_flow flow;
    unsigned port;
    int err = check_echo(s, packet);
    if (!err)
        err = raw_destination(r, message, &flow, &headers, &port);
    if (!err && s->socket.family == AF_INET6)
        flow.options_len = 0; /* Linux looks at them, and sends none */
    if (!err && !s->local_port)
        err = take_identifier(r, 0);
    if (!err)
        err = ip_route(&flow);
    if (err) {
        packet_free(packet);
        return err;
    }
    put_be16(packet->data + 4, s->local_port);
    put_checksum(packet, &flow);
    struct packet *copy = inet_stamp_begin(s, &flow, packet);
    err = ip_output(&flow, packet);
    inet_stamp_end(s, &flow, copy, err);
    return err;
}

static ssize_t ping_send(struct socket *socket, struct message *message)
{
    return raw_send_by(socket, message, transmit);
}

/* --- life
 * -------------------------------------------------------------------------------------------------
 */

static const struct inet_proto ping_proto = {
    .number = IPPROTO_ICMP,
    .input = ping_input,
    .free = raw_free,
    .describe = datagram_describe,
};

static const struct socket_ops ping_ops = {
    .bind = ping_bind,
    .listen = datagram_refuse_listen,
    .connect = ping_connect,
    .accept = datagram_refuse_accept,
    .name = inet_op_name,
    .send = ping_send,
    .receive = datagram_receive,
    .shutdown = datagram_shutdown,
    .poll = datagram_poll,
    .ioctl = datagram_ioctl,
    .set_option = datagram_set_option,
    .get_option = datagram_get_option,
    .resized = datagram_resized,
    .release = raw_release,
    .control = true,
};

static int ping_create(int family, int protocol, struct socket **socket)
{
    struct raw_socket *r;
    if ((family == AF_INET) != (protocol == IPPROTO_ICMP))
        return -EPROTONOSUPPORT;
    if (!in_groups(vfs_caller_hook()->cred))
        return -EACCES;
    int err = raw_make(family, SOCK_DGRAM, protocol, &ping_ops, &ping_proto, &r);
    if (err)
        return err;
    r->ping = true;
    *socket = &raw_inet(r)->socket;
    return 0;
}

static int start(void)
{
    static struct inet_kind ping4 = {.type = SOCK_DGRAM,
                                     .protocol = IPPROTO_ICMP,
                                     .create = ping_create},
                            ping6 = {.type = SOCK_DGRAM,
                                     .protocol = IPPROTO_ICMPV6,
                                     .create = ping_create};
    inet_kind_register(&ping4);
    inet_kind_register(&ping6);
    return 0;
}
BOOT_STEP(PHASE_BUS, "ping sockets", start);
