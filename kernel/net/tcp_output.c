#include "net/tcp.h"

#include "core/random.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "net/mib.h"

uint32_t tcp_stamp(const struct tcp *tp, nsec_t now)
{
    return (uint32_t)((uint64_t)now / TCP_MS) + tp->stamp_offset;
}

/* --- how large segments are
 * ------------------------------------------------------------------------------- */

void tcp_update_mss(struct tcp *tp)
{
    unsigned mtu = tp->inet.flow.mtu ? MIN(tp->inet.flow.mtu, 65535u) : ETH_MTU;
    unsigned options = tp->inet.flow.options_len;
    unsigned headers = ip_header_len(&tp->inet.flow) - options + TCP_HEADER;
    unsigned mss = mtu > headers + 48 ? mtu - headers : 48;

    if (tp->peer_mss)
        mss = MIN(mss, (unsigned)tp->peer_mss);
    if (tp->user_mss)
        mss = MIN(mss, (unsigned)tp->user_mss);
    if (unlikely(options)) /* which neither says anything about (RFC 6691) */
        mss = mss > options + 48 ? mss - options : 48;
    if (tp->stamps)
        mss -= TCP_STAMP_LEN;
    if (tp->mss_limit)
        mss = MIN(mss, (unsigned)tp->mss_limit);
    tp->mss = (uint16_t)MAX(mss, 36u);
}

/* Never more than half of the largest window that the other side has offered, or it could not
 * acknowledge one while the next is on its way. */
unsigned tcp_mss(const struct tcp *tp)
{
    uint32_t half = tp->max_window > 536 ? tp->max_window / 2 : tp->max_window;

    return half && half < tp->mss ? MAX(half, 36u) : tp->mss;
}

/* The most that goes to the device in one piece: it, or the layer below, cuts it up. */
static uint32_t most_at_once(const struct tcp *tp, uint32_t mss)
{
    const struct netif *netif = tp->inet.flow.netif;
    unsigned wanted = inet_is_v4(&tp->inet.remote) ? NETIF_TSO4 : NETIF_TSO6;
    uint32_t most;

    if (!netif || !(netif->features & wanted) || tp->urgent || tp->inet.flow.options_len)
        return mss;
    most = netif->gso_max ? MIN(netif->gso_max, 65535u) : 65535u;
    most = most > 256 ? most - 256 : 0;
    return MAX(most / mss * mss, mss);
}

/* --- headers
 * ---------------------------------------------------------------------------------------------- */

/* The pseudo header's sum in the checksum field; device or lower layer do the rest. */
static void begin_checksum(struct packet *packet, const struct ip_flow *flow)
{
    uint32_t sum = ip_pseudo_sum(&flow->source, &flow->destination, IPPROTO_TCP, packet->total);

    put_le16(packet->data + 16, (uint16_t)~checksum_fold(sum));
    packet->checksum = CHECKSUM_PARTIAL;
    packet->csum_start = 0;
    packet->csum_offset = 16;
}

static unsigned put_ranges(uint8_t *p, const struct tcp_range *ranges, unsigned n)
{
    put_be32(p, TCPOPT_NOP << 24 | TCPOPT_NOP << 16 | TCPOPT_SACK << 8 | (2 + 8 * n));
    for (unsigned i = 0; i < n; i++) {
        put_be32(p + 4 + 8 * i, ranges[i].start);
        put_be32(p + 8 + 8 * i, ranges[i].end);
    }
    return 4 + 8 * n;
}

static unsigned syn_options(const struct tcp *tp, uint8_t *p, bool is_reply, uint32_t stamp)
{
    unsigned mtu = tp->inet.flow.mtu ? MIN(tp->inet.flow.mtu, 65535u) : ETH_MTU;
    unsigned headers = ip_header_len(&tp->inet.flow) - tp->inet.flow.options_len + TCP_HEADER;
    unsigned mss = mtu - MIN(headers, mtu);
    struct tcp_options options = {
        .mss = (uint16_t)(tp->user_mss ? MIN(mss, (unsigned)tp->user_mss) : mss),
        .has_wscale = tp->wscale_ok,
        .wscale = tp->rcv_wscale,
        .sack_ok = tp->sack,
        .has_stamp = tp->stamps,
        .stamp = stamp,
        .echo = is_reply ? tp->recent_stamp : 0,
    };

    return tcp_options_put_syn(p, &options);
}

static unsigned common_options(struct tcp *tp, uint8_t *p, bool may_sack, uint32_t stamp)
{
    struct tcp_range ranges[TCP_SACKS_MAX];
    unsigned len = 0, n;

    if (tp->stamps) {
        tcp_options_put_stamp(p, stamp, tp->recent_stamp);
        len = TCP_STAMP_LEN;
    }
    if (may_sack && (tp->dsack_due || tp->early)) {
        n = MIN(tcp_sack_ranges(tp, ranges), tp->stamps ? 3u : 4u);
        if (n)
            len += put_ranges(p + len, ranges, n);
    }
    return len;
}

static void put_urgent(const struct tcp *tp, uint8_t *p, uint32_t seq)
{
    uint32_t ahead = tp->snd_up - seq;

    if (ahead - 1 < 0xffff) {
        put_be16(p + 18, (uint16_t)ahead);
        p[13] |= TCP_URG;
    } else if (seq_after(tp->snd_up, seq)) {
        put_be16(p + 18, 0xffff);
        p[13] |= TCP_URG;
    }
}

/* What has just gone out has told all that there was to acknowledge. */
static void acknowledged(struct tcp *tp)
{
    tp->ack_due = tp->ack_now = tp->dsack_due = false;
    tp->small = 0;
    tp->ack_at = NSEC_FOREVER;
    tp->last_ack_sent = tp->rcv_nxt;
    if (tp->quick)
        tp->quick--;
}

/* --- pacing (SO_MAX_PACING_RATE), as Linux does it itself where no queueing discipline does */

enum { UNPACED_SEGMENTS = 10 /* with which a connection begins */ };

uint64_t tcp_pacing_rate(const struct tcp *tp)
{
    uint64_t rate = UINT64_MAX, window = MAX(tp->cwnd, tcp_in_flight(tp));

    if (tp->srtt)
        rate = window * TCP_SECOND / (uint64_t)tp->srtt;
    if (tp->srtt && rate <= UINT64_MAX / 12)
        rate = rate * (tp->cwnd < tp->ssthresh / 2 ? 20 : 12) / 10;
    return MIN(rate, tp->inet.socket.pacing_rate);
}

bool tcp_pacing_waits(struct tcp *tp)
{
    if (tp->inet.socket.pacing_rate == UINT64_MAX || tp->pace_at <= clock_monotonic())
        return false;
    if (tp->pace_at < tp->timer_at) {
        tp->timer_at = tp->pace_at;
        timer_start(&tp->timer, tp->pace_at);
    }
    return true;
}

/* So many bytes have gone. Who is late has up to half of their time back. */
static void pace(struct tcp *tp, uint32_t payload)
{
    uint64_t rate = tcp_pacing_rate(tp);
    nsec_t now = clock_monotonic(), late = MAX(now - tp->pace_at, 0), cost;

    tp->pace_at += late;
    if (!rate || rate == UINT64_MAX || tp->data_out < UNPACED_SEGMENTS)
        return;
    cost = (nsec_t)(payload * (uint64_t)TCP_SECOND / rate);
    tp->pace_at += cost - MIN(cost / 2, late);
}

/* --- one segment */

/* Put the header before a packet that holds the payload and send it. */
static int emit(struct tcp *tp, struct packet *packet, uint32_t seq, unsigned flags, uint32_t stamp)
{
    uint32_t payload = packet->total;
    uint8_t options[40], *p;
    unsigned len, mss;
    uint32_t window;

    if (unlikely(tp->unusual)) {
        if (tp->repair) {
            packet_free(packet);
            return 0;
        }
        pace(tp, payload);
    }

    if (flags & TCP_SYN)
        len = syn_options(tp, options, flags & TCP_ACK, stamp);
    else
        len = common_options(tp, options, !payload && !(flags & TCP_RST), stamp);
    window = tcp_new_window(tp);
    p = packet_push(packet, TCP_HEADER + len);
    put_be16(p, tp->inet.local_port);
    put_be16(p + 2, tp->inet.remote_port);
    put_be32(p + 4, seq);
    put_be32(p + 8, flags & TCP_ACK ? tp->rcv_nxt : 0);
    p[12] = (uint8_t)((TCP_HEADER + len) << 2);
    p[13] = (uint8_t)flags;
    window = flags & TCP_SYN ? window : window >> tp->rcv_wscale;
    put_be16(p + 14, (uint16_t)MIN(window, 65535u));
    put_be32(p + 16, 0);
    memcpy(p + TCP_HEADER, options, len);
    if (unlikely(tp->urgent) && !(flags & (TCP_SYN | TCP_RST)))
        put_urgent(tp, p, seq);
    begin_checksum(packet, &tp->inet.flow);
    mss = tcp_mss(tp);
    if (payload > mss) {
        packet->gso = inet_is_v4(&tp->inet.remote) ? GSO_TCP4 : GSO_TCP6;
        packet->gso_size = (uint16_t)mss;
        packet->header_len = (uint16_t)(TCP_HEADER + len);
    }
    if (flags & TCP_ACK)
        acknowledged(tp);
    len = payload > mss ? (payload + mss - 1) / mss : 1;
    tp->segs_out += len;
    if (payload) {
        tp->data_out += len;
        tp->bytes_sent += payload;
    }
    MIB_ADD(TCP_OUT_SEGS, len);
    if (flags & TCP_RST)
        MIB(TCP_OUT_RSTS);
    return ip_output(&tp->inet.flow, packet);
}

static int emit_empty(struct tcp *tp, uint32_t seq, unsigned flags)
{
    struct packet *packet = packet_alloc(PACKET_HEADROOM, 0);

    if (!packet)
        return -ENOMEM;
    return emit(tp, packet, seq, flags, tcp_stamp(tp, clock_monotonic()));
}

void tcp_send_ack(struct tcp *tp)
{
    if (emit_empty(tp, tp->snd_nxt, TCP_ACK) != -ENOMEM)
        return;
    tp->ack_due = true;
    tp->ack_at = clock_monotonic() + TCP_ACK_DELAY_MS * TCP_MS;
    tcp_timer_arm(tp);
}

void tcp_send_probe(struct tcp *tp, bool urgent)
{
    emit_empty(tp, tp->snd_una - !urgent, TCP_ACK);
}

void tcp_send_reset(struct tcp *tp)
{
    emit_empty(tp, tp->snd_nxt, TCP_RST | TCP_ACK);
}

/* --- the list
 * --------------------------------------------------------------------------------------------- */

enum { BLOCK_COST = 384, PIECE_COST = 192 }; /* beside a block's bytes; a packet that shares them */

void tcp_attach(struct tcp *tp, struct packet *packet, unsigned flags)
{
    uint32_t cost = packet->buffer->size + BLOCK_COST;

    *tcp_sent(packet) =
        (struct tcp_sent){.seq = tp->write_seq, .flags = (uint8_t)flags, .cost = cost};
    packet->next = NULL;
    if (tp->last)
        tp->last->next = packet;
    else
        tp->first = packet;
    tp->last = packet;
    if (!tp->unsent)
        tp->unsent = packet;
    tp->tx_cost += cost;
    if (flags & (TCP_SYN | TCP_FIN))
        tp->write_seq++;
}

struct packet *tcp_append(struct tcp *tp, uint32_t room, unsigned flags)
{
    struct packet *packet = packet_alloc(PACKET_HEADROOM, room);

    if (packet)
        tcp_attach(tp, packet, flags);
    return packet;
}

bool tcp_split(struct tcp *tp, struct packet *packet, uint32_t n)
{
    struct packet *rest = packet_piece(packet->buffer, packet->data + n, packet->len - n);

    if (!rest)
        return false;
    *tcp_sent(rest) = *tcp_sent(packet);
    tcp_sent(rest)->seq += n;
    tcp_sent(packet)->flags &= ~(TCP_FIN | TCP_PSH);
    tcp_sent(packet)->cost = PIECE_COST; /* the block goes with the rest */
    tp->tx_cost += PIECE_COST;
    rest->total = rest->len;
    packet->total = packet->len = n;
    rest->next = packet->next;
    packet->next = rest;
    if (tp->last == packet)
        tp->last = rest;
    return true;
}

void tcp_send_purge(struct tcp *tp)
{
    packet_free_list(tp->first);
    tp->first = tp->last = tp->unsent = NULL;
    tp->tx_cost = 0;
    tp->sacked = tp->lost = tp->again = 0;
    tp->snd_una = tp->snd_nxt = tp->write_seq;
}

void tcp_queue_fin(struct tcp *tp)
{
    if (tp->fin_queued)
        return;
    tp->fin_queued = true;
    if (tp->unsent) {
        tcp_sent(tp->last)->flags |= TCP_FIN;
        tp->write_seq++;
    } else if (!tcp_append(tp, 0, TCP_FIN)) {
        tcp_send_reset(tp);
        tcp_abort(tp, ENOMEM);
        return;
    }
    tcp_push(tp, PUSH_NOW);
}

/* The packet for the wire: the same bytes with room for headers in front of them. */
static struct packet *make_wire(struct packet *sent)
{
    struct packet *head;

    if (atomic_load_explicit(&sent->buffer->refs, memory_order_acquire) == 1 &&
        packet_headroom(sent) >= PACKET_HEADROOM)
        return packet_alias(sent);
    head = packet_alloc(PACKET_HEADROOM, 0);
    if (!head || !sent->len)
        return head;
    head->more = packet_piece(sent->buffer, sent->data, sent->len);
    if (!head->more) {
        packet_free(head);
        return NULL;
    }
    head->total = sent->len;
    return head;
}

/* Send what is in one packet of the list. False: no memory for it. */
static bool transmit(struct tcp *tp, struct packet *packet, nsec_t now)
{
    struct packet *wire = make_wire(packet);
    struct tcp_sent *sent = tcp_sent(packet);
    unsigned flags = sent->flags;
    int err;

    if (!wire)
        return false;
    if (!(flags & TCP_SYN) || tp->state == TCP_SYN_RECV)
        flags |= TCP_ACK;
    sent->stamp = tcp_stamp(tp, now);
    sent->sent_at = now;
    sent->delivered = tp->delivered;
    sent->delivered_at = tp->delivered_at;
    sent->app_limited = !tp->cwnd_limited;
    err = emit(tp, wire, sent->seq, flags, sent->stamp);
    if (err == -ENETUNREACH || err == -EHOSTUNREACH || err == -EACCES)
        tp->soft_error = (uint8_t)-err;
    if (err == -EMSGSIZE)
        inet_post(&tp->inet, TCP_EV_MTU);
    return true;
}

/* The first unsent packet has been sent. */
static void advance(struct tcp *tp)
{
    struct packet *packet = tp->unsent;
    uint32_t end = tcp_sent_end(packet), mss = tcp_mss(tp);

    if (packet->len % mss)
        tp->small_end = end;
    if (packet->len)
        MIB_ADD(TCP_ORIG_DATA_SENT, (packet->len + mss - 1) / mss);
    tp->snd_nxt = end;
    tp->unsent = packet->next;
    if (tp->ca_state == CA_RECOVERY || tp->ca_state == CA_CWR)
        tp->prr_out += packet->len;
}

/* --- when to send
 * ----------------------------------------------------------------------------------------- */

/* RFC 5681, 4.1: after idleness the way is not known as well as it was. */
static void restart_after_idle(struct tcp *tp, nsec_t now)
{
    uint32_t least = MIN(tp->cwnd, TCP_INITIAL_WINDOW * tcp_mss(tp));

    if (!tcp_settings.slow_start_after_idle || tp->snd_nxt != tp->snd_una || !tp->last_send ||
        now - tp->last_send <= tp->rto || tp->ca_state != CA_OPEN)
        return;
    tp->ssthresh = MAX(tp->ssthresh, tp->cwnd / 4 * 3);
    for (nsec_t idle = now - tp->last_send - tp->rto; idle > 0 && tp->cwnd > least; idle -= tp->rto)
        tp->cwnd /= 2;
    tp->cwnd = MAX(tp->cwnd, least);
    tp->cwnd_used = 0;
    tp->last_send = now;
    if (tp->congestion->restart)
        tp->congestion->restart(tp);
}

/* A last piece that fills no segment waits if the program says so, or while another small one is
 * on its way (RFC 896, with Minshall's change). */
static bool nagle_waits(const struct tcp *tp, enum tcp_push how)
{
    if (how == PUSH_NOW || tp->urgent)
        return false;
    if (tp->cork || how == PUSH_MORE)
        return true;
    return !tp->nodelay && tp->snd_nxt != tp->snd_una && seq_after(tp->small_end, tp->snd_una) &&
           !seq_after(tp->small_end, tp->snd_nxt);
}

/* How many bytes of the first unsent packet may go; -1: none; a packet of no bytes (FIN): 0. */
static int64_t window_allows(struct tcp *tp, enum tcp_push how)
{
    struct packet *packet = tp->unsent;
    uint32_t mss = tcp_mss(tp), len = packet->len, flight = tcp_in_flight(tp);
    uint32_t congestion = tp->cwnd > flight ? tp->cwnd - flight : 0;
    uint32_t window = tp->snd_una + tp->snd_wnd - tcp_sent(packet)->seq;
    uint32_t allowed, most;

    if ((int32_t)window <= 0 && tcp_sent_len(packet))
        return -1;
    if (congestion < MIN(len, mss) || (!congestion && flight)) {
        tp->cwnd_limited = true;
        return -1;
    }
    most = most_at_once(tp, mss);
    allowed = MIN(MIN(congestion, window), most);
    if (len > allowed || (len == window && tcp_sent_len(packet) > len)) {
        /* Not all: only whole segments, or what the largest window ever would be filled with. */
        if (congestion < window && congestion < len)
            tp->cwnd_limited = true;
        allowed = MIN(allowed, len);
        return allowed >= mss ? (int64_t)(allowed / mss * mss) : -1;
    }
    if (len % mss && !packet->next && !(tcp_sent(packet)->flags & TCP_FIN) && nagle_waits(tp, how))
        return len > mss ? (int64_t)(len / mss * mss) : -1;
    return len;
}

/* Under repair all goes; who is paced sends at most a millisecond's worth at once (but two
 * segments). */
static int64_t may_send(struct tcp *tp, enum tcp_push how)
{
    uint64_t burst;
    uint32_t mss;
    int64_t n;

    if (likely(!tp->unusual))
        return window_allows(tp, how);
    if (tp->repair || (tp->paced && tcp_pacing_waits(tp)))
        return tp->repair ? (int64_t)tp->unsent->len : -1;
    n = window_allows(tp, how);
    if (tp->stamping && n > 0)
        tcp_departures_sent(tp, tcp_sent(tp->unsent)->seq + (uint32_t)n);
    if (!tp->paced)
        return n;
    mss = tcp_mss(tp);
    burst = MAX(tcp_pacing_rate(tp) / 1024 / mss, 2ul) * mss;
    return n > 0 && (uint64_t)n > burst ? (int64_t)burst : n;
}

/* Something waits but nothing is on its way whose acknowledgement would set it going. */
static void wait_for_window(struct tcp *tp, nsec_t now)
{
    if (!tp->unsent || tp->first != tp->unsent || tp->retransmit_what == RT_PROBE_WINDOW ||
        (tp->paced && tcp_pacing_waits(tp)))
        return;
    tp->retransmit_what = RT_PROBE_WINDOW;
    tp->retransmit_at = now + MAX(MIN(tp->rto << MIN(tp->backoff, 10u), TCP_RTO_MAX), TCP_RTO_MIN);
    tcp_timer_arm(tp);
}

static void sent_something(struct tcp *tp, nsec_t now)
{
    uint32_t flight = tcp_in_flight(tp);

    if (flight > tp->cwnd_used)
        tp->cwnd_used = flight;
    if (now - tp->last_receive < TCP_ACK_DELAY_MS * TCP_MS)
        tp->pingpong = true;
    tp->last_send = now;
    if (tp->retransmit_what != RT_RTO && tp->retransmit_what != RT_REORDER) {
        tp->retransmit_what = RT_NONE;
        tcp_arm_retransmit(tp, now);
    }
}

static bool may_write_now(const struct tcp *tp)
{
    return TCP_IN(tcp_state(tp),
                  TCP_CAN_SEND | 1 << TCP_FIN_WAIT1 | 1 << TCP_CLOSING | 1 << TCP_LAST_ACK);
}

void tcp_push(struct tcp *tp, enum tcp_push how)
{
    bool sent = false;
    nsec_t now;

    if (!tp->unsent || !may_write_now(tp))
        return;
    now = clock_monotonic();
    restart_after_idle(tp, now);
    tp->cwnd_limited = false;
    while (tp->unsent) {
        int64_t n = may_send(tp, how);

        if (n < 0 || (n && n < tp->unsent->len && !tcp_split(tp, tp->unsent, (uint32_t)n)) ||
            !transmit(tp, tp->unsent, now))
            break;
        advance(tp);
        sent = true;
    }
    if (sent)
        sent_something(tp, now);
    else
        wait_for_window(tp, now);
}

bool tcp_send_forced(struct tcp *tp, uint32_t limit)
{
    nsec_t now = clock_monotonic();
    struct packet *packet = tp->unsent;

    if (!packet || (packet->len && !limit))
        return false;
    if (packet->len > limit && !tcp_split(tp, packet, limit))
        return false;
    tcp_sent(packet)->flags |= TCP_PSH;
    if (!transmit(tp, packet, now))
        return false;
    advance(tp);
    sent_something(tp, now);
    return true;
}

bool tcp_send_again(struct tcp *tp, struct packet *packet, uint32_t limit)
{
    struct tcp_sent *sent = tcp_sent(packet);
    uint32_t window = tp->snd_una + tp->snd_wnd - sent->seq;
    nsec_t now = clock_monotonic();

    /* A window that has become smaller than what was sent into it: one segment may go all the
     * same, or nothing would ever be heard again. */
    if ((int32_t)window <= 0 && sent->seq != tp->snd_una)
        return false;
    limit = MAX(MIN(limit, most_at_once(tp, tcp_mss(tp))), 1u);
    if (packet->len > limit && !tcp_split(tp, packet, limit))
        return false;
    if (!transmit(tp, packet, now)) {
        MIB(TCP_RETRANS_FAIL);
        return false;
    }
    if (!(sent->state & SENT_AGAIN))
        tp->again += tcp_sent_len(packet);
    sent->state |= SENT_AGAIN | SENT_TWICE;
    tp->undo_again += (int32_t)packet->len;
    if (!tp->undo_stamp)
        tp->undo_stamp = sent->stamp ? sent->stamp : 1;
    tp->total_again++;
    MIB(TCP_RETRANS_SEGS);
    if (sent->flags & TCP_SYN)
        MIB(TCP_SYN_RETRANS);
    tp->bytes_again += packet->len;
    tp->prr_out += packet->len;
    tp->last_send = now;
    return true;
}

void tcp_send_syn(struct tcp *tp)
{
    nsec_t now = clock_monotonic();
    struct packet *packet;

    tp->iss = tp->write_seq;
    tp->snd_una = tp->snd_nxt = tp->small_end = tp->snd_up = tp->pushed_seq = tp->iss;
    packet = tcp_append(tp, 0, TCP_SYN);
    tp->retransmit_what = RT_RTO;
    tp->retransmit_at = now + tp->rto;
    if (packet && transmit(tp, packet, now)) {
        tp->snd_nxt = tcp_sent_end(packet);
        tp->unsent = NULL;
        tp->last_send = now;
    }
    tcp_timer_arm(tp);
}

/* --- without a connection
 * --------------------------------------------------------------------------------- */

void tcp_send_reply(const struct tcp_reply *reply)
{
    struct packet *packet = packet_alloc(PACKET_HEADROOM, 0);
    uint8_t *p;

    if (!packet)
        return;
    p = packet_push(packet, TCP_HEADER + reply->options_len);
    put_be16(p, reply->source);
    put_be16(p + 2, reply->destination);
    put_be32(p + 4, reply->seq);
    put_be32(p + 8, reply->ack);
    p[12] = (uint8_t)((TCP_HEADER + reply->options_len) << 2);
    p[13] = reply->flags;
    put_be16(p + 14, reply->window);
    put_be32(p + 16, 0);
    memcpy(p + TCP_HEADER, reply->options, reply->options_len);
    begin_checksum(packet, reply->flow);
    MIB(TCP_OUT_SEGS);
    if (reply->flags & TCP_RST)
        MIB(TCP_OUT_RSTS);
    ip_output(reply->flow, packet);
}

void tcp_refuse(const struct packet *packet, const struct tcp_header *header)
{
    struct ip_flow flow = {.source = ip_destination(packet),
                           .destination = ip_source(packet),
                           .protocol = IPPROTO_TCP,
                           .pmtudisc = PMTUDISC_WANT};
    uint32_t len =
        packet->total - header->len + !!(header->flags & TCP_SYN) + !!(header->flags & TCP_FIN);
    struct tcp_reply reply = {
        .flow = &flow, .source = header->destination, .destination = header->source};

    if (header->flags & TCP_RST || packet->kind != PACKET_HOST || inet_is_multicast(&flow.source) ||
        inet_is_any(&flow.destination) ||
        (!inet_is_v4(&flow.source) && route_kind(&flow.source, NULL) == RTN_ANYCAST))
        return;
    if (inet_is_link_local(&flow.destination) && !inet_is_v4(&flow.destination))
        flow.bound = packet->netif;
    if (header->flags & TCP_ACK) {
        reply.flags = TCP_RST;
        reply.seq = header->ack;
    } else {
        reply.flags = TCP_RST | TCP_ACK;
        reply.ack = header->seq + len;
    }
    if (!ip_route(&flow))
        tcp_send_reply(&reply);
}
