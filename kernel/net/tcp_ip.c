/* Between IP and TCP: whose is a segment, and what ICMP says about ours. */
#include "core/boot.h"
#include "mm/frame.h"
#include "net/mib.h"
#include "net/tcp.h"

struct tcp_settings tcp_settings = {
    .tw_reuse = 2,
    .fin_timeout = 60,
    .keepalive_time = 7200,
    .keepalive_intvl = 75,
    .keepalive_probes = 9,
    .syn_retries = 6,
    .synack_retries = 5,
    .retries1 = 3,
    .retries2 = 15,
    .orphan_retries = 0,
    .syncookies = 1,
    .timestamps = 1,
    .sack = 1,
    .dsack = 1,
    .window_scaling = 1,
    .max_syn_backlog = 512,
    .max_tw_buckets = 16384,
    .max_orphans = 16384,
    .slow_start_after_idle = 1,
    .moderate_rcvbuf = 1,
    .mtu_probing = 1,
    .challenge_ack_limit = 0x7fffffff,
    .notsent_lowat = -1,
    .somaxconn = 4096,
    .recovery = 1,
    .early_retrans = 3,
    .autocorking = 1,
    .mem = {16384, 32768, 65536},
    .rmem = {4096, 131072, 6291456},
    .wmem = {4096, 16384, 4194304},
    .congestion = "cubic",
};

/* The short way: interrupts off, under RCU; the packet holds at least the ports. */
static struct inet_socket *classify(const struct packet *packet, const struct inet_addr *source,
                                    const struct inet_addr *destination)
{
    unsigned theirs, ours;

    if (packet->len < TCP_HEADER)
        return NULL;
    theirs = get_be16(packet->data);
    ours = get_be16(packet->data + 2);
    if (unlikely(tcp_time_wait_count()) && tcp_time_wait_has(destination, ours, source, theirs))
        return inet_find_connected(IPPROTO_TCP, source, theirs, destination, ours);
    return inet_find(IPPROTO_TCP, source, theirs, destination, ours, packet->netif, packet);
}

/* A SYN that takes the place of an old connection: numbers go on from there. Takes the packet if
 * there is a listener. */
static bool begin_over(struct inet_socket *s, struct packet *packet, struct tcp_header *header,
                       uint32_t iss)
{
    struct tcp *tp = tcp_of(s);

    inet_lock(s);
    tcp_listen_new_iss(tp, iss);
    bool taken = tp->state == TCP_LISTEN && tcp_listen_input(tp, packet, header);
    tcp_listen_new_iss(tp, 0);
    inet_unlock(s);
    return taken;
}

/* The worker's: what no connection has claimed. */
static void receive(struct packet *packet)
{
    struct tcp_header header;
    struct inet_addr source = ip_source(packet), destination = ip_destination(packet);
    struct inet_socket *s;
    uint32_t iss = 0;
    bool held = false;

    MIB(TCP_IN_SEGS);
    if (!tcp_packet_header(packet, &header)) {
        MIB(TCP_IN_ERRS);
        packet_free(packet);
        return;
    }
    rcu_read_lock();
    s = inet_find_connected(IPPROTO_TCP, &source, header.source, &destination, header.destination);
    rcu_read_unlock();
    if (!s && tcp_time_wait_input(packet, &header, &iss))
        return;
    rcu_read_lock();
    s = inet_find(IPPROTO_TCP, &source, header.source, &destination, header.destination,
                  packet->netif, packet);
    if (s && iss)
        held = inet_try_get(s);
    else if (s)
        channel_push(s, packet);
    rcu_read_unlock();
    if (s && !iss)
        return;
    if (!held || !begin_over(s, packet, &header, iss)) {
        tcp_refuse(packet, &header);
        packet_free(packet);
    }
    if (held)
        inet_put(s);
}

/* A connection that is being set up ends; later it goes on, and only who has asked for it is told
 * before it has given up (man 7 ip, IP_RECVERR). */
static void take_error(struct tcp *tp, const struct ip_error *error, unsigned port)
{
    uint32_t seq = get_be32(error->transport + 4);
    struct inet_socket *s = &tp->inet;

    /* Only about what is on its way (RFC 5927, 4). */
    if (tp->state == TCP_CLOSE || seq_before(seq, tp->snd_una) || seq_after(seq, tp->snd_nxt))
        return;
    if (error->mtu) {
        inet_post(s, TCP_EV_MTU);
    } else if (TCP_IN(tcp_state(tp), 1 << TCP_SYN_SENT | 1 << TCP_SYN_RECV)) {
        inet_queue_icmp(s, error, port, error->transport, error->transport_len);
        tcp_abort(tp, error->err);
    } else if (!tp->orphan &&
               (inet_is_v4(&s->remote) ? s->options.receive_error : s->options.receive_error6)) {
        atomic_store(&s->socket.error, error->err);
        tcp_wake(tp, POLLERR);
    } else {
        tp->soft_error = (uint8_t)error->err;
    }
}

/* Threads. transport: what is left of our segment's header, 8 bytes at least. */
static __cold void error(const struct ip_error *error)
{
    unsigned ours, theirs;
    struct inet_socket *s;

    if (error->transport_len < 8)
        return;
    ours = get_be16(error->transport);
    theirs = get_be16(error->transport + 2);
    rcu_read_lock();
    s = inet_find_connected(IPPROTO_TCP, &error->destination, theirs, &error->source, ours);
    if (s && !inet_try_get(s))
        s = NULL;
    rcu_read_unlock();
    if (!s)
        return;
    inet_lock(s);
    take_error(tcp_of(s), error, theirs);
    inet_unlock(s);
    inet_put(s);
}

bool tcp_ends_in_use(struct inet_socket *s, unsigned port)
{
    return !tcp_time_wait_reuse(tcp_of(s), port, false);
}

/* Queues may take up to a quarter of memory. */
static void set_limits(void)
{
    struct frame_stats stats;
    long pages;

    frame_get_stats(&stats);
    pages = (long)(stats.total / 4);

    tcp_settings.mem[2] = MAX(pages, 1024l);
    tcp_settings.mem[1] = tcp_settings.mem[2] * 2 / 3;
    tcp_settings.mem[0] = tcp_settings.mem[1] / 2 * 3 / 2;
    tcp_settings.max_tw_buckets = (int)MIN(MAX(pages / 2, 1024l), 65536l);
    tcp_settings.max_orphans = tcp_settings.max_tw_buckets;
    tcp_settings.max_syn_backlog = (int)MIN(MAX(pages / 64, 128l), 4096l);
}

static int start(void)
{
    static const struct ip_protocol tcp = {
        .number = IPPROTO_TCP,
        .receive = receive,
        .error = error,
        .classify = classify,
        .v4 = true,
        .v6 = true,
    };

    set_limits();
    inet_kind_register(&tcp_kind);
    ip_protocol_register(&tcp);
    return 0;
}
BOOT_STEP(PHASE_BUS, "TCP", start);
