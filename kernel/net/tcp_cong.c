/* How much may be on the way: Reno (RFC 5681) and CUBIC (RFC 9438), with HyStart's end of slow
 * start by growing delay (RFC 9406). Windows are bytes; CUBIC counts in segments inside. */
#include "net/tcp.h"

#include "lib/string.h"

enum { MIN_SEGMENTS = 2, HYSTART_SAMPLES = 8, HYSTART_LOW_SEGMENTS = 16, WINDOW_MAX = 1 << 30 };

static uint32_t least(struct tcp *tp)
{
    return MIN_SEGMENTS * (uint32_t)tcp_mss(tp);
}

/* Growth counts only if the window was what held the sender back. */
static bool may_grow(const struct tcp *tp)
{
    if (tp->cwnd >= WINDOW_MAX)
        return false;
    return tp->cwnd < tp->ssthresh ? tp->cwnd < 2 * tp->cwnd_used : tp->cwnd_limited;
}

/* Returns the acknowledged bytes that slow start has no use for. */
static uint32_t slow_start(struct tcp *tp, uint32_t acked)
{
    uint32_t step = MIN(acked, tp->ssthresh - tp->cwnd);

    tp->cwnd += step;
    return acked - step;
}

/* One segment for each `per` bytes that are acknowledged. */
static void grow(struct tcp *tp, uint32_t acked, uint64_t per)
{
    uint32_t mss = tcp_mss(tp);

    tp->acked_rest += acked;
    if (per < mss)
        per = mss;
    while (tp->acked_rest >= per && tp->cwnd < WINDOW_MAX) {
        tp->acked_rest -= (uint32_t)per;
        tp->cwnd += mss;
    }
}

/* --- Reno
 * -------------------------------------------------------------------------------------------------
 */

static void reno_begin(struct tcp *tp)
{
}

static uint32_t reno_threshold(struct tcp *tp)
{
    return MAX(tp->cwnd / 2, least(tp));
}

static void reno_acked(struct tcp *tp, uint32_t acked)
{
    if (!may_grow(tp))
        return;
    if (tp->cwnd < tp->ssthresh)
        acked = slow_start(tp, acked);
    if (acked)
        grow(tp, acked, tp->cwnd);
}

const struct tcp_congestion tcp_reno = {
    .name = "reno",
    .begin = reno_begin,
    .threshold = reno_threshold,
    .acked = reno_acked,
};

/* --- CUBIC
 * ------------------------------------------------------------------------------------------------
 */

static uint64_t cube_root(uint64_t x)
{
    uint64_t low = 0, high = 1 << 21;

    while (low + 1 < high) {
        uint64_t middle = (low + high) / 2;

        if (middle * middle * middle <= x)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void cubic_begin(struct tcp *tp)
{
    tp->cubic.epoch = 0;
    tp->cubic.last_max = tp->cubic.max = 0;
    tp->cubic.round_end = tp->snd_nxt;
    tp->cubic.round_rtt = tp->cubic.last_rtt = 0;
    tp->cubic.samples = 0;
}

static void cubic_restart(struct tcp *tp)
{
    cubic_begin(tp);
}

/* beta 0.7; fast convergence (RFC 9438, 4.7). */
static uint32_t cubic_threshold(struct tcp *tp)
{
    tp->cubic.epoch = 0;
    tp->cubic.last_max =
        tp->cwnd < tp->cubic.last_max ? (uint32_t)((uint64_t)tp->cwnd * 17 / 20) : tp->cwnd;
    return MAX((uint32_t)((uint64_t)tp->cwnd * 7 / 10), least(tp));
}

static void cubic_epoch(struct tcp *tp, nsec_t now)
{
    uint32_t mss = tcp_mss(tp);

    tp->cubic.epoch = now;
    tp->cubic.reno = tp->cwnd;
    tp->cubic.rest = 0;
    if (tp->cwnd < tp->cubic.last_max) {
        /* K = cbrt((max - cwnd) / C) seconds, C = 0.4; here in milliseconds. */
        uint64_t segments = (tp->cubic.last_max - tp->cwnd) / mss;

        tp->cubic.k = (nsec_t)cube_root(segments * 2500000000ull) * TCP_MS;
        tp->cubic.origin = tp->cubic.last_max;
    } else {
        tp->cubic.k = 0;
        tp->cubic.origin = tp->cwnd;
    }
}

/* W(t) = C (t - K)^3 + origin, at the time one round trip from now. */
static uint32_t cubic_target(const struct tcp *tp, nsec_t now)
{
    int64_t ms = (now - tp->cubic.epoch + tp->min_rtt - tp->cubic.k) / TCP_MS;
    uint64_t distance = MIN((uint64_t)(ms < 0 ? -ms : ms), (uint64_t)1 << 19);
    uint64_t delta = distance * distance * distance / 2500000000ull * tcp_mss(tp);
    uint64_t target;

    /* Below a segment the division above has lost the fraction. */
    if (distance < 1 << 16)
        delta = distance * distance * distance * tcp_mss(tp) / 2500000000ull;
    if (ms < 0)
        target = delta < tp->cubic.origin ? tp->cubic.origin - delta : 0;
    else
        target = tp->cubic.origin + delta;
    return (uint32_t)MIN(target, (uint64_t)WINDOW_MAX);
}

/* What Reno with this beta would have by now (RFC 9438, 4.3): alpha = 9/17 until it is back. */
static void follow_reno(struct tcp *tp, uint32_t acked)
{
    uint32_t mss = tcp_mss(tp);
    bool caught_up = tp->cubic.reno >= tp->cubic.last_max;
    uint64_t per = (uint64_t)tp->cwnd * (caught_up ? 1 : 17) / (caught_up ? 1 : 9);

    tp->cubic.rest += acked;
    if (tp->cubic.rest >= per) {
        tp->cubic.reno += (uint32_t)(tp->cubic.rest / per) * mss;
        tp->cubic.rest %= per;
    }
}

static void cubic_grow(struct tcp *tp, uint32_t acked, nsec_t now)
{
    uint32_t target;

    if (!tp->cubic.epoch)
        cubic_epoch(tp, now);
    follow_reno(tp, acked);
    target = MIN(cubic_target(tp, now), tp->cwnd + tp->cwnd / 2);
    target = MAX(target, tp->cubic.reno);
    if (target > tp->cwnd)
        grow(tp, acked, (uint64_t)tp->cwnd * tcp_mss(tp) / (target - tp->cwnd));
    else
        grow(tp, acked, (uint64_t)tp->cwnd * 100);
}

/* Slow start ends when the least delay of a round is an eighth (4 to 16 ms) above that of the round
 * before. */
static void hystart(struct tcp *tp, nsec_t now)
{
    nsec_t rtt = tp->rack_rtt, margin;

    if (seq_after(tp->snd_una, tp->cubic.round_end)) {
        tp->cubic.round_end = tp->snd_nxt;
        tp->cubic.last_rtt = tp->cubic.round_rtt;
        tp->cubic.round_rtt = 0;
        tp->cubic.samples = 0;
    }
    if (!tp->cubic.round_rtt || rtt < tp->cubic.round_rtt)
        tp->cubic.round_rtt = rtt;
    if (++tp->cubic.samples < HYSTART_SAMPLES || !tp->cubic.last_rtt ||
        tp->cwnd < HYSTART_LOW_SEGMENTS * (uint32_t)tcp_mss(tp))
        return;
    margin = MIN(MAX(tp->cubic.last_rtt / 8, 4 * TCP_MS), 16 * TCP_MS);
    if (tp->cubic.round_rtt >= tp->cubic.last_rtt + margin)
        tp->ssthresh = tp->cwnd;
}

static void cubic_acked(struct tcp *tp, uint32_t acked)
{
    nsec_t now = tp->last_ack_received;

    if (tp->cwnd < tp->ssthresh && tp->ca_state != CA_LOSS)
        hystart(tp, now);
    if (!may_grow(tp))
        return;
    if (tp->cwnd < tp->ssthresh)
        acked = slow_start(tp, acked);
    if (acked)
        cubic_grow(tp, acked, now);
}

const struct tcp_congestion tcp_cubic = {
    .name = "cubic",
    .begin = cubic_begin,
    .threshold = cubic_threshold,
    .acked = cubic_acked,
    .restart = cubic_restart,
};

const struct tcp_congestion *tcp_congestion_find(const char *name)
{
    if (!strcmp(name, tcp_cubic.name))
        return &tcp_cubic;
    return strcmp(name, tcp_reno.name) ? NULL : &tcp_reno;
}

void tcp_cong_begin(struct tcp *tp)
{
    tp->cwnd = TCP_INITIAL_WINDOW * (uint32_t)tcp_mss(tp);
    tp->ssthresh = TCP_NO_SSTHRESH;
    tp->cwnd_used = 0;
    tp->acked_rest = 0;
    tp->congestion->begin(tp);
}
