/* What happens when nothing comes: retransmission, tail-loss and window probes, delayed
 * acknowledgements, keep-alive. One timer a connection: it is let fire early rather than armed
 * again with each segment. */
#include "net/tcp.h"

#include "lib/errno.h"
#include "net/mib.h"

static nsec_t retransmit_timeout(const struct tcp *tp)
{
    return MIN(tp->rto << MIN(tp->backoff, 10u), TCP_RTO_MAX);
}

static void fire(struct timer *timer)
{
    struct tcp *tp = container_of(timer, struct tcp, timer);

    inet_post(&tp->inet, TCP_EV_TIMER);
}

void tcp_timer_init(struct tcp *tp)
{
    timer_init(&tp->timer, fire);
    tp->timer_at = tp->retransmit_at = tp->ack_at = tp->keep_at = NSEC_FOREVER;
}

void tcp_timer_stop(struct tcp *tp)
{
    tp->retransmit_at = tp->ack_at = tp->keep_at = NSEC_FOREVER;
    tp->retransmit_what = RT_NONE;
    if (tp->timer_at != NSEC_FOREVER)
        timer_cancel(&tp->timer);
    tp->timer_at = NSEC_FOREVER;
}

void tcp_timer_arm(struct tcp *tp)
{
    nsec_t at = MIN(MIN(tp->retransmit_at, tp->ack_at), tp->keep_at);

    if (at >= tp->timer_at)
        return;
    tp->timer_at = at;
    timer_start(&tp->timer, at);
}

/* --- retransmission
 * --------------------------------------------------------------------------------------- */

static bool wants_tail_probe(const struct tcp *tp)
{
    return tp->sack && tp->ca_state == CA_OPEN && !tp->sacked && !tp->tail_probe_end && tp->srtt &&
           !tp->backoff && tcp_settings.early_retrans >= 3 && tp->state != TCP_SYN_RECV;
}

void tcp_arm_retransmit(struct tcp *tp, nsec_t now)
{
    nsec_t wait = retransmit_timeout(tp);

    if (tp->snd_una == tp->snd_nxt) {
        if (tp->retransmit_what != RT_PROBE_WINDOW) {
            tp->retransmit_what = RT_NONE;
            tp->retransmit_at = NSEC_FOREVER;
        }
        return;
    }
    if (tp->retransmit_what == RT_REORDER)
        return;
    tp->retransmit_what = RT_RTO;
    if (wants_tail_probe(tp)) {
        nsec_t probe = 2 * tp->srtt;

        probe += tp->snd_nxt - tp->snd_una <= tcp_mss(tp) ? TCP_RTO_MIN : 2 * TCP_MS;
        if (probe < wait) {
            tp->retransmit_what = RT_PROBE_TAIL;
            wait = probe;
        }
    }
    tp->retransmit_at = now + wait;
    tcp_timer_arm(tp);
}

static void give_up(struct tcp *tp)
{
    int soft = tp->soft_error;

    MIB(TCP_ABORT_ON_TIMEOUT);
    tcp_abort(tp, soft ? soft : ETIMEDOUT);
}

/* Has the other side been silent for too long? */
static bool too_long(struct tcp *tp, unsigned tries, unsigned most, nsec_t now)
{
    if (!tp->retry_began)
        tp->retry_began = now;
    if (tp->user_timeout && !TCP_IN(tcp_state(tp), 1 << TCP_SYN_SENT | 1 << TCP_SYN_RECV))
        return tries && now - tp->retry_began >= tp->user_timeout * TCP_MS;
    if (tp->orphan)
        most = tcp_settings.orphan_retries ? (unsigned)tcp_settings.orphan_retries : 8;
    return tries >= most;
}

static unsigned most_retries(const struct tcp *tp)
{
    if (TCP_IN(tcp_state(tp), 1 << TCP_SYN_SENT | 1 << TCP_SYN_RECV))
        return tp->syn_count ? tp->syn_count : (unsigned)tcp_settings.syn_retries;
    return (unsigned)tcp_settings.retries2;
}

/* Large segments that vanish without a word: perhaps a router that does not tell (RFC 4821). */
static void suspect_black_hole(struct tcp *tp)
{
    if (tp->retries < (unsigned)tcp_settings.retries1)
        return;
    tp->inet.flow.generation = 0; /* another way? */
    if (!tcp_settings.mtu_probing || tp->mss <= 536 || tp->first->len < tp->mss ||
        (tp->inet.flow.netif && tp->inet.flow.netif->flags & IFF_LOOPBACK))
        return;
    tp->mss_limit = (uint16_t)MAX(tp->mss / 2, 512);
    tcp_update_mss(tp);
}

static void retransmit(struct tcp *tp, nsec_t now)
{
    if (!tp->first || tp->first == tp->unsent) {
        if (tp->state == TCP_SYN_SENT && tp->first) /* there was no memory for the SYN */
            tcp_send_forced(tp, 1);
        tp->retransmit_what = RT_NONE;
        tp->retransmit_at = NSEC_FOREVER;
        return;
    }
    if (too_long(tp, tp->retries, most_retries(tp), now)) {
        give_up(tp);
        return;
    }
    if (tp->state != TCP_SYN_SENT && tp->state != TCP_SYN_RECV) {
        suspect_black_hole(tp);
        tcp_enter_loss(tp);
    }
    tp->retries++;
    tp->inet.flow.salt += !tp->no_rehash;
    MIB(TCP_TIMEOUTS);
    tp->backoff =
        tp->thin && tp->retries <= 6 && tcp_in_flight(tp) < 4u * tcp_mss(tp) ? 0 : tp->backoff + 1;
    tcp_send_again(tp, tp->first, tcp_mss(tp));
    tp->retransmit_what = RT_RTO;
    tp->retransmit_at = now + retransmit_timeout(tp);
}

/* RFC 8985, 7.3: new data, or the last that was sent and has not been selectively acknowledged. */
static void probe_tail(struct tcp *tp, nsec_t now)
{
    uint32_t mss = tcp_mss(tp), window = tp->snd_una + tp->snd_wnd - tp->snd_nxt;
    struct packet *last = NULL;

    MIB(TCP_LOSS_PROBES);
    tp->tail_probe_again = false;
    if (!tp->unsent || (int32_t)window <= 0 || !tcp_send_forced(tp, MIN(window, mss))) {
        for (struct packet *p = tp->first; p && p != tp->unsent; p = p->next)
            if (!(tcp_sent(p)->state & SENT_SACKED))
                last = p;
        if (last && last->len > mss && tcp_split(tp, last, (last->len - 1) / mss * mss))
            last = last->next;
        if (last) {
            tcp_send_again(tp, last, mss);
            tp->tail_probe_again = true;
        }
    }
    tp->tail_probe_end = tp->snd_nxt;
    tp->retransmit_what = RT_RTO;
    tp->retransmit_at = now + retransmit_timeout(tp);
}

/* RFC 9293, 3.8.6.1. */
static void probe_window(struct tcp *tp, nsec_t now)
{
    uint32_t window;

    if (!tp->unsent || tp->snd_una != tp->snd_nxt) {
        tp->retransmit_what = RT_NONE;
        tcp_arm_retransmit(tp, now);
        return;
    }
    if (too_long(tp, tp->probes, (unsigned)tcp_settings.retries2, now)) {
        give_up(tp);
        return;
    }
    window = tp->snd_una + tp->snd_wnd - tcp_sent(tp->unsent)->seq;
    tp->retransmit_what = RT_NONE;
    if ((int32_t)window > 0 && tcp_send_forced(tp, MIN(window, (uint32_t)tcp_mss(tp))))
        return;
    tcp_send_probe(tp, false);
    MIB(TCP_WIN_PROBE);
    tp->probes++;
    tp->backoff++;
    tp->retransmit_what = RT_PROBE_WINDOW;
    tp->retransmit_at = now + MAX(retransmit_timeout(tp), TCP_RTO_MIN);
}

static void retransmit_due(struct tcp *tp, nsec_t now)
{
    switch (tp->retransmit_what) {
    case RT_RTO:
        retransmit(tp, now);
        break;
    case RT_PROBE_TAIL:
        probe_tail(tp, now);
        break;
    case RT_REORDER:
        tcp_rack_timeout(tp, now);
        break;
    case RT_PROBE_WINDOW:
        probe_window(tp, now);
        break;
    default:
        tp->retransmit_at = NSEC_FOREVER;
    }
}

/* --- keep-alive (RFC 9293, 3.8.4)
 * ----------------------------------------------------------------------- */

unsigned tcp_keep_idle(const struct tcp *tp)
{
    return tp->keep_idle ? tp->keep_idle : (unsigned)tcp_settings.keepalive_time;
}

void tcp_arm_keepalive(struct tcp *tp)
{
    tp->keep_at = NSEC_FOREVER;
    if (!socket_flag(&tp->inet.socket, SO_KEEPALIVE) ||
        TCP_IN(tcp_state(tp), 1 << TCP_CLOSE | 1 << TCP_LISTEN | 1 << TCP_SYN_SENT))
        return;
    tp->keep_at = tp->last_receive + tcp_keep_idle(tp) * TCP_SECOND;
    tcp_timer_arm(tp);
}

static void keepalive(struct tcp *tp, nsec_t now)
{
    unsigned most = tp->keep_count ? tp->keep_count : (unsigned)tcp_settings.keepalive_probes;
    unsigned interval =
        tp->keep_interval ? tp->keep_interval : (unsigned)tcp_settings.keepalive_intvl;
    nsec_t idle = now - MAX(tp->last_receive, tp->last_ack_received);
    nsec_t due = tcp_keep_idle(tp) * TCP_SECOND;

    if (!socket_flag(&tp->inet.socket, SO_KEEPALIVE)) {
        tp->keep_at = NSEC_FOREVER;
        return;
    }
    if (tp->first) { /* retransmission finds out */
        tp->keep_at = now + due;
        return;
    }
    if (idle < due) {
        tp->keep_probes = 0;
        tp->keep_at = now + due - idle;
        return;
    }
    if (tp->user_timeout ? idle >= tp->user_timeout * TCP_MS && tp->keep_probes
                         : tp->keep_probes >= most) {
        tcp_send_reset(tp);
        give_up(tp);
        return;
    }
    tp->keep_probes++;
    MIB(TCP_KEEP_ALIVE);
    tcp_send_probe(tp, false);
    tp->keep_at = now + interval * TCP_SECOND;
}

/* --- events
 * -----------------------------------------------------------------------------------------------
 */

/* The way has become narrower: what was sent larger than that is lost. */
static void narrower(struct tcp *tp)
{
    unsigned old = tcp_mss(tp), mss;

    tp->inet.flow.generation = 0;
    if (ip_route(&tp->inet.flow) < 0)
        return;
    tcp_update_mss(tp);
    mss = tcp_mss(tp);
    if (mss >= old || !TCP_IN(tcp_state(tp), TCP_SYNCED))
        return;
    for (struct packet *p = tp->first; p && p != tp->unsent; p = p->next) {
        struct tcp_sent *sent = tcp_sent(p);

        if (p->len <= mss || sent->state & (SENT_SACKED | SENT_LOST))
            continue;
        if (sent->state & SENT_AGAIN)
            tp->again -= tcp_sent_len(p);
        sent->state = SENT_LOST | (sent->state & SENT_TWICE);
        tp->lost += tcp_sent_len(p);
    }
    tcp_repeat_lost(tp);
    tcp_push(tp, PUSH_NORMAL);
}

void tcp_work(struct inet_socket *s, unsigned events)
{
    struct tcp *tp = tcp_of(s);
    nsec_t now;

    if (events & TCP_EV_TIMER)
        tp->timer_at = NSEC_FOREVER;
    if (tp->state == TCP_CLOSE)
        return;
    if (events & TCP_EV_MTU)
        narrower(tp);
    if (!(events & TCP_EV_TIMER) || tp->state == TCP_CLOSE)
        return;
    now = clock_monotonic();
    if (tp->state == TCP_LISTEN) {
        tcp_listen_timer(tp, now);
        tcp_timer_arm(tp);
        return;
    }
    if (tp->ack_at <= now) {
        tp->ack_at = NSEC_FOREVER;
        if (tp->ack_due) {
            tp->pingpong = false;
            MIB(TCP_DELAYED_ACKS);
            tcp_send_ack(tp);
        }
    }
    /* By one look at the clock: who still waits has the timer set, who does not goes on. */
    if (unlikely(tp->paced) && (tp->unsent || tp->lost) && !tcp_pacing_waits(tp)) {
        tcp_repeat_lost(tp);
        tcp_push(tp, PUSH_NORMAL);
    }
    if (tp->retransmit_at <= now)
        retransmit_due(tp, now);
    if (tp->keep_at <= now && tp->state != TCP_CLOSE)
        keepalive(tp, now);
    if (tp->state != TCP_CLOSE)
        tcp_timer_arm(tp);
}
