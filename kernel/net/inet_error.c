/* net/inet_error.c: what happened to packets that were sent, told through MSG_ERRQUEUE (man 7 ip,
 * IP_RECVERR; SO_TIMESTAMPING). A notice is a packet whose data is what is left of the payload;
 * what it says lies in front of that. */
#include "mm/uaccess.h"
#include "net/icmp_extension.h"
#include "net/inet6.h"

enum {
    SOL_IP = 0,
    SOL_IPV6 = 41,
    IP_RECVERR = 11,
    IPV6_RECVERR = 25,
    ORIGIN_LOCAL = 1,
    ORIGIN_ICMP = 2,
    ORIGIN_ICMP6 = 3,
    ORIGIN_ZEROCOPY = 5,
    ZEROCOPY_COPIED = 1,
    PAYLOAD_MAX = 2048,
};

struct notice {
    struct extended_error error;
    bool addressed; /* offender, destination, port say something */
    uint16_t port;
    struct inet_addr offender, destination;
    nsec_t stamp;
};

static struct notice *notice_of(const struct packet *packet)
{
    return (struct notice *)packet->buffer->start;
}

static void enqueue(struct inet_socket *s, const struct notice *notice, const void *payload,
                    unsigned len)
{
    len = MIN(len, (unsigned)PAYLOAD_MAX);
    if (s->errors.n * sizeof(*notice) + s->errors.bytes + len > s->socket.receive_buffer)
        return;
    struct packet *packet = packet_alloc(sizeof(*notice), MAX(len, 1u));
    if (!packet)
        return;
    if (len)
        memcpy(packet_append(packet, len), payload, len);
    *notice_of(packet) = *notice;
    packet_enqueue(&s->errors, packet);
    waitqueue_wake(&s->readers, 0, POLLERR | POLLPRI);
}

static bool is_icmp(const struct notice *notice)
{
    return notice->error.origin == ORIGIN_ICMP || notice->error.origin == ORIGIN_ICMP6;
}

void inet_queue_icmp(struct inet_socket *s, const struct ip_error *error, unsigned port,
                     const void *payload, unsigned len)
{
    bool v4 = inet_is_v4(&error->destination);
    if (v4 ? !s->options.receive_error : !s->options.receive_error6)
        return;
    struct notice notice = {
        .error = {(uint32_t)error->err, error->origin, error->type, error->code, 0, error->mtu,
                  s->options.receive & (v4 ? INET_RFC4884 : INET_RFC4884_6)
                      ? icmp_extension(error->icmp, !v4, payload, len)
                      : 0},
        .addressed = true,
        .port = (uint16_t)port,
        .offender = error->offender,
        .destination = error->destination,
    };
    enqueue(s, &notice, payload, len);
}

void inet_queue_local(struct inet_socket *s, int err, const struct inet_addr *destination,
                      unsigned port, uint32_t info)
{
    bool v4 = inet_is_v4(destination);
    if (v4 ? !s->options.receive_error : !s->options.receive_error6)
        return;
    struct notice notice = {
        .error = {(uint32_t)err, ORIGIN_LOCAL, 0, 0, 0, info, 0},
        .addressed = true,
        .port = (uint16_t)port,
        .destination = *destination,
    };
    enqueue(s, &notice, NULL, 0);
}

void inet_tell_too_big(struct inet_socket *s, const struct ip_flow *flow, unsigned port)
{
    unsigned mtu = flow->mtu;
    if (!inet_is_v4(&flow->destination)) {
        if (flow->netif &&
            (flow->pmtudisc == PMTUDISC_PROBE || flow->pmtudisc == PMTUDISC_INTERFACE))
            mtu = flow->netif->mtu;
        if (flow->fragment_most)
            mtu = MIN(mtu, (unsigned)flow->fragment_most);
    }
    mtu -= MIN(mtu, flow->header_included ? 0 : flow->options_len);
    inet_queue_local(s, EMSGSIZE, &flow->destination, port, mtu);
    if (!flow->dont_fragment || !(s->options.receive & INET_RECEIVE6_PATHMTU) || !inet6_need(s))
        return;
    struct inet6_extras *six = s->options.six;
    six->too_big = true;
    six->path = (struct ip6_mtuinfo){
        .address = {.family = AF_INET6, .scope_id = flow->bound ? flow->bound->index : 0},
        .mtu = mtu,
    };
    memcpy(six->path.address.address, flow->destination.bytes, 16);
}

void inet_queue_notice(struct inet_socket *s, unsigned origin, int err, uint32_t info,
                       uint32_t data, nsec_t stamp, const void *payload, unsigned len)
{
    struct notice notice = {
        .error = {(uint32_t)err, (uint8_t)origin, 0, 0, 0, info, data},
        .stamp = stamp,
    };
    enqueue(s, &notice, payload, len);
}

/* Where the link header of what the flow sends begins, before its packet's data. */
static unsigned headers_of(const struct ip_flow *flow)
{
    return ETH_HLEN + (flow->header_included ? 0 : ip_header_len(flow));
}

struct packet *inet_stamp_begin(const struct inet_socket *s, const struct ip_flow *flow,
                                const struct packet *packet)
{
    if (likely(!socket_stamps(&s->socket, flow->stamps)))
        return NULL;
    struct packet *copy = packet_clone(packet);
    unsigned before = headers_of(flow);
    if (copy && packet_headroom(copy) >= before)
        memset(copy->data - before, 0, ETH_HLEN);
    return copy;
}

/* The headers have been put before the data that both share; the link's perhaps not yet. */
void inet_stamp_end(struct inet_socket *s, const struct ip_flow *flow, struct packet *copy, int err)
{
    if (likely(!copy))
        return;
    unsigned before = headers_of(flow), stamps = socket_stamps(&s->socket, flow->stamps);
    uint32_t key = socket_stamp_key(&s->socket);
    bool only = s->socket.timestamping & STAMP_OPT_TSONLY || packet_headroom(copy) < before;
    uint8_t *frame = copy->data - (only ? 0 : before);
    if (!only)
        put_be16(frame + 2 * ETH_ALEN, inet_is_v4(&flow->destination) ? ETH_P_IP : ETH_P_IPV6);
    for (unsigned info = STAMP_INFO_SCHED + 1; info-- && !err;)
        if (stamps & (info == STAMP_INFO_SCHED ? STAMP_TX_SCHED : STAMP_TX_SOFTWARE))
            inet_queue_notice(s, ORIGIN_TIMESTAMPING, ENOMSG, info, key, clock_realtime(), frame,
                              only ? 0 : copy->len + before);
    packet_free(copy);
}

/* One notice for all those in a row that nobody has read yet: info is the first, data the last. */
void inet_tell_copied(struct inet_socket *s)
{
    struct notice notice = {.error = {.origin = ORIGIN_ZEROCOPY, .code = ZEROCOPY_COPIED}}, *last;

    if (!socket_flag(&s->socket, SO_ZEROCOPY))
        return;
    notice.error.info = notice.error.data = s->copied++;
    if (s->errors.first) {
        last = notice_of(container_of(s->errors.last, struct packet, next));
        if (last->error.origin == ORIGIN_ZEROCOPY && last->error.data + 1 == notice.error.data) {
            last->error.data++;
            return;
        }
    }
    enqueue(s, &notice, NULL, 0);
}

/* SO_ERROR says what the next ICMP error in the queue says. Lock held. */
static void error_after(struct inet_socket *s, const struct notice *taken)
{
    const struct notice *next = s->errors.first ? notice_of(s->errors.first) : NULL;
    if (next && is_icmp(next))
        atomic_store(&s->socket.error, (int)next->error.err);
    else if (is_icmp(taken))
        atomic_store(&s->socket.error, 0);
}

/* IP_RECVERR or IPV6_RECVERR with the offender behind it. */
static int put_error(const struct inet_socket *s, struct message *message,
                     const struct notice *notice)
{
    struct {
        struct extended_error error;
        char offender[sizeof(struct sockaddr_in6)];
    } told = {.error = notice->error};
    bool v6 = s->socket.family == AF_INET6;
    size_t len = v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (is_icmp(notice)) {
        struct socket_address offender;
        inet_address_put(s, &offender, &notice->offender, 0, 0);
        memcpy(told.offender, offender.bytes, len);
    }
    return message_put_control(message, v6 ? SOL_IPV6 : SOL_IP, v6 ? IPV6_RECVERR : IP_RECVERR,
                               &told, sizeof(told.error) + len);
}

ssize_t inet_receive_error(struct inet_socket *s, struct message *message)
{
    inet_lock(s);
    struct packet *packet = packet_dequeue(&s->errors);
    if (packet)
        error_after(s, notice_of(packet));
    inet_unlock(s);
    if (!packet)
        return -EAGAIN;
    const struct notice *notice = notice_of(packet);
    size_t n = MIN((size_t)packet->len, message->io.left);
    ssize_t result = (ssize_t)n;
    if (io_put(&message->io, packet->data, n) != n)
        result = -EFAULT;
    message->result |= MSG_ERRQUEUE | (n < packet->len ? MSG_TRUNC : 0);
    if (message->address && notice->addressed)
        inet_address_put(s, message->address, &notice->destination, notice->port, 0);
    if (result >= 0 && notice->stamp &&
        socket_put_departure(&s->socket, message, notice->stamp) < 0)
        result = -EFAULT;
    if (result >= 0 && put_error(s, message, notice) < 0)
        result = -EFAULT;
    packet_free(packet);
    return result;
}

unsigned inet_poll_errors(const struct inet_socket *s)
{
    unsigned events = atomic_load(&s->socket.error) ? POLLERR : 0;
    if (s->errors.first)
        events |= POLLERR | (socket_flag(&s->socket, SO_SELECT_ERR_QUEUE) ? POLLPRI : 0);
    return events;
}
