#include "net/tcp.h"

#include "lib/errno.h"
#include "net/mib.h"

enum { PAWS_SECONDS = 24 * 24 * 3600, INVALID_MS = 500 };

/* --- the header
 * ------------------------------------------------------------------------------------------- */

static bool checksum_ok(const struct packet *packet)
{
    struct inet_addr source, destination;
    uint32_t sum;

    if (packet->checksum != CHECKSUM_NONE)
        return true;
    source = ip_source(packet);
    destination = ip_destination(packet);
    sum = ip_pseudo_sum(&source, &destination, IPPROTO_TCP, packet->total);
    return !checksum_fold(packet_sum(sum, packet, 0, packet->total));
}

bool tcp_packet_header(struct packet *packet, struct tcp_header *header)
{
    if (packet->len < TCP_HEADER && !packet_pull_up(packet, TCP_HEADER))
        return false;
    if (!tcp_header_parse(packet->data, packet->total, header))
        return false;
    if (packet->len < header->len && !packet_pull_up(packet, header->len))
        return false;
    if (checksum_ok(packet))
        return true;
    MIB(TCP_IN_CSUM_ERRORS);
    return false;
}

void tcp_packet_options(const struct packet *packet, struct tcp_header *header)
{
    tcp_options_parse(packet->data + TCP_HEADER, header->len - TCP_HEADER, header->flags & TCP_SYN,
                      &header->options);
}

/* --- the beginning
 * ------------------------------------------------------------------------------------------ */

/* What both sides can do. */
static void negotiate(struct tcp *tp, const struct tcp_header *header)
{
    const struct tcp_options *options = &header->options;

    tp->wscale_ok = tp->wscale_ok && options->has_wscale;
    tp->snd_wscale = tp->wscale_ok ? options->wscale : 0;
    if (!tp->wscale_ok)
        tp->rcv_wscale = 0;
    tp->stamps = tp->stamps && options->has_stamp;
    tp->sack = tp->sack && options->sack_ok;
    tp->peer_mss = options->mss ? options->mss : inet_is_v4(&tp->inet.remote) ? 536 : 1220;
    if (tp->stamps) {
        tp->recent_stamp = options->stamp;
        tp->recent_stamp_at = (uint32_t)(clock_monotonic() / TCP_SECOND);
    }
    tp->irs = header->seq;
    tp->rcv_nxt = tp->copied_seq = tp->rcv_wup = tp->last_ack_sent = header->seq + 1;
    tp->snd_wnd = tp->max_window = header->window; /* never scaled on a SYN */
    tp->snd_wl1 = header->seq;
    tcp_update_mss(tp);
}

void tcp_established(struct tcp *tp)
{
    nsec_t now = clock_monotonic();

    tcp_set_state(tp, TCP_ESTABLISHED);
    tcp_update_mss(tp);
    tcp_cong_begin(tp);
    if (tp->total_again) { /* RFC 5681, 3.1: the SYN was lost */
        tp->cwnd = tcp_mss(tp);
        tp->total_again = 0;
    }
    tp->highest_sacked = tp->small_end = tp->snd_una;
    tp->received_mss = MIN((uint16_t)536, tp->mss);
    tp->quick = 16;
    tp->pingpong = false;
    tp->last_receive = tp->last_ack_received = now;
    tp->last_send = 0;
    tp->tune.seq = tp->copied_seq;
    tp->tune.space = MIN(tp->rcv_wnd, (uint32_t)TCP_INITIAL_WINDOW * tp->mss);
    tp->tune.at = now;
    tp->delivered_at = now;
    tp->retries = tp->backoff = 0;
    tp->retransmit_what = RT_NONE;
    tp->retransmit_at = NSEC_FOREVER;
    tcp_grow_send_buffer(tp);
    tcp_arm_keepalive(tp);
}

/* Our SYN has been acknowledged. */
static void syn_acknowledged(struct tcp *tp, const struct tcp_header *header, nsec_t now)
{
    struct packet *syn = tp->first;

    tp->snd_una = header->ack;
    if (!syn || !(tcp_sent(syn)->flags & TCP_SYN))
        return;
    if (!(tcp_sent(syn)->state & SENT_TWICE))
        tcp_measured(tp, now - tcp_sent(syn)->sent_at, now);
    tp->lost = tp->again = tp->sacked = 0;
    tp->ca_state = CA_OPEN;
    tp->first = syn->next;
    if (!tp->first)
        tp->last = NULL;
    tp->tx_cost -= tcp_sent(syn)->cost;
    syn->next = NULL;
    packet_free(syn);
}

/* RFC 9293, 3.10.7.3. */
static void syn_sent(struct tcp *tp, const struct packet *packet, const struct tcp_header *header)
{
    nsec_t now = clock_monotonic();

    if (header->flags & TCP_ACK &&
        (!seq_after(header->ack, tp->snd_una) || seq_after(header->ack, tp->snd_nxt))) {
        tcp_refuse(packet, header);
        return;
    }
    if (header->flags & TCP_RST) {
        if (header->flags & TCP_ACK)
            tcp_abort(tp, ECONNREFUSED);
        return;
    }
    if (!(header->flags & TCP_SYN))
        return;
    negotiate(tp, header);
    if (header->flags & TCP_ACK) {
        syn_acknowledged(tp, header, now);
        tcp_established(tp);
        tp->ack_now = true;
        tcp_wake(tp, POLLIN | POLLOUT | POLLWRNORM);
    } else { /* both have begun */
        tcp_set_state(tp, TCP_SYN_RECV);
        tp->rcv_wup = tp->rcv_nxt;
        tcp_send_again(tp, tp->first, 1);
        tp->total_again = 0;
        tcp_timer_arm(tp);
    }
}

/* --- is it acceptable?
 * -------------------------------------------------------------------------------------- */

void tcp_challenge_ack(struct tcp *tp)
{
    nsec_t now = clock_monotonic();

    if (tp->challenge_at && now - tp->challenge_at < INVALID_MS * TCP_MS)
        return;
    tp->challenge_at = now;
    MIB(TCP_CHALLENGE_ACK);
    tcp_send_ack(tp);
}

static void challenge_syn(struct tcp *tp)
{
    MIB(TCP_SYN_CHALLENGE);
    tcp_challenge_ack(tp);
}

/* An old or misplaced segment is answered with what we expect; one without data not too often. */
static void answer_misplaced(struct tcp *tp, uint32_t len)
{
    if (len)
        tcp_send_ack(tp);
    else
        tcp_challenge_ack(tp);
}

/* RFC 7323, 5. */
static bool stamp_is_old(const struct tcp *tp, const struct tcp_header *header, nsec_t now)
{
    return tp->stamps && header->options.has_stamp &&
           seq_before(header->options.stamp, tp->recent_stamp) &&
           (uint32_t)(now / TCP_SECOND) - tp->recent_stamp_at < PAWS_SECONDS;
}

static void reset_received(struct tcp *tp)
{
    unsigned state = tcp_state(tp);

    tcp_abort(tp, state == TCP_SYN_SENT     ? ECONNREFUSED
                  : state == TCP_CLOSE_WAIT ? EPIPE
                                            : ECONNRESET);
}

/* RFC 9293, 3.10.7.4, first to fourth; RFC 5961, 3 and 4. len: with SYN and FIN. */
static bool is_acceptable(struct tcp *tp, const struct tcp_header *header, uint32_t len, nsec_t now)
{
    bool reset = header->flags & TCP_RST;

    if (!reset && stamp_is_old(tp, header, now)) {
        MIB(TCP_PAWS_ESTAB);
        if (len) {
            tcp_dsack(tp, header->seq, header->seq + len);
            answer_misplaced(tp, len);
        }
        return false;
    }
    if (seq_before(header->seq + len, tp->rcv_wup) ||
        seq_after(header->seq, tp->rcv_nxt + tcp_window_left(tp))) {
        if (!reset) {
            if (seq_before(header->seq, tp->rcv_nxt))
                tcp_dsack(tp, header->seq, header->seq + len);
            if (header->flags & TCP_SYN)
                challenge_syn(tp);
            else
                answer_misplaced(tp, len);
        }
        return false;
    }
    if (reset) {
        if (header->seq == tp->rcv_nxt)
            reset_received(tp);
        else
            tcp_challenge_ack(tp);
        return false;
    }
    if (header->flags & TCP_SYN) {
        if (tp->state == TCP_SYN_RECV && header->flags & TCP_ACK &&
            header->seq + 1 == tp->rcv_nxt && header->ack == tp->snd_nxt)
            return true; /* both have begun, and now both have answered */
        challenge_syn(tp);
        return false;
    }
    return header->flags & TCP_ACK;
}

static void keep_stamp(struct tcp *tp, const struct tcp_header *header, nsec_t now)
{
    if (!tp->stamps || !header->options.has_stamp || seq_after(header->seq, tp->last_ack_sent))
        return;
    tp->recent_stamp = header->options.stamp;
    tp->recent_stamp_at = (uint32_t)(now / TCP_SECOND);
}

/* Those who wait for bytes to be acknowledged. */
static void look_after_ack(struct tcp *tp)
{
    if (tp->departing)
        tcp_departures_acknowledged(tp);
    if (tp->nospace && tcp_writable(tp)) {
        tp->nospace = false;
        waitqueue_wake(&tp->inet.writers, 0, POLLOUT | POLLWRNORM);
    }
}

/* --- its parts
 * -------------------------------------------------------------------------------------------- */

/* False: the segment is not to be looked at any further. */
static bool process_ack(struct tcp *tp, struct packet *packet, const struct tcp_header *header,
                        uint32_t len, nsec_t now)
{
    uint32_t una = tp->snd_una;

    if (tp->state == TCP_SYN_RECV) {
        if (!seq_after(header->ack, tp->snd_una) || seq_after(header->ack, tp->snd_nxt)) {
            tcp_refuse(packet, header);
            return false;
        }
        syn_acknowledged(tp, header, now);
        tcp_established(tp);
        tp->snd_wnd = (uint32_t)header->window << tp->snd_wscale;
        tp->max_window = MAX(tp->max_window, tp->snd_wnd);
        tcp_wake(tp, POLLOUT | POLLWRNORM);
        return true;
    }
    if (seq_after(header->ack, tp->snd_nxt) ||
        seq_before(header->ack, tp->snd_una - MAX(tp->max_window, 1u))) {
        tcp_challenge_ack(tp);
        return false;
    }
    if (!len)
        MIB(TCP_PURE_ACKS);
    tcp_ack(tp, header, header->seq, len, now);
    if (tp->snd_una != una) {
        tcp_grow_send_buffer(tp);
        tcp_charge(tp);
        if (tp->on_ack)
            look_after_ack(tp);
    }
    return true;
}

/* Has everything arrived there, the FIN included? */
static bool fin_acknowledged(const struct tcp *tp)
{
    return tp->fin_queued && tp->snd_una == tp->write_seq;
}

/* RFC 9293, 3.10.7.4, fifth. False: the connection has gone. */
static bool advance_closing(struct tcp *tp)
{
    if (!fin_acknowledged(tp))
        return true;
    switch (tcp_state(tp)) {
    case TCP_FIN_WAIT1:
        tcp_set_state(tp, TCP_FIN_WAIT2);
        tcp_wake(tp, POLLOUT | POLLWRNORM);
        if (tp->orphan)
            tcp_fin_wait2(tp);
        return true;
    case TCP_CLOSING:
        tcp_time_wait(tp, TCP_TIME_WAIT, 60 * TCP_SECOND);
        return false;
    case TCP_LAST_ACK:
        tcp_done(tp);
        return false;
    }
    return true;
}

/* Takes the packet. */
static void process_data(struct tcp *tp, struct packet *packet, const struct tcp_header *header)
{
    uint32_t len = packet->total - header->len, seq = header->seq;
    bool fin = header->flags & TCP_FIN;

    if ((!len && !fin) || !TCP_IN(tcp_state(tp), TCP_CAN_RECEIVE)) {
        if (len || fin) /* beyond its FIN: it has not seen our acknowledgement */
            tp->ack_now = true;
        packet_free(packet);
        return;
    }
    packet_skip(packet, header->len);
    if (len && tp->state != TCP_ESTABLISHED && tp->shutdown & 1 &&
        seq_after(seq + len, tp->rcv_nxt)) { /* nobody will ever read this */
        packet_free(packet);
        MIB(TCP_ABORT_ON_DATA);
        tcp_send_reset(tp);
        tcp_abort(tp, ECONNRESET);
        return;
    }
    if (unlikely(header->flags & TCP_URG || tp->urg_data == URG_COMING))
        tcp_receive_urgent(tp, packet, header);
    tcp_receive_data(tp, packet, seq, header->flags);
}

void tcp_segment(struct tcp *tp, struct packet *packet, struct tcp_header *header)
{
    uint32_t payload = packet->total - header->len;
    uint32_t len = payload + !!(header->flags & TCP_FIN) + !!(header->flags & TCP_SYN);
    nsec_t now = tp->now = clock_monotonic();

    tp->segs_in++;
    tcp_packet_options(packet, header);
    if (unlikely(tp->inet.options.receive))
        tcp_note(tp, packet);
    if (tp->state == TCP_SYN_SENT) {
        syn_sent(tp, packet, header);
        packet_free(packet);
        return;
    }
    if (!is_acceptable(tp, header, len, now)) {
        packet_free(packet);
        return;
    }
    keep_stamp(tp, header, now);
    tp->keep_probes = 0;
    if (!process_ack(tp, packet, header, len, now) || !advance_closing(tp)) {
        packet_free(packet);
        return;
    }
    process_data(tp, packet, header);
    if (tp->unsent)
        tcp_push(tp, PUSH_NORMAL);
}

/* --- the channel
 * ------------------------------------------------------------------------------------------ */

static bool is_ours(const struct tcp *tp, const struct packet *packet,
                    const struct tcp_header *header)
{
    struct inet_addr source;

    if (header->source != tp->inet.remote_port || header->destination != tp->inet.local_port)
        return false;
    source = ip_source(packet);
    return inet_equal(&source, &tp->inet.remote);
}

bool tcp_input(struct inet_socket *s, struct packet *packet)
{
    struct tcp *tp = tcp_of(s);
    struct tcp_header header;

    MIB(TCP_IN_SEGS);
    if (!tcp_packet_header(packet, &header)) {
        MIB(TCP_IN_ERRS);
        packet_free(packet);
        return true;
    }
    if (unlikely(tp->state == TCP_LISTEN))
        return tcp_listen_input(tp, packet, &header);
    if (tp->state == TCP_CLOSE || !is_ours(tp, packet, &header))
        return false;
    tcp_segment(tp, packet, &header);
    return true;
}

/* Several segments may have come: one acknowledgement for all, at once or soon. */
void tcp_input_done(struct inet_socket *s)
{
    struct tcp *tp = tcp_of(s);
    uint32_t fresh;

    if (!tp->ack_now && !tp->ack_due)
        return;
    if (TCP_IN(tcp_state(tp), 1 << TCP_CLOSE | 1 << TCP_LISTEN | 1 << TCP_SYN_SENT))
        return;
    fresh = tp->rcv_nxt - tp->rcv_wup;
    if (tp->ack_now || (tp->quick && !tp->pingpong) ||
        (fresh > tp->received_mss && tcp_window_for(tp) >= tcp_window_left(tp))) {
        tcp_send_ack(tp);
    } else if (tp->ack_at == NSEC_FOREVER) {
        tp->ack_at = tp->now + TCP_ACK_DELAY_MS * TCP_MS;
        tcp_timer_arm(tp);
    }
}

void tcp_abort(struct tcp *tp, int err)
{
    if (tp->state == TCP_CLOSE)
        return;
    if (err)
        atomic_store(&tp->inet.socket.error, err);
    if (TCP_IN(tcp_state(tp), TCP_CAN_SEND))
        MIB(TCP_ESTAB_RESETS);
    tcp_send_purge(tp);
    tp->shutdown = 3;
    tcp_done(tp);
}
