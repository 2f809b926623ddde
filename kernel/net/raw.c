#include "net/raw.h"

#include "core/boot.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/uaccess.h"
#include "net/demux.h"
#include "net/filter.h"
#include "net/igmp.h"
#include "net/inet6.h"
#include "net/rculist.h"

enum {
    SOL_RAW = 255,
    ICMP_FILTER = 1,
    SOL_ICMPV6 = 58,
    ICMP6_FILTER = 1,
    SOL_IPV6 = 41,
    SOL_IP = 0
};
enum { IPV6_CHECKSUM = 7, SEND_MAX = 65535, IPV4_HLEN = 20, IPV6_HLEN = 40 };

static struct mutex raw_lock;
static struct list all = LIST_INIT(all);
static unsigned nraw;

/* --- the list
 * --------------------------------------------------------------------------------------------- */

void raw_each(bool (*fn)(struct raw_socket *r, void *arg), void *arg)
{
    rculist_for_each_entry(struct raw_socket, r, &all, link) if (!fn(r, arg)) return;
}

static bool matches_addresses(const struct inet_socket *s, const struct packet *packet,
                              const struct inet_addr *source, const struct inet_addr *destination)
{
    if (s->flow.bound && s->flow.bound != packet->netif)
        return false;
    if (!inet_is_any(&s->remote) && !inet_equal(&s->remote, source))
        return false;
    if (!inet_is_any(&s->local) && !inet_equal(&s->local, destination))
        return false;
    return !inet_is_multicast(destination) ||
           multicast_wanted(s, destination, source, packet->netif);
}

/* The type of an ICMP packet, if its filter lets it through. */
static bool passes_filter(const struct raw_socket *r, const struct packet *packet,
                          unsigned protocol)
{
    if (packet->len < 1 || (protocol != IPPROTO_ICMP && protocol != IPPROTO_ICMPV6))
        return true;
    unsigned type = packet->data[0];
    if (protocol == IPPROTO_ICMP)
        return type >= 32 || !(r->filter[0] >> type & 1);
    return !(r->filter[type / 32] >> type % 32 & 1);
}

struct arrival {
    const struct packet *packet;
    struct inet_addr source, destination;
    unsigned protocol;
    bool taken;
};

static bool offer(struct raw_socket *r, void *arg)
{
    struct arrival *arrival = arg;
    struct inet_socket *s = raw_inet(r);
    bool v4 = ip_packet_is_v4(arrival->packet);
    if ((s->socket.family == AF_INET) != v4 || (unsigned)s->socket.protocol != arrival->protocol ||
        !matches_addresses(s, arrival->packet, &arrival->source, &arrival->destination))
        return true;
    if (r->ping ? !ping_wants(r, arrival->packet)
                : !passes_filter(r, arrival->packet, arrival->protocol))
        return true;
    struct packet *copy = packet_clone(arrival->packet);
    arrival->taken = true;
    if (copy)
        channel_push(s, copy);
    return true;
}

/* ip_raw_hook */
static bool show(const struct packet *packet, unsigned protocol)
{
    struct arrival arrival = {
        .packet = packet,
        .source = ip_source(packet),
        .destination = ip_destination(packet),
        .protocol = protocol,
    };
    rcu_read_lock();
    raw_each(offer, &arrival);
    rcu_read_unlock();
    return arrival.taken;
}

/* --- errors
 * -----------------------------------------------------------------------------------------------
 */

struct failure {
    const struct ip_error *error;
    unsigned protocol;
};

static void take_error(struct raw_socket *r, const struct ip_error *error)
{
    struct inet_socket *s = raw_inet(r);
    bool v4 = s->socket.family == AF_INET, fatal = error->fatal;
    bool told = v4 ? s->options.receive_error : s->options.receive_error6;
    if (error->err == EMSGSIZE && error->mtu)
        ip_learn_mtu(&error->destination, error->mtu);
    if (error->err == EMSGSIZE)
        fatal = (v4 ? s->options.pmtudisc : s->options.pmtudisc6) != PMTUDISC_DONT;
    if (!told && (!fatal || !r->datagram.connected))
        return;
    const uint8_t *payload = s->options.header_included ? error->icmp + 8 : error->transport;
    inet_queue_icmp(s, error, 0, payload,
                    (unsigned)(error->transport - payload) + error->transport_len);
    atomic_store(&s->socket.error, error->err);
    waitqueue_wake(&s->readers, 0, POLLERR | POLLIN);
}

static bool concerns(const struct raw_socket *r, const struct failure *failure)
{
    const struct inet_socket *s = &r->datagram.inet;
    const struct ip_error *error = failure->error;
    if ((unsigned)s->socket.protocol != failure->protocol ||
        (s->socket.family == AF_INET) != inet_is_v4(&error->destination))
        return false;
    if (r->ping && (error->transport_len < 8 || get_be16(error->transport + 4) != s->local_port))
        return false;
    return (inet_is_any(&s->remote) || inet_equal(&s->remote, &error->destination)) &&
           (inet_is_any(&s->local) || inet_equal(&s->local, &error->source));
}

/* Those that it concerns, a few at a time: each needs its lock, which may sleep. */
struct victims {
    struct failure failure;
    struct raw_socket *sockets[16];
    unsigned n, skip, seen;
};

static bool collect(struct raw_socket *r, void *arg)
{
    struct victims *victims = arg;
    if (concerns(r, &victims->failure) && victims->seen++ >= victims->skip &&
        inet_try_get(raw_inet(r)))
        victims->sockets[victims->n++] = r;
    return victims->n < ARRAY_SIZE(victims->sockets);
}

/* ip_raw_error_hook */
static void report(const struct ip_error *error, unsigned protocol)
{
    struct victims victims = {.failure = {error, protocol}};
    do {
        victims.skip += victims.n;
        victims.n = victims.seen = 0;
        rcu_read_lock();
        raw_each(collect, &victims);
        rcu_read_unlock();
        for (unsigned i = 0; i < victims.n; i++) {
            struct inet_socket *s = raw_inet(victims.sockets[i]);
            inet_lock(s);
            take_error(victims.sockets[i], error);
            inet_unlock(s);
            inet_put(s);
        }
    } while (victims.n == ARRAY_SIZE(victims.sockets));
}

int raw_enter(struct raw_socket *r,
              bool (*taken)(const struct raw_socket *r, const struct raw_socket *other))
{
    int err = 0;
    mutex_lock(&raw_lock);
    if (taken)
        list_for_each_entry (struct raw_socket, other, &all, link)
            if (other != r && taken(r, other))
                err = -EADDRINUSE;
    if (!err && list_empty(&r->link)) {
        rculist_add_tail(&all, &r->link);
        nraw++;
        rcu_store(ip_raw_error_hook, report);
        rcu_store(ip_raw_hook, show);
    }
    mutex_unlock(&raw_lock);
    return err;
}

void raw_leave(struct raw_socket *r)
{
    mutex_lock(&raw_lock);
    if (!list_empty(&r->link)) {
        rculist_del(&r->link);
        if (!--nraw) {
            rcu_store(ip_raw_hook, NULL);
            rcu_store(ip_raw_error_hook, NULL);
        }
    }
    mutex_unlock(&raw_lock);
}

/* --- arrivals at a socket
 * ------------------------------------------------------------------------------------- */

static bool has_good_checksum6(const struct raw_socket *r, const struct packet *packet)
{
    struct inet_addr source = ip_source(packet), destination = ip_destination(packet);
    unsigned protocol = (unsigned)r->datagram.inet.socket.protocol;
    if (r->checksum_at < 0 || packet->checksum != CHECKSUM_NONE)
        return true;
    uint32_t sum = ip_pseudo_sum(&source, &destination, protocol, packet->total);
    return checksum_fold(packet_sum(sum, packet, 0, packet->total)) == 0;
}

static bool raw_input(struct inet_socket *s, struct packet *packet)
{
    struct raw_socket *r = raw_of(s);
    bool v4 = ip_packet_is_v4(packet);
    if (v4) /* IPv4's readers get the header, too */
        packet_push(packet, (unsigned)(packet->data - packet->network));
    if ((!v4 && !has_good_checksum6(r, packet)) || !datagram_has_room(&r->datagram) ||
        (s->socket.filter && !socket_filter_packet(&s->socket, packet, 0))) {
        atomic_fetch_add_explicit(&s->drops, 1, memory_order_relaxed);
        packet_free(packet);
        return true;
    }
    datagram_enqueue(&r->datagram, packet, 0, 0);
    return true;
}

/* --- sending
 * ---------------------------------------------------------------------------------------------- */

int raw_make_packet(struct message *message, struct packet **made)
{
    size_t n = message->io.left;
    if (n > SEND_MAX)
        return -EMSGSIZE;
    struct packet *packet = packet_alloc(PACKET_HEADROOM, MAX((unsigned)n, 64u));
    if (!packet)
        return -ENOBUFS;
    if (io_get(&message->io, packet_append(packet, (unsigned)n), n) != n) {
        packet_free(packet);
        return -EFAULT;
    }
    *made = packet;
    return 0;
}

int raw_destination(struct raw_socket *r, const struct message *message, struct ip_flow *flow,
                    struct ipv6_headers *headers, unsigned *port)
{
    struct inet_socket *s = raw_inet(r);
    struct inet_addr ip = s->remote;
    uint32_t scope = s->scope;
    int err = -atomic_exchange(&s->socket.error, 0);
    *port = s->remote_port;
    if (err)
        return err;
    if (message->flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (r->datagram.shut_write)
        return -EPIPE;
    if (message->address && message->address->len)
        err = inet_destination_get(s, message->address, &ip, port, &scope);
    else if (!r->datagram.connected)
        err = -EDESTADDRREQ;
    if (err)
        return err > 0 ? -EAFNOSUPPORT : err;
    if (inet_is_v4(&ip) != (s->socket.family == AF_INET))
        return -EINVAL;
    err = inet_flow(s, flow, &ip, scope);
    return err ? err : inet_message_flow(s, message, flow, headers, NULL, NULL);
}

/* Let the stack fill in the checksum at `at`. */
static int ask_checksum6(struct packet *packet, const struct ip_flow *flow, unsigned at)
{
    if (at + 2 > packet->total)
        return -EINVAL;
    uint32_t sum = ip_pseudo_sum(&flow->source, &flow->destination, flow->protocol, packet->total);
    put_le16(packet->data + at, (uint16_t)~checksum_fold(sum));
    packet->checksum = CHECKSUM_PARTIAL;
    packet->csum_start = 0;
    packet->csum_offset = (uint16_t)at;
    return 0;
}

/* The program's own IP header: what it leaves out is filled in (raw(7), IP_HDRINCL). */
static int check_header(struct packet *packet, struct ip_flow *flow)
{
    bool v4 = inet_is_v4(&flow->destination);
    if (packet->total < (v4 ? IPV4_HLEN : IPV6_HLEN))
        return -EINVAL;
    if (v4 &&
        ((packet->data[0] & 15) * 4u < IPV4_HLEN || (packet->data[0] & 15) * 4u > packet->total))
        return -EINVAL;
    flow->header_included = true;
    if (packet->total > flow->mtu)
        return -EMSGSIZE;
    return 0;
}

static int transmit(struct raw_socket *r, const struct message *message, struct packet *packet)
{
    struct inet_socket *s = raw_inet(r);
    struct ipv6_headers headers = {};
    struct ip_flow flow;
    unsigned port;
    int err = raw_destination(r, message, &flow, &headers, &port);
    if (!err && s->socket.family == AF_INET6 && port && port != (unsigned)s->socket.protocol)
        err = -EINVAL;
    if (!err)
        err = ip_route(&flow);
    if (!err && message->flags & MSG_PROBE) {
        packet_free(packet);
        return 0;
    }
    if (!err && s->options.header_included)
        err = check_header(packet, &flow);
    else if (!err && r->checksum_at >= 0)
        err = ask_checksum6(packet, &flow, (unsigned)r->checksum_at);
    if (err) {
        packet_free(packet);
        return err;
    }
    struct packet *copy = inet_stamp_begin(s, &flow, packet);
    err = ip_output(&flow, packet);
    inet_stamp_end(s, &flow, copy, err);
    if (err == -EMSGSIZE)
        inet_tell_too_big(s, &flow, 0);
    bool told = s->socket.family == AF_INET ? s->options.receive_error : s->options.receive_error6;
    return err == -ENOBUFS && !told ? 0 : err;
}

ssize_t raw_send_by(struct socket *socket, struct message *message, raw_transmit *transmit)
{
    struct inet_socket *s = inet_of(socket);
    ssize_t n = (ssize_t)message->io.left;
    struct packet *packet;
    int err = raw_make_packet(message, &packet);
    if (err)
        return err;
    inet_lock(s);
    err = transmit(raw_of(s), message, packet);
    inet_unlock(s);
    return err ? err : n;
}

static ssize_t raw_send(struct socket *socket, struct message *message)
{
    return raw_send_by(socket, message, transmit);
}

/* --- names
 * ------------------------------------------------------------------------------------------------
 */

static int raw_bind(struct socket *socket, const struct socket_address *address)
{
    struct inet_socket *s = inet_of(socket);
    struct inet_addr ip;
    unsigned port;
    inet_lock(s);
    int err = inet_bind_address(s, address, &ip, &port);
    if (!err && s->socket.family == AF_INET6 && inet_is_v4(&ip))
        err = -EADDRNOTAVAIL;
    if (!err && !inet_may_bind(s, &ip))
        err = -EADDRNOTAVAIL;
    if (!err) {
        s->local = ip;
        s->bound_address = !inet_is_any(&ip);
    }
    inet_unlock(s);
    return err;
}

static void disconnect(struct raw_socket *r)
{
    struct inet_socket *s = raw_inet(r);
    struct inet_addr any = s->socket.family == AF_INET ? inet_v4(0) : (struct inet_addr){};
    r->datagram.connected = false;
    s->remote = any;
    s->remote_port = 0;
    s->scope = 0;
    if (!s->bound_address)
        s->local = any;
}

int raw_connect(struct socket *socket, const struct socket_address *address, bool nonblock)
{
    struct inet_socket *s = inet_of(socket);
    struct inet_addr ip;
    struct ip_flow flow;
    unsigned port;
    uint32_t scope;
    int err = inet_destination_get(s, address, &ip, &port, &scope);
    if (err < 0)
        return err;
    inet_lock(s);
    if (err) {
        disconnect(raw_of(s));
        err = 0;
    } else {
        err = inet_is_v4(&ip) != (socket->family == AF_INET) ? -EINVAL : inet6_connect(s, address);
        if (!err)
            err = inet_flow(s, &flow, &ip, scope);
        if (!err)
            err = ip_route(&flow);
        if (!err) {
            if (inet_is_any(&s->local))
                s->local = flow.source;
            s->remote = ip;
            s->remote_port = (uint16_t)port;
            s->scope = scope;
            raw_of(s)->datagram.connected = true;
        }
    }
    inet_unlock(s);
    return err;
}

/* --- options
 * ---------------------------------------------------------------------------------------------- */

static bool has_icmp_filter(const struct socket *socket, int level, int name)
{
    if (level == SOL_RAW)
        return name == ICMP_FILTER && socket->family == AF_INET && socket->protocol == IPPROTO_ICMP;
    return level == SOL_ICMPV6 && name == ICMP6_FILTER && socket->protocol == IPPROTO_ICMPV6;
}

static bool is_foreign(const struct socket *socket, int level)
{
    return level == SOL_ICMPV6 && socket->family == AF_INET6 && socket->protocol != IPPROTO_ICMPV6;
}

static bool is_checksum(const struct socket *socket, int level, int name)
{
    return socket->family == AF_INET6 && name == IPV6_CHECKSUM &&
           (level == SOL_IPV6 || level == SOL_RAW);
}

static int set_checksum(struct raw_socket *r, int level, const void *value, size_t len)
{
    int at;
    if (len < sizeof(at))
        return -EINVAL;
    memcpy(&at, value, sizeof(at));
    if (level == SOL_IPV6 && raw_inet(r)->socket.protocol == IPPROTO_ICMPV6) /* RFC 3542, 3.1 */
        return -EINVAL;
    if (at > 0 && at & 1)
        return -EINVAL;
    r->checksum_at = MAX(at, -1);
    return 0;
}

static int raw_set_option(struct socket *socket, int level, int name, const void *value, size_t len)
{
    struct raw_socket *r = raw_of(inet_of(socket));
    if (is_foreign(socket, level))
        return -EOPNOTSUPP;
    if (is_checksum(socket, level, name))
        return set_checksum(r, level, value, len);
    if (level == SOL_RAW && socket->family == AF_INET6 && len < sizeof(int))
        return -EINVAL;
    if (!has_icmp_filter(socket, level, name))
        return level == SOL_RAW && name == ICMP_FILTER && socket->family == AF_INET
                   ? -EOPNOTSUPP
                   : datagram_set_option(socket, level, name, value, len);
    size_t size = level == SOL_RAW ? sizeof(r->filter[0]) : sizeof(r->filter);
    memcpy(r->filter, value, MIN(len, size));
    return 0;
}

static int raw_get_option(struct socket *socket, int level, int name, void *value, size_t len)
{
    struct raw_socket *r = raw_of(inet_of(socket));
    const void *from = r->filter;
    size_t size = level == SOL_RAW ? sizeof(r->filter[0]) : sizeof(r->filter);
    if (is_foreign(socket, level))
        return -EOPNOTSUPP;
    if (is_checksum(socket, level, name)) {
        from = &r->checksum_at;
        size = sizeof(r->checksum_at);
    } else if (level == SOL_RAW && name != ICMP_FILTER) {
        return -ENOPROTOOPT;
    } else if (!has_icmp_filter(socket, level, name)) {
        return datagram_get_option(socket, level, name, value, len);
    }
    size = MIN(size, len);
    memcpy(value, from, size);
    return (int)size;
}

/* --- life
 * -------------------------------------------------------------------------------------------------
 */

void raw_release(struct socket *socket)
{
    struct inet_socket *s = inet_of(socket);
    struct raw_socket *r = raw_of(s);
    multicast_leave_all(s);
    raw_leave(r);
    inet_lock(s);
    mutex_lock(&bind_lock);
    reuseport_leave(s); /* one that it has founded by SO_ATTACH_REUSEPORT_CBPF */
    mutex_unlock(&bind_lock);
    datagram_purge(&r->datagram);
    inet_unlock(s);
    inet_put(s); /* freed after the readers of the list */
}

void raw_free(struct inet_socket *s)
{
    datagram_end(&raw_of(s)->datagram);
    kfree(raw_of(s));
}

int raw_make(int family, int type, int protocol, const struct socket_ops *ops,
             const struct inet_proto *proto, struct raw_socket **made)
{
    struct raw_socket *r = kzalloc(sizeof(*r));
    if (!r)
        return -ENOMEM;
    inet_init(raw_inet(r), ops, proto, family, type, protocol);
    datagram_init(&r->datagram);
    list_init(&r->link);
    r->checksum_at = family == AF_INET6 && protocol == IPPROTO_ICMPV6 ? 2 : -1;
    *made = r;
    return 0;
}

static const struct inet_proto raw_proto = {
    .number = IPPROTO_RAW,
    .input = raw_input,
    .free = raw_free,
    .describe = datagram_describe,
};

static const struct socket_ops raw_ops = {
    .bind = raw_bind,
    .listen = datagram_refuse_listen,
    .connect = raw_connect,
    .accept = datagram_refuse_accept,
    .name = inet_op_name,
    .send = raw_send,
    .receive = datagram_receive,
    .shutdown = datagram_shutdown,
    .poll = datagram_poll,
    .ioctl = datagram_ioctl,
    .set_option = raw_set_option,
    .get_option = raw_get_option,
    .resized = datagram_resized,
    .release = raw_release,
    .control = true,
};

static int raw_create(int family, int protocol, struct socket **socket)
{
    struct raw_socket *r;
    if (!socket_capable(NET_CAP_RAW))
        return -EPERM;
    int err = raw_make(family, SOCK_RAW, protocol, &raw_ops, &raw_proto, &r);
    if (err)
        return err;
    raw_inet(r)->local_port = (uint16_t)protocol; /* as getsockname() tells it */
    raw_inet(r)->options.header_included = protocol == IPPROTO_RAW;
    raw_inet(r)->socket.flags |= 1ull << SO_REUSEADDR;
    raw_enter(r, NULL);
    *socket = &raw_inet(r)->socket;
    return 0;
}

static int start(void)
{
    static struct inet_kind kind = {.type = SOCK_RAW, .protocol = IPPROTO_IP, .create = raw_create};
    inet_kind_register(&kind);
    return 0;
}
BOOT_STEP(PHASE_BUS, "raw sockets", start);
