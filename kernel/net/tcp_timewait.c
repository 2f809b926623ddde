/* Connections that have ended: a few words each, for as long as old segments may come (RFC 9293,
 * 3.6.1; RFC 6191), and those of closed files that wait for the other side's FIN. A table of
 * buckets with a spinlock each; a wheel of seconds says when they go. */
#include "core/random.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "net/mib.h"
#include "net/tcp.h"

enum { BUCKETS = 1024, WHEEL = 128 };

struct time_wait {
    struct time_wait *next; /* in its bucket */
    struct list wheel;
    struct inet_addr local, remote;
    uint16_t local_port, remote_port;
    uint8_t state; /* TCP_TIME_WAIT or TCP_FIN_WAIT2 */
    uint8_t rcv_wscale, ttl, tos;
    bool stamps, keeps_address; /* bound without SO_REUSEADDR */
    uint32_t rcv_nxt, snd_nxt, rcv_wnd, recent_stamp, recent_stamp_at, stamp_offset;
    struct netif *bound;
    nsec_t ends, answered_at;
};

static struct kcache cache = {.name = "tcp_time_wait", .size = sizeof(struct time_wait)};
static struct {
    struct spinlock lock;
    struct time_wait *first;
} buckets[BUCKETS];
static struct spinlock wheel_lock; /* taken inside a bucket's */
static struct list wheel[WHEEL];
static bool wheel_turns;
static struct timer wheel_timer;
static atomic_uint count;

static unsigned bucket_of(const struct inet_addr *local, unsigned local_port,
                          const struct inet_addr *remote, unsigned remote_port)
{
    return inet_hash_flow(local, local_port, remote, remote_port) % BUCKETS;
}

unsigned tcp_time_wait_count(void)
{
    return atomic_load_explicit(&count, memory_order_relaxed);
}

/* The link that points to it; bucket locked. */
static struct time_wait **find(unsigned bucket, const struct inet_addr *local, unsigned local_port,
                               const struct inet_addr *remote, unsigned remote_port)
{
    struct time_wait **link = &buckets[bucket].first;

    for (; *link; link = &(*link)->next)
        if ((*link)->remote_port == remote_port && (*link)->local_port == local_port &&
            inet_equal(&(*link)->remote, remote) && inet_equal(&(*link)->local, local))
            break;
    return link;
}

/* --- the wheel
 * -------------------------------------------------------------------------------------------- */

/* Also of times shortly before the clock began. */
static unsigned slot_of(nsec_t at)
{
    return (unsigned)(((at + WHEEL * TCP_SECOND) / TCP_SECOND + 1) % WHEEL);
}

static void put_on_wheel(struct time_wait *tw)
{
    spin_lock(&wheel_lock);
    list_add_tail(&wheel[slot_of(tw->ends)], &tw->wheel);
    if (!wheel_turns) {
        wheel_turns = true;
        timer_start(&wheel_timer, clock_monotonic() + TCP_SECOND);
    }
    spin_unlock(&wheel_lock);
}

static void take_off_wheel(struct time_wait *tw)
{
    spin_lock(&wheel_lock);
    list_del(&tw->wheel);
    spin_unlock(&wheel_lock);
}

/* Out of its bucket, which is locked, and gone. */
static void remove_at(struct time_wait **link)
{
    struct time_wait *tw = *link;

    *link = tw->next;
    take_off_wheel(tw);
    atomic_fetch_sub_explicit(&count, 1, memory_order_relaxed);
    kcache_free(&cache, tw);
}

/* The next one of the slot that is over: where it is, for it may go meanwhile. */
static bool next_over(unsigned slot, nsec_t now, struct time_wait *copy)
{
    bool found = false;
    uint64_t flags = spin_lock_irq(&wheel_lock);

    list_for_each_entry (struct time_wait, tw, &wheel[slot], wheel) {
        if (tw->ends > now)
            continue;
        *copy = *tw;
        found = true;
        break;
    }
    spin_unlock_irq(&wheel_lock, flags);
    return found;
}

static void remove_over(const struct time_wait *over, nsec_t now)
{
    unsigned bucket = bucket_of(&over->local, over->local_port, &over->remote, over->remote_port);
    uint64_t flags = spin_lock_irq(&buckets[bucket].lock);
    struct time_wait **link =
        find(bucket, &over->local, over->local_port, &over->remote, over->remote_port);

    if (*link && (*link)->ends <= now)
        remove_at(link);
    spin_unlock_irq(&buckets[bucket].lock, flags);
}

/* Each second, in an interrupt: what is over goes. A slot that is not empty afterwards has entries
 * of a later turn. */
static void turn(struct timer *timer)
{
    static nsec_t turned;
    nsec_t now = clock_monotonic(), from = MAX(turned, now - (WHEEL - 4) * TCP_SECOND);
    struct time_wait over;

    for (nsec_t at = from - TCP_SECOND; at <= now; at += TCP_SECOND)
        while (next_over(slot_of(at - TCP_SECOND), now, &over)) {
            MIB(TCP_TW);
            remove_over(&over, now);
        }
    turned = now;
    spin_lock(&wheel_lock);
    wheel_turns = tcp_time_wait_count();
    if (wheel_turns)
        timer_start(&wheel_timer, now + TCP_SECOND);
    spin_unlock(&wheel_lock);
}

static void init_wheel(void)
{
    uint64_t flags = spin_lock_irq(&wheel_lock);

    if (!wheel[0].next) {
        for (unsigned i = 0; i < WHEEL; i++)
            list_init(&wheel[i]);
        timer_init(&wheel_timer, turn);
    }
    spin_unlock_irq(&wheel_lock, flags);
}

/* --- coming
 * -----------------------------------------------------------------------------------------------
 */

static struct time_wait *make(struct tcp *tp, unsigned state, nsec_t timeout)
{
    struct time_wait *tw;

    if (tcp_time_wait_count() >= (unsigned)tcp_settings.max_tw_buckets)
        return NULL;
    if (!wheel[0].next)
        init_wheel();
    tw = kcache_alloc(&cache);
    if (!tw)
        return NULL;
    tw->local = tp->inet.local;
    tw->remote = tp->inet.remote;
    tw->local_port = tp->inet.local_port;
    tw->remote_port = tp->inet.remote_port;
    tw->state = (uint8_t)state;
    tw->rcv_wscale = tp->rcv_wscale;
    tw->ttl = tp->inet.flow.ttl;
    tw->tos = tp->inet.flow.tos;
    tw->stamps = tp->stamps;
    tw->keeps_address = !tp->inet.reuse_address && !tp->inet.reuse_port;
    tw->rcv_nxt = tp->rcv_nxt;
    tw->snd_nxt = tp->snd_nxt;
    tw->rcv_wnd = tcp_window_left(tp);
    tw->recent_stamp = tp->recent_stamp;
    tw->recent_stamp_at = tp->recent_stamp_at;
    tw->stamp_offset = tp->stamp_offset;
    tw->bound = tp->inet.flow.bound;
    tw->ends = clock_monotonic() + timeout;
    return tw;
}

static void insert(struct time_wait *tw)
{
    unsigned bucket = bucket_of(&tw->local, tw->local_port, &tw->remote, tw->remote_port);
    uint64_t flags = spin_lock_irq(&buckets[bucket].lock);
    struct time_wait **link =
        find(bucket, &tw->local, tw->local_port, &tw->remote, tw->remote_port);

    if (*link)
        remove_at(link);
    tw->next = buckets[bucket].first;
    buckets[bucket].first = tw;
    put_on_wheel(tw);
    atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
    spin_unlock_irq(&buckets[bucket].lock, flags);
}

void tcp_time_wait(struct tcp *tp, unsigned state, nsec_t timeout)
{
    struct time_wait *tw = make(tp, state, MIN(timeout, (WHEEL - 4) * TCP_SECOND));

    if (tw)
        insert(tw);
    tcp_done(tp);
}

/* --- asking
 * -----------------------------------------------------------------------------------------------
 */

bool tcp_time_wait_has(const struct inet_addr *local, unsigned local_port,
                       const struct inet_addr *remote, unsigned remote_port)
{
    unsigned bucket;
    uint64_t flags;
    bool has;

    if (!tcp_time_wait_count())
        return false;
    bucket = bucket_of(local, local_port, remote, remote_port);
    flags = spin_lock_irq(&buckets[bucket].lock);
    has = *find(bucket, local, local_port, remote, remote_port);
    spin_unlock_irq(&buckets[bucket].lock, flags);
    return has;
}

/* Would a socket with this address get packets that are for the other one? */
static bool covers(const struct inet_socket *s, const struct inet_addr *address,
                   const struct inet_addr *other)
{
    if (!inet_is_any(address))
        return inet_equal(address, other);
    return inet_is_v4(address) == inet_is_v4(other) || (!inet_is_v4(address) && !s->v6only);
}

bool tcp_port_held(const struct inet_socket *s, const struct inet_addr *address, unsigned port)
{
    bool held = false;

    if (!tcp_time_wait_count())
        return false;
    for (unsigned i = 0; i < BUCKETS && !held; i++) {
        uint64_t flags = spin_lock_irq(&buckets[i].lock);

        for (const struct time_wait *tw = buckets[i].first; tw; tw = tw->next)
            if (tw->local_port == port && (tw->keeps_address || !s->reuse_address) &&
                covers(s, address, &tw->local))
                held = true;
        spin_unlock_irq(&buckets[i].lock, flags);
    }
    return held;
}

/* RFC 6191: with timestamps that have moved on, nothing old can be taken for new. */
bool tcp_time_wait_reuse(struct tcp *tp, unsigned local_port, bool really)
{
    unsigned bucket =
        bucket_of(&tp->inet.local, local_port, &tp->inet.remote, tp->inet.remote_port);
    uint64_t flags = spin_lock_irq(&buckets[bucket].lock);
    struct time_wait **link =
        find(bucket, &tp->inet.local, local_port, &tp->inet.remote, tp->inet.remote_port);
    uint32_t now = (uint32_t)(clock_monotonic() / TCP_SECOND);
    const struct time_wait *tw = *link;
    bool here = tw && inet_is_loopback(&tw->local);
    bool ok = !tw || ((tcp_settings.tw_reuse == 1 || (tcp_settings.tw_reuse == 2 && here)) &&
                      tw->stamps && tw->state == TCP_TIME_WAIT && now - tw->recent_stamp_at > 1);

    if (ok && tw && really) {
        MIB(TCP_TW_RECYCLED);
        tp->write_seq = tw->snd_nxt + 65535 + 2;
        tp->recent_stamp = tw->recent_stamp;
        tp->recent_stamp_at = tw->recent_stamp_at;
        remove_at(link);
    }
    spin_unlock_irq(&buckets[bucket].lock, flags);
    return ok;
}

void tcp_time_wait_each(bool (*fn)(const struct tcp_time_wait_info *info, void *arg), void *arg)
{
    nsec_t now = clock_monotonic();

    for (unsigned i = 0; i < BUCKETS; i++) {
        uint64_t flags = spin_lock_irq(&buckets[i].lock);
        bool on = true;

        for (const struct time_wait *tw = buckets[i].first; tw && on; tw = tw->next) {
            struct tcp_time_wait_info info = {tw->local,       tw->remote, tw->local_port,
                                              tw->remote_port, tw->state,  tw->ends - now};

            on = fn(&info, arg);
        }
        spin_unlock_irq(&buckets[i].lock, flags);
        if (!on)
            return;
    }
}

/* --- segments
 * --------------------------------------------------------------------------------------------- */

enum verdict { LEAVE, ACKNOWLEDGE, REMOVE, NEW_CONNECTION };

static void start_again(struct time_wait *tw, nsec_t now)
{
    take_off_wheel(tw);
    tw->ends = now + 60 * TCP_SECOND;
    put_on_wheel(tw);
}

/* The file is closed: only the end of the other side's data is of interest. */
static enum verdict in_fin_wait2(struct time_wait *tw, const struct tcp_header *header,
                                 uint32_t payload, nsec_t now)
{
    bool fin = header->flags & TCP_FIN;
    uint32_t end = header->seq + payload + fin;

    if (header->flags & TCP_RST)
        return REMOVE;
    if (header->flags & TCP_SYN && !seq_before(header->seq, tw->rcv_nxt))
        return ACKNOWLEDGE;
    if (!(header->flags & TCP_ACK) || !seq_after(end, tw->rcv_nxt) || end == header->seq)
        return payload || fin ? ACKNOWLEDGE : LEAVE;
    if (!fin || end != tw->rcv_nxt + 1)
        return NEW_CONNECTION; /* data that nobody reads: a RST answers it */
    tw->state = TCP_TIME_WAIT;
    tw->rcv_nxt = end;
    if (header->options.has_stamp) {
        tw->recent_stamp = header->options.stamp;
        tw->recent_stamp_at = (uint32_t)(now / TCP_SECOND);
    }
    start_again(tw, now);
    return ACKNOWLEDGE;
}

static enum verdict in_time_wait(struct time_wait *tw, const struct tcp_header *header,
                                 uint32_t payload, uint32_t *iss, nsec_t now)
{
    const struct tcp_options *options = &header->options;
    bool old_stamp =
        tw->stamps && options->has_stamp && seq_before(options->stamp, tw->recent_stamp);
    bool nothing = !payload && !(header->flags & (TCP_SYN | TCP_FIN));

    if (!old_stamp && header->seq == tw->rcv_nxt && (nothing || header->flags & TCP_RST)) {
        if (header->flags & TCP_RST)
            return tcp_settings.rfc1337 ? LEAVE : REMOVE; /* RFC 1337 */
        start_again(tw, now);
        return LEAVE;
    }
    if ((header->flags & (TCP_SYN | TCP_RST | TCP_ACK)) == TCP_SYN && !old_stamp &&
        (seq_after(header->seq, tw->rcv_nxt) ||
         (tw->stamps && options->has_stamp && seq_after(options->stamp, tw->recent_stamp)))) {
        *iss = tw->snd_nxt + 65535 + 2;
        if (!*iss)
            *iss = 1;
        return NEW_CONNECTION;
    }
    if (header->flags & TCP_RST)
        return LEAVE;
    if (!old_stamp && !(header->flags & TCP_SYN))
        start_again(tw, now);
    return ACKNOWLEDGE;
}

/* Not more than two a second for one that is misled. */
static bool may_answer(struct time_wait *tw, const struct tcp_header *header, nsec_t now)
{
    if (header->flags & TCP_FIN)
        return true;
    if (tw->answered_at && now - tw->answered_at < 500 * TCP_MS)
        return false;
    tw->answered_at = now;
    return true;
}

static void acknowledge(const struct time_wait *tw, nsec_t now)
{
    uint8_t options[TCP_STAMP_LEN];
    struct ip_flow flow = {.source = tw->local,
                           .destination = tw->remote,
                           .protocol = IPPROTO_TCP,
                           .ttl = tw->ttl,
                           .tos = tw->tos,
                           .bound = tw->bound,
                           .pmtudisc = PMTUDISC_WANT};
    struct tcp_reply reply = {.flow = &flow,
                              .source = tw->local_port,
                              .destination = tw->remote_port,
                              .seq = tw->snd_nxt,
                              .ack = tw->rcv_nxt,
                              .flags = TCP_ACK,
                              .window = (uint16_t)MIN(tw->rcv_wnd >> tw->rcv_wscale, 65535u),
                              .options = options,
                              .options_len = tw->stamps ? TCP_STAMP_LEN : 0};

    tcp_options_put_stamp(options, (uint32_t)((uint64_t)now / TCP_MS) + tw->stamp_offset,
                          tw->recent_stamp);
    if (!ip_route(&flow))
        tcp_send_reply(&reply);
}

bool tcp_time_wait_input(struct packet *packet, struct tcp_header *header, uint32_t *iss)
{
    struct inet_addr local = ip_destination(packet), remote = ip_source(packet);
    unsigned bucket = bucket_of(&local, header->destination, &remote, header->source);
    nsec_t now = clock_monotonic();
    enum verdict verdict = LEAVE;
    struct time_wait **link, copy;
    uint64_t flags;

    if (!tcp_time_wait_count())
        return false;
    tcp_packet_options(packet, header);
    flags = spin_lock_irq(&buckets[bucket].lock);
    link = find(bucket, &local, header->destination, &remote, header->source);
    if (!*link) {
        spin_unlock_irq(&buckets[bucket].lock, flags);
        return false;
    }
    verdict = (*link)->state == TCP_FIN_WAIT2
                  ? in_fin_wait2(*link, header, packet->total - header->len, now)
                  : in_time_wait(*link, header, packet->total - header->len, iss, now);
    if (verdict == ACKNOWLEDGE && !may_answer(*link, header, now))
        verdict = LEAVE;
    copy = **link;
    if (verdict == REMOVE || verdict == NEW_CONNECTION)
        remove_at(link);
    spin_unlock_irq(&buckets[bucket].lock, flags);
    if (verdict == NEW_CONNECTION)
        return false;
    if (verdict == ACKNOWLEDGE)
        acknowledge(&copy, now);
    packet_free(packet);
    return true;
}
