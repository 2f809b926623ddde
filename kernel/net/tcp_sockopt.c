/* Options of IPPROTO_TCP (man 7 tcp), TCP_INFO, ioctls. */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/flow_label.h"
#include "net/tcp.h"

enum {
    TCP_NODELAY = 1,
    TCP_MAXSEG,
    TCP_CORK,
    TCP_KEEPIDLE,
    TCP_KEEPINTVL,
    TCP_KEEPCNT,
    TCP_SYNCNT,
    TCP_LINGER2,
    TCP_DEFER_ACCEPT,
    TCP_WINDOW_CLAMP,
    TCP_INFO,
    TCP_QUICKACK,
    TCP_CONGESTION,
    TCP_THIN_LINEAR_TIMEOUTS = 16,
    TCP_THIN_DUPACK,
    TCP_USER_TIMEOUT,
    TCP_FASTOPEN = 23,
    TCP_NOTSENT_LOWAT = 25,
    TCP_CC_INFO,
    TCP_SAVE_SYN,
    TCP_SAVED_SYN,
    TCP_FASTOPEN_CONNECT = 30,
    TCP_ULP,
    TCP_FASTOPEN_KEY = 33,
    TCP_FASTOPEN_NO_COOKIE,
    TCP_ZEROCOPY_RECEIVE,
    TCP_INQ,
    TCP_TX_DELAY,
};
enum { FASTOPEN_KEY = 16, SOL_IP = 0, SOL_IPV6 = 41, IP_PKTOPTIONS = 9, IPV6_2292PKTOPTIONS = 6 };
enum { IPV6_FLOWLABEL_MGR = 32 };
enum { KEEP_MAX = 32767, COUNT_MAX = 127, LINGER2_MAX = 120, MSS_MIN = 88, MSS_MAX = 32767 };
enum { CLAMP_MIN = 1152, CC_NAME = 16 };

/* --- setting
 * ---------------------------------------------------------------------------------------------- */

/* So many seconds are so many repetitions of the SYN|ACK. */
static unsigned tries_of_seconds(int seconds)
{
    unsigned tries = 0;
    int timeout = 1, period = 1;

    if (seconds <= 0)
        return 0;
    for (tries = 1; seconds > period && tries < 255; tries++) {
        timeout = MIN(timeout * 2, 120);
        period += timeout;
    }
    return tries;
}

static int seconds_of_tries(unsigned tries)
{
    int timeout = 1, period = tries ? 1 : 0;

    while (tries > 1) {
        tries--;
        timeout = MIN(timeout * 2, 120);
        period += timeout;
    }
    return period;
}

static int set_range(unsigned *field, int number, int most)
{
    if (number < 1 || number > most)
        return -EINVAL;
    *field = (unsigned)number;
    return 0;
}

static int set_quick_ack(struct tcp *tp, int number)
{
    tp->pingpong = !number;
    if (number && tp->ack_due && TCP_IN(tcp_state(tp), TCP_CAN_SEND)) {
        tp->small = MAX(tp->small, (uint8_t)1);
        tcp_reader_done(tp, true);
        tp->pingpong = !(number & 1);
    }
    return 0;
}

static int set_congestion(struct tcp *tp, const void *value, size_t len)
{
    char name[CC_NAME] = {};
    const struct tcp_congestion *congestion;

    if (!len)
        return -EINVAL;
    memcpy(name, value, MIN(len, sizeof(name) - 1));
    congestion = tcp_congestion_find(name);
    if (!congestion)
        return -ENOENT;
    if (congestion != tp->congestion) {
        tp->congestion = congestion;
        congestion->begin(tp);
    }
    return 0;
}

static int set_clamp(struct tcp *tp, int number)
{
    if (!number && tp->state != TCP_CLOSE)
        return -EINVAL;
    tp->window_clamp = number ? (uint32_t)MAX(number, (int)CLAMP_MIN) : 0;
    return 0;
}

static int set_keep_idle(struct tcp *tp, int number)
{
    int err = set_range(&tp->keep_idle, number, KEEP_MAX);

    if (!err)
        tcp_arm_keepalive(tp);
    return err;
}

static bool not_begun(const struct tcp *tp)
{
    return TCP_IN(tcp_state(tp), 1 << TCP_CLOSE | 1 << TCP_LISTEN);
}

/* Those that have to do with what this stack leaves out, answered as where it is switched off. */
static int set_fast_open(struct tcp *tp, int name, int number)
{
    switch (name) {
    case TCP_FASTOPEN:
        if (number < 0 || !not_begun(tp))
            return -EINVAL;
        tp->fastopen = (unsigned)MIN(number, tcp_settings.somaxconn);
        return 0;
    case TCP_FASTOPEN_CONNECT:
        return number > 1 || number < 0 ? -EINVAL : -EOPNOTSUPP;
    default:
        if (number > 1 || number < 0 || !not_begun(tp))
            return -EINVAL;
        tp->fastopen_no_cookie = number;
        return 0;
    }
}

static int set_number(struct tcp *tp, int name, int number)
{
    switch (name) {
    case TCP_NODELAY:
        tp->nodelay = number != 0;
        if (number)
            tcp_push(tp, PUSH_NOW);
        return 0;
    case TCP_CORK:
        tp->cork = number != 0;
        if (!number)
            tcp_push(tp, tp->nodelay ? PUSH_NOW : PUSH_NORMAL);
        return 0;
    case TCP_MAXSEG:
        if (number && (number < MSS_MIN || number > MSS_MAX))
            return -EINVAL;
        tp->user_mss = (uint16_t)number;
        return 0;
    case TCP_KEEPIDLE:
        return set_keep_idle(tp, number);
    case TCP_KEEPINTVL:
        return set_range(&tp->keep_interval, number, KEEP_MAX);
    case TCP_KEEPCNT:
        return set_range(&tp->keep_count, number, COUNT_MAX);
    case TCP_SYNCNT:
        return set_range(&tp->syn_count, number, COUNT_MAX);
    case TCP_LINGER2:
        tp->linger2 = number < 0 ? -1 : MIN(number, (int)LINGER2_MAX);
        return 0;
    case TCP_DEFER_ACCEPT:
        tp->defer_accept = tries_of_seconds(number);
        return 0;
    case TCP_WINDOW_CLAMP:
        return set_clamp(tp, number);
    case TCP_QUICKACK:
        return set_quick_ack(tp, number);
    case TCP_USER_TIMEOUT:
        if (number < 0)
            return -EINVAL;
        tp->user_timeout = (unsigned)number;
        return 0;
    case TCP_NOTSENT_LOWAT:
        tp->notsent_low = (unsigned)number;
        return 0;
    case TCP_THIN_LINEAR_TIMEOUTS:
        if (number < 0 || number > 1)
            return -EINVAL;
        tp->thin = number;
        return 0;
    case TCP_THIN_DUPACK: /* of no effect since Linux 4.19 */
        return number < 0 || number > 1 ? -EINVAL : 0;
    case TCP_SAVE_SYN:
        if (number < 0 || number > 2)
            return -EINVAL;
        tp->save_syn = (uint8_t)number;
        return 0;
    case TCP_INQ:
        if (number & ~1)
            return -EINVAL;
        tp->tell_inq = number;
        return 0;
    case TCP_TX_DELAY: /* kept: only Linux's queueing discipline fq takes it into account */
        if (number < 0)
            return -EINVAL;
        tp->tx_delay = (unsigned)number;
        return 0;
    case TCP_FASTOPEN:
    case TCP_FASTOPEN_CONNECT:
    case TCP_FASTOPEN_NO_COOKIE:
        return set_fast_open(tp, name, number);
    default:
        return -ENOPROTOOPT;
    }
}

/* One or two. */
static int set_keys(struct tcp *tp, const void *value, size_t len)
{
    struct tcp_saved *keys;

    if (len != FASTOPEN_KEY && len != 2 * FASTOPEN_KEY)
        return -EINVAL;
    keys = kmalloc(sizeof(*keys) + len);
    if (!keys)
        return -ENOMEM;
    keys->len = (unsigned)len;
    memcpy(keys->bytes, value, len);
    kfree(tp->fastopen_keys);
    tp->fastopen_keys = keys;
    return 0;
}

static int set_tcp(struct tcp *tp, int name, const void *value, size_t len)
{
    int number;

    if (name == TCP_CONGESTION)
        return set_congestion(tp, value, len);
    if (name == TCP_ULP)
        return len ? -ENOENT : -EINVAL;
    if (len < sizeof(number))
        return -EINVAL;
    memcpy(&number, value, sizeof(number));
    if (name == TCP_FASTOPEN_KEY)
        return set_keys(tp, value, len);
    if (name == TCP_TIMESTAMP || name == TCP_REPAIR_WINDOW ||
        (name >= TCP_REPAIR && name <= TCP_REPAIR_OPTIONS))
        return tcp_repair_set(tp, name, number, value, len);
    return set_number(tp, name, number);
}

/* Those of SOL_SOCKET that mean more here. */
static int set_socket(struct tcp *tp, int name, const void *value, size_t len)
{
    int number;

    if (len < sizeof(number))
        return -ENOPROTOOPT;
    memcpy(&number, value, sizeof(number));
    if (name == SO_KEEPALIVE) {
        tp->inet.socket.flags &= ~(1ull << SO_KEEPALIVE);
        tp->inet.socket.flags |= (uint64_t)(number != 0) << SO_KEEPALIVE;
        tcp_arm_keepalive(tp);
        return 0;
    }
    if (name == SO_TIMESTAMPING || name == SO_TIMESTAMPING_NEW) {
        if (number & STAMP_OPT_ID && !(tp->inet.socket.timestamping & STAMP_OPT_ID) &&
            not_begun(tp))
            return -EINVAL;
        tcp_departures_set(tp, (uint32_t)number);
    }
    if (name == SO_TXREHASH) {
        if (number < -1 || number > 1)
            return -EINVAL;
        tp->no_rehash = !number;
        return 0;
    }
    if (name == SO_MAX_PACING_RATE)
        tp->paced = true;
    if (name == SO_SNDBUF || name == SO_SNDBUFFORCE)
        tp->send_locked = true;
    if (name == SO_RCVBUF || name == SO_RCVBUFFORCE)
        tp->receive_locked = true;
    if (name == SO_BUF_LOCK && number >= 0 && number <= 3) {
        tp->send_locked = number & 1;
        tp->receive_locked = number & 2;
    }
    if (name == SO_RCVLOWAT) {
        struct socket *socket = &tp->inet.socket;
        int most = tp->receive_locked ? (int)socket->receive_buffer / 2 : tcp_settings.rmem[2] / 2;
        if (!tp->receive_locked && number > 0 && number < 1 << 20)
            socket->receive_buffer = MAX(socket->receive_buffer, (uint32_t)number * 2);
        socket->receive_low = number < 0 ? most : MAX(MIN(number, most), 1);
        return 0;
    }
    return -ENOPROTOOPT;
}

/* IP's options may have changed the way. */
static void refresh_flow(struct tcp *tp)
{
    struct inet_socket *s = &tp->inet;
    struct ip_flow flow = s->flow;

    if (!TCP_IN(tcp_state(tp), TCP_SYNCED | 1 << TCP_SYN_SENT | 1 << TCP_SYN_RECV) ||
        inet_flow(s, &flow, &s->remote, s->scope) < 0)
        return;
    flow.source = s->local;
    flow.hash = s->flow.hash;
    if (ip_route(&flow) < 0)
        return;
    s->flow = flow;
    tcp_update_mss(tp);
}

int tcp_op_set_option(struct socket *socket, int level, int name, const void *value, size_t len)
{
    struct tcp *tp = tcp_of_socket(socket);
    int err = -ENOPROTOOPT;

    if (level == IPPROTO_TCP || level == SOL_SOCKET) {
        inet_lock(&tp->inet);
        err =
            level == IPPROTO_TCP ? set_tcp(tp, name, value, len) : set_socket(tp, name, value, len);
        inet_unlock(&tp->inet);
    }
    if (level == IPPROTO_TCP || err != -ENOPROTOOPT)
        return err;
    err = inet_op_set_option(socket, level, name, value, len);
    if (!err) {
        inet_lock(&tp->inet);
        refresh_flow(tp);
        inet_unlock(&tp->inet);
    }
    return err;
}

/* --- asking
 * -----------------------------------------------------------------------------------------------
 */

/* As Linux 6.x lays it out. */
struct info {
    uint8_t state, ca_state, retransmits, probes, backoff, options, wscales, flags;
    uint32_t rto, ato, snd_mss, rcv_mss;
    uint32_t unacked, sacked, lost, retrans, fackets;
    uint32_t last_data_sent, last_ack_sent, last_data_recv, last_ack_recv;
    uint32_t pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering;
    uint32_t rcv_rtt, rcv_space, total_retrans;
    uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
    uint32_t segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out;
    uint64_t delivery_rate, busy_time, rwnd_limited, sndbuf_limited;
    uint32_t delivered, delivered_ce;
    uint64_t bytes_sent, bytes_retrans;
    uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd, rehash;
    uint16_t total_rto, total_rto_recoveries;
    uint32_t total_rto_time;
};
_Static_assert(sizeof(struct info) == 248, "struct tcp_info of Linux 6.7");
enum { INFO_TIMESTAMPS = 1, INFO_SACK = 2, INFO_WSCALE = 4 };

static uint32_t us(nsec_t ns)
{
    return (uint32_t)(ns / 1000);
}

static uint32_t segments(uint32_t bytes, uint32_t mss)
{
    return (bytes + mss - 1) / mss;
}

static void listener_info(const struct tcp *tp, struct info *info)
{
    info->unacked = tcp_listen_queued(tp);
    info->sacked = tcp_listen_backlog(tp);
}

static void way_info(const struct tcp *tp, struct info *info, uint32_t mss)
{
    info->rto = us(MIN(tp->rto << MIN(tp->backoff, 10u), TCP_RTO_MAX));
    info->snd_mss = mss;
    info->unacked = segments(tp->snd_nxt - tp->snd_una, mss);
    info->sacked = segments(tp->sacked, mss);
    info->lost = segments(tp->lost, mss);
    info->retrans = segments(tp->again, mss);
    info->pmtu = tp->inet.flow.mtu;
    info->rtt = us(tp->srtt);
    info->rttvar = us(tp->rttvar);
    info->min_rtt = tp->min_rtt ? us(tp->min_rtt) : UINT32_MAX;
    info->snd_ssthresh =
        tp->ssthresh == TCP_NO_SSTHRESH ? TCP_NO_SSTHRESH : segments(tp->ssthresh, mss);
    info->snd_cwnd = MAX(tp->cwnd / mss, 1u);
    info->reordering = 3;
    info->delivered = segments((uint32_t)tp->delivered, mss);
    if (tp->rate_interval > 0)
        info->delivery_rate =
            tp->rate_delivered * 1000000 / MAX((uint64_t)tp->rate_interval / 1000, 1ul);
}

static void count_info(const struct tcp *tp, struct info *info)
{
    info->retransmits = (uint8_t)MIN(tp->retries, 255u);
    info->probes = (uint8_t)MIN(tp->probes + tp->keep_probes, 255u);
    info->backoff = (uint8_t)MIN(tp->backoff, 255u);
    info->total_retrans = tp->total_again;
    info->bytes_acked = tp->bytes_acked;
    info->bytes_received = tp->bytes_received;
    info->bytes_sent = tp->bytes_sent;
    info->bytes_retrans = tp->bytes_again;
    info->segs_out = tp->segs_out;
    info->segs_in = tp->segs_in;
    info->data_segs_in = tp->data_in;
    info->data_segs_out = tp->data_out;
    info->notsent_bytes = tp->write_seq - tp->snd_nxt;
    info->dsack_dups = tp->dsacks;
    info->reord_seen = tp->reorder_seen;
    info->rcv_ooopack = tp->early_total;
}

int tcp_info(struct tcp *tp, void *value, size_t len)
{
    struct info info = {.state = (uint8_t)tcp_state(tp), .ca_state = tp->ca_state};
    uint32_t now = (uint32_t)(clock_monotonic() / TCP_MS), mss = tcp_mss(tp);

    info.options = (tp->stamps ? INFO_TIMESTAMPS : 0) | (tp->sack ? INFO_SACK : 0) |
                   (tp->wscale_ok ? INFO_WSCALE : 0);
    info.wscales = tp->snd_wscale | tp->rcv_wscale << 4;
    info.ato = TCP_ACK_DELAY_MS * 1000;
    info.rcv_mss = tp->received_mss;
    info.advmss = tp->mss + (tp->stamps ? TCP_STAMP_LEN : 0);
    info.rcv_ssthresh = tp->rcv_wnd;
    info.rcv_space = tp->tune.space;
    info.snd_wnd = tp->snd_wnd;
    info.rcv_wnd = tp->rcv_wnd;
    info.pacing_rate = tcp_pacing_rate(tp);
    info.max_pacing_rate = tp->inet.socket.pacing_rate;
    way_info(tp, &info, mss);
    count_info(tp, &info);
    if (tp->last_send)
        info.last_data_sent = now - (uint32_t)(tp->last_send / TCP_MS);
    info.last_data_recv = now - (uint32_t)(tp->last_receive / TCP_MS);
    info.last_ack_recv = now - (uint32_t)(tp->last_ack_received / TCP_MS);
    if (info.state == TCP_LISTEN)
        listener_info(tp, &info);
    len = MIN(len, sizeof(info));
    memcpy(value, &info, len);
    return (int)len;
}

static int get_number(struct tcp *tp, int name, int *number)
{
    switch (name) {
    case TCP_NODELAY:
        *number = tp->nodelay;
        break;
    case TCP_CORK:
        *number = tp->cork;
        break;
    case TCP_MAXSEG:
        *number = not_begun(tp) && tp->user_mss ? tp->user_mss : tcp_mss(tp);
        break;
    case TCP_KEEPIDLE:
        *number = (int)tcp_keep_idle(tp);
        break;
    case TCP_KEEPINTVL:
        *number = tp->keep_interval ? (int)tp->keep_interval : tcp_settings.keepalive_intvl;
        break;
    case TCP_KEEPCNT:
        *number = tp->keep_count ? (int)tp->keep_count : tcp_settings.keepalive_probes;
        break;
    case TCP_SYNCNT:
        *number = tp->syn_count ? (int)tp->syn_count : tcp_settings.syn_retries;
        break;
    case TCP_LINGER2:
        *number = tp->linger2 ? tp->linger2 : tcp_settings.fin_timeout;
        break;
    case TCP_DEFER_ACCEPT:
        *number = seconds_of_tries(tp->defer_accept);
        break;
    case TCP_WINDOW_CLAMP:
        *number = (int)(tp->window_clamp || not_begun(tp)
                            ? tp->window_clamp
                            : tcp_window_of_space(tp->inet.socket.receive_buffer));
        break;
    case TCP_QUICKACK:
        *number = !tp->pingpong;
        break;
    case TCP_USER_TIMEOUT:
        *number = (int)tp->user_timeout;
        break;
    case TCP_NOTSENT_LOWAT:
        *number = (int)tp->notsent_low;
        break;
    case TCP_THIN_LINEAR_TIMEOUTS:
        *number = tp->thin;
        break;
    case TCP_FASTOPEN:
        *number = (int)tp->fastopen;
        break;
    case TCP_FASTOPEN_NO_COOKIE:
        *number = tp->fastopen_no_cookie;
        break;
    case TCP_SAVE_SYN:
        *number = tp->save_syn;
        break;
    case TCP_INQ:
        *number = tp->tell_inq;
        break;
    case TCP_TX_DELAY:
        *number = (int)tp->tx_delay;
        break;
    case TCP_THIN_DUPACK:
    case TCP_FASTOPEN_CONNECT:
        *number = 0;
        break;
    case TCP_TIMESTAMP:
        *number = (int)tcp_stamp(tp, clock_monotonic());
        break;
    default:
        return -ENOPROTOOPT;
    }
    return 0;
}

/* A SYN is told once, and as a whole. */
static int get_saved(struct tcp *tp, int name, void *value, size_t len)
{
    struct tcp_saved *saved = name == TCP_SAVED_SYN ? tp->saved_syn : tp->fastopen_keys;
    unsigned n = saved ? saved->len : 0;

    if (name == TCP_SAVED_SYN && n > len)
        return (int)n;
    n = MIN(n, (unsigned)len);
    if (n)
        memcpy(value, saved->bytes, n);
    if (name == TCP_SAVED_SYN) {
        tp->saved_syn = NULL;
        kfree(saved);
    }
    return (int)n;
}

/* --- IP_PKTOPTIONS, IPV6_2292PKTOPTIONS: what would be told with a packet */

void tcp_note(struct tcp *tp, const struct packet *packet)
{
    tp->noted.ifindex = packet->netif ? packet->netif->index : 0;
    tp->noted.tos = (uint8_t)ip_tos(packet);
    if (!tp->noted.ttl ||
        tp->inet.options.receive & (INET_RECEIVE6_FLOWINFO | INET_RECEIVE6_TCLASS))
        tp->noted.flow = get_le32(packet->network) & __builtin_bswap32(0x0fffffff);
    tp->noted.ttl = (uint8_t)ip_ttl(packet);
    inet6_note(&tp->inet, packet);
}

/* Control messages into an option's value. */
struct controls {
    char *at;
    size_t left;
};

static void put_control(struct controls *to, int level, int type, const void *data, size_t n)
{
    struct control_header header = {MIN(sizeof(header) + n, to->left), level, type};
    size_t space = MIN(ALIGN_UP(header.len, 8ul), to->left);

    if (to->left < sizeof(header))
        return;
    memcpy(to->at, &header, sizeof(header));
    memcpy(to->at + sizeof(header), data, header.len - sizeof(header));
    to->at += space;
    to->left -= space;
}

static void put_controls4(const struct tcp *tp, struct controls *to)
{
    uint32_t asked = tp->inet.options.receive, address = inet_v4_of(&tp->inet.local);
    uint32_t info[3] = {tp->noted.ifindex, address, address}, ttl = tp->noted.ttl;
    uint32_t tos = tp->noted.tos;

    if (asked & INET_RECEIVE_PKTINFO)
        put_control(to, SOL_IP, 8, info, sizeof(info));
    if (asked & INET_RECEIVE_TTL)
        put_control(to, SOL_IP, 2, &ttl, sizeof(ttl));
    if (asked & INET_RECEIVE_TOS)
        put_control(to, SOL_IP, 1, &tos, sizeof(tos));
}

/* As Linux: of a packet that had headers or a label that are asked for, all that is told with any;
 * else what is remembered, with the peer's address. */
static void put_controls6(const struct tcp *tp, struct controls *to)
{
    enum { INFO, HOPS, CLASS, FLOW, FLOW_LAST, PART };
    static const struct {
        uint32_t receive;
        uint8_t type, what;
    } all[] = {
        {INET_RECEIVE6_PKTINFO, 50, INFO},
        {INET_RECEIVE6_HOPLIMIT, 52, HOPS},
        {INET_RECEIVE6_TCLASS, 67, CLASS},
        {INET_RECEIVE6_FLOWINFO, 11, FLOW},
        {INET_RECEIVE6_HOPOPTS, 54, PART + IPV6_HOP},
        {INET_RECEIVE6_DSTOPTS, 59, PART + IPV6_BEFORE},
        {INET_RECEIVE6_RTHDR, 57, PART + IPV6_ROUTING},
        {INET_RECEIVE6_DSTOPTS, 59, PART + IPV6_LAST},
        {INET_RECEIVE6_PKTINFO_OLD, 2, INFO},
        {INET_RECEIVE6_HOPLIMIT_OLD, 8, HOPS},
        {INET_RECEIVE6_HOPOPTS_OLD, 3, PART + IPV6_HOP},
        {INET_RECEIVE6_DSTOPTS_OLD, 4, PART + IPV6_BEFORE},
        {INET_RECEIVE6_RTHDR_OLD, 5, PART + IPV6_ROUTING},
        {INET_RECEIVE6_DSTOPTS_OLD, 4, PART + IPV6_LAST},
        {INET_RECEIVE6_FLOWINFO, 11, FLOW_LAST},
    };
    const struct inet_options *o = &tp->inet.options;
    const struct ipv6_headers *arrived = o->six ? o->six->arrived : NULL;
    uint32_t hops = tp->noted.ttl ?: 1, class = __builtin_bswap32(tp->noted.flow) >> 20 & 255;
    bool told = arrived || (o->receive & INET_RECEIVE6_FLOWINFO && tp->noted.flow);
    struct {
        struct inet_addr address;
        uint32_t ifindex;
    } info = {told ? tp->inet.local : tp->inet.remote, tp->noted.ifindex};
    const void *data[] = {&info, &hops, &class, &tp->noted.flow, &tp->noted.flow};

    if (!info.ifindex) {
        info.address = o->pktinfo_source;
        info.ifindex = o->pktinfo_netif ? o->pktinfo_netif->index : 0;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
        unsigned what = all[i].what;
        const uint8_t *part = what >= PART && arrived ? arrived->part[what - PART] : NULL;

        if (!(o->receive & all[i].receive) || what == (told ? FLOW_LAST : FLOW) ||
            (what == FLOW && !tp->noted.flow) || (what >= PART && !part))
            continue;
        put_control(to, SOL_IPV6, all[i].type, part ? part : data[what],
                    part           ? ipv6_header_size(part)
                    : what == INFO ? 20
                                   : sizeof(uint32_t));
    }
}

static int get_packet_options(const struct tcp *tp, int level, char *value, size_t len)
{
    struct controls to = {value, len};

    if (level == SOL_IP)
        put_controls4(tp, &to);
    else
        put_controls6(tp, &to);
    return (int)(to.at - value);
}

static int get_tcp(struct tcp *tp, int name, void *value, size_t len)
{
    int number = 0, err;

    if (name == TCP_INFO)
        return tcp_info(tp, value, len);
    if (name == TCP_CONGESTION) {
        char text[CC_NAME] = {};

        strlcpy(text, tp->congestion->name, sizeof(text));
        len = MIN(len, sizeof(text));
        memcpy(value, text, len);
        return (int)len;
    }
    if (name == TCP_ULP || name == TCP_CC_INFO)
        return 0;
    if (name == TCP_SAVED_SYN || name == TCP_FASTOPEN_KEY)
        return get_saved(tp, name, value, len);
    if (name == TCP_REPAIR_WINDOW || (name >= TCP_REPAIR && name < TCP_REPAIR_OPTIONS))
        return tcp_repair_get(tp, name, value, len);
    if (name == TCP_REPAIR_OPTIONS)
        return -ENOPROTOOPT;
    err = get_number(tp, name, &number);
    if (err)
        return err;
    len = MIN(len, sizeof(number));
    memcpy(value, &number, len);
    return (int)len;
}

/* The error that ends calls, else one that ICMP has told. */
static int get_error(struct tcp *tp, void *value, size_t len)
{
    int number = -tcp_take_error(tp);

    if (!number) {
        number = tp->soft_error;
        tp->soft_error = 0;
    }
    len = MIN(len, sizeof(number));
    memcpy(value, &number, len);
    return (int)len;
}

int tcp_op_get_option(struct socket *socket, int level, int name, void *value, size_t len)
{
    struct tcp *tp = tcp_of_socket(socket);
    bool packet_options =
        (level == SOL_IP && name == IP_PKTOPTIONS) ||
        (level == SOL_IPV6 && name == IPV6_2292PKTOPTIONS && socket->family != AF_INET);
    int n;

    if (level == IPPROTO_TCP && name == TCP_ZEROCOPY_RECEIVE)
        return tcp_zerocopy_receive(tp, value, len);
    if (level == SOL_SOCKET && name == SO_TXREHASH) {
        n = !tp->no_rehash;
        memcpy(value, &n, MIN(len, sizeof(n)));
        return (int)MIN(len, sizeof(n));
    }
    if (level == SOL_IPV6 && name == IPV6_FLOWLABEL_MGR && socket->family != AF_INET) {
        inet_lock(&tp->inet);
        n = flow_label_get(&tp->inet, value, len, tp->noted.flow);
        inet_unlock(&tp->inet);
        return n;
    }
    if (level != IPPROTO_TCP && !packet_options && !(level == SOL_SOCKET && name == SO_ERROR))
        return inet_op_get_option(socket, level, name, value, len);
    inet_lock(&tp->inet);
    n = packet_options         ? get_packet_options(tp, level, value, len)
        : level == IPPROTO_TCP ? get_tcp(tp, name, value, len)
                               : get_error(tp, value, len);
    inet_unlock(&tp->inet);
    return n;
}

/* --- ioctl
 * ------------------------------------------------------------------------------------------------
 */

enum { FIONREAD = 0x541b, SIOCOUTQ = 0x5411, SIOCATMARK = 0x8905, SIOCOUTQNSD = 0x894b };

static uint32_t unread(const struct tcp *tp)
{
    if (TCP_IN(tcp_state(tp), 1 << TCP_SYN_SENT | 1 << TCP_SYN_RECV))
        return 0;
    if (socket_flag(&tp->inet.socket, SO_OOBINLINE) || !tp->urg_data ||
        seq_before(tp->urg_seq, tp->copied_seq) || !seq_before(tp->urg_seq, tp->rcv_nxt))
        return tcp_readable(tp);
    return tp->urg_seq - tp->copied_seq;
}

static int64_t queue_size(struct tcp *tp, unsigned cmd)
{
    if (tp->state == TCP_LISTEN)
        return -EINVAL;
    if (cmd == FIONREAD)
        return unread(tp);
    if (TCP_IN(tcp_state(tp), 1 << TCP_SYN_SENT | 1 << TCP_SYN_RECV | 1 << TCP_CLOSE))
        return 0;
    return cmd == SIOCOUTQ ? tp->write_seq - tp->snd_una : tp->write_seq - tp->snd_nxt;
}

int64_t tcp_op_ioctl(struct socket *socket, unsigned cmd, uintptr_t arg)
{
    struct tcp *tp = tcp_of_socket(socket);
    int64_t number;

    if (cmd != FIONREAD && cmd != SIOCOUTQ && cmd != SIOCATMARK && cmd != SIOCOUTQNSD)
        return inet_op_ioctl(socket, cmd, arg);
    inet_lock(&tp->inet);
    number = cmd == SIOCATMARK ? tcp_at_mark(tp) : queue_size(tp, cmd);
    inet_unlock(&tp->inet);
    return number < 0 ? number : user_put32(arg, (uint32_t)number);
}
