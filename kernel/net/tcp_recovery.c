/* What an acknowledgement says: bytes that have arrived, bytes that must be lost (RFC 8985 with
 * SACK, RFC 6582 without), and how the window reacts (RFC 6937). */
#include "net/mib.h"
#include "net/tcp.h"

enum { DUP_THRESHOLD = 3, RACK_PERSIST = 16, CONFIRM_SECONDS = 5 };

/* One acknowledgement at work. */
struct round {
    const struct tcp_header *header;
    nsec_t now, rtt; /* rtt: of the oldest bytes that were not sent twice; 0: none */
    uint32_t prior_una, acked, prior_highest, dsack_end;
    uint64_t prior_delivered;
    bool dsack, undone;
    const struct tcp_sent *newest; /* valid until its packet goes */
    uint64_t newest_delivered;
    nsec_t newest_at, newest_sent;
};

/* Without SACK `sacked` is a guess, which may be more than is left. */
uint32_t tcp_in_flight(const struct tcp *tp)
{
    uint32_t flight = tp->snd_nxt - tp->snd_una - tp->lost + tp->again;

    return flight > tp->sacked ? flight - tp->sacked : 0;
}

/* --- round-trip times (RFC 6298)
 * ----------------------------------------------------------------------- */

void tcp_measured(struct tcp *tp, nsec_t rtt, nsec_t now)
{
    nsec_t error;

    rtt = MAX(rtt, (nsec_t)1000);
    if (!tp->srtt) {
        tp->srtt = rtt;
        tp->rttvar = rtt / 2;
    } else {
        error = rtt > tp->srtt ? rtt - tp->srtt : tp->srtt - rtt;
        tp->rttvar += (error - tp->rttvar) / 4;
        tp->srtt += (rtt - tp->srtt) / 8;
    }
    tp->rto = MIN(tp->srtt + MAX(4 * tp->rttvar, TCP_RTO_MIN), TCP_RTO_MAX);
    if (!tp->min_rtt || rtt <= tp->min_rtt || now - tp->min_rtt_at > 300 * TCP_SECOND) {
        tp->min_rtt = rtt;
        tp->min_rtt_at = now;
    }
}

/* --- marks
 * ------------------------------------------------------------------------------------------------
 */

static void unmark(struct tcp *tp, struct tcp_sent *sent, uint32_t len)
{
    if (sent->state & SENT_SACKED)
        tp->sacked -= len;
    if (sent->state & SENT_LOST)
        tp->lost -= len;
    if (sent->state & SENT_AGAIN)
        tp->again -= len;
}

static void mark_lost(struct tcp *tp, struct packet *packet)
{
    struct tcp_sent *sent = tcp_sent(packet);
    uint32_t len = tcp_sent_len(packet);

    if (sent->state & SENT_SACKED)
        return;
    if (sent->state & SENT_AGAIN) {
        tp->again -= len;
        MIB(TCP_LOST_RETRANSMIT);
    }
    if (!(sent->state & SENT_LOST)) {
        tp->lost += len;
        tp->lost_total++;
    }
    sent->state = (sent->state & ~SENT_AGAIN) | SENT_LOST;
}

void tcp_forget_losses(struct tcp *tp)
{
    for (struct packet *p = tp->first; p && p != tp->unsent; p = p->next)
        tcp_sent(p)->state &= SENT_TWICE;
    tp->sacked = tp->lost = tp->again = 0;
}

static bool sent_after(nsec_t at, uint32_t end, nsec_t other, uint32_t other_end)
{
    return at > other || (at == other && seq_after(end, other_end));
}

/* A packet has arrived there: RFC 8985, 6.2, steps 1 to 3. */
static void note_arrival(struct tcp *tp, struct packet *packet, struct round *r)
{
    struct tcp_sent *sent = tcp_sent(packet);
    uint32_t end = tcp_sent_end(packet);
    nsec_t rtt = r->now - sent->sent_at;

    tp->delivered += tcp_sent_len(packet);
    tp->delivered_at = r->now;
    if (!r->newest_sent || sent->sent_at >= r->newest_sent) {
        r->newest_sent = sent->sent_at;
        r->newest_delivered = sent->delivered;
        r->newest_at = sent->delivered_at;
    }
    if (sent->state & SENT_TWICE) {
        if (tp->stamps && r->header->options.has_stamp &&
            seq_before(r->header->options.echo, sent->stamp))
            return; /* it answers the first sending */
        if (rtt < tp->min_rtt)
            return;
    } else {
        if (!r->rtt)
            r->rtt = MAX(rtt, (nsec_t)1);
        if (seq_before(end, r->prior_highest)) {
            tp->reordering = true;
            tp->reorder_seen++;
        }
    }
    tp->rack_rtt = rtt;
    if (sent_after(sent->sent_at, end, tp->rack_sent_at, tp->rack_end)) {
        tp->rack_sent_at = sent->sent_at;
        tp->rack_end = end;
        tp->rack_advanced = true;
    }
}

/* --- what is acknowledged
 * --------------------------------------------------------------------------------- */

static void free_first(struct tcp *tp)
{
    struct packet *packet = tp->first;

    tp->first = packet->next;
    if (!tp->first)
        tp->last = NULL;
    tp->tx_cost -= tcp_sent(packet)->cost;
    packet->next = NULL;
    packet_free(packet);
}

/* Part of a large packet. */
static void trim_first(struct tcp *tp, struct packet *packet, uint32_t n, struct round *r)
{
    struct tcp_sent *sent = tcp_sent(packet);
    nsec_t rtt = r->now - sent->sent_at;

    unmark(tp, sent, n);
    if (!(sent->state & SENT_SACKED)) {
        tp->delivered += n;
        tp->delivered_at = r->now;
        if (!(sent->state & SENT_TWICE) && !r->rtt)
            r->rtt = MAX(rtt, (nsec_t)1);
    }
    packet->data += n;
    packet->len -= n;
    packet->total = packet->len;
    sent->seq += n;
    sent->flags &= ~TCP_SYN;
}

static void clean_acknowledged(struct tcp *tp, struct round *r)
{
    struct packet *packet;

    while ((packet = tp->first) && packet != tp->unsent) {
        struct tcp_sent *sent = tcp_sent(packet);

        if (seq_after(tcp_sent_end(packet), tp->snd_una)) {
            if (seq_after(tp->snd_una, sent->seq))
                trim_first(tp, packet, tp->snd_una - sent->seq, r);
            break;
        }
        unmark(tp, sent, tcp_sent_len(packet));
        if (!(sent->state & SENT_SACKED))
            note_arrival(tp, packet, r);
        free_first(tp);
    }
}

/* --- SACK (RFC 2018, 2883)
 * ------------------------------------------------------------------------------ */

static void mark_sacked(struct tcp *tp, struct packet *packet, struct round *r)
{
    struct tcp_sent *sent = tcp_sent(packet);

    note_arrival(tp, packet, r);
    unmark(tp, sent, tcp_sent_len(packet));
    sent->state = (sent->state & SENT_TWICE) | SENT_SACKED;
    tp->sacked += tcp_sent_len(packet);
    tp->highest_sacked = seq_max(tp->highest_sacked, tcp_sent_end(packet));
}

/* The ranges in order of their start; those that make no sense left out. */
static unsigned sort_ranges(struct tcp *tp, const struct round *r, struct tcp_range *ranges)
{
    const struct tcp_options *options = &r->header->options;
    unsigned n = 0;

    for (unsigned i = r->dsack; i < options->nsacks; i++) {
        struct tcp_range range = options->sacks[i];
        unsigned at = n;

        if (!seq_before(range.start, range.end) || seq_after(range.end, tp->snd_nxt) ||
            !seq_after(range.end, tp->snd_una) || seq_before(range.start, tp->snd_una))
            continue;
        for (; at && seq_before(range.start, ranges[at - 1].start); at--)
            ranges[at] = ranges[at - 1];
        ranges[at] = range;
        n++;
    }
    return n;
}

static void apply_ranges(struct tcp *tp, struct round *r)
{
    struct tcp_range ranges[TCP_SACKS_MAX];
    unsigned n = sort_ranges(tp, r, ranges), i = 0;

    for (struct packet *p = tp->first; i < n && p && p != tp->unsent; p = p->next) {
        struct tcp_sent *sent = tcp_sent(p);

        while (i < n && !seq_after(ranges[i].end, sent->seq))
            i++;
        if (i == n || !seq_after(tcp_sent_end(p), ranges[i].start) || sent->state & SENT_SACKED)
            continue;
        if (seq_before(sent->seq, ranges[i].start)) {
            tcp_split(tp, p, ranges[i].start - sent->seq);
            continue; /* the other part is next */
        }
        if (seq_after(tcp_sent_end(p), ranges[i].end)) {
            uint32_t part = ranges[i].end - sent->seq;

            if (part >= p->len ? part > p->len : !tcp_split(tp, p, part))
                continue;
            if (part == p->len && tcp_sent(p)->flags & TCP_FIN)
                continue; /* all but the FIN */
        }
        mark_sacked(tp, p, r);
    }
}

/* Is the first range one that had arrived before (RFC 2883)? */
static void check_dsack(struct tcp *tp, struct round *r)
{
    const struct tcp_options *o = &r->header->options;
    struct tcp_range first = o->sacks[0];

    if (!seq_before(first.start, first.end) || seq_after(first.end, tp->snd_nxt))
        return;
    if (!seq_before(first.start, r->header->ack) &&
        !(o->nsacks > 1 && !seq_before(first.start, o->sacks[1].start) &&
          !seq_after(first.end, o->sacks[1].end)))
        return;
    r->dsack = true;
    r->dsack_end = first.end;
    tp->dsacks++;
    MIB(TCP_DSACK_RECV);
    if (tp->undo_possible && tp->undo_again > 0 && seq_after(first.end, tp->undo_until)) {
        tp->undo_again -= (int32_t)(first.end - first.start);
        if (tp->undo_again <= 0)
            r->undone = true;
    }
    tp->rack_dsack = true;
}

/* --- without SACK
 * ----------------------------------------------------------------------------------------- */

/* Every duplicate says that one segment has arrived, not which. */
static void imagine_sacked(struct tcp *tp)
{
    uint32_t out = tp->snd_nxt - tp->snd_una, mss = tcp_mss(tp);

    tp->sacked = out > mss ? MIN(tp->dup_acks * mss, out - mss) : 0;
}

static void count_duplicate(struct tcp *tp, const struct round *r)
{
    if (r->acked) {
        uint32_t segments = r->acked / tcp_mss(tp);

        tp->dup_acks = segments < tp->dup_acks ? (uint8_t)(tp->dup_acks - segments) : 0;
        if (tp->ca_state != CA_RECOVERY)
            tp->dup_acks = 0;
    } else if (tp->dup_acks < 255) {
        tp->dup_acks++;
    }
    imagine_sacked(tp);
}

static void mark_first_lost(struct tcp *tp)
{
    struct packet *packet = tp->first;

    if (!packet || packet == tp->unsent || tcp_sent(packet)->state & SENT_LOST)
        return;
    if (packet->len > tcp_mss(tp))
        tcp_split(tp, packet, tcp_mss(tp));
    mark_lost(tp, packet);
}

/* --- RACK (RFC 8985)
 * -------------------------------------------------------------------------------------- */

static nsec_t reorder_window(const struct tcp *tp)
{
    nsec_t window;

    if (!tp->reordering &&
        (tp->ca_state >= CA_RECOVERY || tp->sacked >= DUP_THRESHOLD * (uint32_t)tcp_mss(tp)))
        return 0;
    window = tp->min_rtt / 4 * MAX(tp->rack_window, (uint8_t)1);
    return MIN(window, tp->srtt);
}

static void update_reorder_window(struct tcp *tp, const struct round *r)
{
    if (seq_before(r->header->ack, tp->rack_dsack_round))
        tp->rack_dsack = false;
    if (tp->rack_dsack) {
        tp->rack_dsack = false;
        tp->rack_dsack_round = tp->snd_nxt;
        if (tp->rack_window < 255)
            tp->rack_window++;
        tp->rack_persist = RACK_PERSIST;
    } else if (!tp->rack_persist) {
        tp->rack_window = 1;
    }
}

/* Mark what must be lost; how long until more may be, or 0. */
static nsec_t detect_losses(struct tcp *tp, nsec_t now)
{
    nsec_t window = reorder_window(tp), wait = 0;

    for (struct packet *p = tp->first; p && p != tp->unsent; p = p->next) {
        struct tcp_sent *sent = tcp_sent(p);
        nsec_t left;

        if (sent->state & SENT_SACKED || (sent->state & (SENT_LOST | SENT_AGAIN)) == SENT_LOST ||
            !sent_after(tp->rack_sent_at, tp->rack_end, sent->sent_at, tcp_sent_end(p)))
            continue;
        left = sent->sent_at + tp->rack_rtt + window - now;
        if (left <= 0)
            mark_lost(tp, p);
        else
            wait = MAX(wait, left);
    }
    return wait;
}

/* --- congestion states
 * ------------------------------------------------------------------------------------ */

static void remember_for_undo(struct tcp *tp)
{
    tp->prior_cwnd = tp->cwnd;
    tp->prior_ssthresh = tp->ssthresh;
    tp->undo_possible = true;
    tp->undo_until = tp->snd_una;
    tp->undo_again = (int32_t)tp->again;
    tp->undo_stamp = 0;
}

static void begin_reduction(struct tcp *tp, unsigned state)
{
    tp->high_seq = tp->snd_nxt;
    tp->ssthresh = tp->congestion->threshold(tp);
    tp->prr_delivered = tp->prr_out = 0;
    tp->prr_flight = MAX(tp->snd_nxt - tp->snd_una, 1u);
    tp->ca_state = (uint8_t)state;
}

static void enter_recovery(struct tcp *tp)
{
    if (tp->sack)
        MIB(TCP_SACK_RECOVERY);
    else
        MIB(TCP_RENO_RECOVERY);
    remember_for_undo(tp);
    begin_reduction(tp, CA_RECOVERY);
    if (tp->rack_persist)
        tp->rack_persist--;
}

static void leave_recovery(struct tcp *tp)
{
    if (tp->ca_state != CA_LOSS)
        tp->cwnd = MAX(MIN(tp->cwnd, tp->ssthresh), (uint32_t)tcp_mss(tp));
    if (tp->ca_state == CA_RECOVERY || tp->ca_state == CA_CWR)
        tp->cwnd = MAX(tp->ssthresh, (uint32_t)tcp_mss(tp));
    tp->ca_state = CA_OPEN;
    tp->dup_acks = 0;
    if (!tp->sack)
        tp->sacked = 0;
}

/* Nothing had been lost after all. */
static void undo(struct tcp *tp)
{
    if (tp->ca_state == CA_LOSS)
        MIB(TCP_SPURIOUS_RTOS);
    tp->cwnd = MAX(tp->cwnd, tp->prior_cwnd);
    tp->ssthresh = MAX(tp->ssthresh, tp->prior_ssthresh);
    tp->undo_possible = false;
    for (struct packet *p = tp->first; p && p != tp->unsent; p = p->next)
        tcp_sent(p)->state &= ~SENT_LOST;
    tp->lost = 0;
    tp->ca_state = CA_OPEN;
    tp->backoff = 0;
}

/* Eifel (RFC 3522): what came acknowledges the first sending, not the repetition. */
static bool answers_first(const struct tcp *tp, const struct round *r)
{
    const struct tcp_options *options = &r->header->options;

    return r->acked && tp->undo_possible && tp->undo_stamp && tp->stamps && options->has_stamp &&
           options->echo && seq_before(options->echo, tp->undo_stamp);
}

static void reduce(struct tcp *tp, uint32_t delivered, bool progress)
{
    uint32_t mss = tcp_mss(tp), flight = tcp_in_flight(tp);
    int64_t send;

    tp->prr_delivered += delivered;
    if (flight > tp->ssthresh) {
        send = (int64_t)(((uint64_t)tp->prr_delivered * tp->ssthresh + tp->prr_flight - 1) /
                         tp->prr_flight) -
               tp->prr_out;
    } else {
        int64_t limit = MAX((int64_t)tp->prr_delivered - tp->prr_out, (int64_t)delivered);

        if (progress)
            limit += mss;
        send = MIN((int64_t)tp->ssthresh - flight, limit);
    }
    if (!tp->prr_out) /* the fast retransmission itself */
        send = MAX(send, (int64_t)mss);
    tp->cwnd = flight + (uint32_t)MAX(send, (int64_t)0);
    tp->cwnd = MAX(tp->cwnd, mss);
}

static void find_losses(struct tcp *tp, struct round *r)
{
    nsec_t wait;

    if (!tp->sack) {
        if (tp->ca_state == CA_RECOVERY ? r->acked != 0 : tp->dup_acks >= DUP_THRESHOLD)
            mark_first_lost(tp);
        return;
    }
    update_reorder_window(tp, r);
    if (!tp->rack_advanced || (!tp->sacked && !tp->lost && !tp->again))
        return;
    tp->rack_advanced = false;
    wait = detect_losses(tp, r->now);
    if (wait) {
        tp->retransmit_what = RT_REORDER;
        tp->retransmit_at = r->now + wait;
        tcp_timer_arm(tp);
    }
}

static void react(struct tcp *tp, struct round *r)
{
    uint32_t delivered = (uint32_t)(tp->delivered - r->prior_delivered);
    uint32_t lost = tp->lost;

    if (tp->ca_state >= CA_RECOVERY && (r->undone || answers_first(tp, r)))
        undo(tp);
    if (tp->ca_state >= CA_CWR && !seq_before(tp->snd_una, tp->high_seq))
        leave_recovery(tp);
    find_losses(tp, r);
    if (tp->lost && tp->ca_state < CA_RECOVERY)
        enter_recovery(tp);
    if (tp->ca_state == CA_RECOVERY || tp->ca_state == CA_CWR)
        reduce(tp, delivered, r->acked && tp->lost <= lost);
    else if (r->acked)
        tp->congestion->acked(tp, r->acked);
    if (tp->ca_state <= CA_DISORDER)
        tp->ca_state = tp->sacked ? CA_DISORDER : CA_OPEN;
}

void tcp_repeat_lost(struct tcp *tp)
{
    uint32_t mss = tcp_mss(tp), flight;

    if (!tp->lost)
        return;
    for (struct packet *p = tp->first; p && p != tp->unsent; p = p->next) {
        if ((tcp_sent(p)->state & (SENT_LOST | SENT_AGAIN | SENT_SACKED)) != SENT_LOST)
            continue;
        if (unlikely(tp->paced) && tcp_pacing_waits(tp))
            break;
        flight = tcp_in_flight(tp);
        if (flight + MIN(mss, p->len) > tp->cwnd && flight) {
            tp->cwnd_limited = true;
            tp->cwnd_used = MAX(tp->cwnd_used, flight);
            break;
        }
        if (!tcp_send_again(tp, p, MAX((tp->cwnd - MIN(flight, tp->cwnd)) / mss * mss, mss)))
            break;
        if (tp->ca_state == CA_LOSS)
            MIB(TCP_SLOW_START_RETRANS);
        else
            MIB(TCP_FAST_RETRANS);
    }
    if (tp->retransmit_what != RT_REORDER)
        tcp_arm_retransmit(tp, clock_monotonic());
}

void tcp_enter_loss(struct tcp *tp)
{
    nsec_t now = clock_monotonic(), window = reorder_window(tp);
    bool reneged = tp->first && tcp_sent(tp->first)->state & SENT_SACKED;

    if (tp->ca_state <= CA_DISORDER || !seq_before(tp->snd_una, tp->high_seq) ||
        (tp->ca_state == CA_LOSS && !tp->retries)) {
        remember_for_undo(tp);
        tp->ssthresh = tp->congestion->threshold(tp);
        if (tp->congestion->restart)
            tp->congestion->restart(tp);
    }
    if (reneged || !tp->sack)
        tcp_forget_losses(tp);
    for (struct packet *p = tp->first; p && p != tp->unsent; p = p->next) {
        struct tcp_sent *sent = tcp_sent(p);

        if (p != tp->first && tp->sack && tp->rack_rtt &&
            sent->sent_at + tp->rack_rtt + window > now)
            continue; /* its acknowledgement may still come */
        mark_lost(tp, p);
    }
    tp->dup_acks = 0;
    tp->cwnd = tcp_in_flight(tp) + tcp_mss(tp);
    tp->acked_rest = 0;
    tp->high_seq = tp->snd_nxt;
    tp->ca_state = CA_LOSS;
    tp->tail_probe_end = 0;
}

void tcp_rack_timeout(struct tcp *tp, nsec_t now)
{
    uint32_t lost = tp->lost;
    nsec_t wait = detect_losses(tp, now);

    if (tp->lost > lost) {
        if (tp->ca_state < CA_RECOVERY) {
            enter_recovery(tp);
            reduce(tp, 0, false);
        } else if (tp->ca_state == CA_RECOVERY) {
            reduce(tp, 0, false);
        }
        tcp_repeat_lost(tp);
    }
    tp->retransmit_what = RT_NONE;
    tcp_arm_retransmit(tp, now);
    if (wait) {
        tp->retransmit_what = RT_REORDER;
        tp->retransmit_at = now + wait;
    }
}

/* --- an acknowledgement
 * ----------------------------------------------------------------------------------- */

/* RFC 8985, 7.4: was the tail that the probe repeated lost? */
static void check_tail_probe(struct tcp *tp, const struct round *r)
{
    if (!tp->tail_probe_end || seq_before(r->header->ack, tp->tail_probe_end))
        return;
    if (!tp->tail_probe_again || (r->dsack && r->dsack_end == tp->tail_probe_end)) {
        tp->tail_probe_end = 0;
    } else if (seq_after(r->header->ack, tp->tail_probe_end)) {
        tp->tail_probe_end = 0;
        MIB(TCP_LOSS_PROBE_RECOVERY);
        if (tp->ca_state < CA_CWR) {
            remember_for_undo(tp);
            tp->undo_possible = false;
            begin_reduction(tp, CA_CWR);
            tp->high_seq = tp->snd_una;
            leave_recovery(tp);
        }
    } else if (!r->acked && !r->header->options.nsacks) {
        tp->tail_probe_end = 0; /* both copies have arrived */
    }
}

static void update_window(struct tcp *tp, const struct tcp_header *header, uint32_t seq)
{
    uint32_t window = (uint32_t)header->window << tp->snd_wscale;

    if (seq_after(header->ack, tp->snd_una) || seq_after(seq, tp->snd_wl1) ||
        (seq == tp->snd_wl1 && (window > tp->snd_wnd || !window))) {
        tp->snd_wl1 = seq;
        tp->snd_wnd = window;
        if (window > tp->max_window)
            tp->max_window = window;
    }
}

static void measure(struct tcp *tp, const struct round *r)
{
    const struct tcp_options *options = &r->header->options;
    nsec_t rtt = r->rtt;

    if (!rtt && r->acked && tp->stamps && options->has_stamp && options->echo) {
        uint32_t ms = tcp_stamp(tp, r->now) - options->echo;

        if (ms < 1u << 30)
            rtt = MAX(ms, 1u) * TCP_MS;
    }
    if (rtt)
        tcp_measured(tp, rtt, r->now);
    if (r->newest_sent && r->now > r->newest_at) {
        tp->rate_delivered = tp->delivered - r->newest_delivered;
        tp->rate_interval = MAX(r->now - r->newest_at, r->now - r->newest_sent);
    }
}

/* Bytes arrived: begin to count anew. */
static void progress(struct tcp *tp, nsec_t now)
{
    tp->backoff = tp->retries = 0;
    tp->retry_began = 0;
    if (tp->srtt)
        tp->rto = MIN(tp->srtt + MAX(4 * tp->rttvar, TCP_RTO_MIN), TCP_RTO_MAX);
    tp->soft_error = 0;
    if (seq_after(tp->snd_una, tp->snd_up))
        tp->urgent = false;
    if (!seq_after(tp->highest_sacked, tp->snd_una))
        tp->highest_sacked = tp->snd_una;
    if (tp->retransmit_what != RT_REORDER)
        tp->retransmit_what = RT_NONE;
    tcp_arm_retransmit(tp, now);
}

/* The window has opened: no more probing. */
static void check_probing(struct tcp *tp)
{
    tp->probes = 0;
    if (tp->retransmit_what != RT_PROBE_WINDOW)
        return;
    if (!tp->unsent || tp->snd_una + tp->snd_wnd - tcp_sent(tp->unsent)->seq >=
                           MIN(tcp_sent_len(tp->unsent), (uint32_t)tcp_mss(tp))) {
        tp->retransmit_what = RT_NONE;
        tp->retransmit_at = NSEC_FOREVER;
        tp->backoff = 0;
    }
}

void tcp_ack(struct tcp *tp, const struct tcp_header *header, uint32_t seq, uint32_t len,
             nsec_t now)
{
    struct round r = {.header = header,
                      .now = now,
                      .prior_una = tp->snd_una,
                      .prior_highest = tp->highest_sacked,
                      .prior_delivered = tp->delivered};
    uint32_t window = tp->snd_wnd;
    bool old = seq_before(header->ack, tp->snd_una);

    if (!old) {
        update_window(tp, header, seq);
        r.acked = header->ack - tp->snd_una;
        tp->snd_una = header->ack;
        tp->last_ack_received = now;
    }
    if (tp->sack && header->options.nsacks) {
        check_dsack(tp, &r);
        apply_ranges(tp, &r);
    }
    if (r.acked) {
        tp->bytes_acked += r.acked;
        clean_acknowledged(tp, &r);
    }
    if (tp->tail_probe_end)
        check_tail_probe(tp, &r);
    if (!old)
        check_probing(tp);
    if (!r.acked && tp->delivered == r.prior_delivered && !r.dsack &&
        (tp->sack || old || len || window != tp->snd_wnd || tp->snd_nxt == tp->snd_una))
        return;
    if (!tp->sack && !r.dsack && !old && tp->snd_nxt != r.prior_una)
        count_duplicate(tp, &r);
    measure(tp, &r);
    react(tp, &r);
    if (r.acked)
        progress(tp, now);
    tcp_repeat_lost(tp);
}
