/* When bytes were sent and acknowledged (SO_TIMESTAMPING): of each message the last byte counts. */
#include "core/clock.h"
#include "mm/heap.h"
#include "net/tcp.h"

enum { DEPARTURES_MAX = 64, STAMP_TX_ACK = 0x200, STAMP_OPT_ID_TCP = 1 << 16 };
enum { STAMP_INFO_ACK = 2 };

/* Messages whose last byte has not been told of in all ways that are asked for, oldest first. */
struct tcp_departures {
    unsigned n;
    struct departure {
        uint32_t end; /* sequence number behind it */
        uint32_t due; /* STAMP_TX_* */
    } of[DEPARTURES_MAX];
};

void tcp_departures_set(struct tcp *tp, uint32_t stamping)
{
    struct socket *socket = &tp->inet.socket;
    if (stamping & STAMP_OPT_ID && !(socket->timestamping & STAMP_OPT_ID))
        socket->stamp_key = stamping & STAMP_OPT_ID_TCP ? tp->write_seq : tp->snd_una;
    tp->stamping = tp->departing || stamping & (STAMP_SENT | STAMP_TX_ACK);
}

static void tell(struct tcp *tp, struct departure *d, uint32_t how, uint32_t info)
{
    const struct socket *socket = &tp->inet.socket;
    if (!(d->due & how))
        return;
    d->due &= ~how;
    uint32_t key = socket->timestamping & STAMP_OPT_ID ? d->end - 1 - socket->stamp_key : 0;
    inet_queue_notice(&tp->inet, ORIGIN_TIMESTAMPING, ENOMSG, info, key, clock_realtime(), NULL, 0);
}

static void tell_sent(struct tcp *tp, struct departure *d)
{
    tell(tp, d, STAMP_TX_SCHED, STAMP_INFO_SCHED);
    tell(tp, d, STAMP_TX_SOFTWARE, STAMP_INFO_SENT);
}

static void forget_told(struct tcp *tp)
{
    struct tcp_departures *all = tp->departures;
    unsigned n = 0;
    for (unsigned i = 0; i < all->n; i++)
        if (all->of[i].due)
            all->of[n++] = all->of[i];
    all->n = n;
    tp->departing = n;
}

void tcp_departures_sent(struct tcp *tp, uint32_t end)
{
    struct tcp_departures *all = tp->departures;
    for (unsigned i = 0; all && i < all->n && !seq_after(all->of[i].end, end); i++)
        tell_sent(tp, &all->of[i]);
}

void tcp_departures_acknowledged(struct tcp *tp)
{
    struct tcp_departures *all = tp->departures;
    for (unsigned i = 0; i < all->n && !seq_after(all->of[i].end, tp->snd_una); i++) {
        tell_sent(tp, &all->of[i]);
        tell(tp, &all->of[i], STAMP_TX_ACK, STAMP_INFO_ACK);
    }
    forget_told(tp);
}

uint32_t tcp_departures_begin(struct tcp *tp, size_t n)
{
    uint32_t due = tp->inet.socket.timestamping & (STAMP_SENT | STAMP_TX_ACK);
    if (!tp->departures)
        tp->departures = kzalloc(sizeof(*tp->departures));
    struct tcp_departures *all = tp->departures;
    uint32_t end = tp->write_seq + (uint32_t)n;
    if (all && due && n && all->n < DEPARTURES_MAX)
        all->of[all->n++] = (struct departure){end, due};
    tp->departing = all && all->n;
    return end;
}

void tcp_departures_taken(struct tcp *tp, uint32_t end, bool any)
{
    struct tcp_departures *all = tp->departures;
    if (!all || !all->n || all->of[all->n - 1].end != end || !seq_before(tp->write_seq, end))
        return;
    if (!any) {
        tp->departing = --all->n;
        return;
    }
    all->of[all->n - 1].end = tp->write_seq;
    tcp_departures_sent(tp, tp->snd_nxt);
    tcp_departures_acknowledged(tp);
}
