/* Connections that others begin. A SYN makes a request, a few words that the listener keeps under
 * its lock; the acknowledgement of our SYN|ACK makes a connection of it, which waits for accept().
 * When there are too many requests, the SYN|ACK itself remembers (tcp_syncookie.c). */
#include "core/random.h"
#include "lib/errno.h"
#include "lib/siphash.h"
#include "mm/heap.h"
#include "net/inet6.h"
#include "net/mib.h"
#include "net/tcp.h"

enum { BUCKETS = 64, SYN_RETRY_MAX = 5, COOKIE_SECONDS = 128, TICK_MS = 200 };

struct request {
    struct list link;
    struct ip_flow flow; /* source: ours */
    uint16_t local_port, remote_port;
    uint32_t iss, irs, scope;
    uint32_t stamp_offset;
    struct tcp_options options; /* of the SYN, as far as we take part */
    struct tcp_saved *syn;      /* itself (TCP_SAVE_SYN); kmalloc or NULL */
    uint32_t window;
    uint8_t wscale;
    bool acked; /* the handshake is over, but there is no room (or no data) */
    unsigned tries;
    nsec_t sent_at, due;
};

struct tcp_listen {
    unsigned backlog, nwaiting, nrequests, nfresh;
    struct tcp *first, **last; /* to be accepted */
    uint32_t next_iss;         /* for the SYN that is at hand; 0: by RFC 6528 */
    nsec_t overflow_at;        /* cookies have been sent */
    struct list requests[BUCKETS];
};

static struct kcache request_cache = {.name = "tcp_request", .size = sizeof(struct request)};

/* --- numbers that nobody can guess (RFC 6528)
 * --------------------------------------------------------------- */

static const uint8_t *secret(void)
{
    static uint8_t key[16];
    static atomic_bool has_key;

    if (!atomic_load_explicit(&has_key, memory_order_acquire)) {
        random_bytes(key, sizeof(key));
        atomic_store_explicit(&has_key, true, memory_order_release);
    }
    return key;
}

uint32_t tcp_initial_sequence(const struct inet_addr *local, unsigned local_port,
                              const struct inet_addr *remote, unsigned remote_port)
{
    struct {
        struct inet_addr local, remote;
        uint64_t ports;
    } ends = {*local, *remote, (uint64_t)local_port << 16 | remote_port};

    return (uint32_t)siphash(secret(), &ends, sizeof(ends)) +
           (uint32_t)((uint64_t)clock_monotonic() >> 6);
}

uint32_t tcp_stamp_offset_for(const struct inet_addr *local, const struct inet_addr *remote)
{
    struct inet_addr ends[2] = {*local, *remote};

    return (uint32_t)siphash(secret(), ends, sizeof(ends));
}

/* --- requests
 * --------------------------------------------------------------------------------------------- */

static struct list *bucket_of(struct tcp_listen *listen, const struct inet_addr *remote,
                              unsigned remote_port)
{
    return &listen->requests[(remote->words[3] ^ remote->words[3] >> 16 ^ remote_port ^
                              remote_port >> 8) %
                             BUCKETS];
}

static struct request *find(struct tcp_listen *listen, const struct inet_addr *local,
                            const struct inet_addr *remote, const struct tcp_header *header)
{
    list_for_each_entry (struct request, r, bucket_of(listen, remote, header->source), link)
        if (r->remote_port == header->source && r->local_port == header->destination &&
            inet_equal(&r->flow.destination, remote) && inet_equal(&r->flow.source, local))
            return r;
    return NULL;
}

static void remove(struct tcp_listen *listen, struct request *r)
{
    list_del(&r->link);
    listen->nrequests--;
    kfree(r->syn);
    kcache_free(&request_cache, r);
}

static void send_syn_ack(struct tcp *tp, struct request *r, nsec_t now)
{
    uint8_t bytes[40];
    struct tcp_options options = r->options;
    struct tcp_reply reply = {.flow = &r->flow,
                              .source = r->local_port,
                              .destination = r->remote_port,
                              .window = (uint16_t)MIN(r->window, 65535u),
                              .seq = r->iss,
                              .ack = r->irs + 1,
                              .flags = TCP_SYN | TCP_ACK,
                              .options = bytes};
    unsigned headers, mtu;

    if (unlikely(r->flow.options_len)) /* they may be others by now */
        inet_flow_options(&tp->inet, &r->flow);
    if (ip_route(&r->flow) < 0)
        return;
    headers = ip_header_len(&r->flow) - r->flow.options_len + TCP_HEADER;
    mtu = MIN(r->flow.mtu, 65535u);
    options.mss = (uint16_t)(mtu > headers ? mtu - headers : 536);
    if (tp->user_mss)
        options.mss = MIN(options.mss, tp->user_mss);
    options.echo = r->options.stamp;
    options.stamp = (uint32_t)((uint64_t)now / TCP_MS) + r->stamp_offset;
    if (r->due == NSEC_FOREVER) /* nobody keeps it: a cookie */
        options.stamp = tcp_cookie_stamp(options.stamp, &r->options);
    options.wscale = r->wscale;
    reply.options_len = tcp_options_put_syn(bytes, &options);
    r->sent_at = now;
    tcp_send_reply(&reply);
}

static bool accept_full(const struct tcp_listen *listen)
{
    return listen->nwaiting > listen->backlog;
}

/* The headers of a SYN as they came, for TCP_SAVED_SYN; `link`: from the frame's on. Best effort.
 */
static struct tcp_saved *save_syn(const struct packet *packet, const struct tcp_header *header,
                                  bool link)
{
    unsigned before = (unsigned)(packet->data - packet->network), front = link ? ETH_HLEN : 0;
    struct tcp_saved *saved = kzalloc(sizeof(*saved) + front + before + header->len);

    if (!saved)
        return NULL;
    saved->len = front + before + header->len;
    if (link && packet->link)
        memcpy(saved->bytes, packet->link, front);
    memcpy(saved->bytes + front, packet->network, before);
    packet_read(packet, 0, saved->bytes + front + before, header->len);
    return saved;
}

/* What a SYN asks for and what we have to it. False: there is no way back. */
static bool fill_request(struct tcp *tp, struct request *r, const struct packet *packet,
                         const struct tcp_header *header)
{
    struct inet_addr local = ip_destination(packet), remote = ip_source(packet);

    r->scope = !inet_is_v4(&remote) && inet_is_link_local(&remote) ? packet->netif->index : 0;
    if (inet_flow(&tp->inet, &r->flow, &remote, r->scope) < 0)
        return false;
    r->flow.source = local;
    if (unlikely(tp->inet.options.six) && tp->inet.options.six->reflect && !inet_is_v4(&remote))
        r->flow.label = get_le32(packet->network) & IPV6_LABEL;
    r->flow.hash = inet_hash_flow(&local, header->destination, &remote, header->source);
    r->local_port = header->destination;
    r->remote_port = header->source;
    r->irs = header->seq;
    r->options = header->options;
    r->options.nsacks = 0;
    r->options.has_stamp &= tcp_settings.timestamps != 0;
    r->options.sack_ok &= tcp_settings.sack != 0;
    r->options.has_wscale &= tcp_settings.window_scaling != 0;
    r->wscale = r->options.has_wscale ? (uint8_t)tcp_choose_wscale(tp) : 0;
    r->window = tcp_window_of_space(tp->inet.socket.receive_buffer);
    if (tp->window_clamp)
        r->window = MIN(r->window, tp->window_clamp);
    r->window = MIN(r->window, 65535u);
    r->stamp_offset = tcp_stamp_offset_for(&local, &remote);
    r->iss = tp->listen->next_iss;
    if (!r->iss)
        r->iss = tcp_initial_sequence(&local, r->local_port, &remote, r->remote_port);
    return true;
}

static void answer_with_cookie(struct tcp *tp, const struct packet *packet,
                               const struct tcp_header *header, nsec_t now)
{
    struct request r = {.due = NSEC_FOREVER};

    if (!fill_request(tp, &r, packet, header))
        return;
    if (!r.options.has_stamp)
        r.options.sack_ok = r.options.has_wscale = false;
    r.iss = tcp_cookie_make(&r.flow.source, &r.flow.destination, header, now);
    tp->listen->overflow_at = now;
    MIB(TCP_SYNCOOKIES_SENT);
    send_syn_ack(tp, &r, now);
}

static nsec_t request_timeout(const struct request *r)
{
    return MIN(TCP_RTO_INIT << MIN(r->tries, 10u), TCP_RTO_MAX);
}

static void new_request(struct tcp *tp, const struct packet *packet,
                        const struct tcp_header *header, nsec_t now)
{
    struct tcp_listen *listen = tp->listen;
    struct request *r;

    if (accept_full(listen)) {
        MIB(TCP_LISTEN_OVERFLOWS);
        MIB(TCP_LISTEN_DROPS);
        return;
    }
    if (tcp_settings.syncookies == 2 || listen->nrequests >= MAX(listen->backlog, 1u) ||
        listen->nrequests >= (unsigned)tcp_settings.max_syn_backlog) {
        if (tcp_settings.syncookies) {
            MIB(TCP_REQ_Q_FULL_DO_COOKIES);
            answer_with_cookie(tp, packet, header, now);
        } else {
            MIB(TCP_REQ_Q_FULL_DROP);
        }
        return;
    }
    r = kcache_alloc(&request_cache);
    if (!r)
        return;
    if (!fill_request(tp, r, packet, header)) {
        kcache_free(&request_cache, r);
        return;
    }
    r->syn = unlikely(tp->save_syn) ? save_syn(packet, header, tp->save_syn == 2) : NULL;
    list_add_tail(bucket_of(listen, &r->flow.destination, r->remote_port), &r->link);
    listen->nrequests++;
    r->due = now + request_timeout(r);
    send_syn_ack(tp, r, now);
    if (r->due < tp->keep_at) {
        tp->keep_at = r->due;
        tcp_timer_arm(tp);
    }
}

/* One request whose time has come: false: it is given up. */
static bool repeat(struct tcp *tp, struct request *r, nsec_t now)
{
    unsigned most = tp->syn_count ? tp->syn_count : (unsigned)tcp_settings.synack_retries;

    if (r->tries >= MAX(most, r->acked ? tp->defer_accept : 0u))
        return false;
    r->tries++;
    r->due = now + request_timeout(r);
    MIB(TCP_RETRANS_SEGS);
    MIB(TCP_SYN_RETRANS);
    send_syn_ack(tp, r, now);
    return true;
}

void tcp_listen_timer(struct tcp *tp, nsec_t now)
{
    struct tcp_listen *listen = tp->listen;
    nsec_t next = NSEC_FOREVER;

    for (unsigned i = 0; i < BUCKETS && listen; i++) {
        list_for_each_safe (p, n, &listen->requests[i]) {
            struct request *r = list_entry(p, struct request, link);

            if (r->due <= now && !repeat(tp, r, now))
                remove(listen, r);
            else
                next = MIN(next, r->due);
        }
    }
    tp->keep_at = next == NSEC_FOREVER ? next : MAX(next, now + TICK_MS * TCP_MS);
}

/* --- the connection
 * ----------------------------------------------------------------------------------------- */

static void inherit_ip(struct inet_socket *to, const struct inet_socket *from)
{
    to->options = from->options;
    list_init(&to->options.memberships);
    to->options.ip_options = NULL;
    to->options.ip_options_len = 0;
    inet6_inherit(to, from);
    if (!from->options.ip_options_len)
        return;
    to->options.ip_options = kmalloc(from->options.ip_options_len);
    if (!to->options.ip_options)
        return;
    to->options.ip_options_len = from->options.ip_options_len;
    memcpy(to->options.ip_options, from->options.ip_options, from->options.ip_options_len);
}

/* What accept(2)'s socket has from its listener: all options. */
static void inherit(struct tcp *child, struct tcp *tp)
{
    struct socket *to = &child->inet.socket, *from = &tp->inet.socket;

    to->cred = from->cred;
    to->flags = from->flags;
    to->send_buffer = from->send_buffer;
    to->receive_buffer = from->receive_buffer;
    to->receive_low = from->receive_low;
    to->priority = from->priority;
    to->mark = from->mark;
    to->receive_timeout = from->receive_timeout;
    to->send_timeout = from->send_timeout;
    to->linger = from->linger;
    to->busy_poll = from->busy_poll;
    to->buffer_lock = from->buffer_lock;
    to->timestamping = from->timestamping;
    to->txtime = from->txtime;
    to->pacing_rate = from->pacing_rate;
    child->paced = tp->paced;
    child->stamping = tp->stamping;
    child->inet.v6only = tp->inet.v6only;
    child->inet.reuse_address = tp->inet.reuse_address;
    child->inet.reuse_port = tp->inet.reuse_port;
    inherit_ip(&child->inet, &tp->inet);
    child->nodelay = tp->nodelay;
    child->cork = tp->cork;
    child->user_mss = tp->user_mss;
    child->window_clamp = tp->window_clamp;
    child->keep_idle = tp->keep_idle;
    child->keep_interval = tp->keep_interval;
    child->keep_count = tp->keep_count;
    child->user_timeout = tp->user_timeout;
    child->syn_count = tp->syn_count;
    child->notsent_low = tp->notsent_low;
    child->linger2 = tp->linger2;
    child->save_syn = tp->save_syn;
    child->tell_inq = tp->tell_inq;
    child->no_rehash = tp->no_rehash;
    child->tx_delay = tp->tx_delay;
    child->send_locked = tp->send_locked;
    child->receive_locked = tp->receive_locked;
    child->congestion = tp->congestion;
}

static void fill_child(struct tcp *child, const struct request *r, nsec_t now)
{
    const struct tcp_options *options = &r->options;

    child->inet.local = r->flow.source;
    child->inet.remote = r->flow.destination;
    child->inet.remote_port = r->remote_port;
    child->inet.scope = r->scope;
    child->inet.flow = r->flow;
    inet_flow_options(&child->inet, &child->inet.flow);
    child->write_seq = r->iss + 1;
    child->iss = child->snd_una = r->iss;
    child->snd_nxt = child->snd_up = child->pushed_seq = child->small_end = r->iss + 1;
    child->irs = r->irs;
    child->rcv_nxt = child->copied_seq = child->rcv_wup = child->last_ack_sent = r->irs + 1;
    child->rcv_wnd = r->window;
    child->wscale_ok = options->has_wscale;
    child->snd_wscale = options->wscale;
    child->rcv_wscale = r->wscale;
    child->stamps = options->has_stamp;
    child->recent_stamp = options->stamp;
    child->recent_stamp_at = (uint32_t)(now / TCP_SECOND);
    child->stamp_offset = r->stamp_offset;
    child->sack = options->sack_ok;
    child->peer_mss = options->mss ? options->mss : inet_is_v4(&r->flow.destination) ? 536 : 1220;
    child->total_again = r->tries;
    child->snd_wl1 = r->irs;
    if (!r->tries && r->sent_at)
        tcp_measured(child, now - r->sent_at, now);
}

static void enqueue(struct tcp_listen *listen, struct tcp *child)
{
    child->accept_next = NULL;
    *listen->last = child;
    listen->last = &child->accept_next;
    listen->nwaiting++;
}

/* The third segment of the handshake: takes the packet. */
static void establish(struct tcp *tp, const struct request *r, struct packet *packet,
                      struct tcp_header *header, nsec_t now)
{
    struct tcp *child = tcp_make(tp->inet.socket.family);
    struct inet_socket *other;

    if (!child) {
        kfree(r->syn);
        packet_free(packet);
        return;
    }
    child->saved_syn = r->syn;
    inherit(child, tp);
    fill_child(child, r, now);
    tcp_note(child, packet);
    tcp_set_state(child, TCP_SYN_RECV);
    inet_lock(&child->inet);
    if (inet_hash_accepted(&child->inet, &tp->inet) < 0) {
        tcp_set_state(child, TCP_CLOSE);
        inet_unlock(&child->inet);
        inet_put(&child->inet);
        rcu_read_lock();
        other = inet_find_connected(IPPROTO_TCP, &r->flow.destination, r->remote_port,
                                    &r->flow.source, r->local_port);
        if (other)
            channel_push(other, packet);
        rcu_read_unlock();
        if (!other)
            packet_free(packet);
        return;
    }
    MIB(TCP_PASSIVE_OPENS);
    tcp_segment(child, packet, header);
    if (child->state == TCP_SYN_RECV) { /* it was not what it seemed to be */
        tcp_done(child);
        inet_unlock(&child->inet);
        inet_put(&child->inet);
        return;
    }
    tcp_input_done(&child->inet);
    inet_unlock(&child->inet);
    enqueue(tp->listen, child);
    waitqueue_wake(&tp->inet.readers, 1, POLLIN | POLLRDNORM);
}

/* --- segments for a listener
 * -------------------------------------------------------------------------------- */

/* For a request that we know. Takes the packet. */
static void for_request(struct tcp *tp, struct request *r, struct packet *packet,
                        struct tcp_header *header, nsec_t now)
{
    struct tcp_listen *listen = tp->listen;
    uint32_t payload = packet->total - header->len;
    struct request copy;

    if (header->flags & TCP_RST) {
        if (header->seq == r->irs + 1) {
            MIB(TCP_EMBRYONIC_RSTS);
            remove(listen, r);
        }
    } else if (header->flags & TCP_SYN) {
        if (header->seq == r->irs && now - r->sent_at > 100 * TCP_MS)
            send_syn_ack(tp, r, now);
    } else if (header->flags & TCP_ACK) {
        if (header->ack != r->iss + 1) {
            tcp_refuse(packet, header);
        } else if (seq_before(header->seq, r->irs + 1) ||
                   seq_after(header->seq, r->irs + 1 + r->window)) {
            if (now - r->sent_at > 100 * TCP_MS)
                send_syn_ack(tp, r, now);
        } else if (!payload && !(header->flags & TCP_FIN) && r->tries < tp->defer_accept) {
            r->acked = true;
        } else if (accept_full(listen)) {
            r->acked = true;
            MIB(TCP_LISTEN_OVERFLOWS);
            MIB(TCP_LISTEN_DROPS);
        } else {
            copy = *r;
            r->syn = NULL;
            remove(listen, r);
            establish(tp, &copy, packet, header, now);
            return;
        }
    }
    packet_free(packet);
}

/* An acknowledgement of something that nobody remembers. Takes the packet. */
static void maybe_cookie(struct tcp *tp, struct packet *packet, struct tcp_header *header,
                         const struct inet_addr *local, const struct inet_addr *remote, nsec_t now)
{
    struct request r = {};
    uint16_t mss;

    if (!tcp_settings.syncookies || !tp->listen->overflow_at ||
        now - tp->listen->overflow_at > COOKIE_SECONDS * TCP_SECOND ||
        !tcp_cookie_check(local, remote, header, now, &mss)) {
        if (tp->listen->overflow_at)
            MIB(TCP_SYNCOOKIES_FAILED);
        tcp_refuse(packet, header);
        packet_free(packet);
        return;
    }
    if (accept_full(tp->listen) || !fill_request(tp, &r, packet, header)) {
        packet_free(packet);
        return;
    }
    MIB(TCP_SYNCOOKIES_RECV);
    r.iss = header->ack - 1;
    r.irs = header->seq - 1;
    r.options.mss = mss;
    r.options.sack_ok = r.options.has_wscale = false;
    if (r.options.has_stamp)
        tcp_cookie_options(header->options.echo, &r.options);
    r.wscale = r.options.has_wscale ? (uint8_t)tcp_choose_wscale(tp) : 0;
    establish(tp, &r, packet, header, now);
}

/* It may be that the connection was made while this segment was on its way here. Takes the packet
 * if so. */
static bool for_connection(struct packet *packet, const struct tcp_header *header,
                           const struct inet_addr *local, const struct inet_addr *remote)
{
    struct inet_socket *s;

    rcu_read_lock();
    s = inet_find_connected(IPPROTO_TCP, remote, header->source, local, header->destination);
    if (s)
        channel_push(s, packet);
    rcu_read_unlock();
    return s;
}

bool tcp_listen_input(struct tcp *tp, struct packet *packet, struct tcp_header *header)
{
    struct inet_addr local = ip_destination(packet), remote = ip_source(packet);
    nsec_t now = clock_monotonic();
    struct request *r;

    if (!tp->listen)
        return false;
    tcp_packet_options(packet, header);
    r = find(tp->listen, &local, &remote, header);
    if (r) {
        for_request(tp, r, packet, header, now);
        return true;
    }
    if (for_connection(packet, header, &local, &remote))
        return true;
    if (header->flags & TCP_ACK && !(header->flags & (TCP_RST | TCP_SYN))) {
        maybe_cookie(tp, packet, header, &local, &remote, now);
        return true;
    }
    if ((header->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN &&
        packet->kind == PACKET_HOST && !inet_is_multicast(&local) && !inet_is_multicast(&remote) &&
        (inet_is_v4(&local) || route_kind(&local, NULL) != RTN_ANYCAST))
        new_request(tp, packet, header, now);
    else if (header->flags & TCP_ACK)
        tcp_refuse(packet, header);
    packet_free(packet);
    return true;
}

void tcp_requests_each(struct inet_socket *s, inet_remnant_fn *fn, void *arg)
{
    struct tcp_listen *listen;
    bool more = true;

    inet_lock(s);
    listen = tcp_of(s)->listen;
    for (unsigned i = 0; i < BUCKETS && listen; i++)
        list_for_each_entry (struct request, r, &listen->requests[i], link) {
            nsec_t left = (r->due - clock_monotonic()) / TCP_MS;

            more = more && fn(&(struct inet_remnant){.local = r->flow.source,
                                                     .remote = r->flow.destination,
                                                     .local_port = r->local_port,
                                                     .remote_port = r->remote_port,
                                                     .v6 = s->socket.family == AF_INET6,
                                                     .state = TCP_SYN_RECV,
                                                     .timer_ms = (unsigned)MAX(left, (nsec_t)0),
                                                     .retransmits = r->tries},
                              arg);
        }
    inet_unlock(s);
}

void tcp_listen_new_iss(struct tcp *tp, uint32_t iss)
{
    if (tp->listen)
        tp->listen->next_iss = iss;
}

/* --- the program's side
 * ----------------------------------------------------------------------------------- */

bool tcp_accept_ready(const struct tcp *tp)
{
    return tp->listen && tp->listen->first;
}

uint32_t tcp_listen_queued(const struct tcp *tp)
{
    return tp->listen ? tp->listen->nwaiting : 0;
}

uint32_t tcp_listen_backlog(const struct tcp *tp)
{
    return tp->listen ? tp->listen->backlog : 0;
}

static int begin(struct tcp *tp)
{
    struct tcp_listen *listen = kzalloc(sizeof(*listen));
    int err;

    if (!listen)
        return -ENOMEM;
    for (unsigned i = 0; i < BUCKETS; i++)
        list_init(&listen->requests[i]);
    listen->last = &listen->first;
    tp->listen = listen;
    tp->inet.socket.listening = true;
    tcp_set_state(tp, TCP_LISTEN);
    err = tp->inet.port ? 0 : inet_bind(&tp->inet, &tp->inet.local, 0);
    if (!err)
        err = inet_hash_bound(&tp->inet);
    if (err) {
        tcp_set_state(tp, TCP_CLOSE);
        tp->inet.socket.listening = false;
        tp->listen = NULL;
        kfree(listen);
    }
    return err;
}

int tcp_op_listen(struct socket *socket, int backlog)
{
    struct tcp *tp = tcp_of_socket(socket);
    unsigned most = (unsigned)tcp_settings.somaxconn;
    int err = 0;

    inet_lock(&tp->inet);
    if ((tp->state != TCP_CLOSE && tp->state != TCP_LISTEN) || tp->connecting || tp->connected ||
        tp->cut)
        err = -EINVAL;
    else if (tp->state == TCP_CLOSE)
        err = begin(tp);
    if (!err)
        tp->listen->backlog = MIN((unsigned)backlog, most);
    inet_unlock(&tp->inet);
    return err;
}

/* The listener ends: requests are forgotten, connections that nobody has accepted are reset. */
void tcp_listen_stop(struct tcp *tp)
{
    struct tcp_listen *listen = tp->listen;
    struct tcp *child;

    tp->inet.socket.listening = false;
    tp->listen = NULL;
    tcp_done(tp);
    if (!listen)
        return;
    for (unsigned i = 0; i < BUCKETS; i++)
        list_for_each_safe (p, n, &listen->requests[i])
            remove(listen, list_entry(p, struct request, link));
    while ((child = listen->first)) {
        listen->first = child->accept_next;
        inet_lock(&child->inet);
        if (child->state != TCP_CLOSE)
            tcp_send_reset(child);
        child->orphan = true;
        tcp_abort(child, 0);
        tcp_receive_purge(child);
        inet_unlock(&child->inet);
        inet_put(&child->inet);
    }
    kfree(listen);
}

static bool may_accept(struct inet_socket *s)
{
    return tcp_accept_ready(tcp_of(s)) || tcp_of(s)->state != TCP_LISTEN;
}

static struct tcp *take_first(struct tcp_listen *listen)
{
    struct tcp *child = listen->first;

    listen->first = child->accept_next;
    if (!listen->first)
        listen->last = &listen->first;
    listen->nwaiting--;
    child->accept_next = NULL;
    return child;
}

int tcp_op_accept(struct socket *socket, bool nonblock, struct socket **accepted)
{
    struct tcp *tp = tcp_of_socket(socket);
    nsec_t deadline = socket_deadline(socket->receive_timeout);
    int err = 0;

    inet_lock(&tp->inet);
    if (tp->state == TCP_LISTEN && !tcp_accept_ready(tp)) {
        err = nonblock ? -EAGAIN : inet_wait(&tp->inet, &tp->inet.readers, may_accept, deadline);
        if (err && !nonblock)
            err = socket_wait_error(err, deadline);
    }
    if (!err && tp->state != TCP_LISTEN)
        err = -EINVAL;
    if (!err) {
        struct tcp *child = take_first(tp->listen);

        child->connected = true;
        *accepted = &child->inet.socket;
    }
    inet_unlock(&tp->inet);
    return err;
}
