/* net/udp.c: UDP sockets: life, arrivals, reading, options. */
#include "net/udp.h"

#include "core/boot.h"
#include "core/rcu.h"
#include "core/thread.h"
#include "mm/heap.h"
#include "mm/uaccess.h"
#include "net/filter.h"
#include "net/igmp.h"
#include "net/inet6.h"
#include "net/mib.h"

enum {
    SOL_UDP = 17,
    UDP_CORK = 1,
    UDP_ENCAP_L2TP = 3,
    UDPLITE_SEND_CSCOV = 10,
    UDPLITE_RECV_CSCOV = 11,
    UDP_ENCAP = 100,
    UDP_NO_CHECK6_TX = 101,
    UDP_NO_CHECK6_RX = 102,
    UDP_SEGMENT = 103,
    UDP_GRO = 104,
};

static const struct inet_proto udp_proto;
static const struct socket_ops udp_ops;

/* A counter of either family. */
#define COUNT(v4, id)                                                                              \
    do {                                                                                           \
        if (v4)                                                                                    \
            MIB(UDP_##id);                                                                         \
        else                                                                                       \
            MIB(UDP6_##id);                                                                        \
    } while (0)

static unsigned source_port(const struct packet *packet)
{
    return get_be16(packet->data);
}

static unsigned destination_port(const struct packet *packet)
{
    return get_be16(packet->data + 2);
}

/* --- arrivals
 * --------------------------------------------------------------------------------------------- */

/* The header in one piece and a length that fits, what lies behind it cut off. */
static bool is_sound(struct packet *packet)
{
    if (!packet_pull_up(packet, UDP_HLEN))
        return false;
    unsigned len = get_be16(packet->data + 4);
    if (packet->gso == GSO_UDP)
        return packet->total >= UDP_HLEN;
    if (len == 0 && !ip_packet_is_v4(packet)) /* a jumbogram: none come here */
        return false;
    if (len < UDP_HLEN || len > packet->total)
        return false;
    if (len < packet->total)
        packet_trim(packet, len);
    return true;
}

static bool has_good_checksum(const struct packet *packet, bool zero6_ok)
{
    if (packet->checksum != CHECKSUM_NONE)
        return true;
    bool v4 = ip_packet_is_v4(packet);
    if (get_be16(packet->data + 6) == 0)
        return v4 || zero6_ok;
    struct inet_addr source = ip_source(packet), destination = ip_destination(packet);
    uint32_t sum = ip_pseudo_sum(&source, &destination, IPPROTO_UDP, packet->total);
    return checksum_fold(packet_sum(sum, packet, 0, packet->total)) == 0;
}

static bool hops_suffice(const struct inet_socket *s, const struct packet *packet)
{
    unsigned least = ip_packet_is_v4(packet) ? s->options.min_ttl : s->options.min_hops;
    return likely(!least) || ip_ttl(packet) >= least;
}

/* 0, or why the packet does not get into the queue. */
static int check_arrival(struct udp_socket *u, struct packet *packet)
{
    struct inet_socket *s = udp_inet(u);
    if (!is_sound(packet))
        return -EBADMSG;
    if (!has_good_checksum(packet, u->no_check6_rx))
        return -EIO;
    if (!hops_suffice(s, packet))
        return -EPERM;
    if (unlikely(s->socket.filter != NULL) && !socket_filter_packet(&s->socket, packet, UDP_HLEN))
        return -EPERM;
    return datagram_has_room(&u->datagram) ? 0 : -ENOBUFS;
}

static __cold void count_drop(struct inet_socket *s, const struct packet *packet, int why)
{
    bool v4 = !packet->network || ip_packet_is_v4(packet);
    atomic_fetch_add_explicit(&s->drops, 1, memory_order_relaxed);
    if (why == -ENOBUFS)
        COUNT(v4, RCVBUF_ERRORS);
    if (why == -EIO)
        COUNT(v4, IN_CSUM_ERRORS);
    COUNT(v4, IN_ERRORS);
}

/* One that was never cut into datagrams (loopback), for a reader who does not want it whole. */
static void enqueue_segments(struct udp_socket *u, struct packet *packet, unsigned source,
                             unsigned destination)
{
    unsigned size = packet->gso_size, total = packet->total;
    packet->gso = GSO_NONE;
    packet->header_len = 0; /* they did not come in fragments (IP_RECVFRAGSIZE) */
    for (unsigned at = 0; at < total; at += size) {
        struct packet *segment = packet_clone(packet);
        if (!segment || !datagram_has_room(&u->datagram)) {
            count_drop(udp_inet(u), packet, segment ? -ENOBUFS : -ENOMEM);
            packet_free(segment);
            break;
        }
        packet_skip(segment, at);
        packet_trim(segment, MIN(size, total - at));
        datagram_enqueue(&u->datagram, segment, source, destination);
    }
    packet_free(packet);
}

static bool udp_input(struct inet_socket *s, struct packet *packet)
{
    struct udp_socket *u = udp_of(s);
    int err = check_arrival(u, packet);
    if (unlikely(err)) {
        count_drop(s, packet, err);
        packet_free(packet);
        return true;
    }
    if (ip_packet_is_v4(packet))
        MIB(UDP_IN_DATAGRAMS);
    else
        MIB(UDP6_IN_DATAGRAMS);
    unsigned source = source_port(packet), destination = destination_port(packet);
    packet_skip(packet, UDP_HLEN);
    if (unlikely(packet->gso == GSO_UDP && !u->gro))
        enqueue_segments(u, packet, source, destination);
    else
        datagram_enqueue(&u->datagram, packet, source, destination);
    return true;
}

/* Is it for everybody who listens? */
static bool is_for_many(const struct packet *packet, const struct inet_addr *destination)
{
    if (inet_is_multicast(destination) || inet_is_limited_broadcast(destination))
        return true;
    return inet_is_v4(destination) && route_kind(destination, packet->netif) == RTN_BROADCAST;
}

struct delivery {
    const struct packet *packet;
    struct inet_addr source, destination;
    bool any;
};

static void deliver_copy(struct inet_socket *s, void *arg)
{
    struct delivery *delivery = arg;
    if (inet_is_multicast(&delivery->destination) &&
        !multicast_wanted(s, &delivery->destination, &delivery->source, delivery->packet->netif))
        return;
    struct packet *copy = packet_clone(delivery->packet);
    delivery->any = true;
    if (copy)
        channel_push(s, copy);
}

static void deliver_to_many(struct packet *packet, const struct inet_addr *source,
                            const struct inet_addr *destination)
{
    struct delivery delivery = {packet, *source, *destination, false};
    inet_find_all(IPPROTO_UDP, packet, destination_port(packet), source_port(packet), deliver_copy,
                  &delivery);
    if (!delivery.any)
        COUNT(inet_is_v4(destination), IGNORED_MULTI);
    packet_free(packet);
}

/* Is it sound, and nobody's? */
static bool is_refused(struct packet *packet, bool v4)
{
    bool sound = is_sound(packet) && has_good_checksum(packet, false);

    if (sound)
        COUNT(v4, NO_PORTS);
    else
        COUNT(v4, IN_ERRORS);
    return sound;
}

static void refuse(struct packet *packet, bool v4)
{
    if (is_refused(packet, v4))
        ip_complain(packet, COMPLAIN_PORT, 0);
    packet_free(packet);
}

/* In the worker: what was not claimed on the short way. */
static void udp_receive(struct packet *packet)
{
    if (!packet_pull_up(packet, UDP_HLEN)) {
        COUNT(ip_packet_is_v4(packet), IN_ERRORS);
        packet_free(packet);
        return;
    }
    struct inet_addr source = ip_source(packet), destination = ip_destination(packet);
    rcu_read_lock();
    if (is_for_many(packet, &destination)) {
        deliver_to_many(packet, &source, &destination);
    } else {
        struct inet_socket *s = inet_find(IPPROTO_UDP, &source, source_port(packet), &destination,
                                          destination_port(packet), packet->netif, packet);
        if (s)
            channel_push(s, packet);
        else
            refuse(packet, inet_is_v4(&destination));
    }
    rcu_read_unlock();
}

/* On the short way: broadcasts look like other addresses, so what may be one goes to the worker. */
static bool is_for_one(const struct packet *packet, const struct inet_addr *destination)
{
    return packet->len >= UDP_HLEN && packet->kind == PACKET_HOST &&
           !inet_is_multicast(destination) && destination->bytes[15] != 255;
}

static struct inet_socket *udp_classify(const struct packet *packet, const struct inet_addr *source,
                                        const struct inet_addr *destination)
{
    if (!is_for_one(packet, destination))
        return NULL;
    return inet_find(IPPROTO_UDP, source, source_port(packet), destination,
                     destination_port(packet), packet->netif, packet);
}

/* A flood to a closed port. */
static bool udp_shed(struct packet *packet, const struct inet_addr *source,
                     const struct inet_addr *destination)
{
    if (!is_for_one(packet, destination) || packet->netif == loopback || ip_would_complain(source))
        return false;
    is_refused(packet, inet_is_v4(destination));
    return true;
}

/* --- errors that ICMP reports
 * ------------------------------------------------------------------------------ */

static void take_error(struct inet_socket *s, const struct ip_error *error, unsigned port)
{
    bool v4 = inet_is_v4(&error->destination);
    bool told = v4 ? s->options.receive_error : s->options.receive_error6, fatal = error->fatal;
    if (error->err == EMSGSIZE) {
        if ((v4 ? s->options.pmtudisc : s->options.pmtudisc6) == PMTUDISC_DONT)
            return;
        fatal = true;
        if (error->mtu)
            ip_learn_mtu(&error->destination, error->mtu);
    }
    if (!told && (!fatal || !datagram_of(s)->connected))
        return;
    unsigned header = MIN(error->transport_len, (unsigned)UDP_HLEN);
    inet_queue_icmp(s, error, port, error->transport + header, error->transport_len - header);
    atomic_store(&s->socket.error, error->err);
    waitqueue_wake(&s->readers, 0, POLLERR | POLLIN | POLLOUT);
    waitqueue_wake(&s->writers, 0, POLLERR | POLLOUT);
}

static __cold void udp_error(const struct ip_error *error)
{
    if (error->transport_len < 4)
        return;
    unsigned ours = get_be16(error->transport), theirs = get_be16(error->transport + 2);
    rcu_read_lock();
    struct inet_socket *s = inet_find(IPPROTO_UDP, &error->destination, theirs, &error->source,
                                      ours, error->netif, NULL);
    bool found = s && inet_try_get(s);
    rcu_read_unlock();
    if (!found)
        return;
    inet_lock(s);
    take_error(s, error, theirs);
    inet_unlock(s);
    inet_put(s);
}

/* --- connecting
 * ------------------------------------------------------------------------------------------- */

int udp_autobind(struct udp_socket *u)
{
    struct inet_socket *s = udp_inet(u);
    if (s->local_port)
        return 0;
    struct inet_addr local = s->local;
    bool no_port = s->options.bind_no_port;
    s->options.bind_no_port = false;
    int err = inet_bind(s, &local, 0);
    s->options.bind_no_port = no_port;
    if (err)
        return err == -EADDRINUSE ? -EAGAIN : err;
    return inet_hash_bound(s);
}

/* Back among those that take packets from anybody, or without a port that nobody asked for. */
static int disconnect(struct udp_socket *u)
{
    struct inet_socket *s = udp_inet(u);
    struct inet_addr any = s->socket.family == AF_INET ? inet_v4(0) : (struct inet_addr){};
    if (!u->datagram.connected)
        return 0;
    u->datagram.connected = false;
    u->way_version = 0;
    s->remote = any;
    s->remote_port = 0;
    s->scope = 0;
    if (!s->bound_address)
        s->local = any;
    if (s->bound_port)
        return inet_hash_bound(s);
    inet_unhash(s);
    s->local_port = 0;
    return 0;
}

/* Link-local addresses say nothing without their interface. */
static int check_scope(const struct inet_socket *s, const struct inet_addr *ip, uint32_t scope)
{
    bool many = ip->bytes[0] == 0xff && ((ip->bytes[1] & 15) == 1 || (ip->bytes[1] & 15) == 2);
    if (inet_is_v4(ip) || (!many && !inet_is_link_local(ip)) || scope || s->flow.bound)
        return 0;
    return many && s->options.hops_netif ? 0 : -EINVAL;
}

static int connect_to(struct udp_socket *u, const struct socket_address *address,
                      const struct inet_addr *ip, unsigned port, uint32_t scope)
{
    struct inet_socket *s = udp_inet(u);
    struct ip_flow way;
    int err = check_scope(s, ip, scope);
    if (!err)
        err = inet6_connect(s, address);
    if (!err)
        err = inet_flow(s, &way, ip, scope);
    if (!err)
        err = ip_route(&way);
    if (err)
        return err;
    if (inet_is_any(&s->local))
        s->local = way.source;
    s->remote = *ip;
    s->remote_port = (uint16_t)port;
    s->scope = scope;
    u->way = way;
    u->way.label = inet_is_v4(ip) ? 0 : inet6_label(s);
    u->way_version = s->options.version;
    u->way_scope = scope;
    u->datagram.connected = true;
    return inet_hash_connect(s);
}

static __cold int udp_connect(struct socket *socket, const struct socket_address *address,
                              bool nonblock)
{
    struct inet_socket *s = inet_of(socket);
    struct inet_addr ip;
    unsigned port;
    uint32_t scope;
    int err = inet_destination_get(s, address, &ip, &port, &scope);
    if (err == -ENETUNREACH && address->family == AF_INET)
        err = -EAFNOSUPPORT;
    inet_lock(s);
    if (err != 1 && address->len >= sizeof(address->family)) {
        int bound = udp_autobind(udp_of(s)); /* whatever the address is */

        err = bound ? bound : err;
    }
    if (err >= 0)
        err = err ? disconnect(udp_of(s)) : connect_to(udp_of(s), address, &ip, port, scope);
    inet_unlock(s);
    return err;
}

/* --- options
 * ---- */

static int set_udp(struct udp_socket *u, int name, int number)
{
    switch (name) {
    case UDP_CORK:
        u->corks = number != 0;
        return number ? 0 : udp_push(u);
    case UDP_ENCAP: /* as without CONFIG_XFRM: L2TP's, which changes nothing */
        if (number && number != UDP_ENCAP_L2TP)
            return -ENOPROTOOPT;
        u->encap = (uint8_t)number;
        return 0;
    case UDP_NO_CHECK6_TX:
        u->no_check6_tx = number != 0;
        return 0;
    case UDP_NO_CHECK6_RX:
        u->no_check6_rx = number != 0;
        return 0;
    case UDP_SEGMENT:
        if (number < 0 || number > UINT16_MAX)
            return -EINVAL;
        u->gso_size = (uint16_t)number;
        return 0;
    case UDP_GRO:
        u->gro = number != 0;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static __cold int udp_set_option(struct socket *socket, int level, int name, const void *value,
                                 size_t len)
{
    struct inet_socket *s = inet_of(socket);
    int number;
    if (level != SOL_UDP && level != IPPROTO_UDPLITE) /* as Linux: both mean the same */
        return datagram_set_option(socket, level, name, value, len);
    if (len < sizeof(number))
        return -EINVAL;
    memcpy(&number, value, sizeof(number));
    inet_lock(s);
    int err = set_udp(udp_of(s), name, number);
    inet_unlock(s);
    return err;
}

static int get_udp(const struct udp_socket *u, int name)
{
    switch (name) {
    case UDP_CORK:
        return u->corks;
    case UDP_ENCAP:
        return u->encap;
    case UDPLITE_SEND_CSCOV:
    case UDPLITE_RECV_CSCOV:
        return 0;
    case UDP_NO_CHECK6_TX:
        return u->no_check6_tx;
    case UDP_NO_CHECK6_RX:
        return u->no_check6_rx;
    case UDP_SEGMENT:
        return u->gso_size;
    case UDP_GRO:
        return u->gro;
    default:
        return -ENOPROTOOPT;
    }
}

static __cold int udp_get_option(struct socket *socket, int level, int name, void *value,
                                 size_t len)
{
    if (level != SOL_UDP && level != IPPROTO_UDPLITE)
        return datagram_get_option(socket, level, name, value, len);
    int number = get_udp(udp_of(inet_of(socket)), name);
    if (number < 0)
        return number;
    len = MIN(len, sizeof(number));
    memcpy(value, &number, len);
    return (int)len;
}

/* --- life
 * -------------------------------------------------------------------------------------------------
 */

static void udp_release(struct socket *socket)
{
    struct inet_socket *s = inet_of(socket);
    struct udp_socket *u = udp_of(s);
    multicast_leave_all(s);
    inet_lock(s);
    inet_unhash(s);
    datagram_purge(&u->datagram);
    inet_unlock(s);
    inet_put(s);
}

static void udp_free(struct inet_socket *s)
{
    struct udp_socket *u = udp_of(s);
    udp_drop_cork(u);
    datagram_end(&u->datagram);
    kfree(u);
}

static const struct inet_proto udp_proto = {
    .number = IPPROTO_UDP,
    .input = udp_input,
    .free = udp_free,
    .describe = datagram_describe,
};

static const struct socket_ops udp_ops = {
    .bind = inet_op_bind,
    .listen = datagram_refuse_listen,
    .connect = udp_connect,
    .accept = datagram_refuse_accept,
    .name = inet_op_name,
    .send = udp_send,
    .receive = datagram_receive,
    .shutdown = datagram_shutdown,
    .poll = datagram_poll,
    .ioctl = datagram_ioctl,
    .set_option = udp_set_option,
    .get_option = udp_get_option,
    .resized = datagram_resized,
    .release = udp_release,
    .control = true,
};

static int udp_create(int family, int protocol, struct socket **socket)
{
    struct udp_socket *u = kzalloc(sizeof(*u));
    if (!u)
        return -ENOMEM;
    inet_init(udp_inet(u), &udp_ops, &udp_proto, family, SOCK_DGRAM, protocol);
    datagram_init(&u->datagram);
    *socket = &u->datagram.inet.socket;
    return 0;
}

static int start(void)
{
    static struct inet_kind kind = {
        .type = SOCK_DGRAM, .protocol = IPPROTO_UDP, .create = udp_create};
    static const struct ip_protocol udp = {
        .number = IPPROTO_UDP,
        .receive = udp_receive,
        .error = udp_error,
        .classify = udp_classify,
        .shed = udp_shed,
        .v4 = true,
        .v6 = true,
    };
    inet_kind_register(&kind);
    ip_protocol_register(&udp);
    return 0;
}
BOOT_STEP(PHASE_BUS, "UDP", start);
