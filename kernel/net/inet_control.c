/* net/inet_control.c: control messages of IP: what arrives with a packet, and what one packet is
 * sent with (man 7 ip, ipv6; RFC 3542). */
#include "net/inet6.h"
#include "net/ipv6_parse.h"

enum {
    SOL_IP = 0,
    IP_TOS = 1,
    IP_TTL = 2,
    IP_RECVOPTS = 6,
    IP_RETOPTS = 7,
    IP_PKTINFO = 8,
    IP_ORIGDSTADDR = 20,
    IP_CHECKSUM = 23,
    IP_RECVFRAGSIZE = 25,
};
enum {
    SOL_IPV6 = 41,
    IPV6_2292PKTINFO = 2,
    IPV6_2292HOPOPTS = 3,
    IPV6_2292DSTOPTS = 4,
    IPV6_2292RTHDR = 5,
    IPV6_2292HOPLIMIT = 8,
    IPV6_FLOWINFO = 11,
    IPV6_PKTINFO = 50,
    IPV6_HOPLIMIT = 52,
    IPV6_HOPOPTS = 54,
    IPV6_RTHDR = 57,
    IPV6_DSTOPTS = 59,
    IPV6_DONTFRAG = 62,
    IPV6_TCLASS = 67,
    IPV6_ORIGDSTADDR = 74,
    IPV6_RECVFRAGSIZE = 77,
};
enum { SCM_RIGHTS = 1, SCM_CREDENTIALS = 2, IPV4_HLEN = 20, IPV6_HLEN = 40 };
enum { STAMP_RX_SOFTWARE = 8, STAMP_TX = 0x40303 /* what a message may ask for */ };

struct in_pktinfo {
    uint32_t ifindex, ours, address;
};
struct in6_pktinfo {
    uint8_t address[16];
    uint32_t ifindex;
};

/* --- received
 * --------------------------------------------------------------------------------------------- */

static int put_number(struct message *message, int level, int type, int number)
{
    return message_put_control(message, level, type, &number, sizeof(number));
}

static int put_stamps(const struct socket *socket, struct message *message, nsec_t stamp)
{
    int64_t time[6] = {stamp / 1000000000, stamp % 1000000000};
    int err = 0;
    if (socket_flag(socket, SO_TIMESTAMPNS)) {
        err = message_put_control(message, SOL_SOCKET, SO_TIMESTAMPNS, time, 2 * sizeof(time[0]));
    } else if (socket_flag(socket, SO_TIMESTAMP)) {
        int64_t coarse[2] = {time[0], time[1] / 1000};
        err = message_put_control(message, SOL_SOCKET, SO_TIMESTAMP, coarse, sizeof(coarse));
    }
    if (!err && socket->timestamping & STAMP_SOFTWARE && socket->timestamping & STAMP_RX_SOFTWARE)
        err = message_put_control(message, SOL_SOCKET, SO_TIMESTAMPING, time, sizeof(time));
    return err;
}

int socket_put_departure(const struct socket *socket, struct message *message, nsec_t stamp)
{
    int64_t time[6] = {stamp / 1000000000, stamp % 1000000000};
    if (!(socket->timestamping & STAMP_SOFTWARE))
        return 0;
    return message_put_control(message, SOL_SOCKET, SO_TIMESTAMPING, time, sizeof(time));
}

int socket_put_control(struct socket *socket, struct message *message, nsec_t stamp, uint32_t drops)
{
    int err = 0;
    if (unlikely(socket->keeps_stamp))
        socket->last_stamp = stamp;
    if (stamp && socket_wants_stamps(socket))
        err = put_stamps(socket, message, stamp);
    if (!err && drops && socket_flag(socket, SO_RXQ_OVFL))
        err = message_put_control(message, SOL_SOCKET, SO_RXQ_OVFL, &drops, sizeof(drops));
    return err;
}

static int put_pktinfo(struct message *message, const struct packet *packet)
{
    struct inet_addr destination = ip_destination(packet);
    struct in_pktinfo info = {packet->netif ? packet->netif->index : 0, inet_v4_of(&destination),
                              inet_v4_of(&destination)};
    if (packet->kind != PACKET_HOST && packet->netif) { /* ours: the interface's own address */
        struct ip_flow flow = {.source = inet_v4(0), .bound = packet->netif, .freebind = true};
        flow.destination = ip_source(packet);
        if (!ip_route(&flow))
            info.ours = inet_v4_of(&flow.source);
    }
    return message_put_control(message, SOL_IP, IP_PKTINFO, &info, sizeof(info));
}

static int put_options(struct message *message, const struct packet *packet, int type)
{
    unsigned len = (packet->network[0] & 15) * 4u;
    if (len <= IPV4_HLEN)
        return 0;
    return message_put_control(message, SOL_IP, type, packet->network + IPV4_HLEN, len - IPV4_HLEN);
}

static int put_destination4(struct message *message, const struct packet *packet, unsigned port)
{
    struct inet_addr destination = ip_destination(packet);
    struct sockaddr_in in = {.family = AF_INET, .address = inet_v4_of(&destination)};
    put_be16(&in.port, (uint16_t)port);
    return message_put_control(message, SOL_IP, IP_ORIGDSTADDR, &in, sizeof(in));
}

/* The sum of a datagram's bytes, as a device or the stack has found it: not if it never left. */
static int put_checksum(struct message *message, const struct packet *packet)
{
    if (packet->checksum == CHECKSUM_PARTIAL)
        return 0;
    return put_number(message, SOL_IP, IP_CHECKSUM, (int)packet_sum(0, packet, 0, packet->total));
}

/* Bytes of the largest fragment, if it came in fragments. */
static unsigned largest_fragment(const struct packet *packet)
{
    return packet->gso == GSO_NONE ? packet->header_len : 0;
}

static int put_ip(unsigned asked, struct message *message, const struct packet *packet,
                  unsigned port)
{
    int err = 0;
    uint8_t tos = (uint8_t)ip_tos(packet);
    if (asked & INET_RECEIVE_PKTINFO)
        err = put_pktinfo(message, packet);
    if (!err && asked & INET_RECEIVE_TTL)
        err = put_number(message, SOL_IP, IP_TTL, (int)ip_ttl(packet));
    if (!err && asked & INET_RECEIVE_TOS)
        err = message_put_control(message, SOL_IP, IP_TOS, &tos, sizeof(tos));
    if (!err && asked & INET_RECEIVE_OPTIONS)
        err = put_options(message, packet, IP_RECVOPTS);
    if (!err && asked & INET_RECEIVE_RETOPTS)
        err = put_options(message, packet, IP_RETOPTS);
    if (!err && asked & INET_RECEIVE_ORIGDST)
        err = put_destination4(message, packet, port);
    if (!err && asked & INET_RECEIVE_CHECKSUM)
        err = put_checksum(message, packet);
    if (!err && asked & INET_RECEIVE_FRAGSIZE && largest_fragment(packet))
        err = put_number(message, SOL_IP, IP_RECVFRAGSIZE, (int)largest_fragment(packet));
    return err;
}

static int put_pktinfo6(struct message *message, const struct packet *packet, int type)
{
    struct inet_addr destination = ip_destination(packet);
    struct in6_pktinfo info = {.ifindex = packet->netif ? packet->netif->index : 0};
    memcpy(info.address, destination.bytes, sizeof(info.address));
    return message_put_control(message, SOL_IPV6, type, &info, sizeof(info));
}

static int put_destination6(struct message *message, const struct packet *packet, unsigned port)
{
    struct inet_addr destination = ip_destination(packet);
    struct sockaddr_in6 in = {.family = AF_INET6};
    put_be16(&in.port, (uint16_t)port);
    memcpy(in.address, destination.bytes, sizeof(in.address));
    if (inet_is_link_local(&destination) && packet->netif)
        in.scope_id = packet->netif->index;
    return message_put_control(message, SOL_IPV6, IPV6_ORIGDSTADDR, &in, sizeof(in));
}

/* The extension headers that are asked for, in their order. */
static int put_extensions(unsigned asked, struct message *message, const struct packet *packet)
{
    static const struct {
        uint32_t receive;
        uint8_t header, type;
    } kinds[] = {
        {INET_RECEIVE6_HOPOPTS, NEXT_HOP, IPV6_HOPOPTS},
        {INET_RECEIVE6_DSTOPTS, NEXT_DESTINATION, IPV6_DSTOPTS},
        {INET_RECEIVE6_RTHDR, NEXT_ROUTING, IPV6_RTHDR},
        {INET_RECEIVE6_HOPOPTS_OLD, NEXT_HOP, IPV6_2292HOPOPTS},
        {INET_RECEIVE6_DSTOPTS_OLD, NEXT_DESTINATION, IPV6_2292DSTOPTS},
        {INET_RECEIVE6_RTHDR_OLD, NEXT_ROUTING, IPV6_2292RTHDR},
    };
    const uint8_t *at = packet->network + IPV6_HLEN, *end = packet->transport;
    unsigned next = packet->network[6];
    int err = 0;

    if (packet->network < packet->buffer->start || end > packet->data)
        return 0;
    while (!err && end - at >= 8) {
        unsigned len = next == NEXT_FRAGMENT ? 8 : (at[1] + 1u) * 8;
        if (len > (size_t)(end - at))
            break;
        for (unsigned i = 0; i < ARRAY_SIZE(kinds) && !err; i++)
            if (asked & kinds[i].receive && next == kinds[i].header)
                err = message_put_control(message, SOL_IPV6, kinds[i].type, at, len);
        next = at[0];
        at += len;
    }
    return err;
}

static int put_ipv6(unsigned asked, struct message *message, const struct packet *packet,
                    unsigned port)
{
    int err = 0, hops = (int)ip_ttl(packet);
    uint32_t flow = get_le32(packet->network) & __builtin_bswap32(0x0fffffff);
    if (asked & INET_RECEIVE6_HOPLIMIT)
        err = put_number(message, SOL_IPV6, IPV6_HOPLIMIT, hops);
    if (!err && asked & INET_RECEIVE6_TCLASS)
        err = put_number(message, SOL_IPV6, IPV6_TCLASS, (int)ip_tos(packet));
    if (!err && asked & INET_RECEIVE6_FLOWINFO && flow)
        err = message_put_control(message, SOL_IPV6, IPV6_FLOWINFO, &flow, sizeof(flow));
    if (!err && asked & INET_RECEIVE6_HOPLIMIT_OLD)
        err = put_number(message, SOL_IPV6, IPV6_2292HOPLIMIT, hops);
    if (!err && asked & INET_RECEIVE6_EXTENSIONS && packet->transport)
        err = put_extensions(asked, message, packet);
    if (!err && asked & INET_RECEIVE6_ORIGDST)
        err = put_destination6(message, packet, port);
    if (!err && asked & INET_RECEIVE6_FRAGSIZE && largest_fragment(packet))
        err = put_number(message, SOL_IPV6, IPV6_RECVFRAGSIZE, (int)largest_fragment(packet));
    return err;
}

int inet_put_control(struct inet_socket *s, struct message *message, const struct packet *packet,
                     unsigned port)
{
    const struct inet_queued *queued = (const struct inet_queued *)packet->scratch;
    unsigned asked = s->options.receive;
    int err = socket_put_control(&s->socket, message, packet->stamp, queued->drops);
    if (err || likely(!asked) || !packet->network)
        return err;
    if (asked & INET_RECEIVE_MARK)
        err =
            message_put_control(message, SOL_SOCKET, SO_MARK, &packet->mark, sizeof(packet->mark));
    if (!err && s->socket.family == AF_INET6) {
        if (asked & INET_RECEIVE6_PKTINFO)
            err = put_pktinfo6(message, packet, IPV6_PKTINFO);
        if (!err && asked & INET_RECEIVE6_PKTINFO_OLD)
            err = put_pktinfo6(message, packet, IPV6_2292PKTINFO);
    }
    if (!err && ip_packet_is_v4(packet))
        err = put_ip(asked, message, packet, port);
    else if (!err && s->socket.family == AF_INET6)
        err = put_ipv6(asked, message, packet, port);
    return err;
}

/* --- sent
 * -------------------------------------------------------------------------------------------------
 */

static int get_number(const struct control_message *control, int low, int high, int *number)
{
    if (control->len != sizeof(*number))
        return -EINVAL;
    memcpy(number, control->data, sizeof(*number));
    return *number < low || *number > high ? -EINVAL : 0;
}

int socket_get_control(const struct socket *socket, uint32_t *mark, uint16_t *stamps,
                       const struct control_message *control)
{
    int number;
    switch (control->type) {
    case SO_MARK:
        if (!socket_capable(NET_CAP_ADMIN) && !socket_capable(NET_CAP_RAW))
            return -EPERM;
        if (get_number(control, INT32_MIN, INT32_MAX, &number) < 0)
            return -EINVAL;
        *mark = (uint32_t)number;
        return 0;
    case SO_TIMESTAMPING:
    case SO_TIMESTAMPING_NEW:
        if (get_number(control, 0, STAMP_TX, &number) < 0 || number & ~STAMP_TX)
            return -EINVAL;
        *stamps = (uint16_t)(STAMP_GIVEN | (number & STAMP_SENT));
        return 0;
    case SO_TXTIME:
        return socket_flag(socket, SO_TXTIME) && control->len == sizeof(uint64_t) ? 0 : -EINVAL;
    case SCM_RIGHTS: /* for AF_UNIX */
    case SCM_CREDENTIALS:
        return 0;
    default:
        return -EINVAL;
    }
}

static int flow_through(const struct inet_socket *s, struct ip_flow *flow, uint32_t ifindex)
{
    if (!ifindex)
        return 0;
    if (s->flow.bound && s->flow.bound->index != ifindex)
        return -EINVAL;
    rcu_read_lock();
    flow->bound = netif_by_index(ifindex);
    rcu_read_unlock();
    return flow->bound ? 0 : -ENODEV;
}

static int get_pktinfo(const struct inet_socket *s, struct ip_flow *flow,
                       const struct control_message *control)
{
    struct in_pktinfo info;
    if (control->len != sizeof(info))
        return -EINVAL;
    memcpy(&info, control->data, sizeof(info));
    if (info.ours)
        flow->source = inet_v4(info.ours);
    int err = flow_through(s, flow, info.ifindex);
    return err == -EINVAL ? 0 : err; /* Linux lets the device of the socket win */
}

static int get_ip(const struct inet_socket *s, struct ip_flow *flow,
                  const struct control_message *control)
{
    int number;
    switch (control->type) {
    case IP_PKTINFO:
        return get_pktinfo(s, flow, control);
    case IP_TTL:
        if (get_number(control, 1, 255, &number) < 0)
            return -EINVAL;
        flow->ttl = (uint8_t)number;
        return 0;
    case IP_TOS:
        if (control->len == 1)
            number = *(const uint8_t *)control->data;
        else if (get_number(control, 0, 255, &number) < 0)
            return -EINVAL;
        flow->tos = (uint8_t)number;
        return 0;
    default:
        return -EINVAL;
    }
}

static int get_pktinfo6(const struct inet_socket *s, struct ip_flow *flow,
                        const struct control_message *control)
{
    struct in6_pktinfo info;
    struct inet_addr address;
    if (control->len < sizeof(info))
        return -EINVAL;
    memcpy(&info, control->data, sizeof(info));
    memcpy(address.bytes, info.address, sizeof(info.address));
    if (!inet_is_any(&address)) {
        if (inet_is_v4(&address) != inet_is_v4(&flow->destination))
            return -EINVAL;
        flow->source = address;
    }
    return flow_through(s, flow, info.ifindex);
}

/* A label; the four bits before traffic class and label are to be what they were. */
static int get_flowinfo(struct ip_flow *flow, const struct control_message *control)
{
    uint32_t info;
    if (control->len < sizeof(info))
        return -EINVAL;
    memcpy(&info, control->data, sizeof(info));
    if (flow->label && info & __builtin_bswap32(0xf0000000))
        return -EINVAL;
    flow->label = info & IPV6_LABEL;
    return 0;
}

static int get_ipv6(const struct inet_socket *s, struct ip_flow *flow, struct ipv6_headers *headers,
                    const struct control_message *control)
{
    int number;
    switch (control->type) {
    case IPV6_PKTINFO:
    case IPV6_2292PKTINFO:
        return get_pktinfo6(s, flow, control);
    case IPV6_HOPLIMIT:
    case IPV6_2292HOPLIMIT:
        if (get_number(control, -1, 255, &number) < 0)
            return -EINVAL;
        if (number > 0)
            flow->ttl = (uint8_t)number;
        return 0;
    case IPV6_TCLASS:
        if (get_number(control, -1, 255, &number) < 0)
            return -EINVAL;
        flow->tos = number < 0 ? 0 : (uint8_t)number;
        return 0;
    case IPV6_DONTFRAG:
        if (get_number(control, 0, 1, &number) < 0)
            return -EINVAL;
        flow->dont_fragment = number;
        return 0;
    case IPV6_FLOWINFO:
        return get_flowinfo(flow, control);
    default:
        number = ipv6_headers_add(headers, control->type, control->data, control->len,
                                  socket_capable(NET_CAP_RAW));
        return number > 0 ? -EINVAL : number;
    }
}

int inet_get_control(struct inet_socket *s, const struct message *message, struct ip_flow *flow,
                     struct ipv6_headers *headers,
                     int (*fn)(const struct control_message *control, void *arg), void *arg)
{
    struct control_message control;
    size_t at = 0;
    int err, v6 = !inet_is_v4(&flow->destination);
    while ((err = message_next_control(message, &at, &control)) > 0) {
        if (control.level == SOL_SOCKET)
            err = socket_get_control(&s->socket, &flow->mark, &flow->stamps, &control);
        else if (control.level == SOL_IP)
            err = v6 ? 0 : get_ip(s, flow, &control);
        else if (control.level == SOL_IPV6)
            err = v6 || (control.type == IPV6_PKTINFO && s->socket.family == AF_INET6)
                      ? get_ipv6(s, flow, headers, &control)
                      : 0;
        else
            err = fn ? fn(&control, arg) : 0;
        if (err)
            return err;
    }
    return err;
}

int inet_message_flow(struct inet_socket *s, const struct message *message, struct ip_flow *flow,
                      struct ipv6_headers *headers,
                      int (*fn)(const struct control_message *control, void *arg), void *arg)
{
    bool named = message->address && message->address->len && !inet_is_v4(&flow->destination) &&
                 s->options.receive & INET_FLOWINFO_SEND;
    flow->dont_route |= (message->flags & MSG_DONTROUTE) != 0;
    if (named)
        flow->label = inet6_flowinfo(s, message->address) & IPV6_LABEL;
    int err = inet_get_control(s, message, flow, headers, fn, arg);
    if (ipv6_headers_any(headers)) { /* instead of those of every packet */
        flow->headers = headers;
        flow->options_len = ipv6_headers_size(headers);
    }
    if (!err && flow->label && (named || message->sent_size))
        err = inet6_use_label(s, flow, headers);
    return err;
}
