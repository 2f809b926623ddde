/* net/tcp_describe.c: what /proc/net/tcp and sock_diag tell of a connection. */
#include "core/boot.h"
#include "net/tcp.h"

static unsigned ms_until(nsec_t then)
{
    nsec_t left = then - clock_monotonic();

    return left > 0 ? (unsigned)MIN(left / TCP_MS, (nsec_t)INT32_MAX) : 0;
}

static void describe_timer(const struct tcp *tp, struct inet_description *d)
{
    enum { RETRANSMISSION = 1, KEEP_ALIVE, ZERO_WINDOW = 4 };

    if (tp->retransmit_what == RT_PROBE_WINDOW) {
        d->timer = ZERO_WINDOW;
        d->timer_ms = ms_until(tp->retransmit_at);
    } else if (tp->retransmit_what != RT_NONE) {
        d->timer = RETRANSMISSION;
        d->timer_ms = ms_until(tp->retransmit_at);
    } else if (tp->keep_at != NSEC_FOREVER && tp->keep_at) {
        d->timer = KEEP_ALIVE;
        d->timer_ms = ms_until(tp->keep_at);
    }
    d->retransmits = tp->retries;
    d->probes = tp->probes;
}

void tcp_describe(struct inet_socket *s, struct inet_description *d)
{
    struct tcp *tp = tcp_of(s);
    unsigned mss = MAX(tp->mss, 1u);

    d->state = tcp_state(tp);
    d->ssthresh = TCP_NO_SSTHRESH;
    if (d->state == TCP_LISTEN) {
        d->receive_queue = tcp_listen_queued(tp);
        d->send_queue = tcp_listen_backlog(tp);
        return;
    }
    d->send_queue = tp->write_seq - tp->snd_una;
    d->receive_queue =
        (int32_t)(tp->rcv_nxt - tp->copied_seq) > 0 ? tp->rcv_nxt - tp->copied_seq : 0;
    describe_timer(tp, d);
    d->rto_ms = (unsigned)(tp->rto / TCP_MS);
    d->ato_ms = (unsigned)(tp->ack_delay / TCP_MS);
    d->quick = tp->quick;
    d->pingpong = tp->pingpong;
    d->cwnd = tp->cwnd / mss;
    if (tp->ssthresh < TCP_NO_SSTHRESH)
        d->ssthresh = tp->ssthresh / mss;
}

/* --- TIME_WAIT
 * -------------------------------------------------------------------------------------------------
 */

struct pass {
    inet_remnant_fn *fn;
    void *arg;
};

static bool pass_on(const struct tcp_time_wait_info *info, void *arg)
{
    const struct pass *pass = arg;
    struct inet_remnant r = {.local = info->local,
                             .remote = info->remote,
                             .local_port = info->local_port,
                             .remote_port = info->remote_port,
                             .v6 = !inet_is_v4(&info->local),
                             .state = info->state,
                             .timer_ms = (unsigned)MAX(info->left / TCP_MS, 0ll)};

    return pass->fn(&r, pass->arg);
}

static void each_remnant(inet_remnant_fn *fn, void *arg)
{
    struct pass pass = {fn, arg};

    tcp_time_wait_each(pass_on, &pass);
}

static int start(void)
{
    inet_remnants_hook = each_remnant;
    inet_requests_hook = tcp_requests_each;
    return 0;
}
BOOT_STEP(PHASE_BUS, "TCP's remnants", start);
